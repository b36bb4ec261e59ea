//! `vouch enroll`.

use std::path::PathBuf;

use clap::Args;

use super::input::Input;

/// `vouch enroll ...`
#[derive(Args, Debug)]
pub struct EnrollArgs {
    /// The speaker: a letter or digit, then letters, digits, `_`, `-`; nothing personal.
    #[arg(long, value_name = "ID")]
    pub speaker: String,
    /// Recordings of this one person.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Replace an existing voiceprint.
    #[arg(long)]
    pub overwrite: bool,
    /// Net speech wanted, in seconds.
    #[arg(long, default_value_t = 30.0, value_name = "S")]
    pub wanted_speech: f64,
    /// Net speech without which an enrolment is refused, in seconds.
    #[arg(long, default_value_t = 12.0, value_name = "S")]
    pub least_speech: f64,
    /// The person's consent, as you want it kept beside the voiceprint.
    #[arg(long, value_name = "NOTE")]
    pub consent: Option<String>,
    /// How to read the recordings.
    #[command(flatten)]
    pub input: Input,
}
