//! What a second of audio costs in the whole session, in 20 ms packets at the telephone's rate and at two others.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use engine::audio::SampleRate;
use engine::session::{Session, SessionConfig};
use models::Model;

fn sessions(c: &mut Criterion) {
    let model = Model::embedded().unwrap();
    let mut group = c.benchmark_group("session/second-in-20ms-packets");
    group.throughput(Throughput::Elements(1));
    for rate in [8_000, 16_000, 48_000] {
        let audio = testdata::speech_like(rate, 1);
        let config = SessionConfig::new(SampleRate::new(rate).unwrap());
        let mut session = Session::new(config, model.embedder(), model.detector()).unwrap();
        group.bench_with_input(BenchmarkId::from_parameter(rate), &audio, |b, audio| {
            b.iter(|| {
                for packet in audio.chunks(rate as usize / 50) {
                    black_box(session.push(packet).unwrap());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sessions);
criterion_main!(benches);
