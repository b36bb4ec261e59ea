//! Digits as recognisers mishear them ("for", "to", "won", "ate"), and the words that part a number: "the first four are".

use std::collections::HashMap;

use super::lexicon::is_number;
use super::words::Item;

/// What a digit is taken for. Those that are `common` are words of every sentence.
fn homophone(word: &str) -> Option<(u32, bool)> {
    Some(match word {
        "to" | "too" => (2, true),
        "for" => (4, true),
        "won" | "wan" => (1, false),
        "tu" | "tew" => (2, false),
        "tree" | "thre" | "free" => (3, word == "free"),
        "fore" | "fo" | "foor" => (4, false),
        "fife" | "fiv" => (5, false),
        "sicks" | "sics" | "sex" | "sixt" => (6, false),
        "sevin" => (7, false),
        "ate" | "ait" | "eight's" => (8, false),
        "nein" | "nign" | "nein's" => (9, false),
        "owe" | "ow" | "zeero" | "xero" => (0, false),
        _ => return None,
    })
}

/// The longest row of words that is looked at: longer ones are numbers by their other words.
const MOST: usize = 64;

/// Words that are digits in truth, and whether they surely are: in rows of digits and of what digits are taken for, in which not most are words of every
/// sentence.
pub(super) fn digits(items: &[Item]) -> HashMap<usize, (u32, bool)> {
    let mut found = HashMap::new();
    let digit = |i: usize| items.get(i).is_some_and(|i| is_number(&i.text) && !i.amount);
    let like = |i: usize| items.get(i).and_then(|i| homophone(&i.text));
    let mut at = 0;
    while at < items.len() {
        let row = (at..items.len().min(at + MOST))
            .take_while(|&i| (digit(i) || like(i).is_some()) && (i == at || items.get(i - 1).is_none_or(|b| !b.stops)));
        let end = row.last().map_or(at, |i| i + 1);
        if end == at {
            at += 1;
            continue;
        }
        let length = end - at;
        let common = (at..end).filter(|&i| like(i).is_some_and(|l| l.1)).count();
        let certain = length - common;
        // "two to four", "ready for two" are sentences; "four to one for" is none.
        let inner = (at + 1..end.saturating_sub(1)).filter(|&i| like(i).is_some_and(|l| l.1)).count();
        let number = match length {
            0..=2 => false,
            3 => common == inner && (at..end).all(|i| items.get(i).is_some_and(|i| i.text.len() < 6)),
            _ => 5 * certain >= 2 * length,
        };
        if number {
            let mut leading = true;
            for i in at..end {
                leading &= like(i).is_some_and(|l| l.1);
                if let Some((value, common)) = like(i) {
                    let trailing = (i..end).all(|i| like(i).is_some_and(|l| l.1));
                    found.insert(i, (value, !(common && (leading || trailing))));
                }
            }
        }
        at = end;
    }
    found
}

/// Where a part of a number is announced, and where that ends: "the first four are", "next four digits", "and the last one is".
pub(super) fn labels(items: &[Item]) -> HashMap<usize, usize> {
    const PLACES: [&str; 16] = [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "last",
        "next",
        "final",
        "other",
        "remaining",
        "middle",
        "rest",
        "following",
        "1st",
        "2nd",
        "3rd",
    ];
    const THINGS: [&str; 11] =
        ["digits", "digit", "numbers", "ones", "part", "group", "block", "set", "bit", "half", "numerals"];
    const VERBS: [&str; 6] = ["are", "is", "were", "was", "be", "being"];
    let text = |i: usize| items.get(i).map_or("", |i| i.text.as_str());
    let mut found = HashMap::new();
    for at in (0..items.len()).filter(|&i| PLACES.contains(&text(i))) {
        let mut end = at + 1;
        let counted = matches!(
            text(end),
            "two" | "three" | "four" | "five" | "six" | "2" | "3" | "4" | "5" | "6" | "few" | "couple"
        );
        end += usize::from(counted);
        let thing = THINGS.contains(&text(end));
        end += usize::from(thing);
        let verb = VERBS.contains(&text(end));
        end += usize::from(verb);
        let rest = matches!(text(at), "rest" | "remaining" | "following");
        let same = items.get(at).map(|i| i.turn) == items.get(end).map(|i| i.turn);
        if same && is_number(text(end)) && (verb && (counted || thing || rest) || counted && thing) {
            found.insert(at, end);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::words::Side;
    use super::*;

    fn read(text: &str) -> String {
        let side = Side::of_text(text);
        let found = digits(&side.items);
        let one = |i: usize| found.get(&i).map(|(d, sure)| format!("{d}{}", if *sure { "" } else { "?" }));
        (0..side.items.len()).filter_map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_of_every_sentence_are_digits_among_digits_only() {
        for (text, expected) in [
            ("too for six ate nein to to won for", "2? 4? 8 9 2 2 1 4?"),
            ("for won won won won", "4? 1 1 1 1"),
            ("it is for four one one one", "4?"),
            ("one to three", "2"),
            ("in two to four days", "2"),
            ("i want to pay for two", ""),
            ("ready to go for it", ""),
            ("we ate for free", ""),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_part_is_announced_before_its_digits() {
        let label = |text: &str| {
            let side = Side::of_text(text);
            labels(&side.items).into_iter().next()
        };
        assert_eq!(label("the first four are four one one one"), Some((1, 4)));
        assert_eq!(label("next four digits one one one one"), Some((0, 3)));
        assert_eq!(label("the rest is one two"), Some((1, 3)));
        assert_eq!(label("the last four of my card are one"), None);
        assert_eq!(label("the first one was late"), None);
    }
}
