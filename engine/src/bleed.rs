//! One side of a call heard on the other: the agent's voice in the caller's channel, through a loudspeaker, a handset or a poor hybrid.
//!
//! Both sides go in together, sample by sample. Every half second of the source that has sound is compared with what the other channel
//! holds from then on, by generalised cross-correlation with phase transform (Knapp and Carter 1976), whose noise does not depend on the
//! level of either. A peak at the same delay again and again is bleed: chance peaks fall on any delay.

use std::sync::Arc;

use engine_dsp::fft::{self, Complex, ComplexToReal, RealToComplex};

use crate::audio::SampleRate;

/// Blocks a second that are aimed at; a block is the next power of two of samples.
const BLOCKS_PER_SECOND: u32 = 2;
/// What a telephone carries, in Hz: below is hum, above is nothing.
const BAND_HZ: (f32, f32) = (200.0, 3_600.0);
/// A block of the source has sound above this root of the mean square: -50 dB of full scale.
const ACTIVE_RMS: f64 = 0.003_16;
/// A peak counts from this many standard deviations of the correlation of unlike signals.
const LEAST_DEVIATIONS: f32 = 6.0;
/// Delays are told apart by this many seconds.
const DELAY_STEP_S: f64 = 0.001;
/// Peaks at one delay that are bleed: this many at least...
const LEAST_HITS: u32 = 3;
/// ...and this share of the source's blocks.
const LEAST_SHARE: f32 = 0.05;

/// How one side is heard on the other.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bleed {
    /// How much later than at its source, in seconds, 0 to half a second.
    pub delay_s: f64,
    /// Level of its strongest path over the source, in dB.
    pub level_db: f32,
    /// Share of the source's sound that is heard, 0 to 1, by half seconds.
    pub share: f32,
    /// Length of the source's sound that is heard, in seconds.
    pub heard_s: f64,
}

/// What was found at one delay.
#[derive(Clone, Copy, Default)]
struct AtDelay {
    hits: u32,
    cross: f64,
    energy: f64,
}

/// Compares two channels of a call, in fixed memory.
pub struct BleedMeter {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    block: usize,
    band: std::ops::Range<usize>,
    step: usize,
    block_s: f64,
    source: Vec<f32>,
    heard: Vec<f32>,
    filled: usize,
    time: Vec<f32>,
    source_spectrum: Vec<Complex<f32>>,
    heard_spectrum: Vec<Complex<f32>>,
    forward_scratch: Vec<Complex<f32>>,
    inverse_scratch: Vec<Complex<f32>>,
    active: u32,
    delays: Vec<AtDelay>,
}

impl BleedMeter {
    /// Allocates everything, for both channels at `rate`.
    pub fn new(rate: SampleRate) -> Self {
        let block = (rate.hz() / BLOCKS_PER_SECOND).next_power_of_two() as usize;
        let size = 2 * block;
        let (forward, inverse) = (fft::single(size), fft::inverse(size));
        let bin = |hz: f32| (hz * size as f32 / rate.hz() as f32) as usize;
        let step = (f64::from(rate.hz()) * DELAY_STEP_S).round() as usize;
        Self {
            block,
            band: bin(BAND_HZ.0)..bin(BAND_HZ.1).min(block),
            step,
            block_s: block as f64 / f64::from(rate.hz()),
            source: vec![0.0; size],
            heard: vec![0.0; size],
            filled: 0,
            time: vec![0.0; size],
            source_spectrum: forward.make_output_vec(),
            heard_spectrum: forward.make_output_vec(),
            forward_scratch: forward.make_scratch_vec(),
            inverse_scratch: inverse.make_scratch_vec(),
            active: 0,
            delays: vec![AtDelay::default(); block.div_ceil(step)],
            forward,
            inverse,
        }
    }

    /// Takes what one side said and what was heard on the other meanwhile, on the scale of +-1.0, all finite. What the longer of the two
    /// has more is not taken.
    ///
    /// *Real-time*: does not allocate; every half second a block is compared, in about a tenth of a millisecond at 8 kHz.
    pub fn push(&mut self, source: &[f32], heard: &[f32]) {
        let (mut source, mut heard) = (source, heard);
        while !source.is_empty() && !heard.is_empty() {
            let n = (self.source.len() - self.filled).min(source.len()).min(heard.len());
            let place = self.filled..self.filled + n;
            self.source[place.clone()].copy_from_slice(&source[..n]);
            self.heard[place].copy_from_slice(&heard[..n]);
            self.filled += n;
            (source, heard) = (&source[n..], &heard[n..]);
            if self.filled == self.source.len() {
                self.compare();
                self.source.copy_within(self.block.., 0);
                self.heard.copy_within(self.block.., 0);
                self.filled = self.block;
            }
        }
    }

    /// What was found so far; `None` while nothing was.
    pub fn bleed(&self) -> Option<Bleed> {
        // A delay lies near the edge of its step as often as not.
        let around = |i: usize| &self.delays[i.saturating_sub(1)..(i + 2).min(self.delays.len())];
        let hits = |i: usize| around(i).iter().map(|d| d.hits).sum::<u32>();
        let at = (0..self.delays.len()).max_by_key(|&i| (hits(i), self.delays[i].hits))?;
        let found = hits(at);
        let share = found as f32 / self.active.max(1) as f32;
        if found < LEAST_HITS || share < LEAST_SHARE {
            return None;
        }
        let cross: f64 = around(at).iter().map(|d| d.cross).sum();
        let energy: f64 = around(at).iter().map(|d| d.energy).sum();
        Some(Bleed {
            delay_s: at as f64 * DELAY_STEP_S,
            level_db: 20.0 * libm::log10f((cross.abs() / energy.max(1e-30)).max(1e-6) as f32),
            share,
            heard_s: f64::from(found) * self.block_s,
        })
    }

    /// Forgets both channels.
    pub fn reset(&mut self) {
        self.filled = 0;
        self.active = 0;
        self.delays.fill(AtDelay::default());
    }

    /// Compares the first half of the source with all that is heard since it began.
    fn compare(&mut self) {
        let (said, _) = self.source.split_at(self.block);
        let energy: f64 = said.iter().map(|&x| f64::from(x).powi(2)).sum();
        if energy < ACTIVE_RMS * ACTIVE_RMS * self.block as f64 {
            return;
        }
        self.active += 1;
        self.time[..self.block].copy_from_slice(said);
        self.time[self.block..].fill(0.0);
        let forward = |time: &mut [f32], spectrum: &mut [Complex<f32>], scratch: &mut [Complex<f32>]| {
            // The lengths are the plan's own, so this cannot fail.
            self.forward.process_with_scratch(time, spectrum, scratch).is_ok()
        };
        let mut done = forward(&mut self.time, &mut self.source_spectrum, &mut self.forward_scratch);
        self.time.copy_from_slice(&self.heard);
        done &= forward(&mut self.time, &mut self.heard_spectrum, &mut self.forward_scratch);
        let mut lines = 0u32;
        for (k, (s, h)) in self.source_spectrum.iter_mut().zip(&self.heard_spectrum).enumerate() {
            let cross = s.conj() * h;
            let norm = cross.norm();
            let counts = self.band.contains(&k) && norm > 1e-12;
            lines += u32::from(counts);
            *s = if counts { cross / norm } else { Complex::default() };
        }
        done &= self
            .inverse
            .process_with_scratch(&mut self.source_spectrum, &mut self.time, &mut self.inverse_scratch)
            .is_ok();
        if !done || lines == 0 {
            return;
        }
        let found = self.time[..self.block].iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        let Some((lag, peak)) = found else { return };
        // The source fills half of the transform, so that neighbouring lines hang together and half as many count.
        let deviation = 2.0 * (lines as f32).sqrt();
        if peak.abs() < LEAST_DEVIATIONS * deviation {
            return;
        }
        let cross: f64 = said.iter().zip(&self.heard[lag..]).map(|(&s, &h)| f64::from(s) * f64::from(h)).sum();
        let at = &mut self.delays[(lag / self.step).min(self.block.div_ceil(self.step) - 1)];
        at.hits += 1;
        at.cross += cross;
        at.energy += energy;
    }
}

#[cfg(test)]
mod tests;
