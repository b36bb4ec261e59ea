//! The most that this machine can do: multiply-adds that wait for nothing but each other, in registers.

use crate::Backend;

/// Runs `rounds` rounds of independent fused multiply-adds of `f32` in the registers of `backend`; how many single
/// multiply-adds that were. `None` if this machine lacks the backend, or there is no such loop for it.
pub fn multiply_adds_f32(backend: Backend, rounds: u64) -> Option<u64> {
    if !backend.is_available() {
        return None;
    }
    match backend {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: AVX2 and FMA were found on this machine.
        Backend::Avx2 => Some(unsafe { x86_64::fma_avx2(rounds) }),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: AVX-512F was found on this machine.
        Backend::Avx512 => Some(unsafe { x86_64::fma_avx512(rounds) }),
        #[cfg(target_arch = "aarch64")]
        // SAFETY: NEON is part of AArch64.
        Backend::Neon => Some(unsafe { aarch64::fma_neon(rounds) }),
        _ => None,
    }
}

/// As [`multiply_adds_f32`], of products of bytes: with VPDPBUSD, or where there is none with what takes its place in
/// [`crate::QuantisedMatrix`].
pub fn multiply_adds_i8(backend: Backend, rounds: u64) -> Option<u64> {
    if !backend.is_available() {
        return None;
    }
    match backend {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the features were found on this machine.
        Backend::Avx512 if crate::scan::has_vnni() => Some(unsafe { x86_64::dot_avx512(rounds) }),
        #[cfg(target_arch = "x86_64")]
        Backend::Avx2 | Backend::Avx512 if is_x86_feature_detected!("avxvnni") => {
            // SAFETY: the features were found on this machine.
            Some(unsafe { x86_64::dot_avxvnni(rounds) })
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: AVX2 was found on this machine.
        Backend::Avx2 | Backend::Avx512 => Some(unsafe { x86_64::dot_avx2(rounds) }),
        _ => None,
    }
}

/// `$sums` sums that `$add` adds `$each` products to, each round.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
macro_rules! spin {
    ($name:ident, $features:literal, $sums:literal, $each:literal, $one:expr, $add:expr) => {
        /// # Safety
        /// The CPU must have the features.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name(rounds: u64) -> u64 {
            // Behind a black box, so that nothing is known of the numbers.
            let (x, w) = (black_box($one), black_box($one));
            let mut sums = [x; $sums];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = $add(*sum, x, w);
                }
            }
            black_box(sums);
            rounds * $sums * $each
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_dpbusd_avx_epi32, _mm256_fmadd_ps, _mm256_madd_epi16, _mm256_set1_epi8,
        _mm256_set1_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_set1_epi8, _mm512_set1_ps,
    };
    use std::hint::black_box;

    spin!(fma_avx2, "avx2,fma", 12, 8, _mm256_set1_ps(0.5), |s, x, w| _mm256_fmadd_ps(x, w, s));
    spin!(fma_avx512, "avx512f", 24, 16, _mm512_set1_ps(0.5), |s, x, w| _mm512_fmadd_ps(x, w, s));
    spin!(dot_avx512, "avx512f,avx512bw,avx512vnni", 24, 64, _mm512_set1_epi8(1), |s, x, w| {
        _mm512_dpbusd_epi32(s, x, w)
    });
    spin!(dot_avxvnni, "avx2,avxvnni", 12, 32, _mm256_set1_epi8(1), |s, x, w| _mm256_dpbusd_avx_epi32(s, x, w));
    spin!(dot_avx2, "avx2", 12, 16, _mm256_set1_epi8(1), |s, x, w| _mm256_add_epi32(s, _mm256_madd_epi16(x, w)));
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::aarch64::{vdupq_n_f32, vfmaq_f32};
    use std::hint::black_box;

    spin!(fma_neon, "neon", 24, 4, vdupq_n_f32(0.5), |s, x, w| vfmaq_f32(s, x, w));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_count_what_they_multiply() {
        for backend in Backend::ALL {
            for probe in [multiply_adds_f32, multiply_adds_i8] {
                let (one, ten) = (probe(backend, 1), probe(backend, 10));
                assert_eq!(one.map(|n| 10 * n), ten, "{backend:?}");
                assert!(backend.is_available() || one.is_none(), "{backend:?}");
            }
        }
        let wide = Backend::detect();
        assert!(wide == Backend::Scalar || multiply_adds_f32(wide, 1).is_some_and(|n| n >= 48));
    }
}
