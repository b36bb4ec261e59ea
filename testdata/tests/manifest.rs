//! Every file of test data is in `MANIFEST.toml` with its checksum and the script that made it, and nothing else is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn files_under(dir: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found);
        } else {
            found.insert(path);
        }
    }
}

#[test]
fn the_manifest_lists_every_file_with_its_checksum() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = std::fs::read_to_string(root.join("MANIFEST.toml")).unwrap().parse().unwrap();
    let mut unlisted = BTreeSet::new();
    ["audio", "golden"].iter().for_each(|d| files_under(&root.join(d), &mut unlisted));
    let mut failures = Vec::new();
    for file in manifest["file"].as_array().unwrap() {
        let field = |name: &str| file[name].as_str().unwrap();
        let path = root.join(field("path"));
        if !unlisted.remove(&path) {
            failures.push(format!("{}: listed, and not there", path.display()));
            continue;
        }
        if format!("{:x}", Sha256::digest(std::fs::read(&path).unwrap())) != field("sha256") {
            failures.push(format!("{}: another checksum than listed", path.display()));
        }
        if !root.join(field("script")).is_file() {
            failures.push(format!("{}: no script {}", path.display(), field("script")));
        }
    }
    failures.extend(unlisted.iter().map(|p| format!("{}: not listed", p.display())));
    assert!(failures.is_empty(), "run gen/manifest.py: {failures:#?}");
}
