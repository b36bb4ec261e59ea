//! The plots of an evaluation, as SVG drawn by plotters without any font or image library.
//!
//! Plots are drawn in light colours at twice their size on the page, so that whole pixels are fine enough; the page's style
//! sheet replaces the colours, which it finds by their value, for dark screens.

use engine::metrics::OperatingPoint;
use engine::score::normal::quantile;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::escape::escape;
use super::{AtThreshold, Evaluation, THRESHOLDS, percent};

pub(super) const INK: RGBColor = RGBColor(0x1f, 0x29, 0x37);
pub(super) const MUTED: RGBColor = RGBColor(0x6b, 0x72, 0x80);
pub(super) const GRID: RGBColor = RGBColor(0xe5, 0xe7, 0xeb);
pub(super) const TARGET: RGBColor = RGBColor(0x25, 0x63, 0xeb);
pub(super) const NONTARGET: RGBColor = RGBColor(0xd9, 0x77, 0x06);

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

const FONT: &str = "system-ui, sans-serif";
/// Letter heights, in drawn pixels (twice those on the page). plotters divides by 1.24.
const SMALL: f64 = 24.0 * 1.24;
const NORMAL: f64 = 26.0 * 1.24;

fn style(size: f64, color: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    let font = (FONT, size).into_font();
    TextStyle { color: color.to_backend_color(), pos: Pos::new(h, v), ..TextStyle::from(font) }
}

/// Draws with `draw` and gives the SVG a role, a title and a description that readers of the page can hear.
fn svg(
    size: (u32, u32),
    id: &str,
    title: &str,
    description: &str,
    draw: impl FnOnce(&Area<'_>) -> Result,
) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    let (open, rest) = text.split_once('>').ok_or("no drawing")?;
    Ok(format!(
        "{open} role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n<title id=\"{id}-title\">{}</title>\n<desc \
         id=\"{id}-desc\">{}</desc>{rest}",
        escape(title),
        escape(description),
    ))
}

/// Rates at which the DET axes may have ticks.
const TICKS: [f64; 14] = [1e-5, 1e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9];
/// Least distance between two tick labels of the x axis, in drawn pixels.
const LABEL_WIDTH: i32 = 84;

/// False non-match rate over false match rate, both on probit axes.
pub(super) fn det(evaluation: &Evaluation) -> Result<String> {
    let s = &evaluation.summary;
    let floor = 0.5 / (s.nontargets.max(s.targets).max(1) as f64);
    let first = TICKS.iter().rposition(|&t| t <= floor).unwrap_or(0).min(5);
    let largest = s.thresholds.iter().map(|t| t.fnmr.max(t.fmr)).fold((2.0 * s.eer).max(0.4), f64::max);
    let last = TICKS.iter().position(|&t| t >= largest).unwrap_or(TICKS.len() - 1);
    let ticks = &TICKS[first..=last];
    let (low, high) = (quantile(ticks[0]), quantile(ticks[ticks.len() - 1]));

    let at = |t: &AtThreshold| {
        format!("{} at {}: FMR {}, FNMR {}", "threshold", t.threshold, percent(t.fmr), percent(t.fnmr))
    };
    let description = format!(
        "False non-match rate over false match rate, both on normal-deviate axes. Equal error rate {}. {}.",
        percent(s.eer),
        s.thresholds.iter().map(at).collect::<Vec<_>>().join("; "),
    );
    svg((1240, 1160), "det", "Detection error trade-off", &description, |area| {
        let mut chart = frame(area, (140, 40, 30, 130), low..high, low..high)?;
        let mut labelled = i32::MIN;
        for &t in ticks {
            let z = quantile(t);
            line(&mut chart, [(z, low), (z, high)], GRID, 2)?;
            line(&mut chart, [(low, z), (high, z)], GRID, 2)?;
            let label = format!("{} %", (1e6 * t).round() / 1e4);
            let x = chart.backend_coord(&(z, low)).0;
            if x >= labelled.saturating_add(LABEL_WIDTH) {
                below(area, &chart, z, low, &label)?;
                labelled = x;
            }
            beside(area, &chart, low, z, &label)?;
        }
        line(&mut chart, [(low, low), (high, high)], GRID, 2)?;
        axis_names(area, "False match rate (impostors accepted)", "False non-match rate (genuine callers rejected)")?;

        let clamp = |rate: f64| quantile(rate.clamp(0.0, 1.0)).clamp(low, high);
        for part in inside(&evaluation.det, low, high, clamp) {
            line(&mut chart, part, TARGET, 5)?;
        }
        let eer = quantile(s.eer);
        if (low..=high).contains(&eer) {
            mark(area, &chart, (eer, eer), MUTED, false)?;
            let (x, y) = chart.backend_coord(&(eer, eer));
            area.draw(&Text::new(
                format!("EER {}", percent(s.eer)),
                (x - 22, y + 10),
                style(SMALL, MUTED, HPos::Right, VPos::Top),
            ))?;
        }
        // Thresholds whose marks lie on each other share a label.
        let mut labels: Vec<((i32, i32), String)> = Vec::new();
        for t in &s.thresholds {
            let point = (clamp(t.fmr), clamp(t.fnmr));
            mark(area, &chart, point, INK, true)?;
            let (x, y) = chart.backend_coord(&point);
            match labels.last_mut() {
                Some((last, label)) if (last.0 - x).abs() < 30 && (last.1 - y).abs() < 30 => {
                    *label += &format!(", {}", t.threshold);
                }
                _ => labels.push(((x, y), t.threshold.to_string())),
            }
        }
        for ((x, y), label) in labels {
            area.draw(&Text::new(label, (x + 20, y), style(NORMAL, INK, HPos::Left, VPos::Center)))?;
        }
        Ok(())
    })
}

/// The parts of the curve that do not run along the frame, as corners of its steps.
fn inside(points: &[OperatingPoint], low: f64, high: f64, clamp: impl Fn(f64) -> f64) -> Vec<Vec<(f64, f64)>> {
    let mut parts = vec![Vec::new()];
    let edge = |v: f64| v <= low || v >= high;
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for p in points {
        let next = (clamp(p.fmr), clamp(p.fnmr));
        // Raising the threshold past one score moves one rate; where it moves both, the step goes through the better corner.
        if let Some(&last) = corners.last()
            && last.0 != next.0
            && last.1 != next.1
        {
            corners.push((next.0, last.1));
        }
        corners.push(next);
    }
    for pair in corners.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let along = (a.0 == b.0 && edge(a.0)) || (a.1 == b.1 && edge(a.1));
        if along || a == b {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            if part.is_empty() {
                part.push(a);
            }
            part.push(b);
        }
    }
    parts.retain(|p| p.len() > 1);
    parts
}

/// Number of bars of a histogram; a whole number of them lies between two thresholds.
const BARS: usize = 40;

/// Shares of targets and of nontargets by score, one above the other.
pub(super) fn histograms(evaluation: &Evaluation) -> Result<String> {
    let shares = |scores: &[f64]| {
        let mut bars = [0.0; BARS];
        for &s in scores {
            bars[((s / 100.0 * BARS as f64) as usize).min(BARS - 1)] += 1.0 / scores.len() as f64;
        }
        bars
    };
    let panels = [
        ("Same person", shares(&evaluation.target_scores), TARGET),
        ("Different people", shares(&evaluation.nontarget_scores), NONTARGET),
    ];
    let median = |scores: &[f64]| {
        let mut sorted = scores.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let description = format!(
        "Share of trials by score from 0 to 100. Median score of the same person {:.0}, of different people {:.0}. Lines mark the \
         thresholds 50, 70, 90 and 95.",
        median(&evaluation.target_scores),
        median(&evaluation.nontarget_scores),
    );
    svg((1240, 1160), "scores", "Scores of targets and nontargets", &description, |area| {
        let (top, bottom) = area.split_vertically(545);
        for (i, (panel, (name, bars, color))) in [top, bottom].iter().zip(panels).enumerate() {
            let lower = i == 1;
            let most = bars.iter().copied().fold(0.0, f64::max);
            let step = nice(most);
            let high = (most / step * 1.04).ceil().max(1.0) * step;
            let margins = if lower { (140, 40, 40, 130) } else { (140, 40, 70, 25) };
            let mut chart = frame(panel, margins, 0.0..100.0, 0.0..high)?;
            for tick in (0u32..).map(|k| f64::from(k) * step).take_while(|&v| v <= high + 1e-9) {
                line(&mut chart, [(0.0, tick), (100.0, tick)], GRID, 2)?;
                beside(area, &chart, 0.0, tick, &format!("{} %", (tick * 1e4).round() / 100.0))?;
            }
            for (k, &share) in bars.iter().enumerate().filter(|b| *b.1 > 0.0) {
                let width = 100.0 / BARS as f64;
                let left = k as f64 * width;
                let gap = 0.18;
                chart.draw_series(std::iter::once(Rectangle::new(
                    [(left + gap, share), (left + width - gap, 0.0)],
                    color.filled(),
                )))?;
            }
            for t in THRESHOLDS {
                let x = f64::from(t);
                line(&mut chart, [(x, 0.0), (x, high)], INK, 2)?;
                if !lower {
                    let (px, py) = chart.backend_coord(&(x, high));
                    area.draw(&Text::new(t.to_string(), (px, py - 8), style(NORMAL, INK, HPos::Center, VPos::Bottom)))?;
                }
            }
            let (px, py) = chart.backend_coord(&(0.0, high));
            area.draw(&Text::new(name, (px + 14, py + 12), style(NORMAL, color, HPos::Left, VPos::Top)))?;
            if lower {
                for tick in [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0] {
                    below(area, &chart, tick, 0.0, &tick.to_string())?;
                }
            }
        }
        axis_names(area, "Score", "Share of trials")
    })
}

/// A round step that gives about four ticks up to `most`.
fn nice(most: f64) -> f64 {
    let raw = (most / 4.0).max(1e-6);
    let decade = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|f| f * decade).find(|&s| s >= raw).unwrap_or(raw)
}

/// An empty chart with margins (left, right, top, bottom) in drawn pixels.
fn frame<'a>(
    area: &Area<'a>,
    margins: (u32, u32, u32, u32),
    x: std::ops::Range<f64>,
    y: std::ops::Range<f64>,
) -> Result<Chart<'a>> {
    let (left, right, top, bottom) = margins;
    Ok(ChartBuilder::on(area)
        .margin_left(left)
        .margin_right(right)
        .margin_top(top)
        .margin_bottom(bottom)
        .build_cartesian_2d(x, y)?)
}

fn line(chart: &mut Chart<'_>, points: impl IntoIterator<Item = (f64, f64)>, color: RGBColor, width: u32) -> Result {
    chart.draw_series(LineSeries::new(points, color.stroke_width(width)))?;
    Ok(())
}

fn mark(area: &Area<'_>, chart: &Chart<'_>, at: (f64, f64), color: RGBColor, filled: bool) -> Result {
    let style = ShapeStyle { color: color.to_rgba(), filled, stroke_width: 4 };
    area.draw(&Circle::new(chart.backend_coord(&at), if filled { 9 } else { 10 }, style))?;
    Ok(())
}

/// A tick label under the point. `area` is the whole drawing, for a chart tells its places there.
fn below(area: &Area<'_>, chart: &Chart<'_>, x: f64, y: f64, label: &str) -> Result {
    let (px, py) = chart.backend_coord(&(x, y));
    area.draw(&Text::new(label.to_owned(), (px, py + 14), style(SMALL, MUTED, HPos::Center, VPos::Top)))?;
    Ok(())
}

/// A tick label left of the point.
fn beside(area: &Area<'_>, chart: &Chart<'_>, x: f64, y: f64, label: &str) -> Result {
    let (px, py) = chart.backend_coord(&(x, y));
    area.draw(&Text::new(label.to_owned(), (px - 14, py), style(SMALL, MUTED, HPos::Right, VPos::Center)))?;
    Ok(())
}

fn axis_names(area: &Area<'_>, x: &str, y: &str) -> Result {
    let (width, height) = area.dim_in_pixel();
    let (width, height) = (width as i32, height as i32);
    area.draw(&Text::new(
        x.to_owned(),
        (140 + (width - 180) / 2, height - 20),
        style(NORMAL, INK, HPos::Center, VPos::Bottom),
    ))?;
    let font = (FONT, NORMAL).into_font().transform(FontTransform::Rotate270);
    let turned = TextStyle { font, ..style(NORMAL, INK, HPos::Center, VPos::Top) };
    area.draw(&Text::new(y.to_owned(), (8, 30 + (height - 160) / 2), turned))?;
    Ok(())
}
