//! `vouch audit`.

use clap::Subcommand;

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
