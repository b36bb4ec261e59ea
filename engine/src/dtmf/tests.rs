use super::*;
use testdata::{noise, sines};

/// Amplitude of a sine at `dbm0`, in mu-law.
fn amplitude(dbm0: f64) -> f64 {
    10f64.powf((dbm0 - 3.17) / 20.0)
}

/// How a digit is sent.
#[derive(Clone, Copy, Debug)]
struct Case {
    low_off: f64,
    high_off: f64,
    low_dbm0: f64,
    high_dbm0: f64,
    on_ms: usize,
    off_ms: usize,
    snr_db: Option<f32>,
}

const PLAIN: Case =
    Case { low_off: 0.0, high_off: 0.0, low_dbm0: -10.0, high_dbm0: -10.0, on_ms: 50, off_ms: 50, snr_db: None };

/// All sixteen digits in a row, after 200 ms; with where each begins and ends.
fn keys(case: Case) -> (Vec<f32>, Vec<DtmfDigit>) {
    let mut x = vec![0.0; 1_600];
    let mut sent = Vec::new();
    for row in 0..4 {
        for column in 0..4 {
            let parts = [
                (LOW_HZ[row] * (1.0 + case.low_off), amplitude(case.low_dbm0)),
                (HIGH_HZ[column] * (1.0 + case.high_off), amplitude(case.high_dbm0)),
            ];
            let start_sample = x.len() as u64;
            x.extend(sines(8_000, &parts, 8 * case.on_ms));
            sent.push(DtmfDigit { digit: DIGITS[row][column], start_sample, end_sample: x.len() as u64 });
            x.resize(x.len() + 8 * case.off_ms, 0.0);
        }
    }
    if let Some(snr_db) = case.snr_db {
        let power = 0.5 * (amplitude(case.low_dbm0).powi(2) + amplitude(case.high_dbm0).powi(2));
        let level = (power * 10f64.powf(f64::from(-snr_db) / 10.0)).sqrt() as f32;
        let n = noise(17, x.len());
        x.iter_mut().zip(n).for_each(|(x, n)| *x += level * n);
    }
    (x, sent)
}

fn found(x: &[f32], chunk: usize) -> Vec<DtmfDigit> {
    let mut detector = DtmfDetector::new();
    x.chunks(chunk).for_each(|part| detector.push(part));
    detector.digits().to_vec()
}

fn text(digits: &[DtmfDigit]) -> String {
    digits.iter().map(|d| d.digit).collect()
}

#[test]
fn every_digit_within_q24_is_found_where_it_is() {
    let mut cases = vec![
        ("plain", PLAIN),
        ("short", Case { on_ms: 40, off_ms: 40, ..PLAIN }),
        ("long", Case { on_ms: 700, off_ms: 500, ..PLAIN }),
        ("weak", Case { low_dbm0: -25.0, high_dbm0: -25.0, ..PLAIN }),
        ("weak and short", Case { low_dbm0: -29.0, high_dbm0: -29.0, on_ms: 40, off_ms: 40, ..PLAIN }),
        ("loud", Case { low_dbm0: -3.0, high_dbm0: -3.0, ..PLAIN }),
        ("normal twist", Case { low_dbm0: -10.0, high_dbm0: -18.0, ..PLAIN }),
        ("reverse twist", Case { low_dbm0: -14.0, high_dbm0: -10.0, ..PLAIN }),
        ("noise", Case { snr_db: Some(15.0), ..PLAIN }),
        ("noise, weak, twisted", Case { low_dbm0: -17.0, high_dbm0: -25.0, snr_db: Some(15.0), ..PLAIN }),
    ];
    for off in [-0.018, -0.015, 0.015, 0.018] {
        cases.push(("detuned", Case { low_off: off, high_off: off, ..PLAIN }));
        cases.push(("detuned apart, noise", Case { low_off: off, high_off: -off, snr_db: Some(15.0), ..PLAIN }));
    }
    let mut wrong = Vec::new();
    for (name, case) in cases {
        let (x, sent) = keys(case);
        let digits = found(&x, 160);
        if text(&digits) != text(&sent) {
            wrong.push(format!("{name} {case:?}: {}, not {}", text(&digits), text(&sent)));
            continue;
        }
        for (d, s) in digits.iter().zip(&sent) {
            // 11 ms: the analysis steps by 5 ms, and detuning or noise may cost it a step at either edge.
            if d.start_sample.abs_diff(s.start_sample) > 88 || d.end_sample.abs_diff(s.end_sample) > 88 {
                wrong.push(format!("{name} {case:?}: {d:?}, not {s:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_q24_excludes_is_no_digit() {
    let mut cases = vec![
        ("too short", Case { on_ms: 23, ..PLAIN }),
        ("too weak", Case { low_dbm0: -55.0, high_dbm0: -55.0, ..PLAIN }),
        ("too twisted", Case { high_dbm0: -24.0, ..PLAIN }),
        ("too twisted, reverse", Case { low_dbm0: -20.0, ..PLAIN }),
        ("one tone", Case { high_dbm0: -90.0, ..PLAIN }),
        ("mostly noise", Case { snr_db: Some(0.0), ..PLAIN }),
    ];
    for off in [-0.035, -0.03, 0.03, 0.035] {
        cases.push(("low detuned", Case { low_off: off, on_ms: 100, ..PLAIN }));
        cases.push(("high detuned", Case { high_off: off, on_ms: 100, ..PLAIN }));
        cases.push(("both detuned", Case { low_off: off, high_off: off, on_ms: 100, ..PLAIN }));
    }
    let wrong: Vec<String> = cases
        .into_iter()
        .filter_map(|(name, case)| {
            let digits = text(&found(&keys(case).0, 160));
            (!digits.is_empty()).then(|| format!("{name} {case:?}: {digits}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn breaks_of_10_ms_do_not_split_and_pauses_of_40_ms_do() {
    for (gap_ms, expected) in [(0, "5"), (5, "5"), (10, "5"), (40, "55"), (100, "55")] {
        let tone = sines(8_000, &[(770.0, 0.1), (1_336.0, 0.1)], 1_000);
        let x = [&[0.0; 500][..], &tone[..400], &vec![0.0; 8 * gap_ms], &tone[400..], &[0.0; 500]].concat();
        assert_eq!(text(&found(&x, 80)), expected, "gap of {gap_ms} ms");
    }
}

#[test]
fn chunks_change_nothing_and_a_full_log_counts_on() {
    let (x, _) = keys(Case { snr_db: Some(12.0), ..PLAIN });
    let whole = found(&x, x.len());
    for chunk in [1, 7, 40, 333] {
        assert_eq!(found(&x, chunk), whole);
    }
    let mut detector = DtmfDetector::new();
    let rounds = MAX_DIGITS / 16 + 2;
    (0..rounds).for_each(|_| detector.push(&keys(PLAIN).0));
    assert_eq!((detector.digits().len(), detector.dropped()), (MAX_DIGITS, (rounds * 16 - MAX_DIGITS) as u64));
    detector.reset();
    detector.push(&x);
    assert_eq!((detector.digits(), detector.dropped()), (&whole[..], 0));
}

#[test]
fn a_digit_does_not_go_on_across_a_reset() {
    let tone = sines(8_000, &[(770.0, 0.1), (1_336.0, 0.1)], 320);
    let mut detector = DtmfDetector::new();
    for _ in 0..2 {
        detector.push(&[0.0; 400]);
        detector.push(&tone[..240]);
        assert_eq!(detector.digits(), []);
        detector.reset();
        // 20 ms more are no digit, but would complete the one before.
        detector.push(&tone[240..]);
        detector.push(&[0.0; 400]);
        assert_eq!(detector.digits(), []);
        detector.reset();
    }
}

#[test]
fn talk_off_on_real_speech() {
    let Some(recordings) = testdata::speech::telephone() else { return };
    let (mut seconds, mut false_digits) = (0.0, 0);
    for r in recordings {
        let mut detector = DtmfDetector::new();
        detector.push(&r.samples);
        seconds += r.samples.len() as f64 / f64::from(r.rate_hz);
        false_digits += detector.digits().len();
        detector.digits().iter().for_each(|d| println!("{}: {d:?}", r.name));
    }
    println!("{false_digits} false digits in {:.2} h of speech", seconds / 3_600.0);
    assert!(false_digits as f64 <= 2.0 * seconds / 3_600.0 + 1.0, "{false_digits} false digits in {seconds} s");
}
