//! `vouch secure`: what a secure passage has left behind.

use anyhow::Result;
use serde::Serialize;

use crate::args::SecureCommand;
use crate::live;
use crate::outcome::{Exit, Output};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Verified {
    session_id: String,
    passages: usize,
    silenced_samples: u64,
    samples: u64,
    hash: String,
}

pub(super) fn run(out: Output, command: &SecureCommand) -> Result<Exit> {
    match command {
        SecureCommand::Verify { recording, proof } => {
            let path = proof.clone().unwrap_or_else(|| live::proof_path(recording));
            let proof = live::verify(recording, &path)?;
            let verified = Verified {
                passages: proof.passages.len(),
                silenced_samples: proof.passages.iter().map(|p| p.silenced_samples).sum(),
                session_id: proof.session_id,
                samples: proof.samples,
                hash: proof.hash,
            };
            out.print(&verified, |v| {
                format!(
                    "{} secure passages, {} of {} samples silent; the proof holds",
                    v.passages, v.silenced_samples, v.samples
                )
            })?;
            Ok(Exit::Success)
        }
    }
}
