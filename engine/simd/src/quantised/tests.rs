//! One suite, run on every kernel that this machine has.

use super::kernel::Kernel;
use super::*;
use crate::PANEL;

fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn kernels() -> Vec<Kernel> {
    Kernel::ALL.into_iter().filter(|k| k.is_available()).collect()
}

#[test]
fn every_backend_gives_the_bits_of_the_reference_within_the_stated_bound() {
    let mut cases = 0;
    for outputs in [1, 2, 16, 31, 32, 33, 64, 97] {
        for (segments, segment_len) in [(1, 1), (1, 7), (3, 5), (5, 16), (2, 33), (3, 256)] {
            let inputs = segments * segment_len;
            for kind in 0..3 {
                let mut weights = numbers(outputs as u64 + kind, outputs * inputs);
                if kind == 1 {
                    weights.iter_mut().for_each(|w| *w = 1f32.copysign(*w));
                }
                let bias = numbers(3, outputs);
                for frames in [1, 2, 3, 5, 7, 8, 9, 17] {
                    let starts: Vec<usize> = (0..segments).map(|s| s * (segment_len + 1)).collect();
                    let (first, stride) = (frames % 3, segment_len + frames % 2);
                    let length = first + starts[segments - 1] + segment_len + (frames - 1) * stride;
                    let mut x = numbers(7 + kind, length);
                    if kind == 2 {
                        x.fill(0.25);
                    }
                    let at = Splice { first, stride, segments: &starts, segment_len };
                    let run = |kernel: Kernel| {
                        let m = QuantisedMatrix::with_kernel(kernel, &weights, &bias, inputs).unwrap();
                        let mut scratch = m.scratch(frames);
                        let mut y = vec![f32::NAN; frames * m.padded_outputs()];
                        m.apply(&x, at, frames, &mut scratch, &mut y);
                        let padded = m.padded_outputs();
                        for b in 0..frames {
                            let mut one = vec![0.0; padded];
                            m.apply(&x, Splice { first: first + b * stride, ..at }, 1, &mut scratch, &mut one);
                            let same = one.iter().zip(&y[b * padded..]).all(|(a, b)| a.to_bits() == b.to_bits());
                            assert!(same, "{kernel:?}: frame {b} of {frames} depends on its block");
                        }
                        y
                    };
                    let reference = run(Kernel::Scalar);
                    let padded = outputs.div_ceil(PANEL) * PANEL;
                    for b in 0..frames {
                        let taken: Vec<f32> =
                            starts.iter().flat_map(|s| x[first + b * stride + s..][..segment_len].to_vec()).collect();
                        let low = taken.iter().copied().fold(f32::INFINITY, f32::min);
                        let high = taken.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                        let magnitude: f32 = taken.iter().map(|v| v.abs()).sum();
                        for (o, row) in weights.chunks_exact(inputs).enumerate() {
                            let exact: f64 = row.iter().zip(&taken).map(|(&w, &v)| f64::from(w) * f64::from(v)).sum();
                            let exact = exact + f64::from(bias[o]);
                            let total: f32 = row.iter().map(|w| w.abs()).sum();
                            let peak = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
                            // The second product of errors, and roundings of f32, are far below a percent of it.
                            let bound = 1.02 * ((high - low) / 510.0 * total + peak / 254.0 * magnitude) + 1e-5;
                            let got = reference[b * padded + o];
                            assert!((f64::from(got) - exact).abs() <= f64::from(bound), "{got} {exact} {bound}");
                        }
                    }
                    for kernel in kernels() {
                        let got = run(kernel);
                        let same = got.iter().zip(&reference).all(|(a, b)| a.to_bits() == b.to_bits());
                        assert!(same, "{kernel:?} outputs {outputs} inputs {inputs} frames {frames} kind {kind}");
                        cases += 1;
                    }
                }
            }
        }
    }
    assert!(cases > 1_000, "{cases}");
}

#[test]
fn extremes_do_not_overflow() {
    let inputs = QUANTISED_MAX_INPUTS;
    let x: Vec<f32> = (0..inputs).map(|k| if k == 0 { 0.0 } else { 1.0 }).collect();
    for sign in [1.0, -1.0] {
        let weights = vec![sign; inputs];
        for kernel in kernels() {
            let m = QuantisedMatrix::with_kernel(kernel, &weights, &[0.0], inputs).unwrap();
            let mut y = vec![0.0; m.padded_outputs()];
            let at = Splice { first: 0, stride: 0, segments: &[0], segment_len: inputs };
            m.apply(&x, at, 1, &mut m.scratch(1), &mut y);
            let want = sign * (inputs - 1) as f32;
            assert!((y[0] / want - 1.0).abs() < 1e-5, "{kernel:?}: {} instead of {want}", y[0]);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let new = |w: &[f32], b: &[f32], n| QuantisedMatrix::new(Backend::Scalar, w, b, n);
    assert!(new(&[0.0; 12], &[0.0; 3], 4).is_some());
    assert!(new(&[0.0; 12], &[0.0; 3], 5).is_none());
    assert!(new(&[f32::NAN; 12], &[0.0; 3], 4).is_none());
    assert!(new(&[], &[], 0).is_none());
    let m = new(&[1.0; 8], &[0.0; 2], 4).unwrap();
    let at = Splice { first: 0, stride: 4, segments: &[0], segment_len: 4 };
    for (x, at, frames, room, scratch) in [
        (4, Splice { first: 1, ..at }, 1, 32, 1),
        (4, Splice { first: usize::MAX, ..at }, 1, 32, 1),
        (8, at, 2, 63, 2),
        (8, at, 2, 64, 1),
        (8, Splice { segments: &[0, 4], ..at }, 1, 32, 1),
    ] {
        let run = std::panic::AssertUnwindSafe(|| {
            m.apply(&vec![0.0; x], at, frames, &mut m.scratch(scratch), &mut vec![0.0; room]);
        });
        assert!(std::panic::catch_unwind(run).is_err(), "{at:?}");
    }
}

/// The sums of a kernel for rounded weights and bytes, against plain sums over the weights as they are given.
#[test]
fn every_kernel_adds_up_exactly() {
    let names: Vec<String> = kernels().iter().map(|k| format!("{k:?}")).collect();
    println!("kernels exercised: {}", names.join(" "));
    assert!(names.len() >= 2 || cfg!(not(any(target_arch = "x86_64", target_arch = "aarch64"))));
    type Byte = fn(usize) -> u8;
    type Weight = fn(usize) -> i32;
    let bytes: [Byte; 4] = [|i| (i * 89 % 256) as u8, |_| 255, |_| 0, |i| [0, 255][i % 2]];
    // The first of each row is 127, so that a step is 1.
    let weights: [Weight; 4] = [|i| (i * 73 % 255) as i32 - 127, |_| 127, |_| -127, |i| [127, -127][i / 2 % 2]];
    let mut cases = 0;
    for outputs in [1, 31, 32, 33, 64, 96, 130] {
        for inputs in [1, 3, 4, 5, 8, 9, 47, 64, 240, 769] {
            for (weight, byte) in weights.iter().flat_map(|w| bytes.iter().map(move |b| (w, b))) {
                let number = |o: usize, k: usize| if k == 0 { 127 } else { weight(o * 31 + k) };
                let table: Vec<f32> =
                    (0..outputs).flat_map(|o| (0..inputs).map(move |k| number(o, k) as f32)).collect();
                for frames in [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 17] {
                    let mut expected = Vec::new();
                    for b in 0..frames {
                        expected.extend((0..outputs).map(|o| {
                            (0..inputs).map(|k| i64::from(number(o, k)) * i64::from(byte(b * inputs + k))).sum::<i64>()
                        }));
                    }
                    for kernel in kernels() {
                        let m = QuantisedMatrix::with_kernel(kernel, &table, &vec![0.0; outputs], inputs).unwrap();
                        let (padded_inputs, padded) = (m.padded_inputs(), m.padded_outputs());
                        // One frame more than is computed, to see that nothing is written there.
                        let mut scratch = m.scratch(frames + 1);
                        for b in 0..frames {
                            for k in 0..padded_inputs {
                                let byte = if k < inputs { byte(b * inputs + k) } else { 77 };
                                scratch.inputs[b * padded_inputs + k] = byte ^ kernel.flip();
                            }
                        }
                        let inputs = scratch.inputs.clone();
                        scratch.wide.iter_mut().zip(&inputs).for_each(|(w, &x)| *w = i16::from(x));
                        scratch.sums.fill(i32::MIN);
                        m.products(frames, &mut scratch);
                        let rows = || scratch.sums.chunks_exact(padded);
                        let got = rows().take(frames).flat_map(|row| &row[..outputs]).map(|&s| i64::from(s));
                        assert!(got.eq(expected.iter().copied()), "{kernel:?} {outputs} x {} {frames}", m.inputs());
                        assert!(
                            rows().skip(frames).flatten().all(|&s| s == i32::MIN),
                            "{kernel:?} wrote past its output"
                        );
                        #[cfg(target_arch = "x86_64")]
                        if kernel == Kernel::Avx512Vnni && is_x86_feature_detected!("avx512vl") {
                            let mut sums = vec![0; frames * padded];
                            // SAFETY: the features were found, and the slices are as long as the frames.
                            unsafe {
                                super::x86_64::evex::products(&m, &inputs[..frames * padded_inputs], frames, &mut sums);
                            }
                            assert_eq!(&sums[..], &scratch.sums[..frames * padded], "tiles of 256 bits");
                        }
                        cases += 1;
                    }
                }
            }
        }
    }
    println!("{cases} cases");
}

#[test]
fn nothing_comes_of_no_frames() {
    for kernel in kernels() {
        let m = QuantisedMatrix::with_kernel(kernel, &[1.0; 8], &[0.0; 2], 4).unwrap();
        let mut y = [7.0; 32];
        let at = Splice { first: 99, stride: 4, segments: &[0], segment_len: 4 };
        m.apply(&[], at, 0, &mut m.scratch(0), &mut y);
        assert_eq!(y, [7.0; 32]);
    }
}

/// The bytes and the range of an input, worked out by hand.
#[test]
fn inputs_are_rounded_over_their_own_range() {
    let at = Splice { first: 1, stride: 4, segments: &[0, 2], segment_len: 2 };
    for kernel in kernels() {
        let m = QuantisedMatrix::with_kernel(kernel, &[1.0; 4], &[0.0], 4).unwrap();
        let mut scratch = m.scratch(3);
        // From -1 to 4 in 255 steps, 51 for each 1: 0 is 51, and 1.6 is 132.6.
        m.apply(&[9.0, -1.0, 4.0, 0.0, 1.6, 2.0, 2.0, 2.0, 2.0], at, 2, &mut scratch, &mut [0.0; 64]);
        let bytes: Vec<u8> = scratch.inputs.iter().map(|b| b ^ kernel.flip()).collect();
        assert_eq!(&bytes[..4], &[0, 255, 51, 133], "{kernel:?}");
        assert_eq!(scratch.ranges[0], (-1.0, 5.0 / 255.0), "{kernel:?}");
        // A frame of equal numbers has no range, and is exact.
        assert_eq!((&bytes[8..12], scratch.ranges[1]), (&[0; 4][..], (2.0, 0.0)), "{kernel:?}");
    }
}
