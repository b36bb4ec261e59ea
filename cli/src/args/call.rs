//! `vouch call` and `vouch listen`: what a live call is asked.

use std::path::PathBuf;

use clap::Args;
use cli_app::live::LiveRequest;

use super::input::Input;
use super::watchlist::FraudArgs;

/// What a live call is asked, and what is kept of it.
#[derive(Args, Debug, Clone)]
pub struct LiveArgs {
    /// Who the caller claims to be, or whom to enrol.
    #[arg(long, value_name = "ID")]
    pub speaker: Option<String>,
    /// Accept at or above this score.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub threshold: u8,
    /// Net speech before a decision, in seconds (5-10).
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u8).range(5..=10))]
    pub min_speech: u8,
    /// Whether it is looked for fraud.
    #[command(flatten)]
    pub fraud: FraudArgs,
    /// Decide clear cases before that, at the same false match rate.
    #[arg(long)]
    pub early: bool,
    /// Go on after the decision, to the end of the call.
    #[arg(long)]
    pub stay: bool,
    /// Enrol the caller by voice instead.
    #[arg(long, requires = "speaker")]
    pub enroll: bool,
    /// Net speech to enrol from, in seconds.
    #[arg(long, default_value_t = 30.0, value_name = "S", requires = "enroll")]
    pub wanted_speech: f64,
    /// Replace a voiceprint that is there.
    #[arg(long, requires = "enroll")]
    pub overwrite: bool,
    /// What the person agreed to, kept sealed beside the voiceprint.
    #[arg(long, value_name = "NOTE")]
    pub consent: Option<String>,
    /// Keep what was heard as a WAV file; the person must have agreed (--consent).
    #[arg(long, value_name = "FILE", requires = "consent")]
    pub record: Option<PathBuf>,
    /// Keep what was heard, sealed in the domain, for this many hours (1-168): `vouch fraudster register --session` can use it until
    /// then. The call is followed to its end.
    #[arg(long, value_name = "HOURS", num_args = 0..=1, default_missing_value = "24", value_parser = clap::value_parser!(u32).range(1..=168))]
    pub keep_audio: Option<u32>,
    /// Your name for the session, the contact's id as a rule: 1 to 36 letters, digits, `_`, `-`.
    #[arg(long, value_name = "NAME")]
    pub session_name: Option<String>,
}

impl From<&LiveArgs> for LiveRequest {
    fn from(a: &LiveArgs) -> Self {
        Self {
            speaker: a.speaker.clone(),
            threshold: a.threshold,
            min_speech_s: f64::from(a.min_speech),
            watchlist: a.fraud.watchlist.clone(),
            fraud_threshold: a.fraud.fraud_threshold,
            early: a.early,
            stay: a.stay,
            enroll: a.enroll,
            wanted_speech_s: a.wanted_speech,
            overwrite: a.overwrite,
            consent: a.consent.clone(),
            record: a.record.clone(),
            keep_audio_hours: a.keep_audio,
            session_name: a.session_name.clone(),
        }
    }
}

/// Options of `vouch call`.
#[derive(Args, Debug)]
pub struct CallArgs {
    /// The call; `-` reads standard input (with --format), as it comes.
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// What is asked.
    #[command(flatten)]
    pub live: LiveArgs,
    /// A secure passage, in seconds from the start of the call: neither heard nor recorded. May be given several times.
    #[arg(long = "secure", value_name = "FROM-TO")]
    pub secure: Vec<SecondsSpan>,
    /// How to read the call.
    #[command(flatten)]
    pub input: Input,
}

/// From one second of a call to another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SecondsSpan {
    /// Where it begins.
    pub from_s: f64,
    /// Where it ends.
    pub to_s: f64,
}

impl std::str::FromStr for SecondsSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('-').and_then(|(from, to)| {
            let (from_s, to_s) = (from.trim().parse::<f64>().ok()?, to.trim().parse::<f64>().ok()?);
            (from_s >= 0.0 && to_s > from_s && to_s < 1e6).then_some(Self { from_s, to_s })
        });
        parsed.ok_or_else(|| "expected two rising numbers of seconds, as in 12.5-20".to_owned())
    }
}

/// Options of `vouch listen`.
#[cfg(feature = "mic")]
#[derive(Args, Debug)]
pub struct ListenArgs {
    /// List the devices that can be listened to.
    #[arg(long)]
    pub devices: bool,
    /// The device; the system's default unless given.
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Stop after so many seconds.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: Option<u32>,
    /// What is asked.
    #[command(flatten)]
    pub live: LiveArgs,
}
