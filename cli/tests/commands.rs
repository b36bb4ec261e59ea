//! The program as a user runs it: the whole way, and every way in which input can be bad.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest, Sha256};

fn caller(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers").join(name)
}

struct Room {
    dir: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn vouch<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Output {
        Command::new(env!("CARGO_BIN_EXE_vouch"))
            .args(args)
            .env("VOUCH_DOMAIN", self.path("vouch.domain"))
            .current_dir(self.dir.path())
            .output()
            .unwrap()
    }

    fn enrolled() -> Self {
        let room = Self::new();
        assert_eq!(code(&room.vouch(["domain", "create"])), 0);
        for who in ["alice", "bob"] {
            let (a, b) = (caller(&format!("{who}_enrol_1.wav")), caller(&format!("{who}_enrol_2.wav")));
            let out = room.vouch([Path::new("enroll"), Path::new("--speaker"), Path::new(who), &a, &b]);
            assert_eq!(code(&out), 0, "{out:?}");
        }
        room
    }
}

fn code(out: &Output) -> i32 {
    out.status.code().unwrap_or(-1)
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_right_caller_is_accepted_and_another_is_not() {
    let room = Room::enrolled();
    let verify = |speaker: &str, file: &str| {
        room.vouch([
            "verify".into(),
            "--json".into(),
            "--speaker".into(),
            speaker.into(),
            caller(file).into_os_string(),
        ])
    };
    let right = verify("alice", "alice_call_1.wav");
    assert_eq!(code(&right), 0, "{right:?}");
    let auth = &json(&right)["AuthenticationResult"];
    assert_eq!(auth["Decision"], "ACCEPT");
    assert_eq!(auth["Configuration"]["AcceptanceThreshold"], 90);
    assert!(auth["Score"].as_u64().is_some_and(|s| (90..=100).contains(&s)), "{auth}");
    assert!(auth["GeneratedSpeakerId"].as_str().is_some_and(|id| id.starts_with("id#") && id.len() == 25));

    let wrong = verify("alice", "bob_call_1.wav");
    assert_eq!(code(&wrong), 10, "{wrong:?}");
    assert_eq!(json(&wrong)["Branch"], "NotAuthenticated");

    let unknown = verify("mallory", "bob_call_1.wav");
    assert_eq!(code(&unknown), 12);
    let auth = &json(&unknown)["AuthenticationResult"];
    assert_eq!((&auth["Decision"], &auth["Score"]), (&Value::from("SPEAKER_NOT_ENROLLED"), &Value::Null));

    assert_eq!(code(&room.vouch(["speaker", "opt-out", "alice"])), 0);
    assert_eq!(code(&verify("alice", "alice_call_1.wav")), 13);
    let again = room.vouch([
        Path::new("enroll"),
        Path::new("--speaker"),
        Path::new("alice"),
        &caller("alice_enrol_1.wav"),
        &caller("alice_enrol_2.wav"),
    ]);
    assert_eq!(code(&again), 3);
    assert!(text(&again.stderr).contains("opted out"), "{again:?}");
}

#[test]
fn too_little_speech_is_inconclusive_and_says_how_much_is_missing() {
    let room = Room::enrolled();
    let mut reader = hound_samples(&caller("bob_call_1.wav"));
    reader.truncate(3 * 16_000);
    let short = room.path("short.wav");
    write_wav(&short, 16_000, &reader);
    let out = room.vouch([Path::new("verify"), Path::new("--json"), Path::new("--speaker"), Path::new("bob"), &short]);
    assert_eq!(code(&out), 11, "{out:?}");
    let v = json(&out);
    assert_eq!(v["AuthenticationResult"]["Decision"], "NOT_ENOUGH_SPEECH");
    assert_eq!(v["AuthenticationResult"]["Score"], Value::Null);
    assert!(v["MissingSpeechSeconds"].as_f64().is_some_and(|s| (7.0..=10.0).contains(&s)), "{v}");

    let silence = room.path("silence.wav");
    write_wav(&silence, 8_000, &vec![0; 8_000 * 20]);
    let out =
        room.vouch([Path::new("enroll"), Path::new("--json"), Path::new("--speaker"), Path::new("eve"), &silence]);
    assert_eq!(code(&out), 16, "{out:?}");
    assert_eq!(json(&out)["Reasons"][0]["Code"], "SILENCE");
    let out = room.vouch([Path::new("enroll"), Path::new("--json"), Path::new("--speaker"), Path::new("eve"), &short]);
    assert_eq!(code(&out), 16);
    let reason = &json(&out)["Reasons"][0];
    assert_eq!(reason["Code"], "TOO_LITTLE_SPEECH");
    assert!(reason["MissingSeconds"].as_f64().is_some_and(|s| s > 8.0), "{reason}");
    assert_eq!(code(&room.vouch(["speaker", "describe", "eve"])), 3, "nothing is left of a refused enrolment");
}

fn hound_samples(path: &Path) -> Vec<i16> {
    hound::WavReader::open(path).unwrap().into_samples::<i16>().map(Result::unwrap).collect()
}

fn write_wav(path: &Path, rate: u32, samples: &[i16]) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut w = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|&s| w.write_sample(s).unwrap());
    w.finalize().unwrap();
}

#[test]
fn packets_of_any_length_and_the_whole_file_give_the_same_bits() {
    let room = Room::new();
    let embed = |name: &str, extra: &[&str]| {
        let out = room.path(name);
        let mut args = vec!["embed".into(), "--out".into(), out.clone().into_os_string()];
        args.extend(extra.iter().map(|s| (*s).into()));
        args.extend(["alice_call_1.wav", "bob_call_1.wav"].map(|f| caller(f).into_os_string()));
        let done = room.vouch(args);
        assert_eq!(code(&done), 0, "{done:?}");
        std::fs::read(out).unwrap()
    };
    let whole = embed("whole.npy", &[]);
    assert_eq!(&whole[..6], b"\x93NUMPY");
    for ms in ["10", "20", "100", "1000"] {
        assert!(embed("packets.npy", &["--packet-ms", ms]) == whole, "{ms} ms");
    }
    assert!(embed("one.npy", &["--threads", "1"]) == embed("two.npy", &["--threads", "2"]));
}

#[test]
fn bad_input_is_one_line_with_the_file_and_the_reason() {
    let room = Room::enrolled();
    let good = std::fs::read(caller("alice_call_1.wav")).unwrap();
    let header = |f: &dyn Fn(&mut Vec<u8>)| {
        let mut h = good[..good.len().min(4_000)].to_vec();
        f(&mut h);
        h
    };
    let float_wav = |values: &[f32]| {
        let mut b = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x03\0\x01\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x20\0data".to_vec();
        b.extend((values.len() as u32 * 4).to_le_bytes());
        values.iter().for_each(|v| b.extend(v.to_le_bytes()));
        let riff = (b.len() as u32 - 8).to_le_bytes();
        b[4..8].copy_from_slice(&riff);
        b
    };
    let mut nan = vec![0.1f32; 1_000];
    nan[500] = f32::NAN;
    let mut infinite = vec![0.1f32; 1_000];
    infinite[7] = f32::INFINITY;
    let rate = |hz: u32| header(&|h| h[24..28].copy_from_slice(&hz.to_le_bytes()));
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("empty.wav", Vec::new()),
        ("header.wav", good[..44].to_vec()),
        ("truncated.wav", good[..good.len() / 2].to_vec()),
        ("text.wav", b"Dear caller, this is not a recording at all.\n".repeat(20)),
        ("nodata.wav", float_wav(&[])),
        ("nan.wav", float_wav(&nan)),
        ("inf.wav", float_wav(&infinite)),
        ("rate3.wav", rate(3)),
        ("rate10m.wav", rate(10_000_000)),
        ("channels.wav", header(&|h| h[22..24].copy_from_slice(&65_535u16.to_le_bytes()))),
    ];
    std::fs::create_dir(room.path("folder.wav")).unwrap();
    let mut failures = Vec::new();
    let mut check = |name: &str, out: &Output, expected: i32, named: &str| {
        let err = text(&out.stderr);
        let one_line = err.trim_end().lines().count() == 1;
        if code(out) != expected || !one_line || !err.contains(named) || err.contains("panicked") {
            failures.push(format!("{name}: exit {} and {err:?}", code(out)));
        }
    };
    for (name, bytes) in &files {
        let path = room.file(name, bytes);
        for command in ["inspect", "verify", "enroll"] {
            let mut args: Vec<std::ffi::OsString> = vec![command.into()];
            if command != "inspect" {
                args.extend(["--speaker".into(), "alice".into()]);
            }
            args.push(path.clone().into_os_string());
            check(name, &room.vouch(args), 3, name);
        }
    }
    for missing in ["folder.wav", "nothere.wav"] {
        check(missing, &room.vouch(["inspect", missing]), 3, missing);
    }
    // One sample is audio, only not speech.
    let one = room.file("one.wav", &float_wav(&[0.5]));
    assert_eq!(code(&room.vouch([Path::new("inspect"), &one])), 0);
    assert_eq!(code(&room.vouch([Path::new("verify"), Path::new("--speaker"), Path::new("alice"), &one])), 11);

    // A damaged network, a network's calibration that is another's, a wrong key, no domain.
    let model = room.file("model.vouch", &[b"VOUCHNET".as_slice(), &[1, 0, 0, 0]].concat());
    check(
        "model",
        &room.vouch([Path::new("model"), Path::new("describe"), Path::new("--model"), &model]),
        3,
        "model.vouch",
    );
    check("no domain", &room.vouch(["--domain", "elsewhere", "speaker", "list"]), 3, "elsewhere");
    let key = room.path("vouch.domain/domain.key");
    let mut bytes = std::fs::read(&key).unwrap();
    let last = bytes.len() - 2;
    bytes[last] = if bytes[last] == b'0' { b'1' } else { b'0' };
    std::fs::write(&key, bytes).unwrap();
    check("wrong key", &room.vouch(["speaker", "list"]), 3, "domain.key");
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_voiceprint_of_another_model_is_an_error_and_never_a_number() {
    let room = Room::enrolled();
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/weights");
    let mut network = std::fs::read(weights.join("default.vouch")).unwrap();
    // One weight differs in its last bit, and the file is rightly sealed: another model.
    let body = network.len() - 32;
    network[body / 4 * 2] ^= 1;
    let sum = Sha256::digest(&network[..body]);
    network[body..].copy_from_slice(&sum);
    let network = room.file("other.vouch", &network);
    let verified = room.vouch([Path::new("model"), Path::new("verify"), Path::new("--model"), &network]);
    let mismatch = text(&verified.stderr);
    assert_eq!((code(&verified), mismatch.trim_end().lines().count()), (3, 1), "{mismatch}");

    let calibration = std::fs::read_to_string(weights.join("default.calibration.json")).unwrap();
    let shipped = serde_json::from_str::<Value>(&calibration).unwrap()["model_id"].as_str().unwrap().to_owned();
    let other = mismatch.split("not to ").nth(1).and_then(|s| s.get(..32)).unwrap();
    assert_ne!(other, shipped);
    let calibration = room.file("other.json", calibration.replace(&shipped, other).as_bytes());
    let options = [Path::new("--model"), &network, Path::new("--calibration"), &calibration];
    let call = caller("alice_call_1.wav");
    let out =
        room.vouch([Path::new("verify"), Path::new("--speaker"), Path::new("alice"), &call].into_iter().chain(options));
    let err = text(&out.stderr);
    assert_eq!((code(&out), err.trim_end().lines().count()), (3, 1), "{err}");
    assert!(err.contains(&shipped) && err.contains(other) && out.stdout.is_empty(), "{err}");
    let out = room.vouch([Path::new("identify"), &call].into_iter().chain(options));
    let err = text(&out.stderr);
    assert_eq!((code(&out), err.trim_end().lines().count()), (3, 1), "{err}");
    assert!(err.contains("all 2 voiceprints") && err.contains(other) && out.stdout.is_empty(), "{err}");
    // An enrolment by the other network replaces nothing unless asked to, and then works.
    let (a, b) = (caller("alice_enrol_1.wav"), caller("alice_enrol_2.wav"));
    let enroll = [Path::new("enroll"), Path::new("--speaker"), Path::new("alice"), Path::new("--overwrite"), &a, &b];
    assert_eq!(code(&room.vouch(enroll.into_iter().chain(options))), 0);
    assert_eq!(
        code(&room.vouch(
            [Path::new("verify"), Path::new("--speaker"), Path::new("alice"), &call].into_iter().chain(options)
        )),
        0
    );
}

#[test]
fn stereo_asks_for_a_channel_and_takes_the_chosen_one() {
    let room = Room::enrolled();
    let (a, b) = (hound_samples(&caller("bob_call_1.wav")), hound_samples(&caller("bob_call_2.wav")));
    let stereo = room.path("stereo.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut w = hound::WavWriter::create(&stereo, spec).unwrap();
    for (i, &l) in a.iter().enumerate() {
        w.write_sample(l).unwrap();
        w.write_sample(b.get(i).copied().unwrap_or(0)).unwrap();
    }
    w.finalize().unwrap();
    let verify = |extra: &[&str]| {
        let mut args = vec!["verify", "--speaker", "bob"];
        args.extend(extra);
        args.push("stereo.wav");
        room.vouch(args)
    };
    let asked = verify(&[]);
    assert_eq!(code(&asked), 3);
    assert!(text(&asked.stderr).contains("--channel"), "{asked:?}");
    assert_eq!(code(&verify(&["--channel", "left"])), 0);
    assert_eq!(code(&verify(&["--channel", "1"])), 0);
    assert_eq!(code(&verify(&["--channel", "2"])), 3);
    let inspected = json(&room.vouch(["inspect", "--json", "stereo.wav"]));
    assert_eq!(inspected["channels"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_voiceprint_travels_sealed_and_a_list_is_measured() {
    let room = Room::enrolled();
    room.file("pass", b"correct horse battery staple\n");
    room.file("wrong", b"another passphrase altogether\n");
    let out = room.vouch(["speaker", "export", "alice", "--out", "alice.voiceprint", "--passphrase-file", "pass"]);
    assert_eq!(code(&out), 0, "{out:?}");
    let import = |pass: &str| {
        room.vouch(["speaker", "import", "alice.voiceprint", "--speaker", "alice2", "--passphrase-file", pass])
    };
    assert_eq!(code(&import("wrong")), 3);
    let out = import("pass");
    assert_eq!(code(&out), 0, "{out:?}");
    let call = caller("alice_call_2.wav");
    let out = room.vouch([Path::new("verify"), Path::new("--speaker"), Path::new("alice2"), &call]);
    assert_eq!(code(&out), 0, "{out:?}");

    let mut list = String::new();
    let people = ["alice", "bob", "carol", "dave"];
    for a in people {
        for b in people {
            for call in 1..=2 {
                list.push_str(&format!("{} {a}_enrol_1.wav {b}_call_{call}.wav\n", u8::from(a == b)));
            }
        }
    }
    let trials = room.file("mini.trials", list.as_bytes());
    let run = |threads: &str, scores: &str| {
        let out = room.vouch([
            "eval".into(),
            trials.clone().into_os_string(),
            "--root".into(),
            caller("").into_os_string(),
            "--json".into(),
            "--threads".into(),
            threads.into(),
            "--scores".into(),
            scores.into(),
            "--report".into(),
            "report.html".into(),
        ]);
        assert_eq!(code(&out), 0, "{out:?}");
        (json(&out), std::fs::read_to_string(room.path(scores)).unwrap())
    };
    let (one, scores) = run("1", "one.tsv");
    let (two, same) = run("2", "two.tsv");
    assert_eq!((&one, &scores), (&two, &same), "threads change nothing");
    for key in ["eer", "min_dcf", "act_dcf", "cllr", "min_cllr", "fmr_at_90", "fnmr_at_90"] {
        assert!(one[key].is_number(), "{key}: {one}");
    }
    assert_eq!((&one["targets"], &one["nontargets"], &one["failures"]), (&8.into(), &24.into(), &0.into()));
    assert!(std::fs::read_to_string(room.path("report.html")).unwrap().contains("<svg"));
}

#[test]
fn usage_errors_exit_with_2_and_completions_and_man_pages_exist() {
    let room = Room::new();
    assert_eq!(code(&room.vouch(["verify"])), 2);
    assert_eq!(code(&room.vouch(["verify", "--speaker", "a", "--threshold", "101", "x.wav"])), 2);
    assert_eq!(code(&room.vouch(["verify", "--speaker", "a", "--min-speech", "4", "x.wav"])), 2);
    let bash = room.vouch(["completions", "bash"]);
    assert!(code(&bash) == 0 && text(&bash.stdout).contains("vouch"));
    assert_eq!(code(&room.vouch(["man", "man"])), 0);
    assert!(room.path("man/vouch.1").exists() && room.path("man/vouch-verify.1").exists());
}

#[test]
fn an_instruction_set_that_is_not_there_is_told_and_not_passed_over() {
    let (a, b) = (caller("alice_call_1.wav"), caller("bob_call_1.wav"));
    let compare = |simd: &str| {
        let mut vouch = Command::new(env!("CARGO_BIN_EXE_vouch"));
        vouch.arg("compare").args([&a, &b]).env("VOUCH_SIMD", simd).output().unwrap()
    };
    let wrong = compare("sse9");
    assert_eq!(code(&wrong), 3, "{wrong:?}");
    assert!(
        text(&wrong.stderr).contains("VOUCH_SIMD=\"sse9\" names no instruction set of this machine; it has scalar")
    );
    assert!(wrong.stdout.is_empty());
    assert_eq!(
        text(&compare("scalar").stdout),
        text(&compare("").stdout),
        "every instruction set gives the same score"
    );
}
