//! The nearest of a million voiceprints: `search [ROWS] [DIM] [QUERIES] [--dump FILE.npy QUERIES.npy]`.
//!
//! Rows are random unit vectors; half of the queries are rows with noise, half are random too. Every answer is checked against a plain
//! scan in double precision. `--dump` writes rows and queries for `benches/peers/search.py`, which asks faiss the same.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use benches::unit;
use engine::embed::ModelId;
use engine::search::Index;
use ndarray::ArrayView2;
use testdata::Random;

/// How far a query lies from its row: noise of this norm is added.
const NOISE: f32 = 0.8;

fn anywhere(random: &mut Random, dim: usize) -> Vec<f32> {
    unit((0..dim).map(|_| random.normal()).collect())
}

fn write_npy(path: &str, data: &[f32], dim: usize) -> Result<()> {
    let data = ArrayView2::from_shape((data.len() / dim, dim), data)?;
    ndarray_npy::write_npy(path, &data).with_context(|| path.to_owned())
}

fn plain(rows: &[f32], query: &[f32]) -> (usize, f64) {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, row) in rows.chunks_exact(query.len()).enumerate() {
        let cosine = row.iter().zip(query).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
        if cosine > best.1 {
            best = (i, cosine);
        }
    }
    best
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| match args.get(i).filter(|a| !a.starts_with("--")) {
        Some(a) => a.parse().with_context(|| format!("{a}: not a number")),
        None => Ok(default),
    };
    let (count, dim, queries) = (number(0, 1_000_000)?, number(1, 192)?, number(2, 1_000)?);
    if count == 0 || dim == 0 || queries == 0 {
        bail!("usage: search [ROWS] [DIM] [QUERIES] [--dump ROWS.npy QUERIES.npy]");
    }
    let mut random = Random::new(7);
    let mut rows = Vec::with_capacity(count * dim);
    for _ in 0..count {
        rows.extend(anywhere(&mut random, dim));
    }
    let mut asked: Vec<Vec<f32>> = Vec::new();
    for i in 0..queries {
        let noise = anywhere(&mut random, dim);
        asked.push(if i % 2 == 0 {
            let at = random.below(count);
            let row = rows.iter().skip(at * dim).zip(&noise);
            unit(row.map(|(r, n)| r + NOISE * n).collect())
        } else {
            noise
        });
    }
    if let Some(at) = args.iter().position(|a| a == "--dump") {
        let (Some(to_rows), Some(to_queries)) = (args.get(at + 1), args.get(at + 2)) else {
            bail!("--dump wants two files");
        };
        write_npy(to_rows, &rows, dim)?;
        write_npy(to_queries, &asked.concat(), dim)?;
    }

    let checked = queries.min(1 + 200_000_000_000 / (count * dim));
    let expected: Vec<(usize, f64)> = asked.iter().take(checked).map(|q| plain(&rows, q)).collect();
    let start = Instant::now();
    let index = Index::new(rows, dim, ModelId([1; 16]))?;
    let built = start.elapsed();
    let mut scratch = index.scratch();
    let mut times: Vec<Duration> = Vec::new();
    let mut wrong = 0;
    for (i, query) in asked.iter().enumerate() {
        let start = Instant::now();
        let hit = index.best(query, &mut scratch)?.context("an index without rows")?;
        times.push(start.elapsed());
        if let Some(&(row, cosine)) = expected.get(i) {
            wrong += usize::from(hit.row != row || (hit.cosine.value() - cosine).abs() > 1e-6);
        }
    }
    times.sort_unstable();
    let at = |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).copied().unwrap_or_default();
    println!("{count} rows of {dim}: built in {built:.2?}, {:.2} GB", index.memory_bytes() as f64 / 1e9);
    println!("{queries} queries, one thread: median {:.2?}, p99 {:.2?}, slowest {:.2?}", at(0.5), at(0.99), at(1.0));
    println!("{} of {checked} checked answers differ from a plain scan in double precision", wrong);
    if wrong > 0 {
        bail!("wrong answers");
    }
    Ok(())
}
