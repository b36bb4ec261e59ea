//! `vouch policy`: which right decides, what is questionable, and rights for a time.

use anyhow::Result;
use cli_store::{Action, Decision, Elevation, Media, Timestamp, Variant};
use serde::Serialize;

use crate::args::{Global, OnOff, PolicyCommand};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Explained {
    action: &'static str,
    result: &'static str,
    because: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    two_persons: bool,
}

fn name(action: Action) -> &'static str {
    match action {
        Action::See => "see the record",
        Action::Show(Media::Recording) => "hear the recording",
        Action::Show(Media::Transcript) => "read the transcript",
        Action::Download(Media::Recording) => "take the recording away",
        Action::Download(Media::Transcript) => "take the transcript away",
        Action::Delete => "delete it",
    }
}

fn explained((action, decision): (Action, Decision)) -> Explained {
    let (result, because) = match decision {
        Ok(allowed) => {
            let result = match allowed.variant {
                Some(Variant::Redacted) => "redacted",
                Some(Variant::Unredacted) => "as it was",
                None => "allowed",
            };
            (result, allowed.because)
        }
        Err(denied) => ("denied", denied.0),
    };
    Explained { action: name(action), result, because }
}

fn elevation(e: &Elevation) -> Vec<String> {
    let until = Timestamp(e.expires_at).to_string();
    vec![e.id.clone(), e.user.clone(), e.permission.to_string(), until, e.granted_by.clone(), e.reason.clone()]
}

fn elevations(all: &[Elevation]) -> String {
    let mut rows = vec![["id", "user", "right", "until", "given by", "why"].map(String::from).to_vec()];
    rows.extend(all.iter().map(elevation));
    columns(&rows)
}

pub(super) fn run(global: &Global, out: Output, command: &PolicyCommand) -> Result<Exit> {
    let domain = global.open()?;
    match command {
        PolicyCommand::Explain { user, contact } => {
            let all: Vec<Explained> = domain.explain(user, contact)?.into_iter().map(explained).collect();
            out.print(&all, |all| {
                columns(
                    &all.iter().map(|e| vec![e.action.into(), e.result.into(), e.because.clone()]).collect::<Vec<_>>(),
                )
            })?;
        }
        PolicyCommand::Lint => {
            let found = domain.lint_rights()?;
            out.print(&found, |found| match found.as_slice() {
                [] => "nothing is questionable".to_owned(),
                some => some.join("\n"),
            })?;
        }
        PolicyCommand::Elevate { user, permission, minutes, reason } => {
            out.print(&domain.elevate(user, *permission, *minutes, reason)?, |e| elevations(std::slice::from_ref(e)))?;
        }
        PolicyCommand::Elevations => out.print(&domain.elevations()?, |all| elevations(all))?,
        PolicyCommand::Revoke { id } => {
            domain.revoke_elevation(id)?;
            out.print(&domain.elevations()?, |all| elevations(all))?;
        }
        PolicyCommand::TwoPersons { state } => {
            if let Some(state) = state {
                domain.set_two_persons(*state == OnOff::On)?;
            }
            out.print(&State { two_persons: domain.two_persons()? }, |s| {
                let text = if s.two_persons { "originals take two persons" } else { "originals take a role" };
                text.to_owned()
            })?;
        }
    }
    Ok(Exit::Success)
}
