//! One call: what is personal in it is found, masked and silenced, and the proof of that written, or nothing is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cli_audio::strict::{self, Fill, Layout, Recording};
use cli_store::{AtomicFile, FileKey, write_atomic_private};
use engine_words::Entity;
use engine_words::mute::{Span, Spans};
use engine_words::rules::{self, Finding, Language};
use engine_words::transcript::{Loaded, Transcript};
use serde_json::{Value, json};

use super::analysis::Analysed;
use super::listen::{Heard, listen};
use super::page;
use super::request::{Call, Found, How, OutputLayout, Policy, Report, Wanted};
use super::transcript;
use crate::error::{AppError, Context, Result, bail, ensure};
use crate::live::file_hash;

/// Shortest recording that is analysed, in milliseconds.
const MIN_MS: u64 = 105;

/// The kinds that are asked for. One that is known by name only is an error: it would be taken for searched.
///
/// # Errors
/// A name is none, or is not recognised.
pub fn wanted(names: &[String]) -> Result<Vec<Entity>> {
    let recognised = rules::recognised();
    if names.is_empty() {
        return Ok(recognised);
    }
    let mut entities = Vec::new();
    for name in names {
        let entity: Entity = name.parse().context("--entities")?;
        if !recognised.contains(&entity) {
            let all: Vec<&str> = recognised.iter().map(|e| e.as_str()).collect();
            bail!("--entities {entity}: not recognised yet; recognised are {}", all.join(", "));
        }
        entities.push(entity);
    }
    entities.sort_unstable();
    entities.dedup();
    Ok(entities)
}

/// What is personal in a transcript, in the language that it was said to be in.
pub fn find(transcript: &Transcript, wanted: &Wanted, entities: &[Entity]) -> Vec<Finding> {
    rules::find_in(transcript, entities, Language::of_locale(&wanted.language).unwrap_or_default(), wanted.lean)
}

/// Spans by hand: `[{"BeginOffsetMillis": 1200, "EndOffsetMillis": 3400, "Channel": 1}, ...]`, without `Channel` in all.
fn spans_by_hand(path: &Path, layout: &Layout) -> Result<Vec<(Option<usize>, Span)>> {
    let name = || path.display().to_string();
    let text = std::fs::read(path).with_context(name)?;
    let json: Value = serde_json::from_slice(&text).with_context(|| format!("{}: not JSON", name()))?;
    let list = json.as_array().with_context(|| format!("{}: not a list of spans", name()))?;
    let one = |(i, value): (usize, &Value)| -> Result<(Option<usize>, Span)> {
        let number = |key: &str| value.get(key).and_then(Value::as_u64);
        let at = || format!("{}: span {}: BeginOffsetMillis and EndOffsetMillis are whole numbers", name(), i + 1);
        let span = Span {
            begin_ms: number("BeginOffsetMillis").with_context(at)?,
            end_ms: number("EndOffsetMillis").with_context(at)?,
        };
        let channel = match value.get("Channel") {
            None | Some(Value::Null) => None,
            Some(v) => {
                let channel = v.as_u64().and_then(|c| usize::try_from(c).ok()).filter(|&c| c < layout.channels);
                Some(
                    channel
                        .with_context(|| format!("{}: span {}: Channel {v} of {}", name(), i + 1, layout.channels))?,
                )
            }
        };
        // Each has to be in the recording: one beside it would silence nothing.
        Spans::new(&[span], 0, layout.rate_hz, layout.frames).with_context(|| format!("{}: span {}", name(), i + 1))?;
        Ok((channel, span))
    };
    list.iter().enumerate().map(one).collect()
}

struct Paths {
    recording: PathBuf,
    analysis: PathBuf,
    original: PathBuf,
    audit: PathBuf,
}

/// Where everything is written. Contact Lens's names, or all in one folder.
fn paths(call: &Call, how: &How) -> Result<Paths> {
    let stem = match &call.contact_id {
        Some(id) => id.as_str(),
        None => call.audio.file_stem().and_then(|s| s.to_str()).context("--audio: a file name that is not UTF-8")?,
    };
    let fine = |c: char| c.is_alphanumeric() || " ._-+@".contains(c);
    ensure!(
        !stem.is_empty() && stem.len() <= 200 && !stem.starts_with('.') && stem.chars().all(fine),
        "{stem:?}: not a name for files; give one of letters, digits, `.`, `_` and `-` with --contact-id"
    );
    let sealed = if how.plain_original { "" } else { ".sealed" };
    Ok(match how.layout {
        OutputLayout::Flat => {
            let at = |name: &str| how.out.join(format!("{stem}_{name}"));
            Paths {
                recording: at("call_recording_redacted.wav"),
                analysis: at("analysis_redacted.json"),
                original: at(&format!("analysis.json{sealed}")),
                audit: at("audit.json"),
            }
        }
        OutputLayout::Connect => {
            let time = how.time.unwrap_or_else(jiff::Timestamp::now);
            let (day, stamp) = (time.strftime("%Y/%m/%d").to_string(), time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            let voice = how.out.join("Analysis").join("Voice");
            let redacted =
                |name: &str, end: &str| voice.join("Redacted").join(&day).join(format!("{stem}_{name}_{stamp}{end}"));
            Paths {
                recording: redacted("call_recording_redacted", ".wav"),
                analysis: redacted("analysis_redacted", ".json"),
                original: voice.join(&day).join(format!("{stem}_analysis_{stamp}.json{sealed}")),
                audit: redacted("audit", ".json"),
            }
        }
    })
}

/// What is worked on.
struct Work<'a> {
    call: &'a Call,
    how: &'a How,
    recording: Recording,
    layout: Layout,
    loaded: Option<Loaded>,
    findings: Vec<Finding>,
    heard: Heard,
    entities: &'a [Entity],
}

/// Redacts a call. `progress` is told the share that is done, 0 to 1: listening is the first half.
///
/// # Errors
/// Whatever cannot be read, does not fit together or was not silenced in fact. Nothing is left behind then.
pub fn redact(call: &Call, how: &How, entities: &[Entity], mut progress: impl FnMut(f64)) -> Result<Report> {
    let recording = Recording::open(&call.audio, call.format)?;
    let layout = recording.layout()?;
    let length_ms = layout.frames * 1_000 / u64::from(layout.rate_hz);
    ensure!(
        length_ms >= MIN_MS,
        "{}: {length_ms} ms, at least {MIN_MS} are needed (RECORDING_FILE_TOO_SMALL)",
        call.audio.display()
    );
    ensure!(
        length_ms <= 1_000 * how.max_seconds,
        "{}: {} s, at most --max-seconds {} (RECORDING_FILE_TOO_LARGE)",
        call.audio.display(),
        length_ms / 1_000,
        how.max_seconds
    );
    ensure!(
        call.transcript.is_some() || call.spans.is_some() || !how.no_keys,
        "nothing to look for: give --transcript, --spans, or leave --no-keys away (INVALID_ANALYSIS_CONFIGURATION)"
    );
    let mut loaded = call.transcript.as_deref().map(transcript::load).transpose()?;
    if let Some(loaded) = &mut loaded {
        loaded.transcript = std::mem::take(&mut loaded.transcript).until(length_ms);
    }
    if let (Some(loaded), Some(path)) = (&loaded, &call.transcript) {
        belong_together(&loaded.transcript, path, &layout)?;
    }
    let by_hand = call.spans.as_deref().map_or(Ok(Vec::new()), |path| spans_by_hand(path, &layout))?;
    let paths = paths(call, how)?;
    let heard = listen(&recording, &layout, |at| progress(0.5 * at as f64 / layout.frames as f64))?;
    let findings = match (&loaded, how.policy) {
        (Some(loaded), Policy::RedactedOnly | Policy::RedactedAndOriginal) => {
            find(&loaded.transcript, &how.wanted, entities)
        }
        _ => Vec::new(),
    };
    let work = Work { call, how, recording, layout, loaded, findings, heard, entities };
    let spans = work.spans(&by_hand)?;
    let mut report = work.report(&spans);
    let (redacted, original) = match how.policy {
        Policy::None => (false, work.loaded.is_some()),
        Policy::RedactedOnly => (true, false),
        Policy::RedactedAndOriginal => (true, work.loaded.is_some()),
    };
    report.recording = redacted.then(|| paths.recording.clone());
    report.analysis = (redacted && work.loaded.is_some()).then(|| paths.analysis.clone());
    report.original_analysis = original.then(|| paths.original.clone());
    report.audit = redacted.then(|| paths.audit.clone());
    let key = match (&how.original_key, original && !how.plain_original) {
        (_, false) => None,
        (Some(path), true) => Some(FileKey::read_or_create(path)?),
        (None, true) => bail!(
            "the transcript as it was is sealed: give --original-key FILE (made where it is not there), or --plain-original"
        ),
    };
    let all = [&report.recording, &report.analysis, &report.original_analysis, &report.audit, &how.report];
    let files: Vec<PathBuf> = all.into_iter().flatten().cloned().collect();
    for path in &files {
        ensure!(how.overwrite || !path.exists(), "{} is there already; replace it with --overwrite", path.display());
        ensure!(!same_file(path, &call.audio), "{} is the recording itself", path.display());
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
    }
    let written = work.write(&report, &spans, key.as_ref());
    if written.is_err() && !how.overwrite {
        // None of the files without the others.
        files.iter().for_each(|path| drop(std::fs::remove_file(path)));
    }
    written?;
    progress(1.0);
    Ok(report)
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Words that were not said in this recording are of another one, found or not.
fn belong_together(transcript: &Transcript, path: &Path, layout: &Layout) -> Result<()> {
    let name = || path.display().to_string();
    let all = transcript.turns().iter().flat_map(|t| &t.words);
    let said: Vec<Span> = all.map(|w| Span { begin_ms: w.begin_ms, end_ms: w.end_ms }).collect();
    Spans::new(&said, 0, layout.rate_hz, layout.frames).with_context(name)?;
    if let Some(channel) = transcript.turns().iter().filter_map(|t| t.channel).find(|&c| c >= layout.channels) {
        bail!("{}: channel {channel} of a recording that has {}", name(), layout.channels);
    }
    Ok(())
}

impl Work<'_> {
    /// What each channel has silenced: its own speaker's findings, those of a speaker whose channel is not known, those that it hears, its keys,
    /// and what was told by hand.
    fn spans(&self, by_hand: &[(Option<usize>, Span)]) -> Result<Vec<Spans>> {
        if self.how.policy == Policy::None {
            return Ok(vec![Spans::default(); self.layout.channels]);
        }
        let turns = self.loaded.as_ref().map_or(&[][..], |l| l.transcript.turns());
        let places = || self.findings.iter().flat_map(|f| &f.places);
        (0..self.layout.channels)
            .map(|channel| {
                let found = places().filter_map(|p| match turns.get(p.turn).and_then(|t| t.channel) {
                    None => Some(p.span),
                    Some(own) if own == channel => Some(p.span),
                    Some(_) => {
                        // Silenced from when it was said to when it is heard here.
                        let later = match self.heard.crosstalk.get(channel) {
                            Some(heard) if !self.how.all_channels => (*heard)?,
                            _ => 0,
                        };
                        Some(Span { end_ms: p.span.end_ms + later, ..p.span })
                    }
                });
                let told = by_hand.iter().filter(|(c, _)| c.is_none_or(|c| c == channel)).map(|(_, s)| *s);
                let spans: Vec<Span> = found.chain(told).collect();
                let keys = self.keys(channel).to_vec();
                Ok(Spans::new(&spans, self.how.pad_ms, self.layout.rate_hz, self.layout.frames)?.and(keys))
            })
            .collect()
    }

    fn keys(&self, channel: usize) -> &[std::ops::Range<u64>] {
        let keys = self.heard.channels.get(channel).filter(|_| !self.how.no_keys);
        keys.map_or(&[], |c| c.keys.as_slice())
    }

    fn report(&self, spans: &[Spans]) -> Report {
        let found = |f: &Finding| Found {
            entity: f.entity.as_str(),
            confidence: f.confidence,
            recogniser: f.recogniser,
            needs_review: f.needs_review(),
            begin_offset_millis: f.places.first().map_or(0, |p| p.span.begin_ms),
            end_offset_millis: f.places.last().map_or(0, |p| p.span.end_ms),
        };
        let looked = self.loaded.is_some() && self.how.policy != Policy::None;
        Report {
            recording: None,
            analysis: None,
            original_analysis: None,
            audit: None,
            transcript_format: self.loaded.as_ref().map(|l| l.format),
            found: self.findings.iter().map(found).collect(),
            keys: (0..self.layout.channels).map(|c| self.keys(c).len()).sum(),
            silenced_seconds: spans.iter().map(|s| s.len() as f64 / f64::from(self.layout.rate_hz)).collect(),
            needs_review: self.findings.iter().any(Finding::needs_review)
                || looked && self.loaded.as_ref().is_some_and(|l| l.transcript.is_unsure()),
            not_looked_for: Entity::ALL
                .iter()
                .filter(|e| !looked || !self.entities.contains(e))
                .map(|e| e.as_str())
                .collect(),
        }
    }

    fn analysed<'b>(&'b self, loaded: &'b Loaded) -> Analysed<'b> {
        Analysed {
            loaded,
            findings: &self.findings,
            heard: Some(&self.heard),
            length_ms: self.layout.frames * 1_000 / u64::from(self.layout.rate_hz),
            mask: self.how.wanted.mask,
            requested: &self.how.wanted.entities,
            language: &self.how.wanted.language,
            details: self.how.details,
            agent_channel: self.how.agent_channel,
        }
    }

    fn write(&self, report: &Report, spans: &[Spans], key: Option<&FileKey>) -> Result<()> {
        let input = file_hash(&self.call.audio)?;
        if let Some(path) = &report.recording {
            let fill = self.how.fill;
            let create = |path: &Path| Ok(AtomicFile::create_private(path)?);
            let (recording, layout) = (&self.recording, &self.layout);
            strict::mute(recording, layout, spans, fill, path, create, AtomicFile::unfinished)?.commit()?;
            ensure!(
                file_hash(&self.call.audio)? == input,
                "{}: it changed while it was read",
                self.call.audio.display()
            );
        }
        if let (Some(path), Some(loaded)) = (&report.analysis, &self.loaded) {
            write_atomic_private(path, &serde_json::to_vec_pretty(&self.analysed(loaded).json(true))?)?;
        }
        if let (Some(path), Some(loaded)) = (&report.original_analysis, &self.loaded) {
            let plain = serde_json::to_vec_pretty(&self.analysed(loaded).json(false))?;
            match key {
                Some(key) => write_atomic_private(path, &key.seal(&plain)?)?,
                None => write_atomic_private(path, &plain)?,
            }
        }
        if let Some(path) = &report.audit {
            let audit = self.audit(report, spans, &input)?;
            write_atomic_private(path, &serde_json::to_vec_pretty(&audit)?)?;
        }
        if let Some(path) = &self.how.report {
            let page = page::html(&page::Page {
                call: self.call,
                report,
                loaded: self.loaded.as_ref(),
                names: &self.loaded.as_ref().map_or_else(Vec::new, |l| self.analysed(l).names(false)),
                findings: &self.findings,
                mask: self.how.wanted.mask,
                heard: &self.heard,
                spans,
                layout: &self.layout,
                path,
            });
            write_atomic_private(path, page.as_bytes())?;
        }
        Ok(())
    }

    /// What was done, without a word of what was found.
    fn audit(&self, report: &Report, spans: &[Spans], input: &str) -> Result<Value> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.findings.iter().for_each(|f| *counts.entry(f.entity.as_str()).or_default() += 1);
        let silenced = spans.iter().enumerate().flat_map(|(c, s)| {
            s.ranges().iter().map(move |r| json!({"Channel": c, "BeginSample": r.start, "EndSample": r.end}))
        });
        let hashed = |path: &Option<PathBuf>| {
            path.as_deref().map(|p| Ok::<_, AppError>(json!({ "Sha256": file_hash(p)? }))).transpose()
        };
        let transcript = match &self.call.transcript {
            Some(path) => Some(json!({ "Sha256": file_hash(path)?, "Format": report.transcript_format })),
            None => None,
        };
        let mut recording = hashed(&report.recording)?;
        if let Some(recording) = &mut recording {
            recording["DroppedChunks"] = json!(self.layout.dropped);
        }
        Ok(json!({
            "Version": 2,
            "Program": concat!("vouch ", env!("CARGO_PKG_VERSION")),
            "Audio": {
                "Sha256": input, "SampleRate": self.layout.rate_hz, "Channels": self.layout.channels, "Samples": self.layout.frames,
            },
            "Transcript": transcript,
            "RedactedAudio": recording,
            "RedactedAnalysis": hashed(&report.analysis)?,
            "OriginalAnalysis": hashed(&report.original_analysis)?,
            "PadMillis": self.how.pad_ms,
            "Fill": if self.how.fill == Fill::Silence { "SILENCE" } else { "TONE" },
            "Silenced": silenced.collect::<Vec<_>>(),
            "Keys": report.keys,
            "Counts": counts,
            "Found": report.found,
            "NeedsReview": report.needs_review,
            "NotLookedFor": report.not_looked_for,
        }))
    }
}
