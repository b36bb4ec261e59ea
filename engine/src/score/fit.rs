//! Fitting what a network's similarities mean, from trials of people whom it never heard.
//!
//! For a similarity `x` of two sides ([`super::SideTerms`] says how net speech and bands enter):
//!
//! ```text
//! llr = slope x + offset(sides)
//! z   = (x - mean(sides)) / exp(log_sigma(sides))
//! FMR = Q(sinh(tail_weight asinh(z))),   Q the normal survival function
//! ```
//!
//! `llr` is a logistic regression whose classes are weighted for a prior of 0.1: Cllr judges all thresholds and is best served by
//! 0.5, the detection cost at a target prior of 0.01 by 0.01; between the two neither loses much. The FMR is fitted by
//! maximum likelihood to the upper 10 % of the nontargets only, or as many as make 200 (the others count as "below"): scores
//! from 50 on state rates of at most 10 %, and the lower part must not bend them. Priors hold what few trials cannot
//! tell: `ln tail_weight` is normal(0, 0.3), and the tail's dependence on both sides stays near that of the whole.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::calibration::{
    Calibration, CalibrationError, CalibrationParts, Domain, LlrParameters, Similarity, SurvivalParameters, TableRow,
};
use super::minimise::minimise;
use super::normal::ln_survival;
use super::side::{Conditions, SideTerms};
use super::types::{Cosine, NormScore, Score, ScoreError, ScoreKind, Threshold};
use crate::embed::ModelId;
use crate::metrics::{Bootstrap, Failures, MetricsError, Statistic, TrialSet, TrialSpeakers};

/// One comparison between two people, or of one with themselves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FitTrial<'a> {
    /// Whether both sides are the same person.
    pub target: bool,
    /// The similarity, cosine or AS-norm.
    pub value: f64,
    /// What both sides have to go by.
    pub conditions: Conditions,
    /// Who is enrolled.
    pub enrol_person: &'a str,
    /// Who is probed.
    pub probe_person: &'a str,
}

/// What is known of a network's similarities before trials are fitted weighs as much as trials of so many people: where that many
/// are fitted, the result lies half way between the two.
pub const KNOWN_PEOPLE: f64 = 100.0;
/// Fewest people that a fit is made from.
pub const LEAST_PEOPLE: usize = 30;
/// Fewest target trials.
pub const LEAST_TARGETS: usize = 100;
/// Fewest nontarget trials.
pub const LEAST_NONTARGETS: usize = 1_000;

const TAIL_SHARE: f64 = 0.10;
const MOST_TAIL_SHARE: f64 = 0.3;
const LEAST_TAIL: f64 = 200.0;
const PRIOR: f64 = 0.1;
const TAIL_SD: f64 = 0.3;
const SIDE_SD: f64 = 0.3;

/// Why trials make no calibration.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum FitError {
    /// Too few of something.
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        least: usize,
    },
    /// A similarity is not a number that can be.
    Value {
        /// Which trial, counted from 0.
        trial: usize,
        /// Why not.
        reason: ScoreError,
    },
    /// A trial's label and people contradict each other.
    Label {
        /// Which trial, counted from 0.
        trial: usize,
    },
    /// What is known is known of another network, or of another kind of similarity.
    Known {
        /// The network that it is of.
        model: ModelId,
        /// The kind of similarity.
        kind: ScoreKind,
    },
    /// The nontargets are all equally similar.
    NoSpread,
    /// One's own voice is no more similar than another's.
    Backwards,
    /// The table cannot be measured.
    Table(MetricsError),
    /// What was fitted is out of range.
    Fit(CalibrationError),
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { what, found, least } => {
                write!(f, "{found} {what}, at least {least} are needed for a score that means something")
            }
            Self::Value { trial, reason } => write!(f, "trial {}: {reason}", trial + 1),
            Self::Label { trial } => write!(f, "trial {}: its label and its people contradict each other", trial + 1),
            Self::Known { model, kind } => write!(f, "the calibration to start from is of model {model} and of {kind}"),
            Self::NoSpread => f.write_str("different people are all equally similar"),
            Self::Backwards => {
                f.write_str("the same person is no more similar than different people: are the labels right?")
            }
            Self::Table(e) => e.fmt(f),
            Self::Fit(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for FitError {}

/// Terms of a number that depends on both sides.
const TERMS: usize = SideTerms::COUNT;

/// A trial in numbers.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    /// What the terms are multiplied with.
    by: [f64; TERMS],
}

fn terms(v: &[f64], point: &Point) -> f64 {
    v.iter().zip(&point.by).map(|(term, by)| term * by).sum()
}

/// The terms that are not the first: each is held near 0 by a prior.
fn held<'a>(v: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    v.iter().take(TERMS).skip(1).copied()
}

/// So that all parameters are of one size: 1, but for the reciprocals of net speech their means.
fn scales(points: &[Point]) -> [f64; TERMS] {
    let mean = |i: usize| points.iter().map(|p| p.by[i]).sum::<f64>() / points.len() as f64;
    [1.0, mean(1), mean(2), 1.0, 1.0]
}

fn scaled(points: &[Point], scale: [f64; TERMS]) -> Vec<Point> {
    points.iter().map(|p| Point { x: p.x, by: std::array::from_fn(|i| p.by[i] / scale[i]) }).collect()
}

fn side_terms(v: &[f64], scale: [f64; TERMS], unit: f64) -> SideTerms {
    SideTerms::from_array(std::array::from_fn(|i| v[i] * unit / scale[i]))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0usize), |(s, n), v| (s + v, n + 1));
    sum / n.max(1) as f64
}

fn deviation(points: &[Point]) -> f64 {
    let centre = mean(points.iter().map(|p| p.x));
    mean(points.iter().map(|p| (p.x - centre).powi(2))).sqrt()
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = q * (values.len().saturating_sub(1)) as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let get = |i: usize| values.get(i).or(values.last()).copied().unwrap_or(0.0);
    get(low) + part * (get(low + 1) - get(low))
}

/// ln(1 + e^x)
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn fit_llr(targets: &[Point], nontargets: &[Point]) -> LlrParameters {
    let all: Vec<Point> = targets.iter().chain(nontargets).copied().collect();
    let scale = scales(&all);
    let (t, n) = (scaled(targets, scale), scaled(nontargets, scale));
    let prior = (PRIOR / (1.0 - PRIOR)).ln();
    let cost = |v: &[f64]| {
        let llr = |p: &Point| v[0].exp() * p.x + terms(&v[1..], p) + prior;
        PRIOR * mean(t.iter().map(|p| softplus(-llr(p))))
            + (1.0 - PRIOR) * mean(n.iter().map(|p| softplus(llr(p))))
            + 1e-5 * held(&v[1..]).map(|term| term * term).sum::<f64>()
    };
    let gap = mean(t.iter().map(|p| p.x)) - mean(n.iter().map(|p| p.x));
    let slope = gap.max(1e-3) / deviation(&n).powi(2);
    let mut start = [0.0; 1 + TERMS];
    (start[0], start[1]) = (slope.ln(), -slope * mean(all.iter().map(|p| p.x)));
    let v = minimise(&start, cost);
    LlrParameters { slope: v[0].exp(), offset: side_terms(&v[1..], scale, 1.0) }
}

fn fit_survival(nontargets: &[Point]) -> SurvivalParameters {
    let scale = scales(nontargets);
    let unit = deviation(nontargets);
    let n = scaled(nontargets, scale);
    // The parameters: terms of the mean, in units, terms of ln sigma, and ln of the tail weight.
    let sigma = |v: &[f64], p: &Point| terms(&v[TERMS..2 * TERMS], p);
    let z = |v: &[f64], p: &Point, x: f64| (x - unit * terms(v, p)) / sigma(v, p).exp();
    let whole = |v: &[f64]| {
        let fit = mean(n.iter().map(|p| 0.5 * z(v, p, p.x).powi(2) + sigma(v, p)));
        fit + 1e-4 * held(v).chain(held(&v[TERMS..])).map(|term| term * term).sum::<f64>()
    };
    let mut start = [0.0; 2 * TERMS];
    (start[0], start[TERMS]) = (mean(n.iter().map(|p| p.x)) / unit, unit.ln());
    let first = minimise(&start, whole);

    let share = TAIL_SHARE.max(LEAST_TAIL / n.len() as f64).min(MOST_TAIL_SHARE);
    let mut deviates: Vec<f64> = n.iter().map(|p| z(&first, p, p.x)).collect();
    let limit = quantile(&mut deviates, 1.0 - share);
    let cut = |p: &Point| unit * terms(&first, p) + sigma(&first, p).exp() * limit;
    let (above, below): (Vec<Point>, Vec<Point>) = n.iter().partition(|p| p.x > cut(p));
    // All that counts of those below is where the cut is for their amount of speech.
    let below: Vec<Point> = below.iter().map(|p| Point { x: cut(p), ..*p }).collect();
    let bounds = (SurvivalParameters::MIN_TAIL_WEIGHT.ln(), SurvivalParameters::MAX_TAIL_WEIGHT.ln());
    let weight = |v: &[f64]| {
        let weight = v[2 * TERMS].clamp(bounds.0, bounds.1).exp();
        weight.clamp(SurvivalParameters::MIN_TAIL_WEIGHT, SurvivalParameters::MAX_TAIL_WEIGHT)
    };
    let tail = |v: &[f64]| {
        let w = weight(v);
        let seen: f64 = above
            .iter()
            .map(|p| {
                let z = z(v, p, p.x);
                let a = z.asinh();
                let q = (w * a).sinh();
                // ln of the normal density at q, of the slope of q in z, and of that of z in x.
                let ln_slope = w.ln() + ln_cosh(w * a) - 0.5 * (z * z).ln_1p();
                0.5 * q * q - ln_slope + sigma(v, p)
            })
            .sum();
        let unseen: f64 = below.iter().map(|p| -ln_survival(-(w * z(v, p, p.x).asinh()).sinh())).sum();
        let change: Vec<f64> = v.iter().zip(&first).map(|(now, first)| (now - first) / SIDE_SD).collect();
        let strain: f64 = held(&change).chain(held(&change[TERMS..])).map(|c| c * c).sum();
        (seen + unseen + 0.5 * (v[2 * TERMS] / TAIL_SD).powi(2) + 0.5 * strain) / n.len() as f64
    };
    let mut start = first.clone();
    start.push(0.0);
    let best = minimise(&start, tail);
    SurvivalParameters {
        mean: side_terms(&best, scale, unit),
        log_sigma: side_terms(&best[TERMS..], scale, 1.0),
        tail_weight: weight(&best),
    }
}

fn ln_cosh(x: f64) -> f64 {
    x.abs() + (-2.0 * x.abs()).exp().ln_1p() - std::f64::consts::LN_2
}

fn similarity(kind: ScoreKind, model: ModelId, value: f64) -> Result<Similarity, ScoreError> {
    Ok(match kind {
        ScoreKind::Cosine => Cosine::new(value, model)?.into(),
        ScoreKind::AsNorm { top_n } => NormScore::new(value, top_n, model)?.into(),
    })
}

/// Fits a calibration named `id` for the network `model` to trials of people whom it never heard. Deterministic.
///
/// Cut probes to the amounts of net speech that will be met: the fit knows nothing outside. `known` is what was known of the network
/// before: a few people's worst pairs must not decide alone what a rate of one in a thousand is, so the fit goes only part of the way
/// from there ([`KNOWN_PEOPLE`]). The table is measured on the trials that were fitted, with intervals from resampled people.
///
/// # Errors
/// Too few people or trials, numbers that cannot be, labels that contradict the people, nothing to tell people apart by, or
/// something known of another network.
pub fn fit(
    trials: &[FitTrial<'_>],
    id: &str,
    model: ModelId,
    kind: ScoreKind,
    known: Option<&Calibration>,
) -> Result<Calibration, FitError> {
    if let Some(other) = known.filter(|k| (k.model_id(), k.kind()) != (model, kind)) {
        return Err(FitError::Known { model: other.model_id(), kind: other.kind() });
    }
    let people: BTreeSet<&str> = trials.iter().flat_map(|t| [t.enrol_person, t.probe_person]).collect();
    let mut sides: [Vec<Point>; 2] = [Vec::new(), Vec::new()];
    for (trial, t) in trials.iter().enumerate() {
        similarity(kind, model, t.value).map_err(|reason| FitError::Value { trial, reason })?;
        if t.target != (t.enrol_person == t.probe_person) {
            return Err(FitError::Label { trial });
        }
        sides[usize::from(t.target)].push(Point { x: t.value, by: t.conditions.regressors() });
    }
    let [nontargets, targets] = &sides;
    for (what, found, least) in [
        ("people", people.len(), LEAST_PEOPLE),
        ("target trials", targets.len(), LEAST_TARGETS),
        ("nontarget trials", nontargets.len(), LEAST_NONTARGETS),
    ] {
        if found < least {
            return Err(FitError::TooFew { what, found, least });
        }
    }
    let spread = deviation(nontargets);
    if spread.is_nan() || spread <= 1e-9 {
        return Err(FitError::NoSpread);
    }
    if mean(targets.iter().map(|p| p.x)) <= mean(nontargets.iter().map(|p| p.x)) {
        return Err(FitError::Backwards);
    }

    let least = |seconds: &dyn Fn(&FitTrial<'_>) -> f64| {
        let mut all: Vec<f64> = trials.iter().map(seconds).collect();
        (100.0 * quantile(&mut all, 0.01)).round().max(10.0) / 100.0
    };
    let pairs: BTreeSet<[&str; 2]> = trials
        .iter()
        .filter(|t| !t.target)
        .map(|t| [t.enrol_person.min(t.probe_person), t.enrol_person.max(t.probe_person)])
        .collect();
    let mut parts = CalibrationParts {
        id: id.to_owned(),
        model,
        kind,
        llr: fit_llr(targets, nontargets),
        survival: fit_survival(nontargets),
        domain: Domain {
            least_probe_s: least(&|t| t.conditions.probe.net_speech_s()),
            least_enrol_s: least(&|t| t.conditions.enrol.net_speech_s()),
            smallest_fmr: (3.0 / pairs.len() as f64).min(1.0),
            targets: targets.len() as u64,
            nontargets: nontargets.len() as u64,
            speakers: people.len() as u64,
        },
        table: Vec::new(),
    };
    if let Some(known) = known.map(Calibration::parts) {
        let share = people.len() as f64 / (people.len() as f64 + KNOWN_PEOPLE);
        parts.llr = parts.llr.blend(known.llr, share);
        parts.survival = parts.survival.blend(known.survival, share);
    }
    let bare = Calibration::new(parts.clone()).map_err(FitError::Fit)?;
    parts.table = table(&bare, trials)?;
    Calibration::new(parts).map_err(FitError::Fit)
}

/// Measured rates at the thresholds that people choose among.
fn table(calibration: &Calibration, trials: &[FitTrial<'_>]) -> Result<Vec<TableRow>, FitError> {
    let parts = calibration.parts();
    let mut scores: Vec<(bool, Option<Score>)> = Vec::with_capacity(trials.len());
    for (trial, t) in trials.iter().enumerate() {
        let score = similarity(parts.kind, parts.model, t.value).and_then(|s| calibration.score(s, t.conditions));
        scores.push((t.target, Some(score.map_err(|reason| FitError::Value { trial, reason })?)));
    }
    let thresholds: Vec<u8> = (0..50).step_by(10).chain((50..=100).step_by(5)).collect();
    let set = TrialSet::from_scores(scores.iter().copied(), Failures::Exclude).map_err(FitError::Table)?;
    let speakers = TrialSpeakers::new(trials.iter().map(|t| (t.enrol_person, t.probe_person)));
    let statistics: Vec<Statistic> =
        thresholds.iter().flat_map(|&t| [Statistic::FmrAt(f64::from(t)), Statistic::FnmrAt(f64::from(t))]).collect();
    let intervals = set.intervals(&statistics, &speakers, Bootstrap::default()).map_err(FitError::Table)?;
    let mut counts: HashMap<(bool, u8), u64> = HashMap::new();
    for (target, score) in &scores {
        *counts.entry((*target, score.map_or(0, Score::value))).or_default() += 1;
    }
    let at_least = |target: bool, t: u8| (t..=100).filter_map(|v| counts.get(&(target, v))).sum::<u64>();
    let rows = thresholds.iter().zip(intervals.chunks_exact(2)).map(|(&t, interval)| {
        let threshold = Threshold::new(t).unwrap_or(Threshold::VOICE_ID);
        let false_matches = at_least(false, t);
        let false_nonmatches = parts.domain.targets - at_least(true, t);
        let around = |share: f64, i: &crate::metrics::Interval| [i.low.clamp(0.0, share), i.high.clamp(share, 1.0)];
        let fmr = false_matches as f64 / parts.domain.nontargets as f64;
        let fnmr = false_nonmatches as f64 / parts.domain.targets as f64;
        TableRow {
            threshold,
            false_matches,
            fmr,
            fmr_interval: around(fmr, &interval[0]),
            false_nonmatches,
            fnmr,
            fnmr_interval: around(fnmr, &interval[1]),
            extrapolated: threshold.fmr() < parts.domain.smallest_fmr,
        }
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use testdata::Random;

    use super::super::side::Side;
    use super::*;
    use crate::quality::Band;

    const MODEL: ModelId = ModelId([3; 16]);

    fn names(people: usize) -> Vec<String> {
        (0..people).map(|i| format!("p{i}")).collect()
    }

    const BANDS: [(Band, Band); 3] =
        [(Band::Narrow, Band::Narrow), (Band::Wide, Band::Wide), (Band::Narrow, Band::Wide)];

    /// Impostors whose spread grows as speech gets shorter, and targets above them; everybody is less alike across bands.
    fn world<'a>(names: &'a [String], seed: u64, each: usize, heavy: bool) -> Vec<FitTrial<'a>> {
        let mut random = Random::new(seed);
        let mut trials = Vec::new();
        for (i, a) in names.iter().enumerate() {
            for (j, b) in names.iter().enumerate() {
                for k in 0..each {
                    let probe_s = [3.0, 5.0, 10.0, 20.0][(i + j + k) % 4];
                    let spread = 0.1 * (1.0 + 1.5 / probe_s);
                    let target = i == j;
                    // With few draws a sum of two spreads has a tail that is heavier than normal.
                    let noise = if heavy && random.uniform() < 0.1 { 1.8 } else { 1.0 } * f64::from(random.normal());
                    let (probe, enrol) = BANDS[(i + 2 * j + k) % BANDS.len()];
                    let apart = if probe == enrol { 0.0 } else { 0.15 };
                    let centre = if target { 0.55 - 0.3 / probe_s } else { 0.05 } - apart;
                    let value = (centre + spread * noise).clamp(-1.0, 1.0);
                    let side = |net_speech_s, band| Side::new(net_speech_s, band).unwrap();
                    let conditions = Conditions { probe: side(probe_s, probe), enrol: side(30.0, enrol) };
                    trials.push(FitTrial { target, value, conditions, enrol_person: a, probe_person: b });
                }
            }
        }
        trials
    }

    fn measured(c: &Calibration, trials: &[FitTrial<'_>], t: u8, keep: impl Fn(&FitTrial<'_>) -> bool) -> f64 {
        let scores = trials
            .iter()
            .filter(|t| !t.target && keep(t))
            .map(|t| c.score(Cosine::new(t.value, MODEL).unwrap(), t.conditions).unwrap().value());
        let (hits, all) = scores.fold((0.0, 0.0), |(h, a), s| (h + f64::from(u8::from(s >= t)), a + 1.0));
        hits / all
    }

    #[test]
    fn stated_rates_hold_on_fresh_draws_at_every_length() {
        for heavy in [false, true] {
            let people = names(60);
            let c = fit(&world(&people, 1, 2, heavy), "t", MODEL, ScoreKind::Cosine, None).unwrap();
            let others = names(300);
            let fresh = world(&others, 2, 4, heavy);
            for (t, slack) in [(50, 1.25), (60, 1.3), (70, 1.5), (90, 2.2)] {
                let stated = Threshold::new(t).unwrap().fmr();
                let about = |got: f64| (1.0 / slack..slack).contains(&(got / stated));
                for least in [3.0, 5.0, 10.0] {
                    let got = measured(&c, &fresh, t, |x| x.conditions.probe.net_speech_s() == least);
                    assert!(about(got), "heavy {heavy}: {t} at {least} s: {got}");
                }
                for pair in BANDS {
                    let of = |x: &FitTrial<'_>| (x.conditions.probe.band(), x.conditions.enrol.band()) == pair;
                    let got = measured(&c, &fresh, t, of);
                    assert!(about(got), "heavy {heavy}: {t} with {pair:?}: {got}");
                }
            }
        }
    }

    #[test]
    fn ratios_lose_little_against_the_best_and_the_table_counts() {
        let people = names(60);
        let trials = world(&people, 4, 2, false);
        let c = fit(&trials, "t", MODEL, ScoreKind::Cosine, None).unwrap();
        let llrs =
            trials.iter().map(|t| (t.target, Some(c.llr(Cosine::new(t.value, MODEL).unwrap(), t.conditions).unwrap())));
        let set = TrialSet::from_llrs(llrs, Failures::Exclude).unwrap();
        let (cllr, least) = (set.value(Statistic::Cllr).unwrap(), set.value(Statistic::MinCllr).unwrap());
        assert!(cllr < 1.25 * least, "{cllr} {least}");
        let row = c.table().iter().find(|r| r.threshold.value() == 50).unwrap();
        let want = measured(&c, &trials, 50, |_| true);
        assert!((row.fmr - want).abs() < 1e-9 && row.fmr_interval[0] <= want && want <= row.fmr_interval[1]);
        assert!(!row.extrapolated);
        assert!(c.table().last().unwrap().extrapolated, "1,770 pairs do not show 10^-3.5");
        assert_eq!(fit(&trials, "t", MODEL, ScoreKind::Cosine, None).unwrap(), c, "deterministic");
    }

    #[test]
    fn few_people_move_what_is_known_only_in_part() {
        let fitted = |people: usize, shift: f64, known: Option<&Calibration>| {
            let people = names(people);
            let mut trials = world(&people, 1, 4, false);
            trials.iter_mut().for_each(|t| t.value = (t.value + shift).clamp(-1.0, 1.0));
            fit(&trials, "t", MODEL, ScoreKind::Cosine, known).unwrap()
        };
        let known = fitted(60, 0.0, None);
        let at = |c: &Calibration| {
            let side = Side::new(10.0, Band::Narrow).unwrap();
            c.value_at_fmr(0.001, Conditions { probe: side, enrol: side }).unwrap()
        };
        let (alone, part) = (fitted(30, 0.3, None), fitted(30, 0.3, Some(&known)));
        let share = (at(&part) - at(&known)) / (at(&alone) - at(&known));
        assert!((0.18..0.29).contains(&share), "30 of 130 people: {share}");
        let same = fitted(60, 0.0, Some(&known));
        assert!((at(&same) - at(&known)).abs() < 1e-9, "the same trials change nothing");
        let mut other = known.parts().clone();
        other.model = ModelId([4; 16]);
        let other = Calibration::new(other).unwrap();
        let people = names(40);
        let refused = fit(&world(&people, 1, 3, false), "t", MODEL, ScoreKind::Cosine, Some(&other));
        assert!(matches!(refused, Err(FitError::Known { .. })));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let refuse = |trials: &[FitTrial<'_>]| fit(trials, "t", MODEL, ScoreKind::Cosine, None).unwrap_err();
        let few = names(20);
        assert!(matches!(refuse(&world(&few, 1, 4, false)), FitError::TooFew { what: "people", .. }));
        let people = names(40);
        let good = world(&people, 1, 3, false);
        let some: Vec<_> =
            good.iter().filter(|t| t.target).take(99).chain(good.iter().filter(|t| !t.target)).copied().collect();
        assert!(matches!(refuse(&some), FitError::TooFew { what: "target trials", found: 99, .. }));
        let mut flat = good.clone();
        flat.iter_mut().filter(|t| !t.target).for_each(|t| t.value = 0.25);
        assert_eq!(refuse(&flat), FitError::NoSpread);
        let mut backwards = good.clone();
        backwards.iter_mut().for_each(|t| t.value = -t.value);
        assert_eq!(refuse(&backwards), FitError::Backwards);
        let mut wrong = good.clone();
        wrong[7].target = !wrong[7].target;
        assert_eq!(refuse(&wrong), FitError::Label { trial: 7 });
        for bad in [f64::NAN, 1.5] {
            let mut wrong = good.clone();
            wrong[3].value = bad;
            assert!(matches!(refuse(&wrong), FitError::Value { trial: 3, .. }));
        }
        assert!(matches!(
            fit(&good, "two words", MODEL, ScoreKind::Cosine, None),
            Err(FitError::Fit(CalibrationError::Id))
        ));
    }
}
