//! Embeddings of consecutive stretches of net speech, for enrolment to see whether one person speaks throughout.

use crate::embed::Embedder;

pub(super) struct Windows {
    embedder: Box<dyn Embedder>,
    length: u32,
    speech: u32,
    rows: Vec<f32>,
    used: usize,
    most: usize,
    /// One window in this many is kept.
    every: u64,
    seen: u64,
}

impl Windows {
    pub(super) fn new(embedder: Box<dyn Embedder>, length: u32, most: usize) -> Self {
        let rows = vec![0.0; most * embedder.dim()];
        Self { embedder, length, speech: 0, rows, used: 0, most, every: 1, seen: 0 }
    }

    /// As [`Embedder::block_frames`].
    pub(super) fn block_frames(&self) -> usize {
        self.embedder.block_frames()
    }

    /// Takes frames as [`Embedder::push`] does.
    pub(super) fn push(&mut self, mut log_mel: &[f32], mut speech: &[bool]) {
        let bins = self.embedder.num_mel_bins();
        while !speech.is_empty() {
            let mut taken = 0;
            while taken < speech.len() && self.speech < self.length {
                self.speech += u32::from(speech[taken]);
                taken += 1;
            }
            self.embedder.push(&log_mel[..taken * bins], &speech[..taken]);
            (log_mel, speech) = (&log_mel[taken * bins..], &speech[taken..]);
            if self.speech == self.length {
                self.close();
            }
        }
    }

    /// The stream has ended: an open window counts if it is two thirds full.
    pub(super) fn finish(&mut self) {
        if 3 * u64::from(self.speech) >= 2 * u64::from(self.length) {
            self.close();
        }
    }

    /// `(n, dim)`, oldest first.
    pub(super) fn rows(&self) -> &[f32] {
        &self.rows[..self.used * self.embedder.dim()]
    }

    pub(super) fn reset(&mut self) {
        self.embedder.reset();
        (self.speech, self.used, self.every, self.seen) = (0, 0, 1, 0);
    }

    fn close(&mut self) {
        self.embedder.finish();
        if self.seen.is_multiple_of(self.every) && self.used == self.most {
            self.thin_out();
        }
        let dim = self.embedder.dim();
        if self.seen.is_multiple_of(self.every) {
            let row = &mut self.rows[self.used * dim..(self.used + 1) * dim];
            self.used += usize::from(self.embedder.embedding(row));
        }
        self.seen += 1;
        self.speech = 0;
        self.embedder.reset();
    }

    /// Keeps every second window, and of those to come half as many.
    fn thin_out(&mut self) {
        let dim = self.embedder.dim();
        let kept = self.most.div_ceil(2);
        for row in 1..kept {
            self.rows.copy_within(2 * row * dim..(2 * row + 1) * dim, row * dim);
        }
        self.used = kept;
        self.every *= 2;
    }
}
