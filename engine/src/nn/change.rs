//! How much a spectrum changes, which a voice's does and a machine's does not.

use super::LayerError;

/// How a [`SpectralChange`] follows a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeSpec {
    /// For each mean spectrum that frames are held against, the share of a loud frame in it, above 0 to 1; at most
    /// [`MAX_CHANGE_RATES`].
    pub rates: Vec<f32>,
    /// Share of a loud frame in the running mean of the last of the changes, above 0 to 1.
    pub smooth: f64,
    /// Bins lie at most this far below the frame's power, in nats, above 0.
    pub range: f32,
    /// What changes are multiplied with.
    pub scale: f32,
}

/// Most mean spectra of a [`SpectralChange`].
pub const MAX_CHANGE_RATES: usize = 4;
/// The change that a stream begins with, in nats, between machines (up to 0.6) and voices (from 1 on).
const UNKNOWN: f64 = 1.5;

/// Distances between a frame's spectrum and running means of those before, whatever their loudness.
///
/// Each distance is the mean over the frame's power of |log share of a bin - its running mean|, in nats. Frames count in the means
/// by their power, so that pauses and the troughs of a tremolo leave them as they are. Behind the distances stands the running mean
/// of the last of them.
#[derive(Clone, Debug)]
pub struct SpectralChange {
    spec: ChangeSpec,
    /// `(rates, mels)`.
    means: Vec<f32>,
    change: f64,
    share: Vec<f32>,
    shape: Vec<f32>,
}

impl SpectralChange {
    /// For frames of `mels` bins.
    ///
    /// # Errors
    /// A number out of its range; no rate, or too many; no bin.
    pub fn new(mels: usize, spec: ChangeSpec) -> Result<Self, LayerError> {
        let share = |v: f64| v > 0.0 && v <= 1.0;
        let rates = &spec.rates;
        let fine = (1..=MAX_CHANGE_RATES).contains(&rates.len())
            && rates.iter().all(|&r| share(f64::from(r)))
            && share(spec.smooth)
            && spec.range > 0.0
            && spec.range.is_finite()
            && spec.scale.is_finite();
        if !fine || mels == 0 {
            return Err(LayerError::new(format!("change of {mels} bins by {spec:?}")));
        }
        let mut change = Self {
            means: vec![0.0; rates.len() * mels],
            change: 0.0,
            share: vec![0.0; mels],
            shape: vec![0.0; mels],
            spec,
        };
        change.reset();
        Ok(change)
    }

    /// Numbers that a frame gives: one for each rate, and one.
    pub fn outputs(&self) -> usize {
        self.spec.rates.len() + 1
    }

    /// Takes a frame of log energies relative to the running loudness, and writes its [`SpectralChange::outputs`] numbers.
    ///
    /// # Panics
    /// If `out` is shorter than that.
    pub fn push(&mut self, frame: &[f32], out: &mut [f32]) {
        self.share.iter_mut().zip(frame).for_each(|(s, &x)| *s = engine_simd::exp(x));
        let total = engine_simd::sum(&self.share);
        // A frame of nothing, or of numbers that are none, says nothing.
        let known = total > 0.0 && total.is_finite();
        let (loud, level) = if known { (total.min(1.0), engine_simd::ln(total)) } else { (0.0, 0.0) };
        for ((shape, share), &x) in self.shape.iter_mut().zip(&mut self.share).zip(frame) {
            *share = if known { *share / total } else { 0.0 };
            *shape = if known { (x - level).max(-self.spec.range) } else { 0.0 };
        }
        let mut last = 0.0;
        for ((mean, &rate), out) in self.means.chunks_exact_mut(frame.len()).zip(&self.spec.rates).zip(out.iter_mut()) {
            let mut distance = 0.0;
            for ((mean, &shape), &share) in mean.iter_mut().zip(&self.shape).zip(&self.share) {
                let off = shape - *mean;
                distance += share * off.abs();
                *mean += rate * loud * off;
            }
            *out = self.spec.scale * distance;
            last = distance;
        }
        self.change += self.spec.smooth * f64::from(loud) * (f64::from(last) - self.change);
        out[self.spec.rates.len()] = (f64::from(self.spec.scale) * self.change) as f32;
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        let even = -(self.shape.len() as f64);
        self.means.fill(-libm::log(-even) as f32);
        self.change = UNKNOWN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ChangeSpec {
        ChangeSpec { rates: vec![0.1, 0.03], smooth: 0.02, range: 8.0, scale: 1.0 }
    }

    /// The last numbers after `frames` frames of eight bins, and the largest in their second half.
    fn run(frames: usize, of: impl Fn(usize, usize) -> f32) -> ([f32; 3], f32) {
        let mut change = SpectralChange::new(8, spec()).unwrap();
        let (mut out, mut most) = ([0.0; 3], 0.0f32);
        for t in 0..frames {
            change.push(&std::array::from_fn::<f32, 8, _>(|b| of(t, b)), &mut out);
            if 2 * t >= frames {
                most = most.max(out[0]).max(out[1]);
            }
        }
        (out, most)
    }

    #[test]
    fn what_only_swells_does_not_change_and_what_moves_does() {
        let shape = |b: usize| -0.7 * b as f32 - 0.5;
        // The slow mean takes 0.03 of a loud frame and next to nothing of the troughs: twice 600 frames bring it to the shape.
        let (out, most) = run(1_200, |t, b| shape(b) + 2.0 * (t as f32 * 0.3).sin() - 2.0);
        assert!(most < 0.01 && out[2] < 0.05, "a tremolo: {out:?}, up to {most}");
        // A peak that walks over the bins as a formant does.
        let (out, _) = run(600, |t, b| -0.8 * (b as f32 - 3.5 - 3.0 * (t as f32 * 0.15).sin()).abs());
        assert!(out[2] > 0.7, "a voice: {out:?}");
    }

    #[test]
    fn pauses_leave_the_means_as_they_are() {
        let shape = |b: usize| if b < 3 { -0.5 } else { -6.0 };
        let mut change = SpectralChange::new(8, spec()).unwrap();
        let mut out = [0.0; 3];
        let frame: [f32; 8] = std::array::from_fn(shape);
        (0..500).for_each(|_| change.push(&frame, &mut out));
        (0..490).for_each(|_| change.push(&[-9.5; 8], &mut out));
        change.push(&frame, &mut out);
        assert!(out[0] < 0.1 && out[1] < 0.1, "what goes on after a pause: {out:?}");
    }

    #[test]
    fn numbers_that_are_none_and_silence_say_nothing() {
        let mut change = SpectralChange::new(8, spec()).unwrap();
        let mut out = [0.0; 3];
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            change.push(&[bad; 8], &mut out);
            assert!(out.iter().all(|v| v.is_finite()), "{bad}: {out:?}");
        }
        change.push(&[-1.0; 8], &mut out);
        let mut fresh = SpectralChange::new(8, spec()).unwrap();
        let mut expected = [0.0; 3];
        fresh.push(&[-1.0; 8], &mut expected);
        assert_eq!(out, expected);
        change.reset();
        change.push(&[-1.0; 8], &mut out);
        assert_eq!(out, expected, "reset equals fresh");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |change: fn(&mut ChangeSpec)| {
            let mut spec = spec();
            change(&mut spec);
            SpectralChange::new(8, spec).is_err()
        };
        assert!(refused(|s| s.rates.clear()) && refused(|s| s.rates = vec![0.1; 5]) && refused(|s| s.rates[0] = 0.0));
        assert!(refused(|s| s.smooth = f64::NAN) && refused(|s| s.range = 0.0) && refused(|s| s.scale = f32::NAN));
        assert!(SpectralChange::new(0, spec()).is_err() && !refused(|_| ()));
    }
}
