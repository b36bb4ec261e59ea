//! `vouch user` and `vouch role`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
