//! What an evaluation found: the figures, and a page that shows them.

mod escape;
mod page;
mod plot;

use std::collections::BTreeMap;

use engine::metrics::{
    Bootstrap, DcfCost, Failures, Interval, MetricsError, OperatingPoint, Statistic, TrialSet, TrialSpeakers,
};
use engine::score::{Cosine, Llr, Score};
use serde::Serialize;

pub(crate) use escape::escape;
pub use page::{Heading, html};

/// The thresholds that an evaluation reports.
pub const THRESHOLDS: [u8; 4] = [50, 70, 90, 95];

/// One trial of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct ScoredTrial<'a> {
    /// Whether both sides are the same person.
    pub target: bool,
    /// Who is enrolled.
    pub enrol_speaker: &'a str,
    /// Who is probed.
    pub probe_speaker: &'a str,
    /// The outcome; `None` when one side had too little speech.
    pub outcome: Option<(Llr, Score)>,
}

/// The figures of an evaluation, as `--json` prints them. Rates are fractions: 0.05 is 5 %.
///
/// Rates and costs are per comparison, over the trials that have a score; `far` and `frr` of [`AtThreshold`] count the
/// others as rejections. `eer`, the costs and Cllr are those of log-likelihood ratios, FMR and FNMR those of 0-100 scores.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct EvalSummary {
    /// Equal error rate.
    pub eer: f64,
    /// Equal error rate with failures as rejections; absent without failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eer_with_failures: Option<f64>,
    /// Least detection cost.
    pub min_dcf: f64,
    /// Detection cost at the Bayes threshold.
    pub act_dcf: f64,
    /// The prior that the detection costs are for; both errors cost 1.
    pub p_target: f64,
    /// Cost of log-likelihood ratios, in bits.
    pub cllr: f64,
    /// Least such cost that calibration could reach.
    pub min_cllr: f64,
    /// False match rate at score 50.
    pub fmr_at_50: f64,
    /// False non-match rate at score 50.
    pub fnmr_at_50: f64,
    /// False match rate at score 70.
    pub fmr_at_70: f64,
    /// False non-match rate at score 70.
    pub fnmr_at_70: f64,
    /// False match rate at score 90.
    pub fmr_at_90: f64,
    /// False non-match rate at score 90.
    pub fnmr_at_90: f64,
    /// False match rate at score 95.
    pub fmr_at_95: f64,
    /// False non-match rate at score 95.
    pub fnmr_at_95: f64,
    /// Target trials in the list.
    pub targets: usize,
    /// Nontarget trials in the list.
    pub nontargets: usize,
    /// Trials without a score, because one side had too little speech.
    pub failures: usize,
    /// Those of them that are targets.
    pub failed_targets: usize,
    /// People in the list.
    pub speakers: usize,
    /// The reported thresholds in full.
    pub thresholds: Vec<AtThreshold>,
    /// Watch lists, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watchlists: Vec<WatchlistRate>,
    /// 95 % intervals over resampled people, by the name of the figure; empty when there are too few people.
    pub intervals: BTreeMap<String, [f64; 2]>,
}

/// How often watch lists flag callers who are not on them.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct WatchlistRate {
    /// People on a list.
    pub people: usize,
    /// Lists drawn, over all callers.
    pub lists: usize,
    /// Share of them that flag their caller at 50; 0.01 is stated.
    pub flagged_at_50: f64,
    /// 95 % interval over resampled callers.
    pub interval: [f64; 2],
}

/// Error rates at one threshold.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AtThreshold {
    /// Accept at or above this score.
    pub threshold: u8,
    /// The false match rate that the threshold stands for.
    pub stated_fmr: f64,
    /// Nontargets at or above it.
    pub false_matches: usize,
    /// Their share of the nontargets with a score.
    pub fmr: f64,
    /// Targets below it.
    pub false_nonmatches: usize,
    /// Their share of the targets with a score.
    pub fnmr: f64,
    /// False acceptances per transaction: failures count as rejections.
    pub far: f64,
    /// False rejections per transaction: failures count as rejections.
    pub frr: f64,
}

/// What cosines alone tell, where there is no calibration. Rates are fractions.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Uncalibrated {
    /// Always `false`: so that a reader of the JSON notices.
    pub calibrated: bool,
    /// Equal error rate.
    pub eer: f64,
    /// 95 % interval over resampled people; absent when there are too few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eer_interval: Option<[f64; 2]>,
    /// Least detection cost, for a prior of 0.01.
    pub min_dcf: f64,
    /// 95 % interval over resampled people; absent when there are too few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_dcf_interval: Option<[f64; 2]>,
    /// The prior that the detection cost is for; both errors cost 1.
    pub p_target: f64,
    /// Target trials in the list.
    pub targets: usize,
    /// Nontarget trials in the list.
    pub nontargets: usize,
    /// Trials without a cosine, because one side had too little speech.
    pub failures: usize,
    /// People in the list.
    pub speakers: usize,
}

impl Uncalibrated {
    /// Computes the figures of trials, each with whether it is a target, and of their people.
    ///
    /// # Errors
    /// As [`Evaluation::new`].
    pub fn new(
        trials: &[(bool, Option<Cosine>)],
        people: &[(&str, &str)],
        bootstrap: Bootstrap,
    ) -> Result<Self, MetricsError> {
        let cost = DcfCost::P_TARGET_0_01;
        let set = TrialSet::from_cosines(trials.iter().copied(), Failures::Exclude)?;
        let speakers = TrialSpeakers::new(people.iter().copied());
        let statistics = [Statistic::Eer, Statistic::MinDcf(cost)];
        let mut intervals = match set.intervals(&statistics, &speakers, bootstrap) {
            Ok(found) => found,
            Err(MetricsError::TooFewSpeakers { .. }) => Vec::new(),
            Err(e) => return Err(e),
        }
        .into_iter()
        .map(|i| [i.low, i.high]);
        Ok(Self {
            calibrated: false,
            eer: set.eer(),
            eer_interval: intervals.next(),
            min_dcf: set.value(Statistic::MinDcf(cost))?,
            min_dcf_interval: intervals.next(),
            p_target: 0.01,
            targets: trials.iter().filter(|t| t.0).count(),
            nontargets: trials.iter().filter(|t| !t.0).count(),
            failures: set.failures(),
            speakers: speakers.speakers(),
        })
    }
}

/// The figures with what their plots need.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The figures.
    pub summary: EvalSummary,
    /// Error rates at every threshold on the log-likelihood ratio, the lowest first.
    det: Vec<OperatingPoint>,
    /// Exact scores of the targets.
    target_scores: Vec<f64>,
    /// Exact scores of the nontargets.
    nontarget_scores: Vec<f64>,
}

impl Evaluation {
    /// Computes every figure of a set of trials, with `bootstrap` for the intervals.
    ///
    /// # Errors
    /// No target or no nontarget has a score, or the number of replicates is out of range.
    pub fn new(trials: &[ScoredTrial<'_>], bootstrap: Bootstrap) -> Result<Self, MetricsError> {
        let cost = DcfCost::P_TARGET_0_01;
        let llrs = |failures| TrialSet::from_llrs(trials.iter().map(|t| (t.target, t.outcome.map(|o| o.0))), failures);
        let scores =
            |failures| TrialSet::from_scores(trials.iter().map(|t| (t.target, t.outcome.map(|o| o.1))), failures);
        let (by_llr, by_score) = (llrs(Failures::Exclude)?, scores(Failures::Exclude)?);
        let transactions = scores(Failures::Reject)?;
        let speakers = TrialSpeakers::new(trials.iter().map(|t| (t.enrol_speaker, t.probe_speaker)));

        let of_llr = [
            ("eer", Statistic::Eer),
            ("min_dcf", Statistic::MinDcf(cost)),
            ("act_dcf", Statistic::ActDcf(cost)),
            ("cllr", Statistic::Cllr),
            ("min_cllr", Statistic::MinCllr),
        ];
        let of_score = THRESHOLDS.iter().flat_map(|&t| {
            let at = f64::from(t);
            [(format!("fmr_at_{t}"), Statistic::FmrAt(at)), (format!("fnmr_at_{t}"), Statistic::FnmrAt(at))]
        });
        let mut intervals = BTreeMap::new();
        let mut gather = |set: &TrialSet, named: Vec<(String, Statistic)>| -> Result<(), MetricsError> {
            let statistics: Vec<Statistic> = named.iter().map(|n| n.1).collect();
            match set.intervals(&statistics, &speakers, bootstrap) {
                Ok(found) => {
                    let pair = |i: Interval| [i.low, i.high];
                    intervals.extend(named.into_iter().map(|n| n.0).zip(found.into_iter().map(pair)));
                    Ok(())
                }
                Err(MetricsError::TooFewSpeakers { .. }) => Ok(()),
                Err(e) => Err(e),
            }
        };
        gather(&by_llr, of_llr.iter().map(|&(name, s)| (name.to_owned(), s)).collect())?;
        gather(&by_score, of_score.collect())?;

        let counted = |target: bool, keep: &dyn Fn(u8) -> bool| {
            trials.iter().filter(|t| t.target == target && t.outcome.is_some_and(|o| keep(o.1.value()))).count()
        };
        let thresholds = THRESHOLDS
            .iter()
            .map(|&threshold| {
                let at = f64::from(threshold);
                Ok(AtThreshold {
                    threshold,
                    stated_fmr: engine::score::Threshold::new(threshold).map_or(f64::NAN, |t| t.fmr()),
                    false_matches: counted(false, &|v| v >= threshold),
                    fmr: by_score.fmr_at(at)?,
                    false_nonmatches: counted(true, &|v| v < threshold),
                    fnmr: by_score.fnmr_at(at)?,
                    far: transactions.fmr_at(at)?,
                    frr: transactions.fnmr_at(at)?,
                })
            })
            .collect::<Result<Vec<_>, MetricsError>>()?;
        let failed = |target: bool| trials.iter().filter(|t| t.target == target && t.outcome.is_none()).count();
        let failures = failed(true) + failed(false);
        let exact = |target: bool| {
            trials.iter().filter(|t| t.target == target).filter_map(|t| Some(t.outcome?.1.exact())).collect()
        };
        let summary = EvalSummary {
            eer: by_llr.eer(),
            eer_with_failures: if failures > 0 { Some(llrs(Failures::Reject)?.eer()) } else { None },
            min_dcf: by_llr.value(Statistic::MinDcf(cost))?,
            act_dcf: by_llr.value(Statistic::ActDcf(cost))?,
            p_target: 0.01,
            cllr: by_llr.value(Statistic::Cllr)?,
            min_cllr: by_llr.value(Statistic::MinCllr)?,
            fmr_at_50: by_score.fmr_at(50.0)?,
            fnmr_at_50: by_score.fnmr_at(50.0)?,
            fmr_at_70: by_score.fmr_at(70.0)?,
            fnmr_at_70: by_score.fnmr_at(70.0)?,
            fmr_at_90: by_score.fmr_at(90.0)?,
            fnmr_at_90: by_score.fnmr_at(90.0)?,
            fmr_at_95: by_score.fmr_at(95.0)?,
            fnmr_at_95: by_score.fnmr_at(95.0)?,
            targets: trials.iter().filter(|t| t.target).count(),
            nontargets: trials.iter().filter(|t| !t.target).count(),
            failures,
            failed_targets: failed(true),
            speakers: speakers.speakers(),
            thresholds,
            watchlists: Vec::new(),
            intervals,
        };
        Ok(Self { summary, det: by_llr.operating_points(), target_scores: exact(true), nontarget_scores: exact(false) })
    }
}

/// A rate as per cent, with as many places as the number of trials lets it have.
pub fn percent(rate: f64) -> String {
    let places = match 100.0 * rate {
        0.0 => 0,
        p if p < 0.1 => 3,
        p if p < 100.0 => 2,
        _ => 0,
    };
    format!("{:.places$} %", 100.0 * rate)
}

#[cfg(test)]
mod tests;
