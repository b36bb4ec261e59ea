//! The verbs of `vouch`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cli_audio::RawFormat;

use super::audit::AuditCommand;
use super::batch::BatchCommand;
use super::call::CallArgs;
#[cfg(feature = "mic")]
use super::call::ListenArgs;
use super::contact::ContactCommand;
use super::domain::DomainCommand;
use super::enroll::EnrollArgs;
use super::flow::FlowCommand;
use super::fraudster::FraudsterCommand;
use super::global::Global;
use super::input::Input;
use super::model::ModelCommand;
use super::policy::PolicyCommand;
use super::privacy::PrivacyCommand;
use super::redact::{EvalRedactionArgs, RedactArgs, RedactWanted, RetainArgs, UnsealArgs};
use super::rules::RulesCommand;
use super::secure::SecureCommand;
use super::session::SessionCommand;
use super::speaker::SpeakerCommand;
use super::trials::{CalibrateArgs, EvalArgs};
use super::user::{RoleCommand, UserCommand};
use super::verify::VerifyArgs;
use super::watchlist::WatchlistCommand;

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
    /// Measure on your own labelled calls how much of what is personal is found, by kind.
    EvalRedaction(EvalRedactionArgs),
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
