//! AVX2, AVX-VNNI and AVX-512 VNNI.

use std::arch::x86_64::{
    __m256, __m256i, __m512i, _mm_loadu_si128, _mm_set1_epi8, _mm_storeu_si128, _mm_xor_si128, _mm256_add_epi32,
    _mm256_add_ps, _mm256_and_si256, _mm256_castps_si256, _mm256_cvtepi8_epi16, _mm256_dpbusd_avx_epi32,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps, _mm256_packus_epi16, _mm256_packus_epi32,
    _mm256_permutevar8x32_epi32, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32,
    _mm256_setzero_si256, _mm256_storeu_si256, _mm256_sub_ps, _mm256_xor_si256, _mm512_add_ps, _mm512_castps_si512,
    _mm512_cvtepi32_epi8, _mm512_dpbusd_epi32, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_si512, _mm512_sub_ps,
};

use super::{QuantisedMatrix, QuantisedScratch, ROUND, Splice, Steps};
use crate::PANEL;

/// The portable code around the products, for a CPU that has AVX2: the same operations, so the same bits.
#[target_feature(enable = "avx2")]
pub(super) fn quantise(m: &QuantisedMatrix, x: &[f32], at: Splice<'_>, frames: usize, scratch: &mut QuantisedScratch) {
    m.quantise(x, at, frames, scratch, |x, steps, out| bytes(x, steps, out));
}

/// The twin of `super::bytes`.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes(x: &[f32], steps: Steps, out: &mut [u8]) {
    let (low, inverse) = (_mm256_set1_ps(steps.low), _mm256_set1_ps(steps.inverse));
    let (magic, mask) = (_mm256_set1_ps(ROUND), _mm256_set1_epi32(0xff));
    let flip = _mm256_set1_epi8(steps.flip as i8);
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let whole = |v: __m256| {
        let rounded = _mm256_add_ps(_mm256_mul_ps(_mm256_sub_ps(v, low), inverse), magic);
        _mm256_and_si256(_mm256_castps_si256(rounded), mask)
    };
    let (mut x, mut out) = (x.chunks_exact(32), out.chunks_exact_mut(32));
    for (x, out) in x.by_ref().zip(out.by_ref()) {
        // SAFETY: both chunks are 32 long.
        unsafe {
            let at = |i: usize| whole(_mm256_loadu_ps(x.as_ptr().add(8 * i)));
            let pairs = [_mm256_packus_epi32(at(0), at(1)), _mm256_packus_epi32(at(2), at(3))];
            // Packing goes by halves of 128 bits; `order` puts the fours back in line.
            let four = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(pairs[0], pairs[1]), order);
            _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm256_xor_si256(four, flip));
        }
    }
    super::bytes(x.remainder(), steps, out.into_remainder());
}

/// As [`quantise`], 16 numbers at once.
#[target_feature(enable = "avx512f")]
pub(super) fn quantise_512(
    m: &QuantisedMatrix,
    x: &[f32],
    at: Splice<'_>,
    frames: usize,
    scratch: &mut QuantisedScratch,
) {
    m.quantise(x, at, frames, scratch, |x, steps, out| bytes_512(x, steps, out));
}

/// The twin of `super::bytes`.
#[inline]
#[target_feature(enable = "avx512f")]
fn bytes_512(x: &[f32], steps: Steps, out: &mut [u8]) {
    let (low, inverse, magic) = (_mm512_set1_ps(steps.low), _mm512_set1_ps(steps.inverse), _mm512_set1_ps(ROUND));
    let flip = _mm_set1_epi8(steps.flip as i8);
    let (mut x, mut out) = (x.chunks_exact(16), out.chunks_exact_mut(16));
    for (x, out) in x.by_ref().zip(out.by_ref()) {
        // SAFETY: both chunks are 16 long.
        unsafe {
            let scaled = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(x.as_ptr()), low), inverse);
            // The low byte of each.
            let whole = _mm512_cvtepi32_epi8(_mm512_castps_si512(_mm512_add_ps(scaled, magic)));
            _mm_storeu_si128(out.as_mut_ptr().cast(), _mm_xor_si128(whole, flip));
        }
    }
    super::bytes(x.remainder(), steps, out.into_remainder());
}

/// See [`quantise_512`].
#[target_feature(enable = "avx512f")]
pub(super) fn scale_512(m: &QuantisedMatrix, frames: usize, scratch: &QuantisedScratch, y: &mut [f32]) {
    m.scale(frames, scratch, y);
}

/// See [`quantise`].
#[target_feature(enable = "avx2")]
pub(super) fn scale(m: &QuantisedMatrix, frames: usize, scratch: &QuantisedScratch, y: &mut [f32]) {
    m.scale(frames, scratch, y);
}

/// # Safety
/// 64 bytes are there.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn load_512(p: *const i8) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_loadu_si512(p.cast()) }
}

/// # Safety
/// 4 bytes are there.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn splat_512(p: *const u8) -> __m512i {
    // SAFETY: the caller's promise.
    _mm512_set1_epi32(unsafe { p.cast::<i32>().read_unaligned() })
}

/// # Safety
/// 16 sums are there.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn store_512(p: *mut i32, sums: __m512i) {
    // SAFETY: the caller's promise.
    unsafe { _mm512_storeu_si512(p.cast(), sums) }
}

#[rustfmt::skip]
tiles!(
    products_avx512, tile_avx512, "avx512f,avx512bw,avx512vnni", __m512i, 16, u8, 4, wide [1 2 3 4], narrow [5 6 7] 8,
    _mm512_setzero_si512, load_512, splat_512, _mm512_dpbusd_epi32, store_512
);

/// # Safety
/// 32 bytes are there.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_256(p: *const i8) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_loadu_si256(p.cast()) }
}

/// # Safety
/// 4 bytes are there.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn splat_256(p: *const u8) -> __m256i {
    // SAFETY: the caller's promise.
    _mm256_set1_epi32(unsafe { p.cast::<i32>().read_unaligned() })
}

/// # Safety
/// 8 sums are there.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_256(p: *mut i32, sums: __m256i) {
    // SAFETY: the caller's promise.
    unsafe { _mm256_storeu_si256(p.cast(), sums) }
}

#[rustfmt::skip]
tiles!(
    products_avxvnni, tile_avxvnni, "avx2,avxvnni", __m256i, 8, u8, 4, wide [1 2], narrow [3 4] 5,
    _mm256_setzero_si256, load_256, splat_256, _mm256_dpbusd_avx_epi32, store_256
);

/// The same instruction in AVX-512's encoding, so that the tiles of 256 bits run on machines that have only that.
#[cfg(test)]
pub(super) mod evex {
    use std::arch::x86_64::_mm256_dpbusd_epi32;

    use super::*;

    #[rustfmt::skip]
    tiles!(
        products, tile, "avx2,avx512f,avx512vl,avx512vnni", __m256i, 8, u8, 4, wide [1 2], narrow [3 4] 5,
        _mm256_setzero_si256, load_256, splat_256, _mm256_dpbusd_epi32, store_256
    );
}

/// Eight outputs by two inputs, in 16 bits.
///
/// # Safety
/// 16 bytes are there.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_wide(p: *const i8) -> __m256i {
    // SAFETY: the caller's promise.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(p.cast()) })
}

/// # Safety
/// 2 numbers are there.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn splat_wide(p: *const i16) -> __m256i {
    // SAFETY: the caller's promise.
    _mm256_set1_epi32(unsafe { p.cast::<i32>().read_unaligned() })
}

#[inline]
#[target_feature(enable = "avx2")]
fn dot_wide(acc: __m256i, x: __m256i, w: __m256i) -> __m256i {
    _mm256_add_epi32(acc, _mm256_madd_epi16(w, x))
}

#[rustfmt::skip]
tiles!(
    products_avx2, tile_avx2, "avx2", __m256i, 8, i16, 2, wide [1 2], narrow [3 4] 5,
    _mm256_setzero_si256, load_wide, splat_wide, dot_wide, store_256
);
