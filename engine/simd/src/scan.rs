//! Inner products of 8-bit vectors: one query against many rows. Whole numbers are exact, so every backend gives the same.

use crate::Backend;

/// Lengths of the vectors of [`scan_i8`] are multiples of this; pad with zeros.
pub const SCAN_ALIGN: usize = 64;
/// Longest vector of [`scan_i8`]: no sum of products of 8-bit numbers overflows.
pub const SCAN_MAX_LEN: usize = 1 << 16;
/// How far ahead rows are asked for, in bytes: they come from memory, and on many machines too late if nobody asks.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 8_192;

/// `out[r] = sum over k of query[k] rows[r][k]`, exactly. *Shape* of `rows`: `(out.len(), query.len())`.
///
/// *Real-time*: does not allocate. A backend that this machine lacks is replaced by one that it has.
///
/// # Panics
/// If the query's length is no multiple of [`SCAN_ALIGN`] or beyond [`SCAN_MAX_LEN`], or the lengths do not fit together.
pub fn scan_i8(backend: Backend, query: &[i8], rows: &[i8], out: &mut [i32]) {
    assert!(query.len().is_multiple_of(SCAN_ALIGN) && query.len() <= SCAN_MAX_LEN, "query of {}", query.len());
    assert_eq!(query.len().checked_mul(out.len()), Some(rows.len()), "rows do not fit the query and the output");
    match backend {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the features were found on this machine; the lengths were checked above.
        Backend::Avx512 if has_vnni() => unsafe { scan_vnni(query, rows, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: AVX2 was found on this machine; the lengths were checked above.
        Backend::Avx512 | Backend::Avx2 if Backend::Avx2.is_available() => unsafe { scan_avx2(query, rows, out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: NEON is part of AArch64; the lengths were checked above.
        Backend::Neon => unsafe { scan_neon(query, rows, out) },
        _ => scan_scalar(query, rows, out),
    }
    #[cfg(feature = "check-kernels")]
    for (row, &got) in rows.chunks_exact(query.len().max(1)).zip(out.iter()) {
        assert_eq!(got, dot_scalar(query, row), "{backend:?} differs from the reference");
    }
}

fn dot_scalar(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

fn scan_scalar(query: &[i8], rows: &[i8], out: &mut [i32]) {
    for (r, o) in out.iter_mut().enumerate() {
        *o = dot_scalar(query, &rows[r * query.len()..][..query.len()]);
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn has_vnni() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
}

/// VNNI multiplies unsigned by signed bytes: rows enter as `row + 128`, and 128 times the query's sum is taken off.
///
/// # Safety
/// The CPU must have the features; `query` is a multiple of 64 long and `rows` is `out.len()` times as long.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn scan_vnni(query: &[i8], rows: &[i8], out: &mut [i32]) {
    use std::arch::x86_64::{
        _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_setzero_si512,
        _mm512_xor_si512,
    };
    let len = query.len();
    let offset = 128 * query.iter().map(|&q| i32::from(q)).sum::<i32>();
    let flip = _mm512_set1_epi8(-128);
    for (r, o) in out.iter_mut().enumerate() {
        let mut sum = _mm512_setzero_si512();
        for k in (0..len).step_by(64) {
            crate::x86_64::fetch_far(rows.as_ptr().wrapping_add(r * len + k + AHEAD));
            // SAFETY: k + 64 <= len, and row r ends within `rows`, as the caller promises.
            let (q, row) = unsafe {
                (
                    _mm512_loadu_si512(query.as_ptr().add(k).cast()),
                    _mm512_loadu_si512(rows.as_ptr().add(r * len + k).cast()),
                )
            };
            sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(row, flip), q);
        }
        *o = _mm512_reduce_add_epi32(sum).wrapping_sub(offset);
    }
}

/// # Safety
/// The CPU must have AVX2; `query` is a multiple of 64 long and `rows` is `out.len()` times as long.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn scan_avx2(query: &[i8], rows: &[i8], out: &mut [i32]) {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_setzero_si256,
        _mm256_storeu_si256,
    };
    let len = query.len();
    for (r, o) in out.iter_mut().enumerate() {
        let mut sum: __m256i = _mm256_setzero_si256();
        for k in (0..len).step_by(64) {
            crate::x86_64::fetch_far(rows.as_ptr().wrapping_add(r * len + k + AHEAD));
        }
        for k in (0..len).step_by(16) {
            // SAFETY: k + 16 <= len, and row r ends within `rows`, as the caller promises.
            let (q, row) = unsafe {
                (_mm_loadu_si128(query.as_ptr().add(k).cast()), _mm_loadu_si128(rows.as_ptr().add(r * len + k).cast()))
            };
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_cvtepi8_epi16(q), _mm256_cvtepi8_epi16(row)));
        }
        let mut lanes = [0i32; 8];
        // SAFETY: the array holds the eight lanes.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sum) };
        *o = lanes.iter().sum();
    }
}

/// # Safety
/// `query` is a multiple of 64 long and `rows` is `out.len()` times as long.
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn scan_neon(query: &[i8], rows: &[i8], out: &mut [i32]) {
    use std::arch::aarch64::{vaddvq_s32, vdupq_n_s32, vget_high_s8, vget_low_s8, vld1q_s8, vmull_s8, vpadalq_s16};
    let len = query.len();
    for (r, o) in out.iter_mut().enumerate() {
        let mut sum = vdupq_n_s32(0);
        for k in (0..len).step_by(16) {
            // SAFETY: k + 16 <= len, and row r ends within `rows`, as the caller promises.
            let (q, row) = unsafe { (vld1q_s8(query.as_ptr().add(k)), vld1q_s8(rows.as_ptr().add(r * len + k))) };
            sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(q), vget_low_s8(row)));
            sum = vpadalq_s16(sum, vmull_s8(vget_high_s8(q), vget_high_s8(row)));
        }
        *o = vaddvq_s32(sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_gives_the_exact_sums() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as i8
        };
        for len in [0, 64, 128, 256, 320, 4096, SCAN_MAX_LEN] {
            for count in [0, 1, 2, 7, 33] {
                for kind in 0..3 {
                    let mut of = |extreme: i8| if kind == 0 { next() } else { extreme };
                    let query: Vec<i8> = (0..len).map(|_| of(-128)).collect();
                    let rows: Vec<i8> = (0..len * count).map(|_| of(if kind == 1 { -128 } else { 127 })).collect();
                    for backend in Backend::ALL {
                        let mut out = vec![i32::MIN; count];
                        scan_i8(backend, &query, &rows, &mut out);
                        for (r, &got) in out.iter().enumerate() {
                            let row = &rows[r * len..][..len];
                            let want: i64 = query.iter().zip(row).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum();
                            assert_eq!(i64::from(got), want, "{backend:?} length {len} row {r} kind {kind}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        let run = |query: usize, rows: usize, out: usize| {
            std::panic::catch_unwind(move || {
                scan_i8(Backend::detect(), &vec![0; query], &vec![0; rows], &mut vec![0; out]);
            })
        };
        assert!(run(64, 128, 2).is_ok());
        for (query, rows, out) in [(63, 63, 1), (64, 127, 2), (64, 192, 2), (SCAN_MAX_LEN + 64, SCAN_MAX_LEN + 64, 1)] {
            assert!(run(query, rows, out).is_err(), "{query} {rows} {out}");
        }
    }
}
