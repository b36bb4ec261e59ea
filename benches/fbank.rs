//! What the features of a second of audio cost: the engine's own at 8 kHz, and Kaldi's 80 bins at 16 kHz.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::fbank::{Fbank, FbankConfig};
use testdata::speech_like;

fn features(c: &mut Criterion) {
    let mut group = c.benchmark_group("fbank/second");
    group.throughput(Throughput::Elements(1));
    for (name, rate, mut fbank) in [
        ("48-bins-8kHz", 8_000, Fbank::new()),
        ("80-bins-16kHz", 16_000, Fbank::with_config(FbankConfig::kaldi()).unwrap()),
    ] {
        let audio = speech_like(rate, 1);
        group.bench_function(name, |b| {
            b.iter(|| fbank.push(black_box(&audio), &mut |frame: &[f32], _: &[f32]| _ = black_box(frame.len())));
        });
    }
    group.finish();
}

criterion_group!(benches, features);
criterion_main!(benches);
