//! What the figures of an evaluation cost once the trials are scored: a million trials.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::metrics::{Failures, TrialSet};
use engine::score::Llr;
use testdata::Random;

const TRIALS: usize = 1_000_000;

fn figures(c: &mut Criterion) {
    let mut random = Random::new(2);
    let trials: Vec<(bool, Option<Llr>)> = (0..TRIALS)
        .map(|i| {
            let target = i % 20 == 0;
            (target, Llr::new(f64::from(3.0 * random.normal()) + if target { 6.0 } else { -6.0 }).ok())
        })
        .collect();
    let mut group = c.benchmark_group("eval");
    group.throughput(Throughput::Elements(TRIALS as u64)).sample_size(10);
    group.bench_function("million-trials-eer", |b| {
        b.iter(|| TrialSet::from_llrs(black_box(&trials).iter().copied(), Failures::Reject).unwrap().eer());
    });
    group.finish();
}

criterion_group!(benches, figures);
criterion_main!(benches);
