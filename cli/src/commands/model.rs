//! `vouch model`: what the network is, what its scores state, and whether it is whole.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use engine::audio::SampleRate;
use engine::score::Calibration;
use engine::session::{Session, SessionConfig};
use models::{Backend, Model, Precision};
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

/// A calibration, as it is printed.
#[derive(Serialize)]
pub(super) struct Table {
    calibration_id: String,
    calibration_model_id: String,
    targets: u64,
    nontargets: u64,
    people: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<usize>,
    table: Vec<Row>,
}

impl Table {
    pub(super) fn new(calibration: &Calibration, failures: impl Into<Option<usize>>) -> Self {
        let parts = calibration.parts();
        Self {
            calibration_id: parts.id.clone(),
            calibration_model_id: parts.model.to_string(),
            targets: parts.domain.targets,
            nontargets: parts.domain.nontargets,
            people: parts.domain.speakers,
            failures: failures.into(),
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
        }
    }
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
    precision: &'static str,
    samp_freq: u32,
    num_mel_bins: usize,
    about: Vec<(String, String)>,
    #[serde(flatten)]
    calibration: Table,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Verified {
    model_id: String,
    calibration_id: String,
    backends: Vec<&'static str>,
    int8_cosine: f64,
}

pub(super) fn run(global: &Global, out: Output, command: &ModelCommand) -> Result<Exit> {
    match command {
        ModelCommand::Describe => describe(global, out),
        ModelCommand::Verify { file } => verify(global, out, file.clone()),
    }
}

fn describe(global: &Global, out: Output) -> Result<Exit> {
    let tools = Toolkit::load(global)?;
    let info = tools.model.describe();
    let report = Report {
        model_id: info.id.to_string(),
        family: info.family,
        dim: info.dim,
        speaker_parameters: info.parameters[0],
        detector_parameters: info.parameters[1],
        macs_per_second: info.macs_per_second,
        backend: info.backend.name(),
        precision: info.precision.name(),
        samp_freq: info.front_end.samp_freq,
        num_mel_bins: info.front_end.num_mel_bins,
        about: info.about,
        calibration: Table::new(&tools.calibration, None),
    };
    out.print(&report, text)?;
    Ok(Exit::Success)
}

/// Two seconds of a buzz whose pitch and colour wander: enough like a voice to be taken for one.
fn buzz() -> Vec<f32> {
    let tau = std::f32::consts::TAU;
    let mut phase = 0.0f32;
    (0..16_000)
        .map(|i| {
            let t = i as f32 / 8_000.0;
            phase = (phase + (130.0 + 20.0 * (tau * 0.7 * t).sin()) / 8_000.0).fract();
            let colour = 700.0 + 500.0 * (tau * 1.9 * t).sin();
            let part = |h: f32| {
                let weight = 1.0 / h + 0.6 * (-((h * 130.0 - colour) / 250.0).powi(2)).exp();
                weight * (tau * (phase * h).fract()).sin()
            };
            0.05 * (1..25).map(|h| part(h as f32)).sum::<f32>() * (0.55 + 0.45 * (tau * 4.0 * t).sin())
        })
        .collect()
}

fn embed(model: &Model) -> Result<Vec<f32>> {
    let config = SessionConfig::new(SampleRate::TELEPHONE);
    let mut session = Session::new(config, model.embedder(), model.detector())?;
    session.push(&buzz())?;
    session.finish();
    let mut embedding = vec![0.0; model.dim()];
    if !session.embedding(&mut embedding) {
        bail!("the speech detector finds no speech in the signal of the self-test");
    }
    Ok(embedding)
}

/// Reads a container with all its checks, and runs the network on every instruction set of this machine.
fn verify(global: &Global, out: Output, file: Option<PathBuf>) -> Result<Exit> {
    let global = Global { model: file.or_else(|| global.model.clone()), ..global.clone() };
    let name = global.model.as_ref().map_or_else(|| "built-in network".to_owned(), |p| p.display().to_string());
    let bytes = match &global.model {
        Some(path) => std::fs::read(path).with_context(|| name.clone())?,
        None => models::default_weights().to_vec(),
    };
    let tools = Toolkit::load(&global)?;
    let mut backends = Vec::new();
    let mut first: Option<Vec<f32>> = None;
    let mut cosine = 1.0;
    for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
        let with = |precision| -> Result<Vec<f32>> {
            embed(&Model::with_backend(&bytes, backend, precision)?).with_context(|| name.clone())
        };
        let (exact, rounded) = (with(Precision::F32)?, with(Precision::Int8)?);
        cosine = exact.iter().zip(&rounded).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        if cosine.is_nan() || cosine <= 0.98 {
            bail!("{name}: in 8 bits the embedding has a cosine of only {cosine:.4} with that in 32");
        }
        let same = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
        if !same(first.get_or_insert_with(|| exact.clone()), &exact) {
            bail!("{name}: {} gives another embedding than {}", backend.name(), backends.join(" and "));
        }
        backends.push(backend.name());
    }
    let verified = Verified {
        model_id: tools.model.id().to_string(),
        calibration_id: tools.calibration.id().to_owned(),
        backends,
        int8_cosine: cosine,
    };
    out.print(&verified, |v| {
        format!(
            "{name}: whole, {}; calibration {} is its own; the same embedding on {}; 8 bits keep a cosine of {:.4}",
            v.model_id,
            v.calibration_id,
            v.backends.join(", "),
            v.int8_cosine
        )
    })?;
    Ok(Exit::Success)
}

fn text(r: &Report) -> String {
    let facts = [
        ("model", r.model_id.clone()),
        ("architecture", format!("{}, {} parameters, embedding of {}", r.family, r.speaker_parameters, r.dim)),
        ("speech detector", format!("{} parameters", r.detector_parameters)),
        (
            "cost",
            format!("{:.3} GMAC per second of audio, {} on {}", r.macs_per_second as f64 / 1e9, r.precision, r.backend),
        ),
        ("front end", format!("{} mel bins at {} Hz", r.num_mel_bins, r.samp_freq)),
    ];
    let mut out = columns(&facts.map(|(k, v)| vec![k.to_owned(), v]));
    for (key, value) in &r.about {
        out.push_str(&format!("{key}: {value}\n"));
    }
    out.push_str(&table_text(&r.calibration));
    out
}

/// What each threshold states, and what was measured.
pub(super) fn table_text(t: &Table) -> String {
    let failures = t.failures.map_or_else(String::new, |n| format!(", {n} failures to acquire"));
    let mut out = format!(
        "calibration {}, fitted on {} people, {} target and {} nontarget trials{failures}\n\n",
        t.calibration_id, t.people, t.targets, t.nontargets
    );
    let percent = crate::report::percent;
    let mut rows = vec![["threshold", "stated FMR", "FMR", "95 %", "FNMR", "95 %", ""].map(String::from).to_vec()];
    for row in &t.table {
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
    out.push_str(&columns(&rows));
    out
}
