//! How good a recording is, in fixed memory: level, clipping, bandwidth and codec at its own rate, noise behind the detector.
//!
//! Every figure says only what the samples show. A file that was clipped and then coded by a lossy codec is not known to be
//! clipped, nor one that was companded and then scaled to be companded.

mod bandwidth;
mod clipping;
mod grid;
mod guess;
mod snr;

use crate::audio::SampleRate;
use bandwidth::Bandwidth;
use clipping::Clipping;
use grid::Grid;
pub use guess::{Band, CodecGuess};
pub use snr::{FrameClass, SnrMeter};

/// Bandwidth from which a recording is surely more than a telephone's, in Hz.
const WIDE_LEAST_HZ: f32 = 5_000.0;

/// Figures of a stream so far. All are 0, `None` or unknown before the first sample, never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Samples at the stream's own rate, lost ones included.
    pub samples: u64,
    /// Samples of lost packets.
    pub lost_samples: u64,
    /// Length of the stream, in seconds, lost packets included.
    pub duration_s: f64,
    /// Net speech, in seconds.
    pub net_speech_s: f64,
    /// Speech over the noise between words, in dB, -10 to 60; `None` without 0.3 s of speech and 0.1 s of pauses.
    pub snr_db: Option<f32>,
    /// Share of samples at full scale or on a flat top, 0 to 1.
    pub clipped_share: f32,
    /// Largest magnitude, in dB of full scale; -120 for silence.
    pub peak_dbfs: f32,
    /// Root of the variance, in dB of full scale (a full-scale sine is at -3, a constant offset is nothing); -120 for silence.
    pub rms_dbfs: f32,
    /// Mean, on the scale of +-1.0.
    pub dc: f32,
    /// Highest frequency that carries sound, in Hz, at most half the sampling rate; 0 for silence.
    pub bandwidth_hz: f32,
    /// What the recording seems to have gone through.
    pub codec_guess: CodecGuess,
}

/// Decibels of an amplitude, not below -120.
fn dbfs(amplitude: f64) -> f32 {
    (20.0 * libm::log10(amplitude.max(1e-6))) as f32
}

/// Running figures of the samples of one stream.
pub struct QualityMeter {
    rate: SampleRate,
    samples: u64,
    lost: u64,
    sum: f64,
    squares: f64,
    clipping: Clipping,
    grid: Grid,
    bandwidth: Bandwidth,
}

impl QualityMeter {
    /// Allocates everything, for samples at `rate`.
    pub fn new(rate: SampleRate) -> Self {
        Self {
            rate,
            samples: 0,
            lost: 0,
            sum: 0.0,
            squares: 0.0,
            clipping: Clipping::new(),
            grid: Grid::new(),
            bandwidth: Bandwidth::new(rate),
        }
    }

    /// Takes samples on the scale of +-1.0, all finite.
    pub fn push(&mut self, samples: &[f32]) {
        self.samples += samples.len() as u64;
        for &x in samples {
            let x = f64::from(x);
            self.sum += x;
            self.squares += x * x;
        }
        self.clipping.push(samples);
        self.grid.push(samples);
        self.bandwidth.push(samples);
    }

    /// Counts samples that never came; no other figure changes.
    pub fn lost(&mut self, samples: u64) {
        self.lost += samples;
        self.clipping.interrupt();
        self.bandwidth.interrupt();
    }

    /// Figures so far; those of speech are left empty.
    pub fn report(&self) -> Quality {
        let n = (self.samples as f64).max(1.0);
        let mean = self.sum / n;
        let samples = self.samples + self.lost;
        let bandwidth_hz = self.bandwidth.estimate_hz();
        let grid = self.grid.guess();
        Quality {
            samples,
            lost_samples: self.lost,
            duration_s: samples as f64 / f64::from(self.rate.hz()),
            net_speech_s: 0.0,
            snr_db: None,
            clipped_share: (self.clipping.clipped(grid) as f64 / n) as f32,
            peak_dbfs: dbfs(f64::from(self.clipping.peak())),
            rms_dbfs: dbfs((self.squares / n - mean * mean).max(0.0).sqrt()),
            dc: mean as f32,
            bandwidth_hz,
            codec_guess: match grid {
                Some(guess) => guess,
                None if bandwidth_hz == 0.0 => CodecGuess::Unknown,
                None if Band::of(bandwidth_hz) == Band::Narrow => CodecGuess::Narrowband,
                None if bandwidth_hz >= WIDE_LEAST_HZ => CodecGuess::Wideband,
                None => CodecGuess::Unknown,
            },
        }
    }

    /// Highest frequency with sound so far: [`Quality::bandwidth_hz`].
    pub fn bandwidth_hz(&self) -> f32 {
        self.bandwidth.estimate_hz()
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        (self.samples, self.lost, self.sum, self.squares) = (0, 0, 0.0, 0.0);
        self.clipping.reset();
        self.grid.reset();
        self.bandwidth.reset();
    }
}

#[cfg(test)]
mod tests;
