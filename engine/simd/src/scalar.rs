//! The reference: plain loops, never optimised. Vector twins must give its bits.

use crate::{PANEL, Splice, SplicedMatrix};

pub(crate) fn apply(m: &SplicedMatrix, x: &[f32], at: Splice<'_>, frames: usize, y: &mut [f32]) {
    for (b, row) in y.chunks_exact_mut(m.padded_outputs()).take(frames).enumerate() {
        for (p, out) in row.chunks_exact_mut(PANEL).enumerate() {
            out.copy_from_slice(&panel(m, x, at, b, p));
        }
    }
}

/// The outputs of panel `p` for frame `b`.
pub(crate) fn panel(m: &SplicedMatrix, x: &[f32], at: Splice<'_>, b: usize, p: usize) -> [f32; PANEL] {
    let weight = |k: usize, lane: usize| m.panels.get((p * m.inputs + k) * PANEL + lane);
    let base = at.first + b * at.stride;
    std::array::from_fn(|lane| {
        let mut sum = m.bias[p * PANEL + lane];
        for (s, &segment) in at.segments.iter().enumerate() {
            for k in 0..at.segment_len {
                sum = x[base + segment + k].mul_add(weight(s * at.segment_len + k, lane), sum);
            }
        }
        sum
    })
}
