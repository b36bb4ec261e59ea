//! How often a watch list flags callers who are not on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use cli_app::analysis::Toolkit;
use cli_app::report::WatchlistRate;
use cli_app::trials::{Heard, Hearing};
use engine::call::WatchList;
use engine::metrics::SplitMix64;
use engine::score::Threshold;
use engine::search::Index;

/// Lists drawn for each caller.
const DRAWS: usize = 10;
const REPLICATES: usize = 1_000;

/// Puts each caller on no list: lists are drawn of `size` other people, one recording each (0: of all others).
pub(super) fn measure(tools: &Toolkit, hearing: &Hearing<'_>, heard: &[Heard], size: usize) -> Result<WatchlistRate> {
    let person = |file| hearing.person(file);
    let mut enrolled = BTreeMap::new();
    let mut callers = BTreeMap::new();
    for trial in hearing.list.trials() {
        enrolled.entry(person(trial.enrolment)?).or_insert(trial.enrolment);
        callers.entry(trial.probe).or_insert(person(trial.probe)?);
    }
    let get = |file: u32| heard.get(file as usize).and_then(|h| Some((h.embedding.as_ref()?, h.side().ok()?)));
    let known: Vec<(&str, _)> = enrolled.iter().filter_map(|(who, file)| Some((*who, get(*file)?))).collect();
    let largest = known.len().saturating_sub(1);
    let size = if size == 0 { largest } else { size };
    if size > largest {
        bail!(
            "the trial list has {} people with an enrolment, so lists of at most {largest} can be drawn",
            known.len()
        );
    }
    let threshold = Threshold::new(50)?;
    let mut random = SplitMix64::new(1);
    // Flags and lists of each person as caller.
    let mut by_person: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (file, who) in callers {
        let Some((embedding, side)) = get(file) else { continue };
        let mut others: Vec<_> = known.iter().filter(|(other, _)| *other != who).collect();
        let draws = if size >= others.len() { 1 } else { DRAWS };
        for _ in 0..draws {
            for i in 0..size.min(others.len()) {
                let j = i + random.below(others.len() - i);
                others.swap(i, j);
            }
            let drawn = others.iter().take(size);
            let rows = drawn.clone().flat_map(|(_, (e, _))| e.values().to_vec()).collect();
            let sides = drawn.map(|(_, (_, side))| *side).collect();
            let index = Index::new(rows, tools.model.dim(), tools.model.id())?;
            let watched = Arc::new(WatchList::new(index, sides)?);
            let mut scratch = watched.index().scratch();
            let risk = watched.risk(embedding, side, &tools.calibration, &mut scratch)?;
            let tally = by_person.entry(who).or_default();
            tally.0 += usize::from(risk.is_some_and(|(_, r)| r.reaches(threshold)));
            tally.1 += 1;
        }
    }
    let tallies: Vec<(usize, usize)> = by_person.into_values().collect();
    let share = |of: &mut dyn Iterator<Item = (usize, usize)>| {
        let (flags, lists) = of.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        flags as f64 / lists.max(1) as f64
    };
    let flagged = share(&mut tallies.iter().copied());
    let mut samples: Vec<f64> =
        (0..REPLICATES).map(|_| share(&mut (0..tallies.len()).map(|_| tallies[random.below(tallies.len())]))).collect();
    samples.sort_by(f64::total_cmp);
    let at = |q: f64| samples.get((q * (REPLICATES - 1) as f64) as usize).copied().unwrap_or(flagged);
    Ok(WatchlistRate {
        people: size,
        lists: tallies.iter().map(|t| t.1).sum(),
        flagged_at_50: flagged,
        interval: [at(0.025).min(flagged), at(0.975).max(flagged)],
    })
}
