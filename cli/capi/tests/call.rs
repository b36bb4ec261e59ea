//! A call through the C interface: decisions, watch list, events, enrolment and secure passages, from audio.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "every call is made as the header says")]

use std::ffi::{CStr, c_void};
use std::ptr::{null, null_mut};

use vouch::vouch_result::*;
use vouch::*;

/// A recording at 8 kHz: some of the callers' files are wide-band.
fn audio(name: &str) -> Vec<f32> {
    let path = format!("{}/../../testdata/audio/callers/{name}.wav", env!("CARGO_MANIFEST_DIR"));
    let mut reader = cli_audio::MonoReader::open(path.as_ref(), None, cli_audio::ChannelChoice::Ask).unwrap();
    let rate = engine::audio::SampleRate::new(reader.spec().rate_hz).unwrap();
    let mut resampler = engine::resample::Resampler::new(rate).unwrap();
    let (mut all, mut chunk) = (Vec::new(), Vec::new());
    while reader.next_chunk(&mut chunk).unwrap() > 0 {
        resampler.push(&chunk, &mut |x| all.extend_from_slice(x));
    }
    resampler.finish(&mut |x| all.extend_from_slice(x));
    all
}

fn laws(samples: &[f32]) -> Vec<u8> {
    samples.iter().map(|&x| engine::codec::g711::i16_to_ulaw(engine::audio::f32_to_i16(x))).collect()
}

struct Engine(*mut vouch_engine);

impl Engine {
    fn new() -> Self {
        let mut engine = null_mut();
        assert_eq!(unsafe { vouch_engine_new(&mut engine) }, VOUCH_OK);
        Self(engine)
    }

    fn voiceprint(&self, who: &str) -> Vec<u8> {
        let mut enrolment = null_mut();
        assert_eq!(unsafe { vouch_enrolment_new(self.0, 8000, &mut enrolment) }, VOUCH_OK);
        for part in ["enrol_1", "enrol_2"] {
            let x = audio(&format!("{who}_{part}"));
            assert_eq!(unsafe { vouch_enrolment_push_f32(enrolment, x.as_ptr(), x.len()) }, VOUCH_OK);
            assert_eq!(vouch_enrolment_next_recording(enrolment), VOUCH_OK);
        }
        assert_eq!(vouch_enrolment_finish(enrolment), VOUCH_OK);
        let (mut bytes, mut size) = (vec![0; 1 << 16], 0);
        let done = unsafe { vouch_enrolment_voiceprint(enrolment, bytes.as_mut_ptr(), bytes.len(), &mut size) };
        assert_eq!(done, VOUCH_OK);
        bytes.truncate(size);
        vouch_enrolment_free(enrolment);
        bytes
    }

    fn call(&self, flags: u32) -> *mut vouch_call {
        let mut call = null_mut();
        assert_eq!(unsafe { vouch_call_new(self.0, 8000, flags, &mut call) }, VOUCH_OK);
        call
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        assert_eq!(vouch_engine_free(self.0), VOUCH_OK);
    }
}

type Told = Vec<(i32, u64, i32, i32)>;

unsafe extern "C" fn note(userdata: *mut c_void, event: i32, at: u64, value: i32, score: i32) {
    unsafe { &mut *userdata.cast::<Told>() }.push((event, at, value, score));
}

fn polled(call: *mut vouch_call) -> Told {
    let mut told = Vec::new();
    loop {
        let mut event = vouch_event::VOUCH_EVENT_STREAMING_STARTED;
        let (mut at, mut value, mut score) = (0, 0, 0);
        match unsafe { vouch_call_next_event(call, &mut event, &mut at, &mut value, &mut score) } {
            VOUCH_OK => told.push((event as i32, at, value, score)),
            other => {
                assert_eq!(other, VOUCH_ERR_NONE);
                return told;
            }
        }
    }
}

fn branch(call: *mut vouch_call, check: vouch_check) -> Option<String> {
    let mut branch = null();
    assert_eq!(unsafe { vouch_call_check(call, check as i32, &mut branch) }, VOUCH_OK);
    (!branch.is_null()).then(|| unsafe { CStr::from_ptr(branch) }.to_str().unwrap().to_owned())
}

/// Decision and score of one call, by packets.
fn ask(call: *mut vouch_call, packets: &[u8]) -> (vouch_decision, i32) {
    for packet in packets.chunks(160) {
        assert_eq!(unsafe { vouch_call_push_pcmu(call, packet.as_ptr(), packet.len()) }, VOUCH_OK);
    }
    assert_eq!(vouch_call_finish(call), VOUCH_OK);
    let (mut decision, mut score) = (vouch_decision::VOUCH_REJECT, 0);
    assert_eq!(unsafe { vouch_call_authentication(call, &mut decision, &mut score, null_mut()) }, VOUCH_OK);
    (decision, score)
}

#[test]
fn a_call_is_decided_as_a_session_and_events_come_either_way() {
    let engine = Engine::new();
    let alice = engine.voiceprint("alice");
    for (who, accepted) in [("alice", true), ("bob", false)] {
        let packets = laws(&audio(&format!("{who}_call_1")));
        let mut told: [Told; 2] = [Vec::new(), Vec::new()];
        let mut answers = Vec::new();
        for (i, told) in told.iter_mut().enumerate() {
            let call = engine.call(vouch_call_flag::VOUCH_CALL_TO_THE_END as u32);
            assert_eq!(vouch_call_set_auth(call, 90, 10_000, 0), VOUCH_OK);
            assert_eq!(unsafe { vouch_call_set_speaker(call, 4, alice.as_ptr(), alice.len()) }, VOUCH_OK);
            assert_eq!(branch(call, vouch_check::VOUCH_CHECK_ENROLMENT_STATUS).as_deref(), Some("Enrolled"));
            if i == 1 {
                assert_eq!(vouch_call_set_callback(call, (&raw mut *told).cast(), Some(note)), VOUCH_OK);
            }
            assert_eq!(vouch_call_start(call), VOUCH_OK);
            assert_eq!(branch(call, vouch_check::VOUCH_CHECK_AUTHENTICATION), None);
            answers.push(ask(call, &packets));
            if i == 0 {
                *told = polled(call);
            }
            let name = branch(call, vouch_check::VOUCH_CHECK_AUTHENTICATION).unwrap();
            assert_eq!(name, if accepted { "Authenticated" } else { "NotAuthenticated" });
            assert_eq!(vouch_call_free(call), VOUCH_OK);
        }
        assert_eq!(told[0], told[1]);
        let kinds: Vec<i32> = told[0].iter().map(|t| t.0).collect();
        assert_eq!(kinds.first(), Some(&(vouch_event::VOUCH_EVENT_STREAMING_STARTED as i32)), "{told:?}");
        assert!(kinds.contains(&(vouch_event::VOUCH_EVENT_AUTHENTICATION as i32)), "{told:?}");

        // The simpler handle says the same of the same packets.
        let mut session = null_mut();
        assert_eq!(unsafe { vouch_session_new(engine.0, 8000, &mut session) }, VOUCH_OK);
        assert_eq!(unsafe { vouch_session_set_speaker(session, 4, alice.as_ptr(), alice.len()) }, VOUCH_OK);
        for packet in packets.chunks(160) {
            assert_eq!(unsafe { vouch_session_push_pcmu(session, packet.as_ptr(), packet.len()) }, VOUCH_OK);
        }
        vouch_session_finish(session);
        let (mut decision, mut score) = (vouch_decision::VOUCH_REJECT, 0);
        assert_eq!(unsafe { vouch_session_decision(session, &mut decision, &mut score) }, VOUCH_OK);
        assert_eq!(answers, [(decision, score); 2], "{who}");
        assert_eq!(decision == vouch_decision::VOUCH_ACCEPT, accepted, "{who}: {score}");
        vouch_session_free(session);
    }
}

#[test]
fn the_watch_list_finds_its_voices_by_number() {
    let engine = Engine::new();
    let mut list = null_mut();
    assert_eq!(unsafe { vouch_watchlist_new(engine.0, &mut list) }, VOUCH_OK);
    for (who, id) in [("carol", 30), ("bob", u64::MAX)] {
        let print = engine.voiceprint(who);
        assert_eq!(unsafe { vouch_watchlist_add(list, print.as_ptr(), print.len(), id) }, VOUCH_OK);
        let (mut found, mut risk) = (0, 0);
        let asked = unsafe { vouch_watchlist_search(list, print.as_ptr(), print.len(), &mut found, &mut risk) };
        assert_eq!((asked, found), (VOUCH_OK, id));
        assert!(risk >= 50, "{who}: {risk}");
    }
    for (who, high) in [("bob", true), ("dave", false)] {
        let call = engine.call(0);
        assert_eq!(vouch_call_set_fraud(call, list, 50), VOUCH_OK);
        assert_eq!(vouch_call_start(call), VOUCH_OK);
        let x = audio(&format!("{who}_call_1"));
        assert_eq!(unsafe { vouch_call_push_f32(call, x.as_ptr(), x.len()) }, VOUCH_OK);
        assert_eq!(vouch_call_finish(call), VOUCH_OK);
        let (mut decision, mut risk, mut closest) = (vouch_fraud_decision::VOUCH_LOW_RISK, 0, 1);
        let asked = unsafe { vouch_call_fraud(call, &mut decision, &mut risk, &mut closest, null_mut()) };
        assert_eq!(asked, VOUCH_OK);
        assert_eq!(decision == vouch_fraud_decision::VOUCH_HIGH_RISK, high, "{who}: {risk}");
        let name = branch(call, vouch_check::VOUCH_CHECK_FRAUD).unwrap();
        assert_eq!(name, if high { "HighRisk" } else { "LowRisk" });
        assert!(!high || closest == u64::MAX, "{closest}");
        assert_eq!(branch(call, vouch_check::VOUCH_CHECK_AUTHENTICATION).as_deref(), Some("NotEnabled"));
        vouch_call_free(call);
    }
    assert_eq!(vouch_watchlist_free(list), VOUCH_OK);
}

#[test]
fn a_caller_is_enrolled_during_the_call_and_recognised_in_the_next() {
    let engine = Engine::new();
    let call = engine.call(vouch_call_flag::VOUCH_CALL_MAY_ENROL as u32);
    let mut told: Told = Vec::new();
    assert_eq!(vouch_call_set_callback(call, (&raw mut told).cast(), Some(note)), VOUCH_OK);
    assert_eq!(unsafe { vouch_call_set_speaker(call, 1, null(), 0) }, VOUCH_OK);
    assert_eq!(vouch_call_start(call), VOUCH_OK);
    assert_eq!(vouch_call_enrol(call), VOUCH_OK);
    assert_eq!(vouch_call_enrol_finish(call), VOUCH_ERR_SILENCE);
    let mut text = [0; 300];
    assert_eq!(unsafe { vouch_last_error(call.cast(), text.as_mut_ptr(), text.len(), null_mut()) }, VOUCH_OK);
    assert!(!unsafe { CStr::from_ptr(text.as_ptr()) }.is_empty());
    // What is said in a secure passage is not learnt from.
    assert_eq!(vouch_call_secure_begin(call), VOUCH_OK);
    let secret = audio("bob_call_1");
    assert_eq!(unsafe { vouch_call_push_f32(call, secret.as_ptr(), secret.len()) }, VOUCH_OK);
    assert_eq!(vouch_call_secure_end(call), VOUCH_OK);
    let (mut percent, mut ms) = (9, 9);
    assert_eq!(unsafe { vouch_call_enrol_progress(call, &mut percent, &mut ms) }, VOUCH_OK);
    assert_eq!((percent, ms), (0, 0));
    for part in ["enrol_1", "enrol_2", "call_2"] {
        let x = audio(&format!("alice_{part}"));
        assert_eq!(unsafe { vouch_call_push_f32(call, x.as_ptr(), x.len()) }, VOUCH_OK);
    }
    assert_eq!(unsafe { vouch_call_enrol_progress(call, &mut percent, &mut ms) }, VOUCH_OK);
    assert!(percent > 50 && ms > 15_000, "{percent} %, {ms} ms");
    assert_eq!(vouch_call_enrol_finish(call), VOUCH_OK);
    assert_eq!(vouch_call_enrol_finish(call), VOUCH_ERR_STATE);
    let mut size = 0;
    assert_eq!(unsafe { vouch_call_voiceprint(call, null_mut(), 0, &mut size) }, VOUCH_OK);
    let mut print = vec![0u8; size];
    let short = unsafe { vouch_call_voiceprint(call, print.as_mut_ptr().cast(), size - 1, null_mut()) };
    assert_eq!(short, VOUCH_ERR_BUFFER);
    assert_eq!(unsafe { vouch_call_voiceprint(call, print.as_mut_ptr().cast(), size, null_mut()) }, VOUCH_OK);
    for event in [
        vouch_event::VOUCH_EVENT_SECURE_STARTED,
        vouch_event::VOUCH_EVENT_SECURE_ENDED,
        vouch_event::VOUCH_EVENT_ENROLMENT_PROGRESS,
    ] {
        assert!(told.iter().any(|t| t.0 == event as i32), "{event:?}: {told:?}");
    }

    // The same handle, for the next call.
    assert_eq!(vouch_call_reset(call), VOUCH_OK);
    assert_eq!(vouch_call_set_auth(call, 90, 10_000, 0), VOUCH_OK);
    assert_eq!(unsafe { vouch_call_set_speaker(call, 4, print.as_ptr(), print.len()) }, VOUCH_OK);
    assert_eq!(vouch_call_start(call), VOUCH_OK);
    let (decision, score) = ask(call, &laws(&audio("alice_call_1")));
    assert_eq!(decision, vouch_decision::VOUCH_ACCEPT, "{score}");
    vouch_call_free(call);
}

#[test]
fn the_agent_in_the_callers_channel_is_told_to_c() {
    let engine = Engine::new();
    for (flag, expected) in [(vouch_call_flag::VOUCH_CALL_WITH_AGENT as u32, VOUCH_OK), (0, VOUCH_ERR_STATE)] {
        let call = engine.call(flag);
        assert_eq!(vouch_call_set_auth(call, 90, 10_000, 0), VOUCH_OK);
        assert_eq!(vouch_call_start(call), VOUCH_OK);
        let agent = audio("dave_call_1");
        let heard: Vec<f32> = (0..agent.len()).map(|i| if i < 800 { 0.0 } else { 0.05 * agent[i - 800] }).collect();
        let whole = |x: &[f32]| x.iter().map(|&x| (x * 32_767.0) as i16).collect::<Vec<i16>>();
        let (own, other) = (whole(&heard), whole(&agent));
        for (own, other) in own.chunks(160).zip(other.chunks(160)) {
            assert_eq!(unsafe { vouch_call_push_both_s16(call, own.as_ptr(), other.as_ptr(), own.len()) }, expected);
        }
        let (mut level, mut delay, mut length) = (0.0, 0, 0);
        let found = unsafe { vouch_call_bleed(call, &mut level, &mut delay, &mut length) };
        if expected == VOUCH_OK {
            assert_eq!((found, delay), (VOUCH_OK, 100));
            assert!((level + 26.0).abs() < 1.5 && length >= 1_500, "{level} {length}");
            let told = std::iter::from_fn(|| {
                let (mut event, mut value) = (vouch_event::VOUCH_EVENT_STREAMING_STARTED, 0);
                let next = unsafe { vouch_call_next_event(call, &mut event, null_mut(), &mut value, null_mut()) };
                (next == VOUCH_OK).then_some((event, value))
            });
            let bleed = told.filter(|(event, _)| *event == vouch_event::VOUCH_EVENT_AGENT_BLEED).collect::<Vec<_>>();
            assert_eq!(bleed.len(), 1);
            assert!((bleed[0].1 + 26).abs() <= 2, "{bleed:?}");
        } else {
            assert_eq!(found, VOUCH_ERR_NONE);
        }
        assert_eq!(vouch_call_free(call), VOUCH_OK);
    }
}
