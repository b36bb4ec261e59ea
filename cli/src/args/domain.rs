//! `vouch domain`.

use std::path::PathBuf;

use clap::Subcommand;

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
