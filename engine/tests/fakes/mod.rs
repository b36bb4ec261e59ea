//! Test doubles: networks whose output depends on every bit and on the order of what they are given, and a call to give them.
#![allow(dead_code, unreachable_pub, clippy::new_without_default, reason = "shared by test files that each use a part")]

pub mod calls;

use std::collections::VecDeque;
use std::f32::consts::TAU;

use engine::audio::SampleRate;
use engine::embed::{Embedder, ModelId, SpeechDetector};
use engine::fbank::{FbankConfig, NUM_MEL_BINS};
use engine::session::{Session, SessionConfig};

pub const DIM: usize = 8;
const LOOKAHEAD: usize = 3;

/// Hashes the bits of every speech frame together with those of the three frames after it.
pub struct HashEmbedder {
    waiting: VecDeque<(u64, bool)>,
    state: u64,
    frames: u64,
    /// What it asks for once it hears wide-band audio.
    ears: Option<FbankConfig>,
    is_wide: bool,
}

impl HashEmbedder {
    pub fn new() -> Self {
        Self { waiting: VecDeque::with_capacity(LOOKAHEAD + 1), state: 0, frames: 0, ears: None, is_wide: false }
    }

    /// One that hears 64 bins of audio at 16 kHz and more.
    pub fn with_wide_ears() -> Self {
        let ears =
            FbankConfig { samp_freq: 16_000, fft: 512, num_mel_bins: 64, high_freq: 7_200.0, ..FbankConfig::own() };
        Self { ears: Some(ears), ..Self::new() }
    }

    fn pool(&mut self) {
        let Some((_, speech)) = self.waiting.front().copied() else { return };
        if speech {
            self.state =
                self.waiting.iter().fold(self.state, |h, w| (h ^ w.0).wrapping_mul(0x100_0000_01b3).rotate_left(7));
            self.frames += 1;
        }
        self.waiting.pop_front();
    }
}

impl Embedder for HashEmbedder {
    fn model_id(&self) -> ModelId {
        ModelId([7; 16])
    }
    fn dim(&self) -> usize {
        DIM
    }
    fn num_mel_bins(&self) -> usize {
        self.fbank().map_or(NUM_MEL_BINS, |f| f.num_mel_bins)
    }
    fn hear(&mut self, rate: SampleRate) {
        self.is_wide = rate.hz() >= 16_000;
    }
    fn fbank(&self) -> Option<FbankConfig> {
        self.ears.clone().filter(|_| self.is_wide)
    }
    fn push(&mut self, log_mel: &[f32], speech: &[bool]) {
        let bins = self.num_mel_bins();
        assert!(speech.len() <= engine::embed::MAX_BLOCK_FRAMES && log_mel.len() == speech.len() * bins);
        for (frame, &s) in log_mel.chunks_exact(bins).zip(speech) {
            assert!(frame.iter().all(|v| v.is_finite()), "{frame:?}");
            let hash = frame.iter().fold(1, |h: u64, v| (h ^ u64::from(v.to_bits())).wrapping_mul(0x100_0000_01b3));
            self.waiting.push_back((hash, s));
            if self.waiting.len() > LOOKAHEAD {
                self.pool();
            }
        }
    }
    fn finish(&mut self) {
        while !self.waiting.is_empty() {
            self.pool();
        }
    }
    fn embedding(&self, out: &mut [f32]) -> bool {
        if self.frames == 0 {
            return false;
        }
        // Eight bits a value: exact in f32, so that equal embeddings are equal states.
        out.iter_mut().enumerate().for_each(|(i, o)| *o = ((self.state >> (8 * i)) & 255) as f32);
        true
    }
    fn reset(&mut self) {
        self.waiting.clear();
        (self.state, self.frames) = (0, 0);
    }
}

/// Takes loud frames for speech, five frames late.
pub struct LoudDetector {
    waiting: VecDeque<f32>,
    threshold: f32,
}

impl LoudDetector {
    pub fn new() -> Self {
        Self { waiting: VecDeque::with_capacity(8), threshold: 8.0 }
    }

    /// Takes everything for speech.
    pub fn gullible() -> Self {
        Self { threshold: -1e3, ..Self::new() }
    }
}

impl SpeechDetector for LoudDetector {
    fn num_mel_bins(&self) -> usize {
        NUM_MEL_BINS
    }
    fn lookahead_frames(&self) -> usize {
        5
    }
    fn push(&mut self, log_mel: &[f32], out: &mut [f32]) -> usize {
        let mut n = 0;
        for frame in log_mel.chunks_exact(NUM_MEL_BINS) {
            self.waiting.push_back(frame.iter().sum::<f32>() / NUM_MEL_BINS as f32 - self.threshold);
            if self.waiting.len() > 5 {
                out[n] = self.waiting.pop_front().unwrap_or(0.0);
                n += 1;
            }
        }
        n
    }
    fn finish(&mut self, out: &mut [f32]) -> usize {
        let n = self.waiting.len();
        out.iter_mut().zip(self.waiting.drain(..)).for_each(|(o, v)| *o = v);
        n
    }
    fn reset(&mut self) {
        self.waiting.clear();
    }
}

pub fn session(rate_hz: u32, detector: LoudDetector, windows: bool) -> Session {
    session_of(HashEmbedder::new, rate_hz, detector, windows)
}

/// As [`session`], with networks that hear what lies above the telephone's band.
pub fn wide_session(rate_hz: u32, detector: LoudDetector, windows: bool) -> Session {
    session_of(HashEmbedder::with_wide_ears, rate_hz, detector, windows)
}

fn session_of(embedder: fn() -> HashEmbedder, rate_hz: u32, detector: LoudDetector, windows: bool) -> Session {
    let config = SessionConfig::new(SampleRate::new(rate_hz).unwrap()).window_speech_frames(40).max_windows(6);
    let detector = Box::new(detector);
    let (embedder, window_embedder) = (Box::new(embedder()), Box::new(embedder()));
    if windows {
        Session::with_windows(config, embedder, detector, window_embedder).unwrap()
    } else {
        Session::new(config, embedder, detector).unwrap()
    }
}

/// A voiced sound whose pitch wanders, in words of about a second, with digits and a dial tone in two of the pauses; 16-bit.
pub fn call(rate_hz: u32, seconds: f32) -> Vec<f32> {
    let n = (rate_hz as f32 * seconds) as usize;
    let mut phase = 0.0f32;
    let mut hiss = testdata::Random::new(u64::from(rate_hz));
    let sample = |i: usize| {
        let t = i as f32 / rate_hz as f32;
        phase = (phase + (130.0 + 25.0 * (TAU * 0.7 * t).sin() + 6.0 * (TAU * 5.3 * t).sin()) / rate_hz as f32).fract();
        let tone = |hz: f32| 0.1 * (TAU * (hz * t).fract()).sin();
        let clean = match t % 4.0 {
            1.2..1.3 => tone(770.0) + tone(1336.0),
            1.4..1.5 => tone(941.0) + tone(1477.0),
            2.7..3.2 => tone(350.0) + tone(440.0),
            0.0..1.0 | 1.7..2.5 | 3.3..3.9 => {
                let voice = (1..20).map(|h| (TAU * (phase * h as f32).fract()).sin() / (h as f32)).sum::<f32>();
                0.08 * voice * (0.6 + 0.4 * (TAU * 4.0 * t).sin())
            }
            _ => 0.0,
        };
        engine::audio::i16_to_f32(engine::audio::f32_to_i16(clean + 2e-4 * hiss.normal()))
    };
    (0..n).map(sample).collect()
}

/// All that a session has to say, to the bit.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    embedding: Option<Vec<u32>>,
    windows: Vec<u32>,
    rest: String,
    pub net_speech_frames: u64,
    pub digits: String,
}

pub fn outcome(session: &Session) -> Outcome {
    let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect();
    let mut e = vec![f32::NAN; DIM];
    let embedding = session.embedding(&mut e).then(|| bits(&e));
    assert!(embedding.is_some() || e.iter().all(|v| v.is_nan()), "no embedding, but written to");
    Outcome {
        embedding,
        windows: bits(session.windows()),
        // Every figure of these prints differently if a bit of it differs.
        rest: format!("{:?} {:?} {:?}", session.progress(), session.quality(), session.dtmf()),
        net_speech_frames: session.progress().net_speech_frames,
        digits: session.dtmf().iter().map(|d| d.digit).collect(),
    }
}
