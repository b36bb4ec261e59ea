//! One mono stream through the whole pipeline.
//!
//! samples -> quality -> resample to 8 kHz -> telephone tones and filter bank -> speech detection -> network -> embedding
//!
//! A network that was trained on another filter bank gets its frames by a way of its own, from the stream's samples; what is
//! speech is decided as ever.
//!
//! Frames are worked on ten at a time (100 ms), counted from the start of the stream: that grid, and not the caller's
//! chunking, decides what is computed when, so every chunking gives the same bits.

mod back;
mod other;
mod spans;
mod windows;

pub use crate::audio::MAX_PACKET_SAMPLES;
use crate::audio::SampleRate;
use crate::codec::Codec;
use crate::dtmf::DtmfDigit;
use crate::embed::{Embedder, FRAMES_PER_SECOND, MODEL_RATE_HZ, ModelId, SpeechDetector};
use crate::error::{ConfigError, InputError};
use crate::fbank::{FbankConfig, NUM_MEL_BINS};
use crate::pieces::{self, PIECE_SAMPLES};
use crate::quality::{Quality, QualityMeter};
use crate::resample::Resampler;
use crate::tone::Span;
use back::BackEnd;
use other::{Kept, OtherFrames};
use windows::Windows;

/// How a [`Session`] runs.
#[derive(Clone, Copy, Debug)]
pub struct SessionConfig {
    rate: SampleRate,
    window_speech_frames: u32,
    max_windows: usize,
}

impl SessionConfig {
    /// For audio at `rate`; windows of 1.5 s of net speech, at most 256 of them.
    pub fn new(rate: SampleRate) -> Self {
        Self { rate, window_speech_frames: 150, max_windows: 256 }
    }

    /// Net speech of a window, in frames of 10 ms. Only sessions made by [`Session::with_windows`] have windows.
    #[must_use]
    pub fn window_speech_frames(self, window_speech_frames: u32) -> Self {
        Self { window_speech_frames, ..self }
    }

    /// Windows kept: once there are more, every second one is dropped and later windows are twice as far apart.
    #[must_use]
    pub fn max_windows(self, max_windows: usize) -> Self {
        Self { max_windows, ..self }
    }
}

/// How far a stream has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Samples taken, at the stream's own rate, lost ones included.
    pub samples: u64,
    /// Frames of net speech found so far, 10 ms each.
    pub net_speech_frames: u64,
}

impl Progress {
    /// Net speech, in seconds.
    pub fn net_speech_s(self) -> f64 {
        self.net_speech_frames as f64 / f64::from(FRAMES_PER_SECOND)
    }
}

/// The pipeline for one mono stream.
///
/// `Send`, for one thread at a time; different sessions run in parallel. After construction nothing allocates, locks, blocks
/// or panics.
pub struct Session {
    rate: SampleRate,
    quality: QualityMeter,
    resampler: Resampler,
    back: BackEnd,
    samples: u64,
    finished: bool,
}

impl Session {
    /// Allocates everything.
    ///
    /// # Errors
    /// The networks want another number of mel bins than the filter bank gives, or a setting is too small.
    pub fn new(
        config: SessionConfig,
        embedder: Box<dyn Embedder>,
        detector: Box<dyn SpeechDetector>,
    ) -> Result<Self, ConfigError> {
        Self::build(config, embedder, detector, None)
    }

    /// As [`Session::new`], and keeps the embedding of each window of net speech, by a second network: what enrolment needs to
    /// tell whether one person speaks throughout. Costs as much again.
    ///
    /// # Errors
    /// As [`Session::new`], or the two networks differ.
    pub fn with_windows(
        config: SessionConfig,
        embedder: Box<dyn Embedder>,
        detector: Box<dyn SpeechDetector>,
        window_embedder: Box<dyn Embedder>,
    ) -> Result<Self, ConfigError> {
        Self::build(config, embedder, detector, Some(window_embedder))
    }

    /// Also keeps the first `most_frames` frames of net speech, of a filter bank of their own, for a network that hears them later and
    /// at once, elsewhere: [`Session::kept`]. To be asked for before anything is pushed.
    ///
    /// *Allocation*: `most_frames` frames here; pushing allocates nothing.
    ///
    /// # Errors
    /// The filter bank cannot be.
    pub fn keeping(mut self, fbank: FbankConfig, most_frames: usize) -> Result<Self, ConfigError> {
        self.back.keep(Kept::new(self.rate, fbank, self.back.delay_frames(), most_frames)?);
        Ok(self)
    }

    fn build(
        config: SessionConfig,
        mut embedder: Box<dyn Embedder>,
        detector: Box<dyn SpeechDetector>,
        mut windows: Option<Box<dyn Embedder>>,
    ) -> Result<Self, ConfigError> {
        embedder.hear(config.rate);
        if let Some(w) = &mut windows {
            w.hear(config.rate);
        }
        let fbank = embedder.fbank();
        let expected = fbank.as_ref().map_or(NUM_MEL_BINS, |f| f.num_mel_bins);
        let windowed = windows.as_ref().map(|w| (expected, w.num_mel_bins()));
        let bins = [Some((expected, embedder.num_mel_bins())), Some((NUM_MEL_BINS, detector.num_mel_bins())), windowed];
        if let Some((expected, actual)) = bins.into_iter().flatten().find(|(expected, actual)| expected != actual) {
            return Err(ConfigError::MelBins { expected, actual });
        }
        let settings =
            [("window_speech_frames", 1, config.window_speech_frames as usize), ("max_windows", 2, config.max_windows)];
        if let Some(&(name, least, actual)) = settings.iter().find(|(_, least, actual)| actual < least) {
            return Err(ConfigError::TooSmall { name, least, actual });
        }
        if windows.as_ref().is_some_and(|w| w.model_id() != embedder.model_id() || w.dim() != embedder.dim()) {
            return Err(ConfigError::WindowModel);
        }
        let delay = back::delay_frames(detector.lookahead_frames());
        let other = fbank.map(|f| OtherFrames::new(config.rate, f, delay)).transpose()?;
        let windows = windows.map(|w| Windows::new(w, config.window_speech_frames, config.max_windows));
        Ok(Self {
            rate: config.rate,
            quality: QualityMeter::new(config.rate),
            resampler: Resampler::new(config.rate)?,
            back: BackEnd::new(embedder, detector, windows, other),
            samples: 0,
            finished: false,
        })
    }

    /// Takes samples on the scale of +-1.0, any number of them.
    ///
    /// # Errors
    /// A sample is not finite or beyond [`crate::audio::MAX_SAMPLE`], or the stream has ended; nothing is taken then.
    pub fn push(&mut self, samples: &[f32]) -> Result<Progress, InputError> {
        if self.finished {
            return Err(InputError::Finished);
        }
        pieces::check(samples)?;
        self.take(samples);
        Ok(self.taken())
    }

    /// Takes 16-bit samples.
    ///
    /// # Errors
    /// The stream has ended.
    pub fn push_i16(&mut self, samples: &[i16]) -> Result<Progress, InputError> {
        if self.finished {
            return Err(InputError::Finished);
        }
        pieces::from_i16(samples, |piece| {
            self.take(piece);
            Ok(())
        })?;
        Ok(self.taken())
    }

    /// Takes the payload of one packet, at most [`MAX_PACKET_SAMPLES`] samples.
    ///
    /// # Errors
    /// The payload cannot be, or is too long, or the stream has ended; nothing is taken then.
    pub fn push_packet(&mut self, codec: Codec, payload: &[u8]) -> Result<Progress, InputError> {
        if self.finished {
            return Err(InputError::Finished);
        }
        pieces::from_packet(codec, payload, |piece| {
            self.take(piece);
            Ok(())
        })?;
        Ok(self.taken())
    }

    /// Tells that `samples` samples were lost. Silence stands for them, which is no speech, so the clock goes on and nothing
    /// is made up.
    ///
    /// # Errors
    /// The stream has ended.
    pub fn push_lost(&mut self, samples: usize) -> Result<Progress, InputError> {
        if self.finished {
            return Err(InputError::Finished);
        }
        self.quality.lost(samples as u64);
        let (from, to) = (u128::from(MODEL_RATE_HZ), u128::from(self.rate.hz()));
        let start = (u128::from(self.samples) * from / to) as u64;
        self.samples += samples as u64;
        let end = (u128::from(self.samples) * from).div_ceil(to) as u64;
        if samples > 0 {
            self.back.lost(Span { start, end });
        }
        let zeros = [0.0; PIECE_SAMPLES];
        let mut left = samples;
        while left > 0 {
            let n = left.min(zeros.len());
            let back = &mut self.back;
            self.resampler.push(&zeros[..n], &mut |y| back.push(y));
            back.push_unresampled(&zeros[..n]);
            left -= n;
        }
        Ok(self.taken())
    }

    /// Ends the stream: what waited for look-ahead is finished, and the embedding is final. A second call changes nothing.
    pub fn finish(&mut self) -> Progress {
        if !self.finished {
            self.finished = true;
            let back = &mut self.back;
            self.resampler.finish(&mut |y| back.push(y));
            self.back.finish();
        }
        self.progress()
    }

    /// Back to the state after construction, ready for another stream.
    pub fn reset(&mut self) {
        self.quality.reset();
        self.resampler.reset();
        self.back.reset();
        self.samples = 0;
        self.finished = false;
    }

    /// How far the stream has come.
    pub fn progress(&self) -> Progress {
        Progress { samples: self.samples, net_speech_frames: self.back.net_speech_frames() }
    }

    /// Writes the unit-norm embedding of the speech so far; `false`, with `out` untouched, without any.
    ///
    /// *Shape* of `out`: the network's dimension.
    pub fn embedding(&self, out: &mut [f32]) -> bool {
        self.back.embedding(out)
    }

    /// All of a call's samples are in: what has been decided goes to the networks.
    fn taken(&mut self) -> Progress {
        self.back.send();
        self.progress()
    }

    /// The stream's rate.
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// The network that the embedding comes from.
    pub fn model_id(&self) -> ModelId {
        self.back.model_id()
    }

    /// Embeddings of the windows so far, `(n, dim)`; empty without [`Session::with_windows`]. A window that is still open
    /// counts from two thirds of its length, once the stream has ended.
    pub fn windows(&self) -> &[f32] {
        self.back.windows()
    }

    /// Frames of net speech that are kept, `(frames, mel bins)`, log-mel energies; empty without [`Session::keeping`].
    pub fn kept(&self) -> &[f32] {
        self.back.kept()
    }

    /// Levels, noise, clipping, bandwidth.
    pub fn quality(&self) -> Quality {
        Quality { net_speech_s: self.progress().net_speech_s(), snr_db: self.back.snr_db(), ..self.quality.report() }
    }

    /// Highest frequency with sound so far, as [`Quality::bandwidth_hz`].
    pub fn bandwidth_hz(&self) -> f32 {
        self.quality.bandwidth_hz()
    }

    /// Keys pressed so far, oldest first, at most [`crate::dtmf::MAX_DIGITS`].
    pub fn dtmf(&self) -> &[DtmfDigit] {
        self.back.dtmf().digits()
    }

    /// Keys pressed beyond those that [`Session::dtmf`] has room for.
    pub fn dtmf_dropped(&self) -> u64 {
        self.back.dtmf().dropped()
    }

    /// Frames, at most, between a frame and its decision, which [`Progress`] and [`Session::embedding`] lag behind the audio;
    /// the resampler adds up to 0.1 s where the rate is not 8 kHz, and the network its own look-ahead to the embedding.
    pub fn delay_frames(&self) -> usize {
        self.back.delay_frames()
    }

    fn take(&mut self, samples: &[f32]) {
        self.samples += samples.len() as u64;
        self.quality.push(samples);
        let back = &mut self.back;
        if !back.has_other_frames() {
            self.resampler.push(samples, &mut |y| back.push(y));
            return;
        }
        // What waits on one way for the other stays small, whatever the chunk.
        for piece in samples.chunks(other::PIECE_SAMPLES) {
            self.resampler.push(piece, &mut |y| back.push(y));
            back.push_unresampled(piece);
        }
    }
}
