//! What every architecture gives: a maker of networks, and what is told of them.

use engine::embed::{Embedder, SpeechDetector};

use crate::format::{ModelError, ModelErrorKind};

/// Makes speaker networks without a past, all with the same weights, that take so many frames at once.
type MakeSpeaker = Box<dyn Fn(usize) -> Box<dyn Embedder> + Send + Sync>;
/// Makes detectors without a past, all with the same weights.
type MakeDetector = Box<dyn Fn() -> Box<dyn SpeechDetector> + Send + Sync>;

pub(crate) struct Speaker {
    pub(crate) make: MakeSpeaker,
    /// Multiply-accumulates per second of audio, where known.
    pub(crate) macs_per_second: Option<u64>,
    pub(crate) parameters: usize,
    /// Whether it was trained elsewhere.
    pub(crate) imported: bool,
}

pub(crate) struct Detector {
    pub(crate) make: MakeDetector,
}

/// Reads a network's sizes.
pub(crate) fn sizes<'a, T: serde::Deserialize<'a>>(role: &str, config: &'a serde_json::Value) -> Result<T, ModelError> {
    T::deserialize(config)
        .map_err(|e| ModelError::new(ModelErrorKind::Header, format!("sizes of the {role} network: {e}")))
}
