//! How a live call ended, for people and for scripts.

use std::path::Path;

use anyhow::Result;
use cli_app::live::Ended;

use crate::outcome::{Exit, Output, fraud_line, stages_line};

/// Prints it, and gives the exit code. `record` is where it was recorded to.
pub(super) fn print(out: Output, ended: &Ended, record: Option<&Path>) -> Result<Exit> {
    out.print(ended, |e| text(e, record))?;
    Ok(match ended.enrolled {
        Some(true) => Exit::Success,
        Some(false) => Exit::EnrollmentRefused,
        None => Exit::of_call(&ended.evaluation),
    })
}

fn text(e: &Ended, record: Option<&Path>) -> String {
    let heard = format!("{:.1} s of net speech in {:.1} s", e.report.net_speech_seconds, e.seconds);
    let mut lines = Vec::new();
    if let Some(enrolled) = e.enrolled {
        lines.push(if enrolled { "enrolled".to_owned() } else { format!("not enrolled: {}", e.refusal.join("; ")) });
    }
    if let Some(auth) = &e.report.authentication_result {
        let score = auth.score.map_or_else(String::new, |s| {
            format!("  score {s} (threshold {})", auth.configuration.acceptance_threshold)
        });
        let early = if e.report.early { ", decided early" } else { "" };
        lines.push(format!("{}{score}, {heard}{early}", auth.decision));
        lines.extend(stages_line(&e.report.stages));
    }
    if let Some(fraud) = &e.report.fraud_detection_result {
        let unknown = e.report.voice_id_result.fraud_detection.as_ref().is_some_and(|f| f.result == "Error");
        lines.push(fraud_line(fraud, unknown));
    }
    if e.talker_changed == Some(true) {
        lines.push("another voice seems to have taken over during the enrolment".to_owned());
    }
    if let Some(bleed) = &e.agent_bleed {
        let (level, share) = (bleed.level_db, 100.0 * bleed.share);
        lines.push(format!("the agent is heard in the caller's channel, at {level:.0} dB, {share:.0} % of it"));
    }
    if e.silenced_samples > 0 {
        lines.push(format!("{} samples in secure passages were neither heard nor recorded", e.silenced_samples));
    }
    if let Some(seconds) = e.kept_seconds {
        lines.push(format!("{seconds:.1} s of session {} kept sealed", e.report.session_id));
    }
    if let Some(path) = record {
        lines.push(format!("recorded to {}", path.display()));
    }
    lines.join("\n")
}
