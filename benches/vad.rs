//! What it costs to tell a second of speech from noise, from features on.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use models::Model;

fn detector(c: &mut Criterion) {
    let mut detector = Model::embedded().unwrap().detector();
    let frames: Vec<f32> = (0..10 * detector.num_mel_bins()).map(|i| 10.0 + (i % 7) as f32).collect();
    let mut group = c.benchmark_group("vad");
    group.throughput(Throughput::Elements(1));
    group.bench_function("second-in-100ms-blocks", |b| {
        let mut odds = [0.0; 64];
        b.iter(|| (0..10).for_each(|_| _ = black_box(detector.push(black_box(&frames), &mut odds))));
    });
    group.finish();
}

criterion_group!(benches, detector);
criterion_main!(benches);
