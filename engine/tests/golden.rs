//! The filter bank against kaldi-native-fbank.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use engine::audio::i16_to_f32;
use engine::fbank::{Fbank, FbankConfig, Log, NUM_MEL_BINS, Triangles, Window};
use testdata::golden_text;

/// Largest difference of a natural-log mel energy.
const TOLERANCE: f32 = 1e-3;
/// Below this many nats under the frame's loudest bin, Kaldi's rounding decides and not the algorithm: its transform carries about
/// 4e-7 of the loudest amplitude, which is 1e-3 of the energy of a bin 14.5 nats down.
const PRECISION_NATS: f32 = 14.0;

#[test]
fn log_mel_energies_are_kaldis_for_any_chunks() {
    let golden: serde_json::Value = serde_json::from_str(&golden_text("fbank/signals.json")).unwrap();
    let signals = golden.as_object().unwrap();
    assert!(signals.len() >= 7);
    for (name, signal) in signals {
        let x: Vec<f32> =
            signal["samples"].as_array().unwrap().iter().map(|v| i16_to_f32(v.as_i64().unwrap() as i16)).collect();
        let rows = signal["frames"].as_array().unwrap();
        let mut whole: Vec<Vec<f32>> = Vec::new();
        for chunk in [x.len(), 1, 79, 160, 333] {
            let mut frames = Vec::new();
            let mut fbank = Fbank::new();
            x.chunks(chunk).for_each(|c| fbank.push(c, &mut |frame, _| frames.push(frame.to_vec())));
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

/// Filter banks of networks that were trained elsewhere. Measured: 2.1e-5.
#[test]
fn the_filter_banks_of_others_are_theirs() {
    let golden: serde_json::Value = serde_json::from_str(&golden_text("fbank/other.json")).unwrap();
    let x: Vec<f32> =
        golden["samples"].as_array().unwrap().iter().map(|v| i16_to_f32(v.as_i64().unwrap() as i16)).collect();
    let kaldi = FbankConfig::kaldi();
    let speechbrain = FbankConfig {
        fft: 400,
        low_freq: 0.0,
        preemph_coeff: 0.0,
        remove_dc_offset: false,
        scale: 1.0,
        window: Window::HammingPeriodic,
        triangles: Triangles::SymmetricHz,
        log: Log::Decibel { floor: 1e-10 },
        centred: true,
        ..kaldi.clone()
    };
    let hamming = FbankConfig { window: Window::Hamming, ..kaldi.clone() };
    for (name, config) in [("povey", kaldi), ("hamming", hamming), ("speechbrain", speechbrain)] {
        let mut frames: Vec<Vec<f32>> = Vec::new();
        let mut fbank = Fbank::with_config(config).unwrap();
        fbank.push(&x, &mut |frame: &[f32], _: &[f32]| frames.push(frame.to_vec()));
        assert!(frames.len() >= 18, "{name}");
        let mut worst = 0.0f64;
        for (row, frame) in golden[name].as_array().unwrap().iter().zip(frames.iter().step_by(4)) {
            let off =
                row.as_array().unwrap().iter().zip(frame).map(|(e, g)| (e.as_f64().unwrap() - f64::from(*g)).abs());
            worst = off.fold(worst, f64::max);
        }
        println!("{name}: largest difference {worst:e}");
        assert!(worst <= 1e-3, "{name}: {worst:e}");
    }
}

/// With `VOUCH_FBANK_DUMP=DIR`, writes the samples and features of real telephone speech there, for `testdata/gen/fbank.py
/// --check DIR`; without, only checks that all are finite.
#[test]
fn fbank_of_real_speech_is_finite_and_can_be_compared() {
    let Some(recordings) = testdata::speech::telephone() else { return };
    let dump = std::env::var_os("VOUCH_FBANK_DUMP").map(std::path::PathBuf::from);
    let mut frames = 0;
    for r in recordings {
        assert_eq!(r.rate_hz, 8_000, "{}", r.name);
        let mut out = Vec::new();
        Fbank::new().push(&r.samples, &mut |frame, _| out.extend_from_slice(frame));
        assert!(out.iter().all(|v| v.is_finite()), "{}", r.name);
        frames += out.len() / NUM_MEL_BINS;
        if let Some(folder) = &dump {
            let name = r.name.replace(['/', '\\'], "_");
            for (kind, values) in [("samples", &r.samples), ("fbank", &out)] {
                let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                std::fs::write(folder.join(format!("{name}.{kind}.f32")), bytes).unwrap();
            }
        }
    }
    assert!(frames > 10_000, "only {frames} frames");
}
