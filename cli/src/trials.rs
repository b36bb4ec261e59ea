//! The files of a trial list, heard.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use engine::metrics::TrialList;
use engine::template::Embedding;
use rayon::prelude::*;

use crate::analysis::{Toolkit, Wanted};
use crate::args::Input;
use crate::commands::compare::embedding;
use crate::progress;

/// One file of a list, heard.
pub struct Heard {
    /// Its embedding; `None` with too little speech.
    pub embedding: Option<Embedding>,
    /// Its net speech, in seconds.
    pub net_speech_s: f64,
}

/// How a list is heard.
pub struct Hearing<'a> {
    /// The network.
    pub tools: &'a Toolkit,
    /// Folder that the list's paths start from.
    pub root: &'a Path,
    /// How files are read.
    pub input: &'a Input,
    /// Files with less net speech have no embedding, in seconds.
    pub min_speech_s: f64,
    /// The worker threads.
    pub pool: &'a rayon::ThreadPool,
    /// No progress bar.
    pub quiet: bool,
}

impl Hearing<'_> {
    /// Hears every file of the list; probes only as far as `max_speech_s`. The enrolment is what it is.
    ///
    /// # Errors
    /// A file cannot be read or decoded.
    pub fn hear(&self, list: &TrialList, max_speech_s: Option<f64>) -> Result<Vec<Heard>> {
        let probes: HashSet<u32> = list.trials().iter().map(|t| t.probe).collect();
        let what = max_speech_s.map_or_else(|| "listening".to_owned(), |s| format!("listening, {s} s"));
        let bar = progress::bar(list.files().len() as u64, &what, self.quiet);
        let listen = |(index, file): (usize, &String)| -> Result<Heard> {
            let cut = max_speech_s.filter(|_| probes.contains(&(index as u32)));
            let wanted = Wanted { max_speech_s: cut, ..Wanted::default() };
            let recording = self.tools.analyse_file(&self.root.join(file), self.input, wanted, |_| ())?;
            bar.inc(1);
            let enough = recording.net_speech_s >= self.min_speech_s;
            let embedding = if enough { embedding(self.tools, &recording)? } else { None };
            Ok(Heard { embedding, net_speech_s: recording.net_speech_s })
        };
        let heard =
            self.pool.install(|| list.files().par_iter().enumerate().map(listen).collect::<Result<Vec<_>>>())?;
        bar.finish_and_clear();
        Ok(heard)
    }
}

/// Reads a list.
///
/// # Errors
/// It cannot be read, or is no trial list.
pub fn read(path: &Path) -> Result<TrialList> {
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(name)?;
    TrialList::parse(&text).with_context(name)
}

/// Where a list's paths start from, unless that is said.
pub fn root(list: &Path, said: Option<&PathBuf>) -> PathBuf {
    match said {
        Some(root) => root.clone(),
        None => list.parent().map_or_else(PathBuf::new, Path::to_owned),
    }
}

/// The person of a file of the list: its path's `part`th part, counted from 1.
///
/// # Errors
/// The path has no such part.
pub fn person(list: &TrialList, file: u32, part: usize) -> Result<&str> {
    let path = list.files().get(file as usize).map_or("", String::as_str);
    let found = part.checked_sub(1).and_then(|n| path.split('/').nth(n));
    found.with_context(|| format!("{path}: has no part {part} that could name the person (--speaker-part)"))
}
