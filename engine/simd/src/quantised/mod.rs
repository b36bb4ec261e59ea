//! The affine map of [`crate::SplicedMatrix`] with 8-bit weights and 8-bit inputs.
//!
//! Weights are rounded once, to -127..127 with one scale for each output. Inputs are rounded anew for every frame, to 0..255 over
//! the range of that very frame's inputs: no calibration is needed, and how a stream is cut into blocks changes nothing. Sums of
//! products are whole numbers and so exact; what follows them is the same code for every backend. **Every backend gives
//! the same bits.**

use std::sync::Arc;

use crate::{Backend, PANEL, Splice};

#[macro_use]
mod kernel;
#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use kernel::Kernel;

/// Most inputs: no sum of products overflows.
pub const QUANTISED_MAX_INPUTS: usize = 1 << 16;
/// Inputs are padded with zeros to a multiple of this.
const PADDING: usize = 8;
/// Inputs whose range is taken side by side.
const LANES: usize = 32;

/// A weight matrix in 8 bits, packed for [`QuantisedMatrix::apply`], with its bias. Clones share the numbers.
#[derive(Clone, Debug)]
pub struct QuantisedMatrix {
    kernel: Kernel,
    /// Panel by panel, `(padded inputs / group, PANEL, group)` each, with the group of the kernel.
    panels: Arc<[i8]>,
    /// What one step of each output's weights stands for.
    steps: Arc<[f32]>,
    /// Sum of each output's weights, as they were rounded.
    totals: Arc<[f32]>,
    bias: Arc<[f32]>,
    inputs: usize,
    outputs: usize,
}

/// What [`QuantisedMatrix::apply`] writes to while it runs.
#[derive(Clone, Debug, Default)]
pub struct QuantisedScratch {
    inputs: Vec<u8>,
    /// The same in 16 bits, for kernels that multiply those.
    wide: Vec<i16>,
    /// For each frame: what 0 stands for, and one step.
    ranges: Vec<(f32, f32)>,
    sums: Vec<i32>,
}

impl QuantisedScratch {
    /// Makes room for what `matrix` needs for at most so many frames at once; several matrices may share it.
    pub fn reserve(&mut self, matrix: &QuantisedMatrix, frames: usize) {
        let inputs = frames * matrix.padded_inputs();
        let wide = if matrix.kernel == Kernel::Avx2 { inputs } else { 0 };
        self.inputs.resize(self.inputs.len().max(inputs), 0);
        self.wide.resize(self.wide.len().max(wide), 0);
        self.ranges.resize(self.ranges.len().max(frames), (0.0, 0.0));
        self.sums.resize(self.sums.len().max(frames * matrix.padded_outputs()), 0);
    }
}

impl QuantisedMatrix {
    /// Rounds and packs `weights`, row-major `(outputs, inputs)`, for `backend`. `None` if the lengths do not fit together, a
    /// length is zero or beyond [`QUANTISED_MAX_INPUTS`], a number is not finite, or this machine lacks the backend.
    pub fn new(backend: Backend, weights: &[f32], bias: &[f32], inputs: usize) -> Option<Self> {
        if !backend.is_available() {
            return None;
        }
        Self::with_kernel(Kernel::of(backend), weights, bias, inputs)
    }

    fn with_kernel(kernel: Kernel, weights: &[f32], bias: &[f32], inputs: usize) -> Option<Self> {
        let outputs = bias.len();
        if inputs == 0
            || inputs > QUANTISED_MAX_INPUTS
            || outputs == 0
            || outputs.checked_mul(inputs)? != weights.len()
            || !kernel.is_available()
            || !weights.iter().chain(bias).all(|w| w.is_finite())
        {
            return None;
        }
        let (group, padded_inputs) = (kernel.group(), inputs.next_multiple_of(PADDING));
        let padded = outputs.div_ceil(PANEL) * PANEL;
        let mut panels = vec![0i8; padded * padded_inputs];
        let (mut steps, mut totals, mut own_bias) = (vec![0.0; padded], vec![0.0; padded], vec![0.0; padded]);
        own_bias[..outputs].copy_from_slice(bias);
        for (o, row) in weights.chunks_exact(inputs).enumerate() {
            let peak = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
            let step = peak / 127.0;
            if step == 0.0 {
                continue;
            }
            let mut total = 0i32;
            for (k, &w) in row.iter().enumerate() {
                let q = (w / step).round().clamp(-127.0, 127.0) as i8;
                total += i32::from(q);
                let (panel, lane) = (o / PANEL, o % PANEL);
                let at = panel * (padded_inputs / group) + k / group;
                panels[(at * PANEL + lane) * group + k % group] = q;
            }
            steps[o] = step;
            totals[o] = total as f32;
        }
        Some(Self {
            kernel,
            panels: panels.into(),
            steps: steps.into(),
            totals: totals.into(),
            bias: own_bias.into(),
            inputs,
            outputs,
        })
    }

    /// Numbers that one output is computed from.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Numbers that one frame takes in the output: the outputs, padded to whole panels.
    pub fn padded_outputs(&self) -> usize {
        self.bias.len()
    }

    fn padded_inputs(&self) -> usize {
        self.inputs.next_multiple_of(PADDING)
    }

    /// What [`QuantisedMatrix::apply`] needs for at most so many frames at once.
    pub fn scratch(&self, frames: usize) -> QuantisedScratch {
        let mut scratch = QuantisedScratch::default();
        scratch.reserve(self, frames);
        scratch
    }

    /// As [`crate::SplicedMatrix::apply`], up to the rounding of weights and inputs: with the range `r` of a frame's inputs, an
    /// output is off by at most `r / 510` times the sum of its weights' magnitudes, and half a step of its weights times the
    /// sum of its inputs' magnitudes.
    ///
    /// *Real-time*: does not allocate.
    ///
    /// # Panics
    /// If `x`, `y` or `scratch` is too short, or the segments do not make up the inputs.
    pub fn apply(&self, x: &[f32], at: Splice<'_>, frames: usize, scratch: &mut QuantisedScratch, y: &mut [f32]) {
        if frames == 0 {
            return;
        }
        let reach = at.reach(frames).unwrap_or(usize::MAX);
        assert!(reach <= x.len(), "input of {} numbers, {reach} needed", x.len());
        assert_eq!(
            at.segments.len().checked_mul(at.segment_len),
            Some(self.inputs),
            "segments do not make up the inputs"
        );
        let (padded_inputs, padded) = (self.padded_inputs(), self.padded_outputs());
        let needed = frames.checked_mul(padded);
        assert!(needed.is_some_and(|n| n <= y.len()), "output too short");
        assert!(frames <= scratch.ranges.len(), "scratch for {} frames, {frames} given", scratch.ranges.len());
        let fits = scratch.inputs.len() >= frames * padded_inputs && scratch.sums.len() >= frames * padded;
        assert!(
            fits && (self.kernel != Kernel::Avx2 || scratch.wide.len() >= frames * padded_inputs),
            "another's scratch"
        );

        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this kernel is only where AVX-512F is.
            Kernel::Avx512Vnni => unsafe { x86_64::quantise_512(self, x, at, frames, scratch) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: these kernels are only where AVX2 is.
            Kernel::Avx2 | Kernel::AvxVnni => unsafe { x86_64::quantise(self, x, at, frames, scratch) },
            _ => self.quantise(x, at, frames, scratch, bytes),
        }
        self.products(frames, scratch);
        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this kernel is only where AVX-512F is.
            Kernel::Avx512Vnni => unsafe { x86_64::scale_512(self, frames, scratch, y) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: these kernels are only where AVX2 is.
            Kernel::Avx2 | Kernel::AvxVnni => unsafe { x86_64::scale(self, frames, scratch, y) },
            _ => self.scale(frames, scratch, y),
        }
    }

    /// Rounds the inputs; `bytes` does so for those of a segment.
    #[inline(always)]
    fn quantise(
        &self,
        x: &[f32],
        at: Splice<'_>,
        frames: usize,
        scratch: &mut QuantisedScratch,
        bytes: impl Fn(&[f32], Steps, &mut [u8]),
    ) {
        let rows = scratch.inputs.chunks_exact_mut(self.padded_inputs());
        for (b, (row, own)) in rows.zip(&mut scratch.ranges).enumerate().take(frames) {
            let base = at.first + b * at.stride;
            let segment = |s: usize| &x[base + s..][..at.segment_len];
            let (low, step) = range(at.segments.iter().map(|&s| segment(s)));
            *own = (low, step);
            if step == 0.0 {
                row.fill(self.kernel.flip());
                continue;
            }
            let steps = Steps { low, inverse: 1.0 / step, flip: self.kernel.flip() };
            // What lies in the padding counts as nothing because its weights are 0.
            for (row, &s) in row.chunks_exact_mut(at.segment_len).zip(at.segments) {
                bytes(segment(s), steps, row);
            }
        }
        let used = frames * self.padded_inputs();
        for (wide, &byte) in scratch.wide.iter_mut().zip(&scratch.inputs[..used]) {
            *wide = i16::from(byte);
        }
    }

    /// What the sums stand for.
    #[inline(always)]
    fn scale(&self, frames: usize, scratch: &QuantisedScratch, y: &mut [f32]) {
        let padded = self.padded_outputs();
        let rows = scratch.sums.chunks_exact(padded).zip(y.chunks_exact_mut(padded));
        for ((sums, out), &(low, step)) in rows.zip(&scratch.ranges).take(frames) {
            let parts = self.steps.iter().zip(&self.totals[..]).zip(&self.bias[..]);
            for ((o, &sum), ((&weight_step, &total), &bias)) in out.iter_mut().zip(sums).zip(parts) {
                *o = weight_step * (step * sum as f32 + low * total) + bias;
            }
        }
    }

    /// `sums[b][o] = sum over k of inputs[b][k] weights[o][k]`.
    fn products(&self, frames: usize, scratch: &mut QuantisedScratch) {
        let padded = self.padded_outputs();
        let inputs = &scratch.inputs[..frames * self.padded_inputs()];
        let sums = &mut scratch.sums[..frames * padded];
        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a matrix is only made for a kernel that this machine has; the slices are as long as the frames.
            Kernel::Avx512Vnni => unsafe { x86_64::products_avx512(self, inputs, frames, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kernel::AvxVnni => unsafe { x86_64::products_avxvnni(self, inputs, frames, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above; the same inputs in 16 bits.
            Kernel::Avx2 => unsafe { x86_64::products_avx2(self, &scratch.wide[..inputs.len()], frames, sums) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Kernel::Dot => unsafe { aarch64::products_dot(self, inputs, frames, sums) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Kernel::Neon => unsafe { aarch64::products_neon(self, inputs, frames, sums) },
            _ => self.products_scalar(inputs, sums),
        }
        if self.kernel.flip() != 0 {
            for row in sums.chunks_exact_mut(padded) {
                row.iter_mut().zip(&self.totals[..]).for_each(|(sum, &total)| *sum += 128 * total as i32);
            }
        }
        #[cfg(feature = "check-kernels")]
        {
            let mut expected = vec![0; sums.len()];
            self.products_scalar(inputs, &mut expected);
            assert_eq!(sums, &expected[..], "{:?} differs from the reference", self.kernel);
        }
    }

    /// The reference.
    fn products_scalar(&self, inputs: &[u8], sums: &mut [i32]) {
        let (flip, group) = (self.kernel.flip(), self.kernel.group());
        let (padded_inputs, padded) = (self.padded_inputs(), self.padded_outputs());
        for (row, sums) in inputs.chunks_exact(padded_inputs).zip(sums.chunks_exact_mut(padded)) {
            for (out, weights) in sums.chunks_exact_mut(PANEL).zip(self.panels.chunks_exact(padded_inputs * PANEL)) {
                out.fill(0);
                for (x, w) in row.chunks_exact(group).zip(weights.chunks_exact(PANEL * group)) {
                    for (o, w) in out.iter_mut().zip(w.chunks_exact(group)) {
                        *o += x.iter().zip(w).map(|(&x, &w)| i32::from(x ^ flip) * i32::from(w)).sum::<i32>();
                    }
                }
            }
        }
    }
}

/// How the inputs of a frame are rounded.
#[derive(Clone, Copy)]
struct Steps {
    low: f32,
    inverse: f32,
    flip: u8,
}

/// Adding 1.5 x 2^23 to a number rounds it to the nearest whole one, which is then in the low bits.
const ROUND: f32 = 12_582_912.0;

/// Rounds inputs of one length to bytes: the reference.
fn bytes(x: &[f32], steps: Steps, out: &mut [u8]) {
    for (q, &v) in out.iter_mut().zip(x) {
        *q = ((v - steps.low) * steps.inverse + ROUND).to_bits() as u8 ^ steps.flip;
    }
}

/// The least of a frame's inputs, and a 255th of how far they reach; 0 where they do not reach anywhere.
#[inline(always)]
fn range<'a>(segments: impl Iterator<Item = &'a [f32]>) -> (f32, f32) {
    let (mut lows, mut highs) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    for segment in segments {
        let mut parts = segment.chunks_exact(LANES);
        for part in parts.by_ref() {
            for ((l, h), &v) in lows.iter_mut().zip(&mut highs).zip(part) {
                *l = if v < *l { v } else { *l };
                *h = if v > *h { v } else { *h };
            }
        }
        for ((l, h), &v) in lows.iter_mut().zip(&mut highs).zip(parts.remainder()) {
            *l = if v < *l { v } else { *l };
            *h = if v > *h { v } else { *h };
        }
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lows[i] = if lows[i + width] < lows[i] { lows[i + width] } else { lows[i] };
            highs[i] = if highs[i + width] > highs[i] { highs[i + width] } else { highs[i] };
        }
    }
    let (low, high) = (lows[0], highs[0]);
    let step = (high - low) / 255.0;
    if step > 0.0 && step.is_finite() { (low, step) } else { (if low.is_finite() { low } else { 0.0 }, 0.0) }
}
