//! Trial lists in VoxCeleb's format: one `label enrolment probe` a line, label 1 for the same person, 0 for another.

use std::collections::HashMap;
use std::fmt;

use super::bootstrap::TrialSpeakers;

/// One comparison. The sides are indices into [`TrialList::files`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trial {
    /// Whether both sides are the same person.
    pub target: bool,
    /// The enrolment.
    pub enrolment: u32,
    /// The probe.
    pub probe: u32,
}

/// A list of comparisons.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrialList {
    trials: Vec<Trial>,
    files: Vec<String>,
}

impl TrialList {
    /// Reads a list. Fields are separated by spaces or tabs; empty lines are skipped.
    ///
    /// ```
    /// use engine::metrics::TrialList;
    ///
    /// let list = TrialList::parse("1 anna/a.wav anna/b.wav\n0 anna/a.wav ben/a.wav\n")?;
    /// assert_eq!((list.trials().len(), list.files().len()), (2, 3));
    /// assert_eq!(TrialList::parse("1 a b\nyes a b").unwrap_err().line, 2);
    /// # Ok::<(), engine::metrics::TrialsError>(())
    /// ```
    ///
    /// # Errors
    /// The number of the first line that is no trial, or that calls a pair the same person where an earlier line calls it two.
    pub fn parse(text: &str) -> Result<Self, TrialsError> {
        let mut trials: Vec<Trial> = Vec::new();
        let mut files: Vec<String> = Vec::new();
        let mut ids: HashMap<&str, u32> = HashMap::new();
        let mut seen: HashMap<(u32, u32), (bool, usize)> = HashMap::new();
        for (index, text) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = index + 1;
            let error = |kind| TrialsError { line, kind };
            let mut fields = text.split_ascii_whitespace();
            let (label, enrolment, probe) = match (fields.next(), fields.next(), fields.next(), fields.next()) {
                (None, ..) => continue,
                (Some(l), Some(e), Some(p), None) => (l, e, p),
                _ => {
                    let found = text.split_ascii_whitespace().count();
                    return Err(error(TrialsErrorKind::Fields { found }));
                }
            };
            let target = match label {
                "1" => true,
                "0" => false,
                _ => return Err(error(TrialsErrorKind::Label)),
            };
            let mut id = |name| match ids.get(name) {
                Some(&id) => Ok(id),
                None => {
                    let id = u32::try_from(files.len()).map_err(|_| error(TrialsErrorKind::TooMany))?;
                    files.push(str::to_owned(name));
                    ids.insert(name, id);
                    Ok(id)
                }
            };
            let trial = Trial { target, enrolment: id(enrolment)?, probe: id(probe)? };
            let (first, first_line) = *seen.entry((trial.enrolment, trial.probe)).or_insert((target, line));
            if first != target {
                return Err(error(TrialsErrorKind::Contradiction { first_line }));
            }
            trials.push(trial);
        }
        if trials.is_empty() {
            return Err(TrialsError { line: 0, kind: TrialsErrorKind::Empty });
        }
        Ok(Self { trials, files })
    }

    /// The comparisons, in the list's order.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The files that occur, each once, in the order of first occurrence.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The person of each file: the `part`th part of its path, counted from 1; the whole path where it has fewer parts.
    pub fn people(&self, part: usize) -> Vec<&str> {
        let nth = |path| part.checked_sub(1).and_then(|n| str::split(path, '/').nth(n)).filter(|name| !name.is_empty());
        self.files.iter().map(|path| nth(path).unwrap_or(path)).collect()
    }

    /// Who is compared in each trial, people being named as [`TrialList::people`] does.
    pub fn speakers(&self, part: usize) -> TrialSpeakers {
        let people = self.people(part);
        let name = |id: u32| people.get(id as usize).copied().unwrap_or_default();
        TrialSpeakers::new(self.trials.iter().map(|t| (name(t.enrolment), name(t.probe))))
    }
}

/// Why a trial list cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrialsError {
    /// Number of the line at fault, from 1; 0 for the whole list.
    pub line: usize,
    /// What is wrong with it.
    pub kind: TrialsErrorKind,
}

/// What is wrong with a line of a trial list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TrialsErrorKind {
    /// Not three fields.
    Fields {
        /// How many there are.
        found: usize,
    },
    /// The label is neither 0 nor 1.
    Label,
    /// An earlier line has the same pair with the other label.
    Contradiction {
        /// Number of the earlier line.
        first_line: usize,
    },
    /// More files than can be counted in 32 bits.
    TooMany,
    /// The list has no trial.
    Empty,
}

impl fmt::Display for TrialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        match self.kind {
            TrialsErrorKind::Fields { found } => {
                write!(f, "{found} fields instead of 3 (label enrolment probe)")
            }
            TrialsErrorKind::Label => f.write_str("label is neither 0 nor 1"),
            TrialsErrorKind::Contradiction { first_line } => {
                write!(f, "the pair of line {first_line} with the other label")
            }
            TrialsErrorKind::TooMany => f.write_str("too many files"),
            TrialsErrorKind::Empty => f.write_str("no trials"),
        }
    }
}

impl std::error::Error for TrialsError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_are_read_as_written() {
        let list =
            TrialList::parse("\u{feff}1 a/x.wav a/y.wav\r\n\r\n  0\ta/x.wav\tb/x.wav  \n0 b/x.wav a/x.wav").unwrap();
        assert_eq!(list.files(), ["a/x.wav", "a/y.wav", "b/x.wav"]);
        let t = |target, enrolment, probe| Trial { target, enrolment, probe };
        assert_eq!(list.trials(), [t(true, 0, 1), t(false, 0, 2), t(false, 2, 0)]);
    }

    #[test]
    fn bad_lines_are_named() {
        let cases = [
            ("", 0, TrialsErrorKind::Empty),
            ("\n \n", 0, TrialsErrorKind::Empty),
            ("1 a", 1, TrialsErrorKind::Fields { found: 2 }),
            ("1 a b\n\n1 a b c", 3, TrialsErrorKind::Fields { found: 4 }),
            ("1 a b\n2 a b", 2, TrialsErrorKind::Label),
            ("true a b", 1, TrialsErrorKind::Label),
            ("1 a b\n1 a b\n0 a b", 3, TrialsErrorKind::Contradiction { first_line: 1 }),
        ];
        for (text, line, kind) in cases {
            assert_eq!(TrialList::parse(text), Err(TrialsError { line, kind }), "{text:?}");
        }
        assert!(TrialList::parse("1 a b\n1 a b\n0 b a").is_ok(), "repeats and swapped sides are no contradiction");
    }

    #[test]
    fn people_are_parts_of_paths() {
        let list = TrialList::parse("1 id1/s/a.wav id1/t.wav\n0 id1/s/a.wav x.wav\n0 /abs/b.wav ü/é.wav").unwrap();
        let cases: [(usize, [&str; 5]); 5] = [
            (1, ["id1", "id1", "x.wav", "/abs/b.wav", "ü"]),
            (2, ["s", "t.wav", "x.wav", "abs", "é.wav"]),
            (3, ["a.wav", "id1/t.wav", "x.wav", "b.wav", "ü/é.wav"]),
            (0, ["id1/s/a.wav", "id1/t.wav", "x.wav", "/abs/b.wav", "ü/é.wav"]),
            (usize::MAX, ["id1/s/a.wav", "id1/t.wav", "x.wav", "/abs/b.wav", "ü/é.wav"]),
        ];
        for (part, want) in cases {
            assert_eq!(list.people(part), want, "part {part}");
        }
        assert_eq!(list.speakers(1).speakers(), 4);
    }

    proptest! {
        #[test]
        fn text_of_any_kind_is_no_panic(text in ".{0,200}", part in 0usize..5) {
            if let Ok(list) = TrialList::parse(&text) {
                prop_assert_eq!(list.people(part).len(), list.files().len());
            }
        }

        #[test]
        fn lines_of_any_kind_are_no_panic(lines in prop::collection::vec("[01x] [a/é]{1,5} [a/é]{1,5}", 1..20), part in 0usize..5) {
            if let Ok(list) = TrialList::parse(&lines.join("\n")) {
                prop_assert_eq!(list.trials().len(), lines.len());
                list.speakers(part);
            }
        }
    }
}
