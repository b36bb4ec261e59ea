//! TDNN-F layer with a skip connection.

use super::{FrameDelay, LayerError, SplicedAffine};
use crate::embed::MAX_BLOCK_FRAMES;

/// x + up(down(x)): a factored time-delay layer (Povey et al., Interspeech 2018) with its input added.
#[derive(Clone, Debug)]
pub struct ResidualBlock {
    down: SplicedAffine,
    up: SplicedAffine,
    skip: FrameDelay,
    narrow: Vec<f32>,
}

impl ResidualBlock {
    /// `down` sees the context, `up` only the current frame and gives as many channels as came in.
    ///
    /// # Errors
    /// `up` looks ahead, or its output does not fit the input's `channels`.
    pub fn new(down: SplicedAffine, up: SplicedAffine, channels: usize) -> Result<Self, LayerError> {
        if up.lookahead() != 0 || up.outputs() != channels {
            return Err(LayerError::new(format!("{} channels cannot be added to {channels}", up.outputs())));
        }
        let skip = FrameDelay::new(channels, down.lookahead())?;
        Ok(Self { narrow: vec![0.0; MAX_BLOCK_FRAMES * down.outputs()], down, up, skip })
    }

    /// See [`SplicedAffine::push`].
    pub fn push(&mut self, x: &[f32], frames: usize, out: &mut [f32]) -> usize {
        self.skip.push(x, frames);
        let n = self.down.push(x, frames, &mut self.narrow);
        self.rest(n, out)
    }

    /// See [`SplicedAffine::finish`].
    pub fn finish(&mut self, out: &mut [f32]) -> usize {
        let n = self.down.finish(&mut self.narrow);
        self.rest(n, out)
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.down.reset();
        self.up.reset();
        self.skip.reset();
    }

    fn rest(&mut self, frames: usize, out: &mut [f32]) -> usize {
        let n = self.up.push(&self.narrow, frames, out);
        self.skip.add_to(out, n);
        n
    }
}
