//! What a redaction is asked, and what it answers.

use std::path::PathBuf;

use cli_audio::RawFormat;
use cli_audio::strict::Fill;
use engine_words::rules::Lean;
use serde::Serialize;

/// How what was found is written in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskMode {
    /// `[PII]`.
    Pii,
    /// The kind, as in `[PHONE]`.
    EntityType,
}

/// What is looked for, and how it is masked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Kinds to look for, by name; all that are recognised where there are none.
    pub entities: Vec<String>,
    /// How it is masked in the text.
    pub mask: MaskMode,
    /// Language of the text, as in `en-US`.
    pub language: String,
    /// Which side names and addresses lean to that are not sure.
    pub lean: Lean,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The analysed transcript as it is; nothing is looked for.
    None,
    /// The redacted recording and transcript.
    RedactedOnly,
    /// These, and the analysed transcript as it was, sealed.
    RedactedAndOriginal,
}

/// How files are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputLayout {
    /// As Contact Lens does.
    Connect,
    /// All in one folder.
    Flat,
}

/// How calls are redacted.
#[derive(Clone, Debug)]
pub struct How {
    /// The folder for what is written.
    pub out: PathBuf,
    /// What is written.
    pub policy: Policy,
    /// How files are called.
    pub layout: OutputLayout,
    /// The time in the names of [`OutputLayout::Connect`]; now unless given.
    pub time: Option<jiff::Timestamp>,
    /// The key under which transcripts are sealed as they were; made where it is not there.
    pub original_key: Option<PathBuf>,
    /// Do not seal the transcript as it was.
    pub plain_original: bool,
    /// Silence this much before and after what was found, too, in milliseconds.
    pub pad_ms: u64,
    /// What is put there.
    pub fill: Fill,
    /// Silence every channel, also where nobody seems to be heard on another's.
    pub all_channels: bool,
    /// Leave keys that are pressed (DTMF) as they are.
    pub no_keys: bool,
    /// The agent's channel, from 0; the others are the customer's.
    pub agent_channel: Option<usize>,
    /// Say in the redacted transcript what each span is.
    pub details: bool,
    /// Longest recording, in seconds.
    pub max_seconds: u64,
    /// Also write a page to look at.
    pub report: Option<PathBuf>,
    /// Replace what was written before.
    pub overwrite: bool,
    /// What is looked for, and how it is masked.
    pub wanted: Wanted,
}

/// A call to be redacted.
#[derive(Clone, Debug)]
pub struct Call {
    /// The recording.
    pub audio: PathBuf,
    /// What it is made of where it has no header.
    pub format: Option<RawFormat>,
    /// Its transcript.
    pub transcript: Option<PathBuf>,
    /// Spans to be silenced whatever is found.
    pub spans: Option<PathBuf>,
    /// What the files are called; the recording's name unless given.
    pub contact_id: Option<String>,
}

/// Something that was found.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Found {
    /// What it is.
    pub entity: &'static str,
    /// How sure that is.
    pub confidence: f32,
    /// What found it.
    pub recogniser: &'static str,
    /// Somebody should look at it: what it is is not sure, or when it was said.
    pub needs_review: bool,
    /// Where it begins.
    pub begin_offset_millis: u64,
    /// Where it ends.
    pub end_offset_millis: u64,
}

/// What became of a call.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    /// The redacted recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<PathBuf>,
    /// The redacted transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<PathBuf>,
    /// The transcript as it was, sealed as a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_analysis: Option<PathBuf>,
    /// The proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<PathBuf>,
    /// What wrote the transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript_format: Option<&'static str>,
    /// What was found.
    pub found: Vec<Found>,
    /// Keys that were pressed.
    pub keys: usize,
    /// How much of each channel is silenced.
    pub silenced_seconds: Vec<f64>,
    /// Some of what was found is not sure.
    pub needs_review: bool,
    /// What nobody looked for.
    pub not_looked_for: Vec<&'static str>,
}
