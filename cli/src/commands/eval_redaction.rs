//! `vouch eval-redaction`: how much of what is personal is found on labelled calls.

use anyhow::Result;
use cli_app::redact::evaluate::{Evaluation, Row, Share, evaluate};
use cli_app::redact::request::Wanted;
use cli_app::report::percent;

use crate::args::{EvalRedactionArgs, Global};
use crate::outcome::{Exit, Output, columns};
use crate::progress;

pub(super) fn run(global: &Global, out: Output, args: &EvalRedactionArgs) -> Result<Exit> {
    let spinner = progress::bar(0, "calls", global.quiet);
    let found = evaluate(&args.list, &Wanted::from(&args.sought), |calls| spinner.set_position(calls as u64))?;
    spinner.finish_and_clear();
    out.print(&found, text)?;
    Ok(Exit::Success)
}

fn share(s: &Share) -> [String; 2] {
    let interval = |i: [f64; 2]| format!("{} to {}", percent(i[0]), percent(i[1]));
    [s.share.map_or_else(String::new, percent), s.interval.map_or_else(String::new, interval)]
}

fn text(found: &Evaluation) -> String {
    let heading = ["kind", "items", "silenced", "95 %", "named", "found", "precision", "95 %"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    for Row { entity, silenced, named, precision } in &found.kinds {
        let [[silent, around], [known, _], [right, near]] = [share(silenced), share(named), share(precision)];
        let counts = [silenced.of, precision.of].map(|n| n.to_string());
        let [items, all] = counts;
        rows.push(vec![entity.clone(), items, silent, around, known, all, right, near]);
    }
    let [lost, around] = share(&found.words_lost);
    format!(
        "{} calls\n\n{}\n{} of {} words that are nobody's are silenced: {lost} ({around})",
        found.calls,
        columns(&rows),
        found.words_lost.count,
        found.words_lost.of
    )
}
