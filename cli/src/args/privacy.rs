//! `vouch privacy`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cli_app::privacy::Preset;

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
