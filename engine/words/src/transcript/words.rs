//! The words of a call with their times, as recognisers write them.

use std::collections::HashSet;
use std::fmt;

/// Most words of a transcript: a call of a week.
pub const MAX_WORDS: usize = 2_000_000;
/// Latest time of a word, in milliseconds: 40 days.
pub const MAX_MS: u64 = 40 * 86_400_000;

/// A word and when it was said. `Debug` does not show the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    /// As it was written, punctuation included.
    pub text: String,
    /// When it begins, in milliseconds from the start of the call.
    pub begin_ms: u64,
    /// When it ends.
    pub end_ms: u64,
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({}..{} ms)", self.begin_ms, self.end_ms)
    }
}

/// What one person says before the other does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Turn {
    /// Who speaks; equal for equal people.
    pub speaker: usize,
    /// The channel that they are recorded on, from 0; `None` where that is not known.
    pub channel: Option<usize>,
    /// The words, in order.
    pub words: Vec<Word>,
}

/// A turn whose words have been placed in time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Placed {
    pub(super) turn: Turn,
    /// Which words have no time of their own, or none that can be: their times are those of the smallest stretch that surely holds them.
    pub(super) loose: Vec<bool>,
    /// Some word lies not between two others of its turn.
    pub(super) unsure: bool,
}

/// A call in words. Checked: there are words, none ends before it begins, and none is later than a call can be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Transcript {
    turns: Vec<Turn>,
    loose: HashSet<(usize, usize)>,
    unsure: bool,
}

/// Why words are no transcript.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TranscriptError {
    /// There are no words. A call in which nobody speaks would be passed as it is, and so would one that was not transcribed.
    Empty,
    /// A word ends before it begins.
    Backwards {
        /// When it begins.
        begin_ms: u64,
        /// When it ends.
        end_ms: u64,
    },
    /// A word is later than [`MAX_MS`].
    TooLate {
        /// When it ends.
        end_ms: u64,
    },
    /// More words than [`MAX_WORDS`].
    TooLong {
        /// How many.
        words: usize,
    },
}

impl fmt::Display for TranscriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the transcript has no words"),
            Self::Backwards { begin_ms, end_ms } => {
                write!(f, "a word begins at {begin_ms} ms and ends at {end_ms} ms")
            }
            Self::TooLate { end_ms } => write!(f, "a word ends at {end_ms} ms, later than a call can be"),
            Self::TooLong { words } => write!(f, "{words} words, at most {MAX_WORDS} are taken"),
        }
    }
}

impl std::error::Error for TranscriptError {}

impl Transcript {
    /// Checks the words, and puts the turns in the order in which they begin.
    ///
    /// # Errors
    /// See [`TranscriptError`].
    pub fn new(turns: Vec<Turn>) -> Result<Self, TranscriptError> {
        Self::placed(turns.into_iter().map(|turn| Placed { turn, ..Placed::default() }).collect())
    }

    /// [`Transcript::new`] of turns some of whose words have no time of their own.
    pub(super) fn placed(mut all: Vec<Placed>) -> Result<Self, TranscriptError> {
        all.retain(|p| !p.turn.words.is_empty());
        let words = all.iter().map(|p| p.turn.words.len()).sum();
        if words == 0 {
            return Err(TranscriptError::Empty);
        }
        if words > MAX_WORDS {
            return Err(TranscriptError::TooLong { words });
        }
        for &Word { begin_ms, end_ms, .. } in all.iter().flat_map(|p| &p.turn.words) {
            if end_ms < begin_ms {
                return Err(TranscriptError::Backwards { begin_ms, end_ms });
            }
            if end_ms > MAX_MS {
                return Err(TranscriptError::TooLate { end_ms });
            }
        }
        all.sort_by_key(|p| p.turn.words.first().map(|w| w.begin_ms));
        let unsure = all.iter().any(|p| p.unsure);
        let loose = all.iter().enumerate();
        let loose = loose.flat_map(|(t, p)| p.loose.iter().enumerate().filter(|(_, l)| **l).map(move |(w, _)| (t, w)));
        let loose = loose.collect();
        Ok(Self { turns: all.into_iter().map(|p| p.turn).collect(), loose, unsure })
    }

    /// Whether a word of a turn has no time of its own, or had one that cannot be: it is somewhere in the stretch that its times give.
    pub fn is_loose(&self, turn: usize, word: usize) -> bool {
        self.loose.contains(&(turn, word))
    }

    /// Whether some words could not even be placed between two others of their turn. Somebody should look, whatever was found.
    pub fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Ends what may go on to the end of the recording there: words of which nothing tells where they end.
    #[must_use]
    pub fn until(mut self, end_ms: u64) -> Self {
        let open = self.turns.iter_mut().flat_map(|t| &mut t.words).filter(|w| w.end_ms == MAX_MS);
        open.for_each(|w| w.end_ms = end_ms.max(w.begin_ms));
        self
    }

    /// The turns, in the order in which they begin.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_transcript_is_refused() {
        let turn = |begin_ms, end_ms| Turn {
            speaker: 0,
            channel: None,
            words: vec![Word { text: "x".into(), begin_ms, end_ms }],
        };
        assert_eq!(Transcript::new(vec![]), Err(TranscriptError::Empty));
        let silent = Turn { words: vec![], ..turn(0, 1) };
        assert_eq!(Transcript::new(vec![silent]), Err(TranscriptError::Empty));
        assert_eq!(Transcript::new(vec![turn(5, 4)]), Err(TranscriptError::Backwards { begin_ms: 5, end_ms: 4 }));
        assert!(matches!(Transcript::new(vec![turn(5, u64::MAX)]), Err(TranscriptError::TooLate { .. })));
        let sorted = Transcript::new(vec![turn(9, 9), turn(1, 2)]).map(|t| t.turns()[0].words[0].begin_ms);
        assert_eq!(sorted, Ok(1));
        assert!(!format!("{:?}", turn(1, 2)).contains('x'), "words name people");
    }
}
