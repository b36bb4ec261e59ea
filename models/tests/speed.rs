//! Cost of the speaker network on one thread: `cargo test --release -p models --test speed -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use models::{Backend, Model, Precision};

/// What a second of audio may cost on a vector unit.
const MOST: Duration = Duration::from_millis(2);

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn a_second_of_audio_costs_at_most_two_milliseconds() {
    const SECONDS: u32 = 20;
    let bytes = include_bytes!("../weights/default.vouch");
    let mut slow = Vec::new();
    for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
        for (block, precision) in
            [(2, Precision::F32), (2, Precision::Int8), (10, Precision::F32), (10, Precision::Int8)]
        {
            let model = Model::with_backend(bytes, backend, precision).unwrap();
            let (mut embedder, mut detector) = (model.embedder(), model.detector());
            let log_mel: Vec<f32> = (0..block * embedder.num_mel_bins()).map(|i| 10.0 + (i as f32).sin()).collect();
            let mut log_odds = [0.0; 64];
            let best = |mut second: Box<dyn FnMut() + '_>| {
                let times = (0..SECONDS).map(|_| {
                    let start = Instant::now();
                    second();
                    start.elapsed()
                });
                times.min().unwrap()
            };
            let speaker =
                best(Box::new(|| (0..100 / block).for_each(|_| embedder.push(&log_mel, &[true; 10][..block]))));
            let vad = best(Box::new(|| (0..100 / block).for_each(|_| _ = detector.push(&log_mel, &mut log_odds))));
            println!(
                "{} {} by {} ms: speaker {speaker:?}, detector {vad:?} per second of audio",
                backend.name(),
                precision.name(),
                10 * block
            );
            let measured = backend != Backend::Scalar && block == 10;
            slow.extend((measured && speaker > MOST).then_some((backend, precision)));
        }
    }
    assert!(slow.is_empty(), "{slow:?} take longer");
}
