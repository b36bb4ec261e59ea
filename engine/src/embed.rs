//! What the pipeline asks of a network. `models` implements these traits; the engine never knows an architecture.

use std::fmt;

pub use crate::audio::MODEL_RATE_HZ;
use crate::audio::SampleRate;
pub use crate::fbank::FRAMES_PER_SECOND;
use crate::fbank::FbankConfig;

/// Largest number of frames that the pipeline hands to a network in one call, unless it says that it takes more
/// ([`Embedder::block_frames`]). Every layer has room for so many, so it is most of what a session takes in memory.
pub const MAX_BLOCK_FRAMES: usize = 16;

/// Names a network: the first 16 bytes of the SHA-256 over its tensors, architecture and front-end settings.
///
/// Embeddings of different model ids are never compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelId(pub [u8; 16]);

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelId({self})")
    }
}

/// A streaming speaker network: log-mel frames in, one embedding out at any time.
///
/// All memory is allocated at construction; no method but a constructor allocates. Splitting the same frames into
/// different blocks gives the same bits.
pub trait Embedder: Send {
    /// The network's name.
    fn model_id(&self) -> ModelId;
    /// Length of an embedding.
    fn dim(&self) -> usize;
    /// Number of mel bins that a frame must have.
    fn num_mel_bins(&self) -> usize;
    /// Tells, before the first frame and once for all streams that follow, the rate of the audio. A network that hears more in
    /// wide-band audio than in a telephone's asks for other frames from then on ([`Embedder::fbank`], [`Embedder::num_mel_bins`]).
    fn hear(&mut self, rate: SampleRate) {
        let _ = rate;
    }
    /// The filter bank that its frames come from; `None` for the engine's own.
    fn fbank(&self) -> Option<FbankConfig> {
        None
    }
    /// Most frames that it takes at once.
    fn block_frames(&self) -> usize {
        MAX_BLOCK_FRAMES
    }
    /// Takes `speech.len()` frames (at most [`Embedder::block_frames`]), row-major `(frames, num_mel_bins)`, log-mel
    /// energies without normalisation, and for each frame whether it is speech. Frames that are not speech give
    /// context but never enter the pooling.
    fn push(&mut self, log_mel: &[f32], speech: &[bool]);
    /// Tells that no frame follows: frames still held back for look-ahead are finished. After it only
    /// [`Embedder::embedding`] and [`Embedder::reset`] may be called.
    fn finish(&mut self);
    /// Writes the unit-norm embedding of the speech so far into `out` (length [`Embedder::dim`]); `false`, with `out`
    /// untouched, while no speech frame has been pooled.
    fn embedding(&self, out: &mut [f32]) -> bool;
    /// Back to the state after construction.
    fn reset(&mut self);
}

/// A streaming frame-level speech detector.
pub trait SpeechDetector: Send {
    /// Number of mel bins that a frame must have.
    fn num_mel_bins(&self) -> usize;
    /// Frames that a decision lags behind its input.
    fn lookahead_frames(&self) -> usize;
    /// Takes frames (at most [`MAX_BLOCK_FRAMES`]) and writes the log-odds of speech of the oldest frames not yet
    /// judged into `out` (length at least [`MAX_BLOCK_FRAMES`]); returns how many were judged.
    fn push(&mut self, log_mel: &[f32], out: &mut [f32]) -> usize;
    /// Judges the frames still held back, at most [`SpeechDetector::lookahead_frames`] of them, as [`SpeechDetector::push`] does.
    fn finish(&mut self, out: &mut [f32]) -> usize;
    /// Back to the state after construction.
    fn reset(&mut self);
}
