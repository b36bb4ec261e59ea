//! `vouch fraudster`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::input::Input;

/// `vouch fraudster ...`
#[derive(Subcommand, Debug)]
pub enum FraudsterCommand {
    /// Register a fraudster from recordings, unless the voice is registered already.
    Register(RegisterArgs),
    /// List the fraudsters.
    List {
        /// Only those of this list.
        #[arg(long, value_name = "LIST")]
        watchlist: Option<String>,
    },
    /// Describe a fraudster.
    Describe {
        /// The fraudster.
        #[arg(value_name = "FRAUDSTER-ID")]
        fraudster: String,
    },
    /// Delete a fraudster, off every list.
    Delete {
        /// The fraudster.
        #[arg(value_name = "FRAUDSTER-ID")]
        fraudster: String,
    },
}

/// What becomes of a voice that is registered already.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateAction {
    /// Not registered again; the closest one is named.
    Skip,
    /// Registered as another fraudster.
    RegisterAsNew,
}

/// On which watch list a fraudster is registered.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// The watch list; the default one unless given.
    #[arg(long, value_name = "LIST")]
    pub watchlist: Option<String>,
    /// What becomes of a voice that is registered already, on whichever list.
    #[arg(long, value_enum, default_value = "skip")]
    pub duplicate: DuplicateAction,
    /// Registered already at or above this similarity.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub similarity: u8,
}

/// `vouch fraudster register ...`
#[derive(Args, Debug)]
pub struct RegisterArgs {
    /// Recordings of this one person.
    #[arg(required_unless_present = "session")]
    pub files: Vec<PathBuf>,
    /// Register the caller of a past call that was kept with --keep-audio.
    #[arg(long, value_name = "SESSION-ID", conflicts_with_all = ["files", "format", "channel"])]
    pub session: Option<String>,
    /// Where, and what becomes of a voice that is there already.
    #[command(flatten)]
    pub list: ListArgs,
    /// Net speech wanted, in seconds.
    #[arg(long, default_value_t = 30.0, value_name = "S")]
    pub wanted_speech: f64,
    /// Net speech without which a registration is refused, in seconds.
    #[arg(long, default_value_t = 12.0, value_name = "S")]
    pub least_speech: f64,
    /// How to read the recordings.
    #[command(flatten)]
    pub input: Input,
}
