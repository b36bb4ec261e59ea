//! What the header calls real-time safe allocates nothing.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "the calls are made as the header asks")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;

use vouch::vouch_result::*;
use vouch::*;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to `System` unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|c| c.set(c.get() + 1));
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        COUNT.with(|c| c.set(c.get() + 1));
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn pushing_and_deciding_allocate_nothing() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/audio/callers/alice_call_1.wav");
    let (mut call, mut chunk) = (Vec::new(), Vec::new());
    let mut reader = cli_audio::MonoReader::open(path.as_ref(), None, cli_audio::ChannelChoice::Ask).unwrap();
    while reader.next_chunk(&mut chunk).unwrap() > 0 {
        call.extend_from_slice(&chunk);
    }
    let shorts: Vec<i16> = call.iter().map(|x| (x * 32767.0) as i16).collect();
    let laws: Vec<u8> = shorts.iter().map(|&x| engine::codec::g711::i16_to_ulaw(x)).collect();
    unsafe {
        let (mut engine, mut enrolment, mut session) = (null_mut(), null_mut(), null_mut());
        assert_eq!(vouch_engine_new(&mut engine), VOUCH_OK);
        assert_eq!(vouch_enrolment_new(engine, 8000, &mut enrolment), VOUCH_OK);
        assert_eq!(vouch_enrolment_set_speech(enrolment, 10_000, 5_000), VOUCH_OK);
        let before = COUNT.with(Cell::get);
        for packet in shorts.chunks(160) {
            assert_eq!(vouch_enrolment_push_s16(enrolment, packet.as_ptr(), packet.len()), VOUCH_OK);
            assert_eq!(vouch_enrolment_progress(enrolment, &mut 0, &mut 0), VOUCH_OK);
        }
        assert_eq!(COUNT.with(Cell::get), before, "enrolment");
        assert_eq!(vouch_enrolment_finish(enrolment), VOUCH_OK);
        let (mut print, mut size) = (vec![0u8; 1 << 16], 0);
        assert_eq!(vouch_enrolment_voiceprint(enrolment, print.as_mut_ptr(), print.len(), &mut size), VOUCH_OK);
        assert_eq!(vouch_session_new(engine, 8000, &mut session), VOUCH_OK);
        assert_eq!(vouch_session_set_speaker(session, 4, print.as_ptr(), size), VOUCH_OK);

        let before = COUNT.with(Cell::get);
        let (mut decision, mut score) = (vouch_decision::VOUCH_REJECT, 0);
        for (i, (floats, bytes)) in call.chunks(160).zip(laws.chunks(160)).enumerate() {
            let done = match i % 4 {
                0 => vouch_session_push_f32(session, floats.as_ptr(), floats.len()),
                1 => vouch_session_push_pcmu(session, bytes.as_ptr(), bytes.len()),
                2 => vouch_session_push_s16(session, shorts[160 * i..].as_ptr(), floats.len()),
                _ if i % 50 == 3 => vouch_session_push_lost(session, 160),
                _ => vouch_session_push_pcmu(session, bytes.as_ptr(), bytes.len()),
            };
            assert_eq!(done, VOUCH_OK);
            assert_eq!(vouch_session_decision(session, &mut decision, &mut score), VOUCH_OK);
            assert_eq!(vouch_session_branch(session, &mut std::ptr::null()), VOUCH_OK);
            assert_eq!(vouch_session_progress(session, &mut 0, &mut 0, &mut 0), VOUCH_OK);
        }
        // Refused audio allocates nothing either.
        assert_eq!(vouch_session_push_f32(session, [f32::NAN].as_ptr(), 1), VOUCH_ERR_AUDIO);
        assert_eq!(vouch_session_push_lost(session, usize::MAX), VOUCH_ERR_RANGE);
        assert_eq!(vouch_session_set_auth(session, 70, 5_000), VOUCH_OK);
        assert_eq!(vouch_session_finish(session), VOUCH_OK);
        assert_eq!(vouch_session_reset(session), VOUCH_OK);
        assert_eq!(COUNT.with(Cell::get), before, "session");
        assert_eq!(decision, vouch_decision::VOUCH_ACCEPT);
        vouch_session_free(session);

        // A call: the same, with a watch list, a callback and secure passages.
        unsafe extern "C" fn count(told: *mut std::ffi::c_void, _: i32, _: u64, _: i32, _: i32) {
            // SAFETY: the number below, which outlives the call.
            unsafe { *told.cast::<u32>() += 1 };
        }
        let (mut list, mut live, mut told) = (null_mut(), null_mut(), 0u32);
        assert_eq!(vouch_watchlist_new(engine, &mut list), VOUCH_OK);
        assert_eq!(vouch_watchlist_add(list, print.as_ptr(), size, 1), VOUCH_OK);
        assert_eq!(vouch_call_new(engine, 8000, 0, &mut live), VOUCH_OK);
        assert_eq!(vouch_call_set_speaker(live, 4, print.as_ptr(), size), VOUCH_OK);
        assert_eq!(vouch_call_set_auth(live, 90, 5_000, 1), VOUCH_OK);
        assert_eq!(vouch_call_set_fraud(live, list, 50), VOUCH_OK);
        assert_eq!(vouch_call_set_callback(live, (&raw mut told).cast(), Some(count)), VOUCH_OK);
        assert_eq!(vouch_call_start(live), VOUCH_OK);
        let before = COUNT.with(Cell::get);
        let mut risk = vouch_fraud_decision::VOUCH_LOW_RISK;
        for (i, (floats, bytes)) in call.chunks(160).zip(laws.chunks(160)).enumerate() {
            let done = match i % 4 {
                0 => vouch_call_push_f32(live, floats.as_ptr(), floats.len()),
                1 => vouch_call_push_s16(live, shorts[160 * i..].as_ptr(), floats.len()),
                _ if i % 50 == 3 => vouch_call_push_lost(live, 160),
                _ => vouch_call_push_pcmu(live, bytes.as_ptr(), bytes.len()),
            };
            assert_eq!(done, VOUCH_OK);
            if i == 20 {
                assert_eq!(vouch_call_secure_begin(live), VOUCH_OK);
            } else if i == 30 {
                assert_eq!(vouch_call_secure_end(live), VOUCH_OK);
            }
            assert_eq!(vouch_call_authentication(live, &mut decision, &mut score, null_mut()), VOUCH_OK);
            assert_eq!(vouch_call_fraud(live, &mut risk, null_mut(), null_mut(), null_mut()), VOUCH_OK);
            assert_eq!(vouch_call_check(live, 1, &mut std::ptr::null()), VOUCH_OK);
            assert_eq!(vouch_call_standing(live, null_mut(), &mut 0, null_mut(), null_mut(), null_mut()), VOUCH_OK);
        }
        assert_eq!(vouch_call_finish(live), VOUCH_OK);
        assert_eq!(COUNT.with(Cell::get), before, "call");
        assert_eq!((decision, risk), (vouch_decision::VOUCH_ACCEPT, vouch_fraud_decision::VOUCH_HIGH_RISK));
        assert!(told >= 4, "{told} events");
        vouch_call_free(live);
        vouch_watchlist_free(list);
        vouch_enrolment_free(enrolment);
        vouch_engine_free(engine);
    }
}
