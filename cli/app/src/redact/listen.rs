//! What a recording itself tells, in one pass: keys that are pressed, who hears whom, how loud each second is, and its outline for drawing.

use cli_audio::strict::{Layout, Recording};
use engine::audio::SampleRate;
use engine::bleed::BleedMeter;
use engine::keys::KeyFinder;
use engine::resample::Resampler;

use crate::error::{Context, Result};

/// Columns of the outline.
pub const COLUMNS: usize = 1_200;
/// What full scale is in loudness: 16-bit samples against one of them, in dB.
const FULL_SCALE_DB: f64 = 90.3;
const KEYS_HZ: u32 = 8_000;

/// What was heard in one channel.
#[derive(Default)]
pub struct Channel {
    /// Keys, in samples of the recording.
    pub keys: Vec<std::ops::Range<u64>>,
    /// Loudness of each clock second, in dB above one step of 16 bits; 0 for silence.
    pub loudness: Vec<f64>,
    /// Least and greatest sample of each of [`COLUMNS`] parts.
    pub outline: Vec<(f32, f32)>,
}

/// What was heard.
pub struct Heard {
    /// In each channel.
    pub channels: Vec<Channel>,
    /// By how many milliseconds later each of two channels hears the other, where it does: `[1 in 0, 0 in 1]`. All hear all where there are more.
    pub crosstalk: [Option<u64>; 2],
}

struct Ear {
    keys: KeyFinder,
    resampler: Resampler,
    power: Vec<f64>,
    outline: Vec<(f32, f32)>,
}

/// Listens to a recording.
///
/// # Errors
/// It cannot be read, or its rate is none that is supported.
pub fn listen(recording: &Recording, layout: &Layout, mut progress: impl FnMut(u64)) -> Result<Heard> {
    let rate = SampleRate::new(layout.rate_hz)
        .with_context(|| format!("{} (RECORDING_SAMPLE_RATE_NOT_SUPPORTED)", recording.path().display()))?;
    let mut file = recording.listen()?;
    let mut ears = Vec::new();
    for _ in 0..layout.channels {
        ears.push(Ear {
            keys: KeyFinder::new(),
            resampler: Resampler::to(rate, KEYS_HZ)?,
            power: Vec::new(),
            outline: vec![(0.0, 0.0); COLUMNS],
        });
    }
    let (mut of_second, mut of_first) = (BleedMeter::new(rate), BleedMeter::new(rate));
    let (mut chunk, mut sides) = (Vec::new(), vec![Vec::new(); layout.channels]);
    let mut at = 0;
    while file.next_chunk(&mut chunk)? > 0 {
        for (c, (side, ear)) in sides.iter_mut().zip(&mut ears).enumerate() {
            side.clear();
            side.extend(chunk.iter().skip(c).step_by(layout.channels).copied());
            ear.hear(side, at, layout);
        }
        if let [first, second] = sides.as_slice() {
            of_second.push(second, first);
            of_first.push(first, second);
        }
        at += sides.first().map_or(0, Vec::len) as u64;
        progress(at);
    }
    let crosstalk = match layout.channels {
        2 => [of_second, of_first].map(|m| m.bleed().map(|b| (1_000.0 * b.delay_s).ceil() as u64)),
        _ => [Some(0); 2],
    };
    Ok(Heard { channels: ears.into_iter().map(|e| e.finish(layout)).collect(), crosstalk })
}

impl Ear {
    fn hear(&mut self, samples: &[f32], at: u64, layout: &Layout) {
        let keys = &mut self.keys;
        if layout.rate_hz == KEYS_HZ {
            keys.push(samples);
        } else {
            self.resampler.push(samples, &mut |x| keys.push(x));
        }
        let mut rest = samples;
        let mut at = at;
        while !rest.is_empty() {
            // Up to the end of the clock second.
            let left = u64::from(layout.rate_hz) - at % u64::from(layout.rate_hz);
            let (now, later) = rest.split_at(rest.len().min(left as usize));
            let power: f64 = now.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let second = (at / u64::from(layout.rate_hz)) as usize;
            if self.power.len() <= second {
                self.power.resize(second + 1, 0.0);
            }
            self.power[second] += power;
            at += now.len() as u64;
            rest = later;
        }
        let start = at - samples.len() as u64;
        for (i, &x) in samples.iter().enumerate() {
            let column = (start + i as u64) * COLUMNS as u64 / layout.frames.max(1);
            if let Some((least, most)) = self.outline.get_mut(column as usize) {
                (*least, *most) = (least.min(x), most.max(x));
            }
        }
    }

    fn finish(mut self, layout: &Layout) -> Channel {
        if layout.rate_hz != KEYS_HZ {
            let keys = &mut self.keys;
            self.resampler.finish(&mut |x| keys.push(x));
        }
        let scale = |n: u64| u128::from(n) * u128::from(layout.rate_hz);
        let keys = self.keys.finish().into_iter().map(|r| {
            let (start, end) = (scale(r.start) / u128::from(KEYS_HZ), scale(r.end).div_ceil(u128::from(KEYS_HZ)));
            start as u64..(end as u64).min(layout.frames)
        });
        let keys = keys.collect();
        let seconds = self.power.len() as u64;
        let loudness = self.power.iter().enumerate().map(|(second, &power)| {
            // The last second may be a part of one.
            let whole = u64::from(layout.rate_hz);
            let samples = if second as u64 + 1 == seconds { layout.frames - (seconds - 1) * whole } else { whole };
            let db = 10.0 * (power / samples.max(1) as f64).max(1e-12).log10() + FULL_SCALE_DB;
            (100.0 * db.max(0.0)).round() / 100.0
        });
        Channel { keys, loudness: loudness.collect(), outline: self.outline }
    }
}
