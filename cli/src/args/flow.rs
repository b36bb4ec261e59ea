//! `vouch flow`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::input::Input;

/// `vouch flow ...`
#[derive(Subcommand, Debug)]
pub enum FlowCommand {
    /// Check what publishing checks of the Voice ID blocks; exit code 3 where the flow could not be published.
    Lint {
        /// The exported flow: JSON of the flow language, version 2019-10-30.
        flow: PathBuf,
    },
    /// Walk a flow against a recording, and print each block's branch.
    Run(FlowRunArgs),
}

/// `vouch flow run ...`
#[derive(Args, Debug)]
pub struct FlowRunArgs {
    /// The exported flow.
    pub flow: PathBuf,
    /// The contact: JSON with Channel, ContactId, Attributes, and what else dynamic values refer to.
    #[arg(long, value_name = "CONTACT.json")]
    pub contact: PathBuf,
    /// The recording of the call.
    #[arg(long, value_name = "CALL.wav")]
    pub audio: PathBuf,
    /// How to read the recording.
    #[command(flatten)]
    pub input: Input,
}
