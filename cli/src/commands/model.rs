//! `vouch model`: what the network is, and what its scores state.

use anyhow::Result;
use serde::Serialize;

use crate::analysis::Toolkit;
use crate::args::{Global, ModelCommand};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
struct Row {
    threshold: u8,
    stated_fmr: f64,
    fmr: f64,
    fmr_interval: [f64; 2],
    fnmr: f64,
    fnmr_interval: [f64; 2],
    extrapolated: bool,
}

#[derive(Serialize)]
struct Report {
    model_id: String,
    family: String,
    dim: usize,
    speaker_parameters: usize,
    detector_parameters: usize,
    macs_per_second: u64,
    backend: &'static str,
    samp_freq: u32,
    num_mel_bins: usize,
    about: Vec<(String, String)>,
    calibration_id: String,
    targets: u64,
    nontargets: u64,
    people: u64,
    table: Vec<Row>,
}

pub(super) fn run(global: &Global, out: Output, command: &ModelCommand) -> Result<Exit> {
    let ModelCommand::Describe = command;
    let tools = Toolkit::load(global)?;
    let info = tools.model.describe();
    let parts = tools.calibration.parts();
    let report = Report {
        model_id: info.id.to_string(),
        family: info.family,
        dim: info.dim,
        speaker_parameters: info.parameters[0],
        detector_parameters: info.parameters[1],
        macs_per_second: info.macs_per_second,
        backend: info.backend.name(),
        samp_freq: info.front_end.samp_freq,
        num_mel_bins: info.front_end.num_mel_bins,
        about: info.about,
        calibration_id: parts.id.clone(),
        targets: parts.domain.targets,
        nontargets: parts.domain.nontargets,
        people: parts.domain.speakers,
        table: parts
            .table
            .iter()
            .map(|r| Row {
                threshold: r.threshold.value(),
                stated_fmr: r.threshold.fmr(),
                fmr: r.fmr,
                fmr_interval: r.fmr_interval,
                fnmr: r.fnmr,
                fnmr_interval: r.fnmr_interval,
                extrapolated: r.extrapolated,
            })
            .collect(),
    };
    out.print(&report, text)?;
    Ok(Exit::Success)
}

fn text(r: &Report) -> String {
    let facts = [
        ("model", r.model_id.clone()),
        ("architecture", format!("{}, {} parameters, embedding of {}", r.family, r.speaker_parameters, r.dim)),
        ("speech detector", format!("{} parameters", r.detector_parameters)),
        ("cost", format!("{:.3} GMAC per second of audio, on {}", r.macs_per_second as f64 / 1e9, r.backend)),
        ("front end", format!("{} mel bins at {} Hz", r.num_mel_bins, r.samp_freq)),
        ("calibration", r.calibration_id.clone()),
        ("fitted on", format!("{} people, {} target and {} nontarget trials", r.people, r.targets, r.nontargets)),
    ];
    let mut out = columns(&facts.map(|(k, v)| vec![k.to_owned(), v]));
    for (key, value) in &r.about {
        out.push_str(&format!("{key}: {value}\n"));
    }
    let percent = crate::report::percent;
    let mut rows = vec![["threshold", "stated FMR", "FMR", "95 %", "FNMR", "95 %", ""].map(String::from).to_vec()];
    for row in &r.table {
        let interval = |i: [f64; 2]| format!("{} to {}", percent(i[0]), percent(i[1]));
        rows.push(vec![
            row.threshold.to_string(),
            percent(row.stated_fmr),
            percent(row.fmr),
            interval(row.fmr_interval),
            percent(row.fnmr),
            interval(row.fnmr_interval),
            if row.extrapolated { "extrapolated" } else { "" }.to_owned(),
        ]);
    }
    out.push('\n');
    out.push_str(&columns(&rows));
    out
}
