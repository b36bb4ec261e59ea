//! The page that shows an evaluation: one file, no scripts, nothing fetched.

use std::fmt::Write;

use plotters::style::RGBColor;

use super::escape::escape;
use super::{Evaluation, percent, plot};

/// What the page says about where the figures come from.
#[derive(Clone, Debug, Default)]
pub struct Heading {
    /// Name of the trial list.
    pub trials: String,
    /// The network.
    pub model: String,
    /// The calibration.
    pub calibration: String,
    /// Version of the program.
    pub version: String,
}

/// Writes an evaluation as a self-contained HTML page, readable on light and dark screens.
///
/// # Errors
/// A plot cannot be drawn.
pub fn html(evaluation: &Evaluation, heading: &Heading) -> Result<String, Box<dyn std::error::Error>> {
    let s = &evaluation.summary;
    let title = format!("Evaluation of {}", heading.trials);
    let mut out = String::with_capacity(1 << 16);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light \
         dark\">\n<title>{0}</title>\n<style>\n{STYLE}{1}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n",
        escape(&title),
        dark(),
    )?;
    writeln!(
        out,
        "<p class=\"about\">Model <code>{}</code> · calibration <code>{}</code> · vouch {}</p>",
        escape(&heading.model),
        escape(&heading.calibration),
        escape(&heading.version),
    )?;
    let lead = |value: String, name: &str, note: String| {
        format!("<div><b>{value}</b><span>{name}</span><small>{note}</small></div>\n")
    };
    let at_90 = s.thresholds.iter().find(|t| t.threshold == 90);
    writeln!(out, "<section class=\"lead\">")?;
    out += &lead(percent(s.eer), "equal error rate", interval(evaluation, "eer", percent));
    out += &lead(format!("{:.3}", s.min_cllr), "min Cllr (bits)", format!("actual {:.3}", s.cllr));
    if let Some(t) = at_90 {
        let scored = s.nontargets - (s.failures - s.failed_targets);
        let note = format!("stated {} · {} of {scored}", percent(t.stated_fmr), t.false_matches);
        out += &lead(percent(t.fmr), "false matches at 90", note);
        out += &lead(percent(t.fnmr), "false non-matches at 90", interval(evaluation, "fnmr_at_90", percent));
    }
    writeln!(out, "</section>")?;

    writeln!(out, "<section class=\"plots\">")?;
    for (svg, caption) in [
        (
            plot::det(evaluation)?,
            "Every threshold on the log-likelihood ratio, on normal-deviate axes; lower left is better. Dots: scores of 50, 70, 90 \
             and 95. A rate of 0 lies on the frame.",
        ),
        (
            plot::histograms(evaluation)?,
            "Scores of the same person and of different people, each as a share of its own trials. Lines: thresholds of 50, 70, 90 \
             and 95.",
        ),
    ] {
        writeln!(out, "<figure>\n{svg}\n<figcaption>{caption}</figcaption>\n</figure>")?;
    }
    writeln!(out, "</section>")?;
    tables(&mut out, evaluation)?;
    out += "</main>\n</body>\n</html>\n";
    Ok(out)
}

fn tables(out: &mut String, evaluation: &Evaluation) -> std::fmt::Result {
    let s = &evaluation.summary;
    writeln!(out, "<section class=\"tables\">\n<table>\n<caption>Over all thresholds</caption>")?;
    writeln!(
        out,
        "<thead><tr><th scope=\"col\">Figure</th><th scope=\"col\">Value</th><th scope=\"col\">95 % interval</th></tr></thead>\n<tbody>"
    )?;
    let plain = |v: f64| format!("{v:.3}");
    let mut row = |name: &str, value: String, interval: String| {
        writeln!(out, "<tr><th scope=\"row\">{name}</th><td>{value}</td><td>{interval}</td></tr>")
    };
    row("Equal error rate", percent(s.eer), interval(evaluation, "eer", percent))?;
    if let Some(eer) = s.eer_with_failures {
        row("Equal error rate, failures rejected", percent(eer), String::new())?;
    }
    row("minDCF (p_target 0.01)", plain(s.min_dcf), interval(evaluation, "min_dcf", plain))?;
    row("actDCF (p_target 0.01)", plain(s.act_dcf), interval(evaluation, "act_dcf", plain))?;
    row("min Cllr", plain(s.min_cllr), interval(evaluation, "min_cllr", plain))?;
    row("Cllr", plain(s.cllr), interval(evaluation, "cllr", plain))?;
    writeln!(out, "</tbody>\n</table>")?;

    writeln!(
        out,
        "<table>\n<caption>Trials</caption>\n<thead><tr><th scope=\"col\">Kind</th><th scope=\"col\">In the list</th><th scope=\"col\">Without a score</th></tr></thead>\n<tbody>"
    )?;
    for (name, all, failed) in [
        ("Same person (targets)", s.targets, s.failed_targets),
        ("Different people (nontargets)", s.nontargets, s.failures.saturating_sub(s.failed_targets)),
    ] {
        writeln!(out, "<tr><th scope=\"row\">{name}</th><td>{all}</td><td>{failed}</td></tr>")?;
    }
    writeln!(
        out,
        "</tbody>\n<tfoot><tr><th scope=\"row\">People</th><td>{}</td><td></td></tr></tfoot>\n</table>\n</section>",
        s.speakers
    )?;

    writeln!(
        out,
        "<section>\n<div class=\"scroll\">\n<table>\n<caption>At a threshold</caption>\n<thead><tr><th scope=\"col\">Threshold</th><th scope=\"col\">Stated FMR</th><th scope=\"col\">FMR</th><th scope=\"col\">95 % interval</th><th scope=\"col\">False matches</th><th scope=\"col\">FNMR</th><th scope=\"col\">95 % interval</th><th scope=\"col\">False non-matches</th><th scope=\"col\">FAR</th><th scope=\"col\">FRR</th></tr></thead>\n<tbody>"
    )?;
    for t in &s.thresholds {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            t.threshold,
            percent(t.stated_fmr),
            percent(t.fmr),
            interval(evaluation, &format!("fmr_at_{}", t.threshold), percent),
            t.false_matches,
            percent(t.fnmr),
            interval(evaluation, &format!("fnmr_at_{}", t.threshold), percent),
            t.false_nonmatches,
            percent(t.far),
            percent(t.frr),
        )?;
    }
    writeln!(
        out,
        "</tbody>\n</table>\n</div>\n<p class=\"notes\">FMR and FNMR: per comparison, over trials with a score. FAR and FRR: per \
         transaction, trials without a score counted as rejections. The equal error rate is the mean of FMR and FNMR where they are \
         nearest, without interpolation. Intervals: 2.5 and 97.5 per cent points over resampled people, not trials; where no error \
         was seen the upper end is 3 over the number of trials, and the true rate may still be higher, for trials share \
         people.</p>\n</section>",
    )
}

fn interval(evaluation: &Evaluation, name: &str, print: impl Fn(f64) -> String) -> String {
    let interval = evaluation.summary.intervals.get(name);
    interval.map(|&[low, high]| format!("{} – {}", print(low), print(high))).unwrap_or_default()
}

/// Colours of the plots on dark screens.
fn dark() -> String {
    let mut rules = String::from("@media (prefers-color-scheme: dark) {\n");
    for (RGBColor(r, g, b), name) in [
        (plot::INK, "ink"),
        (plot::MUTED, "muted"),
        (plot::GRID, "grid"),
        (plot::TARGET, "target"),
        (plot::NONTARGET, "nontarget"),
    ] {
        for property in ["fill", "stroke"] {
            rules += &format!("svg [{property}=\"#{r:02X}{g:02X}{b:02X}\"] {{ {property}: var(--{name}) }}\n");
        }
    }
    rules + "}\n"
}

const STYLE: &str = "\
:root { --page: #fff; --card: #f9fafb; --ink: #1f2937; --muted: #6b7280; --grid: #e5e7eb; --target: #2563eb; --nontarget: #d97706 }
@media (prefers-color-scheme: dark) {
:root { --page: #0f1419; --card: #171d24; --ink: #e5e7eb; --muted: #9ca3af; --grid: #323c48; --target: #6ea8fe; --nontarget: #f6b04a }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 48px }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere }
.about { color: var(--muted); margin: 0 0 24px; overflow-wrap: anywhere }
code { font-size: 0.9em }
.lead { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 16px; margin-bottom: 24px }
.lead div { background: var(--card); border: 1px solid var(--grid); border-radius: 10px; padding: 14px 18px }
.lead b { display: block; font-size: 28px; line-height: 1.2 }
.lead span, .lead small { display: block }
.lead small { color: var(--muted); min-height: 1.5em }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 24px }
figure { margin: 0 }
figure svg { display: block; width: 100%; height: auto }
figcaption, .notes { color: var(--muted); font-size: 14px }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 24px; align-items: start }
section { margin-top: 24px }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; font-weight: 600; padding: 0 0 6px }
th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--grid); font-weight: 400; white-space: nowrap }
th:first-child { text-align: left; padding-left: 0 }
thead th { color: var(--muted); font-size: 14px; vertical-align: bottom }
@media print { main { max-width: none } figure, table { break-inside: avoid } }
";
