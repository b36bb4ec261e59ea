//! WebVTT (W3C), SubRip and SBV: cues with times, whose words have times of their own where the cue has them, and who speaks, however that is written.

use anyhow::{Context, Result, ensure};

use super::place::{Heard, Said};

/// Whether a text is one of them.
pub(super) fn is_subtitles(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let first = lines.next().unwrap_or("");
    first.starts_with("WEBVTT")
        || times(first).is_some()
        || first.parse::<u64>().is_ok() && lines.next().is_some_and(|l| l.contains("-->") || times(l).is_some())
}

/// "01:02:03.456", "02:03,456"; SBV has "0:00:01.000".
fn time(text: &str) -> Result<u64> {
    let wrong = || format!("{text:?} is no time of a cue");
    let (clock, fraction) = text.trim().split_once(['.', ',']).with_context(wrong)?;
    let parts: Vec<u64> = clock.split(':').map(str::parse).collect::<Result<_, _>>().with_context(wrong)?;
    ensure!(matches!(parts.len(), 2 | 3) && fraction.len() == 3, "{}", wrong());
    let seconds = parts.iter().try_fold(0u64, |s, &p| s.checked_mul(60)?.checked_add(p)).with_context(wrong)?;
    let ms: u64 = fraction.parse().with_context(wrong)?;
    seconds.checked_mul(1_000).and_then(|s| s.checked_add(ms)).with_context(wrong)
}

/// The two times of a line that has nothing else: `a --> b settings`, or SBV's `a,b`.
fn times(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if let Some((begin, end)) = line.split_once("-->") {
        return Some((begin.trim(), end.split_whitespace().next().unwrap_or("")));
    }
    let (begin, end) = line.split_once(',')?;
    (time(begin).is_ok() && time(end).is_ok()).then_some((begin, end))
}

/// Text that begins at a time of its own.
type Piece = (u64, String);

/// A cue's text without its tags, who speaks, and pieces that begin at times of their own.
fn pieces(text: &str, begin_ms: u64) -> Result<(Option<String>, Vec<Piece>)> {
    let (mut voice, mut pieces) = (None, vec![(begin_ms, String::new())]);
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('<') {
        pieces.last_mut().into_iter().for_each(|p| p.1.push_str(before));
        // "<" before a space or a digit that is no time is a character like others.
        let timed = tail.split_once('>').is_some_and(|(t, _)| time(t).is_ok());
        let tag = tail.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') || timed;
        if !tag {
            let number = tail.split('>').next().is_some_and(|t| t.contains(':') && t.len() < 16 && !t.contains(' '));
            ensure!(!number, "{:?} is no time of a cue", tail.split('>').next().unwrap_or(""));
            pieces.last_mut().into_iter().for_each(|p| p.1.push('<'));
            rest = tail;
            continue;
        }
        let (tag, after) = tail.split_once('>').context("a tag is not closed")?;
        if timed {
            pieces.push((time(tag)?, String::new()));
        } else if let Some(name) = tag.strip_prefix('v').filter(|n| n.starts_with([' ', '.', '\t'])) {
            voice = name.split_once([' ', '\t']).map(|(_, n)| n.trim().to_owned());
        }
        rest = after;
    }
    pieces.last_mut().into_iter().for_each(|p| p.1.push_str(rest));
    Ok((voice, pieces))
}

/// Who speaks, where a line begins with that, and the rest of it: "[SPEAKER_01]: hi", "Speaker 1: hi", "AGENT: hi", "John Smith: hi", ">> ANNA: hi",
/// "(Anna) hi", "- hi".
pub(super) fn label(line: &str) -> (Option<&str>, &str) {
    let text = line.trim_start().trim_start_matches(['>', '-', '\u{2013}', '\u{2014}', '\u{2022}']).trim_start();
    if let Some((name, rest)) = text
        .strip_prefix('[')
        .and_then(|t| t.split_once(']'))
        .or_else(|| text.strip_prefix('(').and_then(|t| t.split_once(')')))
        .filter(|(name, rest)| {
            let named = rest.trim_start().starts_with(':');
            is_name(name)
                && (named || name.to_lowercase().starts_with("speaker") || name.to_lowercase().starts_with("spk"))
        })
    {
        return (Some(name.trim()), rest.trim_start().trim_start_matches(':').trim_start());
    }
    match text.split_once(':') {
        // A clock or a web address has something right behind its colon.
        Some((name, rest)) if is_name(name) && (rest.starts_with(char::is_whitespace) || rest.is_empty()) => {
            (Some(name.trim()), rest.trim_start())
        }
        _ => (None, line),
    }
}

/// Words that begin what is said and not who says it.
const NO_NAMES: [&str; 22] = [
    "is", "are", "my", "the", "your", "it", "its", "it's", "number", "code", "pin", "card", "account", "address",
    "password", "email", "name", "phone", "date", "ssn", "zip", "note",
];

/// Up to four words, each a name, a role or a number: "Speaker 1", "Jane Q. Doe", "AGENT", "caller_2".
fn is_name(name: &str) -> bool {
    let words: Vec<&str> = name.split_whitespace().collect();
    let first = words.first().and_then(|w| w.chars().next());
    let one = |w: &str| {
        let capital = w.chars().next().is_some_and(|c| c.is_uppercase());
        let role = [
            "speaker",
            "agent",
            "customer",
            "caller",
            "guest",
            "user",
            "host",
            "spk",
            "representative",
            "client",
            "operator",
        ];
        let lower = w.to_lowercase();
        let number = w.bytes().all(|b| b.is_ascii_digit()) && w.len() <= 3;
        let plain =
            w.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\'' | '@' | '+' | '#' | '/'));
        plain && (capital || number || role.iter().any(|r| lower.starts_with(r))) && !NO_NAMES.contains(&lower.as_str())
    };
    (1..=4).contains(&words.len())
        && first.is_some_and(|c| c.is_alphabetic())
        && words.iter().all(|w| one(w))
        && name.len() <= 60
}

/// What is said: one for each cue, or for each speaker of it.
pub(super) fn parse(text: &str) -> Result<Vec<Said>> {
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|&i| times(lines[i]).is_some()).collect();
    header(lines.get(..starts.first().copied().unwrap_or(lines.len())).unwrap_or_default())?;
    let mut said = Vec::new();
    let mut speaker = "speaker".to_owned();
    for (n, &start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(lines.len());
        let mut body: Vec<&str> = lines.get(start + 1..end).unwrap_or_default().to_vec();
        // What stands right before the next cue's time is its number or its name, where an empty line is before it, or it is a number.
        while body.last().is_some_and(|l| l.trim().is_empty()) {
            body.pop();
        }
        if n + 1 < starts.len()
            && let Some(last) = body.last().copied()
        {
            let apart = body.len() > 1 && body.get(body.len() - 2).is_some_and(|l| l.trim().is_empty());
            let adjoins = lines.get(end - 1).is_some_and(|l| !l.trim().is_empty());
            let counted = last.trim().parse::<u64>().is_ok_and(|v| v == n as u64 + 2 || v == n as u64 + 1);
            if adjoins && (apart && is_identifier(last, starts.len()) || counted) {
                body.pop();
            }
        }
        let blocks = said_lines(&body);
        let (begin, finish) = times(lines[start]).context("no time")?;
        let (begin_ms, end_ms) = (time(begin)?, time(finish)?);
        // Lines of one cue may be of several speakers.
        let mut parts: Vec<(Option<String>, String)> = Vec::new();
        for line in blocks {
            match (label(line), parts.last_mut()) {
                ((None, _), Some(last)) => {
                    last.1.push(' ');
                    last.1.push_str(line);
                }
                ((name, rest), _) => parts.push((name.map(str::to_owned), rest.to_owned())),
            }
        }
        for (name, text) in parts {
            let (voice, pieces) = pieces(&text, begin_ms)?;
            if let Some(named) = voice.or(name) {
                speaker = named;
            }
            said.push(cue(&speaker, pieces, begin_ms, end_ms));
        }
    }
    Ok(said)
}

/// Whether a line may be what one of `cues` cues is called: its number, or a name that is nobody's number.
fn is_identifier(line: &str, cues: usize) -> bool {
    let line = line.trim();
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    let marked = line.contains(['-', '/', '_']) && line.bytes().any(|b| b.is_ascii_alphabetic());
    let number = line.parse::<u64>().is_ok_and(|v| v <= cues as u64 + 1);
    number || !line.contains(' ') && !line.is_empty() && (marked || digits < 3)
}

/// A cue from its pieces.
fn cue(speaker: &str, pieces: Vec<Piece>, begin_ms: u64, end_ms: u64) -> Said {
    let said = Said { speaker: speaker.to_owned(), begin_ms: Some(begin_ms), end_ms: Some(end_ms), ..Said::default() };
    if let [(_, text)] = pieces.as_slice() {
        return Said { texts: vec![unescaped(text)], ..said };
    }
    // Each piece has a time for all its words.
    let ends: Vec<u64> = pieces.iter().skip(1).map(|p| p.0).chain([end_ms]).collect();
    let words = pieces.iter().zip(ends).flat_map(|((begin, text), end)| {
        let heard = move |w: &str| Heard { text: w.to_owned(), begin_ms: Some(*begin), end_ms: Some(end) };
        unescaped(text).split_whitespace().map(heard).collect::<Vec<_>>()
    });
    Said { words: Some(words.collect()), ..said }
}

/// What comes before the first cue: nothing that is said.
fn header(lines: &[&str]) -> Result<()> {
    let mut known = false;
    for line in lines.iter().map(|l| l.trim()) {
        let begins = ["WEBVTT", "NOTE", "STYLE", "REGION", "X-TIMESTAMP-MAP", "Kind:", "Language:"];
        known = !line.is_empty() && (known || begins.iter().any(|k| line.starts_with(k)));
        let name = is_identifier(line, 1_000);
        ensure!(line.is_empty() || known || name, "{line:?}: a cue without its time");
    }
    ensure!(
        lines.iter().rev().find(|l| !l.trim().is_empty()).is_none_or(|l| !l.trim().contains(' ') || known),
        "a cue without its time"
    );
    Ok(())
}

/// The lines of a cue without comments and styles that stand between it and the next.
fn said_lines<'a>(body: &[&'a str]) -> Vec<&'a str> {
    let mut lines = Vec::new();
    let mut aside = false;
    for (i, line) in body.iter().enumerate() {
        let blank = line.trim().is_empty();
        let after_blank = i > 0 && body.get(i - 1).is_some_and(|l| l.trim().is_empty());
        if after_blank {
            let line = line.trim();
            aside = line == "NOTE" || line.starts_with("NOTE ") || line == "STYLE" || line == "REGION";
        }
        if !blank && !aside {
            lines.push(*line);
        }
    }
    lines
}

fn unescaped(word: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&lrm;", ""), ("&rlm;", ""), ("&amp;", "&")]
        .iter()
        .fold(word.to_owned(), |text, (name, c)| text.replace(name, c))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::super::recognisers::load;
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let loaded = load(text.as_bytes()).unwrap();
        let turns = loaded.transcript.turns();
        let words = turns.iter().flat_map(|t| t.words.iter().map(move |w| (t.speaker, w)));
        words.map(|(s, w)| format!("{} {} {}-{}", loaded.speakers[s], w.text, w.begin_ms, w.end_ms)).collect()
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
            let error = parse(text).err().unwrap();
            assert!(format!("{error:#}").contains(reason), "{error:#}");
        }
        assert!(!is_subtitles("{\"a\": 1}") && !is_subtitles(""));
    }

    #[test]
    fn each_cue_has_its_own_time_however_cues_are_parted() {
        let cue = |n: u32, text: &str| format!("{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}\n");
        for between in ["\n", " \n", "\t\n", "", "\r\n", "\r\r\n", "\n\n"] {
            let text = [cue(1, "hello"), cue(2, "4111 1111"), cue(3, "thanks")].join(between);
            for text in
                [text.clone(), text.replace('\n', "\r\n"), text.replace('\n', "\r"), text.replace('\n', "\r\r\n")]
            {
                assert_eq!(
                    read(&text),
                    [
                        "speaker hello 1000-1900",
                        "speaker 4111 2000-2900",
                        "speaker 1111 2000-2900",
                        "speaker thanks 3000-3900"
                    ],
                    "{text:?}"
                );
            }
        }
        assert_eq!(
            read("WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n00:04.000 --> 00:09.000\n4111\n"),
            ["speaker hi 1000-2000", "speaker 4111 4000-9000"]
        );
        assert_eq!(read("0:00:01.000,0:00:02.000\nhi there\n\n0:00:03.000,0:00:04.000\nyes\n").len(), 3);
    }

    #[test]
    fn who_speaks_is_no_word_and_what_is_said_is_no_speaker() {
        for (line, name, rest) in [
            ("[SPEAKER_01]: four one", Some("SPEAKER_01"), "four one"),
            ("Speaker 1: four", Some("Speaker 1"), "four"),
            ("AGENT: hi", Some("AGENT"), "hi"),
            ("John Smith: hi", Some("John Smith"), "hi"),
            (">> ANNA: hi", Some("ANNA"), "hi"),
            ("(Speaker 2) hi", Some("Speaker 2"), "hi"),
            ("speaker_0: hi", Some("speaker_0"), "hi"),
            ("My PIN: 4821", None, "My PIN: 4821"),
            ("the number is: 4821", None, "the number is: 4821"),
            ("at 7:30", None, "at 7:30"),
            ("https://example.com", None, "https://example.com"),
            ("(laughs) hi", None, "(laughs) hi"),
            ("4111: hi", None, "4111: hi"),
        ] {
            assert_eq!(label(line), (name, rest), "{line}");
        }
    }
}
