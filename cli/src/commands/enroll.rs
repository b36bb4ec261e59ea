//! `vouch enroll`: from recordings of one person to a sealed voiceprint, or to what is wrong with them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use cli_app::analysis::{Recording, Toolkit, Wanted};
use cli_app::live::{Journal, joined};
use cli_app::second::Second;
use cli_app::workers::pool;
use cli_store::{Consent, Enrolment, ModelId, SpeakerId};
use engine::enroll::{EnrollConfig, Enroller, RecordingEvidence};
use engine::template::Template;
use rayon::prelude::*;
use serde::Serialize;

use crate::args::{EnrollArgs, Global, Input};
use crate::outcome::{Exit, Output};
use crate::progress;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reason {
    code: &'static str,
    missing_seconds: Option<f64>,
    file: Option<String>,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FileReport {
    file: String,
    net_speech_seconds: f64,
    signal_to_noise_db: Option<f32>,
    clipped_share: f32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    customer_speaker_id: String,
    generated_speaker_id: Option<String>,
    status: Option<String>,
    enrolled: bool,
    percent_complete: u8,
    net_speech_seconds: f64,
    agreement: Option<f32>,
    model_id: String,
    reasons: Vec<Reason>,
    warnings: Vec<String>,
    files: Vec<FileReport>,
}

pub(super) fn run(global: &Global, out: Output, args: &EnrollArgs) -> Result<Exit> {
    let id: SpeakerId = args.speaker.parse().with_context(|| format!("--speaker {}", args.speaker))?;
    let config = EnrollConfig::default().wanted_speech_s(args.wanted_speech).least_speech_s(args.least_speech);
    let mut enroller = Enroller::new(config)?;
    let tools = Toolkit::load(global)?;
    // Opened before the work, so that a missing domain is told at once.
    let domain = global.open()?;

    let recordings = listen(global, &tools, &args.files, &args.input, &mut enroller)?;

    let name = |i: usize| args.files.get(i).map(|p| p.display().to_string());
    let assessment = enroller.assess();
    let bleeding = args.files.iter().zip(&recordings).filter_map(|(path, r)| {
        let bleed = r.bleed?;
        let (level, share) = (bleed.level_db, 100.0 * bleed.share);
        Some(format!(
            "{}: the other channel is heard in this one, at {level:.0} dB, {share:.0} % of it",
            path.display()
        ))
    });
    let mut report = Report {
        customer_speaker_id: args.speaker.clone(),
        generated_speaker_id: None,
        status: None,
        enrolled: false,
        percent_complete: assessment.percent,
        net_speech_seconds: assessment.net_speech_s,
        agreement: assessment.agreement,
        model_id: tools.model.id().to_string(),
        reasons: Vec::new(),
        warnings: assessment.warnings.iter().map(ToString::to_string).chain(bleeding).collect(),
        files: args.files.iter().zip(&recordings).map(|(p, r)| file_report(p, r)).collect(),
    };
    let exit = match enroller.finish() {
        Err(refusal) => {
            report.reasons = refusal
                .reasons()
                .map(|r| Reason {
                    code: r.code(),
                    missing_seconds: r.missing_s(),
                    file: r.recording().and_then(name),
                    message: r.to_string(),
                })
                .collect();
            Exit::EnrollmentRefused
        }
        Ok(template) => {
            let bytes = match tools.deciding() {
                None => template.to_bytes(),
                Some(deciding) => joined(&template, &second(global, &deciding, args)?),
            };
            let mut enrolment = Enrolment::new(ModelId(tools.model.id().0), &bytes).overwrite(args.overwrite);
            if let Some(note) = &args.consent {
                enrolment = enrolment.consent(Consent::new(note.as_str(), "vouch enroll"));
            }
            let speaker = domain.put_voiceprint(&id, enrolment)?;
            report.generated_speaker_id = Some(speaker.generated_speaker_id.to_string());
            report.status = Some(speaker.status.to_string());
            report.enrolled = true;
            Journal::of(global)?.drain(&domain)?;
            Exit::Success
        }
    };
    out.print(&report, text)?;
    Ok(exit)
}

/// The voiceprint of the network that decides, of the same recordings.
fn second(global: &Global, deciding: &Toolkit, args: &EnrollArgs) -> Result<Template> {
    let one = |path: &PathBuf| -> Result<RecordingEvidence> {
        let recording = deciding.analyse_file(path, &args.input, Wanted::default(), |_| ())?;
        Ok(deciding.evidence(&recording)?)
    };
    let heard = pool(global.threads)?.install(|| args.files.par_iter().map(one).collect::<Result<Vec<_>>>())?;
    Ok(Second::enroll(heard)?)
}

/// Hears recordings of one person, several at once, and adds them to `enroller`.
pub(super) fn listen(
    global: &Global,
    tools: &Toolkit,
    files: &[PathBuf],
    input: &Input,
    enroller: &mut Enroller,
) -> Result<Vec<Recording>> {
    let bar = progress::bar(files.len() as u64, "listening", global.quiet || files.len() < 4);
    let wanted = Wanted { windows: true, ..Wanted::default() };
    let one = |path: &PathBuf| {
        let recording = tools.analyse_file(path, input, wanted, |_| ());
        bar.inc(1);
        Ok(recording?)
    };
    let recordings = pool(global.threads)?.install(|| files.par_iter().map(one).collect::<Result<Vec<_>>>())?;
    bar.finish_and_clear();
    for (path, recording) in files.iter().zip(&recordings) {
        enroller.add(tools.evidence(recording)?).with_context(|| path.display().to_string())?;
    }
    Ok(recordings)
}

fn file_report(path: &std::path::Path, recording: &Recording) -> FileReport {
    FileReport {
        file: path.display().to_string(),
        net_speech_seconds: recording.net_speech_s,
        signal_to_noise_db: recording.quality.snr_db,
        clipped_share: recording.quality.clipped_share,
    }
}

fn text(r: &Report) -> String {
    let mut lines = Vec::new();
    if r.enrolled {
        let agreement = r.agreement.map_or_else(String::new, |a| format!(", recordings agree {a:.2}"));
        lines.push(format!(
            "enrolled {} ({}): {:.1} s of net speech in {} recording(s){agreement}",
            r.customer_speaker_id,
            r.generated_speaker_id.as_deref().unwrap_or("-"),
            r.net_speech_seconds,
            r.files.len()
        ));
    } else {
        lines.push(format!("not enrolled: {}", r.customer_speaker_id));
        for reason in &r.reasons {
            let file = reason.file.as_ref().map_or_else(String::new, |f| format!(" [{f}]"));
            lines.push(format!("  {}{file}", reason.message));
        }
    }
    lines.extend(r.warnings.iter().map(|w| format!("  note: {w}")));
    lines.join("\n")
}
