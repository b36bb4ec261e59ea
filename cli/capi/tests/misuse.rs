//! Every call of the header, used wrongly: each misuse has a result of its own and changes nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the calls are made wrongly on purpose; each promises to stand it"
)]

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vouch::vouch_result::{self, *};
use vouch::*;

fn engine() -> *mut vouch_engine {
    let mut engine = null_mut();
    assert_eq!(unsafe { vouch_engine_new(&mut engine) }, VOUCH_OK);
    engine
}

fn session(engine: *mut vouch_engine) -> *mut vouch_session {
    let mut session = null_mut();
    assert_eq!(unsafe { vouch_session_new(engine, 8000, &mut session) }, VOUCH_OK);
    session
}

fn enrolment(engine: *mut vouch_engine) -> *mut vouch_enrolment {
    let mut enrolment = null_mut();
    assert_eq!(unsafe { vouch_enrolment_new(engine, 8000, &mut enrolment) }, VOUCH_OK);
    enrolment
}

/// Every call that takes a handle, with good arguments otherwise: `(name, call)`.
type Call = (&'static str, Box<dyn Fn(*mut c_void) -> vouch_result>);

fn calls_on_sessions() -> Vec<Call> {
    let samples: &'static [f32] = &[0.0; 160];
    let shorts: &'static [i16] = &[0; 160];
    let bytes: &'static [u8] = &[0xff; 160];
    vec![
        ("set_auth", Box::new(|h| vouch_session_set_auth(h.cast(), 90, 10_000))),
        ("set_speaker", Box::new(|h| unsafe { vouch_session_set_speaker(h.cast(), 0, null(), 0) })),
        ("push_f32", Box::new(move |h| unsafe { vouch_session_push_f32(h.cast(), samples.as_ptr(), samples.len()) })),
        ("push_s16", Box::new(move |h| unsafe { vouch_session_push_s16(h.cast(), shorts.as_ptr(), shorts.len()) })),
        ("push_pcmu", Box::new(move |h| unsafe { vouch_session_push_pcmu(h.cast(), bytes.as_ptr(), bytes.len()) })),
        ("push_pcma", Box::new(move |h| unsafe { vouch_session_push_pcma(h.cast(), bytes.as_ptr(), bytes.len()) })),
        ("push_lost", Box::new(|h| vouch_session_push_lost(h.cast(), 160))),
        ("progress", Box::new(|h| unsafe { vouch_session_progress(h.cast(), null_mut(), null_mut(), null_mut()) })),
        (
            "decision",
            Box::new(|h| unsafe { vouch_session_decision(h.cast(), &mut vouch_decision::VOUCH_ACCEPT, null_mut()) }),
        ),
        ("branch", Box::new(|h| unsafe { vouch_session_branch(h.cast(), &mut null()) })),
        ("last_error", Box::new(|h| unsafe { vouch_last_error(h, null_mut(), 0, &mut 0) })),
        ("finish", Box::new(|h| vouch_session_finish(h.cast()))),
        ("reset", Box::new(|h| vouch_session_reset(h.cast()))),
    ]
}

fn calls_on_enrolments() -> Vec<Call> {
    let samples: &'static [f32] = &[0.0; 160];
    let shorts: &'static [i16] = &[0; 160];
    let bytes: &'static [u8] = &[0xff; 160];
    vec![
        ("set_speech", Box::new(|h| vouch_enrolment_set_speech(h.cast(), 30_000, 12_000))),
        ("push_f32", Box::new(move |h| unsafe { vouch_enrolment_push_f32(h.cast(), samples.as_ptr(), samples.len()) })),
        ("push_s16", Box::new(move |h| unsafe { vouch_enrolment_push_s16(h.cast(), shorts.as_ptr(), shorts.len()) })),
        ("push_pcmu", Box::new(move |h| unsafe { vouch_enrolment_push_pcmu(h.cast(), bytes.as_ptr(), bytes.len()) })),
        ("push_pcma", Box::new(move |h| unsafe { vouch_enrolment_push_pcma(h.cast(), bytes.as_ptr(), bytes.len()) })),
        ("push_lost", Box::new(|h| vouch_enrolment_push_lost(h.cast(), 160))),
        ("progress", Box::new(|h| unsafe { vouch_enrolment_progress(h.cast(), null_mut(), null_mut()) })),
        ("next_recording", Box::new(|h| vouch_enrolment_next_recording(h.cast()))),
    ]
}

fn calls_on_calls() -> Vec<Call> {
    let samples: &'static [f32] = &[0.0; 160];
    let shorts: &'static [i16] = &[0; 160];
    let bytes: &'static [u8] = &[0xff; 160];
    vec![
        ("set_callback", Box::new(|h| vouch_call_set_callback(h.cast(), null_mut(), None))),
        ("set_auth", Box::new(|h| vouch_call_set_auth(h.cast(), 90, 10_000, 1))),
        ("set_fraud", Box::new(|h| vouch_call_set_fraud(h.cast(), null_mut(), 50))),
        ("set_speaker", Box::new(|h| unsafe { vouch_call_set_speaker(h.cast(), 0, null(), 0) })),
        ("push_f32", Box::new(move |h| unsafe { vouch_call_push_f32(h.cast(), samples.as_ptr(), samples.len()) })),
        ("push_s16", Box::new(move |h| unsafe { vouch_call_push_s16(h.cast(), shorts.as_ptr(), shorts.len()) })),
        (
            "push_both_f32",
            Box::new(move |h| unsafe {
                vouch_call_push_both_f32(h.cast(), samples.as_ptr(), samples.as_ptr(), samples.len())
            }),
        ),
        (
            "push_both_s16",
            Box::new(move |h| unsafe {
                vouch_call_push_both_s16(h.cast(), shorts.as_ptr(), shorts.as_ptr(), shorts.len())
            }),
        ),
        ("push_pcmu", Box::new(move |h| unsafe { vouch_call_push_pcmu(h.cast(), bytes.as_ptr(), bytes.len()) })),
        ("push_pcma", Box::new(move |h| unsafe { vouch_call_push_pcma(h.cast(), bytes.as_ptr(), bytes.len()) })),
        ("push_lost", Box::new(|h| vouch_call_push_lost(h.cast(), 160))),
        ("secure_begin", Box::new(|h| vouch_call_secure_begin(h.cast()))),
        ("secure_end", Box::new(|h| vouch_call_secure_end(h.cast()))),
        (
            "standing",
            Box::new(|h| unsafe {
                vouch_call_standing(h.cast(), null_mut(), null_mut(), null_mut(), null_mut(), null_mut())
            }),
        ),
        ("check", Box::new(|h| unsafe { vouch_call_check(h.cast(), 1, &mut null()) })),
        ("start", Box::new(|h| vouch_call_start(h.cast()))),
        ("finish", Box::new(|h| vouch_call_finish(h.cast()))),
        ("restart", Box::new(|h| vouch_call_restart(h.cast()))),
        ("reset", Box::new(|h| vouch_call_reset(h.cast()))),
    ]
}

fn calls_that_find_nothing() -> Vec<Call> {
    let (accept, low) = (vouch_decision::VOUCH_ACCEPT, vouch_fraud_decision::VOUCH_LOW_RISK);
    let started = vouch_event::VOUCH_EVENT_STREAMING_STARTED;
    vec![
        (
            "next_event",
            Box::new(move |h| unsafe {
                vouch_call_next_event(h.cast(), &mut { started }, null_mut(), null_mut(), null_mut())
            }),
        ),
        (
            "authentication",
            Box::new(move |h| unsafe { vouch_call_authentication(h.cast(), &mut { accept }, null_mut(), null_mut()) }),
        ),
        (
            "fraud",
            Box::new(move |h| unsafe { vouch_call_fraud(h.cast(), &mut { low }, null_mut(), null_mut(), null_mut()) }),
        ),
        ("bleed", Box::new(|h| unsafe { vouch_call_bleed(h.cast(), null_mut(), null_mut(), null_mut()) })),
        ("enrol_progress", Box::new(|h| unsafe { vouch_call_enrol_progress(h.cast(), null_mut(), null_mut()) })),
        ("enrol_finish", Box::new(|h| vouch_call_enrol_finish(h.cast()))),
        ("voiceprint", Box::new(|h| unsafe { vouch_call_voiceprint(h.cast(), null_mut(), 0, &mut 0) })),
    ]
}

fn calls_on_watchlists() -> Vec<Call> {
    let text: &'static [u8] = b"no voiceprint";
    vec![
        ("add", Box::new(move |h| unsafe { vouch_watchlist_add(h.cast(), text.as_ptr(), text.len(), 1) })),
        (
            "search",
            Box::new(move |h| unsafe {
                vouch_watchlist_search(h.cast(), text.as_ptr(), text.len(), null_mut(), null_mut())
            }),
        ),
    ]
}

fn call(engine: *mut vouch_engine, flags: u32) -> *mut vouch_call {
    let mut call = null_mut();
    assert_eq!(unsafe { vouch_call_new(engine, 8000, flags, &mut call) }, VOUCH_OK);
    call
}

fn watchlist(engine: *mut vouch_engine) -> *mut vouch_watchlist {
    let mut list = null_mut();
    assert_eq!(unsafe { vouch_watchlist_new(engine, &mut list) }, VOUCH_OK);
    list
}

#[test]
fn calls_answer_for_every_state_and_nothing_is_found_before_it_is_there() {
    let engine = engine();
    let (call, list) = (call(engine, 1), watchlist(engine));
    let mut failures = Vec::new();
    let mut check = |name: &str, got: vouch_result, want: vouch_result| {
        if got != want {
            failures.push(format!("{name}: {got:?}, not {want:?}"));
        }
    };
    for (name, ask) in calls_that_find_nothing() {
        check(name, ask(call.cast()), VOUCH_ERR_NONE);
        check(&format!("{name}(list)"), ask(list.cast()), VOUCH_ERR_HANDLE_KIND);
        check(&format!("{name}(NULL)"), ask(null_mut()), VOUCH_ERR_NULL);
    }
    for (name, ask) in calls_on_watchlists() {
        check(name, ask(list.cast()), VOUCH_ERR_VOICEPRINT);
        check(&format!("{name}(call)"), ask(call.cast()), VOUCH_ERR_HANDLE_KIND);
        check(&format!("{name}(NULL)"), ask(null_mut()), VOUCH_ERR_NULL);
    }
    for flags in [8, 16, u32::MAX] {
        check("flags", unsafe { vouch_call_new(engine, 8000, flags, &mut null_mut()) }, VOUCH_ERR_RANGE);
    }
    for (threshold, ms) in [(101, 10_000), (90, 4_999), (90, 10_001), (u32::MAX, u32::MAX)] {
        check("auth", vouch_call_set_auth(call, threshold, ms, 0), VOUCH_ERR_RANGE);
    }
    check("fraud", vouch_call_set_fraud(call, list, 101), VOUCH_ERR_RANGE);
    check("fraud", vouch_call_set_fraud(call, call.cast(), 50), VOUCH_ERR_HANDLE_KIND);
    check("check", unsafe { vouch_call_check(call, 3, &mut null()) }, VOUCH_ERR_RANGE);
    check("claim", unsafe { vouch_call_set_speaker(call, 9, null(), 0) }, VOUCH_ERR_RANGE);
    check("enrol nobody", vouch_call_enrol(call), VOUCH_ERR_STATE);
    check("claim", unsafe { vouch_call_set_speaker(call, 1, null(), 0) }, VOUCH_OK);
    check("start", vouch_call_start(call), VOUCH_OK);
    check("enrol", vouch_call_enrol(call), VOUCH_OK);
    check("enrol again", vouch_call_enrol(call), VOUCH_ERR_STATE);
    check("another speaker", unsafe { vouch_call_set_speaker(call, 2, null(), 0) }, VOUCH_ERR_STATE);
    check("silence", vouch_call_enrol_finish(call), VOUCH_ERR_SILENCE);
    check("restart", vouch_call_restart(call), VOUCH_ERR_STATE);
    // An empty list is one: nobody is on it.
    check("fraud", vouch_call_set_fraud(call, list, 50), VOUCH_OK);
    let (mut decision, mut risk) = (vouch_fraud_decision::VOUCH_HIGH_RISK, 7);
    let asked = unsafe { vouch_call_fraud(call, &mut decision, &mut risk, null_mut(), null_mut()) };
    check("fraud", asked, VOUCH_OK);
    assert_eq!((decision, risk), (vouch_fraud_decision::VOUCH_FRAUD_NOT_ENOUGH_SPEECH, -1));
    check("finish", vouch_call_finish(call), VOUCH_OK);
    check("after the end", vouch_call_push_lost(call, 160), VOUCH_ERR_STATE);
    check("endless loss", vouch_call_push_lost(call, usize::MAX), VOUCH_ERR_RANGE);
    check("reset", vouch_call_reset(call), VOUCH_OK);
    check("loss", vouch_call_push_lost(call, 160), VOUCH_OK);
    check("free list first", vouch_watchlist_free(list), VOUCH_OK);
    check("free", vouch_call_free(call), VOUCH_OK);
    check("free twice", vouch_call_free(call), VOUCH_ERR_HANDLE);
    vouch_engine_free(engine);
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn wrong_handles_are_told_apart() {
    let engine = engine();
    let (session, enrolment) = (session(engine), enrolment(engine));
    let mut failures = Vec::new();
    let garbage: Vec<*mut c_void> =
        [1usize, 16, 0x1_0000_0010, usize::MAX, usize::MAX - 15].map(|n| n as *mut c_void).to_vec();
    let on_stack = [0u64; 4];
    let mut check = |name: &str, got: vouch_result, want: vouch_result| {
        if got != want {
            failures.push(format!("{name}: {got:?}, not {want:?}"));
        }
    };
    let all = [
        (calls_on_sessions(), enrolment.cast::<c_void>()),
        (calls_on_enrolments(), session.cast()),
        (calls_on_calls(), session.cast()),
        (calls_that_find_nothing(), session.cast()),
        (calls_on_watchlists(), session.cast()),
    ];
    for (calls, other) in all {
        for (name, call) in &calls {
            check(&format!("{name}(NULL)"), call(null_mut()), VOUCH_ERR_NULL);
            for &handle in garbage.iter().chain([&on_stack.as_ptr().cast_mut().cast()]) {
                check(&format!("{name}({handle:?})"), call(handle), VOUCH_ERR_HANDLE);
            }
            if *name != "last_error" {
                check(&format!("{name}(other kind)"), call(other), VOUCH_ERR_HANDLE_KIND);
                check(&format!("{name}(engine)"), call(engine.cast()), VOUCH_ERR_HANDLE_KIND);
            }
        }
    }
    let of_engine = |handle: *mut vouch_engine| unsafe { vouch_engine_model_id(handle, null_mut(), 0, &mut 0) };
    check("model_id(NULL)", of_engine(null_mut()), VOUCH_ERR_NULL);
    check("model_id(session)", of_engine(session.cast()), VOUCH_ERR_HANDLE_KIND);
    for handle in [null_mut::<vouch_engine>(), session.cast(), enrolment.cast()] {
        let want = if handle.is_null() { VOUCH_OK } else { VOUCH_ERR_HANDLE_KIND };
        check("free(wrong)", vouch_engine_free(handle), want);
    }

    // What was made from an engine outlives it; every freed handle is dead, also when its place was taken again.
    check("free", vouch_engine_free(engine), VOUCH_OK);
    check("again", vouch_engine_free(engine), VOUCH_ERR_HANDLE);
    check("used after", of_engine(engine), VOUCH_ERR_HANDLE);
    check("session lives", vouch_session_reset(session), VOUCH_OK);
    check("free", vouch_session_free(session), VOUCH_OK);
    let second = self::engine();
    let taken = self::session(second);
    for (name, call) in calls_on_sessions() {
        check(&format!("{name}(freed)"), call(session.cast()), VOUCH_ERR_HANDLE);
    }
    check("free twice", vouch_session_free(session), VOUCH_ERR_HANDLE);
    check("the new one lives", vouch_session_reset(taken), VOUCH_OK);
    for done in [vouch_session_free(taken), vouch_enrolment_free(enrolment), vouch_engine_free(second)] {
        check("free", done, VOUCH_OK);
    }
    check("free(NULL)", vouch_session_free(null_mut()), VOUCH_OK);
    check("free(NULL)", vouch_enrolment_free(null_mut()), VOUCH_OK);
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn bad_arguments_are_results_and_leave_everything_as_it_was() {
    let engine = engine();
    let session = session(engine);
    let mut failures = Vec::new();
    let mut check = |name: &str, got: vouch_result, want: vouch_result| {
        if got != want {
            failures.push(format!("{name}: {got:?}, not {want:?}"));
        }
    };
    let samples = [0.1f32; 161];
    let bad = [0.1f32, f32::NAN, f32::INFINITY, f32::MAX];
    let misaligned = samples.as_ptr().wrapping_byte_add(1);
    unsafe {
        for hz in [0, 3, 7999, 192_001, u32::MAX] {
            check(&format!("{hz} Hz"), vouch_session_new(engine, hz, &mut null_mut()), VOUCH_ERR_RANGE);
        }
        check("no place", vouch_session_new(engine, 8000, null_mut()), VOUCH_ERR_NULL);
        check("no samples", vouch_session_push_f32(session, null(), 1), VOUCH_ERR_NULL);
        check("none", vouch_session_push_f32(session, null(), 0), VOUCH_OK);
        check("huge", vouch_session_push_f32(session, samples.as_ptr(), usize::MAX), VOUCH_ERR_RANGE);
        check("huge", vouch_session_push_s16(session, samples.as_ptr().cast(), usize::MAX / 2), VOUCH_ERR_RANGE);
        check("misaligned", vouch_session_push_f32(session, misaligned, 1), VOUCH_ERR_RANGE);
        check("misaligned", vouch_session_push_s16(session, misaligned.cast(), 1), VOUCH_ERR_RANGE);
        for (i, _) in bad.iter().enumerate().skip(1) {
            check("not finite", vouch_session_push_f32(session, &bad[i], 1), VOUCH_ERR_AUDIO);
        }
        let long = [0xffu8; 9_601];
        check("long packet", vouch_session_push_pcmu(session, long.as_ptr(), long.len()), VOUCH_ERR_PACKET);
        check("endless loss", vouch_session_push_lost(session, usize::MAX), VOUCH_ERR_RANGE);
        for (threshold, ms) in [(101, 10_000), (u32::MAX, 10_000), (90, 4_999), (90, 10_001), (90, u32::MAX)] {
            check(&format!("{threshold} {ms}"), vouch_session_set_auth(session, threshold, ms), VOUCH_ERR_RANGE);
        }
        for claim in [-1, 5, i32::MAX, i32::MIN] {
            check("claim", vouch_session_set_speaker(session, claim, null(), 0), VOUCH_ERR_RANGE);
        }
        let text = b"no voiceprint";
        check("voiceprint", vouch_session_set_speaker(session, 4, text.as_ptr(), text.len()), VOUCH_ERR_VOICEPRINT);
        check("voiceprint", vouch_session_set_speaker(session, 4, null(), 0), VOUCH_ERR_VOICEPRINT);
        check("too much", vouch_session_set_speaker(session, 1, text.as_ptr(), text.len()), VOUCH_ERR_RANGE);
        check("no decision", vouch_session_decision(session, null_mut(), null_mut()), VOUCH_ERR_NULL);

        // Nothing was taken, and the last failure can be read: its size first, then into a buffer that is too small, then whole.
        let mut heard = u64::MAX;
        check("progress", vouch_session_progress(session, &mut heard, null_mut(), null_mut()), VOUCH_OK);
        assert_eq!(heard, 0);
        check("voiceprint", vouch_session_set_speaker(session, 4, text.as_ptr(), text.len()), VOUCH_ERR_VOICEPRINT);
        let (mut needed, mut buffer) = (0usize, [b'?' as c_char; 200]);
        check("size", vouch_last_error(session.cast(), null_mut(), 0, &mut needed), VOUCH_OK);
        check(
            "small",
            vouch_last_error(session.cast(), buffer.as_mut_ptr(), needed - 1, &mut needed),
            VOUCH_ERR_BUFFER,
        );
        assert_eq!(buffer[0], b'?' as c_char);
        check("whole", vouch_last_error(session.cast(), buffer.as_mut_ptr(), needed, null_mut()), VOUCH_OK);
        let text = CStr::from_ptr(buffer.as_ptr()).to_str().unwrap();
        assert!(text.starts_with("not a voiceprint: ") && text.len() + 1 == needed, "{text}");

        // After the end there is no more audio, until a reset.
        check("finish", vouch_session_finish(session), VOUCH_OK);
        check("finish again", vouch_session_finish(session), VOUCH_OK);
        check("after the end", vouch_session_push_f32(session, samples.as_ptr(), 160), VOUCH_ERR_STATE);
        check("reset", vouch_session_reset(session), VOUCH_OK);
        check("again", vouch_session_push_f32(session, samples.as_ptr(), 160), VOUCH_OK);

        let mut other = null_mut();
        check("no model", vouch_engine_new_from(null(), 0, null(), 0, &mut other), VOUCH_ERR_MODEL);
        check("NULL model", vouch_engine_new_from(null(), 9, null(), 0, &mut other), VOUCH_ERR_NULL);
        assert!(other.is_null());
    }
    vouch_session_free(session);
    vouch_engine_free(engine);
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn enrolments_refuse_with_reasons_and_give_nothing_before() {
    let engine = engine();
    let enrolment = enrolment(engine);
    unsafe {
        let mut size = 7;
        assert_eq!(vouch_enrolment_voiceprint(enrolment, null_mut(), 0, &mut size), VOUCH_ERR_STATE);
        assert_eq!(size, 7);
        for (wanted, least) in [(999, 999), (12_000, 30_000), (3_600_001, 12_000), (u32::MAX, u32::MAX)] {
            assert_eq!(vouch_enrolment_set_speech(enrolment, wanted, least), VOUCH_ERR_RANGE, "{wanted} {least}");
        }
        assert_eq!(vouch_enrolment_finish(enrolment), VOUCH_ERR_SILENCE);
        let silence = [0i16; 8000];
        assert_eq!(vouch_enrolment_push_s16(enrolment, silence.as_ptr(), silence.len()), VOUCH_OK);
        assert_eq!(vouch_enrolment_set_speech(enrolment, 30_000, 12_000), VOUCH_ERR_STATE);
        assert_eq!(vouch_enrolment_finish(enrolment), VOUCH_ERR_SILENCE);
        let (mut ms, mut percent) = (1, 1);
        assert_eq!(vouch_enrolment_progress(enrolment, &mut ms, &mut percent), VOUCH_OK);
        assert_eq!((ms, percent), (0, 0));
    }
    vouch_enrolment_free(enrolment);
    vouch_engine_free(engine);
}

#[test]
fn a_handle_that_two_threads_use_is_busy_for_one_and_breaks_for_none() {
    let engine = engine();
    let (session, shared) = (session(engine) as usize, engine as usize);
    let (busy, done, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let audio = [0.01f32; 8000];
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..200 {
                    match unsafe { vouch_session_push_f32(session as *mut _, audio.as_ptr(), audio.len()) } {
                        VOUCH_OK => done.fetch_add(1, Ordering::Relaxed),
                        VOUCH_ERR_BUSY => busy.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other:?}"),
                    };
                }
                stop.store(true, Ordering::Relaxed);
            });
        }
        scope.spawn(|| {
            // Engines are shared: another session can be made meanwhile, once at least.
            loop {
                let other = self::session(shared as *mut _);
                assert_eq!(vouch_session_free(other), VOUCH_OK);
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
    });
    assert_eq!(busy.load(Ordering::Relaxed) + done.load(Ordering::Relaxed), 400);
    let mut heard = 0;
    unsafe { vouch_session_progress(session as *const _, &mut heard, null_mut(), null_mut()) };
    assert_eq!(heard as usize, 8000 * done.load(Ordering::Relaxed));
    vouch_session_free(session as *mut _);
    vouch_engine_free(engine);
}

#[test]
fn every_result_has_a_text_and_every_number_is_told() {
    let mut texts: Vec<&CStr> =
        vouch_result::ALL.iter().map(|&r| unsafe { CStr::from_ptr(vouch_strerror(r as i32)) }).collect();
    assert!(texts.iter().all(|t| !t.is_empty()));
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), vouch_result::ALL.len());
    for unknown in [-1, 1, 99, 600, i32::MAX] {
        assert_eq!(unsafe { CStr::from_ptr(vouch_strerror(unknown)) }, c"unknown result");
        assert_eq!(unsafe { CStr::from_ptr(vouch_decision_name(unknown.wrapping_add(100))) }, c"unknown decision");
    }
    assert_eq!(vouch_version_number(), 1000);
    assert_eq!(unsafe { CStr::from_ptr(vouch_version()) }.to_str().unwrap(), env!("CARGO_PKG_VERSION"));
}

#[cfg(feature = "test-panic")]
#[test]
fn a_panic_is_a_result_and_the_handle_can_only_be_freed() {
    let engine = engine();
    let session = session(engine);
    assert_eq!(vouch_test_panic(session.cast()), VOUCH_ERR_PANIC);
    for (name, call) in calls_on_sessions() {
        if name != "last_error" {
            assert_eq!(call(session.cast()), VOUCH_ERR_PANIC, "{name}");
        }
    }
    assert_eq!(vouch_session_free(session), VOUCH_OK);
    assert_eq!(vouch_test_panic(null_mut()), VOUCH_ERR_PANIC);
    let fresh = self::session(engine);
    assert_eq!(vouch_session_reset(fresh), VOUCH_OK);
    vouch_session_free(fresh);
    vouch_engine_free(engine);
}

/// What the log was told, and what setting it from inside answered.
static TOLD: Mutex<Vec<(i32, String)>> = Mutex::new(Vec::new());

unsafe extern "C" fn note_line(userdata: *mut c_void, level: i32, text: *const c_char) {
    assert_eq!(userdata as usize, 0x77);
    let text = unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned();
    let again = vouch_set_log(null_mut(), None);
    TOLD.lock().unwrap().push((level, format!("{text} / {again:?}")));
}

/// Resets the call that is telling an event, and notes the answer.
unsafe extern "C" fn reset_from_inside(userdata: *mut c_void, _: i32, _: u64, _: i32, _: i32) {
    let (call, answer) = unsafe { *userdata.cast::<(*mut vouch_call, *mut vouch_result)>() };
    unsafe { *answer = vouch_call_reset(call) };
}

#[test]
fn the_log_hears_of_misuse_and_of_what_was_loaded() {
    assert_eq!(vouch_set_log(0x77 as *mut c_void, Some(note_line)), VOUCH_OK);
    let mut engine = null_mut();
    assert_eq!(unsafe { vouch_engine_new(&mut engine) }, VOUCH_OK);
    // A call that is used from inside its own callback is busy, whatever the threads do.
    let mut call = null_mut();
    assert_eq!(unsafe { vouch_call_new(engine, 8_000, 0, &mut call) }, VOUCH_OK);
    let mut answer = VOUCH_OK;
    let mut asked = (call, &raw mut answer);
    assert_eq!(vouch_call_set_callback(call, (&raw mut asked).cast(), Some(reset_from_inside)), VOUCH_OK);
    assert_eq!(vouch_call_start(call), VOUCH_OK);
    assert_eq!(answer, VOUCH_ERR_BUSY);
    // An answer that is nobody's fault is not told.
    assert_eq!(vouch_session_reset(null_mut()), VOUCH_ERR_NULL);
    assert_eq!(vouch_set_log(null_mut(), None), VOUCH_OK);
    let told = std::mem::take(&mut *TOLD.lock().unwrap());
    let (info, warning) = (vouch_log_level::VOUCH_LOG_INFO as i32, vouch_log_level::VOUCH_LOG_WARNING as i32);
    assert!(told.iter().any(|(level, text)| *level == info && text.starts_with("network ")), "{told:?}");
    assert!(told.iter().any(|(level, text)| *level == warning && text.starts_with("VOUCH_ERR_BUSY: ")), "{told:?}");
    assert!(told.iter().all(|(_, text)| text.ends_with("/ VOUCH_ERR_BUSY")), "set from inside: {told:?}");
    vouch_call_free(call);
    vouch_engine_free(engine);
    let mut other = null_mut();
    assert_eq!(unsafe { vouch_engine_new(&mut other) }, VOUCH_OK);
    vouch_engine_free(other);
    assert!(TOLD.lock().unwrap().is_empty(), "it was taken off");
}

#[test]
fn the_features_name_the_instruction_set() {
    let words = unsafe { CStr::from_ptr(vouch_features()) }.to_str().unwrap();
    let simd = words.split(' ').find_map(|w| w.strip_prefix("simd=")).unwrap();
    assert!(["scalar", "avx2", "avx512", "neon"].contains(&simd), "{words}");
    assert_eq!(words.split(' ').any(|w| w == "domain"), cfg!(feature = "domain"));
}
