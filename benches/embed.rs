//! What a second of features costs in the speaker network: as they come in a call, and as a recording has them; and what it costs to
//! read the embedding.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use models::{Model, Precision};

fn network(c: &mut Criterion) {
    let mut group = c.benchmark_group("embed");
    group.throughput(Throughput::Elements(1));
    for precision in [Precision::F32, Precision::Int8] {
        let model = Model::embedded_with(precision).unwrap();
        for (name, mut net, frames) in [("call", model.embedder(), 10), ("recording", model.embedder_for_files(), 100)]
        {
            let log_mel: Vec<f32> = (0..frames * net.num_mel_bins()).map(|i| 10.0 + (i % 7) as f32).collect();
            group.bench_function(format!("second-{name}-{}", precision.name()), |b| {
                b.iter(|| (0..100 / frames).for_each(|_| net.push(black_box(&log_mel), &vec![true; frames])));
            });
            let mut out = vec![0.0; net.dim()];
            if name == "call" {
                group.bench_function(format!("read-{}", precision.name()), |b| {
                    b.iter(|| net.embedding(black_box(&mut out)))
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, network);
criterion_main!(benches);
