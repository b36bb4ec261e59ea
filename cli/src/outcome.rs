//! What a command ends with: text or JSON on standard output, and an exit code.

use std::io::Write;
use std::process::ExitCode;

use cli_app::error::{AppError, Code};
use cli_wire::voice_id::{FraudDetectionResult, RiskDetails, Stage};
use engine::call::Evaluation;
use engine::score::{Decision, FraudDecision};
use serde::Serialize;

/// How a command ended, as scripts see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Accepted, or done.
    Success = 0,
    /// Wrong usage.
    Usage = 2,
    /// An error.
    Error = 3,
    /// The score is below the threshold.
    Rejected = 10,
    /// Not enough speech.
    Inconclusive = 11,
    /// No voiceprint.
    NotEnrolled = 12,
    /// Opted out.
    OptedOut = 13,
    /// Enrolment expired.
    Expired = 14,
    /// The voice is on the watch list.
    HighRisk = 15,
    /// The recordings do not make a voiceprint.
    EnrollmentRefused = 16,
    /// Whoever asks may not.
    Denied = 17,
    /// Something personal was found and silenced.
    Redacted = 20,
    /// The same, and some of it is not sure: somebody should look.
    NeedsReview = 21,
}

impl Exit {
    /// The code of a call: high risk comes before the authentication, and a caller of unknown risk is not accepted.
    pub fn of_call(now: &Evaluation) -> Self {
        let auth = now.authentication.map_or(Self::Success, |a| Self::of(a.decision));
        match now.fraud {
            Some(f) if f.unknown_list => Self::Error,
            Some(f) if f.decision == FraudDecision::HighRisk => Self::HighRisk,
            Some(f) if f.decision == FraudDecision::NotEnoughSpeech && auth == Self::Success => Self::Inconclusive,
            _ => auth,
        }
    }

    /// The code of an error.
    pub fn of_error(error: &anyhow::Error) -> Self {
        let denied = error.chain().any(|e| {
            matches!(e.downcast_ref(), Some(cli_store::StoreError::Denied { .. }))
                || e.downcast_ref::<AppError>().is_some_and(|e| e.code() == Code::Denied)
        });
        if denied { Self::Denied } else { Self::Error }
    }

    /// The code of a decision.
    pub fn of(decision: Decision) -> Self {
        match decision {
            Decision::Accept => Self::Success,
            Decision::Reject => Self::Rejected,
            Decision::NotEnoughSpeech => Self::Inconclusive,
            Decision::SpeakerNotEnrolled | Decision::SpeakerIdNotProvided => Self::NotEnrolled,
            Decision::SpeakerOptedOut => Self::OptedOut,
            Decision::SpeakerExpired => Self::Expired,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(e: Exit) -> Self {
        ExitCode::from(e as u8)
    }
}

/// Prints what a command found, in one of its two forms.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// `json` chooses JSON over text.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints `value` as JSON, or what `text` makes of it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn print<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, value)?;
            writeln!(out)
        } else {
            let text = text(value);
            out.write_all(text.as_bytes())?;
            if text.ends_with('\n') { Ok(()) } else { writeln!(out) }
        }
    }

    /// Whether JSON is asked for.
    pub fn is_json(self) -> bool {
        self.json
    }
}

/// One line for people about two networks; `None` where there is one.
pub(crate) fn stages_line(stages: &[Stage]) -> Option<String> {
    let said = |s: &Stage| {
        let score = s.score.map_or_else(|| "no score yet".to_owned(), |s| s.to_string());
        let id = s.model_id.get(..8).unwrap_or(&s.model_id);
        format!("{} {score} ({id})", if s.decides { "decided by" } else { "followed by" })
    };
    (!stages.is_empty()).then(|| stages.iter().rev().map(said).collect::<Vec<_>>().join(", "))
}

/// What was found of a watch list, in one line for people.
pub fn fraud_line(result: &FraudDetectionResult, unknown_list: bool) -> String {
    if unknown_list {
        return format!("the domain has no watch list {}", result.configuration.watchlist_id);
    }
    let threshold = result.configuration.risk_threshold;
    match &result.risk_details {
        None => result.decision.to_owned(),
        Some(RiskDetails { known_fraudster_risk: known, .. }) => {
            let who = known.generated_fraudster_id.as_deref().map_or_else(String::new, |id| format!(", closest {id}"));
            format!("{}  risk {} (threshold {threshold}){who}", result.decision, known.risk_score)
        }
    }
}

/// Lays rows out in columns; the first row is the heading.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width: Vec<usize> = (0..count)
        .map(|c| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in rows {
        let line: Vec<String> = row.iter().zip(&width).map(|(s, w)| format!("{s:<w$}")).collect();
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// Whether an error is only that standard output's reader has gone.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|e| {
        e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
            || e.downcast_ref::<serde_json::Error>()
                .is_some_and(|e| e.io_error_kind() == Some(std::io::ErrorKind::BrokenPipe))
    })
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_align_on_characters_not_bytes() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        assert_eq!(columns(&[row("é", "x"), row("abc", "y")]), "é    x\nabc  y\n");
    }
}
