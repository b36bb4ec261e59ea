//! `vouch redact` and `redact-text`: a recording and its transcript go in, both come out without what is personal, or nothing does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const RATE: u32 = 8_000;

struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A recording of noise, `seconds` long.
    fn record(&self, channels: u16, seconds: u32) -> Vec<i16> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(self.path("call.wav"), spec).unwrap();
        let noise = testdata::noise(7, (seconds * RATE * u32::from(channels)) as usize);
        let samples: Vec<i16> = noise.iter().map(|x| (x * 3_000.0) as i16 | 1).collect();
        samples.iter().for_each(|&s| writer.write_sample(s).unwrap());
        writer.finalize().unwrap();
        samples
    }

    fn transcript(&self, json: &Value) {
        std::fs::write(self.path("call.json"), json.to_string()).unwrap();
    }

    fn redact(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command
            .args(["redact", "--audio", "call.wav", "--transcript", "call.json", "--out", "out", "--json"])
            .args(more);
        command.current_dir(self.0.path()).output().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path("out").join(format!("call_{name}"))
    }

    fn left(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.path("out")).map(|d| d.map(|e| e.unwrap().path()).collect());
        folder.unwrap_or_default()
    }
}

fn read(path: &Path) -> Vec<i16> {
    hound::WavReader::open(path).unwrap().samples::<i16>().map(Result::unwrap).collect()
}

/// Words of half a second each, one after the other from `start`, as Amazon Transcribe writes a channel.
fn channel(number: usize, start: f64, text: &str) -> Value {
    let items: Vec<Value> = text
        .split_whitespace()
        .enumerate()
        .map(|(i, w)| {
            let begin = start + 0.5 * i as f64;
            json!({"type": "pronunciation", "start_time": format!("{begin}"), "end_time": format!("{}", begin + 0.4),
                   "alternatives": [{"content": w, "confidence": "0.99"}]})
        })
        .collect();
    json!({"channel_label": format!("ch_{number}"), "items": items})
}

fn transcribe(channels: &[Value]) -> Value {
    json!({"jobName": "x", "results": {"items": [], "channel_labels": {"channels": channels, "number_of_channels": channels.len()}}})
}

const CARD: &str = "it is four one one one one one one one one one one one one one one one thanks";

#[test]
fn a_spoken_card_is_silenced_in_its_channel_and_masked_in_the_text() {
    let room = Room::new();
    let original = room.record(2, 20);
    room.transcript(&transcribe(&[channel(0, 1.0, "what is your card number"), channel(1, 4.0, CARD)]));
    let out = room.redact(&["--mask", "entity-type"]);
    assert_eq!(out.status.code(), Some(20), "{out:?}");
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(told["Found"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["Found"][0]["Entity"], "CREDIT_DEBIT_NUMBER");

    // 16 words from 5.0 s, the last to 12.9 s, and 250 ms on either side.
    let redacted = read(&room.file("call_recording_redacted.wav"));
    assert_eq!(redacted.len(), original.len());
    let (from, to) = ((4.75 * f64::from(RATE)) as usize, (13.15 * f64::from(RATE)) as usize);
    for (frame, (found, original)) in redacted.chunks(2).zip(original.chunks(2)).enumerate() {
        assert_eq!(found[0], original[0], "the agent's channel is as it was");
        assert_eq!(found[1], if (from..to).contains(&frame) { 0 } else { original[1] }, "frame {frame}");
    }
    let analysis: Value = serde_json::from_slice(&std::fs::read(room.file("analysis_redacted.json")).unwrap()).unwrap();
    assert_eq!(analysis["ContentMetadata"]["Output"], "Redacted");
    let turn = &analysis["Transcript"][1];
    assert_eq!(turn["Content"], "it is [CREDIT_DEBIT_NUMBER] thanks");
    assert_eq!(
        turn["Redaction"]["RedactedTimestamps"],
        json!([{"BeginOffsetMillis": 5_000, "EndOffsetMillis": 12_900}])
    );
    assert!(analysis["Transcript"][0].get("Redaction").is_none());
    let audit = std::fs::read_to_string(room.file("audit.json")).unwrap();
    assert!(!audit.contains("four") && !audit.contains("4111"), "the audit holds no values");
    let audit: Value = serde_json::from_str(&audit).unwrap();
    assert_eq!(audit["Silenced"], json!([{"Channel": 1, "BeginSample": from, "EndSample": to}]));
    assert_eq!(audit["Counts"], json!({"CREDIT_DEBIT_NUMBER": 1}));
    assert!(
        audit["NotLookedFor"].as_array().unwrap().contains(&json!("AGENT_DISPLAY_NAME")),
        "what is not recognised is said"
    );

    assert_eq!(room.redact(&["--overwrite", "--all-channels"]).status.code(), Some(20));
    let both = read(&room.file("call_recording_redacted.wav"));
    assert!(both[2 * from..2 * to].iter().all(|&s| s == 0) && both[2 * to..] == original[2 * to..]);

    let again = room.redact(&[]);
    assert_eq!(again.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--overwrite"), "{again:?}");
    assert_eq!(room.redact(&["--overwrite"]).status.code(), Some(20));
}

#[test]
fn an_agent_who_hears_the_caller_is_silenced_too() {
    let room = Room::new();
    let spec =
        hound::WavSpec { channels: 2, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(room.path("call.wav"), spec).unwrap();
    let caller = testdata::speech_like(RATE, 20);
    for (i, x) in caller.iter().enumerate() {
        let heard = i.checked_sub(400).map_or(0.0, |i| 0.1 * caller[i]);
        [heard, *x].iter().for_each(|s| writer.write_sample((s * 20_000.0) as i16).unwrap());
    }
    writer.finalize().unwrap();
    room.transcript(&transcribe(&[channel(0, 1.0, "your card number"), channel(1, 4.0, CARD)]));
    assert_eq!(room.redact(&[]).status.code(), Some(20));
    let redacted = read(&room.file("call_recording_redacted.wav"));
    for second in [5, 8, 12] {
        let frame = &redacted[2 * second * RATE as usize..][..2 * RATE as usize / 2];
        assert!(frame.iter().all(|&s| s == 0), "second {second}");
    }
    assert!(redacted[..2 * RATE as usize].iter().any(|&s| s != 0));
}

#[test]
fn speakers_without_a_channel_are_silenced_everywhere_and_unsure_finds_want_a_look() {
    let room = Room::new();
    let original = room.record(2, 10);
    let word = |w: &str, start: f64| json!({"word": format!(" {w}"), "start": start, "end": start + 0.4});
    let words: Vec<Value> = ["card", "ends", "in", "four", "two", "four", "two"]
        .iter()
        .enumerate()
        .map(|(i, w)| word(w, i as f64))
        .collect();
    room.transcript(&json!({"text": "", "segments": [{"start": 0, "end": 8, "text": "", "words": words}]}));
    let out = room.redact(&["--pad-ms", "0"]);
    assert_eq!(out.status.code(), Some(21), "{out:?}");
    let redacted = read(&room.file("call_recording_redacted.wav"));
    let silent: Vec<usize> = (0..redacted.len()).filter(|&i| redacted[i] != original[i]).map(|i| i / 2).collect();
    assert_eq!((silent.first(), silent.last()), (Some(&(3 * RATE as usize)), Some(&(6 * RATE as usize + 3_199))));
    assert_eq!(silent.len(), 2 * (3 * RATE as usize + 3_200), "both channels");
}

#[test]
fn nothing_personal_leaves_every_sample() {
    let room = Room::new();
    let original = room.record(1, 10);
    room.transcript(&transcribe(&[channel(0, 1.0, "i have two questions about my order")]));
    let out = room.redact(&[]);
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert_eq!(read(&room.file("call_recording_redacted.wav")), original);
}

#[test]
fn what_does_not_fit_together_fails_and_leaves_nothing() {
    let good = || transcribe(&[channel(0, 1.0, "your card number"), channel(1, 3.0, "4111 1111 1111 1111")]);
    let late = transcribe(&[channel(0, 500.0, "your card number 4111 1111 1111 1111")]);
    type Prepare = fn(&Room);
    let cases: [(&str, Value, Prepare, &[&str], &str); 9] = [
        ("words beyond the recording", late, |_| (), &[], "do not belong together"),
        ("no words", transcribe(&[json!({"channel_label": "ch_0", "items": []})]), |_| (), &[], "no words"),
        ("a text for a transcript", json!("4111 1111 1111 1111"), |_| (), &[], "not a transcript"),
        (
            "a channel that is not there",
            transcribe(&[channel(0, 1.0, "hi"), channel(5, 1.0, "hi")]),
            |_| (),
            &[],
            "channel 5",
        ),
        (
            "a recording that was cut off",
            good(),
            |r| {
                let file = std::fs::read(r.path("call.wav")).unwrap();
                std::fs::write(r.path("call.wav"), &file[..file.len() - 100]).unwrap();
            },
            &[],
            "cut off",
        ),
        (
            "something behind the recording",
            good(),
            |r| {
                let mut file = std::fs::read(r.path("call.wav")).unwrap();
                file.extend([1; 64]);
                std::fs::write(r.path("call.wav"), file).unwrap();
            },
            &[],
            "something follows",
        ),
        ("an entity that is not looked for", good(), |_| (), &["--entities", "ATTACHMENT_NAME"], "not recognised yet"),
        ("an entity that is none", good(), |_| (), &["--entities", "CARD"], "no kind of personal data"),
        ("no transcript", good(), |r| std::fs::remove_file(r.path("call.json")).unwrap(), &[], "call.json"),
    ];
    for (name, transcript, prepare, args, reason) in cases {
        let room = Room::new();
        room.record(2, 10);
        room.transcript(&transcript);
        prepare(&room);
        let out = room.redact(args);
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(3), "{name}: {out:?}");
        assert!(error.contains(reason), "{name}: {error}");
        assert_eq!(room.left(), Vec::<PathBuf>::new(), "{name}");
    }
    // A folder that cannot be written into: neither file is there.
    let room = Room::new();
    room.record(2, 10);
    room.transcript(&good());
    std::fs::write(room.path("out"), "a file").unwrap();
    assert_eq!(room.redact(&[]).status.code(), Some(3));
}

#[test]
fn lines_of_text_are_masked_with_their_places() {
    let run = |text: &str, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.arg("redact-text").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let text = "Hello, my PIN is  nine oh two one.\n\nand the card number is\nfour one one one 1111 1111 1111, ok?\n";
    let out = run(text, &[]);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "Hello, my PIN is [PII].\n\nand the card number is\n[PII], ok?\n");
    assert_eq!(out.status.code(), Some(20));
    let found: Value = serde_json::from_slice(&run(text, &["--json", "--mask", "entity-type"]).stdout).unwrap();
    let first = &found[0]["Found"][0];
    assert_eq!(
        (&first["Entity"], &first["BeginOffsetChar"], &first["EndOffsetChar"]),
        (&json!("PIN"), &json!(18), &json!(34))
    );
    assert_eq!(found[3]["Text"], "[CREDIT_DEBIT_NUMBER], ok?");
    assert_eq!(run("nothing here\n", &[]).status.code(), Some(0));
    assert_eq!(run("", &[]).status.code(), Some(0));
    assert_eq!(run("my pin is 9021", &["--entities", "SSN,pin"]).status.code(), Some(20));
    assert_eq!(run("my pin is 9021", &["--entities", "SSN"]).status.code(), Some(0));
}

#[test]
fn labelled_calls_are_measured_by_kind() {
    let room = Room::new();
    room.transcript(&transcribe(&[channel(0, 1.0, "your card number"), channel(1, 3.0, "4111 1111 1111 1111")]));
    let list = room.path("gold.jsonl");
    let text = "my name is Olivia Hart and my PIN is nine oh two one";
    let at = |part: &str| {
        let begin = text.find(part).unwrap();
        json!({"BeginOffsetChar": begin, "EndOffsetChar": begin + part.len()})
    };
    let item = |entity: &str, part: &str| {
        let mut item = at(part);
        item["Entity"] = json!(entity);
        item
    };
    let card = json!({"Entity": "CREDIT_DEBIT_NUMBER", "BeginOffsetMillis": 3_000, "EndOffsetMillis": 5_000});
    let lines = [
        json!({"Text": text, "Items": [item("NAME", "Olivia Hart"), item("PIN", "nine oh two one")]}),
        json!({"Transcript": "call.json", "Items": [card]}),
    ];
    std::fs::write(&list, lines.map(|l| l.to_string()).join("\n")).unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.arg("eval-redaction").arg(&list).args(args).output().unwrap()
    };
    let out = run(&["--json"]);
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let found: Value = serde_json::from_slice(&out.stdout).unwrap();
    let row = |entity: &str| found["kinds"].as_array().unwrap().iter().find(|r| r["entity"] == entity).unwrap();
    assert_eq!(found["calls"], 2);
    for entity in ["CREDIT_DEBIT_NUMBER", "NAME", "PIN"] {
        assert_eq!(
            (&row(entity)["silenced"]["count"], &row(entity)["silenced"]["of"]),
            (&json!(1), &json!(1)),
            "{entity}"
        );
    }
    let table = String::from_utf8(run(&["--entities", "PIN"]).stdout).unwrap();
    assert!(table.contains("PIN") && !table.contains("NAME") && table.contains("2 calls"), "{table}");
    std::fs::write(&list, "{\"Text\": \"a\"}").unwrap();
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("gold.jsonl:1"), "{refused:?}");
}
