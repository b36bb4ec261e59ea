//! WebVTT (W3C) and SubRip: cues with times, whose words have times of their own where the cue has them.

use anyhow::{Context, Result, ensure};

use super::speakers::Speakers;
use super::words::{Turn, Word};

/// Whether a text is one of them.
pub(super) fn is_subtitles(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    text.starts_with("WEBVTT")
        || matches!((lines.next(), lines.next()), (Some(number), Some(time)) if number.parse::<u64>().is_ok() && time.contains("-->"))
}

/// "01:02:03.456", "02:03,456".
fn time(text: &str) -> Result<u64> {
    let wrong = || format!("{text:?} is no time of a cue");
    let (clock, fraction) = text.split_once(['.', ',']).with_context(wrong)?;
    let parts: Vec<u64> = clock.split(':').map(str::parse).collect::<Result<_, _>>().with_context(wrong)?;
    ensure!(matches!(parts.len(), 2 | 3) && fraction.len() == 3, "{}", wrong());
    let seconds = parts.iter().try_fold(0u64, |s, &p| s.checked_mul(60)?.checked_add(p)).with_context(wrong)?;
    let ms: u64 = fraction.parse().with_context(wrong)?;
    seconds.checked_mul(1_000).and_then(|s| s.checked_add(ms)).with_context(wrong)
}

/// Text that begins at a time of its own.
type Piece = (u64, String);

/// A cue's text without its tags, who speaks, and pieces that begin at times of their own.
fn pieces(text: &str, begin_ms: u64) -> Result<(Option<String>, Vec<Piece>)> {
    let (mut voice, mut pieces) = (None, vec![(begin_ms, String::new())]);
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('<') {
        let (tag, after) = tail.split_once('>').context("a tag is not closed")?;
        pieces.last_mut().into_iter().for_each(|p| p.1.push_str(before));
        if tag.starts_with(|c: char| c.is_ascii_digit()) {
            pieces.push((time(tag)?, String::new()));
        } else if let Some(name) = tag.strip_prefix('v').filter(|n| n.starts_with([' ', '.'])) {
            voice = name.split_once(' ').map(|(_, n)| n.trim().to_owned());
        }
        rest = after;
    }
    pieces.last_mut().into_iter().for_each(|p| p.1.push_str(rest));
    Ok((voice, pieces))
}

/// The turns: one for each cue.
pub(super) fn parse(text: &str, speakers: &mut Speakers) -> Result<Vec<Turn>> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut turns = Vec::new();
    for block in text.split("\n\n") {
        let mut lines = block.lines().skip_while(|l| !l.contains("-->"));
        let Some(times) = lines.next() else {
            // A header, a comment, a style: nothing that is said.
            let first = block.trim_start().lines().next().unwrap_or("");
            let known = ["WEBVTT", "NOTE", "STYLE", "REGION", "X-TIMESTAMP-MAP"];
            ensure!(
                first.is_empty() || known.iter().any(|k| first.starts_with(k)),
                "{first:?}: a cue without its time"
            );
            continue;
        };
        let (begin, end) = times.split_once("-->").context("no time")?;
        let begin_ms = time(begin.trim())?;
        let end_ms = time(end.split_whitespace().next().unwrap_or(""))?;
        let said = lines.collect::<Vec<_>>().join(" ");
        let (voice, pieces) = pieces(&said, begin_ms)?;
        let mut text = String::new();
        let ends = pieces.iter().skip(1).map(|p| p.0).chain([end_ms]);
        let mut words = Vec::new();
        for ((begin_ms, piece), end_ms) in pieces.iter().zip(ends) {
            text.push_str(piece);
            let word = |w: &str| Word { text: unescaped(w), begin_ms: *begin_ms, end_ms };
            words.extend(piece.split_whitespace().map(word));
        }
        // "AGENT: hello", as many write it.
        let mut speaker = voice;
        if let Some(name) = words
            .first()
            .and_then(|w| w.text.strip_suffix(':'))
            .filter(|n| n.chars().all(|c| c.is_uppercase() || c == '_'))
        {
            speaker = speaker.or_else(|| Some(name.to_owned()));
            words.remove(0);
        }
        let speaker = speakers.number(speaker.as_deref().unwrap_or("speaker"));
        turns.push(Turn { speaker, channel: None, words });
    }
    Ok(turns)
}

fn unescaped(word: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&lrm;", ""), ("&rlm;", ""), ("&amp;", "&")]
        .iter()
        .fold(word.to_owned(), |text, (name, c)| text.replace(name, c))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn read(text: &str) -> Vec<String> {
        assert!(is_subtitles(text));
        let mut speakers = Speakers::default();
        let turns = parse(text, &mut speakers).unwrap();
        let words = turns.iter().flat_map(|t| t.words.iter().map(|w| (t.speaker, w)));
        words.map(|(s, w)| format!("{} {} {}-{}", speakers.names[s], w.text, w.begin_ms, w.end_ms)).collect()
    }

    #[test]
    fn cues_with_and_without_times_of_words_are_read() {
        let vtt = "WEBVTT - call\n\nNOTE by hand\n\n1\n00:01.000 --> 00:02.500 align:start\n<v.loud Jane Doe>hi &amp; <00:01.600>there</v>\n\n\
                   00:00:03.000 --> 01:00:04.000\nAGENT: yes\nno\n";
        assert_eq!(
            read(vtt),
            [
                "Jane Doe hi 1000-1600",
                "Jane Doe & 1000-1600",
                "Jane Doe there 1600-2500",
                "AGENT yes 3000-3604000",
                "AGENT no 3000-3604000"
            ]
        );
        assert_eq!(read("1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>four</i>\r\n\r\n"), ["speaker four 1000-2000"]);
        for (text, reason) in [
            ("WEBVTT\n\nhello there\n", "without its time"),
            ("WEBVTT\n\n00:01.000 --> 2\nhi\n", "no time of a cue"),
            ("WEBVTT\n\n00:01.000 --> 00:02.000\nhi <v\n", "not closed"),
            ("WEBVTT\n\n1:0:00:01.000 --> 00:02.000\nhi\n", "no time of a cue"),
            ("WEBVTT\n\n00:01.00 --> 00:02.000\nhi\n", "no time of a cue"),
            ("WEBVTT\n\n99999999999999999:00:01.000 --> 00:02.000\nhi\n", "no time of a cue"),
        ] {
            let error = parse(text, &mut Speakers::default()).unwrap_err();
            assert!(format!("{error:#}").contains(reason), "{error:#}");
        }
        assert!(!is_subtitles("{\"a\": 1}") && !is_subtitles(""));
    }
}
