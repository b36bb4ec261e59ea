//! Rules asked about one conversation, turn by turn.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::pattern::words;
use super::rule::{Condition, EventSource, Period, Rule, Side};
use crate::conversation::Stretch;

/// Silence from which on nobody's voice is non-talk time, in milliseconds: as Contact Lens has it.
const NON_TALK_MS: u64 = 3_000;
/// Most points of interest of a category.
const MAX_POINTS: usize = 20;

/// What is said in one go.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The agent, the customer, or somebody else.
    pub side: Option<Side>,
    /// The words.
    pub content: String,
    /// From the beginning of the call.
    pub time: Stretch,
    /// -5 to 5, where it is known.
    pub score: Option<f64>,
}

/// What is known of a contact beside what is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The agent's user name.
    pub agent: Option<String>,
    /// The queue.
    pub queue: Option<String>,
    /// Attributes.
    pub attributes: BTreeMap<String, String>,
}

impl About {
    /// From a contact record.
    pub fn of(record: &Value) -> Self {
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let attributes = record["Attributes"].as_object().into_iter().flatten();
        Self {
            agent: text(&record["Agent"]["Username"]),
            queue: text(&record["Queue"]["Name"]),
            attributes: attributes.filter_map(|(k, v)| Some((k.clone(), text(v)?))).collect(),
        }
    }
}

/// A rule that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Which of the rules.
    pub rule: usize,
    /// When it was known, in milliseconds from the beginning of the call.
    pub at_ms: u64,
    /// The turns that decided.
    pub points: Vec<Stretch>,
}

/// Asks rules about one conversation as it goes on.
#[derive(Debug)]
pub struct Watch<'a> {
    rules: &'a [Rule],
    source: EventSource,
    about: About,
    states: Vec<Vec<State>>,
    fired: Vec<bool>,
    now_ms: u64,
    quiet_total_ms: u64,
    quiet_longest_ms: u64,
    last: Option<(Option<Side>, Stretch)>,
    interruptions: [u32; 2],
    scores: Vec<(Option<Side>, Stretch, f64)>,
}

#[derive(Clone, Debug, Default)]
struct State {
    holds: bool,
    points: Vec<Stretch>,
}

fn is_of(wanted: Side, side: Option<Side>) -> bool {
    wanted == Side::Any || side == Some(wanted)
}

impl<'a> Watch<'a> {
    /// Before anything is said. Rules of another source than `source` are left alone.
    pub fn new(rules: &'a [Rule], source: EventSource, about: About) -> Self {
        Self {
            rules,
            source,
            about,
            states: rules.iter().map(|r| vec![State::default(); r.conditions.len()]).collect(),
            fired: vec![false; rules.len()],
            now_ms: 0,
            quiet_total_ms: 0,
            quiet_longest_ms: 0,
            last: None,
            interruptions: [0; 2],
            scores: Vec::new(),
        }
    }

    /// What is said next; turns come in the order in which they begin. Tells the rules that hold from now on.
    pub fn turn(&mut self, turn: &Turn) -> Vec<Fired> {
        self.quiet(turn.time.begin_ms);
        if let Some((side, time)) = self.last {
            let other = turn.side.is_some() && side != turn.side;
            if other && turn.time.begin_ms < time.end_ms {
                match turn.side {
                    Some(Side::Agent) => self.interruptions[0] += 1,
                    Some(Side::Customer) => self.interruptions[1] += 1,
                    _ => {}
                }
            }
        }
        self.last = Some((turn.side, turn.time));
        self.now_ms = self.now_ms.max(turn.time.end_ms);
        self.scores.extend(turn.score.map(|s| (turn.side, turn.time, s)));
        let said = words(&turn.content);
        self.look(Some((turn, &said)), false)
    }

    /// The call is over, after so many milliseconds. Tells the rules that hold only now.
    pub fn finish(&mut self, length_ms: u64) -> Vec<Fired> {
        self.quiet(length_ms);
        self.now_ms = self.now_ms.max(length_ms);
        self.look(None, true)
    }

    /// Nobody spoke from what was said last to here.
    fn quiet(&mut self, until_ms: u64) {
        let gap = until_ms.saturating_sub(self.now_ms);
        if gap > NON_TALK_MS {
            self.quiet_total_ms += gap;
            self.quiet_longest_ms = self.quiet_longest_ms.max(gap);
        }
    }

    /// The mean score of one side between two moments, weighed by time.
    fn mean(&self, side: Side, from_ms: u64, to_ms: u64) -> Option<f64> {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (_, time, score) in self.scores.iter().filter(|(who, ..)| is_of(side, *who)) {
            let overlap = time.end_ms.min(to_ms).saturating_sub(time.begin_ms.max(from_ms)) as f64;
            sum += score * overlap;
            weight += overlap;
        }
        (weight > 0.0).then(|| sum / weight)
    }

    fn period(&self, side: Side, period: Period, length_ms: u64, range: (f64, f64), over: bool) -> bool {
        let fits = |from: u64, to: u64| self.mean(side, from, to).is_some_and(|m| (range.0..=range.1).contains(&m));
        match period {
            // Known when those seconds are over.
            Period::First => (over || self.now_ms >= length_ms) && fits(0, length_ms),
            // In a call that goes on the last seconds are those up to now.
            Period::Last => {
                (over || self.source == EventSource::RealTime)
                    && fits(self.now_ms.saturating_sub(length_ms), self.now_ms)
            }
            Period::Any => {
                let newest = self.scores.last().map(|s| s.1.end_ms);
                newest.is_some_and(|end| (over || end >= length_ms) && fits(end.saturating_sub(length_ms), end))
            }
        }
    }

    fn look(&mut self, new: Option<(&Turn, &[String])>, over: bool) -> Vec<Fired> {
        let mut told = Vec::new();
        let rules = self.rules;
        for (number, rule) in rules.iter().enumerate() {
            if rule.event_source != self.source || self.fired[number] {
                continue;
            }
            for (which, condition) in rule.conditions.iter().enumerate() {
                let (holds, point) = self.ask(condition, new, over);
                let state = &mut self.states[number][which];
                let negated = matches!(condition, Condition::Words { negate: true, .. });
                // What was said once was said; what was not said is known at the end.
                let before = state.holds;
                state.holds = match condition {
                    Condition::Words { .. } => before || holds,
                    Condition::SentimentPeriod { period: Period::First | Period::Any, .. } => before || holds,
                    _ => holds,
                };
                if let (Some(point), false) = (point, negated)
                    && state.points.len() < MAX_POINTS
                {
                    state.points.push(point);
                }
            }
            let states = &self.states[number];
            let mut holds = rule.conditions.iter().zip(states).map(|(condition, state)| match condition {
                Condition::Words { negate: true, .. } => over && !state.holds,
                _ => state.holds,
            });
            // A batch tells at the end, with every point.
            let ready = over || self.source == EventSource::RealTime;
            let all = if rule.all { holds.all(|h| h) } else { holds.any(|h| h) };
            if all && ready {
                let mut points: Vec<Stretch> = states.iter().flat_map(|s| s.points.iter().copied()).collect();
                points.sort_unstable_by_key(|p| (p.begin_ms, p.end_ms));
                points.dedup();
                points.truncate(MAX_POINTS);
                self.fired[number] = true;
                told.push(Fired { rule: number, at_ms: self.now_ms, points });
            }
        }
        told
    }

    fn ask(&self, condition: &Condition, new: Option<(&Turn, &[String])>, over: bool) -> (bool, Option<Stretch>) {
        let named = |values: &[String], name: &Option<String>| name.as_ref().is_some_and(|n| values.contains(n));
        let holds = match condition {
            Condition::Words { patterns, side, .. } => {
                let said = new.filter(|(turn, _)| is_of(*side, turn.side));
                let hit = said.filter(|(_, words)| patterns.iter().any(|p| p.is_in(words)));
                return (hit.is_some(), hit.map(|(turn, _)| turn.time));
            }
            Condition::Agent(values) => named(values, &self.about.agent),
            Condition::Queue(values) => named(values, &self.about.queue),
            Condition::Attribute(key, values) => self.about.attributes.get(key).is_some_and(|v| values.contains(v)),
            Condition::SentimentPeriod { side, period, length_ms, range } => {
                self.period(*side, *period, *length_ms, *range, over)
            }
            Condition::Sentiment { side, range } => {
                over && self.mean(*side, 0, u64::MAX).is_some_and(|m| (range.0..=range.1).contains(&m))
            }
            Condition::Interruptions { side, at_least } => {
                let [agent, customer] = self.interruptions;
                let count = match side {
                    Side::Any => agent + customer,
                    Side::Agent => agent,
                    Side::Customer => customer,
                };
                count >= *at_least
            }
            Condition::NonTalk { longest_ms, total_ms } => {
                longest_ms.is_none_or(|ms| self.quiet_longest_ms >= ms)
                    && total_ms.is_none_or(|ms| self.quiet_total_ms >= ms)
            }
        };
        (holds, None)
    }
}

/// The turns of an analysed transcript (Contact Lens's JSON), in the order in which they begin, and the length of the call.
///
/// # Errors
/// It is not of that shape.
pub fn turns_of(analysis: &Value) -> Result<(Vec<Turn>, u64)> {
    let mut sides = BTreeMap::new();
    for participant in analysis["Participants"].as_array().into_iter().flatten() {
        let id = participant["ParticipantId"].as_str().unwrap_or_default();
        sides.insert(id, side(participant["ParticipantRole"].as_str().unwrap_or(id)));
    }
    let listed = analysis["Transcript"].as_array().context("no Transcript")?;
    let mut turns = listed
        .iter()
        .enumerate()
        .map(|(number, t)| turn_of(t, &sides).with_context(|| format!("turn {number} of the transcript")))
        .collect::<Result<Vec<_>>>()?;
    turns.sort_by_key(|t| t.time.begin_ms);
    let end = turns.iter().map(|t| t.time.end_ms).max().unwrap_or(0);
    let length = analysis["ConversationCharacteristics"]["TotalConversationDurationMillis"].as_u64().unwrap_or(end);
    Ok((turns, length.max(end)))
}

fn side(role: &str) -> Option<Side> {
    match role.to_uppercase().as_str() {
        "AGENT" => Some(Side::Agent),
        "CUSTOMER" => Some(Side::Customer),
        _ => None,
    }
}

/// A turn as transcripts and real-time segments have it; `sides` tells who a participant is where the turn does not.
///
/// # Errors
/// It is not of that shape.
pub fn turn_of(turn: &Value, sides: &BTreeMap<&str, Option<Side>>) -> Result<Turn> {
    let ms = |key: &str| turn[key].as_u64().with_context(|| format!("{key} is missing"));
    let who = turn["ParticipantId"].as_str().unwrap_or_default();
    let role = turn["ParticipantRole"].as_str().map(side);
    Ok(Turn {
        side: role.or_else(|| sides.get(who).copied()).unwrap_or_else(|| side(who)),
        content: turn["Content"].as_str().context("Content is missing")?.to_owned(),
        time: Stretch { begin_ms: ms("BeginOffsetMillis")?, end_ms: ms("EndOffsetMillis")? },
        score: match turn["Sentiment"].as_str() {
            Some("POSITIVE") => Some(5.0),
            Some("NEGATIVE") => Some(-5.0),
            Some(_) => Some(0.0),
            None => None,
        },
    })
}

/// The block `Categories` of an analysed call.
pub fn categories(rules: &[Rule], fired: &[Fired]) -> Value {
    let mut details: BTreeMap<&str, Vec<Stretch>> = BTreeMap::new();
    for f in fired {
        let name = rules.get(f.rule).map_or("", Rule::category);
        details.entry(name).or_default().extend(&f.points);
    }
    let names: Vec<&str> = details.keys().copied().collect();
    let points = |all: &Vec<Stretch>| {
        let points = all.iter().take(MAX_POINTS);
        points.map(|p| json!({"BeginOffsetMillis": p.begin_ms, "EndOffsetMillis": p.end_ms})).collect::<Vec<_>>()
    };
    let each = details.iter().map(|(name, all)| ((*name).to_owned(), json!({ "PointsOfInterest": points(all) })));
    json!({ "MatchedCategories": names, "MatchedDetails": Value::Object(each.collect()) })
}
