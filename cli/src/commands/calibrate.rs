//! `vouch calibrate`: what scores mean, fitted on an operator's own pairs.

use anyhow::{Context, Result, bail};
use cli_app::analysis::Toolkit;
use cli_app::report::{self, Evaluation, Heading, ScoredTrial};
use cli_app::trials::Hearing;
use cli_store::{Clock, SystemClock};
use engine::metrics::Bootstrap;
use engine::score::{Calibration, Conditions, FitTrial, ScoreKind, TableRow, fit};
use models::calibration;
use serde::Serialize;

use crate::args::{CalibrateArgs, Global};
use crate::commands::model::{Table, table_text};
use crate::outcome::{Exit, Output, columns};

pub(super) fn run(global: &Global, out: Output, args: &CalibrateArgs) -> Result<Exit> {
    let tools = Toolkit::load_network(global)?;
    let hearing = Hearing::new(&tools, &args.list, global)?;
    let list_name = hearing.name();
    let person = |file: u32| hearing.person(file);
    let (mut fitted, mut failures) = (Vec::new(), 0);
    let cuts = std::iter::once(None).chain(args.cut.iter().copied().map(Some));
    let mut whole = Vec::new();
    for cut in cuts {
        let heard = hearing.hear_beside(cut, &whole)?;
        if whole.is_empty() {
            whole.clone_from(&heard);
        }
        for trial in hearing.list.trials() {
            let (Some(a), Some(b)) = (heard.get(trial.enrolment as usize), heard.get(trial.probe as usize)) else {
                bail!("{list_name}: trial without files");
            };
            let (Some(x), Some(y)) = (&a.embedding, &b.embedding) else {
                failures += 1;
                continue;
            };
            fitted.push(FitTrial {
                target: trial.target,
                value: x.cosine(y)?.value(),
                conditions: Conditions { probe: b.side()?, enrol: a.side()? },
                enrol_person: person(trial.enrolment)?,
                probe_person: person(trial.probe)?,
            });
        }
    }
    let id = match &args.id {
        Some(id) => id.clone(),
        None => format!("own-{}", SystemClock.now().to_string().split('T').next().unwrap_or_default()),
    };
    let present = (tools.calibration.model_id() == tools.model.id()).then_some(&*tools.calibration);
    let made = fit(&fitted, &id, tools.model.id(), ScoreKind::Cosine, present.filter(|_| !args.alone))
        .with_context(|| format!("{list_name}: no calibration can be made from it"))?;
    if let Some(path) = &args.out {
        cli_store::write_atomic(path, calibration::to_json(&made)?.as_bytes())?;
    }

    if let Some(path) = &args.report {
        let mut scored = Vec::with_capacity(fitted.len());
        for t in &fitted {
            let cosine = engine::score::Cosine::new(t.value, tools.model.id())?;
            let outcome = Some((made.llr(cosine, t.conditions)?, made.score(cosine, t.conditions)?));
            let (enrol_speaker, probe_speaker) = (t.enrol_person, t.probe_person);
            scored.push(ScoredTrial { target: t.target, enrol_speaker, probe_speaker, outcome });
        }
        let evaluation = Evaluation::new(&scored, Bootstrap::default()).context(list_name)?;
        let heading = Heading {
            trials: hearing.file_name(),
            model: tools.model.id().to_string(),
            calibration: id,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let page = report::html(&evaluation, &heading).map_err(|e| anyhow::anyhow!("report: {e}"))?;
        cli_store::write_atomic(path, page.as_bytes())?;
    }
    let report = Report {
        made: Table::new(&made, failures),
        present: present.map(|present| Present::new(present, &made, &fitted)).transpose()?,
    };
    out.print(&report, |r| {
        let mut text = table_text(&r.made);
        if let Some(present) = &r.present {
            text.push_str(&present.text());
        }
        match &args.out {
            Some(path) => text.push_str(&format!("\nwritten to {}", path.display())),
            None => text.push_str("\nnothing was written"),
        }
        text
    })?;
    Ok(Exit::Success)
}

/// What was made, beside what there is.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    made: Table,
    /// The network's present calibration on the same trials.
    #[serde(skip_serializing_if = "Option::is_none")]
    present: Option<Present>,
}

#[derive(Serialize)]
struct Present {
    calibration_id: String,
    table: Vec<Rates>,
}

/// Error rates at a threshold, now and with the calibration that was made.
#[derive(Serialize)]
struct Rates {
    threshold: u8,
    fmr: f64,
    fnmr: f64,
    #[serde(skip)]
    made: [f64; 2],
}

impl Present {
    fn new(present: &Calibration, made: &Calibration, trials: &[FitTrial<'_>]) -> Result<Self> {
        let mut scores = Vec::with_capacity(trials.len());
        for t in trials {
            let cosine = engine::score::Cosine::new(t.value, present.model_id())?;
            scores.push((t.target, present.score(cosine, t.conditions)?.value()));
        }
        let share = |target: bool, wrong: &dyn Fn(u8) -> bool| {
            let of = || scores.iter().filter(|s| s.0 == target);
            of().filter(|s| wrong(s.1)).count() as f64 / of().count().max(1) as f64
        };
        let row = |row: &TableRow| {
            let threshold = row.threshold.value();
            Rates {
                threshold,
                fmr: share(false, &|score| score >= threshold),
                fnmr: share(true, &|score| score < threshold),
                made: [row.fmr, row.fnmr],
            }
        };
        Ok(Self {
            calibration_id: present.id().to_owned(),
            table: made.table().iter().filter(|r| r.threshold.value() >= 50).map(row).collect(),
        })
    }

    fn text(&self) -> String {
        let mut rows = vec![["threshold", "FMR now", "then", "FNMR now", "then"].map(String::from).to_vec()];
        for r in &self.table {
            let mut row = vec![r.threshold.to_string()];
            row.extend([r.fmr, r.made[0], r.fnmr, r.made[1]].map(report::percent));
            rows.push(row);
        }
        format!("\nwhat changes on these trials, from {}:\n\n{}", self.calibration_id, columns(&rows))
    }
}
