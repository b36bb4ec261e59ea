//! `vouch eval` and `vouch calibrate`: trial lists.

use std::path::PathBuf;

use clap::Args;
use cli_app::trials::TrialFiles;

use super::input::Input;

/// A trial list, and how its files are heard.
#[derive(Args, Debug)]
pub struct TrialArgs {
    /// The trial list: `label enrolment probe` a line, label 1 for the same person.
    pub trials: PathBuf,
    /// Folder that the list's paths start from [default: the list's folder].
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Files with less net speech than this, in seconds, count as failures to acquire.
    #[arg(long, default_value_t = 0.5, value_name = "S")]
    pub min_speech: f64,
    /// The person is the path's Nth part, counted from 1; for bootstrap intervals.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub speaker_part: usize,
    /// How to read the files.
    #[command(flatten)]
    pub input: Input,
}

impl From<&TrialArgs> for TrialFiles {
    fn from(a: &TrialArgs) -> Self {
        Self {
            trials: a.trials.clone(),
            root: a.root.clone(),
            min_speech_s: a.min_speech,
            speaker_part: a.speaker_part,
            input: (&a.input).into(),
        }
    }
}

/// `vouch eval ...`
#[derive(Args, Debug)]
pub struct EvalArgs {
    /// The trials.
    #[command(flatten)]
    pub list: TrialArgs,
    /// Write each trial's scores as tab-separated text.
    #[arg(long, value_name = "X.tsv")]
    pub scores: Option<PathBuf>,
    /// Write a report with the DET curve and score histograms.
    #[arg(long, value_name = "X.html")]
    pub report: Option<PathBuf>,
    /// Use only this much net speech of each probe, in seconds.
    #[arg(long, value_name = "S")]
    pub max_speech: Option<f64>,
    /// Also measure how many callers who are on no watch list are flagged at 50 by lists of so many other people of the trial
    /// list; 0 for all of them.
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub watchlist: Vec<usize>,
}

/// `vouch calibrate ...`
#[derive(Args, Debug)]
pub struct CalibrateArgs {
    /// The trials: at least 30 people, 100 target and 1,000 nontarget trials, of people whom the network never heard.
    #[command(flatten)]
    pub list: TrialArgs,
    /// The calibration to write.
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Write nothing: only tell what the calibration would change.
    #[arg(long, conflicts_with_all = ["out", "report"])]
    pub dry_run: bool,
    /// Fit these trials alone. Otherwise the fit goes from the network's present calibration only part of the way, half of it with
    /// 100 people: a few people's worst pairs must not decide alone how alike one impostor in a thousand is.
    #[arg(long)]
    pub alone: bool,
    /// Score the probes once more, cut to each of these amounts of net speech, in seconds.
    #[arg(long, value_name = "S,S,...", value_delimiter = ',', default_values_t = [3.0, 5.0, 10.0])]
    pub cut: Vec<f64>,
    /// Its name [default: own-DATE].
    #[arg(long, value_name = "NAME")]
    pub id: Option<String>,
    /// Write a report with the DET curve and score histograms of the trials that were fitted.
    #[arg(long, value_name = "X.html")]
    pub report: Option<PathBuf>,
}
