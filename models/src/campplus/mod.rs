//! CAM++, a densely connected time-delay network with context-aware masking, on our own kernels.
//!
//! log-mel (100/s) less its mean -> planes over time and frequency -> time-delay layer (50/s) -> three dense blocks, each followed by
//! a layer that halves the channels -> mean and deviation -> linear.
//!
//! *Source*: Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking", arXiv
//! 2303.00332. The weights that this was made for are 3D-Speaker's; they are not part of vouch, `vouch model import campplus` reads
//! them from a package ([`import`]). A mask depends on the mean over the whole stretch, so it hears net speech at once
//! (`chunks`).

#[cfg(feature = "onnx")]
pub mod import;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use engine::fbank::{FbankConfig, Log, Window};
use engine::nn::Precision;
use engine_simd::{Backend, PANEL, Splice, SplicedMatrix};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chunks::{Chunked, Pace, Whole};
use crate::format::{Container, ModelError, ModelErrorKind};
use crate::network::{Speaker, sizes};

/// Family of these networks.
pub(crate) const FAMILY: &str = "CamPlusPlus";
/// Frames that a segment of the mask's context takes, at 50 a second.
const SEGMENT: usize = 100;
/// Least number of frames that are heard: half a second.
const LEAST_FRAMES: usize = 50;
/// Least energy of the filter bank, of samples of +-1.0.
const FLOOR: f32 = f32::EPSILON;
/// Most numbers of a layer's frame.
const MAX_CHANNELS: usize = 4096;

/// Sizes of a network.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Mel bins, a multiple of 8.
    pub(crate) mels: usize,
    /// Channels of a plane.
    pub(crate) planes: usize,
    /// Channels of the time-delay layer.
    pub(crate) channels: usize,
    /// Channels that a dense layer adds.
    pub(crate) growth: usize,
    /// Channels within a dense layer.
    pub(crate) bottleneck: usize,
    /// Channels within a mask.
    pub(crate) context: usize,
    /// Dense layers of each block.
    pub(crate) layers: Vec<usize>,
    /// Frames between the three that a dense layer of each block sees.
    pub(crate) dilations: Vec<usize>,
    /// Length of an embedding.
    pub(crate) dim: usize,
    /// Net speech that is heard at once, in seconds.
    pub(crate) chunk_s: f64,
}

impl Config {
    /// Channels in front of each block, and of what the last one leaves.
    pub(crate) fn widths(&self) -> Vec<usize> {
        let mut widths = vec![self.channels];
        for &layers in &self.layers {
            let last = widths.last().copied().unwrap_or_default();
            widths.push((last + layers * self.growth) / 2);
        }
        widths
    }

    fn check(&self) -> Result<(), ModelError> {
        let sizes = [self.mels, self.planes, self.channels, self.growth, self.bottleneck, self.context, self.dim];
        let small = |n: usize, most: usize| (1..=most).contains(&n);
        let fine = sizes.iter().all(|&n| small(n, 1024))
            && self.mels.is_multiple_of(8)
            && self.mels <= 256
            && small(self.layers.len(), 8)
            && self.layers.iter().all(|&n| small(n, 64))
            && self.dilations.len() == self.layers.len()
            && self.dilations.iter().all(|&n| small(n, 16))
            && self.planes * (self.mels / 8) <= MAX_CHANNELS
            && self.widths().iter().all(|&n| small(n, MAX_CHANNELS / 2))
            && (1.0..=60.0).contains(&self.chunk_s);
        if fine { Ok(()) } else { Err(ModelError::new(ModelErrorKind::Header, "speaker network of impossible size")) }
    }
}

/// A matrix over spliced frames, whose output may be narrower than whole panels.
struct Layer {
    matrix: SplicedMatrix,
    outputs: usize,
}

impl Layer {
    /// Calls `place` with every output frame.
    fn each(
        &self,
        x: &[f32],
        at: Splice<'_>,
        frames: usize,
        scratch: &mut Vec<f32>,
        mut place: impl FnMut(usize, &[f32]),
    ) {
        let padded = self.matrix.padded_outputs();
        scratch.resize((frames * padded).max(scratch.len()), 0.0);
        self.matrix.apply(x, at, frames, scratch);
        scratch.chunks_exact(padded).take(frames).enumerate().for_each(|(i, row)| place(i, &row[..self.outputs]));
    }

    /// Writes the output frames to `out`, one behind the other.
    fn write(&self, x: &[f32], at: Splice<'_>, frames: usize, scratch: &mut Vec<f32>, out: &mut [f32]) {
        if self.outputs.is_multiple_of(PANEL) {
            self.matrix.apply(x, at, frames, out);
        } else {
            let n = self.outputs;
            self.each(x, at, frames, scratch, |i, row| out[i * n..][..n].copy_from_slice(row));
        }
    }
}

/// What follows a batch normalisation: `max(x scale + shift, 0)`.
struct Normalised {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Normalised {
    /// Of the first channels of every row of `x`, whose rows are `width` apart.
    fn apply(&self, x: &[f32], width: usize, out: &mut [f32]) {
        let channels = self.scale.len();
        for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(channels)) {
            for (((o, &x), &a), &b) in out.iter_mut().zip(row).zip(&self.scale).zip(&self.shift) {
                *o = (x * a + b).max(0.0);
            }
        }
    }
}

/// Two convolutions over time and frequency with a way around them.
struct Residual {
    first: Layer,
    second: Layer,
    around: Option<Layer>,
    stride: usize,
}

struct Dense {
    norm: Normalised,
    down: Layer,
    local: Layer,
    context: Layer,
    mask: Layer,
}

struct Block {
    layers: Vec<Dense>,
    dilation: usize,
    norm: Normalised,
    halve: Layer,
}

/// The network, without a past.
pub(crate) struct Network {
    config: Config,
    stem: Layer,
    residuals: Vec<Residual>,
    fold: Layer,
    delay: Layer,
    blocks: Vec<Block>,
    out: Layer,
}

/// Frames of `bins` positions with `channels` numbers each, with a silent frame before the first and behind the last and a silent
/// position below the lowest and above the highest.
struct Plane {
    numbers: Vec<f32>,
    frames: usize,
    bins: usize,
    channels: usize,
}

impl Plane {
    fn new(frames: usize, bins: usize, channels: usize) -> Self {
        Self { numbers: vec![0.0; (frames + 2) * (bins + 2) * channels], frames, bins, channels }
    }

    fn row(&self) -> usize {
        (self.bins + 2) * self.channels
    }

    /// The positions of a frame, without the silent ones.
    fn frame(&mut self, t: usize) -> &mut [f32] {
        let (row, channels, bins) = (self.row(), self.channels, self.bins);
        &mut self.numbers[(t + 1) * row + channels..][..bins * channels]
    }

    /// A convolution of 3 x 3, every `stride`th bin, into `to`; then `also`, frame by frame.
    fn convolve(
        &self,
        layer: &Layer,
        stride: usize,
        scratch: &mut Vec<f32>,
        to: &mut Plane,
        mut also: impl FnMut(usize, &mut [f32], &mut Vec<f32>),
    ) {
        let row = self.row();
        for t in 0..self.frames {
            let at = Splice {
                first: t * row,
                stride: stride * self.channels,
                segments: &[0, row, 2 * row],
                segment_len: 3 * self.channels,
            };
            let bins = to.bins;
            let out = to.frame(t);
            layer.write(&self.numbers, at, bins, scratch, out);
            also(t, out, scratch);
        }
    }
}

impl Residual {
    fn run(&self, x: &Plane, scratch: &mut Vec<f32>) -> Plane {
        let bins = x.bins.div_ceil(self.stride);
        let mut between = Plane::new(x.frames, bins, self.first.outputs);
        x.convolve(&self.first, self.stride, scratch, &mut between, |_, out, _| engine_simd::relu_all(out));
        let mut to = Plane::new(x.frames, bins, self.second.outputs);
        let (row, channels) = (x.row(), x.channels);
        let mut around = vec![0.0; bins * self.second.outputs];
        between.convolve(&self.second, 1, scratch, &mut to, |t, out, scratch| {
            let first = (t + 1) * row + channels;
            match &self.around {
                None => engine_simd::add_all(out, &x.numbers[first..][..out.len()]),
                Some(layer) => {
                    let at = Splice { first, stride: self.stride * channels, segments: &[0], segment_len: channels };
                    layer.write(&x.numbers, at, bins, scratch, &mut around);
                    engine_simd::add_all(out, &around);
                }
            }
            engine_simd::relu_all(out);
        });
        to
    }
}

/// The mean of rows, column by column.
fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let count = rows.len() / width;
    let mut sums = vec![0.0f64; width];
    rows.chunks_exact(width).for_each(|row| sums.iter_mut().zip(row).for_each(|(s, &v)| *s += f64::from(v)));
    sums.iter().map(|s| (s / count as f64) as f32).collect()
}

/// Frames that lie one behind the other.
fn plain(width: usize) -> Splice<'static> {
    Splice { first: 0, stride: width, segments: &[0], segment_len: width }
}

impl Block {
    /// Takes frames of `width` channels, gives frames of half of what they have grown to.
    fn run(&self, x: &[f32], width: usize, growth: usize, scratch: &mut Vec<f32>) -> Vec<f32> {
        let frames = x.len() / width;
        let grown = width + self.layers.len() * growth;
        let mut rows = vec![0.0; frames * grown];
        rows.chunks_exact_mut(grown).zip(x.chunks_exact(width)).for_each(|(row, x)| row[..width].copy_from_slice(x));
        let mut normal = vec![0.0; frames * grown];
        let inner = self.layers.first().map_or(0, |l| l.down.outputs);
        let edge = self.dilation * inner;
        let mut within = vec![0.0; 2 * edge + frames * inner];
        let mut local = vec![0.0; frames * growth];
        for (index, layer) in self.layers.iter().enumerate() {
            let have = width + index * growth;
            let normal = &mut normal[..frames * have];
            layer.norm.apply(&rows, grown, normal);
            let body = &mut within[edge..edge + frames * inner];
            layer.down.write(normal, plain(have), frames, scratch, body);
            engine_simd::relu_all(body);
            let body = &within[edge..edge + frames * inner];
            let masks = layer.masks(body, inner, scratch);
            let at = Splice { first: 0, stride: inner, segments: &[0, edge, 2 * edge], segment_len: inner };
            layer.local.write(&within, at, frames, scratch, &mut local);
            for (t, (row, local)) in rows.chunks_exact_mut(grown).zip(local.chunks_exact(growth)).enumerate() {
                let mask = &masks[t / SEGMENT * growth..][..growth];
                row[have..have + growth].iter_mut().zip(local).zip(mask).for_each(|((o, &l), &m)| *o = l * m);
            }
        }
        self.norm.apply(&rows, grown, &mut normal);
        let mut out = vec![0.0; frames * self.halve.outputs];
        self.halve.write(&normal, plain(grown), frames, scratch, &mut out);
        out
    }
}

impl Dense {
    /// What each segment's new channels are multiplied with, row-major `(segments, channels)`.
    fn masks(&self, body: &[f32], inner: usize, scratch: &mut Vec<f32>) -> Vec<f32> {
        let whole = mean(body, inner);
        let mut contexts = Vec::new();
        for segment in body.chunks(SEGMENT * inner) {
            contexts.extend(mean(segment, inner).iter().zip(&whole).map(|(s, w)| s + w));
        }
        let segments = contexts.len() / inner;
        let mut hidden = vec![0.0; segments * self.context.outputs];
        self.context.write(&contexts, plain(inner), segments, scratch, &mut hidden);
        engine_simd::relu_all(&mut hidden);
        let mut masks = vec![0.0; segments * self.mask.outputs];
        self.mask.write(&hidden, plain(self.context.outputs), segments, scratch, &mut masks);
        masks.iter_mut().for_each(|m| *m = 1.0 / (1.0 + engine_simd::exp(-*m)));
        masks
    }
}

impl Network {
    pub(crate) fn new(c: &Container, config: Config, backend: Backend) -> Result<Self, ModelError> {
        config.check()?;
        let layer = |name: &str, outputs: usize, inputs: usize| -> Result<Layer, ModelError> {
            let name = format!("speaker.{name}");
            let weights = c.tensor(&format!("{name}.weight"), &[outputs, inputs])?;
            let bias = c.tensor(&format!("{name}.bias"), &[outputs])?;
            let matrix = SplicedMatrix::new(backend, weights, bias, inputs);
            let matrix = matrix.ok_or_else(|| ModelError::in_tensor(&name, "cannot be packed"))?;
            Ok(Layer { matrix, outputs })
        };
        let norm = |name: &str, channels: usize| -> Result<Normalised, ModelError> {
            let part = |what: &str| c.tensor(&format!("speaker.{name}.{what}"), &[channels]).map(<[f32]>::to_vec);
            Ok(Normalised { scale: part("scale")?, shift: part("shift")? })
        };
        let p = config.planes;
        let mut residuals = Vec::new();
        for (index, stride) in [2, 1, 2, 1].into_iter().enumerate() {
            let name = |part: &str| format!("residual{index}.{part}");
            residuals.push(Residual {
                first: layer(&name("first"), p, 9 * p)?,
                second: layer(&name("second"), p, 9 * p)?,
                around: if stride == 2 { Some(layer(&name("around"), p, p)?) } else { None },
                stride,
            });
        }
        let widths = config.widths();
        let mut blocks = Vec::new();
        for (b, ((&layers, &dilation), &width)) in config.layers.iter().zip(&config.dilations).zip(&widths).enumerate()
        {
            let mut dense = Vec::new();
            for i in 0..layers {
                let name = |part: &str| format!("block{b}.{i}.{part}");
                let have = width + i * config.growth;
                dense.push(Dense {
                    norm: norm(&name("norm"), have)?,
                    down: layer(&name("down"), config.bottleneck, have)?,
                    local: layer(&name("local"), config.growth, 3 * config.bottleneck)?,
                    context: layer(&name("context"), config.context, config.bottleneck)?,
                    mask: layer(&name("mask"), config.growth, config.context)?,
                });
            }
            let grown = width + layers * config.growth;
            blocks.push(Block {
                layers: dense,
                dilation,
                norm: norm(&format!("block{b}.norm"), grown)?,
                halve: layer(&format!("block{b}.halve"), grown / 2, grown)?,
            });
        }
        let last = widths.last().copied().unwrap_or_default();
        Ok(Self {
            stem: layer("stem", p, 9)?,
            residuals,
            fold: layer("fold", p, 9 * p)?,
            delay: layer("delay", config.channels, 5 * p * (config.mels / 8))?,
            blocks,
            out: layer("out", config.dim, 2 * last)?,
            config,
        })
    }

    /// What comes out for frames whose mean is taken off, `(frames, mels)`, at least two of them.
    pub(crate) fn raw(&self, x: &[f32]) -> Vec<f32> {
        let Config { mels, planes, channels, growth, .. } = self.config;
        let frames = x.len() / mels;
        let scratch = &mut Vec::new();
        let mut plane = Plane::new(frames, mels, 1);
        x.chunks_exact(mels).enumerate().for_each(|(t, x)| plane.frame(t).copy_from_slice(x));
        let mut next = Plane::new(frames, mels, planes);
        plane.convolve(&self.stem, 1, scratch, &mut next, |_, out, _| engine_simd::relu_all(out));
        plane = next;
        for residual in &self.residuals {
            plane = residual.run(&plane, scratch);
        }
        // The last convolution over planes goes into frames with two silent ones before and behind.
        let bins = mels / 8;
        let wide = bins * planes;
        let mut spliced = vec![0.0; (frames + 4) * wide];
        let row = plane.row();
        for t in 0..frames {
            let at =
                Splice { first: t * row, stride: 2 * planes, segments: &[0, row, 2 * row], segment_len: 3 * planes };
            let out = &mut spliced[(t + 2) * wide..][..wide];
            self.fold.write(&plane.numbers, at, bins, scratch, out);
            engine_simd::relu_all(out);
        }
        drop(plane);
        let halved = frames.div_ceil(2);
        let mut rows = vec![0.0; halved * channels];
        let at = Splice { first: 0, stride: 2 * wide, segments: &[0], segment_len: 5 * wide };
        self.delay.write(&spliced, at, halved, scratch, &mut rows);
        engine_simd::relu_all(&mut rows);
        let mut width = channels;
        for block in &self.blocks {
            rows = block.run(&rows, width, growth, scratch);
            width = block.halve.outputs;
        }
        engine_simd::relu_all(&mut rows);
        let mut stats = mean(&rows, width);
        let mut squares = vec![0.0f64; width];
        for row in rows.chunks_exact(width) {
            squares.iter_mut().zip(row).zip(&stats).for_each(|((s, &v), &m)| *s += f64::from(v - m).powi(2));
        }
        stats.extend(squares.iter().map(|s| (s / (halved.max(2) - 1) as f64).sqrt() as f32));
        let mut out = vec![0.0; self.config.dim];
        self.out.write(&stats, plain(2 * width), 1, scratch, &mut out);
        out
    }
}

/// Scales to unit norm.
fn unit(raw: Vec<f32>) -> Result<Vec<f32>, String> {
    let norm = raw.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    if norm.is_finite() && norm > 0.0 {
        Ok(raw.iter().map(|&v| (f64::from(v) / norm) as f32).collect())
    } else {
        Err("its output is not finite or all 0".to_owned())
    }
}

impl Whole for Network {
    fn fbank(&self) -> FbankConfig {
        let num_mel_bins = self.config.mels;
        FbankConfig {
            num_mel_bins,
            scale: 1.0,
            window: Window::Povey,
            log: Log::Natural { floor: FLOOR },
            ..FbankConfig::kaldi()
        }
    }

    fn dim(&self) -> usize {
        self.config.dim
    }

    fn least_frames(&self) -> usize {
        LEAST_FRAMES
    }

    fn chunk_frames(&self) -> usize {
        (self.config.chunk_s * f64::from(engine::embed::FRAMES_PER_SECOND)).round() as usize
    }

    fn run(&self, frames: &[f32]) -> Result<Vec<f32>, String> {
        let mels = self.config.mels;
        if frames.len() < 2 * mels {
            return Err("less than two frames".to_owned());
        }
        let means = mean(frames, mels);
        let mut x = frames.to_vec();
        x.chunks_exact_mut(mels).for_each(|f| f.iter_mut().zip(&means).for_each(|(v, m)| *v -= m));
        unit(self.raw(&x))
    }
}

impl Config {
    /// Multiply-accumulates per second of net speech.
    fn macs_per_second(&self) -> u64 {
        let (p, half) = (self.planes, 2);
        let stem = self.mels * 9 * p;
        let first = self.mels / 2 * (4 * 9 + 1) * p * p;
        let second = self.mels / 4 * (4 * 9 + 1) * p * p;
        let fold = self.mels / 8 * 9 * p * p;
        let mut rows = 5 * p * (self.mels / 8) * self.channels;
        for (&layers, width) in self.layers.iter().zip(self.widths()) {
            let grown = width + layers * self.growth;
            let down: usize = (0..layers).map(|i| (width + i * self.growth) * self.bottleneck).sum();
            rows += down + layers * 3 * self.bottleneck * self.growth + grown * (grown / 2);
        }
        (100 * (stem + first + second + fold) + 100 / half * rows) as u64
    }
}

/// Reads a network from a container.
pub(crate) fn build(
    c: &Container,
    config: &Value,
    backend: Backend,
    precision: Precision,
) -> Result<Speaker, ModelError> {
    if precision == Precision::Int8 {
        let detail = "an imported network runs in 32 bits; leave --precision out";
        return Err(ModelError::new(ModelErrorKind::Unsupported, detail));
    }
    let config: Config = sizes("speaker", config)?;
    let macs = config.macs_per_second();
    let network: Arc<dyn Whole> = Arc::new(Network::new(c, config, backend)?);
    let (id, parameters) = (c.id, c.parameters("speaker."));
    let make = move |pace| Box::new(Chunked::new(id, Arc::clone(&network), pace)) as _;
    Ok(Speaker {
        make: Box::new(move |block| make(Pace::of_block(block))),
        macs_per_second: Some(macs),
        parameters,
        imported: true,
    })
}
