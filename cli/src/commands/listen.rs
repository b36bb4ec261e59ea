//! `vouch listen`: the microphone, live.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cli_app::analysis::Toolkit;
use cli_app::live::{LiveSource, Room};
use engine::audio::SampleRate;

use crate::args::{Global, ListenArgs};
use crate::meter::Meter;
use crate::mic::{self, Capture};
use crate::outcome::{Exit, Output, columns};

const TICK: Duration = Duration::from_millis(50);

pub(super) fn run(global: &Global, out: Output, args: &ListenArgs) -> Result<Exit> {
    if args.devices {
        let mut rows = vec![vec![String::new(), "device".to_owned(), "name".to_owned()]];
        let devices = mic::devices()?;
        rows.extend(devices.into_iter().map(|d| vec![if d.default { "*" } else { "" }.to_owned(), d.id, d.name]));
        print!("{}", columns(&rows));
        return Ok(Exit::Success);
    }
    if args.live.speaker.is_none() {
        bail!("--speaker: whom should I listen for? (`vouch listen --devices` lists microphones)")
    }
    let tools = Toolkit::load(global)?;
    let domain = global.open()?;
    let stop = Arc::new(AtomicBool::new(false));
    let ask = Arc::clone(&stop);
    ctrlc::set_handler(move || ask.store(true, Ordering::Relaxed)).context("Ctrl-C")?;
    let mut capture = Capture::open(args.device.as_deref())?;
    let rate_hz = capture.rate_hz();
    if !global.quiet {
        eprintln!("listening to {} at {rate_hz} Hz; Ctrl-C ends", capture.name());
    }
    let name = capture.name().to_owned();
    let rate = SampleRate::new(rate_hz).with_context(|| name.clone())?;
    let source = LiveSource { rate, device: Some(name.clone()), agent: false };
    let mut room = Room::open(&tools, &domain, source, &args.live, global, |s| Meter::open(s, global.quiet))?;

    let limit = args.seconds.map(|s| u64::from(s) * u64::from(rate_hz));
    let (mut samples, mut told, mut heard) = (Vec::new(), 0, 0u64);
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
        capture.read(&mut samples)?;
        let lost = capture.overruns() - told;
        if lost > 0 {
            told += lost;
            room.lose(usize::try_from(lost).unwrap_or(usize::MAX).min(1 << 24))?;
        }
        room.hear(&samples, None).with_context(|| name.clone())?;
        heard += samples.len() as u64;
        if room.answered() || limit.is_some_and(|limit| heard >= limit) {
            break;
        }
    }
    super::ended::print(out, &room.close()?, args.live.record.as_deref())
}
