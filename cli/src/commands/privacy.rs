//! `vouch privacy ...`: which fields of contact records leave, and what that means for a record.

use std::cell::RefCell;
use std::io::{BufRead, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use cli_app::privacy::{Changes, FieldPolicy, Mode, Preset, Sealing};
use cli_store::{Domain, FileKey, StoredPrivacy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::{Global, PrivacyCommand, PrivacyPolicy};
use crate::outcome::{Exit, Output};

/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 64 << 20;
/// How often a filter that follows a domain looks for a change.
const LOOK: Duration = Duration::from_millis(200);

fn policy(args: &PrivacyPolicy) -> Result<FieldPolicy> {
    let Some(path) = &args.config else { return Ok(FieldPolicy::minimum(args.preset.into())) };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    FieldPolicy::parse(&text, args.preset.into(), args.lenient).with_context(|| path.display().to_string())
}

/// A configuration as a domain keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    preset: Preset,
    lenient: bool,
    config: Value,
}

impl Kept {
    /// What a domain keeps, where something is set.
    fn of(stored: &StoredPrivacy) -> Result<Option<Self>> {
        let json = stored.json.as_deref();
        json.map(serde_json::from_str).transpose().context("the privacy configuration of the domain")
    }

    fn policy(&self) -> Result<FieldPolicy> {
        Ok(FieldPolicy::parse(&self.config.to_string(), self.preset, self.lenient)?)
    }
}

/// The policy of a domain, and its version. Where none is set, Operata's mandatory fields leave.
pub(super) fn stored(domain: &Domain) -> Result<(FieldPolicy, u64)> {
    let stored = domain.privacy()?;
    let policy = Kept::of(&stored)?.map_or_else(|| Ok(FieldPolicy::minimum(Preset::Operata)), |kept| kept.policy())?;
    Ok((policy, stored.version))
}

/// A policy applied to a record, with the key where it asks for one.
pub(super) fn apply(policy: &FieldPolicy, key: Option<&FileKey>, record: &mut Value) -> Result<Changes> {
    let failed = RefCell::new(None);
    let changes = policy.apply(record, &|how, bytes| {
        // The policy asks for it only where there is a key.
        let sealed = key.map_or_else(
            || Ok(String::new()),
            |key| match how {
                Sealing::Hash => Ok(key.tag(bytes)),
                Sealing::Cipher => key.seal_value(bytes),
            },
        );
        sealed.unwrap_or_else(|e| {
            failed.replace(Some(e));
            String::new()
        })
    });
    failed.into_inner().map_or(Ok(changes), |e| Err(e.into()))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Effective {
    mode: &'static str,
    mandatory: Vec<&'static str>,
    fields: Vec<String>,
}

#[derive(Default)]
struct Filtered {
    records: u64,
    removed: u64,
    replaced: u64,
    malformed: u64,
}

fn effective(policy: &FieldPolicy, preset: Preset) -> Effective {
    let mode = match policy.mode {
        Mode::Allow => "ALLOW",
        Mode::Deny => "DENY",
    };
    Effective { mode, mandatory: preset.fields().to_vec(), fields: policy.fields().to_vec() }
}

impl Effective {
    fn text(&self) -> String {
        let what = match self.mode {
            "ALLOW" => "leave: the mandatory fields and those that are listed",
            _ => "leave: all fields but those that are listed",
        };
        let list = |name: &str, fields: &[&str]| format!("{name} ({}): {}", fields.len(), fields.join(", "));
        let fields: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        [what.to_owned(), list("mandatory", &self.mandatory), list("listed", &fields)].join("\n")
    }
}

/// What is set in a domain.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Value>,
    effective: Effective,
    workers: Vec<Worker>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Worker {
    name: String,
    version: u64,
    up_to_date: bool,
    /// From the change to its effect, where it has taken effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<f64>,
}

fn state(domain: &Domain) -> Result<State> {
    let stored = domain.privacy()?;
    let version = stored.version;
    let kept = Kept::of(&stored)?;
    let effective = match &kept {
        Some(kept) => effective(&kept.policy()?, kept.preset),
        None => effective(&FieldPolicy::minimum(Preset::Operata), Preset::Operata),
    };
    let workers = domain.privacy_acknowledgements()?.into_iter().map(|a| {
        let up_to_date = a.version == version;
        let delay_seconds = up_to_date.then(|| a.at.saturating_sub(stored.updated_at.0).max(0) as f64 / 1e3);
        Worker { name: a.worker, version: a.version, up_to_date, delay_seconds }
    });
    let workers = workers.collect();
    Ok(State { version, config: kept.map(|k| k.config), effective, workers })
}

fn print(out: Output, state: &State) -> Result<()> {
    out.print(state, |s| {
        let set = if s.config.is_some() { "set" } else { "none is set" };
        let worker = |w: &Worker| match w.delay_seconds {
            Some(delay) => format!("{}: has it, {delay:.1} s after the change", w.name),
            None => format!("{}: still has version {}", w.name, w.version),
        };
        let mut lines = vec![format!("version {}: {set}", s.version), s.effective.text()];
        lines.extend(s.workers.iter().map(worker));
        lines.join("\n")
    })?;
    Ok(())
}

pub(super) fn run(global: &Global, out: Output, command: &PrivacyCommand) -> Result<Exit> {
    match command {
        PrivacyCommand::Effective { policy: args } => {
            out.print(&effective(&policy(args)?, args.preset.into()), Effective::text)?;
            Ok(Exit::Success)
        }
        PrivacyCommand::Filter { file, policy: args, key, stored: from_domain, worker } => {
            let domain = from_domain.then(|| global.open()).transpose()?;
            let mut source = match &domain {
                Some(domain) => {
                    let (policy, version) = stored(domain)?;
                    domain.acknowledge_privacy(worker, version)?;
                    Source { policy, follows: Some((domain, worker, version)), looked: Instant::now() }
                }
                None => Source { policy: policy(args)?, follows: None, looked: Instant::now() },
            };
            let key = key.as_deref().map(FileKey::read_or_create).transpose()?;
            filter(&mut source, key.as_ref(), file)
        }
        PrivacyCommand::Set { file, preset, lenient } => {
            let name = || if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
            let text = match file == Path::new("-") {
                true => std::io::read_to_string(std::io::stdin().lock()),
                false => std::fs::read_to_string(file),
            };
            let text = text.with_context(name)?;
            let preset = Preset::from(*preset);
            let policy = FieldPolicy::parse(&text, preset, *lenient).with_context(name)?;
            let kept = Kept { preset, lenient: *lenient, config: serde_json::from_str(&text)? };
            let domain = global.open()?;
            let version = domain.set_privacy(Some(&serde_json::to_string(&kept)?))?;
            let effective = effective(&policy, preset);
            let state = State { version, config: Some(kept.config), effective, workers: Vec::new() };
            print(out, &state)?;
            Ok(Exit::Success)
        }
        PrivacyCommand::Get => {
            let state = state(&global.open()?)?;
            let set = state.config.is_some();
            print(out, &state)?;
            Ok(if set { Exit::Success } else { Exit::Error })
        }
        PrivacyCommand::Delete => {
            let domain = global.open()?;
            let version = domain.set_privacy(None)?;
            let effective = effective(&FieldPolicy::minimum(Preset::Operata), Preset::Operata);
            print(out, &State { version, config: None, effective, workers: Vec::new() })?;
            Ok(Exit::Success)
        }
        PrivacyCommand::Open { key, value } => {
            let key = FileKey::read(key)?;
            let text = match value {
                Some(value) => value.clone(),
                None => std::io::read_to_string(std::io::stdin().lock())?,
            };
            let plain = key.open_value(text.trim().trim_matches('"'));
            let plain = plain.context("not sealed under this key, or changed since")?;
            std::io::stdout().write_all(&plain)?;
            Ok(Exit::Success)
        }
    }
}

/// Where a filter's policy comes from: a file, or a domain whose changes it follows.
struct Source<'a> {
    policy: FieldPolicy,
    follows: Option<(&'a Domain, &'a str, u64)>,
    looked: Instant,
}

impl Source<'_> {
    /// The policy at this moment. A domain is looked at every so often, between two records.
    fn policy(&mut self) -> Result<&FieldPolicy> {
        if let Some((domain, worker, version)) = &mut self.follows
            && self.looked.elapsed() >= LOOK
        {
            self.looked = Instant::now();
            let (policy, now) = stored(domain)?;
            if now != *version {
                domain.acknowledge_privacy(worker, now)?;
                *version = now;
                self.policy = policy;
            }
        }
        Ok(&self.policy)
    }
}

/// A record a line, in constant memory. A line that is none is told with its number and left out; the others go on.
fn filter(source: &mut Source<'_>, key: Option<&FileKey>, file: &Path) -> Result<Exit> {
    let name = || if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let mut input: Box<dyn BufRead> = match file == Path::new("-") {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(file).with_context(name)?)),
    };
    let mut output = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let (mut line, mut number, mut told) = (Vec::new(), 0, Filtered::default());
    loop {
        line.clear();
        number += 1;
        let read = std::io::Read::take(&mut input, MAX_LINE_BYTES).read_until(b'\n', &mut line).with_context(name)?;
        if read == 0 {
            break;
        }
        if read as u64 == MAX_LINE_BYTES {
            bail!("{}:{number}: a line of more than {MAX_LINE_BYTES} bytes", name());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Value>(&line) {
            Ok(mut record) => {
                let policy = source.policy()?;
                ensure!(key.is_some() || !policy.seals(), "fields are to be encrypted: give --key FILE");
                let changes = apply(policy, key, &mut record)?;
                told.records += 1;
                told.removed += changes.removed;
                told.replaced += changes.replaced;
                serde_json::to_writer(&mut output, &record)?;
                output.write_all(b"\n")?;
                // Who follows a domain stands in a stream: a record leaves when it has come.
                if source.follows.is_some() {
                    output.flush()?;
                }
            }
            Err(e) => {
                told.malformed += 1;
                // The reason names a place, never the content.
                eprintln!("{}:{number}: no JSON at column {}", name(), e.column());
            }
        }
    }
    output.flush()?;
    eprintln!(
        "{} records, {} fields taken out, {} replaced, {} lines that are no record",
        told.records, told.removed, told.replaced, told.malformed
    );
    Ok(if told.malformed == 0 { Exit::Success } else { Exit::Error })
}
