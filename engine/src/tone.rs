//! Steady telephone tones: dial tone, ringback, busy, congestion, fax and special information tones.
//!
//! Whatever the country, a call-progress tone is one or two sinusoids that stay where they are, some of them modulated by at
//! most 25 Hz (ITU-T E.180, supplement 2). Over 128 ms nearly all of its power lies in two bands 78 Hz wide. A voice moves
//! its pitch by more than that in 128 ms and spreads its power over many harmonics. Mains hum is not counted either way.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::vad::SILENCE_POWER;

/// Samples of an analysis window at 8 kHz: 128 ms, which tells 440 Hz from 480 Hz.
pub const WINDOW_SAMPLES: usize = 1_024;
/// Samples from one window to the next: 20 ms.
pub const HOP_SAMPLES: usize = 160;

/// FFT bins (7.8 Hz) of a band on each side of its peak: modulation of 25 Hz and the window's main lobe.
const BAND_BINS: usize = 5;
/// Lowest bin that counts, 62 Hz: above mains hum.
const FIRST_BIN: usize = 8;
/// Share of the power that two bands must hold: a tone 10 dB above the noise. On real speech one window in thousands has it.
const TONAL_SHARE: f32 = 0.9;

/// A stretch of samples at 8 kHz.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
}

/// Finds steady tones in a stream at 8 kHz. Does not allocate after construction.
pub struct ToneDetector {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    held: Vec<f32>,
    filled: usize,
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    power: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    position: u64,
    span: Option<Span>,
}

impl Default for ToneDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl ToneDetector {
    /// Plans the transform and allocates all buffers.
    pub fn new() -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW_SAMPLES);
        let hann = |n: usize| (std::f64::consts::PI * (n as f64 + 0.5) / WINDOW_SAMPLES as f64).sin().powi(2) as f32;
        Self {
            window: (0..WINDOW_SAMPLES).map(hann).collect(),
            held: vec![0.0; WINDOW_SAMPLES],
            filled: 0,
            time: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            power: vec![0.0; WINDOW_SAMPLES / 2],
            scratch: fft.make_scratch_vec(),
            position: 0,
            span: None,
            fft,
        }
    }

    /// Takes samples on the scale of +-1.0.
    pub fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let n = (WINDOW_SAMPLES - self.filled).min(samples.len());
            self.held[self.filled..self.filled + n].copy_from_slice(&samples[..n]);
            self.filled += n;
            self.position += n as u64;
            samples = &samples[n..];
            if self.filled == WINDOW_SAMPLES {
                if self.tonal_share() >= TONAL_SHARE {
                    self.extend();
                }
                self.held.copy_within(HOP_SAMPLES.., 0);
                self.filled = WINDOW_SAMPLES - HOP_SAMPLES;
            }
        }
    }

    /// The last tone found, so far.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.filled = 0;
        self.position = 0;
        self.span = None;
    }

    fn extend(&mut self) {
        let (start, end) = (self.position - WINDOW_SAMPLES as u64, self.position);
        self.span = match self.span {
            Some(last) if start <= last.end => Some(Span { start: last.start, end }),
            _ => Some(Span { start, end }),
        };
    }

    /// Share of the window's power in its two strongest bands; 0 for silence.
    fn tonal_share(&mut self) -> f32 {
        let mean = self.held.iter().sum::<f32>() / WINDOW_SAMPLES as f32;
        let mut energy = 0.0;
        for ((t, &x), &w) in self.time.iter_mut().zip(&self.held).zip(&self.window) {
            energy += (x - mean) * (x - mean);
            *t = (x - mean) * w;
        }
        if energy < SILENCE_POWER * WINDOW_SAMPLES as f32 {
            return 0.0;
        }
        // Fails only for buffers of the wrong length, and these are the plan's own.
        let done = self.fft.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok());
        self.power.iter_mut().zip(&self.spectrum).for_each(|(p, c)| *p = c.norm_sqr());
        let power = &mut self.power[FIRST_BIN..];
        let total: f32 = power.iter().sum();
        let mut bands = 0.0;
        for _ in 0..2 {
            let peak = (0..power.len()).fold(0, |best, i| if power[i] > power[best] { i } else { best });
            let band =
                &mut power[peak.saturating_sub(BAND_BINS)..(peak + BAND_BINS + 1).min(WINDOW_SAMPLES / 2 - FIRST_BIN)];
            bands += band.iter().sum::<f32>();
            band.fill(0.0);
        }
        if total > 0.0 { bands / total } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testdata::{noise, sines};

    fn span_of(x: &[f32]) -> Option<Span> {
        let mut d = ToneDetector::new();
        x.chunks(77).for_each(|c| d.push(c));
        d.span()
    }

    #[test]
    fn call_progress_tones_are_found_from_onset_to_end() {
        // (name, Hz): ITU-T E.180 supplement 2; the Japanese and Australian ones are modulated.
        let tones: [(&str, &[f64]); 11] = [
            ("dial, North America", &[350.0, 440.0]),
            ("dial, Europe", &[425.0]),
            ("ringback, North America", &[440.0, 480.0]),
            ("ringback, Britain", &[400.0, 450.0]),
            ("busy, North America", &[480.0, 620.0]),
            ("ringback, Japan: 400 Hz by 16 Hz", &[384.0, 400.0, 416.0]),
            ("ringback, Australia: 400 Hz by 25 Hz", &[375.0, 400.0, 425.0]),
            ("special information, third tone", &[1_800.0]),
            ("fax calling", &[1_100.0]),
            ("fax answering", &[2_100.0]),
            ("test", &[1_004.0]),
        ];
        let mut wrong = Vec::new();
        for (name, hz) in tones {
            for snr_db in [13.0, 60.0] {
                let mut x = vec![0.0; 9_000];
                let tone = sines(8_000, &hz.iter().map(|&f| (f, 0.1)).collect::<Vec<_>>(), 4_000);
                x[2_345..6_345].copy_from_slice(&tone);
                let level = 0.1 * (hz.len() as f32 / 2.0).sqrt() * 10f32.powf(-snr_db / 20.0);
                x.iter_mut().zip(noise(7, 9_000)).for_each(|(x, n)| *x += level * n);
                match span_of(&x) {
                    // One window may begin 20 ms early and end as late, and where the noise is low reach further out.
                    Some(s)
                        if (2_345 - 400..=2_345).contains(&s.start) && (6_345 - 40..=6_345 + 400).contains(&s.end) => {}
                    other => wrong.push(format!("{name} at {snr_db} dB: {other:?}")),
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn noise_silence_chords_and_gliding_pitch_are_no_tone() {
        let glide: Vec<f32> = (0..8_000)
            .map(|i| {
                let t = f64::from(i) / 8_000.0;
                let phase = std::f64::consts::TAU * (150.0 * t + 20.0 * t * t);
                (1..=12).map(|h| (phase * f64::from(h)).sin() as f32 / h as f32).sum::<f32>() * 0.1
            })
            .collect();
        let chord = sines(8_000, &[(262.0, 0.1), (330.0, 0.1), (392.0, 0.1), (523.0, 0.1)], 8_000);
        let cases = [("noise", noise(3, 8_000)), ("silence", vec![0.0; 8_000]), ("glide", glide), ("chord", chord)];
        for (name, x) in cases {
            assert_eq!(span_of(&x), None, "{name}");
        }
    }
}
