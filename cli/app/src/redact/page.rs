//! A page about one call: the outline of each channel with what is silenced, and the masked transcript beside it; a click plays.

use std::fmt::Write;
use std::path::Path;

use cli_audio::strict::Layout;
use engine_words::mute::Spans;
use engine_words::rules::Finding;
use engine_words::transcript::Loaded;

use super::analysis::{by_turn, masked};
use super::listen::{COLUMNS, Heard};
use super::request::{Call, MaskMode, Report};
use crate::report::escape;

/// What is shown.
pub struct Page<'a> {
    /// The call.
    pub call: &'a Call,
    /// What became of it.
    pub report: &'a Report,
    /// Its transcript.
    pub loaded: Option<&'a Loaded>,
    /// Who says each turn of it.
    pub names: &'a [String],
    /// What was found in it.
    pub findings: &'a [Finding],
    /// How it is masked.
    pub mask: MaskMode,
    /// What the recording tells.
    pub heard: &'a Heard,
    /// What is silenced.
    pub spans: &'a [Spans],
    /// The recording's layout.
    pub layout: &'a Layout,
    /// Where the page is written.
    pub path: &'a Path,
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #d6dde4; --back: #fff; --wave: #2f6f9f; --mute: #c0392b; --warn: #b9770e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eaf0; --soft: #93a3b3; --line: #33414f; --back: #12181f; --wave: #6fb1e0; --mute: #e57368; --warn: #e0a84a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.3rem; margin: 0 0 .25rem; } h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p { margin: .25rem 0; } .about { color: var(--soft); overflow-wrap: anywhere; }
audio { width: 100%; margin: 1rem 0 .5rem; }
figure { margin: 0 0 .75rem; } figcaption { color: var(--soft); font-size: .85rem; }
svg { display: block; width: 100%; height: 90px; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; }
.wave { fill: var(--wave); } .mute { fill: var(--mute); opacity: .32; } .now { stroke: var(--ink); stroke-width: 2; vector-effect: non-scaling-stroke; }
table { width: 100%; border-collapse: collapse; } td, th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } .time { white-space: nowrap; font-variant-numeric: tabular-nums; }
button { all: unset; cursor: pointer; color: var(--wave); font-variant-numeric: tabular-nums; } button:focus-visible { outline: 2px solid var(--wave); }
mark { background: none; color: var(--mute); font-weight: 600; } .warn { color: var(--warn); font-weight: 600; }
";

const SCRIPT: &str = "
const audio = document.querySelector('audio'), length = Number(document.body.dataset.seconds);
const play = s => { audio.currentTime = s; audio.play(); };
document.querySelectorAll('[data-at]').forEach(e => e.addEventListener('click', () => play(Number(e.dataset.at))));
document.querySelectorAll('svg').forEach(e => e.addEventListener('click', c => {
  const r = e.getBoundingClientRect(); play(length * (c.clientX - r.left) / r.width); }));
audio.addEventListener('timeupdate', () => document.querySelectorAll('.now').forEach(l => {
  const x = 1200 * audio.currentTime / length; l.setAttribute('x1', x); l.setAttribute('x2', x); }));
";

fn clock(ms: u64) -> String {
    let (h, m, s, tenth) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms / 100 % 10);
    if h > 0 { format!("{h}:{m:02}:{s:02}.{tenth}") } else { format!("{m}:{s:02}.{tenth}") }
}

/// A link from the page to the recording: by its name where both are in one folder.
fn link(page: &Path, recording: &Path) -> String {
    let folder = |p: &Path| {
        p.parent()
            .and_then(|d| if d.as_os_str().is_empty() { Path::new(".").canonicalize() } else { d.canonicalize() }.ok())
    };
    let target = match (folder(page), folder(recording), recording.file_name()) {
        (Some(a), Some(b), Some(name)) if a == b => name.to_string_lossy().into_owned(),
        _ => recording.canonicalize().unwrap_or_else(|_| recording.to_owned()).display().to_string(),
    };
    url::form_urlencoded::byte_serialize(target.as_bytes()).collect::<String>().replace('+', "%20").replace("%2F", "/")
}

fn outline(out: &mut String, columns: &[(f32, f32)], spans: &Spans, frames: u64) {
    let y = |x: f32| 50.0 - 48.0 * x.clamp(-1.0, 1.0);
    let _ = write!(out, "<svg viewBox=\"0 0 {COLUMNS} 100\" preserveAspectRatio=\"none\" role=\"img\">");
    for r in spans.ranges() {
        let at = |sample: u64| sample as f64 * COLUMNS as f64 / frames.max(1) as f64;
        let (x, width) = (at(r.start), (at(r.end) - at(r.start)).max(1.0));
        let _ = write!(out, "<rect class=\"mute\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"100\"/>");
    }
    out.push_str("<path class=\"wave\" d=\"M0 50");
    let top = columns.iter().enumerate().map(|(i, c)| (i, y(c.1) - 0.4));
    let bottom = columns.iter().enumerate().rev().map(|(i, c)| (i, y(c.0) + 0.4));
    for (i, y) in top.chain(bottom) {
        let _ = write!(out, "L{i} {y:.1}");
    }
    out.push_str("Z\"/><line class=\"now\" x1=\"0\" x2=\"0\" y1=\"0\" y2=\"100\"/></svg>");
}

/// Writes the page.
pub fn html(page: &Page<'_>) -> String {
    let mut out = String::with_capacity(1 << 16);
    let ms = page.layout.frames * 1_000 / u64::from(page.layout.rate_hz);
    let name = page.call.audio.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let title = escape(&format!("Redaction of {name}"));
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body data-seconds=\"{}\">\n<main>\n<h1>{title}</h1>\n\
         <p class=\"about\">{} · {} Hz · {} found · {} keys · vouch {}</p>\n",
        ms as f64 / 1e3,
        clock(ms),
        page.layout.rate_hz,
        page.report.found.len(),
        page.report.keys,
        env!("CARGO_PKG_VERSION"),
    );
    if page.report.needs_review {
        out.push_str("<p class=\"warn\">Some of what was found is not sure: see the list below.</p>\n");
    }
    if let Some(recording) = &page.report.recording {
        let _ = writeln!(
            out,
            "<audio controls preload=\"metadata\" src=\"{}\"></audio>",
            escape(&link(page.path, recording))
        );
    }
    for (i, (channel, spans)) in page.heard.channels.iter().zip(page.spans).enumerate() {
        out.push_str("<figure>");
        outline(&mut out, &channel.outline, spans, page.layout.frames);
        let seconds = spans.len() as f64 / f64::from(page.layout.rate_hz);
        let _ = writeln!(
            out,
            "<figcaption>Channel {i}: {seconds:.1} s silenced (red); as it was before. Click to play from there.</figcaption></figure>"
        );
    }
    let button = |ms: u64| format!("<button data-at=\"{}\">{}</button>", ms as f64 / 1e3, clock(ms));
    let unsure: Vec<_> = page.report.found.iter().filter(|f| f.needs_review).collect();
    if !unsure.is_empty() {
        out.push_str("<h2>To be looked at</h2>\n<table><thead><tr><th>Time</th><th>Kind</th><th>Sure</th><th>Found by</th></tr></thead><tbody>\n");
        for f in unsure {
            let at = button(f.begin_offset_millis);
            let _ = writeln!(
                out,
                "<tr><td class=\"time\">{at}</td><td>{}</td><td>{:.2}</td><td>{}</td></tr>",
                f.entity, f.confidence, f.recogniser
            );
        }
        out.push_str("</tbody></table>\n");
    }
    if let Some(loaded) = page.loaded {
        out.push_str("<h2>Transcript</h2>\n<table><tbody>\n");
        let turns = loaded.transcript.turns();
        for ((turn, found), who) in turns.iter().zip(by_turn(turns.len(), page.findings)).zip(page.names) {
            let mut text = escape(&masked(turn, &found, page.mask));
            let mut masks: Vec<String> =
                found.iter().map(|(f, _)| super::analysis::mask(page.mask, f.entity)).collect();
            masks.sort_unstable();
            masks.dedup();
            masks.iter().for_each(|m| text = text.replace(m, &format!("<mark>{m}</mark>")));
            let at = button(turn.words.iter().map(|w| w.begin_ms).min().unwrap_or(0));
            let _ = writeln!(
                out,
                "<tr><td class=\"time\">{at}</td><td class=\"time\">{}</td><td>{text}</td></tr>",
                escape(who)
            );
        }
        out.push_str("</tbody></table>\n");
    }
    let _ = write!(out, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n");
    out
}
