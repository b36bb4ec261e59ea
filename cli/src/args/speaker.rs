//! `vouch speaker`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

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
