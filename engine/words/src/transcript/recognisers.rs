//! Transcripts from files: known by their content, never by their name.

use anyhow::{Context, Result};
use serde_json::Value;

use super::family::Walk;
use super::place::{Said, place};
use super::speakers::Speakers;
use super::words::Transcript;
use super::{decode, subtitles, tables};

/// A transcript, and what is known of who speaks.
pub struct Loaded {
    /// What wrote it.
    pub format: &'static str,
    /// The words.
    pub transcript: Transcript,
    /// What each speaker is called, by number.
    pub speakers: Vec<String>,
}

/// Reads a transcript from a file's bytes. A word without a time, or with one that cannot be, is in the smallest stretch that surely holds it
/// ([`Transcript::is_loose`]); of a text and words that differ, both are kept.
///
/// # Errors
/// It is none that is known, has no words, or one of its objects has two values of one name.
pub fn load(bytes: &[u8]) -> Result<Loaded> {
    let text = decode::text(bytes);
    if subtitles::is_subtitles(&text) {
        return loaded("subtitles", subtitles::parse(&text)?);
    }
    if tables::is_grid(&text) {
        return loaded("TextGrid", tables::grid(&text)?);
    }
    if !text.trim_start().starts_with(['{', '[', '"'])
        && let Some(said) = tables::ctm(&text)
    {
        return loaded("CTM", said);
    }
    let mut values = decode::json(&text)?;
    match values.len() {
        1 => parse(&values.remove(0)),
        _ => parse(&Value::Array(values)),
    }
}

/// [`load`] of JSON that was read already.
///
/// # Errors
/// As [`load`].
pub fn parse(json: &Value) -> Result<Loaded> {
    let format = format_of(json);
    let said = Walk::new(json).read(json).with_context(|| format!("{format}'s transcript"))?;
    loaded(format, said)
}

fn loaded(format: &'static str, said: Vec<Said>) -> Result<Loaded> {
    let mut speakers = Speakers::default();
    let placed = place(said, &mut speakers);
    Ok(Loaded { format, transcript: Transcript::placed(placed)?, speakers: speakers.names })
}

/// What wrote a transcript, by the names that only it has.
fn format_of(json: &Value) -> &'static str {
    let first = json.as_array().and_then(|l| l.first()).unwrap_or(json);
    let has = |path: &str| first.pointer(path).is_some();
    let formats: [(&str, &[&str]); 14] = [
        ("Contact Lens", &["/Transcript", "/Segments"]),
        ("Deepgram", &["/results/channels"]),
        ("Amazon Transcribe", &["/results/items", "/results/transcripts", "/results/channel_labels"]),
        ("whisper.cpp", &["/transcription/0"]),
        ("Rev", &["/monologues/0/elements"]),
        ("Vosk", &["/result", "/alternatives/0/result", "/monologues", "/partial"]),
        ("Azure", &["/recognizedPhrases", "/NBest", "/combinedPhrases"]),
        ("Google", &["/results/0/alternatives/0/transcript"]),
        ("Speechmatics", &["/results/0/alternatives"]),
        ("Bedrock Data Automation", &["/audio_items", "/audio_segments"]),
        ("AssemblyAI", &["/utterances"]),
        ("PocketSphinx", &["/w"]),
        ("transformers", &["/chunks"]),
        ("Whisper", &["/segments", "/words"]),
    ];
    formats.iter().find(|(_, paths)| paths.iter().any(|p| has(p))).map_or("a recogniser", |(name, _)| name)
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
                vec!["speaker Hi 100-200"],
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
                vec!["speaker Hi. 100-300"],
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
                json!([{"b": 0, "d": 2, "t": "and", "w": [{"t": "<s>", "b": 0, "d": 0.1}, {"t": "and(2)", "b": 0.2, "d": 0.3},
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
            (json!({"segments": "x"}), "no words"),
            (json!({"lines": [{"said": "hi", "at": 1}]}), "it has lines; expected"),
            (json!({"results": {"items": [{"type": "pronunciation", "start_time": "1", "end_time": "2"}]}}), "no text"),
            (json!({"segments": [{"start": 1, "end": 2, "said": "hi there"}]}), "no text"),
        ] {
            let Err(error) = parse(&json) else { panic!("{json} was taken") };
            assert!(format!("{error:#}").contains(reason), "{json}: {error:#}");
        }
        assert!(load(br#"{"segments": [], "segments": []}"#).is_err());
    }

    #[test]
    fn a_word_without_a_time_that_can_be_is_where_it_surely_is() {
        let word = |text: &str, times: Value| {
            let mut word = json!({"word": text});
            if let Some([begin, end]) = times.as_array().map(Vec::as_slice) {
                (word["start"], word["end"]) = (begin.clone(), end.clone());
            }
            word
        };
        for (times, expected) in [
            (json!(null), "2000-4000"),
            (json!([null, null]), "2000-4000"),
            (json!([-1, 2]), "2000-4000"),
            (json!([3, 2]), "2000-4000"),
            (json!([2.5, 2.5]), "2000-4000"),
            (json!([2.5, 2.51]), "2000-4000"),
            (json!([2.5, 90]), "2000-4000"),
            (json!(["x", "NaN"]), "2000-4000"),
            (json!([2.5, 3.0]), "2500-3000"),
        ] {
            let words =
                json!([word("pin", json!([1.5, 2])), word("48211", times.clone()), word("thanks", json!([4, 5]))]);
            let loaded =
                parse(&json!({"segments": [{"start": 1, "end": 6, "text": "pin 48211 thanks", "words": words}]}))
                    .unwrap();
            let said = &loaded.transcript.turns()[0].words[1];
            assert_eq!(format!("{}-{}", said.begin_ms, said.end_ms), expected, "{times}");
            assert_eq!(loaded.transcript.is_loose(0, 1), expected == "2000-4000", "{times}");
            assert!(!loaded.transcript.is_unsure(), "{times}");
        }
        // Two times that contradict each other: neither counts.
        let words = json!([
            word("my", json!([1.1, 1.2])),
            word("pin", json!([2.5, 3])),
            word("4821", json!([1.3, 2])),
            word("thanks", json!([4, 5]))
        ]);
        let two = parse(&json!({"segments": [{"start": 1, "end": 6, "text": "my pin 4821 thanks", "words": words}]}))
            .unwrap();
        let said = &two.transcript.turns()[0].words[2];
        assert_eq!((said.begin_ms, said.end_ms), (1_200, 4_000));
        // At the end of its turn, to its end; without a turn, to the end of the recording.
        let words = json!([word("pin", json!([1.5, 2])), word("4821", json!(null))]);
        let turn = parse(&json!({"segments": [{"start": 1, "end": 6, "text": "pin 4821", "words": words}]})).unwrap();
        assert_eq!(turn.transcript.turns()[0].words[1].end_ms, 6_000);
        assert!(turn.transcript.is_unsure());
        let open = parse(&json!({"words": words})).unwrap().transcript.until(13_000);
        assert_eq!((open.turns()[0].words[1].begin_ms, open.turns()[0].words[1].end_ms), (2_000, 13_000));
        // Text that no word has, and words that nobody listed.
        let short = parse(&json!({"segments": [{"start": 1, "end": 6, "text": "pin 4821 thanks", "words": [word("pin", json!([1.5, 2]))]}]})).unwrap();
        let texts: Vec<&str> = short.transcript.turns()[0].words.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(texts, ["pin", "4821", "thanks"]);
        let none = parse(&json!({"segments": [{"start": 1, "end": 6, "text": "pin 4821", "words": []}]})).unwrap();
        assert_eq!(none.transcript.turns()[0].words.len(), 2);
        assert!(none.transcript.is_loose(0, 0) && none.transcript.is_unsure());
    }
}
