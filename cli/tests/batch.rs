//! Batch jobs as a user runs them: what each item comes to, and that no kill loses or doubles one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn caller(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers").join(name)
}

struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        let room = Self(tempfile::tempdir().unwrap());
        assert_eq!(code(&room.vouch(&["domain", "create"])), 0);
        for who in ["alice", "bob", "dave"] {
            for n in 1..=2 {
                let name = format!("{who}_enrol_{n}.wav");
                std::fs::copy(caller(&name), room.path(&name)).unwrap();
            }
        }
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn manifest(&self, name: &str, items: &Value) {
        let text = json!({ "Version": "1.0", "SpeakerEnrollmentRequests": items }).to_string();
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.args(args).env("VOUCH_DOMAIN", self.path("vouch.domain")).current_dir(self.0.path());
        command
    }

    fn vouch(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a job to its end; gives its description and its output.
    fn job(&self, args: &[&str]) -> (Value, Value) {
        let mut all = vec!["batch", "enroll", "--json", "--out", "out"];
        all.extend(args);
        let out = self.vouch(&all);
        assert_eq!(code(&out), 0, "{out:?}");
        let job = json(&out);
        let file = std::fs::read_to_string(job["Output"].as_str().unwrap()).unwrap();
        (job, serde_json::from_str(&file).unwrap())
    }

    fn jobs(&self) -> Vec<Value> {
        json(&self.vouch(&["batch", "list", "--json"])).as_array().unwrap().clone()
    }
}

fn code(out: &Output) -> i32 {
    out.status.code().unwrap_or(-1)
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
}

fn audio(files: &[&str]) -> Value {
    files.iter().map(|f| json!({ "S3Uri": f, "ChannelId": 0 })).collect()
}

fn item(request: &str, speaker: &str, files: &[&str]) -> Value {
    json!({ "RequestId": request, "SpeakerId": speaker, "AudioSpecifications": audio(files) })
}

const ALICE: [&str; 2] = ["alice_enrol_1.wav", "alice_enrol_2.wav"];
const DAVE: [&str; 2] = ["dave_enrol_1.wav", "dave_enrol_2.wav"];

fn statuses(output: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let good = output["SuccessfulEnrollments"].as_array().unwrap();
    let bad = output["Errors"].as_array().unwrap();
    let good = good.iter().map(|i| (text(&i["RequestId"]), text(&i["EnrollmentStatus"])));
    good.chain(bad.iter().map(|i| (text(&i["RequestId"]), text(&i["ErrorCode"])))).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn each_item_gets_its_status_and_none_fails_the_job() {
    let room = Room::new();
    assert_eq!(code(&room.vouch(&["speaker", "opt-out", "gone"])), 0);
    std::fs::create_dir_all(room.path("s3/bucket/été")).unwrap();
    for (i, name) in ["s3/bucket/été/é.wav", "mit Leer%20zeichen.wav"].iter().enumerate() {
        std::fs::copy(caller(ALICE[i]), room.path(name)).unwrap();
    }
    let base = url::Url::from_directory_path(room.0.path()).unwrap();
    let spaced = format!("{base}mit%20Leer%2520zeichen.wav");
    let strange = json!({ "RequestId": "channel", "SpeakerId": "bob",
        "AudioSpecifications": [{ "S3Uri": "bob_enrol_1.wav", "ChannelId": 7 }] });
    room.manifest(
        "anfrage é.json",
        &json!([
            item("new", "alice", &ALICE),
            item("again", "alice", &ALICE),
            item("opted out", "gone", &DAVE),
            item("little", "short", &DAVE[..1]),
            item("missing", "none", &["nowhere.wav"]),
            item("folder", "none", &["s3"]),
            strange,
            item("names", "unicode", &["s3://bucket/été/é.wav", &spaced]),
            item("no audio", "empty", &[]),
            item("bad id", "id#not a customer id", &DAVE),
            item("scheme", "web", &["https://example.com/a.wav"]),
        ]),
    );
    let (job, output) = room.job(&["anfrage é.json", "--s3-root", "s3"]);
    let errors = ["opted out", "little", "missing", "folder", "channel", "no audio", "bad id", "scheme"];
    let mut want = vec![("new", "NEW_ENROLLMENT"), ("again", "DUPLICATE_SKIPPED"), ("names", "NEW_ENROLLMENT")];
    want.extend(errors.map(|e| (e, if e == "opted out" { "409" } else { "400" })));
    assert_eq!(statuses(&output), pairs(&want), "{output:#}");
    assert_eq!(job["JobStatus"], "COMPLETED_WITH_ERRORS");
    assert_eq!(job["JobProgress"]["PercentComplete"], 100);
    assert_eq!((&job["Items"], &job["ItemsFailed"]), (&11.into(), &8.into()));
    let id = job["JobId"].as_str().unwrap();
    assert!(job["Output"].as_str().unwrap().ends_with(&format!("out/{id}/anfrage é.json.out")), "{job}");
    let message = |n: usize| output["Errors"][n]["ErrorMessage"].as_str().unwrap().to_owned();
    assert!(message(2).contains("nowhere.wav") && message(1).contains("speech"), "{output:#}");
    assert_eq!(json(&room.vouch(&["batch", "describe", id, "--json"])), job);
    let alice = json(&room.vouch(&["speaker", "describe", "alice", "--json"]));
    assert_eq!(output["SuccessfulEnrollments"][0]["GeneratedSpeakerId"], alice["GeneratedSpeakerId"]);
    let call = caller("alice_call_1.wav");
    assert_eq!(code(&room.vouch(&["verify", "--speaker", "unicode", call.to_str().unwrap()])), 0);
    assert_eq!(code(&room.vouch(&["speaker", "describe", "short"])), 3, "nothing is left of a failed item");

    let again = ["anfrage é.json", "--s3-root", "s3", "--existing", "overwrite"];
    let (_, output) = room.job(&again);
    assert_eq!(statuses(&output)[..2], pairs(&[("new", "ENROLLMENT_OVERWRITE"), ("again", "ENROLLMENT_OVERWRITE")]));
}

/// SPEC appendix E 12.
#[test]
fn e12_strict_holds_items_to_voice_ids_limits_and_the_job_completes_with_errors() {
    let room = Room::new();
    let many = ["alice_enrol_1.wav"; 11];
    let wav = |seconds: u32, bytes: usize| {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        (0..8000 * seconds).for_each(|n| writer.write_sample((n % 64) as i16).unwrap());
        writer.finalize().unwrap();
        let mut file = file.into_inner();
        file.resize(file.len().max(bytes), 0);
        file
    };
    std::fs::write(room.path("large.wav"), wav(1, (20 << 20) + 1)).unwrap();
    std::fs::write(room.path("fits.wav"), wav(1, 20 << 20)).unwrap();
    std::fs::write(room.path("long.wav"), wav(20, 0)).unwrap();
    let of = |request: &str, file: &str, channel: u16| json!({ "RequestId": request, "SpeakerId": request, "AudioSpecifications": [{ "S3Uri": file, "ChannelId": channel }] });
    // Bob's recordings have 16 kHz.
    let rate = item("rate", "bob", &["bob_enrol_1.wav", "bob_enrol_2.wav"]);
    let items = json!([
        rate,
        item("many", "m", &many),
        of("large", "large.wav", 0),
        of("fits", "fits.wav", 0),
        of("channel", "long.wav", 2),
        rate
    ]);
    room.manifest("m.json", &items);
    let (job, output) = room.job(&["m.json", "--strict"]);
    let names = ["rate", "many", "large", "fits", "channel", "rate"];
    assert_eq!(statuses(&output), pairs(&names.map(|n| (n, "400"))), "{output:#}");
    assert_eq!(job["JobStatus"], "COMPLETED_WITH_ERRORS");
    for (i, named) in
        ["16000 Hz", "11 recordings", "20971521 bytes", "SILENCE", "channel 2", "RequestId"].iter().enumerate()
    {
        let message = output["Errors"][i]["ErrorMessage"].as_str().unwrap();
        assert!(message.contains(named), "{named}: {message}");
    }
    let (job, output) = room.job(&["m.json"]);
    let loose = statuses(&output);
    assert!(loose[..2] == pairs(&[("rate", "NEW_ENROLLMENT"), ("many", "NEW_ENROLLMENT")]), "{output:#}");
    assert_eq!(job["JobStatus"], "COMPLETED_WITH_ERRORS");
}

#[test]
fn a_bad_manifest_fails_the_job_and_an_empty_list_does_not() {
    let room = Room::new();
    room.manifest("nameless.json", &json!([item("", "alice", &ALICE)]));
    std::fs::write(room.path("cut.json"), "{\"Version\":\"1.0\",\n").unwrap();
    std::fs::write(room.path("old.json"), "{\"Version\":\"0.9\"}").unwrap();
    for (name, named) in
        [("nameless.json", "[0].RequestId"), ("cut.json", "line 2"), ("old.json", "0.9"), ("no.json", "read")]
    {
        let out = room.vouch(&["batch", "enroll", name, "--out", "out", "--json"]);
        let error = String::from_utf8(out.stderr.clone()).unwrap();
        assert_eq!((code(&out), error.lines().count()), (3, 1), "{out:?}");
        assert!(error.contains(name) && error.contains(named), "{error}");
        let job = json(&out);
        assert_eq!(job["JobStatus"], "FAILED");
        assert!(job["FailureDetails"]["Message"].as_str().unwrap().contains(named), "{job}");
        let resumed = room.vouch(&["batch", "resume", job["JobId"].as_str().unwrap()]);
        assert_eq!(code(&resumed), 3);
    }
    room.manifest("empty.json", &json!([]));
    let (job, output) = room.job(&["empty.json"]);
    assert_eq!((&job["JobStatus"], &job["JobProgress"]["PercentComplete"]), (&"COMPLETED".into(), &100.into()));
    assert_eq!(output, json!({ "SuccessfulEnrollments": [], "Errors": [] }));
    assert_eq!(room.jobs().len(), 5);
    assert_eq!(code(&room.vouch(&["batch", "describe", "AAAAAAAAAAAAAAAAAAAAAA"])), 3);
}

#[test]
fn a_token_makes_two_runs_one_job() {
    let room = Room::new();
    room.manifest("m.json", &json!([item("a", "alice", &ALICE)]));
    let (first, _) = room.job(&["m.json", "--client-token", "T"]);
    let (second, output) = room.job(&["m.json", "--client-token", "T"]);
    assert_eq!(first, second);
    assert_eq!(statuses(&output), pairs(&[("a", "NEW_ENROLLMENT")]));
    let other = room.vouch(&["batch", "enroll", "m.json", "--out", "elsewhere", "--client-token", "T"]);
    assert_eq!(code(&other), 3, "{other:?}");
    assert_eq!(room.jobs().len(), 1);
}

/// Items of every sort: mostly short, so that hundreds of them take seconds, with speakers that come back.
fn many(count: usize) -> Value {
    (0..count)
        .map(|i| {
            let request = format!("r{i}");
            match i % 8 {
                0 => item(&request, &format!("s{i}"), &ALICE),
                1 => item(&request, &format!("s{}", i - 1), &DAVE),
                2 => item(&request, &format!("s{i}"), &["missing.wav"]),
                3 => item(&request, "gone", &DAVE),
                _ => item(&request, &format!("s{i}"), &DAVE[..1]),
            }
        })
        .collect()
}

/// The output without what is drawn at random.
fn comparable(room: &Room, text: &str) -> Value {
    let root = room.0.path().display().to_string();
    let mut output: Value = serde_json::from_str(&text.replace(&root, "ROOM")).unwrap();
    for good in output["SuccessfulEnrollments"].as_array_mut().unwrap() {
        assert!(good["GeneratedSpeakerId"].as_str().unwrap().starts_with("id#"));
        good["GeneratedSpeakerId"] = Value::Null;
    }
    for bad in output["Errors"].as_array_mut().unwrap() {
        if bad["ErrorCode"] == 409 {
            bad["ErrorMessage"] = Value::Null;
        }
    }
    output
}

fn prepared(count: usize) -> Room {
    let room = Room::new();
    assert_eq!(code(&room.vouch(&["speaker", "opt-out", "gone"])), 0);
    room.manifest("m.json", &many(count));
    room
}

const RUN: [&str; 8] = ["batch", "enroll", "m.json", "--out", "out", "--json", "--client-token", "T"];

fn killed_and_resumed(count: usize, kills: usize) {
    let calm = prepared(count);
    let out = calm.vouch(&RUN);
    assert_eq!(code(&out), 0, "{out:?}");
    let want = std::fs::read_to_string(json(&out)["Output"].as_str().unwrap()).unwrap();

    let room = prepared(count);
    let mut seen = 0;
    for kill in 1..=kills {
        let mut child = room.start(&RUN);
        let aim = (count * kill / (kills + 1)) as u64;
        let deadline = Instant::now() + Duration::from_secs(300);
        loop {
            let done = room.jobs().first().and_then(|j| j["ItemsDone"].as_u64()).unwrap_or(0);
            assert!(done >= seen, "an item that was done is lost");
            seen = done;
            if done >= aim || Instant::now() > deadline {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let job = &room.jobs()[0];
        assert_eq!(job["JobStatus"], "IN_PROGRESS", "killed in the middle: {job}");
        assert!(job["ItemsDone"].as_u64().unwrap() < count as u64);
    }
    let id = room.jobs()[0]["JobId"].as_str().unwrap().to_owned();
    // Two at once: one works, the other waits and finds the job ended.
    let pair = [room.start(&["batch", "resume", &id, "--json"]), room.start(&RUN)];
    for child in pair {
        let out = child.wait_with_output().unwrap();
        assert_eq!(code(&out), 0, "{out:?}");
        assert_eq!(json(&out)["ItemsDone"], count);
    }
    let job = &room.jobs()[0];
    assert_eq!(room.jobs().len(), 1);
    assert_eq!(job["JobStatus"], "COMPLETED_WITH_ERRORS");
    let dir = room.path("out").join(&id);
    let got = std::fs::read_to_string(dir.join("m.json.out")).unwrap();
    assert_eq!(comparable(&room, &got), comparable(&calm, &want));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "only the output is left");
    // Each speaker was enrolled once: an item done twice would enrol again, or find a speaker that is there.
    let domain = cli_store::Domain::open(&room.path("vouch.domain")).unwrap();
    let mut enrolled = std::collections::BTreeMap::<String, u32>::new();
    let mut after = 0;
    while let Some(last) = domain.audit(after).unwrap().last().map(|e| e.seq) {
        for entry in domain.audit(after).unwrap() {
            if entry.action == cli_store::AuditAction::SpeakerEnrolled {
                *enrolled.entry(entry.subject).or_default() += 1;
            }
        }
        after = last;
    }
    let new = statuses(&serde_json::from_str(&got).unwrap()).iter().filter(|s| s.1 == "NEW_ENROLLMENT").count();
    assert!(new >= count / 8 && enrolled.len() == new && enrolled.values().all(|n| *n == 1), "{new}: {enrolled:?}");
}

#[test]
fn killed_three_times_and_resumed_by_two_at_once() {
    killed_and_resumed(200, 3);
}

#[test]
#[ignore = "minutes"]
fn killed_ten_times_and_resumed_with_500_items() {
    killed_and_resumed(500, 10);
}
