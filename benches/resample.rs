//! What a second of audio costs on its way to 8 kHz.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use engine::audio::SampleRate;
use engine::resample::Resampler;
use testdata::speech_like;

fn resample(c: &mut Criterion) {
    let mut group = c.benchmark_group("resample/second-to-8kHz");
    group.throughput(Throughput::Elements(1));
    for rate in [16_000, 44_100, 48_000] {
        let audio = speech_like(rate, 1);
        let mut resampler = Resampler::to(SampleRate::new(rate).unwrap(), 8_000).unwrap();
        group.bench_with_input(BenchmarkId::from_parameter(rate), &audio, |b, audio| {
            b.iter(|| resampler.push(black_box(audio), &mut |part: &[f32]| _ = black_box(part.len())));
        });
    }
    group.finish();
}

criterion_group!(benches, resample);
criterion_main!(benches);
