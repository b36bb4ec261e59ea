//! The filter bank against kaldi-native-fbank.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use engine::audio::i16_to_f32;
use engine::fbank::{Fbank, NUM_MEL_BINS};

/// Largest difference of a natural-log mel energy.
const TOLERANCE: f32 = 1e-3;
/// Below this many nats under the frame's loudest bin, rounding decides and not the algorithm: single precision carries the
/// transform to about 4e-7 of the loudest amplitude, which is 1e-3 of the energy of a bin 14.5 nats down.
const PRECISION_NATS: f32 = 14.0;

#[test]
fn log_mel_energies_are_kaldis_for_any_chunks() {
    let text = include_str!("../../testdata/golden/fbank/signals.json");
    let golden: serde_json::Value = serde_json::from_str(text).unwrap();
    let signals = golden.as_object().unwrap();
    assert!(signals.len() >= 7);
    for (name, signal) in signals {
        let x: Vec<f32> =
            signal["samples"].as_array().unwrap().iter().map(|v| i16_to_f32(v.as_i64().unwrap() as i16)).collect();
        let rows = signal["frames"].as_array().unwrap();
        let mut whole: Vec<[f32; NUM_MEL_BINS]> = Vec::new();
        for chunk in [x.len(), 1, 79, 160, 333] {
            let mut frames = Vec::new();
            let mut fbank = Fbank::new();
            x.chunks(chunk).for_each(|c| fbank.push(c, &mut |frame, _| frames.push(*frame)));
            assert_eq!(frames.len(), 26, "{name}");
            if whole.is_empty() {
                whole = frames;
            } else {
                assert!(frames == whole, "{name} in chunks of {chunk}");
            }
        }
        let mut worst = 0.0f32;
        for (row, frame) in rows.iter().zip(whole.iter().step_by(3)) {
            let row: Vec<f32> = row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
            let loudest = row.iter().copied().fold(f32::MIN, f32::max);
            for (expected, got) in row.iter().zip(frame) {
                let off = (expected - got).abs();
                if *expected >= loudest - PRECISION_NATS {
                    worst = worst.max(off);
                } else {
                    assert!(off <= 0.1, "{name}: {off} far below the loudest bin");
                }
            }
        }
        assert!(worst <= TOLERANCE, "{name}: {worst:e}");
        println!("{name}: largest difference {worst:e}");
    }
}

/// With `VOUCH_FBANK_DUMP=X.f32` (raw float samples at 8 kHz), writes the frames to `X.f32.frames`, for
/// `testdata/gen/fbank.py --compare X.f32 X.f32.frames`.
#[test]
fn frames_of_real_speech_can_be_compared() {
    let Some(path) = std::env::var_os("VOUCH_FBANK_DUMP") else {
        println!("skipped: VOUCH_FBANK_DUMP is not set");
        return;
    };
    let bytes = std::fs::read(&path).unwrap();
    let x: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let mut out = Vec::new();
    Fbank::new().push(&x, &mut |frame, _| out.extend(frame.iter().flat_map(|v| v.to_le_bytes())));
    let mut target = path;
    target.push(".frames");
    std::fs::write(target, out).unwrap();
}
