//! How far statistics would vary with other people.
//!
//! Trials that share a person are not independent, so people are resampled, not trials: with `m` copies of each person in a
//! resample, a trial of one person counts `m` times, a trial of two people `m_a * m_b` times.

use std::collections::HashMap;

use super::error::MetricsError;
use super::set::{Statistic, TrialSet};

/// Who is compared in each trial.
#[derive(Clone, Debug)]
pub struct TrialSpeakers {
    pairs: Vec<(u32, u32)>,
    speakers: usize,
}

impl TrialSpeakers {
    /// Takes the names of the enrolled and the probed person of each trial, in the order in which the trials are given to
    /// [`TrialSet`], those without a score included.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut ids: HashMap<&str, u32> = HashMap::new();
        let mut id = |name| {
            // A set of trials holds fewer than 2^32 (`TrialsError` and `TrialSet` see to it), hence fewer than 2^33 names;
            // names beyond 2^32 share a number, which only widens intervals.
            let next = ids.len() as u32;
            *ids.entry(name).or_insert(next)
        };
        let pairs = pairs.into_iter().map(|(a, b)| (id(a), id(b))).collect();
        Self { pairs, speakers: ids.len() }
    }

    /// Number of different people.
    pub fn speakers(&self) -> usize {
        self.speakers
    }
}

/// How intervals are computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bootstrap {
    /// Number of resamples, 1 to 1,000,000.
    pub replicates: u32,
    /// Seed of the resampling; the same seed gives the same intervals.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { replicates: 1000, seed: 1 }
    }
}

/// A 95 % interval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl TrialSet {
    /// 95 % intervals of statistics, in the order asked for: the 2.5 and 97.5 per cent points over resampled people.
    ///
    /// An interval always holds the statistic itself. Where no error was seen at a threshold, resampling cannot see one
    /// either, so the upper end is then at least 3 over the number of trials (rule of three), and likewise where every trial
    /// was an error. Trials share people, so even that is optimistic.
    ///
    /// # Errors
    /// As [`TrialSet::value`]; [`MetricsError::Speakers`] unless there is one pair a trial;
    /// [`MetricsError::TooFewSpeakers`]; [`MetricsError::Replicates`].
    pub fn intervals(
        &self,
        statistics: &[Statistic],
        speakers: &TrialSpeakers,
        bootstrap: Bootstrap,
    ) -> Result<Vec<Interval>, MetricsError> {
        if speakers.pairs.len() != self.given {
            return Err(MetricsError::Speakers { trials: self.given, pairs: speakers.pairs.len() });
        }
        if !(1..=1_000_000).contains(&bootstrap.replicates) {
            return Err(MetricsError::Replicates);
        }
        statistics.iter().try_for_each(|&s| self.check(s))?;
        let too_few = MetricsError::TooFewSpeakers { speakers: speakers.speakers };
        if speakers.speakers < 2 {
            return Err(too_few);
        }

        let pairs: Vec<(usize, usize)> = self
            .origin
            .iter()
            .filter_map(|&o| speakers.pairs.get(o as usize))
            .map(|&(a, b)| (a as usize, b as usize))
            .collect();
        let replicates = bootstrap.replicates as usize;
        let mut samples: Vec<Vec<f64>> = statistics.iter().map(|_| Vec::with_capacity(replicates)).collect();
        let mut random = SplitMix64::new(bootstrap.seed);
        let mut copies = vec![0u32; speakers.speakers];
        let mut weights = vec![0.0; self.scores.len()];
        let (mut done, mut tries) = (0, 0);
        while done < replicates {
            tries += 1;
            if tries > 20 * replicates {
                return Err(too_few);
            }
            copies.fill(0);
            for _ in 0..speakers.speakers {
                copies[random.below(speakers.speakers)] += 1;
            }
            let mut drawn = [false; 2];
            for ((w, &(a, b)), (&target, &score)) in
                weights.iter_mut().zip(&pairs).zip(self.is_target.iter().zip(&self.scores))
            {
                *w = f64::from(if a == b { copies[a] } else { copies[a].saturating_mul(copies[b]) });
                drawn[usize::from(target)] |= *w > 0.0 && score.is_finite();
            }
            if drawn != [true; 2] {
                continue;
            }
            for (sample, &statistic) in samples.iter_mut().zip(statistics) {
                sample.push(self.weighted(&weights, statistic));
            }
            done += 1;
        }
        statistics.iter().zip(samples).map(|(&statistic, sample)| self.interval(statistic, sample)).collect()
    }

    fn interval(&self, statistic: Statistic, mut sample: Vec<f64>) -> Result<Interval, MetricsError> {
        sample.sort_unstable_by(f64::total_cmp);
        let value = self.value(statistic)?;
        let mut interval =
            Interval { low: percentile(&sample, 0.025).min(value), high: percentile(&sample, 0.975).max(value) };
        let trials = match statistic {
            Statistic::FmrAt(_) => self.nontargets(),
            Statistic::FnmrAt(_) => self.targets(),
            _ => return Ok(interval),
        };
        let three = (3.0 / trials as f64).min(1.0);
        if value == 0.0 {
            interval.high = interval.high.max(three);
        } else if value == 1.0 {
            interval.low = interval.low.min(1.0 - three);
        }
        Ok(interval)
    }
}

/// The value below which a share of the sorted sample lies, interpolated (Hyndman & Fan's type 7).
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let (a, b) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    a + (b - a) * (place - below as f64)
}

/// A small random number generator for resampling: the same numbers for the same seed, everywhere. Not for secrets.
///
/// *Source*: Steele, Lea & Flood 2014.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `n`; its bias, `n / 2^64`, is far below what a million replicates could show.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}
