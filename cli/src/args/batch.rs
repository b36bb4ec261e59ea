//! `vouch batch`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::fraudster::ListArgs;

/// `vouch batch ...`
#[derive(Subcommand, Debug)]
pub enum BatchCommand {
    /// Enrol the speakers of a manifest (Voice ID's SpeakerEnrollmentRequests).
    Enroll(BatchEnrollArgs),
    /// Register the fraudsters of a manifest (Voice ID's FraudsterRegistrationRequests).
    Register(BatchRegisterArgs),
    /// Go on with a job that was cut short; what is done is not done again.
    Resume {
        /// The job.
        #[arg(value_name = "JOB-ID")]
        job: String,
    },
    /// Describe a job.
    Describe {
        /// The job.
        #[arg(value_name = "JOB-ID")]
        job: String,
    },
    /// List the jobs, oldest first.
    List,
}

/// What becomes of a speaker who has a voiceprint.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistingAction {
    /// Keep it, and say so in the output.
    Skip,
    /// Replace it.
    Overwrite,
}

/// What becomes of a voice that is on the watch list.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FraudAction {
    /// The item fails.
    Fail,
    /// The item is enrolled all the same.
    Ignore,
}

/// What every batch job is told.
#[derive(Args, Debug)]
pub struct BatchArgs {
    /// The manifest: JSON, Version "1.0". Its paths start from its own folder.
    pub manifest: PathBuf,
    /// The folder for the output, which becomes DIR/JOB-ID/NAME.out.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Run twice with the same token and request: one job, which the second run goes on with.
    #[arg(long, value_name = "TOKEN")]
    pub client_token: Option<String>,
    /// Where s3://bucket/key is found, as bucket/key below this folder.
    #[arg(long, value_name = "DIR")]
    pub s3_root: Option<PathBuf>,
    /// Hold recordings to Voice ID's limits: .wav, 8 kHz, 16-bit PCM, 1-2 channels, 20 MB, 10 files.
    #[arg(long)]
    pub strict: bool,
    /// Net speech wanted, in seconds.
    #[arg(long, default_value_t = 30.0, value_name = "S")]
    pub wanted_speech: f64,
    /// Net speech without which an item fails, in seconds.
    #[arg(long, default_value_t = 12.0, value_name = "S")]
    pub least_speech: f64,
}

/// `vouch batch enroll ...`
#[derive(Args, Debug)]
pub struct BatchEnrollArgs {
    /// Manifest, output and recordings.
    #[command(flatten)]
    pub common: BatchArgs,
    /// What becomes of a speaker who has a voiceprint.
    #[arg(long, value_enum, default_value = "skip")]
    pub existing: ExistingAction,
    /// Look for the voices on this watch list first: `default`, a name or an id.
    #[arg(long, value_name = "LIST")]
    pub watchlist: Option<String>,
    /// What becomes of a voice that is on it.
    #[arg(long, value_enum, default_value = "fail", requires = "watchlist")]
    pub on_fraud: FraudAction,
    /// On the list at or above this risk.
    #[arg(long, default_value_t = 50, value_name = "N", requires = "watchlist", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub risk_threshold: u8,
    /// The consent of the manifest's people, as you want it kept beside each voiceprint.
    #[arg(long, value_name = "NOTE")]
    pub consent: Option<String>,
}

/// `vouch batch register ...`
#[derive(Args, Debug)]
pub struct BatchRegisterArgs {
    /// Manifest, output and recordings.
    #[command(flatten)]
    pub common: BatchArgs,
    /// Where, and what becomes of a voice that is there already.
    #[command(flatten)]
    pub list: ListArgs,
}
