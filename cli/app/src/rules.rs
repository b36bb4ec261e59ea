//! Rules that put conversations into categories: where they come from, and what they do.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use cli_store::{Domain, MAX_RULES};
use engine_words::categories::{Action, EventSource, Fired, Rule};
use serde_json::Value;

use crate::error::{Context, Result, bail, ensure};
use crate::live::Journal;

/// A rule, and the text that it was read from.
pub type Written = (Rule, String);

/// What a file of JSON holds.
///
/// # Errors
/// It cannot be read, or is none.
pub fn json(path: &Path) -> Result<Value> {
    let name = || path.display().to_string();
    serde_json::from_str(&std::fs::read_to_string(path).with_context(name)?).with_context(name)
}

/// The rules of a file: one, or a list. Everything that is wrong is told at once.
///
/// # Errors
/// As [`json`], or a rule is none.
pub fn read(path: &Path) -> Result<Vec<Written>> {
    let values = match json(path)? {
        Value::Array(all) => all,
        one => vec![one],
    };
    let (mut rules, mut wrong) = (Vec::new(), Vec::new());
    for (number, value) in values.iter().enumerate() {
        let text = value.to_string();
        match Rule::parse(&text) {
            Ok(rule) => rules.push((rule, text)),
            Err(e) => {
                let name = value["name"].as_str().map_or_else(|| format!("rule {}", number + 1), str::to_owned);
                wrong.extend(e.0.into_iter().map(|w| format!("{}: {name}: {w}", path.display())));
            }
        }
    }
    if wrong.is_empty() { Ok(rules) } else { bail!("{}", wrong.join("\n")) }
}

/// The rules of several files, each with a name of its own.
///
/// # Errors
/// As [`read`], two rules of one name, or too many.
pub fn read_all(files: &[PathBuf]) -> Result<Vec<Written>> {
    let mut rules = Vec::new();
    for file in files {
        rules.extend(read(file)?);
    }
    let mut names = BTreeSet::new();
    if let Some((twice, _)) = rules.iter().find(|(r, _)| !names.insert(r.name.as_str())) {
        bail!("two rules are called {}", twice.name);
    }
    for source in [EventSource::PostCall, EventSource::RealTime] {
        let n = rules.iter().filter(|(r, _)| r.event_source == source).count();
        ensure!(n <= MAX_RULES, "{n} rules for one source of events: must be {MAX_RULES} at most");
    }
    Ok(rules)
}

/// The rules that are kept in a domain.
///
/// # Errors
/// The domain cannot be read, or the user may not.
pub fn of(domain: &Domain) -> Result<Vec<Rule>> {
    let read =
        |r: cli_store::StoredRule| Rule::parse(&r.json).with_context(|| format!("rule {} of the domain", r.name));
    domain.rules()?.into_iter().map(read).collect()
}

/// What rules do beside the category.
///
/// # Errors
/// A file cannot be written.
pub fn act(journal: &mut Journal, domain: &str, contact: &str, rules: &[Rule], fired: &[Fired]) -> Result<()> {
    for f in fired {
        let Some(rule) = rules.get(f.rule) else { continue };
        for action in &rule.actions {
            match action {
                Action::Category { .. } => {}
                Action::Event => journal.rule(domain, contact, rule, f.at_ms)?,
                Action::Webhook { file } => {
                    let line = Journal::rule_matched(domain, contact, rule, f.at_ms).to_string() + "\n";
                    let mut options = std::fs::File::options();
                    options.create(true).append(true);
                    #[cfg(unix)]
                    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                    let opened = options.open(file).with_context(|| format!("{file}, of rule {}", rule.name))?;
                    (&opened).write_all(line.as_bytes()).with_context(|| file.clone())?;
                }
            }
        }
    }
    Ok(())
}
