//! Level normalisation that knows only the past.

use super::LayerError;
use crate::follower::LoudnessFollower;

/// How a [`RunningLoudness`] follows a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoudnessSpec {
    /// First bin that counts: what lies below is hum.
    pub first_bin: usize,
    /// Share of a new frame in the smoothed power, above 0 to 1.
    pub rise: f64,
    /// What the loudness falls by in a frame once it is louder than the smoothed power, in nats of power, above 0 to 1.
    pub fall: f64,
    /// Least loudness, in nats: what is fainter stays faint.
    pub floor: f64,
    /// Bins lie at most this far below the loudness, in nats, above 0 to 100: what is lower is as good as nothing.
    pub range: f64,
}

/// Subtracts from log-mel frames how loud the stream was lately, so that a network hears the same at every level.
///
/// The loudness rises with the smoothed power of the frames, the current one included, and falls slowly. Two numbers are all
/// its memory; a change of level by a constant factor changes nothing behind it, as long as the loudness is above the floor.
#[derive(Clone, Debug)]
pub struct RunningLoudness {
    first_bin: usize,
    range: f32,
    follower: LoudnessFollower,
}

impl RunningLoudness {
    /// For frames of `mels` bins.
    ///
    /// # Errors
    /// A number out of its range; no bin that counts.
    pub fn new(mels: usize, spec: LoudnessSpec) -> Result<Self, LayerError> {
        let LoudnessSpec { first_bin, rise, fall, floor, range } = spec;
        let share = |v: f64| v > 0.0 && v <= 1.0;
        if first_bin >= mels || !share(rise) || !share(fall) || floor.abs() > 80.0 || !share(range / 100.0) {
            return Err(LayerError::new(format!("loudness of {mels} bins by {spec:?}")));
        }
        // NaN fails every comparison above but the floor's.
        if floor.is_nan() {
            return Err(LayerError::new("loudness with a floor that is no number"));
        }
        let follower = LoudnessFollower::new(rise, libm::exp(-fall), libm::exp(floor));
        Ok(Self { first_bin, range: range as f32, follower })
    }

    /// Normalises one frame of natural-log energies in place.
    pub fn apply(&mut self, frame: &mut [f32]) {
        let power: f64 = frame.iter().skip(self.first_bin).map(|&x| f64::from(engine_simd::exp(x))).sum();
        let loudness = libm::log(self.follower.next(power)) as f32;
        frame.iter_mut().for_each(|x| *x = (*x - loudness).max(-self.range));
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.follower.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: LoudnessSpec = LoudnessSpec { first_bin: 1, rise: 0.1, fall: 0.01, floor: 2.0, range: 12.0 };

    fn run(gain: f32) -> Vec<f32> {
        let mut loudness = RunningLoudness::new(4, SPEC).unwrap();
        let mut random = testdata::Random::new(6);
        let mut out = Vec::new();
        for t in 0..400 {
            let mut frame: [f32; 4] =
                std::array::from_fn(|_| gain + if t % 90 < 60 { 20.0 } else { 12.0 } + random.normal());
            loudness.apply(&mut frame);
            out.extend(frame);
        }
        out
    }

    #[test]
    fn a_gain_changes_nothing_above_the_floor() {
        let (loud, faint) = (run(0.0), run(-9.0));
        let off = loud.iter().zip(&faint).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // Exponentials of numbers around 20 in single precision: 2e-6 of their size, and the same for the difference.
        assert!(off < 1e-4, "{off}");
        assert!(loud.iter().all(|v| (-12.0..6.0).contains(v)));
    }

    #[test]
    fn what_is_below_the_floor_stays_faint_and_hum_does_not_count() {
        let mut loudness = RunningLoudness::new(4, SPEC).unwrap();
        for _ in 0..100 {
            let mut frame = [30.0, -16.0, -16.0, -16.0];
            loudness.apply(&mut frame);
            assert_eq!(frame, [28.0, -12.0, -12.0, -12.0]);
        }
    }

    #[test]
    fn it_falls_as_slowly_as_it_says_and_forgets_on_reset() {
        let mut loudness = RunningLoudness::new(4, SPEC).unwrap();
        (0..200).for_each(|_| loudness.apply(&mut [20.0; 4]));
        let mut frame = [0.0f32; 4];
        (0..100).for_each(|_| {
            frame = [5.0; 4];
            loudness.apply(&mut frame);
        });
        let expected = 5.0 - (20.0 + 3.0f32.ln() - 100.0 * 0.01);
        // The smoothed power lags by some frames: within 0.01 nats of the peak.
        assert!((frame[0] - expected.max(-12.0)).abs() < 0.02, "{frame:?}, expected {expected}");
        loudness.reset();
        frame = [5.0; 4];
        loudness.apply(&mut frame);
        let fresh = RunningLoudness::new(4, SPEC).map(|mut l| {
            let mut first = [5.0; 4];
            l.apply(&mut first);
            first
        });
        assert_eq!(frame, fresh.unwrap());
    }

    #[test]
    fn numbers_that_are_none_pass_through_without_deafening() {
        let mut loudness = RunningLoudness::new(4, SPEC).unwrap();
        loudness.apply(&mut [f32::NAN, f32::INFINITY, f32::NAN, 1e30]);
        let mut frame = [5.0; 4];
        loudness.apply(&mut frame);
        assert!(frame.iter().all(|v| v.is_finite()));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |change: fn(&mut LoudnessSpec)| {
            let mut spec = SPEC;
            change(&mut spec);
            RunningLoudness::new(4, spec).is_err()
        };
        assert!(refused(|s| s.first_bin = 4) && refused(|s| s.rise = 0.0) && refused(|s| s.rise = f64::NAN));
        assert!(refused(|s| s.fall = 0.0) && refused(|s| s.fall = 2.0) && refused(|s| s.floor = f64::NAN));
        assert!(refused(|s| s.floor = 1e9) && refused(|s| s.range = -1.0) && refused(|s| s.range = f64::INFINITY));
        assert!(!refused(|_| ()));
    }
}
