//! `vouch compare`: are two recordings of the same voice?

use std::path::Path;

use anyhow::{Context, Result};
use cli_app::analysis::{Toolkit, Wanted};
use engine::score::{Conditions, Threshold};
use serde::Serialize;

use crate::args::{Global, Input};
use crate::outcome::{Exit, Output};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    decision: &'static str,
    score: Option<u8>,
    threshold: u8,
    extrapolated: bool,
    cosine: Option<f64>,
    log_likelihood_ratio: Option<f64>,
    net_speech_seconds: [f64; 2],
}

pub(super) fn run(global: &Global, out: Output, a: &Path, b: &Path, threshold: u8, input: &Input) -> Result<Exit> {
    let tools = Toolkit::load(global)?;
    let first = tools.analyse_file(a, input, Wanted::default(), |_| ())?;
    let second = tools.analyse_file(b, input, Wanted::default(), |_| ())?;
    let net = [first.net_speech_s, second.net_speech_s];
    let threshold = Threshold::new(threshold)?;
    let (Some(x), Some(y)) = (tools.embedding(&first)?, tools.embedding(&second)?) else {
        let report = Report {
            decision: "NOT_ENOUGH_SPEECH",
            score: None,
            threshold: threshold.value(),
            extrapolated: false,
            cosine: None,
            log_likelihood_ratio: None,
            net_speech_seconds: net,
        };
        out.print(&report, |r| {
            format!("no decision: net speech {:.1} s and {:.1} s", r.net_speech_seconds[0], r.net_speech_seconds[1])
        })?;
        return Ok(Exit::Inconclusive);
    };
    let cosine = x.cosine(&y)?;
    // The longer recording plays the enrolment, so that the order of the two does not matter.
    let (mut probe, mut enrol) = (first.side()?, second.side()?);
    if probe.net_speech_s() > enrol.net_speech_s() {
        std::mem::swap(&mut probe, &mut enrol);
    }
    let conditions = Conditions { probe, enrol };
    let score = tools.calibration.score(cosine, conditions).context("score")?;
    let accepted = score.reaches(threshold);
    let report = Report {
        decision: if accepted { "ACCEPT" } else { "REJECT" },
        score: Some(score.value()),
        threshold: threshold.value(),
        extrapolated: score.extrapolated(),
        cosine: Some(cosine.value()),
        log_likelihood_ratio: Some(tools.calibration.llr(cosine, conditions)?.value()),
        net_speech_seconds: net,
    };
    out.print(&report, |r| {
        format!(
            "{} score {} (threshold {}); net speech {:.1} s and {:.1} s; cosine {:.3}",
            r.decision,
            score.value(),
            r.threshold,
            r.net_speech_seconds[0],
            r.net_speech_seconds[1],
            cosine.value()
        )
    })?;
    Ok(if accepted { Exit::Success } else { Exit::Rejected })
}
