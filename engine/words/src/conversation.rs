//! The figures of a conversation that an analysed call carries, by the arithmetic of Contact Lens's published sample (Amazon Connect administrator
//! guide, "Example Contact Lens output files for a call").
//!
//! Times are in milliseconds. What is silenced is still talked: figures are those of the call as it was.

/// Quiet of both sides that is no talk: longer than 3 s.
pub const NON_TALK_MS: u64 = 3_000;
/// Words of a turn this near belong to one stretch of talk.
const PAUSE_MS: u64 = 500;
/// Talking over somebody for longer is an interruption; shorter is how turns meet.
const INTERRUPTION_MS: u64 = 500;

/// How what was said sounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sentiment {
    /// Pleased.
    Positive,
    /// Neither.
    Neutral,
    /// Displeased.
    Negative,
}

impl Sentiment {
    /// As analysed files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "POSITIVE",
            Self::Neutral => "NEUTRAL",
            Self::Negative => "NEGATIVE",
        }
    }

    fn score(self) -> f64 {
        match self {
            Self::Positive => 5.0,
            Self::Neutral => 0.0,
            Self::Negative => -5.0,
        }
    }
}

/// A turn, as the figures see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Who.
    pub speaker: usize,
    /// When it begins.
    pub begin_ms: u64,
    /// When it ends.
    pub end_ms: u64,
    /// Begin and end of its words.
    pub words: Vec<(u64, u64)>,
    /// How it sounds.
    pub sentiment: Sentiment,
}

/// A stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stretch {
    /// Where it begins.
    pub begin_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

impl Stretch {
    /// Its length.
    pub fn length_ms(self) -> u64 {
        self.end_ms.saturating_sub(self.begin_ms)
    }
}

/// A quarter of what one speaker's part of the call takes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Quarter {
    /// When.
    pub time: Stretch,
    /// -5 to 5: five times the share of pleased turns less that of displeased ones, of the turns that begin in it; 0 where none does.
    pub score: f64,
}

/// The four quarters from 0 to the end of a speaker's last turn, cut at `floor(i * end / 4)`. `None` where they say nothing.
pub fn quarters(turns: &[Said], speaker: usize) -> Option<[Quarter; 4]> {
    let own = || turns.iter().filter(move |t| t.speaker == speaker);
    let end = own().map(|t| t.end_ms).max()?;
    let cut = |i: u64| i * end / 4;
    Some(std::array::from_fn(|i| {
        let time = Stretch { begin_ms: cut(i as u64), end_ms: cut(i as u64 + 1) };
        let inside = own().filter(|t| t.begin_ms >= time.begin_ms && (t.begin_ms < time.end_ms || i == 3));
        let scores: Vec<f64> = inside.map(|t| t.sentiment.score()).collect();
        let score = if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 };
        Quarter { time, score }
    }))
}

/// The mean of the quarters, to one decimal.
pub fn overall(quarters: &[Quarter; 4]) -> f64 {
    let mean = quarters.iter().map(|q| q.score).sum::<f64>() / 4.0;
    // An even digit at the half, as the sample has it: 3.125 is 3.1, and so is 3.15 in binary.
    (10.0 * mean).round_ties_even() / 10.0
}

/// Words a minute of talk, rounded; 0 without talk.
pub fn words_per_minute(words: usize, talk_ms: u64) -> u64 {
    if talk_ms == 0 { 0 } else { (words as f64 * 60_000.0 / talk_ms as f64).round() as u64 }
}

/// How long a speaker talks: their words, with the short pauses between those of a turn.
pub fn talk_ms(turns: &[Said], speaker: usize) -> u64 {
    let mut stretches: Vec<Stretch> = Vec::new();
    for turn in turns.iter().filter(|t| t.speaker == speaker) {
        let mut words: Vec<(u64, u64)> = turn.words.clone();
        words.sort_unstable();
        for (begin_ms, end_ms) in words {
            match stretches.last_mut().filter(|s| begin_ms <= s.end_ms + PAUSE_MS && begin_ms >= s.begin_ms) {
                Some(last) => last.end_ms = last.end_ms.max(end_ms),
                None => stretches.push(Stretch { begin_ms, end_ms }),
            }
        }
    }
    merged(stretches).iter().map(|s| s.length_ms()).sum()
}

fn merged(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_unstable();
    let mut merged: Vec<Stretch> = Vec::new();
    for s in stretches {
        match merged.last_mut().filter(|m| s.begin_ms <= m.end_ms) {
            Some(last) => last.end_ms = last.end_ms.max(s.end_ms),
            None => merged.push(s),
        }
    }
    merged
}

/// Where nobody talks for more than [`NON_TALK_MS`] in a call of `length_ms`: hold, and quiet of both sides.
pub fn non_talk(turns: &[Said], length_ms: u64) -> Vec<Stretch> {
    let talk = merged(turns.iter().map(|t| Stretch { begin_ms: t.begin_ms, end_ms: t.end_ms }).collect());
    let begins = std::iter::once(0).chain(talk.iter().map(|t| t.end_ms));
    let ends = talk.iter().map(|t| t.begin_ms).chain([length_ms]);
    let gaps = begins.zip(ends).map(|(begin_ms, end_ms)| Stretch { begin_ms, end_ms });
    gaps.filter(|g| g.length_ms() > NON_TALK_MS).collect()
}

/// Who talks over whom: the speaker who came second, and for how long both talked, where that is more than half a second.
pub fn interruptions(turns: &[Said]) -> Vec<(usize, Stretch)> {
    let mut order: Vec<&Said> = turns.iter().collect();
    order.sort_by_key(|t| t.begin_ms);
    let mut found = Vec::new();
    let mut talking: Option<&Said> = None;
    for turn in order {
        if let Some(other) = talking.filter(|o| o.speaker != turn.speaker && turn.begin_ms < o.end_ms) {
            let time = Stretch { begin_ms: turn.begin_ms, end_ms: turn.end_ms.min(other.end_ms) };
            if time.length_ms() > INTERRUPTION_MS {
                found.push((turn.speaker, time));
            }
        }
        if talking.is_none_or(|o| o.end_ms < turn.end_ms) {
            talking = Some(turn);
        }
    }
    found
}

/// The clock seconds that a turn touches; it has one loudness score for each.
pub fn clock_seconds(turn: Stretch) -> std::ops::RangeInclusive<u64> {
    turn.begin_ms / 1_000..=turn.end_ms / 1_000
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// The published sample: begin, end, words, sentiment of its ten turns, agent 0 and customer 1, and how many loudness scores each has.
    const SAMPLE: [(usize, u64, u64, usize, Sentiment, u64); 10] = {
        use Sentiment::*;
        [
            (0, 0, 90, 1, Neutral, 1),
            (1, 160, 4_640, 8, Neutral, 5),
            (0, 4_640, 6_610, 7, Neutral, 3),
            (1, 7_370, 11_190, 11, Negative, 5),
            (0, 11_220, 15_210, 16, Negative, 5),
            (1, 15_840, 18_120, 6, Positive, 4),
            (0, 18_310, 21_820, 14, Neutral, 4),
            (1, 22_610, 24_140, 5, Positive, 3),
            (0, 24_120, 29_710, 22, Positive, 6),
            (1, 30_580, 32_110, 7, Positive, 3),
        ]
    };

    fn sample() -> Vec<Said> {
        let turn = |&(speaker, begin_ms, end_ms, _, sentiment, _): &_| Said {
            speaker,
            begin_ms,
            end_ms,
            words: vec![(begin_ms, end_ms)],
            sentiment,
        };
        SAMPLE.iter().map(turn).collect()
    }

    /// SPEC appendix E 15.
    #[test]
    fn e15_the_published_sample_s_figures_are_reproduced() {
        let turns = sample();
        let scores = |speaker| quarters(&turns, speaker).unwrap().map(|q| q.score);
        let ends = |speaker| quarters(&turns, speaker).unwrap().map(|q| q.time.end_ms);
        assert_eq!((scores(0), ends(0)), ([0.0, -5.0, 0.0, 5.0], [7_427, 14_855, 22_282, 29_710]));
        assert_eq!((scores(1), ends(1)), ([-2.5, 5.0, 5.0, 5.0], [8_027, 16_055, 24_082, 32_110]));
        assert_eq!([0, 1].map(|s| overall(&quarters(&turns, s).unwrap())), [0.0, 3.1]);
        let words = |speaker| SAMPLE.iter().filter(|t| t.0 == speaker).map(|t| t.3).sum::<usize>();
        assert_eq!([words(0), words(1)], [60, 37]);
        assert_eq!([words_per_minute(60, 15_079), words_per_minute(37, 13_619)], [239, 163]);
        assert!(interruptions(&turns).is_empty() && non_talk(&turns, 32_110).is_empty());
        for (turn, &(.., loudness)) in turns.iter().zip(&SAMPLE) {
            let time = Stretch { begin_ms: turn.begin_ms, end_ms: turn.end_ms };
            assert_eq!(clock_seconds(time).count() as u64, loudness, "{turn:?}");
        }
        // The sample's talk times come from its audio; by its turns they are 0.2 to 0.5 % more.
        for (speaker, published) in [(0, 15_079.0), (1, 13_619.0)] {
            let more = talk_ms(&turns, speaker) as f64 / published - 1.0;
            assert!((0.001..0.006).contains(&more), "{more}");
        }
    }

    #[test]
    fn quiet_and_talking_over_each_other_are_counted() {
        let said = |speaker, begin_ms, end_ms| Said {
            speaker,
            begin_ms,
            end_ms,
            words: vec![(begin_ms, end_ms)],
            sentiment: Sentiment::Neutral,
        };
        let turns = [said(0, 1_000, 4_000), said(1, 3_000, 6_000), said(0, 9_001, 10_000)];
        assert_eq!(interruptions(&turns), [(1, Stretch { begin_ms: 3_000, end_ms: 4_000 })]);
        let quiet = [Stretch { begin_ms: 6_000, end_ms: 9_001 }, Stretch { begin_ms: 10_000, end_ms: 13_001 }];
        assert_eq!(non_talk(&turns, 13_001), quiet);
        assert_eq!(non_talk(&turns, 13_000), quiet[..1]);
        assert_eq!(quarters(&turns, 7), None);
        assert_eq!(words_per_minute(9, 0), 0);
    }
}
