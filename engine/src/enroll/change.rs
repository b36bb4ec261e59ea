//! Whether another voice takes over within a stream of windows.

use zeroize::Zeroizing;

use super::CoherenceLimits;

/// Where another voice seems to take over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TalkerChange {
    /// The first window of the second voice.
    pub window: usize,
    /// Mean cosine between windows of different sides over that between windows of one side, -1 to 1: near 1 for one voice, for two the
    /// likeness of two people.
    pub ratio: f32,
    /// Share of the windows on the smaller side, 0 to 0.5.
    pub smaller_share: f32,
}

impl TalkerChange {
    /// Whether these limits take it for one.
    pub fn counts(&self, limits: &CoherenceLimits) -> bool {
        self.ratio <= limits.most_ratio && self.smaller_share >= limits.least_share
    }
}

/// Finds the change of talker that explains a stream of windows best.
///
/// The windows before a change and those after it are two groups; the change is where the sum of the groups' lengths is greatest, which is
/// what spherical 2-means maximises (see [`super::coherence`]), over splits in time only. Erases its sums when dropped.
pub struct ChangeFinder {
    all: Zeroizing<Vec<f64>>,
    before: Zeroizing<Vec<f64>>,
}

impl ChangeFinder {
    /// Fewest windows on either side of a change.
    pub const LEAST_WINDOWS: usize = 2;

    /// For windows of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        let zeros = || Zeroizing::new(vec![0.0; dim]);
        Self { all: zeros(), before: zeros() }
    }

    /// Numbers of a window.
    pub fn dim(&self) -> usize {
        self.all.len()
    }

    /// The best change within `windows`, `(n, dim)`, row-major, oldest first; `None` where there are too few, or rows without a
    /// direction.
    ///
    /// *Real-time*: does not allocate.
    pub fn find(&mut self, windows: &[f32]) -> Option<TalkerChange> {
        let dim = self.all.len();
        let rows = windows.len().checked_div(dim)?;
        let norm = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let each = || windows.chunks_exact(dim).map(|row| (row, norm(row)));
        if rows < 2 * Self::LEAST_WINDOWS || each().any(|(_, n)| !(n.is_finite() && n > 1e-12)) {
            return None;
        }
        let add =
            |sum: &mut [f64], row: &[f32], n: f64| sum.iter_mut().zip(row).for_each(|(s, &x)| *s += f64::from(x) / n);
        self.all.fill(0.0);
        self.before.fill(0.0);
        each().for_each(|(row, n)| add(&mut self.all, row, n));
        let mut best: Option<(f64, TalkerChange)> = None;
        for (i, (row, n)) in each().enumerate().take(rows - Self::LEAST_WINDOWS) {
            add(&mut self.before, row, n);
            let window = i + 1;
            if window < Self::LEAST_WINDOWS {
                continue;
            }
            let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
            for (&a, &all) in self.before.iter().zip(self.all.iter()) {
                let b = all - a;
                (aa, bb, ab) = (aa + a * a, bb + b * b, ab + a * b);
            }
            let (na, nb) = (window as f64, (rows - window) as f64);
            let within = (aa - na + bb - nb) / (na * (na - 1.0) + nb * (nb - 1.0));
            let ratio = if within > 0.0 { (ab / (na * nb) / within).clamp(-1.0, 1.0) } else { 1.0 };
            let objective = aa.sqrt() + bb.sqrt();
            if best.is_none_or(|(most, _)| objective > most) {
                let smaller_share = (na.min(nb) / (na + nb)) as f32;
                best = Some((objective, TalkerChange { window, ratio: ratio as f32, smaller_share }));
            }
        }
        best.map(|(_, change)| change)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use testdata::Random;

    use super::*;

    /// `count` windows around a voice.
    fn voice(random: &mut Random, centre: &[f32], count: usize) -> Vec<f32> {
        (0..count).flat_map(|_| centre.iter().map(|c| c + 0.8 * random.normal()).collect::<Vec<_>>()).collect()
    }

    fn centre(random: &mut Random) -> Vec<f32> {
        (0..64).map(|_| random.normal()).collect()
    }

    #[test]
    fn a_change_is_found_where_it_is_and_one_voice_has_none() {
        let mut random = Random::new(11);
        let mut finder = ChangeFinder::new(64);
        for (first, second) in [(6, 6), (12, 3), (2, 10), (8, 2)] {
            let (a, b) = (centre(&mut random), centre(&mut random));
            let two = [voice(&mut random, &a, first), voice(&mut random, &b, second)].concat();
            let found = finder.find(&two).unwrap();
            assert_eq!(found.window, first);
            assert!(found.ratio < 0.4, "{found:?}");
            let one = finder.find(&voice(&mut random, &a, first + second)).unwrap();
            assert!(one.ratio > 0.8, "{one:?}");
        }
    }

    #[test]
    fn too_few_windows_and_such_without_direction_have_no_change() {
        let mut finder = ChangeFinder::new(2);
        assert_eq!(finder.find(&[]), None);
        assert_eq!(finder.find(&[1.0, 0.0, 1.0, 0.0, 0.0, 1.0]), None);
        assert_eq!(finder.find(&[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0]), None);
        assert_eq!(finder.find(&[1.0, 0.0, f32::NAN, 0.0, 0.0, 1.0, 0.0, 1.0]), None);
        assert_eq!(ChangeFinder::new(0).find(&[]), None);
    }
}
