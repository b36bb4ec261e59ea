//! Options that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cli_app::analysis::ModelFiles;
use cli_app::live::EventFiles;
use cli_app::workers::Workers;

/// Options that every command takes.
#[derive(Args, Debug, Clone)]
pub struct Global {
    /// The domain: a folder with speakers, voiceprints and their key.
    #[arg(long, global = true, env = "VOUCH_DOMAIN", default_value = "./vouch.domain", value_name = "DIR")]
    pub domain: PathBuf,
    /// Act as this user of the domain, with the rights of the user's roles [default: the domain's owner].
    #[arg(long = "as", global = true, env = "VOUCH_USER", value_name = "USER")]
    pub as_user: Option<String>,
    /// Act as the user whose token this file holds (`vouch user token`).
    #[arg(long, global = true, env = "VOUCH_TOKEN_FILE", value_name = "FILE", conflicts_with = "as_user")]
    pub token_file: Option<PathBuf>,
    /// Print JSON instead of text, with Voice ID's field names where it has them.
    #[arg(long, global = true)]
    pub json: bool,
    /// A network to use [default: model.vouch in the domain, else the built-in one].
    #[arg(long, global = true, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// A calibration to use [default: calibration.json in the domain, else the built-in one].
    #[arg(long, global = true, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// What the network multiplies with: int8 is faster, and its voiceprints fit those of f32.
    #[arg(long, global = true, value_enum, default_value = "f32", value_name = "P")]
    pub precision: PrecisionArg,
    /// Append what happens to sessions, speakers, fraudsters and jobs to this file, as JSON lines in the shapes of Voice ID's
    /// events. They carry generated ids only.
    #[arg(long, global = true, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Which fields of events are written: a configuration as `vouch privacy` has it, over the whole event (`detail.session.sessionName`).
    #[arg(long, global = true, value_name = "C.json")]
    pub events_privacy: Option<PathBuf>,
    /// Worker threads for commands over many files [default: all cores].
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// No progress bars.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// What a network multiplies with.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrecisionArg {
    /// 32-bit floating-point numbers.
    F32,
    /// 8-bit whole numbers.
    Int8,
}

impl From<&Global> for ModelFiles {
    fn from(g: &Global) -> Self {
        Self {
            domain: Some(g.domain.clone()),
            model: g.model.clone(),
            calibration: g.calibration.clone(),
            precision: g.precision.into(),
        }
    }
}

impl From<&Global> for EventFiles {
    fn from(g: &Global) -> Self {
        Self { events: g.events.clone(), privacy: g.events_privacy.clone() }
    }
}

impl<'a> From<&'a Global> for Workers<'a> {
    fn from(g: &'a Global) -> Self {
        Self { threads: g.threads, progress: g }
    }
}

impl From<PrecisionArg> for models::Precision {
    fn from(p: PrecisionArg) -> Self {
        match p {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::Int8 => Self::Int8,
        }
    }
}
