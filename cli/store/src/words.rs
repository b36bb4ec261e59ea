//! What was said, as it is searched: words by speaker, and the figures of a conversation.
//!
//! Words go into the index as keyed hashes, so that phrases are found and nothing can be read there. A masked span and the end of a turn are a
//! token that no query has: no phrase runs over them.

use std::collections::HashMap;

use serde_json::Value;

use crate::error::StoreError;
use crate::sealed::{Keys, mac};

/// Stands between turns, and for what is masked.
const BARRIER: &str = "0";
/// Letters of a word's hash: 40 bits.
const HASH_LETTERS: usize = 8;
/// 32 letters, so that each stands for five bits.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// The agent.
    Agent,
    /// The customer.
    Customer,
    /// A prompt or a bot.
    System,
}

impl Speaker {
    /// All three.
    pub const ALL: [Speaker; 3] = [Speaker::Agent, Speaker::Customer, Speaker::System];

    fn of(role: &str) -> Speaker {
        match role {
            "AGENT" => Speaker::Agent,
            "CUSTOMER" => Speaker::Customer,
            _ => Speaker::System,
        }
    }
}

/// Which copy of what was said an index is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    Redacted,
    Original,
}

/// Hashes of words that are looked for.
pub(crate) enum Item {
    /// One after the other.
    Phrase(Vec<String>),
    /// All of them, anywhere.
    Anywhere(Vec<String>),
}

/// What is looked for in an index of words.
pub(crate) struct WordQuery {
    pub(crate) items: Vec<Item>,
    /// All of the items; one is enough otherwise.
    pub(crate) all: bool,
    /// Who said it.
    pub(crate) by: Vec<Speaker>,
}

/// How somebody felt, -5 to 5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sentiment {
    pub(crate) overall: f64,
    pub(crate) begin: f64,
    pub(crate) end: f64,
}

/// An analysed transcript, as much of it as is searched.
#[derive(Default)]
pub(crate) struct Said {
    turns: Vec<(Option<Speaker>, String)>,
    sentiments: HashMap<Speaker, Sentiment>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) non_talk_ms: Option<i64>,
    pub(crate) categories: Vec<String>,
}

fn wrong(why: impl Into<String>) -> StoreError {
    StoreError::invalid("Transcript", why)
}

impl Said {
    /// Reads the JSON that Contact Lens and `vouch redact` write.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Said, StoreError> {
        let json: Value = serde_json::from_slice(bytes).map_err(|e| wrong(format!("no JSON at line {}", e.line())))?;
        let turns = json["Transcript"].as_array().ok_or_else(|| wrong("has no Transcript"))?;
        let mut speakers = HashMap::new();
        for participant in json["Participants"].as_array().into_iter().flatten() {
            let id = participant["ParticipantId"].as_str().unwrap_or_default();
            let role = participant["ParticipantRole"].as_str().unwrap_or(id);
            speakers.insert(id, Speaker::of(&role.to_uppercase()));
        }
        let speaker_of = |id: &str| speakers.get(id).copied().unwrap_or_else(|| Speaker::of(&id.to_uppercase()));
        let turn = |(number, turn): (usize, &Value)| {
            let content = turn["Content"].as_str().ok_or_else(|| wrong(format!("turn {number} has no Content")))?;
            Ok((turn["ParticipantId"].as_str().map(speaker_of), content.to_owned()))
        };
        let turns = turns.iter().enumerate().map(turn).collect::<Result<Vec<_>, StoreError>>()?;
        let figures = &json["ConversationCharacteristics"];
        let mut sentiments = HashMap::new();
        for (id, overall) in figures["Sentiment"]["OverallSentiment"].as_object().into_iter().flatten() {
            let quarters = figures["Sentiment"]["SentimentByPeriod"]["QUARTER"][id].as_array();
            let score = |quarter: Option<&Value>| quarter.and_then(|q| q["Score"].as_f64());
            let overall = overall.as_f64().unwrap_or(0.0);
            let begin = score(quarters.and_then(|q| q.first())).unwrap_or(overall);
            let end = score(quarters.and_then(|q| q.last())).unwrap_or(overall);
            sentiments.insert(speaker_of(id), Sentiment { overall, begin, end });
        }
        let categories = json["Categories"]["MatchedCategories"].as_array().into_iter().flatten();
        let mut categories: Vec<String> = categories.filter_map(Value::as_str).map(str::to_owned).collect();
        categories.sort_unstable();
        categories.dedup();
        Ok(Said {
            turns,
            sentiments,
            duration_ms: figures["TotalConversationDurationMillis"].as_i64(),
            non_talk_ms: figures["NonTalkTime"]["TotalTimeMillis"].as_i64(),
            categories,
        })
    }

    pub(crate) fn sentiment(&self, speaker: Speaker) -> Option<Sentiment> {
        self.sentiments.get(&speaker).copied()
    }

    /// What one speaker said, word by word; somebody who is none of the three counts as the system.
    pub(crate) fn tokens(&self, speaker: Speaker) -> impl Iterator<Item = Option<String>> {
        let own = self.turns.iter().filter(move |(who, _)| who.unwrap_or(Speaker::System) == speaker);
        own.flat_map(|(_, content)| tokens(content).into_iter().chain([None]))
    }
}

/// The words of a text in lower case; `None` for a masked span, `[PII]` or `[NAME]`.
pub(crate) fn tokens(text: &str) -> Vec<Option<String>> {
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mask = rest.strip_prefix('[').and_then(|r| r.split_once(']')).filter(|(kind, _)| {
            !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        });
        if let Some((_, after)) = mask {
            all.push(None);
            rest = after;
            continue;
        }
        let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        if length > 0 {
            all.push(Some(rest[..length].to_lowercase()));
            rest = &rest[length..];
        } else {
            rest = rest.split_at(rest.chars().next().map_or(1, char::len_utf8)).1;
        }
    }
    all
}

impl Keys {
    /// A word's hash.
    pub(crate) fn word(&self, word: &str) -> String {
        let code = mac(&self.words, word.as_bytes());
        let bits = code.iter().take(HASH_LETTERS * 5 / 8).fold(0u64, |all, b| all << 8 | u64::from(*b));
        (0..HASH_LETTERS).map(|i| char::from(LETTERS[(bits >> (5 * i)) as usize & 31])).collect()
    }

    /// What goes into the index.
    pub(crate) fn words(&self, tokens: impl Iterator<Item = Option<String>>) -> String {
        let mut known: HashMap<String, String> = HashMap::new();
        let mut all = String::new();
        for token in tokens {
            match token {
                Some(word) => all += known.entry(word).or_insert_with_key(|w| self.word(w)),
                None => all += BARRIER,
            }
            all.push(' ');
        }
        all
    }
}

/// A transcript without sentiment and figures.
pub(crate) fn without_figures(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut json: Value = serde_json::from_slice(bytes).map_err(|e| wrong(format!("no JSON at line {}", e.line())))?;
    if let Some(all) = json.as_object_mut() {
        all.remove("ConversationCharacteristics");
        for turn in all.get_mut("Transcript").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(turn) = turn.as_object_mut() {
                turn.remove("Sentiment");
                turn.remove("LoudnessScore");
            }
        }
    }
    serde_json::to_vec(&json).map_err(|e| StoreError::Internal { reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_and_masks_are_none() {
        let some = |w: &str| Some(w.to_owned());
        let got = tokens("My card's [CREDIT_DEBIT_NUMBER], Straße [ok] 12-34 [PII]");
        let want =
            [some("my"), some("card"), some("s"), None, some("straße"), some("ok"), some("12"), some("34"), None];
        assert_eq!(got, want);
        assert!(tokens("[").is_empty() && tokens("").is_empty() && tokens("[PII").len() == 1);
    }

    #[test]
    fn hashes_are_those_of_the_key_and_tell_turns_apart() {
        let (a, b) = (Keys::random().unwrap(), Keys::random().unwrap());
        assert_eq!(a.word("card"), a.word("card"));
        assert_ne!(a.word("card"), b.word("card"));
        assert_ne!(a.word("card"), a.word("cart"));
        let words = a.words([Some("x".to_owned()), None, Some("x".to_owned())].into_iter());
        assert_eq!(words, format!("{x} 0 {x} ", x = a.word("x")));
        assert!(a.word("x").len() == HASH_LETTERS && a.word("x") != BARRIER);
    }
}
