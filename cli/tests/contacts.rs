//! `vouch contact`, `vouch rules`, `vouch privacy set|get|delete`, `vouch audit`: as an operator uses them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on should stop")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

struct Room(tempfile::TempDir);

impl Room {
    /// A folder with a domain.
    fn new() -> Self {
        let room = Self(tempfile::tempdir().unwrap());
        room.ok(&["domain", "create"]);
        room
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        std::fs::write(self.at(name), value.to_string()).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        command.env_remove("VOUCH_DOMAIN").env_remove("VOUCH_USER").env_remove("VOUCH_TOKEN_FILE").output().unwrap()
    }

    fn fails(&self, code: i32, args: &[&str]) -> String {
        let out = self.run(args);
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(code), "{args:?}: {told}");
        told
    }

    fn ok(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--json"]].concat())).unwrap()
    }
}

/// A closed contact that began some days ago.
fn record(id: &str, days: i64) -> Value {
    let at = |s: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        cli_store::Timestamp((now - days * 86_400 + s) * 1_000).to_string()
    };
    json!({
        "ContactId": id, "Channel": "VOICE", "InitiationTimestamp": at(0), "DisconnectTimestamp": at(300),
        "LastUpdateTimestamp": at(400), "Agent": {"Username": "anna"}, "Queue": {"Name": "Cards"},
        "CustomerEndpoint": {"Address": "+441632960000"}, "Attributes": {"tier": "gold", "secret": "4711"},
    })
}

fn analysis(text: &str) -> Value {
    json!({
        "Participants": [{"ParticipantId": "CUSTOMER", "ParticipantRole": "CUSTOMER"}, {"ParticipantId": "AGENT", "ParticipantRole": "AGENT"}],
        "ConversationCharacteristics": {"TotalConversationDurationMillis": 60_000},
        "Transcript": [
            {"ParticipantId": "AGENT", "Content": "how can I help", "BeginOffsetMillis": 0, "EndOffsetMillis": 1_000, "Sentiment": "NEUTRAL"},
            {"ParticipantId": "CUSTOMER", "Content": text, "BeginOffsetMillis": 1_500, "EndOffsetMillis": 6_000, "Sentiment": "NEGATIVE"},
        ],
    })
}

fn rule() -> Value {
    json!({
        "name": "cancel", "eventSource": "POST_CALL", "lists": {"cards": ["visa", "credit card"]},
        "conditions": [
            {"type": "words", "match": "PATTERN", "participant": "CUSTOMER", "values": ["cancel* ~3 [cards]"]},
            {"type": "attribute", "key": "tier", "values": ["gold"]},
        ],
        "actions": [{"type": "category", "name": "Cancellation"}, {"type": "event"}, {"type": "webhook", "file": "hook.ndjson"}],
    })
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn contacts_come_in_with_their_files_and_rules_are_asked_once() {
    let room = Room::new();
    room.write("rule.json", &rule());
    room.ok(&["rules", "set", "rule.json"]);
    let all = [record("c0", 2), record("c1", 1)];
    std::fs::write(room.at("r.ndjson"), format!("{}\nno record\n{}\n", all[0], all[1])).unwrap();
    let stamp = "2026-11-20T08_00_00Z";
    room.write(&format!("files/a/b/c0_analysis_redacted_{stamp}.json"), &analysis("cancel my old credit card [PII]"));
    room.write(&format!("files/c0_analysis_{stamp}.json"), &analysis("cancel my old credit card 4111"));
    room.write(&format!("files/nobody_analysis_{stamp}.json"), &analysis("cancel visa"));
    let import = ["contact", "import", "r.ndjson", "--files", "files", "--events", "e.ndjson", "-q"];
    let told = room.fails(3, &import);
    assert!(told.contains("r.ndjson:2:") && told.contains("1 contact(s) have files and no record"), "{told}");
    assert_eq!(lines(&room.at("hook.ndjson")).len(), 1);
    let events = lines(&room.at("e.ndjson"));
    assert_eq!(events[0]["detail"]["contactId"], "c0");
    // At least once: nothing is done twice.
    room.fails(3, &import);
    assert_eq!((lines(&room.at("hook.ndjson")).len(), lines(&room.at("e.ndjson")).len()), (1, 1));

    let found = room.json(&["contact", "search", "--words", "\"credit card\"", "--category", "Cancellation"]);
    assert_eq!((found[0]["ContactId"].as_str(), found.as_array().unwrap().len()), (Some("c0"), 1));
    assert_eq!(room.json(&["contact", "search", "--words", "4111"]), json!([]));
    assert_eq!(room.json(&["contact", "list"]).as_array().unwrap().len(), 2);
    let shown = room.json(&["contact", "show", "c0"]);
    assert_eq!(
        (shown["Copies"][0].as_str(), &shown["Categories"][0]),
        (Some("transcript, redacted"), &json!("Cancellation"))
    );

    // The copy that the right leads to; the original for the owner, with a reason.
    assert!(room.ok(&["contact", "transcript", "c0"]).contains("[PII]"));
    assert!(room.fails(3, &["contact", "transcript", "c0", "--original"]).contains("Reason"));
    let original = room.ok(&["contact", "transcript", "c0", "--original", "--reason", "case 7"]);
    assert!(original.contains("4111") && original.contains("Cancellation"));
    room.ok(&["user", "create", "qa", "--role", "QualityAnalyst"]);
    room.fails(17, &["contact", "transcript", "c0", "--as", "qa"]);
    room.fails(17, &["contact", "search", "--words", "card", "--as", "qa"]);
    room.ok(&["role", "set", "reader", "--permission", "ContactSearch.View", "--permission", "RedactedData.View"]);
    room.ok(&["user", "create", "reader", "--role", "reader"]);
    // Standard output is a pipe here, which takes away what a terminal would show.
    assert!(room.fails(17, &["contact", "transcript", "c0", "--as", "reader"]).contains("DownloadButton"));
    let log = room.ok(&["audit", "list"]);
    assert!(log.contains("UNREDACTED_READ") && log.contains("case 7") && log.contains("ACCESS_DENIED"));
    assert!(room.ok(&["audit", "verify"]).contains("whole and in order"));

    room.fails(3, &["contact", "delete", "c0"]);
    room.ok(&["contact", "delete", "c0", "--yes"]);
    assert!(room.fails(3, &["contact", "show", "c0"]).contains("there is no contact c0"));
    assert!(room.ok(&["contact", "purge"]).contains("erased 0"));
}

#[test]
fn what_redact_writes_is_what_import_reads() {
    let room = Room::new();
    let caller = format!("{}/../testdata/audio/callers", env!("CARGO_MANIFEST_DIR"));
    let audio = std::fs::read_dir(caller)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "wav"))
        .unwrap();
    let word = |t: &str, begin: f64| json!({"word": t, "start": begin, "end": begin + 0.3});
    let words: Vec<Value> =
        ["my", "name", "is", "Jane", "Doe"].iter().enumerate().map(|(i, w)| word(w, 0.4 * i as f64)).collect();
    room.write(
        "t.json",
        &json!({"segments": [{"start": 0.0, "end": 2.0, "text": "my name is Jane Doe", "words": words}]}),
    );
    let args = [
        "redact",
        "--audio",
        audio.to_str().unwrap(),
        "--transcript",
        "t.json",
        "--out",
        "o",
        "--policy",
        "redacted-and-original",
        "--contact-id",
        "c0",
        "--original-key",
        "k",
        "-q",
    ];
    let out = room.run(&args);
    assert!(matches!(out.status.code(), Some(20 | 21)), "{}", String::from_utf8_lossy(&out.stderr));
    room.write("r.ndjson", &record("c0", 1));
    assert!(room.fails(3, &["contact", "import", "r.ndjson", "--files", "o", "-q"]).contains("--original-key"));
    let told = room.json(&["contact", "import", "r.ndjson", "--files", "o", "--original-key", "k", "-q"]);
    assert_eq!(told["Files"], 3, "{told}");
    assert!(!room.ok(&["contact", "transcript", "c0"]).contains("Jane"));
    assert!(room.ok(&["contact", "transcript", "c0", "--original", "--reason", "x"]).contains("Jane"));
    room.ok(&["contact", "recording", "c0", "--out", "r.wav"]);
    assert!(std::fs::read(room.at("r.wav")).unwrap().starts_with(b"RIFF"));
    assert_eq!(room.json(&["contact", "search", "--words", "jane"]), json!([]));
}

/// SPEC appendix E 18: the round trip of a configuration, and the 39 fields of the Operata preset.
#[test]
fn e18_a_configuration_is_set_read_followed_and_taken_away() {
    let room = Room::new();
    let unset = room.run(&["privacy", "get", "--json"]);
    assert_eq!(unset.status.code(), Some(3));
    let state: Value = serde_json::from_slice(&unset.stdout).unwrap();
    assert_eq!((state["Version"].as_u64(), state["Effective"]["Mandatory"].as_array().unwrap().len()), (Some(0), 39));
    room.write("r.ndjson", &record("c0", 1));
    room.ok(&["contact", "import", "r.ndjson"]);
    let export = |more: &[&str]| -> Value {
        serde_json::from_str(&room.ok(&[&["contact", "export", "-q"], more].concat())).unwrap()
    };
    let least = export(&[]);
    assert!(
        least.get("Attributes").is_none()
            && least.get("CustomerEndpoint").is_none()
            && least["Agent"]["Username"] == "anna"
    );

    room.write(
        "allow.json",
        &json!({"key": "REDACTION_CONFIG", "value": {"type": "WHITELIST", "fields": ["Attributes.tier"]}}),
    );
    let set = room.json(&["privacy", "set", "allow.json", "--preset", "operata"]);
    assert_eq!((set["Version"].as_u64(), set["Effective"]["Mode"].as_str()), (Some(1), Some("ALLOW")));
    assert_eq!(export(&[])["Attributes"], json!({"tier": "gold"}));
    let got = room.json(&["privacy", "get"]);
    assert_eq!(got["Config"]["value"]["fields"][0], "Attributes.tier");

    // A mandatory field is refused, and what is set stays.
    room.write("deny.json", &json!({"type": "DENY", "fields": ["Agent"]}));
    assert!(room.fails(3, &["privacy", "set", "deny.json", "--preset", "operata"]).contains("mandatory"));
    room.write("two.json", &json!({"type": "DENY", "type2": "ALLOW", "fields": []}));
    room.fails(3, &["privacy", "set", "two.json"]);
    assert_eq!(room.json(&["privacy", "get"])["Version"], 1);

    // Ciphertexts open under the key of their time, after the key has changed too.
    room.write(
        "seal.json",
        &json!({"type": "DENY", "fields": [], "seal": ["CustomerEndpoint.Address"], "encrypt": ["Attributes.secret"]}),
    );
    room.ok(&["privacy", "set", "seal.json"]);
    assert!(room.fails(3, &["contact", "export", "-q"]).contains("--key"));
    let old = export(&["--key", "k1"]);
    let new = export(&["--key", "k2"]);
    let address = |v: &Value| v["CustomerEndpoint"]["Address"].as_str().unwrap().to_owned();
    assert_eq!(room.ok(&["privacy", "open", "--key", "k1", &address(&old)]), "\"+441632960000\"");
    assert_eq!(room.ok(&["privacy", "open", "--key", "k2", &address(&new)]), "\"+441632960000\"");
    room.fails(3, &["privacy", "open", "--key", "k2", &address(&old)]);
    assert_ne!(old["Attributes"]["secret"], new["Attributes"]["secret"], "the hash names its key");

    // A filter that follows the domain works by the new version from the next record on, and acknowledges it.
    let mut filter = Command::new(env!("CARGO_BIN_EXE_vouch"));
    filter.args(["privacy", "filter", "--stored", "--worker", "w1", "--key", "k1"]).current_dir(room.0.path());
    let mut child = filter.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut feed = child.stdin.take().unwrap();
    let mut answers = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut ask = || -> Value {
        use std::io::Write;
        writeln!(feed, "{}", record("c0", 1)).unwrap();
        feed.flush().unwrap();
        serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap()
    };
    assert_eq!(ask()["Attributes"]["tier"], "gold");
    room.ok(&["privacy", "delete"]);
    let begun = std::time::Instant::now();
    while ask().get("Attributes").is_some() {
        assert!(begun.elapsed().as_secs() < 30, "the change never takes effect");
    }
    drop(feed);
    assert!(child.wait().unwrap().success());
    let state: Value = serde_json::from_slice(&room.run(&["privacy", "get", "--json"]).stdout).unwrap();
    assert_eq!((state["Version"].as_u64(), state["Workers"][0]["UpToDate"].as_bool()), (Some(3), Some(true)));
    assert!(state["Workers"][0]["DelaySeconds"].as_f64().unwrap() < 30.0);
    assert!(export(&[]).get("Attributes").is_none());
}

#[test]
fn events_leave_by_a_policy_too() {
    let room = Room::new();
    room.write("rule.json", &rule());
    room.ok(&["rules", "set", "rule.json"]);
    room.write("r.ndjson", &record("c0", 1));
    room.write("files/c0_analysis_x.json", &analysis("cancel visa"));
    room.write("p.json", &json!({"type": "DENY", "fields": ["account"], "default": ["detail.contactId"]}));
    room.ok(&[
        "contact",
        "import",
        "r.ndjson",
        "--files",
        "files",
        "--events",
        "e.ndjson",
        "--events-privacy",
        "p.json",
    ]);
    let event = lines(&room.at("e.ndjson")).remove(0);
    assert!(
        event.get("account").is_none()
            && event["detail"]["contactId"].is_null()
            && event["detail"]["ruleName"] == "cancel"
    );
}

#[test]
fn rules_are_checked_tried_and_followed() {
    let room = Room::new();
    let words = |values: Value| json!({"type": "words", "match": "EXACT", "values": values});
    let category = json!([{"type": "category", "name": "A"}]);
    let with = |conditions: Value, source: &str| json!({"name": "r", "eventSource": source, "conditions": conditions, "actions": category});
    let hundred: Vec<String> = (0..101).map(|n| format!("w{n}")).collect();
    let period = json!({"type": "sentimentPeriod", "participant": "CUSTOMER", "period": "LAST", "seconds": 30, "from": -5, "to": -1});
    let cases = [
        (with(json!([]), "POST_CALL"), "0 conditions"),
        (with(json!(vec![words(json!(["a"])); 21]), "POST_CALL"), "21 conditions"),
        (with(json!([words(json!(hundred))]), "POST_CALL"), "101 words"),
        (with(json!([words(json!(["..."]))]), "POST_CALL"), "no word"),
        (with(json!([{"type": "words", "match": "SEMANTIC", "values": ["a"]}]), "POST_CALL"), "SEMANTIC"),
        (with(json!([{"type": "words", "match": "PATTERN", "values": ["a ~0 b"]}]), "POST_CALL"), "distance"),
        (
            with(json!([{"type": "sentiment", "participant": "CUSTOMER", "from": -5, "to": 0}]), "REAL_TIME"),
            "real time",
        ),
        (with(json!([{"type": "sentiment", "participant": "CUSTOMER", "from": -6, "to": 0}]), "POST_CALL"), "-5"),
        (with(json!(vec![period.clone(); 6]), "POST_CALL"), "6 sentimentPeriod"),
        (
            with(json!([{"type": "attribute", "key": "k", "values": ["1", "2", "3", "4", "5", "6"]}]), "POST_CALL"),
            "6 values",
        ),
        (with(json!([{"type": "nonTalk"}]), "POST_CALL"), "longestSeconds"),
        (with(json!([{"type": "weather"}]), "POST_CALL"), "weather"),
        (
            json!({"name": "r", "eventSource": "POST_CALL", "conditions": [words(json!(["a"]))],
                "actions": [category[0], {"type": "webhook", "file": "../../somewhere"}]}),
            "without folders",
        ),
        (
            json!({"name": "r", "eventSource": "POST_CALL", "conditions": [words(json!(["a"]))], "actions": []}),
            "0 category",
        ),
    ];
    for (rule, want) in cases {
        room.write("bad.json", &rule);
        let told = room.fails(3, &["rules", "lint", "bad.json"]);
        assert!(told.contains(want), "{want}: {told}");
    }
    let many: Vec<Value> = (0..501).map(|n| json!({"name": format!("r{n}"), "eventSource": "POST_CALL", "conditions": [words(json!(["a"]))], "actions": category})).collect();
    room.write("many.json", &json!(many));
    assert!(room.fails(3, &["rules", "lint", "many.json"]).contains("501 rules"));
    room.write("many.json", &json!(many[..500]));
    room.ok(&["rules", "lint", "many.json"]);

    // After the call: everything; while it goes on: at the turn that decides.
    let tried = json!([
        with(json!([words(json!(["credit card"]))]), "POST_CALL"),
        {"name": "unhappy", "eventSource": "REAL_TIME", "conditions": [period, {"type": "queue", "values": ["Cards"]}], "actions": [{"type": "category", "name": "Unhappy"}]},
        {"name": "no thanks", "eventSource": "REAL_TIME", "conditions": [{"type": "words", "match": "EXACT", "participant": "AGENT", "values": ["thank you"], "negate": true}], "actions": [{"type": "category", "name": "Rude"}]},
        {"name": "talks over", "eventSource": "REAL_TIME", "conditions": [{"type": "interruptions", "participant": "AGENT", "atLeast": 1}], "actions": [{"type": "category", "name": "Interrupts"}]},
        {"name": "quiet", "eventSource": "REAL_TIME", "conditions": [{"type": "nonTalk", "longestSeconds": 10}], "actions": [{"type": "category", "name": "Quiet"}]},
    ]);
    room.write("rules.json", &tried);
    room.write("t.json", &analysis("my credit card"));
    room.write("record.json", &record("c0", 1));
    let tested = room.json(&["rules", "test", "rules.json", "t.json", "--record", "record.json"]);
    assert_eq!(tested["PostCall"]["MatchedCategories"], json!(["A"]));
    assert_eq!(
        tested["PostCall"]["MatchedDetails"]["A"]["PointsOfInterest"][0],
        json!({"BeginOffsetMillis": 1_500, "EndOffsetMillis": 6_000})
    );
    assert_eq!(tested["RealTime"]["MatchedCategories"], json!(["Quiet", "Rude", "Unhappy"]));
    room.write("t.json", &analysis("hello"));
    room.fails(10, &["rules", "test", "many.json", "t.json"]);

    let segment = |who: &str, from: u64, to: u64, text: &str, feeling: &str| {
        json!({"EventType": "SEGMENTS", "ContactId": "c9", "Segments": [{"Transcript": {"Id": "1", "ParticipantId": who, "ParticipantRole": who, "Content": text, "BeginOffsetMillis": from, "EndOffsetMillis": to, "Sentiment": feeling}}]}).to_string()
    };
    let events = [
        json!({"EventType": "STARTED", "ContactId": "c9"}).to_string(),
        segment("CUSTOMER", 0, 4_000, "this is bad", "NEGATIVE"),
        segment("AGENT", 3_000, 5_000, "wait", "NEUTRAL"),
        segment("CUSTOMER", 20_000, 21_000, "still there", "NEUTRAL"),
        json!({"EventType": "COMPLETED", "ContactId": "c9"}).to_string(),
    ];
    std::fs::write(room.at("live.ndjson"), events.join("\n")).unwrap();
    let told = room.ok(&["rules", "run", "--rules", "rules.json", "live.ndjson", "--record", "record.json"]);
    let told: Vec<Value> = told.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let names: Vec<(&str, u64)> =
        told.iter().map(|t| (t["actionName"].as_str().unwrap(), t["offsetMillis"].as_u64().unwrap())).collect();
    assert_eq!(names, [("Unhappy", 4_000), ("Interrupts", 5_000), ("Quiet", 21_000), ("Rude", 21_000)]);
    std::fs::write(room.at("live.ndjson"), "{\"secret").unwrap();
    let told = room.fails(3, &["rules", "run", "--rules", "rules.json", "live.ndjson"]);
    assert!(told.contains("live.ndjson:1") && !told.contains("secret"), "{told}");
}
