//! What a media thread pays: the time of each `vouch_session_push_pcmu` of 20 ms, with the decision asked for after it.
//!
//! `cargo run --release -p benches --bin packets -- [MINUTES]` prints microseconds per packet. Between the two lines `strace sees` the
//! program does nothing but push and ask: `strace -f target/release/packets` shows no system call there.

use std::io::Write;
use std::ptr::null_mut;
use std::time::Instant;

use vouch::vouch_result::VOUCH_OK;
use vouch::*;

/// A synthetic caller's call, mu-law at 8 kHz, after the header of its file.
static CALL: &[u8] = include_bytes!("../../../testdata/audio/callers/alice_call_1.wav").split_at(64).1;

fn check(result: vouch_result) {
    if result != VOUCH_OK {
        eprintln!("{result:?}");
        std::process::exit(3);
    }
}

fn main() {
    let minutes: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(10);
    let packets: Vec<&[u8]> = CALL.chunks_exact(160).cycle().take(minutes * 3000).collect();
    let mut times = vec![0u64; packets.len()];
    let (mut engine, mut session, mut enrolment) = (null_mut(), null_mut(), null_mut());
    let (mut print, mut size) = (vec![0u8; 1 << 16], 0);
    // SAFETY: every pointer is to a live place or buffer of the size given with it.
    unsafe {
        check(vouch_engine_new(&mut engine));
        check(vouch_session_new(engine, 8000, &mut session));
        check(vouch_enrolment_new(engine, 8000, &mut enrolment));
        check(vouch_enrolment_set_speech(enrolment, 1000, 1000));
        for packet in &packets[..packets.len().min(1000)] {
            check(vouch_enrolment_push_pcmu(enrolment, packet.as_ptr(), packet.len()));
        }
        if vouch_enrolment_finish(enrolment) == VOUCH_OK {
            check(vouch_enrolment_voiceprint(enrolment, print.as_mut_ptr(), print.len(), &mut size));
            check(vouch_session_set_speaker(session, 4, print.as_ptr(), size));
        }
        let (mut decision, mut score) = (vouch_decision::VOUCH_REJECT, 0);
        // Written unbuffered, so that a trace shows where the measured part begins.
        let _ = std::io::stderr().write_all(b"strace sees: begin\n");
        for (time, packet) in times.iter_mut().zip(&packets) {
            let start = Instant::now();
            check(vouch_session_push_pcmu(session, packet.as_ptr(), packet.len()));
            check(vouch_session_decision(session, &mut decision, &mut score));
            *time = start.elapsed().as_nanos() as u64;
        }
        let _ = std::io::stderr().write_all(b"strace sees: end\n");
        let mut speech_ms = 0;
        check(vouch_session_progress(session, null_mut(), &mut speech_ms, null_mut()));
        println!("{minutes} min of 20 ms packets, {:.0} % net speech", speech_ms as f64 / minutes as f64 / 600.0);
        vouch_session_free(session);
        vouch_enrolment_free(enrolment);
        vouch_engine_free(engine);
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    let mean = times.iter().sum::<u64>() as f64 / times.len() as f64 / 1000.0;
    println!(
        "us per packet: mean {mean:.1}  p50 {:.1}  p99 {:.1}  p99.9 {:.1}  max {:.1}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    println!("real-time factor {:.5}", mean / 20_000.0);
}
