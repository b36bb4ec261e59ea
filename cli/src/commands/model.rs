//! `vouch model`: what the network is, what its scores state, and whether it is whole.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use engine::audio::SampleRate;
use engine::score::Calibration;
use engine::session::{Session, SessionConfig};
use models::{Backend, Model, Precision};
use serde::Serialize;

#[cfg(feature = "onnx")]
use crate::args::ImportArgs;
use crate::args::{Global, ModelCommand};
use crate::outcome::{Exit, Output, columns};
use cli_app::analysis::Toolkit;
#[cfg(feature = "onnx")]
use cli_app::analysis::{CALIBRATION_FILE, MODEL_FILE};
#[cfg(feature = "onnx")]
use cli_app::second::{SECOND_CALIBRATION_FILE, SECOND_MODEL_FILE};

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
    macs_per_second: Option<u64>,
    backend: &'static str,
    precision: &'static str,
    samp_freq: u32,
    num_mel_bins: usize,
    imported: bool,
    detector_id: String,
    about: Vec<(String, String)>,
    #[serde(flatten)]
    calibration: Option<Table>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Verified {
    model_id: String,
    calibration_id: String,
    backends: Vec<&'static str>,
    /// `None` for an imported network, which has no 8 bits of ours.
    int8_cosine: Option<f64>,
}

pub(super) fn run(global: &Global, out: Output, command: &ModelCommand) -> Result<Exit> {
    match command {
        ModelCommand::Describe => describe(global, out),
        ModelCommand::Verify { file } => verify(global, out, file.clone()),
        #[cfg(feature = "onnx")]
        ModelCommand::Import(args) => import(global, out, args),
    }
}

fn describe(global: &Global, out: Output) -> Result<Exit> {
    let tools = Toolkit::load_network(global)?;
    let calibrated = tools.calibration.model_id() == tools.model.id();
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
        samp_freq: info.input.0,
        num_mel_bins: info.input.1,
        imported: info.imported,
        detector_id: info.detector.to_string(),
        about: info.about,
        calibration: calibrated.then(|| Table::new(&tools.calibration, None)),
    };
    out.print(&report, text)?;
    Ok(Exit::Success)
}

/// Seconds of the self-test's signal: enough for a network of our own, and for imported ones that take no less than a chunk.
const BUZZ_S: usize = 2;
const BUZZ_IMPORTED_S: usize = 12;

/// A buzz whose pitch and colour wander: enough like a voice to be taken for one.
fn buzz(seconds: usize) -> Vec<f32> {
    let tau = std::f32::consts::TAU;
    let mut phase = 0.0f32;
    (0..8_000 * seconds)
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
    let seconds = if model.describe().imported { BUZZ_IMPORTED_S } else { BUZZ_S };
    session.push(&buzz(seconds))?;
    session.finish();
    let mut embedding = vec![0.0; model.dim()];
    if !session.embedding(&mut embedding) {
        bail!(
            "no embedding from the self-test's {seconds} s: the speech detector finds no speech in them, or the network takes \
             only longer stretches (chunk_s)"
        );
    }
    Ok(embedding)
}

/// The cosine of an embedding in 8 bits with that in 32, which must be near 1.
fn near(exact: &[f32], rounded: &[f32]) -> Result<f64> {
    let cosine = exact.iter().zip(rounded).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    if cosine.is_nan() || cosine <= 0.98 {
        bail!("in 8 bits the embedding has a cosine of only {cosine:.4} with that in 32");
    }
    Ok(cosine)
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
    let mut int8_cosine = None;
    let imported = tools.model.describe().imported;
    for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
        let with = |precision| -> Result<Vec<f32>> {
            embed(&Model::with_backend(&bytes, backend, precision)?).with_context(|| name.clone())
        };
        let exact = with(Precision::F32)?;
        if !imported {
            int8_cosine = Some(near(&exact, &with(Precision::Int8)?).with_context(|| name.clone())?);
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
        int8_cosine,
    };
    out.print(&verified, |v| {
        format!(
            "{name}: whole, {}; calibration {} is its own; the same embedding on {}{}",
            v.model_id,
            v.calibration_id,
            v.backends.join(", "),
            v.int8_cosine.map_or_else(String::new, |c| format!("; 8 bits keep a cosine of {c:.4}"))
        )
    })?;
    Ok(Exit::Success)
}

#[cfg(feature = "onnx")]
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Imported {
    model_id: String,
    dim: usize,
    parameters: usize,
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<PathBuf>,
    real_time_factor: f64,
    about: Vec<(String, String)>,
}

/// Tries a network that was trained elsewhere, and writes it into a container.
#[cfg(feature = "onnx")]
fn import(global: &Global, out: Output, args: &ImportArgs) -> Result<Exit> {
    let file = match &args.out {
        Some(path) => path.clone(),
        None if global.domain.is_dir() => global.domain.join(if args.decides { SECOND_MODEL_FILE } else { MODEL_FILE }),
        None => bail!(
            "{}: no domain there; make one with `vouch domain create`, or give --out FILE",
            global.domain.display()
        ),
    };
    if args.from.is_none() && known(&args.network).is_ok() {
        bail!("{}: give the package that holds it with --from", args.network.display());
    }
    let source = args.from.as_ref().unwrap_or(&args.network);
    let name = source.display().to_string();
    let bytes = std::fs::read(source).with_context(|| name.clone())?;
    let short = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let about = [("imported from".to_owned(), short)];
    let detector = models::default_weights();
    let known = args.from.is_some().then(|| known(&args.network)).transpose()?;
    let bytes = match &known {
        Some(known) => known.import(&bytes, detector, &about),
        None => models::onnx::import(&bytes, &front_end(args)?, detector, &about),
    }
    .with_context(|| name.clone())?;
    let model = Model::from_bytes(&bytes).with_context(|| name.clone())?;
    let start = std::time::Instant::now();
    embed(&model).with_context(|| name)?;
    let real_time_factor = start.elapsed().as_secs_f64() / BUZZ_IMPORTED_S as f64;
    let calibration = known.as_ref().and_then(|k| k.calibration(&model));
    cli_store::write_atomic(&file, &bytes)?;
    let calibration_file = match (&calibration, &args.out) {
        (None, _) => None,
        (Some(_), Some(out)) => Some(out.with_extension("calibration.json")),
        (Some(_), None) if args.decides => Some(global.domain.join(SECOND_CALIBRATION_FILE)),
        (Some(_), None) => Some(global.domain.join(CALIBRATION_FILE)),
    };
    if let (Some(path), Some(json)) = (&calibration_file, &calibration) {
        cli_store::write_atomic(path, json.as_bytes())?;
    }
    let info = model.describe();
    let imported = Imported {
        model_id: info.id.to_string(),
        dim: info.dim,
        parameters: info.parameters[0],
        file,
        calibration: calibration_file,
        real_time_factor,
        about: info.about,
    };
    out.print(&imported, |i| {
        let mut lines = vec![format!(
            "{}: model {}, {} parameters, embedding of {}, {:.3} of real time",
            i.file.display(),
            i.model_id,
            i.parameters,
            i.dim,
            i.real_time_factor
        )];
        lines.extend(i.about.iter().map(|(key, value)| format!("{key}: {value}")));
        lines.push(match &i.calibration {
            Some(path) => format!("{}: what its scores mean, as fitted by us", path.display()),
            None => "its scores mean nothing yet: make a calibration with `vouch calibrate`".to_owned(),
        });
        lines.join("\n")
    })?;
    Ok(Exit::Success)
}

/// The network of a name.
#[cfg(feature = "onnx")]
fn known(name: &std::path::Path) -> Result<models::campplus::import::Known> {
    let known = models::campplus::import::known();
    let names: Vec<&str> = known.iter().map(|k| k.name).collect();
    let names = names.join(", ");
    let found = known.into_iter().find(|k| name.as_os_str() == k.name);
    found.with_context(|| format!("{}: no network of this name; --from takes {names}", name.display()))
}

/// How an ONNX graph is fed.
#[cfg(feature = "onnx")]
fn front_end(args: &ImportArgs) -> Result<models::onnx::OnnxConfig> {
    let mut settings = serde_json::Map::new();
    if let Some(path) = &args.front_end {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
        settings = toml::from_str(&text).with_context(|| name)?;
    }
    if let Some(preset) = &args.preset {
        settings.insert("preset".to_owned(), preset.as_str().into());
    }
    let source = args.front_end.as_ref().map_or_else(|| "--preset".to_owned(), |p| p.display().to_string());
    let config = models::onnx::OnnxConfig::from_settings(settings.into()).with_context(|| source)?;
    Ok(config)
}

fn text(r: &Report) -> String {
    let facts = [
        ("model", r.model_id.clone()),
        ("architecture", format!("{}, {} parameters, embedding of {}", r.family, r.speaker_parameters, r.dim)),
        ("speech detector", format!("{} parameters", r.detector_parameters)),
        (
            "cost",
            match r.macs_per_second {
                Some(macs) if r.imported => {
                    format!("{:.3} GMAC per second of net speech, {} on {}", macs as f64 / 1e9, r.precision, r.backend)
                }
                Some(macs) => {
                    format!("{:.3} GMAC per second of audio, {} on {}", macs as f64 / 1e9, r.precision, r.backend)
                }
                None => "unknown (imported; run by rten)".to_owned(),
            },
        ),
        ("front end", format!("{} mel bins at {} Hz", r.num_mel_bins, r.samp_freq)),
    ];
    let mut out = columns(&facts.map(|(k, v)| vec![k.to_owned(), v]));
    for (key, value) in &r.about {
        out.push_str(&format!("{key}: {value}\n"));
    }
    match &r.calibration {
        Some(table) => out.push_str(&table_text(table)),
        None => out.push_str("no calibration: its scores mean nothing yet; make one with `vouch calibrate`\n"),
    }
    out
}

/// What each threshold states, and what was measured.
pub(super) fn table_text(t: &Table) -> String {
    let failures = t.failures.map_or_else(String::new, |n| format!(", {n} failures to acquire"));
    let mut out = format!(
        "calibration {}, fitted on {} people, {} target and {} nontarget trials{failures}\n\n",
        t.calibration_id, t.people, t.targets, t.nontargets
    );
    let percent = cli_app::report::percent;
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
