//! `vouch secure`.

use std::path::PathBuf;

use clap::Subcommand;

/// `vouch secure ...`
#[derive(Subcommand, Debug)]
pub enum SecureCommand {
    /// Prove of a secure flow that every way ends as its mode allows and nothing secret leaves; exit code 3 where it does not hold.
    Lint {
        /// The flow: JSON with mode (agent-returns, agent-released, ivr-only), start, secrets and actions.
        flow: PathBuf,
    },
    /// Hold a recording with secure passages against its proof: the chain of hashes, the file, every sample.
    Verify {
        /// The recording.
        recording: PathBuf,
        /// Its proof [default: RECORDING.proof.json].
        #[arg(long, value_name = "FILE")]
        proof: Option<PathBuf>,
    },
}
