//! `vouch inspect`: what a recording holds, channel by channel.

use std::path::Path;

use anyhow::Result;
use cli_app::analysis::{Toolkit, Wanted};
use engine::bleed::Bleed;
use serde::Serialize;

use crate::args::Global;
use crate::outcome::{Exit, Output, columns};
use crate::progress;
use cli_audio::{AudioFile, ChannelChoice, MonoReader, RawFormat};

#[derive(Serialize)]
struct Channel {
    channel: u16,
    duration_s: f64,
    net_speech_s: f64,
    snr_db: Option<f32>,
    clipped_share: f32,
    peak_dbfs: f32,
    bandwidth_hz: f32,
    codec_guess: String,
    /// How many keys are pressed. Which ones, nobody is told: they may be a card's number.
    dtmf_keys: usize,
    /// How the other channel is heard in this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    bleed: Option<HeardBleed>,
}

/// One channel heard in the other.
#[derive(Serialize)]
pub(crate) struct HeardBleed {
    level_db: f32,
    delay_s: f64,
    share: f32,
    heard_s: f64,
}

impl From<Bleed> for HeardBleed {
    fn from(b: Bleed) -> Self {
        Self { level_db: b.level_db, delay_s: b.delay_s, share: b.share, heard_s: b.heard_s }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    container: &'static str,
    encoding: &'static str,
    rate_hz: u32,
    channels: Vec<Channel>,
}

pub(super) fn run(global: &Global, out: Output, file: &Path, format: Option<RawFormat>) -> Result<Exit> {
    let tools = Toolkit::load(global)?;
    let opened = AudioFile::open_input(file, format)?;
    let spec = opened.spec().clone();
    let bar = progress::audio_bar(&file.display().to_string(), spec.duration_s(), global.quiet);
    let mut opened = Some(opened);
    let mut channels = Vec::new();
    for channel in 0..spec.channels {
        // Standard input can be read only once, which is enough for one channel.
        let source = match opened.take() {
            Some(first) => MonoReader::new(first, ChannelChoice::Index(usize::from(channel)))?,
            None => MonoReader::open(file, format, ChannelChoice::Index(usize::from(channel)))?,
        };
        let rate = f64::from(spec.rate_hz);
        let found =
            tools.analyse(source, Wanted::default(), |samples| bar.set_position((samples as f64 / rate) as u64))?;
        channels.push(Channel {
            channel,
            duration_s: found.quality.duration_s,
            net_speech_s: found.net_speech_s,
            snr_db: found.quality.snr_db,
            clipped_share: found.quality.clipped_share,
            peak_dbfs: found.quality.peak_dbfs,
            bandwidth_hz: found.quality.bandwidth_hz,
            codec_guess: found.quality.codec_guess.to_string(),
            dtmf_keys: found.dtmf.len(),
            bleed: found.bleed.map(HeardBleed::from),
        });
    }
    bar.finish_and_clear();
    let report =
        Report { file, container: spec.container.name(), encoding: spec.encoding, rate_hz: spec.rate_hz, channels };
    if out.is_json() && report.channels.len() == 1 {
        // One channel: its figures at the top level, where a script looks for them.
        #[derive(Serialize)]
        struct Flat<'a> {
            #[serde(flatten)]
            report: &'a Report<'a>,
            #[serde(flatten)]
            only: Option<&'a Channel>,
        }
        out.print(&Flat { only: report.channels.first(), report: &report }, |_| String::new())?;
    } else {
        out.print(&report, text)?;
    }
    Ok(Exit::Success)
}

fn text(report: &Report<'_>) -> String {
    let mut rows = vec![
        ["channel", "duration", "net speech", "SNR", "clipped", "peak", "bandwidth", "codec", "DTMF", "other side"]
            .map(String::from)
            .to_vec(),
    ];
    for c in &report.channels {
        rows.push(vec![
            c.channel.to_string(),
            format!("{:.1} s", c.duration_s),
            format!("{:.1} s", c.net_speech_s),
            c.snr_db.map_or_else(|| "-".into(), |snr| format!("{snr:.0} dB")),
            format!("{:.2} %", 100.0 * c.clipped_share),
            format!("{:.0} dBFS", c.peak_dbfs),
            format!("{:.0} Hz", c.bandwidth_hz),
            c.codec_guess.clone(),
            if c.dtmf_keys == 0 { "-".into() } else { format!("{} keys", c.dtmf_keys) },
            c.bleed.as_ref().map_or_else(|| "-".into(), |b| format!("{:.0} dB", b.level_db)),
        ]);
    }
    format!(
        "{}: {}, {}, {} Hz\n{}",
        report.file.display(),
        report.container,
        report.encoding,
        report.rate_hz,
        columns(&rows)
    )
}
