//! `vouch audit`: who did what, and whether the log is whole.

use anyhow::Result;
use cli_store::AuditEntry;
use serde::Serialize;

use crate::args::{AuditCommand, Global};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    seq: u64,
    at: String,
    actor: String,
    action: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl From<AuditEntry> for Report {
    fn from(e: AuditEntry) -> Self {
        let AuditEntry { seq, at, actor, action, subject, note } = e;
        Self { seq, at: at.to_string(), actor, action: action.to_string(), subject, note }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Verified {
    entries: u64,
}

pub(super) fn run(global: &Global, out: Output, command: &AuditCommand) -> Result<Exit> {
    let domain = global.open()?;
    match command {
        AuditCommand::List { after } => {
            let (mut all, mut last) = (Vec::new(), *after);
            loop {
                let page = domain.audit(last)?;
                let Some(entry) = page.last() else { break };
                last = entry.seq;
                all.extend(page.into_iter().map(Report::from));
            }
            out.print(&all, |all| {
                let mut rows = vec![["entry", "when", "who", "what", "on", "why"].map(String::from).to_vec()];
                rows.extend(all.iter().map(|e| {
                    let note = e.note.clone().unwrap_or_default();
                    vec![e.seq.to_string(), e.at.clone(), e.actor.clone(), e.action.clone(), e.subject.clone(), note]
                }));
                columns(&rows)
            })?;
        }
        AuditCommand::Verify => {
            let entries = domain.verify_audit()?;
            out.print(&Verified { entries }, |v| format!("{} entries, whole and in order", v.entries))?;
        }
    }
    Ok(Exit::Success)
}
