#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use testdata::Random;

use super::*;
use crate::template::Embedding;

const MODEL: ModelId = ModelId([3; 16]);

fn unit(values: &[f32]) -> Vec<f32> {
    Embedding::new(MODEL, values).unwrap().values().to_vec()
}

/// The plain way: every cosine as `Embedding::cosine` computes it, sorted by cosine, then by row.
fn brute(rows: &[f32], dim: usize, query: &[f32]) -> Vec<(usize, f64)> {
    let mut all: Vec<(usize, f64)> = rows.chunks_exact(dim).map(|r| product(query, r)).enumerate().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

#[derive(Clone, Copy, Debug)]
enum Data {
    Random,
    /// A few voices, many rows each.
    Clustered,
    /// One voice, differing in the last bits, with exact doubles.
    NearlyEqual,
    /// Mass in one dimension, so that quantisation rounds all else away.
    Spiky,
    /// Rows that point away from the query.
    Opposite,
}

fn make(data: Data, n: usize, dim: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let mut random = Random::new(seed);
    let mut gauss = |dim: usize| -> Vec<f32> { (0..dim).map(|_| random.normal()).collect() };
    let centres: Vec<Vec<f32>> = (0..4).map(|_| unit(&gauss(dim))).collect();
    let query = unit(&centres[0].iter().zip(gauss(dim)).map(|(c, g)| c + 0.05 * g).collect::<Vec<_>>());
    let mut rows = Vec::with_capacity(n * dim);
    for i in 0..n {
        let noise = gauss(dim);
        let mix = |c: &[f32], a: f32| c.iter().zip(&noise).map(|(c, g)| c + a * g).collect::<Vec<_>>();
        let row = match data {
            Data::Random => noise.clone(),
            Data::Clustered => mix(&centres[i % 4], 0.02),
            Data::NearlyEqual => mix(&query, [0.0, 1e-7, 3e-7][i % 3]),
            Data::Spiky => {
                let mut row = mix(&query, 1e-3);
                row.iter_mut().for_each(|x| *x *= 1e-3);
                row[i % dim] += 1.0;
                row
            }
            Data::Opposite => mix(&query, 0.1).iter().map(|x| -x).collect(),
        };
        rows.extend(unit(&row));
    }
    (rows, query)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_brute_force(
        data in prop::sample::select(vec![
            Data::Random, Data::Clustered, Data::NearlyEqual, Data::Spiky, Data::Opposite,
        ]),
        n in 0usize..700,
        dim in prop::sample::select(vec![1usize, 2, 3, 63, 64, 65, 192, 256]),
        seed in 1u64..u64::MAX,
    ) {
        let (rows, query) = make(data, n, dim, seed);
        let want = brute(&rows, dim, &query);
        for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
            let index = Index::with_backend(backend, rows.clone(), dim, MODEL).unwrap();
            let mut scratch = index.scratch();
            let best = index.best(&query, &mut scratch).unwrap();
            let pair = |h: Hit| (h.row, h.cosine.value());
            let clamped = |(row, c): (usize, f64)| (row, c.clamp(-1.0, 1.0));
            prop_assert_eq!(best.map(pair), want.first().copied().map(clamped));
            let queries: Vec<f32> = query.iter().chain(&rows[..rows.len().min(3 * dim)]).copied().collect();
            let each = index.best_of_each(&queries).unwrap();
            let one_by_one = queries.chunks_exact(dim).map(|q| index.best(q, &mut scratch).unwrap());
            prop_assert_eq!(each, one_by_one.collect::<Vec<_>>());
            for top in [0, 1, 5, n, n + 3] {
                let got: Vec<_> = index.top(&query, top).unwrap().into_iter().map(pair).collect();
                let want: Vec<_> = want.iter().take(top).copied().map(clamped).collect();
                prop_assert_eq!(got, want);
            }
        }
    }
}

/// The bound must hold for every row, not only spare the winner: it is what the proof rests on.
#[test]
fn no_cosine_exceeds_its_bound() {
    for data in [Data::Random, Data::Clustered, Data::NearlyEqual, Data::Spiky, Data::Opposite] {
        let (dim, n) = (192, 500);
        let (rows, query) = make(data, n, dim, 77);
        let index = Index::new(rows.clone(), dim, MODEL).unwrap();
        let mut scratch = index.scratch();
        let q = quantise(&query, &mut scratch.query);
        for (i, row) in rows.chunks_exact(dim).enumerate() {
            let mut dot = [0];
            scan_i8(Backend::Scalar, &scratch.query, &index.quantised[i * index.padded..][..index.padded], &mut dot);
            let near = f64::from(dot[0]) * f64::from(q.scale) * f64::from(index.scales[i]);
            let slack = q.residue * index.reach + f64::from(index.residues[i]) * (1.0 + NORM_TOLERANCE) + ROUNDING;
            assert!((product(&query, row) - near).abs() <= slack, "{data:?} row {i}");
            assert!(slack < 0.2, "{data:?}: a bound of {slack} spares nothing");
        }
    }
}

#[test]
fn of_equal_rows_the_lowest_wins_and_no_row_is_no_hit() {
    let empty = Index::new(Vec::new(), 4, MODEL).unwrap();
    assert!(empty.is_empty() && empty.best(&[1.0, 0.0, 0.0, 0.0], &mut empty.scratch()).unwrap().is_none());
    let rows = [[0.0f32, 1.0], [1.0, 0.0], [1.0, 0.0]].concat();
    let index = Index::new(rows, 2, MODEL).unwrap();
    let hit = index.best(&[1.0, 0.0], &mut index.scratch()).unwrap().unwrap();
    assert_eq!((hit.row, hit.cosine.value(), hit.cosine.model()), (1, 1.0, MODEL));
    let order: Vec<usize> = index.top(&[1.0, 0.0], 3).unwrap().iter().map(|h| h.row).collect();
    assert_eq!(order, [1, 2, 0]);
    let one = Index::new(vec![0.6, 0.8], 2, MODEL).unwrap();
    assert_eq!(one.best(&[-0.6, -0.8], &mut one.scratch()).unwrap().map(|h| h.row), Some(0));
}

#[test]
fn what_is_no_unit_vector_is_refused() {
    let new = |rows: Vec<f32>, dim| Index::new(rows, dim, MODEL).map(|_| ());
    assert_eq!(new(vec![1.0, 0.0, 1.0], 2), Err(SearchError::Rows { numbers: 3, dim: 2 }));
    assert_eq!(new(Vec::new(), 0), Err(SearchError::Dim { dim: 0 }));
    for bad in [[0.0, 0.0], [0.5, 0.5], [f32::NAN, 1.0], [f32::INFINITY, 0.0], [1.0, 1.0]] {
        assert_eq!(new([[1.0, 0.0], bad].concat(), 2), Err(SearchError::NotUnit { row: Some(1) }), "{bad:?}");
        let index = Index::new(vec![1.0, 0.0], 2, MODEL).unwrap();
        assert_eq!(index.best(&bad, &mut index.scratch()), Err(SearchError::NotUnit { row: None }), "{bad:?}");
    }
    let index = Index::new(vec![1.0, 0.0], 2, MODEL).unwrap();
    let wrong = SearchError::Query { expected: 2, found: 3 };
    assert_eq!(index.best(&[1.0, 0.0, 0.0], &mut index.scratch()), Err(wrong));
    assert!(index.best(&[1.0, 0.0], &mut Scratch::new(100)).is_err());
    assert!(!format!("{index:?} {:?}", index.scratch()).contains("1.0"));
}
