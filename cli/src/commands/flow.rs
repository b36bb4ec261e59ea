//! `vouch flow`: contact flows of Amazon Connect, checked and walked.

use anyhow::{Context, Result};
use cli_app::analysis::{Toolkit, open_channel};
use cli_app::flow;
use cli_app::live::{Journal, Line, LineOptions};
use cli_wire::flow::{Contact, Finding, Severity, Step};
use cli_wire::voice_id::Report;
use engine::call::Listening;
use serde::Serialize;

use crate::args::{FlowCommand, FlowRunArgs, Global};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Linted {
    actions: usize,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Walked {
    steps: Vec<Step>,
    session: Report,
}

pub(super) fn run(global: &Global, out: Output, command: &FlowCommand) -> Result<Exit> {
    match command {
        FlowCommand::Lint { flow } => {
            let text = std::fs::read_to_string(flow).with_context(|| flow.display().to_string())?;
            let parsed = flow::parse(&text, flow)?;
            let linted = Linted { actions: parsed.actions.len(), findings: flow::lint(&parsed) };
            out.print(&linted, |l| {
                let mut lines: Vec<String> = l.findings.iter().map(line).collect();
                let errors = l.findings.iter().filter(|f| f.severity == Severity::Error).count();
                lines.push(format!("{} actions, {errors} errors, {} warnings", l.actions, l.findings.len() - errors));
                lines.join("\n")
            })?;
            let bad = linted.findings.iter().any(|f| f.severity == Severity::Error);
            Ok(if bad { Exit::Error } else { Exit::Success })
        }
        FlowCommand::Run(args) => walk(global, out, args),
    }
}

fn line(f: &Finding) -> String {
    let severity = if f.severity == Severity::Error { "error" } else { "warning" };
    let action = f.action.as_deref().map_or_else(String::new, |a| format!(" {a}:"));
    format!("{severity}:{action} {} [{}]", f.message, f.code)
}

fn walk(global: &Global, out: Output, args: &FlowRunArgs) -> Result<Exit> {
    let text = std::fs::read_to_string(&args.flow).with_context(|| args.flow.display().to_string())?;
    let parsed = flow::parse(&text, &args.flow)?;
    let name = || args.contact.display().to_string();
    let contact = std::fs::read_to_string(&args.contact).with_context(name)?;
    let contact: Contact = serde_json::from_str(&contact).with_context(name)?;
    let tools = Toolkit::load(global)?;
    let domain = global.open()?;
    let (audio, rate) = open_channel(&args.audio, &args.input)?;
    let session = contact.contact_id.as_deref().map(str::parse).transpose().with_context(name)?;
    let options = LineOptions {
        rate,
        listening: Listening::UntilEnough,
        enrollment: None,
        agent: false,
        name: session,
        at_end_only: false,
    };
    let line = Line::open(&tools, &domain, options, Journal::of(global)?)?;
    let (steps, session) = flow::run(&parsed, contact, &tools, &domain, line, audio)?;
    let walked = Walked { steps, session };
    out.print(&walked, |w| {
        let mut rows = vec![["heard", "action", "type", "branch", ""].map(String::from).to_vec()];
        rows.extend(w.steps.iter().map(|s| {
            let values = s.values.iter().map(|(k, v)| format!("{k}={v}"));
            let score = s.score.map(|s| format!("score {s}"));
            let notes: Vec<String> = values.chain(score).chain(s.reason.clone()).collect();
            let heard = format!("{:.1} s", s.heard_seconds);
            vec![heard, s.identifier.clone(), s.kind.clone(), s.branch.clone(), notes.join(", ")]
        }));
        columns(&rows)
    })?;
    Ok(Exit::Success)
}
