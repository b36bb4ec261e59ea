//! Behind the resampler: frames, decisions, embeddings.

use std::collections::VecDeque;

use super::other::{Kept, OtherFrames};
use super::spans::Spans;
use super::windows::Windows;
use crate::dtmf::DtmfDetector;
use crate::embed::{Embedder, MAX_BLOCK_FRAMES, ModelId, SpeechDetector};
use crate::fbank::{FRAME_LENGTH, FRAME_SHIFT, Fbank, NUM_MEL_BINS};
use crate::quality::{FrameClass, SnrMeter};
use crate::tone::{self, Span, ToneDetector};
use crate::vad::{self, FrameKind, Kinds, SpeechGate};

/// Frames that are worked on at once: 100 ms.
pub(super) const BLOCK_FRAMES: usize = 10;
/// Frames that follow a frame before it is judged: by then every tone that began in it is known, even if noise hides it from
/// the first fit.
const TONE_LOOKAHEAD_FRAMES: usize =
    (tone::WINDOW_SAMPLES + 2 * tone::HOP_SAMPLES - FRAME_LENGTH).div_ceil(FRAME_SHIFT);
/// Samples by which a tone or digit may begin earlier or end later than is found.
const TONE_MARGIN: u64 = tone::HOP_SAMPLES as u64;

/// A frame that waits for its decision.
#[derive(Clone, Copy)]
struct Waiting {
    log_mel: [f32; NUM_MEL_BINS],
    power: f32,
    kind: FrameKind,
    odds: f32,
}

pub(super) struct BackEnd {
    fbank: Fbank,
    dtmf: DtmfDetector,
    tone: ToneDetector,
    detector: Box<dyn SpeechDetector>,
    kinds: Kinds,
    gate: SpeechGate,
    embedder: Box<dyn Embedder>,
    windows: Option<Windows>,
    /// Where the networks want other frames than the detector's.
    other: Option<OtherFrames>,
    /// Net speech for a network that hears it later.
    kept: Option<Kept>,
    snr: SnrMeter,
    /// Samples that do not yet fill a step of 10 ms.
    slice: [f32; FRAME_SHIFT],
    slice_filled: usize,
    tones: Spans,
    digits: Spans,
    lost: Spans,
    /// Frames that are not yet through the detector.
    block: [f32; BLOCK_FRAMES * NUM_MEL_BINS],
    block_filled: usize,
    odds: Vec<f32>,
    /// Frames without a decision, oldest first: `judged` that have gone through the gate, then up to `scored` that have
    /// log-odds, then the rest.
    waiting: VecDeque<Waiting>,
    scored: usize,
    judged: usize,
    /// Number of the oldest waiting frame.
    first: u64,
    /// Decided frames on their way into the networks, which take so many at once.
    block_frames: usize,
    ready: Vec<f32>,
    ready_speech: Vec<bool>,
    net_speech_frames: u64,
}

/// Frames between a frame and its decision, at most, in a stream at 8 kHz.
pub(super) fn delay_frames(detector_lookahead: usize) -> usize {
    detector_lookahead.max(TONE_LOOKAHEAD_FRAMES) + vad::DELAY_FRAMES + BLOCK_FRAMES
}

fn widened(Span { start, end }: Span) -> Span {
    Span { start: start.saturating_sub(TONE_MARGIN), end: end + TONE_MARGIN }
}

impl BackEnd {
    pub(super) fn new(
        embedder: Box<dyn Embedder>,
        detector: Box<dyn SpeechDetector>,
        windows: Option<Windows>,
        other: Option<OtherFrames>,
    ) -> Self {
        let lookahead = detector.lookahead_frames();
        let block_frames = windows.iter().map(Windows::block_frames).fold(embedder.block_frames(), usize::min).max(1);
        Self {
            fbank: Fbank::new(),
            dtmf: DtmfDetector::new(),
            tone: ToneDetector::new(),
            kinds: Kinds::new(),
            gate: SpeechGate::new(),
            embedder,
            windows,
            other,
            kept: None,
            snr: SnrMeter::new(),
            slice: [0.0; FRAME_SHIFT],
            slice_filled: 0,
            tones: Spans::new(0),
            digits: Spans::new(0),
            // No whole frame fits between two losses that are nearer.
            lost: Spans::new(FRAME_LENGTH as u64),
            block: [0.0; BLOCK_FRAMES * NUM_MEL_BINS],
            block_filled: 0,
            odds: vec![0.0; MAX_BLOCK_FRAMES.max(lookahead)],
            waiting: VecDeque::with_capacity(delay_frames(lookahead) + BLOCK_FRAMES),
            scored: 0,
            judged: 0,
            first: 0,
            block_frames,
            ready: Vec::with_capacity(block_frames * NUM_MEL_BINS),
            ready_speech: Vec::with_capacity(block_frames),
            net_speech_frames: 0,
            detector,
        }
    }

    /// Takes samples at 8 kHz.
    pub(super) fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let n = (FRAME_SHIFT - self.slice_filled).min(samples.len());
            self.slice[self.slice_filled..self.slice_filled + n].copy_from_slice(&samples[..n]);
            self.slice_filled += n;
            samples = &samples[n..];
            if self.slice_filled == FRAME_SHIFT {
                self.step();
            }
        }
    }

    /// Takes the same samples at the stream's own rate, for networks that want other frames than the engine's own.
    pub(super) fn push_unresampled(&mut self, samples: &[f32]) {
        if let Some(kept) = &mut self.kept {
            kept.way().push(samples);
            kept.collect();
        }
        if let Some(other) = &mut self.other {
            other.push(samples);
            self.send();
        }
    }

    /// Whether [`BackEnd::push_unresampled`] is wanted.
    pub(super) fn has_other_frames(&self) -> bool {
        self.other.is_some() || self.kept.is_some()
    }

    /// Says that samples at 8 kHz, which are yet to come, stand for lost ones.
    pub(super) fn lost(&mut self, span: Span) {
        self.lost.add(span);
    }

    /// No sample follows.
    pub(super) fn finish(&mut self) {
        self.step();
        self.detect();
        let n = self.detector.finish(&mut self.odds);
        self.score(n);
        self.owe(0);
        self.judge(0);
        while let Some(speech) = self.gate.flush() {
            self.decide(speech);
        }
        if let Some(kept) = &mut self.kept {
            kept.way().finish();
            kept.collect();
        }
        if let Some(other) = &mut self.other {
            other.finish();
        }
        self.send();
        self.embedder.finish();
        if let Some(w) = &mut self.windows {
            w.finish();
        }
    }

    pub(super) fn reset(&mut self) {
        self.fbank.reset();
        self.dtmf.reset();
        self.tone.reset();
        self.detector.reset();
        self.kinds.reset();
        self.gate.reset();
        self.embedder.reset();
        if let Some(w) = &mut self.windows {
            w.reset();
        }
        if let Some(other) = &mut self.other {
            other.reset();
        }
        if let Some(kept) = &mut self.kept {
            kept.reset();
        }
        self.snr.reset();
        [&mut self.tones, &mut self.digits, &mut self.lost].into_iter().for_each(Spans::clear);
        (self.slice_filled, self.block_filled) = (0, 0);
        self.waiting.clear();
        (self.scored, self.judged, self.first) = (0, 0, 0);
        self.ready.clear();
        self.ready_speech.clear();
        self.net_speech_frames = 0;
    }

    /// Works on what is in `slice`. Tones and frames meet on this grid of 10 ms, whatever the caller's chunks.
    fn step(&mut self) {
        let slice = &self.slice[..self.slice_filled];
        self.slice_filled = 0;
        self.dtmf.push(slice);
        if let Some(span) = self.dtmf.span() {
            self.digits.add(widened(span));
        }
        self.tone.push(slice);
        if let Some(span) = self.tone.span() {
            self.tones.add(widened(span));
        }
        let (block, filled, waiting, kinds) =
            (&mut self.block, &mut self.block_filled, &mut self.waiting, &mut self.kinds);
        // A step is as long as the shift of a frame, so it finishes one frame at most.
        self.fbank.push(slice, &mut |log_mel, samples| {
            let (kind, power) = kinds.next(samples);
            let mut frame = Waiting { log_mel: [0.0; NUM_MEL_BINS], power, kind, odds: 0.0 };
            frame.log_mel.copy_from_slice(log_mel);
            waiting.push_back(frame);
            block[*filled * NUM_MEL_BINS..][..NUM_MEL_BINS].copy_from_slice(log_mel);
            *filled += 1;
        });
        if self.block_filled == BLOCK_FRAMES {
            self.detect();
            self.owe(self.detector.lookahead_frames());
            self.judge(TONE_LOOKAHEAD_FRAMES);
        }
    }

    fn detect(&mut self) {
        let n = self.detector.push(&self.block[..self.block_filled * NUM_MEL_BINS], &mut self.odds);
        self.block_filled = 0;
        self.score(n);
    }

    /// Takes the log-odds of the next `n` frames.
    fn score(&mut self, n: usize) {
        for (frame, &odds) in self.waiting.iter_mut().skip(self.scored).zip(&self.odds[..n.min(self.odds.len())]) {
            frame.odds = odds;
            self.scored += 1;
        }
    }

    /// Leaves at most `most` frames without log-odds: those of a detector that breaks its word are no speech.
    fn owe(&mut self, most: usize) {
        while self.waiting.len() - self.scored > most {
            self.waiting[self.scored].odds = f32::NEG_INFINITY;
            self.scored += 1;
        }
    }

    /// Sends frames with log-odds and at least `followed_by` frames after them through the gate.
    fn judge(&mut self, followed_by: usize) {
        while self.judged < self.scored && self.waiting.len() - self.judged > followed_by {
            let start = (self.first + self.judged as u64) * FRAME_SHIFT as u64;
            let end = start + FRAME_LENGTH as u64;
            let frame = &mut self.waiting[self.judged];
            if self.lost.touch(start, end) {
                frame.kind = FrameKind::Lost;
            } else if self.tones.touch(start, end) || self.digits.touch(start, end) {
                frame.kind = FrameKind::Tone;
            }
            let decision = self.gate.push(frame.odds, frame.kind);
            self.judged += 1;
            if let Some(speech) = decision {
                self.decide(speech);
            }
        }
    }

    /// Takes the oldest waiting frame off the queue.
    fn decide(&mut self, speech: bool) {
        let Some(frame) = self.waiting.pop_front() else { return };
        self.first += 1;
        self.scored = self.scored.saturating_sub(1);
        self.judged = self.judged.saturating_sub(1);
        self.net_speech_frames += u64::from(speech);
        let class = match frame.kind {
            _ if speech => FrameClass::Speech,
            FrameKind::Audio | FrameKind::Silent => FrameClass::Pause,
            FrameKind::Pinned | FrameKind::Tone | FrameKind::Lost => FrameClass::Other,
        };
        self.snr.push(frame.power, class);
        if let Some(kept) = &mut self.kept {
            kept.way().decided(speech);
        }
        if let Some(other) = &mut self.other {
            other.decided(speech);
            return;
        }
        if self.ready_speech.len() == self.block_frames {
            self.send();
        }
        self.ready.extend_from_slice(&frame.log_mel);
        self.ready_speech.push(speech);
    }

    /// Hands the decided frames to the networks, which take a full block faster than several small ones.
    pub(super) fn send(&mut self) {
        if let Some(other) = &mut self.other {
            while let Some((log_mel, speech)) = other.next_block() {
                self.embedder.push(log_mel, speech);
                if let Some(w) = &mut self.windows {
                    w.push(log_mel, speech);
                }
            }
            return;
        }
        if self.ready_speech.is_empty() {
            return;
        }
        self.embedder.push(&self.ready, &self.ready_speech);
        if let Some(w) = &mut self.windows {
            w.push(&self.ready, &self.ready_speech);
        }
        self.ready.clear();
        self.ready_speech.clear();
    }

    /// Keeps net speech from now on.
    pub(super) fn keep(&mut self, kept: Kept) {
        self.kept = Some(kept);
    }

    /// Frames of net speech that are kept, `(frames, mel bins)`.
    pub(super) fn kept(&self) -> &[f32] {
        self.kept.as_ref().map_or(&[], Kept::frames)
    }

    pub(super) fn net_speech_frames(&self) -> u64 {
        self.net_speech_frames
    }

    pub(super) fn snr_db(&self) -> Option<f32> {
        self.snr.snr_db()
    }

    pub(super) fn embedding(&self, out: &mut [f32]) -> bool {
        self.embedder.embedding(out)
    }

    pub(super) fn model_id(&self) -> ModelId {
        self.embedder.model_id()
    }

    pub(super) fn delay_frames(&self) -> usize {
        delay_frames(self.detector.lookahead_frames())
    }

    pub(super) fn windows(&self) -> &[f32] {
        self.windows.as_ref().map_or(&[], Windows::rows)
    }

    pub(super) fn dtmf(&self) -> &DtmfDetector {
        &self.dtmf
    }
}
