//! Attentive statistics pooling as running sums.

use super::LayerError;

/// Weighted mean and standard deviation over speech frames, with weights exp(logit) for each head's share of the channels
/// (Okabe et al., Interspeech 2018). Sums are shifted by the largest logit so far, so that they neither overflow nor
/// depend on how the frames came in.
#[derive(Clone, Debug)]
pub struct AttentiveStats {
    /// Channels per head.
    width: usize,
    max: Vec<f32>,
    weight: Vec<f64>,
    sum: Vec<f64>,
    sum_sq: Vec<f64>,
    frames: u64,
}

/// Least variance, as in training.
const MIN_VARIANCE: f64 = 1e-5;

impl AttentiveStats {
    /// `channels` split evenly between `heads`.
    ///
    /// # Errors
    /// The heads do not divide the channels.
    pub fn new(channels: usize, heads: usize) -> Result<Self, LayerError> {
        if heads == 0 || channels == 0 || !channels.is_multiple_of(heads) {
            return Err(LayerError::new(format!("{channels} channels do not split between {heads} heads")));
        }
        Ok(Self {
            width: channels / heads,
            max: vec![f32::NEG_INFINITY; heads],
            weight: vec![0.0; heads],
            sum: vec![0.0; channels],
            sum_sq: vec![0.0; channels],
            frames: 0,
        })
    }

    /// Adds one speech frame.
    pub fn add(&mut self, frame: &[f32], logits: &[f32]) {
        self.frames += 1;
        for (head, &logit) in logits.iter().enumerate().take(self.max.len()) {
            let range = head * self.width..(head + 1) * self.width;
            if logit > self.max[head] {
                let keep = f64::from(engine_simd::exp(self.max[head] - logit));
                self.weight[head] *= keep;
                self.sum[range.clone()].iter_mut().for_each(|s| *s *= keep);
                self.sum_sq[range.clone()].iter_mut().for_each(|s| *s *= keep);
                self.max[head] = logit;
            }
            let w = f64::from(engine_simd::exp(logit - self.max[head]));
            self.weight[head] += w;
            engine_simd::add_weighted(w, &frame[range.clone()], &mut self.sum[range.clone()], &mut self.sum_sq[range]);
        }
    }

    /// Frames added so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Writes the means and then the standard deviations; `false`, with `out` untouched, before the first frame.
    ///
    /// *Shape* of `out`: `2 x channels`.
    pub fn write(&self, out: &mut [f32]) -> bool {
        if self.frames == 0 {
            return false;
        }
        let (means, deviations) = out.split_at_mut(self.sum.len());
        let outs = means.iter_mut().zip(deviations);
        for (c, ((mean, deviation), (s, q))) in outs.zip(self.sum.iter().zip(&self.sum_sq)).enumerate() {
            let w = self.weight[c / self.width];
            let m = s / w;
            *mean = m as f32;
            *deviation = (q / w - m * m).max(MIN_VARIANCE).sqrt() as f32;
        }
        true
    }

    /// Back to no frames.
    pub fn reset(&mut self) {
        self.max.fill(f32::NEG_INFINITY);
        self.weight.fill(0.0);
        self.sum.fill(0.0);
        self.sum_sq.fill(0.0);
        self.frames = 0;
    }
}
