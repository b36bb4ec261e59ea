//! Behind the resampler: frames, decisions, embeddings.

use std::collections::VecDeque;

use crate::dtmf::{DtmfDetector, DtmfDigit};
use crate::embed::{Embedder, MAX_BLOCK_FRAMES, ModelId, SpeechDetector};
use crate::fbank::{Fbank, NUM_MEL_BINS};
use crate::tone::ToneDetector;
use crate::vad::{SMOOTH_FRAMES, SpeechGate};

/// Frames that are worked on at once: 100 ms.
const BLOCK: usize = 10;
/// Samples that are handed on at once, so that tone decisions stay near the frames they belong to.
const SLICE: usize = 80;
/// Frames that a tone is noticed after it began: its onset is vetoed that far back.
const TONE_REACH: usize = 6;

/// A frame that waits for its decision.
#[derive(Clone, Copy)]
struct Waiting {
    log_mel: [f32; NUM_MEL_BINS],
    power: f32,
    tone: bool,
}

pub(super) struct BackEnd {
    fbank: Fbank,
    dtmf: DtmfDetector,
    tone: ToneDetector,
    detector: Box<dyn SpeechDetector>,
    gate: SpeechGate,
    embedder: Box<dyn Embedder>,
    windows: Option<Windows>,
    /// Frames that are not yet through the detector.
    block: [f32; BLOCK * NUM_MEL_BINS],
    filled: usize,
    odds: Vec<f32>,
    /// Frames without log-odds, then those without a decision, oldest first.
    waiting: VecDeque<Waiting>,
    /// Of `waiting`, how many have gone through the gate already.
    judged: usize,
    /// Decided frames on their way into the networks.
    ready: Vec<f32>,
    ready_speech: Vec<bool>,
    net_speech_frames: u64,
    decided: VecDeque<(f32, bool)>,
}

impl BackEnd {
    pub(super) fn new(
        embedder: Box<dyn Embedder>,
        detector: Box<dyn SpeechDetector>,
        windows: Option<Windows>,
    ) -> Self {
        let lag = detector.lookahead_frames() + SMOOTH_FRAMES + BLOCK + TONE_REACH;
        Self {
            fbank: Fbank::new(),
            dtmf: DtmfDetector::new(),
            tone: ToneDetector::new(),
            gate: SpeechGate::new(),
            embedder,
            windows,
            block: [0.0; BLOCK * NUM_MEL_BINS],
            filled: 0,
            odds: vec![0.0; MAX_BLOCK_FRAMES.max(detector.lookahead_frames())],
            waiting: VecDeque::with_capacity(2 * lag + BLOCK),
            judged: 0,
            ready: Vec::with_capacity(MAX_BLOCK_FRAMES * NUM_MEL_BINS),
            ready_speech: Vec::with_capacity(MAX_BLOCK_FRAMES),
            net_speech_frames: 0,
            decided: VecDeque::with_capacity(2 * lag + 512),
            detector,
        }
    }

    /// Takes samples at 8 kHz.
    pub(super) fn push(&mut self, samples: &[f32]) {
        for slice in samples.chunks(SLICE) {
            self.dtmf.push(slice);
            self.tone.push(slice);
            let tone = self.dtmf.active() || self.tone.active();
            if tone {
                // A tone is only known some time after its onset; the frames since then have not been decided yet.
                let reach = self.waiting.len().saturating_sub(self.judged).min(TONE_REACH);
                self.waiting.iter_mut().rev().take(reach).for_each(|w| w.tone = true);
            }
            let (block, filled, waiting) = (&mut self.block, &mut self.filled, &mut self.waiting);
            let mut full = false;
            self.fbank.push(slice, &mut |log_mel, power| {
                waiting.push_back(Waiting { log_mel: *log_mel, power, tone });
                block[*filled * NUM_MEL_BINS..][..NUM_MEL_BINS].copy_from_slice(log_mel);
                *filled += 1;
                full = *filled == BLOCK;
            });
            if full {
                self.detect();
            }
        }
    }

    /// No sample follows.
    pub(super) fn finish(&mut self) {
        self.detect();
        let n = self.detector.finish(&mut self.odds);
        self.judge(n);
        for _ in 0..SMOOTH_FRAMES {
            if let Some(speech) = self.gate.flush() {
                self.decide(speech);
            }
        }
        self.send();
        self.embedder.finish();
        if let Some(w) = &mut self.windows {
            w.close_last();
        }
    }

    pub(super) fn reset(&mut self) {
        self.fbank.reset();
        self.dtmf.reset();
        self.tone.reset();
        self.detector.reset();
        self.gate.reset();
        self.embedder.reset();
        if let Some(w) = &mut self.windows {
            w.reset();
        }
        self.filled = 0;
        self.waiting.clear();
        self.judged = 0;
        self.ready.clear();
        self.ready_speech.clear();
        self.net_speech_frames = 0;
        self.decided.clear();
    }

    fn detect(&mut self) {
        let n = self.detector.push(&self.block[..self.filled * NUM_MEL_BINS], &mut self.odds);
        self.filled = 0;
        self.judge(n);
    }

    /// Takes the log-odds of the next `n` frames.
    fn judge(&mut self, n: usize) {
        for i in 0..n {
            let Some(&Waiting { power, tone, .. }) = self.waiting.get(self.judged) else { return };
            let odds = self.odds.get(i).copied().unwrap_or(f32::NEG_INFINITY);
            self.judged += 1;
            if let Some(speech) = self.gate.push(odds, power, tone) {
                self.decide(speech);
            }
        }
        self.send();
    }

    /// Hands the frames that are ready to the networks.
    fn send(&mut self) {
        self.embedder.push(&self.ready, &self.ready_speech);
        if let Some(w) = &mut self.windows {
            for (frame, &speech) in self.ready.chunks_exact(NUM_MEL_BINS).zip(&self.ready_speech) {
                w.push(frame, speech);
            }
        }
        self.ready.clear();
        self.ready_speech.clear();
    }

    /// Takes the oldest waiting frame off the queue.
    fn decide(&mut self, speech: bool) {
        let Some(frame) = self.waiting.pop_front() else { return };
        self.judged = self.judged.saturating_sub(1);
        self.net_speech_frames += u64::from(speech);
        if self.ready_speech.len() == MAX_BLOCK_FRAMES {
            self.send();
        }
        self.ready.extend_from_slice(&frame.log_mel);
        self.ready_speech.push(speech);
        if self.decided.len() == self.decided.capacity() {
            self.decided.pop_front();
        }
        self.decided.push_back((frame.power, speech));
    }

    /// Hands the frames decided since the last call to `sink`: mean square and decision.
    pub(super) fn take_decided(&mut self, sink: &mut impl FnMut(f32, bool)) {
        while let Some((power, speech)) = self.decided.pop_front() {
            sink(power, speech);
        }
    }

    pub(super) fn net_speech_frames(&self) -> u64 {
        self.net_speech_frames
    }

    pub(super) fn embedding(&self, out: &mut [f32]) -> bool {
        self.embedder.embedding(out)
    }

    pub(super) fn model_id(&self) -> ModelId {
        self.embedder.model_id()
    }

    pub(super) fn windows(&self) -> &[f32] {
        self.windows.as_ref().map_or(&[], Windows::rows)
    }

    pub(super) fn dtmf(&self) -> &[DtmfDigit] {
        self.dtmf.digits()
    }
}

/// Embeddings of consecutive stretches of net speech.
pub(super) struct Windows {
    embedder: Box<dyn Embedder>,
    length: u32,
    speech: u32,
    rows: Vec<f32>,
    used: usize,
    most: usize,
    /// One window in this many is kept.
    every: u64,
    seen: u64,
}

impl Windows {
    pub(super) fn new(embedder: Box<dyn Embedder>, length: u32, most: usize) -> Self {
        let rows = vec![0.0; most * embedder.dim()];
        Self { embedder, length, speech: 0, rows, used: 0, most, every: 1, seen: 0 }
    }

    fn push(&mut self, log_mel: &[f32], speech: bool) {
        self.embedder.push(log_mel, &[speech]);
        self.speech += u32::from(speech);
        if self.speech == self.length {
            self.close();
        }
    }

    /// The stream has ended: an open window counts if it is two thirds full.
    fn close_last(&mut self) {
        if 3 * u64::from(self.speech) >= 2 * u64::from(self.length) {
            self.close();
        }
    }

    fn close(&mut self) {
        let dim = self.embedder.dim();
        self.embedder.finish();
        if self.seen.is_multiple_of(self.every) {
            if self.used == self.most {
                for kept in 1..self.most.div_ceil(2) {
                    self.rows.copy_within(2 * kept * dim..(2 * kept + 1) * dim, kept * dim);
                }
                self.used = self.most.div_ceil(2);
                self.every *= 2;
            }
            if self.seen.is_multiple_of(self.every)
                && self.embedder.embedding(&mut self.rows[self.used * dim..(self.used + 1) * dim])
            {
                self.used += 1;
            }
        }
        self.seen += 1;
        self.speech = 0;
        self.embedder.reset();
    }

    fn rows(&self) -> &[f32] {
        &self.rows[..self.used * self.embedder.dim()]
    }

    fn reset(&mut self) {
        self.embedder.reset();
        self.speech = 0;
        self.used = 0;
        self.every = 1;
        self.seen = 0;
    }
}
