//! `vouch verify`.

use std::path::PathBuf;

use clap::Args;

use super::input::Input;
use super::watchlist::FraudArgs;

/// `vouch verify ...`
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// Who the caller claims to be.
    #[arg(long, value_name = "ID")]
    pub speaker: String,
    /// The recording of the call; `-` reads standard input (with --format).
    pub file: PathBuf,
    /// Accept at or above this score.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub threshold: u8,
    /// Net speech without which there is no decision, in seconds (5-10).
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u8).range(5..=10))]
    pub min_speech: u8,
    /// Whether it is looked for fraud.
    #[command(flatten)]
    pub fraud: FraudArgs,
    /// How to read the recording.
    #[command(flatten)]
    pub input: Input,
}
