//! `vouch watchlist`.

use clap::{Args, Subcommand};

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

/// On which watch list a caller is looked for.
#[derive(Args, Debug, Clone)]
pub struct FraudArgs {
    /// Look for fraud on this watch list: `default`, a name or an id.
    #[arg(long, value_name = "LIST")]
    pub watchlist: Option<String>,
    /// High risk at or above this.
    #[arg(long, default_value_t = 50, value_name = "N", requires = "watchlist", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub fraud_threshold: u8,
}
