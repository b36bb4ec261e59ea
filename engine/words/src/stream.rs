//! Silencing a call while it goes on: audio comes out a little later than it went in, without what must not be heard.
//!
//! A [`Redactor`] holds back the last seconds ([`DEFAULT_DELAY_MS`]). Whatever leaves it has been cleared by the words that a recogniser told
//! meanwhile; what nobody has cleared in time leaves as silence, and so does what may yet turn out to be part of something: digits that may go
//! on, words that have none after them. So it silences at least what [`super::rules::find`] finds in the words that were known, and exactly that
//! where all of them were known in time. What is said only later can change nothing: of a name that is told for the first time after it was used,
//! the earlier use has left.

use std::collections::VecDeque;
use std::fmt;

use super::Entity;
use super::mute::{MAX_PAD_MS, Span};
use super::rules::{self, Finding};
use super::transcript::{MAX_MS, MAX_WORDS, Transcript, TranscriptError, Turn, Word};

/// How long audio is held back unless asked for otherwise.
pub const DEFAULT_DELAY_MS: u64 = 3_000;
/// Longest delay.
pub const MAX_DELAY_MS: u64 = 120_000;

/// Words of the same speaker after a word that decide about it.
const WORDS_AFTER: usize = 8;
/// A letter and its example: "a as in apple".
const WORDS_EXAMPLE: usize = 4;
/// Quiet of the speaker after a word that decides about it, and about a digit.
const QUIET_MS: u64 = 2_500;
const QUIET_AFTER_DIGIT_MS: u64 = 20_000;
/// One more than the words that there can be between two digits of one number: "as in boy", and three of no weight.
const WORDS_BETWEEN: usize = 7;

/// Why a redactor cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RedactorError {
    /// A rate, a number of channels, a delay or a padding that is not supported.
    Config(&'static str),
    /// A word is impossible, or there are too many.
    Words(TranscriptError),
    /// Audio that is not whole frames.
    Frames,
}

impl fmt::Display for RedactorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(what) => f.write_str(what),
            Self::Words(error) => error.fmt(f),
            Self::Frames => f.write_str("the samples are not a whole number for each channel"),
        }
    }
}

impl std::error::Error for RedactorError {}

impl From<TranscriptError> for RedactorError {
    fn from(error: TranscriptError) -> Self {
        Self::Words(error)
    }
}

/// Silences a call while it goes on. Samples are 16-bit, channels interleaved.
pub struct Redactor {
    rate_hz: u32,
    channels: usize,
    delay_ms: u64,
    pad_ms: u64,
    wanted: Vec<Entity>,
    held: VecDeque<i16>,
    /// Frames that have left.
    left: u64,
    turns: Vec<Turn>,
    words: usize,
    /// Every word that begins before is known.
    known_ms: u64,
    /// What is silenced, by the words that are known; computed anew when they change.
    silenced: Option<Vec<Span>>,
    ended: bool,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("left", &self.left).field("known_ms", &self.known_ms).finish_non_exhaustive()
    }
}

impl Redactor {
    /// For `channels` channels at `rate_hz`: audio leaves after `delay_ms`; `pad_ms` is silenced beside what is found; `wanted` is looked for.
    ///
    /// # Errors
    /// 1,000 to 192,000 Hz, 1 to 16 channels, [`MAX_DELAY_MS`] and [`MAX_PAD_MS`] are supported; the delay is longer than the padding.
    pub fn new(
        rate_hz: u32,
        channels: usize,
        delay_ms: u64,
        pad_ms: u64,
        wanted: Vec<Entity>,
    ) -> Result<Self, RedactorError> {
        let config = |right: bool, what| if right { Ok(()) } else { Err(RedactorError::Config(what)) };
        config((1_000..=192_000).contains(&rate_hz), "the rate is 1,000 to 192,000 Hz")?;
        config((1..=16).contains(&channels), "there are 1 to 16 channels")?;
        config(pad_ms <= MAX_PAD_MS, "the padding is 60 s at most")?;
        config(
            pad_ms < delay_ms && delay_ms <= MAX_DELAY_MS,
            "the delay is longer than the padding, and 120 s at most",
        )?;
        Ok(Self {
            rate_hz,
            channels,
            delay_ms,
            pad_ms,
            wanted,
            held: VecDeque::new(),
            left: 0,
            turns: Vec::new(),
            words: 0,
            known_ms: 0,
            silenced: None,
            ended: false,
        })
    }

    /// Takes words that a recogniser is sure of, in the order in which they are said. A turn may come in pieces: the second and later ones
    /// `goes_on`. All channels are silenced, whichever the turn names.
    ///
    /// # Errors
    /// A word is impossible, or there are more than [`MAX_WORDS`]. Nothing is taken then.
    pub fn words(&mut self, turn: Turn, goes_on: bool) -> Result<(), RedactorError> {
        for word in &turn.words {
            if word.end_ms < word.begin_ms {
                return Err(TranscriptError::Backwards { begin_ms: word.begin_ms, end_ms: word.end_ms }.into());
            }
            if word.end_ms > MAX_MS {
                return Err(TranscriptError::TooLate { end_ms: word.end_ms }.into());
            }
        }
        let words = self.words + turn.words.len();
        if words > MAX_WORDS {
            return Err(TranscriptError::TooLong { words }.into());
        }
        self.words = words;
        self.silenced = None;
        let same = |t: &&mut Turn| goes_on && t.speaker == turn.speaker;
        // Somebody else may have begun to talk meanwhile.
        match self.turns.iter_mut().rev().find(same) {
            Some(last) => last.words.extend(turn.words),
            None => self.turns.push(turn),
        }
        Ok(())
    }

    /// Says that every word that begins before `ms` has been told: of a recogniser that tells words when they end, up to where what it has not told
    /// yet begins. Time does not go back.
    pub fn known_until(&mut self, ms: u64) {
        if ms > self.known_ms {
            self.known_ms = ms;
            self.silenced = None;
        }
    }

    /// Takes samples and gives, after those in `out`, what may leave.
    ///
    /// # Errors
    /// They are not whole frames. Nothing is taken then.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) -> Result<(), RedactorError> {
        if !samples.len().is_multiple_of(self.channels) {
            return Err(RedactorError::Frames);
        }
        self.held.extend(samples);
        let keep = self.delay_ms * u64::from(self.rate_hz) / 1_000;
        let leaving = ((self.held.len() / self.channels) as u64).saturating_sub(keep);
        self.release(leaving, out);
        Ok(())
    }

    /// Gives the rest. What the recogniser has not told by now is silenced.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        self.ended = true;
        self.silenced = None;
        self.release((self.held.len() / self.channels) as u64, out);
    }

    fn release(&mut self, frames: u64, out: &mut Vec<i16>) {
        if frames == 0 {
            return;
        }
        let silenced = self.silenced.take().unwrap_or_else(|| self.spans());
        // By samples, rounded outwards as `Spans` does; spans are in order of their beginnings.
        let rate = u64::from(self.rate_hz);
        let begin = |s: &Span| s.begin_ms.saturating_sub(self.pad_ms) * rate / 1_000;
        let end = |s: &Span| (s.end_ms.saturating_add(self.pad_ms)).saturating_mul(rate).div_ceil(1_000);
        let known = self.known_ms.saturating_sub(self.pad_ms) * rate / 1_000;
        let mut next = silenced.partition_point(|s| end(s) <= self.left);
        let mut until = 0;
        for _ in 0..frames {
            while let Some(span) = silenced.get(next).filter(|s| begin(s) <= self.left) {
                until = until.max(end(span));
                next += 1;
            }
            let silent = self.left < until || self.left >= known;
            out.extend(self.held.drain(..self.channels).map(|x| if silent { 0 } else { x }));
            self.left += 1;
        }
        self.silenced = Some(silenced);
    }

    /// What is silenced by the words that are known, without padding; in order of their ends too, so that what has passed can be skipped.
    fn spans(&self) -> Vec<Span> {
        let Ok(transcript) = Transcript::new(self.turns.clone()) else { return Vec::new() };
        let findings = rules::find(&transcript, &self.wanted);
        let mut spans: Vec<Span> = findings.iter().flat_map(|f: &Finding| &f.places).map(|p| p.span).collect();
        if !self.ended {
            spans.extend(self.undecided());
        }
        spans.sort_by_key(|s| (s.begin_ms, s.end_ms));
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut().filter(|m| span.begin_ms <= m.end_ms) {
                Some(last) => last.end_ms = last.end_ms.max(span.end_ms),
                None => merged.push(span),
            }
        }
        merged
    }

    /// Words that what comes may make part of something.
    fn undecided(&self) -> Vec<Span> {
        let mut speakers: Vec<usize> = self.turns.iter().map(|t| t.speaker).collect();
        speakers.sort_unstable();
        speakers.dedup();
        let mut spans = Vec::new();
        for speaker in speakers {
            let own: Vec<&Word> = self.turns.iter().filter(|t| t.speaker == speaker).flat_map(|t| &t.words).collect();
            let digit = |i: usize| own.get(i).is_some_and(|w| rules::may_go_on(&w.text));
            // From the latest word back: those of them since the last digit, when the next one begins; whether a phrase and a row of digits have
            // ended since.
            let (mut plain, mut next_ms, mut ended, mut closed) = (0, self.known_ms, false, false);
            let mut open = vec![false; own.len()];
            for (i, word) in own.iter().enumerate().rev() {
                let quiet_ms = next_ms.saturating_sub(word.end_ms);
                ended |= own.len() - 1 - i >= WORDS_AFTER || quiet_ms >= QUIET_MS;
                closed |= plain >= WORDS_BETWEEN || quiet_ms >= QUIET_AFTER_DIGIT_MS;
                if ended && closed {
                    break;
                }
                if digit(i) && !closed {
                    // What stands between digits is of them: "a as in apple", "no, sorry".
                    let row = i.saturating_sub(WORDS_BETWEEN)..(i + WORDS_EXAMPLE).min(own.len());
                    open.get_mut(row).into_iter().flatten().for_each(|o| *o = true);
                } else if !ended {
                    open.get_mut(i).into_iter().for_each(|o| *o = true);
                }
                plain = if digit(i) { 0 } else { plain + 1 };
                next_ms = word.begin_ms;
            }
            let words = own.iter().zip(&open).filter(|(_, open)| **open);
            spans.extend(words.map(|(w, _)| Span { begin_ms: w.begin_ms, end_ms: w.end_ms }));
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;
    use testdata::callcentre;

    use super::super::mute::Spans;
    use super::*;

    const RATE: u32 = 1_000;
    const PAD: u64 = 250;

    fn turns(number: usize) -> Vec<Turn> {
        let lines = callcentre::call(number).paced();
        let turn = |line: Vec<callcentre::Timed>| Turn {
            speaker: line[0].0,
            channel: None,
            words: line.into_iter().map(|w| Word { text: w.3.text, begin_ms: w.1, end_ms: w.2 }).collect(),
        };
        let mut turns: Vec<Turn> = lines.into_iter().map(turn).collect();
        turns.sort_by_key(|t| t.words[0].begin_ms);
        turns
    }

    /// Which samples of a call batch silences, and how many there are.
    fn batch(turns: &[Turn]) -> (Vec<bool>, u64) {
        let length = turns.iter().flat_map(|t| &t.words).map(|w| w.end_ms).max().unwrap() + 1_000;
        let transcript = Transcript::new(turns.to_vec()).unwrap();
        let findings = rules::find(&transcript, &rules::recognised());
        let spans: Vec<Span> = findings.iter().flat_map(|f| &f.places).map(|p| p.span).collect();
        let spans = Spans::new(&spans, PAD, RATE, length).unwrap();
        let silent = (0..length).map(|i| spans.ranges().iter().any(|r| r.contains(&i))).collect();
        (silent, length)
    }

    /// Which samples leave silent when each word is told `late` ms after it ends.
    fn streamed(turns: &[Turn], length: u64, delay_ms: u64, late: impl Fn(u64) -> u64) -> Vec<bool> {
        let mut redactor = Redactor::new(RATE, 1, delay_ms, PAD, rules::recognised()).unwrap();
        let mut words: Vec<(u64, bool, Turn)> = turns
            .iter()
            .flat_map(|t| {
                t.words.iter().enumerate().map(|(i, w)| (w.end_ms, i > 0, Turn { words: vec![w.clone()], ..t.clone() }))
            })
            .collect();
        words.sort_by_key(|w| w.0);
        let mut told = words.into_iter().peekable();
        let mut out = Vec::new();
        for now in (0..length).step_by(20) {
            let until = now.saturating_sub(late(now));
            while let Some((_, goes_on, turn)) = told.next_if(|(end, ..)| *end <= until) {
                redactor.words(turn, goes_on).unwrap();
            }
            // Of two speakers, words that end later may begin earlier.
            let untold = turns.iter().flat_map(|t| &t.words).filter(|w| w.end_ms > until).map(|w| w.begin_ms).min();
            redactor.known_until(until.min(untold.unwrap_or(until)));
            redactor.push(&vec![1; 20.min(length - now) as usize], &mut out).unwrap();
        }
        told.for_each(|(_, goes_on, turn)| redactor.words(turn, goes_on).unwrap());
        redactor.known_until(length + 1_000);
        redactor.finish(&mut out);
        out.iter().map(|&x| x == 0).collect()
    }

    #[test]
    fn it_equals_batch_when_all_words_are_known_in_time() {
        for number in 0..20 {
            let turns = turns(number);
            let (batch, length) = batch(&turns);
            let mut redactor = Redactor::new(RATE, 1, 3_000, PAD, rules::recognised()).unwrap();
            turns.iter().for_each(|t| redactor.words(t.clone(), false).unwrap());
            redactor.known_until(length + 120_000);
            let mut out = Vec::new();
            (0..length).for_each(|_| redactor.push(&[1], &mut out).unwrap());
            redactor.finish(&mut out);
            let streamed: Vec<bool> = out.iter().map(|&x| x == 0).collect();
            assert_eq!(streamed, batch, "call {number}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10))]

        #[test]
        fn it_never_silences_less(number in 0usize..2_000, delay_ms in 1_500u64..8_000, late_ms in 0u64..4_000, wobble in 0u64..1_000) {
            let turns = turns(number);
            let (batch, length) = batch(&turns);
            let streamed = streamed(&turns, length, delay_ms, |now| late_ms + (now * 7_919 / 20) % (wobble + 1));
            prop_assert_eq!(streamed.len(), batch.len());
            // Names that are known only later have left: of those alone less may be silenced.
            let all: Vec<Entity> = rules::recognised();
            let transcript = Transcript::new(turns).unwrap();
            for finding in rules::find(&transcript, &all).iter().filter(|f| f.recogniser != "known name") {
                for place in &finding.places {
                    for ms in place.span.begin_ms..place.span.end_ms {
                        prop_assert!(streamed[ms as usize], "{} at {ms} ms is heard", finding.entity);
                    }
                }
            }
        }
    }

    #[test]
    fn what_nobody_cleared_is_silent_and_what_is_impossible_is_refused() {
        let mut redactor = Redactor::new(8_000, 2, 3_000, PAD, rules::recognised()).unwrap();
        let mut out = Vec::new();
        redactor.push(&vec![7; 2 * 8_000 * 5], &mut out).unwrap();
        assert_eq!(out, vec![0; 2 * 8_000 * 2]);
        redactor.known_until(4_000);
        redactor.push(&[7; 2 * 8_000], &mut out).unwrap();
        assert_eq!(out[2 * 8_000 * 2..], vec![7; 2 * 8_000], "2 to 3 s is cleared");
        assert_eq!(redactor.push(&[1], &mut out), Err(RedactorError::Frames));
        let backwards = Word { text: "x".into(), begin_ms: 2, end_ms: 1 };
        assert!(redactor.words(Turn { speaker: 0, channel: None, words: vec![backwards] }, false).is_err());
        assert!(Redactor::new(8_000, 0, 3_000, PAD, vec![]).is_err());
        assert!(Redactor::new(8_000, 1, PAD, PAD, vec![]).is_err());
        assert!(!format!("{redactor:?}").contains('7'));
    }
}
