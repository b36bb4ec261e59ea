//! Transcripts of several recognisers, known by their content: Contact Lens, Amazon Transcribe (batch and call analytics), Whisper, whisper.cpp,
//! Deepgram, Vosk, PocketSphinx, WebVTT, SubRip.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::speakers::Speakers;
use super::subtitles;
use super::words::{Transcript, Turn, Word};

/// A transcript, and what is known of who speaks.
pub struct Loaded {
    /// What wrote it.
    pub format: &'static str,
    /// The words.
    pub transcript: Transcript,
    /// What each speaker is called, by number.
    pub speakers: Vec<String>,
}

/// Reads a transcript from a file's bytes.
///
/// # Errors
/// It is none that is known, has no words, or a word has no time or an impossible one.
pub fn load(text: &[u8]) -> Result<Loaded> {
    if let Some(text) = std::str::from_utf8(text).ok().filter(|t| subtitles::is_subtitles(t)) {
        let mut speakers = Speakers::default();
        let turns = subtitles::parse(text, &mut speakers)?;
        let transcript = Transcript::new(turns)?;
        return Ok(Loaded { format: "subtitles", transcript, speakers: speakers.names });
    }
    let json: Value = serde_json::from_slice(text).context("neither JSON nor subtitles")?;
    parse(&json)
}

/// See [`load`].
///
/// # Errors
/// As [`load`].
pub fn parse(json: &Value) -> Result<Loaded> {
    type Adapter = fn(&Value, &mut Speakers) -> Result<Option<Vec<Turn>>>;
    let adapters: [(&str, Adapter); 7] = [
        ("Contact Lens", contact_lens),
        ("Amazon Transcribe", transcribe),
        ("Deepgram", deepgram),
        ("Whisper", whisper),
        ("whisper.cpp", whisper_cpp),
        ("Vosk", vosk),
        ("PocketSphinx", pocketsphinx),
    ];
    for (format, adapter) in adapters {
        let mut speakers = Speakers::default();
        if let Some(turns) = adapter(json, &mut speakers).with_context(|| format!("{format}'s transcript"))? {
            return Ok(Loaded { format, transcript: Transcript::new(turns)?, speakers: speakers.names });
        }
    }
    bail!(
        "not a transcript that is known: expected Contact Lens (Transcript), Amazon Transcribe (results.items), Deepgram \
         (results.channels), Whisper (segments with words), whisper.cpp \
         (transcription), Vosk (result), PocketSphinx (w), WebVTT or SubRip"
    )
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    value.as_array().with_context(|| format!("{name} is not a list"))
}

fn string<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value.get(name).and_then(Value::as_str).with_context(|| format!("{name} is missing or not a text"))
}

/// A time in seconds, as a number or as a text, in milliseconds; rounded down for a beginning, up for an end.
fn seconds(value: &Value, name: &str, up: bool) -> Result<u64> {
    let found = value.get(name).with_context(|| format!("a word has no {name}"))?;
    let s = found.as_f64().or_else(|| found.as_str().and_then(|t| t.parse().ok()));
    let s = s.filter(|s| s.is_finite() && *s >= 0.0 && *s < 1e9).with_context(|| format!("{name} is {found}"))?;
    Ok(if up { (s * 1e3).ceil() } else { (s * 1e3).floor() } as u64)
}

fn millis(value: &Value, name: &str) -> Result<u64> {
    let found = value.get(name).with_context(|| format!("{name} is missing"))?;
    found.as_u64().with_context(|| format!("{name} is {found}, not a whole number of milliseconds"))
}

/// Joins words of one speaker that follow each other in time into turns; channels come one after the other.
fn turns(mut words: Vec<(usize, Option<usize>, Word)>) -> Vec<Turn> {
    words.sort_by_key(|(_, _, word)| word.begin_ms);
    let mut turns: Vec<Turn> = Vec::new();
    for (speaker, channel, word) in words {
        match turns.last_mut().filter(|t| t.speaker == speaker && t.channel == channel) {
            Some(turn) => turn.words.push(word),
            None => turns.push(Turn { speaker, channel, words: vec![word] }),
        }
    }
    turns
}

/// The words of a text that has one time for all: each may be anywhere in it.
fn untimed(text: &str, begin_ms: u64, end_ms: u64) -> Vec<Word> {
    text.split_whitespace().map(|w| Word { text: w.to_owned(), begin_ms, end_ms }).collect()
}

/// Versions 1.1.0 and VOICE-2022-11-30, and Transcribe's call analytics. Without times of words, a turn is silenced whole.
fn contact_lens(json: &Value, speakers: &mut Speakers) -> Result<Option<Vec<Turn>>> {
    let Some(transcript) = json.get("Transcript") else { return Ok(None) };
    let roles: BTreeMap<&str, &str> = json
        .get("Participants")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|p| Some((p.get("ParticipantId")?.as_str()?, p.get("ParticipantRole")?.as_str()?)))
        .collect();
    let mut found = Vec::new();
    for turn in list(transcript, "Transcript")? {
        let id = match turn.get("ParticipantId") {
            None => string(turn, "ParticipantRole")?,
            Some(_) => string(turn, "ParticipantId")?,
        };
        let (begin_ms, end_ms) = (millis(turn, "BeginOffsetMillis")?, millis(turn, "EndOffsetMillis")?);
        let words = match turn.get("Items") {
            None => untimed(string(turn, "Content")?, begin_ms, end_ms),
            Some(items) => {
                // Punctuation has no times.
                let timed = list(items, "Items")?.iter().filter(|i| i.get("BeginOffsetMillis").is_some());
                let word = |i: &Value| {
                    let (begin_ms, end_ms) = (millis(i, "BeginOffsetMillis")?, millis(i, "EndOffsetMillis")?);
                    Ok(Word { text: string(i, "Content")?.to_owned(), begin_ms, end_ms })
                };
                timed.map(word).collect::<Result<_>>()?
            }
        };
        let role = roles.get(id).copied().unwrap_or(id);
        found.push(Turn { speaker: speakers.number(role), channel: None, words });
    }
    Ok(Some(found))
}

/// Batch: `results.items`, with `channel_labels` or `speaker_labels` where they were asked for.
fn transcribe(json: &Value, speakers: &mut Speakers) -> Result<Option<Vec<Turn>>> {
    let Some(results) = json.get("results").filter(|r| r.get("items").is_some()) else { return Ok(None) };
    let mut groups: Vec<(Option<usize>, &Vec<Value>)> = Vec::new();
    match results.get("channel_labels").and_then(|c| c.get("channels")) {
        None => groups.push((None, list(&results["items"], "items")?)),
        Some(channels) => {
            for channel in list(channels, "channels")? {
                let label = string(channel, "channel_label")?;
                let number = label.strip_prefix("ch_").and_then(|n| n.parse().ok());
                groups.push((
                    Some(number.with_context(|| format!("channel_label {label}"))?),
                    list(&channel["items"], "items")?,
                ));
            }
        }
    }
    let mut words = Vec::new();
    for (channel, items) in groups {
        for item in items {
            if item.get("type").and_then(Value::as_str) == Some("punctuation") {
                continue;
            }
            let best = item.get("alternatives").and_then(|a| a.get(0)).context("an item has no alternatives")?;
            let label = match (channel, item.get("speaker_label").and_then(Value::as_str)) {
                (Some(c), _) => format!("ch_{c}"),
                (None, label) => label.unwrap_or("spk_0").to_owned(),
            };
            let (begin_ms, end_ms) = (seconds(item, "start_time", false)?, seconds(item, "end_time", true)?);
            let word = Word { text: string(best, "content")?.to_owned(), begin_ms, end_ms };
            words.push((speakers.number(&label), channel, word));
        }
    }
    Ok(Some(turns(words)))
}

fn deepgram(json: &Value, speakers: &mut Speakers) -> Result<Option<Vec<Turn>>> {
    let Some(channels) = json.get("results").and_then(|r| r.get("channels")) else { return Ok(None) };
    let channels = list(channels, "channels")?;
    let mut words = Vec::new();
    for (c, channel) in channels.iter().enumerate() {
        let best = channel.get("alternatives").and_then(|a| a.get(0)).context("a channel has no alternatives")?;
        for word in list(&best["words"], "words")? {
            let text =
                word.get("punctuated_word").or_else(|| word.get("word")).and_then(Value::as_str).context("word")?;
            let (begin_ms, end_ms) = (seconds(word, "start", false)?, seconds(word, "end", true)?);
            let speaker = word.get("speaker").and_then(Value::as_u64).unwrap_or(0);
            let channel = (channels.len() > 1).then_some(c);
            words.push((
                speakers.number(&format!("{c}/{speaker}")),
                channel,
                Word { text: text.to_owned(), begin_ms, end_ms },
            ));
        }
    }
    Ok(Some(turns(words)))
}

/// OpenAI's Whisper and what writes as it does: `segments`, with `words` where word times were asked for.
fn whisper(json: &Value, speakers: &mut Speakers) -> Result<Option<Vec<Turn>>> {
    let Some(segments) = json.get("segments") else { return Ok(None) };
    let mut found = Vec::new();
    for segment in list(segments, "segments")? {
        let label = segment.get("speaker").and_then(Value::as_str).unwrap_or("speaker");
        let words = match segment.get("words").filter(|w| !w.is_null()) {
            None => {
                let (begin_ms, end_ms) = (seconds(segment, "start", false)?, seconds(segment, "end", true)?);
                untimed(string(segment, "text")?, begin_ms, end_ms)
            }
            Some(words) => {
                let one = |w: &Value| {
                    let text = string(w, "word")?.trim().to_owned();
                    Ok(Word { text, begin_ms: seconds(w, "start", false)?, end_ms: seconds(w, "end", true)? })
                };
                list(words, "words")?.iter().map(one).collect::<Result<_>>()?
            }
        };
        found.push(Turn { speaker: speakers.number(label), channel: None, words });
    }
    Ok(Some(found))
}

/// whisper.cpp: `transcription`, with `tokens` where they were asked for; a word is tokens up to the next space.
fn whisper_cpp(json: &Value, speakers: &mut Speakers) -> Result<Option<Vec<Turn>>> {
    let Some(segments) = json.get("transcription") else { return Ok(None) };
    let offsets = |value: &Value| -> Result<(u64, u64)> {
        let offsets = value.get("offsets").context("offsets are missing")?;
        Ok((millis(offsets, "from")?, millis(offsets, "to")?))
    };
    let mut found = Vec::new();
    for segment in list(segments, "transcription")? {
        let (begin_ms, end_ms) = offsets(segment)?;
        let mut words: Vec<Word> = Vec::new();
        match segment.get("tokens") {
            None => words = untimed(string(segment, "text")?, begin_ms, end_ms),
            Some(tokens) => {
                for token in list(tokens, "tokens")? {
                    let text = string(token, "text")?;
                    // "[_BEG_]", "[_TT_150]": not said.
                    if text.starts_with("[_") {
                        continue;
                    }
                    let (begin_ms, end_ms) = offsets(token)?;
                    match words.last_mut().filter(|_| !text.starts_with(' ')) {
                        Some(word) => {
                            word.text.push_str(text);
                            word.end_ms = word.end_ms.max(end_ms);
                        }
                        None => words.push(Word { text: text.trim().to_owned(), begin_ms, end_ms }),
                    }
                }
            }
        }
        let label = segment.get("speaker").and_then(Value::as_str).unwrap_or("speaker");
        found.push(Turn { speaker: speakers.number(label), channel: None, words });
    }
    Ok(Some(found))
}

fn vosk(json: &Value, speakers: &mut Speakers) -> Result<Option<Vec<Turn>>> {
    let Some(result) = json.get("result") else { return Ok(None) };
    let mut words = Vec::new();
    for w in list(result, "result")? {
        let (begin_ms, end_ms) = (seconds(w, "start", false)?, seconds(w, "end", true)?);
        words.push((speakers.number("speaker"), None, Word { text: string(w, "word")?.to_owned(), begin_ms, end_ms }));
    }
    Ok(Some(turns(words)))
}

/// PocketSphinx 5: utterances with `w`, words with begin `b` and duration `d`; silence and noise in brackets, pronunciations in parentheses.
fn pocketsphinx(json: &Value, speakers: &mut Speakers) -> Result<Option<Vec<Turn>>> {
    let utterances = json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice);
    if utterances.is_empty() || !utterances.iter().all(|u| u.get("w").is_some()) {
        return Ok(None);
    }
    let mut found = Vec::new();
    for utterance in utterances {
        let mut words = Vec::new();
        for w in list(&utterance["w"], "w")? {
            let text = string(w, "t")?;
            if text.starts_with(['<', '[']) {
                continue;
            }
            let begin_ms = seconds(w, "b", false)?;
            let text = text.split('(').next().unwrap_or(text).to_owned();
            words.push(Word { text, begin_ms, end_ms: begin_ms + seconds(w, "d", true)? });
        }
        found.push(Turn { speaker: speakers.number("speaker"), channel: None, words });
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    /// Format, and `speaker@channel text begin-end` for each word.
    fn read(json: &Value) -> (&'static str, Vec<String>) {
        let loaded = parse(json).unwrap();
        let mut words = Vec::new();
        for turn in loaded.transcript.turns() {
            let channel = turn.channel.map_or(String::new(), |c| format!("@{c}"));
            let name = &loaded.speakers[turn.speaker];
            words.extend(turn.words.iter().map(|w| format!("{name}{channel} {} {}-{}", w.text, w.begin_ms, w.end_ms)));
        }
        (loaded.format, words)
    }

    #[test]
    fn each_recogniser_is_known_by_its_content() {
        let item = |t: &str, a: &str, b: &str| json!({"type": "pronunciation", "start_time": a, "end_time": b, "alternatives": [{"content": t}]});
        let dot = json!({"type": "punctuation", "alternatives": [{"content": "."}]});
        let channels = json!([
            {"channel_label": "ch_0", "items": [item("Hello", "0.5", "0.9"), dot.clone()]},
            {"channel_label": "ch_1", "items": [item("one", "0.7", "1.0009")]},
        ]);
        let cases = [
            (
                json!({"results": {"items": [item("Hi", "0.1", "0.2"), dot]}}),
                "Amazon Transcribe",
                vec!["spk_0 Hi 100-200"],
            ),
            (
                json!({"results": {"items": [], "channel_labels": {"channels": channels}}}),
                "Amazon Transcribe",
                vec!["ch_0@0 Hello 500-900", "ch_1@1 one 700-1001"],
            ),
            (
                json!({"Participants": [{"ParticipantId": "1", "ParticipantRole": "AGENT"}], "Transcript": [
                    {"ParticipantId": "1", "Content": "Hi there", "BeginOffsetMillis": 10, "EndOffsetMillis": 900}]}),
                "Contact Lens",
                vec!["AGENT Hi 10-900", "AGENT there 10-900"],
            ),
            (
                json!({"text": "", "segments": [{"start": 0, "end": 2.5, "text": " a b", "words": [
                    {"word": " a", "start": 0.0, "end": 0.4}, {"word": " b", "start": 1, "end": 1.2}]},
                    {"start": 3, "end": 4, "text": "c"}]}),
                "Whisper",
                vec!["speaker a 0-400", "speaker b 1000-1200", "speaker c 3000-4000"],
            ),
            (
                json!({"results": {"channels": [{"alternatives": [{"words": [
                    {"word": "hi", "punctuated_word": "Hi.", "start": 0.1, "end": 0.3}]}]}]}}),
                "Deepgram",
                vec!["0/0 Hi. 100-300"],
            ),
            (
                json!({"Transcript": [{"ParticipantRole": "CUSTOMER", "Content": "Hi.", "BeginOffsetMillis": 1, "EndOffsetMillis": 90, "Items": [
                    {"Content": "Hi", "BeginOffsetMillis": 10, "EndOffsetMillis": 80}, {"Content": "."}]}]}),
                "Contact Lens",
                vec!["CUSTOMER Hi 10-80"],
            ),
            (
                json!({"transcription": [{"offsets": {"from": 0, "to": 900}, "text": " four one", "tokens": [
                    {"text": "[_BEG_]", "offsets": {"from": 0, "to": 0}}, {"text": " fo", "offsets": {"from": 10, "to": 200}},
                    {"text": "ur", "offsets": {"from": 200, "to": 400}}, {"text": " one", "offsets": {"from": 500, "to": 900}}]},
                    {"offsets": {"from": 1000, "to": 1500}, "text": " two"}]}),
                "whisper.cpp",
                vec!["speaker four 10-400", "speaker one 500-900", "speaker two 1000-1500"],
            ),
            (
                json!([{"b": 0, "d": 2, "t": "and i", "w": [{"t": "<s>", "b": 0, "d": 0.1}, {"t": "and(2)", "b": 0.2, "d": 0.3},
                    {"t": "[NOISE]", "b": 0.5, "d": 0.1}]}, {"w": [{"t": "i", "b": 1.0, "d": 0.25}]}]),
                "PocketSphinx",
                vec!["speaker and 200-500", "speaker i 1000-1250"],
            ),
            (
                json!({"result": [{"word": "hi", "start": 0.1, "end": 0.3, "conf": 1.0}], "text": "hi"}),
                "Vosk",
                vec!["speaker hi 100-300"],
            ),
        ];
        for (json, format, words) in cases {
            let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
            assert_eq!(read(&json), (format, words));
        }
    }

    #[test]
    fn what_is_no_transcript_is_an_error_with_its_reason() {
        for (json, reason) in [
            (json!("just a text"), "not a transcript that is known"),
            (json!({"segments": []}), "no words"),
            (json!({"segments": "x"}), "segments is not a list"),
            (json!({"segments": [{"text": "a", "end": 1}]}), "no start"),
            (json!({"result": [{"word": "a", "start": -1, "end": 2}]}), "start is -1"),
            (json!({"result": [{"word": "a", "start": "NaN", "end": 2}]}), "start is"),
            (json!({"result": [{"word": "a", "start": 3, "end": 2}]}), "ends at"),
            (json!({"result": [{"word": "a", "start": 3, "end": 1e8}]}), "later than a call can be"),
            (
                json!({"Transcript": [{"ParticipantId": "x", "Content": "a", "BeginOffsetMillis": 1.5, "EndOffsetMillis": 2}]}),
                "BeginOffsetMillis is 1.5",
            ),
            (
                json!({"results": {"items": [{"type": "pronunciation", "start_time": "1", "end_time": "2"}]}}),
                "alternatives",
            ),
        ] {
            let Err(error) = parse(&json) else { panic!("{json} was taken") };
            assert!(format!("{error:#}").contains(reason), "{json}: {error:#}");
        }
    }
}
