//! Networks that hear a stretch of net speech at once, behind the engine's streaming interface.
//!
//! Frames of net speech are collected to chunks; each chunk goes through the network by itself, and the embedding of a stream is the
//! mean of its chunks' unit-norm embeddings, weighted by their length. So cost and memory per second of audio are constant, however
//! long the call. Speech at the end of a stream that is shorter than what the network takes does not count, and a stream of nothing
//! else has no embedding.

use std::sync::Arc;

use engine::embed::{Embedder, MAX_BLOCK_FRAMES, ModelId};
use engine::fbank::FbankConfig;

/// How often the open chunk goes through the network while a call goes on, in frames: first, and beyond [`LONG_FRAMES`].
const STEP_FRAMES: usize = 100;
const LONG_STEP_FRAMES: usize = 500;
const LONG_FRAMES: usize = 1000;

/// A network that takes a stretch of frames at once.
pub(crate) trait Whole: Send + Sync {
    /// The filter bank that its frames come from.
    fn fbank(&self) -> FbankConfig;
    /// Length of an embedding.
    fn dim(&self) -> usize;
    /// Least number of frames that it takes, at least 1.
    fn least_frames(&self) -> usize;
    /// Most frames that it takes at once.
    fn chunk_frames(&self) -> usize;
    /// The unit-norm embedding of frames, row-major `(frames, mel bins)`, log-mel energies as the filter bank gives them.
    ///
    /// # Errors
    /// The network fails on them, in words.
    fn run(&self, frames: &[f32]) -> Result<Vec<f32>, String>;
}

/// When the open chunk goes through the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    /// At every whole second (beyond ten, every fifth), so that a call has an embedding while it goes on, and at its end.
    Steps,
    /// At the end only. The same bits come out there.
    End,
}

impl Pace {
    /// Of an embedder that is made for blocks of so many frames: those for whole files take more at once.
    pub(crate) fn of_block(frames: usize) -> Self {
        if frames > MAX_BLOCK_FRAMES { Self::End } else { Self::Steps }
    }
}

/// A stream's chunks.
pub(crate) struct Chunked {
    id: ModelId,
    network: Arc<dyn Whole>,
    pace: Pace,
    bins: usize,
    /// Frames of the open chunk.
    frames: Vec<f32>,
    /// Embeddings of the closed chunks, each times its frames.
    sum: Vec<f64>,
    closed: bool,
    /// Embedding of the open chunk as of the last time that it went through the network, and its frames then.
    open: Option<(Vec<f32>, usize)>,
}

/// Adds an embedding times its frames.
fn add(sum: &mut [f64], (embedding, frames): &(Vec<f32>, usize)) {
    sum.iter_mut().zip(embedding).for_each(|(s, &v)| *s += *frames as f64 * f64::from(v));
}

impl Chunked {
    pub(crate) fn new(id: ModelId, network: Arc<dyn Whole>, pace: Pace) -> Self {
        let (bins, dim) = (network.fbank().num_mel_bins, network.dim());
        // The memory of a call is known from its start.
        let room = if pace == Pace::Steps { network.chunk_frames() * bins } else { 0 };
        let (frames, sum) = (Vec::with_capacity(room), vec![0.0; dim]);
        Self { id, network, pace, bins, frames, sum, closed: false, open: None }
    }

    fn run_open(&mut self) {
        // The network was tried out when it was imported. What it refuses now is not counted.
        let embedding = self.network.run(&self.frames).ok().filter(|e| e.len() == self.sum.len());
        self.open = embedding.map(|e| (e, self.frames.len() / self.bins));
    }
}

impl Embedder for Chunked {
    fn model_id(&self) -> ModelId {
        self.id
    }

    fn dim(&self) -> usize {
        self.sum.len()
    }

    fn num_mel_bins(&self) -> usize {
        self.bins
    }

    fn fbank(&self) -> Option<FbankConfig> {
        Some(self.network.fbank())
    }

    fn push(&mut self, log_mel: &[f32], speech: &[bool]) {
        let (chunk, least) = (self.network.chunk_frames(), self.network.least_frames());
        for (frame, _) in log_mel.chunks_exact(self.bins).zip(speech).filter(|(_, speech)| **speech) {
            self.frames.extend_from_slice(frame);
            let count = self.frames.len() / self.bins;
            let step = if count > LONG_FRAMES { LONG_STEP_FRAMES } else { STEP_FRAMES };
            let due = count == least || (count.is_multiple_of(step) && count > least);
            if count == chunk || (due && self.pace == Pace::Steps) {
                self.run_open();
            }
            if count == chunk {
                if let Some(open) = self.open.take() {
                    add(&mut self.sum, &open);
                    self.closed = true;
                }
                self.frames.clear();
            }
        }
    }

    fn finish(&mut self) {
        if self.frames.len() / self.bins >= self.network.least_frames() {
            self.run_open();
        }
    }

    fn embedding(&self, out: &mut [f32]) -> bool {
        let mut mean = self.sum.clone();
        if let Some(open) = &self.open {
            add(&mut mean, open);
        }
        let norm = mean.iter().map(|m| m * m).sum::<f64>().sqrt();
        let any = (self.closed || self.open.is_some()) && norm > 0.0;
        if any {
            out.iter_mut().zip(&mean).for_each(|(o, m)| *o = (m / norm) as f32);
        }
        any
    }

    fn reset(&mut self) {
        self.frames.clear();
        self.sum.fill(0.0);
        self.closed = false;
        self.open = None;
    }
}
