//! Nobody who made the network tells how good it is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Role by person, and whether anybody has two.
fn people() -> BTreeMap<&'static str, &'static str> {
    let mut role = BTreeMap::new();
    for line in include_str!("../cards/people.tsv").lines().filter(|l| !l.starts_with('#')) {
        let (r, person) = line.split_once('\t').unwrap();
        assert!(["training", "watched", "calibration"].contains(&r), "{line}");
        assert!(role.insert(person, r).is_none(), "{person} is listed twice");
    }
    role
}

fn corpora(role: &BTreeMap<&'static str, &'static str>, wanted: &str) -> BTreeSet<&'static str> {
    role.iter().filter(|(_, r)| **r == wanted).map(|(p, _)| p.split_once('/').unwrap().0).collect()
}

#[test]
fn training_and_calibration_share_neither_people_nor_corpora() {
    let role = people();
    let count = |wanted: &str| role.values().filter(|r| **r == wanted).count();
    assert!(count("training") > 1_000 && count("calibration") >= 30, "{} {}", count("training"), count("calibration"));
    let (training, calibration) = (corpora(&role, "training"), corpora(&role, "calibration"));
    assert!(training.is_disjoint(&calibration), "{training:?} {calibration:?}");
}

#[test]
fn nobody_of_the_development_lists_or_reserved_is_among_them() {
    let Some(speech) = std::env::var_os("VOUCH_SPEECH").map(PathBuf::from) else {
        println!("skipped: VOUCH_SPEECH is not set");
        return;
    };
    let role = people();
    let reserved = std::fs::read_to_string(speech.join("reserved.txt")).unwrap();
    let reserved: Vec<&str> =
        reserved.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    assert!(reserved.len() >= 10);
    let used: Vec<_> = reserved.iter().filter(|p| role.contains_key(**p)).collect();
    assert!(used.is_empty(), "reserved, and used: {used:?}");
    // The names of corpora must be spelled as in the list of reserved people, or the check above proves nothing.
    let known: BTreeSet<&str> = role.keys().map(|p| p.split_once('/').unwrap().0).collect();
    assert!(reserved.iter().all(|p| known.contains(p.split_once('/').unwrap().0)), "{known:?}");
    let dev = std::fs::read_to_string(speech.join("dev/speakers.tsv")).unwrap();
    let dev: BTreeSet<&str> = dev.lines().skip(1).filter_map(|l| l.split('\t').nth(1)).collect();
    assert!(dev.len() >= 5);
    // The lists name people by numbers of their own; where they took some of a corpus of the pool, those are reserved.
    for corpus in known.intersection(&dev) {
        let theirs = |p: &&str| p.split_once('/').is_some_and(|(c, _)| c == *corpus);
        assert!(reserved.iter().any(theirs), "{corpus} is in the development lists, and nobody of it is reserved");
    }
}
