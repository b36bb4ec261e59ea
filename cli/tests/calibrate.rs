//! `vouch calibrate` and `vouch model verify` through the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn vouch(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vouch")).args(args).output().unwrap()
}

fn err(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn callers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers")
}

/// A list of four people against each other; `by_person` puts their recordings in folders of their own.
fn four_people(dir: &Path, by_person: bool) -> String {
    let names = ["alice", "bob", "carol", "dave"];
    let file = |who: &str, what: &str| {
        let name = format!("{who}_{what}_1.wav");
        let path = if by_person { format!("{who}/{name}") } else { name.clone() };
        let to = dir.join(&path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(callers().join(name), to).unwrap();
        path
    };
    let pairs = names.iter().flat_map(|a| names.iter().map(move |b| (a, b)));
    let text: String =
        pairs.map(|(a, b)| format!("{} {} {}\n", u8::from(a == b), file(a, "enrol"), file(b, "call"))).collect();
    let list = dir.join("own.trials");
    std::fs::write(&list, text).unwrap();
    list.display().to_string()
}

#[test]
fn too_few_people_or_labels_that_contradict_them_make_no_calibration_and_leave_no_file() {
    for (by_person, why) in [(true, "4 people, at least 30"), (false, "label")] {
        let dir = tempfile::tempdir().unwrap();
        let list = four_people(dir.path(), by_person);
        let out = dir.path().join("own.json");
        let refused = vouch(&["calibrate", &list, "--out", &out.display().to_string()]);
        assert_eq!(refused.status.code(), Some(3), "{refused:?}");
        assert!(err(&refused).contains("own.trials") && err(&refused).contains(why), "{refused:?}");
        assert!(!out.exists());
    }
    let missing = vouch(&["calibrate", "no.trials", "--out", "x.json"]);
    assert!(missing.status.code() == Some(3) && err(&missing).contains("no.trials"), "{missing:?}");
}

#[test]
fn the_built_in_network_is_whole_and_a_damaged_one_is_not() {
    let good = vouch(&["model", "verify", "--json"]);
    let report: Value = serde_json::from_slice(&good.stdout).unwrap_or_else(|e| panic!("{e}: {good:?}"));
    assert!(report["Backends"].as_array().unwrap().len() >= 2, "{report}");
    assert!(report["Int8Cosine"].as_f64().unwrap() > 0.98);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.vouch");
    let mut bytes = models::default_weights().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let bad = vouch(&["model", "verify", &path.display().to_string()]);
    assert!(bad.status.code() == Some(3) && err(&bad).contains("bad.vouch"), "{bad:?}");
    assert_eq!(err(&bad).lines().count(), 1);
}

#[test]
fn a_calibration_of_real_speech_is_made_used_and_refused_for_another_network() {
    let Some(speech) = std::env::var_os("VOUCH_SPEECH").map(PathBuf::from) else {
        println!("skipped: VOUCH_SPEECH is not set");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (speech.join("dev").display().to_string(), dir.path().join("own.json").display().to_string());
    let list = speech.join("dev/tel.trials").display().to_string();
    let page = dir.path().join("own.html");
    let made = vouch(&[
        "calibrate",
        &list,
        "--root",
        &root,
        "--out",
        &out,
        "--cut",
        "5",
        "--alone",
        "--id",
        "own-1",
        "--report",
        &page.display().to_string(),
        "--json",
    ]);
    assert!(made.status.success(), "{made:?}");
    let table: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(table["calibration_id"], "own-1");
    let row = table["table"].as_array().unwrap().iter().find(|r| r["threshold"] == 70).unwrap();
    let fmr = row["fmr"].as_f64().unwrap();
    assert!((0.004..0.025).contains(&fmr), "1 % is stated at 70, {fmr} measured on the fitted trials");
    assert!(std::fs::read_to_string(page).unwrap().contains("<svg"));
    // What it would change is told before anything is written, and goes only part of the way to these people alone.
    let tried = vouch(&["calibrate", &list, "--root", &root, "--cut", "5", "--dry-run", "--json"]);
    assert!(tried.status.success(), "{tried:?}");
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap();
    let fnmr = |table: &Value| {
        let rows = table["table"].as_array().unwrap();
        rows.iter().find(|r| r["threshold"] == 90).unwrap()["fnmr"].as_f64().unwrap()
    };
    let (now, then, alone) = (fnmr(&tried["present"]), fnmr(&tried), fnmr(&table));
    assert!(now <= then && then <= alone, "FNMR at 90: {now} now, {then} then, {alone} alone");
    let eval = vouch(&["eval", &list, "--root", &root, "--calibration", &out, "--watchlist", "1,10,0", "--json"]);
    assert!(eval.status.success(), "{eval:?}");
    let summary: Value = serde_json::from_slice(&eval.stdout).unwrap();
    let lists = summary["watchlists"].as_array().unwrap();
    assert_eq!(lists.len(), 3);
    assert!(lists.iter().all(|l| l["flagged_at_50"].as_f64().unwrap() < 0.1), "{lists:?}");

    let other = std::fs::read_to_string(&out).unwrap().replacen("\"model_id\": \"", "\"model_id\": \"00", 1);
    let at = other.find("\"model_id\": \"00").unwrap() + "\"model_id\": \"00".len();
    let other = format!("{}{}", &other[..at + 30], &other[at + 32..]);
    std::fs::write(&out, other).unwrap();
    let refused = vouch(&["eval", &list, "--root", &root, "--calibration", &out]);
    assert!(refused.status.code() == Some(3) && err(&refused).contains("belongs to model 00"), "{refused:?}");
}
