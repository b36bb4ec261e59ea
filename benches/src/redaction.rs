//! How much of what is personal is found in the calls of [`testdata::callcentre`], and how much of what is found is.

use std::collections::BTreeMap;

use anyhow::Result;
pub use cli_app::redact::evaluate::Tally;
use engine_words::rules::{self, Finding};
use engine_words::transcript::{Transcript, Turn, Word};
use testdata::callcentre::{self, Call, Timed};

/// A call's words as the rules take them.
///
/// # Errors
/// A word has an impossible time.
pub fn transcript(lines: &[Vec<Timed>]) -> Result<Transcript> {
    let turn = |line: &Vec<Timed>| Turn {
        speaker: line.first().map_or(0, |w| w.0),
        channel: line.first().map(|w| w.0),
        words: line.iter().map(|w| Word { text: w.3.text.clone(), begin_ms: w.1, end_ms: w.2 }).collect(),
    };
    Ok(Transcript::new(lines.iter().map(turn).collect())?)
}

/// Of all calls.
#[derive(Clone, Default, Debug)]
pub struct Tallies {
    /// By kind.
    pub kinds: BTreeMap<&'static str, Tally>,
    /// Words of no item that are silenced.
    pub words_lost: usize,
    /// Words of no item.
    pub words: usize,
}

impl Tallies {
    /// The sum of all kinds.
    pub fn total(&self) -> Tally {
        self.kinds.values().copied().sum()
    }

    /// Looks for everything in a call, and adds what came of it. `missed` is told each item that was not silenced whole (its kind and words) and
    /// each finding of nothing (its kind and words).
    ///
    /// # Errors
    /// See [`transcript`].
    pub fn add(
        &mut self,
        call: &Call,
        lines: &[Vec<Timed>],
        mut missed: impl FnMut(&str, String),
    ) -> Result<Vec<Finding>> {
        let transcript = transcript(lines)?;
        let findings = rules::find(&transcript, &rules::recognised());
        // Turns are in the order of their first words; so are these.
        let mut order: Vec<&Vec<Timed>> = lines.iter().filter(|l| !l.is_empty()).collect();
        order.sort_by_key(|l| l.first().map(|w| w.1));
        let mut covered: Vec<Vec<bool>> = order.iter().map(|l| vec![false; l.len()]).collect();
        let mut named = vec![0; call.items.len()];
        for finding in &findings {
            let places = || {
                let each = finding.places.iter();
                each.flat_map(|p| p.words.clone().filter_map(|w| Some((p.turn, w, order.get(p.turn)?.get(w)?))))
            };
            for (turn, word, _) in places() {
                covered[turn][word] = true;
            }
            let tally = self.kinds.entry(finding.entity.as_str()).or_default();
            tally.found += 1;
            let mut right = false;
            for (.., timed) in places() {
                let Some(item) = timed.3.item.filter(|_| !timed.3.filler) else { continue };
                right = true;
                named[item] += usize::from(call.items[item] == finding.entity.as_str());
            }
            tally.right += usize::from(right);
            if !right {
                let text: Vec<&str> = places().map(|(.., w)| w.3.text.as_str()).collect();
                missed(&format!("false {}", finding.entity), text.join(" "));
            }
        }
        for (item, kind) in call.items.iter().enumerate() {
            let words = || {
                let all = order.iter().zip(&covered).flat_map(|(l, c)| l.iter().zip(c));
                all.filter(|(w, _)| w.3.item == Some(item) && !w.3.filler)
            };
            let tally = self.kinds.entry(kind).or_default();
            tally.items += 1;
            let silenced = words().all(|(_, covered)| *covered);
            tally.silenced += usize::from(silenced);
            tally.named += usize::from(2 * named[item] >= words().count());
            if !silenced {
                let text: Vec<String> =
                    words().map(|(w, c)| if *c { format!("[{}]", w.3.text) } else { w.3.text.clone() }).collect();
                missed(&format!("missed {kind}"), text.join(" "));
            }
        }
        for (word, covered) in order.iter().zip(&covered).flat_map(|(l, c)| l.iter().zip(c)) {
            self.words += usize::from(word.3.item.is_none());
            self.words_lost += usize::from(word.3.item.is_none() && *covered);
        }
        Ok(findings)
    }
}

/// The calls below `count` that are of the unseen tenth, or those that are not, at the pace of speech.
///
/// # Errors
/// See [`transcript`].
pub fn measure(count: usize, unseen: bool, mut missed: impl FnMut(usize, &str, String)) -> Result<Tallies> {
    let mut tallies = Tallies::default();
    for number in (0..count).filter(|&n| callcentre::is_unseen(n) == unseen) {
        let call = callcentre::call(number);
        tallies.add(&call, &call.paced(), |what, text| missed(number, what, text))?;
    }
    Ok(tallies)
}
