//! Addresses of networks and devices as they are spoken: IPv4 with dots, IPv6 and MAC with colons or dashes between groups of hexadecimal digits.

use super::super::Entity;
use super::lexicon::{digits_of, is_number};
use super::words::Item;

/// The most words of one group.
const GROUP_WORDS: usize = 8;

/// What a word adds to a group of hexadecimal digits.
fn hex(word: &str) -> Option<String> {
    if (1..=4).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(word.to_owned());
    }
    if let Some(letter) = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"].iter().position(|w| *w == word) {
        return char::from_digit(10 + letter as u32, 16).map(String::from);
    }
    match word {
        "be" | "bee" => Some("b".into()),
        "see" | "sea" => Some("c".into()),
        "dee" => Some("d".into()),
        "ef" | "eff" => Some("f".into()),
        "double" | "triple" => Some(String::new()),
        _ => digits_of(word),
    }
}

/// Words of a group from `at`: how many characters they make, and where they end.
fn group(items: &[Item], at: usize) -> (usize, usize) {
    let (mut end, mut length, mut times) = (at, 0, 1);
    while let Some(item) = items.get(end).filter(|_| end - at < GROUP_WORDS) {
        let Some(text) = hex(&item.text) else { break };
        match item.text.as_str() {
            "double" => times = 2,
            "triple" => times = 3,
            _ => {
                length += times * text.len();
                times = 1;
            }
        }
        end += 1;
    }
    (length, end)
}

/// An address from `at`: what follows it, and which it is.
pub(super) fn spoken(items: &[Item], at: usize) -> Option<(usize, Entity)> {
    let text = |i: usize| items.get(i).map_or("", |i| i.text.as_str());
    let number = |from: usize| {
        let words = (from..items.len().min(from + 5)).take_while(|&i| is_number(text(i)));
        words.last().map(|i| i + 1).filter(|end| end - from <= 4)
    };
    // "one ninety two dot one sixty eight dot one dot twenty"
    let mut end = number(at);
    for _ in 0..3 {
        end = end.filter(|&e| matches!(text(e), "dot" | "point" | "period")).and_then(|e| number(e + 1));
    }
    if let Some(end) = end {
        return Some((end, Entity::IpAddress));
    }
    // Groups with separators between them; two in a row stand for zeros.
    let separator = |i: usize| matches!(text(i), "colon" | "colons" | "dash" | "hyphen");
    let (mut lengths, mut end, mut colons, mut separators) = (Vec::new(), at, 0, 0);
    loop {
        let (length, after) = group(items, end);
        if length > 0 {
            lengths.push(length);
        } else if separators == 0 && !separator(end) {
            return None;
        }
        end = after;
        let double = matches!(text(end), "double" | "two") && separator(end + 1);
        let between = (end + usize::from(double)..items.len()).take_while(|&i| separator(i)).count();
        if between == 0 || lengths.len() > 8 {
            break;
        }
        colons += usize::from(text(end + usize::from(double)).starts_with("colon"));
        separators += between;
        end += between + usize::from(double);
        if group(items, end).0 == 0 {
            break;
        }
    }
    let device = lengths.len() == 6 && lengths.iter().all(|&l| l == 2);
    let network = colons >= 2 && (3..=8).contains(&lengths.len()) && lengths.iter().all(|&l| l <= 4);
    match () {
        () if device => Some((end, Entity::MacAddress)),
        () if network => Some((end, Entity::IpAddress)),
        () => None,
    }
}
