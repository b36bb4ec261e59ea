//! The words of a transcript, one speaker's after the other, without case and punctuation.

use super::super::normal;
use super::super::transcript::Transcript;
use super::language::Language;
use super::lexicon::is_number;

/// A word, or a part of one that was written together with others.
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
    /// It is written as an amount, a time or a day is.
    pub(super) amount: bool,
    pub(super) begin_ms: u64,
    pub(super) end_ms: u64,
    /// The turn and the word that it is of.
    pub(super) turn: usize,
    pub(super) word: usize,
    /// Its place among everybody's, in the order in which they are said.
    pub(super) place: usize,
}

/// What one speaker says.
pub(super) struct Side {
    pub(super) items: Vec<Item>,
}

impl Side {
    fn add(&mut self, text: &str, turn: usize, word: usize, (begin_ms, end_ms): (u64, u64), language: Language) {
        let plain = normal::plain(text);
        let before = self.items.len();
        for part in normal::parts(&plain) {
            let capital = part.text.chars().next().is_some_and(char::is_uppercase);
            let upper = part.text.len() > 1 && part.text.bytes().all(|b| b.is_ascii_uppercase());
            let text = part.text.to_lowercase();
            let item = |text: &str| Item {
                text: text.to_owned(),
                capital,
                upper,
                ends: false,
                stops: false,
                amount: part.amount,
                begin_ms,
                end_ms,
                turn,
                word,
                place: 0,
            };
            match language.english(&text) {
                Some(english) => self.items.extend(english.split_whitespace().map(item)),
                None => self.items.push(item(&text)),
            }
        }
        if let Some(last) = self.items.get_mut(before..).and_then(<[Item]>::last_mut) {
            // An initial and a title have a full stop of their own.
            let short = last.text.chars().count() == 1 && !last.text.bytes().all(|b| b.is_ascii_digit())
                || ["mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr"].contains(&last.text.as_str());
            last.stops = plain.ends_with(['?', '!']) || (plain.ends_with('.') && !short);
            last.ends = last.stops || plain.ends_with([',', ';', ':']);
        }
    }

    #[cfg(test)]
    pub(super) fn of_text(text: &str) -> Self {
        let mut side = Self { items: Vec::new() };
        text.split_whitespace()
            .enumerate()
            .for_each(|(i, w)| side.add(w, 0, i, (100 * i as u64, 100 * i as u64 + 90), Language::English));
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
            side.add(&word.text, t, w, (word.begin_ms, word.end_ms), language);
        }
        // A turn's end is a sentence's, whatever was written.
        if let Some(last) = side.items.last_mut() {
            (last.ends, last.stops) = (true, true);
        }
    }
    for side in &mut sides {
        // Where everything is in capitals, they tell nothing.
        let letters = |i: &&Item| i.text.len() > 1 && i.text.bytes().all(|b| b.is_ascii_alphabetic());
        let (all, upper) = side.items.iter().filter(letters).fold((0, 0), |n, i| (n.0 + 1, n.1 + usize::from(i.upper)));
        if 2 * upper > all && all >= 4 {
            side.items
                .iter_mut()
                .filter(|i| i.text.bytes().all(|b| b.is_ascii_alphabetic()))
                .for_each(|i| i.upper = false);
        }
    }
    sides
}

/// Everybody's words in the order in which they are said, to look for what a number is about; numbers themselves without their text.
pub(super) struct Timeline {
    /// What, and by which side.
    words: Vec<(String, usize)>,
}

/// How far back a number's name is looked for, in words.
const CUE_WORDS: usize = 30;
/// How many words of a question are looked at.
const ASKED_WORDS: usize = 14;

impl Timeline {
    /// Puts the words in order, and tells each item its place. Time orders turns and what is said into them; within a turn the text does, so that
    /// words are found the same whether they have times or not.
    pub(super) fn new(sides: &mut [Side]) -> Self {
        let mut order = Vec::new();
        for (n, side) in sides.iter().enumerate() {
            let (mut turn, mut latest) = (usize::MAX, 0);
            for (i, item) in side.items.iter().enumerate() {
                latest = if item.turn == turn { latest.max(item.begin_ms) } else { item.begin_ms };
                turn = item.turn;
                order.push((latest, item.turn, n, i));
            }
        }
        order.sort_unstable();
        let mut words = Vec::with_capacity(order.len());
        for (place, (_, _, n, i)) in order.into_iter().enumerate() {
            let Some(item) = sides.get_mut(n).and_then(|s| s.items.get_mut(i)) else { continue };
            item.place = place;
            words.push((if is_number(&item.text) { String::new() } else { item.text.clone() }, n));
        }
        Self { words }
    }

    /// What was said before a place, latest last, as one text with spaces around each word.
    pub(super) fn before(&self, place: usize) -> String {
        self.between(0, place)
    }

    /// What the others said last before a place, if `side` has said nothing since.
    pub(super) fn asked(&self, side: usize, place: usize) -> String {
        let heard = self.words.get(..place).unwrap_or_default().iter().rev();
        let recent = heard.take(ASKED_WORDS).take_while(|w| w.1 != side);
        joined(recent.map(|w| w.0.as_str()).filter(|w| !w.is_empty()))
    }

    /// What was said from one place to another; the latest words where it is many.
    pub(super) fn between(&self, from: usize, to: usize) -> String {
        let heard = self.words.get(from..to).unwrap_or_default().iter().rev().map(|w| w.0.as_str());
        joined(heard.take(4 * CUE_WORDS).filter(|w| !w.is_empty()).take(CUE_WORDS))
    }
}

/// Words that come latest first, as one text in their order with spaces around each.
pub(super) fn joined<'a>(latest_first: impl Iterator<Item = &'a str>) -> String {
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
