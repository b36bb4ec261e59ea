//! What a recogniser's text says that its words do not: every character of the text is some word's.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::normal;

/// How far text and words may differ before nothing is the same in both any more, in parts of words.
const LOOK_AHEAD: usize = 48;

/// A word of the text that no word stands for, and the word before which it belongs.
pub(super) struct Missing {
    pub(super) text: String,
    pub(super) before: usize,
}

struct Atom {
    hash: u64,
    /// The word or token that it is of.
    owner: usize,
    digit: bool,
    length: usize,
}

/// The letters and the single digits of texts, in order.
fn atoms<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Atom> {
    let mut atoms = Vec::new();
    for (owner, text) in texts.enumerate() {
        let plain = normal::plain(text).to_lowercase();
        for letters in plain.split(|c: char| !c.is_alphanumeric()).filter(|l| !l.is_empty()) {
            let mut put = |part: &str, digit: bool| {
                let part = normal::UNITS.iter().position(|u| *u == part).map_or(part.to_owned(), |n| n.to_string());
                let mut hasher = DefaultHasher::new();
                part.hash(&mut hasher);
                let digit = digit || part.bytes().all(|b| b.is_ascii_digit());
                atoms.push(Atom { hash: hasher.finish(), owner, digit, length: part.chars().count() });
            };
            let mut rest = letters;
            while let Some(first) = rest.chars().next() {
                let end = match first.is_ascii_digit() {
                    true => 1,
                    false => rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()),
                };
                let (part, tail) = rest.split_at(end);
                put(part, first.is_ascii_digit());
                rest = tail;
            }
        }
    }
    atoms
}

/// Which words of `text` none of `words` stands for.
pub(super) fn missing<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Vec<Missing> {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let (said, known) = (atoms(tokens.iter().copied()), atoms(words));
    let same = |i: usize, j: usize| matches!((said.get(i), known.get(j)), (Some(a), Some(b)) if a.hash == b.hash);
    // Both end here, or what follows is the same, too.
    let goes_on =
        |i: usize, j: usize| same(i, j) && (same(i + 1, j + 1) || i + 1 == said.len() || j + 1 == known.len());
    let mut found: Vec<Missing> = Vec::new();
    let (mut i, mut j) = (0, 0);
    // Of each token: its characters that no word has, whether one is a digit, and whether any is known.
    let mut lost: Vec<(usize, bool, bool, usize)> = vec![(0, false, false, 0); tokens.len()];
    while i < said.len() {
        if same(i, j) {
            lost.get_mut(said[i].owner).into_iter().for_each(|l| l.2 = true);
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let next = (1..=LOOK_AHEAD).find_map(|k| (0..=k).find(|&a| goes_on(i + a, j + k - a)).map(|a| (a, k - a)));
        let (skip, over) = next.unwrap_or((1, 0));
        for atom in said.iter().skip(i).take(skip) {
            let before = known.get(j).map_or(usize::MAX, |w| w.owner);
            if let Some(l) = lost.get_mut(atom.owner) {
                *l = (l.0 + atom.length, l.1 || atom.digit, l.2, before);
            }
        }
        (i, j) = (i + skip, j + over);
    }
    for (token, (length, digit, known, before)) in tokens.iter().zip(lost) {
        // "Smith's" beside "Smith" is covered.
        if digit || length > usize::from(known) {
            found.push(Missing { text: (*token).to_owned(), before });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(text: &str, words: &str) -> String {
        let found = missing(text, words.split_whitespace());
        found.iter().map(|m| format!("{}@{}", m.text, m.before as isize)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_no_word_stands_for_is_told() {
        for (text, words, expected) in [
            ("My card is 4111-1111.", "my card is 4111 1111", ""),
            ("My card is 4111", "my card is four one one one", ""),
            ("Mr. Smith's forty-one", "mr smith forty one", ""),
            ("my card is 4111", "my card", "is@-1 4111@-1"),
            ("my card is 4111 thanks a lot", "my card is thanks a lot", "4111@3"),
            ("4111 1111", "", "4111@-1 1111@-1"),
            ("hi my card is 4111", "hi", "my@-1 card@-1 is@-1 4111@-1"),
            ("card 41111", "hi", "card@0 41111@0"),
            ("x", "my card is", "x@0"),
        ] {
            assert_eq!(lost(text, words), expected, "{text}");
        }
    }
}
