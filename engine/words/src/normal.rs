//! What a word says whatever it is written with: characters that look like others, characters that cannot be seen, markup, separators.
//!
//! Rules read what comes out of here. What they find is a word of the transcript, whatever was done to its text on the way.

use std::net::{Ipv4Addr, Ipv6Addr};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The zeros of the scripts that write numbers with digits of their own (Unicode, category Nd), but for those that NFKC changes.
const ZEROS: [u32; 37] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0, 0x11066,
];

/// Letters of other scripts that look like Latin ones (Unicode's confusables, those that keyboards and attackers have).
const ALIKE: [(&str, &str); 4] = [
    ("АВЕЅІЈКМНОРСТХУЗԌԚԜҮ", "ABESIJKMHOPCTXY3GQWY"),
    ("аеіјорсухѕһԁԛԝґ", "aeijopcyxshdqwr"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    ("αιονυρɑɡıⅼ", "aionupagil"),
];

/// Whether a character is there to be obeyed and not to be seen: zero width, direction, soft hyphen, variation selectors, tags.
fn unseen(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E
        | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF)
        || c.is_control() && !c.is_whitespace()
}

fn plain_char(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' | '\u{30FC}' | '\u{FE58}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2032}' | '`' | '\u{B4}' => '\'',
        '\u{201C}'..='\u{201F}' | '\u{AB}' | '\u{BB}' => '"',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{3002}' | '\u{FF61}' => '.',
        '\u{3001}' | '\u{60C}' | '\u{66B}' | '\u{66C}' => ',',
        c if c.is_whitespace() => ' ',
        c if c.is_ascii() => c,
        c => {
            let digit = ZEROS.iter().find_map(|&zero| u32::from(c).checked_sub(zero).filter(|d| *d < 10));
            let alike = || {
                let pair = ALIKE.iter().find_map(|(from, to)| to.chars().nth(from.chars().position(|f| f == c)?));
                pair.unwrap_or(c)
            };
            digit.and_then(|d| char::from_digit(d, 10)).unwrap_or_else(alike)
        }
    }
}

/// A text in plain characters: NFKC, without what cannot be seen and marks that belong to no letter; digits of any script as ASCII, look-alikes as
/// the Latin letters that they look like, every dash as `-`, every space as one.
pub(crate) fn plain(text: &str) -> String {
    let text = entities(text);
    if text.is_ascii() {
        return text.chars().filter(|c| !unseen(*c)).map(|c| if c == '`' { '\'' } else { c }).collect();
    }
    // Marks over digits go away, those over letters have become one with them.
    let seen = text.chars().filter(|c| !unseen(*c)).nfkc();
    seen.filter(|c| !is_combining_mark(*c) && !unseen(*c)).map(plain_char).collect()
}

/// Characters that HTML or a web address writes by name or number.
fn entities(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(['&', '%']) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '%']) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let (found, length) = entity(tail).unwrap_or((tail.chars().next().unwrap_or(' '), 1));
        out.push(found);
        rest = tail.get(length..).unwrap_or("");
    }
    out.push_str(rest);
    out.into()
}

/// The character at the beginning of a text that is written by its name or number, and how long that is.
fn entity(text: &str) -> Option<(char, usize)> {
    if let Some(code) = text.strip_prefix('%') {
        let byte = u8::from_str_radix(code.get(..2)?, 16).ok()?;
        return byte.is_ascii().then_some((char::from(byte), 3));
    }
    let name = text.get(1..text.char_indices().take(10).find(|(_, c)| *c == ';')?.0)?;
    let found = match name {
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "shy" | "zwj" | "zwnj" | "lrm" | "rlm" => '\u{AD}',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "ndash" | "mdash" | "minus" => '-',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((found, name.len() + 2))
}

/// A part of a word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// In the case that it was written in.
    pub(crate) text: String,
    /// Written as an amount, a time or a day is: nobody's number unless it is called so.
    pub(crate) amount: bool,
}

/// The numbers that a text is parted into.
fn groups<'a>(text: &'a str, separators: &[char]) -> Option<Vec<&'a str>> {
    let groups: Vec<&str> = text.split(|c| separators.contains(&c)).collect();
    groups.iter().all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit())).then_some(groups)
}

/// Whether a text is a day as it is written: 14.03.1985, 1985-03-14, 3/14/85.
pub(crate) fn is_day(text: &str) -> bool {
    let text = text.split_once('T').map_or(text, |(day, clock)| if clock.contains(':') { day } else { text });
    let Some(separator) = text.chars().find(|c| matches!(c, '.' | '/' | '-')) else { return false };
    let Some(groups) = groups(text, &[separator]) else { return false };
    let [a, b, c] = groups.as_slice() else { return false };
    let value = |t: &str| t.parse::<u32>().unwrap_or(9_999);
    let day_and_month = |x: &str, y: &str| {
        let (d, m) = (value(x), value(y));
        x.len() <= 2 && y.len() <= 2 && d >= 1 && m >= 1 && d <= 31 && m <= 31 && (d <= 12 || m <= 12)
    };
    let year = |t: &str| t.len() == 4 && (1880..=2100).contains(&value(t));
    year(a) && day_and_month(b, c) || (year(c) || c.len() == 2) && day_and_month(a, b)
}

/// An address of a network: IPv4 or IPv6, with a port, a prefix or a zone.
pub(crate) fn is_ip(text: &str) -> bool {
    let text = text.trim_matches(['[', ']']);
    let text = text.split(['/', '%']).next().unwrap_or(text);
    let four = |t: &str| {
        let parts: Vec<&str> = t.split('.').collect();
        // Leading zeros as people write them, too.
        let byte = |p: &&str| (1..=3).contains(&p.len()) && p.parse::<u32>().is_ok_and(|n| n < 256);
        t.parse::<Ipv4Addr>().is_ok() || parts.len() == 4 && parts.iter().all(byte)
    };
    let port = |t: &str| t.len() <= 5 && t.bytes().all(|b| b.is_ascii_digit());
    if four(text) || text.rsplit_once(':').is_some_and(|(host, p)| four(host) && port(p)) {
        return true;
    }
    let host = text.rsplit_once("]:").map_or(text, |(host, _)| host);
    // "::" and "::1" alone are no more than punctuation.
    host.parse::<Ipv6Addr>().is_ok_and(|_| host.bytes().filter(u8::is_ascii_hexdigit).count() >= 3)
}

/// An address of a device: six bytes in hexadecimal, or three pairs of them.
pub(crate) fn is_mac(text: &str) -> bool {
    let hex = |parts: &[&str], length: usize| {
        parts.iter().all(|p| p.len() == length && p.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    [':', '-', '.', '_'].iter().any(|&separator| {
        let parts: Vec<&str> = text.split(separator).collect();
        parts.len() == 6 && hex(&parts, 2) || parts.len() == 3 && hex(&parts, 4) && text.bytes().any(|b| b > b'9')
    })
}

pub(crate) fn trimmed(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '@' | '#' | '/'))
}

/// Names of what text is marked up with: no words.
const TAGS: [&str; 26] = [
    "b", "i", "u", "s", "em", "strong", "span", "div", "p", "br", "font", "td", "tr", "th", "li", "ul", "ol", "mark",
    "small", "sub", "sup", "code", "pre", "html", "body", "wbr",
];
/// What numbers are called right in front of them, in one word with them.
const GLUED: [&str; 16] = [
    "card", "cvv", "cvc", "csc", "pin", "ssn", "dob", "zip", "iban", "tel", "phone", "mobile", "acct", "account", "cc",
    "no",
];

/// Cuts a word, in plain characters, into what rules read: addresses, days and amounts whole, everything else at every separator.
pub(crate) fn parts(word: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    // The common case: letters, and punctuation around them.
    let whole = trimmed(word);
    if whole.bytes().all(|b| b.is_ascii_alphabetic() || b == b'\'') {
        spoken_digits(whole, &mut parts);
        return parts;
    }
    let marked = word.contains(['{', '}', '"', '=', '&', '<', '>', '|', '\\']);
    let page = word.contains("://") || word.contains("www.");
    let hard = |c: char| match c {
        '{' | '}' | '"' | '<' | '>' | '[' | ']' | '|' | '\\' | ' ' => true,
        '=' | '&' | ';' | '(' | ')' | '~' | '*' | '!' | '?' | '$' | '£' | '€' | '·' | '•' | '^' => !page,
        c => !c.is_ascii() && !c.is_alphanumeric() && !page,
    };
    let bracketed = trimmed_brackets(word);
    let inner = bracketed.trim_matches(['[', ']']);
    if let Some(address) = [inner, bracketed].into_iter().find(|t| is_ip(t) || is_mac(t)) {
        return vec![Part { text: address.to_owned(), amount: false }];
    }
    let money = word.contains(['$', '£', '€']);
    let mut before = ' ';
    let mut rest = word;
    loop {
        let end = rest.find(hard).unwrap_or(rest.len());
        let (fragment, tail) = rest.split_at(end);
        let fragment = fragment.trim_matches(|c: char| matches!(c, ',' | ':' | '\''));
        let tag = before == '<' && TAGS.contains(&fragment.trim_matches('/').to_lowercase().as_str());
        if !trimmed(fragment).is_empty() && !tag {
            cut(trimmed(fragment), marked, money, &mut parts);
        }
        let Some(next) = tail.chars().next() else { break };
        before = next;
        rest = tail.get(next.len_utf8()..).unwrap_or("");
    }
    parts
}

fn trimmed_brackets(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, ':' | '[' | ']')).trim_end_matches(':')
}

/// A fragment without hard separators in it.
fn cut(text: &str, marked: bool, money: bool, parts: &mut Vec<Part>) {
    let mut put = |text: &str, amount: bool| parts.push(Part { text: text.to_owned(), amount });
    if text.contains('@') || text.contains("://") || text.starts_with("www.") || is_ip(text) || is_mac(text) {
        return put(text, false);
    }
    if is_day(text) {
        return put(text, true);
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits == text.len() {
        return put(text, money);
    }
    // "49.99", "7:30", "1,200", "04/29"
    if digits > 0 && text.len() == digits + text.matches(['.', ',', ':', '/']).count() {
        let two = |c: char| groups(text, &[c]).filter(|g| g.len() == 2);
        let decimal = two('.').or_else(|| two(',')).is_some_and(|g| g[1].len() <= 2 && g[0].len() <= 7);
        let clock = groups(text, &[':']).is_some_and(|g| g.iter().all(|g| g.len() <= 2) && g.len() <= 3);
        let month = two('/').is_some_and(|g| g[0].len() <= 2);
        let thousands = groups(text.split('.').next().unwrap_or(text), &[',']).is_some_and(|g| {
            g.len() > 1 && !g[0].starts_with('0') && g[0].len() <= 3 && g.iter().skip(1).all(|g| g.len() == 3)
        });
        if decimal || clock || month || thousands && digits < 12 || money {
            return put(text, true);
        }
    }
    let host = text.contains('.') && text.bytes().filter(u8::is_ascii_alphabetic).count() > 3 && {
        let last = text.split('/').next().unwrap_or(text).rsplit('.').next().unwrap_or("");
        last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic())
    };
    if host || digits == 0 && text.contains('.') || text.eq_ignore_ascii_case("x-ray") {
        return put(text, false);
    }
    // Base64 and the like: a key, whole.
    if text.len() == 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+' | b'=')) {
        return put(text, false);
    }
    let separator = |c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '@');
    for part in text.split(separator).map(|p| p.trim_matches('\'')).filter(|p| !p.is_empty()) {
        let mut rest = part;
        if marked && let Some(at) = camel(part) {
            let (first, second) = part.split_at(at);
            spoken_digits(first, parts);
            rest = second;
        }
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (name, number) = rest.split_at(letters);
        let glued = !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
            && GLUED.contains(&name.to_lowercase().as_str());
        if glued {
            parts.push(Part { text: name.to_owned(), amount: false });
            parts.push(Part { text: number.to_owned(), amount: false });
        } else {
            spoken_digits(rest, parts);
        }
    }
}

/// Where "cardNumber" is two words.
fn camel(text: &str) -> Option<usize> {
    let pairs = text.char_indices().zip(text.chars().skip(1));
    pairs.into_iter().find(|((_, a), b)| a.is_lowercase() && b.is_uppercase()).map(|((i, a), _)| i + a.len_utf8())
}

pub(crate) const UNITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
pub(crate) const TEENS: [&str; 10] =
    ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"];
pub(crate) const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Whether a word, in lower case, is a number below 100.
pub(crate) fn below_hundred(word: &str) -> bool {
    UNITS.contains(&word) || TEENS.contains(&word) || TENS.contains(&word)
}

/// Words of which numbers are made without spaces.
fn number_words() -> impl Iterator<Item = &'static str> {
    UNITS.into_iter().chain(TEENS).chain(TENS).chain(["oh", "double", "triple"])
}

/// A word; several where it is number words without spaces: "fouroneoneone".
fn spoken_digits(text: &str, parts: &mut Vec<Part>) {
    let put = |t: &str| Part { text: t.to_owned(), amount: false };
    let lower = text.to_ascii_lowercase();
    if (6..=400).contains(&lower.len()) && lower.is_ascii() && number_words().all(|w| w != lower) {
        // How many words there are up to each place, and where the last of them begins.
        let mut reached: Vec<Option<(usize, usize)>> = vec![None; lower.len() + 1];
        reached[0] = Some((0, 0));
        for at in 0..lower.len() {
            let Some((count, _)) = reached[at] else { continue };
            for word in number_words().filter(|w| lower[at..].starts_with(w)) {
                // The longest word that ends there: "six" and "sixteen" begin alike, none ends alike.
                let end = &mut reached[at + word.len()];
                if end.is_none() {
                    *end = Some((count + 1, at));
                }
            }
        }
        if let Some((count, _)) = reached[lower.len()].filter(|r| r.0 >= 2) {
            let (mut words, mut end) = (Vec::with_capacity(count), lower.len());
            while end > 0 {
                let Some((_, start)) = reached[end] else { break };
                words.push(put(&lower[start..end]));
                end = start;
            }
            return parts.extend(words.into_iter().rev());
        }
    }
    if !text.is_empty() {
        parts.push(put(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(word: &str) -> String {
        let parts = parts(&plain(word));
        parts.iter().map(|p| format!("{}{}", p.text, if p.amount { "~" } else { "" })).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_word_is_cut_at_every_separator_and_kept_where_it_means_something_whole() {
        for (word, expected) in [
            ("4111.1111.1111.1111", "4111 1111 1111 1111"),
            ("4111\u{2013}1111\u{2011}1111/1111", "4111 1111 1111 1111"),
            ("(4111)[1111]{1111}<1111>", "4111 1111 1111 1111"),
            ("4,111,111,111,111,111", "4 111 111 111 111 111"),
            ("<b>4111</b><i>1111</i>", "4111 1111"),
            ("{\"cardNumber\":\"4111\"}", "card Number 4111"),
            ("card=4111&cvv=123", "card 4111 cvv 123"),
            ("card,4111,exp", "card 4111 exp"),
            ("\u{ff14}\u{661}\u{967}\u{200b}1", "4111"),
            ("4\u{301}1\u{ad}1", "411"),
            ("5\u{41e}\u{41e}", "5OO"),
            ("fouroneoneone", "four one one one"),
            ("seventeen", "seventeen"),
            ("someone", "someone"),
            ("PIN4821", "PIN 4821"),
            ("*4821#", "4821"),
            ("49.99", "49.99~"),
            ("$1,200.50", "1,200.50~"),
            ("7:30", "7:30~"),
            ("14.03.1985", "14.03.1985~"),
            ("078.05.1120", "078 05 1120"),
            ("jane.doe\u{ff20}example.com", "jane.doe@example.com"),
            ("https://example.com/x?y=1", "https://example.com/x?y=1"),
            ("2001:db8::ff00:42:8329", "2001:db8::ff00:42:8329"),
            ("[10.0.0.1]", "10.0.0.1"),
            ("ip=10.0.0.1:8080;", "ip 10.0.0.1:8080"),
            ("00-1a-2B-3c-4d-5e", "00-1a-2B-3c-4d-5e"),
            ("4111&nbsp;1111&#8203;1111%201111", "4111 11111111 1111"),
            ("O'Brien's", "O'Brien's"),
            ("...", ""),
        ] {
            assert_eq!(cut(word), expected, "{word}");
        }
    }
}
