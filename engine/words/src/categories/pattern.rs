//! Patterns of words: suffixes, lists, numbers, and words near each other.

use std::collections::BTreeMap;
use std::fmt;

use crate::normal;

/// Farthest that two words are apart and still near.
const MAX_DISTANCE: usize = 100;
/// Most parts of a pattern.
const MAX_PARTS: usize = 20;

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(pub String);

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Is(String),
    Begins(String),
    Number,
}

impl Word {
    fn fits(&self, word: &str) -> bool {
        match self {
            Word::Is(text) => word == text,
            Word::Begins(text) => word.starts_with(text.as_str()),
            Word::Number => {
                let large = ["hundred", "thousand", "million"];
                word.bytes().all(|b| b.is_ascii_digit()) || normal::below_hundred(word) || large.contains(&word)
            }
        }
    }
}

/// How a part stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Next,
    Within(usize),
    NotWithin(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    link: Link,
    /// Any of these, each some words in a row.
    any: Vec<Vec<Word>>,
}

/// A pattern: words in a row. `cancel*` begins so; `(refund|money back)` and `[name]` are any of several, the latter a list of the rule's; `[num]` is a number;
/// `a ~5 b` has b within five words after a, `a !~5 b` has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

/// The words of a text in lower case, as they are compared; an empty one for what is masked, which nothing fits and which keeps what is around it apart.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for piece in text.split_whitespace() {
        let bare = piece.trim_end_matches(|c: char| !c.is_alphanumeric() && c != ']');
        let masked = bare.strip_prefix('[').and_then(|b| b.strip_suffix(']'));
        if masked.is_some_and(|m| {
            !m.is_empty() && m.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
        }) {
            all.push(String::new());
            continue;
        }
        let parts = piece.split(|c: char| !c.is_alphanumeric() && c != '\'').map(|w| w.trim_matches('\''));
        all.extend(parts.filter(|w| !w.is_empty()).map(str::to_lowercase));
    }
    all
}

impl Pattern {
    /// Exactly these words in a row.
    ///
    /// # Errors
    /// There is no word.
    pub fn exact(text: &str) -> Result<Self, PatternError> {
        let all: Vec<Word> = words(text).into_iter().filter(|w| !w.is_empty()).map(Word::Is).collect();
        if all.is_empty() {
            return Err(PatternError(format!("{text:?} has no word")));
        }
        Ok(Self(vec![Part { link: Link::Next, any: vec![all] }]))
    }

    /// Reads a pattern; `lists` are the rule's.
    ///
    /// # Errors
    /// What cannot be read, with the part.
    pub fn parse(text: &str, lists: &BTreeMap<String, Vec<String>>) -> Result<Self, PatternError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut link = Link::Next;
        let mut rest = text.trim();
        while !rest.is_empty() {
            let any;
            if let Some((distance, after)) = proximity(rest)? {
                if parts.is_empty() || link != Link::Next {
                    return Err(PatternError(format!("{text:?}: a distance stands between two words")));
                }
                (link, rest) = (distance, after);
                continue;
            } else if let Some(group) = rest.strip_prefix('(') {
                let (inside, after) =
                    group.split_once(')').ok_or_else(|| PatternError(format!("{text:?}: ( without )")))?;
                any = inside.split('|').map(plain).collect::<Result<Vec<_>, _>>()?;
                rest = after.trim_start();
            } else if let Some(list) = rest.strip_prefix('[') {
                let (name, after) =
                    list.split_once(']').ok_or_else(|| PatternError(format!("{text:?}: [ without ]")))?;
                any = match (name, lists.get(name)) {
                    ("num", _) => vec![vec![Word::Number]],
                    (_, Some(values)) => values.iter().map(|v| plain(v)).collect::<Result<Vec<_>, _>>()?,
                    _ => return Err(PatternError(format!("{text:?}: there is no list {name:?}"))),
                };
                rest = after.trim_start();
            } else {
                let (word, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
                any = vec![plain(word)?];
                rest = after.trim_start();
            }
            parts.push(Part { link, any });
            link = Link::Next;
        }
        let ends_well = link == Link::Next && !parts.is_empty();
        if !ends_well || parts.len() > MAX_PARTS {
            return Err(PatternError(format!("{text:?}: 1 to {MAX_PARTS} words, and one after each distance")));
        }
        let bare = parts.iter().filter(|p| matches!(p.link, Link::NotWithin(_))).count();
        if bare == parts.len() {
            return Err(PatternError(format!("{text:?}: nothing is to be said")));
        }
        Ok(Self(parts))
    }

    /// Whether it is said in these words.
    pub fn is_in(&self, words: &[String]) -> bool {
        (0..words.len()).any(|at| self.from(0, words, at, at))
    }

    /// Whether the parts from `part` on fit, the first of them beginning at `at`; `end` is where the part before ended.
    fn from(&self, part: usize, words: &[String], at: usize, end: usize) -> bool {
        let Some(this) = self.0.get(part) else { return true };
        let reach = |n: usize| end..=(end + n - 1).min(words.len());
        let after = |at: usize| {
            let fitting = this.any.iter().filter(move |row| fits(row, words, at));
            fitting.map(move |row| at + row.len())
        };
        match this.link {
            Link::Next => after(at).any(|end| self.from(part + 1, words, end, end)),
            Link::Within(n) => reach(n).any(|at| after(at).any(|end| self.from(part + 1, words, end, end))),
            Link::NotWithin(n) => {
                !reach(n).any(|at| after(at).next().is_some()) && self.from(part + 1, words, end, end)
            }
        }
    }
}

fn fits(row: &[Word], words: &[String], at: usize) -> bool {
    words.get(at..at + row.len()).is_some_and(|said| row.iter().zip(said).all(|(w, s)| !s.is_empty() && w.fits(s)))
}

/// Words in a row, each whole or with a star at its end.
fn plain(text: &str) -> Result<Vec<Word>, PatternError> {
    let mut row = Vec::new();
    for piece in text.split_whitespace() {
        let (stem, star) = piece.strip_suffix('*').map_or((piece, false), |stem| (stem, true));
        if stem.contains(['*', '(', ')', '[', ']', '|', '~']) {
            return Err(PatternError(format!(
                "{piece:?}: a star stands at the end of a word, and signs between words"
            )));
        }
        let mut parts = words(stem);
        if let (true, Some(last)) = (star, parts.pop()) {
            row.extend(parts.into_iter().map(Word::Is));
            row.push(Word::Begins(last));
        } else {
            row.extend(words(stem).into_iter().map(Word::Is));
        }
    }
    if row.is_empty() { Err(PatternError(format!("{text:?} has no word"))) } else { Ok(row) }
}

/// `~5 ` or `!~5 ` at the beginning, and what follows.
fn proximity(text: &str) -> Result<Option<(Link, &str)>, PatternError> {
    let (not, rest) = match (text.strip_prefix("!~"), text.strip_prefix('~')) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        _ => return Ok(None),
    };
    let (number, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    match number.parse() {
        Ok(n) if (1..=MAX_DISTANCE).contains(&n) => {
            Ok(Some((if not { Link::NotWithin(n) } else { Link::Within(n) }, after.trim_start())))
        }
        _ => Err(PatternError(format!("{number:?}: a distance is 1 to {MAX_DISTANCE} words"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<Pattern, PatternError> {
        let lists = BTreeMap::from([("cards".to_owned(), vec!["visa".to_owned(), "credit card".to_owned()])]);
        Pattern::parse(text, &lists)
    }

    #[test]
    fn patterns_are_said_or_not() {
        let cases: [(&str, &str, bool); 24] = [
            ("cancel*", "please Cancelled, it", true),
            ("cancel*", "uncancelled", false),
            ("cancel my card", "cancel my card!", true),
            ("cancel my card", "cancel the my card", false),
            ("(refund|money back)", "I want my money back", true),
            ("(refund|money back)", "money and back", false),
            ("my [cards]", "my credit card", true),
            ("my [cards]", "my credit note", false),
            ("[num] days", "it took 14 days", true),
            ("[num] days", "it took twelve days", true),
            ("[num] days", "it took some days", false),
            ("cancel ~3 card", "cancel that old card", true),
            ("cancel ~2 card", "cancel that old card", false),
            ("cancel ~1 card", "cancel card", true),
            ("cancel ~3 card", "card cancel", false),
            ("thank !~3 you", "thank god for you", false),
            ("thank !~2 you", "thank god for you", true),
            ("not !~3 happy at all", "not very happy", false),
            ("it's late", "it's late", true),
            ("my name", "my [NAME] name", false),
            ("name ~3 is", "name [PII] is", true),
            ("a ~2 b c", "a x b b c", false),
            ("a ~3 b c", "a x b b c", true),
            ("übel", "ÜBEL", true),
        ];
        for (text, said, want) in cases {
            assert_eq!(pattern(text).unwrap().is_in(&words(said)), want, "{text:?} in {said:?}");
        }
        assert!(Pattern::exact("Credit card").unwrap().is_in(&words("a credit  CARD.")));
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for bad in [
            "",
            "~3 a",
            "a ~3",
            "a ~0 b",
            "a ~101 b",
            "a ~x b",
            "(a",
            "[cards",
            "[none]",
            "a*b",
            "()",
            "(a|)",
            "a ~2 ~2 b",
        ] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
        assert!(Pattern::exact("...").is_err());
    }
}
