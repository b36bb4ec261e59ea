//! Damaged, swapped, foreign and leftover bytes.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use cli_store::{Consent, Domain, KeyProblem, ResourceType, StoreError};
use common::*;

fn error_kind(e: &StoreError) -> String {
    match e {
        StoreError::Key { problem, .. } => format!("key {problem:?}"),
        StoreError::NotFound { resource, .. } => format!("no {resource}"),
        StoreError::NotADomain { .. } => "not a domain".into(),
        StoreError::Corrupt { .. } => "corrupt".into(),
        StoreError::Schema { found, .. } => format!("schema {found}"),
        StoreError::Io { .. } => "io".into(),
        other => format!("{other:?}"),
    }
}

#[test]
fn opening_what_is_not_a_good_domain_names_file_and_reason() {
    struct Case {
        name: &'static str,
        spoil: fn(&Path),
        want: &'static str,
        names: &'static str,
    }
    fn database(dir: &Path) -> std::path::PathBuf {
        dir.join("domain.sqlite")
    }
    fn rewrite(dir: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(database(dir)).unwrap();
        change(&mut bytes);
        fs::write(database(dir), bytes).unwrap();
    }
    let cases = [
        Case {
            name: "no directory",
            spoil: |d| fs::remove_dir_all(d).unwrap(),
            want: "no DOMAIN",
            names: "test.domain",
        },
        Case {
            name: "a file in its place",
            spoil: |d| {
                fs::remove_dir_all(d).unwrap();
                fs::write(d, b"x").unwrap();
            },
            want: "not a domain",
            names: "test.domain",
        },
        Case {
            name: "no database",
            spoil: |d| fs::remove_file(database(d)).unwrap(),
            want: "not a domain",
            names: "test.domain",
        },
        Case {
            name: "database is a directory",
            spoil: |d| {
                fs::remove_file(database(d)).unwrap();
                fs::create_dir(database(d)).unwrap();
            },
            want: "not a domain",
            names: "test.domain",
        },
        Case {
            name: "empty database",
            spoil: |d| fs::write(database(d), b"").unwrap(),
            want: "corrupt",
            names: "domain.sqlite",
        },
        Case {
            name: "text named .sqlite",
            spoil: |d| fs::write(database(d), "hello ".repeat(1000)).unwrap(),
            want: "corrupt",
            names: "domain.sqlite",
        },
        Case {
            name: "header only",
            spoil: |d| rewrite(d, |b| b.truncate(100)),
            want: "corrupt",
            names: "domain.sqlite",
        },
        Case { name: "one page", spoil: |d| rewrite(d, |b| b.truncate(4096)), want: "corrupt", names: "domain.sqlite" },
        Case {
            name: "half",
            spoil: |d| rewrite(d, |b| b.truncate(b.len() / 2)),
            want: "corrupt",
            names: "domain.sqlite",
        },
        Case {
            name: "zeros after the header",
            spoil: |d| rewrite(d, |b| b[100..].fill(0)),
            want: "corrupt",
            names: "domain.sqlite",
        },
        Case {
            name: "another program's",
            spoil: |d| rewrite(d, |b| b[68..72].fill(0)),
            want: "not a domain",
            names: "domain.sqlite",
        },
        Case {
            name: "newer schema",
            spoil: |d| raw_run(d, "UPDATE _sqlx_migrations SET version = 9001 WHERE version = 1"),
            want: "schema 9001",
            names: "domain.sqlite",
        },
        Case {
            name: "no schema version",
            spoil: |d| raw_run(d, "DELETE FROM _sqlx_migrations"),
            want: "not a domain",
            names: "domain.sqlite",
        },
        Case {
            name: "malformed row",
            spoil: |d| raw_run(d, "UPDATE domains SET name = 'a b'"),
            want: "corrupt",
            names: "domain.sqlite",
        },
        Case {
            name: "wrong kind in a row",
            spoil: |d| raw_run(d, "UPDATE domains SET expiry_days = 'soon'"),
            want: "corrupt",
            names: "domain.sqlite",
        },
        Case {
            name: "changed data key",
            spoil: |d| raw_run(d, "UPDATE data_keys SET wrapped = zeroblob(73)"),
            want: "corrupt",
            names: "domain.sqlite",
        },
        Case {
            name: "no key",
            spoil: |d| fs::remove_file(d.join("domain.key")).unwrap(),
            want: "key Missing",
            names: "domain.key",
        },
        Case {
            name: "empty key",
            spoil: |d| fs::write(d.join("domain.key"), b"").unwrap(),
            want: "key Malformed",
            names: "domain.key",
        },
        Case {
            name: "another domain's key",
            spoil: |d| {
                let other = d.with_file_name("other");
                Domain::create(&other, new_domain()).unwrap();
                fs::copy(other.join("domain.key"), d.join("domain.key")).unwrap();
            },
            want: "key Wrong",
            names: "domain.key",
        },
    ];
    let mut bad = Vec::new();
    for case in cases {
        let f = fixture();
        f.domain.put_voiceprint(&speaker("a"), enrolment(&numbered_template(1))).unwrap();
        drop(f.domain);
        (case.spoil)(&f.dir);
        match Domain::open(&f.dir) {
            Ok(_) => bad.push(format!("{}: opened", case.name)),
            Err(e) => {
                let (kind, text) = (error_kind(&e), e.to_string());
                if kind != case.want || text.contains('\n') || !text.contains(case.names) {
                    bad.push(format!("{}: want {}, got {kind}: {text}", case.name, case.want));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn creating_over_something_is_refused_and_leaves_it_alone() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("file"), b"mine").unwrap();
    Domain::create(&at("domain"), new_domain()).unwrap();
    let key = fs::read(at("domain").join("domain.key")).unwrap();
    for name in ["empty", "file", "domain"] {
        let error = Domain::create(&at(name), new_domain()).unwrap_err();
        assert!(matches!(error, StoreError::Exists { .. }), "{name}: {error:?}");
    }
    let missing = Domain::create(&at("no/such"), new_domain()).unwrap_err();
    assert!(matches!(missing, StoreError::Io { .. }) && missing.to_string().contains("no/such"), "{missing}");
    assert_eq!(fs::read(at("domain").join("domain.key")).unwrap(), key);
    assert_eq!(names(parent.path()), ["domain", "empty", "file"]);
    assert_eq!(names(&at("domain")), ["domain.key", "domain.lock", "domain.sqlite"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        let dir = at("domain");
        assert_eq!(mode(&dir), 0o700);
        for name in names(&dir) {
            assert_eq!(mode(&dir.join(&name)), 0o600, "{name}");
        }
    }
}

#[test]
fn a_strange_directory_name_is_a_name() {
    let parent = tempfile::tempdir().unwrap();
    for name in ["file:x?mode=memory", "ä b'c;%20", "-"] {
        let dir = parent.path().join(name);
        Domain::create(&dir, new_domain()).unwrap().set_pending(&speaker("a")).unwrap();
        assert_eq!(Domain::open(&dir).unwrap().count_speakers().unwrap(), 1, "{name}");
        assert!(dir.join("domain.sqlite").is_file());
    }
}

#[test]
fn swapped_moved_and_changed_rows_do_not_open() {
    let swap = |table: &str, column: &str| {
        format!(
            "CREATE TABLE x AS SELECT rowid AS r, {column} AS v FROM {table};
             UPDATE {table} SET {column} = (SELECT v FROM x WHERE r <> {table}.rowid LIMIT 1);
             DROP TABLE x"
        )
    };
    let cases: Vec<(&str, String)> = vec![
        ("voiceprints swapped", swap("voiceprints", "sealed")),
        ("customer ids swapped", swap("speakers", "customer_sealed")),
        ("another model", "UPDATE voiceprints SET model_id = '00000000000000000000000000000000'".into()),
        ("another time", "UPDATE voiceprints SET enrolled_at = enrolled_at + 1".into()),
        ("cut short", "UPDATE voiceprints SET sealed = substr(sealed, 1, length(sealed) - 1)".into()),
        ("emptied", "UPDATE voiceprints SET sealed = x''".into()),
        ("text in place of bytes", "UPDATE voiceprints SET sealed = 'hello'".into()),
        ("consent in place of it", "UPDATE voiceprints SET sealed = (SELECT sealed FROM consents LIMIT 1)".into()),
        ("unknown status", "UPDATE speakers SET status = 'FRIEND'".into()),
    ];
    let mut bad = Vec::new();
    for (name, sql) in cases {
        let f = fixture();
        f.domain.put_voiceprint(&speaker("a"), enrolment(b"template a").consent(Consent::new("yes", "me"))).unwrap();
        f.domain.put_voiceprint(&speaker("b"), enrolment(b"template b")).unwrap();
        raw_run(&f.dir, &sql);
        match f.domain.voiceprint(&speaker("a")) {
            Err(StoreError::Corrupt { .. }) => {}
            other => bad.push(format!("{name}: {other:?}")),
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");

    // A row from another domain, under the same ids, does not open either.
    let (f, g) = (fixture(), fixture());
    for x in [&f, &g] {
        x.domain.put_voiceprint(&speaker("a"), enrolment(b"template")).unwrap();
    }
    let stolen: Vec<u8> = sqlx::Row::get(&raw_rows(&g.dir, "SELECT sealed FROM voiceprints")[0], 0);
    let hex: String = stolen.iter().map(|b| format!("{b:02x}")).collect();
    raw_run(&f.dir, &format!("UPDATE voiceprints SET sealed = x'{hex}'"));
    assert!(matches!(f.domain.voiceprint(&speaker("a")), Err(StoreError::Corrupt { .. })));
}

#[test]
fn an_edited_audit_is_noticed() {
    let cases = [
        "UPDATE audit SET actor = 'somebody else' WHERE seq = 2",
        "UPDATE audit SET at = at + 1 WHERE seq = 2",
        "UPDATE audit SET action = 'SPEAKER_DELETED' WHERE seq = 2",
        "UPDATE audit SET subject = 'id#0123456789012345678901' WHERE seq = 2",
        "UPDATE audit SET mac = zeroblob(32) WHERE seq = 4",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 2; UPDATE audit SET seq = seq - 1 WHERE seq > 2",
        "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 99",
    ];
    for sql in cases {
        let f = fixture();
        for name in ["a", "b", "c"] {
            f.domain.put_voiceprint(&speaker(name), enrolment(b"x")).unwrap();
        }
        assert_eq!(f.domain.verify_audit().unwrap(), 4);
        raw_run(&f.dir, sql);
        assert!(matches!(f.domain.verify_audit(), Err(StoreError::Corrupt { .. })), "{sql}");
    }
}

#[test]
fn an_audit_entry_from_another_past_is_noticed() {
    let f = fixture();
    f.domain.put_voiceprint(&speaker("a"), enrolment(b"x")).unwrap();
    // A copy of the domain lives another life, with the same keys.
    let fork = f.dir.with_file_name("fork");
    fs::create_dir(&fork).unwrap();
    raw_run(&f.dir, "PRAGMA wal_checkpoint(TRUNCATE)");
    for name in ["domain.sqlite", "domain.key"] {
        fs::copy(f.dir.join(name), fork.join(name)).unwrap();
    }
    Domain::open(&fork).unwrap().opt_out(&speaker("a")).unwrap();
    f.domain.put_voiceprint(&speaker("b"), enrolment(b"x")).unwrap();
    f.domain.put_voiceprint(&speaker("c"), enrolment(b"x")).unwrap();
    raw_run(
        &f.dir,
        &format!(
            "ATTACH '{}' AS fork; DELETE FROM main.audit WHERE seq = 3;
             INSERT INTO main.audit SELECT * FROM fork.audit WHERE seq = 3",
            fork.join("domain.sqlite").display()
        ),
    );
    assert_eq!(f.domain.audit(0).unwrap().len(), 4);
    assert!(matches!(f.domain.verify_audit(), Err(StoreError::Corrupt { .. })));
}

fn pieces_found(dir: &Path, secret: &[u8]) -> usize {
    let files = files(dir);
    let pieces = secret.chunks_exact(24);
    pieces.filter(|piece| files.iter().any(|(_, bytes)| bytes.windows(24).any(|w| w == *piece))).count()
}

#[test]
fn deleted_voiceprints_are_gone_from_the_files() {
    for (name, long) in [("delete", true), ("delete", false), ("opt out", true), ("opt out", false)] {
        let f = fixture();
        // Somebody else has the domain open all the while.
        let other = Domain::open(&f.dir).unwrap();
        for i in 0..20 {
            let template = if long { numbered_template(i) } else { numbered_template(i)[..300].to_vec() };
            f.domain.put_voiceprint(&speaker(&format!("s{i}")), enrolment(&template)).unwrap();
        }
        let id = speaker("s9");
        let generated = f.domain.describe_speaker(&id).unwrap().generated_speaker_id;
        let sql = format!("SELECT sealed FROM voiceprints WHERE generated_speaker_id = '{generated}'");
        let sealed: Vec<u8> = sqlx::Row::get(&raw_rows(&f.dir, &sql)[0], 0);
        let customer = format!("SELECT customer_sealed FROM speakers WHERE generated_speaker_id = '{generated}'");
        let customer: Vec<u8> = sqlx::Row::get(&raw_rows(&f.dir, &customer)[0], 0);
        other.voiceprint(&id).unwrap();
        let before = pieces_found(&f.dir, &sealed);
        assert!(before > sealed.len() / 24 / 2, "the search must find what is there: {before}");
        assert!(pieces_found(&f.dir, &customer) > 0);
        match name {
            "delete" => f.domain.delete_speaker(&id).unwrap(),
            _ => drop(f.domain.opt_out(&id).unwrap()),
        }
        assert_eq!(pieces_found(&f.dir, &sealed), 0, "{name}, long: {long}");
        if name == "delete" {
            assert_eq!(pieces_found(&f.dir, &customer), 0);
        }
        other.for_each_enrolled(|_, _| Ok(())).unwrap();
        assert_eq!(other.audit(0).unwrap().len(), 22);
    }
}

#[test]
fn nothing_that_names_a_caller_is_in_the_clear() {
    let f = fixture();
    let secrets =
        ["alice-0441234567", "consent-of-Alice-Example", "supervisor-Smith-who-wrote-it", "net_speech_secret_json"];
    let template = b"template-bytes-that-must-not-be-seen";
    let id = speaker(secrets[0]);
    let consent = Consent::new(secrets[1], secrets[2]);
    let details = format!("{{\"{}\":1}}", secrets[3]);
    let made = f.domain.put_voiceprint(&id, enrolment(template).details(&details).consent(consent.clone())).unwrap();
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        made,
        f.domain,
        f.domain.voiceprint(&id).unwrap(),
        consent,
        f.domain.describe().unwrap(),
        f.domain.put_voiceprint(&id, enrolment(template)),
        f.domain.describe_speaker(&speaker("alice-0441234568")),
    );
    let key = fs::read_to_string(f.dir.join("domain.key")).unwrap();
    let bytes: Vec<u8> = files(&f.dir).into_iter().flat_map(|(_, b)| b).collect();
    for secret in secrets.iter().copied().chain(["alice-0441234568", "template-bytes"]) {
        assert!(!shown.contains(secret), "{secret} in {shown}");
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret} is in a file");
    }
    assert!(!shown.contains(key.split_whitespace().nth(1).unwrap()));
    // The search finds what is stored in the clear on purpose.
    assert!(bytes.windows(25).any(|w| w == made.generated_speaker_id.as_str().as_bytes()));
}

#[test]
fn rekeying_changes_the_key_and_no_voiceprint() {
    let f = fixture();
    for i in 0..5 {
        f.domain.put_voiceprint(&speaker(&format!("s{i}")), enrolment(&numbered_template(i))).unwrap();
    }
    let dump = |f: &Fixture| -> Vec<Vec<u8>> {
        raw_rows(&f.dir, "SELECT sealed FROM voiceprints ORDER BY generated_speaker_id")
            .iter()
            .map(|r| sqlx::Row::get(r, 0))
            .collect()
    };
    let (before, old) = (dump(&f), fs::read(f.dir.join("domain.key")).unwrap());
    let wrapped: Vec<u8> = sqlx::Row::get(&raw_rows(&f.dir, "SELECT wrapped FROM data_keys")[0], 0);
    f.domain.rekey().unwrap();
    assert_eq!(dump(&f), before);
    assert_eq!(pieces_found(&f.dir, &wrapped), 0, "the data key under the old key is still in a file");
    // Both the domain that was open and one that is opened now go on.
    for domain in [&f.domain, &Domain::open(&f.dir).unwrap()] {
        assert_eq!(template_of(domain, &speaker("s3")).unwrap(), numbered_template(3));
    }
    fs::write(f.dir.join("domain.key"), old).unwrap();
    let error = Domain::open(&f.dir).unwrap_err();
    assert!(matches!(error, StoreError::Key { problem: KeyProblem::Wrong, .. }), "{error:?}");
    assert!(matches!(f.domain.rekey(), Err(StoreError::Key { problem: KeyProblem::Wrong, .. })));
}

#[test]
fn errors_have_the_names_of_the_api() {
    let f = fixture();
    let missing = f.domain.describe_speaker(&speaker("nobody")).unwrap_err();
    assert_eq!(
        (missing.exception(), missing.resource_type()),
        ("ResourceNotFoundException", Some(ResourceType::Speaker))
    );
    f.domain.opt_out(&speaker("a")).unwrap();
    let out = f.domain.put_voiceprint(&speaker("a"), enrolment(b"x")).unwrap_err();
    assert_eq!(
        (out.exception(), out.conflict_type().unwrap().to_string().as_str()),
        ("ConflictException", "SPEAKER_OPTED_OUT")
    );
    let invalid = f.domain.list_speakers(0, None).unwrap_err();
    assert_eq!((invalid.exception(), invalid.conflict_type()), ("ValidationException", None));
    for e in [missing, out, invalid] {
        let text = e.to_string();
        assert!(
            !text.contains('\n') && text.chars().next().is_some_and(|c| c.is_lowercase() || text.starts_with("Max")),
            "{text}"
        );
    }
}
