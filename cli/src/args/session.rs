//! `vouch session`.

use clap::Subcommand;

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
