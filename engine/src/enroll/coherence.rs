//! How much a recording's windows fall into two voices.

use std::fmt;

use zeroize::Zeroizing;

use crate::template::MAX_DIM;

/// The best split of a recording's windows into two groups.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coherence {
    /// Number of windows, at least [`Coherence::LEAST_WINDOWS`].
    pub windows: usize,
    /// Share of the windows in the smaller group, 0 to 0.5; 0 when all windows are alike.
    pub smaller_share: f32,
    /// Cosine between the groups' mean directions; falls with few windows, whose means are noisy.
    pub centroid_cosine: f32,
    /// Mean cosine between two windows of one group.
    pub within: f32,
    /// Mean cosine between windows of different groups.
    pub across: f32,
    /// Share of the windows' variance that the split explains, 0 to 1.
    pub explained: f32,
}

impl Coherence {
    /// Fewest windows that are split.
    pub const LEAST_WINDOWS: usize = 4;

    /// [`Coherence::across`] over [`Coherence::within`], -1 to 1: the likeness of the two groups, corrected for the
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

/// Splits window embeddings into the two groups that differ most, and tells how much they differ.
///
/// *Shape*: `(windows, dim)`, row-major, any norm but zero. `None` below [`Coherence::LEAST_WINDOWS`].
/// *Source*: spherical 2-means from two deterministic starts (the principal axis and the farthest pair), the better kept.
///
/// # Errors
/// The numbers are not whole vectors, or one has no direction.
pub fn coherence(windows: &[f32], dim: usize) -> Result<Option<Coherence>, CoherenceError> {
    if dim == 0 || dim > MAX_DIM || !windows.len().is_multiple_of(dim) {
        return Err(CoherenceError::Shape { values: windows.len(), dim });
    }
    let rows = Rows::new(windows, dim)?;
    if rows.len() < Coherence::LEAST_WINDOWS {
        return Ok(None);
    }
    let starts = [rows.principal_split(), rows.farthest_split()];
    let best = starts
        .into_iter()
        .map(|start| rows.refine(start))
        .reduce(|a, b| if rows.objective(&b) > rows.objective(&a) { b } else { a })
        .unwrap_or_default();
    Ok(Some(rows.describe(&best)))
}

/// Unit-norm rows.
struct Rows {
    values: Zeroizing<Vec<f64>>,
    dim: usize,
}

/// Which rows belong to the second group.
type Split = Vec<bool>;

impl Rows {
    fn new(windows: &[f32], dim: usize) -> Result<Self, CoherenceError> {
        let mut values = Zeroizing::new(windows.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
        for row in values.chunks_exact_mut(dim) {
            let norm = dot(row, row).sqrt();
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

    fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.dim)
    }

    /// Sum of each group's rows.
    fn sums(&self, split: &Split) -> [Zeroizing<Vec<f64>>; 2] {
        let mut sums = [(); 2].map(|()| Zeroizing::new(vec![0.0; self.dim]));
        for (row, &second) in self.iter().zip(split) {
            sums[usize::from(second)].iter_mut().zip(row).for_each(|(s, x)| *s += x);
        }
        sums
    }

    /// What spherical k-means maximises: the sum of the rows' cosines with their group's mean direction.
    fn objective(&self, split: &Split) -> f64 {
        self.sums(split).iter().map(|s| dot(s, s).sqrt()).sum()
    }

    /// The two sides of the axis along which the rows vary most.
    fn principal_split(&self) -> Split {
        let n = self.len() as f64;
        let mean: Vec<f64> = self.sums(&vec![false; self.len()])[0].iter().map(|s| s / n).collect();
        let project =
            |row: &[f64], axis: &[f64]| -> f64 { row.iter().zip(&mean).zip(axis).map(|((x, m), a)| (x - m) * a).sum() };
        let start = self.farthest_from(&mean);
        let mut axis: Vec<f64> = self.iter().nth(start).into_iter().flatten().zip(&mean).map(|(x, m)| x - m).collect();
        for _ in 0..20 {
            let mut next = vec![0.0; self.dim];
            for row in self.iter() {
                let p = project(row, &axis);
                next.iter_mut().zip(row).zip(&mean).for_each(|((a, x), m)| *a += p * (x - m));
            }
            let norm = dot(&next, &next).sqrt();
            if norm < 1e-12 {
                break;
            }
            next.iter_mut().for_each(|a| *a /= norm);
            axis = next;
        }
        self.iter().map(|row| project(row, &axis) > 0.0).collect()
    }

    /// The nearer of the row farthest from the mean and the row farthest from that one.
    fn farthest_split(&self) -> Split {
        let mean = self.sums(&vec![false; self.len()])[0].clone();
        let Some(a) = self.iter().nth(self.farthest_from(&mean)) else { return Split::new() };
        let Some(b) = self.iter().nth(self.farthest_from(a)) else { return Split::new() };
        self.iter().map(|row| dot(row, b) > dot(row, a)).collect()
    }

    fn farthest_from(&self, direction: &[f64]) -> usize {
        let cosine = |row: &[f64]| dot(row, direction);
        self.iter().enumerate().min_by(|a, b| cosine(a.1).total_cmp(&cosine(b.1))).map_or(0, |(i, _)| i)
    }

    /// Moves each row to the group whose mean direction is nearer until none moves.
    fn refine(&self, mut split: Split) -> Split {
        for _ in 0..50 {
            let [a, b] = self.sums(&split);
            let (na, nb) = (dot(&a, &a).sqrt(), dot(&b, &b).sqrt());
            if na < 1e-12 || nb < 1e-12 {
                break;
            }
            let next: Split = self.iter().map(|row| dot(row, &b) / nb > dot(row, &a) / na).collect();
            if next == split {
                break;
            }
            split = next;
        }
        split
    }

    fn describe(&self, split: &Split) -> Coherence {
        let [a, b] = self.sums(split);
        let n = self.len() as f64;
        let nb = split.iter().filter(|&&second| second).count() as f64;
        let na = n - nb;
        let (aa, bb, ab) = (dot(&a, &a), dot(&b, &b), dot(&a, &b));
        // Sum over the pairs of a group = (|sum|^2 - rows) / 2, as every row has norm 1.
        let pairs = na * (na - 1.0) + nb * (nb - 1.0);
        let within = (aa - na + bb - nb) / pairs;
        let total = aa + bb + 2.0 * ab;
        let scatter = n - total / n;
        if na == 0.0 || nb == 0.0 || scatter < 1e-9 {
            return Coherence {
                windows: self.len(),
                smaller_share: 0.0,
                centroid_cosine: 1.0,
                within: within as f32,
                across: within as f32,
                explained: 0.0,
            };
        }
        let scatter_within = (na - aa / na) + (nb - bb / nb);
        Coherence {
            windows: self.len(),
            smaller_share: (na.min(nb) / n) as f32,
            centroid_cosine: (ab / (aa * bb).sqrt().max(1e-12)) as f32,
            within: within as f32,
            across: (ab / (na * nb)) as f32,
            explained: (1.0 - scatter_within / scatter).clamp(0.0, 1.0) as f32,
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
