//! A set of scored trials and its statistics.

use super::error::MetricsError;
use super::roc::{DcfCost, OperatingPoint};
use super::{cllr, roc};
use crate::score::{Cosine, Llr, Score};

/// What to do with trials that have no score.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failures {
    /// Leave them out: rates per comparison (FMR, FNMR).
    Exclude,
    /// Count them as rejected at every threshold: rates per transaction (FAR, FRR).
    Reject,
}

/// One number about a set of trials.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Statistic {
    /// Equal error rate, 0 to 1. See [`TrialSet::eer`].
    Eer,
    /// Least normalised detection cost over all thresholds.
    MinDcf(DcfCost),
    /// Normalised detection cost at the threshold that Bayes' rule gives; needs log-likelihood ratios.
    ActDcf(DcfCost),
    /// Cost of log-likelihood ratios, in bits; needs log-likelihood ratios.
    Cllr,
    /// Least [`Statistic::Cllr`] that any rising map of the scores has.
    MinCllr,
    /// False match rate when accepting at or above this value.
    FmrAt(f64),
    /// False non-match rate when accepting at or above this value.
    FnmrAt(f64),
}

/// Scored trials, lowest score first.
///
/// ```
/// use engine::metrics::{Failures, TrialSet};
/// use engine::score::Llr;
///
/// let llr = |x| Llr::new(x).ok();
/// // Three targets and four nontargets; one target is scored below the two highest nontargets.
/// let set = TrialSet::from_llrs(
///     [
///         (true, llr(3.0)), (true, llr(2.0)), (true, llr(-0.5)),
///         (false, llr(0.5)), (false, llr(0.0)), (false, llr(-2.0)), (false, llr(-3.0)),
///     ],
///     Failures::Exclude,
/// )?;
/// // Accepting from 0 on: 1 of 3 targets rejected, 2 of 4 nontargets accepted; from 0.5 on: 1/3 and 1/4.
/// assert_eq!((set.fnmr_at(0.0)?, set.fmr_at(0.0)?), (1.0 / 3.0, 0.5));
/// // The rates are nearest at 1/3 and 1/4, and the EER is their mean.
/// assert!((set.eer() - (1.0 / 3.0 + 1.0 / 4.0) / 2.0).abs() < 1e-12);
/// # Ok::<(), engine::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrialSet {
    /// Ascending; rejections are `-inf`.
    pub(super) scores: Vec<f64>,
    /// Whether each is a target trial.
    pub(super) is_target: Vec<bool>,
    /// Each one's place among the trials given.
    pub(super) origin: Vec<u32>,
    /// End of each run of equal scores.
    pub(super) group_ends: Vec<usize>,
    /// Each one's share of Cllr in nats, for log-likelihood ratios.
    pub(super) losses: Option<Vec<f64>>,
    pub(super) given: usize,
    pub(super) targets: usize,
    pub(super) failures: usize,
}

impl TrialSet {
    /// Takes log-likelihood ratios, each with whether its trial is a target; `None` is a failure to acquire.
    ///
    /// # Errors
    /// A kind of trial is missing.
    pub fn from_llrs(
        trials: impl IntoIterator<Item = (bool, Option<Llr>)>,
        failures: Failures,
    ) -> Result<Self, MetricsError> {
        let mut set = Self::build(trials.into_iter().map(|(t, s)| (t, s.map(Llr::value))), failures)?;
        if set.scores.first().is_some_and(|s| s.is_finite()) {
            let loss = |(&s, &target): (&f64, &bool)| cllr::softplus(if target { -s } else { s });
            set.losses = Some(set.scores.iter().zip(&set.is_target).map(loss).collect());
        }
        Ok(set)
    }

    /// Takes 0-100 scores, exact; otherwise as [`TrialSet::from_llrs`].
    ///
    /// # Errors
    /// A kind of trial is missing.
    pub fn from_scores(
        trials: impl IntoIterator<Item = (bool, Option<Score>)>,
        failures: Failures,
    ) -> Result<Self, MetricsError> {
        Self::build(trials.into_iter().map(|(t, s)| (t, s.map(Score::exact))), failures)
    }

    /// Takes cosines; otherwise as [`TrialSet::from_llrs`].
    ///
    /// # Errors
    /// A kind of trial is missing.
    pub fn from_cosines(
        trials: impl IntoIterator<Item = (bool, Option<Cosine>)>,
        failures: Failures,
    ) -> Result<Self, MetricsError> {
        Self::build(trials.into_iter().map(|(t, s)| (t, s.map(Cosine::value))), failures)
    }

    /// Takes finite values or `None`.
    fn build(trials: impl IntoIterator<Item = (bool, Option<f64>)>, failures: Failures) -> Result<Self, MetricsError> {
        let mut rows: Vec<(f64, bool, u32)> = Vec::new();
        let (mut given, mut failed) = (0usize, 0);
        for (target, score) in trials {
            let origin = u32::try_from(given).map_err(|_| MetricsError::TooManyTrials)?;
            given += 1;
            failed += usize::from(score.is_none());
            match (score, failures) {
                (Some(score), _) => rows.push((score, target, origin)),
                (None, Failures::Reject) => rows.push((f64::NEG_INFINITY, target, origin)),
                (None, Failures::Exclude) => {}
            }
        }
        // Adding 0 makes -0 and 0 one value for the total order.
        rows.iter_mut().for_each(|r| r.0 += 0.0);
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let acquired = |target: bool| rows.iter().any(|r| r.1 == target && r.0.is_finite());
        if !acquired(true) {
            return Err(MetricsError::NoTargets);
        }
        if !acquired(false) {
            return Err(MetricsError::NoNontargets);
        }
        let scores: Vec<f64> = rows.iter().map(|r| r.0).collect();
        let group_ends =
            (1..=scores.len()).filter(|&i| scores.get(i).is_none_or(|&next| next != scores[i - 1])).collect();
        Ok(Self {
            is_target: rows.iter().map(|r| r.1).collect(),
            origin: rows.iter().map(|r| r.2).collect(),
            targets: rows.iter().filter(|r| r.1).count(),
            losses: None,
            failures: failed,
            scores,
            group_ends,
            given,
        })
    }

    /// Number of target trials counted.
    pub fn targets(&self) -> usize {
        self.targets
    }

    /// Number of nontarget trials counted.
    pub fn nontargets(&self) -> usize {
        self.scores.len() - self.targets
    }

    /// Number of trials without a score, whether counted or not.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// Computes a statistic.
    ///
    /// # Errors
    /// [`MetricsError::NotLlr`] for a statistic that needs log-likelihood ratios, [`MetricsError::Threshold`] for a NaN.
    pub fn value(&self, statistic: Statistic) -> Result<f64, MetricsError> {
        self.check(statistic)?;
        Ok(self.weighted(&vec![1.0; self.scores.len()], statistic))
    }

    /// Equal error rate, 0 to 1: the mean of FMR and FNMR at the threshold where they are nearest.
    ///
    /// This is the step rule, without interpolation: of the thresholds between different scores, the lowest at which
    /// `|FMR - FNMR|` is least. Equal scores are never separated.
    pub fn eer(&self) -> f64 {
        self.weighted(&vec![1.0; self.scores.len()], Statistic::Eer)
    }

    /// Share of nontargets at or above `threshold`.
    ///
    /// # Errors
    /// [`MetricsError::Threshold`] for a NaN.
    pub fn fmr_at(&self, threshold: f64) -> Result<f64, MetricsError> {
        self.value(Statistic::FmrAt(threshold))
    }

    /// Share of targets below `threshold`.
    ///
    /// # Errors
    /// [`MetricsError::Threshold`] for a NaN.
    pub fn fnmr_at(&self, threshold: f64) -> Result<f64, MetricsError> {
        self.value(Statistic::FnmrAt(threshold))
    }

    pub(super) fn check(&self, statistic: Statistic) -> Result<(), MetricsError> {
        match statistic {
            Statistic::ActDcf(_) | Statistic::Cllr if self.losses.is_none() => Err(MetricsError::NotLlr),
            Statistic::FmrAt(t) | Statistic::FnmrAt(t) if t.is_nan() => Err(MetricsError::Threshold),
            _ => Ok(()),
        }
    }

    /// A statistic of the trials with these weights (in the order of `scores`), of which both kinds have some.
    pub(super) fn weighted(&self, weights: &[f64], statistic: Statistic) -> f64 {
        match statistic {
            Statistic::Eer => roc::eer(self.points(weights)),
            Statistic::MinDcf(cost) => roc::min_dcf(self.points(weights), cost),
            Statistic::ActDcf(cost) => {
                let threshold = cost.llr_threshold();
                cost.normalised(self.rate_at(weights, true, threshold), self.rate_at(weights, false, threshold))
            }
            Statistic::Cllr => cllr::cllr(self.losses.as_deref().unwrap_or_default(), &self.is_target, weights),
            Statistic::MinCllr => cllr::min_cllr(&self.is_target, &self.group_ends, weights),
            Statistic::FmrAt(threshold) => self.rate_at(weights, false, threshold),
            Statistic::FnmrAt(threshold) => self.rate_at(weights, true, threshold),
        }
    }

    /// Error rates at every threshold that separates different scores, the lowest threshold first: a DET curve.
    pub fn operating_points(&self) -> Vec<OperatingPoint> {
        let mut points: Vec<OperatingPoint> = self.points(&vec![1.0; self.scores.len()]).collect();
        points.dedup_by(|b, a| (b.fmr, b.fnmr) == (a.fmr, a.fnmr));
        points
    }

    /// As [`TrialSet::operating_points`], with weights.
    fn points<'a>(&'a self, weights: &'a [f64]) -> impl Iterator<Item = OperatingPoint> + 'a {
        let (mut target_total, mut nontarget_total) = (0.0, 0.0);
        for (&target, &w) in self.is_target.iter().zip(weights) {
            *(if target { &mut target_total } else { &mut nontarget_total }) += w;
        }
        // Rejections cannot be accepted, so the lowest threshold lies above them.
        let accept_all = std::iter::once(0).filter(|_| self.scores.first().is_some_and(|s| s.is_finite()));
        let (mut start, mut targets_below, mut nontargets_below) = (0, 0.0, 0.0);
        accept_all.chain(self.group_ends.iter().copied()).map(move |end| {
            for (&target, &w) in self.is_target[start..end].iter().zip(&weights[start..end]) {
                *(if target { &mut targets_below } else { &mut nontargets_below }) += w;
            }
            start = end;
            OperatingPoint {
                threshold: self.scores.get(end).copied().unwrap_or(f64::INFINITY),
                fmr: (nontarget_total - nontargets_below) / nontarget_total,
                fnmr: targets_below / target_total,
            }
        })
    }

    /// Share of the targets below, or of the nontargets at or above, a threshold.
    fn rate_at(&self, weights: &[f64], of_targets: bool, threshold: f64) -> f64 {
        // A rejection stays below every threshold, -inf included.
        let first = self.scores.partition_point(|&s| s < threshold || s == f64::NEG_INFINITY);
        let (mut below, mut above) = (0.0, 0.0);
        for (i, (&target, &w)) in self.is_target.iter().zip(weights).enumerate() {
            if target == of_targets {
                *(if i < first { &mut below } else { &mut above }) += w;
            }
        }
        (if of_targets { below } else { above }) / (below + above)
    }
}
