//! Highest frequency that carries sound, from the average spectrum.

use std::sync::Arc;

use engine_dsp::fft::{self, Complex, RealToComplex};

use crate::audio::SampleRate;

/// Resolution that is aimed at, in Hz; the transform is the next power of two.
const RESOLUTION_HZ: u32 = 40;
/// Levels are averaged over this width, in Hz, so that a single line is no band.
const SMOOTH_HZ: f32 = 120.0;
/// Sound ends where the average spectrum falls this far below its peak for good. Fricatives of wide-band speech lie 30 to 50 dB
/// below its vowels; the stop band of a resampler lies lower.
const RANGE_DB: f32 = 60.0;
/// A fall by this much...
const CLIFF_DB: f32 = 25.0;
/// ...within this width, in Hz, that nothing above climbs back from, is the edge of a band: no voice falls as steeply...
const CLIFF_HZ: f32 = 500.0;
/// ...above this frequency, in Hz, below which a vowel may.
const CLIFF_LEAST_HZ: f32 = 2_500.0;
/// Blocks that make an estimate.
const MIN_BLOCKS: u64 = 4;

pub(super) struct Bandwidth {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    time: Vec<f32>,
    held: Vec<f32>,
    filled: usize,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: Vec<f64>,
    blocks: u64,
    bin_hz: f32,
}

impl Bandwidth {
    pub(super) fn new(rate: SampleRate) -> Self {
        let size = (rate.hz() / RESOLUTION_HZ).next_power_of_two() as usize;
        let fft = fft::single(size);
        // Blackman-Harris: side lobes at -92 dB, below all that is looked for.
        let window = |n: usize| {
            let turn = std::f64::consts::TAU * (n as f64 + 0.5) / size as f64;
            (0.358_75 - 0.488_29 * turn.cos() + 0.141_28 * (2.0 * turn).cos() - 0.011_68 * (3.0 * turn).cos()) as f32
        };
        Self {
            window: (0..size).map(window).collect(),
            time: fft.make_input_vec(),
            held: vec![0.0; size],
            filled: 0,
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; size / 2 + 1],
            blocks: 0,
            bin_hz: rate.hz() as f32 / size as f32,
            fft,
        }
    }

    pub(super) fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let n = (self.held.len() - self.filled).min(samples.len());
            self.held[self.filled..self.filled + n].copy_from_slice(&samples[..n]);
            self.filled += n;
            samples = &samples[n..];
            if self.filled == self.held.len() {
                self.block();
                self.filled = 0;
            }
        }
    }

    /// What follows does not continue what was before.
    pub(super) fn interrupt(&mut self) {
        self.filled = 0;
    }

    pub(super) fn reset(&mut self) {
        self.filled = 0;
        self.power.fill(0.0);
        self.blocks = 0;
    }

    fn block(&mut self) {
        self.time.iter_mut().zip(&self.held).zip(&self.window).for_each(|((t, x), w)| *t = x * w);
        // Fails only for buffers of the wrong length, and these are the plan's own.
        let done = self.fft.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok());
        self.power.iter_mut().zip(&self.spectrum).for_each(|(p, c)| *p += f64::from(c.norm_sqr()));
        self.blocks += u64::from(self.held.iter().any(|&x| x != 0.0));
    }

    /// Level around bin `at`, in dB.
    fn level(&self, at: usize) -> f32 {
        let half = (0.5 * SMOOTH_HZ / self.bin_hz) as usize;
        let part = &self.power[at.saturating_sub(half)..(at + half + 1).min(self.power.len())];
        (10.0 * libm::log10(part.iter().sum::<f64>() / part.len() as f64 + 1e-30)) as f32
    }

    /// *Range*: 0 (silence, or not enough sound) to half the sampling rate, in Hz.
    pub(super) fn estimate_hz(&self) -> f32 {
        if self.blocks < MIN_BLOCKS {
            return 0.0;
        }
        let last = self.power.len() - 1;
        // 100 Hz: below it are hum and handling noise.
        let first = ((100.0 / self.bin_hz) as usize).max(1);
        let peak = (first..=last).map(|i| self.level(i)).fold(f32::NEG_INFINITY, f32::max);
        if peak < -250.0 {
            return 0.0;
        }
        let edge = (first..=last).rev().find(|&i| self.level(i) > peak - RANGE_DB).unwrap_or(first);
        let (width, lowest) = ((CLIFF_HZ / self.bin_hz) as usize, (CLIFF_LEAST_HZ / self.bin_hz) as usize);
        let mut cliff = None;
        let mut above = f32::NEG_INFINITY;
        for i in (lowest..(last + 1).saturating_sub(width)).rev() {
            above = above.max(self.level(i + width));
            if i <= edge && self.level(i) - above >= CLIFF_DB {
                cliff = Some(i);
            }
        }
        let edge = cliff.map_or(edge, |i| {
            let middle = self.level(i) - 0.5 * CLIFF_DB;
            (i..i + width).rev().find(|&k| self.level(k) >= middle).unwrap_or(i)
        });
        edge as f32 * self.bin_hz
    }
}
