//! What a media thread may count on: pushing makes no system call. Skipped, and said so, where strace is not installed or may not trace.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking; the marks are for the trace")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "every call is made as the header says")]

use std::io::Write;
use std::process::Command;
use std::ptr::null_mut;

use vouch::vouch_result::VOUCH_OK;
use vouch::*;

const TRACED: &str = "VOUCH_TEST_TRACED";
static CALL: &[u8] = include_bytes!("../../../testdata/audio/callers/alice_call_1.wav").split_at(64).1;

/// Half a minute of a call in packets of 20 ms, every way in, with all that a media thread asks, between two marks.
fn media_thread() {
    let (mut engine, mut session, mut call) = (null_mut(), null_mut(), null_mut());
    let flags = vouch_call_flag::VOUCH_CALL_MAY_ENROL as u32 | vouch_call_flag::VOUCH_CALL_WITH_AGENT as u32;
    unsafe {
        assert_eq!(vouch_engine_new(&mut engine), VOUCH_OK);
        assert_eq!(vouch_session_new(engine, 8_000, &mut session), VOUCH_OK);
        assert_eq!(vouch_call_new(engine, 8_000, flags, &mut call), VOUCH_OK);
        assert_eq!(vouch_call_set_auth(call, 90, 10_000, 1), VOUCH_OK);
        assert_eq!(vouch_call_start(call), VOUCH_OK);
    }
    let (floats, shorts) = ([0.01f32; 160], [100i16; 160]);
    let mut error = std::io::stderr();
    error.write_all(b"mark: begin\n").unwrap();
    let mut wrong = 0;
    for packet in CALL.chunks_exact(160).cycle().take(1_500) {
        let (mut decision, mut score, mut samples, mut level) = (vouch_decision::VOUCH_REJECT, 0, 0u64, 0.0f32);
        let mut event = vouch_event::VOUCH_EVENT_STREAMING_STARTED;
        let results = unsafe {
            while vouch_call_next_event(call, &mut event, null_mut(), null_mut(), null_mut()) == VOUCH_OK {}
            vouch_call_bleed(call, &mut level, null_mut(), null_mut());
            [
                vouch_session_push_pcmu(session, packet.as_ptr(), packet.len()),
                vouch_session_push_pcma(session, packet.as_ptr(), packet.len()),
                vouch_session_push_f32(session, floats.as_ptr(), floats.len()),
                vouch_session_push_s16(session, shorts.as_ptr(), shorts.len()),
                vouch_session_push_lost(session, 160),
                vouch_session_decision(session, &mut decision, &mut score),
                vouch_call_push_pcmu(call, packet.as_ptr(), packet.len()),
                vouch_call_push_both_s16(call, shorts.as_ptr(), shorts.as_ptr(), shorts.len()),
                vouch_call_push_lost(call, 160),
                vouch_call_standing(call, null_mut(), &mut samples, null_mut(), null_mut(), &mut score),
                vouch_call_authentication(call, &mut decision, &mut score, null_mut()),
            ]
        };
        wrong += results.iter().filter(|&&r| r != VOUCH_OK).count();
    }
    error.write_all(b"mark: end\n").unwrap();
    assert_eq!(wrong, 0);
    vouch_call_free(call);
    vouch_session_free(session);
    vouch_engine_free(engine);
}

#[test]
fn pushing_makes_no_system_call() {
    if std::env::var_os(TRACED).is_some() {
        return media_thread();
    }
    let room = tempfile::tempdir().unwrap();
    let trace = room.path().join("trace");
    let mut strace = Command::new("strace");
    strace.arg("-f").arg("-o").arg(&trace).arg(std::env::current_exe().unwrap());
    strace.args(["--exact", "pushing_makes_no_system_call", "--nocapture"]).env(TRACED, "1");
    let Ok(out) = strace.output() else {
        println!("skipped: strace is not installed");
        return;
    };
    let text = std::fs::read_to_string(&trace).unwrap_or_default();
    if !out.status.success() && !text.contains("mark: ") {
        println!("skipped: strace may not trace here: {}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    assert!(out.status.success(), "{out:?}");
    let from = text.lines().position(|l| l.contains("mark: begin")).unwrap();
    let to = text.lines().position(|l| l.contains("mark: end")).unwrap();
    let between: Vec<&str> = text.lines().take(to).skip(from + 1).collect();
    assert!(between.is_empty(), "{} system calls, first: {:?}", between.len(), between.first());
}
