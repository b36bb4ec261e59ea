//! Peak and clipped samples.

use super::CodecGuess;

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
        // In registers, not in `self`: for all that the compiler knows, the histograms lie there.
        let (mut last, mut run, mut loud) = (self.last, self.run, 0.0f32);
        for &x in samples {
            let magnitude = x.abs();
            loud = if magnitude > loud { magnitude } else { loud };
            run = if x == last { run.saturating_add(1) } else { 1 };
            last = x;
            self.sides[usize::from(x < 0.0)].push(magnitude, run);
        }
        (self.last, self.run) = (last, run);
        if loud >= ULAW_MOST {
            let count = |is: fn(f32) -> bool| samples.iter().filter(|x| is(x.abs())).count() as u64;
            self.full += count(|x| x >= FULL_SCALE);
            self.alaw_most += count(|x| x == ALAW_MOST);
            self.ulaw_most += count(|x| x == ULAW_MOST);
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
