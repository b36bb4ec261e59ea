//! SPEC E11 on the shipped networks: what is no speech gives no net speech, for a minute each.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::f32::consts::TAU;

use engine::audio::SampleRate;
use engine::codec::{Codec, g711};
use engine::session::{Session, SessionConfig};
use models::Model;
use testdata::Random;

const RATE: usize = 8_000;
const SECONDS: usize = 60;

fn minute(mut of: impl FnMut(f32, usize) -> f32) -> Vec<f32> {
    (0..RATE * SECONDS).map(|i| of(i as f32 / RATE as f32, i)).collect()
}

fn tone(hz: f32, i: usize) -> f32 {
    (TAU * (f64::from(hz) * i as f64 / RATE as f64).fract() as f32).sin()
}

fn net_speech_s(model: &Model, samples: &[f32]) -> f64 {
    let mut session =
        Session::new(SessionConfig::new(SampleRate::TELEPHONE), model.embedder(), model.detector()).unwrap();
    // As a call brings it: companded, in packets.
    let bytes: Vec<u8> =
        samples.iter().map(|&x| g711::i16_to_ulaw(engine::audio::f32_to_i16(x.clamp(-1.0, 1.0)))).collect();
    for packet in bytes.chunks(160) {
        session.push_packet(Codec::Pcmu, packet).unwrap();
    }
    session.finish().net_speech_s()
}

#[test]
fn e11_tones_noise_and_silence_add_no_net_speech() {
    let model = Model::embedded().unwrap();
    let mut random = Random::new(3);
    let mut keys = vec![0.0f32; RATE * SECONDS];
    let (low, high) = ([697.0, 770.0, 852.0, 941.0], [1209.0, 1336.0, 1477.0, 1633.0]);
    for k in 0..4 * SECONDS {
        let (a, b, from) = (low[random.below(4)], high[random.below(4)], k * RATE / 4);
        let length = RATE * (60 + random.below(40)) / 1_000;
        (0..length).for_each(|i| keys[from + i] = 0.15 * (tone(a, i) + tone(b, i)));
    }
    let on = |t: f32, period: f32, length: f32| f32::from(u8::from(t % period < length));
    let signals: [(&str, Vec<f32>); 12] = [
        ("silence", minute(|_, _| 0.0)),
        ("mu-law idle noise", minute(|_, _| (random.below(3) as f32 - 1.0) * 8.0 / 32_768.0)),
        ("dial tone", minute(|_, i| 0.1 * (tone(350.0, i) + tone(440.0, i)))),
        ("ringback", minute(|t, i| 0.1 * on(t, 6.0, 2.0) * (tone(440.0, i) + tone(480.0, i)))),
        ("European ringback", minute(|t, i| 0.2 * on(t, 5.0, 1.0) * tone(425.0, i))),
        ("busy", minute(|t, i| 0.1 * on(t, 1.0, 0.5) * (tone(480.0, i) + tone(620.0, i)))),
        ("answer tone", minute(|_, i| 0.15 * tone(2_100.0, i))),
        ("keys", keys),
        ("hum", minute(|_, i| 0.1 * tone(50.0, i) + 0.05 * tone(150.0, i) + 0.02 * tone(250.0, i))),
        ("noise", testdata::noise(1, RATE * SECONDS).iter().map(|x| 0.03 * x).collect()),
        ("clipped noise", testdata::noise(2, RATE * SECONDS).iter().map(|x| 0.9f32.copysign(*x)).collect()),
        ("clicks", testdata::noise(4, RATE * SECONDS).iter().map(|x| if *x > 3.1 { 0.8 } else { 0.0 }).collect()),
    ];
    let heard: Vec<_> = signals.iter().map(|(name, x)| (*name, net_speech_s(&model, x))).collect();
    assert!(heard.iter().all(|(_, s)| *s == 0.0), "{heard:?}");
}

#[test]
fn e11_music_on_hold_adds_next_to_nothing() {
    let model = Model::embedded().unwrap();
    let chords: [[f32; 4]; 4] = [
        [261.6, 329.6, 392.0, 523.3],
        [220.0, 261.6, 329.6, 440.0],
        [174.6, 220.0, 261.6, 349.2],
        [196.0, 246.9, 293.7, 392.0],
    ];
    let music = minute(|t, i| {
        let chord = chords[(t / 2.0) as usize % 4];
        let beat = t % 0.5;
        let note = |hz: f32| (1..6).map(|h| tone(hz * h as f32, i) / (h * h) as f32).sum::<f32>();
        let melody = note(chord[(t * 4.0) as usize % 4] * 2.0) * (-6.0 * (t % 0.25)).exp();
        0.05 * chord.iter().map(|&hz| note(hz)).sum::<f32>() * (-2.0 * beat).exp() + 0.08 * melody
    });
    let heard = net_speech_s(&model, &music);
    assert!(heard <= 0.3, "{heard} s of net speech in a minute of music");
}

#[test]
fn a_voice_is_heard_by_the_same_means() {
    let speech = testdata::speech_like(RATE as u32, 20);
    let heard = net_speech_s(&Model::embedded().unwrap(), &speech);
    assert!(heard > 5.0, "only {heard} s of 20: what is above would prove nothing");
}
