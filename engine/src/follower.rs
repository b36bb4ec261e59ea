//! How loud a stream was lately, from the powers of its frames.

/// Rises with the smoothed power of the frames, the newest included, and falls slowly. Two numbers are all its memory.
#[derive(Clone, Debug)]
pub(crate) struct LoudnessFollower {
    /// Share of a new frame in the smoothed power.
    rise: f64,
    /// What the loudness keeps from frame to frame.
    keep: f64,
    /// Least loudness.
    floor: f64,
    power: f64,
    loudness: f64,
}

impl LoudnessFollower {
    /// One that has heard nothing.
    pub(crate) fn new(rise: f64, keep: f64, floor: f64) -> Self {
        Self { rise, keep, floor, power: 0.0, loudness: floor }
    }

    /// Takes the power of the next frame, of which one that is no number says nothing; returns the loudness.
    pub(crate) fn next(&mut self, power: f64) -> f64 {
        if power.is_finite() {
            self.power += self.rise * (power - self.power);
        }
        self.loudness = (self.loudness * self.keep).max(self.power).max(self.floor);
        self.loudness
    }

    /// Back to the state after construction.
    pub(crate) fn reset(&mut self) {
        (self.power, self.loudness) = (0.0, self.floor);
    }
}
