//! Where in the recording each word is. A word without a time of its own, or with one that cannot be, lies between its neighbours, else in its turn,
//! else anywhere: in the smallest stretch that surely holds it.

use super::cover;
use super::speakers::Speakers;
use super::words::{MAX_MS, Placed, Turn, Word};

/// A word as a recogniser gives it.
#[derive(Clone, Default)]
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) begin_ms: Option<u64>,
    pub(super) end_ms: Option<u64>,
}

/// What one says before another does, as a recogniser gives it.
#[derive(Clone, Default)]
pub(super) struct Said {
    pub(super) speaker: String,
    pub(super) channel: Option<usize>,
    pub(super) begin_ms: Option<u64>,
    pub(super) end_ms: Option<u64>,
    /// The text, once or in several spellings.
    pub(super) texts: Vec<String>,
    /// The words; `None` where the recogniser gives one time for all.
    pub(super) words: Option<Vec<Heard>>,
}

/// Fewest milliseconds in which somebody says a text, and fewest that a recogniser gives it.
fn least_ms(text: &str) -> u64 {
    let count = |f: fn(char) -> bool| text.chars().filter(|c| f(*c)).count() as u64;
    30 * count(|c| c.is_numeric()) + 4 * count(char::is_alphabetic) + 10
}

/// How much earlier than the word before it a word may begin.
const BACKWARDS_MS: u64 = 300;
/// How far outside of its turn a word may be.
const OUTSIDE_MS: u64 = 1_000;

/// Puts what is said into turns.
pub(super) fn place(said: Vec<Said>, speakers: &mut Speakers) -> Vec<Placed> {
    let stretches: Vec<Option<(u64, u64)>> = said.iter().map(Said::stretch).collect();
    let mut placed = Vec::with_capacity(said.len());
    for (i, said) in said.into_iter().enumerate() {
        let before = || i.checked_sub(1).and_then(|i| stretches.get(i).copied().flatten());
        let after = || stretches.get(i + 1).copied().flatten();
        // A turn without a time of its own that can be: from its neighbour to its other one.
        let begin_ms = stretches[i].map(|s| s.0).or(said.begin_ms).or_else(|| Some(before()?.0)).unwrap_or(0);
        let end_ms = stretches[i].map(|s| s.1).or(said.end_ms.filter(|e| *e > begin_ms)).or_else(|| Some(after()?.1));
        let end_ms = end_ms.filter(|&e| e > begin_ms).unwrap_or(MAX_MS);
        let bounded = stretches[i].is_some();
        let streamed = said.words.is_some() && said.begin_ms.is_none();
        placed.push((streamed, said.placed((begin_ms, end_ms), bounded, speakers)));
    }
    woven(placed)
}

/// Turns as they follow each other. Words that came in one list for a channel or a speaker are parted where another one speaks between them.
fn woven(placed: Vec<(bool, Placed)>) -> Vec<Placed> {
    let (streamed, mut turns): (Vec<_>, Vec<_>) = placed.into_iter().partition(|p| p.0);
    if streamed.len() < 2 {
        return streamed.into_iter().chain(turns).map(|p| p.1).collect();
    }
    let unsure = streamed.iter().any(|p| p.1.unsure);
    let mut words = Vec::new();
    for (_, placed) in streamed {
        let mut latest = 0;
        let (speaker, channel) = (placed.turn.speaker, placed.turn.channel);
        for (word, loose) in placed.turn.words.into_iter().zip(placed.loose) {
            latest = word.begin_ms.max(latest);
            words.push((latest, speaker, channel, word, loose));
        }
    }
    words.sort_by_key(|w| w.0);
    let mut woven: Vec<Placed> = Vec::new();
    for (_, speaker, channel, word, loose) in words {
        match woven.last_mut().filter(|p| p.turn.speaker == speaker && p.turn.channel == channel) {
            Some(last) => {
                last.turn.words.push(word);
                last.loose.push(loose);
            }
            None => woven.push(Placed {
                turn: Turn { speaker, channel, words: vec![word] },
                loose: vec![loose],
                unsure: unsure && woven.is_empty(),
            }),
        }
    }
    woven.extend(turns.drain(..).map(|p| p.1));
    woven
}

impl Said {
    /// Its own time, where that can be.
    fn stretch(&self) -> Option<(u64, u64)> {
        let (begin, end) = (self.begin_ms?, self.end_ms?);
        let text = self.texts.first().map_or("", String::as_str);
        (end > begin && (self.words.is_some() || end - begin >= least_ms(text) / 2) && end <= MAX_MS)
            .then_some((begin, end))
    }

    fn placed(self, turn: (u64, u64), bounded: bool, speakers: &mut Speakers) -> Placed {
        let (speaker, channel) = (speakers.number(&self.speaker), self.channel);
        let Some(mut words) = self.words else {
            let text = self.texts.into_iter().max_by_key(String::len).unwrap_or_default();
            let word = |w: &str| Word { text: w.to_owned(), begin_ms: turn.0, end_ms: turn.1 };
            let words: Vec<Word> = text.split_whitespace().map(word).collect();
            let loose = vec![!bounded; words.len()];
            return Placed { turn: Turn { speaker, channel, words }, loose, unsure: !bounded };
        };
        words.iter_mut().for_each(|w| w.check((bounded).then_some(turn)));
        if self.texts.is_empty() && words.is_empty() {
            return Placed::default();
        }
        for text in &self.texts {
            let missing = cover::missing(text, words.iter().map(|w| w.text.as_str()));
            let count = words.len();
            for missing in missing.into_iter().rev() {
                let heard = Heard { text: missing.text, ..Heard::default() };
                words.insert(missing.before.min(count), heard);
            }
        }
        in_order(&mut words);
        let (found, loose, unsure) = between(&words, turn);
        Placed { turn: Turn { speaker, channel, words: found }, loose, unsure }
    }
}

impl Heard {
    /// Takes a time away that cannot be.
    fn check(&mut self, turn: Option<(u64, u64)>) {
        let inside = |begin: u64, end: u64| {
            turn.is_none_or(|t| begin + OUTSIDE_MS >= t.0 && end <= t.1.saturating_add(OUTSIDE_MS))
        };
        let possible = match (self.begin_ms, self.end_ms) {
            (Some(b), Some(e)) => e > b && e - b >= least_ms(&self.text) / 2 && e <= MAX_MS && inside(b, e),
            _ => false,
        };
        if !possible {
            (self.begin_ms, self.end_ms) = (None, None);
        }
    }

    fn time(&self) -> Option<(u64, u64)> {
        Some((self.begin_ms?, self.end_ms?))
    }
}

/// Takes the times away that are not in the order of the words: of as few as will do. Where many words have one time, that is a stretch and no time.
fn in_order(words: &mut [Heard]) {
    let times: Vec<(usize, u64)> = words.iter().enumerate().filter_map(|(i, w)| Some((i, w.begin_ms?))).collect();
    let backwards = times.windows(2).any(|p| p[1].1 + BACKWARDS_MS < p[0].1);
    if !backwards {
        return;
    }
    // Words that are in every longest row of times that does not go backwards: of the others nobody knows which is wrong.
    let forwards = longest(times.iter().map(|t| t.1 as i64));
    let mut backwards = longest(times.iter().rev().map(|t| -(t.1 as i64)));
    backwards.reverse();
    let most = forwards.iter().max().copied().unwrap_or(0);
    let level = |n: usize| (forwards[n] + backwards[n] == most + 1).then_some(forwards[n]);
    let mut alone = vec![0usize; most + 1];
    (0..times.len()).filter_map(level).for_each(|l| alone[l] += 1);
    for (n, (word, _)) in times.iter().enumerate() {
        if level(n).is_none_or(|l| alone[l] > 1)
            && let Some(word) = words.get_mut(*word)
        {
            (word.begin_ms, word.end_ms) = (None, None);
        }
    }
}

/// The length of the longest row that ends with each number and never goes down (patience).
fn longest(numbers: impl Iterator<Item = i64>) -> Vec<usize> {
    let mut tails: Vec<i64> = Vec::new();
    let one = |number: i64| {
        let at = tails.partition_point(|t| *t <= number);
        match tails.get_mut(at) {
            Some(tail) => *tail = number,
            None => tails.push(number),
        }
        at + 1
    };
    numbers.map(one).collect()
}

/// The words of a turn with times; which of them have none of their own; whether one of these lies not between two neighbours.
fn between(words: &[Heard], turn: (u64, u64)) -> (Vec<Word>, Vec<bool>, bool) {
    let mut found: Vec<Word> = Vec::with_capacity(words.len());
    let (mut loose, mut unsure) = (Vec::with_capacity(words.len()), false);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if let Some((begin_ms, end_ms)) = word.time() {
            found.push(Word { text: word.text.clone(), begin_ms, end_ms });
            loose.push(false);
            at += 1;
            continue;
        }
        let row: Vec<&Heard> = words.iter().skip(at).take_while(|w| w.time().is_none()).collect();
        let (before, after) = (
            at.checked_sub(1).and_then(|i| words.get(i)).and_then(Heard::time),
            words.get(at + row.len()).and_then(Heard::time),
        );
        let least: u64 = row.iter().map(|w| least_ms(&w.text)).sum();
        let fits = |(begin, end): (u64, u64)| end.saturating_sub(begin) >= least;
        let outer = (before.map_or(turn.0, |b| b.0), after.map_or(turn.1, |a| a.1));
        let inner = (before.map_or(turn.0.min(outer.1), |b| b.1), after.map_or(turn.1, |a| a.0));
        let whole = (turn.0.min(outer.0), turn.1.max(outer.1));
        let (begin_ms, end_ms) = [inner, outer, whole].into_iter().find(|s| fits(*s)).unwrap_or(whole);
        // A letter or two are nobody's name.
        let letters: usize = row.iter().flat_map(|w| w.text.chars()).filter(|c| c.is_alphabetic()).count();
        let digits = row.iter().any(|w| w.text.chars().any(char::is_numeric));
        unsure |= (before.is_none() || after.is_none()) && (digits || letters > 2);
        found.extend(row.iter().map(|w| Word { text: w.text.clone(), begin_ms, end_ms: end_ms.max(begin_ms) }));
        loose.extend(row.iter().map(|_| true));
        at += row.len();
    }
    (found, loose, unsure)
}
