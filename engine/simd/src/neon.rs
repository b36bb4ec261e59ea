//! NEON twin of the scalar kernel. NEON is part of every AArch64 CPU, so nothing is detected.

use std::arch::aarch64::{float32x4_t, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32};

use crate::kernel::AHEAD;
use crate::{PANEL, Splice, SplicedMatrix};

/// a b + c, in the argument order of the other instruction sets.
#[inline]
#[target_feature(enable = "neon")]
fn multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
    vfmaq_f32(c, a, b)
}

/// Left to the hardware.
#[inline(always)]
fn fetch(_: *const f32) {}

#[rustfmt::skip]
kernel!(
    apply_neon, tile_neon, "neon", float32x4_t, 4, 4, [1 2 3 4] 5,
    vld1q_f32, vst1q_f32, vdupq_n_f32, multiply_add, f32, vld1q_f32, fetch
);
