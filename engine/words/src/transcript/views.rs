//! Several branches of a transcript that say the same: what only one of them says is said all the same.

use std::collections::{BTreeMap, BTreeSet};

use super::cover;
use super::place::{Heard, Said};

/// Parts what is said by who is known to speak when.
pub(super) fn relabelled(said: Vec<Said>, who: &[(u64, u64, String)]) -> Vec<Said> {
    let at = |time: u64| {
        let next = who.partition_point(|w| w.0 <= time);
        next.checked_sub(1).and_then(|i| who.get(i)).or_else(|| who.first()).map(|w| w.2.clone())
    };
    let mut out: Vec<Said> = Vec::new();
    for one in said {
        let Some(words) = one.words else {
            let speaker = one.begin_ms.and_then(at).unwrap_or(one.speaker);
            out.push(Said { speaker, words: None, ..one });
            continue;
        };
        let mut speaker = one.speaker;
        for heard in words {
            let middle = heard.begin_ms.zip(heard.end_ms).map(|(b, e)| b + e.saturating_sub(b) / 2);
            speaker = middle.and_then(at).unwrap_or(speaker);
            match out.last_mut().filter(|s| s.speaker == speaker && s.channel == one.channel) {
                Some(Said { words: Some(words), .. }) => words.push(heard),
                _ => out.push(Said {
                    speaker: speaker.clone(),
                    channel: one.channel,
                    words: Some(vec![heard]),
                    ..Said::default()
                }),
            }
        }
        // The text over all of it was accounted for before it was parted, or is now.
        one.texts.iter().for_each(|text| account(text, (one.begin_ms, one.end_ms), &mut out));
    }
    out
}

/// How much of a view has times of its own, and tells who speaks.
fn worth(view: &[Said]) -> (usize, usize) {
    let words = view.iter().filter_map(|s| s.words.as_ref()).flatten();
    let speakers: BTreeSet<(&str, Option<usize>)> = view.iter().map(|s| (s.speaker.as_str(), s.channel)).collect();
    (words.filter(|w| w.begin_ms.is_some()).count(), speakers.len())
}

/// Several branches that say the same: the one with the most times of words, and what only the others say.
pub(super) fn joined(mut views: Vec<Vec<Said>>) -> Vec<Said> {
    let Some(most) = views.iter().map(|v| worth(v).0).max() else { return Vec::new() };
    // Speakers matter more than a few words' times.
    let best = |v: &[Said]| {
        let (timed, speakers) = worth(v);
        (10 * timed >= 9 * most, speakers, timed)
    };
    let at = (0..views.len()).rev().max_by_key(|&i| best(&views[i])).unwrap_or(0);
    let mut main = views.swap_remove(at);
    for view in views {
        let people: BTreeSet<&str> = view.iter().map(|s| s.speaker.as_str()).collect();
        if people.len() > 1 && main.iter().all(|s| s.speaker == "speaker") {
            let mut who: Vec<(u64, u64, String)> =
                view.iter().filter_map(|s| Some((s.begin_ms?, s.end_ms?, s.speaker.clone()))).collect();
            who.sort();
            if who.len() == view.len() {
                main = relabelled(main, &who);
            }
        }
        for said in view {
            let words = said.words.iter().flatten().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
            let all: Vec<String> = if said.texts.is_empty() { vec![words] } else { said.texts.clone() };
            let time = said.begin_ms.zip(said.end_ms).or_else(|| {
                let words = said.words.as_ref()?;
                Some((words.iter().filter_map(|w| w.begin_ms).min()?, words.iter().filter_map(|w| w.end_ms).max()?))
            });
            for text in all {
                account(&text, (time.map(|t| t.0), time.map(|t| t.1)), &mut main);
            }
        }
    }
    main
}

/// Sees that every word of a text is somebody's: what nobody says is added, as said at `time`, with all of the text for its sake.
pub(super) fn account(text: &str, time: (Option<u64>, Option<u64>), said: &mut Vec<Said>) {
    // What is said in that time, as far as there are times.
    let within = |s: &Said| {
        let (Some(from), Some(to)) = time else { return true };
        let begin = s.begin_ms.or_else(|| s.words.as_ref()?.iter().find_map(|w| w.begin_ms));
        let end = s.end_ms.or_else(|| s.words.as_ref()?.iter().rev().find_map(|w| w.end_ms));
        begin.is_none_or(|b| b < to.saturating_add(500)) && end.is_none_or(|e| e.saturating_add(500) > from)
    };
    let words: Vec<&str> = said
        .iter()
        .filter(|s| within(s))
        .flat_map(|s| match &s.words {
            Some(words) if s.texts.is_empty() => words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(),
            Some(words) => {
                words.iter().map(|w| w.text.as_str()).chain(s.texts.iter().flat_map(|t| t.split_whitespace())).collect()
            }
            None => s.texts.first().into_iter().flat_map(|t| t.split_whitespace()).collect(),
        })
        .collect();
    let missing = cover::missing(text, words.iter().copied());
    if missing.is_empty() {
        return;
    }
    // In another order, they may all be there.
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    let plain =
        |w: &str| crate::normal::plain(w).to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    words.iter().for_each(|w| *left.entry(plain(w)).or_default() += 1);
    let tokens: Vec<String> = text.split_whitespace().map(plain).filter(|t| !t.is_empty()).collect();
    let lost = tokens.iter().any(|t| match left.get_mut(t.as_str()) {
        Some(n) if *n > 0 => {
            *n -= 1;
            false
        }
        _ => true,
    });
    if lost {
        // With times, between what is said before and after.
        if let ((None, _) | (_, None), [Said { words: Some(words), .. }]) = (time, said.as_mut_slice()) {
            let count = words.len();
            for missing in missing.into_iter().rev() {
                words.insert(missing.before.min(count), Heard { text: missing.text, ..Heard::default() });
            }
            return;
        }
        let speaker = said.last().map_or_else(|| "speaker".into(), |s| s.speaker.clone());
        let words = Some(Vec::new());
        said.push(Said {
            speaker,
            channel: None,
            begin_ms: time.0,
            end_ms: time.1,
            texts: vec![text.to_owned()],
            words,
        });
    }
}
