//! Frames for a network that was trained on another filter bank than the engine's own.

use std::collections::VecDeque;

use crate::audio::SampleRate;
use crate::embed::MAX_BLOCK_FRAMES;
use crate::error::ConfigError;
use crate::fbank::{Fbank, FbankConfig};
use crate::resample::Resampler;

/// Most samples that go both ways, the engine's and this one, before what came out of both is sent on: 100 ms at 8 kHz.
pub(super) const PIECE_SAMPLES: usize = 800;
/// Frames that may wait beyond the detector's delay: those of a piece, and what one of the two resamplers still holds back.
const ROOM_FRAMES: usize = 48;

/// Its own way from the stream's samples to frames. Frame `n` and decision `n` stand for the same 10 ms, and go to the network
/// together, whichever comes first.
pub(super) struct OtherFrames {
    resampler: Resampler,
    fbank: Fbank,
    bins: usize,
    frames: VecDeque<f32>,
    speech: VecDeque<bool>,
    block: Vec<f32>,
    block_speech: Vec<bool>,
}

impl OtherFrames {
    /// With room for `delay_frames` frames whose decision is yet to come, and for those of a piece.
    pub(super) fn new(rate: SampleRate, config: FbankConfig, delay_frames: usize) -> Result<Self, ConfigError> {
        let (bins, to_hz) = (config.num_mel_bins, config.samp_freq);
        let room = delay_frames + ROOM_FRAMES;
        Ok(Self {
            fbank: Fbank::with_config(config)?,
            resampler: Resampler::to(rate, to_hz)?,
            bins,
            frames: VecDeque::with_capacity(room * bins),
            speech: VecDeque::with_capacity(room),
            block: Vec::with_capacity(bins * MAX_BLOCK_FRAMES),
            block_speech: Vec::with_capacity(MAX_BLOCK_FRAMES),
        })
    }

    /// Takes samples at the stream's rate.
    pub(super) fn push(&mut self, samples: &[f32]) {
        let (fbank, frames) = (&mut self.fbank, &mut self.frames);
        self.resampler.push(samples, &mut |y| fbank.push(y, &mut |frame, _| frames.extend(frame)));
    }

    /// Takes the decision about the next frame.
    pub(super) fn decided(&mut self, speech: bool) {
        self.speech.push_back(speech);
    }

    /// No sample follows.
    pub(super) fn finish(&mut self) {
        let (fbank, frames) = (&mut self.fbank, &mut self.frames);
        self.resampler.finish(&mut |y| fbank.push(y, &mut |frame, _| frames.extend(frame)));
    }

    /// The next frames that are decided, at most [`MAX_BLOCK_FRAMES`], as [`crate::embed::Embedder::push`] takes them; `None`
    /// once there are no more.
    pub(super) fn next_block(&mut self) -> Option<(&[f32], &[bool])> {
        let n = self.speech.len().min(self.frames.len() / self.bins).min(MAX_BLOCK_FRAMES);
        self.block.clear();
        self.block.extend(self.frames.drain(..n * self.bins));
        self.block_speech.clear();
        self.block_speech.extend(self.speech.drain(..n));
        (n > 0).then_some((&self.block[..], &self.block_speech[..]))
    }

    pub(super) fn reset(&mut self) {
        self.resampler.reset();
        self.fbank.reset();
        self.frames.clear();
        self.speech.clear();
    }
}

/// Net speech that is kept for another network, which hears it later and at once: frames of its own filter bank, the first so many.
pub(super) struct Kept {
    other: OtherFrames,
    frames: Vec<f32>,
    most: usize,
}

impl Kept {
    /// Room for `most_frames` frames, taken at once.
    pub(super) fn new(
        rate: SampleRate,
        config: FbankConfig,
        delay_frames: usize,
        most_frames: usize,
    ) -> Result<Self, ConfigError> {
        let most = most_frames * config.num_mel_bins;
        Ok(Self { other: OtherFrames::new(rate, config, delay_frames)?, frames: Vec::with_capacity(most), most })
    }

    /// Its way from samples to frames.
    pub(super) fn way(&mut self) -> &mut OtherFrames {
        &mut self.other
    }

    /// Keeps what has been decided to be speech.
    pub(super) fn collect(&mut self) {
        let bins = self.other.bins;
        while let Some((log_mel, speech)) = self.other.next_block() {
            for (frame, _) in log_mel.chunks_exact(bins).zip(speech).filter(|(_, speech)| **speech) {
                if self.frames.len() < self.most {
                    self.frames.extend_from_slice(frame);
                }
            }
        }
    }

    /// `(frames, mel bins)`.
    pub(super) fn frames(&self) -> &[f32] {
        &self.frames
    }

    pub(super) fn reset(&mut self) {
        self.other.reset();
        self.frames.clear();
    }
}
