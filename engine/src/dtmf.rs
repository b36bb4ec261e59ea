//! DTMF digits (ITU-T Q.23), by the limits of ITU-T Q.24.
//!
//! Every 5 ms, a Hann window of 25 ms is correlated with the eight frequencies (what a Goertzel filter does). The phase that
//! the strongest of each group gains from one window to the next gives its frequency to a fraction of a hertz, so that a
//! window wide enough for 40 ms digits still tells 1.8 % of detuning from 3 %. A digit is both frequencies near their nominal
//! values, in a ratio that a telephone gives, with nearly nothing beside them, for 32 ms or longer. That last point keeps
//! speech, which has a spectrum, from dialling. A digit sent over a dial tone of the same level is not recognised.

use std::sync::LazyLock;

use crate::tone::Span;

/// Low group, in Hz (Q.23).
pub const LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// High group, in Hz (Q.23).
pub const HIGH_HZ: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// The digit of each pair, `[low][high]`.
pub const DIGITS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// Digits that the log keeps; later ones are only counted.
pub const MAX_DIGITS: usize = 256;

const RATE_HZ: f64 = 8_000.0;
/// Window: 25 ms.
const WINDOW: usize = 200;
/// Step: 5 ms. Frequencies are unambiguous within half its inverse, 100 Hz.
const HOP: usize = 40;
/// Least amplitude of each tone: -42 dBm0, between the -29 dBm0 that must and the -54 dBm0 that must not count (Q.24). A sine of
/// full scale is +3.17 dBm0 in mu-law (G.711, table 2a), +3.14 in A-law.
const MIN_AMPLITUDE: f32 = 0.0055;

/// What counts as a digit.
struct Limits {
    /// Share of the nominal frequency.
    detuning: f64,
    /// High group weaker than the low one, as power.
    normal_twist: f32,
    /// High group stronger, as power.
    reverse_twist: f32,
    /// Share of the window's power that the two tones must hold.
    purity: f32,
    /// Hits in a row.
    min_hits: u32,
}

/// Q.24's limits. Detuning: between the 1.8 % that must and the 3.0 % that must not count (the strictest administration). Twist: the high group
/// weaker by up to 8 dB or stronger by up to 4 dB in a line, 2 dB for measuring it in noise. Purity: 9 dB of signal to noise, Q.24 asks for 15 dB
/// and less; at 6 dB half an hour of real speech dials three digits, at 9 dB none. Hits: tones of 40 ms give 6 and more, tones of 23 ms at most 3.
const LINE: Limits = Limits { detuning: 0.024, normal_twist: 10.0, reverse_twist: 3.98, purity: 0.88, min_hits: 5 };
/// What is left of a digit after a speech coder (GSM 06.10 takes up to 6 dB of the high group and adds noise at some 6 dB). Speech passes for one
/// some twenty times an hour.
const CODED: Limits = Limits { detuning: 0.03, normal_twist: 25.0, reverse_twist: 12.0, purity: 0.66, min_hits: 4 };

/// Misses in a row that end a digit: breaks of 10 ms give 4 at most, pauses of 40 ms 8 and more (Q.24).
const MAX_MISSES: u32 = 6;
/// Samples from the edge of a tone to the middle of the first window that hits, and from the last such middle to the edge:
/// what the window must see of a tone.
const EDGE: u64 = 65;

/// A digit that was pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DtmfDigit {
    /// `0`-`9`, `*`, `#`, `A`-`D`.
    pub digit: char,
    /// First sample, at 8 kHz, to about 10 ms.
    pub start_sample: u64,
    /// One past the last sample, at 8 kHz, to about 10 ms; of a digit that still sounds, one past the latest sample seen of it.
    pub end_sample: u64,
}

/// Finds digits in a stream at 8 kHz. Does not allocate after construction.
pub struct DtmfDetector {
    limits: &'static Limits,
    tables: &'static Tables,
    held: [f32; WINDOW],
    filled: usize,
    position: u64,
    previous: [[f32; 2]; 8],
    candidate: Option<Candidate>,
    log: Vec<DtmfDigit>,
    missed: u64,
    span: Option<Span>,
}

#[derive(Clone, Copy)]
struct Candidate {
    digit: DtmfDigit,
    hits: u32,
    misses: u32,
    logged: bool,
}

impl Default for DtmfDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// What all detectors share.
struct Tables {
    /// For each sample of the window, cosine and sine of the eight frequencies under the window.
    rows: [[f32; 16]; WINDOW],
    window: [f32; WINDOW],
    window_power: f32,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

impl Tables {
    fn new() -> Self {
        let hann = |n: usize| (std::f64::consts::PI * (n as f64 + 0.5) / WINDOW as f64).sin().powi(2);
        // Scaled so that a correlation's magnitude is the amplitude of the tone.
        let scale = 2.0 / (0..WINDOW).map(hann).sum::<f64>();
        let row = |n: usize| {
            let mut row = [0.0; 16];
            for (pair, hz) in row.chunks_exact_mut(2).zip(LOW_HZ.iter().chain(&HIGH_HZ)) {
                let (sin, cos) = (std::f64::consts::TAU * hz * n as f64 / RATE_HZ).sin_cos();
                pair.copy_from_slice(&[(scale * hann(n) * cos) as f32, (-scale * hann(n) * sin) as f32]);
            }
            row
        };
        Self {
            rows: std::array::from_fn(row),
            window: std::array::from_fn(|n| hann(n) as f32),
            window_power: (0..WINDOW).map(|n| hann(n).powi(2)).sum::<f64>() as f32,
        }
    }
}

impl DtmfDetector {
    /// Allocates the log.
    pub fn new() -> Self {
        Self::with_limits(&LINE)
    }

    /// For digits that went through a speech coder (GSM). It takes speech for a digit now and then: believe it where several come in a row.
    pub fn coded() -> Self {
        Self::with_limits(&CODED)
    }

    fn with_limits(limits: &'static Limits) -> Self {
        Self {
            limits,
            tables: &TABLES,
            held: [0.0; WINDOW],
            filled: 0,
            position: 0,
            previous: [[0.0; 2]; 8],
            candidate: None,
            log: Vec::with_capacity(MAX_DIGITS),
            missed: 0,
            span: None,
        }
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
                let heard = self.analyse();
                self.step(heard);
                self.held.copy_within(HOP.., 0);
                self.filled = WINDOW - HOP;
            }
        }
    }

    /// Digits so far, oldest first; the last may still sound.
    pub fn digits(&self) -> &[DtmfDigit] {
        &self.log
    }

    /// Digits that found the log full.
    pub fn dropped(&self) -> u64 {
        self.missed
    }

    /// The last digit found, so far.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.filled = 0;
        self.position = 0;
        self.previous = [[0.0; 2]; 8];
        self.candidate = None;
        self.log.clear();
        self.missed = 0;
        self.span = None;
    }

    /// The digit that the window holds.
    fn analyse(&mut self) -> Option<char> {
        let mean = engine_simd::sum(&self.held) / WINDOW as f32;
        let x = self.held.map(|x| x - mean);
        let sums = engine_simd::correlate(&x, &self.tables.rows);
        let now: [[f32; 2]; 8] = std::array::from_fn(|i| [sums[2 * i], sums[2 * i + 1]]);
        let before = std::mem::replace(&mut self.previous, now);
        let mut weighted = x;
        weighted.iter_mut().zip(&self.tables.window).for_each(|(x, w)| *x = (*x * w) * (*x * w));
        let power = engine_simd::sum(&weighted) / self.tables.window_power;
        let (row, low) = strongest(&now[..4], &before[..4], &LOW_HZ, self.limits.detuning)?;
        let (column, high) = strongest(&now[4..], &before[4..], &HIGH_HZ, self.limits.detuning)?;
        let loud = low.min(high) >= MIN_AMPLITUDE * MIN_AMPLITUDE;
        let twisted = low > high * self.limits.normal_twist || high > low * self.limits.reverse_twist;
        (loud && !twisted && 0.5 * (low + high) >= self.limits.purity * power).then(|| DIGITS[row][column])
    }

    fn step(&mut self, heard: Option<char>) {
        let min_hits = self.limits.min_hits;
        let middle = self.position - (WINDOW / 2) as u64;
        let end_sample = middle + EDGE;
        if let Some(c) = &mut self.candidate {
            if heard == Some(c.digit.digit) {
                c.digit.end_sample = end_sample;
                c.hits += 1;
                c.misses = 0;
            } else {
                c.misses += 1;
                if c.misses >= if c.hits < min_hits { 2 } else { MAX_MISSES } {
                    self.candidate = None;
                }
            }
        }
        match &mut self.candidate {
            None => {
                self.candidate = heard.map(|digit| {
                    let digit = DtmfDigit { digit, start_sample: middle.saturating_sub(EDGE), end_sample };
                    Candidate { digit, hits: 1, misses: 0, logged: false }
                });
            }
            Some(c) if c.hits >= min_hits => {
                self.span = Some(Span { start: c.digit.start_sample, end: c.digit.end_sample });
                if !c.logged && self.log.len() < MAX_DIGITS {
                    c.logged = true;
                    self.log.push(c.digit);
                } else if c.logged {
                    // Only the last entry can still sound.
                    if let Some(last) = self.log.last_mut() {
                        *last = c.digit;
                    }
                } else if c.hits == min_hits && c.misses == 0 {
                    self.missed += 1;
                }
            }
            Some(_) => {}
        }
    }
}

/// The strongest tone of a group if it is near its nominal frequency: index and squared amplitude.
fn strongest(now: &[[f32; 2]], before: &[[f32; 2]], nominal: &[f64; 4], detuning: f64) -> Option<(usize, f32)> {
    let magnitude = |i: usize| now[i][0] * now[i][0] + now[i][1] * now[i][1];
    let best = (1..4).fold(0, |best, i| if magnitude(i) > magnitude(best) { i } else { best });
    let ([a, b], [c, d]) = (now[best].map(f64::from), before[best].map(f64::from));
    // Phase gained since the window before, beyond that of the nominal frequency.
    let gained = libm::atan2(b * c - a * d, a * c + b * d);
    let hop_s = HOP as f64 / RATE_HZ;
    let turns = gained / std::f64::consts::TAU - nominal[best] * hop_s;
    let off_hz = (turns - libm::round(turns)) / hop_s;
    if off_hz.abs() > detuning * nominal[best] {
        return None;
    }
    Some((best, magnitude(best) / hann_response(off_hz * WINDOW as f64 / RATE_HZ)))
}

/// Power response of the Hann window `bins` bins beside its centre, for less than one bin.
fn hann_response(bins: f64) -> f32 {
    let x = bins.abs().max(1e-6);
    let amplitude = libm::sin(std::f64::consts::PI * x) / (std::f64::consts::PI * x * (1.0 - x * x));
    (amplitude * amplitude) as f32
}

#[cfg(test)]
mod tests;
