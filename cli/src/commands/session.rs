//! `vouch session`: the calls whose audio is kept for a while.

use anyhow::{Context, Result};
use cli_store::KeptSession;
use serde::Serialize;

use crate::args::{Global, SessionCommand};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    generated_speaker_id: Option<String>,
    kept_at: f64,
    expires_at: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Erased {
    sessions: usize,
}

fn report(kept: &KeptSession) -> Report {
    Report {
        session_id: kept.session_id.to_string(),
        generated_speaker_id: kept.generated_speaker_id.as_ref().map(ToString::to_string),
        kept_at: kept.kept_at.as_unix_seconds(),
        expires_at: kept.expires_at.as_unix_seconds(),
    }
}

pub(super) fn run(global: &Global, out: Output, command: &SessionCommand) -> Result<Exit> {
    let domain = global.open()?;
    match command {
        SessionCommand::List => {
            let kept: Vec<Report> = domain.list_session_audio()?.iter().map(report).collect();
            out.print(&kept, |kept| {
                let mut rows = vec![["session", "speaker", "hours"].map(String::from).to_vec()];
                rows.extend(kept.iter().map(|k| {
                    let speaker = k.generated_speaker_id.clone().unwrap_or_else(|| "-".into());
                    vec![k.session_id.clone(), speaker, format!("{:.0}", (k.expires_at - k.kept_at) / 3600.0)]
                }));
                columns(&rows)
            })?;
        }
        SessionCommand::Delete { session } => {
            let id = session.parse().with_context(|| format!("session {session}"))?;
            domain.delete_session_audio(&id)?;
            out.print(&Erased { sessions: 1 }, |_| format!("erased the audio of {session}"))?;
        }
        SessionCommand::Purge => {
            let sessions = domain.erase_expired_audio()?;
            out.print(&Erased { sessions }, |e| format!("erased the audio of {} call(s)", e.sessions))?;
        }
    }
    Ok(Exit::Success)
}
