//! How well enrolment tells one voice from two: `coherence DIR [PREFIX]`, DIR with a folder of recordings for each person.
//!
//! The windows of a person's recordings whose names begin with PREFIX, one after another, are an enrolment of one voice; with a stretch of
//! 20 to 50 % of another person's put in, one of two. Prints, for limits of `most_ratio`, how many of each are refused, and for the same
//! limits of a change's ratio in how many one is noticed: in those of one voice, and where the other voice follows.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Parser;
use cli::args::Cli;
use cli_app::analysis::{Input, Toolkit, Wanted};
use engine::enroll::{ChangeFinder, coherence};

/// Windows of an enrolment, 1.5 s of net speech each.
const WINDOWS: std::ops::Range<usize> = 8..15;

/// Numbers that only look random, the same in each run.
fn draw(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % below.max(1)
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().ok_or_else(|| anyhow::anyhow!("usage: coherence DIR [PREFIX] [-- options of vouch]"))?;
    let prefix = args.next().unwrap_or_default();
    let options = ["vouch".to_owned(), "model".into(), "describe".into()].into_iter().chain(args.filter(|a| a != "--"));
    let tools = Toolkit::load(&Cli::parse_from(options).global)?;
    let dim = tools.model.dim();
    let mut people = BTreeMap::<String, Vec<f32>>::new();
    for person in std::fs::read_dir(Path::new(&dir))?.filter_map(Result::ok).filter(|e| e.path().is_dir()) {
        let mut files: Vec<_> = std::fs::read_dir(person.path())?.filter_map(Result::ok).map(|e| e.path()).collect();
        files.sort();
        for file in files.iter().filter(|f| f.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&prefix))) {
            let wanted = Wanted { windows: true, ..Wanted::default() };
            let heard = tools.analyse_file(file, Input::default(), wanted, |_| ())?;
            people.entry(person.file_name().to_string_lossy().into_owned()).or_default().extend(heard.windows);
        }
    }
    let voices: Vec<&[f32]> = people.values().map(Vec::as_slice).filter(|w| w.len() >= WINDOWS.start * dim).collect();
    let ratio = |windows: &[f32]| -> anyhow::Result<Option<f32>> {
        let found = coherence(windows, dim)?;
        Ok(found.filter(|c| c.smaller_share() >= 0.15).map(|c| c.ratio()))
    };
    let mut finder = ChangeFinder::new(dim);
    let mut change = |windows: &[f32]| finder.find(windows).map_or(1.0, |c| c.ratio);
    let (mut one, mut two, mut state) = (Vec::new(), Vec::new(), 1u64);
    let (mut stays, mut changes) = (Vec::new(), Vec::new());
    for voice in &voices {
        let n = (voice.len() / dim).min(WINDOWS.end);
        one.push(ratio(&voice[..n * dim])?.unwrap_or(1.0));
        stays.push(change(&voice[..n * dim]));
        for _ in 0..5 {
            let other = voices[draw(&mut state, voices.len())];
            let count = WINDOWS.start + draw(&mut state, WINDOWS.len());
            let second = (count * (20 + draw(&mut state, 31))).div_ceil(100);
            let first = count - second;
            if std::ptr::eq(other.as_ptr(), voice.as_ptr()) || voice.len() < first * dim || other.len() < second * dim {
                continue;
            }
            let cut = draw(&mut state, first + 1);
            let mixed = [&voice[..cut * dim], &other[..second * dim], &voice[cut * dim..first * dim]].concat();
            two.push(ratio(&mixed)?.unwrap_or(1.0));
            changes.push(change(&[&voice[..first * dim], &other[..second * dim]].concat()));
        }
    }
    let refused = |ratios: &[f32], limit: f32| {
        100.0 * ratios.iter().filter(|&&r| r <= limit).count() as f64 / ratios.len().max(1) as f64
    };
    println!("{} of one voice, {} of two", one.len(), two.len());
    println!("     limit  one voice refused  two voices refused  change noticed in one voice  from one to another");
    for limit in (6..=16).map(|k| k as f32 * 0.05).chain([0.54]) {
        let (one, two) = (refused(&one, limit), refused(&two, limit));
        let (stays, changes) = (refused(&stays, limit), refused(&changes, limit));
        println!("{limit:>10.2}  {one:>16.1} %  {two:>17.1} %  {stays:>26.1} %  {changes:>18.1} %");
    }
    Ok(())
}
