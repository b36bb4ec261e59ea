//! The call handle: a call as it happens, with all that may be asked about it.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use ::engine::audio::SampleRate;
use ::engine::call::{
    Answer, Authentication, CallConfig, CallError, Caller, CheckOption, EnrollmentRefusal, Event, FraudDetection,
    Listening, Settings, Standing, StreamingStatus, Watched,
};
use ::engine::codec::Codec;
use ::engine::enroll::EnrollConfig;
use ::engine::error::InputError;
use ::engine::score::{FraudDecision, Threshold};
use ::engine::session::SessionConfig;

use crate::boundary::{branch_name, lost, on, policy, reading, run};
use crate::engine::{template, vouch_engine};
use crate::enrolment::refusal;
use crate::error::{Failure, Result, vouch_result, vouch_result::*};
use crate::handle::{self, Token};
use crate::held::{Engine, Listener, Live};
use crate::memory::{Out, copy_out, put, slice};
use crate::object::{Body, Kind, Object};
use crate::session::{vouch_claim, vouch_claim::*, vouch_decision};
use crate::watchlist::vouch_watchlist;

/// A call as it happens: authentication, watch list, enrolment and secure passages on one stream. One thread at a time; different calls
/// run in parallel.
pub struct vouch_call {
    _private: (),
}

/// What `vouch_call_new` is asked for beyond the usual; added up.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum vouch_call_flag {
    /// Nothing.
    VOUCH_CALL_PLAIN = 0,
    /// The caller may be enrolled during the call. Costs a second network.
    VOUCH_CALL_MAY_ENROL = 1,
    /// Listen to the end of the call, and not only until there is enough speech for what was asked.
    VOUCH_CALL_TO_THE_END = 2,
    /// The agent's side comes too, by `vouch_call_push_both_f32` or `vouch_call_push_both_s16`.
    VOUCH_CALL_WITH_AGENT = 4,
}

/// Whether a call is heard.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum vouch_call_status {
    /// Not yet: `vouch_call_start` was not called.
    VOUCH_CALL_PENDING = 0,
    /// Yes.
    VOUCH_CALL_ONGOING = 1,
    /// No more: there is enough, or the call is over.
    VOUCH_CALL_ENDED = 2,
}

/// What is decided about the watch list. Not a result: each of these comes with `VOUCH_OK`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum vouch_fraud_decision {
    /// The voice is not on the list.
    VOUCH_LOW_RISK = 0,
    /// The voice is on the list.
    VOUCH_HIGH_RISK = 1,
    /// Less net speech than asked for.
    VOUCH_FRAUD_NOT_ENOUGH_SPEECH = 2,
}

/// What Check Voice ID asks.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum vouch_check {
    /// Whether the caller has a voiceprint.
    VOUCH_CHECK_ENROLMENT_STATUS = 0,
    /// Whether the caller is who they claim to be.
    VOUCH_CHECK_AUTHENTICATION = 1,
    /// Whether the caller is on the watch list.
    VOUCH_CHECK_FRAUD = 2,
}

/// What happened in a call.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum vouch_event {
    /// The call is listened to from here on.
    VOUCH_EVENT_STREAMING_STARTED = 0,
    /// It is listened to no more; value 1 if there was enough, 0 if the call is over.
    VOUCH_EVENT_STREAMING_ENDED = 1,
    /// There is net speech for a decision.
    VOUCH_EVENT_SPEECH_SUFFICIENT = 2,
    /// The caller was authenticated, or cannot be any more; value is a `vouch_decision`, and the score comes with it.
    VOUCH_EVENT_AUTHENTICATION = 3,
    /// The same, before the response time.
    VOUCH_EVENT_AUTHENTICATION_EARLY = 4,
    /// An enrolment has come further; value is its share of the speech wanted, 0 to 100.
    VOUCH_EVENT_ENROLMENT_PROGRESS = 5,
    /// There is speech for an enrolment: `vouch_call_enrol_finish` may be called.
    VOUCH_EVENT_ENROLMENT_SUFFICIENT = 6,
    /// A secure passage began.
    VOUCH_EVENT_SECURE_STARTED = 7,
    /// A secure passage ended.
    VOUCH_EVENT_SECURE_ENDED = 8,
    /// Another voice seems to have taken over since the call is enrolled from.
    VOUCH_EVENT_TALKER_CHANGED = 9,
    /// The agent is heard in the caller's channel; value is the level over the agent's own in dB, rounded.
    VOUCH_EVENT_AGENT_BLEED = 10,
}

use vouch_call_flag::*;
use vouch_call_status::*;
use vouch_check::*;
use vouch_event::*;
use vouch_fraud_decision::*;

/// Told of an event: your pointer, a `vouch_event`, its place in the stream in samples, its value, and its score or -1.
///
/// Comes on the thread that pushes, ends or marks a secure passage, after the audio was taken. It must not use the same call, which
/// answers `VOUCH_ERR_BUSY`, and must not unwind.
pub type vouch_event_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, event: i32, at_sample: u64, value: i32, score: i32)>;

fn refused(error: CallError) -> Failure {
    let code = match error {
        CallError::OtherModel { .. } => VOUCH_ERR_OTHER_MODEL,
        CallError::AnotherActiveStream
        | CallError::SpeakerAfterEnrollment
        | CallError::EnrollmentExists
        | CallError::SpeakerNotSet
        | CallError::SpeakerOptedOut
        | CallError::EnrollmentOff
        | CallError::Ended => VOUCH_ERR_STATE,
        _ => VOUCH_ERR_INTERNAL,
    };
    Failure::told(code, error)
}

/// Kind, place, value and score of an event.
fn flat(event: Event) -> Option<(vouch_event, u64, i32, i32)> {
    Some(match event {
        Event::StreamingStarted { at } => (VOUCH_EVENT_STREAMING_STARTED, at, 0, -1),
        Event::StreamingEnded { at, enough } => (VOUCH_EVENT_STREAMING_ENDED, at, i32::from(enough), -1),
        Event::SpeechSufficient { at } => (VOUCH_EVENT_SPEECH_SUFFICIENT, at, 0, -1),
        Event::Authentication { at, decision, score, early } => {
            let kind = if early { VOUCH_EVENT_AUTHENTICATION_EARLY } else { VOUCH_EVENT_AUTHENTICATION };
            (kind, at, vouch_decision::of(decision) as i32, score.map_or(-1, |s| i32::from(s.value())))
        }
        Event::EnrollmentProgress { at, percent } => (VOUCH_EVENT_ENROLMENT_PROGRESS, at, i32::from(percent), -1),
        Event::EnrollmentSpeechSufficient { at } => (VOUCH_EVENT_ENROLMENT_SUFFICIENT, at, 0, -1),
        Event::TalkerChanged { at } => (VOUCH_EVENT_TALKER_CHANGED, at, 0, -1),
        Event::AgentBleed { at, level_db } => (VOUCH_EVENT_AGENT_BLEED, at, level_db.round() as i32, -1),
        Event::SecureStarted { at } => (VOUCH_EVENT_SECURE_STARTED, at, 0, -1),
        Event::SecureEnded { at } => (VOUCH_EVENT_SECURE_ENDED, at, 0, -1),
        _ => return None,
    })
}

impl Live {
    fn new(engine: &Engine, rate_hz: u32, flags: u32) -> Result<Self> {
        let known = [VOUCH_CALL_MAY_ENROL, VOUCH_CALL_TO_THE_END, VOUCH_CALL_WITH_AGENT];
        if flags & !known.iter().fold(0, |all, &flag| all | flag as u32) != 0 {
            return Err(Failure::because(VOUCH_ERR_RANGE, "no such flag"));
        }
        let rate = SampleRate::new(rate_hz).map_err(|e| Failure::told(VOUCH_ERR_RANGE, e))?;
        let agent = flags & VOUCH_CALL_WITH_AGENT as u32 != 0;
        let mut config = CallConfig::new(SessionConfig::new(rate)).agent(agent);
        if flags & VOUCH_CALL_TO_THE_END as u32 != 0 {
            config = config.listening(Listening::UntilEnd);
        }
        let enrols = flags & VOUCH_CALL_MAY_ENROL as u32 != 0;
        if enrols {
            config = config.enrollment(EnrollConfig::default());
        }
        let model = &engine.model;
        let windows = enrols.then(|| model.embedder());
        let (embedder, detector) = (model.embedder(), model.detector());
        let call = ::engine::call::Call::new(config, embedder, detector, windows, Arc::clone(&engine.calibration))
            .map_err(refused)?;
        let settings = Settings { streaming: false, authentication: None, fraud: None };
        Ok(Self { engine: engine.clone(), call, settings, ids: [].into(), voiceprint: None, listener: None })
    }

    /// Puts changed settings into effect, or none of them.
    fn set(&mut self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        let mut settings = self.settings.clone();
        change(&mut settings);
        self.call.set(settings.clone()).map_err(refused)?;
        self.settings = settings;
        Ok(())
    }

    fn push(
        &mut self,
        take: impl FnOnce(&mut ::engine::call::Call) -> std::result::Result<Standing, InputError>,
    ) -> Result<()> {
        take(&mut self.call)?;
        self.tell();
        Ok(())
    }

    /// Hands waiting events to the listener, where there is one.
    fn tell(&mut self) {
        let Some(Listener { userdata, callback }) = self.listener else { return };
        while let Some(event) = self.call.next_event() {
            if let Some((kind, at, value, score)) = flat(event) {
                // SAFETY: who set the callback says that it may be called with this pointer on the thread that uses the call.
                unsafe { callback(userdata, kind as i32, at, value, score) };
            }
        }
    }
}

fn with(handle: *const c_void, f: impl FnOnce(&mut Live) -> Result<()>) -> vouch_result {
    on(Token::of(handle), Kind::Call, |object| f(object.call()?))
}

/// Starts a call that is not listened to yet, and about which nothing is asked.
///
/// `engine`: may be freed before the call. `rate_hz`: rate of the audio to come, 8000 to 192000 Hz. `flags`: `vouch_call_flag`s, added up.
/// `out`: the new call, to be freed by `vouch_call_free`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_TOO_MANY_HANDLES`.
/// *Real time*: no; allocates all that the call needs, about 230 KB. *Threads*: any.
///
/// # Safety
/// `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_new(
    engine: *const vouch_engine,
    rate_hz: u32,
    flags: u32,
    out: *mut *mut vouch_call,
) -> vouch_result {
    reading(Token::of(engine), Kind::Engine, |object| {
        let out = Out::new(out)?;
        let live = Live::new(object.engine()?, rate_hz, flags)?;
        let token = handle::insert(Object::new(Body::Call(Box::new(live))))?;
        // SAFETY: the caller's contract.
        unsafe { out.set(token.pointer()) };
        Ok(())
    })
}

/// Frees a call and erases what it heard. NULL is fine.
///
/// *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_free(call: *mut vouch_call) -> vouch_result {
    run(|| handle::free(Token::of(call), Kind::Call))
}

/// Has events told to `callback` as they happen, instead of waiting for `vouch_call_next_event`; NULL ends that.
///
/// `userdata`: handed on, never followed; must be good for as long as the callback is set.
///
/// Returns `VOUCH_OK`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_set_callback(
    call: *mut vouch_call,
    userdata: *mut c_void,
    callback: vouch_event_callback,
) -> vouch_result {
    with(call.cast(), |live| {
        live.listener = callback.map(|callback| Listener { userdata, callback });
        Ok(())
    })
}

/// Asks for authentication; also during the call, for what was heard before too.
///
/// `threshold`: 0 to 100, accepted at or above it. `min_speech_ms`: net speech before the decision, 5000 to 10000 ms.
/// `early`: not 0 to decide clear cases before that, by a sequential test that keeps the threshold's false match rate.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_RANGE`, or a handle's error. *Real time*: no. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_set_auth(
    call: *mut vouch_call,
    threshold: u32,
    min_speech_ms: u32,
    early: i32,
) -> vouch_result {
    with(call.cast(), |live| {
        let authentication = Authentication { policy: policy(threshold, min_speech_ms)?, early: early != 0 };
        live.set(|settings| settings.authentication = Some(authentication))
    })
}

/// Asks whether the caller is on a watch list; also during the call.
///
/// `watchlist`: as it is now, what is added later does not count; NULL to ask no more. `threshold`: 0 to 100, of high risk at or above it.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_OTHER_MODEL`, or a handle's error, of the list's too. *Real time*: no.
/// *Threads*: one at a time, for both.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_set_fraud(
    call: *mut vouch_call,
    watchlist: *mut vouch_watchlist,
    threshold: u32,
) -> vouch_result {
    with(call.cast(), |live| {
        if watchlist.is_null() {
            return live.set(|settings| settings.fraud = None);
        }
        let threshold = u8::try_from(threshold).ok().and_then(|t| Threshold::new(t).ok());
        let threshold = threshold.ok_or(Failure::because(VOUCH_ERR_RANGE, "a threshold beyond 100"))?;
        let listed = handle::alone(Token::of(watchlist), Kind::WatchList, |object| object.watchlist()?.ready())?;
        let watched = Watched::List(listed.list);
        live.set(|settings| settings.fraud = Some(FraudDetection { threshold, watched }))?;
        live.ids = listed.ids;
        Ok(())
    })
}

/// Sets who the caller claims to be; also during the call, for what was heard before too.
///
/// `claim`: a `vouch_claim`. `voiceprint`, `voiceprint_len`: the person's, with `VOUCH_CLAIM_ENROLLED`; otherwise NULL and 0. Copied.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_RANGE` (no such claim, or a voiceprint where none belongs), `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`,
/// `VOUCH_ERR_STATE` once an enrolment has begun, or a handle's error. *Real time*: no; allocates. *Threads*: one at a time.
///
/// # Safety
/// `voiceprint` is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_set_speaker(
    call: *mut vouch_call,
    claim: i32,
    voiceprint: *const u8,
    voiceprint_len: usize,
) -> vouch_result {
    with(call.cast(), |live| {
        // SAFETY: the caller's contract.
        let bytes = unsafe { slice(voiceprint, voiceprint_len)? };
        let claim = vouch_claim::of(claim)?;
        let caller = match claim {
            VOUCH_CLAIM_ENROLLED => Caller::Enrolled(Arc::new(template(&live.engine, bytes)?)),
            _ if !bytes.is_empty() => {
                return Err(Failure::because(VOUCH_ERR_RANGE, "a voiceprint belongs to VOUCH_CLAIM_ENROLLED only"));
            }
            VOUCH_CLAIM_NONE => Caller::NotProvided,
            VOUCH_CLAIM_NOT_ENROLLED => Caller::NotEnrolled,
            VOUCH_CLAIM_OPTED_OUT => Caller::OptedOut,
            VOUCH_CLAIM_EXPIRED => Caller::Expired,
        };
        live.call.set_caller(caller).map_err(refused)
    })
}

/// Begins to listen; from then on it is listened to until there is enough, whatever is set.
///
/// Returns `VOUCH_OK`, or a handle's error. *Real time*: no. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_start(call: *mut vouch_call) -> vouch_result {
    with(call.cast(), |live| {
        live.set(|settings| settings.streaming = true)?;
        live.tell();
        Ok(())
    })
}

/// Takes samples: 32-bit floats, mono, +-1.0, at the call's rate; `samples_n` of them, any number. What is not listened to is counted and
/// forgotten.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_AUDIO` (nothing was taken), `VOUCH_ERR_STATE` after the end, `VOUCH_ERR_RANGE` (a misaligned pointer), or a
/// handle's error. *Real time*: yes: no allocation, lock or system call. *Threads*: one at a time.
///
/// # Safety
/// `samples` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_push_f32(
    call: *mut vouch_call,
    samples: *const f32,
    samples_n: usize,
) -> vouch_result {
    with(call.cast(), |live| {
        // SAFETY: the caller's contract.
        let samples = unsafe { slice(samples, samples_n)? };
        live.push(|c| c.push(samples))
    })
}

/// Takes the caller's samples and what the agent said meanwhile, `samples_n` of each; as `vouch_call_push_f32` otherwise. Only the caller's side is
/// listened to; the agent's is compared with it, to notice where it is heard there too (`vouch_call_bleed`, `VOUCH_EVENT_AGENT_BLEED`).
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_AUDIO` (nothing was taken), `VOUCH_ERR_STATE` after the end or without `VOUCH_CALL_WITH_AGENT`, `VOUCH_ERR_RANGE` (a
/// misaligned pointer), or a handle's error. *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// `caller` and `agent` are as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_push_both_f32(
    call: *mut vouch_call,
    caller: *const f32,
    agent: *const f32,
    samples_n: usize,
) -> vouch_result {
    with(call.cast(), |live| {
        // SAFETY: the caller's contract.
        let (caller, agent) = unsafe { (slice(caller, samples_n)?, slice(agent, samples_n)?) };
        live.push(|c| c.push_both(caller, agent))
    })
}

/// As `vouch_call_push_both_f32`, 16-bit samples in the machine's byte order.
///
/// # Safety
/// `caller` and `agent` are as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_push_both_s16(
    call: *mut vouch_call,
    caller: *const i16,
    agent: *const i16,
    samples_n: usize,
) -> vouch_result {
    with(call.cast(), |live| {
        // SAFETY: the caller's contract.
        let (caller, agent) = unsafe { (slice(caller, samples_n)?, slice(agent, samples_n)?) };
        live.push(|c| c.push_both_i16(caller, agent))
    })
}

/// As `vouch_call_push_f32`, 16-bit samples in the machine's byte order.
///
/// # Safety
/// `samples` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_push_s16(
    call: *mut vouch_call,
    samples: *const i16,
    samples_n: usize,
) -> vouch_result {
    with(call.cast(), |live| {
        // SAFETY: the caller's contract.
        let samples = unsafe { slice(samples, samples_n)? };
        live.push(|c| c.push_i16(samples))
    })
}

/// As `vouch_call_push_f32`, the payload of one RTP packet in ITU-T G.711 mu-law; at most 9600 bytes (`VOUCH_ERR_PACKET`).
///
/// # Safety
/// `payload` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_push_pcmu(
    call: *mut vouch_call,
    payload: *const u8,
    payload_len: usize,
) -> vouch_result {
    with(call.cast(), |live| {
        // SAFETY: the caller's contract.
        let payload = unsafe { slice(payload, payload_len)? };
        live.push(|c| c.push_packet(Codec::Pcmu, payload))
    })
}

/// As `vouch_call_push_pcmu`, in G.711 A-law.
///
/// # Safety
/// `payload` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_push_pcma(
    call: *mut vouch_call,
    payload: *const u8,
    payload_len: usize,
) -> vouch_result {
    with(call.cast(), |live| {
        // SAFETY: the caller's contract.
        let payload = unsafe { slice(payload, payload_len)? };
        live.push(|c| c.push_packet(Codec::Pcma, payload))
    })
}

/// Tells that samples were lost; silence stands for them. At most 192000 samples a call (`VOUCH_ERR_RANGE`).
///
/// *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_push_lost(call: *mut vouch_call, samples_n: usize) -> vouch_result {
    with(call.cast(), |live| {
        let samples_n = lost(samples_n)?;
        live.push(|c| c.push_lost(samples_n))
    })
}

/// Begins a secure passage: until it ends the audio that is pushed reaches neither voiceprint nor score nor key detector; silence stands for
/// it. A second begin changes nothing.
///
/// *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_secure_begin(call: *mut vouch_call) -> vouch_result {
    with(call.cast(), |live| {
        live.call.begin_secure();
        live.tell();
        Ok(())
    })
}

/// Ends a secure passage.
///
/// *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_secure_end(call: *mut vouch_call) -> vouch_result {
    with(call.cast(), |live| {
        live.call.end_secure();
        live.tell();
        Ok(())
    })
}

/// Ends the call: what waited for look-ahead is finished, and what is not decided by now never will be.
///
/// *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_finish(call: *mut vouch_call) -> vouch_result {
    with(call.cast(), |live| {
        live.call.finish();
        live.tell();
        Ok(())
    })
}

/// A new stream in the same call, after a transfer say: what was heard is forgotten, what is asked stays.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_STATE` while one is heard, or a handle's error. *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_restart(call: *mut vouch_call) -> vouch_result {
    with(call.cast(), |live| {
        live.call.restart().map_err(refused)?;
        live.tell();
        Ok(())
    })
}

/// Back to the state after `vouch_call_new`, ready for another call; a callback stays.
///
/// *Real time*: no; gives back what was set. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_reset(call: *mut vouch_call) -> vouch_result {
    with(call.cast(), |live| {
        live.call.reset();
        live.settings = Settings { streaming: false, authentication: None, fraud: None };
        live.voiceprint = None;
        Ok(())
    })
}

/// The oldest event that was not taken yet. The latest 64 are kept.
///
/// `event`: a `vouch_event`. `at_sample`: when, in samples of the stream. `value`, `score`: see `vouch_event`; the score is 0 to 100, or -1.
/// All but `event` may be NULL.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if there is none, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_next_event(
    call: *mut vouch_call,
    event: *mut vouch_event,
    at_sample: *mut u64,
    value: *mut i32,
    score: *mut i32,
) -> vouch_result {
    with(call.cast(), |live| {
        let out = Out::new(event)?;
        while let Some(next) = live.call.next_event() {
            let Some((kind, at, own_value, own_score)) = flat(next) else { continue };
            // SAFETY: the caller's contract.
            unsafe {
                put(at_sample, at);
                put(value, own_value);
                put(score, own_score);
                out.set(kind);
            }
            return Ok(());
        }
        Err(Failure::of(VOUCH_ERR_NONE))
    })
}

/// Tells how the call stands.
///
/// `status`: a `vouch_call_status`. `samples_n`: at the call's rate, lost ones included. `net_speech_ms`: net speech. `missing_ms`: net speech
/// that a decision still needs, 0 when there is enough. `score`: of the caller against the claimed speaker as it stands, whether or not
/// there is speech enough; -1 without a voiceprint or speech. Each may be NULL.
///
/// *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_standing(
    call: *const vouch_call,
    status: *mut vouch_call_status,
    samples_n: *mut u64,
    net_speech_ms: *mut u64,
    missing_ms: *mut u64,
    score: *mut i32,
) -> vouch_result {
    with(call.cast(), |live| {
        let now = live.call.standing();
        let ms = |s: f64| (1000.0 * s).round() as u64;
        // SAFETY: the caller's contract.
        unsafe {
            put(samples_n, now.samples);
            put(net_speech_ms, ms(now.net_speech_s));
            put(missing_ms, ms(now.missing_s));
            put(score, now.score.map_or(-1, |s| i32::from(s.value())));
            put(
                status,
                match now.status {
                    StreamingStatus::PendingConfiguration => VOUCH_CALL_PENDING,
                    StreamingStatus::Ongoing => VOUCH_CALL_ONGOING,
                    StreamingStatus::Ended => VOUCH_CALL_ENDED,
                },
            );
        }
        Ok(())
    })
}

/// The result of the authentication as it stands.
///
/// `decision`: a `vouch_decision`. `score`: 0 to 100, or -1 unless accepted or rejected. `number`: changes exactly when the result does.
/// All but `decision` may be NULL.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if none was asked for, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_authentication(
    call: *mut vouch_call,
    decision: *mut vouch_decision,
    score: *mut i32,
    number: *mut u64,
) -> vouch_result {
    with(call.cast(), |live| {
        let out = Out::new(decision)?;
        let result = live.call.evaluate().authentication.ok_or(Failure::of(VOUCH_ERR_NONE))?;
        // SAFETY: the caller's contract.
        unsafe {
            put(score, result.score.map_or(-1, |s| i32::from(s.value())));
            put(number, result.number);
            out.set(vouch_decision::of(result.decision));
        }
        Ok(())
    })
}

/// The result of the search on the watch list as it stands.
///
/// `decision`: a `vouch_fraud_decision`. `risk`: 0 to 100 over the whole list, or -1 before there is speech enough and for an empty list.
/// `closest`: the number of the voiceprint that it comes from, written only with a risk. `number`: changes exactly when the result does.
/// All but `decision` may be NULL.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if none was asked for, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: the first time there is
/// speech enough it takes time that grows with the list; otherwise yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_fraud(
    call: *mut vouch_call,
    decision: *mut vouch_fraud_decision,
    risk: *mut i32,
    closest: *mut u64,
    number: *mut u64,
) -> vouch_result {
    with(call.cast(), |live| {
        let out = Out::new(decision)?;
        let result = live.call.evaluate().fraud.ok_or(Failure::of(VOUCH_ERR_NONE))?;
        // SAFETY: the caller's contract.
        unsafe {
            put(risk, result.risk.map_or(-1, |r| i32::from(r.value())));
            if let Some(&id) = result.closest.and_then(|row| live.ids.get(row)) {
                put(closest, id);
            }
            put(number, result.number);
            out.set(match result.decision {
                FraudDecision::LowRisk => VOUCH_LOW_RISK,
                FraudDecision::HighRisk => VOUCH_HIGH_RISK,
                FraudDecision::NotEnoughSpeech => VOUCH_FRAUD_NOT_ENOUGH_SPEECH,
            });
        }
        Ok(())
    })
}

/// The branch that a call flow takes, as Check Voice ID spells it: `Authenticated`, `NotAuthenticated`, `Inconclusive`, `NotEnrolled`, `OptedOut`,
/// `Enrolled`, `HighRisk`, `LowRisk`, `NotEnabled`, `Error`. NULL while it must be asked again. The text lives for ever.
///
/// `check`: a `vouch_check`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_RANGE`, or a handle's error. *Real time*: as `vouch_call_fraud`. *Threads*: one at a time.
///
/// # Safety
/// `branch` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_check(
    call: *mut vouch_call,
    check: i32,
    branch: *mut *const c_char,
) -> vouch_result {
    with(call.cast(), |live| {
        let out = Out::new(branch)?;
        let options = [
            (VOUCH_CHECK_ENROLMENT_STATUS, CheckOption::EnrollmentStatus),
            (VOUCH_CHECK_AUTHENTICATION, CheckOption::VoiceAuthentication),
            (VOUCH_CHECK_FRAUD, CheckOption::FraudDetection),
        ];
        let known = options.into_iter().find(|&(number, _)| number as i32 == check).map(|(_, option)| option);
        let option = known.ok_or(Failure::because(VOUCH_ERR_RANGE, "no such check"))?;
        let answer = live.call.check(option);
        let name = match answer {
            Answer::Wait => std::ptr::null(),
            answer => branch_name(answer.branch())?,
        };
        // SAFETY: the caller's contract.
        unsafe { out.set(name) };
        Ok(())
    })
}

/// How the agent is heard in the caller's channel.
///
/// `level_db`: over the agent's own, of the strongest path. `delay_ms`: how much later. `heard_ms`: length of the agent's sound that is heard. Each may
/// be NULL.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NONE` while it was not noticed, or a handle's error. *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_bleed(
    call: *const vouch_call,
    level_db: *mut f32,
    delay_ms: *mut u32,
    heard_ms: *mut u64,
) -> vouch_result {
    with(call.cast(), |live| {
        let bleed = live.call.bleed().ok_or(Failure::of(VOUCH_ERR_NONE))?;
        // SAFETY: the caller's contract.
        unsafe {
            put(level_db, bleed.level_db);
            put(delay_ms, (1000.0 * bleed.delay_s).round() as u32);
            put(heard_ms, (1000.0 * bleed.heard_s).round() as u64);
        }
        Ok(())
    })
}

/// Asks for the caller to be enrolled. What was heard so far counts; listening goes on until there is enough.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_STATE` (the call was made without `VOUCH_CALL_MAY_ENROL`, nobody is claimed, opted out, asked for already, or over),
/// or a handle's error. *Real time*: no. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_enrol(call: *mut vouch_call) -> vouch_result {
    with(call.cast(), |live| {
        live.call.enroll().map_err(refused)?;
        live.tell();
        Ok(())
    })
}

/// Tells how far an enrolment is: its share of the speech wanted, 0 to 100, and the net speech, in milliseconds. Each may be NULL.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if none was asked for, or a handle's error. *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_enrol_progress(
    call: *const vouch_call,
    percent: *mut u32,
    net_speech_ms: *mut u64,
) -> vouch_result {
    with(call.cast(), |live| {
        let progress = live.call.enrollment().ok_or(Failure::of(VOUCH_ERR_NONE))?;
        // SAFETY: the caller's contract.
        unsafe {
            put(percent, u32::from(progress.percent));
            put(net_speech_ms, (1000.0 * progress.net_speech_s).round() as u64);
        }
        Ok(())
    })
}

/// Makes the voiceprint from what was heard so far. After a refusal more may be heard and this be asked again.
///
/// Returns `VOUCH_OK`, a refusal (`VOUCH_ERR_TOO_LITTLE_SPEECH` to `VOUCH_ERR_WATCHLISTED`), `VOUCH_ERR_NONE` if no enrolment was asked for,
/// `VOUCH_ERR_STATE` if it is made or the watch list could not be searched yet, or a handle's error.
/// *Real time*: no; allocates, and searches the watch list. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_call_enrol_finish(call: *mut vouch_call) -> vouch_result {
    with(call.cast(), |live| {
        let template = live.call.finish_enrollment().map_err(|e| match e {
            EnrollmentRefusal::NotRequested => Failure::of(VOUCH_ERR_NONE),
            EnrollmentRefusal::Made | EnrollmentRefusal::NotSearched => Failure::told(VOUCH_ERR_STATE, e),
            EnrollmentRefusal::Speech(r) => refusal(r),
            EnrollmentRefusal::OnWatchList => Failure::of(VOUCH_ERR_WATCHLISTED),
            e => Failure::told(VOUCH_ERR_INTERNAL, e),
        })?;
        live.voiceprint = Some(template.to_bytes());
        live.tell();
        Ok(())
    })
}

/// Copies the voiceprint that `vouch_call_enrol_finish` made.
///
/// `buffer`, `len`: where it goes; NULL and 0 to ask for the size alone. `needed_n`: its size in bytes, written even when the buffer is too
/// small; may be NULL.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if there is none, `VOUCH_ERR_BUFFER`, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes.
/// *Threads*: one at a time.
///
/// # Safety
/// `buffer` is NULL or valid for writes of `len` bytes; `needed_n` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_call_voiceprint(
    call: *const vouch_call,
    buffer: *mut c_void,
    len: usize,
    needed_n: *mut usize,
) -> vouch_result {
    with(call.cast(), |live| {
        let bytes = live.voiceprint.as_ref().ok_or(Failure::of(VOUCH_ERR_NONE))?;
        // SAFETY: the caller's contract is the same.
        unsafe { copy_out(bytes, buffer, len, needed_n) }
    })
}
