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
            Self::Relu => values.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { 0.0 }),
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
    Int8(QuantisedMatrix, QuantisedScratch),
}

impl Matrix {
    fn new(backend: Backend, precision: Precision, weights: &[f32], bias: &[f32], inputs: usize) -> Option<Self> {
        match precision {
            Precision::F32 => SplicedMatrix::new(backend, weights, bias, inputs).map(Self::F32),
            Precision::Int8 => {
                let matrix = QuantisedMatrix::new(backend, weights, bias, inputs)?;
                let scratch = matrix.scratch(MAX_BLOCK_FRAMES + 1);
                Some(Self::Int8(matrix, scratch))
            }
        }
    }

    fn outputs(&self) -> usize {
        match self {
            Self::F32(m) => m.outputs(),
            Self::Int8(m, _) => m.outputs(),
        }
    }

    fn padded_outputs(&self) -> usize {
        match self {
            Self::F32(m) => m.padded_outputs(),
            Self::Int8(m, _) => m.padded_outputs(),
        }
    }

    fn apply(&mut self, x: &[f32], at: Splice<'_>, frames: usize, y: &mut [f32]) {
        match self {
            Self::F32(m) => m.apply(x, at, frames, y),
            Self::Int8(m, scratch) => m.apply(x, at, frames, scratch, y),
        }
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
    rows: Vec<f32>,
    held: usize,
    /// Empty where a frame of outputs is a whole number of panels and goes straight to where it is wanted.
    scratch: Vec<f32>,
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
        let capacity = left + right + stride + MAX_BLOCK_FRAMES;
        let mut layer = Self {
            segments,
            channels,
            stride,
            left,
            right,
            activation,
            rows: vec![0.0; capacity * channels],
            held: 0,
            scratch: match matrix.padded_outputs() == outputs {
                true => Vec::new(),
                false => vec![0.0; (MAX_BLOCK_FRAMES + 1) * matrix.padded_outputs()],
            },
            matrix,
        };
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

    /// Takes `frames` frames and writes the finished ones to `out`; returns how many. At most [`MAX_BLOCK_FRAMES`] go in,
    /// and no more than [`MAX_BLOCK_FRAMES`] come out.
    ///
    /// # Panics
    /// If more frames go in, or `x` or `out` is too short for them.
    pub fn push(&mut self, x: &[f32], frames: usize, out: &mut [f32]) -> usize {
        let start = self.held * self.channels;
        let length = frames * self.channels;
        self.rows[start..start + length].copy_from_slice(&x[..length]);
        self.held += frames;
        self.run(out)
    }

    /// Writes the frames that waited for look-ahead, as if zeros followed.
    pub fn finish(&mut self, out: &mut [f32]) -> usize {
        let start = self.held * self.channels;
        let length = self.right * self.channels;
        self.rows[start..start + length].fill(0.0);
        self.held += self.right;
        self.run(out)
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
        self.rows.fill(0.0);
    }

    fn run(&mut self, out: &mut [f32]) -> usize {
        let need = self.left + self.right + 1;
        if self.held < need {
            return 0;
        }
        let frames = (self.held - need) / self.stride + 1;
        let (outputs, padded) = (self.matrix.outputs(), self.matrix.padded_outputs());
        let at = Splice {
            first: 0,
            stride: self.stride * self.channels,
            segments: &self.segments,
            segment_len: self.channels,
        };
        if padded == outputs {
            self.matrix.apply(&self.rows, at, frames, out);
            self.activation.apply(&mut out[..frames * outputs]);
        } else {
            self.matrix.apply(&self.rows, at, frames, &mut self.scratch);
            for (row, out) in self.scratch.chunks_exact(padded).zip(out.chunks_exact_mut(outputs)).take(frames) {
                out.copy_from_slice(&row[..outputs]);
                self.activation.apply(out);
            }
        }
        let used = frames * self.stride;
        self.rows.copy_within(used * self.channels..self.held * self.channels, 0);
        self.held -= used;
        frames
    }
}
