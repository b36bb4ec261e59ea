//! The nearest voiceprint among many: exact, and quick enough for a million of them.
//!
//! Each row is kept twice: as `f32`, and as 8-bit numbers with a scale. A search goes once through the 8-bit copy and
//! re-scores in full precision only the rows that can still win.
//!
//! # Why the answer is exact
//!
//! Let the row be `r = s r8 + e` with the quantised `r8`, the scale `s` and what rounding left out, `e`; likewise the query
//! `q = t q8 + d`. Then `q·r = s t (q8·r8) + d·(s r8) + q·e`, and by Cauchy-Schwarz
//!
//! `q·r <= s t (q8·r8) + |d| |s r8| + |q| |e|`.
//!
//! `q8·r8` is a sum of whole numbers, so it is exact. `|e|` is kept per row, rounded up; `|s r8|` is bounded by its largest
//! value over all rows; [`ROUNDING`] is added for the sums in `f64`. A row is passed over only when this bound does not exceed the
//! best cosine found so far, so no row that would win is ever passed over, whatever the data. Rows are visited in order and
//! only a larger cosine replaces the best: of equal ones the lowest row wins. Where all rows are nearly equal all of them are
//! re-scored: slower, never wrong.
//!
//! # Memory
//!
//! Five bytes per dimension (four `f32`, one 8-bit, the latter padded to a multiple of 64 dimensions) and eight per row: 1.29 GB for
//! a million rows of 256.

use std::fmt;

use engine_simd::{Backend, SCAN_ALIGN, scan_i8};
use zeroize::{Zeroize, Zeroizing};

use crate::embed::ModelId;
use crate::score::Cosine;
use crate::template::MAX_DIM;

/// More than all rounding of a bound and of a cosine together: sums of [`MAX_DIM`] products of unit vectors in `f64` are
/// within 1e-12.
pub const ROUNDING: f64 = 1e-9;
/// How far the norm of a row or of a query may be from 1.
pub const NORM_TOLERANCE: f64 = 1e-4;
/// Rows whose 8-bit products are taken together.
const BLOCK: usize = 256;

/// The voiceprint that is nearest to a query.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hit {
    /// Its row, counted from 0.
    pub row: usize,
    /// How near: the same number as [`crate::template::Embedding::cosine`] gives.
    pub cosine: Cosine,
}

/// Unit-norm embeddings of one network, ready to be searched. Wiped from memory on drop.
///
/// ```
/// use engine::{embed::ModelId, search::Index};
///
/// let index = Index::new(vec![1.0, 0.0, 0.6, 0.8], 2, ModelId([1; 16]))?;
/// let hit = index.best(&[0.0, 1.0], &mut index.scratch())?;
/// assert_eq!(hit.map(|h| h.row), Some(1));
/// # Ok::<(), engine::search::SearchError>(())
/// ```
#[derive(Clone)]
pub struct Index {
    model: ModelId,
    dim: usize,
    padded: usize,
    rows: Zeroizing<Vec<f32>>,
    quantised: Zeroizing<Vec<i8>>,
    scales: Vec<f32>,
    /// Norm of what quantisation left out of each row, rounded up.
    residues: Vec<f32>,
    /// Largest norm of a quantised row.
    reach: f64,
    backend: Backend,
}

/// What a search writes to while it runs; belongs to searches over one dimension.
#[derive(Clone)]
pub struct Scratch {
    query: Zeroizing<Vec<i8>>,
    products: [i32; BLOCK],
}

impl Scratch {
    /// For searches over embeddings of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        Self { query: Zeroizing::new(vec![0; dim.next_multiple_of(SCAN_ALIGN)]), products: [0; BLOCK] }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.products.zeroize();
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("model", &self.model)
            .field("dim", &self.dim)
            .field("rows", &self.len())
            .finish_non_exhaustive()
    }
}

/// A vector's scale, and the norms of its quantised form and of what that leaves out.
struct Quantised {
    scale: f32,
    norm: f64,
    residue: f64,
}

/// Fills `out` with `values` in steps of a scale, and zeros behind them.
fn quantise(values: &[f32], out: &mut [i8]) -> Quantised {
    let peak = values.iter().fold(0.0f32, |m, &x| m.max(x.abs()));
    let scale = if peak > 0.0 { peak / 127.0 } else { 1.0 };
    let (mut norm, mut residue) = (0.0f64, 0.0f64);
    out.fill(0);
    for (o, &x) in out.iter_mut().zip(values) {
        *o = (x / scale).round_ties_even().clamp(-127.0, 127.0) as i8;
        let near = f64::from(*o) * f64::from(scale);
        norm += near * near;
        residue += (f64::from(x) - near) * (f64::from(x) - near);
    }
    Quantised { scale, norm: norm.sqrt(), residue: residue.sqrt() }
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn is_unit(values: &[f32]) -> bool {
    (product(values, values).sqrt() - 1.0).abs() <= NORM_TOLERANCE
}

/// The nearest rows so far, nearest first.
trait Nearest {
    /// What a row must exceed to be among them.
    fn bar(&self) -> f64;
    /// Takes a row that exceeds the bar and comes after all that were taken.
    fn take(&mut self, row: usize, cosine: f64);
}

struct Best(Option<(usize, f64)>);

impl Nearest for Best {
    fn bar(&self) -> f64 {
        self.0.map_or(f64::NEG_INFINITY, |(_, cosine)| cosine)
    }

    fn take(&mut self, row: usize, cosine: f64) {
        self.0 = Some((row, cosine));
    }
}

struct Top {
    limit: usize,
    found: Vec<(usize, f64)>,
}

impl Nearest for Top {
    fn bar(&self) -> f64 {
        match self.found.last() {
            Some((_, cosine)) if self.found.len() >= self.limit => *cosine,
            _ => f64::NEG_INFINITY,
        }
    }

    fn take(&mut self, row: usize, cosine: f64) {
        let at = self.found.partition_point(|(_, c)| *c >= cosine);
        self.found.insert(at, (row, cosine));
        self.found.truncate(self.limit);
    }
}

impl Index {
    /// Takes `rows`, *shape* `(n, dim)`, unit norm, of the network `model`; `n` may be 0.
    ///
    /// # Errors
    /// [`SearchError::Dim`], [`SearchError::Rows`], or [`SearchError::NotUnit`] with the first row that is not finite and of
    /// unit norm (within [`NORM_TOLERANCE`]).
    pub fn new(rows: Vec<f32>, dim: usize, model: ModelId) -> Result<Self, SearchError> {
        Self::with_backend(Backend::detect(), rows, dim, model)
    }

    /// As [`Index::new`], on another instruction set; the answers are the same.
    ///
    /// # Errors
    /// As [`Index::new`].
    pub fn with_backend(backend: Backend, rows: Vec<f32>, dim: usize, model: ModelId) -> Result<Self, SearchError> {
        let rows = Zeroizing::new(rows);
        if !(1..=MAX_DIM).contains(&dim) {
            return Err(SearchError::Dim { dim });
        }
        if !rows.len().is_multiple_of(dim) {
            return Err(SearchError::Rows { numbers: rows.len(), dim });
        }
        let (count, padded) = (rows.len() / dim, dim.next_multiple_of(SCAN_ALIGN));
        let mut quantised = Zeroizing::new(vec![0i8; count * padded]);
        let (mut scales, mut residues) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut reach = 0.0f64;
        for (i, (row, out)) in rows.chunks_exact(dim).zip(quantised.chunks_exact_mut(padded)).enumerate() {
            if !is_unit(row) {
                return Err(SearchError::NotUnit { row: Some(i) });
            }
            let q = quantise(row, out);
            scales.push(q.scale);
            residues.push((q.residue as f32).next_up());
            reach = reach.max(q.norm);
        }
        Ok(Self { model, dim, padded, rows, quantised, scales, residues, reach, backend })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Numbers in a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The network whose embeddings these are.
    pub fn model(&self) -> ModelId {
        self.model
    }

    /// Bytes that the rows take in memory.
    pub fn memory_bytes(&self) -> usize {
        4 * self.rows.len() + self.quantised.len() + 4 * (self.scales.len() + self.residues.len())
    }

    /// What [`Index::best`] needs to write to.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(self.dim)
    }

    /// The row with the largest cosine to `query`, of equal ones the lowest; `None` without rows.
    ///
    /// *Real-time*: does not allocate; the time grows with the number of rows.
    ///
    /// # Errors
    /// [`SearchError::Query`] for a query or a scratch of another length, [`SearchError::NotUnit`].
    pub fn best(&self, query: &[f32], scratch: &mut Scratch) -> Result<Option<Hit>, SearchError> {
        let mut best = Best(None);
        self.search(query, scratch, &mut best)?;
        best.0.map(|(row, cosine)| self.hit(row, cosine)).transpose()
    }

    /// The `n` rows with the largest cosines, largest first, equal ones in the order of rows.
    ///
    /// # Errors
    /// As [`Index::best`].
    pub fn top(&self, query: &[f32], n: usize) -> Result<Vec<Hit>, SearchError> {
        let mut top = Top { limit: n, found: Vec::with_capacity(n.min(self.len()).saturating_add(1)) };
        if n > 0 {
            self.search(query, &mut self.scratch(), &mut top)?;
        }
        top.found.into_iter().map(|(row, cosine)| self.hit(row, cosine)).collect()
    }

    fn hit(&self, row: usize, cosine: f64) -> Result<Hit, SearchError> {
        // Two norms within the tolerance may exceed a cosine's own.
        let cosine =
            Cosine::new(cosine.clamp(-1.0, 1.0), self.model).map_err(|_| SearchError::NotUnit { row: Some(row) })?;
        Ok(Hit { row, cosine })
    }

    /// The best row for each of `queries`, *shape* `(n, dim)`, as [`Index::best`] finds it. Faster than one by one where the rows
    /// do not fit into a cache: each goes through all queries while it is there.
    ///
    /// # Errors
    /// As [`Index::best`]; then nothing is found for any.
    pub fn best_of_each(&self, queries: &[f32]) -> Result<Vec<Option<Hit>>, SearchError> {
        if !queries.len().is_multiple_of(self.dim) {
            return Err(SearchError::Query { expected: self.dim, found: queries.len() % self.dim });
        }
        let mut asked = Vec::with_capacity(queries.len() / self.dim);
        for query in queries.chunks_exact(self.dim) {
            let mut scratch = self.scratch();
            let terms = self.terms(query, &mut scratch)?;
            asked.push((query, terms, scratch, Best(None)));
        }
        for block in 0..self.len().div_ceil(BLOCK) {
            for (query, terms, scratch, best) in &mut asked {
                self.scan(block, query, *terms, scratch, best);
            }
        }
        asked.into_iter().map(|(.., best)| best.0.map(|(row, cosine)| self.hit(row, cosine)).transpose()).collect()
    }

    fn search(&self, query: &[f32], scratch: &mut Scratch, nearest: &mut impl Nearest) -> Result<(), SearchError> {
        let terms = self.terms(query, scratch)?;
        for block in 0..self.len().div_ceil(BLOCK) {
            self.scan(block, query, terms, scratch, nearest);
        }
        Ok(())
    }

    /// Checks and quantises a query.
    fn terms(&self, query: &[f32], scratch: &mut Scratch) -> Result<Terms, SearchError> {
        if query.len() != self.dim || scratch.query.len() != self.padded {
            return Err(SearchError::Query { expected: self.dim, found: query.len() });
        }
        if !is_unit(query) {
            return Err(SearchError::NotUnit { row: None });
        }
        let q = quantise(query, &mut scratch.query);
        Ok(Terms { scale: f64::from(q.scale), fixed: q.residue * self.reach + ROUNDING })
    }

    /// Takes the rows of a block that are nearer than those so far.
    fn scan(&self, block: usize, query: &[f32], terms: Terms, scratch: &mut Scratch, nearest: &mut impl Nearest) {
        let (first, end) = (block * BLOCK, self.len().min((block + 1) * BLOCK));
        let products = &mut scratch.products[..end - first];
        scan_i8(self.backend, &scratch.query, &self.quantised[first * self.padded..end * self.padded], products);
        let sides = self.scales[first..end].iter().zip(&self.residues[first..end]);
        for (i, (&product_i8, (&s, &residue))) in products.iter().zip(sides).enumerate() {
            let near = f64::from(product_i8) * terms.scale * f64::from(s);
            let bound = near + (1.0 + NORM_TOLERANCE) * f64::from(residue) + terms.fixed;
            if bound <= nearest.bar() {
                continue;
            }
            let row = first + i;
            let cosine = product(query, &self.rows[row * self.dim..][..self.dim]);
            if cosine > nearest.bar() {
                nearest.take(row, cosine);
            }
        }
    }
}

/// What a bound has of the query: its scale, and what does not depend on the row.
#[derive(Clone, Copy)]
struct Terms {
    scale: f64,
    fixed: f64,
}

/// Why rows cannot be searched.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum SearchError {
    /// A dimension outside 1 to [`MAX_DIM`].
    Dim {
        /// The dimension.
        dim: usize,
    },
    /// No whole number of rows.
    Rows {
        /// The numbers in all rows.
        numbers: usize,
        /// The dimension.
        dim: usize,
    },
    /// A query, or its scratch, of another dimension than the rows.
    Query {
        /// The rows' dimension.
        expected: usize,
        /// The query's.
        found: usize,
    },
    /// A vector that is not finite or not of unit norm.
    NotUnit {
        /// The row; `None` for the query.
        row: Option<usize>,
    },
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dim { dim } => write!(f, "embeddings of {dim} numbers, not within 1 to {MAX_DIM}"),
            Self::Rows { numbers, dim } => write!(f, "{numbers} numbers are no whole rows of {dim}"),
            Self::Query { expected, found } => write!(f, "query of {found} numbers, the rows have {expected}"),
            Self::NotUnit { row: Some(row) } => write!(f, "row {row} is not of unit norm"),
            Self::NotUnit { row: None } => f.write_str("the query is not of unit norm"),
        }
    }
}

impl std::error::Error for SearchError {}

#[cfg(test)]
mod tests;
