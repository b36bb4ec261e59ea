//! `vouch redact`, `vouch redact-text`: what is personal is silenced in the recording and masked in the text.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cli_store::write_atomic_private;
use engine::audio::SampleRate;
use engine::bleed::BleedMeter;
use engine::redact::Entity;
use engine::redact::mute::{Span, Spans};
use engine::redact::rules::{self, Finding, REVIEW_BELOW};
use engine::redact::transcript::{Transcript, Turn, Word};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{Global, MaskMode, RedactArgs, RedactWanted};
use crate::files::{ChannelChoice, MonoReader};
use crate::live::file_hash;
use crate::outcome::{Exit, Output};
use crate::progress;
use crate::redact::transcript::{self, Loaded};
use crate::redact::wav::{self, Layout};

/// Longest plain text.
const MAX_TEXT_BYTES: u64 = 64 << 20;

/// The kinds that are asked for. One that is known by name only is an error: it would be taken for searched.
fn wanted(args: &RedactWanted) -> Result<Vec<Entity>> {
    let recognised = rules::recognised();
    if args.entities.is_empty() {
        return Ok(recognised);
    }
    let mut entities = Vec::new();
    for name in &args.entities {
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

fn mask(mode: MaskMode, entity: Entity) -> String {
    match mode {
        MaskMode::Pii => "[PII]".to_owned(),
        MaskMode::EntityType => format!("[{entity}]"),
    }
}

/// A turn's text with what was found masked. The punctuation that ends it stays, so that the sentence does.
fn masked(turn: &Turn, number: usize, findings: &[Finding], mode: MaskMode) -> String {
    let mut words: Vec<Option<String>> = turn.words.iter().map(|w| Some(w.text.clone())).collect();
    for finding in findings {
        for place in finding.places.iter().filter(|p| p.turn == number) {
            let last = turn.words.get(place.words.end.saturating_sub(1)).and_then(|w| w.text.chars().next_back());
            let end = last.filter(|c| matches!(c, '.' | ',' | '?' | '!')).map_or_else(String::new, String::from);
            for (i, word) in words.iter_mut().enumerate().filter(|(i, _)| place.words.contains(i)) {
                *word = (i == place.words.start).then(|| mask(mode, finding.entity) + &end);
            }
        }
    }
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    entity: &'static str,
    confidence: f32,
    recogniser: &'static str,
    begin_offset_millis: u64,
    end_offset_millis: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    recording: PathBuf,
    analysis: PathBuf,
    audit: PathBuf,
    transcript_format: &'static str,
    found: Vec<Found>,
    silenced_seconds: Vec<f64>,
    needs_review: bool,
    not_looked_for: Vec<&'static str>,
}

pub(super) fn run(global: &Global, out: Output, args: &RedactArgs) -> Result<Exit> {
    let entities = wanted(&args.wanted)?;
    let layout = wav::layout(&args.audio)?;
    let loaded = transcript::load(&args.transcript)?;
    let name = || args.transcript.display().to_string();
    // Words that were not said in this recording are of another one, found or not.
    let all = loaded.transcript.turns().iter().flat_map(|t| &t.words);
    let said: Vec<Span> = all.map(|w| Span { begin_ms: w.begin_ms, end_ms: w.end_ms }).collect();
    Spans::new(&said, 0, layout.rate_hz, layout.frames).with_context(name)?;
    if let Some(channel) = loaded.transcript.turns().iter().filter_map(|t| t.channel).find(|&c| c >= layout.channels) {
        bail!("{}: channel {channel} of a recording that has {}", name(), layout.channels);
    }
    let stem = args.audio.file_stem().and_then(|s| s.to_str()).context("--audio: a file name that is not UTF-8")?;
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let [recording, analysis, audit] = ["call_recording_redacted.wav", "analysis_redacted.json", "audit.json"]
        .map(|n| args.out.join(format!("{stem}_{n}")));
    for path in [&recording, &analysis, &audit] {
        ensure!(args.overwrite || !path.exists(), "{} is there already; replace it with --overwrite", path.display());
    }

    let findings = rules::find(&loaded.transcript, &entities);
    let bar = progress::bar(2, "silencing", global.quiet || layout.frames < 60 * u64::from(layout.rate_hz));
    // Who hears whom is found for two channels; of more, all are silenced.
    let crosstalk = match layout.channels {
        2 if !args.all_channels && !findings.is_empty() => heard_across(&args.audio, &layout)?,
        2 if !args.all_channels => [None; 2],
        _ => [Some(0); 2],
    };
    bar.inc(1);
    let spans = channel_spans(&loaded.transcript, &findings, &layout, crosstalk, args.pad_ms)?;

    let needs_review = findings.iter().any(|f| f.confidence < REVIEW_BELOW);
    let report = Report {
        recording,
        analysis,
        audit,
        transcript_format: loaded.format,
        found: findings.iter().map(found).collect(),
        silenced_seconds: spans.iter().map(|s| s.len() as f64 / f64::from(layout.rate_hz)).collect(),
        needs_review,
        not_looked_for: Entity::ALL.iter().filter(|e| !entities.contains(e)).map(|e| e.as_str()).collect(),
    };
    let written = write(args, &loaded, &findings, &layout, &spans, &report);
    if written.is_err() && !args.overwrite {
        // None of the files without the others.
        for path in [&report.recording, &report.analysis, &report.audit] {
            let _ = std::fs::remove_file(path);
        }
    }
    written?;
    bar.finish_and_clear();
    out.print(&report, text_report)?;
    Ok(exit(&findings))
}

fn exit(findings: &[Finding]) -> Exit {
    match findings {
        [] => Exit::Success,
        some if some.iter().any(|f| f.confidence < REVIEW_BELOW) => Exit::NeedsReview,
        _ => Exit::Redacted,
    }
}

fn found(f: &Finding) -> Found {
    Found {
        entity: f.entity.as_str(),
        confidence: f.confidence,
        recogniser: f.recogniser,
        begin_offset_millis: f.places.first().map_or(0, |p| p.span.begin_ms),
        end_offset_millis: f.places.last().map_or(0, |p| p.span.end_ms),
    }
}

/// By how many milliseconds later each of two channels hears the other, where it does: `[1 in 0, 0 in 1]`.
fn heard_across(audio: &Path, layout: &Layout) -> Result<[Option<u64>; 2]> {
    let rate = SampleRate::new(layout.rate_hz).with_context(|| audio.display().to_string())?;
    let mut reader = MonoReader::open(audio, None, ChannelChoice::Index(0))?;
    let (mut of_second, mut of_first) = (BleedMeter::new(rate), BleedMeter::new(rate));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    while reader.next_chunk(&mut first)? > 0 {
        reader.other(&mut second);
        of_second.push(&second, &first);
        of_first.push(&first, &second);
    }
    Ok([of_second, of_first].map(|m| m.bleed().map(|b| (1_000.0 * b.delay_s).ceil() as u64)))
}

/// What each channel has silenced: its own speaker's findings, those of a speaker whose channel is not known, and those that it hears.
fn channel_spans(
    transcript: &Transcript,
    findings: &[Finding],
    layout: &Layout,
    crosstalk: [Option<u64>; 2],
    pad_ms: u64,
) -> Result<Vec<Spans>> {
    let places = || findings.iter().flat_map(|f| &f.places);
    let channel_of = |turn: usize| transcript.turns().get(turn).and_then(|t| t.channel);
    (0..layout.channels)
        .map(|channel| {
            let spans: Vec<Span> = places()
                .filter_map(|p| match channel_of(p.turn) {
                    None => Some(p.span),
                    Some(own) if own == channel => Some(p.span),
                    Some(_) => {
                        let later = crosstalk.get(channel).copied().unwrap_or(Some(0))?;
                        // Silenced from when it was said to when it is heard here.
                        Some(Span { end_ms: p.span.end_ms + later, ..p.span })
                    }
                })
                .collect();
            Ok(Spans::new(&spans, pad_ms, layout.rate_hz, layout.frames)?)
        })
        .collect()
}

fn write(
    args: &RedactArgs,
    loaded: &Loaded,
    findings: &[Finding],
    layout: &Layout,
    spans: &[Spans],
    report: &Report,
) -> Result<()> {
    let input = file_hash(&args.audio)?;
    wav::mute(&args.audio, layout, spans, &report.recording)?;
    ensure!(file_hash(&args.audio)? == input, "{}: it changed while it was read", args.audio.display());
    let analysis = serde_json::to_vec_pretty(&analysis(args, loaded, findings, layout))?;
    write_atomic_private(&report.analysis, &analysis)?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    findings.iter().for_each(|f| *counts.entry(f.entity.as_str()).or_default() += 1);
    let silenced: Vec<Value> = spans
        .iter()
        .enumerate()
        .flat_map(|(c, s)| {
            s.ranges().iter().map(move |r| json!({"Channel": c, "BeginSample": r.start, "EndSample": r.end}))
        })
        .collect();
    let audit = json!({
        "Version": 1,
        "Program": concat!("vouch ", env!("CARGO_PKG_VERSION")),
        "Audio": { "Sha256": input, "SampleRate": layout.rate_hz, "Channels": layout.channels, "Samples": layout.frames },
        "Transcript": { "Sha256": file_hash(&args.transcript)?, "Format": loaded.format },
        "RedactedAudio": { "Sha256": file_hash(&report.recording)?, "DroppedChunks": layout.dropped },
        "RedactedAnalysis": { "Sha256": file_hash(&report.analysis)? },
        "PadMillis": args.pad_ms,
        "Silenced": silenced,
        "Counts": counts,
        "Found": report.found,
        "NeedsReview": report.needs_review,
        "NotLookedFor": report.not_looked_for,
    });
    Ok(write_atomic_private(&report.audit, &serde_json::to_vec_pretty(&audit)?)?)
}

/// The masked transcript, in Contact Lens's shape.
fn analysis(args: &RedactArgs, loaded: &Loaded, findings: &[Finding], layout: &Layout) -> Value {
    let turns = loaded.transcript.turns();
    let participant = |turn: &Turn| loaded.speakers.get(turn.speaker).cloned().unwrap_or_default();
    let transcript: Vec<Value> = turns
        .iter()
        .enumerate()
        .map(|(number, turn)| {
            let spans: Vec<Value> = findings
                .iter()
                .flat_map(|f| f.places.iter().filter(move |p| p.turn == number))
                .map(|p| json!({"BeginOffsetMillis": p.span.begin_ms, "EndOffsetMillis": p.span.end_ms}))
                .collect();
            let mut value = json!({
                "Id": format!("{number:08}"),
                "ParticipantId": participant(turn),
                "Content": masked(turn, number, findings, args.wanted.mask),
                "BeginOffsetMillis": turn.words.iter().map(|w| w.begin_ms).min(),
                "EndOffsetMillis": turn.words.iter().map(|w| w.end_ms).max(),
            });
            if !spans.is_empty() {
                value["Redaction"] = json!({ "RedactedTimestamps": spans });
            }
            value
        })
        .collect();
    let mode = if args.wanted.mask == MaskMode::Pii { "PII" } else { "ENTITY_TYPE" };
    let requested: Vec<&str> = args.wanted.entities.iter().map(String::as_str).collect();
    json!({
        "Version": "VOICE-2022-11-30",
        "Channel": "VOICE",
        "JobStatus": "COMPLETED",
        "ContentMetadata": {
            "Output": "Redacted",
            "RedactionTypes": ["PII"],
            "RedactionTypesMetadata": { "PII": { "RedactionEntitiesRequested": requested, "RedactionMaskMode": mode } },
        },
        "ConversationCharacteristics": {
            "TotalConversationDurationMillis": layout.frames * 1_000 / u64::from(layout.rate_hz),
        },
        "Participants": loaded.speakers.iter().map(|s| json!({ "ParticipantId": s })).collect::<Vec<_>>(),
        "Transcript": transcript,
    })
}

fn text_report(r: &Report) -> String {
    let mut lines = Vec::new();
    match r.found.len() {
        0 => lines.push("nothing personal was found".to_owned()),
        n => {
            let seconds: Vec<String> = r.silenced_seconds.iter().map(|s| format!("{s:.1} s")).collect();
            lines.push(format!("{n} found; silenced, by channel: {}", seconds.join(", ")));
        }
    }
    for f in &r.found {
        let (from, to) = (f.begin_offset_millis as f64 / 1e3, f.end_offset_millis as f64 / 1e3);
        let note = if f.confidence < REVIEW_BELOW { "  look at this one" } else { "" };
        lines.push(format!("  {from:>8.1}-{to:<8.1} {:<40} {:.2}{note}", f.entity, f.confidence));
    }
    lines.push(r.recording.display().to_string());
    lines.push(format!("not looked for: {}", r.not_looked_for.join(", ")));
    lines.join("\n")
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
    let entities = wanted(args)?;
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
        Ok(transcript) => rules::find(&transcript, &entities),
        Err(engine::redact::transcript::TranscriptError::Empty) => Vec::new(),
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
    let report: Vec<TextLine> = turns
        .iter()
        .enumerate()
        .map(|(number, turn)| {
            let line = lines.get(number).copied().unwrap_or_default();
            let found =
                findings.iter().flat_map(|f| f.places.iter().map(move |p| (f, p))).filter(|(_, p)| p.turn == number);
            TextLine {
                line: number + 1,
                text: masked(turn, number, &findings, args.mask),
                found: found
                    .map(|(f, p)| TextFound {
                        entity: f.entity.as_str(),
                        begin_offset_char: word_at(line, p.words.start).0,
                        end_offset_char: word_at(line, p.words.end.saturating_sub(1)).1,
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

/// Where a line's nth word begins and ends, in characters.
fn word_at(line: &str, number: usize) -> (usize, usize) {
    let (mut count, mut begin) = (0, None);
    for (at, c) in line.chars().chain([' ']).enumerate() {
        match (c.is_whitespace(), begin) {
            (false, None) => begin = Some(at),
            (true, Some(start)) if count == number => return (start, at),
            (true, Some(_)) => (count, begin) = (count + 1, None),
            _ => {}
        }
    }
    let end = line.chars().count();
    (end, end)
}
