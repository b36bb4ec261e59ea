//! Progress bars on standard error, where a person watches and the work is long.

use std::io::IsTerminal;
use std::time::Duration;

use cli_app::workers::{Progress, Steps};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Global;

/// A bar over `length` steps, hidden when `quiet` or when standard error is no terminal.
pub fn bar(length: u64, what: &str, quiet: bool) -> ProgressBar {
    let hidden = quiet || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    let template = "{msg} [{bar:30}] {pos}/{len} {per_sec} eta {eta}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what.to_owned());
    bar
}

/// A bar over the seconds of one recording, for files long enough to wait for.
pub fn audio_bar(name: &str, seconds: Option<f64>, quiet: bool) -> ProgressBar {
    let bar = bar(seconds.unwrap_or(0.0) as u64, name, quiet || seconds.is_some_and(|s| s < 120.0));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl Progress for Global {
    fn begin(&self, steps: u64, what: &str) -> Box<dyn Steps> {
        Box::new(Bar(bar(steps, what, self.quiet)))
    }
}

struct Bar(ProgressBar);

impl Steps for Bar {
    fn add(&self, steps: u64) {
        self.0.inc(steps);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
