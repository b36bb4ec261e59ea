//! Fourier transforms (realfft) and sampling-rate conversion (rubato) for `engine`.
//!
//! Both libraries are generic over the sample type, so whoever names a type compiles their kernels: about four of the five
//! minutes that `engine` took. Here they are named once, and a change to `engine` compiles `engine` alone.
#![forbid(unsafe_code)]

pub mod fft;
pub mod rate;
