//! AVX2+FMA and AVX-512 twins of the scalar kernel.

use std::arch::x86_64::{
    __m256, __m512, _MM_HINT_T0, _MM_HINT_T1, _mm_loadu_si128, _mm_prefetch, _mm256_cvtph_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_set1_ps, _mm256_storeu_ps, _mm512_cvtph_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
};

use crate::kernel::AHEAD;
use crate::{PANEL, Splice, SplicedMatrix};

/// See [`crate::tanh_all`].
#[target_feature(enable = "avx2,fma")]
pub(crate) fn tanh_all(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = crate::elementwise::tanh_straight(*v));
}

/// See [`crate::ln_all`].
#[target_feature(enable = "avx2,fma")]
pub(crate) fn ln_all(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = crate::elementwise::ln(*v));
}

/// See [`crate::windowed`].
#[target_feature(enable = "avx2")]
pub(crate) fn windowed(samples: &[f32], how: (f32, f32, f32), window: &[f32], out: &mut [f64]) {
    crate::elementwise::windowed_straight(samples, how, window, out);
}

/// See [`crate::power`].
#[target_feature(enable = "avx2")]
pub(crate) fn power<C>(spectrum: &[C], parts: impl Fn(&C) -> (f64, f64), out: &mut [f32]) {
    crate::elementwise::power_straight(spectrum, parts, out);
}

/// See [`crate::correlate`].
#[target_feature(enable = "avx2")]
pub(crate) fn correlate(x: &[f32], rows: &[[f32; 16]]) -> [f32; 16] {
    crate::elementwise::correlate_straight(x, rows)
}

/// See [`crate::relu_all`].
#[target_feature(enable = "avx2")]
pub(crate) fn relu_all(values: &mut [f32]) {
    crate::elementwise::relu_straight(values);
}

/// See [`crate::add_all`].
#[target_feature(enable = "avx2")]
pub(crate) fn add_all(values: &mut [f32], x: &[f32]) {
    crate::elementwise::add_straight(values, x);
}

/// See [`crate::add_weighted`].
#[target_feature(enable = "avx2")]
pub(crate) fn add_weighted(w: f64, x: &[f32], sums: &mut [f64], squares: &mut [f64]) {
    crate::elementwise::add_weighted_straight(w, x, sums, squares);
}

/// # Safety
/// 16 halves are there.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn widen_512(p: *const u16) -> __m512 {
    // SAFETY: the caller's promise.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(p.cast()) })
}

/// # Safety
/// 8 halves are there.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn widen_256(p: *const u16) -> __m256 {
    // SAFETY: the caller's promise.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(p.cast()) })
}

/// Asks for what lies at `p`, if anything does.
#[inline(always)]
pub(crate) fn fetch<T>(p: *const T) {
    // SAFETY: a prefetch reads nothing and faults nowhere.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
}

/// As [`fetch`], into a farther cache.
#[inline(always)]
pub(crate) fn fetch_far<T>(p: *const T) {
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
}

#[rustfmt::skip]
kernel!(
    apply_avx2, tile_avx2, "avx2,fma", __m256, 8, 2, [1 2 3 4] 5,
    _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps, f32, _mm256_loadu_ps, fetch
);
#[rustfmt::skip]
kernel!(
    apply_avx2_half, tile_avx2_half, "avx2,fma,f16c", __m256, 8, 2, [1 2 3 4] 5,
    _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps, u16, widen_256, fetch
);
#[rustfmt::skip]
kernel!(
    apply_avx512, tile_avx512, "avx512f", __m512, 16, 2, [1 2 3 4 5 6 7] 8,
    _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps, f32, _mm512_loadu_ps, fetch
);
#[rustfmt::skip]
kernel!(
    apply_avx512_half, tile_avx512_half, "avx512f", __m512, 16, 2, [1 2 3 4 5 6 7 8 9 10 11] 12,
    _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps, u16, widen_512, fetch
);
