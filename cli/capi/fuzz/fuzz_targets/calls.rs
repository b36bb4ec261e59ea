//! Any sequence of C calls on any handles, live, freed, of the wrong kind or made up: every call returns a known result, none panics, and
//! what is freed at the end leaves no handle behind.
#![no_main]

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use vouch::vouch_result::{self, *};
use vouch::*;

#[derive(Arbitrary, Debug)]
enum Call {
    Session { engine: u8, rate: u32 },
    Enrolment { engine: u8, rate: u32 },
    Free { handle: u8, as_kind: u8 },
    Auth { handle: u8, threshold: u32, ms: u32 },
    Speech { handle: u8, wanted: u32, least: u32 },
    Speaker { handle: u8, claim: i32, bytes: Vec<u8>, null: bool },
    OwnVoiceprint { session: u8 },
    Floats { handle: u8, enrol: bool, samples: Vec<f32>, shift: bool },
    Shorts { handle: u8, enrol: bool, samples: Vec<i16> },
    Packet { handle: u8, enrol: bool, a_law: bool, payload: Vec<u8> },
    Lost { handle: u8, enrol: bool, samples: usize },
    Next { handle: u8 },
    Finish { handle: u8, enrol: bool },
    Reset { handle: u8 },
    Look { handle: u8, buffer: u8 },
    Voiceprint { handle: u8, buffer: u16 },
    Made { number: usize },
    Live { engine: u8, rate: u32, flags: u8 },
    List { engine: u8 },
    Add { list: u8, own: bool, bytes: Vec<u8>, id: u64 },
    Ask { call: u8, what: u8, number: u32, other: u8 },
    Hear { call: u8, how: u8, bytes: Vec<u8>, count: u32 },
}

struct Ready {
    engine: usize,
    voiceprint: Vec<u8>,
}

/// One engine for all runs, and a voiceprint of a hum that passes for speech or none at all.
static READY: LazyLock<Ready> = LazyLock::new(|| unsafe {
    let mut engine = null_mut();
    assert_eq!(vouch_engine_new(&mut engine), VOUCH_OK);
    let mut enrolment = null_mut();
    assert_eq!(vouch_enrolment_new(engine, 8000, &mut enrolment), VOUCH_OK);
    vouch_enrolment_set_speech(enrolment, 1000, 1000);
    let call = include_bytes!("../../../../testdata/audio/callers/alice_call_1.wav");
    for packet in call[64..].chunks(160) {
        assert_eq!(vouch_enrolment_push_pcmu(enrolment, packet.as_ptr(), packet.len()), VOUCH_OK);
    }
    let (mut bytes, mut size) = (vec![0; 1 << 16], 0);
    assert_eq!(vouch_enrolment_finish(enrolment), VOUCH_OK);
    assert_eq!(vouch_enrolment_voiceprint(enrolment, bytes.as_mut_ptr(), bytes.len(), &mut size), VOUCH_OK);
    bytes.truncate(size);
    vouch_enrolment_free(enrolment);
    Ready { engine: engine as usize, voiceprint: bytes }
});

fn known(result: vouch_result) {
    assert!(vouch_result::ALL.contains(&result) && result != VOUCH_ERR_PANIC, "{result:?}");
}

fuzz_target!(|calls: Vec<Call>| unsafe {
    let ready = &*READY;
    let start = vouch_live_handles();
    let mut handles: Vec<*mut c_void> = vec![null_mut(), ready.engine as *mut c_void];
    for call in calls.into_iter().take(48) {
        let at = |i: u8| handles[usize::from(i) % handles.len()];
        let mut made: *mut c_void = null_mut();
        let result = match call {
            Call::Session { engine, rate } => {
                let rate = if rate % 4 == 0 { rate } else { 8_000 + rate % 40_000 };
                vouch_session_new(at(engine).cast(), rate, (&raw mut made).cast())
            }
            Call::Enrolment { engine, rate } => {
                let rate = if rate % 4 == 0 { rate } else { 8_000 + rate % 40_000 };
                vouch_enrolment_new(at(engine).cast(), rate, (&raw mut made).cast())
            }
            // The shared engine stays for the next run.
            Call::Free { handle, .. } if at(handle) as usize == ready.engine => VOUCH_OK,
            Call::Free { handle, as_kind } => match as_kind % 5 {
                0 => vouch_session_free(at(handle).cast()),
                1 => vouch_enrolment_free(at(handle).cast()),
                2 => vouch_call_free(at(handle).cast()),
                3 => vouch_watchlist_free(at(handle).cast()),
                _ => vouch_engine_free(at(handle).cast()),
            },
            Call::Auth { handle, threshold, ms } => vouch_session_set_auth(at(handle).cast(), threshold, ms),
            Call::Speech { handle, wanted, least } => vouch_enrolment_set_speech(at(handle).cast(), wanted, least),
            Call::Speaker { handle, claim, bytes, null } => {
                let data = if null { std::ptr::null() } else { bytes.as_ptr() };
                vouch_session_set_speaker(at(handle).cast(), claim, data, bytes.len())
            }
            Call::OwnVoiceprint { session } => {
                let print = &ready.voiceprint;
                vouch_session_set_speaker(at(session).cast(), 4, print.as_ptr(), print.len())
            }
            Call::Floats { handle, enrol, samples, shift } => {
                let data = samples.as_ptr().wrapping_byte_add(usize::from(shift));
                let n = samples.len().saturating_sub(usize::from(shift));
                match enrol {
                    true => vouch_enrolment_push_f32(at(handle).cast(), data, n),
                    false => vouch_session_push_f32(at(handle).cast(), data, n),
                }
            }
            Call::Shorts { handle, enrol: true, samples } => {
                vouch_enrolment_push_s16(at(handle).cast(), samples.as_ptr(), samples.len())
            }
            Call::Shorts { handle, enrol: false, samples } => {
                vouch_session_push_s16(at(handle).cast(), samples.as_ptr(), samples.len())
            }
            Call::Packet { handle, enrol, a_law, payload } => {
                let (data, n) = (payload.as_ptr(), payload.len());
                match (enrol, a_law) {
                    (true, true) => vouch_enrolment_push_pcma(at(handle).cast(), data, n),
                    (true, false) => vouch_enrolment_push_pcmu(at(handle).cast(), data, n),
                    (false, true) => vouch_session_push_pcma(at(handle).cast(), data, n),
                    (false, false) => vouch_session_push_pcmu(at(handle).cast(), data, n),
                }
            }
            Call::Lost { handle, enrol: true, samples } => vouch_enrolment_push_lost(at(handle).cast(), samples),
            Call::Lost { handle, enrol: false, samples } => vouch_session_push_lost(at(handle).cast(), samples % 300_000),
            Call::Next { handle } => vouch_enrolment_next_recording(at(handle).cast()),
            Call::Finish { handle, enrol: true } => vouch_enrolment_finish(at(handle).cast()),
            Call::Finish { handle, enrol: false } => vouch_session_finish(at(handle).cast()),
            Call::Reset { handle } => vouch_session_reset(at(handle).cast()),
            Call::Look { handle, buffer } => {
                let h = at(handle);
                let mut text = vec![0; usize::from(buffer)];
                known(vouch_last_error(h, text.as_mut_ptr(), text.len(), &mut 0));
                known(vouch_session_branch(h.cast(), &mut std::ptr::null()));
                known(vouch_session_progress(h.cast(), &mut 0, &mut 0, null_mut()));
                known(vouch_enrolment_progress(h.cast(), &mut 0, &mut 0));
                let (mut decision, mut score) = (vouch_decision::VOUCH_ACCEPT, -2);
                let result = vouch_session_decision(h.cast(), &mut decision, &mut score);
                assert!(if result == VOUCH_OK { (-1..=100).contains(&score) } else { score == -2 });
                result
            }
            Call::Voiceprint { handle, buffer } => {
                let mut bytes = vec![0; usize::from(buffer)];
                let (mut size, data) = (usize::MAX, bytes.as_mut_ptr());
                let result = vouch_enrolment_voiceprint(at(handle).cast(), data, bytes.len(), &mut size);
                assert!(result != VOUCH_OK || size <= bytes.len());
                result
            }
            Call::Live { engine, rate, flags } => {
                let rate = if rate % 4 == 0 { rate } else { 8_000 + rate % 40_000 };
                vouch_call_new(at(engine).cast(), rate, flags.into(), (&raw mut made).cast())
            }
            Call::List { engine } => vouch_watchlist_new(at(engine).cast(), (&raw mut made).cast()),
            Call::Add { list, own, bytes, id } => {
                let bytes = if own { &ready.voiceprint } else { &bytes };
                let (mut found, mut risk) = (0, -2);
                let result =
                    vouch_watchlist_search(at(list).cast(), bytes.as_ptr(), bytes.len(), &mut found, &mut risk);
                assert!(if result == VOUCH_OK { (0..=100).contains(&risk) } else { risk == -2 });
                known(result);
                vouch_watchlist_add(at(list).cast(), bytes.as_ptr(), bytes.len(), id)
            }
            Call::Ask { call, what, number, other } => {
                let h: *mut vouch_call = at(call).cast();
                let print = &ready.voiceprint;
                match what % 17 {
                    0 => vouch_call_start(h),
                    1 => vouch_call_set_auth(h, number, 5_000 + number % 6_000, (number & 1) as i32),
                    2 => vouch_call_set_fraud(h, at(other).cast(), number),
                    3 => vouch_call_set_speaker(h, 4, print.as_ptr(), print.len()),
                    4 => vouch_call_set_speaker(h, number as i32, std::ptr::null(), 0),
                    5 => vouch_call_enrol(h),
                    6 => vouch_call_enrol_finish(h),
                    7 => vouch_call_enrol_progress(h, &mut 0, &mut 0),
                    8 => vouch_call_secure_begin(h),
                    9 => vouch_call_secure_end(h),
                    10 => vouch_call_restart(h),
                    11 => vouch_call_reset(h),
                    12 => vouch_call_finish(h),
                    13 => vouch_call_voiceprint(h, null_mut(), 0, &mut 0),
                    15 => vouch_call_bleed(h, &mut 0.0, &mut 0, null_mut()),
                    14 => vouch_call_check(h, number as i32, &mut std::ptr::null()),
                    _ => {
                        let (mut decision, mut score) = (vouch_decision::VOUCH_ACCEPT, -2);
                        let result = vouch_call_authentication(h, &mut decision, &mut score, null_mut());
                        assert!(if result == VOUCH_OK { (-1..=100).contains(&score) } else { score == -2 });
                        let (mut low, mut risk) = (vouch_fraud_decision::VOUCH_LOW_RISK, -2);
                        let fraud = vouch_call_fraud(h, &mut low, &mut risk, &mut 0, null_mut());
                        assert!(if fraud == VOUCH_OK { (-1..=100).contains(&risk) } else { risk == -2 });
                        let mut event = vouch_event::VOUCH_EVENT_STREAMING_STARTED;
                        while vouch_call_next_event(h, &mut event, &mut 0, &mut 0, &mut 0) == VOUCH_OK {}
                        result
                    }
                }
            }
            Call::Hear { call, how, bytes, count } => {
                let h: *mut vouch_call = at(call).cast();
                match how % 5 {
                    0 => vouch_call_push_pcmu(h, bytes.as_ptr(), bytes.len()),
                    1 => vouch_call_push_pcma(h, bytes.as_ptr(), bytes.len()),
                    3 => {
                        let samples: Vec<i16> = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
                        vouch_call_push_both_s16(h, samples.as_ptr(), samples.as_ptr(), samples.len())
                    }
                    2 => vouch_call_push_lost(h, count as usize % 300_000),
                    _ => {
                        // Real speech, so that there is something to decide.
                        let call = include_bytes!("../../../../testdata/audio/callers/alice_call_1.wav");
                        let start = 64 + count as usize % (call.len() - 64);
                        let part = &call[start..call.len().min(start + 8_000)];
                        vouch_call_push_pcmu(h, part.as_ptr(), part.len())
                    }
                }
            }
            Call::Made { number } => {
                handles.push(number as *mut c_void);
                VOUCH_OK
            }
        };
        known(result);
        if !made.is_null() {
            assert_eq!(result, VOUCH_OK);
            handles.push(made);
        }
    }
    for handle in handles {
        if handle as usize != ready.engine {
            vouch_session_free(handle.cast());
            vouch_enrolment_free(handle.cast());
            vouch_call_free(handle.cast());
            vouch_watchlist_free(handle.cast());
        }
    }
    assert_eq!(vouch_live_handles(), start);
});
