//! `vouch redact`: what is written under which policy and name, sealed or not; keys, spans by hand, FLAC, tones, many calls, retention, kills.
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

    /// A recording whose samples are never zero, two channels.
    fn record(&self, name: &str, seconds: u32) -> Vec<i16> {
        let noise = testdata::noise(7, (2 * seconds * RATE) as usize);
        let samples: Vec<i16> = noise.iter().map(|x| (x * 3_000.0) as i16 | 1).collect();
        write(&self.path(name), &samples);
        samples
    }

    fn vouch(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_vouch")).args(args).current_dir(self.0.path()).output().unwrap()
    }

    /// All files of a folder and below, without what is still being written.
    fn files(&self, folder: &str) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.path(folder)]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(path.strip_prefix(self.0.path()).unwrap().display().to_string()),
                }
            }
        }
        found.sort();
        found
    }
}

fn write(path: &Path, samples: &[i16]) {
    let spec =
        hound::WavSpec { channels: 2, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|&s| writer.write_sample(s).unwrap());
    writer.finalize().unwrap();
}

fn read(path: &Path) -> Vec<i16> {
    hound::WavReader::open(path).unwrap().samples::<i16>().map(Result::unwrap).collect()
}

fn load(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Agent and caller, as call analytics writes them, with times of words.
fn transcript() -> Value {
    let turn = |role: &str, begin: u64, text: &str| {
        let words = text.split(' ').enumerate();
        let items = words.map(|(i, w)| json!({"Content": w, "BeginOffsetMillis": begin + 300 * i as u64, "EndOffsetMillis": begin + 300 * i as u64 + 250}));
        let items: Vec<Value> = items.collect();
        let end = items.last().unwrap()["EndOffsetMillis"].clone();
        json!({"ParticipantRole": role, "Content": text, "BeginOffsetMillis": begin, "EndOffsetMillis": end, "Items": items})
    };
    json!({"Transcript": [
        turn("AGENT", 500, "hello what is your card number"),
        turn("CUSTOMER", 3_000, "it is four one one one one one one one one one one one one one one one thank you so much"),
        turn("AGENT", 14_000, "great"),
    ]})
}

/// SPEC appendix E 14.
#[test]
fn e14_three_files_with_exact_names_and_no_original_under_redacted_only() {
    let room = Room::new();
    let original = room.record("call.wav", 20);
    std::fs::write(room.path("call.json"), transcript().to_string()).unwrap();
    let time = "2020-02-04T21:14:16Z";
    let base = [
        "redact",
        "--audio",
        "call.wav",
        "--transcript",
        "call.json",
        "--contact-id",
        "c-1",
        "--layout",
        "connect",
        "--time",
        time,
        "--json",
    ];
    let run = |more: &[&str]| room.vouch(&[&base[..], more].concat());

    let done = run(&["--out", "only"]);
    assert_eq!(done.status.code(), Some(20), "{done:?}");
    let redacted = |name: &str| format!("Analysis/Voice/Redacted/2020/02/04/c-1_{name}_{time}");
    let three = [
        format!("only/{}.json", redacted("analysis_redacted")),
        format!("only/{}.json", redacted("audit")),
        format!("only/{}.wav", redacted("call_recording_redacted")),
    ];
    assert_eq!(room.files("only"), three, "the original is not there");

    let both = run(&["--out", "both", "--policy", "redacted-and-original", "--original-key", "keys/original.key"]);
    assert_eq!(both.status.code(), Some(3), "the key's folder is not there");
    std::fs::create_dir(room.path("keys")).unwrap();
    let both = run(&["--out", "both", "--policy", "redacted-and-original", "--original-key", "keys/original.key"]);
    assert_eq!(both.status.code(), Some(20), "{both:?}");
    let sealed = format!("both/Analysis/Voice/2020/02/04/c-1_analysis_{time}.json.sealed");
    assert!(room.files("both").contains(&sealed), "{:?}", room.files("both"));
    assert!(!std::fs::read(room.path(&sealed)).unwrap().windows(4).any(|w| w == b"four"), "sealed");
    let opened = room.vouch(&["unseal", &sealed, "--key", "keys/original.key"]);
    let raw: Value = serde_json::from_slice(&opened.stdout).unwrap();
    assert_eq!(raw["ContentMetadata"], json!({"Output": "Raw"}));
    assert!(raw["Transcript"][1]["Content"].as_str().unwrap().contains("four one one"));

    // The redacted file is the original but for masked content and two keys of its metadata; its figures are the same.
    let masked = load(&room.path(&three[0]));
    assert_eq!(masked["ConversationCharacteristics"], raw["ConversationCharacteristics"]);
    assert_eq!(masked["Transcript"][1]["Content"], "it is [PII] thank you so much");
    let mut like = masked.clone();
    like["Transcript"][1]["Content"] = raw["Transcript"][1]["Content"].clone();
    like["ContentMetadata"] = json!({"Output": "Raw"});
    assert_eq!(like, raw);
    assert_eq!(masked["Transcript"][1]["Sentiment"], "POSITIVE");
    assert_eq!(masked["ConversationCharacteristics"]["NonTalkTime"]["TotalTimeMillis"], json!(4_450 + 5_750));
    assert_eq!(masked["Transcript"][1]["LoudnessScore"].as_array().unwrap().len(), 7);

    // Same length, zeros on the span, all else as it was, in both channels: a transcript without channels may be of either.
    let back = read(&room.path(&three[2]));
    let (from, to) = ((3_600 - 250) * 8, (3_600 + 15 * 300 + 250 + 250) * 8);
    for (i, (b, o)) in back.iter().zip(&original).enumerate() {
        assert_eq!(*b, if (from..to).contains(&(i / 2)) { 0 } else { *o }, "sample {i}");
    }
    assert_eq!(back.len(), original.len());

    let none = run(&["--out", "none", "--policy", "none", "--plain-original"]);
    assert_eq!(none.status.code(), Some(0), "{none:?}");
    assert_eq!(room.files("none"), [format!("none/Analysis/Voice/2020/02/04/c-1_analysis_{time}.json")]);
    // Sealed by default: without a key it is an error, and nothing is there.
    assert_eq!(run(&["--out", "late", "--policy", "redacted-and-original"]).status.code(), Some(3));
    assert_eq!(room.files("late"), Vec::<String>::new());
    let named = |id: &str, out: &str| {
        let args = [
            "redact",
            "--audio",
            "call.wav",
            "--transcript",
            "call.json",
            "--overwrite",
            "--contact-id",
            id,
            "--out",
            out,
        ];
        String::from_utf8_lossy(&room.vouch(&args).stderr).into_owned()
    };
    assert!(named("../../c", "x").contains("not a name for files"));
    // The recording itself would be replaced.
    std::fs::copy(room.path("call.wav"), room.path("c_call_recording_redacted.wav")).unwrap();
    let itself = [
        "redact",
        "--audio",
        "c_call_recording_redacted.wav",
        "--transcript",
        "call.json",
        "--overwrite",
        "--contact-id",
        "c",
        "--out",
        ".",
    ];
    assert!(String::from_utf8_lossy(&room.vouch(&itself).stderr).contains("is the recording itself"));
    assert_eq!(read(&room.path("c_call_recording_redacted.wav")), original);
}

/// Tones of digits into a channel, 80 ms each, from `at` on.
fn press(samples: &mut [i16], channel: usize, at: usize) {
    for digit in 0..4 {
        let tones = testdata::sines(RATE, &[(770.0, 0.2), (1_336.0, 0.2)], 640);
        let start = at + digit * 1_600;
        for (i, t) in tones.iter().enumerate() {
            samples[2 * (start + i) + channel] += (t * 30_000.0) as i16;
        }
    }
}

#[test]
fn keys_and_spans_by_hand_are_silenced_without_a_transcript() {
    let room = Room::new();
    let mut samples: Vec<i16> =
        testdata::noise(3, 2 * 10 * RATE as usize).iter().map(|x| (x * 60.0) as i16 | 1).collect();
    press(&mut samples, 1, 16_000);
    write(&room.path("call.wav"), &samples);
    std::fs::write(room.path("spans.json"), r#"[{"BeginOffsetMillis": 6000, "EndOffsetMillis": 6500, "Channel": 0}]"#)
        .unwrap();
    let out = room.vouch(&[
        "redact",
        "--audio",
        "call.wav",
        "--spans",
        "spans.json",
        "--out",
        "out",
        "--pad-ms",
        "0",
        "--json",
    ]);
    assert_eq!(out.status.code(), Some(20), "{out:?}");
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(told["Keys"], 4);
    assert!(told["NotLookedFor"].as_array().unwrap().len() == 39, "no words, so nothing was looked for");
    let back = read(&room.path("out/call_call_recording_redacted.wav"));
    for digit in 0..4 {
        let (start, end) = (16_000 + digit * 1_600, 16_000 + digit * 1_600 + 640);
        assert!((start..end).all(|f| back[2 * f + 1] == 0 && back[2 * f] == samples[2 * f]), "key {digit}");
    }
    assert!((48_000..52_000).all(|f| back[2 * f] == 0 && back[2 * f + 1] == samples[2 * f + 1]));
    assert!((52_000..80_000).all(|f| back[2 * f..2 * f + 2] == samples[2 * f..2 * f + 2]));
    assert_eq!(room.vouch(&["redact", "--audio", "call.wav", "--out", "no", "--no-keys"]).status.code(), Some(3));
    for (spans, reason) in [
        (r#"[{"BeginOffsetMillis": 60000, "EndOffsetMillis": 61000}]"#, "beyond"),
        (r#"[{"BeginOffsetMillis": 2, "EndOffsetMillis": 1}]"#, "begins at"),
        (r#"[{"BeginOffsetMillis": 2}]"#, "whole numbers"),
        (r#"[{"BeginOffsetMillis": 1, "EndOffsetMillis": 2, "Channel": 2}]"#, "Channel 2"),
        ("{}", "not a list"),
        ("", "not JSON"),
    ] {
        std::fs::write(room.path("spans.json"), spans).unwrap();
        let out = room.vouch(&["redact", "--audio", "call.wav", "--spans", "spans.json", "--out", "bad"]);
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(3) && error.contains(reason), "{spans}: {error}");
        assert_eq!(room.files("bad"), Vec::<String>::new());
    }
}

#[test]
fn a_tone_is_put_where_it_is_asked_for_and_too_short_or_long_is_refused() {
    let room = Room::new();
    let original = room.record("call.wav", 20);
    std::fs::write(room.path("call.json"), transcript().to_string()).unwrap();
    let base = ["redact", "--audio", "call.wav", "--transcript", "call.json", "--out", "out"];
    assert_eq!(
        room.vouch(&[&base[..], &["--fill", "tone", "--report", "out/page.html"]].concat()).status.code(),
        Some(20)
    );
    let back = read(&room.path("out/call_call_recording_redacted.wav"));
    let span = &back[2 * 40_000..2 * 48_000];
    assert!(
        span.iter().all(|s| s.abs() < 3_280)
            && span.iter().any(|s| *s > 3_000)
            && span != &original[2 * 40_000..2 * 48_000]
    );
    let page = std::fs::read_to_string(room.path("out/page.html")).unwrap();
    assert!(
        page.contains("<mark>[PII]</mark>")
            && page.contains("call_call_recording_redacted.wav")
            && !page.contains("four one")
    );
    let out = room.vouch(&[&base[..], &["--overwrite", "--max-seconds", "19"]].concat());
    assert!(String::from_utf8_lossy(&out.stderr).contains("RECORDING_FILE_TOO_LARGE"));
    write(&room.path("short.wav"), &[1; 2 * 800]);
    let out = room.vouch(&["redact", "--audio", "short.wav", "--out", "out"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("RECORDING_FILE_TOO_SMALL"));
    assert_eq!(room.vouch(&[&base[..], &["--language", "xx-YY"]].concat()).status.code(), Some(2));
}

#[test]
fn flac_is_redacted_into_wav_sample_by_sample() {
    let tool = Command::new("flac")
        .arg("--version")
        .output()
        .map(|_| "flac")
        .or_else(|_| Command::new("ffmpeg").arg("-version").output().map(|_| "ffmpeg"));
    let Ok(tool) = tool else { return println!("skipped: neither flac nor ffmpeg is there") };
    let room = Room::new();
    let original = room.record("call.wav", 20);
    let made = match tool {
        "flac" => Command::new("flac").args(["-s", "call.wav"]).current_dir(room.0.path()).status(),
        _ => Command::new("ffmpeg")
            .args(["-v", "error", "-i", "call.wav", "call.flac"])
            .current_dir(room.0.path())
            .status(),
    };
    assert!(made.unwrap().success());
    std::fs::write(room.path("call.json"), transcript().to_string()).unwrap();
    let out = room.vouch(&["redact", "--audio", "call.flac", "--transcript", "call.json", "--out", "out"]);
    assert_eq!(out.status.code(), Some(20), "{out:?}");
    let back = read(&room.path("out/call_call_recording_redacted.wav"));
    assert_eq!(back.len(), original.len());
    assert!(back.iter().zip(&original).all(|(b, o)| b == o || *b == 0) && back.contains(&0));
}

#[test]
fn many_calls_at_once_and_one_that_fails_keeps_no_other_back() {
    let room = Room::new();
    for name in ["a", "b"] {
        room.record(&format!("{name}.wav"), 20);
        std::fs::write(room.path(&format!("{name}.json")), transcript().to_string()).unwrap();
    }
    std::fs::write(room.path("c.wav"), "no recording").unwrap();
    let manifest = "{\"audio\": \"a.wav\", \"transcript\": \"a.json\"}\n\n{\"audio\": \"b.wav\", \"transcript\": \"b.json\", \"contact-id\": \"other\"}\n";
    std::fs::write(room.path("calls.jsonl"), manifest).unwrap();
    let out = room.vouch(&["redact", "--manifest", "calls.jsonl", "--out", "out", "--json"]);
    assert_eq!(out.status.code(), Some(20), "{out:?}");
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(told.as_array().unwrap().len(), 2);
    assert_eq!(room.files("out").len(), 6);
    std::fs::write(room.path("calls.jsonl"), format!("{manifest}{{\"audio\": \"c.wav\"}}\n")).unwrap();
    let out = room.vouch(&["redact", "--manifest", "calls.jsonl", "--out", "again", "--json"]);
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stdout).contains("RECORDING_FILE_INVALID"), "{out:?}");
    assert_eq!(room.files("again").len(), 6);
    for (text, reason) in [
        ("{\"audio\": 1}\n", "calls.jsonl:1"),
        ("", "no calls"),
        ("{\"audio\": \"a.wav\"}\n{\"audio\": \"a.wav\"}\n", "two calls"),
    ] {
        std::fs::write(room.path("calls.jsonl"), text).unwrap();
        let out = room.vouch(&["redact", "--manifest", "calls.jsonl", "--out", "none"]);
        assert!(String::from_utf8_lossy(&out.stderr).contains(reason), "{out:?}");
    }
}

#[test]
fn what_is_old_is_erased_and_nothing_else() {
    let room = Room::new();
    room.record("call.wav", 20);
    std::fs::write(room.path("call.json"), transcript().to_string()).unwrap();
    let base = [
        "redact",
        "--audio",
        "call.wav",
        "--transcript",
        "call.json",
        "--out",
        "out",
        "--policy",
        "redacted-and-original",
        "--plain-original",
    ];
    assert_eq!(room.vouch(&base).status.code(), Some(20));
    assert_eq!(room.vouch(&[&base[..], &["--layout", "connect"]].concat()).status.code(), Some(20));
    std::fs::write(room.path("out/notes_audit.txt"), "mine").unwrap();
    std::fs::write(room.path("out/my_audio.wav"), "mine").unwrap();
    let all = room.files("out");
    assert_eq!(all.len(), 10);
    let young = room.vouch(&["retain", "out", "--older-than", "1d", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&young.stdout).unwrap()["Erased"], json!([]));
    let dry: Value =
        serde_json::from_slice(&room.vouch(&["retain", "out", "--older-than", "0d", "--dry-run", "--json"]).stdout)
            .unwrap();
    assert_eq!(dry["Erased"].as_array().unwrap().len(), 8);
    assert_eq!(room.files("out"), all);
    assert_eq!(room.vouch(&["retain", "out", "--older-than", "0h"]).status.code(), Some(0));
    assert_eq!(room.files("out"), ["out/my_audio.wav", "out/notes_audit.txt"]);
    assert_eq!(room.vouch(&["retain", "out", "--older-than", "soon"]).status.code(), Some(2));
}

#[test]
fn a_kill_at_any_moment_leaves_no_byte_of_what_must_not_be_heard() {
    let room = Room::new();
    let original = room.record("call.wav", 240);
    std::fs::write(room.path("call.json"), transcript().to_string()).unwrap();
    let args = ["redact", "--audio", "call.wav", "--transcript", "call.json", "--out", "out", "--quiet"];
    // Samples from the middle of what is silenced, as they lie in a file.
    let secret: Vec<u8> = original[2 * 40_000..2 * 40_000 + 32].iter().flat_map(|s| s.to_le_bytes()).collect();
    let started = std::time::Instant::now();
    assert_eq!(room.vouch(&args).status.code(), Some(20));
    let whole = started.elapsed();
    std::fs::remove_dir_all(room.path("out")).unwrap();
    let mut left = 0;
    // Writing comes last.
    for wait in 0..16 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        let mut child =
            command.args(args).current_dir(room.0.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(0.4 + 0.05 * f64::from(wait)));
        child.kill().unwrap();
        child.wait().unwrap();
        for file in room.files("out") {
            let bytes = std::fs::read(room.path(&file)).unwrap();
            assert!(!bytes.windows(secret.len()).any(|w| w == secret), "{file} after {wait}");
            left += 1;
            if file.ends_with("_redacted.wav") {
                assert_eq!(read(&room.path(&file)).len(), original.len(), "a file under its name is whole");
            }
        }
        let _ = std::fs::remove_dir_all(room.path("out"));
    }
    assert!(left > 0, "no kill came while something was there");
}
