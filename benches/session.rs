//! What a second of audio costs: the whole session in 20 ms packets at the telephone's rate and at two others, and the
//! networks alone.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use engine::audio::SampleRate;
use engine::session::{Session, SessionConfig};
use models::Model;

/// A second of something voiced, so that every stage has work.
fn second(rate: u32) -> Vec<f32> {
    let tau = std::f32::consts::TAU;
    (0..rate)
        .map(|i| {
            let t = i as f32 / rate as f32;
            let f0 = 120.0 + 15.0 * (tau * 3.0 * t).sin();
            let voice: f32 = (1..25).map(|h| (tau * f0 * h as f32 * t).sin() / h as f32).sum();
            0.1 * voice * (0.6 + 0.4 * (tau * 4.0 * t).sin())
        })
        .collect()
}

fn sessions(c: &mut Criterion) {
    let model = Model::embedded().unwrap();
    let mut group = c.benchmark_group("session/second-in-20ms-packets");
    group.throughput(Throughput::Elements(1));
    for rate in [8_000, 16_000, 48_000] {
        let audio = second(rate);
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

fn embedder(c: &mut Criterion) {
    let model = Model::embedded().unwrap();
    let mut net = model.embedder();
    let frames: Vec<f32> = (0..10 * net.num_mel_bins()).map(|i| 10.0 + (i % 7) as f32).collect();
    c.bench_function("network/second-in-100ms-blocks", |b| {
        b.iter(|| (0..10).for_each(|_| net.push(black_box(&frames), &[true; 10])));
    });
}

criterion_group!(benches, sessions, embedder);
criterion_main!(benches);
