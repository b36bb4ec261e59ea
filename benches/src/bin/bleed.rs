//! How well the agent's voice is found in the caller's channel: `bleed DIR [PREFIX]`, DIR with a folder of recordings for each person.
//!
//! A call is two people's recordings whose names begin with PREFIX, the agent from the start and the caller from the middle of it, so that
//! they overlap; both channels get noise at -60 dB of full scale and mu-law. The agent comes back later, through an echo of 20 ms. Prints, for
//! each level of that, in how many calls it is found, and how far delay and level are off.

use std::path::Path;

use anyhow::{Context, Result};
use cli_audio::{ChannelChoice, MonoReader};
use engine::audio::{SampleRate, f32_to_i16, i16_to_f32};
use engine::bleed::BleedMeter;
use engine::codec::g711;
use testdata::{Random, noise};

fn speech(dir: &Path, prefix: &str) -> Result<Option<(u32, Vec<f32>)>> {
    let mut files: Vec<_> = std::fs::read_dir(dir)?.filter_map(Result::ok).map(|e| e.path()).collect();
    files.sort();
    let found = files.iter().find(|f| f.file_name().is_some_and(|n| n.to_string_lossy().starts_with(prefix)));
    let Some(file) = found else { return Ok(None) };
    let mut source = MonoReader::open(file, None, ChannelChoice::Mix)?;
    let (mut all, mut chunk) = (Vec::new(), Vec::new());
    while source.next_chunk(&mut chunk)? > 0 {
        all.extend_from_slice(&chunk);
    }
    Ok(Some((source.spec().rate_hz, all)))
}

fn coded(x: &[f32]) -> Vec<f32> {
    x.iter().map(|&x| i16_to_f32(g711::ulaw_to_i16(g711::i16_to_ulaw(f32_to_i16(x))))).collect()
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().context("usage: bleed DIR [PREFIX]")?;
    let prefix = args.next().unwrap_or_else(|| "enrol_tel".into());
    let mut people = Vec::new();
    for person in std::fs::read_dir(&dir)?.filter_map(Result::ok).filter(|e| e.path().is_dir()) {
        people.extend(speech(&person.path(), &prefix)?.filter(|(_, x)| !x.is_empty()));
    }
    let mut random = Random::new(5);
    println!("{} people\nlevel      found  delay off by  level off by", people.len());
    for level_db in [f32::NEG_INFINITY, -20.0, -26.0, -32.0, -38.0, -44.0, -50.0] {
        let (mut calls, mut found, mut delay_off, mut level_off) = (0, 0, Vec::new(), Vec::new());
        for (i, (rate_hz, agent)) in people.iter().enumerate() {
            for step in 1..=8 {
                let Some((_, caller)) = people.get((i + step) % people.len()).filter(|(r, _)| r == rate_hz) else {
                    continue;
                };
                let rate = f64::from(*rate_hz);
                let delay = (random.uniform() * 0.3 * rate) as usize;
                let (gain, start) = (10f32.powf(level_db / 20.0), agent.len() / 2);
                let length = agent.len().max(start + caller.len());
                let at =
                    |x: &[f32], i: usize, by: usize| i.checked_sub(by).and_then(|i| x.get(i)).copied().unwrap_or(0.0);
                let hiss = [noise(random.bits(), length), noise(random.bits(), length)];
                let echo = |i| gain * (at(agent, i, delay) + 0.4 * at(agent, i, delay + (0.02 * rate) as usize));
                let own: Vec<f32> = (0..length).map(|i| at(caller, i, start) + echo(i) + 0.001 * hiss[0][i]).collect();
                let other: Vec<f32> = (0..length).map(|i| at(agent, i, 0) + 0.001 * hiss[1][i]).collect();
                let mut meter = BleedMeter::new(SampleRate::new(*rate_hz)?);
                meter.push(&coded(&other), &coded(&own));
                calls += 1;
                if let Some(bleed) = meter.bleed() {
                    found += 1;
                    delay_off.push((bleed.delay_s - delay as f64 / rate).abs());
                    level_off.push(f64::from((bleed.level_db - level_db).abs()));
                }
            }
        }
        let median = |mut x: Vec<f64>| {
            x.sort_by(f64::total_cmp);
            x.get(x.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let (delay, level) = (1000.0 * median(delay_off), median(level_off));
        println!(
            "{level_db:>5} dB  {:>5.1} %  {delay:>9.1} ms  {level:>9.1} dB",
            100.0 * f64::from(found) / f64::from(calls.max(1))
        );
    }
    Ok(())
}
