//! Network architectures and the shipped weights.
//!
//! A [`Model`] holds a speaker network and a speech detector that were trained for the same front end; it makes any number
//! of independent [`Embedder`]s and [`SpeechDetector`]s. The shipped one is built in ([`Model::embedded`]); how it was made
//! and how good it is stands in `cards/`.
#![forbid(unsafe_code)]

pub mod calibration;
pub mod campplus;
mod chunks;
mod format;
#[cfg(test)]
mod golden_tests;
mod network;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "onnx")]
mod pickle;
#[cfg(feature = "onnx")]
mod protobuf;
mod registry;
mod tdnnf;
mod vadnet;
#[cfg(feature = "onnx")]
mod zip;

use std::sync::Arc;

use engine::embed::{Embedder, MAX_BLOCK_FRAMES, ModelId, SpeechDetector};
pub use engine::nn::Precision;
pub use engine_simd::Backend;
use format::COHORT;
pub use format::{Container, FrontEnd, MAX_FILE_BYTES, ModelError, ModelErrorKind, NetworkEntry, Tensor};

/// Frames at once of [`Model::embedder_for_files`]: beyond it, the kernels gain nothing.
const FILE_BLOCK_FRAMES: usize = 3 * MAX_BLOCK_FRAMES;

/// A speaker network with its speech detector. Cheap to clone.
#[derive(Clone)]
pub struct Model {
    inner: Arc<Inner>,
}

struct Inner {
    container: Container,
    speaker: network::Speaker,
    detector: network::Detector,
    dim: usize,
    backend: Backend,
    precision: Precision,
}

/// What a [`Model`] is, in numbers.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// Its name.
    pub id: ModelId,
    /// Architecture of the speaker network.
    pub family: String,
    /// Length of an embedding.
    pub dim: usize,
    /// Weights of the speaker network and of the speech detector.
    pub parameters: [usize; 2],
    /// Multiply-accumulates of the speaker network per second of audio, or of net speech; `None` where nobody counted them.
    pub macs_per_second: Option<u64>,
    /// The front end of the speech detector, and of the speaker network unless that was imported.
    pub front_end: FrontEnd,
    /// Sampling rate and mel bins of the speaker network.
    pub input: (u32, usize),
    /// How it was made.
    pub about: Vec<(String, String)>,
    /// Instruction set that it runs on here.
    pub backend: Backend,
    /// What the speaker network multiplies with.
    pub precision: Precision,
    /// Whether the speaker network was trained elsewhere.
    pub imported: bool,
    /// Names the speech detector: the first 16 bytes of a SHA-256 over its sizes and tensors.
    pub detector: ModelId,
}

impl Model {
    /// The network that is built in.
    ///
    /// # Errors
    /// `VOUCH_SIMD` names no instruction set of this machine; else none, unless the build is broken.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::embedded_with(Precision::default())
    }

    /// As [`Model::embedded`], multiplying with `precision`.
    ///
    /// # Errors
    /// As [`Model::embedded`].
    pub fn embedded_with(precision: Precision) -> Result<Self, ModelError> {
        Self::from_bytes_with(default_weights(), precision)
    }

    /// As [`Model::from_bytes`], multiplying with `precision`.
    ///
    /// The name of the network stays the same: its embeddings in one precision are compared with those in another (on speech
    /// their cosine is above 0.999).
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn from_bytes_with(bytes: &[u8], precision: Precision) -> Result<Self, ModelError> {
        let backend = Backend::chosen().map_err(|e| ModelError::new(ModelErrorKind::Unsupported, e.to_string()))?;
        Self::with_backend(bytes, backend, precision)
    }

    /// Reads a network from the bytes of a `.vouch` container.
    ///
    /// # Errors
    /// The container is damaged, or holds an architecture or a front end that this build does not have; or `VOUCH_SIMD` names
    /// no instruction set of this machine.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::from_bytes_with(bytes, Precision::default())
    }

    /// As [`Model::from_bytes`], on a chosen instruction set.
    ///
    /// # Errors
    /// As [`Model::from_bytes`]; or this machine lacks the instruction set.
    pub fn with_backend(bytes: &[u8], backend: Backend, precision: Precision) -> Result<Self, ModelError> {
        let mut container = Container::parse(bytes)?;
        let unsupported = |what: String| ModelError::new(ModelErrorKind::Unsupported, what);
        if !backend.is_available() {
            return Err(unsupported(format!("this machine has no {}", backend.name())));
        }
        let own = FrontEnd::engine();
        if container.front_end != own {
            return Err(unsupported(format!("front end {:?}, this build has {own:?}", container.front_end)));
        }
        let speaker = registry::speaker(&container, backend, precision)?;
        let detector = registry::detector(&container, backend)?;
        container.forget_blobs();
        let (embedder, mels) = ((speaker.make)(MAX_BLOCK_FRAMES), (detector.make)().num_mel_bins());
        let dim = embedder.dim();
        let expected = embedder.fbank().map_or(own.num_mel_bins, |f| f.num_mel_bins);
        if embedder.num_mel_bins() != expected || mels != own.num_mel_bins {
            return Err(unsupported(format!("networks for other than {} mel bins", own.num_mel_bins)));
        }
        if let Some(cohort) = container.optional(COHORT)
            && !matches!(cohort.shape[..], [_, length] if length == dim)
        {
            let detail = format!("has shape {:?}, expected (n, {dim})", cohort.shape);
            return Err(ModelError::in_tensor(COHORT, detail));
        }
        Ok(Self { inner: Arc::new(Inner { container, speaker, detector, dim, backend, precision }) })
    }

    /// Its name.
    pub fn id(&self) -> ModelId {
        self.inner.container.id
    }

    /// Length of an embedding.
    pub fn dim(&self) -> usize {
        self.inner.dim
    }

    /// A new speaker network with no past.
    pub fn embedder(&self) -> Box<dyn Embedder> {
        (self.inner.speaker.make)(MAX_BLOCK_FRAMES)
    }

    /// As [`Model::embedder`], for audio that is there at once: it takes more frames in one go, which is faster, and more memory.
    /// The same bits come out.
    pub fn embedder_for_files(&self) -> Box<dyn Embedder> {
        (self.inner.speaker.make)(FILE_BLOCK_FRAMES)
    }

    /// The embedding of net speech that is there at once, as [`Embedder::push`] takes it, all of it speech; `None` if it is too little.
    pub fn embed_net_speech(&self, log_mel: &[f32]) -> Option<Vec<f32>> {
        let mut embedder = self.embedder_for_files();
        let (bins, block) = (embedder.num_mel_bins(), embedder.block_frames());
        let speech = vec![true; block];
        log_mel.chunks(block * bins).for_each(|part| embedder.push(part, &speech[..part.len() / bins]));
        embedder.finish();
        let mut out = vec![0.0; self.dim()];
        embedder.embedding(&mut out).then_some(out)
    }

    /// A new speech detector with no past.
    pub fn detector(&self) -> Box<dyn SpeechDetector> {
        (self.inner.detector.make)()
    }

    /// Embeddings of training people for score normalisation, `(n, dim)`; empty if the container has none.
    pub fn cohort(&self) -> &[f32] {
        self.inner.container.optional(COHORT).map_or(&[], |t| &t.data)
    }

    /// What it is.
    pub fn describe(&self) -> ModelInfo {
        let c = &self.inner.container;
        let embedder = self.embedder();
        let rate = embedder.fbank().map_or(c.front_end.samp_freq, |f| f.samp_freq);
        ModelInfo {
            input: (rate, embedder.num_mel_bins()),
            id: c.id,
            family: c.networks.get("speaker").map(|n| n.family.clone()).unwrap_or_default(),
            dim: self.dim(),
            parameters: [self.inner.speaker.parameters, c.parameters("detector.")],
            macs_per_second: self.inner.speaker.macs_per_second,
            front_end: c.front_end.clone(),
            about: c.about.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            backend: self.inner.backend,
            precision: self.inner.precision,
            imported: self.inner.speaker.imported,
            detector: c.detector_id(),
        }
    }
}

impl FrontEnd {
    /// The one that the engine computes.
    pub fn engine() -> Self {
        Self {
            samp_freq: engine::embed::MODEL_RATE_HZ,
            frame_length_ms: 25,
            frame_shift_ms: 10,
            num_mel_bins: 48,
            low_freq: 64.0,
            high_freq: 3800.0,
            preemph_coeff: 0.97,
            window_type: "povey".to_owned(),
        }
    }
}

/// One copy: a constant is laid down in every unit of code that touches it.
static WEIGHTS: [u8; include_bytes!("../weights/default.vouch").len()] = *include_bytes!("../weights/default.vouch");

/// The container of the built-in network.
pub fn default_weights() -> &'static [u8] {
    &WEIGHTS
}

/// The calibration of the built-in network, as JSON.
pub fn calibration_json() -> &'static str {
    include_str!("../weights/default.calibration.json")
}
