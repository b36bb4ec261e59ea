//! From time spans to silenced samples: pad, clamp, merge.

use std::fmt;
use std::ops::Range;

/// Padding of a span unless asked for otherwise, in milliseconds: recognisers set the edges of words early or late by some 200 ms.
pub const DEFAULT_PAD_MS: u64 = 250;
/// Most padding.
pub const MAX_PAD_MS: u64 = 60_000;

/// A span of a call that must not be heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Where it begins, in milliseconds.
    pub begin_ms: u64,
    /// Where it ends; a span without length is padded like any other.
    pub end_ms: u64,
}

/// Why spans cannot be muted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SpanError {
    /// It ends before it begins.
    Backwards(Span),
    /// It lies beyond the recording: these words were not said in it.
    Outside {
        /// The span.
        span: Span,
        /// Length of the recording, in milliseconds.
        length_ms: u64,
    },
    /// More padding than [`MAX_PAD_MS`].
    Padding {
        /// In milliseconds.
        pad_ms: u64,
    },
}

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backwards(s) => write!(f, "a span begins at {} ms and ends at {} ms", s.begin_ms, s.end_ms),
            Self::Outside { span, length_ms } => write!(
                f,
                "a span from {} to {} ms lies beyond the recording's {length_ms} ms: transcript and recording do not belong together",
                span.begin_ms, span.end_ms
            ),
            Self::Padding { pad_ms } => write!(f, "padding of {pad_ms} ms, at most {MAX_PAD_MS} ms"),
        }
    }
}

impl std::error::Error for SpanError {}

/// Samples to be silenced: in order, without overlap, within the recording.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spans {
    samples: Vec<Range<u64>>,
}

impl Spans {
    /// Pads `spans` on both sides, cuts them to a recording of `samples` samples at `rate_hz`, rounds outwards, and merges those that meet.
    ///
    /// A span may reach beyond the end by its padding and one second, as word times do; one that begins later is an error.
    ///
    /// # Errors
    /// See [`SpanError`].
    pub fn new(spans: &[Span], pad_ms: u64, rate_hz: u32, samples: u64) -> Result<Self, SpanError> {
        if pad_ms > MAX_PAD_MS {
            return Err(SpanError::Padding { pad_ms });
        }
        let length_ms = (u128::from(samples) * 1_000).div_ceil(u128::from(rate_hz.max(1)));
        let length_ms = u64::try_from(length_ms).unwrap_or(u64::MAX);
        let mut found = Vec::with_capacity(spans.len());
        for &span in spans {
            if span.end_ms < span.begin_ms {
                return Err(SpanError::Backwards(span));
            }
            if span.begin_ms > length_ms || span.end_ms > length_ms.saturating_add(1_000) {
                return Err(SpanError::Outside { span, length_ms });
            }
            let at = |ms: u64| u128::from(ms) * u128::from(rate_hz);
            let begin = at(span.begin_ms.saturating_sub(pad_ms)) / 1_000;
            let end = at(span.end_ms.saturating_add(pad_ms)).div_ceil(1_000).min(u128::from(samples));
            found.push(begin as u64..end as u64);
        }
        Ok(Self::default().and(found))
    }

    /// These and more samples, which lie within the recording.
    #[must_use]
    pub fn and(mut self, more: Vec<Range<u64>>) -> Self {
        let mut all = std::mem::take(&mut self.samples);
        all.extend(more);
        all.sort_by_key(|r| (r.start, r.end));
        for range in all.into_iter().filter(|r| r.start < r.end) {
            match self.samples.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => self.samples.push(range),
            }
        }
        self
    }

    /// The samples, as ranges in order.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.samples
    }

    /// How many samples are silenced.
    pub fn len(&self) -> u64 {
        self.samples.iter().map(|r| r.end - r.start).sum()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The parts of the samples from `start` on, `count` of them, that are silenced, counted from `start`.
    pub fn within(&self, start: u64, count: u64) -> impl Iterator<Item = Range<u64>> {
        let end = start.saturating_add(count);
        let first = self.samples.partition_point(|r| r.end <= start);
        self.samples
            .iter()
            .skip(first)
            .take_while(move |r| r.start < end)
            .map(move |r| r.start.max(start) - start..r.end.min(end) - start)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;

    use super::*;

    fn span(begin_ms: u64, end_ms: u64) -> Span {
        Span { begin_ms, end_ms }
    }

    #[test]
    fn spans_are_padded_clamped_rounded_outwards_and_merged() {
        let spans = [span(1_000, 1_500), span(100, 200), span(1_900, 1_901), span(9_999, 10_400)];
        let s = Spans::new(&spans, 250, 8_000, 80_000).unwrap();
        assert_eq!(s.ranges(), [0..3_600, 6_000..17_208, 77_992..80_000]);
        assert_eq!(s.len(), 3_600 + 11_208 + 2_008);
        // 1 ms at 11,025 Hz is 11.025 samples.
        assert_eq!(Spans::new(&[span(1, 2)], 0, 11_025, 100).unwrap().ranges(), std::slice::from_ref(&(11..23)));
        assert!(Spans::new(&[], 250, 8_000, 80_000).unwrap().is_empty());
        assert!(Spans::new(&[span(5, 5)], 0, 8_000, 80_000).unwrap().is_empty());
        assert_eq!(Spans::new(&[span(5, 5)], 1, 8_000, 80_000).unwrap().ranges(), std::slice::from_ref(&(32..48)));
    }

    #[test]
    fn what_was_not_said_in_the_recording_is_an_error() {
        let outside = |s| matches!(Spans::new(&[s], 250, 8_000, 80_000), Err(SpanError::Outside { .. }));
        assert!(outside(span(10_001, 10_002)) && outside(span(0, 11_001)) && outside(span(u64::MAX, u64::MAX)));
        assert!(!outside(span(9_900, 11_000)));
        assert_eq!(Spans::new(&[span(2, 1)], 250, 8_000, 80_000), Err(SpanError::Backwards(span(2, 1))));
        assert!(matches!(Spans::new(&[], u64::MAX, 8_000, 1), Err(SpanError::Padding { .. })));
        assert!(matches!(Spans::new(&[span(0, 1)], 250, 8_000, 0), Ok(s) if s.is_empty()));
    }

    proptest! {
        #[test]
        fn every_sample_is_silenced_exactly_where_a_padded_span_covers_it(
            spans in prop::collection::vec((0u64..9_000, 0u64..900), 0..12), pad in 0u64..400, chunk in 1u64..5_000,
        ) {
            let spans: Vec<Span> = spans.iter().map(|&(b, n)| span(b, b + n)).collect();
            let (rate, samples) = (1_000u32, 9_500u64);
            let s = Spans::new(&spans, pad, rate, samples).unwrap();
            let mut marked = vec![false; samples as usize];
            for start in (0..samples).step_by(chunk as usize) {
                for r in s.within(start, chunk.min(samples - start)) {
                    for i in r {
                        prop_assert!(!std::mem::replace(&mut marked[(start + i) as usize], true), "twice");
                    }
                }
            }
            for (i, &marked) in marked.iter().enumerate() {
                let i = i as u64;
                let want = spans.iter().any(|s| s.begin_ms.saturating_sub(pad) <= i && i < s.end_ms + pad);
                prop_assert_eq!(marked, want, "{}", i);
            }
            prop_assert_eq!(s.len(), marked.iter().filter(|&&m| m).count() as u64);
        }
    }
}
