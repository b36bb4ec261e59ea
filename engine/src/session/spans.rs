//! The last few stretches of a stream in which something holds.

use std::collections::VecDeque;

use crate::tone::Span;

/// Stretches kept. Frames are judged within 700 ms, and stretches lie at least a frame (25 ms) apart.
const CAPACITY: usize = 32;

pub(super) struct Spans {
    /// Stretches nearer than this, in samples, are one.
    gap: u64,
    spans: VecDeque<Span>,
}

impl Spans {
    pub(super) fn new(gap: u64) -> Self {
        Self { gap, spans: VecDeque::with_capacity(CAPACITY) }
    }

    /// Adds a stretch that begins no earlier than the last one, or lets that one grow.
    pub(super) fn add(&mut self, span: Span) {
        if let Some(last) = self.spans.back_mut().filter(|last| span.start <= last.end + self.gap) {
            last.start = last.start.min(span.start);
            last.end = last.end.max(span.end);
            return;
        }
        if self.spans.len() == CAPACITY {
            self.spans.pop_front();
        }
        self.spans.push_back(span);
    }

    /// Whether any sample from `start` to before `end` lies in a stretch.
    pub(super) fn touch(&self, start: u64, end: u64) -> bool {
        self.spans.iter().any(|s| s.start < end && start < s.end)
    }

    pub(super) fn clear(&mut self) {
        self.spans.clear();
    }
}
