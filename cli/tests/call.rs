//! `vouch call`: real audio through a pipe, and what is left of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cli_audio::{ChannelChoice, MonoReader};
use serde_json::Value;

fn caller(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers").join(name)
}

/// Samples of a caller's file as mu-law, and its rate.
fn ulaw(name: &str) -> (Vec<u8>, u32) {
    let mut reader = MonoReader::open(&caller(name), None, ChannelChoice::Ask).unwrap();
    let (mut bytes, mut chunk) = (Vec::new(), Vec::new());
    while reader.next_chunk(&mut chunk).unwrap() > 0 {
        bytes.extend(chunk.iter().map(|&x| engine::codec::g711::i16_to_ulaw(engine::audio::f32_to_i16(x))));
    }
    (bytes, reader.spec().rate_hz)
}

struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        let room = Self(tempfile::tempdir().unwrap());
        assert!(room.run(&["domain", "create"], &[]).status.success());
        for who in ["alice", "bob"] {
            let files = [1, 2].map(|n| caller(&format!("{who}_enrol_{n}.wav")).display().to_string());
            assert!(room.run(&["enroll", "--speaker", who, &files[0], &files[1]], &[]).status.success());
        }
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str], stdin: &[u8]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.args(args).env("VOUCH_DOMAIN", self.path("vouch.domain")).current_dir(self.0.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let bytes = stdin.to_vec();
        // A decided call is not read to its end, so the pipe may break.
        let writer = std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap();
        out
    }

    fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("events")).unwrap();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
}

#[test]
fn a_piped_call_is_decided_as_the_file_is() {
    let room = Room::new();
    for (file, decision, code) in [("alice_call_1.wav", "ACCEPT", 0), ("bob_call_1.wav", "REJECT", 10)] {
        let (bytes, rate) = ulaw(file);
        let format = format!("ulaw@{rate}");
        let raw = room.path("call.ul");
        std::fs::write(&raw, &bytes).unwrap();
        let whole =
            room.run(&["verify", "--speaker", "alice", "--format", &format, "--json", raw.to_str().unwrap()], &[]);
        let stay = room.run(&["call", "--speaker", "alice", "--format", &format, "--json", "--stay"], &bytes);
        let brief = room.run(
            &[
                "call",
                "--speaker",
                "alice",
                "--format",
                &format,
                "--json",
                "--events",
                "events",
                "--session-name",
                "c-1",
            ],
            &bytes,
        );
        let (whole, stay, brief) = (json(&whole), json(&stay), (json(&brief), brief.status.code()));
        for key in ["Decision", "Score", "GeneratedSpeakerId", "CustomerSpeakerId"] {
            assert_eq!(whole["AuthenticationResult"][key], stay["AuthenticationResult"][key], "{file} {key}");
        }
        assert_eq!(whole["NetSpeechSeconds"], stay["NetSpeechSeconds"]);
        assert_eq!((brief.0["AuthenticationResult"]["Decision"].as_str(), brief.1), (Some(decision), Some(code)));
        assert_eq!(brief.0["StreamingStatus"], "ENDED");
        let heard = brief.0["NetSpeechSeconds"].as_f64().unwrap();
        assert!((10.0..10.2).contains(&heard), "{heard}");
        let record = &brief.0["VoiceIdResult"]["Authentication"];
        assert_eq!(record["Result"], if code == 0 { "Authenticated" } else { "Not Authenticated" });
        assert_eq!(
            (&record["ScoreThreshold"], &record["MinimumSpeechInSeconds"]),
            (&Value::from(90), &Value::from(10))
        );
    }
    let events = room.events();
    let kinds: Vec<&str> = events.iter().map(|e| e["detail-type"].as_str().unwrap()).collect();
    let each = ["VoiceId Start Session Action", "VoiceId Evaluate Session Action", "VoiceId Start Session Action"];
    assert_eq!(kinds.iter().filter(|k| each.contains(k)).count(), kinds.len());
    assert!(kinds.len() >= 6, "{kinds:?}");
    let text = std::fs::read_to_string(room.path("events")).unwrap();
    assert!(!text.contains("alice"), "the operator's id is in the events");
    let ids: std::collections::BTreeSet<&str> =
        events.iter().map(|e| e["detail"]["sourceId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len(), "source ids tell events apart");
    let last = events.iter().rev().find(|e| e["detail"]["action"] == "EVALUATE_SESSION").unwrap();
    assert_eq!(last["detail"]["session"]["authenticationResult"]["decision"], "REJECT");
}

#[test]
fn claims_without_a_voiceprint_are_answered_at_once() {
    let room = Room::new();
    assert!(room.run(&["speaker", "opt-out", "bob"], &[]).status.success());
    let (bytes, rate) = ulaw("alice_call_1.wav");
    let format = format!("ulaw@{rate}");
    for (who, decision, result, code) in
        [("nobody", "SPEAKER_NOT_ENROLLED", "Not Enrolled", 12), ("bob", "SPEAKER_OPTED_OUT", "Opted Out", 13)]
    {
        let out = room.run(&["call", "--speaker", who, "--format", &format, "--json"], &bytes);
        let report = json(&out);
        assert_eq!(report["AuthenticationResult"]["Decision"], decision);
        assert_eq!(report["AuthenticationResult"]["Score"], Value::Null);
        assert_eq!(report["VoiceIdResult"]["Authentication"]["Result"], result);
        assert_eq!(out.status.code(), Some(code));
    }
    let short = &bytes[..3 * rate as usize];
    let out = room.run(&["call", "--speaker", "alice", "--format", &format, "--json"], short);
    let report = json(&out);
    assert_eq!(report["AuthenticationResult"]["Decision"], "NOT_ENOUGH_SPEECH");
    assert_eq!(report["VoiceIdResult"]["Authentication"]["Result"], "Inconclusive");
    assert!(report["MissingSpeechSeconds"].as_f64().unwrap() > 5.0);
    assert_eq!(out.status.code(), Some(11));
}

#[test]
fn a_caller_is_enrolled_during_the_call() {
    let room = Room::new();
    let (mut bytes, rate) = ulaw("carol_enrol_1.wav");
    bytes.extend(ulaw("carol_enrol_2.wav").0);
    let format = format!("ulaw@{rate}");
    let enroll = ["call", "--speaker", "carol", "--enroll", "--wanted-speech", "15", "--format", &format, "--json"];
    let mut args = enroll.to_vec();
    args.extend(["--events", "events", "--consent", "said yes"]);
    let out = room.run(&args, &bytes);
    let report = json(&out);
    assert_eq!((out.status.code(), &report["Enrolled"]), (Some(0), &Value::Bool(true)), "{report}");
    assert_eq!(report["VoiceIdResult"]["SpeakerEnrolled"], true);
    let actions: Vec<Value> = room.events().iter().map(|e| e["detail"]["action"].clone()).collect();
    assert!(actions.contains(&"SESSION_ENROLLMENT_REQUEST".into()) && actions.contains(&"ENROLL_SPEAKER".into()));
    let (call, rate) = ulaw("carol_call_1.wav");
    let out = room.run(&["call", "--speaker", "carol", "--format", &format!("ulaw@{rate}"), "--json"], &call);
    assert_eq!(json(&out)["AuthenticationResult"]["Decision"], "ACCEPT");

    let again = room.run(&enroll, &bytes);
    assert!(String::from_utf8_lossy(&again.stderr).contains("--overwrite"), "{again:?}");
    let mut overwrite = enroll.to_vec();
    overwrite.push("--overwrite");
    let short = room.run(&overwrite, &bytes[..5 * rate as usize]);
    assert_eq!(short.status.code(), Some(16));
    assert!(json(&short)["Refusal"][0].as_str().unwrap().contains("TOO_LITTLE_SPEECH"), "{short:?}");
}

/// Two tones of a keypad, in the middle of a call.
fn with_digits(bytes: &mut [u8], rate: u32, from_s: f64) {
    for (i, (low, high)) in [(697.0, 1209.0), (770.0, 1336.0), (852.0, 1477.0)].into_iter().enumerate() {
        let start = ((from_s + 0.3 * i as f64) * f64::from(rate)) as usize;
        for k in 0..rate as usize / 10 {
            let t = k as f64 / f64::from(rate);
            let tone = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
            bytes[start + k] = engine::codec::g711::i16_to_ulaw((6_000.0 * (tone(low) + tone(high))) as i16);
        }
    }
}

#[test]
fn a_secure_passage_is_silent_in_the_recording_and_identical_elsewhere() {
    let room = Room::new();
    let (mut bytes, rate) = ulaw("alice_call_1.wav");
    with_digits(&mut bytes, rate, 6.0);
    let format = format!("ulaw@{rate}");
    let record = |name: &str, secure: &[&str]| {
        let mut args =
            vec!["call", "--speaker", "alice", "--format", &format, "--json", "--consent", "yes", "--record", name];
        args.extend(["--events", "events"]);
        secure.iter().for_each(|s| args.extend(["--secure", s]));
        let out = room.run(&args, &bytes);
        assert!(out.status.code().is_some_and(|c| c != 3), "{out:?}");
        let samples: Vec<i16> =
            hound::WavReader::open(room.path(name)).unwrap().into_samples().map(Result::unwrap).collect();
        (samples, json(&out))
    };
    let (open, _) = record("open.wav", &[]);
    let (secure, report) = record("secure.wav", &["5.5-7.25", "7-8", "9.5-9.75"]);
    assert_eq!(open.len(), secure.len());
    assert_eq!(open.len(), bytes.len());
    let at = |s: f64| (s * f64::from(rate)) as usize;
    for (i, (&a, &b)) in open.iter().zip(&secure).enumerate() {
        let silent = (at(5.5)..at(8.0)).contains(&i) || (at(9.5)..at(9.75)).contains(&i);
        assert_eq!(b, if silent { 0 } else { a }, "sample {i}");
    }
    assert_eq!(report["SilencedSamples"], at(8.0) - at(5.5) + at(9.75) - at(9.5));
    let verified = room.run(&["secure", "verify", "secure.wav", "--json"], &[]);
    assert_eq!(json(&verified)["Hash"], report["ProofHash"]);
    assert_eq!(json(&verified)["Passages"], 2);

    // Neither the keys nor the audio of the passages are in anything that was left behind.
    let secret: Vec<u8> = open[at(6.0)..at(6.0) + 400].iter().flat_map(|s| s.to_le_bytes()).collect();
    let companded = &bytes[at(6.0)..at(6.0) + 400];
    std::fs::remove_file(room.path("open.wav")).unwrap();
    let mut folders = vec![room.0.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            files += 1;
            for needle in [&secret[..], companded, b"\"159\"", b"159#"] {
                assert!(!content.windows(needle.len()).any(|w| w == needle), "{} holds it", path.display());
            }
        }
    }
    assert!(files >= 4, "only {files} files were looked at");

    let mut altered = std::fs::read(room.path("secure.wav")).unwrap();
    altered[44 + 2 * at(6.0)] ^= 1;
    std::fs::write(room.path("secure.wav"), &altered).unwrap();
    let refused = room.run(&["secure", "verify", "secure.wav"], &[]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("altered since"), "{refused:?}");
}

#[test]
fn bad_arguments_are_refused_by_name() {
    let room = Room::new();
    for (args, code, named) in [
        (vec!["call", "--speaker", "alice", "--secure", "5-4"], 2, "rising"),
        (vec!["call", "--speaker", "alice", "--min-speech", "11"], 2, "--min-speech"),
        (vec!["call", "--speaker", "alice", "--threshold", "101"], 2, "--threshold"),
        (vec!["call", "--speaker", "al ice", "--format", "ulaw"], 3, "--speaker"),
        (vec!["call", "--speaker", "alice", "--session-name", "x y", "--format", "ulaw"], 3, "--session-name"),
        (vec!["call", "--enroll"], 2, "--speaker"),
        (vec!["call", "--speaker", "alice", "--record", "x.wav"], 2, "--consent"),
    ] {
        let out = room.run(&args, &[0xFF; 100]);
        let err = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(code) && err.contains(named), "{args:?}: {out:?}");
    }
}

/// Samples of several callers' files, one after the other; they share a rate.
fn samples(names: &[&str]) -> (Vec<f32>, u32) {
    let (mut all, mut rate, mut chunk) = (Vec::new(), 0, Vec::new());
    for name in names {
        let mut reader = MonoReader::open(&caller(name), None, ChannelChoice::Ask).unwrap();
        rate = reader.spec().rate_hz;
        while reader.next_chunk(&mut chunk).unwrap() > 0 {
            all.extend_from_slice(&chunk);
        }
    }
    (all, rate)
}

fn s16le(samples: impl Iterator<Item = f32>) -> Vec<u8> {
    samples.flat_map(|x| engine::audio::f32_to_i16(x).to_le_bytes()).collect()
}

#[test]
fn the_agent_in_the_callers_channel_is_noticed_and_told() {
    let room = Room::new();
    let (caller_side, rate) = samples(&["alice_call_1.wav"]);
    let (agent_side, _) = samples(&["dave_call_1.wav"]);
    // The agent begins, and the caller answers over the second half of it.
    let caller_side = [vec![0.0; agent_side.len() / 2], caller_side].concat();
    let delay = rate as usize / 10;
    for (gain, heard) in [(0.0, false), (0.05, true)] {
        let both = caller_side.iter().enumerate().flat_map(|(i, x)| {
            let at = |i: usize| agent_side.get(i).copied().unwrap_or(0.0);
            [x + gain * i.checked_sub(delay).map_or(0.0, at), at(i)]
        });
        let pcm = s16le(both);
        let format = format!("s16le@{rate}x2");
        let args = ["call", "--speaker", "alice", "--format", &format, "--channel", "left", "--json", "--stay"];
        let told = json(&room.run(&[&args[..], &["--events", "events"]].concat(), &pcm));
        let events = room.events();
        let event = events.iter().find(|e| e["detail"]["action"] == "AGENT_BLEED");
        assert_eq!((told.get("AgentBleed").is_some(), event.is_some()), (heard, heard), "{told}");
        if heard {
            let bleed = &told["AgentBleed"];
            assert!((bleed["LevelDb"].as_f64().unwrap() - -26.0).abs() < 2.0, "{bleed}");
            assert!((bleed["DelaySeconds"].as_f64().unwrap() - 0.1).abs() < 0.003, "{bleed}");
            assert!(event.unwrap()["detail"]["levelDb"].as_f64().unwrap() < -20.0);
        }
        // A recording says the same, and for the channel that is heard only.
        std::fs::write(room.path("both.raw"), &pcm).unwrap();
        let path = room.path("both.raw").display().to_string();
        let channels = json(&room.run(&["inspect", "--format", &format, "--json", &path], &[]))["channels"].clone();
        assert_eq!((channels[0].get("bleed").is_some(), channels[1].get("bleed").is_some()), (heard, false));
    }
}

#[test]
fn a_second_voice_during_an_enrolment_is_noticed_and_refused() {
    let room = Room::new();
    for (files, changed) in
        [(["carol_enrol_1.wav", "dave_enrol_1.wav"], true), (["carol_enrol_1.wav", "carol_enrol_2.wav"], false)]
    {
        let (speech, rate) = samples(&files);
        let format = format!("s16le@{rate}");
        let pcm = s16le(speech.into_iter());
        let args = ["call", "--speaker", "x", "--enroll", "--wanted-speech", "25", "--format", &format, "--json"];
        let out = room.run(&[&args[..], &["--events", "events", "--overwrite"]].concat(), &pcm);
        let told = json(&out);
        assert_eq!(told["TalkerChanged"], changed, "{told}");
        assert_eq!(
            (told["Enrolled"].as_bool(), out.status.code()),
            (Some(!changed), Some(if changed { 16 } else { 0 }))
        );
        if changed {
            assert!(told["Refusal"][0].as_str().unwrap().starts_with("DIFFERENT_VOICES"), "{told}");
            assert!(room.events().iter().any(|e| e["detail"]["action"] == "TALKER_CHANGED"));
        }
    }
}
