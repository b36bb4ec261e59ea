//! Mean normalisation that knows only the past.

use super::LayerError;

/// Subtracts the running mean of the speech frames so far, the current one included.
///
/// Before the first speech frame the mean is that of the training data, which goes on to count as `prior_frames` frames.
/// Beyond `max_frames` frames of speech the mean forgets exponentially, so that it follows a call that changes its channel.
#[derive(Clone, Debug)]
pub struct CausalCmn {
    prior: Vec<f32>,
    prior_frames: f64,
    max_count: f64,
    scale: f32,
    sum: Vec<f64>,
    count: f64,
}

impl CausalCmn {
    /// `scale` multiplies what is left after the mean.
    ///
    /// # Errors
    /// Frame counts that are not positive.
    pub fn new(prior: &[f32], prior_frames: f64, max_frames: f64, scale: f32) -> Result<Self, LayerError> {
        if !(prior_frames > 0.0 && max_frames > 0.0 && scale.is_finite()) || prior.is_empty() {
            return Err(LayerError::new(format!("mean over {prior_frames} to {max_frames} frames, scale {scale}")));
        }
        let mut cmn = Self {
            prior: prior.to_vec(),
            prior_frames,
            max_count: prior_frames + max_frames,
            scale,
            sum: vec![0.0; prior.len()],
            count: 0.0,
        };
        cmn.reset();
        Ok(cmn)
    }

    /// Normalises one frame in place.
    pub fn apply(&mut self, frame: &mut [f32], speech: bool) {
        if speech {
            self.count += 1.0;
            self.sum.iter_mut().zip(frame.iter()).for_each(|(s, &x)| *s += f64::from(x));
            if self.count > self.max_count {
                let keep = self.max_count / self.count;
                self.sum.iter_mut().for_each(|s| *s *= keep);
                self.count = self.max_count;
            }
        }
        for (x, s) in frame.iter_mut().zip(&self.sum) {
            *x = (*x - (s / self.count) as f32) * self.scale;
        }
    }

    /// Back to the training mean.
    pub fn reset(&mut self) {
        self.count = self.prior_frames;
        self.sum.iter_mut().zip(&self.prior).for_each(|(s, &p)| *s = f64::from(p) * self.prior_frames);
    }
}
