//! Every chunking of a stream gives the same bits, whatever lies behind the chunk in the caller's buffer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fakes;

use engine::audio::f32_to_i16;
use engine::codec::{Codec, g711};
use engine::session::Session;
use fakes::{LoudDetector, Outcome, call, outcome, session, wide_session};
use proptest::prelude::*;

const RATES: [u32; 7] = [8_000, 8_001, 11_025, 16_000, 44_100, 48_000, 191_999];

fn whole(rate: u32, x: &[f32]) -> Outcome {
    whole_of(session(rate, LoudDetector::new(), true), x)
}

fn whole_of(mut s: Session, x: &[f32]) -> Outcome {
    s.push(x).unwrap();
    s.finish();
    outcome(&s)
}

#[test]
fn the_call_has_speech_digits_and_windows_at_every_rate() {
    for rate in RATES {
        let end = whole(rate, &call(rate, 9.0));
        assert!((420..700).contains(&end.net_speech_frames), "{rate} Hz: {end:?}");
        assert_eq!(end.digits, "5#5#", "{rate} Hz");
    }
}

#[test]
fn wide_ears_hear_wide_band_audio_and_nothing_else() {
    for rate in RATES {
        let x = call(rate, 9.0);
        let (telephone, wide) = (whole(rate, &x), whole_of(wide_session(rate, LoudDetector::new(), true), &x));
        assert_eq!(
            telephone.net_speech_frames, wide.net_speech_frames,
            "{rate} Hz: what is speech does not depend on it"
        );
        assert_eq!(telephone == wide, rate < 16_000, "{rate} Hz");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_chunks_change_no_bit(
        rate in prop::sample::select(&RATES[..]),
        seconds in 0.0f32..5.0,
        most in prop::sample::select(&[2usize, 40, 700, 30_000][..]),
        wide_ears: bool,
        seed: u64,
    ) {
        let session = if wide_ears { wide_session } else { session };
        let x = call(rate, if most == 2 { seconds.min(1.0) } else { seconds });
        let mut random = testdata::Random::new(seed);
        let mut s = session(rate, LoudDetector::new(), true);
        // A used session must be as good as new, too.
        s.push(&call(rate, 3.1)).unwrap();
        s.push_lost(500).unwrap();
        s.reset();
        let mut buffer = vec![f32::NAN; most + 64];
        let mut rest = &x[..];
        while !rest.is_empty() {
            let n = random.below(most + 1).min(rest.len());
            buffer.fill(f32::NAN);
            buffer[..n].copy_from_slice(&rest[..n]);
            let progress = s.push(&buffer[..n]).unwrap();
            rest = &rest[n..];
            prop_assert_eq!(progress.samples as usize, x.len() - rest.len());
        }
        s.finish();
        prop_assert_eq!(outcome(&s), whole_of(session(rate, LoudDetector::new(), true), &x));
    }

    #[test]
    fn lost_packets_are_where_they_are_for_any_chunks(
        rate in prop::sample::select(&[8_000u32, 44_100, 48_000][..]),
        losses in prop::collection::vec((1usize..9_000, 0usize..3_000), 0..12),
        seed: u64,
    ) {
        let x = call(rate, 4.0);
        let mut random = testdata::Random::new(seed);
        let (mut a, mut b) = (session(rate, LoudDetector::new(), true), session(rate, LoudDetector::new(), true));
        let mut at = 0;
        for (good, lost) in losses {
            let part = &x[at..(at + good).min(x.len())];
            at += part.len();
            a.push(part).unwrap();
            a.push_lost(lost).unwrap();
            part.chunks(1 + random.below(400)).for_each(|c| assert!(b.push(c).is_ok()));
            let first = random.below(lost + 1);
            b.push_lost(first).unwrap();
            b.push_lost(lost - first).unwrap();
        }
        a.finish();
        b.finish();
        prop_assert_eq!(outcome(&a), outcome(&b));
    }
}

#[test]
fn packets_integers_and_floats_are_the_same_stream() {
    let x = call(8_000, 6.0);
    let integers: Vec<i16> = x.iter().map(|&v| f32_to_i16(v)).collect();
    let end = whole(8_000, &x);
    for chunk in [1, 160, 300, 9_600] {
        let mut s = session(8_000, LoudDetector::new(), true);
        integers.chunks(chunk).for_each(|c| assert!(s.push_i16(c).is_ok()));
        s.finish();
        assert_eq!(outcome(&s), end, "16-bit in chunks of {chunk}");
        let mut s = session(8_000, LoudDetector::new(), true);
        for c in integers.chunks(chunk) {
            let payload: Vec<u8> = c.iter().flat_map(|v| v.to_be_bytes()).collect();
            s.push_packet(Codec::L16, &payload).unwrap();
        }
        s.finish();
        assert_eq!(outcome(&s), end, "L16 in packets of {chunk}");
    }
    type Law = (Codec, fn(i16) -> u8, fn(u8) -> i16);
    let laws: [Law; 2] =
        [(Codec::Pcmu, g711::i16_to_ulaw, g711::ulaw_to_i16), (Codec::Pcma, g711::i16_to_alaw, g711::alaw_to_i16)];
    for (codec, encode, decode) in laws {
        let coded: Vec<u8> = integers.iter().map(|&v| encode(v)).collect();
        let decoded: Vec<i16> = coded.iter().map(|&c| decode(c)).collect();
        let mut a = session(8_000, LoudDetector::new(), true);
        a.push_i16(&decoded).unwrap();
        a.finish();
        let mut b = session(8_000, LoudDetector::new(), true);
        coded.chunks(160).for_each(|c| assert!(b.push_packet(codec, c).is_ok()));
        b.finish();
        assert_eq!(outcome(&a), outcome(&b), "{codec:?}");
        assert!(outcome(&a).net_speech_frames > 200 && outcome(&a).digits.starts_with("5#"), "{:?}", outcome(&a));
    }
}

#[test]
fn decisions_come_no_later_than_declared() {
    for rate in [8_000u32, 48_000] {
        let x = call(rate, 6.0);
        let mut s = session(rate, LoudDetector::new(), false);
        let mut pushed = Vec::new();
        for c in x.chunks(rate as usize / 100) {
            pushed.push(s.push(c).unwrap().net_speech_frames);
        }
        // Frames are counted as the audio goes on; those of the whole, cut at any time, are known after the delay.
        let resampler = if rate == 8_000 { 0 } else { 10 };
        let delay = s.delay_frames() + resampler + 3;
        assert!(delay < 60, "{delay} frames");
        for cut in [150, 320, 480] {
            let mut short = session(rate, LoudDetector::new(), false);
            short.push(&x[..cut * rate as usize / 100]).unwrap();
            let later = pushed[cut + delay];
            assert!(later >= short.progress().net_speech_frames);
            short.finish();
            // The end of a cut stream takes words apart, by at most the averaging window and the shortest run.
            let end = short.progress().net_speech_frames;
            assert!(later + 12 >= end, "{rate} Hz, cut at {cut}: {later} after the delay, {end} at the end");
        }
    }
}
