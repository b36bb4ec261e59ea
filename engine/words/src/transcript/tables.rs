//! Tables of words: NIST's CTM and STM, and Praat's TextGrid.

use anyhow::{Context, Result, ensure};

use super::place::{Heard, Said};

/// Rows of a CTM: file, channel, begin, duration, word; `;;` begins a comment.
pub(super) fn ctm(text: &str) -> Option<Vec<Said>> {
    let mut said: Vec<Said> = Vec::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(";;")) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [file, channel, begin, length, word, ..] = fields.as_slice() else { return None };
        let (begin, length) = (seconds(begin)?, seconds(length)?);
        if *file == "SPEAKER" || matches!(*word, "<eps>" | "<sil>" | "SIL") {
            continue;
        }
        let number = channel.parse::<usize>().ok().map(|c| c.saturating_sub(1));
        let end_ms = Some(begin + length);
        let heard = Heard { text: (*word).to_owned(), begin_ms: Some(begin), end_ms };
        match said.last_mut().filter(|s| s.speaker == *channel) {
            Some(Said { words: Some(words), .. }) => words.push(heard),
            _ => said.push(Said {
                speaker: (*channel).to_owned(),
                channel: number,
                words: Some(vec![heard]),
                ..Said::default()
            }),
        }
    }
    // Several channels: the numbers are those of the recording. One: nothing is known of it.
    if said.iter().all(|s| s.channel == said[0].channel) {
        said.iter_mut().for_each(|s| s.channel = None);
    }
    (!said.is_empty()).then_some(said)
}

fn seconds(text: &str) -> Option<u64> {
    let seconds: f64 = text.parse().ok()?;
    (seconds.is_finite() && (0.0..1e7).contains(&seconds)).then_some((seconds * 1e3).round() as u64)
}

/// Whether a text is a TextGrid.
pub(super) fn is_grid(text: &str) -> bool {
    text.lines().take(3).any(|l| l.contains("ooTextFile") || l.contains("\"TextGrid\""))
}

/// A TextGrid, in its long and its short form: tiers of intervals, each somebody's words.
pub(super) fn grid(text: &str) -> Result<Vec<Said>> {
    let mut values = values(text).into_iter().peekable();
    let mut said = Vec::new();
    while let Some(value) = values.next() {
        if value != "IntervalTier" {
            continue;
        }
        let speaker = values.next().context("a tier without a name")?;
        let mut number =
            || -> Result<f64> { values.next().and_then(|v| v.parse().ok()).context("a tier without its numbers") };
        let (_, _, count) = (number()?, number()?, number()?);
        ensure!((0.0..1e7).contains(&count), "{count} intervals");
        for _ in 0..count as usize {
            let at = |v: Option<String>| v.and_then(|v| seconds(&v)).context("an interval without its times");
            let (begin, end) = (at(values.next())?, at(values.next())?);
            let text = values.next().context("an interval without its text")?;
            if !text.trim().is_empty() {
                said.push(Said {
                    speaker: speaker.clone(),
                    begin_ms: Some(begin),
                    end_ms: Some(end),
                    texts: vec![text],
                    ..Said::default()
                });
            }
        }
    }
    ensure!(!said.is_empty(), "a TextGrid without intervals");
    Ok(said)
}

/// The quoted texts and the numbers of a TextGrid, in order, without its names.
fn values(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut chars = text.chars().peekable();
    let mut word = String::new();
    let flush = |word: &mut String, values: &mut Vec<String>| {
        let text = std::mem::take(word);
        if text.parse::<f64>().is_ok() {
            values.push(text);
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let mut quoted = String::new();
                while let Some(c) = chars.next() {
                    match c {
                        '"' if chars.next_if_eq(&'"').is_some() => quoted.push('"'),
                        '"' => break,
                        c => quoted.push(c),
                    }
                }
                values.push(quoted);
                word.clear();
            }
            // "intervals [1]:" is no value.
            '[' => while chars.next().is_some_and(|c| c != ']') {},
            c if c.is_whitespace() => flush(&mut word, &mut values),
            c => word.push(c),
        }
    }
    flush(&mut word, &mut values);
    values
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn rows_of_words_are_read() {
        let said =
            ctm(";; made by hand\ncall 1 0.50 0.30 hello 0.9\ncall 2 1.00 0.25 four\ncall 2 1.30 0.25 one\n").unwrap();
        assert_eq!((said.len(), said[1].words.as_ref().unwrap().len(), said[1].channel), (2, 2, Some(1)));
        assert!(ctm("hello there\n").is_none() && ctm("a 1 x 2 word").is_none());
        let long = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = 3\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n        \
                    class = \"IntervalTier\"\n        name = \"agent\"\n        xmin = 0\n        xmax = 3\n        intervals: size = 2\n        intervals [1]:\n            \
                    xmin = 0\n            xmax = 1\n            text = \"\"\n        intervals [2]:\n            xmin = 1\n            xmax = 3\n            text = \"say \"\"four\"\"\"\n";
        assert!(is_grid(long));
        let said = grid(long).unwrap();
        assert_eq!(
            (said[0].begin_ms, said[0].end_ms, said[0].texts[0].as_str()),
            (Some(1_000), Some(3_000), "say \"four\"")
        );
        let short = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0\n3\n<exists>\n1\n\"IntervalTier\"\n\"a\"\n0\n3\n1\n0\n3\n\"hi\"\n";
        assert_eq!(grid(short).unwrap()[0].texts, ["hi"]);
    }
}
