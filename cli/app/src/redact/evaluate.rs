//! How much of what is personal is found, on people's own labelled calls.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::iter::Sum;
use std::ops::Range;
use std::path::{Path, PathBuf};

use engine_words::Entity;
use engine_words::rules::Finding;
use engine_words::transcript::{Transcript, TranscriptError, Turn, Word};
use serde::{Deserialize, Serialize};

use super::{job, request::Wanted, transcript};
use crate::error::{Context, Result, bail};

/// Longest line of a list of labelled calls, in bytes.
const MAX_LINE_BYTES: u64 = 16 << 20;
/// How long a word of a text takes that has no times, in milliseconds.
const WORD_MS: u64 = 400;

/// One labelled call: a line of the list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Labelled {
    /// A transcript's path, from the folder of the list.
    transcript: Option<PathBuf>,
    /// A text instead, a turn on each of its lines.
    text: Option<String>,
    /// What is personal in it.
    items: Vec<Label>,
}

/// Something personal, by times of a transcript or by characters of a text.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Label {
    entity: String,
    /// First character, counted from 0, and the one behind the last.
    begin_offset_char: Option<u64>,
    end_offset_char: Option<u64>,
    begin_offset_millis: Option<u64>,
    end_offset_millis: Option<u64>,
}

/// An item: what it is, and its words by turn and number.
struct Item {
    entity: Entity,
    words: Vec<(usize, usize)>,
}

/// What was found of one kind.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Items that are labelled so.
    pub items: usize,
    /// Those of which every word is found, as whatever kind.
    pub silenced: usize,
    /// Those of which at least half is found as this kind.
    pub named: usize,
    /// Findings of this kind.
    pub found: usize,
    /// Those that have a word of an item, of whatever kind.
    pub right: usize,
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            items: a.items + b.items,
            silenced: a.silenced + b.silenced,
            named: a.named + b.named,
            found: a.found + b.found,
            right: a.right + b.right,
        })
    }
}

/// A share, with its 95 % interval (Wilson).
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// Their share; absent where there is nothing to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// 95 % interval of the share, as if each were counted independently of the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

impl Share {
    fn new(count: usize, of: usize) -> Self {
        const Z: f64 = 1.959_963_984_540_054;
        let (k, n) = (count as f64, of as f64);
        let share = (of > 0).then(|| k / n);
        let interval = share.map(|p| {
            let (centre, all) = (p + Z * Z / (2.0 * n), 1.0 + Z * Z / n);
            let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
            [((centre - half) / all).clamp(0.0, p), ((centre + half) / all).clamp(p, 1.0)]
        });
        Self { count, of, share, interval }
    }
}

/// What came of one kind, or of all together.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// The kind; `ALL` for all together.
    pub entity: String,
    /// Items of which every word is silenced.
    pub silenced: Share,
    /// Items that are found as what they are.
    pub named: Share,
    /// Findings of this kind that touch an item.
    pub precision: Share,
}

/// What came of a list of labelled calls.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Evaluation {
    /// Calls of the list.
    pub calls: usize,
    /// A row for each kind that was labelled or found, and the sum of all.
    pub kinds: Vec<Row>,
    /// Words of no item that are silenced.
    pub words_lost: Share,
}

/// Words of a text, with the characters that each stands at, turn by turn.
fn words_of(text: &str) -> Vec<Vec<(String, Range<u64>)>> {
    let mut turns = vec![Vec::new()];
    let mut word: Option<(String, u64)> = None;
    let put = |turns: &mut Vec<Vec<(String, Range<u64>)>>, word: Option<(String, u64)>, end: u64| {
        if let (Some((text, begin)), Some(turn)) = (word, turns.last_mut()) {
            turn.push((text, begin..end));
        }
    };
    let mut at = 0;
    for c in text.chars() {
        if c.is_whitespace() {
            put(&mut turns, word.take(), at);
            if c == '\n' {
                turns.push(Vec::new());
            }
        } else {
            word.get_or_insert_with(|| (String::new(), at)).0.push(c);
        }
        at += 1;
    }
    put(&mut turns, word, at);
    turns.retain(|turn| !turn.is_empty());
    turns
}

impl Label {
    /// Where it is, by characters or by times.
    fn range(&self, text: bool) -> Result<Range<u64>> {
        let chars = [self.begin_offset_char, self.end_offset_char];
        let times = [self.begin_offset_millis, self.end_offset_millis];
        let (given, other, names) = if text {
            (chars, times, "BeginOffsetChar and EndOffsetChar")
        } else {
            (times, chars, "BeginOffsetMillis and EndOffsetMillis")
        };
        let [Some(begin), Some(end)] = given else { bail!("an item of {} has no {names}", self.entity) };
        if begin >= end || other.iter().any(Option::is_some) {
            bail!("an item of {} from {begin} to {end}: {names} are wanted, the first below the second", self.entity);
        }
        Ok(begin..end)
    }
}

impl Labelled {
    /// Its words, and its items.
    fn read(&self, folder: &Path) -> Result<(Option<Transcript>, Vec<Item>)> {
        match (&self.transcript, &self.text) {
            (Some(path), None) => {
                let transcript = transcript::load(&folder.join(path))?.transcript;
                // A word is of an item where its middle lies within the item's time.
                let within = |range: &Range<u64>, word: &Word| range.contains(&word.begin_ms.midpoint(word.end_ms));
                let items = self.items_of(false, |range| {
                    let turns = transcript.turns().iter().enumerate();
                    let all =
                        turns.flat_map(|(t, turn)| turn.words.iter().enumerate().map(move |(w, word)| (t, w, word)));
                    all.filter(|(.., word)| within(range, word)).map(|(t, w, _)| (t, w)).collect()
                })?;
                Ok((Some(transcript), items))
            }
            (None, Some(text)) => {
                let words = words_of(text);
                let items = self.items_of(true, |range| {
                    let turns = words.iter().enumerate();
                    let all = turns.flat_map(|(t, turn)| turn.iter().enumerate().map(move |(w, word)| (t, w, &word.1)));
                    all.filter(|(.., at)| at.start < range.end && range.start < at.end)
                        .map(|(t, w, _)| (t, w))
                        .collect()
                })?;
                let mut now = 0;
                let mut word = |(text, _): &(String, Range<u64>)| {
                    now += WORD_MS;
                    Word { text: text.clone(), begin_ms: now - WORD_MS, end_ms: now }
                };
                let turns = words.iter().map(|turn| Turn {
                    speaker: 0,
                    channel: None,
                    words: turn.iter().map(&mut word).collect(),
                });
                match Transcript::new(turns.collect()) {
                    Ok(transcript) => Ok((Some(transcript), items)),
                    Err(TranscriptError::Empty) => Ok((None, items)),
                    Err(e) => Err(e.into()),
                }
            }
            _ => bail!("a call is either a transcript or a text"),
        }
    }

    fn items_of(&self, text: bool, mut words: impl FnMut(&Range<u64>) -> Vec<(usize, usize)>) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(self.items.len());
        for label in &self.items {
            let entity: Entity = label.entity.parse()?;
            let range = label.range(text)?;
            let words = words(&range);
            if words.is_empty() {
                bail!("the item of {entity} from {} to {} has no word in it", range.start, range.end);
            }
            items.push(Item { entity, words });
        }
        Ok(items)
    }
}

/// Counts over calls.
#[derive(Default)]
struct Tallies {
    kinds: BTreeMap<&'static str, Tally>,
    words: usize,
    lost: usize,
}

impl Tallies {
    fn add(&mut self, transcript: &Transcript, items: &[Item], findings: &[Finding]) {
        let mut found: BTreeMap<(usize, usize), Vec<Entity>> = BTreeMap::new();
        let of_items: BTreeSet<(usize, usize)> = items.iter().flat_map(|i| &i.words).copied().collect();
        for finding in findings {
            let words = || finding.places.iter().flat_map(|p| p.words.clone().map(|w| (p.turn, w)));
            words().for_each(|word| found.entry(word).or_default().push(finding.entity));
            let tally = self.kinds.entry(finding.entity.as_str()).or_default();
            tally.found += 1;
            tally.right += usize::from(words().any(|word| of_items.contains(&word)));
        }
        for item in items {
            let tally = self.kinds.entry(item.entity.as_str()).or_default();
            let named = item.words.iter().filter(|w| found.get(w).is_some_and(|f| f.contains(&item.entity))).count();
            tally.items += 1;
            tally.silenced += usize::from(item.words.iter().all(|w| found.contains_key(w)));
            tally.named += usize::from(2 * named >= item.words.len());
        }
        for (t, turn) in transcript.turns().iter().enumerate() {
            for w in (0..turn.words.len()).filter(|&w| !of_items.contains(&(t, w))) {
                self.words += 1;
                self.lost += usize::from(found.contains_key(&(t, w)));
            }
        }
    }

    fn evaluation(&self, calls: usize) -> Evaluation {
        let row = |entity: &str, t: Tally| Row {
            entity: entity.to_owned(),
            silenced: Share::new(t.silenced, t.items),
            named: Share::new(t.named, t.items),
            precision: Share::new(t.right, t.found),
        };
        let mut kinds: Vec<Row> = self.kinds.iter().map(|(entity, &t)| row(entity, t)).collect();
        kinds.push(row("ALL", self.kinds.values().copied().sum()));
        Evaluation { calls, kinds, words_lost: Share::new(self.lost, self.words) }
    }
}

/// Looks for what is personal in each call of a list, and counts what was found of what is labelled. `told` is told after each call how
/// many there were.
///
/// # Errors
/// The list or a transcript cannot be read, a line is no labelled call, or there is none. The error names the line.
pub fn evaluate(list: &Path, wanted: &Wanted, mut told: impl FnMut(usize)) -> Result<Evaluation> {
    let entities = job::wanted(&wanted.entities)?;
    let name = || list.display().to_string();
    let folder = list.parent().unwrap_or_else(|| Path::new(""));
    let mut file = BufReader::new(std::fs::File::open(list).with_context(name)?);
    let (mut tallies, mut calls, mut number) = (Tallies::default(), 0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read =
            std::io::Read::take(&mut file, MAX_LINE_BYTES + 1).read_until(b'\n', &mut line).with_context(name)?;
        number += 1;
        let here = || format!("{}:{number}", list.display());
        if read == 0 {
            break;
        }
        if line.len() as u64 > MAX_LINE_BYTES {
            bail!("{}: more than {MAX_LINE_BYTES} bytes", here());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let call: Labelled = serde_json::from_slice(&line).with_context(here)?;
        let (transcript, items) = call.read(folder).with_context(here)?;
        // What is not looked for is not missed.
        let items: Vec<Item> = items.into_iter().filter(|i| entities.contains(&i.entity)).collect();
        if let Some(transcript) = transcript {
            let findings = job::find(&transcript, wanted, &entities);
            tallies.add(&transcript, &items, &findings);
        }
        calls += 1;
        told(calls);
    }
    if calls == 0 {
        bail!("{}: no labelled call in it", name());
    }
    Ok(tallies.evaluation(calls))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::redact::request::MaskMode;
    use engine_words::rules::Lean;

    fn wanted() -> Wanted {
        Wanted { entities: Vec::new(), mask: MaskMode::Pii, language: "en-US".to_owned(), lean: Lean::default() }
    }

    fn run(lines: &str) -> Result<Evaluation> {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("gold.jsonl");
        std::fs::write(&list, lines).unwrap();
        evaluate(&list, &wanted(), |_| ())
    }

    #[test]
    fn items_are_counted_by_kind_with_their_intervals() {
        let lines = r#"{"Text": "my card number is 4111 1111 1111 1111\nand my cousin is Zzyx", "Items": [{"Entity": "CREDIT_DEBIT_NUMBER", "BeginOffsetChar": 18, "EndOffsetChar": 37}]}
{"Text": "the weather is fine today", "Items": [{"Entity": "PHONE", "BeginOffsetChar": 4, "EndOffsetChar": 11}]}
"#;
        let found = run(lines).unwrap();
        let row = |entity: &str| found.kinds.iter().find(|r| r.entity == entity).unwrap();
        assert_eq!(found.calls, 2);
        assert_eq!((row("CREDIT_DEBIT_NUMBER").silenced.count, row("CREDIT_DEBIT_NUMBER").named.of), (1, 1));
        assert_eq!(
            (row("PHONE").silenced.count, row("PHONE").silenced.of),
            (0, 1),
            "what is labelled and not found is missed"
        );
        let all = row("ALL").silenced;
        assert_eq!((all.count, all.of, all.share), (1, 2, Some(0.5)));
        // Wilson's interval of 1 in 2, from scipy.stats.binomtest.
        let [low, high] = all.interval.unwrap();
        assert!((low - 0.094_531_2).abs() < 1e-6 && (high - 0.905_468_8).abs() < 1e-6, "{low} {high}");
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        let line = r#"{"Text": "Žofie’s card is 4111 1111 1111 1111", "Items": [{"Entity": "CREDIT_DEBIT_NUMBER", "BeginOffsetChar": 16, "EndOffsetChar": 35}]}"#;
        let found = run(line).unwrap();
        let card = found.kinds.iter().find(|r| r.entity == "CREDIT_DEBIT_NUMBER").unwrap();
        assert_eq!((card.silenced.count, card.precision.share), (1, Some(1.0)));
    }

    #[test]
    fn a_line_that_is_no_labelled_call_is_named() {
        for (line, why) in [
            ("{}", "Items"),
            ("{\"Items\": []}", "either a transcript or a text"),
            ("{\"Text\": \"a\", \"Transcript\": \"b\", \"Items\": []}", "either a transcript or a text"),
            (
                "{\"Text\": \"hello\", \"Items\": [{\"Entity\": \"NAME\", \"BeginOffsetChar\": 3, \"EndOffsetChar\": 3}]}",
                "first below the second",
            ),
            (
                "{\"Text\": \"hello\", \"Items\": [{\"Entity\": \"NAME\", \"BeginOffsetChar\": 90, \"EndOffsetChar\": 95}]}",
                "no word in it",
            ),
            (
                "{\"Text\": \"hello\", \"Items\": [{\"Entity\": \"NAME\", \"BeginOffsetMillis\": 0, \"EndOffsetMillis\": 5}]}",
                "BeginOffsetChar",
            ),
            (
                "{\"Text\": \"hello\", \"Items\": [{\"Entity\": \"WHAT\", \"BeginOffsetChar\": 0, \"EndOffsetChar\": 5}]}",
                "WHAT",
            ),
            ("{\"Transcript\": \"none.json\", \"Items\": []}", "none.json"),
            ("nonsense", "gold.jsonl:1"),
            ("\n\n", "no labelled call"),
        ] {
            let error = format!("{:#}", run(line).unwrap_err());
            assert!(error.contains(why) && error.contains("gold.jsonl"), "{line}: {error}");
        }
    }
}
