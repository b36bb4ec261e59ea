//! Transforms that sessions share: their tables are as large as the state of what uses them. A plan lives as long as anybody
//! uses it, so that a library that is closed leaves nothing behind.

use std::sync::{Arc, Mutex, PoisonError, Weak};

pub use realfft::num_complex::Complex;
pub use realfft::{ComplexToReal, RealToComplex};
use realfft::{FftNum, RealFftPlanner};

type Plan<T> = dyn RealToComplex<T>;

static SINGLE: Plans<f32> = Plans(Mutex::new(Vec::new()));
static DOUBLE: Plans<f64> = Plans(Mutex::new(Vec::new()));

/// Plans by length.
struct Plans<T: 'static>(Mutex<Vec<(usize, Weak<Plan<T>>)>>);

impl<T: FftNum> Plans<T> {
    fn get(&self, length: usize) -> Arc<Plan<T>> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = plans.iter().find(|(n, _)| *n == length).and_then(|(_, plan)| plan.upgrade());
        known.unwrap_or_else(|| {
            let plan = RealFftPlanner::new().plan_fft_forward(length);
            plans.retain(|(_, plan)| plan.strong_count() > 0);
            plans.push((length, Arc::downgrade(&plan)));
            plan
        })
    }
}

/// A forward transform of `length` real samples, in single precision. For constructors: it locks, and may allocate.
pub fn single(length: usize) -> Arc<dyn RealToComplex<f32>> {
    SINGLE.get(length)
}

/// The same in double precision.
pub fn double(length: usize) -> Arc<dyn RealToComplex<f64>> {
    DOUBLE.get(length)
}

/// An inverse transform to `length` real samples, in single precision. For constructors: it allocates.
pub fn inverse(length: usize) -> Arc<dyn ComplexToReal<f32>> {
    RealFftPlanner::new().plan_fft_inverse(length)
}
