//! Signals that are the same in every run.

/// A small seeded generator (SplitMix64): the same numbers everywhere, for ever.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0 to 1, 1 excluded.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform among the integers below `end`, which is positive.
    pub fn below(&mut self, end: usize) -> usize {
        (self.uniform() * end as f64) as usize
    }

    /// Normal, of mean 0 and variance 1.
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.uniform()).cos()) as f32
    }
}

/// White Gaussian noise of variance 1.
pub fn noise(seed: u64, samples: usize) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..samples).map(|_| random.normal()).collect()
}

/// A sum of sines, each given by its frequency in Hz and its amplitude, at `rate_hz`.
pub fn sines(rate_hz: u32, parts: &[(f64, f64)], samples: usize) -> Vec<f32> {
    let at = |i: usize| {
        let turns = |hz: f64| std::f64::consts::TAU * hz * i as f64 / f64::from(rate_hz);
        parts.iter().map(|&(hz, amplitude)| amplitude * turns(hz).sin()).sum::<f64>() as f32
    };
    (0..samples).map(at).collect()
}

/// Something voiced with pauses, which the shipped detector takes for speech.
pub fn speech_like(rate_hz: u32, seconds: u32) -> Vec<f32> {
    let tau = std::f32::consts::TAU;
    let mut phase = 0.0f32;
    (0..rate_hz * seconds)
        .map(|i| {
            let t = i as f32 / rate_hz as f32;
            phase += (130.0 + 20.0 * (tau * 0.7 * t).sin() + 5.0 * (tau * 5.3 * t).sin()) / rate_hz as f32;
            let shape =
                |h: f32| 1.0 / h + 0.6 * (-((h * 130.0 - 700.0 - 500.0 * (tau * 1.9 * t).sin()) / 250.0).powi(2)).exp();
            let sum: f32 = (1..25).map(|h| shape(h as f32) * (tau * phase * h as f32).sin()).sum();
            let on = (tau * 0.4 * t).sin() > -0.5;
            if on { 0.05 * sum * (0.55 + 0.45 * (tau * 4.0 * t).sin()) } else { 0.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal_and_repeatable() {
        let x = noise(1, 100_000);
        let mean = x.iter().sum::<f32>() / 1e5;
        let power = x.iter().map(|v| v * v).sum::<f32>() / 1e5;
        assert!(mean.abs() < 0.02 && (power - 1.0).abs() < 0.02, "mean {mean}, power {power}");
        assert!(x == noise(1, 100_000) && x != noise(2, 100_000));
        // Known answer of SplitMix64 for seed 0.
        assert_eq!(Random::new(0).bits(), 0xe220_a839_7b1d_cdaf);
    }
}
