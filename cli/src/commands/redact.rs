//! `vouch redact`, `vouch redact-text`, `vouch unseal`, `vouch retain`: what is personal is silenced in recordings and masked in texts.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use cli_app::redact::analysis::{by_turn, masked};
use cli_app::redact::job::{self, wanted};
use cli_app::redact::request::{Call, How, Report, Wanted};
use cli_app::workers::pool;
use cli_store::{FileKey, write_atomic_private};
use engine_words::rules::Finding;
use engine_words::transcript::{Transcript, Turn, Word};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::args::{Global, RedactArgs, RedactWanted, RetainArgs, UnsealArgs};
use crate::outcome::{Exit, Output};
use crate::progress;
use cli_audio::AudioFile;

/// Longest plain text.
const MAX_TEXT_BYTES: u64 = 64 << 20;
/// Steps of a call on the progress bar.
const STEPS: u64 = 1_000;

pub(super) fn run(global: &Global, out: Output, args: &RedactArgs) -> Result<Exit> {
    let entities = wanted(&args.how.wanted.sought.entities)?;
    if let Some(manifest) = &args.manifest {
        return many(global, out, args, &entities, manifest);
    }
    let audio = args.audio.clone().context("--audio is missing")?;
    let call = Call {
        audio,
        format: args.format,
        transcript: args.transcript.clone(),
        spans: args.spans.clone(),
        contact_id: args.contact_id.clone(),
    };
    // By the header alone; what is wrong with the file is told by those who read it.
    let seconds = AudioFile::open_input(&call.audio, call.format).ok().and_then(|f| f.spec().duration_s());
    let bar = progress::bar(STEPS, "silencing", global.quiet || seconds.is_none_or(|s| s < 60.0));
    let how = How::from(&args.how);
    let report = job::redact(&call, &how, &entities, |share| bar.set_position((share * STEPS as f64) as u64))?;
    bar.finish_and_clear();
    out.print(&report, text_report)?;
    Ok(exit_of(&report))
}

/// A line of a manifest.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Line {
    audio: PathBuf,
    format: Option<String>,
    transcript: Option<PathBuf>,
    spans: Option<PathBuf>,
    contact_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    audio: PathBuf,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Many calls at once. One that fails leaves nothing behind and keeps no other back; the exit code says that there was one.
fn many(
    global: &Global,
    out: Output,
    args: &RedactArgs,
    entities: &[engine_words::Entity],
    manifest: &Path,
) -> Result<Exit> {
    let name = || manifest.display().to_string();
    let text = std::fs::read_to_string(manifest).with_context(name)?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let mut calls = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).with_context(|| format!("{}:{}", name(), i + 1))?;
        let format = line.format.as_deref().map(str::parse).transpose();
        calls.push(Call {
            audio: folder.join(line.audio),
            format: format.with_context(|| format!("{}:{}", name(), i + 1))?,
            transcript: line.transcript.map(|t| folder.join(t)),
            spans: line.spans.map(|s| folder.join(s)),
            contact_id: line.contact_id,
        });
    }
    ensure!(!calls.is_empty(), "{}: no calls", name());
    let mut names: Vec<_> =
        calls.iter().map(|c| c.contact_id.clone().or_else(|| Some(c.audio.file_stem()?.to_str()?.into()))).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
        bail!(
            "{}: {:?} is the name of two calls; tell them apart with \"contact-id\"",
            name(),
            twice[0].as_deref().unwrap_or("")
        );
    }
    let how = How::from(&args.how);
    let bar = progress::bar(calls.len() as u64, "calls", global.quiet);
    let outcomes: Vec<Outcome> = pool(global.threads)?.install(|| {
        let one = |call: &Call| {
            let done = job::redact(call, &how, entities, |_| {});
            bar.inc(1);
            let (report, error) = match done {
                Ok(report) => (Some(report), None),
                Err(e) => (None, Some(format!("{e:#}"))),
            };
            Outcome { audio: call.audio.clone(), report, error }
        };
        calls.par_iter().map(one).collect()
    });
    bar.finish_and_clear();
    out.print(&outcomes, |all| {
        let line = |o: &Outcome| match (&o.report, &o.error) {
            (Some(r), _) => {
                let review = if r.needs_review { ", to be looked at" } else { "" };
                format!("{}: {} found, {} keys{review}", o.audio.display(), r.found.len(), r.keys)
            }
            (_, e) => format!("{}: {}", o.audio.display(), e.as_deref().unwrap_or("failed")),
        };
        all.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    let exits = || outcomes.iter().map(|o| o.report.as_ref().map_or(Exit::Error, exit_of));
    let worst = [Exit::Error, Exit::NeedsReview, Exit::Redacted].into_iter().find(|e| exits().any(|x| x == *e));
    Ok(worst.unwrap_or(Exit::Success))
}

fn text_report(r: &Report) -> String {
    let mut lines = Vec::new();
    match r.found.len() + r.keys {
        0 if r.needs_review => lines.push(
            "nothing personal was found, but words of the transcript have no time that can be: look at this one"
                .to_owned(),
        ),
        0 => lines.push("nothing personal was found".to_owned()),
        _ => {
            let seconds: Vec<String> = r.silenced_seconds.iter().map(|s| format!("{s:.1} s")).collect();
            lines.push(format!(
                "{} found, {} keys; silenced, by channel: {}",
                r.found.len(),
                r.keys,
                seconds.join(", ")
            ));
        }
    }
    for f in &r.found {
        let (from, to) = (f.begin_offset_millis as f64 / 1e3, f.end_offset_millis as f64 / 1e3);
        let note = if f.needs_review { "  look at this one" } else { "" };
        lines.push(format!("  {from:>8.1}-{to:<8.1} {:<40} {:.2}{note}", f.entity, f.confidence));
    }
    let files = [&r.recording, &r.analysis, &r.original_analysis, &r.audit];
    lines.extend(files.into_iter().flatten().map(|p| p.display().to_string()));
    lines.push(format!("not looked for: {}", r.not_looked_for.join(", ")));
    lines.join("\n")
}

fn exit_of(report: &Report) -> Exit {
    match () {
        () if report.needs_review => Exit::NeedsReview,
        () if report.silenced_seconds.iter().any(|&s| s > 0.0) => Exit::Redacted,
        () => Exit::Success,
    }
}

fn exit(findings: &[Finding]) -> Exit {
    match findings {
        [] => Exit::Success,
        some if some.iter().any(Finding::needs_review) => Exit::NeedsReview,
        _ => Exit::Redacted,
    }
}

pub(super) fn unseal(out: Output, args: &UnsealArgs) -> Result<Exit> {
    let key = FileKey::read(&args.key)?;
    let name = || args.file.display().to_string();
    let sealed = std::fs::read(&args.file).with_context(name)?;
    let plain =
        key.open(&sealed).with_context(|| format!("{}: not sealed under this key, or changed since", name()))?;
    match &args.out {
        Some(path) => {
            write_atomic_private(path, &plain)?;
            out.print(path, |p| p.display().to_string())?;
        }
        None => std::io::stdout().write_all(&plain)?,
    }
    Ok(Exit::Success)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Retained {
    erased: Vec<PathBuf>,
    dry_run: bool,
}

/// Whether `vouch redact` calls its files so.
fn ours(name: &str) -> bool {
    let kinds = ["_call_recording_redacted", "_analysis_redacted", "_analysis", "_audit"];
    let ends = [".wav", ".json", ".json.sealed"];
    let stem = ends.iter().find_map(|e| name.strip_suffix(e));
    // With --layout connect, the time comes last.
    let timed = |stem: &str| {
        kinds.iter().any(|k| stem.rsplit_once('_').is_some_and(|(s, t)| s.ends_with(k) && t.ends_with('Z')))
    };
    stem.is_some_and(|stem| kinds.iter().any(|k| stem.ends_with(k)) || timed(stem))
}

pub(super) fn retain(out: Output, args: &RetainArgs) -> Result<Exit> {
    ensure!(args.dir.is_dir(), "{}: no folder", args.dir.display());
    let now = SystemTime::now();
    let (mut erased, mut folders) = (Vec::new(), vec![args.dir.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && ours(&entry.file_name().to_string_lossy()) {
                let written = entry.metadata()?.modified()?;
                if now.duration_since(written).is_ok_and(|age| age >= args.older_than) {
                    erased.push(path);
                }
            }
        }
    }
    erased.sort();
    if !args.dry_run {
        for path in &erased {
            std::fs::remove_file(path).with_context(|| path.display().to_string())?;
        }
    }
    let retained = Retained { erased, dry_run: args.dry_run };
    out.print(&retained, |r| {
        let what = if r.dry_run { "would be erased" } else { "erased" };
        let lines = r.erased.iter().map(|p| p.display().to_string());
        lines.chain([format!("{} files {what}", r.erased.len())]).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Exit::Success)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TextLine {
    line: usize,
    text: String,
    found: Vec<TextFound>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TextFound {
    entity: &'static str,
    /// In characters of the original line, half open.
    begin_offset_char: usize,
    end_offset_char: usize,
    confidence: f32,
    recogniser: &'static str,
}

pub(super) fn text(out: Output, file: &Path, args: &RedactWanted) -> Result<Exit> {
    let asked = Wanted::from(args);
    let entities = wanted(&asked.entities)?;
    let name = || file.display().to_string();
    let mut text = String::new();
    let limit = MAX_TEXT_BYTES + 1;
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text).context("standard input")?;
    } else {
        std::fs::File::open(file).with_context(name)?.take(limit).read_to_string(&mut text).with_context(name)?;
    }
    ensure!(text.len() as u64 <= MAX_TEXT_BYTES, "{}: more than {MAX_TEXT_BYTES} bytes", name());
    let lines: Vec<&str> = text.lines().collect();
    // Words without times come at the pace of speech, so that what belongs together is near.
    let mut now = 0;
    let turns = lines.iter().map(|line| {
        let word = |w: &str| {
            now += 400;
            Word { text: w.to_owned(), begin_ms: now - 400, end_ms: now }
        };
        Turn { speaker: 0, channel: None, words: line.split_whitespace().map(word).collect() }
    });
    let turns: Vec<Turn> = turns.collect();
    let spoken: Vec<usize> = (0..turns.len()).filter(|&i| turns.get(i).is_some_and(|t| !t.words.is_empty())).collect();
    let findings = match Transcript::new(turns.clone()) {
        Ok(transcript) => job::find(&transcript, &asked, &entities),
        Err(engine_words::transcript::TranscriptError::Empty) => Vec::new(),
        Err(e) => return Err(e).with_context(name),
    };
    // Lines without words are no turns.
    let findings: Vec<Finding> = findings
        .into_iter()
        .map(|mut f| {
            f.places.iter_mut().for_each(|p| p.turn = spoken.get(p.turn).copied().unwrap_or(p.turn));
            f
        })
        .collect();
    let by_turn = by_turn(turns.len(), &findings);
    let report: Vec<TextLine> = turns
        .iter()
        .zip(&by_turn)
        .enumerate()
        .map(|(number, (turn, found))| {
            let words = words_of(lines.get(number).copied().unwrap_or_default());
            let at = |word: usize| words.get(word).or(words.last()).copied().unwrap_or_default();
            TextLine {
                line: number + 1,
                text: masked(turn, found, asked.mask),
                found: found
                    .iter()
                    .map(|(f, p)| TextFound {
                        entity: f.entity.as_str(),
                        begin_offset_char: at(p.words.start).0,
                        end_offset_char: at(p.words.end.saturating_sub(1)).1,
                        confidence: f.confidence,
                        recogniser: f.recogniser,
                    })
                    .collect(),
            }
        })
        .collect();
    out.print(&report, |lines| lines.iter().map(|l| format!("{}\n", l.text)).collect())?;
    Ok(exit(&findings))
}

/// Where each word of a line begins and ends, in characters.
fn words_of(line: &str) -> Vec<(usize, usize)> {
    let (mut words, mut begin) = (Vec::new(), None);
    for (at, c) in line.chars().chain([' ']).enumerate() {
        match (c.is_whitespace(), begin) {
            (false, None) => begin = Some(at),
            (true, Some(start)) => {
                words.push((start, at));
                begin = None;
            }
            _ => {}
        }
    }
    words
}
