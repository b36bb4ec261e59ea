//! Keys that are pressed in a recording: DTMF digits, which must not be heard where a card or a PIN was typed in.

use std::ops::Range;

use crate::dtmf::DtmfDetector;

/// What is silenced beside a digit, on each side: what its window may have missed of it. In samples at 8 kHz, 20 ms.
pub const PAD_SAMPLES: u64 = 160;
/// Keys no further apart are of one entry, in samples at 8 kHz: 2.5 s.
const TOGETHER: u64 = 20_000;
/// The keys that an entry needs for those to count that only the detector for coded speech finds.
const LEAST_KEYS: usize = 3;

/// Finds the keys in a channel at 8 kHz, of any length.
#[derive(Default)]
pub struct KeyFinder {
    line: Log,
    coded: Log,
    position: u64,
}

/// A detector and what it found so far; its own log is finite.
#[derive(Default)]
struct Log {
    detector: DtmfDetector,
    found: Vec<Range<u64>>,
    /// Where the detector was last begun anew.
    base: u64,
}

impl Log {
    fn take(&mut self) {
        let base = self.base;
        let digits = self.detector.digits().iter();
        self.found.extend(digits.map(|d| base + d.start_sample..base + d.end_sample));
    }

    /// Empties the detector's log when it is half full, in a pause of `position`.
    fn push(&mut self, samples: &[f32], position: u64) {
        self.detector.push(samples);
        let quiet = self.detector.digits().last().is_none_or(|d| self.base + d.end_sample + 1_600 < position);
        if self.detector.digits().len() > crate::dtmf::MAX_DIGITS / 2 && quiet
            || self.detector.digits().len() == crate::dtmf::MAX_DIGITS
        {
            self.take();
            self.detector.reset();
            self.base = position;
        }
    }
}

impl KeyFinder {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self { coded: Log { detector: DtmfDetector::coded(), ..Log::default() }, ..Self::default() }
    }

    /// Takes samples on the scale of +-1.0.
    pub fn push(&mut self, samples: &[f32]) {
        for part in samples.chunks(8_000) {
            self.position += part.len() as u64;
            self.line.push(part, self.position);
            self.coded.push(part, self.position);
        }
    }

    /// Where keys sound, in samples at 8 kHz, in order; with [`PAD_SAMPLES`] on each side.
    pub fn finish(mut self) -> Vec<Range<u64>> {
        self.line.take();
        self.coded.take();
        let sure = self.line.found;
        let mut all: Vec<(Range<u64>, bool)> = sure.into_iter().map(|r| (r, true)).collect();
        all.extend(self.coded.found.into_iter().map(|r| (r, false)));
        all.sort_by_key(|(r, _)| r.start);
        // What both found is one key; keys that follow each other are one entry.
        let mut keys: Vec<(Range<u64>, bool)> = Vec::new();
        for (range, sure) in all {
            match keys.last_mut().filter(|(last, _)| range.start < last.end) {
                Some((last, was)) => (last.end, *was) = (last.end.max(range.end), *was || sure),
                None => keys.push((range, sure)),
            }
        }
        let together = |a: &(Range<u64>, bool), b: &(Range<u64>, bool)| b.0.start < a.0.end + TOGETHER;
        let entries = keys.chunk_by(together);
        let kept = entries.flat_map(|entry| entry.iter().filter(|(_, sure)| *sure || entry.len() >= LEAST_KEYS));
        let mut all: Vec<Range<u64>> = kept.map(|(r, _)| r.clone()).collect();
        all.iter_mut().for_each(|r| *r = r.start.saturating_sub(PAD_SAMPLES)..r.end + PAD_SAMPLES);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtmf::{HIGH_HZ, LOW_HZ};

    /// Pairs of tones of 60 ms, every 200 ms, `count` of them, in noise; the high group weaker by `twist_db`.
    fn keys(count: usize, twist_db: f64) -> Vec<f32> {
        let mut x = Vec::new();
        for i in 0..count {
            let high = 0.2 * 10f64.powf(-twist_db / 20.0);
            x.extend(testdata::sines(8_000, &[(LOW_HZ[i % 4], 0.2), (HIGH_HZ[i / 4 % 4], high)], 480));
            x.resize(x.len() + 1_120, 0.0);
        }
        x.iter_mut().zip(testdata::noise(1, 1_600 * count)).for_each(|(x, n)| *x += 0.003 * n);
        x
    }

    fn found(x: &[f32]) -> Vec<Range<u64>> {
        let mut finder = KeyFinder::new();
        x.chunks(777).for_each(|part| finder.push(part));
        finder.finish()
    }

    #[test]
    fn every_key_is_covered_however_many_there_are() {
        let count = 1_500;
        let found = found(&keys(count, 0.0));
        for i in 0..count as u64 {
            let (start, end) = (1_600 * i, 1_600 * i + 480);
            assert!(found.iter().any(|r| r.start <= start && end <= r.end), "key {i}");
        }
    }

    #[test]
    fn keys_that_a_coder_bent_count_in_a_row_and_not_alone() {
        assert_eq!(found(&keys(1, 12.0)), []);
        assert!(found(&keys(3, 12.0)).len() >= 3);
        assert_eq!(found(&testdata::noise(3, 80_000)), []);
    }
}
