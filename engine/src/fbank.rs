//! Log-mel filter banks, streaming.
//!
//! The engine's own, [`FbankConfig::own`], follows Kaldi: 25 ms frames every 10 ms (`snip_edges`), no dither, mean removed, pre-emphasis
//! 0.97, Povey window (Hann to the power of 0.85), 256-point power spectrum, 48 triangles from 64 to 3800 Hz on Kaldi's mel scale,
//! natural logarithm floored at `f32::EPSILON`. Samples count on the 16-bit scale. Agrees with kaldi-native-fbank to 1e-3 where that is
//! exact to as much (`tests/golden.rs`). Samples and energies are in single precision as in Kaldi, the transform is in double: its
//! rounding would reach faint bins, and differ from one processor to the next.
//!
//! Networks that were trained elsewhere name theirs through [`crate::embed::Embedder::fbank`].

use std::sync::Arc;

use engine_dsp::fft::{self, Complex, RealToComplex};

use crate::audio::MODEL_RATE_HZ;
use crate::error::ConfigError;

/// Frames per second behind the filter bank.
pub const FRAMES_PER_SECOND: u32 = 100;
/// Mel bins of a frame of the engine's own filter bank.
pub const NUM_MEL_BINS: usize = 48;
/// Samples of a frame of the engine's own filter bank: 25 ms.
pub const FRAME_LENGTH: usize = 200;
/// Samples from one frame to the next of the engine's own filter bank: 10 ms.
pub const FRAME_SHIFT: usize = 80;

/// What a frame is weighted with before the transform. *Source*: Kaldi's `feature-window.cc`; PyTorch's `hamming_window`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Window {
    /// Hann to the power of 0.85.
    Povey,
    /// 0.54 - 0.46 cos.
    Hamming,
    /// The same, of a period as long as the frame.
    HammingPeriodic,
    /// 0.5 - 0.5 cos.
    Hann,
    /// None.
    Rectangular,
}

impl Window {
    fn at(self, n: usize, length: usize) -> f64 {
        let period = if self == Self::HammingPeriodic { length } else { length - 1 };
        let cos = (std::f64::consts::TAU * n as f64 / period as f64).cos();
        match self {
            Self::Povey => (0.5 - 0.5 * cos).powf(0.85),
            Self::Hamming | Self::HammingPeriodic => 0.54 - 0.46 * cos,
            Self::Hann => 0.5 - 0.5 * cos,
            Self::Rectangular => 1.0,
        }
    }
}

/// How a triangle falls to both sides of its centre.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Triangles {
    /// Straight on the mel scale, down to the neighbours' centres: Kaldi.
    Mel,
    /// Straight in Hz, on both sides as wide as the way from the centre below: SpeechBrain.
    SymmetricHz,
}

/// What becomes of an energy.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Log {
    /// Natural logarithm.
    Natural {
        /// Least energy, a normal number.
        floor: f32,
    },
    /// Ten times the decimal logarithm.
    Decibel {
        /// Least energy, a normal number.
        floor: f32,
    },
}

impl Log {
    fn floor(self) -> f32 {
        match self {
            Self::Natural { floor } | Self::Decibel { floor } => floor,
        }
    }
}

/// Settings of a filter bank. Frames follow each other every 10 ms.
#[derive(Clone, PartialEq, Debug)]
pub struct FbankConfig {
    /// Sampling rate, 8,000 to 48,000 Hz, a multiple of 100.
    pub samp_freq: u32,
    /// Length of a frame, 10 to 100 ms.
    pub frame_length_ms: u32,
    /// Length of the transform, in samples; at least that of a frame.
    pub fft: usize,
    /// Mel bins, 1 to 256.
    pub num_mel_bins: usize,
    /// Lower edge of the lowest triangle, in Hz.
    pub low_freq: f64,
    /// Upper edge of the highest triangle, in Hz; at most half the sampling rate.
    pub high_freq: f64,
    /// Pre-emphasis, 0 to 1.
    pub preemph_coeff: f32,
    /// Whether a frame's mean is taken off.
    pub remove_dc_offset: bool,
    /// What samples of +-1.0 are multiplied with.
    pub scale: f32,
    /// The window.
    pub window: Window,
    /// The triangles.
    pub triangles: Triangles,
    /// The logarithm.
    pub log: Log,
    /// Whether frame `t` lies around `t` x 10 ms, with silence before the start, instead of beginning there.
    pub centred: bool,
}

impl FbankConfig {
    /// The engine's own.
    pub fn own() -> Self {
        Self {
            samp_freq: MODEL_RATE_HZ,
            fft: 256,
            num_mel_bins: NUM_MEL_BINS,
            low_freq: 64.0,
            high_freq: 3_800.0,
            ..Self::kaldi()
        }
    }

    /// Kaldi's defaults at 16 kHz, with 80 bins and without dither.
    pub fn kaldi() -> Self {
        Self {
            samp_freq: 16_000,
            frame_length_ms: 25,
            fft: 512,
            num_mel_bins: 80,
            low_freq: 20.0,
            high_freq: 8_000.0,
            preemph_coeff: 0.97,
            remove_dc_offset: true,
            scale: 32_768.0,
            window: Window::Povey,
            triangles: Triangles::Mel,
            log: Log::Natural { floor: f32::EPSILON },
            centred: false,
        }
    }

    /// Samples of a frame.
    pub fn frame_length(&self) -> usize {
        (u64::from(self.samp_freq) * u64::from(self.frame_length_ms) / 1000) as usize
    }

    /// Samples from one frame to the next.
    pub fn frame_shift(&self) -> usize {
        (self.samp_freq / FRAMES_PER_SECOND) as usize
    }

    fn check(&self) -> Result<(), ConfigError> {
        let floor = self.log.floor();
        let wrong = [
            ("samp_freq", (8_000..=48_000).contains(&self.samp_freq) && self.samp_freq.is_multiple_of(100)),
            ("frame_length_ms", (10..=100).contains(&self.frame_length_ms)),
            ("fft", (self.frame_length()..=16_384).contains(&self.fft)),
            ("num_mel_bins", (1..=256).contains(&self.num_mel_bins)),
            ("low_freq", self.low_freq >= 0.0 && self.low_freq < self.high_freq),
            ("high_freq", self.high_freq <= f64::from(self.samp_freq) / 2.0),
            ("preemph_coeff", (0.0..=1.0).contains(&self.preemph_coeff)),
            ("scale", self.scale > 0.0 && self.scale.is_finite()),
            ("log", floor >= f32::MIN_POSITIVE && floor.is_finite()),
        ];
        wrong.iter().find(|(_, fine)| !fine).map_or(Ok(()), |&(name, _)| Err(ConfigError::Fbank { name }))
    }

    /// For each mel bin, its first FFT bin and its weights.
    fn banks(&self) -> Vec<(usize, Vec<f32>)> {
        let (low, high) = (mel(self.low_freq), mel(self.high_freq));
        let delta = (high - low) / (self.num_mel_bins + 1) as f64;
        let bins = (0..self.num_mel_bins).map(|b| {
            let left = low + b as f64 * delta;
            let weights = (0..=self.fft / 2).map(|i| {
                let hz = i as f64 * f64::from(self.samp_freq) / self.fft as f64;
                let weight = match self.triangles {
                    Triangles::Mel => {
                        let m = mel(hz);
                        ((m - left) / delta).min((left + 2.0 * delta - m) / delta)
                    }
                    Triangles::SymmetricHz => {
                        let centre = hz_of(left + delta);
                        1.0 - ((hz - centre) / (centre - hz_of(left))).abs()
                    }
                };
                weight.max(0.0) as f32
            });
            let weights: Vec<f32> = weights.collect();
            let first = weights.iter().position(|&w| w > 0.0).unwrap_or(0);
            let last = weights.iter().rposition(|&w| w > 0.0).map_or(first, |l| l + 1);
            (first, weights[first..last].to_vec())
        });
        bins.collect()
    }
}

/// A streaming filter bank.
pub struct Fbank {
    config: FbankConfig,
    fft: Arc<dyn RealToComplex<f64>>,
    window: Vec<f32>,
    /// For each mel bin, its first FFT bin and its weights.
    banks: Vec<(usize, Vec<f32>)>,
    held: Vec<f32>,
    filled: usize,
    time: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    power: Vec<f32>,
    scratch: Vec<Complex<f64>>,
    frame: Vec<f32>,
}

/// Kaldi's mel scale.
fn mel(hz: f64) -> f64 {
    1127.0 * (hz / 700.0).ln_1p()
}

fn hz_of(mel: f64) -> f64 {
    700.0 * (mel / 1127.0).exp_m1()
}

impl Default for Fbank {
    fn default() -> Self {
        Self::new()
    }
}

impl Fbank {
    /// The engine's own. Plans the transform and allocates all buffers.
    pub fn new() -> Self {
        Self::planned(FbankConfig::own())
    }

    /// One with other settings.
    ///
    /// # Errors
    /// [`ConfigError::Fbank`] for a setting out of its range.
    pub fn with_config(config: FbankConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::planned(config))
    }

    fn planned(config: FbankConfig) -> Self {
        let fft = fft::double(config.fft);
        let length = config.frame_length();
        let mut own = Self {
            window: (0..length).map(|n| config.window.at(n, length) as f32).collect(),
            banks: config.banks(),
            held: vec![0.0; length],
            filled: 0,
            time: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            power: vec![0.0; config.fft / 2 + 1],
            scratch: fft.make_scratch_vec(),
            frame: vec![0.0; config.num_mel_bins],
            fft,
            config,
        };
        own.reset();
        own
    }

    /// Takes samples (+-1.0, within [`crate::audio::MAX_SAMPLE`]) and hands each finished frame to `sink`: its log-mel
    /// energies, all finite, and its samples. Does not allocate.
    pub fn push(&mut self, mut samples: &[f32], sink: &mut impl FnMut(&[f32], &[f32])) {
        let (length, shift) = (self.held.len(), self.config.frame_shift());
        while !samples.is_empty() {
            let n = (length - self.filled).min(samples.len());
            self.held[self.filled..self.filled + n].copy_from_slice(&samples[..n]);
            self.filled += n;
            samples = &samples[n..];
            if self.filled == length {
                self.transform();
                sink(&self.frame, &self.held);
                self.held.copy_within(shift.., 0);
                self.filled = length - shift;
            }
        }
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.filled = if self.config.centred { self.held.len() / 2 } else { 0 };
        self.held[..self.filled].fill(0.0);
    }

    fn transform(&mut self) {
        let (scale, preemph) = (self.config.scale, self.config.preemph_coeff);
        let length = self.held.len();
        let sum = scale * engine_simd::sum(&self.held);
        let mean = if self.config.remove_dc_offset { sum / length as f32 } else { 0.0 };
        engine_simd::windowed(&self.held, (scale, mean, preemph), &self.window, &mut self.time);
        // Fails only for buffers of the wrong length, and these are the plan's own.
        let done = self.fft.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok());
        engine_simd::power(&self.spectrum, |c| (c.re, c.im), &mut self.power);
        let floor = self.config.log.floor();
        for (o, (first, weights)) in self.frame.iter_mut().zip(&self.banks) {
            *o = weights.iter().zip(&self.power[*first..]).map(|(w, p)| w * p).sum::<f32>().max(floor);
        }
        match self.config.log {
            Log::Natural { .. } => engine_simd::ln_all(&mut self.frame),
            Log::Decibel { .. } => self.frame.iter_mut().for_each(|v| *v = 10.0 * v.log10()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_has_weight_and_the_frames_are_kaldis() {
        for (b, (_, weights)) in FbankConfig::own().banks().iter().enumerate() {
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
        let delta = (mel(3_800.0) - mel(64.0)) / (NUM_MEL_BINS + 1) as f64;
        let nearest = ((mel(1_000.0) - mel(64.0)) / delta - 1.0).round() as usize;
        f.push(&tone, &mut |frame, samples| {
            let best = (0..NUM_MEL_BINS).max_by(|&a, &b| frame[a].total_cmp(&frame[b])).unwrap();
            assert!(best.abs_diff(nearest) <= 1, "bin {best}, not {nearest}");
            assert!(tone.windows(FRAME_LENGTH).any(|part| part == samples));
        });
        f.reset();
        f.push(&[0.0; 200], &mut |frame, _| assert!(frame.iter().all(|&v| v == f32::EPSILON.ln())));
    }
}
