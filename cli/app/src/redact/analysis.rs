//! The analysed call as Contact Lens writes it (Version `VOICE-2022-11-30`): transcript, masked or not, and the conversation's figures.

use engine_words::Entity;
use engine_words::conversation::{self, Said, Sentiment, Stretch};
use engine_words::rules::{Finding, Place};
use engine_words::transcript::{Loaded, Turn, Word};
use serde_json::{Map, Value, json};
use vader_sentimental::SentimentIntensityAnalyzer;

use super::listen::Heard;
use super::request::MaskMode;

/// Compound score from which a turn is pleased, and below whose negative it is displeased (VADER's own limits).
const PLEASED: f64 = 0.05;

/// Words of a turn that are felt at once.
const FELT_WORDS: usize = 400;

/// What an analysed call is made of.
pub struct Analysed<'a> {
    /// The transcript.
    pub loaded: &'a Loaded,
    /// What was found in it.
    pub findings: &'a [Finding],
    /// What the recording tells; `None` without one.
    pub heard: Option<&'a Heard>,
    /// Length of the recording, in milliseconds.
    pub length_ms: u64,
    /// How things are masked.
    pub mask: MaskMode,
    /// The kinds that were asked for by name.
    pub requested: &'a [String],
    /// Language, as in `en-US`.
    pub language: &'a str,
    /// Also say what each masked span is.
    pub details: bool,
    /// The agent's channel, where it is known.
    pub agent_channel: Option<usize>,
}

/// How something is masked.
pub fn mask(mode: MaskMode, entity: Entity) -> String {
    match mode {
        MaskMode::Pii => "[PII]".to_owned(),
        MaskMode::EntityType => format!("[{entity}]"),
    }
}

/// The findings of each turn, in their order.
pub fn by_turn(turns: usize, findings: &[Finding]) -> Vec<Vec<(&Finding, &Place)>> {
    let mut all = vec![Vec::new(); turns];
    for (finding, place) in findings.iter().flat_map(|f| f.places.iter().map(move |p| (f, p))) {
        all.get_mut(place.turn).into_iter().for_each(|of: &mut Vec<_>| of.push((finding, place)));
    }
    all
}

/// A turn's text with what was found masked. The punctuation that ends it stays, so that the sentence does.
pub fn masked(turn: &Turn, found: &[(&Finding, &Place)], mode: MaskMode) -> String {
    let mut words: Vec<Option<String>> = turn.words.iter().map(|w| Some(w.text.clone())).collect();
    for (finding, place) in found {
        let last = turn.words.get(place.words.end.saturating_sub(1)).and_then(|w| w.text.chars().next_back());
        let end = last.filter(|c| matches!(c, '.' | ',' | '?' | '!')).map_or_else(String::new, String::from);
        let start = place.words.start;
        for (i, word) in words.get_mut(place.words.clone()).into_iter().flatten().enumerate() {
            // What another one begins in the middle of this one stays masked as it was.
            *word = (i == 0 && (start == 0 || word.is_some())).then(|| mask(mode, finding.entity) + &end);
        }
    }
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Whether what a speaker is called tells nothing about them: a role, a number, or both.
fn is_neutral(name: &str) -> bool {
    const ROLES: [&str; 16] = [
        "agent",
        "customer",
        "system",
        "speaker",
        "spk",
        "channel",
        "ch",
        "caller",
        "participant",
        "user",
        "guest",
        "bot",
        "unknown",
        "ivr",
        "operator",
        "representative",
    ];
    let parts = name.split(['_', '-', ' ', '/', ':', '#']).filter(|p| !p.is_empty());
    let neutral = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit()).to_lowercase();
        part.len() - letters.len() <= 2 && (letters.is_empty() || part.len() == 1 || ROLES.contains(&letters.as_str()))
    };
    let parts: Vec<&str> = parts.collect();
    (1..=3).contains(&parts.len()) && parts.iter().all(|p| neutral(p))
}

fn plain(turn: &Turn) -> String {
    said_as(&turn.words)
}

fn said_as(words: &[Word]) -> String {
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn stretch(turn: &Turn) -> Stretch {
    Stretch {
        begin_ms: turn.words.iter().map(|w| w.begin_ms).min().unwrap_or(0),
        end_ms: turn.words.iter().map(|w| w.end_ms).max().unwrap_or(0),
    }
}

impl Analysed<'_> {
    /// What a turn's speaker is called, and in which role.
    fn participant(&self, turn: &Turn) -> String {
        match (turn.channel, self.agent_channel) {
            (Some(channel), Some(agent)) => if channel == agent { "AGENT" } else { "CUSTOMER" }.to_owned(),
            _ => self.loaded.speakers.get(turn.speaker).cloned().unwrap_or_default(),
        }
    }

    /// Who says each turn: by role or number. What a transcript calls people is theirs: `original` names tell it.
    pub fn names(&self, original: bool) -> Vec<String> {
        let mut others: Vec<String> = Vec::new();
        let turns = self.loaded.transcript.turns().iter().map(|t| self.participant(t));
        turns
            .map(|name| {
                if original || is_neutral(&name) {
                    return name;
                }
                let number = others.iter().position(|o| *o == name).unwrap_or_else(|| {
                    others.push(name);
                    others.len() - 1
                });
                format!("PARTICIPANT_{}", number + 1)
            })
            .collect()
    }

    /// The analysed call: as it was, or redacted.
    pub fn json(&self, redacted: bool) -> Value {
        let turns = self.loaded.transcript.turns();
        let found = by_turn(turns.len(), self.findings);
        let names = self.names(!redacted);
        let mut participants: Vec<&String> = Vec::new();
        names.iter().for_each(|n| {
            if !participants.contains(&n) {
                participants.push(n);
            }
        });
        let feelings = SentimentIntensityAnalyzer::new();
        let said: Vec<Said> = turns
            .iter()
            .zip(&names)
            .map(|(turn, name)| {
                // The lexicon's time grows with the square of a text: a very long turn is felt in parts.
                let parts = turn.words.chunks(FELT_WORDS);
                let count = parts.len().max(1) as f64;
                let felt = parts.map(|words| feelings.polarity_scores(&said_as(words)).compound);
                let score = felt.sum::<f64>() / count;
                let sentiment = match score {
                    s if s >= PLEASED => Sentiment::Positive,
                    s if s <= -PLEASED => Sentiment::Negative,
                    _ => Sentiment::Neutral,
                };
                let Stretch { begin_ms, end_ms } = stretch(turn);
                let speaker = participants.iter().position(|p| *p == name).unwrap_or(0);
                let words = turn.words.iter().map(|w| (w.begin_ms, w.end_ms)).collect();
                Said { speaker, begin_ms, end_ms, words, sentiment }
            })
            .collect();
        let transcript: Vec<Value> = turns
            .iter()
            .zip(&said)
            .zip(found.iter().zip(&names))
            .enumerate()
            .map(|(number, ((turn, said), (found, name)))| {
                let mut value = json!({
                    "Id": format!("{number:08}"),
                    "ParticipantId": name,
                    "Content": if redacted { masked(turn, found, self.mask) } else { plain(turn) },
                    "BeginOffsetMillis": said.begin_ms,
                    "EndOffsetMillis": said.end_ms,
                    "Sentiment": said.sentiment.as_str(),
                });
                if let Some(heard) = self.heard {
                    value["LoudnessScore"] = self.loudness(turn, heard).into();
                }
                if !found.is_empty() {
                    let spans = found.iter().map(|(_, p)| offsets(Stretch { begin_ms: p.span.begin_ms, end_ms: p.span.end_ms }));
                    value["Redaction"] = json!({ "RedactedTimestamps": spans.collect::<Vec<_>>() });
                }
                if self.details && !found.is_empty() {
                    let entity = |f: &Finding| json!({ "Type": f.entity.as_str(), "Confidence": f.confidence, "Recogniser": f.recogniser });
                    value["Redaction"]["Entities"] = found.iter().map(|(f, _)| entity(f)).collect();
                }
                value
            })
            .collect();
        let role = |name: &str| {
            let known = ["AGENT", "CUSTOMER", "SYSTEM"].into_iter().find(|r| name.eq_ignore_ascii_case(r));
            known.map_or_else(
                || json!({ "ParticipantId": name }),
                |r| json!({ "ParticipantId": name, "ParticipantRole": r }),
            )
        };
        let mut metadata = json!({ "Output": if redacted { "Redacted" } else { "Raw" } });
        if redacted {
            let mode = if self.mask == MaskMode::Pii { "PII" } else { "ENTITY_TYPE" };
            metadata["RedactionTypes"] = json!(["PII"]);
            metadata["RedactionTypesMetadata"] =
                json!({ "PII": { "RedactionEntitiesRequested": self.requested, "RedactionMaskMode": mode } });
        }
        json!({
            "Version": "VOICE-2022-11-30",
            "Channel": "VOICE",
            "JobStatus": "COMPLETED",
            "LanguageCode": self.language,
            "ContentMetadata": metadata,
            "Participants": participants.iter().map(|p| role(p)).collect::<Vec<_>>(),
            "Categories": { "MatchedCategories": [], "MatchedDetails": {} },
            "ConversationCharacteristics": self.characteristics(&said, &participants),
            "CustomModels": [],
            "Transcript": transcript,
        })
    }

    /// A turn's loudness in each clock second that it touches: of its own channel, or of the loudest where that is not known.
    fn loudness(&self, turn: &Turn, heard: &Heard) -> Vec<f64> {
        let second =
            |channel: &super::listen::Channel, s: u64| channel.loudness.get(s as usize).copied().unwrap_or(0.0);
        conversation::clock_seconds(stretch(turn))
            .map(|s| match turn.channel.and_then(|c| heard.channels.get(c)) {
                Some(channel) => second(channel, s),
                None => heard.channels.iter().map(|c| second(c, s)).fold(0.0, f64::max),
            })
            .collect()
    }

    fn characteristics(&self, said: &[Said], participants: &[&String]) -> Value {
        let each = |value: &dyn Fn(usize) -> Value| -> Value {
            let all = participants.iter().enumerate().map(|(n, p)| ((*p).clone(), value(n)));
            Value::Object(all.collect::<Map<_, _>>())
        };
        let talk: Vec<u64> = (0..participants.len()).map(|n| conversation::talk_ms(said, n)).collect();
        let words = |n: usize| {
            let own = said.iter().filter(|s| s.speaker == n);
            own.map(|s| s.words.len()).sum::<usize>()
        };
        let quarters = |n: usize| conversation::quarters(said, n);
        let interruptions = conversation::interruptions(said);
        let mut by = Map::new();
        for (speaker, time) in &interruptions {
            let name = participants.get(*speaker).map_or("", |p| p.as_str());
            let one = json!({"BeginOffsetMillis": time.begin_ms, "DurationMillis": time.length_ms(), "EndOffsetMillis": time.end_ms});
            if let Value::Array(list) = by.entry(name).or_insert_with(|| json!([])) {
                list.push(one);
            }
        }
        let quiet = conversation::non_talk(said, self.length_ms);
        let instances: Vec<Value> = quiet
            .iter()
            .map(|q| json!({"BeginOffsetMillis": q.begin_ms, "DurationMillis": q.length_ms(), "EndOffsetMillis": q.end_ms}))
            .collect();
        json!({
            "TotalConversationDurationMillis": self.length_ms,
            "Sentiment": {
                "OverallSentiment": each(&|n| quarters(n).map_or(json!(0), |q| json!(conversation::overall(&q)))),
                "SentimentByPeriod": { "QUARTER": each(&|n| quarters(n).map_or(json!([]), |q| q.iter().map(|q| {
                    let mut one = offsets(q.time);
                    one["Score"] = json!((10.0 * q.score).round() / 10.0);
                    one
                }).collect())) },
            },
            "Interruptions": {
                "InterruptionsByInterrupter": by,
                "TotalCount": interruptions.len(),
                "TotalTimeMillis": interruptions.iter().map(|i| i.1.length_ms()).sum::<u64>(),
            },
            "NonTalkTime": { "TotalTimeMillis": quiet.iter().map(|q| q.length_ms()).sum::<u64>(), "Instances": instances },
            "TalkSpeed": { "DetailsByParticipant": each(&|n| json!({
                "AverageWordsPerMinute": conversation::words_per_minute(words(n), talk[n]) })) },
            "TalkTime": {
                "TotalTimeMillis": talk.iter().sum::<u64>(),
                "DetailsByParticipant": each(&|n| json!({ "TotalTimeMillis": talk[n] })),
            },
        })
    }
}

fn offsets(s: Stretch) -> Value {
    json!({ "BeginOffsetMillis": s.begin_ms, "EndOffsetMillis": s.end_ms })
}
