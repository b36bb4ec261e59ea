//! `vouch redact`, `vouch redact-text`, `vouch eval-redaction`, `vouch unseal` and `vouch retain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cli_app::redact::request::{How, MaskMode, OutputLayout, Policy, Wanted};
use cli_audio::RawFormat;
use engine_words::rules::Lean;

/// How what was found is written in the text.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskArg {
    /// `[PII]`.
    Pii,
    /// The kind, as in `[PHONE]`.
    EntityType,
}

/// What is worse: to miss a name or an address, or to silence what is none.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeanArg {
    /// To miss it.
    Recall,
    /// Both, but what is missed is heard for good.
    Balanced,
    /// To silence what is none.
    Precision,
}

/// What is looked for.
#[derive(Args, Debug)]
pub struct RedactSought {
    /// Kinds to look for, with commas between them; all that are recognised unless given.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub entities: Vec<String>,
    /// Language of the text. Of Spanish: numbers, dates, ages and e-mail addresses.
    #[arg(long, default_value = "en-US", value_name = "xx-XX", value_parser = language)]
    pub language: String,
    /// What is worse where a name or an address has no cue: to miss it, or to silence what is none. Numbers are not asked.
    #[arg(long, value_enum, default_value = "balanced")]
    pub lean: LeanArg,
}

/// What is looked for, and how it is masked.
#[derive(Args, Debug)]
pub struct RedactWanted {
    /// What is looked for.
    #[command(flatten)]
    pub sought: RedactSought,
    /// How it is masked in the text.
    #[arg(long, value_enum, default_value = "pii")]
    pub mask: MaskArg,
}

/// `vouch eval-redaction ...`
#[derive(Args, Debug)]
pub struct EvalRedactionArgs {
    /// The labelled calls, a JSON object on each line: `{"Transcript": "call.json", "Items": [{"Entity": "NAME", "BeginOffsetMillis": 1200,
    /// "EndOffsetMillis": 1900}]}`, its path from the folder of the list; or `{"Text": "...", "Items": [{"Entity": "NAME",
    /// "BeginOffsetChar": 11, "EndOffsetChar": 16}]}`, a turn on each line of the text.
    pub list: PathBuf,
    /// What is looked for. Items of other kinds are left out.
    #[command(flatten)]
    pub sought: RedactSought,
}

impl From<&RedactSought> for Wanted {
    fn from(s: &RedactSought) -> Self {
        let lean = match s.lean {
            LeanArg::Recall => Lean::Recall,
            LeanArg::Balanced => Lean::Balanced,
            LeanArg::Precision => Lean::Precision,
        };
        Self { entities: s.entities.clone(), mask: MaskMode::Pii, language: s.language.clone(), lean }
    }
}

impl From<&RedactWanted> for Wanted {
    fn from(w: &RedactWanted) -> Self {
        let mask = match w.mask {
            MaskArg::Pii => MaskMode::Pii,
            MaskArg::EntityType => MaskMode::EntityType,
        };
        Self { mask, ..(&w.sought).into() }
    }
}

/// What is written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyArg {
    /// The analysed transcript as it is; nothing is looked for.
    None,
    /// The redacted recording and transcript.
    RedactedOnly,
    /// These, and the analysed transcript as it was, sealed.
    RedactedAndOriginal,
}

/// How files are called.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutArg {
    /// As Contact Lens does: `Analysis/Voice/Redacted/YYYY/MM/DD/<contact>_call_recording_redacted_<time>.wav`.
    Connect,
    /// All in one folder: `<contact>_call_recording_redacted.wav`.
    Flat,
}

/// `vouch redact ...`
#[derive(Args, Debug)]
pub struct RedactArgs {
    /// The recording: whatever `vouch inspect` reads. A WAV file is written of it.
    #[arg(long, value_name = "A.wav", required_unless_present = "manifest")]
    pub audio: Option<PathBuf>,
    /// The recording has no header: its encoding, rate and channels, as in ulaw@8000 or s16le@16000x2.
    #[arg(long, value_name = "ENC[@RATE][xN]", requires = "audio")]
    pub format: Option<RawFormat>,
    /// Its transcript, known by its content: JSON of Contact Lens, Amazon Transcribe, Whisper and its kin, Deepgram, Vosk, AssemblyAI, Azure, Google, Rev
    /// and others; WebVTT, SubRip, SBV, CTM, TextGrid. Without one, only keys (DTMF) and --spans are silenced.
    #[arg(long, value_name = "T.json", requires = "audio")]
    pub transcript: Option<PathBuf>,
    /// More to be silenced: a JSON list of {"BeginOffsetMillis", "EndOffsetMillis", "Channel"}, without Channel in all.
    #[arg(long, value_name = "FILE", requires = "audio")]
    pub spans: Option<PathBuf>,
    /// What the call is called in the names of files; the recording's name unless given.
    #[arg(long, value_name = "ID", requires = "audio")]
    pub contact_id: Option<String>,
    /// Many calls: a file of lines {"audio": "A.wav", "transcript": "T.json", "contact-id": "ID"}, paths from that file's folder.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = ["audio", "report"])]
    pub manifest: Option<PathBuf>,
    /// How.
    #[command(flatten)]
    pub how: RedactHow,
}

/// How calls are redacted.
#[derive(Args, Debug)]
pub struct RedactHow {
    /// The folder for what is written.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What is written.
    #[arg(long, value_enum, default_value = "redacted-only")]
    pub policy: PolicyArg,
    /// How files are called.
    #[arg(long, value_enum, default_value = "flat")]
    pub layout: LayoutArg,
    /// The time in the names of --layout connect; now unless given.
    #[arg(long, value_name = "YYYY-MM-DDTHH:MM:SSZ")]
    pub time: Option<jiff::Timestamp>,
    /// The key under which transcripts are sealed as they were; made where it is not there. `vouch unseal` opens them.
    #[arg(long, value_name = "FILE")]
    pub original_key: Option<PathBuf>,
    /// Do not seal the transcript as it was.
    #[arg(long, conflicts_with = "original_key")]
    pub plain_original: bool,
    /// Silence this much before and after what was found, too, in milliseconds.
    #[arg(long, default_value_t = engine_words::mute::DEFAULT_PAD_MS, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub pad_ms: u64,
    /// What is put there.
    #[arg(long, value_parser = fill, default_value = "silence", value_name = "silence|tone")]
    pub fill: cli_audio::strict::Fill,
    /// Silence every channel, also where nobody seems to be heard on another's.
    #[arg(long)]
    pub all_channels: bool,
    /// Leave keys that are pressed (DTMF) as they are.
    #[arg(long)]
    pub no_keys: bool,
    /// The agent's channel, from 0; the others are the customer's.
    #[arg(long, value_name = "N")]
    pub agent_channel: Option<usize>,
    /// Say in the redacted transcript what each span is (Redaction.Entities).
    #[arg(long)]
    pub details: bool,
    /// Longest recording, in seconds.
    #[arg(long, default_value_t = 14_400, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub max_seconds: u64,
    /// Also write a page to look at: outline, what is silenced, the masked transcript.
    #[arg(long, value_name = "X.html")]
    pub report: Option<PathBuf>,
    /// Replace what was written before.
    #[arg(long)]
    pub overwrite: bool,
    /// What is looked for, and how it is masked.
    #[command(flatten)]
    pub wanted: RedactWanted,
}

impl From<&RedactHow> for How {
    fn from(h: &RedactHow) -> Self {
        Self {
            out: h.out.clone(),
            policy: match h.policy {
                PolicyArg::None => Policy::None,
                PolicyArg::RedactedOnly => Policy::RedactedOnly,
                PolicyArg::RedactedAndOriginal => Policy::RedactedAndOriginal,
            },
            layout: match h.layout {
                LayoutArg::Connect => OutputLayout::Connect,
                LayoutArg::Flat => OutputLayout::Flat,
            },
            time: h.time,
            original_key: h.original_key.clone(),
            plain_original: h.plain_original,
            pad_ms: h.pad_ms,
            fill: h.fill,
            all_channels: h.all_channels,
            no_keys: h.no_keys,
            agent_channel: h.agent_channel,
            details: h.details,
            max_seconds: h.max_seconds,
            report: h.report.clone(),
            overwrite: h.overwrite,
            wanted: Wanted::from(&h.wanted),
        }
    }
}

fn fill(text: &str) -> Result<cli_audio::strict::Fill, String> {
    match text {
        "silence" => Ok(cli_audio::strict::Fill::Silence),
        "tone" => Ok(cli_audio::strict::Fill::Tone),
        _ => Err("silence or tone".to_owned()),
    }
}

/// The locales that the rules are written for.
const LOCALES: [&str; 12] =
    ["en-US", "en-GB", "en-AU", "en-NZ", "en-ZA", "en-IN", "en-IE", "en-AB", "en-WL", "es-US", "es-ES", "es-MX"];

fn language(text: &str) -> Result<String, String> {
    let known = LOCALES.iter().find(|l| l.eq_ignore_ascii_case(text));
    known.map(|l| (*l).to_owned()).ok_or_else(|| format!("the rules are for {}", LOCALES.join(", ")))
}

/// `vouch unseal ...`
#[derive(Args, Debug)]
pub struct UnsealArgs {
    /// The sealed file.
    pub file: PathBuf,
    /// Its key.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Where it is written; standard output unless given.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `vouch retain ...`
#[derive(Args, Debug)]
pub struct RetainArgs {
    /// The folder that `vouch redact` wrote to.
    pub dir: PathBuf,
    /// Files of this age and older go: 30d, 12h.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: std::time::Duration,
    /// Only say what would go.
    #[arg(long)]
    pub dry_run: bool,
}

fn age(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("{text:?}: an age is a number and d, h or m, as in 30d");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        _ => return Err(wrong()),
    };
    let count: u64 = text.strip_suffix(unit).and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
    count.checked_mul(seconds).map(std::time::Duration::from_secs).ok_or_else(wrong)
}
