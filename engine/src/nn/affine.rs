//! Affine map over spliced frames: a 1-D convolution written as a matrix product.

use engine_simd::{Backend, QuantisedMatrix, QuantisedScratch, Splice, SplicedMatrix};

use super::LayerError;
use crate::embed::MAX_BLOCK_FRAMES;

/// What follows the affine map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activation {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    fn apply(self, values: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Relu => engine_simd::relu_all(values),
            Self::Tanh => engine_simd::tanh_all(values),
        }
    }
}

/// How a layer multiplies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Precision {
    /// With 32-bit floating-point numbers.
    #[default]
    F32,
    /// With 8-bit whole numbers: weights are rounded when a network is loaded, inputs frame by frame.
    Int8,
}

impl Precision {
    /// `f32` or `int8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }
}

/// The weights of a layer.
#[derive(Clone, Debug)]
enum Matrix {
    F32(SplicedMatrix),
    Int8(QuantisedMatrix),
}

impl Matrix {
    fn new(backend: Backend, precision: Precision, weights: &[f32], bias: &[f32], inputs: usize) -> Option<Self> {
        match precision {
            Precision::F32 => SplicedMatrix::new(backend, weights, bias, inputs).map(Self::F32),
            Precision::Int8 => QuantisedMatrix::new(backend, weights, bias, inputs).map(Self::Int8),
        }
    }

    fn outputs(&self) -> usize {
        match self {
            Self::F32(m) => m.outputs(),
            Self::Int8(m) => m.outputs(),
        }
    }

    fn padded_outputs(&self) -> usize {
        match self {
            Self::F32(m) => m.padded_outputs(),
            Self::Int8(m) => m.padded_outputs(),
        }
    }

    fn apply(&self, x: &[f32], at: Splice<'_>, frames: usize, scratch: &mut QuantisedScratch, y: &mut [f32]) {
        match self {
            Self::F32(m) => m.apply(x, at, frames, y),
            Self::Int8(m) => m.apply(x, at, frames, scratch, y),
        }
    }
}

/// What layers write to while they run and forget: one for all layers of a network.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// A layer's past, and behind it the block.
    rows: Vec<f32>,
    /// Outputs padded to whole panels.
    padded: Vec<f32>,
    /// Between the two maps of a residual block.
    pub(super) narrow: Vec<f32>,
    quantised: QuantisedScratch,
}

impl Workspace {
    /// Makes room for `layer`, which never takes or gives more than `frames` frames at once.
    pub fn reserve(&mut self, layer: &SplicedAffine, frames: usize) {
        let grow = |v: &mut Vec<f32>, n: usize| v.resize(v.len().max(n), 0.0);
        if layer.span() > 0 {
            grow(&mut self.rows, (layer.span() + frames.max(layer.right)) * layer.channels);
        }
        let padded = layer.matrix.padded_outputs();
        if padded != layer.outputs() {
            grow(&mut self.padded, frames * padded);
        }
        if let Matrix::Int8(matrix) = &layer.matrix {
            self.quantised.reserve(matrix, frames);
        }
    }

    /// Makes room for `numbers` numbers between the maps of a residual block.
    pub(super) fn reserve_narrow(&mut self, numbers: usize) {
        self.narrow.resize(self.narrow.len().max(numbers), 0.0);
    }
}

/// How far back a layer may look, in frames; ahead it is [`MAX_BLOCK_FRAMES`].
const MAX_BACK_FRAMES: i32 = 64;

/// Most outputs of a layer.
const MAX_OUTPUTS: usize = 4096;

/// What a [`SplicedAffine`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct AffineSpec<'a> {
    /// Row-major `(outputs, offsets x channels)`.
    pub weights: &'a [f32],
    /// One per output; empty for none.
    pub bias: &'a [f32],
    /// Channels of an input frame.
    pub channels: usize,
    /// Channels of an output frame.
    pub outputs: usize,
    /// Which frames are spliced, relative to the current one, in rising order.
    pub offsets: &'a [i32],
    /// Input frames per output frame.
    pub stride: usize,
    /// What follows.
    pub activation: Activation,
}

/// A streaming affine layer over spliced frames.
#[derive(Clone, Debug)]
pub struct SplicedAffine {
    matrix: Matrix,
    segments: Vec<usize>,
    channels: usize,
    stride: usize,
    left: usize,
    right: usize,
    activation: Activation,
    /// Input rows not yet done with; the first is `left` rows before the next output's centre.
    past: Vec<f32>,
    held: usize,
}

impl SplicedAffine {
    /// Checks the sizes and packs the weights for `backend`.
    ///
    /// # Errors
    /// Lengths that do not fit together, offsets that do not rise, reach back beyond 64 frames or ahead beyond
    /// [`MAX_BLOCK_FRAMES`], a stride of 0, beyond
    /// 4 or beyond the spliced span.
    pub fn new(backend: Backend, spec: AffineSpec<'_>) -> Result<Self, LayerError> {
        Self::with_precision(backend, Precision::F32, spec)
    }

    /// As [`SplicedAffine::new`], multiplying with `precision`.
    ///
    /// # Errors
    /// As [`SplicedAffine::new`]; or a weight that is not finite, for [`Precision::Int8`].
    pub fn with_precision(backend: Backend, precision: Precision, spec: AffineSpec<'_>) -> Result<Self, LayerError> {
        let AffineSpec { weights, bias, channels, outputs, offsets, stride, activation } = spec;
        let (back, ahead) = (MAX_BACK_FRAMES, MAX_BLOCK_FRAMES as i32);
        if offsets.is_empty()
            || !offsets.is_sorted_by(|a, b| a < b)
            || offsets.iter().any(|o| !(-back..=ahead).contains(o))
        {
            return Err(LayerError::new(format!(
                "offsets {offsets:?} do not rise from at least {} to at most {ahead} frames",
                -back
            )));
        }
        if !(1..=4).contains(&stride) {
            return Err(LayerError::new(format!("stride {stride} is not within 1 to 4")));
        }
        if !bias.is_empty() && bias.len() != outputs {
            return Err(LayerError::new(format!("{} bias values for {outputs} outputs", bias.len())));
        }
        let zeros = vec![0.0; outputs];
        let bias = if bias.is_empty() { &zeros } else { bias };
        if outputs > MAX_OUTPUTS {
            return Err(LayerError::new(format!("{outputs} outputs, at most {MAX_OUTPUTS}")));
        }
        let inputs = offsets.len().saturating_mul(channels);
        let matrix = Matrix::new(backend, precision, weights, bias, inputs).ok_or_else(|| {
            LayerError::new(format!("{} weights for {outputs} outputs of {inputs} inputs", weights.len()))
        })?;
        let left = offsets.first().map_or(0, |&o| o.min(0).unsigned_abs() as usize);
        let right = offsets.last().map_or(0, |&o| o.max(0) as usize);
        if stride > left + right + 1 {
            return Err(LayerError::new(format!("stride {stride} skips frames that offsets {offsets:?} never see")));
        }
        let segments = offsets.iter().map(|&o| (o + left as i32) as usize * channels).collect();
        let past = vec![0.0; (left + right) * channels];
        let mut layer = Self { segments, channels, stride, left, right, activation, past, held: 0, matrix };
        layer.reset();
        Ok(layer)
    }

    /// Channels of an output frame.
    pub fn outputs(&self) -> usize {
        self.matrix.outputs()
    }

    /// Input frames that must follow before an output frame is finished.
    pub fn lookahead(&self) -> usize {
        self.right
    }

    /// Frames around an output that it is made of, less one.
    pub(super) fn span(&self) -> usize {
        self.left + self.right
    }

    /// Takes `frames` frames and writes the finished ones to `out`; returns how many.
    ///
    /// # Panics
    /// If `x` or `out` is too short for them, or `work` was not [`Workspace::reserve`]d for this layer and so many.
    pub fn push(&mut self, x: &[f32], frames: usize, out: &mut [f32], work: &mut Workspace) -> usize {
        self.run(&x[..frames * self.channels], frames, out, work)
    }

    /// Writes the frames that waited for look-ahead, as if zeros followed.
    ///
    /// # Panics
    /// As [`SplicedAffine::push`].
    pub fn finish(&mut self, out: &mut [f32], work: &mut Workspace) -> usize {
        self.run(&[], self.right, out, work)
    }

    /// The input frames that the last `n` outputs of a layer with stride 1 were centred on, right after it wrote them.
    pub(super) fn centres<'a>(&self, work: &'a Workspace, n: usize) -> &'a [f32] {
        &work.rows[self.left * self.channels..][..n * self.channels]
    }

    /// Maps one frame on its own, without touching the state: `x` holds all spliced frames, `out` one output frame. Only for
    /// layers of [`Precision::F32`]; others write nothing and return `false`.
    ///
    /// # Panics
    /// If `x` is shorter than that.
    pub fn apply_once(&self, x: &[f32], out: &mut [f32]) -> bool {
        let Matrix::F32(matrix) = &self.matrix else { return false };
        let mut row = [0.0; MAX_OUTPUTS];
        let inputs = matrix.inputs();
        let at = Splice { first: 0, stride: 0, segments: &[0], segment_len: inputs };
        matrix.apply(x, at, 1, &mut row);
        let outputs = matrix.outputs().min(out.len());
        out[..outputs].copy_from_slice(&row[..outputs]);
        self.activation.apply(&mut out[..outputs]);
        true
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.held = self.left;
        self.past.fill(0.0);
    }

    /// Takes `frames` rows, of which `x` holds the first and zeros are the others.
    fn run(&mut self, x: &[f32], frames: usize, out: &mut [f32], work: &mut Workspace) -> usize {
        let channels = self.channels;
        if self.span() == 0 {
            self.apply(x, frames, out, &mut work.padded, &mut work.quantised);
            return frames;
        }
        let (known, held) = (self.held * channels, self.held + frames);
        work.rows[..known].copy_from_slice(&self.past[..known]);
        work.rows[known..known + x.len()].copy_from_slice(x);
        work.rows[known + x.len()..held * channels].fill(0.0);
        let done = if held > self.span() { (held - self.span() - 1) / self.stride + 1 } else { 0 };
        self.apply(&work.rows, done, out, &mut work.padded, &mut work.quantised);
        self.held = held - done * self.stride;
        self.past[..self.held * channels].copy_from_slice(&work.rows[done * self.stride * channels..held * channels]);
        done
    }

    /// Maps the first `frames` frames of `rows`.
    fn apply(
        &self,
        rows: &[f32],
        frames: usize,
        out: &mut [f32],
        scratch: &mut [f32],
        quantised: &mut QuantisedScratch,
    ) {
        let (outputs, padded) = (self.matrix.outputs(), self.matrix.padded_outputs());
        let at = Splice {
            first: 0,
            stride: self.stride * self.channels,
            segments: &self.segments,
            segment_len: self.channels,
        };
        if padded == outputs {
            self.matrix.apply(rows, at, frames, quantised, out);
            self.activation.apply(&mut out[..frames * outputs]);
        } else {
            self.matrix.apply(rows, at, frames, quantised, scratch);
            for (row, out) in scratch.chunks_exact(padded).zip(out.chunks_exact_mut(outputs)).take(frames) {
                out.copy_from_slice(&row[..outputs]);
                self.activation.apply(out);
            }
        }
    }
}
