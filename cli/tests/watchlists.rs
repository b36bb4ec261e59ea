//! Fraudsters, watch lists and what a call is told of them, on real audio through the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn caller(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers").join(name).display().to_string()
}

fn enrol(who: &str) -> [String; 2] {
    [1, 2].map(|n| caller(&format!("{who}_enrol_{n}.wav")))
}

struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        let room = Self(tempfile::tempdir().unwrap());
        room.ok(&["domain", "create"]);
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.args(args).arg("--json").env("VOUCH_DOMAIN", self.path("vouch.domain")).current_dir(self.0.path());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> Value {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {out:?}");
        json(&out)
    }

    /// What an error says.
    fn refused(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert_eq!(out.status.code(), Some(3), "{args:?}: {out:?}");
        String::from_utf8_lossy(&out.stderr).into_owned()
    }

    fn register(&self, who: &str, more: &[&str]) -> Value {
        let files = enrol(who);
        let mut args = vec!["fraudster", "register", &files[0], &files[1]];
        args.extend(more);
        self.ok(&args)
    }

    fn verify(&self, who: &str, file: &str, more: &[&str]) -> (Value, i32) {
        let file = caller(file);
        let mut args = vec!["verify", "--speaker", who, &file];
        args.extend(more);
        let out = self.run(&args);
        (json(&out), out.status.code().unwrap())
    }
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
}

#[test]
fn e6_authenticated_and_high_risk_together_and_each_alone() {
    let room = Room::new();
    for who in ["alice", "bob"] {
        let files = enrol(who);
        room.ok(&["enroll", "--speaker", who, &files[0], &files[1]]);
    }
    let alice = room.register("alice", &[])["GeneratedFraudsterId"].as_str().unwrap().to_owned();
    room.register("carol", &[]);
    let watch = ["--watchlist", "default"];

    let (both, code) = room.verify("alice", "alice_call_1.wav", &watch);
    assert_eq!(both["AuthenticationResult"]["Decision"], "ACCEPT");
    let fraud = &both["FraudDetectionResult"];
    assert_eq!((&fraud["Decision"], &fraud["Reasons"]), (&json!("HIGH_RISK"), &json!(["KNOWN_FRAUDSTER"])));
    let known = &fraud["RiskDetails"]["KnownFraudsterRisk"];
    assert_eq!(known["GeneratedFraudsterId"], alice);
    assert!(known["RiskScore"].as_u64().unwrap() >= 50);
    assert_eq!(fraud["RiskDetails"]["VoiceSpoofingRisk"], Value::Null, "not measured is not 0");
    assert_eq!((both["FraudBranch"].as_str(), code), (Some("HighRisk"), 15));
    let record = &both["VoiceIdResult"]["FraudDetection"];
    assert_eq!((&record["Result"], &record["GeneratedFraudsterID"]), (&json!("High Risk"), &json!(alice)));

    let (low, code) = room.verify("bob", "bob_call_1.wav", &watch);
    assert_eq!(low["AuthenticationResult"]["Decision"], "ACCEPT");
    assert_eq!((low["FraudDetectionResult"]["Decision"].as_str(), code), (Some("LOW_RISK"), 0));
    assert!(low["FraudDetectionResult"].get("Reasons").is_none(), "reasons only with HIGH_RISK");

    // The risk that was measured is at the threshold, one above it and one below it.
    let risk = low["FraudDetectionResult"]["RiskDetails"]["KnownFraudsterRisk"]["RiskScore"].as_u64().unwrap();
    for (threshold, decision) in [(risk, "HIGH_RISK"), (risk + 1, "LOW_RISK"), (risk.saturating_sub(1), "HIGH_RISK")] {
        let (r, _) = room.verify(
            "bob",
            "bob_call_1.wav",
            &["--watchlist", "default", "--fraud-threshold", &threshold.to_string()],
        );
        assert_eq!(r["FraudDetectionResult"]["Decision"], decision, "risk {risk} at {threshold}");
    }
    let (rejected, code) = room.verify("bob", "carol_call_1.wav", &watch);
    assert_eq!(rejected["AuthenticationResult"]["Decision"], "REJECT");
    assert_eq!((rejected["FraudDetectionResult"]["Decision"].as_str(), code), (Some("HIGH_RISK"), 15));
}

#[test]
fn a_fraudster_is_registered_from_the_sealed_audio_of_a_past_call() {
    let room = Room::new();
    let [call, other] = enrol("alice");
    // Nobody is claimed, so the call ends without an answer.
    let heard = json(&room.run(&["call", "--keep-audio", "3", "--secure", "0.5-0.9", &call]));
    let seconds = heard["KeptSeconds"].as_f64().unwrap();
    assert!(seconds > 10.0, "{heard}");
    let session = heard["SessionId"].as_str().unwrap();
    let listed = room.ok(&["session", "list"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["SessionId"]), (1, &heard["SessionId"]));
    let hours = (listed[0]["ExpiresAt"].as_f64().unwrap() - listed[0]["KeptAt"].as_f64().unwrap()) / 3600.0;
    assert!((hours - 3.0).abs() < 1e-6);

    let registered = room.ok(&["fraudster", "register", "--session", session, "--least-speech", "5"]);
    assert_eq!(registered["RegistrationStatus"], "NEW_REGISTRATION", "{registered}");
    let again = room.ok(&["fraudster", "register", &other, "--least-speech", "5"]);
    assert_eq!(again["RegistrationStatus"], "DUPLICATE_SKIPPED", "the same voice: {again}");

    room.ok(&["session", "delete", session]);
    let gone = room.refused(&["fraudster", "register", "--session", session]);
    assert!(gone.contains(session) && gone.contains("not asked for, or its time is over"), "{gone}");
    assert_eq!(room.ok(&["session", "list"]), json!([]));
    assert_eq!(room.ok(&["session", "purge"])["Sessions"], 0);
}

#[test]
fn what_happens_to_people_is_told_with_generated_ids_only() {
    let room = Room::new();
    let files = enrol("alice");
    let events = ["--events", "events"];
    let with = |args: &[&str]| room.ok(&[args, &events[..]].concat());
    with(&["enroll", "--speaker", "alice", &files[0], &files[1]]);
    with(&["verify", "--speaker", "alice", &caller("alice_call_1.wav")]);
    with(&["speaker", "opt-out", "alice"]);
    with(&["speaker", "delete", "alice"]);
    let id =
        with(&["fraudster", "register", &files[0], &files[1]])["GeneratedFraudsterId"].as_str().unwrap().to_owned();
    with(&["fraudster", "delete", &id]);
    std::fs::write(room.path("list.json"), r#"{"Version":"1.0","FraudsterRegistrationRequests":[]}"#).unwrap();
    with(&["batch", "register", "list.json", "--out", "out"]);
    let text = std::fs::read_to_string(room.path("events")).unwrap();
    assert!(!text.contains("alice"), "the operator's id is in the events");
    let actions: Vec<String> = text
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["detail"]["action"].as_str().unwrap().to_owned())
        .collect();
    let people = ["ENROLL_SPEAKER", "OPT_OUT_SPEAKER", "DELETE_SPEAKER", "REGISTER_FRAUDSTER", "DELETE_FRAUDSTER"];
    for action in people.into_iter().chain(["START_SESSION", "EVALUATE_SESSION"]) {
        assert!(actions.iter().any(|a| a == action), "{action}: {actions:?}");
    }
    assert_eq!(actions.iter().filter(|a| *a == "BATCH_REGISTRATION_REQUEST").count(), 2, "begun and ended");
}

/// The actions and speakers in the file of events.
fn told(room: &Room) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(room.path("events")).unwrap_or_default();
    let events = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let of = |e: &Value, key: &str| e["detail"][key].as_str().unwrap_or_default().to_owned();
    events.map(|e| (of(&e, "action"), of(&e, "generatedSpeakerId"))).collect()
}

#[test]
fn what_a_killed_process_did_not_tell_is_told_by_the_next_in_the_same_file() {
    let room = Room::new();
    // As far as a process gets that is killed after the write: the voiceprint is there, and nobody was told.
    let killed = |events: &str, id: &str| {
        let files = cli_app::live::EventFiles { events: Some(room.path(events)), privacy: None };
        let options = cli_store::OpenOptions::default().journal(files.consumer().unwrap().unwrap());
        let domain = cli_store::Domain::open_with(&room.path("vouch.domain"), options).unwrap();
        let print = cli_store::Enrolment::new(cli_store::ModelId([1; 16]), b"print");
        domain.put_voiceprint(&id.parse().unwrap(), print).unwrap().generated_speaker_id.to_string()
    };
    let first = killed("events", "first");
    let elsewhere = killed("other", "elsewhere");
    // Who has no place for events tells nothing, and takes nothing away.
    room.ok(&["speaker", "opt-out", "somebody"]);
    assert!(told(&room).is_empty());
    let second = room.ok(&["speaker", "opt-out", "second", "--events", "events"]);
    let second = second["GeneratedSpeakerId"].as_str().unwrap().to_owned();
    assert_eq!(told(&room), [("ENROLL_SPEAKER".into(), first), ("OPT_OUT_SPEAKER".into(), second.clone())]);
    room.ok(&["speaker", "delete", "second", "--events", "events"]);
    assert_eq!(told(&room).len(), 3, "once each: {:?}", told(&room));
    assert!(told(&room).iter().all(|t| t.1 != elsewhere), "another file's events are told there");
}

#[test]
fn e8_a_malformed_list_fails_at_once_and_an_unknown_one_at_the_check() {
    let room = Room::new();
    let files = enrol("alice");
    room.ok(&["enroll", "--speaker", "alice", &files[0], &files[1]]);
    let call = caller("alice_call_1.wav");
    let error = room.refused(&["verify", "--speaker", "alice", &call, "--watchlist", "no-such-list"]);
    assert!(error.contains("no-such-list") && error.contains("22 letters or digits"), "{error}");
    let (unknown, code) = room.verify("alice", "alice_call_1.wav", &["--watchlist", "abcdefghijABCDEFGHIJ12"]);
    assert_eq!(unknown["AuthenticationResult"]["Decision"], "ACCEPT", "the other result is independent");
    assert_eq!((unknown["FraudBranch"].as_str(), code), (Some("Error"), 3));
    assert_eq!(unknown["VoiceIdResult"]["FraudDetection"]["Result"], "Error");
}

#[test]
fn a_voice_is_registered_once_unless_asked_otherwise() {
    let room = Room::new();
    let first = room.register("alice", &[]);
    assert_eq!(
        (&first["RegistrationStatus"], &first["FraudsterSimilarityScore"]),
        (&json!("NEW_REGISTRATION"), &Value::Null)
    );
    let call = caller("alice_call_1.wav");
    let again = room.ok(&["fraudster", "register", &call, "--least-speech", "8"]);
    assert_eq!(again["RegistrationStatus"], "DUPLICATE_SKIPPED");
    assert_eq!(again["GeneratedFraudsterId"], first["GeneratedFraudsterId"]);
    assert!(again["FraudsterSimilarityScore"].as_u64().unwrap() >= 50);
    let new = room.ok(&["fraudster", "register", &call, "--least-speech", "8", "--duplicate", "register-as-new"]);
    assert_eq!(new["RegistrationStatus"], "NEW_REGISTRATION");
    assert_ne!(new["GeneratedFraudsterId"], first["GeneratedFraudsterId"]);
    assert_eq!(room.ok(&["fraudster", "list"]).as_array().unwrap().len(), 2);

    room.ok(&["watchlist", "create", "vip", "--description", "who to greet"]);
    let id = new["GeneratedFraudsterId"].as_str().unwrap();
    assert_eq!(room.ok(&["watchlist", "add", "vip", id])["Fraudsters"], 1);
    assert!(room.refused(&["watchlist", "delete", "vip"]).contains("take them off first"));
    room.ok(&["watchlist", "remove", "default", id]);
    assert!(room.refused(&["watchlist", "remove", "vip", id]).contains("no other watch list"));
    assert!(room.refused(&["watchlist", "update", "default", "--name", "x"]).contains("default watch list"));
    assert!(room.refused(&["watchlist", "delete", "default"]).contains("default watch list"));
    room.ok(&["fraudster", "delete", id]);
    assert_eq!(room.ok(&["watchlist", "delete", "vip"])["Name"], "vip");
    let short = room.run(&["fraudster", "register", &caller("bob_call_1.wav"), "--least-speech", "25"]);
    assert_eq!(short.status.code(), Some(16));
    assert!(json(&short)["Reasons"][0].as_str().unwrap().contains("TOO_LITTLE_SPEECH"));
}

fn manifest(room: &Room, name: &str, items: &[(&str, &[String])]) -> String {
    let requests: Vec<Value> = items
        .iter()
        .map(|(id, files)| {
            let audio: Vec<Value> = files.iter().map(|f| json!({ "S3Uri": f, "ChannelId": 0 })).collect();
            json!({ "RequestId": id, "AudioSpecifications": audio })
        })
        .collect();
    let path = room.path(name);
    let text = json!({ "Version": "1.0", "FraudsterRegistrationRequests": requests });
    std::fs::write(&path, text.to_string()).unwrap();
    path.display().to_string()
}

fn output(report: &Value) -> Value {
    serde_json::from_slice(&std::fs::read(report["Output"].as_str().unwrap()).unwrap()).unwrap()
}

#[test]
fn batch_registration_finds_duplicates_within_the_job_and_before_it() {
    let room = Room::new();
    room.register("bob", &[]);
    let (alice, bob, carol) = (enrol("alice"), enrol("bob"), enrol("carol"));
    let gone = ["missing.wav".to_owned()];
    let items: [(&str, &[String]); 6] =
        [("a", &alice), ("b", &bob), ("c", &carol), ("a2", &alice), ("x", &gone), ("a", &carol)];
    let file = manifest(&room, "list.json", &items);
    let report = room.ok(&["batch", "register", &file, "--out", "out"]);
    assert_eq!(report["JobStatus"], "COMPLETED_WITH_ERRORS");
    assert_eq!(report["JobKind"], "FRAUDSTER_REGISTRATION");
    let out = output(&report);
    let list = out["SuccessfulRegistrations"].as_array().unwrap();
    let statuses: Vec<(&str, &str)> =
        list.iter().map(|r| (r["RequestId"].as_str().unwrap(), r["RegistrationStatus"].as_str().unwrap())).collect();
    let want =
        [("a", "NEW_REGISTRATION"), ("b", "DUPLICATE_SKIPPED"), ("c", "NEW_REGISTRATION"), ("a2", "DUPLICATE_SKIPPED")];
    assert_eq!(statuses, want);
    assert_eq!(list[3]["GeneratedFraudsterId"], list[0]["GeneratedFraudsterId"]);
    let errors = out["Errors"].as_array().unwrap();
    assert_eq!(errors.iter().map(|e| e["ErrorCode"].clone()).collect::<Vec<_>>(), [json!(400), json!(400)]);
    assert_eq!(room.ok(&["fraudster", "list"]).as_array().unwrap().len(), 3);
}

#[test]
fn a_full_list_is_an_items_error_402() {
    let room = Room(tempfile::tempdir().unwrap());
    room.ok(&["domain", "create", "--max-fraudsters", "1"]);
    let (alice, bob) = (enrol("alice"), enrol("bob"));
    let file = manifest(&room, "list.json", &[("a", &alice), ("b", &bob)]);
    let out = output(&room.ok(&["batch", "register", &file, "--out", "out"]));
    assert_eq!(out["SuccessfulRegistrations"].as_array().unwrap().len(), 1);
    assert_eq!((&out["Errors"][0]["RequestId"], &out["Errors"][0]["ErrorCode"]), (&json!("b"), &json!(402)));
}

#[test]
fn batch_enrolment_refuses_who_is_on_the_watch_list() {
    let room = Room::new();
    room.register("alice", &[]);
    let item = |id: &str| {
        let audio: Vec<Value> = enrol(id).iter().map(|f| json!({ "S3Uri": f, "ChannelId": 0 })).collect();
        json!({ "RequestId": id, "SpeakerId": id, "AudioSpecifications": audio })
    };
    let text = json!({ "Version": "1.0", "SpeakerEnrollmentRequests": [item("alice"), item("bob")] });
    std::fs::write(room.path("list.json"), text.to_string()).unwrap();
    let out = output(&room.ok(&["batch", "enroll", "list.json", "--out", "out", "--watchlist", "default"]));
    assert_eq!(out["SuccessfulEnrollments"][0]["RequestId"], "bob");
    assert_eq!((&out["Errors"][0]["RequestId"], &out["Errors"][0]["ErrorCode"]), (&json!("alice"), &json!(400)));
    assert!(out["Errors"][0]["ErrorMessage"].as_str().unwrap().contains("watch list"));
    let ignore = ["batch", "enroll", "list.json", "--out", "out", "--watchlist", "default", "--on-fraud", "ignore"];
    let out = output(&room.ok(&ignore));
    let statuses: Vec<&Value> =
        out["SuccessfulEnrollments"].as_array().unwrap().iter().map(|s| &s["EnrollmentStatus"]).collect();
    assert_eq!(statuses, [&json!("NEW_ENROLLMENT"), &json!("DUPLICATE_SKIPPED")]);
}

#[test]
fn a_killed_registration_job_ends_as_an_undisturbed_one() {
    let voices = ["alice", "bob", "carol", "dave"];
    let files: Vec<[String; 2]> = voices.iter().map(|v| enrol(v)).collect();
    let names: Vec<String> = (0..24).map(|i| format!("r{i}")).collect();
    let items: Vec<(&str, &[String])> =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), files[i * 7 % 4].as_slice())).collect();
    // Ids are random; what counts is which earlier item an id first stood for.
    let shape = |out: &Value| -> Vec<(String, String, usize, Value)> {
        let list = out["SuccessfulRegistrations"].as_array().unwrap().clone();
        let first = |id: &Value| list.iter().position(|r| r["GeneratedFraudsterId"] == *id).unwrap();
        list.iter()
            .map(|r| {
                let text = |key: &str| r[key].as_str().unwrap().to_owned();
                let score = r["FraudsterSimilarityScore"].clone();
                (text("RequestId"), text("RegistrationStatus"), first(&r["GeneratedFraudsterId"]), score)
            })
            .collect()
    };
    let calm = Room::new();
    let file = manifest(&calm, "list.json", &items);
    let want = shape(&output(&calm.ok(&["batch", "register", &file, "--out", "out"])));
    assert_eq!(want.iter().filter(|r| r.1 == "NEW_REGISTRATION").count(), 4);

    let room = Room::new();
    let file = manifest(&room, "list.json", &items);
    let mut kills = 0;
    for delay in [150, 250, 350, 450] {
        let mut child = room
            .command(&["batch", "register", &file, "--out", "out", "--client-token", "once"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        let _ = child.kill();
        kills += usize::from(!child.wait().unwrap().success());
    }
    let report = room.ok(&["batch", "register", &file, "--out", "out", "--client-token", "once"]);
    assert_eq!(shape(&output(&report)), want, "after {kills} kills");
    assert_eq!(room.ok(&["fraudster", "list"]).as_array().unwrap().len(), 4);
}
