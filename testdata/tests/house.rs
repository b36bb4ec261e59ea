//! The floor plan: which crate may lean on which, no circle of files in any of them, and an application layer that knows nothing of terminals.
//!
//! `cargo test -p testdata --test house -- --nocapture` prints the graph.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "house/attributes.rs"]
mod attributes;
#[path = "house/files.rs"]
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use files::Files;

/// What each crate may lean on, the upper ones last. An arrow that is not here is one that climbs.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("engine-dsp", &[]),
    ("engine-simd", &[]),
    ("engine", &["engine-dsp", "engine-simd"]),
    ("engine-words", &["engine"]),
    ("models", &["engine", "engine-simd"]),
    ("cli-wire", &[]),
    ("cli-audio", &["engine", "engine-words"]),
    ("cli-store", &["cli-wire"]),
    ("cli-app", &["cli-audio", "cli-store", "cli-wire", "engine", "engine-words", "models"]),
    ("cli-capi", &["cli-app", "cli-store", "engine", "engine-simd", "models"]),
    ("cli", &["cli-app", "cli-audio", "cli-store", "cli-wire", "engine", "engine-words", "models"]),
    ("testdata", &[]),
    (
        "benches",
        &[
            "cli",
            "cli-app",
            "cli-audio",
            "cli-capi",
            "cli-store",
            "engine",
            "engine-simd",
            "engine-words",
            "models",
            "testdata",
        ],
    ),
];

/// Circles of files that are still there, by crate. It holds exactly these: a new one fails, and so does one that is gone and still listed.
const DEBT: &[(&str, &[&[&str]])] = &[
    (
        "engine-simd",
        &[
            &["src/elementwise.rs", "src/lib.rs", "src/neon.rs", "src/scalar.rs", "src/x86_64.rs"],
            &["src/quantised/aarch64.rs", "src/quantised/mod.rs", "src/quantised/x86_64.rs"],
        ],
    ),
    ("cli", &[&["src/commands/demo.rs", "src/commands/mod.rs"]]),
    (
        "cli-audio",
        &[&[
            "src/error.rs",
            "src/flac.rs",
            "src/guard.rs",
            "src/lib.rs",
            "src/mp3.rs",
            "src/ogg.rs",
            "src/pcm.rs",
            "src/raw.rs",
            "src/sniff.rs",
            "src/source.rs",
            "src/wav.rs",
        ]],
    ),
];

/// What the application layer never names: the terminal and the process are its callers'.
const NOT_IN_APP: [&str; 8] =
    ["clap", "std::process", "println!", "eprintln!", "print!", "eprint!", "dbg!", "indicatif"];

/// A crate of a workspace.
struct Member {
    name: String,
    /// Which crates of the workspace it leans on, tests left out.
    leans_on: BTreeSet<String>,
    /// What it leans on otherwise.
    foreign: BTreeSet<String>,
    files: Files,
}

fn table(path: &Path) -> toml::Table {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The crates of the workspace at `root`.
fn members(root: &Path) -> Vec<Member> {
    let workspace = table(&root.join("Cargo.toml"));
    let folders: Vec<&str> =
        workspace["workspace"]["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    let manifests: Vec<toml::Table> = folders.iter().map(|f| table(&root.join(f).join("Cargo.toml"))).collect();
    let name = |m: &toml::Table| m["package"]["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = manifests.iter().map(name).collect();
    let read = |(folder, manifest): (&&str, &toml::Table)| {
        let folder = root.join(folder);
        let mut named: BTreeSet<String> = BTreeSet::new();
        for kind in ["dependencies", "build-dependencies"] {
            let Some(list) = manifest.get(kind).and_then(toml::Value::as_table) else { continue };
            named.extend(list.keys().cloned());
        }
        let (leans_on, foreign) = named.into_iter().partition(|n| ours.contains(n));
        Member { name: name(manifest), leans_on, foreign, files: Files::read(&folder, &folder.join("src/lib.rs")) }
    };
    folders.iter().zip(&manifests).map(read).collect()
}

/// Everything that stands against the plan.
fn against(members: &[Member], allowed: &[(&str, &[&str])], debt: &[(&str, &[&[&str]])]) -> Vec<String> {
    let mut wrong = Vec::new();
    let allowed: BTreeMap<&str, &[&str]> = allowed.iter().copied().collect();
    for member in members {
        let name = member.name.as_str();
        match allowed.get(name) {
            None => wrong.push(format!("{name} is not in the plan")),
            Some(may) => {
                let climbs = member.leans_on.iter().filter(|to| !may.contains(&to.as_str()));
                wrong.extend(climbs.map(|to| format!("{name} leans on {to}, which the plan does not allow")));
            }
        }
        let known: Vec<Vec<String>> = debt
            .iter()
            .filter(|(of, _)| *of == name)
            .flat_map(|(_, circles)| circles.iter())
            .map(|circle| circle.iter().map(|f| (*f).to_owned()).collect())
            .collect();
        let found = member.files.circles();
        for circle in found.iter().filter(|c| !known.contains(c)) {
            wrong.push(format!("{name}: a circle of files: {}\n{}", circle.join(", "), ties(&member.files, circle)));
        }
        for circle in known.iter().filter(|c| !found.contains(c)) {
            wrong.push(format!("{name}: no circle any more, take it from the list: {}", circle.join(", ")));
        }
    }
    wrong
}

/// What ties the files of a circle.
fn ties(files: &Files, circle: &[String]) -> String {
    let mut text = String::new();
    for ((from, to), names) in &files.arrows {
        let (from, to) = (&files.names[*from], &files.names[*to]);
        if circle.contains(from) && circle.contains(to) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            writeln!(text, "    {from} -> {to}: {}", names.join(", ")).unwrap();
        }
    }
    text
}

/// What an application layer names that is its callers' matter.
fn of_the_callers(member: &Member) -> Vec<String> {
    let mut wrong: Vec<String> = member
        .foreign
        .iter()
        .filter(|f| NOT_IN_APP.contains(&f.as_str()))
        .map(|f| format!("{} leans on {f}", member.name))
        .collect();
    for (file, mentions) in member.files.names.iter().zip(&member.files.mentions) {
        let named =
            |m: &&String| NOT_IN_APP.iter().any(|n| *m == n || m.strip_prefix(n).is_some_and(|r| r.starts_with("::")));
        wrong.extend(mentions.iter().filter(named).map(|m| format!("{}: {file} names {m}", member.name)));
    }
    wrong
}

fn print(members: &[Member]) {
    for m in members {
        let to: Vec<&str> = m.leans_on.iter().map(String::as_str).collect();
        let (files, arrows, circles) = (m.files.names.len(), m.files.arrows.len(), m.files.circles().len());
        println!("{:<12} -> {}", m.name, if to.is_empty() { "nothing".to_owned() } else { to.join(", ") });
        println!("{:<12}    {files} files, {arrows} arrows between them, {circles} circles", "");
    }
}

#[test]
fn arrows_point_down_and_no_files_go_in_circles() {
    let members = members(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    print(&members);
    // The plan itself: what a crate may lean on comes before it.
    let at = |name: &str| ALLOWED.iter().position(|(n, _)| *n == name);
    for (name, may) in ALLOWED {
        assert!(may.iter().all(|to| at(to) < at(name)), "{name} comes before something that it leans on");
    }
    let mut wrong = against(&members, &ALLOWED, DEBT);
    wrong.extend(members.iter().filter(|m| m.name == "cli-app").flat_map(of_the_callers));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A small house: `low`, and `high` above it with files of which `page` takes from `job`.
fn small_house(root: &Path) {
    let write = |name: &str, text: &str| {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[workspace]\nmembers = [\"low\", \"high\"]\n");
    write("low/Cargo.toml", "[package]\nname = \"low\"\n");
    write("low/src/lib.rs", "pub struct Low;\n");
    write(
        "high/Cargo.toml",
        "[package]\nname = \"high\"\n[dependencies]\nlow = { path = \"../low\" }\nserde = \"1\"\n",
    );
    write("high/src/lib.rs", "pub mod redact;\npub use redact::Job;\n");
    write("high/src/redact/mod.rs", "mod job;\nmod page;\npub use job::Job;\npub use page::html;\n");
    write(
        "high/src/redact/job.rs",
        "use low::Low;\npub struct Job(pub Low);\n#[cfg(test)]\nmod tests { use super::super::page::html; }\n",
    );
    write("high/src/redact/page.rs", "use crate::Job;\npub fn html(_: &Job) -> String { format!(\"{}\", 1) }\n");
}

#[test]
fn an_arrow_that_is_turned_is_found() {
    const PLAN: [(&str, &[&str]); 2] = [("low", &[]), ("high", &["low"])];
    let room = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(room.path().join(name), text).unwrap();
    let found = |debt: &[(&str, &[&[&str]])]| against(&members(room.path()), &PLAN, debt);
    let callers = || members(room.path()).iter().flat_map(of_the_callers).collect::<Vec<_>>();
    small_house(room.path());
    assert_eq!((found(&[]), callers()), (vec![], vec![]));
    let high = members(room.path()).pop().unwrap().files;
    let arrows: Vec<(&str, &str)> =
        high.arrows.keys().map(|(a, b)| (high.names[*a].as_str(), high.names[*b].as_str())).collect();
    assert_eq!(arrows, [("src/redact/page.rs", "src/redact/job.rs")], "through what `lib.rs` passes on");

    // Between files, in each way in which a name can be taken.
    const CIRCLE: &[&[&str]] = &[&["src/redact/job.rs", "src/redact/page.rs"]];
    for turned in [
        "use super::page::html;",
        "use super::{page, page as p};\npub fn f(j: &Job) -> String { page::html(j) }",
        "pub fn f(j: &Job) -> String { super::html(j) }",
        "pub fn f(j: &Job) -> String { format!(\"{}\", crate::redact::page::html(j)) }",
        "use super::*;\npub fn f(j: &Job) -> String { html(j) }",
        "use crate::redact::page::*;",
    ] {
        write("high/src/redact/job.rs", &format!("{turned}\npub struct Job(pub low::Low);\n"));
        let wrong = found(&[]);
        assert!(matches!(wrong.as_slice(), [one] if one.contains("job.rs, src/redact/page.rs")), "{turned}: {wrong:?}");
        assert!(wrong[0].contains("src/redact/job.rs -> src/redact/page.rs: "), "{wrong:?}");
        assert_eq!(found(&[("high", CIRCLE)]), Vec::<String>::new(), "listed");
    }
    small_house(room.path());
    assert!(found(&[("high", CIRCLE)])[0].contains("no circle any more"), "a debt that is paid has to leave the list");

    // Between crates.
    write("low/Cargo.toml", "[package]\nname = \"low\"\n[dependencies]\nhigh.workspace = true\n");
    assert_eq!(found(&[]), ["low leans on high, which the plan does not allow"]);
    write("Cargo.toml", "[workspace]\nmembers = [\"low\", \"high\", \"new\"]\n");
    std::fs::create_dir_all(room.path().join("new/src")).unwrap();
    write("new/Cargo.toml", "[package]\nname = \"new\"\n[dev-dependencies]\nhigh = \"1\"\n");
    write("new/src/lib.rs", "");
    assert!(found(&[]).contains(&"new is not in the plan".to_owned()));
    small_house(room.path());

    // What is the callers' matter, also by another name and within macros.
    for (line, named) in [
        ("fn f() { println!(\"\"); }", "println!"),
        ("use std::process;\nfn f() { process::exit(1) }", "std::process::exit"),
        ("use std::process::Command as C;\nfn f() { C::new(\"\"); }", "std::process::Command"),
        ("#[derive(clap::ValueEnum)] enum A {}\nfn f() -> clap::Command { todo!() }", "clap::Command"),
        ("fn f() { assert!(std::process::id() > 0) }", "std::process::id"),
    ] {
        write("high/src/redact/page.rs", line);
        let wrong = callers();
        assert!(wrong.iter().any(|w| w.contains("page.rs names ") && w.contains(named)), "{line}: {wrong:?}");
    }
    small_house(room.path());
    write("high/Cargo.toml", "[package]\nname = \"high\"\n[dependencies]\nclap = \"4\"\n");
    assert_eq!(callers(), ["high leans on clap"]);
}
