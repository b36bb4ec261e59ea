//! `vouch watchlist`.

use clap::Subcommand;

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
