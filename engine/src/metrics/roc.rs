//! Trade-offs between the two errors: operating points, equal error rate, detection cost.

use super::error::MetricsError;

/// Error rates at one threshold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OperatingPoint {
    /// Trials at or above it are accepted; `+inf` accepts none.
    pub threshold: f64,
    /// Share of nontargets accepted.
    pub fmr: f64,
    /// Share of targets rejected.
    pub fnmr: f64,
}

/// What errors cost and how often callers are genuine.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DcfCost {
    p_target: f64,
    c_miss: f64,
    c_fa: f64,
}

impl DcfCost {
    /// One genuine caller in a hundred, both errors cost 1: the usual point of speaker verification.
    pub const P_TARGET_0_01: Self = Self { p_target: 0.01, c_miss: 1.0, c_fa: 1.0 };

    /// Takes a prior in (0, 1) and two positive costs.
    ///
    /// # Errors
    /// [`MetricsError::Cost`] otherwise.
    pub fn new(p_target: f64, c_miss: f64, c_fa: f64) -> Result<Self, MetricsError> {
        let good = p_target > 0.0 && p_target < 1.0 && [c_miss, c_fa].into_iter().all(|c| c.is_finite() && c > 0.0);
        if good { Ok(Self { p_target, c_miss, c_fa }) } else { Err(MetricsError::Cost) }
    }

    /// Log-likelihood ratio from which on accepting costs less on average: `ln(c_fa (1 - p) / (c_miss p))`.
    pub fn llr_threshold(self) -> f64 {
        (self.c_fa * (1.0 - self.p_target) / (self.c_miss * self.p_target)).ln()
    }

    /// Expected cost over that of the better of "accept all" and "reject all".
    pub fn normalised(self, fnmr: f64, fmr: f64) -> f64 {
        let (miss, fa) = (self.c_miss * self.p_target, self.c_fa * (1.0 - self.p_target));
        (miss * fnmr + fa * fmr) / miss.min(fa)
    }
}

pub(super) fn eer(points: impl Iterator<Item = OperatingPoint>) -> f64 {
    let mut best = (f64::INFINITY, f64::NAN);
    for p in points {
        let gap = (p.fmr - p.fnmr).abs();
        if gap < best.0 {
            best = (gap, (p.fmr + p.fnmr) / 2.0);
        }
    }
    best.1
}

pub(super) fn min_dcf(points: impl Iterator<Item = OperatingPoint>, cost: DcfCost) -> f64 {
    points.map(|p| cost.normalised(p.fnmr, p.fmr)).fold(f64::INFINITY, f64::min)
}
