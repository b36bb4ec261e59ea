#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use testdata::{noise, speech_like};

use super::*;

const RATE: u32 = 8_000;

/// Two sides that talk by turns, two seconds each.
fn sides(seconds: u32) -> (Vec<f32>, Vec<f32>) {
    let turn = |i: usize| (i / (2 * RATE as usize)).is_multiple_of(2);
    let agent = speech_like(RATE, seconds);
    let mut caller = speech_like(RATE, seconds);
    caller.rotate_left(7_777);
    let gated =
        |x: Vec<f32>, on: bool| x.into_iter().enumerate().map(|(i, x)| if turn(i) == on { x } else { 0.0 }).collect();
    (gated(agent, true), gated(caller, false))
}

/// `into` with `from` added, later and softer, and some noise.
fn with_bleed(from: &[f32], into: &[f32], delay: usize, gain: f32) -> Vec<f32> {
    let noise = noise(3, into.len());
    (0..into.len())
        .map(|i| into[i] + 0.000_3 * noise[i] + gain * from.get(i.wrapping_sub(delay)).copied().unwrap_or(0.0))
        .collect()
}

fn measured(source: &[f32], heard: &[f32]) -> Option<Bleed> {
    let mut meter = BleedMeter::new(SampleRate::new(RATE).unwrap());
    meter.push(source, heard);
    meter.bleed()
}

#[test]
fn bleed_is_found_with_its_delay_and_level() {
    let (agent, caller) = sides(30);
    for (delay, gain) in [(0, 0.3f32), (40, 0.1), (700, 0.03), (2_400, 0.1), (3_900, 0.1)] {
        let found = measured(&agent, &with_bleed(&agent, &caller, delay, gain)).unwrap();
        assert!((found.delay_s - delay as f64 / 8_000.0).abs() <= 0.002, "{delay}: {found:?}");
        assert!((found.level_db - 20.0 * gain.log10()).abs() < 2.0, "{gain}: {found:?}");
        assert!(found.share > 0.5 && found.heard_s > 6.0, "{found:?}");
    }
}

#[test]
fn sides_that_do_not_hear_each_other_have_none() {
    let (agent, caller) = sides(30);
    for (source, heard) in [(&agent, &caller), (&caller, &agent)] {
        assert_eq!(measured(source, &with_bleed(source, heard, 0, 0.0)), None);
    }
    // Silence, the same noise in neither, and too short to tell.
    assert_eq!(measured(&vec![0.0; 80_000], &agent[..80_000]), None);
    assert_eq!(measured(&agent, &vec![0.0; agent.len()]), None);
    assert_eq!(measured(&noise(1, 80_000), &noise(2, 80_000)), None);
    assert_eq!(measured(&agent[..9_000], &agent[..9_000]), None);
}

#[test]
fn every_chunking_gives_the_same_and_reset_forgets() {
    let (agent, caller) = sides(12);
    let heard = with_bleed(&agent, &caller, 333, 0.1);
    let whole = measured(&agent, &heard);
    assert!(whole.is_some());
    let mut meter = BleedMeter::new(SampleRate::new(RATE).unwrap());
    for chunk in [1, 160, 4_095, 9_001] {
        agent.chunks(chunk).zip(heard.chunks(chunk)).for_each(|(a, h)| meter.push(a, h));
        assert_eq!(meter.bleed(), whole, "{chunk}");
        meter.reset();
        assert_eq!(meter.bleed(), None);
    }
}
