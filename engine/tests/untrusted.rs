//! No samples, no packets and no order of calls panic, make a figure that is not a number, or change the state by an error.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fakes;

use engine::codec::Codec;
use engine::error::InputError;
use engine::session::{MAX_PACKET_SAMPLES, Session};
use fakes::{LoudDetector, call, outcome, session};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Call {
    Floats(Vec<f32>),
    Integers(Vec<i16>),
    Packet(Codec, Vec<u8>),
    Lost(usize),
    Finish,
    Reset,
}

fn sample() -> impl Strategy<Value = f32> {
    prop_oneof![
        12 => -1.0f32..=1.0,
        2 => -20.0f32..=20.0,
        2 => any::<u32>().prop_map(f32::from_bits),
        1 => prop::sample::select(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, 1e-45, -0.0, 16.0][..]),
    ]
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let codec = prop::sample::select(&[Codec::Pcmu, Codec::Pcma, Codec::L16][..]);
    let one = prop_oneof![
        // Long runs of good samples, or hardly any chunk would be taken.
        4 => (prop::collection::vec(-1.0f32..=1.0, 0..50), 0usize..80).prop_map(|(x, n)| Call::Floats(x.repeat(n))),
        3 => prop::collection::vec(sample(), 0..600).prop_map(Call::Floats),
        3 => (any::<i16>(), 0usize..3_000).prop_map(|(v, n)| Call::Integers(vec![v; n])),
        3 => prop::collection::vec(any::<i16>(), 0..2_000).prop_map(Call::Integers),
        4 => (codec, prop::collection::vec(any::<u8>(), 0..1_500)).prop_map(|(c, p)| Call::Packet(c, p)),
        2 => (0usize..20_000).prop_map(Call::Lost),
        1 => Just(Call::Finish),
        1 => Just(Call::Reset),
    ];
    prop::collection::vec(one, 0..30)
}

/// Makes the call; `false` if it was refused.
fn make(s: &mut Session, call: &Call) -> bool {
    match call {
        Call::Floats(x) => s.push(x).is_ok(),
        Call::Integers(x) => s.push_i16(x).is_ok(),
        Call::Packet(codec, payload) => s.push_packet(*codec, payload).is_ok(),
        Call::Lost(n) => s.push_lost(*n).is_ok(),
        Call::Finish => s.finish().samples < u64::MAX,
        Call::Reset => {
            s.reset();
            true
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn refused_calls_change_nothing_and_figures_are_numbers(
        rate in prop::sample::select(&[8_000u32, 8_001, 16_000, 44_100, 192_000][..]),
        calls in calls(),
        gullible: bool,
    ) {
        let detector = || if gullible { LoudDetector::gullible() } else { LoudDetector::new() };
        let (mut attacked, mut clean) = (session(rate, detector(), true), session(rate, detector(), true));
        for c in &calls {
            if make(&mut attacked, c) {
                make(&mut clean, c);
            }
        }
        attacked.finish();
        clean.finish();
        prop_assert_eq!(outcome(&attacked), outcome(&clean));
        let q = attacked.quality();
        let figures = [q.snr_db.unwrap_or(0.0), q.clipped_share, q.peak_dbfs, q.rms_dbfs, q.dc, q.bandwidth_hz];
        prop_assert!(figures.iter().all(|v| v.is_finite()), "{:?}", q);
        prop_assert!((0.0..=1.0).contains(&q.clipped_share) && (0.0..=rate as f32 / 2.0).contains(&q.bandwidth_hz), "{:?}", q);
        prop_assert!(q.net_speech_s <= q.duration_s && q.lost_samples <= q.samples, "{:?}", q);
    }
}

#[test]
fn each_error_says_what_is_wrong() {
    let mut s = session(8_000, LoudDetector::new(), false);
    let good = call(8_000, 1.0);
    s.push(&good).unwrap();
    let cases = [
        (s.push(&[0.0, f32::NAN]), InputError::NotFinite { at: 1 }, "sample 1 of the chunk is not a finite number"),
        (s.push(&[f32::NEG_INFINITY]), InputError::NotFinite { at: 0 }, "sample 0 of the chunk is not a finite number"),
        (
            s.push(&[0.0, 0.0, -17.0]),
            InputError::TooLarge { at: 2 },
            "sample 2 of the chunk is beyond +-16, full scale is +-1",
        ),
        (
            s.push_packet(Codec::Pcmu, &vec![0; MAX_PACKET_SAMPLES + 1]),
            InputError::LongPacket { samples: MAX_PACKET_SAMPLES + 1 },
            "packet of 9601 samples, at most 9600 allowed",
        ),
        (
            s.push_packet(Codec::L16, &[1, 2, 3]),
            InputError::Packet(engine::codec::CodecError::OddLength { bytes: 3 }),
            "payload of 3 bytes ends inside a 16-bit sample",
        ),
    ];
    for (got, expected, text) in cases {
        assert_eq!(got, Err(expected));
        assert_eq!(expected.to_string(), text);
    }
    assert_eq!(s.push(&[]).unwrap().samples, 8_000, "an empty chunk is fine");
    s.push_packet(Codec::L16, &vec![0; 2 * MAX_PACKET_SAMPLES]).unwrap();
    let end = s.finish();
    assert_eq!(s.finish(), end, "a second end changes nothing");
    for refused in [s.push(&good), s.push_i16(&[0]), s.push_packet(Codec::Pcmu, &[0]), s.push_lost(1)] {
        assert_eq!(refused, Err(InputError::Finished));
    }
    s.reset();
    assert_eq!(s.push(&good).unwrap().samples, 8_000);
}
