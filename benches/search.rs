//! What the nearest of a hundred thousand voiceprints costs: one caller, and 16 at once.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use benches::unit;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::embed::ModelId;
use engine::search::Index;
use testdata::Random;

const ROWS: usize = 100_000;
const DIM: usize = 192;

fn anywhere(random: &mut Random) -> Vec<f32> {
    unit((0..DIM).map(|_| random.normal()).collect())
}

fn nearest(c: &mut Criterion) {
    let mut random = Random::new(1);
    let rows = (0..ROWS).flat_map(|_| anywhere(&mut random)).collect();
    let index = Index::new(rows, DIM, ModelId([1; 16])).unwrap();
    let queries: Vec<f32> = (0..16).flat_map(|_| anywhere(&mut random)).collect();
    let mut scratch = index.scratch();
    let mut group = c.benchmark_group("search/100000");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one", |b| b.iter(|| index.best(black_box(&queries[..DIM]), &mut scratch).unwrap()));
    group.bench_function("ten-nearest", |b| b.iter(|| index.top(black_box(&queries[..DIM]), 10).unwrap()));
    group.throughput(Throughput::Elements(16));
    group.bench_function("sixteen-at-once", |b| b.iter(|| index.best_of_each(black_box(&queries)).unwrap()));
    group.finish();
}

criterion_group!(benches, nearest);
criterion_main!(benches);
