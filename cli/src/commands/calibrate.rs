//! `vouch calibrate`: what scores mean, fitted on an operator's own pairs.

use anyhow::{Context, Result, bail};
use cli_app::analysis::Toolkit;
use cli_app::report::{self, Evaluation, Heading, ScoredTrial};
use cli_app::trials::Hearing;
use cli_store::{Clock, SystemClock};
use engine::metrics::Bootstrap;
use engine::score::{Conditions, FitTrial, ScoreKind, fit};
use models::calibration;

use crate::args::{CalibrateArgs, Global};
use crate::commands::model::{Table, table_text};
use crate::outcome::{Exit, Output};

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
                conditions: Conditions::new(b.net_speech_s, a.net_speech_s)?,
                enrol_person: person(trial.enrolment)?,
                probe_person: person(trial.probe)?,
            });
        }
    }
    let id = match &args.id {
        Some(id) => id.clone(),
        None => format!("own-{}", SystemClock.now().to_string().split('T').next().unwrap_or_default()),
    };
    let made = fit(&fitted, &id, tools.model.id(), ScoreKind::Cosine)
        .with_context(|| format!("{list_name}: no calibration can be made from it"))?;
    let json = calibration::to_json(&made)?;
    cli_store::write_atomic(&args.out, json.as_bytes())?;

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
    let table = Table::new(&made, failures);
    out.print(&table, |t| format!("{}\nwritten to {}", table_text(t), args.out.display()))?;
    Ok(Exit::Success)
}
