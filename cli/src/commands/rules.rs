//! `vouch rules`: what puts conversations into categories.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cli_app::live::Journal;
use cli_app::rules::{act, json, of, read, read_all};
use cli_store::Permission;
use serde::Serialize;
use serde_json::Value;

use crate::args::{Global, RulesCommand};
use crate::outcome::{Exit, Output, columns};
use engine_words::categories::{About, Condition, EventSource, Fired, Rule, Watch, categories, turn_of, turns_of};

fn about(record: Option<&Path>) -> Result<About> {
    Ok(record.map(json).transpose()?.as_ref().map_or_else(About::default, About::of))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    name: String,
    event_source: &'static str,
    category: String,
    conditions: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

fn listed(rule: &Rule, version: Option<u64>) -> Listed {
    let event_source = match rule.event_source {
        EventSource::PostCall => "POST_CALL",
        EventSource::RealTime => "REAL_TIME",
    };
    let (name, category) = (rule.name.clone(), rule.category().to_owned());
    Listed { name, event_source, category, conditions: rule.conditions.len(), version }
}

fn print(out: Output, all: &[Listed]) -> Result<()> {
    out.print(&all, |all| {
        let mut rows = vec![["rule", "asked", "category", "conditions"].map(String::from).to_vec()];
        rows.extend(
            all.iter()
                .map(|l| vec![l.name.clone(), l.event_source.into(), l.category.clone(), l.conditions.to_string()]),
        );
        columns(&rows)
    })?;
    Ok(())
}

pub(super) fn run(global: &Global, out: Output, command: &RulesCommand) -> Result<Exit> {
    match command {
        RulesCommand::Lint { files } => {
            let rules = read_all(files)?;
            print(out, &rules.iter().map(|(r, _)| listed(r, None)).collect::<Vec<_>>())?;
        }
        RulesCommand::Test { rules, transcript, record } => {
            let rules: Vec<Rule> = read(rules)?.into_iter().map(|(r, _)| r).collect();
            let name = || transcript.display().to_string();
            let (turns, length) = turns_of(&json(transcript)?).with_context(name)?;
            let mut all = serde_json::Map::new();
            let mut held = false;
            for (source, key) in [(EventSource::PostCall, "PostCall"), (EventSource::RealTime, "RealTime")] {
                let mut watch = Watch::new(&rules, source, about(record.as_deref())?);
                let mut fired: Vec<Fired> = turns.iter().flat_map(|t| watch.turn(t)).collect();
                fired.extend(watch.finish(length));
                held |= !fired.is_empty();
                all.insert(key.to_owned(), categories(&rules, &fired));
            }
            out.print(&Value::Object(all), |all| {
                let names = |v: &Value| {
                    let names: Vec<&str> =
                        v["MatchedCategories"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                };
                format!("after the call: {}\nwhile it went on: {}", names(&all["PostCall"]), names(&all["RealTime"]))
            })?;
            return Ok(if held { Exit::Success } else { Exit::Rejected });
        }
        RulesCommand::Run { rules, segments, record } => {
            let rules: Vec<Rule> = match rules {
                Some(file) => read(file)?.into_iter().map(|(r, _)| r).collect(),
                None => of(&global.open()?)?,
            };
            ensure!(rules.iter().any(|r| r.event_source == EventSource::RealTime), "no rule is for REAL_TIME");
            follow(global, &rules, segments, about(record.as_deref())?)?;
        }
        RulesCommand::Set { files } => {
            let rules = read_all(files)?;
            let domain = global.open()?;
            // A rule that names agents or queues tells who and what there is.
            let names = |what: fn(&Condition) -> bool| rules.iter().any(|(r, _)| r.conditions.iter().any(what));
            if names(|c| matches!(c, Condition::Agent(_))) {
                global.may(&[Permission::UsersView])?;
            }
            if names(|c| matches!(c, Condition::Queue(_))) {
                global.may(&[Permission::QueuesView])?;
            }
            let mut all = Vec::new();
            for (rule, text) in &rules {
                all.push(listed(rule, Some(domain.put_rule(&rule.name, text)?)));
            }
            print(out, &all)?;
        }
        RulesCommand::List => {
            let domain = global.open()?;
            let mut all = Vec::new();
            for (stored, rule) in domain.rules()?.iter().zip(of(&domain)?) {
                all.push(listed(&rule, Some(stored.version)));
            }
            print(out, &all)?;
        }
        RulesCommand::Delete { name } => {
            global.open()?.delete_rule(name)?;
            out.print(name, |n| format!("deleted {n}"))?;
        }
    }
    Ok(Exit::Success)
}

/// Real-time segments, an event a line; what comes to hold is told at once.
fn follow(global: &Global, rules: &[Rule], segments: &Path, about: About) -> Result<()> {
    let name = || if segments == Path::new("-") { "standard input".to_owned() } else { segments.display().to_string() };
    let input: Box<dyn BufRead> = match segments == Path::new("-") {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(std::io::BufReader::new(std::fs::File::open(segments).with_context(name)?)),
    };
    let mut journal = Journal::of(global)?;
    let mut watch = Watch::new(rules, EventSource::RealTime, about);
    let mut contact = String::new();
    let mut end = 0;
    let sides = BTreeMap::new();
    let mut tell = |contact: &str, fired: &[Fired]| -> Result<()> {
        let mut out = std::io::stdout().lock();
        for f in fired {
            if let Some(rule) = rules.get(f.rule) {
                writeln!(out, "{}", Journal::rule_matched("local", contact, rule, f.at_ms))?;
            }
        }
        Ok(act(&mut journal, "local", contact, rules, fired)?)
    };
    for (number, line) in input.lines().enumerate() {
        let line = line.with_context(name)?;
        if line.trim().is_empty() {
            continue;
        }
        let place = || format!("{}:{}", name(), number + 1);
        // The reason names a place, never the content.
        let event: Value = serde_json::from_str(&line)
            .map_err(|e| anyhow::anyhow!("no JSON at column {}", e.column()))
            .with_context(place)?;
        if let Some(id) = event["ContactId"].as_str() {
            contact = id.to_owned();
        }
        // Utterances are parts of what a Transcript segment says whole.
        for segment in event["Segments"].as_array().into_iter().flatten() {
            if let Some(said) = segment.get("Transcript") {
                let turn = turn_of(said, &sides).with_context(place)?;
                end = end.max(turn.time.end_ms);
                tell(&contact, &watch.turn(&turn))?;
            }
        }
        if matches!(event["EventType"].as_str(), Some("COMPLETED" | "FAILED")) {
            break;
        }
    }
    tell(&contact, &watch.finish(end))
}
