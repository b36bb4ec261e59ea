//! Log-mel filter bank with Kaldi's conventions, streaming.
//!
//! 25 ms frames every 10 ms (`snip_edges`), no dither, mean removed, pre-emphasis 0.97, Povey window (Hann to the power of
//! 0.85), 256-point power spectrum, 48 triangles from 64 to 3800 Hz on Kaldi's mel scale, natural logarithm floored at
//! `f32::EPSILON`. Samples count on the 16-bit scale. Agrees with kaldi-native-fbank to 1e-3 where that is exact to as much
//! (`tests/golden.rs`). Samples and energies are in single precision as in Kaldi, the transform is in double: its rounding
//! would reach faint bins, and differ from one processor to the next.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::embed::MODEL_RATE_HZ;

/// Mel bins of a frame.
pub const NUM_MEL_BINS: usize = 48;
/// Samples of a frame: 25 ms.
pub const FRAME_LENGTH: usize = 200;
/// Samples from one frame to the next: 10 ms.
pub const FRAME_SHIFT: usize = 80;

const FFT: usize = 256;
const LOW_FREQ_HZ: f64 = 64.0;
const HIGH_FREQ_HZ: f64 = 3_800.0;
const PREEMPH_COEFF: f32 = 0.97;

/// Streaming log-mel filter bank at 8 kHz.
pub struct Fbank {
    fft: Arc<dyn RealToComplex<f64>>,
    window: [f32; FRAME_LENGTH],
    /// For each mel bin, its first FFT bin and its weights.
    banks: Vec<(usize, Vec<f32>)>,
    held: [f32; FRAME_LENGTH],
    filled: usize,
    time: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    power: [f32; FFT / 2],
    scratch: Vec<Complex<f64>>,
}

/// Kaldi's mel scale.
fn mel(hz: f64) -> f64 {
    1127.0 * (hz / 700.0).ln_1p()
}

fn mel_banks() -> Vec<(usize, Vec<f32>)> {
    let (low, high) = (mel(LOW_FREQ_HZ), mel(HIGH_FREQ_HZ));
    let delta = (high - low) / (NUM_MEL_BINS + 1) as f64;
    let bins = (0..NUM_MEL_BINS).map(|b| {
        let left = low + b as f64 * delta;
        let weights = (0..FFT / 2).map(|i| {
            let m = mel(i as f64 * f64::from(MODEL_RATE_HZ) / FFT as f64);
            ((m - left) / delta).min((left + 2.0 * delta - m) / delta).max(0.0) as f32
        });
        let weights: Vec<f32> = weights.collect();
        let first = weights.iter().position(|&w| w > 0.0).unwrap_or(0);
        let last = weights.iter().rposition(|&w| w > 0.0).map_or(first, |l| l + 1);
        (first, weights[first..last].to_vec())
    });
    bins.collect()
}

impl Default for Fbank {
    fn default() -> Self {
        Self::new()
    }
}

impl Fbank {
    /// Plans the transform and allocates all buffers.
    pub fn new() -> Self {
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(FFT);
        let mut window = [0.0; FRAME_LENGTH];
        for (n, w) in window.iter_mut().enumerate() {
            let phase = std::f64::consts::TAU * n as f64 / (FRAME_LENGTH - 1) as f64;
            *w = (0.5 - 0.5 * phase.cos()).powf(0.85) as f32;
        }
        Self {
            window,
            banks: mel_banks(),
            held: [0.0; FRAME_LENGTH],
            filled: 0,
            time: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            power: [0.0; FFT / 2],
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// Takes samples (+-1.0, within [`crate::audio::MAX_SAMPLE`]) and hands each finished frame to `sink`: its log-mel
    /// energies, all finite, and its samples. Does not allocate.
    pub fn push(&mut self, mut samples: &[f32], sink: &mut impl FnMut(&[f32; NUM_MEL_BINS], &[f32; FRAME_LENGTH])) {
        while !samples.is_empty() {
            let n = (FRAME_LENGTH - self.filled).min(samples.len());
            self.held[self.filled..self.filled + n].copy_from_slice(&samples[..n]);
            self.filled += n;
            samples = &samples[n..];
            if self.filled == FRAME_LENGTH {
                let frame = self.frame();
                sink(&frame, &self.held);
                self.held.copy_within(FRAME_SHIFT.., 0);
                self.filled = FRAME_LENGTH - FRAME_SHIFT;
            }
        }
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.filled = 0;
    }

    fn frame(&mut self) -> [f32; NUM_MEL_BINS] {
        let scaled = self.held.map(|x| x * 32_768.0);
        let mean = scaled.iter().sum::<f32>() / FRAME_LENGTH as f32;
        let mut previous = scaled[0] - mean;
        for ((t, x), w) in self.time.iter_mut().zip(scaled).zip(&self.window) {
            let x = x - mean;
            *t = f64::from((x - PREEMPH_COEFF * previous) * w);
            previous = x;
        }
        self.time[FRAME_LENGTH..].fill(0.0);
        // Fails only for buffers of the wrong length, and these are the plan's own.
        let done = self.fft.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok());
        self.power.iter_mut().zip(&self.spectrum).for_each(|(p, c)| *p = c.norm_sqr() as f32);
        let mut out = [0.0; NUM_MEL_BINS];
        for (o, (first, weights)) in out.iter_mut().zip(&self.banks) {
            let sum: f32 = weights.iter().zip(&self.power[*first..]).map(|(w, p)| w * p).sum();
            *o = sum.max(f32::EPSILON).ln();
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_has_weight_and_the_frames_are_kaldis() {
        for (b, (_, weights)) in mel_banks().iter().enumerate() {
            assert!(weights.iter().sum::<f32>() > 0.9, "bin {b}");
        }
        for (samples, frames) in [(0, 0), (199, 0), (200, 1), (279, 1), (280, 2), (8_000, 98)] {
            let mut count = 0;
            Fbank::new().push(&vec![0.1; samples], &mut |_, _| count += 1);
            assert_eq!(count, frames, "{samples}");
        }
    }

    #[test]
    fn a_tone_is_loudest_in_its_bin_and_silence_is_the_floor() {
        let mut f = Fbank::new();
        let tone: Vec<f32> =
            (0..400).map(|i| 0.5 * (std::f32::consts::TAU * 1_000.0 * i as f32 / 8_000.0).sin()).collect();
        let delta = (mel(HIGH_FREQ_HZ) - mel(LOW_FREQ_HZ)) / (NUM_MEL_BINS + 1) as f64;
        let nearest = ((mel(1_000.0) - mel(LOW_FREQ_HZ)) / delta - 1.0).round() as usize;
        f.push(&tone, &mut |frame, samples| {
            let best = (0..NUM_MEL_BINS).max_by(|&a, &b| frame[a].total_cmp(&frame[b])).unwrap();
            assert!(best.abs_diff(nearest) <= 1, "bin {best}, not {nearest}");
            assert!(tone.windows(FRAME_LENGTH).any(|part| part == samples));
        });
        f.reset();
        f.push(&[0.0; 200], &mut |frame, _| assert!(frame.iter().all(|&v| v == f32::EPSILON.ln())));
    }
}
