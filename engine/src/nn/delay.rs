//! Holds frames until another path has caught up.

use super::LayerError;
use crate::embed::MAX_BLOCK_FRAMES;

/// A first-in, first-out store of frames.
#[derive(Clone, Debug)]
pub struct FrameDelay {
    channels: usize,
    rows: Vec<f32>,
    held: usize,
}

impl FrameDelay {
    /// Room for `frames` frames beyond one block.
    ///
    /// # Errors
    /// Zero channels.
    pub fn new(channels: usize, frames: usize) -> Result<Self, LayerError> {
        if channels == 0 {
            return Err(LayerError::new("frames without channels"));
        }
        Ok(Self { channels, rows: vec![0.0; (frames + MAX_BLOCK_FRAMES) * channels], held: 0 })
    }

    /// Adds frames at the end.
    pub fn push(&mut self, x: &[f32], frames: usize) {
        let start = self.held * self.channels;
        let length = frames * self.channels;
        self.rows[start..start + length].copy_from_slice(&x[..length]);
        self.held += frames;
    }

    /// Adds the oldest frames to `out` element by element and forgets them.
    pub fn add_to(&mut self, out: &mut [f32], frames: usize) {
        let length = frames * self.channels;
        out[..length].iter_mut().zip(&self.rows[..length]).for_each(|(o, x)| *o += x);
        self.rows.copy_within(length..self.held * self.channels, 0);
        self.held -= frames;
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.held = 0;
    }
}
