//! `vouch demo`: the whole way from recordings to decisions on synthetic callers, by the commands that a user would type.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::args::{Cli, Global};
use crate::outcome::Exit;

macro_rules! recordings {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../testdata/audio/callers/", $name)).as_slice())),*]
    };
}

/// Synthetic voices, made by `testdata/gen/callers.sh`.
const RECORDINGS: [(&str, &[u8]); 8] = recordings![
    "alice_enrol_1.wav",
    "alice_enrol_2.wav",
    "alice_call_1.wav",
    "bob_enrol_1.wav",
    "bob_enrol_2.wav",
    "bob_call_1.wav",
    "carol_call_1.wav",
    "dave_call_1.wav",
];

/// The steps: what is typed, why, and how it must end.
const STEPS: [(&str, &str, Exit); 7] = [
    ("A domain keeps speakers and their sealed voiceprints.", "domain create --name demo", Exit::Success),
    (
        "Alice enrols with two telephone recordings.",
        "enroll --speaker alice alice_enrol_1.wav alice_enrol_2.wav",
        Exit::Success,
    ),
    (
        "Bob enrols with two wide-band recordings.",
        "enroll --speaker bob bob_enrol_1.wav bob_enrol_2.wav",
        Exit::Success,
    ),
    ("Alice calls. Other words, same voice.", "verify --speaker alice alice_call_1.wav", Exit::Success),
    ("Bob calls and says that he is Alice.", "verify --speaker alice bob_call_1.wav", Exit::Rejected),
    ("Dave calls and says that he is Bob.", "verify --speaker bob dave_call_1.wav", Exit::Rejected),
    ("Who is it?", "identify bob_call_1.wav", Exit::Success),
];

/// Runs the demonstration in a temporary folder, or in `keep`.
///
/// # Errors
/// A step ends in another way than it must.
pub(super) fn run(global: &Global, keep: Option<PathBuf>) -> Result<Exit> {
    let temporary = match keep {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("temporary folder")?),
    };
    let folder = match (&keep, &temporary) {
        (Some(folder), _) => folder.clone(),
        (None, Some(dir)) => dir.path().to_owned(),
        (None, None) => bail!("no folder"),
    };
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for (name, bytes) in RECORDINGS {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    }
    let started = std::time::Instant::now();
    for (why, typed, expected) in STEPS {
        println!("\n# {why}\n$ vouch {typed}");
        let exit = step(global, &folder, typed)?;
        if exit != expected {
            bail!("`vouch {typed}` ended with exit code {}, not {}", exit as u8, expected as u8);
        }
    }
    println!("\nAll as expected, in {:.1} s.", started.elapsed().as_secs_f64());
    match keep {
        Some(_) => println!("Kept in {}: go there and type the commands yourself.", folder.display()),
        None => println!("`vouch demo --keep DIR` keeps the recordings and the domain."),
    }
    Ok(Exit::Success)
}

/// Runs one command line with file names and the domain inside `folder`.
fn step(global: &Global, folder: &Path, typed: &str) -> Result<Exit> {
    let words = typed.split(' ').map(|w| if w.ends_with(".wav") { folder.join(w).into_os_string() } else { w.into() });
    let mut cli = Cli::try_parse_from(std::iter::once("vouch".into()).chain(words))?;
    cli.global = Global { domain: folder.join("vouch.domain"), json: false, quiet: true, ..global.clone() };
    super::run(cli)
}
