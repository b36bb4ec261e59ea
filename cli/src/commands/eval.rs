//! `vouch eval`: error rates on a trial list.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use cli_app::analysis::Toolkit;
use cli_app::report::{self, Evaluation, Heading, ScoredTrial};
use cli_app::trials::Hearing;
use engine::metrics::Bootstrap;
use engine::score::Conditions;

use super::watchlist_rate as watchlist;
use crate::args::{EvalArgs, Global};
use crate::outcome::{Exit, Output};

pub(super) fn run(global: &Global, out: Output, args: &EvalArgs) -> Result<Exit> {
    // A calibration that is asked for by name must be this network's; without one, cosines still say how well it tells people apart.
    let tools = if global.calibration.is_some() { Toolkit::load(global)? } else { Toolkit::load_network(global)? };
    if tools.calibration.model_id() != tools.model.id() {
        return uncalibrated(&tools, global, out, args);
    }
    let hearing = Hearing::new(&tools, &args.list, global)?;
    let list = &hearing.list;
    let heard = hearing.hear(args.max_speech)?;
    let speaker = |file: u32| hearing.person(file);
    let mut scored = Vec::with_capacity(list.trials().len());
    let mut tsv =
        String::from("label\tenrolment\tprobe\tcosine\tllr\tscore\tenrol_net_s\tprobe_net_s\tenrol_band\tprobe_band\n");
    for trial in list.trials() {
        let (Some(a), Some(b)) = (heard.get(trial.enrolment as usize), heard.get(trial.probe as usize)) else {
            bail!("{}: trial without files", hearing.name());
        };
        let mut outcome = None;
        let mut numbers = String::from("NA\tNA\tNA");
        if let (Some(x), Some(y)) = (&a.embedding, &b.embedding) {
            let cosine = x.cosine(y)?;
            let conditions = Conditions { probe: b.side()?, enrol: a.side()? };
            let (llr, score) =
                (tools.calibration.llr(cosine, conditions)?, tools.calibration.score(cosine, conditions)?);
            numbers = format!("{:.7}\t{:.5}\t{:.4}", cosine.value(), llr.value(), score.exact());
            outcome = Some((llr, score));
        }
        if args.scores.is_some() {
            let file = |i: u32| list.files().get(i as usize).map_or("", String::as_str);
            writeln!(
                tsv,
                "{}\t{}\t{}\t{numbers}\t{:.2}\t{:.2}\t{}\t{}",
                u8::from(trial.target),
                file(trial.enrolment),
                file(trial.probe),
                a.net_speech_s,
                b.net_speech_s,
                a.band,
                b.band
            )?;
        }
        let (enrol_speaker, probe_speaker) = (speaker(trial.enrolment)?, speaker(trial.probe)?);
        scored.push(ScoredTrial { target: trial.target, enrol_speaker, probe_speaker, outcome });
    }
    let mut evaluation = Evaluation::new(&scored, Bootstrap::default()).with_context(|| hearing.name())?;
    for &size in &args.watchlist {
        let found =
            watchlist::measure(&tools, &hearing, &heard, size).with_context(|| format!("--watchlist {size}"))?;
        evaluation.summary.watchlists.push(found);
    }
    if let Some(path) = &args.scores {
        cli_store::write_atomic(path, tsv.as_bytes())?;
    }
    if let Some(path) = &args.report {
        let heading = Heading {
            trials: hearing.file_name(),
            model: tools.model.id().to_string(),
            calibration: tools.calibration.parts().id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let page = report::html(&evaluation, &heading).map_err(|e| anyhow::anyhow!("report: {e}"))?;
        cli_store::write_atomic(path, page.as_bytes())?;
    }
    out.print(&evaluation.summary, text_of)?;
    Ok(Exit::Success)
}

/// What can be said of a network without a calibration: how well its cosines tell people apart.
fn uncalibrated(tools: &Toolkit, global: &Global, out: Output, args: &EvalArgs) -> Result<Exit> {
    if args.report.is_some() || !args.watchlist.is_empty() {
        bail!(
            "--report and --watchlist need scores, and the calibration belongs to model {}, not to {}: give the matching one with \
             --calibration, or make one with `vouch calibrate`",
            tools.calibration.model_id(),
            tools.model.id()
        );
    }
    let hearing = Hearing::new(tools, &args.list, global)?;
    let heard = hearing.hear(args.max_speech)?;
    let (mut trials, mut people) = (Vec::new(), Vec::new());
    let mut tsv = String::from("label\tenrolment\tprobe\tcosine\tenrol_net_s\tprobe_net_s\tenrol_band\tprobe_band\n");
    for trial in hearing.list.trials() {
        let (Some(a), Some(b)) = (heard.get(trial.enrolment as usize), heard.get(trial.probe as usize)) else {
            bail!("{}: trial without files", hearing.name());
        };
        let cosine = match (&a.embedding, &b.embedding) {
            (Some(x), Some(y)) => Some(x.cosine(y)?),
            _ => None,
        };
        if args.scores.is_some() {
            let file = |i: u32| hearing.list.files().get(i as usize).map_or("", String::as_str);
            let cosine = cosine.map_or_else(|| "NA".to_owned(), |c| format!("{:.7}", c.value()));
            let (label, enrolment, probe) = (u8::from(trial.target), file(trial.enrolment), file(trial.probe));
            writeln!(
                tsv,
                "{label}\t{enrolment}\t{probe}\t{cosine}\t{:.2}\t{:.2}\t{}\t{}",
                a.net_speech_s, b.net_speech_s, a.band, b.band
            )?;
        }
        trials.push((trial.target, cosine));
        people.push((hearing.person(trial.enrolment)?, hearing.person(trial.probe)?));
    }
    if let Some(path) = &args.scores {
        cli_store::write_atomic(path, tsv.as_bytes())?;
    }
    let found = report::Uncalibrated::new(&trials, &people, Bootstrap::default()).with_context(|| hearing.name())?;
    out.print(&found, |s| {
        let percent = report::percent;
        let interval = |i: Option<[f64; 2]>, show: &dyn Fn(f64) -> String| {
            i.map_or_else(String::new, |i| format!("  (95 %: {} to {})", show(i[0]), show(i[1])))
        };
        let plain = |v: f64| format!("{v:.3}");
        [
            format!("{} target and {} nontarget trials of {} people", s.targets, s.nontargets, s.speakers),
            format!("{} failures to acquire (too little speech)", s.failures),
            format!("EER        {}{}", percent(s.eer), interval(s.eer_interval, &percent)),
            format!("minDCF     {:.3}{}", s.min_dcf, interval(s.min_dcf_interval, &plain)),
            "this network has no calibration: scores, thresholds and their rates need one (`vouch calibrate`)"
                .to_owned(),
        ]
        .join("\n")
    })?;
    Ok(Exit::Success)
}

fn text_of(s: &report::EvalSummary) -> String {
    let percent = report::percent;
    let interval = |name: &str, show: &dyn Fn(f64) -> String| {
        s.intervals.get(name).map_or_else(String::new, |i| format!("  (95 %: {} to {})", show(i[0]), show(i[1])))
    };
    let plain = |v: f64| format!("{v:.3}");
    let mut lines = vec![
        format!("{} target and {} nontarget trials of {} people", s.targets, s.nontargets, s.speakers),
        format!("{} failures to acquire (too little speech)", s.failures),
        format!("EER        {}{}", percent(s.eer), interval("eer", &percent)),
        format!("minDCF     {:.3}{}", s.min_dcf, interval("min_dcf", &plain)),
        format!("actDCF     {:.3}{}", s.act_dcf, interval("act_dcf", &plain)),
        format!("Cllr       {:.3}{}", s.cllr, interval("cllr", &plain)),
        format!("min Cllr   {:.3}{}", s.min_cllr, interval("min_cllr", &plain)),
    ];
    for t in &s.thresholds {
        lines.push(format!(
            "at {:>3}     FMR {} ({} false matches, {} stated), FNMR {}",
            t.threshold,
            percent(t.fmr),
            t.false_matches,
            percent(t.stated_fmr),
            percent(t.fnmr)
        ));
    }
    for w in &s.watchlists {
        lines.push(format!(
            "watch list of {:>3}: {} of callers who are not on it are flagged at 50 (95 %: {} to {}; 1 % stated)",
            w.people,
            percent(w.flagged_at_50),
            percent(w.interval[0]),
            percent(w.interval[1])
        ));
    }
    lines.join("\n")
}
