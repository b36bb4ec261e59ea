//! The only hand-written SIMD of vouch.
//!
//! Nearly all the time of a speaker network goes into one operation: a dense affine map over spliced frames
//! ([`SplicedMatrix::apply`]). It has a scalar reference and vector twins; the twin is chosen once, when a matrix is
//! packed. Every output is one accumulator that runs over the inputs in order with fused multiply-adds, so **every backend
//! and every blocking of the frames gives the same bits**. [`QuantisedMatrix`] does the same with 8-bit numbers. Everything else ([`exp`], [`tanh`], [`dot`]) is plain Rust
//! whose order of operations is fixed, compiled for wider registers where that is worth it ([`tanh_all`], [`ln_all`]).
//!
//! `VOUCH_SIMD=scalar|avx2|avx512|neon` forces a backend, as an aid in debugging; a name that is unknown or not available
//! here is an error ([`Backend::chosen`]).

use std::sync::Arc;

mod dispatch;
mod elementwise;
mod half;
pub mod peak;
mod quantised;
mod scalar;
mod scan;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
#[macro_use]
mod kernel;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use dispatch::{Backend, UnknownBackend};
pub use elementwise::{
    EXP_MAX_ULP, LN_MAX_ERROR, TANH_MAX_ERROR, add_all, add_weighted, correlate, dot, exp, ln, ln_all, power, relu_all,
    sum, tanh, tanh_all, windowed,
};
pub use half::{half_of, half_to_f32};
pub use quantised::{QUANTISED_MAX_INPUTS, QuantisedMatrix, QuantisedScratch};
pub use scan::{SCAN_ALIGN, SCAN_MAX_LEN, scan_i8};

/// Outputs that a panel of packed weights holds, on every backend.
pub const PANEL: usize = 32;

/// A weight matrix packed for [`SplicedMatrix::apply`], with its bias. Clones share the numbers.
///
/// *Shape* `(outputs, segments x segment_len)`, the layout of a PyTorch `Linear` over spliced frames.
#[derive(Clone, Debug)]
pub struct SplicedMatrix {
    backend: Backend,
    /// Panel by panel, `(inputs, PANEL)` each; outputs are padded with zeros.
    panels: Panels,
    bias: Arc<[f32]>,
    inputs: usize,
    outputs: usize,
}

/// Weights, panel by panel.
#[derive(Clone, Debug)]
enum Panels {
    /// As they are.
    Whole(Arc<[f32]>),
    /// In half precision, where that leaves every one of them as it is: half of the way from memory, which is what few frames
    /// at once wait for. Widened in registers.
    #[cfg(target_arch = "x86_64")]
    Half(Arc<[u16]>),
}

impl Panels {
    fn new(backend: Backend, weights: Vec<f32>) -> Self {
        #[cfg(target_arch = "x86_64")]
        if matches!(backend, Backend::Avx512 | Backend::Avx2)
            && is_x86_feature_detected!("f16c")
            && let Some(halves) = weights.iter().map(|&w| half_of(w)).collect::<Option<Vec<u16>>>()
        {
            return Self::Half(halves.into());
        }
        let _ = backend;
        Self::Whole(weights.into())
    }

    fn get(&self, at: usize) -> f32 {
        match self {
            Self::Whole(weights) => weights[at],
            #[cfg(target_arch = "x86_64")]
            Self::Half(weights) => half_to_f32(weights[at]),
        }
    }
}

/// Where the frames of one call lie in its input.
#[derive(Clone, Copy, Debug)]
pub struct Splice<'a> {
    /// Index of the first number of frame 0, before a segment's offset.
    pub first: usize,
    /// Numbers from one output frame to the next.
    pub stride: usize,
    /// Start of each segment, counted from the frame's own start.
    pub segments: &'a [usize],
    /// Numbers in a segment.
    pub segment_len: usize,
}

impl Splice<'_> {
    /// End of the last number that `frames` frames, at least one, read.
    fn reach(&self, frames: usize) -> Option<usize> {
        let last = (frames - 1).checked_mul(self.stride)?.checked_add(self.first)?;
        last.checked_add(self.segments.iter().max().copied()?)?.checked_add(self.segment_len)
    }
}

impl SplicedMatrix {
    /// Packs `weights`, row-major `(outputs, inputs)`, for `backend`. `None` if the lengths do not fit together, a length
    /// is zero, or this machine lacks the backend.
    pub fn new(backend: Backend, weights: &[f32], bias: &[f32], inputs: usize) -> Option<Self> {
        let outputs = bias.len();
        if inputs == 0 || outputs == 0 || outputs.checked_mul(inputs)? != weights.len() || !backend.is_available() {
            return None;
        }
        let panel_count = outputs.div_ceil(PANEL);
        let mut panels = vec![0.0; panel_count * PANEL * inputs];
        for (o, row) in weights.chunks_exact(inputs).enumerate() {
            let (panel, lane) = (o / PANEL, o % PANEL);
            for (k, &w) in row.iter().enumerate() {
                panels[(panel * inputs + k) * PANEL + lane] = w;
            }
        }
        let mut padded = vec![0.0; panel_count * PANEL];
        padded[..outputs].copy_from_slice(bias);
        Some(Self { backend, panels: Panels::new(backend, panels), bias: padded.into(), inputs, outputs })
    }

    /// Numbers that one output is computed from.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Numbers that one frame takes in the output of [`SplicedMatrix::apply`]: the outputs, padded to whole panels.
    pub fn padded_outputs(&self) -> usize {
        self.bias.len()
    }

    /// `y[b][o] = bias[o] + sum over s, k of x[first + b stride + segments[s] + k] w[o][s segment_len + k]` for `frames`
    /// frames; *shape* of `y`: `(frames, padded_outputs)`.
    ///
    /// *Real-time*: does not allocate. *Accuracy*: sequential fused multiply-adds, the bias first.
    ///
    /// # Panics
    /// If `x` or `y` is too short for the splice, or the segments do not make up the inputs.
    pub fn apply(&self, x: &[f32], at: Splice<'_>, frames: usize, y: &mut [f32]) {
        if frames == 0 {
            return;
        }
        // Checked sums: the kernels rely on these bounds.
        let reach = at.reach(frames).unwrap_or(usize::MAX);
        assert!(reach <= x.len(), "input of {} numbers, {reach} needed", x.len());
        let inputs = at.segments.len().checked_mul(at.segment_len);
        assert_eq!(inputs, Some(self.inputs), "segments do not make up the inputs");
        let needed = frames.checked_mul(self.padded_outputs());
        assert!(needed.is_some_and(|n| n <= y.len()), "output too short");
        match (self.backend, &self.panels) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `new` made this matrix only because `is_available` found AVX2 and FMA on this machine.
            (Backend::Avx2, Panels::Whole(w)) => unsafe { x86_64::apply_avx2(self, w, x, at, frames, y) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, and halves are kept only where F16C was found.
            (Backend::Avx2, Panels::Half(w)) => unsafe { x86_64::apply_avx2_half(self, w, x, at, frames, y) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `new` made this matrix only because `is_available` found AVX-512F on this machine.
            (Backend::Avx512, Panels::Whole(w)) => unsafe { x86_64::apply_avx512(self, w, x, at, frames, y) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            (Backend::Avx512, Panels::Half(w)) => unsafe { x86_64::apply_avx512_half(self, w, x, at, frames, y) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: NEON is part of AArch64.
            (Backend::Neon, Panels::Whole(w)) => unsafe { neon::apply_neon(self, w, x, at, frames, y) },
            // The reference; `new` refuses backends that this machine lacks.
            _ => scalar::apply(self, x, at, frames, y),
        }
        #[cfg(feature = "check-kernels")]
        for (b, row) in y.chunks_exact(self.padded_outputs()).take(frames).enumerate() {
            for (p, got) in row.chunks_exact(PANEL).enumerate() {
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                let expected = scalar::panel(self, x, at, b, p);
                assert!(
                    got.iter().zip(&expected).all(same),
                    "frame {b}, panel {p}: {got:?}, the reference gives {expected:?}"
                );
            }
        }
    }
}
