//! The speaker network: factored time-delay layers with skips, attentive statistics, one embedding.
//!
//! log-mel (100/s) -> causal mean normalisation -> front (5 frames, every second) -> residual TDNN-F blocks (50/s)
//! -> expand -> attentive statistics over speech -> linear. The PyTorch side is `train/net.py`.
//!
//! A network with ears for wide-band audio (`BandTdnnF`) has one front layer for both kinds of streams: the bins of the telephone's
//! band, those above it, and a flag. A narrow-band stream has zeros above and a flag of 0.

use engine::audio::SampleRate;
use engine::embed::{Embedder, MAX_BLOCK_FRAMES, ModelId};
use engine::fbank::FbankConfig;
use engine::nn::{
    Activation, AffineSpec, AttentiveStats, CausalCmn, LayerError, Precision, ResidualBlock, SplicedAffine, Workspace,
};
use engine_simd::Backend;
use serde::Deserialize;

use crate::format::{Container, ModelError, ModelErrorKind};
use crate::network::{Speaker, sizes};

/// Sizes of a [`TdnnF`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    mels: usize,
    /// Bins of a narrow-band stream, the lowest of `mels`, where the network hears wide-band audio too.
    #[serde(default)]
    narrow: Option<usize>,
    channels: usize,
    bottleneck: usize,
    dilations: Vec<i32>,
    wide: usize,
    heads: usize,
    hidden: usize,
    dim: usize,
    cmn_prior_frames: f64,
    cmn_max_frames: f64,
}

/// Rate from which on a stream is wide-band, in Hz: the one that wide-band frames are computed at.
const WIDE_RATE_HZ: u32 = 16_000;

/// The filter bank of wide-band streams: the engine's own, with as many more bins of the same width in mel above it.
fn wide_fbank(mels: usize) -> FbankConfig {
    let own = FbankConfig::own();
    let mel = |hz: f64| 1127.0 * (hz / 700.0).ln_1p();
    let width = (mel(own.high_freq) - mel(own.low_freq)) / (own.num_mel_bins + 1) as f64;
    let high_freq = 700.0 * ((mel(own.low_freq) + width * (mels + 1) as f64) / 1127.0).exp_m1();
    FbankConfig { samp_freq: WIDE_RATE_HZ, fft: 512, num_mel_bins: mels, high_freq, ..own }
}

/// Reads a [`TdnnF`] from a container.
pub(crate) fn build(
    c: &Container,
    config: &serde_json::Value,
    backend: Backend,
    precision: Precision,
) -> Result<Speaker, ModelError> {
    let network = TdnnF::new(c, sizes("speaker", config)?, backend, precision)?;
    let (macs_per_second, parameters) = (Some(network.config.macs_per_second()), c.parameters("speaker."));
    let make = move |block_frames| -> Box<dyn Embedder> {
        let mut own = network.clone();
        own.make_room(block_frames);
        Box::new(own)
    };
    Ok(Speaker { make: Box::new(make), macs_per_second, parameters, imported: false })
}

impl Config {
    /// Numbers of a frame as the front layer takes it: the bins, and the flag where there is one.
    fn inputs(&self) -> usize {
        self.mels + usize::from(self.narrow.is_some())
    }

    /// Multiply-accumulates per second of audio.
    fn macs_per_second(&self) -> u64 {
        let block = self.channels * self.bottleneck * 4;
        let pool = self.wide * self.hidden + self.hidden * self.heads + 4 * self.wide;
        let frame = 5 * self.inputs() * self.channels + self.dilations.len() * block + self.channels * self.wide + pool;
        50 * frame as u64
    }
}

#[derive(Clone)]
pub(crate) struct TdnnF {
    id: ModelId,
    config: Config,
    /// Of the stream's kind.
    pub(crate) cmn: CausalCmn,
    /// Of the other kind: wide-band until a stream is.
    other_cmn: Option<CausalCmn>,
    /// Whether the stream is wide-band; never without a flag in `config`.
    is_wide: bool,
    pub(crate) front: SplicedAffine,
    pub(crate) blocks: Vec<ResidualBlock>,
    pub(crate) expand: SplicedAffine,
    pub(crate) hidden: SplicedAffine,
    pub(crate) logits: SplicedAffine,
    pub(crate) pool: AttentiveStats,
    out: SplicedAffine,
    /// Whether each frame that is still inside the layers is speech, at the layers' rate; the first `waiting` count.
    speech: Vec<bool>,
    waiting: usize,
    block_frames: usize,
    odd: bool,
    work: Workspace,
    a: Vec<f32>,
    b: Vec<f32>,
    wide: Vec<f32>,
    attention: Vec<f32>,
    weights: Vec<f32>,
}

pub(crate) fn layer_error(name: &str, error: LayerError) -> ModelError {
    ModelError::new(ModelErrorKind::Tensor, format!("layer {name}: {error}"))
}

/// Reads `{name}.weight` and `{name}.bias` into a layer.
pub(crate) fn affine(
    container: &Container,
    (backend, precision): (Backend, Precision),
    name: &str,
    (channels, outputs): (usize, usize),
    offsets: &[i32],
    stride: usize,
    activation: Activation,
) -> Result<SplicedAffine, ModelError> {
    let weights = container.tensor(&format!("{name}.weight"), &[outputs, channels * offsets.len()])?;
    let bias = container.tensor(&format!("{name}.bias"), &[outputs])?;
    let spec = AffineSpec { weights, bias, channels, outputs, offsets, stride, activation };
    SplicedAffine::with_precision(backend, precision, spec).map_err(|e| layer_error(name, e))
}

/// Mean normalisation from the tensors `{role}.prior` and `{role}.scale`.
pub(crate) fn cmn(c: &Container, role: &str, mels: usize, prior: f64, most: f64) -> Result<CausalCmn, ModelError> {
    cmn_of(c, (role, "prior"), mels, prior, most)
}

fn cmn_of(
    c: &Container,
    (role, name): (&str, &str),
    mels: usize,
    prior: f64,
    most: f64,
) -> Result<CausalCmn, ModelError> {
    let mean = c.tensor(&format!("{role}.{name}"), &[mels])?;
    let scale = c.tensor(&format!("{role}.scale"), &[1])?.first().copied().unwrap_or(1.0);
    CausalCmn::new(mean, prior, most, scale).map_err(|e| layer_error("cmn", e))
}

impl TdnnF {
    pub(crate) fn new(
        container: &Container,
        config: Config,
        backend: Backend,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let Config { mels, channels, bottleneck, wide, heads, hidden, dim, .. } = config;
        let sizes = [mels, channels, bottleneck, wide, heads, hidden, dim, config.dilations.len()];
        if sizes.iter().any(|&n| n == 0 || n > 4096) || config.dilations.iter().any(|&d| !(1..=16).contains(&d)) {
            return Err(ModelError::new(ModelErrorKind::Header, "speaker network of impossible size".to_owned()));
        }
        if config.narrow.is_some_and(|narrow| narrow == 0 || narrow >= mels)
            || config.narrow.is_some() && wide_fbank(mels).high_freq > f64::from(WIDE_RATE_HZ) / 2.0
        {
            let detail = format!("speaker network of {mels} bins, {:?} of them narrow-band", config.narrow);
            return Err(ModelError::new(ModelErrorKind::Header, detail));
        }
        let (prior, most) = (config.cmn_prior_frames, config.cmn_max_frames);
        let own_cmn = |mels, name| cmn_of(container, ("speaker", name), mels, prior, most);
        let (cmn, other_cmn) = match config.narrow {
            Some(narrow) => (own_cmn(narrow, "narrow_prior")?, Some(own_cmn(mels, "prior")?)),
            None => (own_cmn(mels, "prior")?, None),
        };
        let inputs = config.inputs();
        let layer = |name: &str, sizes, offsets: &[i32], stride, activation| {
            // What is small, or decides over weights of whole frames, stays exact. So does the front layer: a twentieth of the
            // work, and more than a quarter of what 8 bits lost of embeddings of real speech.
            let precision = if matches!(name, "front" | "pool.b" | "out") { Precision::F32 } else { precision };
            affine(container, (backend, precision), &format!("speaker.{name}"), sizes, offsets, stride, activation)
        };
        let blocks = config.dilations.iter().enumerate().map(|(i, &d)| {
            let down = layer(&format!("blocks.{i}.down"), (channels, bottleneck), &[-d, 0, d], 1, Activation::None)?;
            let up = layer(&format!("blocks.{i}.up"), (bottleneck, channels), &[0], 1, Activation::Relu)?;
            ResidualBlock::new(down, up, channels).map_err(|e| layer_error(&format!("blocks.{i}"), e))
        });
        let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
        let mut network = Self {
            id: container.id,
            cmn,
            other_cmn,
            is_wide: false,
            front: layer("front", (inputs, channels), &[-2, -1, 0, 1, 2], 2, Activation::Relu)?,
            blocks,
            expand: layer("expand", (channels, wide), &[0], 1, Activation::Relu)?,
            hidden: layer("pool.a", (wide, hidden), &[0], 1, Activation::Tanh)?,
            logits: layer("pool.b", (hidden, heads), &[0], 1, Activation::None)?,
            pool: AttentiveStats::new(wide, heads).map_err(|e| layer_error("pool", e))?,
            out: layer("out", (2 * wide, dim), &[0], 1, Activation::None)?,
            speech: Vec::new(),
            waiting: 0,
            block_frames: 0,
            odd: false,
            work: Workspace::default(),
            a: Vec::new(),
            b: Vec::new(),
            wide: Vec::new(),
            attention: Vec::new(),
            weights: Vec::new(),
            config,
        };
        network.make_room(MAX_BLOCK_FRAMES);
        Ok(network)
    }

    /// Room for `frames` frames at once.
    fn make_room(&mut self, frames: usize) {
        let Config { channels, wide, heads, hidden, .. } = self.config;
        let inputs = self.config.inputs();
        let dilations = &self.config.dilations;
        let lookahead = dilations.iter().sum::<i32>() as usize + 3;
        let block = frames + 1;
        // Behind the front layer come half as many frames, or what a block gives when it is finished.
        let half = (block / 2 + 1).max(dilations.iter().max().map_or(0, |&d| d as usize));
        let ab = (block * inputs).max(half * channels);
        self.block_frames = frames;
        self.speech.resize(lookahead + 2 * block, false);
        for (buffer, numbers) in [
            (&mut self.a, ab),
            (&mut self.b, ab),
            (&mut self.wide, half * wide),
            (&mut self.attention, half * hidden),
            (&mut self.weights, half * heads),
        ] {
            buffer.resize(numbers, 0.0);
        }
        self.work.reserve(&self.front, block);
        for layer in [&self.expand, &self.hidden, &self.logits] {
            self.work.reserve(layer, half);
        }
        self.blocks.iter().for_each(|block| block.reserve(&mut self.work, half));
    }

    /// Runs `frames` outputs of the front layer, which are in `a`, through the blocks from `first` on and into the pool.
    fn blocks(&mut self, first: usize, frames: usize) {
        let mut frames = frames;
        for block in &mut self.blocks[first..] {
            frames = block.push(&self.a, frames, &mut self.b, &mut self.work);
            std::mem::swap(&mut self.a, &mut self.b);
        }
        self.collect(frames);
    }

    /// Pools `frames` frames that are in `a`.
    fn collect(&mut self, frames: usize) {
        let n = self.expand.push(&self.a, frames, &mut self.wide, &mut self.work);
        self.hidden.push(&self.wide, n, &mut self.attention, &mut self.work);
        self.logits.push(&self.attention, n, &mut self.weights, &mut self.work);
        let rows = self.wide.chunks_exact(self.config.wide).zip(self.weights.chunks_exact(self.config.heads));
        for ((row, logits), &speech) in rows.zip(&self.speech).take(n) {
            if speech {
                self.pool.add(row, logits);
            }
        }
        self.speech.copy_within(n..self.waiting, 0);
        self.waiting -= n;
    }
}

impl Embedder for TdnnF {
    fn model_id(&self) -> ModelId {
        self.id
    }

    fn dim(&self) -> usize {
        self.config.dim
    }

    fn num_mel_bins(&self) -> usize {
        self.config.narrow.filter(|_| !self.is_wide).unwrap_or(self.config.mels)
    }

    fn hear(&mut self, rate: SampleRate) {
        let wide = self.config.narrow.is_some() && rate.hz() >= WIDE_RATE_HZ;
        if wide != self.is_wide
            && let Some(other) = &mut self.other_cmn
        {
            std::mem::swap(&mut self.cmn, other);
            self.is_wide = wide;
        }
    }

    fn fbank(&self) -> Option<FbankConfig> {
        self.is_wide.then(|| wide_fbank(self.config.mels))
    }

    fn block_frames(&self) -> usize {
        self.block_frames
    }

    fn push(&mut self, log_mel: &[f32], speech: &[bool]) {
        let (mels, inputs) = (self.num_mel_bins(), self.config.inputs());
        for (log_mel, speech) in log_mel.chunks(self.block_frames * mels).zip(speech.chunks(self.block_frames)) {
            let frames = speech.len().min(log_mel.len() / mels);
            let rows = self.b.chunks_exact_mut(inputs).zip(log_mel.chunks_exact(mels));
            for ((frame, log_mel), &speech) in rows.zip(&speech[..frames]) {
                let (bins, above) = frame.split_at_mut(mels);
                bins.copy_from_slice(log_mel);
                self.cmn.apply(bins, speech);
                above.fill(0.0);
                if let Some(flag) = above.last_mut() {
                    *flag = f32::from(u8::from(self.is_wide));
                }
                if !self.odd {
                    self.speech[self.waiting] = speech;
                    self.waiting += 1;
                }
                self.odd = !self.odd;
            }
            let n = self.front.push(&self.b, frames, &mut self.a, &mut self.work);
            self.blocks(0, n);
        }
    }

    fn finish(&mut self) {
        let n = self.front.finish(&mut self.a, &mut self.work);
        self.blocks(0, n);
        for i in 0..self.blocks.len() {
            let n = self.blocks[i].finish(&mut self.a, &mut self.work);
            self.blocks(i + 1, n);
        }
    }

    fn embedding(&self, out: &mut [f32]) -> bool {
        let mut stats = [0.0f32; MAX_STATS];
        let Some(stats) = stats.get_mut(..2 * self.config.wide) else { return false };
        if out.len() != self.config.dim || !self.pool.write(stats) {
            return false;
        }
        if !self.out.apply_once(stats, out) {
            return false;
        }
        let norm = out.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if !(norm.is_finite() && norm > 0.0) {
            return false;
        }
        out.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
        true
    }

    fn reset(&mut self) {
        self.cmn.reset();
        self.front.reset();
        self.blocks.iter_mut().for_each(ResidualBlock::reset);
        self.pool.reset();
        self.waiting = 0;
        self.odd = false;
    }
}

/// Largest pooled vector, so that an embedding can be read without allocating.
const MAX_STATS: usize = 2 * 4096;
