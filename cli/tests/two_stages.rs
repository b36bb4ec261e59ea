//! Two networks: one follows a call, the other one decides it, as if it alone had heard the file.
#![cfg(feature = "onnx")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn testdata(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(name).display().to_string()
}

fn caller(name: &str) -> String {
    testdata(&format!("audio/callers/{name}.wav"))
}

struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, domain: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.args(args).arg("--quiet").env("VOUCH_DOMAIN", self.path(domain)).current_dir(self.0.path());
        command.output().unwrap()
    }

    fn json(&self, domain: &str, args: &[&str]) -> Value {
        let out = self.run(domain, &[args, &["--json"]].concat());
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}: {out:?}"))
    }

    /// A domain that uses the small network of the test data, with some calibration of that network's name.
    fn domain(&self, name: &str, decides: bool) {
        self.json(name, &["domain", "create"]);
        let graph = testdata("golden/onnx/ecapa.onnx");
        let mut import = vec!["model", "import", graph.as_str(), "--preset", "3d-speaker"];
        import.extend(decides.then_some("--decides"));
        let imported = self.json(name, &import);
        let calibration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/weights/default.calibration.json");
        let mut calibration: Value = serde_json::from_str(&std::fs::read_to_string(calibration).unwrap()).unwrap();
        calibration["model_id"] = imported["ModelId"].clone();
        let file = if decides { "second.calibration.json" } else { "calibration.json" };
        std::fs::write(self.path(name).join(file), calibration.to_string()).unwrap();
    }

    fn enroll(&self, domain: &str, who: &str) {
        let files = [1, 2].map(|n| caller(&format!("{who}_enrol_{n}")));
        let out = self.run(domain, &["enroll", "--speaker", who, &files[0], &files[1], "--overwrite"]);
        assert_eq!(out.status.code(), Some(0), "{out:?}");
    }
}

/// The score of the stage that decides, or of the one that follows.
fn stage(report: &Value, decides: bool) -> &Value {
    let stages = report["Stages"].as_array().unwrap_or_else(|| panic!("no stages: {report}"));
    assert_eq!(stages.len(), 2);
    stages.iter().find(|s| s["Decides"] == decides).map(|s| &s["Score"]).unwrap()
}

#[test]
fn the_decision_is_the_second_networks_as_if_it_alone_had_heard_the_file() {
    let room = Room::new();
    room.domain("alone", false);
    room.domain("both", true);
    room.json("plain", &["domain", "create"]);
    for who in ["alice", "bob"] {
        ["alone", "both", "plain"].iter().for_each(|domain| room.enroll(domain, who));
    }
    let mut differ = false;
    for call in ["alice_call_1", "alice_call_2", "bob_call_1"] {
        let file = caller(call);
        let ask = |domain: &str| room.json(domain, &["verify", "--speaker", "alice", &file]);
        let (alone, both, plain) = (ask("alone"), ask("both"), ask("plain"));
        let (one, two) = (&alone["AuthenticationResult"], &both["AuthenticationResult"]);
        assert_eq!((&one["Decision"], &one["Score"]), (&two["Decision"], &two["Score"]), "{call}");
        assert_eq!(stage(&both, true), &one["Score"], "{call}");
        assert_eq!(stage(&both, false), &plain["AuthenticationResult"]["Score"], "{call}");
        assert!(alone.get("Stages").is_none() && plain.get("Stages").is_none());
        differ |= stage(&both, true) != stage(&both, false);

        // A call to its end is decided as its file, whatever came in between; one that is left once it is decided has a decision too.
        let stay = room.json("both", &["call", "--speaker", "alice", &file, "--stay"]);
        assert_eq!(stay["AuthenticationResult"]["Decision"], two["Decision"], "{call}");
        assert_eq!(stage(&stay, true), stage(&both, true), "{call}");
        let brief = room.json("both", &["call", "--speaker", "alice", &file]);
        assert!(["ACCEPT", "REJECT"].contains(&brief["AuthenticationResult"]["Decision"].as_str().unwrap()));
        assert_eq!(stage(&brief, true), &brief["AuthenticationResult"]["Score"]);
    }
    assert!(differ, "both networks say the same, so this shows nothing");
    let text = room.run("both", &["verify", "--speaker", "alice", &caller("alice_call_1")]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("decided by") && text.contains("followed by"), "{text}");

    // Too little speech is no decision, of either.
    let call = caller("alice_call_1");
    let short = room.json("both", &["call", "--speaker", "alice", &call, "--stay", "--secure", "3-600"]);
    assert_eq!(short["AuthenticationResult"]["Decision"], "NOT_ENOUGH_SPEECH");
    let early = room.run("both", &["call", "--speaker", "alice", &caller("alice_call_1"), "--early"]);
    assert!(String::from_utf8_lossy(&early.stderr).contains("--early"), "{early:?}");
}

#[test]
fn who_was_enrolled_before_is_decided_by_the_first_and_a_call_can_enrol_for_both() {
    let room = Room::new();
    room.json("d", &["domain", "create"]);
    room.enroll("d", "alice");
    room.domain("other", true);
    for file in ["second.vouch", "second.calibration.json"] {
        std::fs::copy(room.path("other").join(file), room.path("d").join(file)).unwrap();
    }
    let call = caller("alice_call_1");
    let before = room.json("d", &["verify", "--speaker", "alice", &call]);
    assert!(before.get("Stages").is_none(), "{before}");
    assert_eq!(before["AuthenticationResult"]["Decision"], "ACCEPT");
    let enrolled =
        room.json("d", &["call", "--enroll", "--speaker", "carol", &caller("carol_enrol_1"), "--wanted-speech", "10"]);
    assert_eq!(enrolled["Enrolled"], true, "{enrolled}");
    let after = room.json("d", &["verify", "--speaker", "carol", &caller("carol_call_1")]);
    assert!(stage(&after, true).is_number(), "{after}");

    std::fs::remove_file(room.path("d").join("second.calibration.json")).unwrap();
    let refused = room.run("d", &["verify", "--speaker", "alice", &call]);
    assert_eq!(refused.status.code(), Some(3));
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("second.calibration.json") && error.contains("vouch calibrate"), "{error}");
}
