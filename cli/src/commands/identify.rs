//! `vouch identify`: whose voice is it, among those enrolled?

use std::num::NonZeroU64;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cli_app::analysis::{Toolkit, Wanted};
use engine::score::Conditions;
use engine::template::Template;
use serde::Serialize;

use crate::args::{Global, Input};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Candidate {
    customer_speaker_id: String,
    generated_speaker_id: String,
    score: u8,
    risk_score: u8,
    cosine: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    net_speech_seconds: f64,
    speakers_searched: u64,
    other_model: u64,
    candidates: Vec<Candidate>,
}

pub(super) fn run(global: &Global, out: Output, file: &Path, top: usize, input: &Input) -> Result<Exit> {
    let tools = Toolkit::load(global)?;
    let domain = global.open()?;
    let recording = tools.analyse_file(file, input, Wanted::default(), |_| ())?;
    let mut report = Report {
        net_speech_seconds: recording.net_speech_s,
        speakers_searched: 0,
        other_model: 0,
        candidates: Vec::new(),
    };
    let Some(probe) = tools.embedding(&recording)? else {
        out.print(&report, |_| format!("{}: no speech", file.display()))?;
        return Ok(Exit::Inconclusive);
    };
    let mut found = Vec::new();
    let mut failed = None;
    domain.for_each_enrolled(|speaker, print| {
        if print.model_id().0 != tools.model.id().0 {
            report.other_model += 1;
            return Ok(());
        }
        report.speakers_searched += 1;
        let one = || -> Result<_> {
            let template = Template::of_model(print.template(), tools.model.id()).context("stored voiceprint")?;
            Ok((template.cosine(&probe)?, template.side()))
        };
        match one() {
            Ok((cosine, enrol)) => found.push((cosine, enrol, speaker)),
            Err(e) => failed = failed.take().or(Some(e.context(speaker.generated_speaker_id.to_string()))),
        }
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if report.speakers_searched == 0 && report.other_model > 0 {
        bail!(
            "all {} voiceprints of {} are of another model than {}; enrol them again, or give their model with --model",
            report.other_model,
            global.domain.display(),
            tools.model.id()
        );
    }
    found.sort_by(|a, b| b.0.value().total_cmp(&a.0.value()));
    let list = NonZeroU64::new(report.speakers_searched.max(1)).unwrap_or(NonZeroU64::MIN);
    let probe = recording.side()?;
    for (cosine, enrol, speaker) in found.into_iter().take(top) {
        let conditions = Conditions { probe, enrol };
        report.candidates.push(Candidate {
            customer_speaker_id: speaker.customer_speaker_id.as_str().to_owned(),
            generated_speaker_id: speaker.generated_speaker_id.to_string(),
            score: tools.calibration.score(cosine, conditions)?.value(),
            risk_score: tools.calibration.fraud_score(cosine, conditions, list)?.value(),
            cosine: cosine.value(),
        });
    }
    out.print(&report, text)?;
    Ok(Exit::Success)
}

fn text(r: &Report) -> String {
    let mut rows = vec![["speaker", "score", "among all", "cosine"].map(String::from).to_vec()];
    for c in &r.candidates {
        rows.push(vec![
            c.customer_speaker_id.clone(),
            c.score.to_string(),
            c.risk_score.to_string(),
            format!("{:.3}", c.cosine),
        ]);
    }
    let skipped = match r.other_model {
        0 => String::new(),
        n => format!("; {n} of another model left out, enrol them again"),
    };
    format!(
        "{}{} speakers searched with {:.1} s of net speech{skipped}",
        columns(&rows),
        r.speakers_searched,
        r.net_speech_seconds
    )
}
