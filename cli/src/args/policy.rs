//! `vouch policy`.

use clap::{Subcommand, ValueEnum};

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
