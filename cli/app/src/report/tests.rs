use engine::score::normal::quantile;

use super::*;

/// Calibrated trials of `people` people: ratios normal around +-m with variance 2m, scores by the nontargets' distribution.
fn trials(names: &[String], m: f64, fail_every: usize) -> Vec<ScoredTrial<'_>> {
    let mut out = Vec::new();
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    for (i, a) in names.iter().enumerate() {
        for (j, b) in names.iter().enumerate() {
            for _ in 0..if i == j { 4 } else { 1 } {
                let x = (if i == j { m } else { -m }) + (2.0 * m).sqrt() * quantile(uniform());
                let fmr = engine::score::normal::survival((x + m) / (2.0 * m).sqrt());
                let fail = fail_every > 0 && out.len() % fail_every == 0;
                let outcome = (!fail).then(|| (Llr::new(x).unwrap(), Score::new(fmr, false).unwrap()));
                out.push(ScoredTrial { target: i == j, enrol_speaker: a, probe_speaker: b, outcome });
            }
        }
    }
    out
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("p{i}")).collect()
}

fn heading() -> Heading {
    Heading {
        trials: "tel <&> \"lists\".trials".into(),
        model: "00112233445566778899aabbccddeeff".into(),
        calibration: "test-1".into(),
        version: "0.1.0".into(),
    }
}

#[test]
fn a_summary_has_every_key_and_consistent_figures() {
    let people = names(40);
    let e = Evaluation::new(&trials(&people, 4.0, 17), Bootstrap { replicates: 200, seed: 1 }).unwrap();
    let s = &e.summary;
    let json = serde_json::to_value(s).unwrap();
    for key in ["eer", "min_dcf", "act_dcf", "cllr", "min_cllr", "fmr_at_90", "fnmr_at_90"] {
        let value = json[key].as_f64().unwrap();
        let interval = &json["intervals"][key];
        assert!(interval[0].as_f64().unwrap() <= value && value <= interval[1].as_f64().unwrap(), "{key}");
    }
    assert_eq!((json["targets"].as_u64(), json["nontargets"].as_u64()), (Some(160), Some(1560)));
    assert_eq!(json["failures"].as_u64(), Some(1720u64.div_ceil(17)));
    for t in &s.thresholds {
        let (key, key_n) = (format!("fmr_at_{}", t.threshold), format!("fnmr_at_{}", t.threshold));
        assert_eq!((json[key].as_f64(), json[key_n].as_f64()), (Some(t.fmr), Some(t.fnmr)));
        let scored = (s.nontargets - (s.failures - s.failed_targets)) as f64;
        assert!((t.fmr - t.false_matches as f64 / scored).abs() < 1e-12);
        assert!((t.frr - (t.false_nonmatches + s.failed_targets) as f64 / s.targets as f64).abs() < 1e-12);
        assert!((t.far - t.false_matches as f64 / s.nontargets as f64).abs() < 1e-12);
        // The scores say what they are: the stated rate lies within what this many trials allow.
        assert!((t.fmr - t.stated_fmr).abs() < 4.0 * (t.stated_fmr / scored).sqrt(), "{t:?}");
    }
    assert!(s.eer_with_failures.unwrap() > s.eer);
    assert!((s.eer - 0.0786).abs() < 0.03, "the normal survival function at sqrt(2): {}", s.eer);
}

#[test]
fn the_page_is_complete_escaped_and_fetches_nothing() {
    let people = names(30);
    let e = Evaluation::new(&trials(&people, 6.0, 0), Bootstrap { replicates: 100, seed: 1 }).unwrap();
    let page = html(&e, &heading()).unwrap();
    assert!(page.contains("tel &lt;&amp;&gt; &quot;lists&quot;.trials") && !page.contains("tel <&>"));
    assert_eq!(page.matches("<svg").count(), 2);
    assert_eq!(page.matches("role=\"img\"").count(), 2);
    assert!(page.contains("<title id=\"det-title\">") && page.contains("<desc id=\"scores-desc\">"));
    for fetching in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(fetching), "{fetching}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "a number that is none");
    // The style sheet finds the plots' colours by value.
    for color in ["#1F2937", "#6B7280", "#E5E7EB", "#2563EB", "#D97706"] {
        assert!(page.matches(color).count() > 2, "{color}");
    }
    if let Ok(path) = std::env::var("VOUCH_REPORT_OUT") {
        std::fs::write(path, page).unwrap();
    }
}

#[test]
fn extreme_sets_have_a_page() {
    let outcome = |x: f64, fmr| Some((Llr::new(x).unwrap(), Score::new(fmr, false).unwrap()));
    let trial =
        |target, enrol_speaker, probe_speaker, outcome| ScoredTrial { target, enrol_speaker, probe_speaker, outcome };
    let apart = [trial(true, "a", "a", outcome(50.0, 0.0)), trial(false, "a", "b", outcome(-50.0, 1.0))];
    let reversed = [trial(true, "a", "a", outcome(-50.0, 1.0)), trial(false, "a", "b", outcome(50.0, 0.0))];
    let same = [
        trial(true, "a", "a", outcome(0.0, 0.5)),
        trial(false, "a", "a", outcome(0.0, 0.5)),
        trial(true, "a", "a", None),
    ];
    for (name, set) in [("apart", &apart[..]), ("reversed", &reversed), ("same", &same)] {
        let e = Evaluation::new(set, Bootstrap { replicates: 50, seed: 1 }).unwrap();
        let page = html(&e, &Heading::default()).unwrap();
        assert!(page.contains("</html>") && !page.contains("NaN") && !page.contains("inf"), "{name}");
    }
    assert!(Evaluation::new(&apart[..1], Bootstrap::default()).is_err());
}

#[test]
fn rates_print_with_sensible_places() {
    for (rate, want) in [(0.0, "0 %"), (1.0, "100 %"), (0.1234, "12.34 %"), (0.000_562_3, "0.056 %"), (0.001, "0.10 %")]
    {
        assert_eq!(percent(rate), want);
    }
}
