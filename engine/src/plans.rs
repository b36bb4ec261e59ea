//! Transforms, planned once for the whole process: their tables are as large as the state of what uses them.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use realfft::{RealFftPlanner, RealToComplex};

static SINGLE: LazyLock<Mutex<RealFftPlanner<f32>>> = LazyLock::new(|| Mutex::new(RealFftPlanner::new()));
static DOUBLE: LazyLock<Mutex<RealFftPlanner<f64>>> = LazyLock::new(|| Mutex::new(RealFftPlanner::new()));

/// A real forward transform of `length` samples. For constructors: it locks, and allocates the first time.
pub(crate) fn single(length: usize) -> Arc<dyn RealToComplex<f32>> {
    SINGLE.lock().unwrap_or_else(PoisonError::into_inner).plan_fft_forward(length)
}

/// The same in double precision.
pub(crate) fn double(length: usize) -> Arc<dyn RealToComplex<f64>> {
    DOUBLE.lock().unwrap_or_else(PoisonError::into_inner).plan_fft_forward(length)
}
