use proptest::prelude::*;

use super::*;
use crate::embed::ModelId;

const MODEL: ModelId = ModelId([5; 16]);
const DIM: usize = 64;

/// Standard normal numbers from a fixed seed.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        crate::score::normal::quantile(self.uniform())
    }

    /// A voice: a direction in space.
    fn voice(&mut self) -> Vec<f64> {
        (0..DIM).map(|_| self.normal()).collect()
    }

    /// One hearing of a voice, its noise `level` times as strong as the voice.
    fn hear(&mut self, voice: &[f64], level: f64) -> Vec<f32> {
        voice.iter().map(|v| (v + level * self.normal()) as f32).collect()
    }
}

fn evidence(values: &[f32], net_speech_s: f64) -> RecordingEvidence {
    RecordingEvidence {
        embedding: Embedding::new(MODEL, values).ok(),
        windows: Vec::new().into(),
        net_speech_s,
        snr_db: Some(20.0),
        clipped_share: 0.0,
        bandwidth_hz: 3400.0,
    }
}

fn enroller(recordings: Vec<RecordingEvidence>) -> Enroller {
    let mut e = Enroller::new(EnrollConfig::default()).unwrap();
    recordings.into_iter().for_each(|r| e.add(r).unwrap());
    e
}

fn codes(e: &Enroller) -> Vec<&'static str> {
    e.finish().err().iter().flat_map(|r| r.reasons()).map(RefusalReason::code).collect()
}

#[test]
fn good_recordings_make_the_direction_of_their_mean() {
    let mut noise = Noise(1);
    let voice = noise.voice();
    let parts: Vec<_> = (0..3).map(|_| noise.hear(&voice, 0.3)).collect();
    let mut long = evidence(&parts[0], 20.0);
    (long.snr_db, long.clipped_share, long.bandwidth_hz) = (Some(30.0), 0.02, 7000.0);
    let mut unmeasured = evidence(&parts[2], 5.0);
    unmeasured.snr_db = None;
    let e = enroller(vec![long, evidence(&parts[1], 5.0), unmeasured]);
    let t = e.finish().unwrap();
    let unit: Vec<_> = parts.iter().map(|p| Embedding::new(MODEL, p).unwrap()).collect();
    let sum: Vec<f32> = (0..DIM).map(|i| unit.iter().map(|u| u.values()[i]).sum()).collect();
    let want = Embedding::new(MODEL, &sum).unwrap();
    assert!((t.cosine(&want).unwrap().value() - 1.0).abs() < 1e-6);
    let r = t.record();
    assert_eq!((r.recordings, t.net_speech_s(), r.bandwidth_hz), (3, 30.0, 3400.0));
    assert!((r.snr_db.unwrap() - 28.0).abs() < 1e-4, "(20 x 30 dB + 5 x 20 dB) / 25");
    assert!((r.clipped_share - 0.02 * 20.0 / 30.0).abs() < 1e-6);
    assert!(r.agreement.unwrap() > 0.8 && r.coherence.is_none());
    assert_eq!((e.assess().percent, e.assess().warnings.len()), (100, 0));
}

#[test]
fn each_refusal_has_its_code() {
    let mut noise = Noise(2);
    let (a, b) = (noise.voice(), noise.voice());
    let good = evidence(&noise.hear(&a, 0.3), 15.0);
    let silent = RecordingEvidence { embedding: None, net_speech_s: 0.0, snr_db: None, ..good.clone() };
    let other = evidence(&noise.hear(&b, 0.3), 15.0);
    let with = |edit: fn(&mut RecordingEvidence)| {
        let mut r = good.clone();
        edit(&mut r);
        r
    };
    let cases: Vec<(&str, Vec<RecordingEvidence>, Vec<&str>)> = vec![
        ("nothing", vec![], vec!["SILENCE"]),
        ("only silence", vec![silent.clone(), silent.clone()], vec!["SILENCE"]),
        ("speech without an embedding", vec![with(|r| r.embedding = None)], vec!["SILENCE"]),
        ("good", vec![good.clone()], vec![]),
        ("good and silence", vec![good.clone(), silent], vec![]),
        ("just too short", vec![with(|r| r.net_speech_s = 11.99)], vec!["TOO_LITTLE_SPEECH"]),
        ("just long enough", vec![with(|r| r.net_speech_s = 12.0)], vec![]),
        ("noisy", vec![with(|r| r.snr_db = Some(5.9))], vec!["NOISE"]),
        ("noise unknown", vec![with(|r| r.snr_db = None)], vec![]),
        ("at the noise limit", vec![with(|r| r.snr_db = Some(6.0))], vec![]),
        ("clipped", vec![with(|r| r.clipped_share = 0.051)], vec!["CLIPPING"]),
        ("at the clipping limit", vec![with(|r| r.clipped_share = 0.05)], vec![]),
        ("two people", vec![good.clone(), other], vec!["DIFFERENT_VOICES", "DIFFERENT_VOICES"]),
        (
            "everything",
            vec![with(|r| {
                (r.net_speech_s, r.snr_db, r.clipped_share) = (3.0, Some(0.0), 0.5);
            })],
            vec!["TOO_LITTLE_SPEECH", "NOISE", "CLIPPING"],
        ),
    ];
    let wrong: Vec<_> = cases
        .into_iter()
        .map(|(name, recordings, want)| (name, codes(&enroller(recordings)), want))
        .filter(|(_, got, want)| got != want)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_stranger_among_three_is_named() {
    let mut noise = Noise(3);
    let (a, b) = (noise.voice(), noise.voice());
    let parts = [&a, &b, &a, &a].map(|v| evidence(&noise.hear(v, 0.3), 10.0));
    let refusal = enroller(parts.to_vec()).finish().unwrap_err();
    let lowest = refusal.reasons().min_by(|x, y| match (x, y) {
        (RefusalReason::DifferentVoices { agreement: x, .. }, RefusalReason::DifferentVoices { agreement: y, .. }) => {
            x.total_cmp(y)
        }
        _ => std::cmp::Ordering::Equal,
    });
    assert_eq!(lowest.and_then(RefusalReason::recording), Some(1));
    assert!(refusal.to_string().contains("recording 2 does not sound like the others"), "{refusal}");
}

/// Windows of two voices in turn, the second one's share being `share`.
fn windows(noise: &mut Noise, n: usize, share: f64, level: f64) -> Vec<f32> {
    let (a, b) = (noise.voice(), noise.voice());
    let second = (share * n as f64).round() as usize;
    (0..n).flat_map(|i| noise.hear(if i < second { &b } else { &a }, level)).collect()
}

#[test]
fn two_voices_in_one_recording_are_told_from_one() {
    let mut noise = Noise(4);
    // Noise as strong as the voice: cosines of 0.5 between windows of one voice, as 1.5 s windows have.
    for n in [8, 12, 20, 60] {
        let one = coherence(&windows(&mut noise, n, 0.0, 1.0), DIM).unwrap().unwrap();
        assert!(one.ratio() > 0.6, "{n} windows of one voice: {one:?}");
        for share in [0.25, 0.5] {
            let two = coherence(&windows(&mut noise, n, share, 1.0), DIM).unwrap().unwrap();
            assert!(two.ratio() < 0.35, "{n} windows, {share} of them another's: {two:?}");
            assert!((f64::from(two.smaller_share()) - share).abs() < 0.01, "{two:?}");
            assert_eq!((two.from, two.to), (0, (share * n as f64).round() as usize));
        }
    }
}

#[test]
fn a_recording_with_two_voices_is_refused() {
    let mut noise = Noise(5);
    for (share, want) in [(0.0, vec![]), (0.3, vec!["DIFFERENT_VOICES"])] {
        let mut r = evidence(&noise.voice().iter().map(|&x| x as f32).collect::<Vec<_>>(), 30.0);
        r.windows = windows(&mut noise, 20, share, 1.0).into();
        let e = enroller(vec![r]);
        assert_eq!(codes(&e), want, "{share}");
        assert_eq!(e.assess().coherence.map(|c| c.windows), Some(20));
    }
}

#[test]
fn windows_that_cannot_be_split_are_no_panic() {
    let same = [0.6f32, 0.8].repeat(10);
    let c = coherence(&same, 2).unwrap().unwrap();
    assert_eq!((c.windows, c.ratio()), (10, 1.0));
    let opposite = [1.0f32, 0.0, 1.0, 0.0, -1.0, 0.0, -1.0, 0.0];
    let c = coherence(&opposite, 2).unwrap().unwrap();
    assert_eq!((c.from, c.to, c.smaller_share(), c.ratio()), (0, 2, 0.5, -1.0));
    assert_eq!(coherence(&same[..6], 2), Ok(None));
    assert_eq!(coherence(&[], 2), Ok(None));
    assert!(matches!(coherence(&same[..7], 2), Err(CoherenceError::Shape { .. })));
    assert!(matches!(coherence(&same, 0), Err(CoherenceError::Shape { .. })));
    assert_eq!(coherence(&[0.0; 8], 2), Err(CoherenceError::NotAVector));
    assert_eq!(coherence(&[f32::NAN; 8], 2), Err(CoherenceError::NotAVector));
    assert_eq!(coherence(&[f32::INFINITY; 8], 2), Err(CoherenceError::NotAVector));
}

#[test]
fn a_rejected_recording_changes_nothing() {
    let mut noise = Noise(6);
    let voice = noise.voice();
    let good = evidence(&noise.hear(&voice, 0.3), 15.0);
    let mut e = enroller(vec![good.clone()]);
    let before = e.finish().unwrap();
    type Edit = fn(&mut RecordingEvidence);
    let edits: &[(&str, Edit)] = &[
        ("another model", |r| r.embedding = Embedding::new(ModelId([6; 16]), &[1.0; DIM]).ok()),
        ("another length", |r| r.embedding = Embedding::new(MODEL, &[1.0; 3]).ok()),
        ("negative speech", |r| r.net_speech_s = -1.0),
        ("NaN speech", |r| r.net_speech_s = f64::NAN),
        ("endless speech", |r| r.net_speech_s = f64::INFINITY),
        ("NaN SNR", |r| r.snr_db = Some(f32::NAN)),
        ("NaN clipping", |r| r.clipped_share = f32::NAN),
        ("negative bandwidth", |r| r.bandwidth_hz = -1.0),
        ("ragged windows", |r| r.windows = vec![1.0; DIM + 1].into()),
        ("NaN windows", |r| r.windows = vec![f32::NAN; DIM].into()),
    ];
    for (name, edit) in edits {
        let mut r = good.clone();
        edit(&mut r);
        assert!(e.add(r).is_err(), "{name}");
        assert_eq!(e.finish().unwrap(), before, "{name}");
    }
}

#[test]
fn opposite_recordings_are_refused_not_averaged() {
    let a = evidence(&[1.0, 0.0], 15.0);
    let b = evidence(&[-1.0, 0.0], 15.0);
    let limits = CoherenceLimits { least_agreement: -1.0, noise_speech_s: 0.0, ..CoherenceLimits::default() };
    let mut e = Enroller::new(EnrollConfig::default().limits(limits)).unwrap();
    e.add(a).unwrap();
    e.add(b).unwrap();
    assert_eq!(codes(&e), ["DIFFERENT_VOICES"]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let d = EnrollConfig::default();
    let limits = |edit: fn(&mut CoherenceLimits)| {
        let mut l = CoherenceLimits::default();
        edit(&mut l);
        d.limits(l)
    };
    let bad = [
        d.wanted_speech_s(0.5),
        d.wanted_speech_s(f64::NAN),
        d.least_speech_s(31.0),
        d.least_speech_s(0.0),
        d.wanted_speech_s(10.0),
        d.min_snr_db(f32::NAN),
        d.max_clipped_share(1.1),
        limits(|l| l.least_agreement = 2.0),
        limits(|l| l.least_windows = 3),
        limits(|l| l.most_ratio = f32::NAN),
        limits(|l| l.least_share = 0.6),
        limits(|l| l.noise_speech_s = -1.0),
    ];
    for (i, config) in bad.into_iter().enumerate() {
        assert!(Enroller::new(config).is_err(), "case {i}");
    }
    assert!(Enroller::new(d.wanted_speech_s(12.0)).is_ok());
}

#[test]
fn texts_round_so_that_nothing_missing_reads_as_nothing() {
    let r = RefusalReason::TooLittleSpeech { have_s: 11.99, least_s: 12.0, missing_s: 0.01 };
    assert_eq!(r.to_string(), "TOO_LITTLE_SPEECH: 11.9 s of net speech, 12.0 s needed, 0.1 s missing");
    assert_eq!(r.missing_s(), Some(0.01));
}

proptest! {
    #[test]
    fn the_order_of_recordings_and_windows_does_not_matter(seed in any::<u64>(), share in 0.0..0.5f64) {
        let mut noise = Noise(seed);
        let w = windows(&mut noise, 16, share, 0.7);
        let mut reversed: Vec<f32> = Vec::new();
        w.chunks(DIM).rev().for_each(|row| reversed.extend(row));
        let (a, b) = (coherence(&w, DIM).unwrap().unwrap(), coherence(&reversed, DIM).unwrap().unwrap());
        prop_assert!((a.ratio() - b.ratio()).abs() < 1e-4, "{:?} {:?}", a, b);
    }

    #[test]
    fn windows_of_any_kind_are_no_panic(w in prop::collection::vec(any::<f32>(), 0..60), dim in 0usize..8) {
        if let Ok(Some(c)) = coherence(&w, dim) {
            prop_assert!((-1.0..=1.0).contains(&c.ratio()) && (0.0..=0.5).contains(&c.smaller_share()));
            prop_assert!((-1.001..=1.001).contains(&c.across) && c.from < c.to && c.to <= c.windows);
        }
    }
}
