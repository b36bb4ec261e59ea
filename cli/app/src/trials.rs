//! The files of a trial list, heard.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use engine::metrics::TrialList;
use engine::quality::Band;
use engine::score::Side;
use engine::template::Embedding;
use rayon::prelude::*;

use crate::analysis::{Input, Toolkit, Wanted};
use crate::error::{Context, Result};
use crate::workers::{Progress, Workers};

/// Which trial list, and how its files are heard.
#[derive(Clone, Debug)]
pub struct TrialFiles {
    /// The list: `label enrolment probe` a line.
    pub trials: PathBuf,
    /// Where the list's paths start from; its own folder unless given.
    pub root: Option<PathBuf>,
    /// Files with less net speech than this, in seconds, have no embedding.
    pub min_speech_s: f64,
    /// Which part of a path names the person, counted from 1.
    pub speaker_part: usize,
    /// How its files are read.
    pub input: Input,
}

/// One file of a list, heard.
#[derive(Clone)]
pub struct Heard {
    /// Its embedding; `None` with too little speech.
    pub embedding: Option<Embedding>,
    /// Its net speech, in seconds.
    pub net_speech_s: f64,
    /// The band that it was heard in.
    pub band: Band,
}

impl Heard {
    /// It as a side of a comparison.
    ///
    /// # Errors
    /// It has no net speech.
    pub fn side(&self) -> Result<Side> {
        Ok(Side::new(self.net_speech_s, self.band)?)
    }
}

/// A trial list, ready to be heard.
pub struct Hearing<'a> {
    /// The list.
    pub list: TrialList,
    tools: &'a Toolkit,
    args: TrialFiles,
    root: PathBuf,
    pool: rayon::ThreadPool,
    progress: &'a dyn Progress,
}

impl<'a> Hearing<'a> {
    /// Reads the list.
    ///
    /// # Errors
    /// It cannot be read, or is no trial list.
    pub fn new(tools: &'a Toolkit, args: impl Into<TrialFiles>, workers: impl Into<Workers<'a>>) -> Result<Self> {
        let (args, workers) = (args.into(), workers.into());
        let path = &args.trials;
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(name)?;
        let list = TrialList::parse(&text).with_context(name)?;
        let root = match &args.root {
            Some(root) => root.clone(),
            None => path.parent().map_or_else(PathBuf::new, Path::to_owned),
        };
        let pool = workers.pool()?;
        Ok(Self { list, tools, args, root, pool, progress: workers.progress })
    }

    /// The list's path, as it was given.
    pub fn name(&self) -> String {
        self.args.trials.display().to_string()
    }

    /// The list's own name, without its folder.
    pub fn file_name(&self) -> String {
        self.args.trials.file_name().map_or_else(|| self.name(), |n| n.to_string_lossy().into_owned())
    }

    /// The person of a file of the list: its path's part, as asked.
    ///
    /// # Errors
    /// The path has no such part.
    pub fn person(&self, file: u32) -> Result<&str> {
        let part = self.args.speaker_part;
        let path = self.list.files().get(file as usize).map_or("", String::as_str);
        let found = part.checked_sub(1).and_then(|n| path.split('/').nth(n));
        found.with_context(|| format!("{path}: has no part {part} that could name the person (--speaker-part)"))
    }

    /// Hears every file of the list; probes only as far as `max_speech_s`. The enrolment is what it is.
    ///
    /// # Errors
    /// A file cannot be read or decoded.
    pub fn hear(&self, max_speech_s: Option<f64>) -> Result<Vec<Heard>> {
        self.hear_beside(max_speech_s, &[])
    }

    /// As [`Hearing::hear`], where everything has been heard to its end already: what a shorter stretch would not change is taken from
    /// there.
    ///
    /// # Errors
    /// As [`Hearing::hear`].
    pub fn hear_beside(&self, max_speech_s: Option<f64>, whole: &[Heard]) -> Result<Vec<Heard>> {
        let list = &self.list;
        let probes: HashSet<u32> = list.trials().iter().map(|t| t.probe).collect();
        let what = max_speech_s.map_or_else(|| "listening".to_owned(), |s| format!("listening, {s} s"));
        let bar = self.progress.begin(list.files().len() as u64, &what);
        let listen = |(index, file): (usize, &String)| -> Result<Heard> {
            let cut = max_speech_s.filter(|_| probes.contains(&(index as u32)));
            let unchanged = |h: &&Heard| cut.is_none_or(|cut| h.net_speech_s < cut);
            if let Some(heard) = whole.get(index).filter(unchanged) {
                bar.add(1);
                return Ok(heard.clone());
            }
            let wanted = Wanted { max_speech_s: cut, ..Wanted::default() };
            let recording = self.tools.analyse_file(&self.root.join(file), self.args.input, wanted, |_| ())?;
            bar.add(1);
            let enough = recording.net_speech_s >= self.args.min_speech_s;
            let embedding = if enough { self.tools.embedding(&recording)? } else { None };
            Ok(Heard {
                embedding,
                net_speech_s: recording.net_speech_s,
                band: Band::of(recording.quality.bandwidth_hz),
            })
        };
        let heard =
            self.pool.install(|| list.files().par_iter().enumerate().map(listen).collect::<Result<Vec<_>>>())?;
        bar.end();
        Ok(heard)
    }
}
