//! Numbers that are said in pieces with other talk between them, and numbers that are said again.

use std::collections::HashMap;
use std::ops::Range;

use super::super::Entity;
use super::check;
use super::numbers::{self, Found};
use super::spoken::Run;
use super::words::{Side, Timeline};

/// Words of the same speaker between two parts of one number.
const MOST_BETWEEN: usize = 24;
/// The same where only the first was called by its name.
const MOST_AFTER: usize = 16;
/// Words of anybody after a number in which single digits of it are said again.
const ECHO_WORDS: usize = 12;
/// Digits of a number by which it is known again later.
const KNOWN_AGAIN: Range<usize> = 3..13;
/// Longest number that is looked for in pieces.
const LONGEST: usize = 19;

/// Something that was found in several places.
pub(super) struct More {
    pub(super) entity: Entity,
    /// Sides and their items.
    pub(super) items: Vec<(usize, Range<usize>)>,
    pub(super) confidence: f32,
    pub(super) recogniser: &'static str,
}

/// A run of digits.
struct Row {
    digits: String,
    items: Range<usize>,
    /// Places of its first and last word among everybody's.
    places: (usize, usize),
    /// What was found in it.
    entity: Option<Entity>,
    /// It was found by a check digit or as a whole.
    whole: bool,
    /// It is no part of anything: letters, amounts, what counts something.
    apart: bool,
}

/// All rows of digits of a call, and what was found in them.
pub(super) struct Numbers<'a> {
    sides: &'a [Side],
    rows: Vec<Vec<Row>>,
}

impl<'a> Numbers<'a> {
    pub(super) fn new(sides: &'a [Side], runs: &[Vec<Run>]) -> Self {
        let rows = sides.iter().zip(runs).map(|(side, runs)| runs.iter().map(|run| Row::new(side, run)).collect());
        Self { sides, rows: rows.collect() }
    }

    /// Takes note of what was found in a side's run.
    pub(super) fn found(&mut self, side: usize, run: usize, found: &Found) {
        if let Some(row) = self.rows.get_mut(side).and_then(|r| r.get_mut(run)) {
            row.entity = Some(found.entity);
            row.whole |= matches!(found.recogniser, "checked number" | "called number");
        }
    }

    /// What is found only by looking at several rows.
    pub(super) fn rest(mut self, timeline: &Timeline, wanted: &[Entity]) -> Vec<More> {
        let mut more = Vec::new();
        for side in 0..self.rows.len() {
            if wanted.contains(&Entity::CreditDebitNumber) {
                self.cards(side, &mut more);
            }
            self.sticky(side, timeline, &mut more);
        }
        self.again(&mut more);
        more
    }

    /// Cards in parts: rows that follow each other and check together.
    fn cards(&mut self, side: usize, more: &mut Vec<More>) {
        let Some(rows) = self.rows.get_mut(side) else { return };
        for least in [1, 3] {
            let usable: Vec<usize> = (0..rows.len())
                .filter(|&i| {
                    rows[i].digits.len() >= least && !rows[i].apart && !(rows[i].whole && rows[i].digits.len() > 12)
                })
                .collect();
            let mut at = 0;
            while at < usable.len() {
                let (mut text, mut end, mut last) = (String::new(), at, None::<usize>);
                let mut card = None;
                while let Some(row) = usable.get(end).and_then(|&i| rows.get(i)) {
                    let between = last.map_or(0, |l| row.items.start.saturating_sub(l));
                    if between > MOST_BETWEEN || text.len() + row.digits.len() > LONGEST {
                        break;
                    }
                    text.push_str(&row.digits);
                    last = Some(row.items.end);
                    end += 1;
                    if end > at + 1 && check::card(&text) {
                        card = Some(end);
                    }
                }
                let Some(end) = card else {
                    at += 1;
                    continue;
                };
                let parts = usable.get(at..end).unwrap_or_default();
                more.push(More {
                    entity: Entity::CreditDebitNumber,
                    items: parts.iter().map(|&i| (side, rows[i].items.clone())).collect(),
                    confidence: 0.8,
                    recogniser: "number in parts",
                });
                for &i in parts {
                    (rows[i].entity, rows[i].whole) = (Some(Entity::CreditDebitNumber), true);
                }
                at = end;
            }
        }
    }

    /// Rows of digits soon after a part of a number that was called something: more of it.
    fn sticky(&mut self, side: usize, timeline: &Timeline, more: &mut Vec<More>) {
        let Some(rows) = self.rows.get_mut(side) else { return };
        let mut open: Option<(Entity, usize, usize, usize)> = None;
        for row in rows.iter_mut() {
            if let Some(entity) = row.entity {
                open = numbers::long(entity).then_some((entity, row.items.end, row.digits.len(), row.places.1));
                continue;
            }
            let Some((entity, end, length, place)) = open else { continue };
            let near = row.items.start.saturating_sub(end) <= MOST_AFTER;
            if !near || length + row.digits.len() > LONGEST || numbers::asks(&timeline.between(place + 1, row.places.0))
            {
                open = None;
                continue;
            }
            if row.digits.len() >= 3 && !row.apart {
                row.entity = Some(entity);
                open = Some((entity, row.items.end, length + row.digits.len(), row.places.1));
                let items = vec![(side, row.items.clone())];
                more.push(More { entity, items, confidence: 0.5, recogniser: "more of a number" });
            }
        }
    }

    /// Digits of a number that was found, said again by whomever.
    fn again(&self, more: &mut Vec<More>) {
        let mut known: HashMap<&str, Entity> = HashMap::new();
        // Where each number was said: from, to, and its row.
        let mut said: Vec<(usize, usize, &Row)> = Vec::new();
        for row in self.rows.iter().flatten() {
            let Some(entity) = row.entity.filter(|_| !row.apart) else { continue };
            said.push((row.places.0, row.places.1 + ECHO_WORDS, row));
            let text = row.digits.get(..row.digits.len().min(2 * LONGEST)).unwrap_or_default();
            let least = if text.len() > 4 { 4 } else { 3 };
            for length in KNOWN_AGAIN.filter(|l| *l >= least && *l <= text.len()) {
                for i in 0..=text.len() - length {
                    known.entry(&text[i..i + length]).or_insert(entity);
                }
            }
        }
        said.sort_unstable_by_key(|s| (s.0, s.1));
        for (side, rows) in self.rows.iter().enumerate() {
            for row in rows.iter().filter(|r| r.entity.is_none() && !r.apart) {
                let text = row.digits.get(..row.digits.len().min(KNOWN_AGAIN.end - 1)).unwrap_or_default();
                let now = said.partition_point(|s| s.0 <= row.places.0);
                let echo = said.get(now.saturating_sub(8)..now).unwrap_or_default().iter().rev();
                let mut echo = echo.filter(|s| s.1 >= row.places.0 && s.2.digits.contains(text));
                let entity = echo.find_map(|s| s.2.entity).or_else(|| known.get(text).copied());
                // "one moment" repeats nothing.
                let entity = entity.filter(|_| text.len() >= 3 || self.alone(side, &row.items));
                if let Some(entity) = entity.filter(|_| !text.is_empty()) {
                    let items = vec![(side, row.items.clone())];
                    more.push(More { entity, items, confidence: 0.8, recogniser: "said again" });
                }
            }
        }
    }

    /// Whether items are all that is said in their turn, but for a word or two of no weight.
    fn alone(&self, side: usize, items: &Range<usize>) -> bool {
        const SOFT: [&str; 14] =
            ["okay", "ok", "yes", "yeah", "and", "um", "uh", "right", "then", "sorry", "got", "it", "mm", "so"];
        let all = self.sides.get(side).map_or(&[][..], |s| &s.items);
        let turn = all.get(items.start).map(|i| i.turn);
        let same = |i: &usize| all.get(*i).map(|i| i.turn) == turn;
        let before = (0..items.start).rev().take_while(same).take(3);
        let mut around = before.chain((items.end..all.len()).take_while(same).take(3));
        around.all(|i| all.get(i).is_some_and(|i| SOFT.contains(&i.text.as_str())))
    }
}

impl Row {
    fn new(side: &Side, run: &Run) -> Self {
        let items = run.pieces.first().map_or(0, |p| p.words.start)..run.pieces.last().map_or(0, |p| p.words.end);
        let digits: String = run.pieces.iter().map(|p| p.text.as_str()).collect();
        let letters = digits.bytes().any(|b| !b.is_ascii_digit());
        let place = |i: usize| side.items.get(i).map_or(0, |i| i.place);
        Self {
            places: (place(items.start), place(items.end.saturating_sub(1))),
            apart: letters || run.pieces.iter().any(|p| p.amount) || numbers::harmless(side, run, 0),
            entity: None,
            whole: false,
            digits,
            items,
        }
    }
}
