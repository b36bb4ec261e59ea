//! NEON, with SDOT where there is one. Inputs come as signed bytes, see `Kernel::flip`.

use std::arch::aarch64::{
    int8x16_t, int32x4_t, vdup_n_s32, vdupq_n_s32, vld1_s8, vld1q_s8, vmlal_s8, vmull_s8, vpadalq_s16, vpaddq_s32,
    vreinterpret_s8_s32, vreinterpretq_s8_s32, vreinterpretq_s32_s8, vst1q_s32,
};
use std::arch::asm;

use super::QuantisedMatrix;
use crate::PANEL;

/// # Safety
/// 16 bytes are there.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn load(p: *const i8) -> int32x4_t {
    // SAFETY: the caller's promise.
    vreinterpretq_s32_s8(unsafe { vld1q_s8(p) })
}

/// # Safety
/// 4 bytes are there.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn splat(p: *const u8) -> int32x4_t {
    // SAFETY: the caller's promise.
    vdupq_n_s32(unsafe { p.cast::<i32>().read_unaligned() })
}

/// # Safety
/// 4 sums are there.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn store(p: *mut i32, sums: int32x4_t) {
    // SAFETY: the caller's promise.
    unsafe { vst1q_s32(p, sums) }
}

#[inline]
#[target_feature(enable = "neon")]
fn zero() -> int32x4_t {
    vdupq_n_s32(0)
}

/// Each of four sums of `acc` plus four products of bytes.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(acc: int32x4_t, x: int32x4_t, w: int32x4_t) -> int32x4_t {
    let (x, w): (int8x16_t, int8x16_t) = (vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(w));
    let mut sum = acc;
    // SAFETY: the CPU has the instruction, which touches these registers only. The standard library's own name for it is not
    // stable in the oldest Rust that this crate builds with.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {x:v}.16b, {w:v}.16b",
            sum = inout(vreg) sum,
            x = in(vreg) x,
            w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

#[rustfmt::skip]
tiles!(
    products_dot, tile_dot, "neon,dotprod", int32x4_t, 4, u8, 4, wide [1 2 3 4], narrow [] 4,
    zero, load, splat, dot, store
);

const GROUP: usize = 4;

/// # Safety
/// `inputs` and `sums` hold `frames` padded frames.
#[target_feature(enable = "neon")]
pub(super) unsafe fn products_neon(m: &QuantisedMatrix, inputs: &[u8], frames: usize, sums: &mut [i32]) {
    let mut b = 0;
    while b < frames {
        let n = (frames - b).min(4);
        for column in (0..m.padded_outputs()).step_by(8) {
            // SAFETY: b + n <= frames, and 8 outputs from column on exist.
            unsafe {
                match n {
                    1 => tile_neon::<1>(m, inputs, b, column, sums),
                    2 => tile_neon::<2>(m, inputs, b, column, sums),
                    3 => tile_neon::<3>(m, inputs, b, column, sums),
                    _ => tile_neon::<4>(m, inputs, b, column, sums),
                }
            }
        }
        b += n;
    }
}

/// # Safety
/// As the caller's; `N` frames from `b` on and 8 outputs from `column` on exist.
#[inline(never)]
#[target_feature(enable = "neon")]
unsafe fn tile_neon<const N: usize>(m: &QuantisedMatrix, inputs: &[u8], b: usize, column: usize, sums: &mut [i32]) {
    let (len, padded) = (m.padded_inputs(), m.padded_outputs());
    // Two sums for each of two outputs.
    let mut acc: [[int32x4_t; 4]; N] = [[vdupq_n_s32(0); 4]; N];
    // SAFETY: a panel is len * PANEL bytes, GROUP * PANEL for each GROUP inputs, of which an output takes GROUP; frames are
    // len bytes each, a multiple of 8, and padded sums.
    unsafe {
        let w = m.panels.as_ptr().add(column / PANEL * len * PANEL + column % PANEL * GROUP);
        let x = inputs.as_ptr().add(b * len);
        for k in (0..len).step_by(2 * GROUP) {
            let at = |v: usize| w.add(k * PANEL + 8 * v);
            let first: [_; 4] = [vld1_s8(at(0)), vld1_s8(at(1)), vld1_s8(at(2)), vld1_s8(at(3))];
            let next = |v: usize| at(v).add(GROUP * PANEL);
            let second: [_; 4] = [vld1_s8(next(0)), vld1_s8(next(1)), vld1_s8(next(2)), vld1_s8(next(3))];
            for (n, acc) in acc.iter_mut().enumerate() {
                let four =
                    |at: usize| vreinterpret_s8_s32(vdup_n_s32(x.add(n * len + at).cast::<i32>().read_unaligned()));
                let (x0, x1) = (four(k), four(k + GROUP));
                for (v, acc) in acc.iter_mut().enumerate() {
                    // At most 2 * 128 * 127 in 16 bits: weights are never -128.
                    *acc = vpadalq_s16(*acc, vmlal_s8(vmull_s8(first[v], x0), second[v], x1));
                }
            }
        }
        let out = sums.as_mut_ptr().add(b * padded + column);
        for (n, acc) in acc.iter().enumerate() {
            vst1q_s32(out.add(n * padded), vpaddq_s32(acc[0], acc[1]));
            vst1q_s32(out.add(n * padded + 4), vpaddq_s32(acc[2], acc[3]));
        }
    }
}
