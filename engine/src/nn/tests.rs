//! Oracles: each layer over the whole utterance at once, in f64, as `models/train/net.py` says it.

use engine_simd::Backend;
use proptest::prelude::*;

use super::{Activation, AffineSpec, AttentiveStats, CausalCmn, ResidualBlock, SplicedAffine, Workspace};
use crate::embed::MAX_BLOCK_FRAMES;

/// Pseudo-random numbers in -1..1, the same everywhere.
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

/// Zero beyond the ends; one output for each frame 0, stride, 2 stride, ...
fn affine_oracle(x: &[f64], spec: &AffineSpec<'_>) -> Vec<f64> {
    let (channels, frames) = (spec.channels, x.len() / spec.channels);
    let mut out = Vec::new();
    for t in (0..frames).step_by(spec.stride) {
        for o in 0..spec.outputs {
            let mut sum = spec.bias.get(o).map_or(0.0, |&b| f64::from(b));
            for (s, &offset) in spec.offsets.iter().enumerate() {
                let Some(at) = t.checked_add_signed(offset as isize).filter(|&at| at < frames) else { continue };
                for c in 0..channels {
                    let w = spec.weights[o * spec.offsets.len() * channels + s * channels + c];
                    sum += f64::from(w) * x[at * channels + c];
                }
            }
            out.push(match spec.activation {
                Activation::None => sum,
                Activation::Relu => sum.max(0.0),
                Activation::Tanh => sum.tanh(),
            });
        }
    }
    out
}

/// Streams `x` in blocks of the given sizes, round and round; what no layer may read is NaN.
fn stream(
    x: &[f32],
    channels: usize,
    outputs: usize,
    blocks: &[usize],
    mut push: impl FnMut(Option<(&[f32], usize)>, &mut [f32]) -> usize,
) -> Vec<f32> {
    let mut out = Vec::new();
    let mut input = vec![f32::NAN; (MAX_BLOCK_FRAMES + 1) * channels];
    let mut block = vec![f32::NAN; (MAX_BLOCK_FRAMES + 1) * outputs];
    let (mut rest, mut sizes) = (x, blocks.iter().cycle());
    while !rest.is_empty() {
        let n = sizes.next().map_or(1, |&n| n).min(MAX_BLOCK_FRAMES).min(rest.len() / channels);
        let (now, later) = rest.split_at(n * channels);
        input.fill(f32::NAN);
        input[..now.len()].copy_from_slice(now);
        let done = push(Some((&input, n)), &mut block);
        out.extend_from_slice(&block[..done * outputs]);
        block.fill(f32::NAN);
        rest = later;
    }
    let done = push(None, &mut block);
    out.extend_from_slice(&block[..done * outputs]);
    out
}

fn through(layer: &mut SplicedAffine, x: &[f32], channels: usize, blocks: &[usize]) -> Vec<f32> {
    let outputs = layer.outputs();
    let mut work = Workspace::default();
    work.reserve(layer, MAX_BLOCK_FRAMES + 1);
    stream(x, channels, outputs, blocks, |input, out| match input {
        Some((x, n)) => layer.push(x, n, out, &mut work),
        None => layer.finish(out, &mut work),
    })
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn assert_close(got: &[f32], expected: &[f64], bound: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}: number of values");
    for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(g) - e).abs() <= bound, "{what}: value {i} is {g}, expected {e}");
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn affine_layers_give_what_the_whole_utterance_gives() {
    let offsets: [&[i32]; 7] =
        [&[0], &[-1, 0, 1], &[-2, -1, 0, 1, 2], &[-48, -24, 0], &[-12, -6, 0], &[0, 5], &[-3, -1]];
    let mut failures = Vec::new();
    for (case, offsets) in offsets.into_iter().enumerate() {
        for (stride, activation) in
            [(1, Activation::None), (1, Activation::Tanh), (2, Activation::Relu), (3, Activation::None)]
        {
            let (channels, outputs) = (3 + case, 5 + 7 * case);
            let inputs = offsets.len() * channels;
            let (weights, bias) = (numbers(case as u64, outputs * inputs), numbers(99, outputs));
            let bias = if case % 2 == 0 { &bias[..] } else { &[] };
            let spec = AffineSpec { weights: &weights, bias, channels, outputs, offsets, stride, activation };
            let layer = SplicedAffine::new(Backend::detect(), spec);
            let span = offsets[offsets.len() - 1].max(0) - offsets[0].min(0) + 1;
            if stride > span as usize {
                assert!(layer.is_err(), "stride {stride} over {offsets:?}");
                continue;
            }
            let mut layer = layer.unwrap();
            for frames in [0, 1, 2, 3, 5, 49, 64, 65, 131] {
                let x = numbers(7 + frames as u64, frames * channels);
                let expected = affine_oracle(&wide(&x), &spec);
                let reference = through(&mut layer, &x, channels, &[MAX_BLOCK_FRAMES]);
                // n sequential roundings of sums below n + 1.
                assert_close(
                    &reference,
                    &expected,
                    (inputs as f64 + 2.0).powi(2) * 2f64.powi(-24) + 4e-7,
                    &format!("{spec:?}"),
                );
                for blocks in [&[1][..], &[2, 0, 3], &[10], &[33, 64, 1]] {
                    layer.reset();
                    if bits(&through(&mut layer, &x, channels, blocks)) != bits(&reference) {
                        failures.push(format!("{offsets:?} stride {stride} frames {frames} blocks {blocks:?}"));
                    }
                }
                layer.reset();
            }
        }
    }
    assert!(failures.is_empty(), "other bits: {}", failures.join("; "));
}

#[test]
fn apply_once_is_a_frame_by_itself() {
    let (weights, bias, x) = (numbers(1, 40), numbers(2, 5), numbers(3, 8));
    let spec = AffineSpec {
        weights: &weights,
        bias: &bias,
        channels: 8,
        outputs: 5,
        offsets: &[0],
        stride: 1,
        activation: Activation::Relu,
    };
    let layer = SplicedAffine::new(Backend::detect(), spec).unwrap();
    let mut out = [f32::NAN; 5];
    layer.apply_once(&x, &mut out);
    assert_close(&out, &affine_oracle(&wide(&x), &spec), 1e-6, "apply_once");
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let good = AffineSpec {
        weights: &[0.0; 12],
        bias: &[0.0; 2],
        channels: 2,
        outputs: 2,
        offsets: &[-1, 0, 1],
        stride: 1,
        activation: Activation::None,
    };
    let new = |spec| SplicedAffine::new(Backend::Scalar, spec);
    assert!(new(good).is_ok());
    for (what, spec) in [
        ("weights", AffineSpec { weights: &[0.0; 11], ..good }),
        ("bias", AffineSpec { bias: &[0.0; 3], ..good }),
        ("no channels", AffineSpec { channels: 0, weights: &[], ..good }),
        ("no outputs", AffineSpec { outputs: 0, weights: &[], bias: &[], ..good }),
        ("no offsets", AffineSpec { offsets: &[], weights: &[], ..good }),
        ("falling offsets", AffineSpec { offsets: &[1, 0, -1], ..good }),
        ("equal offsets", AffineSpec { offsets: &[0, 0, 1], ..good }),
        ("far offsets", AffineSpec { offsets: &[0, 1, 65], ..good }),
        ("least offset", AffineSpec { offsets: &[i32::MIN, 0, 1], ..good }),
        ("stride 0", AffineSpec { stride: 0, ..good }),
        ("stride 4 over 3 frames", AffineSpec { stride: 4, ..good }),
    ] {
        assert!(new(spec).is_err(), "{what}");
    }
    assert!(ResidualBlock::new(new(good).unwrap(), new(good).unwrap(), 2).is_err(), "up looks ahead");
    let up = new(AffineSpec { offsets: &[0], weights: &[0.0; 4], ..good }).unwrap();
    assert!(ResidualBlock::new(new(good).unwrap(), up.clone(), 3).is_err(), "other channels");
    assert!(ResidualBlock::new(new(good).unwrap(), up, 2).is_ok());
    assert!(
        AttentiveStats::new(10, 3).is_err()
            && AttentiveStats::new(10, 0).is_err()
            && AttentiveStats::new(0, 1).is_err()
    );
    assert!(CausalCmn::new(&[], 50.0, 1000.0, 1.0).is_err() && CausalCmn::new(&[0.0], 0.0, 1000.0, 1.0).is_err());
    assert!(
        CausalCmn::new(&[0.0], 50.0, f64::NAN, 1.0).is_err() && CausalCmn::new(&[0.0], 50.0, 1000.0, f32::NAN).is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// x + up(down(x)), whatever the blocks.
    #[test]
    fn residual_blocks_add_the_frame_they_belong_to(
        frames in 0usize..150,
        dilation in 1i32..9,
        blocks in prop::collection::vec(0usize..=MAX_BLOCK_FRAMES, 1..6),
    ) {
        prop_assume!(blocks.iter().any(|&n| n > 0));
        let (channels, narrow) = (6, 4);
        let offsets = [-dilation, 0, dilation];
        let (w_down, w_up, bias) = (numbers(1, narrow * 3 * channels), numbers(2, channels * narrow), numbers(3, channels));
        let down = AffineSpec {
            weights: &w_down,
            bias: &bias[..narrow],
            channels,
            outputs: narrow,
            offsets: &offsets,
            stride: 1,
            activation: Activation::None,
        };
        let up = AffineSpec {
            weights: &w_up,
            bias: &bias,
            channels: narrow,
            outputs: channels,
            offsets: &[0],
            stride: 1,
            activation: Activation::Relu,
        };
        let layer = |spec| SplicedAffine::new(Backend::detect(), spec).unwrap();
        let mut block = ResidualBlock::new(layer(down), layer(up), channels).unwrap();
        let x = numbers(4, frames * channels);
        let branch = affine_oracle(&affine_oracle(&wide(&x), &down), &up);
        let expected: Vec<f64> = branch.iter().zip(&x).map(|(b, &x)| b + f64::from(x)).collect();
        let mut work = Workspace::default();
        block.reserve(&mut work, MAX_BLOCK_FRAMES + 1);
        let mut run = |blocks: &[usize]| {
            block.reset();
            stream(&x, channels, channels, blocks, |input, out| match input {
                Some((x, n)) => block.push(x, n, out, &mut work),
                None => block.finish(out, &mut work),
            })
        };
        let got = run(&blocks);
        assert_close(&got, &expected, 2e-5, "residual");
        prop_assert_eq!(bits(&got), bits(&run(&[1])));
    }
}

#[test]
fn the_mean_is_that_of_the_speech_so_far() {
    let (mels, frames, prior_frames) = (3, 400, 50.0);
    let prior = [1.0f32, -2.0, 0.5];
    let x: Vec<f32> = numbers(5, frames * mels).iter().map(|v| 10.0 + 4.0 * v).collect();
    let mut cmn = CausalCmn::new(&prior, prior_frames, 1000.0, 0.25).unwrap();
    for round in 0..2 {
        let (mut total, mut count) = (wide(&prior).iter().map(|p| p * prior_frames).collect::<Vec<_>>(), prior_frames);
        for (t, frame) in x.chunks_exact(mels).enumerate() {
            let speech = (t / 7) % 3 != 1;
            if speech {
                count += 1.0;
                total.iter_mut().zip(frame).for_each(|(s, &x)| *s += f64::from(x));
            }
            let expected: Vec<f64> =
                frame.iter().zip(&total).map(|(&x, s)| (f64::from(x) - s / count) * 0.25).collect();
            let mut got = frame.to_vec();
            cmn.apply(&mut got, speech);
            assert_close(&got, &expected, 1e-6, &format!("round {round} frame {t}"));
        }
        cmn.reset();
    }
}

#[test]
fn the_mean_forgets_beyond_its_cap() {
    let mut cmn = CausalCmn::new(&[0.0], 50.0, 1000.0, 1.0).unwrap();
    let mean = |cmn: &mut CausalCmn, x: f32, speech| {
        let mut frame = [x];
        cmn.apply(&mut frame, speech);
        f64::from(x) - f64::from(frame[0])
    };
    for _ in 0..1000 {
        mean(&mut cmn, 1.0, true);
    }
    // Exactly the cap: 1000 ones and 50 zeros; silence changes nothing.
    let full = 1000.0 / 1050.0;
    assert!((mean(&mut cmn, 100.0, false) - full).abs() < 1e-4);
    // From here on each frame moves the mean by 1/1051 of its distance.
    let mut expected = full;
    for n in 0..20_000 {
        expected += (3.0 - expected) / 1051.0;
        let got = mean(&mut cmn, 3.0, true);
        assert!((got - expected).abs() < 1e-6, "frame {n}: {got}, expected {expected}");
    }
    assert!((expected - 3.0).abs() < 1e-6, "and the past is forgotten");
}

/// Softmax over all frames at once.
fn pool_oracle(h: &[f32], logits: &[f32], channels: usize, heads: usize) -> Vec<f64> {
    let (mut means, mut deviations) = (Vec::new(), Vec::new());
    for c in 0..channels {
        let head = c * heads / channels;
        let logit = |t: usize| f64::from(logits[t * heads + head]);
        let frames = h.len() / channels;
        let max = (0..frames).map(logit).fold(f64::NEG_INFINITY, f64::max);
        let weight = |t: usize| (logit(t) - max).exp();
        let total: f64 = (0..frames).map(weight).sum();
        let mean = (0..frames).map(|t| weight(t) * f64::from(h[t * channels + c])).sum::<f64>() / total;
        let var = (0..frames).map(|t| weight(t) * (f64::from(h[t * channels + c]) - mean).powi(2)).sum::<f64>() / total;
        means.push(mean);
        deviations.push(var.max(1e-5).sqrt());
    }
    [means, deviations].concat()
}

#[test]
fn running_statistics_equal_the_softmax_over_all_frames() {
    let (channels, heads) = (12, 4);
    // Logits of a trained network are small; 300 apart shows that neither order nor range overflows.
    for (case, (spread, drift)) in
        [(1.0, 0.0), (8.0, 0.0), (300.0, 0.0), (2.0, 0.5), (2.0, -0.5)].into_iter().enumerate()
    {
        for frames in [1, 2, 3, 500] {
            let mut h = numbers(case as u64, frames * channels);
            h.chunks_exact_mut(channels).for_each(|row| row[3] = 7.5);
            let logits: Vec<f32> = numbers(50 + case as u64, frames * heads)
                .iter()
                .enumerate()
                .map(|(i, v)| v * spread + drift * (i / heads) as f32)
                .collect();
            let mut pool = AttentiveStats::new(channels, heads).unwrap();
            let mut out = vec![f32::NAN; 2 * channels];
            assert!(!pool.write(&mut out) && out[0].is_nan(), "nothing before the first frame");
            for (row, logit) in h.chunks_exact(channels).zip(logits.chunks_exact(heads)) {
                pool.add(row, logit);
            }
            assert!(pool.write(&mut out));
            assert_eq!(pool.frames(), frames as u64);
            assert_close(
                &out,
                &pool_oracle(&h, &logits, channels, heads),
                1e-5,
                &format!("case {case} frames {frames}"),
            );
            pool.reset();
            assert!(!pool.write(&mut out));
        }
    }
}

#[test]
fn ten_hours_do_not_drift() {
    // 50 frames a second with a period of 125: after each period the statistics are those of the first.
    let (channels, heads, period) = (4, 2, 125);
    let (h, logits) = (numbers(1, period * channels), numbers(2, period * heads));
    let mut pool = AttentiveStats::new(channels, heads).unwrap();
    for t in 0..36_000 * 50 {
        let i = t % period;
        pool.add(&h[i * channels..][..channels], &logits[i * heads..][..heads]);
    }
    let mut out = vec![0.0; 2 * channels];
    assert!(pool.write(&mut out));
    assert_close(&out, &pool_oracle(&h, &logits, channels, heads), 1e-6, "ten hours");
}
