//! Streaming layers. No architecture lives here: `models` puts layers together.
//!
//! Every layer takes a block of frames, row-major `(frames, channels)`, and writes the frames that it can finish. It keeps
//! what it needs of the past, and after `finish` it has written exactly as many frames as it would for the whole input
//! at once, to the bit. Beyond both ends the input counts as zero. Nothing allocates after construction.

mod affine;
mod change;
mod cmn;
mod loudness;
mod pool;
mod residual;
#[cfg(test)]
mod tests;

pub use affine::{Activation, AffineSpec, Precision, SplicedAffine, Workspace};
pub use change::{ChangeSpec, MAX_CHANGE_RATES, SpectralChange};
pub use cmn::CausalCmn;
pub use loudness::{LoudnessSpec, RunningLoudness};
pub use pool::AttentiveStats;
pub use residual::ResidualBlock;

use std::fmt;

/// Why layers cannot be made from the numbers given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerError {
    /// What does not fit.
    pub reason: String,
}

impl LayerError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for LayerError {}
