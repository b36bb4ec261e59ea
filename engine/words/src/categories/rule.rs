//! A rule as it is written, and what is wrong with it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::pattern::Pattern;

/// Most conditions of a rule.
pub const MAX_CONDITIONS: usize = 20;
const MAX_WORDS: usize = 100;
const MAX_NAMES: usize = 100;
const MAX_ATTRIBUTE_VALUES: usize = 5;
/// Most conditions of one kind of sentiment, and on attributes, in a rule.
const MAX_OF_A_KIND: usize = 5;

/// When a rule is asked.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventSource {
    /// When a call is over.
    PostCall,
    /// While it goes on.
    RealTime,
}

/// Whose words, feelings or interruptions.
#[derive(Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Side {
    /// Anybody's.
    #[default]
    Any,
    /// The agent's.
    Agent,
    /// The customer's.
    Customer,
}

#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum How {
    Exact,
    Pattern,
    Semantic,
}

/// Which seconds of the call.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Period {
    /// The first.
    First,
    /// The last; in real time those up to now.
    Last,
    /// Any that follow each other.
    Any,
}

#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Match {
    All,
    Any,
}

#[derive(Deserialize, Debug)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Written {
    Words {
        r#match: How,
        values: Vec<String>,
        #[serde(default)]
        participant: Side,
        #[serde(default)]
        negate: bool,
    },
    Agent {
        values: Vec<String>,
    },
    Queue {
        values: Vec<String>,
    },
    Attribute {
        key: String,
        values: Vec<String>,
    },
    SentimentPeriod {
        participant: Side,
        period: Period,
        seconds: u32,
        from: f64,
        to: f64,
    },
    Sentiment {
        participant: Side,
        from: f64,
        to: f64,
    },
    Interruptions {
        #[serde(default)]
        participant: Side,
        at_least: u32,
    },
    NonTalk {
        longest_seconds: Option<f64>,
        total_seconds: Option<f64>,
    },
}

/// What is done where a rule holds.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub enum Action {
    /// The contact gets this category.
    Category {
        /// Its name.
        name: String,
    },
    /// A line among the events.
    Event,
    /// A line in a file, for whoever carries it on.
    Webhook {
        /// Its name, in the folder where the program runs; it is appended to.
        file: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenRule {
    name: String,
    event_source: EventSource,
    #[serde(default = "all")]
    r#match: Match,
    #[serde(default)]
    lists: BTreeMap<String, Vec<String>>,
    conditions: Vec<Written>,
    actions: Vec<Action>,
}

fn all() -> Match {
    Match::All
}

/// What a rule asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// One of the patterns is said.
    Words {
        /// Which.
        patterns: Vec<Pattern>,
        /// By whom.
        side: Side,
        /// None is.
        negate: bool,
    },
    /// The agent is one of these.
    Agent(Vec<String>),
    /// The queue is one of these.
    Queue(Vec<String>),
    /// The attribute has one of these values.
    Attribute(String, Vec<String>),
    /// The mean score of some seconds.
    SentimentPeriod {
        /// Whose.
        side: Side,
        /// Which seconds.
        period: Period,
        /// How many, in milliseconds.
        length_ms: u64,
        /// From and to, -5 to 5.
        range: (f64, f64),
    },
    /// The score of the whole contact.
    Sentiment {
        /// Whose.
        side: Side,
        /// From and to, -5 to 5.
        range: (f64, f64),
    },
    /// So many interruptions.
    Interruptions {
        /// By whom.
        side: Side,
        /// How many.
        at_least: u32,
    },
    /// Nobody spoke for so long.
    NonTalk {
        /// At once, in milliseconds.
        longest_ms: Option<u64>,
        /// In all, in milliseconds.
        total_ms: Option<u64>,
    },
}

/// A rule that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// When it is asked.
    pub event_source: EventSource,
    /// All conditions hold; one is enough otherwise.
    pub all: bool,
    /// What it asks.
    pub conditions: Vec<Condition>,
    /// What is done.
    pub actions: Vec<Action>,
}

/// What is wrong with a rule: everything that is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError(pub Vec<String>);

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for RuleError {}

/// A file's name and nothing else: not hidden, in no other folder.
fn is_plain(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|b| b.is_ascii_alphanumeric())
        && name.len() <= 100
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn score_range(from: f64, to: f64) -> Result<(f64, f64), String> {
    if (-5.0..=5.0).contains(&from) && (-5.0..=5.0).contains(&to) && from <= to {
        return Ok((from, to));
    }
    Err(format!("scores from {from} to {to}: must rise within -5 and 5"))
}

fn counted(what: &str, n: usize, most: usize) -> Result<(), String> {
    if (1..=most).contains(&n) { Ok(()) } else { Err(format!("{n} {what}: must be 1 to {most}")) }
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(json: &str) -> Result<Self, RuleError> {
        let written: WrittenRule = serde_json::from_str(json).map_err(|e| RuleError(vec![e.to_string()]))?;
        let mut wrong = Vec::new();
        if let Err(e) = counted("conditions", written.conditions.len(), MAX_CONDITIONS) {
            wrong.push(e);
        }
        let real_time = written.event_source == EventSource::RealTime;
        let mut conditions = Vec::new();
        for (number, condition) in written.conditions.iter().enumerate() {
            match read(condition, &written.lists, real_time) {
                Ok(condition) => conditions.push(condition),
                Err(e) => wrong.push(format!("condition {}: {e}", number + 1)),
            }
        }
        let of = |what: fn(&Condition) -> bool| conditions.iter().filter(|c| what(c)).count();
        for (name, n) in [
            ("sentimentPeriod conditions", of(|c| matches!(c, Condition::SentimentPeriod { .. }))),
            ("sentiment conditions", of(|c| matches!(c, Condition::Sentiment { .. }))),
            ("attribute conditions", of(|c| matches!(c, Condition::Attribute(..)))),
        ] {
            if n > MAX_OF_A_KIND {
                wrong.push(format!("{n} {name}: must be {MAX_OF_A_KIND} at most"));
            }
        }
        let categories = written.actions.iter().filter(|a| matches!(a, Action::Category { .. })).count();
        if categories != 1 {
            wrong.push(format!("{categories} category actions: must be one"));
        }
        for action in &written.actions {
            match action {
                Action::Category { name } if name.trim().is_empty() || name.chars().count() > 200 => {
                    wrong.push("a category's name must be 1 to 200 characters".to_owned());
                }
                // Whoever may write rules may not choose where on the machine something is written.
                Action::Webhook { file } if !is_plain(file) => {
                    wrong.push(format!("webhook file {file:?}: must be a name of letters, digits, _, - and dots within, without folders"));
                }
                _ => {}
            }
        }
        if written.name.trim().is_empty() {
            wrong.push("the rule has no name".to_owned());
        }
        if !wrong.is_empty() {
            return Err(RuleError(wrong));
        }
        Ok(Self {
            name: written.name,
            event_source: written.event_source,
            all: written.r#match == Match::All,
            conditions,
            actions: written.actions,
        })
    }

    /// The category that it gives.
    pub fn category(&self) -> &str {
        let name = self.actions.iter().find_map(|a| match a {
            Action::Category { name } => Some(name.as_str()),
            _ => None,
        });
        name.unwrap_or_default()
    }
}

fn read(written: &Written, lists: &BTreeMap<String, Vec<String>>, real_time: bool) -> Result<Condition, String> {
    match written {
        Written::Words { r#match: How::Semantic, .. } => {
            Err("SEMANTIC needs a language model, which vouch does not carry: use PATTERN".to_owned())
        }
        Written::Words { r#match, values, participant, negate } => {
            counted("words", values.len(), MAX_WORDS)?;
            let read = |v: &String| match r#match {
                How::Pattern => Pattern::parse(v, lists),
                _ => Pattern::exact(v),
            };
            let patterns = values.iter().map(read).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
            Ok(Condition::Words { patterns, side: *participant, negate: *negate })
        }
        Written::Agent { values } => {
            counted("agents", values.len(), MAX_NAMES)?;
            Ok(Condition::Agent(values.clone()))
        }
        Written::Queue { values } => {
            counted("queues", values.len(), MAX_NAMES)?;
            Ok(Condition::Queue(values.clone()))
        }
        Written::Attribute { key, values } => {
            counted("values", values.len(), MAX_ATTRIBUTE_VALUES)?;
            Ok(Condition::Attribute(key.clone(), values.clone()))
        }
        Written::SentimentPeriod { participant, period, seconds, from, to } => {
            if !(1..=14_400).contains(seconds) {
                return Err(format!("{seconds} seconds: must be 1 to 14400"));
            }
            let length_ms = u64::from(*seconds) * 1_000;
            Ok(Condition::SentimentPeriod {
                side: *participant,
                period: *period,
                length_ms,
                range: score_range(*from, *to)?,
            })
        }
        Written::Sentiment { .. } if real_time => {
            Err("the sentiment of the whole contact is not known in real time: use sentimentPeriod".to_owned())
        }
        Written::Sentiment { participant, from, to } => {
            Ok(Condition::Sentiment { side: *participant, range: score_range(*from, *to)? })
        }
        Written::Interruptions { participant, at_least } => {
            counted("interruptions", *at_least as usize, 1_000)?;
            Ok(Condition::Interruptions { side: *participant, at_least: *at_least })
        }
        Written::NonTalk { longest_seconds, total_seconds } => {
            let ms = |s: Option<f64>| match s {
                Some(s) if s > 0.0 && s <= 14_400.0 => Ok(Some((s * 1_000.0) as u64)),
                Some(s) => Err(format!("{s} seconds: must be above 0 and at most 14400")),
                None => Ok(None),
            };
            let (longest_ms, total_ms) = (ms(*longest_seconds)?, ms(*total_seconds)?);
            if longest_ms.is_none() && total_ms.is_none() {
                return Err("nonTalk needs longestSeconds or totalSeconds".to_owned());
            }
            Ok(Condition::NonTalk { longest_ms, total_ms })
        }
    }
}
