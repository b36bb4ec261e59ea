//! `vouch eval`: error rates on a trial list.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::metrics::{Bootstrap, TrialList};
use engine::score::Conditions;
use engine::template::Embedding;
use rayon::prelude::*;

use crate::analysis::{Toolkit, Wanted};
use crate::args::{EvalArgs, Global};
use crate::outcome::{Exit, Output};
use crate::progress;
use crate::report::{self, Evaluation, Heading, ScoredTrial};

/// One file of the list, heard.
struct Heard {
    embedding: Option<Embedding>,
    net_speech_s: f64,
}

pub(super) fn run(global: &Global, out: Output, args: &EvalArgs) -> Result<Exit> {
    let list_name = || args.trials.display().to_string();
    let text = std::fs::read_to_string(&args.trials).with_context(list_name)?;
    let list = TrialList::parse(&text).with_context(list_name)?;
    let root = match &args.root {
        Some(root) => root.clone(),
        None => args.trials.parent().map_or_else(PathBuf::new, Path::to_owned),
    };
    let tools = Toolkit::load(global)?;
    let probes: std::collections::HashSet<u32> = list.trials().iter().map(|t| t.probe).collect();

    let bar = progress::bar(list.files().len() as u64, "listening", global.quiet);
    let listen = |(index, file): (usize, &String)| -> Result<Heard> {
        // Only probes are cut short: the enrolment is what it is.
        let cut = args.max_speech.filter(|_| probes.contains(&(index as u32)));
        let wanted = Wanted { max_speech_s: cut, ..Wanted::default() };
        let recording = tools.analyse_file(&root.join(file), &args.input, wanted, |_| ())?;
        bar.inc(1);
        let enough = recording.net_speech_s >= args.min_speech;
        let embedding = if enough { super::compare::embedding(&tools, &recording)? } else { None };
        Ok(Heard { embedding, net_speech_s: recording.net_speech_s })
    };
    let pool = super::pool(global)?;
    let heard = pool.install(|| list.files().par_iter().enumerate().map(listen).collect::<Result<Vec<_>>>())?;
    bar.finish_and_clear();

    let speaker = |file: u32| -> Result<&str> {
        let path = list.files().get(file as usize).map_or("", String::as_str);
        let part = args.speaker_part.checked_sub(1).and_then(|n| path.split('/').nth(n));
        part.with_context(|| {
            format!("{path}: has no part {} that could name the person (--speaker-part)", args.speaker_part)
        })
    };
    let mut trials = Vec::with_capacity(list.trials().len());
    let mut tsv = String::from("label\tenrolment\tprobe\tcosine\tllr\tscore\tenrol_net_s\tprobe_net_s\n");
    for trial in list.trials() {
        let (Some(a), Some(b)) = (heard.get(trial.enrolment as usize), heard.get(trial.probe as usize)) else {
            bail!("{}: trial without files", list_name());
        };
        let mut outcome = None;
        let mut numbers = String::from("NA\tNA\tNA");
        if let (Some(x), Some(y)) = (&a.embedding, &b.embedding) {
            let cosine = x.cosine(y)?;
            let conditions = Conditions::new(b.net_speech_s, a.net_speech_s)?;
            let (llr, score) =
                (tools.calibration.llr(cosine, conditions)?, tools.calibration.score(cosine, conditions)?);
            numbers = format!("{:.7}\t{:.5}\t{:.4}", cosine.value(), llr.value(), score.exact());
            outcome = Some((llr, score));
        }
        if args.scores.is_some() {
            let file = |i: u32| list.files().get(i as usize).map_or("", String::as_str);
            writeln!(
                tsv,
                "{}\t{}\t{}\t{numbers}\t{:.2}\t{:.2}",
                u8::from(trial.target),
                file(trial.enrolment),
                file(trial.probe),
                a.net_speech_s,
                b.net_speech_s
            )?;
        }
        let (enrol_speaker, probe_speaker) = (speaker(trial.enrolment)?, speaker(trial.probe)?);
        trials.push(ScoredTrial { target: trial.target, enrol_speaker, probe_speaker, outcome });
    }
    let evaluation = Evaluation::new(&trials, Bootstrap::default()).with_context(list_name)?;
    if let Some(path) = &args.scores {
        cli_store::write_atomic(path, tsv.as_bytes())?;
    }
    if let Some(path) = &args.report {
        let heading = Heading {
            trials: args.trials.file_name().map_or_else(list_name, |n| n.to_string_lossy().into_owned()),
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
    lines.join("\n")
}
