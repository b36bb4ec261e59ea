//! Contact flows, linted and walked with real audio: every branch of a Check block is reached by a voice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const OPTIONS: [(&str, &[&str]); 3] = [
    ("enrollmentStatus", &["Enrolled", "NotEnrolled", "OptedOut"]),
    (
        "voiceAuthentication",
        &["Authenticated", "NotAuthenticated", "Inconclusive", "NotEnrolled", "OptedOut", "NotEnabled"],
    ),
    ("fraudDetection", &["HighRisk", "LowRisk", "Inconclusive", "NotEnabled"]),
];

fn caller(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers").join(name).display().to_string()
}

fn errors(to: &str) -> Value {
    json!([{ "NextAction": to, "ErrorType": "NoMatchingError" }])
}

/// A Set block's parameters.
fn set(streaming: &str, authentication: &str, fraud: &str, more: Value) -> Value {
    let mut p = json!({
        "IsVoiceIdStreamingEnabled": streaming,
        "IsVoiceAuthenticationEnabled": authentication,
        "IsFraudDetectionEnabled": fraud,
    });
    p.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    p
}

/// Prompt -> Set -> stream -> identity -> the three Checks, each result leading on; errors end at `failed`.
fn flow(set: Value, customer: &str) -> Value {
    let mut actions = vec![
        json!({ "Identifier": "prompt", "Type": "MessageParticipant", "Parameters": { "Text": "Hello" },
                "Transitions": { "NextAction": "set", "Errors": errors("failed") } }),
        json!({ "Identifier": "set", "Type": "UpdateContactData", "Parameters": set,
                "Transitions": { "NextAction": "stream", "Errors": errors("failed") } }),
        json!({ "Identifier": "stream", "Type": "StartVoiceIdStream", "Parameters": {},
                "Transitions": { "NextAction": "who", "Errors": errors("failed") } }),
        json!({ "Identifier": "who", "Type": "UpdateContactData", "Parameters": { "CustomerId": customer },
                "Transitions": { "NextAction": "check0", "Errors": errors("failed") } }),
    ];
    for (i, (option, results)) in OPTIONS.iter().enumerate() {
        let next = if i == 2 { "end".to_owned() } else { format!("check{}", i + 1) };
        let conditions: Vec<Value> = results
            .iter()
            .map(|r| json!({ "NextAction": next, "Condition": { "Operator": "Equals", "Operands": [r] } }))
            .collect();
        actions.push(json!({
            "Identifier": format!("check{i}"), "Type": "CheckVoiceId", "Parameters": { "CheckVoiceIdOption": option },
            "Transitions": { "NextAction": next, "Errors": errors(&next), "Conditions": conditions },
        }));
    }
    for end in ["end", "failed"] {
        actions
            .push(json!({ "Identifier": end, "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} }));
    }
    json!({ "Version": "2019-10-30", "StartAction": "prompt", "Metadata": { "type": "contactFlow" }, "Actions": actions })
}

struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        let room = Self(tempfile::tempdir().unwrap());
        assert!(room.run(&["domain", "create"]).status.success());
        for who in ["alice", "bob"] {
            let files = [1, 2].map(|n| caller(&format!("{who}_enrol_{n}.wav")));
            assert!(room.run(&["enroll", "--speaker", who, &files[0], &files[1]]).status.success());
        }
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.args(args).arg("--json").env("VOUCH_DOMAIN", self.path("vouch.domain")).current_dir(self.0.path());
        command.output().unwrap()
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.path(name), value.to_string()).unwrap();
    }

    /// Branches by action.
    fn walk(&self, flow: &Value, contact: &Value, audio: &str) -> (std::collections::BTreeMap<String, String>, Value) {
        self.write("flow.json", flow);
        self.write("contact.json", contact);
        let out = self.run(&["flow", "run", "flow.json", "--contact", "contact.json", "--audio", audio]);
        assert!(out.status.success(), "{out:?}");
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        let text = |s: &Value, key: &str| s[key].as_str().unwrap().to_owned();
        let steps = report["Steps"].as_array().unwrap();
        (steps.iter().map(|s| (text(s, "Identifier"), text(s, "Branch"))).collect(), report)
    }

    fn lint(&self, flow: &Value) -> (Vec<String>, i32) {
        self.write("flow.json", flow);
        let out = self.run(&["flow", "lint", "flow.json"]);
        let report: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"));
        let codes = report["Findings"].as_array().unwrap().iter().map(|f| f["Code"].as_str().unwrap().to_owned());
        (codes.collect(), out.status.code().unwrap())
    }
}

fn voice_contact(attributes: Value) -> Value {
    json!({ "Channel": "VOICE", "ContactId": "c-1", "Attributes": attributes, "CustomerEndpoint": { "Address": "alice" } })
}

#[test]
fn e3_every_branch_of_every_check_is_reached_by_a_voice() {
    let room = Room::new();
    assert!(
        room.run(&["fraudster", "register", &caller("dave_enrol_1.wav"), &caller("dave_enrol_2.wav")]).status.success()
    );
    assert!(room.run(&["speaker", "opt-out", "erin"]).status.success());
    let short = room.path("short.wav");
    let mut reader = hound::WavReader::open(caller("carol_call_1.wav")).ok();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&short, spec).unwrap();
    let some: Vec<i16> = match &mut reader {
        Some(r) if r.spec().bits_per_sample == 16 => r.samples::<i16>().take(8_000).map(Result::unwrap).collect(),
        _ => vec![0; 8_000],
    };
    some.into_iter().for_each(|s| writer.write_sample(s).unwrap());
    writer.finalize().unwrap();
    let short = short.display().to_string();
    let all = set("TRUE", "TRUE", "TRUE", json!({}));
    let off = set("true", "false", "false", json!({}));
    // (Set, CustomerId, audio, what the checks answer)
    let cases: [(&Value, &str, String, [&str; 3]); 8] = [
        (&all, "alice", caller("alice_call_1.wav"), ["Enrolled", "Authenticated", "LowRisk"]),
        (&all, "alice", caller("bob_call_1.wav"), ["Enrolled", "NotAuthenticated", "LowRisk"]),
        (&all, "alice", caller("dave_call_1.wav"), ["Enrolled", "NotAuthenticated", "HighRisk"]),
        (&all, "alice", short.clone(), ["Enrolled", "Inconclusive", "Inconclusive"]),
        (&all, "nobody", caller("alice_call_1.wav"), ["NotEnrolled", "NotEnrolled", "LowRisk"]),
        (&all, "erin", caller("alice_call_1.wav"), ["OptedOut", "OptedOut", "LowRisk"]),
        (&off, "alice", caller("alice_call_1.wav"), ["Enrolled", "NotEnabled", "NotEnabled"]),
        (&all, "$.CustomerEndpoint.Address", caller("alice_call_1.wav"), ["Enrolled", "Authenticated", "LowRisk"]),
    ];
    for (set, customer, audio, want) in cases {
        let (branches, report) = room.walk(&flow(set.clone(), customer), &voice_contact(json!({})), &audio);
        let got = [0, 1, 2].map(|i| branches[&format!("check{i}")].as_str());
        assert_eq!(got, want, "{customer} {audio}: {report:#}");
        assert_eq!(branches["prompt"], "Passed");
        assert!(branches.contains_key("end"));
    }
}

#[test]
fn dynamic_values_are_looked_up_and_set_all_or_nothing() {
    let room = Room::new();
    let more =
        json!({ "VoiceAuthenticationThreshold": "$.Attributes.threshold", "VoiceAuthenticationResponseTime": "5" });
    let dynamic = flow(set("TRUE", "TRUE", "FALSE", more), "$.Attributes.who");
    let good = voice_contact(json!({ "threshold": "0", "who": "alice" }));
    let (branches, report) = room.walk(&dynamic, &good, &caller("bob_call_1.wav"));
    assert_eq!(branches["check1"], "Authenticated", "at threshold 0 everybody is: {report:#}");
    assert_eq!(report["Steps"][1]["Values"]["VoiceAuthenticationThreshold"], "0");
    assert!(report["Session"]["NetSpeechSeconds"].as_f64().unwrap() < 6.0, "5 s were asked for");
    for (attributes, why) in
        [(json!({ "threshold": "101", "who": "alice" }), "101"), (json!({ "who": "alice" }), "refers to nothing")]
    {
        let (branches, report) = room.walk(&dynamic, &voice_contact(attributes), &caller("bob_call_1.wav"));
        assert_eq!(branches["set"], "Error");
        assert!(report["Steps"][1]["Reason"].as_str().unwrap().contains(why), "{report:#}");
        assert!(branches.contains_key("failed") && !branches.contains_key("check0"));
    }
}

#[test]
fn e8_a_malformed_list_fails_the_set_and_an_unknown_one_the_check() {
    let room = Room::new();
    let with = |list: &str| flow(set("TRUE", "TRUE", "TRUE", json!({ "WatchlistId": list })), "alice");
    let contact = voice_contact(json!({ "list": "too-short" }));
    let (branches, _) = room.walk(&with("$.Attributes.list"), &contact, &caller("alice_call_1.wav"));
    assert_eq!((branches["set"].as_str(), branches.contains_key("failed")), ("Error", true));
    let (branches, _) = room.walk(&with("abcdefghijABCDEFGHIJ12"), &contact, &caller("alice_call_1.wav"));
    assert_eq!((branches["set"].as_str(), branches["check1"].as_str()), ("Success", "Authenticated"));
    assert_eq!(branches["check2"], "Error");
    assert!(room.lint(&with("too-short")).0.contains(&"WATCHLIST_ID".to_owned()), "static: refused at publish");
}

#[test]
fn chat_and_task_take_the_error_branch() {
    let room = Room::new();
    for channel in ["CHAT", "TASK"] {
        let contact = json!({ "Channel": channel, "Attributes": {} });
        let (branches, report) =
            room.walk(&flow(set("TRUE", "TRUE", "TRUE", json!({})), "alice"), &contact, &caller("alice_call_1.wav"));
        assert_eq!(branches["set"], "Error", "{report:#}");
        assert!(branches.contains_key("failed"));
    }
}

#[test]
fn e7_a_second_set_with_streaming_off_leaves_the_stream_on() {
    let room = Room::new();
    let mut twice = flow(set("TRUE", "TRUE", "FALSE", json!({})), "alice");
    let second = json!({ "Identifier": "again", "Type": "UpdateContactData", "Parameters": set("FALSE", "TRUE", "FALSE", json!({})),
                         "Transitions": { "NextAction": "check0", "Errors": errors("failed") } });
    twice["Actions"].as_array_mut().unwrap().push(second);
    twice["Actions"][3]["Transitions"]["NextAction"] = "again".into();
    let (branches, report) = room.walk(&twice, &voice_contact(json!({})), &caller("alice_call_1.wav"));
    assert_eq!(branches["check1"], "Authenticated", "{report:#}");
}

#[test]
fn lint_finds_what_publishing_would() {
    let room = Room::new();
    let good = || flow(set("TRUE", "TRUE", "TRUE", json!({ "VoiceAuthenticationThreshold": "90" })), "alice");
    assert_eq!(room.lint(&good()), (vec![], 0));
    type Spoil = fn(&mut Value);
    let cases: [(&str, Spoil); 17] = [
        ("RANGE", |f| f["Actions"][1]["Parameters"]["VoiceAuthenticationThreshold"] = "101".into()),
        ("RANGE", |f| f["Actions"][1]["Parameters"]["VoiceAuthenticationThreshold"] = "-1".into()),
        ("RANGE", |f| f["Actions"][1]["Parameters"]["VoiceAuthenticationResponseTime"] = "4".into()),
        ("RANGE", |f| f["Actions"][1]["Parameters"]["VoiceAuthenticationResponseTime"] = "11".into()),
        ("FLAGS_TOGETHER", |f| {
            drop(f["Actions"][1]["Parameters"].as_object_mut().unwrap().remove("IsFraudDetectionEnabled"))
        }),
        ("FLAG", |f| f["Actions"][1]["Parameters"]["IsFraudDetectionEnabled"] = "yes".into()),
        ("FLAG_OFF", |f| f["Actions"][1]["Parameters"]["IsVoiceAuthenticationEnabled"] = "FALSE".into()),
        ("FLAG_MISSING", |f| f["Actions"][3]["Parameters"]["WatchlistId"] = "abcdefghijABCDEFGHIJ12".into()),
        ("CUSTOMER_ID", |f| f["Actions"][3]["Parameters"]["CustomerId"] = "_x".into()),
        ("TARGET_CONTACT", |f| f["Actions"][3]["Parameters"]["TargetContact"] = "Other".into()),
        ("OPTION", |f| f["Actions"][4]["Parameters"]["CheckVoiceIdOption"] = "age".into()),
        ("CONDITION", |f| {
            f["Actions"][4]["Transitions"]["Conditions"][0]["Condition"]["Operands"][0] = "HighRisk".into()
        }),
        ("PARAMETERS", |f| f["Actions"][2]["Parameters"]["x"] = 1.into()),
        ("NO_ERROR_BRANCH", |f| f["Actions"][5]["Transitions"]["Errors"] = json!([])),
        ("UNKNOWN_ACTION", |f| f["Actions"][0]["Transitions"]["NextAction"] = "nowhere".into()),
        ("FLOW_TYPE", |f| f["Metadata"]["type"] = "customerHold".into()),
        ("NO_SET", |f| drop(f["Actions"].as_array_mut().unwrap().remove(1))),
    ];
    for (code, spoil) in cases {
        let mut bad = good();
        spoil(&mut bad);
        if code == "NO_SET" {
            bad["Actions"][0]["Transitions"]["NextAction"] = "stream".into();
        }
        let (codes, exit) = room.lint(&bad);
        assert!(codes.iter().any(|c| c == code), "{code}: {codes:?}");
        assert_eq!(exit, 3, "{code}");
    }
    let mut unsure = good();
    unsure["Actions"][0]["Transitions"]["Errors"] = errors("check2");
    assert_eq!(room.lint(&unsure), (vec!["NO_SET".to_owned()], 0), "a way around the Set is a warning");

    for (text, named) in [
        ("{", "not a contact flow"),
        (r#"{"Version":"2018","StartAction":"a","Actions":[]}"#, "2018"),
        (r#"{"Version":"2019-10-30","StartAction":"a","Actions":[]}"#, "StartAction"),
        (
            r#"{"Version":"2019-10-30","StartAction":"a","Actions":[{"Identifier":"a","Type":"x"},{"Identifier":"a","Type":"x"}]}"#,
            "two actions",
        ),
    ] {
        std::fs::write(room.path("bad.json"), text).unwrap();
        let out = room.run(&["flow", "lint", "bad.json"]);
        let err = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(3) && err.contains("bad.json") && err.contains(named), "{out:?}");
    }
}
