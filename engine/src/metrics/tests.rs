use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::score::Llr;

const DCF: DcfCost = DcfCost::P_TARGET_0_01;
const GOLDEN: &str = include_str!("../../../testdata/golden/metrics/cases.json");

fn llr(x: f64) -> Option<Llr> {
    Some(Llr::new(x).unwrap())
}

fn set(trials: &[(bool, f64)]) -> TrialSet {
    TrialSet::from_llrs(trials.iter().map(|&(t, s)| (t, llr(s))), Failures::Exclude).unwrap()
}

fn statistic(name: &str) -> Statistic {
    match name {
        "eer" => Statistic::Eer,
        "min_dcf" => Statistic::MinDcf(DCF),
        "act_dcf" => Statistic::ActDcf(DCF),
        "cllr" => Statistic::Cllr,
        "min_cllr" => Statistic::MinCllr,
        _ => match (name.strip_prefix("fmr_at_"), name.strip_prefix("fnmr_at_")) {
            (Some(t), _) => Statistic::FmrAt(t.parse().unwrap()),
            (_, Some(t)) => Statistic::FnmrAt(t.parse().unwrap()),
            _ => panic!("{name}"),
        },
    }
}

#[test]
fn statistics_match_the_golden_cases() {
    let golden: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for case in golden["cases"].as_array().unwrap() {
        let rows = case["trials"].as_array().unwrap();
        let trials: Vec<_> = rows.iter().map(|r| (r[0] == 1, r[1].as_f64().unwrap())).collect();
        let set = set(&trials);
        let expected: BTreeMap<String, f64> = serde_json::from_value(case["expected"].clone()).unwrap();
        for (name, want) in expected {
            let got = set.value(statistic(&name)).unwrap();
            checked += 1;
            if (got - want).abs() > 1e-12 * want.abs().max(1.0) {
                wrong.push(format!("{} {name}: {got} instead of {want}", case["name"]));
            }
        }
        let speakers = TrialSpeakers::new(rows.iter().map(|r| (r[2].as_str().unwrap(), r[3].as_str().unwrap())));
        let intervals: BTreeMap<String, [f64; 2]> = serde_json::from_value(case["intervals"].clone()).unwrap();
        for (name, want) in intervals {
            let bootstrap = Bootstrap { replicates: 2000, seed: 3 };
            let got = set.intervals(&[statistic(&name)], &speakers, bootstrap).unwrap()[0];
            checked += 1;
            // Ends of two runs with 2000 replicates differ by about a tenth of the interval's width at most.
            let slack = 0.12 * (want[1] - want[0]);
            if (got.low - want[0]).abs() > slack || (got.high - want[1]).abs() > slack {
                wrong.push(format!("{} {name}: {got:?} instead of {want:?}", case["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(checked, 7 * 11 + 11);
}

/// Two targets at 2 and 0, two nontargets at 1 and -1, worked by hand.
#[test]
fn four_trials_by_hand() {
    let s = set(&[(true, 2.0), (true, 0.0), (false, 1.0), (false, -1.0)]);
    // Thresholds -1, 0, 1, 2, inf: (fmr, fnmr) = (1, 0) (1/2, 0) (1/2, 1/2) (0, 1/2) (0, 1).
    let points: Vec<_> = s.operating_points().iter().map(|p| (p.threshold, p.fmr, p.fnmr)).collect();
    let inf = f64::INFINITY;
    assert_eq!(points, [(-1.0, 1.0, 0.0), (0.0, 0.5, 0.0), (1.0, 0.5, 0.5), (2.0, 0.0, 0.5), (inf, 0.0, 1.0)]);
    assert_eq!(s.eer(), 0.5);
    // At threshold 2: 0.01 * 1/2 / 0.01. At the Bayes threshold ln 99 = 4.6 nothing is accepted: 1.
    assert!((s.value(Statistic::MinDcf(DCF)).unwrap() - 0.5).abs() < 1e-12);
    assert!((s.value(Statistic::ActDcf(DCF)).unwrap() - 1.0).abs() < 1e-12);
    // Labels by score are 0 1 0 1; pooled: 0, (1 0) -> 1/2, 1. Only the middle block costs: ratio 1, ln 2 on each side,
    // for half of either kind: (ln 2 / 2 + ln 2 / 2) / (2 ln 2) = 1/2.
    assert!((s.value(Statistic::MinCllr).unwrap() - 0.5).abs() < 1e-12);
    let target = ((-2f64).exp().ln_1p() + 2f64.ln()) / 2.0;
    let nontarget = (1f64.exp().ln_1p() + (-1f64).exp().ln_1p()) / 2.0;
    let cllr = (target + nontarget) / (2.0 * 2f64.ln());
    assert!((s.value(Statistic::Cllr).unwrap() - cllr).abs() < 1e-12);
}

/// The peer's rule of shared measurements, line by line: no ties, so that its order is ours.
#[test]
fn eer_and_min_dcf_are_those_of_the_step_rule() {
    let golden: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
    let case = golden["cases"].as_array().unwrap().iter().find(|c| c["name"] == "overlapping").unwrap();
    let rows = case["trials"].as_array().unwrap();
    let mut trials: Vec<_> = rows.iter().map(|r| (r[0] == 1, r[1].as_f64().unwrap())).collect();
    let s = set(&trials);
    trials.sort_by(|a, b| a.1.total_cmp(&b.1));
    let count = |target: bool| trials.iter().filter(|t| t.0 == target).count() as f64;
    let (mut points, mut fnmr, mut fmr) = (vec![(0.0, 1.0)], 0.0, 1.0);
    for t in &trials {
        if t.0 {
            fnmr += 1.0 / count(true)
        } else {
            fmr -= 1.0 / count(false)
        }
        points.push((fnmr, fmr));
    }
    let nearest = points.iter().min_by(|a, b| (a.0 - a.1).abs().total_cmp(&(b.0 - b.1).abs())).unwrap();
    assert!((s.eer() - (nearest.0 + nearest.1) / 2.0).abs() < 1e-9);
    let dcf = points.iter().map(|p| (0.01 * p.0 + 0.99 * p.1) / 0.01).fold(f64::INFINITY, f64::min);
    assert!((s.value(Statistic::MinDcf(DCF)).unwrap() - dcf).abs() < 1e-9);
}

#[test]
fn failures_are_left_out_or_rejected() {
    let trials =
        || [(true, llr(2.0)), (true, None), (true, llr(1.0)), (true, llr(3.0)), (false, llr(0.0)), (false, None)];
    let out = TrialSet::from_llrs(trials(), Failures::Exclude).unwrap();
    assert_eq!((out.targets(), out.nontargets(), out.failures()), (3, 1, 2));
    assert_eq!((out.fnmr_at(-9.0).unwrap(), out.fmr_at(-9.0).unwrap(), out.eer()), (0.0, 1.0, 0.0));
    let rejected = TrialSet::from_llrs(trials(), Failures::Reject).unwrap();
    assert_eq!((rejected.targets(), rejected.nontargets(), rejected.failures()), (4, 2, 2));
    for threshold in [f64::NEG_INFINITY, -9.0, 0.0] {
        assert_eq!(rejected.fnmr_at(threshold).unwrap(), 0.25, "{threshold}");
        assert_eq!(rejected.fmr_at(threshold).unwrap(), 0.5, "{threshold}");
    }
    // The lowest point accepts all but the failures.
    assert_eq!(rejected.operating_points()[0], OperatingPoint { threshold: 0.0, fmr: 0.5, fnmr: 0.25 });
    assert_eq!(rejected.value(Statistic::Cllr), Err(MetricsError::NotLlr));
    assert!(rejected.value(Statistic::MinCllr).unwrap().is_finite());
}

#[test]
fn sets_without_both_kinds_are_errors() {
    let of = |trials: Vec<(bool, Option<Llr>)>| TrialSet::from_llrs(trials, Failures::Reject).map(|s| s.eer());
    assert_eq!(of(vec![]), Err(MetricsError::NoTargets));
    assert_eq!(of(vec![(true, llr(0.0))]), Err(MetricsError::NoNontargets));
    assert_eq!(of(vec![(false, llr(0.0))]), Err(MetricsError::NoTargets));
    assert_eq!(of(vec![(true, None), (false, llr(0.0))]), Err(MetricsError::NoTargets));
    assert_eq!(of(vec![(true, llr(0.0)), (false, None)]), Err(MetricsError::NoNontargets));
}

#[test]
fn statistics_of_ratios_need_ratios() {
    let score = |fmr| crate::score::Score::new(fmr, false).ok();
    let s = TrialSet::from_scores([(true, score(0.001)), (false, score(0.5))], Failures::Exclude).unwrap();
    assert_eq!(s.value(Statistic::Cllr), Err(MetricsError::NotLlr));
    assert_eq!(s.value(Statistic::ActDcf(DCF)), Err(MetricsError::NotLlr));
    assert_eq!((s.fmr_at(50.0), s.fnmr_at(50.0)), (Ok(0.0), Ok(0.0)));
    assert_eq!(s.fmr_at(f64::NAN), Err(MetricsError::Threshold));
    for (p, miss, fa) in
        [(0.0, 1.0, 1.0), (1.0, 1.0, 1.0), (f64::NAN, 1.0, 1.0), (0.1, 0.0, 1.0), (0.1, 1.0, f64::INFINITY)]
    {
        assert!(DcfCost::new(p, miss, fa).is_err(), "{p} {miss} {fa}");
    }
}

#[test]
fn intervals_are_reproducible_and_refuse_nonsense() {
    let people: Vec<String> = (0..10).map(|i| format!("p{i}")).collect();
    let (mut trials, mut pairs) = (Vec::new(), Vec::new());
    for (i, a) in people.iter().enumerate() {
        for (j, b) in people.iter().enumerate() {
            trials.push((i == j, (i * 7 + j * 3) as f64 % 5.0 + if i == j { 3.0 } else { 0.0 }));
            pairs.push((a.as_str(), b.as_str()));
        }
    }
    let (s, speakers) = (set(&trials), TrialSpeakers::new(pairs.iter().copied()));
    let all = [Statistic::Eer, Statistic::FmrAt(9.0), Statistic::FnmrAt(-1.0), Statistic::FmrAt(-1.0)];
    let run = |seed| s.intervals(&all, &speakers, Bootstrap { replicates: 200, seed }).unwrap();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1)[0], run(2)[0]);
    // No false match among 90, no false non-match among 10: the rule of three. All 90 accepted: the same from above.
    let got = run(1);
    assert_eq!(got[1], Interval { low: 0.0, high: 3.0 / 90.0 });
    assert_eq!(got[2], Interval { low: 0.0, high: 0.3 });
    assert_eq!(got[3], Interval { low: 1.0 - 3.0 / 90.0, high: 1.0 });

    let few = TrialSpeakers::new(pairs.iter().copied().skip(1));
    let default = Bootstrap::default();
    assert!(matches!(s.intervals(&all, &few, default), Err(MetricsError::Speakers { .. })));
    let one = TrialSpeakers::new(pairs.iter().map(|_| ("x", "x")));
    assert!(matches!(s.intervals(&all, &one, default), Err(MetricsError::TooFewSpeakers { .. })));
    let none = Bootstrap { replicates: 0, seed: 1 };
    assert_eq!(s.intervals(&all, &speakers, none), Err(MetricsError::Replicates));
}

#[test]
fn a_thousand_replicates_of_every_statistic_are_quick() {
    let people: Vec<String> = (0..78).map(|i| format!("p{i}")).collect();
    let name = |i: usize| people[i % 78].as_str();
    let rows: Vec<(bool, f64, (&str, &str))> = (0..1572)
        .map(|i| {
            let target = i % 12 == 0;
            let noise = ((i * 7919) % 1009) as f64 / 1009.0 * 6.0 - 3.0;
            (target, noise + if target { 2.0 } else { -2.0 }, (name(i), name(if target { i } else { i * 31 + 1 })))
        })
        .collect();
    let s = set(&rows.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>());
    let speakers = TrialSpeakers::new(rows.iter().map(|r| r.2));
    let mut all =
        vec![Statistic::Eer, Statistic::MinDcf(DCF), Statistic::ActDcf(DCF), Statistic::Cllr, Statistic::MinCllr];
    for t in [-1.0, 0.0, 1.0, 2.0] {
        all.extend([Statistic::FmrAt(t), Statistic::FnmrAt(t)]);
    }
    let start = std::time::Instant::now();
    let got = s.intervals(&all, &speakers, Bootstrap::default()).unwrap();
    let took = start.elapsed();
    for (i, statistic) in got.iter().zip(&all) {
        let value = s.value(*statistic).unwrap();
        assert!(i.low <= value && value <= i.high, "{statistic:?} {i:?} {value}");
    }
    println!("13 statistics, 1572 trials, 1000 replicates: {took:?}");
    // Ten times what two busy cores need; the quadratic way takes minutes.
    assert!(took.as_secs() < 10, "{took:?}");
}

fn trials() -> impl Strategy<Value = Vec<(bool, f64)>> {
    // Few values, so that ties are common.
    prop::collection::vec((any::<bool>(), (-20i32..20).prop_map(|i| f64::from(i) / 4.0)), 2..120)
        .prop_filter("both kinds", |t| t.iter().any(|t| t.0) && t.iter().any(|t| !t.0))
}

proptest! {
    #[test]
    fn rising_maps_change_no_statistic_of_order(t in trials()) {
        let mapped: Vec<_> = t.iter().map(|&(y, s)| (y, (s / 3.0).exp() * 7.0 - 100.0)).collect();
        let (a, b) = (set(&t), set(&mapped));
        for s in [Statistic::Eer, Statistic::MinDcf(DCF), Statistic::MinCllr] {
            prop_assert_eq!(a.value(s), b.value(s));
        }
    }

    #[test]
    fn actual_costs_are_at_least_the_minimal_ones(t in trials()) {
        let s = set(&t);
        let value = |x| s.value(x).unwrap();
        prop_assert!(value(Statistic::MinDcf(DCF)) <= value(Statistic::ActDcf(DCF)));
        prop_assert!(value(Statistic::MinCllr) <= value(Statistic::Cllr) + 1e-12);
        prop_assert!((0.0..=1.0 + 1e-12).contains(&value(Statistic::MinCllr)));
        prop_assert!((0.0..=1.0).contains(&value(Statistic::MinDcf(DCF))));
        prop_assert!((0.0..=1.0).contains(&s.eer()));
    }

    #[test]
    fn the_order_of_trials_does_not_matter(t in trials()) {
        let reversed: Vec<_> = t.iter().rev().copied().collect();
        for s in [Statistic::Eer, Statistic::MinDcf(DCF), Statistic::ActDcf(DCF), Statistic::MinCllr] {
            prop_assert_eq!(set(&t).value(s), set(&reversed).value(s));
        }
    }

    #[test]
    fn rates_at_a_threshold_lie_on_the_curve(t in trials(), threshold in -6.0..6.0f64) {
        let s = set(&t);
        let at = (s.fmr_at(threshold).unwrap(), s.fnmr_at(threshold).unwrap());
        let on = |p: &OperatingPoint| (p.fmr - at.0).abs() < 1e-12 && (p.fnmr - at.1).abs() < 1e-12;
        prop_assert!(s.operating_points().iter().any(on));
    }
}

/// Scores drawn from the densities that their own ratios state: calibrated by construction.
#[test]
fn calibrated_ratios_lose_almost_nothing() {
    // Targets normal around m with variance 2m, nontargets around -m: the ratio of the densities at x is e^x.
    let m = 2.0f64;
    let n = 20_000;
    let draw = |mean: f64| {
        (0..n)
            .map(move |i| mean + (2.0 * m).sqrt() * crate::score::normal::quantile((f64::from(i) + 0.5) / f64::from(n)))
    };
    let s = set(&draw(m).map(|x| (true, x)).chain(draw(-m).map(|x| (false, x))).collect::<Vec<_>>());
    let (act, min) = (s.value(Statistic::Cllr).unwrap(), s.value(Statistic::MinCllr).unwrap());
    assert!(act - min < 0.002 && act > 0.1, "{act} {min}");
    // The rates are equal at 0: the normal survival function at m / sqrt(2m) = 1.
    assert!((s.eer() - 0.158_655).abs() < 1e-4);
    let (act, min) = (s.value(Statistic::ActDcf(DCF)).unwrap(), s.value(Statistic::MinDcf(DCF)).unwrap());
    assert!(act - min < 0.01, "{act} {min}");
}
