//! The affine map of [`crate::SplicedMatrix`] with 8-bit weights and 8-bit inputs.
//!
//! Weights are rounded once, to -127..127 with one scale for each output. Inputs are rounded anew for every frame, to 0..255 over
//! the range of that very frame's inputs: no calibration is needed, and how a stream is cut into blocks changes nothing. Sums of
//! products are whole numbers and so exact; what follows them is the same code for every backend. **Every backend gives
//! the same bits.**

use std::sync::Arc;

use crate::{Backend, PANEL, Splice};

/// Most inputs: no sum of products overflows.
pub const QUANTISED_MAX_INPUTS: usize = 1 << 16;
/// Inputs are padded with zeros to a multiple of this.
const GROUP: usize = 4;

/// A weight matrix in 8 bits, packed for [`QuantisedMatrix::apply`], with its bias. Clones share the numbers.
#[derive(Clone, Debug)]
pub struct QuantisedMatrix {
    backend: Backend,
    /// Inputs that lie together, for each of a panel's outputs.
    together: usize,
    /// Panel by panel, `(padded inputs / together, PANEL, together)` each.
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
#[derive(Clone, Debug)]
pub struct QuantisedScratch {
    inputs: Vec<u8>,
    /// For each frame: what 0 stands for, and one step.
    ranges: Vec<(f32, f32)>,
    sums: Vec<i32>,
}

impl QuantisedMatrix {
    /// Rounds and packs `weights`, row-major `(outputs, inputs)`, for `backend`. `None` if the lengths do not fit together, a
    /// length is zero or beyond [`QUANTISED_MAX_INPUTS`], a number is not finite, or this machine lacks the backend.
    pub fn new(backend: Backend, weights: &[f32], bias: &[f32], inputs: usize) -> Option<Self> {
        let outputs = bias.len();
        if inputs == 0
            || inputs > QUANTISED_MAX_INPUTS
            || outputs == 0
            || outputs.checked_mul(inputs)? != weights.len()
            || !backend.is_available()
            || !weights.iter().chain(bias).all(|w| w.is_finite())
        {
            return None;
        }
        let together = if kernel(backend) == Kernel::Avx2 { 2 } else { 4 };
        let padded_inputs = inputs.next_multiple_of(GROUP);
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
                let group = panel * (padded_inputs / together) + k / together;
                panels[(group * PANEL + lane) * together + k % together] = q;
            }
            steps[o] = step;
            totals[o] = total as f32;
        }
        Some(Self {
            backend,
            together,
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
        self.inputs.next_multiple_of(GROUP)
    }

    /// What [`QuantisedMatrix::apply`] needs for at most so many frames at once.
    pub fn scratch(&self, frames: usize) -> QuantisedScratch {
        QuantisedScratch {
            inputs: vec![0; frames * self.padded_inputs()],
            ranges: vec![(0.0, 0.0); frames],
            sums: vec![0; frames * self.padded_outputs()],
        }
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
        assert!(
            scratch.inputs.len() >= frames * padded_inputs && scratch.sums.len() >= frames * padded,
            "another's scratch"
        );

        for b in 0..frames {
            let row = &mut scratch.inputs[b * padded_inputs..][..padded_inputs];
            scratch.ranges[b] = quantise(x, at, b, row);
        }
        let inputs = &scratch.inputs[..frames * padded_inputs];
        let sums = &mut scratch.sums[..frames * padded];
        self.products(inputs, frames, sums);
        for (b, (sums, out)) in sums.chunks_exact(padded).zip(y.chunks_exact_mut(padded)).enumerate() {
            let (low, step) = scratch.ranges[b];
            let parts = self.steps.iter().zip(&self.totals[..]).zip(&self.bias[..]);
            for ((o, &sum), ((&weight_step, &total), &bias)) in out.iter_mut().zip(sums).zip(parts) {
                *o = weight_step * (step * sum as f32 + low * total) + bias;
            }
        }
    }

    /// `sums[b][o] = sum over k of inputs[b][k] weights[o][k]`.
    fn products(&self, inputs: &[u8], frames: usize, sums: &mut [i32]) {
        match kernel(self.backend) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the features were found on this machine; `apply` checked the lengths, and `new` packed for this kernel.
            Kernel::Vnni => unsafe { x86::products_vnni(self, inputs, frames, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kernel::Avx2 => unsafe { x86::products_avx2(self, inputs, frames, sums) },
            _ => self.products_scalar(inputs, frames, sums),
        }
        #[cfg(feature = "check-kernels")]
        {
            let mut expected = vec![0; sums.len()];
            self.products_scalar(inputs, frames, &mut expected);
            assert_eq!(sums, &expected[..], "{:?} differs from the reference", self.backend);
        }
    }

    /// The reference.
    fn products_scalar(&self, inputs: &[u8], frames: usize, sums: &mut [i32]) {
        let (padded_inputs, padded, together) = (self.padded_inputs(), self.padded_outputs(), self.together);
        for b in 0..frames {
            let row = &inputs[b * padded_inputs..][..padded_inputs];
            for (panel, out) in sums[b * padded..][..padded].chunks_exact_mut(PANEL).enumerate() {
                out.fill(0);
                let weights = &self.panels[panel * padded_inputs * PANEL..][..padded_inputs * PANEL];
                for (x, w) in row.chunks_exact(together).zip(weights.chunks_exact(PANEL * together)) {
                    for (o, w) in out.iter_mut().zip(w.chunks_exact(together)) {
                        *o += x.iter().zip(w).map(|(&x, &w)| i32::from(x) * i32::from(w)).sum::<i32>();
                    }
                }
            }
        }
    }
}

/// Rounds the inputs of frame `b` to 0..255; returns what 0 stands for, and one step.
fn quantise(x: &[f32], at: Splice<'_>, b: usize, out: &mut [u8]) -> (f32, f32) {
    let base = at.first + b * at.stride;
    let segment = |s: usize| &x[base + s..][..at.segment_len];
    let (mut low, mut high) = ([f32::INFINITY; 8], [f32::NEG_INFINITY; 8]);
    for &s in at.segments {
        let mut parts = segment(s).chunks_exact(8);
        for part in parts.by_ref() {
            for ((l, h), &v) in low.iter_mut().zip(&mut high).zip(part) {
                *l = if v < *l { v } else { *l };
                *h = if v > *h { v } else { *h };
            }
        }
        for &v in parts.remainder() {
            low[0] = if v < low[0] { v } else { low[0] };
            high[0] = if v > high[0] { v } else { high[0] };
        }
    }
    let low = low.iter().copied().fold(f32::INFINITY, f32::min);
    let high = high.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // The padding counts as nothing because its weights are 0.
    out.fill(0);
    let step = (high - low) / 255.0;
    if !(step > 0.0 && step.is_finite()) {
        return (if low.is_finite() { low } else { 0.0 }, 0.0);
    }
    let inverse = 1.0 / step;
    // Adding 1.5 x 2^23 rounds to the nearest whole number, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let mut rest = out;
    for &s in at.segments {
        let (now, later) = rest.split_at_mut(at.segment_len);
        for (q, &v) in now.iter_mut().zip(segment(s)) {
            *q = ((v - low) * inverse + ROUND).to_bits() as u8;
        }
        rest = later;
    }
    (low, step)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kernel {
    Scalar,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    Avx2,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    Vnni,
}

/// The kernel of a backend that this machine has. On NEON the reference runs, which the compiler vectorises.
fn kernel(backend: Backend) -> Kernel {
    #[cfg(target_arch = "x86_64")]
    match backend {
        Backend::Avx512 if crate::scan::has_vnni() => return Kernel::Vnni,
        Backend::Avx512 | Backend::Avx2 if Backend::Avx2.is_available() => return Kernel::Avx2,
        _ => {}
    }
    let _ = backend;
    Kernel::Scalar
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, __m512i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16,
        _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256, _mm512_dpbusd_epi32, _mm512_loadu_si512,
        _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
    };

    use super::QuantisedMatrix;
    use crate::PANEL;

    /// # Safety
    /// The CPU must have AVX-512 with VNNI; `m` is packed in fours; `inputs` and `sums` hold `frames` padded frames.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn products_vnni(m: &QuantisedMatrix, inputs: &[u8], frames: usize, sums: &mut [i32]) {
        let mut b = 0;
        while b < frames {
            let n = (frames - b).min(8);
            for panel in 0..m.padded_outputs() / PANEL {
                // SAFETY: the features are this function's; b + n <= frames, and the panel exists.
                unsafe {
                    match n {
                        1 => tile_vnni::<1>(m, inputs, b, panel, sums),
                        2 => tile_vnni::<2>(m, inputs, b, panel, sums),
                        3 => tile_vnni::<3>(m, inputs, b, panel, sums),
                        4 => tile_vnni::<4>(m, inputs, b, panel, sums),
                        5 => tile_vnni::<5>(m, inputs, b, panel, sums),
                        6 => tile_vnni::<6>(m, inputs, b, panel, sums),
                        7 => tile_vnni::<7>(m, inputs, b, panel, sums),
                        _ => tile_vnni::<8>(m, inputs, b, panel, sums),
                    }
                }
            }
            b += n;
        }
    }

    /// # Safety
    /// As the caller's; `N` frames from `b` on and the panel exist.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn tile_vnni<const N: usize>(m: &QuantisedMatrix, inputs: &[u8], b: usize, panel: usize, sums: &mut [i32]) {
        let (len, padded) = (m.padded_inputs(), m.padded_outputs());
        let mut acc: [[__m512i; 2]; N] = [[_mm512_setzero_si512(); 2]; N];
        // SAFETY: a panel is len * PANEL bytes, read 128 at a time for each 4 inputs; frames are len bytes each, read 4 at a
        // time; a frame's sums are padded long and the panel's 32 lie within them.
        unsafe {
            let mut w = m.panels.as_ptr().add(panel * len * PANEL);
            let x = inputs.as_ptr().add(b * len);
            for k in (0..len).step_by(4) {
                let weights = [_mm512_loadu_si512(w.cast()), _mm512_loadu_si512(w.add(64).cast())];
                for (n, acc) in acc.iter_mut().enumerate() {
                    let four = _mm512_set1_epi32(x.add(n * len + k).cast::<i32>().read_unaligned());
                    acc[0] = _mm512_dpbusd_epi32(acc[0], four, weights[0]);
                    acc[1] = _mm512_dpbusd_epi32(acc[1], four, weights[1]);
                }
                w = w.add(128);
            }
            let out = sums.as_mut_ptr().add(b * padded + panel * PANEL);
            for (n, acc) in acc.iter().enumerate() {
                _mm512_storeu_si512(out.add(n * padded).cast(), acc[0]);
                _mm512_storeu_si512(out.add(n * padded + 16).cast(), acc[1]);
            }
        }
    }

    /// # Safety
    /// The CPU must have AVX2; `m` is packed in twos; `inputs` and `sums` hold `frames` padded frames.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn products_avx2(m: &QuantisedMatrix, inputs: &[u8], frames: usize, sums: &mut [i32]) {
        let mut b = 0;
        while b < frames {
            let n = (frames - b).min(5);
            for half in 0..m.padded_outputs() / 16 {
                // SAFETY: the features are this function's; b + n <= frames, and the 16 outputs exist.
                unsafe {
                    match n {
                        1 => tile_avx2::<1>(m, inputs, b, half, sums),
                        2 => tile_avx2::<2>(m, inputs, b, half, sums),
                        3 => tile_avx2::<3>(m, inputs, b, half, sums),
                        4 => tile_avx2::<4>(m, inputs, b, half, sums),
                        _ => tile_avx2::<5>(m, inputs, b, half, sums),
                    }
                }
            }
            b += n;
        }
    }

    /// # Safety
    /// As the caller's; `N` frames from `b` on and the `half`th 16 outputs exist.
    #[inline(never)]
    #[target_feature(enable = "avx2")]
    unsafe fn tile_avx2<const N: usize>(m: &QuantisedMatrix, inputs: &[u8], b: usize, half: usize, sums: &mut [i32]) {
        let (len, padded) = (m.padded_inputs(), m.padded_outputs());
        let (panel, lane) = (half / 2, 16 * (half % 2));
        let mut acc: [[__m256i; 2]; N] = [[_mm256_setzero_si256(); 2]; N];
        // SAFETY: a panel is len * PANEL bytes, 64 for each 2 inputs, of which 32 from 2 * lane on are read; frames are len
        // bytes each, read 2 at a time; a frame's sums are padded long and these 16 lie within them.
        unsafe {
            let mut w = m.panels.as_ptr().add(panel * len * PANEL + 2 * lane);
            let x = inputs.as_ptr().add(b * len);
            for k in (0..len).step_by(2) {
                let load = |p: *const i8| _mm256_cvtepi8_epi16(_mm_loadu_si128(p.cast::<__m128i>()));
                let weights = [load(w), load(w.add(16))];
                for (n, acc) in acc.iter_mut().enumerate() {
                    let (first, second) = (*x.add(n * len + k), *x.add(n * len + k + 1));
                    let two = _mm256_set1_epi32(i32::from(first) | i32::from(second) << 16);
                    acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(weights[0], two));
                    acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(weights[1], two));
                }
                w = w.add(64);
            }
            let out = sums.as_mut_ptr().add(b * padded + panel * PANEL + lane);
            for (n, acc) in acc.iter().enumerate() {
                _mm256_storeu_si256(out.add(n * padded).cast(), acc[0]);
                _mm256_storeu_si256(out.add(n * padded + 8).cast(), acc[1]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: u64, n: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn every_backend_gives_the_bits_of_the_reference_within_the_stated_bound() {
        let mut cases = 0;
        for outputs in [1, 2, 16, 31, 32, 33, 64, 97] {
            for (segments, segment_len) in [(1, 1), (1, 7), (3, 5), (5, 16), (2, 33), (3, 256)] {
                let inputs = segments * segment_len;
                for kind in 0..3 {
                    let mut weights = numbers(outputs as u64 + kind, outputs * inputs);
                    if kind == 1 {
                        weights.iter_mut().for_each(|w| *w = 1f32.copysign(*w));
                    }
                    let bias = numbers(3, outputs);
                    for frames in [1, 2, 3, 5, 7, 8, 9, 17] {
                        let starts: Vec<usize> = (0..segments).map(|s| s * (segment_len + 1)).collect();
                        let (first, stride) = (frames % 3, segment_len + frames % 2);
                        let length = first + starts[segments - 1] + segment_len + (frames - 1) * stride;
                        let mut x = numbers(7 + kind, length);
                        if kind == 2 {
                            x.fill(0.25);
                        }
                        let at = Splice { first, stride, segments: &starts, segment_len };
                        let run = |backend: Backend| {
                            let m = QuantisedMatrix::new(backend, &weights, &bias, inputs).unwrap();
                            let mut scratch = m.scratch(frames);
                            let mut y = vec![f32::NAN; frames * m.padded_outputs()];
                            m.apply(&x, at, frames, &mut scratch, &mut y);
                            let padded = m.padded_outputs();
                            for b in 0..frames {
                                let mut one = vec![0.0; padded];
                                m.apply(&x, Splice { first: first + b * stride, ..at }, 1, &mut scratch, &mut one);
                                let same = one.iter().zip(&y[b * padded..]).all(|(a, b)| a.to_bits() == b.to_bits());
                                assert!(same, "{backend:?}: frame {b} of {frames} depends on its block");
                            }
                            y
                        };
                        let reference = run(Backend::Scalar);
                        let padded = outputs.div_ceil(PANEL) * PANEL;
                        for b in 0..frames {
                            let taken: Vec<f32> = starts
                                .iter()
                                .flat_map(|s| x[first + b * stride + s..][..segment_len].to_vec())
                                .collect();
                            let low = taken.iter().copied().fold(f32::INFINITY, f32::min);
                            let high = taken.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                            let magnitude: f32 = taken.iter().map(|v| v.abs()).sum();
                            for (o, row) in weights.chunks_exact(inputs).enumerate() {
                                let exact: f64 =
                                    row.iter().zip(&taken).map(|(&w, &v)| f64::from(w) * f64::from(v)).sum();
                                let exact = exact + f64::from(bias[o]);
                                let total: f32 = row.iter().map(|w| w.abs()).sum();
                                let peak = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
                                // The second product of errors, and roundings of f32, are far below a percent of it.
                                let bound = 1.02 * ((high - low) / 510.0 * total + peak / 254.0 * magnitude) + 1e-5;
                                let got = reference[b * padded + o];
                                assert!((f64::from(got) - exact).abs() <= f64::from(bound), "{got} {exact} {bound}");
                            }
                        }
                        for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
                            let got = run(backend);
                            let same = got.iter().zip(&reference).all(|(a, b)| a.to_bits() == b.to_bits());
                            assert!(same, "{backend:?} outputs {outputs} inputs {inputs} frames {frames} kind {kind}");
                            cases += 1;
                        }
                    }
                }
            }
        }
        assert!(cases > 1_000, "{cases}");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let inputs = QUANTISED_MAX_INPUTS;
        let x: Vec<f32> = (0..inputs).map(|k| if k == 0 { 0.0 } else { 1.0 }).collect();
        for sign in [1.0, -1.0] {
            let weights = vec![sign; inputs];
            for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
                let m = QuantisedMatrix::new(backend, &weights, &[0.0], inputs).unwrap();
                let mut y = vec![0.0; m.padded_outputs()];
                let at = Splice { first: 0, stride: 0, segments: &[0], segment_len: inputs };
                m.apply(&x, at, 1, &mut m.scratch(1), &mut y);
                let want = sign * (inputs - 1) as f32;
                assert!((y[0] / want - 1.0).abs() < 1e-5, "{backend:?}: {} instead of {want}", y[0]);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let new = |w: &[f32], b: &[f32], n| QuantisedMatrix::new(Backend::Scalar, w, b, n);
        assert!(new(&[0.0; 12], &[0.0; 3], 4).is_some());
        assert!(new(&[0.0; 12], &[0.0; 3], 5).is_none());
        assert!(new(&[f32::NAN; 12], &[0.0; 3], 4).is_none());
        assert!(new(&[], &[], 0).is_none());
        let m = new(&[1.0; 8], &[0.0; 2], 4).unwrap();
        let at = Splice { first: 0, stride: 4, segments: &[0], segment_len: 4 };
        for (x, at, frames, room, scratch) in [
            (4, Splice { first: 1, ..at }, 1, 32, 1),
            (4, Splice { first: usize::MAX, ..at }, 1, 32, 1),
            (8, at, 2, 63, 2),
            (8, at, 2, 64, 1),
            (8, Splice { segments: &[0, 4], ..at }, 1, 32, 1),
        ] {
            let run = std::panic::AssertUnwindSafe(|| {
                m.apply(&vec![0.0; x], at, frames, &mut m.scratch(scratch), &mut vec![0.0; room]);
            });
            assert!(std::panic::catch_unwind(run).is_err(), "{at:?}");
        }
    }
}
