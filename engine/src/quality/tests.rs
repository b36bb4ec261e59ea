use super::*;
use crate::audio::{f32_to_i16, i16_to_f32};
use crate::codec::g711;
use testdata::{noise, sines};

fn report(rate_hz: u32, x: &[f32]) -> Quality {
    let mut meter = QualityMeter::new(SampleRate::new(rate_hz).unwrap());
    x.chunks(313).for_each(|part| meter.push(part));
    let whole = meter.report();
    let mut again = QualityMeter::new(SampleRate::new(rate_hz).unwrap());
    again.push(x);
    assert_eq!(whole, again.report(), "chunks change the figures");
    meter.reset();
    meter.push(x);
    assert_eq!(whole, meter.report(), "a reset meter is not a fresh one");
    whole
}

/// White noise without anything above `hz`: a sharp low-pass by a windowed sinc.
fn low_passed(rate_hz: u32, hz: f64, samples: usize) -> Vec<f32> {
    let x = noise(11, samples + 800);
    let taps: Vec<f32> = (-400..=400)
        .map(|n| {
            let t = f64::from(n) * 2.0 * hz / f64::from(rate_hz);
            let sinc = if n == 0 { 1.0 } else { (std::f64::consts::PI * t).sin() / (std::f64::consts::PI * t) };
            let hann = 0.5 + 0.5 * (std::f64::consts::PI * f64::from(n) / 401.0).cos();
            (sinc * hann * 2.0 * hz / f64::from(rate_hz)) as f32
        })
        .collect();
    (0..samples).map(|i| 0.1 * taps.iter().zip(&x[i..]).map(|(t, x)| t * x).sum::<f32>()).collect()
}

/// Noise with the slow swings of level that speech has.
fn babble(seed: u64, samples: usize, level: f32) -> Vec<f32> {
    let swing = |i: usize| 0.55 + 0.45 * (i as f32 / 1_700.0).sin();
    noise(seed, samples).iter().enumerate().map(|(i, x)| level * swing(i) * x).collect()
}

#[test]
fn levels_and_mean_are_those_of_the_samples() {
    let x: Vec<f32> = sines(8_000, &[(1_000.0, 0.5)], 8_000).iter().map(|x| x + 0.1).collect();
    let q = report(8_000, &x);
    assert!((q.peak_dbfs - 20.0 * 0.6f32.log10()).abs() < 0.01, "{q:?}");
    assert!((q.rms_dbfs - 10.0 * 0.125f32.log10()).abs() < 0.01, "{q:?}");
    assert!((q.dc - 0.1).abs() < 1e-4 && q.samples == 8_000 && q.duration_s == 1.0 && q.clipped_share == 0.0, "{q:?}");
}

#[test]
fn nothing_and_silence_have_figures_too() {
    for x in [&[][..], &[0.0; 8_000][..], &[1.0][..]] {
        let q = report(8_000, x);
        let figures = [q.clipped_share, q.peak_dbfs, q.rms_dbfs, q.dc, q.bandwidth_hz];
        assert!(figures.iter().all(|v| v.is_finite()), "{q:?}");
        assert_eq!((q.codec_guess, q.snr_db, q.bandwidth_hz), (CodecGuess::Unknown, None, 0.0));
    }
    let mut meter = QualityMeter::new(SampleRate::TELEPHONE);
    meter.lost(80);
    meter.push(&[0.5; 20]);
    let q = meter.report();
    assert_eq!((q.samples, q.lost_samples, q.duration_s), (100, 80, 100.0 / 8_000.0));
}

#[test]
fn clipping_is_found_at_every_level_and_only_there() {
    // Sloping like a voice: neighbouring samples are alike.
    let mut y = 0.0;
    let loud: Vec<f32> = babble(5, 40_000, 0.2)
        .iter()
        .map(|x| {
            y = 0.85 * y + 0.53 * x;
            y
        })
        .collect();
    let clip = |gain: f32, most: f32, after: f32| -> Vec<f32> {
        loud.iter().map(|x| i16_to_f32(f32_to_i16((gain * x).clamp(-most, most) * after))).collect()
    };
    let share = |x: &[f32], most: f32| x.iter().filter(|v| v.abs() >= most).count() as f32 / x.len() as f32;
    let mut wrong = Vec::new();
    for (name, x, expected) in [
        ("clean", clip(0.8, 1.0, 1.0), 0.0),
        ("quiet", clip(0.001, 1.0, 1.0), 0.0),
        ("converter", clip(4.0, 1.0, 1.0), share(&clip(4.0, 1.0, 1.0), 0.999)),
        ("a sine", sines(8_000, &[(200.0, 0.5)], 8_000), 0.0),
        (
            "a slow sine",
            sines(48_000, &[(60.0, 0.3)], 48_000).iter().map(|&v| i16_to_f32(f32_to_i16(v))).collect(),
            0.0,
        ),
    ] {
        let found = report(8_000, &x).clipped_share;
        if (found - expected).abs() > 1e-4 + 0.02 * expected {
            wrong.push(format!("{name}: {found}, not {expected}"));
        }
    }
    // Attenuated after clipping.
    for (gain, after) in [(4.0, 0.5), (20.0, 0.5), (4.0, 0.06)] {
        let expected = share(&clip(gain, 1.0, 1.0), 0.999);
        let found = report(8_000, &clip(gain, 1.0, after)).clipped_share;
        if (found - expected).abs() > 0.02 * expected {
            wrong.push(format!("flat tops, gain {gain} and then {after}: {found}, not {expected}"));
        }
    }
    let natural: Vec<f32> =
        loud.iter().map(|x| i16_to_f32(g711::ulaw_to_i16(g711::i16_to_ulaw(f32_to_i16(0.8 * x))))).collect();
    if report(8_000, &natural).clipped_share > 1e-4 {
        wrong.push(format!("mu-law, not clipped: {}", report(8_000, &natural).clipped_share));
    }
    let coded: Vec<f32> =
        loud.iter().map(|x| i16_to_f32(g711::ulaw_to_i16(g711::i16_to_ulaw(f32_to_i16(8.0 * x))))).collect();
    let most = share(&coded, 0.98);
    if (report(8_000, &coded).clipped_share - most).abs() > 1e-6 {
        wrong.push(format!("mu-law coder: not {most}"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn bandwidth_is_that_of_the_sound_and_not_of_the_file() {
    let mut wrong = Vec::new();
    for (rate, hz) in [
        (8_000, 3_400.0),
        (16_000, 3_400.0),
        (16_000, 7_000.0),
        (44_100, 3_800.0),
        (48_000, 12_000.0),
        (192_000, 20_000.0),
    ] {
        let found = report(rate, &low_passed(rate, hz, 40_000)).bandwidth_hz;
        if (f64::from(found) - hz).abs() > 0.05 * hz + 100.0 {
            wrong.push(format!("{rate} Hz: {found}, not {hz}"));
        }
    }
    let tone = report(16_000, &sines(16_000, &[(1_000.0, 0.3)], 16_000)).bandwidth_hz;
    if (tone - 1_000.0).abs() > 200.0 {
        wrong.push(format!("tone of 1000 Hz: {tone}"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn codecs_are_claimed_only_where_the_samples_prove_them() {
    let linear: Vec<f32> = babble(9, 16_000, 0.1).iter().map(|&x| i16_to_f32(f32_to_i16(x))).collect();
    let ulaw: Vec<f32> =
        linear.iter().map(|&x| i16_to_f32(g711::ulaw_to_i16(g711::i16_to_ulaw(f32_to_i16(x))))).collect();
    let alaw: Vec<f32> =
        linear.iter().map(|&x| i16_to_f32(g711::alaw_to_i16(g711::i16_to_alaw(f32_to_i16(x))))).collect();
    let quiet: Vec<f32> = ulaw.iter().map(|x| if x.abs() < 0.004 { *x } else { 0.0 }).collect();
    let scaled: Vec<f32> = ulaw.iter().map(|x| x * 0.9).collect();
    let mut once_off = ulaw.clone();
    once_off[15_000] += 1.0 / 32_768.0;
    for (name, x, expected) in [
        ("linear", &linear, CodecGuess::Narrowband),
        ("mu-law", &ulaw, CodecGuess::MuLaw),
        ("a-law", &alaw, CodecGuess::ALaw),
        ("both laws are dense near zero", &quiet, CodecGuess::Narrowband),
        ("scaled", &scaled, CodecGuess::Narrowband),
        ("one sample off", &once_off, CodecGuess::Narrowband),
    ] {
        let found = report(8_000, x).codec_guess;
        assert_eq!(found, expected, "{name}: {found}");
    }
    assert_eq!(
        report(16_000, &noise(2, 16_000).iter().map(|x| 0.1 * x).collect::<Vec<_>>()).codec_guess,
        CodecGuess::Wideband
    );
}

#[test]
fn signal_to_noise_ratio_is_that_of_the_mixture() {
    let mut wrong = Vec::new();
    for snr_db in [0.0f32, 5.0, 10.0, 20.0, 40.0] {
        for hold_music in [false, true] {
            let mut meter = SnrMeter::new();
            let noise_power = 1e-3 * 10f32.powf(-snr_db / 10.0);
            let spread = noise(21, 4_000);
            for (i, s) in spread.iter().enumerate() {
                // Words of 0.6 s, pauses of 0.4 s; frames of noise spread by about half a decibel.
                let speech = i % 100 < 60;
                let jitter = 1.0 + 0.12 * s;
                let power = noise_power * jitter + if speech { 1e-3 } else { 0.0 };
                meter.push(power, if speech { FrameClass::Speech } else { FrameClass::Pause });
            }
            if hold_music {
                (0..20_000).for_each(|_| meter.push(0.01, FrameClass::Pause));
                (0..500).for_each(|_| meter.push(0.1, FrameClass::Other));
            }
            let found = meter.snr_db().unwrap();
            if (found - snr_db).abs() > 1.0 {
                wrong.push(format!("{snr_db} dB, hold music {hold_music}: {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut meter = SnrMeter::new();
    (0..100).for_each(|_| meter.push(1e-3, FrameClass::Speech));
    assert_eq!(meter.snr_db(), None, "no pause, no noise");
    (0..100).for_each(|_| meter.push(0.0, FrameClass::Pause));
    assert!(meter.snr_db().unwrap() > 59.9, "digital silence");
}
