//! Finding personal data in the words of a call.
//!
//! Numbers are read as they are spoken ([`find`] joins digits, tens, spelled letters and corrections over a speaker's turns, whatever the
//! other one says in between), and are known by their check digits and by what they are called shortly before, by whomever. Nothing found is
//! proof that there is nothing else.

mod check;
mod language;
mod lexicon;
mod misheard;
mod names;
mod network;
mod numbers;
mod parts;
mod phrases;
mod spoken;
mod tagger;
mod words;

pub use language::Language;

use super::Entity;
use super::mute::Span;
use super::transcript::Transcript;

/// Words of one turn, one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The turn.
    pub turn: usize,
    /// Its words.
    pub words: std::ops::Range<usize>,
    /// When they are said.
    pub span: Span,
}

/// Something personal that was found. It holds no text.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// What it is.
    pub entity: Entity,
    /// Where it is said; several places where it goes over turns.
    pub places: Vec<Place>,
    /// How sure that is, 0 to 1. Below [`REVIEW_BELOW`] somebody should look at it.
    pub confidence: f32,
    /// What found it.
    pub recogniser: &'static str,
    /// Each of its words has a time of its own. Where one has none, all of the stretch that it is in is silenced.
    pub placed: bool,
}

impl Finding {
    /// Whether somebody should look at it: what it is is not sure, or when it was said.
    pub fn needs_review(&self) -> bool {
        self.confidence < REVIEW_BELOW || !self.placed
    }
}

/// What the network finds, as [`Finding::recogniser`].
const TAGGER: &str = "tagger";

/// What is worse where a name or an address has no cue: to miss it, or to silence what is none. Rules are not asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lean {
    /// To miss it.
    Recall,
    /// Both, but what is missed is heard for good.
    #[default]
    Balanced,
    /// To silence what is none.
    Precision,
}

impl Lean {
    /// How much less likely than nothing it may be, in natural logarithms of odds.
    fn odds(self) -> f32 {
        match self {
            Self::Recall => 2.0,
            Self::Balanced => 0.7,
            Self::Precision => -1.0,
        }
    }
}

/// Findings less sure than this want to be looked at.
pub const REVIEW_BELOW: f32 = 0.75;

/// The kinds that are looked for, in the order of [`Entity::ALL`]. The others are known by name only.
pub fn recognised() -> Vec<Entity> {
    let mut all: Vec<Entity> = numbers::entities().chain(phrases::ENTITIES).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Finds what is personal in English, of the kinds in `wanted`, in the order in which it is said. A word may be part of two findings.
pub fn find(transcript: &Transcript, wanted: &[Entity]) -> Vec<Finding> {
    find_in(transcript, wanted, Language::English, Lean::default())
}

/// [`find`] in a language, leaning to one side where names and addresses are not sure.
pub fn find_in(transcript: &Transcript, wanted: &[Entity], language: Language, lean: Lean) -> Vec<Finding> {
    let mut sides = words::sides(transcript, language);
    let timeline = words::Timeline::new(&mut sides);
    let mut findings = Vec::new();
    let mut all: Vec<Vec<phrases::Phrase>> =
        sides.iter().enumerate().map(|(n, side)| phrases::find(side, n, &timeline)).collect();
    if language == Language::English {
        tagged(&sides, &timeline, lean, &mut all);
    }
    phrases::known_names(&sides, &mut all);
    for (side, phrases) in sides.iter().zip(&mut all) {
        phrases.iter_mut().for_each(|p| numbers::expiry(side, p, &timeline));
        phrases.retain(|p| wanted.contains(&p.entity));
        // In order, and without overlap.
        phrases.sort_by_key(|p| p.items.start);
    }
    for (side, phrases) in sides.iter().zip(&all) {
        for p in phrases {
            let items = side.items.get(p.items.clone()).unwrap_or_default();
            let (entity, confidence, recogniser) = (p.entity, p.confidence, p.recogniser);
            findings.push(Finding { entity, places: places(items), confidence, recogniser, placed: true });
        }
    }
    let runs: Vec<Vec<spoken::Run>> = sides.iter().map(spoken::runs).collect();
    let mut numbers = parts::Numbers::new(&sides, &runs);
    for (n, ((side, phrases), runs)) in sides.iter().zip(&all).zip(&runs).enumerate() {
        for (r, run) in runs.iter().enumerate().filter(|(_, run)| run.len() >= 3) {
            for found in numbers::find(side, run, &timeline, wanted) {
                let pieces = run.pieces.get(found.pieces.clone()).unwrap_or_default();
                // All from the first word to the last: what is said between two digits belongs to the number.
                let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { continue };
                let words = first.words.start..last.words.end;
                // A date or an address has its own numbers. What is only in part of one is found as both: no word is left out for another's sake.
                let around = phrases.partition_point(|p| p.items.start <= words.start).checked_sub(1);
                let rule = |p: &&phrases::Phrase| p.recogniser != TAGGER;
                if around.and_then(|i| phrases.get(i)).filter(rule).is_some_and(|p| words.end <= p.items.end) {
                    continue;
                }
                numbers.found(n, r, &found);
                let items = side.items.get(words).unwrap_or_default();
                findings.push(Finding {
                    entity: found.entity,
                    places: places(items),
                    confidence: found.confidence,
                    recogniser: found.recogniser,
                    placed: true,
                });
            }
        }
    }
    for more in numbers.rest(&timeline, wanted) {
        let mut places = Vec::new();
        for (side, items) in &more.items {
            let items = sides.get(*side).and_then(|s| s.items.get(items.clone())).unwrap_or_default();
            places.extend(self::places(items));
        }
        places.sort_by_key(|p| (p.turn, p.words.start));
        let (entity, confidence, recogniser) = (more.entity, more.confidence, more.recogniser);
        findings.push(Finding { entity, places, confidence, recogniser, placed: true });
    }
    unread(&mut findings);
    for finding in &mut findings {
        let mut words = finding.places.iter().flat_map(|p| p.words.clone().map(|w| (p.turn, w)));
        finding.placed = !words.any(|(turn, word)| transcript.is_loose(turn, word));
    }
    findings.sort_by_key(|f| f.places.first().map(|p| (p.span.begin_ms, p.turn, p.words.start)));
    findings
}

/// Adds what the network takes for names and addresses, each turn by itself, to what the rules found: what either finds is found, all of it.
fn tagged(sides: &[words::Side], timeline: &words::Timeline, lean: Lean, found: &mut [Vec<phrases::Phrase>]) {
    let mut reading = tagger::Reading::new();
    for (n, (side, found)) in sides.iter().zip(found).enumerate() {
        let mut more = Vec::new();
        let mut from = 0;
        for turn in side.items.chunk_by(|a, b| a.turn == b.turn) {
            let asked = turn.first().map_or_else(String::new, |first| timeline.asked(n, first.place));
            for tagged in reading.find(turn, &asked, lean.odds()) {
                let items = from + tagged.items.start..from + tagged.items.end;
                let (entity, confidence) = (tagged.entity, tagged.confidence);
                more.push(phrases::Phrase { entity, items, confidence, recogniser: TAGGER });
            }
            from += turn.len();
        }
        for new in more {
            join(found, new);
        }
    }
}

/// Adds a phrase of the network. Where a rule found the same kind there, what the rule found grows by it.
fn join(found: &mut Vec<phrases::Phrase>, mut new: phrases::Phrase) {
    let touches =
        |p: &phrases::Phrase, new: &phrases::Phrase| p.items.start < new.items.end && new.items.start < p.items.end;
    if let Some(rule) = found.iter_mut().find(|p| p.entity == new.entity && touches(p, &new)) {
        rule.items = rule.items.start.min(new.items.start)..rule.items.end.max(new.items.end);
        return;
    }
    // A street that is called after somebody is no name, nor is an e-mail address.
    if found.iter().any(|p| p.items.start <= new.items.start && new.items.end <= p.items.end) {
        return;
    }
    new.confidence = new.confidence.min(0.95);
    found.push(new);
}

/// Takes away what the network found inside of what a rule found: "GB82 WEST" of an account number is no address.
fn unread(findings: &mut Vec<Finding>) {
    let ruled: Vec<Place> =
        findings.iter().filter(|f| f.recogniser != TAGGER).flat_map(|f| f.places.iter().cloned()).collect();
    let inside = |p: &Place| {
        let around = |r: &Place| r.turn == p.turn && r.words.start <= p.words.start && p.words.end <= r.words.end;
        ruled.iter().any(around)
    };
    findings.retain(|f| f.recogniser != TAGGER || !f.places.iter().all(inside));
}

/// Whether a word may be part of a number, or of one that goes on: digits, spelled letters, letters in capitals.
pub(super) fn may_go_on(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    // "CXBA", and "PX" of "PX 45 42 00 A".
    let code = |part: &str| part.bytes().all(|b| b.is_ascii_uppercase());
    if word.split('-').any(code) {
        return true;
    }
    let word = word.to_lowercase();
    word.split('-').any(|part| lexicon::is_number(part) || part.chars().count() == 1 || lexicon::is_alphabet(part))
}

/// The places of words that follow each other.
fn places(items: &[words::Item]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for item in items {
        match places.last_mut().filter(|p| p.turn == item.turn) {
            Some(place) => {
                place.words.end = place.words.end.max(item.word + 1);
                place.span.begin_ms = place.span.begin_ms.min(item.begin_ms);
                place.span.end_ms = place.span.end_ms.max(item.end_ms);
            }
            None => places.push(Place {
                turn: item.turn,
                words: item.word..item.word + 1,
                span: Span { begin_ms: item.begin_ms, end_ms: item.end_ms },
            }),
        }
    }
    places
}

#[cfg(test)]
mod tests;
