//! `vouch privacy ...`: which fields of contact records leave, and what that means for a record.

use std::io::{BufRead, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cli_store::FileKey;
use serde::Serialize;
use serde_json::Value;

use crate::args::{PrivacyCommand, PrivacyPolicy};
use crate::outcome::{Exit, Output};
use crate::privacy::{FieldPolicy, Mode};

/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 64 << 20;

fn policy(args: &PrivacyPolicy) -> Result<FieldPolicy> {
    let Some(path) = &args.config else { return Ok(FieldPolicy::minimum(args.preset)) };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    FieldPolicy::parse(&text, args.preset, args.lenient).with_context(|| path.display().to_string())
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

pub(super) fn run(out: Output, command: &PrivacyCommand) -> Result<Exit> {
    match command {
        PrivacyCommand::Effective { policy: args } => {
            let policy = policy(args)?;
            let mode = match policy.mode {
                Mode::Allow => "ALLOW",
                Mode::Deny => "DENY",
            };
            let effective =
                Effective { mode, mandatory: args.preset.fields().to_vec(), fields: policy.fields().to_vec() };
            out.print(&effective, |e| {
                let what = match policy.mode {
                    Mode::Allow => "leave: the mandatory fields and those that are listed",
                    Mode::Deny => "leave: all fields but those that are listed",
                };
                let list = |name: &str, fields: &[&str]| format!("{name} ({}): {}", fields.len(), fields.join(", "));
                let fields: Vec<&str> = e.fields.iter().map(String::as_str).collect();
                [what.to_owned(), list("mandatory", &e.mandatory), list("listed", &fields)].join("\n")
            })?;
            Ok(Exit::Success)
        }
        PrivacyCommand::Filter { file, policy: args, key } => {
            let policy = policy(args)?;
            let key = key.as_deref().map(FileKey::read_or_create).transpose()?;
            ensure!(key.is_some() || !policy.seals(), "fields are to be encrypted: give --key FILE");
            filter(&policy, key.as_ref(), file)
        }
    }
}

/// A record a line, in constant memory. A line that is none is told with its number and left out; the others go on.
fn filter(policy: &FieldPolicy, key: Option<&FileKey>, file: &Path) -> Result<Exit> {
    let name = || if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let mut input: Box<dyn BufRead> = match file == Path::new("-") {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(file).with_context(name)?)),
    };
    let mut output = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    // The policy asks for it only where there is a key.
    let seal = |bytes: &[u8]| key.map_or_else(String::new, |key| key.tag(bytes));
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
                let changes = policy.apply(&mut record, &seal);
                told.records += 1;
                told.removed += changes.removed;
                told.replaced += changes.replaced;
                serde_json::to_writer(&mut output, &record)?;
                output.write_all(b"\n")?;
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
