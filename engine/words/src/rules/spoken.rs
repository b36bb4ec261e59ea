//! Numbers and spelled words as they are spoken: digits as words, "oh", "double seven", tens and hundreds, letters, "B as in boy", corrections.

use super::lexicon::{ACRONYMS, Atom, alike, atom};
use super::misheard;
use super::words::{Item, Side};

/// Words that may stand between the digits of one number, this many in a row.
const MOST_SOFT: usize = 3;
/// Digits further apart than this are not of one number, in milliseconds.
const MOST_GAP_MS: u64 = 20_000;

/// One spoken part of a number: "four", "forty one", "double seven", "bravo", "4111".
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Its digits and upper-case letters.
    pub(super) text: String,
    /// Its words: the first and the one after the last, in the side's items.
    pub(super) words: std::ops::Range<usize>,
    /// The speaker took back what came before.
    pub(super) corrected: bool,
    /// What it may be as well: the letter where it was taken for a digit, nothing where it may be no part of the number.
    pub(super) other: Option<String>,
    /// Written as an amount or a day is.
    pub(super) amount: bool,
}

/// Pieces that belong together.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) pieces: Vec<Piece>,
}

impl Run {
    /// Characters of all its pieces.
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|p| p.text.len()).sum()
    }
}

/// Letters in capitals that are part of a code: "CXBA", "DE".
fn code(item: &Item) -> bool {
    item.upper && item.text.len() <= 20 && !ACRONYMS.contains(&item.text.as_str())
}

/// Gathers the runs of one speaker.
#[derive(Default)]
struct Reader {
    runs: Vec<Run>,
    run: Run,
    /// Value of the last piece while "hundred" or a smaller number may still be added to it, and up to which value.
    open: Option<(u32, u32)>,
    repeat: Option<(usize, usize)>,
    soft: usize,
    corrected: bool,
}

impl Reader {
    fn end(&mut self) {
        let run = std::mem::take(&mut self.run);
        if !run.pieces.is_empty() {
            self.runs.push(run);
        }
        (self.open, self.repeat, self.soft, self.corrected) = (None, None, 0, false);
    }

    fn push(&mut self, text: String, at: usize) {
        let (times, first) = self.repeat.take().unwrap_or((1, at));
        let corrected = std::mem::take(&mut self.corrected);
        self.run.pieces.push(Piece {
            text: text.repeat(times),
            words: first..at + 1,
            corrected,
            other: None,
            amount: false,
        });
        (self.open, self.soft) = (None, 0);
    }

    /// The last piece may be something else.
    fn or(&mut self, text: String) {
        self.run.pieces.last_mut().into_iter().for_each(|p| p.other = Some(text.clone()));
    }

    /// A number that may go on: "twenty", "four hundred".
    fn push_open(&mut self, value: u32, room: u32, at: usize) {
        self.push(value.to_string(), at);
        self.open = Some((value, room));
    }

    /// Adds to the number that is open, or says that it cannot be.
    fn add(&mut self, value: u32, at: usize, open: u32) -> bool {
        let Some((base, room)) = self.open.filter(|_| self.soft == 0 || self.joined(at)) else { return false };
        if value == 0 || value >= room {
            return false;
        }
        if let Some(last) = self.run.pieces.last_mut() {
            last.text = (base + value).to_string();
            last.words.end = at + 1;
        }
        self.open = (open > 1).then_some((base + value, open));
        self.soft = 0;
        true
    }

    /// The last piece goes up to the word of its example; returns that.
    fn exampled(&mut self, at: Option<usize>) -> usize {
        let Some(last) = self.run.pieces.last_mut() else { return at.unwrap_or(0) };
        last.words.end = last.words.end.max(at.map_or(0, |a| a + 1));
        last.words.end - 1
    }

    /// "and" after a hundred keeps the number open.
    fn joined(&self, at: usize) -> bool {
        self.soft == 1
            && self.run.pieces.last().is_some_and(|p| p.words.end + 1 == at)
            && self.open.is_some_and(|o| o.1 == 100)
    }

    fn scale(&mut self, by: u32, at: usize) -> bool {
        let Some(last) = self.run.pieces.last_mut().filter(|p| p.words.end == at) else { return false };
        let Some(value) = last.text.parse::<u32>().ok().filter(|&v| (1..by.min(100)).contains(&v)) else {
            return false;
        };
        last.text = (value * by).to_string();
        last.words.end = at + 1;
        self.open = Some((value * by, by));
        true
    }
}

/// The runs of a speaker's words.
pub(super) fn runs(side: &Side) -> Vec<Run> {
    let items = &side.items;
    let text = |i: usize| items.get(i).map_or("", |item: &Item| item.text.as_str());
    let spelled = |i: usize| !matches!(atom(text(i)), Atom::Other | Atom::Soft | Atom::Correction);
    // "B as in boy", "B for Bravo": the example is part of the letter.
    let example = |i: usize| {
        let at = match (text(i + 1), text(i + 2)) {
            ("as", "in") => i + 3,
            ("for" | "like", _) => i + 2,
            _ => return None,
        };
        let same = text(i).len() == 1 && text(at).len() > 1 && text(at).get(..1) == text(i).get(..1);
        same.then_some(at)
    };
    // "a b", "i one six nine": a letter in front of others, or of several digits.
    let begins = |i: usize| spelled(i + 1) && (text(i + 1).len() < 2 || spelled(i + 2));
    // A word or two of no weight, and then more digits; or nothing more.
    let goes_on = |i: usize| {
        let soft = |&j: &usize| !items[j - 1].stops && matches!(atom(text(j)), Atom::Soft);
        let next = i + 1 + (i + 1..items.len()).take_while(soft).take(MOST_SOFT).count();
        items[i].stops || next < items.len() && !items[next - 1].stops && spelled(next)
    };
    let heard = misheard::digits(items);
    let labels = misheard::labels(items);
    let mut reader = Reader::default();
    let mut i = 0;
    while i < items.len() {
        let late = i > 0
            && items[i - 1].turn != items[i].turn
            && items[i].begin_ms.saturating_sub(items[i - 1].end_ms) > MOST_GAP_MS;
        if late {
            reader.end();
        }
        // "five hundred" does not go on in another turn.
        if i > 0 && items[i - 1].turn != items[i].turn {
            reader.open = None;
        }
        let open = !reader.run.pieces.is_empty() && items[i - 1].turn == items[i].turn;
        let before = open && reader.soft == 0;
        let going = !reader.run.pieces.is_empty();
        // "the first four are", "next four digits": what comes after them belongs to what came before.
        if let Some(next) = labels.get(&i) {
            (reader.open, reader.soft) = (None, 0);
            i = *next;
            continue;
        }
        if let Some((digit, sure)) = heard.get(&i) {
            reader.push(digit.to_string(), i);
            if !sure {
                reader.or(String::new());
            }
            i += 1;
            continue;
        }
        if items[i].amount {
            let digits: String = text(i).chars().filter(char::is_ascii_digit).collect();
            match digits.len() >= 6 && !text(i).contains(':') {
                true => {
                    reader.push(digits, i);
                    reader.run.pieces.last_mut().into_iter().for_each(|p| p.amount = true);
                }
                false => reader.end(),
            }
            i += 1;
            continue;
        }
        match atom(text(i)) {
            Atom::Soft if before && items[i].upper => reader.push(text(i).to_ascii_uppercase(), i),
            // A letter that is a word too counts beside others that are spelled.
            Atom::Letter('A' | 'I')
                if text(i).len() == 1 && !(before || example(i).is_some() || begins(i) || open && goes_on(i)) =>
            {
                match reader.corrected {
                    true => reader.soft += 1,
                    false => reader.end(),
                }
            }
            Atom::Unit(0) if text(i) == "o" && example(i).is_some() => {
                reader.push("O".into(), i);
                i = reader.exampled(example(i));
            }
            Atom::Unit(0) if matches!(text(i), "o" | "oh") && !(before || spelled(i + 1) || going && goes_on(i)) => {
                reader.end();
            }
            Atom::Unit(0) if text(i) == "o" => {
                reader.push("0".into(), i);
                reader.or("O".into());
            }
            Atom::Unit(n) => {
                if !reader.add(n, i, 1) {
                    reader.push(n.to_string(), i);
                }
            }
            Atom::Teen(n) => {
                if !reader.add(n, i, 1) {
                    reader.push(n.to_string(), i);
                }
            }
            Atom::Tens(n) => {
                if !reader.add(n, i, 10) {
                    reader.push_open(n, 10, i);
                }
            }
            Atom::Hundred | Atom::Thousand => {
                if !reader.scale(if text(i) == "hundred" { 100 } else { 1_000 }, i) {
                    reader.end();
                }
            }
            Atom::Written(written) => {
                let written = written.to_ascii_uppercase();
                let digits = alike(&written);
                let differs = digits != written;
                reader.push(digits, i);
                if differs {
                    reader.or(written);
                }
            }
            Atom::Letter(c) => {
                reader.push(c.to_string(), i);
                if let Some(at) = example(i) {
                    i = reader.exampled(Some(at));
                }
            }
            Atom::Repeat(times) => reader.repeat = Some((times, i)),
            // A new sentence that does not begin with a digit is about something else.
            Atom::Soft if i > 0 && items[i - 1].stops && items[i - 1].turn == items[i].turn => reader.end(),
            Atom::Soft if !reader.run.pieces.is_empty() && reader.soft < MOST_SOFT => reader.soft += 1,
            Atom::Correction if !reader.run.pieces.is_empty() && reader.soft < MOST_SOFT => {
                reader.soft += 1;
                reader.corrected = true;
            }
            Atom::Other if code(&items[i]) || before && items[i].upper => reader.push(text(i).to_ascii_uppercase(), i),
            // "I mean", "make that" and the like between a number and its correction.
            Atom::Other if reader.corrected && reader.soft < MOST_SOFT => reader.soft += 1,
            Atom::Soft | Atom::Correction | Atom::Other => reader.end(),
        }
        i += 1;
    }
    reader.end();
    reader.runs
}

#[cfg(test)]
mod tests {
    use super::super::words::Side;
    use super::*;

    /// The runs of a sentence, as texts; a piece that takes back what came before is marked.
    fn read(sentence: &str) -> Vec<String> {
        let runs = runs(&Side::of_text(sentence));
        let one = |p: &Piece| format!("{}{}", if p.corrected { "!" } else { "" }, p.text);
        runs.iter().map(|r| r.pieces.iter().map(one).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn numbers_are_read_as_they_are_spoken() {
        for (sentence, expected) in [
            ("four one one one", vec!["4 1 1 1"]),
            ("it is four one, one one please", vec!["4 1 1 1"]),
            ("forty-one eleven and double one triple seven", vec!["41 11 11 777"]),
            ("forty one eleven twenty twenty three", vec!["41 11 20 23"]),
            ("four hundred and twelve", vec!["412"]),
            ("eight hundred five five five", vec!["805 5 5"]),
            ("two thousand twenty seven", vec!["2027"]),
            ("nineteen eighty four", vec!["19 84"]),
            ("oh seven nine oh oh", vec!["0 7 9 0 0"]),
            ("oh well, one of them", vec!["1"]),
            ("4111-1111 1111 1111", vec!["4111 1111 1111 1111"]),
            ("four five no sorry five six", vec!["4 5 !5 6"]),
            ("four five no I mean six six", vec!["4 5 !6 6"]),
            ("b as in boy seven a 3", vec!["B 7 A 3"]),
            ("bravo seven x-ray", vec!["B 7 X"]),
            ("m for mother n like nancy", vec!["M N"]),
            ("I have a question", vec![]),
            ("two and um okay five", vec!["2 5"]),
            ("two and then um okay five", vec!["2", "5"]),
            ("twenty eight. And the three digits", vec!["28", "3"]),
            ("four one. One one", vec!["4 1 1 1"]),
            ("two bananas and five apples", vec!["2", "5"]),
            ("double trouble", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(read(sentence), expected, "{sentence}");
        }
    }
}
