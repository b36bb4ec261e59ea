//! `vouch secure`: what a secure passage has left behind.

use anyhow::{Context, Result};
use cli_app::live;
use cli_app::secure_flow;
use cli_wire::secure_flow::SecureFlow;
use serde::Serialize;

use crate::args::SecureCommand;
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
        SecureCommand::Lint { flow } => {
            let name = || flow.display().to_string();
            let text = std::fs::read_to_string(flow).with_context(name)?;
            let parsed: SecureFlow = serde_json::from_str(&text).with_context(name)?;
            let leaks = secure_flow::lint(&parsed).with_context(name)?;
            out.print(&leaks, |leaks| {
                let mut lines: Vec<String> =
                    leaks.iter().map(|l| format!("{}: {} [{}]", l.action, l.message, l.code)).collect();
                lines.push(match leaks.len() {
                    0 => "every way ends as it may, and nothing secret leaves".to_owned(),
                    n => format!("{n} leak(s)"),
                });
                lines.join("\n")
            })?;
            Ok(if leaks.is_empty() { Exit::Success } else { Exit::Error })
        }
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
