//! The live meter on standard error, where a person watches.

use std::io::IsTerminal;

use cli_app::live;
use engine::call::Standing;
use engine::score::Decision;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Level at the left end of the meter; the right end is full scale.
const QUIETEST_DBFS: f32 = -60.0;

pub(crate) struct Meter {
    all: MultiProgress,
    level: ProgressBar,
    speech: ProgressBar,
    score: ProgressBar,
    wanted_s: f64,
}

impl Meter {
    /// A meter for so many seconds of net speech, hidden when `quiet` or when standard error is no terminal.
    pub(crate) fn open(wanted_s: f64, quiet: bool) -> Box<dyn live::Meter> {
        let hidden = quiet || !std::io::stderr().is_terminal();
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(15) };
        let all = MultiProgress::with_draw_target(target);
        let bar = |length: u64, name: &str| {
            let bar = all.add(ProgressBar::new(length));
            let style = ProgressStyle::with_template("{prefix:<11} {bar:40.cyan/dim} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
            bar.set_prefix(name.to_owned());
            bar
        };
        let (level, speech, score) =
            (bar(1000, "level"), bar((wanted_s * 100.0) as u64, "net speech"), bar(100, "score"));
        Box::new(Self { all, level, speech, score, wanted_s })
    }
}

impl live::Meter for Meter {
    fn level(&self, samples: &[f32]) {
        let power = samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32;
        let dbfs = (10.0 * power.max(1e-12).log10()).max(QUIETEST_DBFS);
        self.level.set_position((1000.0 * (1.0 - dbfs / QUIETEST_DBFS)).clamp(0.0, 1000.0) as u64);
        self.level.set_message(format!("{dbfs:>4.0} dBFS"));
    }

    fn speech(&self, now_s: f64, lost: u64) {
        self.speech.set_position((now_s * 100.0) as u64);
        let lost = if lost > 0 { format!("  ({lost} samples lost)") } else { String::new() };
        self.speech.set_message(format!("{now_s:.1} of {:.0} s{lost}", self.wanted_s));
    }

    fn score(&self, standing: Standing, decision: Decision, threshold: u8) {
        match standing.score {
            Some(score) => {
                self.score.set_position(u64::from(score.value()));
                self.score.set_message(format!("{:>3} (threshold {threshold})  {decision}", score.value()));
            }
            None => self.score.set_message(format!("{decision}")),
        }
    }

    fn say(&self, text: &'static str) {
        self.score.set_message(text);
    }

    fn clear(&self) {
        // A meter that cannot be wiped is only untidy.
        let _ = self.all.clear();
    }
}
