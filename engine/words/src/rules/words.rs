//! The words of a transcript, one speaker's after the other, without case and punctuation.

use super::super::transcript::Transcript;
use super::language::Language;
use super::spoken::is_number;

/// A word, or a part of one that was written with a hyphen.
pub(super) struct Item {
    pub(super) text: String,
    /// It was written with a capital letter.
    pub(super) capital: bool,
    /// It was written in capital letters only, more than one.
    pub(super) upper: bool,
    /// A sentence or a clause ends after it.
    pub(super) ends: bool,
    /// A sentence ends after it.
    pub(super) stops: bool,
    pub(super) begin_ms: u64,
    pub(super) end_ms: u64,
    /// The turn and the word that it is of.
    pub(super) turn: usize,
    pub(super) word: usize,
}

/// What one speaker says.
pub(super) struct Side {
    pub(super) items: Vec<Item>,
}

fn trimmed(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '@' | '#' | '/'))
}

impl Side {
    fn add(&mut self, text: &str, turn: usize, word: usize, begin_ms: u64, end_ms: u64, language: Language) {
        let whole = trimmed(text);
        if whole.is_empty() {
            return;
        }
        // "forty-one" and "4111-1111" are two words; an address or a name of a page is one.
        let parts = whole.split('-').map(trimmed).filter(|p| !p.is_empty());
        let split = !whole.contains(['@', '.', '/', ':', '_']) && !whole.eq_ignore_ascii_case("x-ray");
        let mut put = |part: &str| {
            let capital = part.chars().next().is_some_and(char::is_uppercase);
            let upper = part.len() > 1 && part.bytes().all(|b| b.is_ascii_uppercase());
            let text = part.to_lowercase();
            let item = |text: &str| Item {
                text: text.to_owned(),
                capital,
                upper,
                ends: false,
                stops: false,
                begin_ms,
                end_ms,
                turn,
                word,
            };
            match language.english(&text) {
                Some(english) => self.items.extend(english.split_whitespace().map(item)),
                None => self.items.push(item(&text)),
            }
        };
        if split {
            parts.for_each(put)
        } else {
            put(whole)
        }
        if let Some(last) = self.items.last_mut() {
            // An initial has a full stop of its own.
            let initial = last.text.chars().count() == 1;
            last.stops = text.ends_with(['?', '!']) || (text.ends_with('.') && !initial);
            last.ends = last.stops || text.ends_with([',', ';', ':']);
        }
    }

    #[cfg(test)]
    pub(super) fn of_text(text: &str) -> Self {
        let mut side = Self { items: Vec::new() };
        text.split_whitespace()
            .enumerate()
            .for_each(|(i, w)| side.add(w, 0, i, 100 * i as u64, 100 * i as u64 + 90, Language::English));
        side
    }
}

/// Each speaker's words, in the order of their numbers.
pub(super) fn sides(transcript: &Transcript, language: Language) -> Vec<Side> {
    let mut speakers: Vec<usize> = transcript.turns().iter().map(|t| t.speaker).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let mut sides: Vec<Side> = speakers.iter().map(|_| Side { items: Vec::new() }).collect();
    for (t, turn) in transcript.turns().iter().enumerate() {
        let Some(side) = speakers.binary_search(&turn.speaker).ok().and_then(|i| sides.get_mut(i)) else { continue };
        for (w, word) in turn.words.iter().enumerate() {
            side.add(&word.text, t, w, word.begin_ms, word.end_ms, language);
        }
        // A turn's end is a sentence's, whatever was written.
        if let Some(last) = side.items.last_mut() {
            (last.ends, last.stops) = (true, true);
        }
    }
    sides
}

/// Everybody's words by time, to look for what a number is about; numbers themselves without their text.
pub(super) struct Timeline {
    /// When, what, and by which side.
    words: Vec<(u64, String, usize)>,
}

/// How far back a number's name is looked for, in words and milliseconds.
const CUE_WORDS: usize = 30;
const CUE_MS: u64 = 25_000;
/// How many words of a question are looked at.
const ASKED_WORDS: usize = 14;

impl Timeline {
    pub(super) fn new(sides: &[Side]) -> Self {
        let all = sides.iter().enumerate().flat_map(|(n, s)| s.items.iter().map(move |i| (n, i)));
        let text = |i: &Item| if is_number(&i.text) { String::new() } else { i.text.clone() };
        let mut words: Vec<_> = all.map(|(n, i)| (i.begin_ms, text(i), n)).collect();
        words.sort_by_key(|w| w.0);
        Self { words }
    }

    /// What was said before a time, latest last, as one text with spaces around each word.
    pub(super) fn before(&self, begin_ms: u64) -> String {
        self.between(begin_ms.saturating_sub(CUE_MS), begin_ms)
    }

    /// What the others said last before a time, if `side` has said nothing since.
    pub(super) fn asked(&self, side: usize, begin_ms: u64) -> String {
        let end = self.words.partition_point(|w| w.0 < begin_ms);
        let heard = self.words.get(..end).unwrap_or_default().iter().rev();
        let recent = heard.take(ASKED_WORDS).take_while(|w| w.2 != side && w.0 + CUE_MS > begin_ms);
        joined(recent.map(|w| w.1.as_str()).filter(|w| !w.is_empty()))
    }

    /// What was said from one time to another; the latest words where it is many.
    pub(super) fn between(&self, from_ms: u64, to_ms: u64) -> String {
        let end = self.words.partition_point(|w| w.0 < to_ms);
        let start = self.words.partition_point(|w| w.0 < from_ms);
        let heard = self.words.get(start..end).unwrap_or_default().iter().rev().map(|w| w.1.as_str());
        joined(heard.take(4 * CUE_WORDS).filter(|w| !w.is_empty()).take(CUE_WORDS))
    }
}

/// Words that come latest first, as one text in their order with spaces around each.
fn joined<'a>(latest_first: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = latest_first.collect();
    words.iter().rev().fold(String::from(" "), |text, word| text + word + " ")
}

/// How many words lie between the last of these phrases and the end of `before`; `None` where none is there.
pub(super) fn nearest(before: &str, phrases: &[&str]) -> Option<usize> {
    let at = phrases.iter().filter_map(|phrase| {
        let wanted = format!(" {phrase} ");
        before.rfind(&wanted).map(|i| before.get(i + wanted.len()..).unwrap_or("").split_whitespace().count())
    });
    at.min()
}
