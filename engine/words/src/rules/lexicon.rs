//! Words that are numbers, letters, or nothing beside them.

use crate::normal::{TEENS, TENS, UNITS};

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Atom<'a> {
    /// 0 to 9, spoken.
    Unit(u32),
    /// 10 to 19.
    Teen(u32),
    /// 20 to 90.
    Tens(u32),
    Hundred,
    Thousand,
    /// Digits and letters as they were written.
    Written(&'a str),
    Letter(char),
    /// "double", "triple": the next one so many times.
    Repeat(usize),
    Soft,
    Correction,
    Other,
}

/// ICAO's alphabet, with the spellings that recognisers write.
const ALPHABET: [&str; 28] = [
    "alpha", "alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "juliett",
    "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor",
    "whiskey", "xray", "yankee", "zulu",
];
const SOFT: [&str; 37] = [
    "um",
    "uh",
    "er",
    "erm",
    "ah",
    "hmm",
    "mm",
    "okay",
    "ok",
    "and",
    "then",
    "so",
    "yes",
    "yeah",
    "yep",
    "right",
    "dash",
    "hyphen",
    "minus",
    "space",
    "slash",
    "dot",
    "point",
    "is",
    "it's",
    "that's",
    "the",
    "comma",
    "next",
    "like",
    "number",
    "finally",
    "lastly",
    "colon",
    "period",
    "underscore",
    "plus",
];
const CORRECTIONS: [&str; 9] = ["no", "sorry", "wait", "correction", "oops", "actually", "mean", "scratch", "rather"];

fn place(list: &[&str], word: &str) -> Option<u32> {
    list.iter().position(|w| *w == word).and_then(|i| u32::try_from(i).ok())
}

pub(super) fn atom(word: &str) -> Atom<'_> {
    if let Some(n) = place(&UNITS, word) {
        return Atom::Unit(n);
    }
    if let Some(n) = place(&TEENS, word) {
        return Atom::Teen(10 + n);
    }
    if let Some(n) = place(&TENS, word) {
        return Atom::Tens(20 + 10 * n);
    }
    match word {
        "oh" | "o" | "nought" | "naught" | "nil" | "null" => return Atom::Unit(0),
        "niner" => return Atom::Unit(9),
        "fourty" => return Atom::Tens(40),
        "hundred" => return Atom::Hundred,
        "thousand" => return Atom::Thousand,
        "double" => return Atom::Repeat(2),
        "triple" | "treble" => return Atom::Repeat(3),
        "quadruple" => return Atom::Repeat(4),
        "x-ray" => return Atom::Letter('X'),
        _ => {}
    }
    if ALPHABET.contains(&word) {
        return Atom::Letter(word.chars().next().unwrap_or('x').to_ascii_uppercase());
    }
    if SOFT.contains(&word) {
        return Atom::Soft;
    }
    if CORRECTIONS.contains(&word) {
        return Atom::Correction;
    }
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some(c), None) if c.is_ascii_alphabetic() => Atom::Letter(c.to_ascii_uppercase()),
        // Letters and digits in one word, as recognisers write what was spelled: "4111", "AB123456C".
        // Zeros that were written as letters.
        _ if word.len() > 1 && word.bytes().all(|b| b == b'o') => Atom::Written(word),
        _ => {
            let written = word.trim_matches(['+', '#']);
            let code =
                written.bytes().any(|b| b.is_ascii_digit()) && written.bytes().all(|b| b.is_ascii_alphanumeric());
            if code { Atom::Written(written) } else { Atom::Other }
        }
    }
}

/// A text whose letters may be digits that look like them, as digits, where most of it is; the text itself where they are not.
pub(super) fn alike(written: &str) -> String {
    let digits = written.bytes().filter(u8::is_ascii_digit).count();
    let letters = written.bytes().filter(|b| matches!(b, b'O' | b'I' | b'L')).count();
    if letters == 0 || digits + letters < written.len() || 2 * digits < letters && letters < written.len() {
        return written.to_owned();
    }
    written
        .chars()
        .map(|c| match c {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect()
}

/// What numbers and codes are called, in capital letters: no part of them.
pub(super) const ACRONYMS: [&str; 32] = [
    "ssn", "cvv", "cvc", "csc", "vin", "pin", "mac", "iban", "bic", "swift", "nhs", "ni", "pan", "utr", "itin", "sin",
    "dob", "id", "ohip", "epic", "nrega", "aba", "usa", "us", "uk", "ok", "aws", "ip", "tv", "pc", "atm", "zip",
];

/// Whether a word is a number, or a part of one.
pub(super) fn is_number(word: &str) -> bool {
    matches!(
        atom(word),
        Atom::Unit(_)
            | Atom::Teen(_)
            | Atom::Tens(_)
            | Atom::Hundred
            | Atom::Thousand
            | Atom::Written(_)
            | Atom::Repeat(_)
    )
}

/// The digits of a word that is a number by itself.
pub(super) fn digits_of(word: &str) -> Option<String> {
    match atom(word) {
        Atom::Unit(n) | Atom::Teen(n) | Atom::Tens(n) => Some(n.to_string()),
        _ => None,
    }
}

/// Whether a word stands for a letter: "bravo".
pub(super) fn is_alphabet(word: &str) -> bool {
    ALPHABET.contains(&word)
}
