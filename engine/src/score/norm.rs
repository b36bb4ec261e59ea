//! Adaptive symmetric score normalisation: a cosine measured against the cohort speakers nearest to each side.

use super::types::{Cosine, NormScore, ScoreError};
use crate::embed::ModelId;
use crate::template::Embedding;

/// Embeddings of speakers who are neither enrolled nor tested, one each: the yardstick of AS-norm.
///
/// *Shape*: `(speakers, dim)`, row-major, unit norm.
#[derive(Clone, Copy)]
pub struct Cohort<'a> {
    rows: &'a [f32],
    dim: usize,
    model: ModelId,
}

impl<'a> Cohort<'a> {
    /// Takes a cohort of the network `model`.
    ///
    /// # Errors
    /// [`ScoreError::Cohort`] unless `rows` is a whole number of finite unit vectors of length `dim`.
    pub fn new(rows: &'a [f32], dim: usize, model: ModelId) -> Result<Self, ScoreError> {
        if dim == 0 || rows.is_empty() || !rows.len().is_multiple_of(dim) {
            return Err(ScoreError::Cohort);
        }
        let unit = |row: &[f32]| {
            let norm = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
            (norm - 1.0).abs() < 1e-3
        };
        if rows.chunks_exact(dim).all(unit) { Ok(Self { rows, dim, model }) } else { Err(ScoreError::Cohort) }
    }

    /// Number of speakers.
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// Whether there is no speaker; never true.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Mean and deviation of the `top_n` largest cosines between an embedding and the cohort.
    ///
    /// The cost is one pass over the cohort, whatever the embedding. *Allocation*: one `f64` per cohort speaker.
    ///
    /// # Errors
    /// [`ScoreError::OtherModel`] for another network's embedding; as [`CohortStats::from_cosines`].
    pub fn stats(&self, embedding: &Embedding, top_n: usize) -> Result<CohortStats, ScoreError> {
        if embedding.model() != self.model || embedding.values().len() != self.dim {
            return Err(ScoreError::OtherModel { expected: self.model, found: embedding.model() });
        }
        let dot = |row: &[f32]| row.iter().zip(embedding.values()).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        let mut cosines: Vec<f64> = self.rows.chunks_exact(self.dim).map(dot).collect();
        CohortStats::from_cosines(&mut cosines, top_n)
    }
}

/// Where the cohort speakers nearest to one embedding lie.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CohortStats {
    mean: f64,
    std: f64,
    top_n: u32,
}

impl CohortStats {
    /// Mean and standard deviation (divisor `top_n`) of the `top_n` largest cosines; reorders `cosines`.
    ///
    /// # Errors
    /// [`ScoreError::TopN`] unless `2 <= top_n <= cosines.len()`, [`ScoreError::NotFinite`] for a NaN or an infinity,
    /// [`ScoreError::FlatCohort`] when the largest cosines are all equal.
    pub fn from_cosines(cosines: &mut [f64], top_n: usize) -> Result<Self, ScoreError> {
        let cohort = cosines.len();
        let too_many = ScoreError::TopN { top_n, cohort: Some(cohort) };
        let count = u32::try_from(top_n).map_err(|_| too_many)?;
        if top_n < 2 || top_n > cohort {
            return Err(too_many);
        }
        if cosines.iter().any(|c| !c.is_finite()) {
            return Err(ScoreError::NotFinite);
        }
        cosines.select_nth_unstable_by(top_n - 1, |a, b| b.total_cmp(a));
        let top = &mut cosines[..top_n];
        // The sum must not depend on the order in which the selection leaves its part.
        top.sort_unstable_by(f64::total_cmp);
        let n = f64::from(count);
        let mean = top.iter().sum::<f64>() / n;
        let std = (top.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n).sqrt();
        if std > 1e-9 { Ok(Self { mean, std, top_n: count }) } else { Err(ScoreError::FlatCohort) }
    }

    /// Mean cosine.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation of the cosines.
    pub fn std(&self) -> f64 {
        self.std
    }
}

/// Normalises a cosine against the cohort on both sides: the mean of its two distances in standard deviations.
///
/// *Source*: Matejka et al. 2017, "Analysis of score normalization in multilingual speaker recognition", AS-norm1.
///
/// ```
/// use engine::{embed::ModelId, score::{CohortStats, Cosine, as_norm}};
///
/// let enrol = CohortStats::from_cosines(&mut [0.1, 0.3, -0.9], 2)?; // mean 0.2, deviation 0.1
/// let probe = CohortStats::from_cosines(&mut [0.0, 0.2, -0.5], 2)?; // mean 0.1, deviation 0.1
/// let score = as_norm(Cosine::new(0.5, ModelId([0; 16]))?, &enrol, &probe)?;
/// assert!((score.value() - 3.5).abs() < 1e-12);
/// # Ok::<(), engine::score::ScoreError>(())
/// ```
///
/// # Errors
/// [`ScoreError::TopNDiffers`] when the two sides were made with different `top_n`.
pub fn as_norm(cosine: Cosine, enrol: &CohortStats, probe: &CohortStats) -> Result<NormScore, ScoreError> {
    if enrol.top_n != probe.top_n {
        return Err(ScoreError::TopNDiffers { enrol: enrol.top_n, probe: probe.top_n });
    }
    let side = |s: &CohortStats| (cosine.value() - s.mean) / s.std;
    NormScore::new(0.5 * (side(enrol) + side(probe)), enrol.top_n, cosine.model())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_use_the_largest_cosines_whatever_their_order() {
        let mut a: Vec<f64> = (0..100).map(|i| f64::from((i * 37) % 100) / 100.0).collect();
        let mut b: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
        let (a, b) = (CohortStats::from_cosines(&mut a, 10).unwrap(), CohortStats::from_cosines(&mut b, 10).unwrap());
        assert_eq!(a, b);
        assert!((a.mean() - 0.945).abs() < 1e-12 && (a.std() - (8.25f64).sqrt() / 100.0).abs() < 1e-12);
    }

    #[test]
    fn impossible_cohorts_are_refused() {
        assert!(matches!(CohortStats::from_cosines(&mut [0.1], 1), Err(ScoreError::TopN { .. })));
        assert!(matches!(CohortStats::from_cosines(&mut [0.1, 0.2], 3), Err(ScoreError::TopN { .. })));
        assert_eq!(CohortStats::from_cosines(&mut [0.1, 0.1, 0.0], 2), Err(ScoreError::FlatCohort));
        assert_eq!(CohortStats::from_cosines(&mut [0.1, f64::NAN], 2), Err(ScoreError::NotFinite));
        let model = ModelId([1; 16]);
        assert!(Cohort::new(&[1.0, 0.0, 0.5], 2, model).is_err());
        assert!(Cohort::new(&[1.0, 0.0, 0.5, 0.5], 2, model).is_err());
        assert!(Cohort::new(&[f32::NAN, 0.0], 2, model).is_err());
        assert!(Cohort::new(&[], 2, model).is_err());
        let rows = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8];
        let cohort = Cohort::new(&rows, 2, model).unwrap();
        let other = Embedding::new(ModelId([2; 16]), &[1.0, 0.0]).unwrap();
        assert!(matches!(cohort.stats(&other, 2), Err(ScoreError::OtherModel { .. })));
        let own = Embedding::new(model, &[1.0, 0.0]).unwrap();
        assert!((cohort.stats(&own, 2).unwrap().mean() - 0.8).abs() < 1e-7);
    }
}
