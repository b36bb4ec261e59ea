//! Peak and clipped samples.

use super::guess::CodecGuess;

/// Full scale of 16 bits: what a converter that clips gives, and anything beyond.
const FULL_SCALE: f32 = 32_767.0 / 32_768.0;
/// Largest values of G.711 (tables 1a and 2a, on 16 bits): what clips in a coder.
const ALAW_MOST: f32 = 32_256.0 / 32_768.0;
const ULAW_MOST: f32 = 32_124.0 / 32_768.0;
/// Levels of the histogram of magnitudes.
const LEVELS: usize = 512;
/// Equal samples in a row that make a flat top. A waveform that turns round rarely repeats a value of 16 bits twice.
const FLAT_RUN: u32 = 3;
/// Flat tops count only in a signal whose peak is above -26 dBFS: a few steps of 16 bits are flat by nature.
const MIN_PEAK: f32 = 0.05;
/// Of the samples within this share of the peak...
const TOP: f32 = 0.9;
/// ...so many must lie on it: a loud sine in mu-law, whose steps are coarse, has 0.56...
const PEAK_SHARE: f64 = 0.7;
/// ...and of those so many in flat tops: the peaks of a sine whose period is whole samples are equal, but stand alone...
const FLAT_SHARE: f64 = 0.1;
/// ...and of all samples so many: clipping is never a matter of single samples.
const MIN_SHARE: f64 = 1e-4;

/// One polarity.
struct Side {
    peak: f32,
    at_peak: u64,
    flat: u64,
    levels: Box<[u64; LEVELS]>,
}

impl Side {
    fn new() -> Self {
        Self { peak: 0.0, at_peak: 0, flat: 0, levels: Box::new([0; LEVELS]) }
    }

    fn level(magnitude: f32) -> usize {
        // Saturates; the last level holds full scale and beyond.
        ((magnitude * LEVELS as f32) as usize).min(LEVELS - 1)
    }

    /// Takes a sample's magnitude and how often in a row it has come.
    fn push(&mut self, magnitude: f32, run: u32) {
        self.levels[Self::level(magnitude)] += 1;
        if magnitude > self.peak {
            (self.peak, self.at_peak, self.flat) = (magnitude, 0, 0);
        }
        if magnitude == self.peak {
            self.at_peak += 1;
            self.flat += match run {
                0..FLAT_RUN => 0,
                // The run turns out to be flat only now.
                FLAT_RUN => u64::from(FLAT_RUN),
                _ => 1,
            };
        }
    }

    /// Samples on flat tops below full scale.
    fn flat_tops(&self, total: u64) -> u64 {
        if !(MIN_PEAK..ULAW_MOST).contains(&self.peak) {
            return 0;
        }
        let top = self.levels[Self::level(self.peak * TOP)..].iter().sum::<u64>() as f64;
        let (at_peak, flat) = (self.at_peak as f64, self.flat as f64);
        let clear = at_peak >= PEAK_SHARE * top && flat >= FLAT_SHARE * at_peak && at_peak >= MIN_SHARE * total as f64;
        if clear { self.at_peak } else { 0 }
    }
}

pub(super) struct Clipping {
    sides: [Side; 2],
    total: u64,
    full: u64,
    alaw_most: u64,
    ulaw_most: u64,
    last: f32,
    run: u32,
}

impl Clipping {
    pub(super) fn new() -> Self {
        Self { sides: [Side::new(), Side::new()], total: 0, full: 0, alaw_most: 0, ulaw_most: 0, last: 0.0, run: 0 }
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        self.total += samples.len() as u64;
        let (low, high) = reach(samples);
        if high < self.sides[0].peak && -low < self.sides[1].peak {
            self.below_the_peaks(samples);
        } else {
            self.up_to_the_peaks(samples);
        }
        if high.max(-low) >= ULAW_MOST {
            let count = |is: fn(f32) -> bool| samples.iter().filter(|x| is(x.abs())).count() as u64;
            self.full += count(|x| x >= FULL_SCALE);
            self.alaw_most += count(|x| x == ALAW_MOST);
            self.ulaw_most += count(|x| x == ULAW_MOST);
        }
    }

    /// The common case: all that samples below the peaks so far change is the histograms, and the run that may go on.
    fn below_the_peaks(&mut self, samples: &[f32]) {
        for &x in samples {
            self.sides[usize::from(x < 0.0)].levels[Side::level(x.abs())] += 1;
        }
        if let Some(&last) = samples.last() {
            let tail = samples.iter().rev().take_while(|&&x| x == last).count();
            let before = if tail == samples.len() && self.last == last { self.run } else { 0 };
            (self.last, self.run) = (last, before.saturating_add(u32::try_from(tail).unwrap_or(u32::MAX)));
        }
    }

    fn up_to_the_peaks(&mut self, samples: &[f32]) {
        for &x in samples {
            self.run = if x == self.last { self.run.saturating_add(1) } else { 1 };
            self.last = x;
            self.sides[usize::from(x < 0.0)].push(x.abs(), self.run);
        }
    }

    /// What follows does not continue what was before.
    pub(super) fn interrupt(&mut self) {
        self.run = 0;
    }

    pub(super) fn peak(&self) -> f32 {
        self.sides[0].peak.max(self.sides[1].peak)
    }

    /// Samples that were clipped, in a signal of that grid.
    pub(super) fn clipped(&self, grid: Option<CodecGuess>) -> u64 {
        let coder = match grid {
            Some(CodecGuess::ALaw) => self.alaw_most,
            Some(CodecGuess::MuLaw) => self.ulaw_most,
            _ => 0,
        };
        self.full + coder + self.sides.iter().map(|s| s.flat_tops(self.total)).sum::<u64>()
    }

    pub(super) fn reset(&mut self) {
        for side in &mut self.sides {
            (side.peak, side.at_peak, side.flat) = (0.0, 0, 0);
            side.levels.fill(0);
        }
        (self.total, self.full, self.alaw_most, self.ulaw_most, self.last, self.run) = (0, 0, 0, 0, 0.0, 0);
    }
}

/// The least and the largest of the samples and 0.
fn reach(samples: &[f32]) -> (f32, f32) {
    let (mut lows, mut highs, mut parts) = ([0.0f32; 8], [0.0f32; 8], samples.chunks_exact(8));
    for part in parts.by_ref() {
        for i in 0..8 {
            lows[i] = if part[i] < lows[i] { part[i] } else { lows[i] };
            highs[i] = if part[i] > highs[i] { part[i] } else { highs[i] };
        }
    }
    let all = |of: [f32; 8]| of.into_iter().chain(parts.remainder().iter().copied());
    (all(lows).fold(0.0, f32::min), all(highs).fold(0.0, f32::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_below_the_peaks_count_as_all_others_do() {
        let mut random = testdata::Random::new(4);
        for steps in [3.0, 40.0, 3_000.0] {
            let samples: Vec<f32> = (0..5_000).map(|_| (random.normal() * steps / 4.0).round() / steps).collect();
            let (mut quick, mut plain) = (Clipping::new(), Clipping::new());
            let mut rest = &samples[..];
            while !rest.is_empty() {
                let (part, behind) = rest.split_at((1 + random.below(40)).min(rest.len()));
                quick.push(part);
                plain.total += part.len() as u64;
                plain.up_to_the_peaks(part);
                plain.full += part.iter().filter(|x| x.abs() >= FULL_SCALE).count() as u64;
                assert_eq!((quick.run, quick.last.to_bits()), (plain.run, plain.last.to_bits()));
                rest = behind;
            }
            for (a, b) in quick.sides.iter().zip(&plain.sides) {
                assert_eq!((a.peak, a.at_peak, a.flat, &a.levels), (b.peak, b.at_peak, b.flat, &b.levels), "{steps}");
            }
            assert_eq!((quick.full, quick.total), (plain.full, plain.total));
        }
    }
}
