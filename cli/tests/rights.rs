//! Every command, as each built-in role and as a user with nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use cli_store::{Permission, built_in_roles};

fn vouch(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
    command.args(args).current_dir(dir).stdin(Stdio::null()).env_remove("VOUCH_DOMAIN").env_remove("VOUCH_USER");
    command.output().unwrap()
}

/// The commands that do something, by their names with spaces between them.
fn leaves(command: &clap::Command, before: &str, all: &mut BTreeSet<String>) {
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        let name = format!("{before} {}", sub.get_name()).trim().to_owned();
        if sub.has_subcommands() {
            leaves(sub, &name, all);
        } else {
            all.insert(name);
        }
    }
}

/// What a command takes: one of each group.
type Needs = &'static [&'static [Permission]];

const FREE: Needs = &[];
const VOICE: Needs = &[&[Permission::VoiceId]];
const SEE: Needs = &[&[Permission::ContactSearch, Permission::MyContacts]];
const READ: Needs = &[
    &[Permission::ContactSearch],
    &[Permission::TranscriptRedacted, Permission::TranscriptUnredacted],
    &[Permission::TranscriptRedactedDownload],
];
const HEAR: Needs = &[
    &[Permission::ContactSearch],
    &[Permission::RecordingRedacted, Permission::RecordingUnredacted],
    &[Permission::RecordingRedactedDownload],
];

/// Every command with arguments that would do, and what it takes. What destroys comes last.
fn table() -> Vec<(&'static str, &'static str, Needs)> {
    use Permission as P;
    vec![
        ("demo", "", FREE),
        ("completions", "bash", FREE),
        ("man", "man", FREE),
        ("model import", "none", FREE),
        ("model describe", "", FREE),
        ("model verify", "", FREE),
        ("flow lint", "none", FREE),
        ("rules lint", "rule.json", FREE),
        ("privacy effective", "", FREE),
        ("domain create", "", FREE),
        ("domain list", ".", FREE),
        ("domain describe", "", VOICE),
        ("enroll", "--speaker a none.wav", VOICE),
        ("verify", "--speaker a none.wav", VOICE),
        ("call", "none.wav --speaker a", VOICE),
        ("listen", "", VOICE),
        ("identify", "none.wav", VOICE),
        ("compare", "none.wav none.wav", VOICE),
        ("embed", "none.wav --out x.npy", VOICE),
        ("inspect", "none.wav", VOICE),
        ("eval", "none.trials", VOICE),
        ("calibrate", "none.trials --out c.json", VOICE),
        ("flow run", "none.json --contact none.json --audio none.wav", VOICE),
        ("speaker list", "", VOICE),
        ("speaker describe", "a", VOICE),
        ("speaker opt-out", "a", VOICE),
        ("speaker delete", "a", VOICE),
        ("speaker export", "a --out f --passphrase-file p", VOICE),
        ("speaker import", "f --passphrase-file p", VOICE),
        ("watchlist create", "l", VOICE),
        ("watchlist list", "", VOICE),
        ("watchlist describe", "default", VOICE),
        ("watchlist update", "default --name l", VOICE),
        ("watchlist delete", "default", VOICE),
        ("watchlist add", "default id#aaaaaaaaaaaaaaaaaaaaaa", VOICE),
        ("watchlist remove", "default id#aaaaaaaaaaaaaaaaaaaaaa", VOICE),
        ("fraudster register", "none.wav", VOICE),
        ("fraudster list", "", VOICE),
        ("fraudster describe", "id#aaaaaaaaaaaaaaaaaaaaaa", VOICE),
        ("fraudster delete", "id#aaaaaaaaaaaaaaaaaaaaaa", VOICE),
        ("session list", "", VOICE),
        ("session delete", "id#aaaaaaaaaaaaaaaaaaaaaa", VOICE),
        ("session purge", "", VOICE),
        ("batch enroll", "none.json --out o", VOICE),
        ("batch register", "none.json --out o", VOICE),
        ("batch resume", "aaaaaaaaaaaaaaaaaaaaaa", VOICE),
        ("batch list", "", VOICE),
        ("batch describe", "aaaaaaaaaaaaaaaaaaaaaa", VOICE),
        ("secure lint", "none.json", FREE),
        ("secure verify", "none.wav", &[&[P::RecordingRedacted, P::RecordingUnredacted]]),
        ("redact", "--audio none.wav --out o", &[&[P::RecordingUnredacted]]),
        ("redact-text", "none.txt", &[&[P::TranscriptUnredacted]]),
        ("eval-redaction", "none.jsonl", &[&[P::TranscriptUnredacted]]),
        ("unseal", "none --key k", &[&[P::TranscriptUnredacted]]),
        ("retain", "none --older-than 1d", &[&[P::DeleteRecordings]]),
        ("rules test", "rule.json none.json", &[&[P::TranscriptRedacted, P::TranscriptUnredacted]]),
        ("rules run", "--rules rule.json none.ndjson", &[&[P::Realtime]]),
        ("rules list", "", &[&[P::RulesView]]),
        ("rules set", "rule.json", &[&[P::RulesEdit]]),
        ("privacy filter", "none.ndjson", &[&[P::ImportContacts, P::PrivacyEdit]]),
        ("privacy open", "--key k x", &[&[P::ContactAttributes]]),
        ("privacy get", "", &[&[P::PrivacyView]]),
        ("privacy set", "privacy.json", &[&[P::PrivacyEdit]]),
        ("privacy delete", "", &[&[P::PrivacyEdit]]),
        ("audit list", "", &[&[P::AuditView]]),
        ("audit verify", "", &[&[P::AuditView]]),
        ("contact search", "", SEE),
        ("contact show", "c0", SEE),
        ("contact export", "", SEE),
        ("contact transcript", "c0", READ),
        ("contact recording", "c0 --out x.wav", HEAR),
        ("contact import", "records.ndjson", &[&[P::ImportContacts]]),
        ("contact attach", "c0 --redacted-recording records.ndjson", &[&[P::ImportContacts]]),
        ("contact purge", "", &[&[P::ImportContacts]]),
        ("user list", "", &[&[P::UsersView]]),
        ("user create", "new", &[&[P::UsersCreate]]),
        ("user update", "new", &[&[P::UsersEdit]]),
        ("user token", "new --out token", &[&[P::UsersEdit]]),
        ("role permissions", "", FREE),
        ("role list", "", &[&[P::RolesView, P::UsersEdit]]),
        ("role set", "listener --permission RedactedData.View", &[&[P::RolesCreate]]),
        ("role delete", "listener", &[&[P::RolesDelete]]),
        ("policy lint", "", &[&[P::UsersView]]),
        ("policy elevations", "", &[&[P::UsersView]]),
        ("policy explain", "nobody2 c0", &[&[P::UsersView], &[P::ContactSearch]]),
        ("policy elevate", "nobody2 CallRecordings.Redacted.Access --reason x", &[&[P::UsersEditPermission]]),
        ("policy revoke", "aaaa", &[&[P::UsersEditPermission]]),
        ("policy two-persons", "off", &[&[P::AdministerDomain]]),
        ("rules delete", "r", &[&[P::RulesDelete]]),
        ("user delete", "nobody2", &[&[P::UsersDelete]]),
        ("contact delete", "c0 --yes", &[&[P::ContactSearch], &[P::DeleteRecordings]]),
        ("domain delete", "--yes", &[&[P::AdministerDomain]]),
    ]
}

#[test]
fn every_command_asks_for_its_right_whoever_gives_it() {
    let mut all = BTreeSet::new();
    leaves(&cli::args::Cli::command(), "", &mut all);
    let table = table();
    let listed: BTreeSet<String> = table.iter().map(|t| t.0.to_owned()).collect();
    let without: Vec<_> = all.difference(&listed).collect();
    assert!(without.is_empty(), "commands without a rule here: {without:?}");
    let gone: Vec<_> = listed.difference(&all).filter(|n| !["listen", "model import"].contains(&n.as_str())).collect();
    assert!(gone.is_empty(), "rules without a command: {gone:?}");

    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let ok = |args: &[&str]| {
        let out = vouch(at, args);
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    };
    let record = r#"{"ContactId":"c0","InitiationTimestamp":"2026-11-20T08:00:00Z","LastUpdateTimestamp":"2026-11-20T08:06:00Z"}"#;
    let rule = r#"{"name":"r","eventSource":"REAL_TIME","conditions":[{"type":"words","match":"EXACT","values":["a"]}],"actions":[{"type":"category","name":"A"}]}"#;
    let said = r#"{"Participants":[],"Transcript":[{"ParticipantId":"C","Content":"my card is [PII]","BeginOffsetMillis":0,"EndOffsetMillis":1}]}"#;
    for (name, text) in [
        ("records.ndjson", record),
        ("rule.json", rule),
        ("said.json", said),
        ("privacy.json", r#"{"type":"DENY","fields":[]}"#),
    ] {
        std::fs::write(at.join(name), text).unwrap();
    }
    ok(&["domain", "create"]);
    ok(&["contact", "import", "records.ndjson", "--retention-days", "36500"]);
    ok(&["contact", "attach", "c0", "--redacted-transcript", "said.json", "--redacted-recording", "said.json"]);
    ok(&["rules", "set", "rule.json"]);
    ok(&["user", "create", "nobody"]);
    ok(&["user", "create", "nobody2"]);
    let roles = built_in_roles();
    for role in &roles {
        ok(&["user", "create", &role.name, "--role", &role.name]);
    }
    let mut wrong = Vec::new();
    for user in ["nobody", "Agent", "QualityAnalyst", "CallCenterManager", "Admin"] {
        let has = |p: &Permission| roles.iter().any(|r| r.name == user && r.permissions.contains(p));
        for (name, args, needs) in table.iter().filter(|t| all.contains(t.0) && t.0 != "demo") {
            let mut line: Vec<&str> = name.split(' ').chain(args.split_whitespace()).collect();
            line.extend(["--as", user, "-q"]);
            let out = vouch(at, &line);
            let told = String::from_utf8_lossy(&out.stderr);
            let may = needs.iter().all(|any| any.iter().any(has));
            // A contact that one may not see is not there.
            let refused = out.status.code() == Some(17) || told.contains("there is no contact c0");
            let own_only = may && user == "Agent" && told.contains("there is no contact c0");
            let leaks = !may && !out.stdout.is_empty();
            if out.status.code() == Some(2) || leaks || (refused == may && !own_only) {
                wrong.push(format!("{user}: {name} {args}: {:?} {told}", out.status.code()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!at.join("vouch.domain").exists(), "the administrator has deleted it at last");
}
