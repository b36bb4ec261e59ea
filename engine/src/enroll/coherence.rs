//! Whether another voice speaks for a while in a recording.

use std::fmt;

use zeroize::Zeroizing;

use crate::template::MAX_DIM;

/// The stretch of a recording that differs most from the rest of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coherence {
    /// Number of windows, at least [`Coherence::LEAST_WINDOWS`].
    pub windows: usize,
    /// First window of the stretch.
    pub from: usize,
    /// First window after it.
    pub to: usize,
    /// Mean cosine between two windows on the same side.
    pub within: f32,
    /// Mean cosine between a window of the stretch and one of the rest.
    pub across: f32,
}

impl Coherence {
    /// Fewest windows that are split.
    pub const LEAST_WINDOWS: usize = 4;

    /// Share of the windows on the smaller side, 0 to 0.5.
    pub fn smaller_share(&self) -> f32 {
        let stretch = self.to - self.from;
        stretch.min(self.windows - stretch) as f32 / self.windows as f32
    }

    /// [`Coherence::across`] over [`Coherence::within`], -1 to 1: the likeness of the two sides, corrected for the
    /// noise of single windows. Near 1 for one voice; for two, the likeness of two people.
    pub fn ratio(&self) -> f32 {
        if self.within > 0.0 { (self.across / self.within).clamp(-1.0, 1.0) } else { 1.0 }
    }
}

/// Windows that cannot be judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CoherenceError {
    /// Not a whole number of vectors of this length.
    Shape {
        /// Numbers given.
        values: usize,
        /// Length of a vector.
        dim: usize,
    },
    /// A vector with a NaN or an infinity, or without a direction.
    NotAVector,
}

impl fmt::Display for CoherenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { values, dim } => write!(f, "{values} numbers are not windows of {dim}"),
            Self::NotAVector => f.write_str("a window embedding is zero or not finite"),
        }
    }
}

impl std::error::Error for CoherenceError {}

/// Finds the stretch of windows that differs most from the windows before and after it, and tells how much it differs.
///
/// People take turns, so that a second voice is a stretch; among all splits into two groups, chance makes many more that look like two voices
/// (`benches/src/bin/coherence.rs`, people of corpora that the limit was not fitted on: 2-means refuses 5.4 % of enrolments of one voice and 82 % of
/// those of two, stretches 1.4 % and 86 %).
///
/// *Shape*: `(windows, dim)`, row-major, oldest first, any norm but zero. `None` below [`Coherence::LEAST_WINDOWS`].
/// *Source*: what spherical 2-means maximises, the sum of the lengths of both groups' sums, over the splits that are stretches of two windows at
/// least.
///
/// # Errors
/// The numbers are not whole vectors, or one has no direction.
pub fn coherence(windows: &[f32], dim: usize) -> Result<Option<Coherence>, CoherenceError> {
    if dim == 0 || dim > MAX_DIM || !windows.len().is_multiple_of(dim) {
        return Err(CoherenceError::Shape { values: windows.len(), dim });
    }
    let rows = Rows::new(windows, dim)?;
    let n = rows.len();
    if n < Coherence::LEAST_WINDOWS {
        return Ok(None);
    }
    let sums = rows.sums();
    let all = &sums[n * dim..];
    let mut best: Option<(f64, Coherence)> = None;
    // A stretch and what is around it: one that reaches the end is also the rest of one that begins at 0.
    for from in 0..n {
        for to in from + LEAST_SIDE..n {
            if n - (to - from) < LEAST_SIDE {
                continue;
            }
            let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
            let ends = sums[from * dim..].iter().zip(&sums[to * dim..]);
            for ((before, after), all) in ends.zip(all).take(dim) {
                let a = after - before;
                let b = all - a;
                (aa, bb, ab) = (aa + a * a, bb + b * b, ab + a * b);
            }
            let objective = aa.sqrt() + bb.sqrt();
            if best.is_none_or(|(most, _)| objective > most) {
                let na = (to - from) as f64;
                let nb = n as f64 - na;
                // Sum over the pairs of a side = (|sum|^2 - rows) / 2, as every row has norm 1.
                let pairs = na * (na - 1.0) + nb * (nb - 1.0);
                let (within, across) = ((aa - na + bb - nb) / pairs, ab / (na * nb));
                let found = Coherence { windows: n, from, to, within: within as f32, across: across as f32 };
                best = Some((objective, found));
            }
        }
    }
    Ok(best.map(|(_, found)| found))
}

/// Fewest windows on either side.
const LEAST_SIDE: usize = 2;

/// Unit-norm rows.
struct Rows {
    values: Zeroizing<Vec<f64>>,
    dim: usize,
}

impl Rows {
    fn new(windows: &[f32], dim: usize) -> Result<Self, CoherenceError> {
        let mut values = Zeroizing::new(windows.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
        for row in values.chunks_exact_mut(dim) {
            let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            if !(norm.is_finite() && norm > 1e-12) {
                return Err(CoherenceError::NotAVector);
            }
            row.iter_mut().for_each(|x| *x /= norm);
        }
        Ok(Self { values, dim })
    }

    fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Sums of the first 0, 1, 2... rows, `(rows + 1, dim)`.
    fn sums(&self) -> Zeroizing<Vec<f64>> {
        let mut sums = Zeroizing::new(vec![0.0; self.values.len() + self.dim]);
        for (i, x) in self.values.iter().enumerate() {
            sums[i + self.dim] = sums[i] + x;
        }
        sums
    }
}
