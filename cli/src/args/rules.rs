//! `vouch rules`.

use std::path::PathBuf;

use clap::Subcommand;

/// `vouch rules ...`
#[derive(Subcommand, Debug)]
pub enum RulesCommand {
    /// Check rules in files: a rule, or a list of rules, in each.
    Lint {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Ask rules about an analysed transcript, and print the categories; exit code 10 where none holds.
    Test {
        /// The rules.
        rules: PathBuf,
        /// The transcript.
        transcript: PathBuf,
        /// The contact's record, for agent, queue and attributes.
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Follow real-time segments, one event on each line as Contact Lens streams them, and print what holds as it comes to hold.
    Run {
        /// The rules; those of the domain unless given.
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
        /// The segments; `-` reads standard input.
        #[arg(default_value = "-")]
        segments: PathBuf,
        /// The contact's record, for agent, queue and attributes.
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Keep rules in the domain: contacts that are imported from now on are asked.
    Set {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// List the rules of the domain.
    List,
    /// Delete a rule of the domain.
    Delete {
        /// Its name.
        name: String,
    },
}
