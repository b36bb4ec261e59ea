//! From nothing to the first score: `cold [RUNS]` starts itself anew each time and prints medians, in milliseconds.
//!
//! A run makes an engine (network and calibration from the library), a session with a voiceprint, and pushes 10 s of a call in packets of
//! 20 ms until there is a score.

use std::process::{Command, Stdio};
use std::ptr::null_mut;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use vouch::vouch_result::VOUCH_OK;
use vouch::*;

static CALL: &[u8] = include_bytes!("../../../testdata/audio/callers/alice_call_1.wav").split_at(64).1;
static ENROL: &[u8] = include_bytes!("../../../testdata/audio/callers/alice_enrol_1.wav").split_at(64).1;

fn voiceprint(engine: *mut vouch_engine) -> Result<Vec<u8>> {
    let (mut enrolment, mut print, mut size) = (null_mut(), vec![0u8; 1 << 16], 0);
    // SAFETY: every pointer is to a live place or buffer of the size given with it.
    unsafe {
        ensure!(vouch_enrolment_new(engine, 8_000, &mut enrolment) == VOUCH_OK);
        ensure!(vouch_enrolment_set_speech(enrolment, 5_000, 5_000) == VOUCH_OK);
        for packet in ENROL.chunks(160) {
            ensure!(vouch_enrolment_push_pcmu(enrolment, packet.as_ptr(), packet.len()) == VOUCH_OK);
        }
        ensure!(vouch_enrolment_finish(enrolment) == VOUCH_OK, "enrolment");
        ensure!(vouch_enrolment_voiceprint(enrolment, print.as_mut_ptr(), print.len(), &mut size) == VOUCH_OK);
    }
    print.truncate(size);
    Ok(print)
}

/// One run with the voiceprint in a file: microseconds to the engine, to the session, and to the score.
fn once(path: &str) -> Result<()> {
    let print = std::fs::read(path)?;
    let (mut engine, mut session, mut score) = (null_mut(), null_mut(), -1);
    let mut decision = vouch_decision::VOUCH_REJECT;
    let start = Instant::now();
    // SAFETY: as above.
    unsafe {
        ensure!(vouch_engine_new(&mut engine) == VOUCH_OK);
        let opened = start.elapsed();
        ensure!(vouch_session_new(engine, 8_000, &mut session) == VOUCH_OK);
        ensure!(vouch_session_set_auth(session, 90, 5_000) == VOUCH_OK);
        ensure!(vouch_session_set_speaker(session, 4, print.as_ptr(), print.len()) == VOUCH_OK);
        let ready = start.elapsed();
        for packet in CALL.chunks(160).take(500) {
            ensure!(vouch_session_push_pcmu(session, packet.as_ptr(), packet.len()) == VOUCH_OK);
        }
        ensure!(vouch_session_decision(session, &mut decision, &mut score) == VOUCH_OK);
        let scored = start.elapsed();
        ensure!(score >= 0, "{decision:?}");
        println!("{} {} {}", opened.as_micros(), ready.as_micros(), scored.as_micros());
    }
    Ok(())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, path] = args.as_slice()
        && flag == "--once"
    {
        return once(path);
    }
    let runs: usize = args.first().map_or(Ok(20), |a| a.parse()).context("RUNS")?;
    let mut engine = null_mut();
    // SAFETY: as above.
    ensure!(unsafe { vouch_engine_new(&mut engine) } == VOUCH_OK);
    let path = std::env::temp_dir().join(format!("vouch-cold-{}", std::process::id()));
    std::fs::write(&path, voiceprint(engine)?)?;
    let mut columns: [Vec<f64>; 4] = Default::default();
    for _ in 0..runs {
        let start = Instant::now();
        let mut own = Command::new(std::env::current_exe()?);
        let out = own.arg("--once").arg(&path).stderr(Stdio::inherit()).output()?;
        let whole = start.elapsed().as_secs_f64() * 1e3;
        let text = String::from_utf8(out.stdout)?;
        let times = text.split_whitespace().map(|w| Ok(w.parse::<f64>()? / 1e3)).collect::<Result<Vec<_>>>()?;
        ensure!(times.len() == 3, "a run failed");
        columns.iter_mut().zip(times.into_iter().chain([whole])).for_each(|(c, t)| c.push(t));
    }
    std::fs::remove_file(&path)?;
    let names = ["engine open", "session ready", "first score on 10 s", "process start to exit"];
    for (name, mut column) in names.into_iter().zip(columns) {
        column.sort_by(f64::total_cmp);
        println!("{name}: {:.1} ms", column.get(column.len() / 2).copied().unwrap_or(f64::NAN));
    }
    Ok(())
}
