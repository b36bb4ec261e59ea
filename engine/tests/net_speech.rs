//! What must give no net speech gives none, even where the detector takes everything for speech; and what is speech counts.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fakes;

use engine::codec::{Codec, g711};
use fakes::{DIM, LoudDetector, call, session};
use testdata::{noise, sines};

const RATE: u32 = 8_000;

/// Seconds of net speech of a stream at 8 kHz, by a detector that takes everything for speech.
fn net_speech_s(x: &[f32]) -> f64 {
    let mut s = session(RATE, LoudDetector::gullible(), false);
    x.chunks(160).for_each(|c| assert!(s.push(c).is_ok()));
    s.finish().net_speech_s()
}

/// A tone that sounds for `on` and pauses for `off` seconds, after 0.31 s of pause, in mu-law. The pauses are digital silence: that line noise
/// is no speech the detector must know, by its sound and not by its level (`models/tests/net_speech.rs`).
fn cadence(hz: &[f64], amplitude: f64, on: f64, off: f64, seconds: f64) -> Vec<f32> {
    let n = (seconds * f64::from(RATE)) as usize;
    let tone = sines(RATE, &hz.iter().map(|&f| (f, amplitude)).collect::<Vec<_>>(), n);
    (0..n)
        .map(|i| {
            let t = i as f64 / f64::from(RATE) - 0.31;
            if t >= 0.0 && t % (on + off) < on { tone[i] } else { 0.0 }
        })
        .map(|v| g711::ulaw_to_i16(g711::i16_to_ulaw(engine::audio::f32_to_i16(v))).into())
        .map(|v: f32| v / 32_768.0)
        .collect()
}

#[test]
fn telephone_tones_silence_and_clipped_noise_are_no_speech() {
    let tones: [(&str, &[f64], f64, f64); 13] = [
        ("dial, North America", &[350.0, 440.0], 60.0, 0.0),
        ("dial, Europe", &[425.0], 60.0, 0.0),
        ("ringback, North America", &[440.0, 480.0], 2.0, 4.0),
        ("ringback, Britain", &[400.0, 450.0], 0.4, 0.2),
        ("ringback, Europe", &[425.0], 1.0, 4.0),
        ("busy, North America", &[480.0, 620.0], 0.5, 0.5),
        ("busy, Europe", &[425.0], 0.5, 0.5),
        ("congestion, North America", &[480.0, 620.0], 0.25, 0.25),
        ("congestion, Europe", &[425.0], 0.25, 0.25),
        ("special information", &[950.0], 0.33, 0.03),
        ("fax calling", &[1_100.0], 0.5, 3.0),
        ("fax answering", &[2_100.0], 3.0, 1.0),
        ("test", &[1_004.0], 60.0, 0.0),
    ];
    let mut wrong = Vec::new();
    let mut check = |name: String, x: &[f32]| {
        let net = net_speech_s(x);
        if net > 0.0 {
            wrong.push(format!("{name}: {net} s of {} s", x.len() as f64 / f64::from(RATE)));
        }
    };
    for (name, hz, on, off) in tones {
        for amplitude in [0.3, 0.1, 0.02] {
            check(format!("{name} at {amplitude}"), &cadence(hz, amplitude, on, off, 9.0));
        }
    }
    let mut digits = vec![0.0; 3_000];
    for low in engine::dtmf::LOW_HZ {
        for high in engine::dtmf::HIGH_HZ {
            digits.extend(sines(RATE, &[(low, 0.15), (high, 0.12)], 480));
            digits.extend([0.0; 480]);
        }
    }
    check("digits".into(), &digits);
    check("digital silence".into(), &[0.0; 40_000]);
    let clipped: Vec<f32> = noise(6, 40_000).iter().map(|x| (3.0 * x).clamp(-1.0, 1.0)).collect();
    check("clipped noise".into(), &clipped);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn speech_beside_tones_counts_and_lost_packets_do_not() {
    // A second of voice alone, 1.2 s of pause with two digits and hiss, ...: what is left of it is the voice and the hiss.
    let x = call(RATE, 1.0);
    assert!(net_speech_s(&x) > 0.9, "{}", net_speech_s(&x));
    let tone = sines(RATE, &[(425.0, 0.1)], 8_000);
    // Wherever the tone begins in the blocks of ten frames.
    for shift in 0..10 {
        let net = net_speech_s(&[&x[80 * shift..], &tone, &x].concat()) + 0.01 * shift as f64;
        assert!((1.85..1.93).contains(&net), "voice, tone, voice, shifted by {shift} frames: {net} s");
    }
    for packet in [80, 160, 800] {
        let mut s = session(RATE, LoudDetector::gullible(), false);
        let mut lost = 0;
        for (i, part) in call(RATE, 1.0).repeat(10).chunks(packet).enumerate() {
            if i % 10 == 9 {
                lost += part.len();
                s.push_lost(part.len()).unwrap();
            } else {
                s.push(part).unwrap();
            }
        }
        let (end, q) = (s.finish(), s.quality());
        assert_eq!((q.lost_samples as usize, q.samples, end.samples), (lost, 80_000, 80_000));
        // One packet in ten, and the frames that overlap it by the rest of their 25 ms.
        let share = 1.0 - (packet as f64 + 280.0) / (10.0 * packet as f64);
        let net = end.net_speech_s() / 10.0;
        assert!((share - 0.12..=0.9).contains(&net), "packets of {packet}: {net}, about {share} expected");
    }
    let mut s = session(RATE, LoudDetector::gullible(), true);
    s.push_lost(100_000).unwrap();
    assert_eq!((s.finish().net_speech_frames, s.embedding(&mut [0.0; DIM]), s.windows().len()), (0, false, 0));
}

#[test]
fn digits_are_told_in_the_clock_of_the_model() {
    for (rate, codec) in [(8_000u32, Some(Codec::Pcmu)), (8_000, None), (16_000, None), (44_100, None), (48_000, None)]
    {
        let mut s = session(rate, LoudDetector::new(), false);
        let x = call(rate, 5.5);
        match codec {
            Some(codec) => {
                let coded: Vec<u8> = x.iter().map(|&v| g711::i16_to_ulaw(engine::audio::f32_to_i16(v))).collect();
                coded.chunks(160).for_each(|p| assert!(s.push_packet(codec, p).is_ok()));
            }
            None => drop(s.push(&x).unwrap()),
        }
        s.finish();
        let found: Vec<_> = s.dtmf().iter().map(|d| (d.digit, d.start_sample, d.end_sample)).collect();
        let sent = [('5', 9_600, 10_400), ('#', 11_200, 12_000), ('5', 41_600, 42_400), ('#', 43_200, 44_000)];
        assert_eq!(found.len(), sent.len(), "{rate} Hz: {found:?}");
        for (f, s) in found.iter().zip(sent) {
            assert!(f.0 == s.0 && f.1.abs_diff(s.1) <= 100 && f.2.abs_diff(s.2) <= 100, "{rate} Hz: {found:?}");
        }
    }
}

#[test]
fn windows_thin_out_and_stay_in_order() {
    // At most six windows of 0.4 s: after six, every second one is kept, and later ones are twice as far apart.
    let x: Vec<f32> = noise(12, 96_000).iter().map(|x| 0.05 * x).collect();
    let mut s = session(RATE, LoudDetector::gullible(), true);
    let mut every = Vec::new();
    let mut counts = Vec::new();
    for part in x.chunks(80) {
        s.push(part).unwrap();
        let rows: Vec<Vec<f32>> = s.windows().chunks(DIM).map(<[f32]>::to_vec).collect();
        assert!(rows.len() <= 6);
        if let Some(newest) = rows.last().filter(|&newest| every.last() != Some(newest)) {
            every.push(newest.clone());
        }
        if counts.last() != Some(&rows.len()) {
            counts.push(rows.len());
        }
        // All that is kept was once new, in that order.
        let places: Vec<_> = rows.iter().map(|r| every.iter().position(|e| e == r)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    }
    assert_eq!(counts, [0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 4, 5, 6, 4], "windows kept as the call goes on");
}

#[test]
fn an_open_window_counts_from_two_thirds() {
    for (samples, windows) in
        [(8_000, 2), (7_600, 2), (7_000, 2), (5_700, 2), (5_200, 1), (3_300, 1), (2_900, 1), (1_500, 0)]
    {
        let x: Vec<f32> = noise(12, samples).iter().map(|x| 0.05 * x).collect();
        let mut s = session(RATE, LoudDetector::gullible(), true);
        s.push(&x).unwrap();
        let speech = s.finish().net_speech_frames;
        assert_eq!(s.windows().len() / DIM, windows, "{speech} frames in windows of 40");
    }
}
