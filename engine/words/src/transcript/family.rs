//! Transcripts as JSON. Recognisers differ in what they call things and in how deep these lie; what there is, is the same: texts, words, times, who
//! speaks, and lists of these. One reader walks through all of them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use serde_json::{Map, Value};

use super::place::{Heard, Said};
use super::times::{self, bare};
use super::views::{account, joined, relabelled};

type Object = Map<String, Value>;

/// A text, the best spelling first.
const TEXTS: [&str; 20] = [
    "punctuated_word",
    "word",
    "text",
    "content",
    "transcript",
    "value",
    "t",
    "display",
    "displaytext",
    "token",
    "utterance",
    "sentence",
    "caption",
    "line",
    "lexical",
    "itn",
    "fulltranscript",
    "body",
    "message",
    "transcription",
];
/// Lists of words.
const WORDS: [&str; 9] = ["words", "items", "tokens", "terms", "elements", "result", "w", "chars", "wordsegments"];
/// Lists of what holds words, and of what holds these.
const LISTS: [&str; 26] = [
    "segments",
    "transcript",
    "transcription",
    "results",
    "result",
    "monologues",
    "utterances",
    "channels",
    "recognizedphrases",
    "phrases",
    "chunks",
    "turns",
    "entries",
    "cues",
    "captions",
    "sentences",
    "paragraphs",
    "data",
    "response",
    "output",
    "transcripts",
    "combinedphrases",
    "combinedrecognizedphrases",
    "audiosegments",
    "audioitems",
    "speechsegments",
];
/// The best of these is the first.
const CHOICES: [&str; 3] = ["alternatives", "nbest", "hypotheses"];
const SPEAKERS: [&str; 9] = [
    "speaker",
    "speakerlabel",
    "speakerid",
    "participantid",
    "participantrole",
    "speakertag",
    "speakername",
    "role",
    "party",
];
const CHANNELS: [&str; 3] = ["channel", "channelindex", "channelid"];
/// Types of what is not said.
const UNSAID: [&str; 6] = ["punctuation", "punct", "spacing", "space", "audio_event", "silence"];
/// How deep lists lie in lists.
const MOST_DEEP: usize = 12;

/// The values of an object by their bare names.
struct Node<'a>(BTreeMap<String, &'a Value>);

impl<'a> Node<'a> {
    fn new(object: &'a Object) -> Self {
        Self(object.iter().map(|(name, value)| (bare(name), value)).collect())
    }

    fn get(&self, names: &[&str]) -> Option<&'a Value> {
        names.iter().find_map(|n| self.0.get(&bare(n)).copied().filter(|v| !v.is_null()))
    }

    fn text(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|n| self.0.get(&bare(n)).and_then(|v| v.as_str()))
    }

    /// All texts, the best first.
    fn texts(&self) -> Vec<String> {
        let text = |v: &Value| match v {
            Value::String(text) => Some(text.clone()),
            Value::Array(list) if !list.is_empty() => {
                let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                texts.map(|t| t.join(" "))
            }
            _ => None,
        };
        let all = TEXTS.iter().filter_map(|n| self.0.get(*n)).filter_map(|v| text(v));
        all.filter(|t| !t.trim().is_empty()).collect()
    }

    /// The first of several hypotheses.
    fn best(&self) -> Option<Node<'a>> {
        self.get(&CHOICES).and_then(|c| c.get(0)).and_then(Value::as_object).map(Node::new)
    }

    /// Its text, or that of its first hypothesis.
    fn said(&self) -> Option<&'a str> {
        self.text(&TEXTS).or_else(|| self.best()?.text(&TEXTS))
    }

    /// Whether there is a list by one of these names.
    fn lists(&self, names: &[&str]) -> bool {
        self.0
            .iter()
            .any(|(n, v)| names.contains(&n.as_str()) && v.as_array().is_some_and(|l| l.iter().any(Value::is_object)))
    }

    fn unsaid(&self) -> bool {
        self.text(&["type"]).is_some_and(|t| UNSAID.contains(&t.to_lowercase().as_str()))
    }

    fn speaker(&self) -> Option<String> {
        let named = |v: &Value| match v {
            Value::String(s) => Some(s.trim().to_owned()),
            Value::Number(n) => Some(n.to_string()),
            Value::Object(o) => {
                let node = Node::new(o);
                let name = node.get(&["name", "speaker_label", "label", "id"]);
                name.and_then(|n| n.as_str().map(str::to_owned).or_else(|| n.as_i64().map(|n| n.to_string())))
            }
            _ => None,
        };
        SPEAKERS.iter().filter_map(|n| self.get(&[n])).find_map(named).filter(|s| !s.is_empty())
    }

    fn channel(&self) -> Option<usize> {
        let label =
            self.text(&["channel_label", "channel"]).and_then(|l| l.strip_prefix("ch_")).and_then(|l| l.parse().ok());
        // From 1 where it is a text or a tag.
        let counted = |v: &Value| v.as_u64().or_else(|| v.as_str()?.parse().ok()).and_then(|n: u64| n.checked_sub(1));
        let tag = self.get(&["channeltag"]).and_then(counted);
        let number = CHANNELS.iter().filter_map(|n| self.get(&[n]));
        let number = || number.into_iter().find_map(|v| v.as_u64().or_else(|| counted(v)));
        label.or(tag).or_else(number).and_then(|c| usize::try_from(c).ok())
    }
}

/// What an object stands in.
#[derive(Clone, Default)]
struct Around {
    speaker: Option<String>,
    channel: Option<usize>,
    deep: usize,
}

/// Walks through a transcript.
pub(super) struct Walk {
    unit: times::Unit,
    /// Who speaks by role, where participants are listed.
    roles: BTreeMap<String, String>,
    /// Names of objects that were looked at, for who asks why nothing was found.
    seen: BTreeSet<String>,
}

/// A word, and who says it in which channel where it tells.
type Owned = (Option<String>, Option<usize>, Heard);

/// What one branch of a transcript says.
type View = Vec<Said>;

impl Walk {
    /// For a transcript whose times are to be read.
    pub(super) fn new(json: &Value) -> Self {
        let mut roles = BTreeMap::new();
        let participants = json.get("Participants").and_then(Value::as_array).into_iter().flatten();
        for p in participants.filter_map(Value::as_object).map(Node::new) {
            if let (Some(id), Some(role)) = (p.text(&["ParticipantId"]), p.text(&["ParticipantRole"])) {
                roles.insert(id.to_owned(), role.to_owned());
            }
        }
        Self { unit: times::Unit::of(json), roles, seen: BTreeSet::new() }
    }

    /// What is said.
    ///
    /// # Errors
    /// Something in a list of words or turns has times and no text that is known, or nothing has a text and a time.
    pub(super) fn read(&mut self, json: &Value) -> Result<Vec<Said>> {
        let said = self.value(json, &Around::default())?;
        if said.is_empty() {
            let lists = |n: &String| WORDS.contains(&bare(n).as_str()) || LISTS.contains(&bare(n).as_str());
            ensure!(!self.seen.iter().any(lists), "the transcript has no words: nothing in its lists has a text");
            let seen: Vec<&str> = self.seen.iter().map(String::as_str).take(24).collect();
            bail!(
                "not a transcript that is known: it has {}; expected words with a text (word, text, content, ...) and times (start and end, \
                 BeginOffsetMillis, offset and duration, timestamp, ...) in a list (segments, words, results, Transcript, monologues, utterances, \
                 chunks, ...), as Contact Lens, Amazon Transcribe, Whisper, Deepgram, Vosk, AssemblyAI, Azure, Google, Rev and others write them; or \
                 WebVTT, SubRip, SBV, CTM, TextGrid",
                if seen.is_empty() { "no names".to_owned() } else { seen.join(", ") }
            );
        }
        Ok(said)
    }

    fn value(&mut self, value: &Value, around: &Around) -> Result<View> {
        ensure!(around.deep < MOST_DEEP, "lists in lists, more than {MOST_DEEP} deep");
        let inside = Around { deep: around.deep + 1, ..around.clone() };
        match value {
            Value::Array(list) => self.list(list, &inside),
            Value::Object(object) => self.object(object, &inside),
            _ => Ok(Vec::new()),
        }
    }

    /// A list: of words, of what is said one after the other, or of what holds these.
    fn list(&mut self, list: &[Value], around: &Around) -> Result<View> {
        if self.are_words(list) {
            let words = self.words(list)?;
            return Ok(self.by_speaker(words, around, &[], (None, None)));
        }
        let mut all = Vec::new();
        for value in list {
            all.extend(self.value(value, around)?);
        }
        Ok(all)
    }

    /// Whether a list's objects are words: text and time, no list below, and rarely more than one word each.
    fn are_words(&self, list: &[Value]) -> bool {
        let (mut words, mut single) = (0, 0);
        for value in list.iter().filter_map(Value::as_object).take(2_000) {
            let node = Node::new(value);
            if node.lists(&WORDS) || node.lists(&LISTS) {
                return false;
            }
            let Some(text) = node.said().filter(|_| !node.unsaid()) else { continue };
            words += 1;
            single += usize::from(text.split_whitespace().count() <= 1);
        }
        words > 0 && 10 * single >= 9 * words
    }

    fn object(&mut self, object: &Object, around: &Around) -> Result<View> {
        let node = Node::new(object);
        self.seen.extend(object.keys().filter(|k| k.len() <= 40).map(|k| k.escape_debug().to_string()));
        let mut here = around.clone();
        here.speaker = node.speaker().map(|s| self.roles.get(&s).cloned().unwrap_or(s)).or(here.speaker);
        here.channel = node.channel().or(here.channel);
        if let Some(label) = node.text(&["channel_label"]) {
            here.speaker = Some(label.to_owned());
        }
        let time = times::of(&node.0, self.unit);
        let texts = node.texts();
        // The best of several hypotheses.
        if let Some(best) =
            CHOICES.iter().find_map(|c| node.get(&[c])).and_then(Value::as_array).and_then(|c| c.first())
        {
            let mut said = self.value(best, &here)?;
            if let [only] = said.as_mut_slice() {
                only.begin_ms = only.begin_ms.or(time.0);
                only.end_ms = only.end_ms.or(time.1);
            }
            return Ok(said);
        }
        let mut views: Vec<View> = Vec::new();
        for (name, value) in &node.0 {
            let (words, lists) = (WORDS.contains(&name.as_str()), LISTS.contains(&name.as_str()));
            match value {
                Value::Array(list) if words && (self.are_words(list) || list.is_empty()) => {
                    let heard = self.words(list)?;
                    views.push(self.by_speaker(heard, &here, &texts, time));
                }
                Value::Array(list) if words || lists => {
                    let parted = name == "channels" && list.len() > 1;
                    let mut view = Vec::new();
                    for (number, value) in list.iter().enumerate() {
                        let mut of = here.clone();
                        if parted {
                            of.channel = Some(number);
                            of.speaker = Some(format!("ch_{number}"));
                        }
                        view.extend(self.value(value, &of)?);
                    }
                    if self.are_words(list) {
                        view = self.list(list, &here)?;
                    }
                    views.push(view);
                }
                Value::Object(_) if lists || matches!(name.as_str(), "channellabels" | "representation") => {
                    views.push(self.value(value, &here)?);
                }
                _ => {}
            }
        }
        views.retain(|v| !v.is_empty());
        if views.is_empty() {
            if texts.is_empty() {
                ensure!(
                    time.0.is_none() || node.unsaid() || TEXTS.iter().any(|t| node.text(&[t]).is_some()),
                    "something said from {} ms on has no text: it has {}",
                    time.0.unwrap_or(0),
                    object.keys().map(|k| k.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
                );
                return Ok(Vec::new());
            }
            if time == (None, None) && around.deep <= 1 && here.speaker.is_none() {
                return Ok(Vec::new());
            }
            let speaker = here.speaker.unwrap_or_else(|| "speaker".into());
            let (begin_ms, end_ms) = time;
            return Ok(vec![Said { speaker, channel: here.channel, begin_ms, end_ms, texts, words: None }]);
        }
        let mut said = joined(views);
        if let Some(labels) = node.0.get("speakerlabels") {
            self.label(&mut said, labels)?;
        }
        // A text over all of it.
        if said.len() != 1 || said.iter().any(|s| s.texts.is_empty()) {
            texts.iter().for_each(|text| account(text, time, &mut said));
        }
        Ok(said)
    }

    fn words(&self, list: &[Value]) -> Result<Vec<Owned>> {
        let mut words: Vec<Owned> = Vec::new();
        // "word", " wo" and "rd": tokens that begin with a space begin a word, where any does.
        let texts = list.iter().filter_map(|v| Node::new(v.as_object()?).said());
        let spaced = texts.skip(1).any(|t| t.starts_with([' ', '\u{2581}']));
        let tokens = spaced
            && list
                .iter()
                .filter_map(Value::as_object)
                .any(|o| o.contains_key("id") || o.contains_key("p") || o.contains_key("offsets"));
        for value in list {
            let Some(object) = value.as_object() else {
                if let Some(text) = value.as_str() {
                    words.push((None, None, Heard { text: text.to_owned(), ..Heard::default() }));
                }
                continue;
            };
            let node = Node::new(object);
            let (begin_ms, end_ms) = times::of(&node.0, self.unit);
            let Some(text) = node.said() else {
                ensure!(
                    (begin_ms, end_ms) == (None, None) || node.unsaid(),
                    "a word has times and no text: it has {}",
                    object.keys().map(|k| k.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
                );
                continue;
            };
            let digits = text.chars().any(char::is_alphanumeric);
            let untimed = (begin_ms, end_ms) == (None, None);
            if text.trim().is_empty() || (node.unsaid() || untimed) && !digits || special(text) {
                continue;
            }
            let speaker = node.speaker().or_else(|| node.best()?.speaker());
            let goes_on = tokens && !text.starts_with([' ', '\u{2581}']);
            let text = text.trim_matches([' ', '\u{2581}', '\n', '\t']).to_owned();
            match words.last_mut().filter(|_| goes_on) {
                Some((.., word)) => {
                    word.text.push_str(&text);
                    word.end_ms = end_ms.map_or(word.end_ms, |e| Some(word.end_ms.map_or(e, |w| w.max(e))));
                    word.begin_ms = word.begin_ms.or(begin_ms);
                }
                // PocketSphinx writes which pronunciation it was: "and(2)".
                None => {
                    let text = match text.rsplit_once('(') {
                        Some((word, n))
                            if n.strip_suffix(')').is_some_and(|n| n.len() == 1 && n.parse::<u32>().is_ok()) =>
                        {
                            word.to_owned()
                        }
                        _ => text,
                    };
                    words.push((speaker, node.channel(), Heard { text, begin_ms, end_ms }));
                }
            }
        }
        Ok(words)
    }

    /// Words parted where another one speaks.
    fn by_speaker(
        &self,
        words: Vec<Owned>,
        around: &Around,
        texts: &[String],
        time: (Option<u64>, Option<u64>),
    ) -> View {
        let mut said: View = Vec::new();
        let several = words.iter().any(|w| w.0 != words[0].0 || w.1 != words[0].1);
        for (speaker, channel, heard) in words {
            // Of several channels, each has speakers of its own.
            let speaker = match (&around.speaker, speaker) {
                (Some(channel), Some(own)) if channel.starts_with("ch_") => format!("{channel}/{own}"),
                (_, Some(own)) => own,
                (around, None) => around.clone().unwrap_or_else(|| "speaker".into()),
            };
            let speaker = self.roles.get(&speaker).cloned().unwrap_or(speaker);
            let channel = channel.or(around.channel);
            match said.last_mut().filter(|s| s.speaker == speaker && s.channel == channel) {
                Some(Said { words: Some(words), .. }) => words.push(heard),
                _ => {
                    let words = Some(vec![heard]);
                    said.push(Said { speaker, channel, words, ..Said::default() });
                }
            }
        }
        if !several {
            if said.is_empty() {
                let speaker = around.speaker.clone().unwrap_or_else(|| "speaker".into());
                said.push(Said { speaker, channel: around.channel, words: Some(Vec::new()), ..Said::default() });
            }
            for one in &mut said {
                (one.begin_ms, one.end_ms, one.texts) = (time.0, time.1, texts.to_vec());
            }
            said.retain(|s| {
                s.words.as_ref().is_some_and(|w| !w.is_empty()) || s.texts.iter().any(|t| !t.trim().is_empty())
            });
        } else {
            texts.iter().for_each(|text| account(text, time, &mut said));
        }
        said
    }

    /// Speakers who are told apart from the words, by time: Amazon Transcribe's `speaker_labels`.
    fn label(&self, said: &mut Vec<Said>, labels: &Value) -> Result<()> {
        let segments = labels.get("segments").and_then(Value::as_array).into_iter().flatten();
        let mut who: Vec<(u64, u64, String)> = Vec::new();
        for segment in segments.filter_map(Value::as_object).map(Node::new) {
            if let (Some(speaker), (Some(b), Some(e))) = (segment.speaker(), times::of(&segment.0, self.unit)) {
                who.push((b, e, speaker));
            }
        }
        who.sort();
        if !who.is_empty() && said.iter().all(|s| s.speaker == "speaker") {
            *said = relabelled(std::mem::take(said), &who);
        }
        Ok(())
    }
}

/// Tokens that are not said: "[_BEG_]", "<s>", "</s>", "<sil>", "[NOISE]".
fn special(text: &str) -> bool {
    let text = text.trim();
    let inner = |open: char, close: char| text.strip_prefix(open).and_then(|t| t.strip_suffix(close));
    let Some(inner) = inner('[', ']').or_else(|| inner('<', '>')) else { return false };
    // What is not one of these may be somebody's name or number.
    const NOISES: [&str; 22] = [
        "s",
        "/s",
        "sil",
        "silence",
        "noise",
        "noises",
        "laughter",
        "laughs",
        "music",
        "inaudible",
        "unk",
        "unknown",
        "cough",
        "breath",
        "breathing",
        "applause",
        "crosstalk",
        "speech",
        "blank_audio",
        "pause",
        "um",
        "eps",
    ];
    let time = inner.strip_prefix("_TT_").is_some_and(|n| n.len() <= 4 && n.bytes().all(|b| b.is_ascii_digit()));
    let mark =
        inner.starts_with('_') && inner.ends_with('_') && inner.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    time || mark || NOISES.contains(&inner.to_lowercase().trim_matches('|'))
}
