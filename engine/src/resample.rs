//! From any rate to the model's 8 kHz, on rubato, and to the rate of a network that was trained elsewhere.
//!
//! Audio goes through in blocks of fixed size, so that the caller's chunking changes nothing. The filter's delay is cut off at
//! the front: output sample k lies at k / 8000 s, to 2 microseconds. Rates whose ratio to 8 kHz is a fraction of small numbers (all the usual
//! ones) take the FFT resampler, in blocks of 32 to 256 ms; odd ones, whose FFT would span seconds, take the windowed sinc.
//! Either holds at most 8 MiB, at any rate.

use engine_dsp::rate::Conversion;

use crate::audio::{MODEL_RATE_HZ, SampleRate};
use crate::error::ConfigError;

/// Output samples per FFT block that are aimed at: 32 ms, which puts the filter's edge above 3.7 kHz.
const BLOCK_OUT: u32 = 256;
/// Longest FFT block, in output samples: beyond it the sinc resampler takes over.
const MAX_BLOCK_OUT: u32 = 2_048;
/// Delays of the sinc filter that are tried, in output samples: half its length, 8 to 14 ms.
const SINC_DELAYS: std::ops::RangeInclusive<u32> = 64..=112;

/// Streaming resampler, to [`MODEL_RATE_HZ`] unless told otherwise.
pub struct Resampler {
    rate_hz: u32,
    to_hz: u32,
    kind: Option<Conversion>,
    input: [Vec<f32>; 1],
    filled: usize,
    output: [Vec<f32>; 1],
    /// Output samples of delay still to cut off.
    skip: usize,
    delay: usize,
    taken: u64,
    given: u64,
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Input samples of an FFT block; `None` where it would be too long. They are even, for the filter's middle to lie on a sample.
fn fft_block(rate_hz: u32, to_hz: u32) -> Option<usize> {
    let unit = gcd(rate_hz, to_hz);
    let (unit_in, unit_out) = (rate_hz / unit, to_hz / unit);
    let mut units = BLOCK_OUT.div_ceil(unit_out);
    if !(units * unit_in).is_multiple_of(2) {
        units += 1;
    }
    (units * unit_out <= MAX_BLOCK_OUT).then_some((units * unit_in) as usize)
}

/// Half the length of the sinc filter, a multiple of 4 as rubato wants, and the delay in output samples that it is nearest to.
fn sinc_half(rate_hz: u32, to_hz: u32) -> (u32, u32) {
    let step = f64::from(rate_hz) / f64::from(to_hz);
    let half = |delay: u32| 4 * (f64::from(delay) * step / 4.0).round() as u32;
    let off = |delay: u32| (f64::from(half(delay)) / step - f64::from(delay)).abs();
    let delay = SINC_DELAYS.min_by(|&a, &b| off(a).total_cmp(&off(b))).unwrap_or(*SINC_DELAYS.start());
    (half(delay), delay)
}

impl Resampler {
    /// Plans the conversion from `rate`; at 8 kHz samples pass through untouched.
    ///
    /// # Errors
    /// rubato refuses, which no rate in range makes it do.
    pub fn new(rate: SampleRate) -> Result<Self, ConfigError> {
        Self::to(rate, MODEL_RATE_HZ)
    }

    /// Plans the conversion from `rate` to `to_hz`.
    ///
    /// # Errors
    /// As [`Resampler::new`].
    pub fn to(rate: SampleRate, to_hz: u32) -> Result<Self, ConfigError> {
        let rate_hz = rate.hz();
        let refused = |_| ConfigError::Resampler { hz: rate_hz };
        let (kind, delay) = if rate_hz == to_hz {
            (None, 0)
        } else if let Some(chunk_in) = fft_block(rate_hz, to_hz) {
            let fft = Conversion::fft(rate_hz as usize, to_hz as usize, chunk_in).map_err(refused)?;
            let delay = fft.delay();
            (Some(fft), delay)
        } else {
            let (half, delay) = sinc_half(rate_hz, to_hz);
            let ratio = f64::from(to_hz) / f64::from(rate_hz);
            let sinc = Conversion::sinc(ratio, 2 * half as usize, rate_hz as usize / 50).map_err(refused)?;
            // rubato steps on before it makes its first sample, so that one lies one step later.
            (Some(sinc), delay as usize - 1)
        };
        let (max_in, max_out) = kind.as_ref().map_or((0, 0), |r| (r.most_in(), r.most_out()));
        Ok(Self {
            rate_hz,
            to_hz,
            kind,
            input: [vec![0.0; max_in]],
            filled: 0,
            output: [vec![0.0; max_out]],
            skip: delay,
            delay,
            taken: 0,
            given: 0,
        })
    }

    /// Takes samples and hands the finished ones to `sink`. Does not allocate.
    pub fn push(&mut self, samples: &[f32], sink: &mut impl FnMut(&[f32])) {
        self.taken += samples.len() as u64;
        if self.kind.is_none() {
            self.given += samples.len() as u64;
            sink(samples);
            return;
        }
        self.feed(samples, u64::MAX, sink);
    }

    /// Hands out what is still inside, so that n input samples make round(n x 8000 / rate) output samples, for 8 kHz.
    pub fn finish(&mut self, sink: &mut impl FnMut(&[f32])) {
        if self.kind.is_none() {
            return;
        }
        let wanted =
            (u128::from(self.taken) * u128::from(self.to_hz) + u128::from(self.rate_hz) / 2) / u128::from(self.rate_hz);
        let wanted = wanted as u64;
        let zeros = [0.0; 256];
        // Every block gives output once the delay is through, so a few blocks are enough; the bound is for safety.
        let mut blocks = 0;
        while self.given < wanted && blocks < 1 << 20 {
            self.feed(&zeros, wanted, sink);
            blocks += 1;
        }
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        if let Some(r) = &mut self.kind {
            r.reset();
        }
        self.filled = 0;
        self.skip = self.delay;
        self.taken = 0;
        self.given = 0;
    }

    /// Feeds samples and gives at most `limit` output samples in all.
    fn feed(&mut self, mut samples: &[f32], limit: u64, sink: &mut impl FnMut(&[f32])) {
        let Some(r) = &mut self.kind else { return };
        while !samples.is_empty() {
            let need = r.next_in();
            let n = (need - self.filled).min(samples.len());
            self.input[0][self.filled..self.filled + n].copy_from_slice(&samples[..n]);
            self.filled += n;
            samples = &samples[n..];
            if self.filled < need {
                return;
            }
            self.filled = 0;
            let Some(made) = r.process(&self.input, &mut self.output) else { return };
            let cut = self.skip.min(made);
            self.skip -= cut;
            let left = usize::try_from(limit - self.given).unwrap_or(usize::MAX);
            let end = made.min(cut.saturating_add(left));
            self.given += (end - cut) as u64;
            sink(&self.output[0][cut..end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rate_hz: u32, x: &[f32], chunk: usize) -> Vec<f32> {
        let mut r = Resampler::new(SampleRate::new(rate_hz).unwrap()).unwrap();
        let mut y = Vec::new();
        for part in x.chunks(chunk) {
            r.push(part, &mut |s| y.extend_from_slice(s));
        }
        r.finish(&mut |s| y.extend_from_slice(s));
        y
    }

    fn tone(rate_hz: u32, hz: f64, seconds: f64) -> Vec<f32> {
        let n = (f64::from(rate_hz) * seconds) as usize;
        (0..n).map(|i| (0.5 * (std::f64::consts::TAU * hz * i as f64 / f64::from(rate_hz)).sin()) as f32).collect()
    }

    const RATES: [u32; 15] = [
        8_000, 8_001, 11_025, 11_111, 12_000, 16_000, 22_050, 24_001, 32_000, 44_100, 48_000, 50_003, 96_000, 191_999,
        192_000,
    ];

    #[test]
    fn tones_below_the_edge_keep_time_and_level_and_those_above_vanish() {
        for rate in RATES {
            for hz in [200.0, 1_000.0, 3_400.0] {
                let y = run(rate, &tone(rate, hz, 0.5), 997);
                let want = (f64::from(rate) * 0.5) as u64;
                let expected_len = (want as f64 * 8_000.0 / f64::from(rate)).round();
                assert!((y.len() as f64 - expected_len).abs() <= 1.0, "{rate}: {} samples", y.len());
                // Away from the ends, where the tone begins and stops.
                for (i, &v) in y.iter().enumerate().skip(400).take(3_000) {
                    let exact = 0.5 * (std::f64::consts::TAU * hz * i as f64 / 8_000.0).sin();
                    let off = (f64::from(v) - exact).abs();
                    // 2 microseconds of the sinc resampler's table, and 1 % for the edge of the band.
                    let tolerance = 0.5 * std::f64::consts::TAU * hz * 2e-6 + 0.005;
                    assert!(off < tolerance, "{rate} Hz, {hz} Hz tone, sample {i}: {v} not {exact}");
                }
            }
            if rate >= 16_000 {
                let y = run(rate, &tone(rate, 5_000.0, 0.5), 480);
                let worst = y.iter().skip(400).take(3_000).fold(0.0f32, |a, v| a.max(v.abs()));
                assert!(worst < 0.003, "{rate}: alias at {worst}");
            }
        }
    }

    #[test]
    fn chunks_do_not_change_a_bit() {
        for rate in RATES {
            let x = tone(rate, 700.0, 0.2);
            let whole = run(rate, &x, x.len());
            for chunk in [1, 7, 160, 441, 4_096] {
                assert!(run(rate, &x, chunk) == whole, "{rate} Hz in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn short_inputs_come_out_whole() {
        for rate in RATES {
            for n in [0usize, 1, 2, 100] {
                let y = run(rate, &vec![0.25; n], 3.max(n));
                let expected = (n as f64 * 8_000.0 / f64::from(rate)).round() as usize;
                assert_eq!(y.len(), expected, "{rate} Hz, {n} samples");
            }
        }
    }
}
