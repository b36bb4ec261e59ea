//! Any sequence of calls on a session of the real networks: no panic, time only goes forward, what is refused changes nothing,
//! and an embedding has a norm of one.
#![no_main]

use std::sync::LazyLock;

use engine::audio::SampleRate;
use engine::codec::Codec;
use engine::session::{Session, SessionConfig};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use models::Model;

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::embedded().expect("the embedded network is sound"));

#[derive(Arbitrary, Debug)]
enum Call {
    Floats(Vec<f32>),
    Wave { period: u8, amplitude: u16, samples: u16 },
    Integers(Vec<i16>),
    Packet { codec: u8, payload: Vec<u8> },
    Lost(u16),
    Finish,
    Reset,
}

fuzz_target!(|input: (u32, bool, Vec<Call>)| {
    let (hz, windows, calls) = input;
    let Ok(rate) = SampleRate::new(hz).or_else(|_| SampleRate::new(8_000 + hz % 40_001)) else { return };
    let config = SessionConfig::new(rate);
    let session = match windows {
        false => Session::new(config, MODEL.embedder(), MODEL.detector()),
        true => Session::with_windows(config, MODEL.embedder(), MODEL.detector(), MODEL.embedder()),
    };
    let Ok(mut session) = session else { return };
    let mut embedding = vec![0.0; MODEL.dim()];
    for call in calls.into_iter().take(64) {
        let before = session.progress();
        let done = match call {
            Call::Floats(x) => session.push(&x).map(Some),
            Call::Wave { period, amplitude, samples } => {
                let step = std::f32::consts::TAU / (f32::from(period) + 2.0);
                let wave = |n: u16| f32::from(amplitude) / 65_536.0 * (f32::from(n) * step).sin();
                session.push(&(0..samples).map(wave).collect::<Vec<_>>()).map(Some)
            }
            Call::Integers(x) => session.push_i16(&x).map(Some),
            Call::Packet { codec, payload } => {
                session.push_packet([Codec::Pcmu, Codec::Pcma, Codec::L16][usize::from(codec % 3)], &payload).map(Some)
            }
            Call::Lost(n) => session.push_lost(usize::from(n)).map(Some),
            Call::Finish => Ok(Some(session.finish())),
            Call::Reset => {
                session.reset();
                assert_eq!(session.progress().samples, 0);
                Ok(None)
            }
        };
        match done {
            Ok(Some(now)) => {
                assert!(now.samples >= before.samples && now.net_speech_frames >= before.net_speech_frames);
            }
            Ok(None) => {}
            Err(_) => assert_eq!(session.progress(), before),
        }
        if session.embedding(&mut embedding) {
            let norm: f32 = embedding.iter().map(|x| x * x).sum();
            assert!((norm - 1.0).abs() < 1e-3, "{norm}");
        }
    }
});
