//! `--precision int8` through the program: the same decisions as in 32 bits, and voiceprints that fit either way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];
const PRECISIONS: [&str; 2] = ["f32", "int8"];
/// Least cosine between the embeddings of a recording in 8 and in 32 bits. Measured: 0.99986 and more.
const LEAST_COSINE: f64 = 0.999;
/// How far the scores of one call may lie apart. Measured: 1.
const MOST_POINTS: i64 = 2;

fn caller(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers").join(name)
}

fn recordings() -> Vec<PathBuf> {
    let kinds = ["enrol_1", "enrol_2", "call_1", "call_2"];
    PEOPLE.iter().flat_map(|who| kinds.map(|kind| caller(&format!("{who}_{kind}.wav")))).collect()
}

fn vouch(domain: &Path, precision: &str, args: &[&str], files: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
    command.env("VOUCH_DOMAIN", domain).args(args).args(["--precision", precision]).args(files).output().unwrap()
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
}

/// The embeddings of all recordings, from the file that `vouch embed` writes.
fn embeddings(dir: &Path, precision: &str, packets: &[&str]) -> Vec<Vec<f32>> {
    let file = dir.join("all.npy");
    let args = [&["embed", "--out", file.to_str().unwrap()], packets].concat();
    let out = vouch(dir, precision, &args, &recordings());
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let bytes = std::fs::read(file).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let numbers: Vec<f32> =
        bytes[start..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    numbers.chunks_exact(numbers.len() / recordings().len()).map(<[f32]>::to_vec).collect()
}

#[test]
fn embeddings_are_near_those_of_32_bits_and_the_same_for_every_packet_length() {
    let dir = tempfile::tempdir().unwrap();
    let [exact, rounded] = PRECISIONS.map(|p| embeddings(dir.path(), p, &[]));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let cosines: Vec<f64> =
        exact.iter().zip(&rounded).map(|(a, b)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).collect();
    println!("cosines of int8 and f32: {cosines:.5?}");
    assert_eq!(cosines.len(), 16);
    // Not the very same either: then the option would do nothing.
    assert!(cosines.iter().all(|c| (LEAST_COSINE..0.999_999_9).contains(c)), "{cosines:?}");
    for ms in ["10", "20", "1000"] {
        let packets = embeddings(dir.path(), "int8", &["--packet-ms", ms]);
        let same = packets.iter().flatten().zip(rounded.iter().flatten()).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "{ms} ms");
    }
}

#[test]
fn decisions_are_those_of_32_bits_whichever_made_the_voiceprints() {
    let mut decided: BTreeMap<(&str, &str), (i64, Option<i32>, String)> = BTreeMap::new();
    let (mut failures, mut apart) = (Vec::new(), 0);
    for enrolled in PRECISIONS {
        let dir = tempfile::tempdir().unwrap();
        let domain = dir.path().join("vouch.domain");
        assert_eq!(vouch(&domain, enrolled, &["domain", "create"], &[]).status.code(), Some(0));
        for who in PEOPLE {
            let files = [caller(&format!("{who}_enrol_1.wav")), caller(&format!("{who}_enrol_2.wav"))];
            let out = vouch(&domain, enrolled, &["enroll", "--speaker", who], &files);
            assert_eq!(out.status.code(), Some(0), "{out:?}");
        }
        for verified in PRECISIONS {
            for who in PEOPLE {
                for calling in PEOPLE {
                    let call = caller(&format!("{calling}_call_1.wav"));
                    let out = vouch(&domain, verified, &["verify", "--json", "--speaker", who], &[call]);
                    let auth = json(&out)["AuthenticationResult"].clone();
                    let score = auth["Score"].as_i64().unwrap_or_else(|| panic!("{auth}"));
                    let now = (score, out.status.code(), auth["Decision"].as_str().unwrap().to_owned());
                    // The first round, all in 32 bits, is what the others are held to.
                    let first = decided.entry((who, calling)).or_insert_with(|| now.clone());
                    apart = apart.max((first.0 - now.0).abs());
                    if (first.1, &first.2) != (now.1, &now.2) || (first.0 - now.0).abs() > MOST_POINTS {
                        failures
                            .push(format!("{calling} as {who}, {enrolled} then {verified}: {now:?}, not {first:?}"));
                    }
                }
            }
        }
    }
    println!("{apart} points apart: {decided:?}");
    assert!(failures.is_empty(), "{failures:#?}");
    let decisions = |wanted: &str| decided.values().filter(|d| d.2 == wanted).count();
    assert!(decisions("ACCEPT") >= 2 && decisions("REJECT") >= 2, "both decisions come up: {decided:?}");
}

#[test]
fn describe_says_the_precision_and_an_unknown_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for precision in PRECISIONS {
        let report = json(&vouch(dir.path(), precision, &["model", "describe", "--json"], &[]));
        assert_eq!(report["precision"], precision, "{report}");
        ids.push(report["model_id"].clone());
        let text = vouch(dir.path(), precision, &["model", "describe"], &[]);
        assert!(String::from_utf8_lossy(&text.stdout).contains(&format!(", {precision} on ")), "{text:?}");
    }
    assert!(ids[0].is_string() && ids[0] == ids[1], "one name in both precisions: {ids:?}");
    let out = vouch(dir.path(), "int4", &["model", "describe"], &[]);
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && err.contains("int4") && err.contains("int8"), "{out:?}");
}
