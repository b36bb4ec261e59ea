//! How long files and functions may be, tests and generated files left out: what is longer is split by what it does.
//!
//! `cargo test -p testdata --test sizes -- --nocapture` prints the longest.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "house/attributes.rs"]
mod attributes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::Visit;

use attributes::is_test;

/// Most lines of a file, what is behind `#[cfg(test)]` left out.
const MOST_IN_FILE: usize = 600;
/// Most lines of a function, from `fn` to its last brace.
const MOST_IN_FUNCTION: usize = 80;
/// What is still longer. It holds exactly these: a new one fails, and so does one that is short and still listed.
const DEBT: [&str; 12] = [
    "benches/src/bin/callcentre.rs: fn main",
    "cli/app/src/redact/analysis.rs: fn json",
    "cli/app/src/report/mod.rs: fn new",
    "cli/app/src/secure_flow.rs: fn lint",
    "cli/audio/src/strict.rs: fn parse",
    "cli/audio/src/wav.rs: fn open",
    "engine/words/src/rules/numbers.rs",
    "engine/words/src/rules/numbers.rs: fn claim",
    "engine/words/src/rules/phrases.rs",
    "engine/words/src/rules/phrases.rs: fn answer",
    "engine/words/src/rules/spoken.rs: fn runs",
    "testdata/src/callcentre/mod.rs",
];
/// Folders whose code is not the program's.
const LEFT_OUT: [&str; 5] = ["tests", "examples", "fuzz", "target", "gen"];

fn lines(node: &impl Spanned) -> usize {
    let span = node.span();
    span.end().line + 1 - span.start().line
}

/// What is found in one file.
#[derive(Default)]
struct Lengths {
    tests: usize,
    functions: Vec<(usize, String)>,
}

impl Lengths {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let length = block.span().end().line + 1 - signature.span().start().line;
        self.functions.push((length, signature.ident.to_string()));
    }
}

impl<'a> Visit<'a> for Lengths {
    fn visit_item_mod(&mut self, m: &'a syn::ItemMod) {
        if is_test(&m.attrs) {
            self.tests += lines(m);
        } else {
            syn::visit::visit_item_mod(self, m);
        }
    }

    fn visit_item_fn(&mut self, f: &'a syn::ItemFn) {
        if is_test(&f.attrs) {
            self.tests += lines(f);
        } else {
            self.function(&f.sig, &f.block);
            syn::visit::visit_item_fn(self, f);
        }
    }

    fn visit_impl_item_fn(&mut self, f: &'a syn::ImplItemFn) {
        self.function(&f.sig, &f.block);
        syn::visit::visit_impl_item_fn(self, f);
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut inside: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    inside.sort();
    for path in inside {
        let name = path.file_name().unwrap().to_str().unwrap_or_default();
        let of_tests = name == "tests.rs" || name.ends_with("_tests.rs");
        if path.is_dir() {
            if !name.starts_with('.') && !LEFT_OUT.contains(&name) {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "rs") && !of_tests && name != "build.rs" {
            found.push(path);
        }
    }
}

fn lengths(text: &str) -> (usize, Vec<(usize, String)>) {
    let mut lengths = Lengths::default();
    lengths.visit_file(&syn::parse_file(text).unwrap());
    (text.lines().count() - lengths.tests, lengths.functions)
}

#[test]
fn no_file_and_no_function_is_too_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 250, "only {} files found", files.len());
    let (mut too_long, mut all) = (BTreeMap::new(), Vec::new());
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let (length, functions) = lengths(&text);
        all.push((length, name.clone()));
        for (length, function) in functions {
            if length > MOST_IN_FUNCTION {
                too_long.insert(format!("{name}: fn {function}"), length);
            }
        }
        if length > MOST_IN_FILE {
            too_long.insert(name, length);
        }
    }
    all.sort();
    for (length, name) in all.iter().rev().take(10) {
        println!("{length:5} {name}");
    }
    let new = too_long.iter().filter(|(name, _)| !DEBT.contains(&name.as_str()));
    let mut wrong: Vec<String> = new.map(|(name, length)| format!("{name} has {length} lines")).collect();
    let gone = DEBT.iter().filter(|name| !too_long.contains_key(**name));
    wrong.extend(gone.map(|name| format!("{name} is short enough, take it from the list")));
    assert!(
        wrong.is_empty(),
        "at most {MOST_IN_FILE} lines a file and {MOST_IN_FUNCTION} a function:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_long_function_is_seen_and_tests_are_not_counted() {
    let long = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(80));
    let inside = format!("impl A {{\n{long}}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    let (length, functions) = lengths(&inside);
    assert_eq!((length, functions), (84, vec![(82, "long".to_owned())]));
}
