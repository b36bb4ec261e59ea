//! Steady telephone tones: dial tone, ringback, busy, congestion, fax and special information tones.
//!
//! A call-progress tone is one or two sinusoids that stay where they are (ITU-T E.180, supplement 2). Every 20 ms, the last 60 ms
//! are fitted with at most two sinusoids of free frequency, by least squares. A tone is a fit that explains nearly all of the power
//! and whose frequencies and amplitudes are the same in several fits in a row. The share of power alone would not do: of a woman's
//! closed vowels, two harmonics hold nearly everything too. But a fit over 60 ms tells frequencies to a tenth of a hertz, and no voice
//! holds its pitch that still. Tones that are modulated (Japanese ringback, modem answer tones with phase reversals) are not found.

use std::sync::Arc;

use engine_dsp::fft::{self, Complex, RealToComplex};

use crate::vad::SILENCE_POWER;

/// Samples that are fitted, at 8 kHz: 60 ms.
const WINDOW: usize = 480;
/// Samples from one fit to the next: 20 ms.
pub const HOP_SAMPLES: usize = 160;
/// Samples of a tone that are needed to find it, at 8 kHz: all that the fits look at, 100 ms.
pub const WINDOW_SAMPLES: usize = WINDOW + (FITS - 1) * HOP_SAMPLES;
/// Transform that finds the first guesses; zero-padded.
const FFT: usize = 1_024;
const RATE_HZ: f64 = 8_000.0;
/// Frequencies of tones, in Hz: above mains hum and its first harmonics, up to the fax and modem answer tone.
const RANGE_HZ: (f64, f64) = (300.0, 2_200.0);
/// Share of the power that the sinusoids must hold.
const TONAL_SHARE: f64 = 0.9;
/// Share of the power that two bands of the spectrum must hold for a fit to be worth while: what the lobes of two sinusoids
/// hold, 0.95, less 10 dB of noise.
const BAND_SHARE: f32 = 0.8;
/// FFT bins (7.8 Hz) of a band on each side of its peak: nearly two lobes of the window.
const BAND_BINS: usize = 4;
/// Fits in a row that must agree.
const FITS: usize = 3;
/// Agreement in frequency, in Hz, over [`FITS`] fits: a change of 15 Hz/s.
const STEADY_HZ: f64 = 0.6;
/// Agreement in amplitude, as the largest over the smallest.
const STEADY_AMPLITUDE: f64 = 1.15;
/// Gauss-Newton steps.
const STEPS: usize = 3;
/// Samples after the last agreement for which a tone counts as present: what is left of a 25 ms frame, and the next fit.
const HOLD: u64 = 240;

/// A stretch of samples at 8 kHz.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
}

/// One sinusoid of a fit: `a cos(w t) + b sin(w t)`, t in samples from the middle of the window.
#[derive(Clone, Copy, Default)]
struct Line {
    w: f64,
    a: f64,
    b: f64,
}

impl Line {
    fn power(&self) -> f64 {
        self.a * self.a + self.b * self.b
    }
}

/// At most two lines, the lower frequency first; `count` 0 is no tone.
#[derive(Clone, Copy, Default)]
struct Fit {
    lines: [Line; 2],
    count: usize,
}

/// Finds steady tones in a stream at 8 kHz. Does not allocate after construction.
pub struct ToneDetector {
    fft: Arc<dyn RealToComplex<f32>>,
    held: [f32; WINDOW],
    filled: usize,
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    power: [f32; FFT / 2],
    scratch: Vec<Complex<f32>>,
    x: Box<[f64; WINDOW]>,
    fits: [Fit; FITS],
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
        let fft = fft::single(FFT);
        Self {
            held: [0.0; WINDOW],
            filled: 0,
            time: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            power: [0.0; FFT / 2],
            scratch: fft.make_scratch_vec(),
            x: Box::new([0.0; WINDOW]),
            fits: [Fit::default(); FITS],
            position: 0,
            span: None,
            fft,
        }
    }

    /// Samples, at most, from the onset of a tone to the sample at which it is known: 120 ms.
    pub const fn latency_samples() -> usize {
        WINDOW_SAMPLES + HOP_SAMPLES
    }

    /// Takes samples on the scale of +-1.0.
    pub fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let n = (WINDOW - self.filled).min(samples.len());
            self.held[self.filled..self.filled + n].copy_from_slice(&samples[..n]);
            self.filled += n;
            self.position += n as u64;
            samples = &samples[n..];
            if self.filled == WINDOW {
                self.fits.rotate_left(1);
                self.fits[FITS - 1] = self.fit();
                if self.steady() {
                    self.extend();
                }
                self.held.copy_within(HOP_SAMPLES.., 0);
                self.filled = WINDOW - HOP_SAMPLES;
            }
        }
    }

    /// The last tone found, so far; its ends are within 15 ms of the tone's.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Whether the latest 25 ms overlap a tone that is known.
    pub fn active(&self) -> bool {
        self.span.is_some_and(|s| self.position < s.end + HOLD)
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.filled = 0;
        self.fits = [Fit::default(); FITS];
        self.position = 0;
        self.span = None;
    }

    fn extend(&mut self) {
        let start = self.position.saturating_sub(WINDOW_SAMPLES as u64);
        let end = self.position;
        self.span = match self.span {
            Some(last) if start <= last.end => Some(Span { start: last.start, end }),
            _ => Some(Span { start, end }),
        };
    }

    fn steady(&self) -> bool {
        let count = self.fits[0].count;
        count > 0
            && self.fits.iter().all(|f| f.count == count)
            && (0..count).all(|i| {
                let spread = |value: &dyn Fn(&Line) -> f64| {
                    let all = self.fits.iter().map(|f| value(&f.lines[i]));
                    all.fold((f64::INFINITY, 0f64), |(low, high), v| (low.min(v), high.max(v)))
                };
                let (slow, fast) = spread(&|l| l.w * RATE_HZ / std::f64::consts::TAU);
                let (weak, strong) = spread(&Line::power);
                fast - slow <= STEADY_HZ && strong <= weak * STEADY_AMPLITUDE * STEADY_AMPLITUDE
            })
    }

    /// The sinusoids of the window, if there is nearly nothing else.
    fn fit(&mut self) -> Fit {
        let mean = sum(&self.held, f64::from) / WINDOW as f64;
        self.x.iter_mut().zip(&self.held).for_each(|(y, &x)| *y = f64::from(x) - mean);
        let energy = sum(&self.x[..], |x: f64| x * x);
        if !(energy >= f64::from(SILENCE_POWER) * WINDOW as f64 && energy.is_finite()) {
            return Fit::default();
        }
        self.time[..WINDOW].iter_mut().zip(self.x.iter()).for_each(|(t, &x)| *t = x as f32);
        let mut fit = Fit::default();
        let enough = (1.0 - TONAL_SHARE) * energy;
        fit.count = 1;
        fit.lines[0].w = self.peak();
        if self.band_share() < BAND_SHARE {
            return Fit::default();
        }
        let Some(left) = refine(&self.x, &mut fit, 1, &mut self.time[..WINDOW]) else { return Fit::default() };
        // The strongest of two sinusoids holds half; of a voice, mostly less.
        if left > 0.7 * energy {
            return Fit::default();
        }
        // One step leaves little more than all of them do: what leaves much more is not worth them.
        if left <= 2.0 * enough {
            let Some(left) = refine(&self.x, &mut fit, STEPS, &mut self.time[..WINDOW]) else { return Fit::default() };
            fit.count = usize::from(left <= enough);
        }
        if left > 2.0 * enough || fit.count == 0 {
            fit.count = 2;
            fit.lines[1].w = self.peak();
            for (steps, most) in [(1, 2.0 * enough), (STEPS - 1, enough)] {
                match refine(&self.x, &mut fit, steps, &mut self.time[..WINDOW]) {
                    Some(left) if left <= most => {}
                    _ => return Fit::default(),
                }
            }
            if fit.lines[0].w > fit.lines[1].w {
                fit.lines.swap(0, 1);
            }
        }
        let hz = |l: &Line| l.w * RATE_HZ / std::f64::consts::TAU;
        if fit.lines[..fit.count].iter().all(|l| (RANGE_HZ.0..=RANGE_HZ.1).contains(&hz(l))) {
            fit
        } else {
            Fit::default()
        }
    }

    /// Share of the spectrum's power in its two strongest bands. Takes them out of `power`.
    fn band_share(&mut self) -> f32 {
        let total = engine_simd::sum(&self.power);
        let mut bands = 0.0;
        for _ in 0..2 {
            let peak = largest(&self.power);
            let band = &mut self.power[peak.saturating_sub(BAND_BINS)..(peak + BAND_BINS + 1).min(FFT / 2)];
            bands += band.iter().sum::<f32>();
            band.fill(0.0);
        }
        if total > 0.0 { bands / total } else { 0.0 }
    }

    /// Angular frequency at which the spectrum of `time` is largest, within the range. Leaves its powers in `power`.
    fn peak(&mut self) -> f64 {
        self.time[WINDOW..].fill(0.0);
        // Fails only for buffers of the wrong length, and these are the plan's own.
        let done = self.fft.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok());
        let bin = |hz: f64| (hz * FFT as f64 / RATE_HZ) as usize;
        self.power.iter_mut().zip(&self.spectrum).for_each(|(p, c)| *p = c.norm_sqr());
        let first = bin(RANGE_HZ.0);
        let best = first + largest(&self.power[first..=bin(RANGE_HZ.1) + 1]);
        std::f64::consts::TAU * best as f64 / FFT as f64
    }
}

/// Partial sums side by side, then their sum: additions that do not wait for each other.
fn sum<T: Copy>(values: &[T], of: impl Fn(T) -> f64) -> f64 {
    let (mut sums, mut parts) = ([0.0; 8], values.chunks_exact(8));
    for part in parts.by_ref() {
        sums.iter_mut().zip(part).for_each(|(s, &v)| *s += of(v));
    }
    sums.iter().sum::<f64>() + parts.remainder().iter().map(|&v| of(v)).sum::<f64>()
}

/// The first of the largest values; 0 where there is none.
fn largest(values: &[f32]) -> usize {
    let (mut most, mut parts) = ([f32::NEG_INFINITY; 8], values.chunks_exact(8));
    for part in parts.by_ref() {
        most.iter_mut().zip(part).for_each(|(m, &v)| *m = if v > *m { v } else { *m });
    }
    let most = most.iter().chain(parts.remainder()).fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m });
    values.iter().position(|&v| v == most).unwrap_or(0)
}

/// Fits amplitudes, then `steps` times amplitudes and frequencies (Gauss-Newton). Writes what is left to `rest`, returns its energy.
fn refine(x: &[f64; WINDOW], fit: &mut Fit, steps: usize, rest: &mut [f32]) -> Option<f64> {
    for step in 0..=steps {
        let free = if step == 0 { 2 } else { 3 };
        let order = free * fit.count;
        let mut normal = [[0.0; 7]; 6];
        match (fit.count, free) {
            (1, 2) => accumulate::<1, 2, 2>(x, fit, &mut normal),
            (1, _) => accumulate::<1, 3, 3>(x, fit, &mut normal),
            (_, 2) => accumulate::<2, 2, 4>(x, fit, &mut normal),
            _ => accumulate::<2, 3, 6>(x, fit, &mut normal),
        }
        let solution = solve(&mut normal, order)?;
        for (l, line) in fit.lines.iter_mut().enumerate().take(fit.count) {
            (line.a, line.b) = (solution[free * l], solution[free * l + 1]);
            if free == 3 {
                // At most 12 Hz a step.
                line.w += (solution[3 * l + 2] / HALF).clamp(-0.0094, 0.0094);
            }
        }
    }
    let left = match fit.count {
        1 => residual::<1>(x, fit, rest),
        _ => residual::<2>(x, fit, rest),
    };
    left.is_finite().then_some(left)
}

/// The normal equations of `LINES` lines of `FREE` unknowns, `ORDER` in all; sizes known to the compiler make it three times as fast.
fn accumulate<const LINES: usize, const FREE: usize, const ORDER: usize>(
    x: &[f64; WINDOW],
    fit: &Fit,
    normal: &mut [[f64; 7]; 6],
) {
    let mut sums = [[0.0; ORDER]; ORDER];
    let mut right = [0.0; ORDER];
    each_row::<LINES>(fit, |n, rows| {
        let mut column = [0.0; ORDER];
        for (l, row) in rows.iter().enumerate() {
            column[FREE * l..FREE * (l + 1)].copy_from_slice(&row[..FREE]);
        }
        for i in 0..ORDER {
            for j in 0..ORDER {
                sums[i][j] += column[i] * column[j];
            }
            right[i] += column[i] * x[n];
        }
    });
    for (row, (sums, right)) in normal.iter_mut().zip(sums.iter().zip(right)) {
        row[..ORDER].copy_from_slice(sums);
        row[6] = right;
    }
}

/// Half a window: scales the derivative by frequency to the size of the others.
const HALF: f64 = WINDOW as f64 / 2.0;

/// Writes what `LINES` lines leave of `x` to `rest`, returns its energy.
fn residual<const LINES: usize>(x: &[f64; WINDOW], fit: &Fit, rest: &mut [f32]) -> f64 {
    let mut left = 0.0;
    each_row::<LINES>(fit, |n, rows| {
        let model: f64 = rows.iter().zip(&fit.lines).map(|(r, l)| l.a * r[0] + l.b * r[1]).sum();
        let e = x[n] - model;
        left += e * e;
        rest[n] = e as f32;
    });
    left
}

/// For each sample and line: cosine, sine, and the derivative of the line by its frequency.
fn each_row<const LINES: usize>(fit: &Fit, mut take: impl FnMut(usize, &[[f64; 3]; LINES])) {
    let middle = (WINDOW - 1) as f64 / 2.0;
    let lines: [Line; LINES] = std::array::from_fn(|l| fit.lines[l]);
    let turn = lines.map(|l| libm::sincos(l.w));
    let mut now = lines.map(|l| libm::sincos(-l.w * middle));
    for n in 0..WINDOW {
        let t = (n as f64 - middle) / HALF;
        let mut rows = [[0.0; 3]; LINES];
        for l in 0..LINES {
            let ((s, c), line) = (now[l], &lines[l]);
            rows[l] = [c, s, t * (line.b * c - line.a * s)];
            now[l] = (s * turn[l].1 + c * turn[l].0, c * turn[l].1 - s * turn[l].0);
        }
        take(n, &rows);
    }
}

/// Solves a symmetric positive system with its right side in column 6; `None` if it is singular.
fn solve(m: &mut [[f64; 7]; 6], order: usize) -> Option<[f64; 6]> {
    let scale: [f64; 6] = std::array::from_fn(|i| m[i][i]);
    for k in 0..order {
        let pivot = m[k];
        if pivot[k].is_nan() || pivot[k] <= 1e-9 * scale[k] {
            return None;
        }
        for row in m.iter_mut().take(order).skip(k + 1) {
            let factor = row[k] / pivot[k];
            row.iter_mut().zip(&pivot).skip(k).for_each(|(r, p)| *r -= factor * p);
        }
    }
    let mut out = [0.0; 6];
    for i in (0..order).rev() {
        let rest: f64 = (i + 1..order).map(|j| m[i][j] * out[j]).sum();
        out[i] = (m[i][6] - rest) / m[i][i];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use testdata::{noise, sines};

    fn span_of(x: &[f32], chunk: usize) -> Option<Span> {
        let mut d = ToneDetector::new();
        x.chunks(chunk).for_each(|c| d.push(c));
        d.span()
    }

    #[test]
    fn call_progress_tones_are_found_from_onset_to_end() {
        // Hz, ITU-T E.180 supplement 2; 0.1 of amplitude each.
        let tones: [&[f64]; 11] = [
            &[350.0, 440.0],
            &[425.0],
            &[440.0, 480.0],
            &[400.0, 450.0],
            &[480.0, 620.0],
            &[950.0],
            &[1_400.0],
            &[1_800.0],
            &[1_100.0],
            &[2_100.0],
            &[1_004.0],
        ];
        let mut wrong = Vec::new();
        for hz in tones {
            for snr_db in [13.0, 60.0] {
                let mut x = vec![0.0; 9_000];
                let tone = sines(8_000, &hz.iter().map(|&f| (f, 0.1)).collect::<Vec<_>>(), 4_000);
                x[2_345..6_345].copy_from_slice(&tone);
                let level = 0.1 * (hz.len() as f32 / 2.0).sqrt() * 10f32.powf(-snr_db / 20.0);
                x.iter_mut().zip(noise(7, 9_000)).for_each(|(x, n)| *x += level * n);
                match span_of(&x, 77) {
                    Some(s) if s.start.abs_diff(2_345) <= 120 && s.end.abs_diff(6_345) <= 120 => {}
                    other => wrong.push(format!("{hz:?} at {snr_db} dB: {other:?}")),
                }
                assert_eq!(span_of(&x, 77), span_of(&x, 9_000), "chunks change the span");
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// A vowel of two resonances whose pitch swings 5.5 times a second, in noise.
    fn vowel(pitch_hz: f64, swing: f64, resonances: [f64; 2]) -> Vec<f32> {
        let mut phase = 0.0;
        let hiss = noise(5, 16_000);
        let sample = |(i, hiss): (usize, f32)| {
            let now = pitch_hz * (1.0 + swing * (std::f64::consts::TAU * 5.5 * i as f64 / 8_000.0).sin());
            phase += std::f64::consts::TAU * now / 8_000.0;
            let harmonics = (1..).map(f64::from).take_while(|h| h * now < 3_600.0);
            let voice = harmonics.map(|h| {
                let w = h * now;
                let gain = resonances.map(|c| c * c / (c * c - w * w).hypot(80.0 * w));
                gain[0] * gain[1] / (h * h) * (h * phase).sin()
            });
            (0.02 * voice.sum::<f64>()) as f32 + 1e-4 * hiss
        };
        hiss.into_iter().enumerate().map(sample).collect()
    }

    #[test]
    fn noise_silence_chords_and_voices_are_no_tone() {
        let chord = sines(8_000, &[(350.0, 0.1), (440.0, 0.1), (523.0, 0.1), (659.0, 0.1)], 8_000);
        assert_eq!(span_of(&noise(3, 8_000), 80), None, "noise");
        assert_eq!(span_of(&[0.0; 8_000], 80), None, "silence");
        assert_eq!(span_of(&chord, 80), None, "chord");
        let mut wrong = Vec::new();
        for pitch in [90.0, 120.0, 180.0, 220.0, 260.0, 320.0] {
            for resonances in [[730.0, 1_090.0], [270.0, 2_290.0], [300.0, 870.0], [250.0, 600.0]] {
                if let Some(s) = span_of(&vowel(pitch, 0.02, resonances), 80) {
                    wrong.push(format!("{pitch} Hz {resonances:?}: {s:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn values_that_are_no_sound_pass_through() {
        let tone = sines(8_000, &[(425.0, 0.1)], 2_000);
        for bad in [f32::NAN, f32::INFINITY, f32::MAX, 1e-40] {
            let mut d = ToneDetector::new();
            d.push(&[bad; 3_000]);
            assert_eq!((d.span(), d.active()), (None, false), "{bad}");
            d.push(&tone);
            assert!(d.active(), "{bad}: deaf afterwards");
            d.push(&[0.0; 400]);
            assert!(!d.active(), "{bad}: never ends");
        }
    }

    #[test]
    fn a_tone_does_not_go_on_across_a_reset() {
        let tone = sines(8_000, &[(425.0, 0.1)], 2_000);
        let mut d = ToneDetector::new();
        d.push(&tone[..WINDOW_SAMPLES - 1]);
        assert_eq!(d.span(), None);
        d.reset();
        d.push(&tone[..WINDOW_SAMPLES - 1]);
        assert_eq!(d.span(), None);
        d.push(&tone[..1]);
        assert_eq!(d.span(), Some(Span { start: 0, end: WINDOW_SAMPLES as u64 }));
    }
}
