//! One suite, run on every backend that this machine has.

use crate::{
    Backend, EXP_MAX_ULP, LN_MAX_ERROR, PANEL, Splice, SplicedMatrix, TANH_MAX_ERROR, add_all, add_weighted, correlate,
    dot, exp, half_to_f32, ln, ln_all, power, relu_all, sum, tanh, tanh_all, windowed,
};

/// xorshift64*: enough for test data, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn of(&mut self, kind: usize, i: usize) -> f32 {
        match kind {
            0 => self.unit(),
            1 => [1e8, -1e8, 1.0][i % 3] * (1.0 + self.unit() * 1e-6), // cancelling
            2 => f32::from_bits(self.next() as u32 & 0x007f_ffff),     // subnormal
            3 => [0.0, -0.0][i % 2],
            4 => half_to_f32(self.next() as u16 & 0xbfff), // what halves hold, their subnormals among them
            _ => [1.0, f32::INFINITY, f32::NAN, -1.0][(self.next() % 4) as usize],
        }
    }
}

fn backends() -> Vec<Backend> {
    let found: Vec<Backend> = Backend::ALL.into_iter().filter(|b| b.is_available()).collect();
    println!("backends exercised: {}", found.iter().map(|b| b.name()).collect::<Vec<_>>().join(" "));
    found
}

#[test]
fn every_backend_gives_the_bits_of_the_scalar_reference() {
    const GUARD: f32 = -12345.0;
    let mut random = Random(1);
    let mut cases = 0;
    for kind in 0..6 {
        for outputs in [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 100] {
            for (segments, segment_len) in [(1, 1), (1, 7), (3, 5), (5, 16), (2, 33)] {
                let inputs = segments * segment_len;
                let weights: Vec<f32> = (0..outputs * inputs).map(|i| random.of(kind, i)).collect();
                let bias: Vec<f32> = (0..outputs).map(|i| random.of(kind.min(3), i)).collect();
                for frames in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 25] {
                    let first = frames % 3;
                    let stride = segment_len + frames % 2;
                    let starts: Vec<usize> = (0..segments).map(|s| s * (segment_len + 1)).collect();
                    let length = first + starts[segments - 1] + segment_len + (frames - 1) * stride;
                    let x: Vec<f32> = (0..length).map(|i| random.of(kind, i)).collect();
                    let at = Splice { first, stride, segments: &starts, segment_len };
                    let run = |backend| {
                        let m = SplicedMatrix::new(backend, &weights, &bias, inputs).unwrap();
                        let n = frames * m.padded_outputs();
                        let lead = (frames + outputs) % 17;
                        let mut y = vec![GUARD; lead + n + 16];
                        m.apply(&x, at, frames, &mut y[lead..]);
                        let guards = y[..lead].iter().chain(&y[lead + n..]);
                        assert!(guards.copied().all(|g| g == GUARD), "{backend:?} wrote past its output");
                        y.copy_within(lead..lead + n, 0);
                        y.truncate(n);
                        // One frame at a time must give the same bits as the block.
                        for b in 0..frames {
                            let mut one = vec![0.0; m.padded_outputs()];
                            m.apply(&x, Splice { first: first + b * stride, ..at }, 1, &mut one);
                            let same = one.iter().zip(&y[b * m.padded_outputs()..]).all(|(a, b)| same_bits(*a, *b));
                            assert!(same, "{backend:?}: frame {b} of {frames} depends on its block");
                        }
                        y
                    };
                    let reference = run(Backend::Scalar);
                    for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
                        let got = run(backend);
                        let same = reference.iter().zip(&got).all(|(a, b)| same_bits(*a, *b));
                        assert!(same, "{backend:?} kind {kind} outputs {outputs} inputs {inputs} frames {frames}");
                        cases += 1;
                    }
                }
            }
        }
    }
    assert!(backends().len() >= 2 || cfg!(not(any(target_arch = "x86_64", target_arch = "aarch64"))));
    println!("{cases} cases");
}

#[test]
fn what_is_below_zero_or_no_number_becomes_zero_and_sums_are_sums() {
    let mut values: Vec<f32> = (0..37).map(|i| (i - 18) as f32).collect();
    values.extend([f32::NAN, -0.0, f32::INFINITY, f32::NEG_INFINITY]);
    let want: Vec<f32> = values.iter().map(|&v| if v > 0.0 { v } else { 0.0 }).collect();
    relu_all(&mut values);
    assert_eq!(values, want);
    add_all(&mut values, &[0.5; 39]);
    assert!(values.iter().zip(&want).take(39).all(|(v, w)| *v == w + 0.5) && values[40] == 0.0);
}

#[test]
fn correlations_are_those_of_the_plain_rule() {
    let mut random = Random(12);
    for len in [0, 1, 2, 7, 256] {
        let x: Vec<f32> = (0..len).map(|_| random.unit()).collect();
        let rows: Vec<[f32; 16]> = (0..len).map(|_| std::array::from_fn(|_| random.unit())).collect();
        let got = correlate(&x, &rows);
        for (i, got) in got.iter().enumerate() {
            let half = |first: usize| (first..len).step_by(2).fold(0.0f32, |sum, n| sum + x[n] * rows[n][i]);
            assert_eq!(got.to_bits(), (half(0) + half(1)).to_bits(), "{len} {i}");
        }
    }
}

#[test]
fn weighted_sums_are_those_of_the_plain_rule() {
    let mut random = Random(9);
    for len in [0, 1, 3, 8, 64, 67] {
        let (mut sums, mut squares) = (vec![0.25; len], vec![0.5; len]);
        let (mut want_sums, mut want_squares) = (sums.clone(), squares.clone());
        for _ in 0..20 {
            let (w, x) = (f64::from(random.unit()), (0..len).map(|_| random.unit()).collect::<Vec<f32>>());
            add_weighted(w, &x, &mut sums, &mut squares);
            for (i, &x) in x.iter().enumerate() {
                want_sums[i] += w * f64::from(x);
                want_squares[i] += w * f64::from(x) * f64::from(x);
            }
        }
        let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!((bits(&sums), bits(&squares)), (bits(&want_sums), bits(&want_squares)), "{len}");
    }
}

/// Equal bits, or both NaN: which NaN comes out is not specified.
fn same_bits(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn the_reference_is_the_sum_it_says() {
    // Derived bound: n fused multiply-adds lose at most n units of 2^-24 of the sum of magnitudes.
    let mut random = Random(2);
    let (outputs, inputs) = (40, 300);
    let weights: Vec<f32> = (0..outputs * inputs).map(|_| random.unit()).collect();
    let bias: Vec<f32> = (0..outputs).map(|_| random.unit()).collect();
    let x: Vec<f32> = (0..inputs).map(|_| random.unit()).collect();
    let m = SplicedMatrix::new(Backend::Scalar, &weights, &bias, inputs).unwrap();
    let mut y = vec![0.0; m.padded_outputs()];
    m.apply(&x, Splice { first: 0, stride: 0, segments: &[0], segment_len: inputs }, 1, &mut y);
    for o in 0..outputs {
        let terms = || weights[o * inputs..][..inputs].iter().zip(&x).map(|(&w, &x)| f64::from(w) * f64::from(x));
        let exact = terms().sum::<f64>() + f64::from(bias[o]);
        let bound =
            (inputs + 1) as f64 * 2f64.powi(-24) * (terms().map(f64::abs).sum::<f64>() + f64::from(bias[o]).abs());
        assert!((f64::from(y[o]) - exact).abs() <= bound, "output {o}");
    }
    assert_eq!(m.padded_outputs() % PANEL, 0);
    assert!(y[outputs..].iter().all(|&v| v == 0.0));
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let w = [0.0; 12];
    assert!(SplicedMatrix::new(Backend::Scalar, &w, &[0.0; 3], 4).is_some());
    assert!(SplicedMatrix::new(Backend::Scalar, &w, &[0.0; 3], 5).is_none());
    assert!(SplicedMatrix::new(Backend::Scalar, &w, &[], 4).is_none());
    assert!(SplicedMatrix::new(Backend::Scalar, &[], &[0.0; 3], 0).is_none());
    let missing = Backend::ALL.into_iter().find(|b| !b.is_available());
    if let Some(b) = missing {
        assert!(SplicedMatrix::new(b, &w, &[0.0; 3], 4).is_none());
    }
}

#[test]
#[should_panic(expected = "needed")]
fn a_short_input_is_caught() {
    let m = SplicedMatrix::new(Backend::detect(), &[1.0; 8], &[0.0; 2], 4).unwrap();
    m.apply(&[0.0; 4], Splice { first: 1, stride: 4, segments: &[0], segment_len: 4 }, 1, &mut [0.0; 32]);
}

#[test]
fn impossible_splices_are_caught_on_every_backend() {
    let x = [0.0; 64];
    let at = Splice { first: 0, stride: 4, segments: &[0], segment_len: 4 };
    let cases: [(&str, Splice<'_>, usize, usize); 9] = [
        ("first", Splice { first: usize::MAX - 3, ..at }, 1, 32),
        ("stride", Splice { stride: usize::MAX / 2 + 1, ..at }, 3, 96),
        ("segment", Splice { segments: &[usize::MAX - 3], ..at }, 1, 32),
        ("segment length", Splice { segment_len: usize::MAX, ..at }, 1, 32),
        ("too few segments", Splice { segments: &[], ..at }, 1, 32),
        ("too many segments", Splice { segments: &[0, 4], ..at }, 1, 32),
        ("frames", at, usize::MAX, 32),
        ("input", at, 17, 17 * 32),
        ("output", at, 2, 63),
    ];
    for backend in backends() {
        let m = SplicedMatrix::new(backend, &[1.0; 8], &[0.0; 2], 4).unwrap();
        m.apply(&x, at, 16, &mut [0.0; 16 * 32]);
        m.apply(&[], at, 0, &mut []);
        for (what, at, frames, room) in &cases {
            let mut y = vec![0.0; *room];
            let run = std::panic::AssertUnwindSafe(|| m.apply(&x, *at, *frames, &mut y));
            assert!(std::panic::catch_unwind(run).is_err(), "{backend:?}: {what}");
        }
    }
}

fn ulp_error(got: f32, exact: f64) -> f64 {
    let ulp = f64::from(f32::from_bits((exact as f32).to_bits() + 1)) - f64::from(exact as f32);
    (f64::from(got) - exact).abs() / ulp
}

fn check_exp(x: f32) {
    let exact = f64::from(x).exp();
    if (1.2e-38..=3.4e38).contains(&exact) {
        assert!(ulp_error(exp(x), exact) <= EXP_MAX_ULP, "exp({x}) = {} not {exact}", exp(x));
    }
}

fn check_tanh(x: f32) {
    assert!((f64::from(tanh(x)) - f64::from(x).tanh()).abs() <= TANH_MAX_ERROR, "tanh({x}) = {}", tanh(x));
}

#[test]
fn exp_and_tanh_keep_their_bounds() {
    for bits in (0..=u32::MAX).step_by(4099) {
        let x = f32::from_bits(bits);
        if x.is_finite() {
            check_exp(x);
            check_tanh(x);
        }
    }
    assert_eq!((exp(0.0), exp(-200.0), exp(f32::NEG_INFINITY)), (1.0, 0.0, 0.0));
    assert_eq!((exp(200.0), exp(f32::INFINITY)), (f32::INFINITY, f32::INFINITY));
    assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
    assert_eq!((tanh(f32::INFINITY), tanh(f32::NEG_INFINITY), tanh(-0.0).to_bits()), (1.0, -1.0, (-0.0f32).to_bits()));
}

#[test]
fn ln_keeps_its_bound_and_many_are_each() {
    // Every exponent, and all mantissas around 1, where the result is small.
    let near = (0x3f70_0000..0x3f90_0000u32).step_by(7);
    let mut values: Vec<f32> = (0x0080_0000..0x7f80_0000u32).step_by(1_021).chain(near).map(f32::from_bits).collect();
    let mut worst = 0.0f64;
    for &x in &values {
        let (got, exact) = (f64::from(ln(x)), f64::from(x).ln());
        // Of one where the result is smaller: there it is the difference of numbers near one.
        let ulp = (exact.abs().max(1.0) as f32).to_bits();
        let ulp = f64::from(f32::from_bits(ulp + 1)) - f64::from(f32::from_bits(ulp));
        worst = worst.max((got - exact).abs() / ulp);
    }
    assert!(worst <= LN_MAX_ERROR, "{worst}");
    let each: Vec<u32> = values.iter().map(|&x| ln(x).to_bits()).collect();
    ln_all(&mut values);
    assert!(values.iter().zip(&each).all(|(a, b)| a.to_bits() == *b));
    assert_eq!(ln(1.0), 0.0);
}

#[test]
fn frames_and_powers_are_those_of_the_plain_rule() {
    let mut random = Random(5);
    for n in [0, 1, 2, 7, 200, 401] {
        let mut some = || -> Vec<f32> { (0..n).map(|_| random.unit()).collect() };
        let (samples, window) = (some(), some());
        let mut out = vec![9.0; n + 3];
        windowed(&samples, (32_768.0, 0.5, 0.97), &window, &mut out);
        let at = |x: f32| x * 32_768.0 - 0.5;
        for i in 0..n {
            let before = samples[i.saturating_sub(1)];
            assert_eq!(out[i], f64::from((at(samples[i]) - 0.97 * at(before)) * window[i]), "{n} {i}");
        }
        assert!(out[n..].iter().all(|&x| x == 0.0));
        let spectrum: Vec<(f64, f64)> = samples.iter().zip(&window).map(|(&a, &b)| (a.into(), b.into())).collect();
        let mut powers = vec![0.0; n];
        power(&spectrum, |c| *c, &mut powers);
        assert!(powers.iter().zip(&spectrum).all(|(&p, c)| p == (c.0 * c.0 + c.1 * c.1) as f32));
    }
}

#[test]
fn sums_are_those_of_the_partial_sums() {
    for n in 0..70 {
        let a: Vec<f32> = (0..n).map(|i| 1.0 + (i % 7) as f32).collect();
        assert_eq!(sum(&a), a.iter().sum::<f32>(), "{n}");
        assert_eq!(sum(&a), dot(&a, &vec![1.0; n]), "{n}");
    }
}

#[test]
fn tanh_of_many_is_tanh_of_each() {
    // Every exponent, both signs, NaN and infinity; then close around where `tanh` changes its formula, and where it is 1.
    let around = |x: f32| (0..2_000u32).map(move |i| f32::from_bits(x.to_bits() - 1_000 + i));
    let mut values: Vec<f32> = (0..=u32::MAX).step_by(4_099).map(f32::from_bits).collect();
    for x in [0.02, 9.0, 44.0, 44.361_42, 88.722_83] {
        values.extend(around(x).chain(around(-x)));
    }
    values.extend([0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    let mut many = values.clone();
    tanh_all(&mut many);
    for (x, y) in values.iter().zip(&many) {
        assert_eq!(y.to_bits(), tanh(*x).to_bits(), "tanh({x})");
        assert_eq!(y.to_bits(), crate::elementwise::tanh_straight(*x).to_bits(), "tanh({x}), on any machine");
    }
    for length in 0..40 {
        let mut short = values[..length].to_vec();
        tanh_all(&mut short);
        assert!(short.iter().zip(&many).all(|(a, b)| a.to_bits() == b.to_bits()), "{length}");
    }
}

#[test]
#[ignore = "all 2^32 arguments: minutes"]
fn exp_and_tanh_keep_their_bounds_everywhere() {
    for bits in 0..=u32::MAX {
        let x = f32::from_bits(bits);
        if x.is_finite() {
            check_exp(x);
            check_tanh(x);
        }
    }
}

#[test]
fn dot_keeps_its_bound() {
    let mut random = Random(3);
    for n in 0..=100 {
        let a: Vec<f32> = (0..n).map(|_| random.unit()).collect();
        let b: Vec<f32> = (0..n).map(|_| random.unit()).collect();
        let terms = || a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        // n/16 + 5 roundings on the longest path.
        let bound = (n as f64 / 16.0 + 6.0) * 2f64.powi(-24) * terms().map(f64::abs).sum::<f64>();
        assert!((f64::from(dot(&a, &b)) - terms().sum::<f64>()).abs() <= bound, "length {n}");
    }
}

#[test]
fn a_name_that_is_no_backend_of_this_machine_is_an_error_that_lists_them() {
    use std::ffi::OsStr;
    let fastest = Backend::ALL.into_iter().rfind(|b| b.is_available()).unwrap();
    assert_eq!(Backend::named(None), Ok(fastest));
    assert_eq!(Backend::named(Some(OsStr::new(""))), Ok(fastest));
    for backend in Backend::ALL {
        let named = Backend::named(Some(OsStr::new(backend.name())));
        assert_eq!(named.is_ok(), backend.is_available(), "{backend:?}");
        assert!(named.is_err() || named == Ok(backend));
    }
    for wrong in ["sse9", "AVX2", "scalar ", "auto"] {
        let error = Backend::named(Some(OsStr::new(wrong))).err().unwrap().to_string();
        assert!(error.contains(wrong) && error.contains("scalar") && error.contains(fastest.name()), "{error}");
    }
}
