//! What it costs to find what is personal in a call's words.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine_words::rules;
use testdata::callcentre;

fn findings(c: &mut Criterion) {
    let calls: Vec<_> =
        (0..20).map(|n| benches::redaction::transcript(&callcentre::call(n).paced()).unwrap()).collect();
    let wanted = rules::recognised();
    let mut group = c.benchmark_group("redact");
    group.throughput(Throughput::Elements(calls.len() as u64));
    group.bench_function("twenty-calls", |b| {
        b.iter(|| calls.iter().map(|call| rules::find(black_box(call), &wanted).len()).sum::<usize>());
    });
    group.finish();
}

criterion_group!(benches, findings);
criterion_main!(benches);
