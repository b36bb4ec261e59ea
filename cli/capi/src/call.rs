//! The call handle: a call as it happens, with all that may be asked about it.

use std::ffi::c_void;
use std::sync::Arc;

use ::engine::audio::SampleRate;
use ::engine::call::{
    Authentication, CallConfig, CallError, Caller, Event, FraudDetection, Listening, Settings, Standing, Watched,
};
use ::engine::enroll::EnrollConfig;
use ::engine::error::InputError;
use ::engine::score::Threshold;
use ::engine::session::SessionConfig;

use crate::boundary::{on, policy, reading, run};
use crate::engine::{template, vouch_engine};
use crate::error::{Failure, Result, vouch_result, vouch_result::*};
use crate::handle::{self, Token};
use crate::held::{Engine, Listener, Live};
use crate::memory::{Out, slice};
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
use vouch_event::*;

/// Told of an event: your pointer, a `vouch_event`, its place in the stream in samples, its value, and its score or -1.
///
/// Comes on the thread that pushes, ends or marks a secure passage, after the audio was taken. It must not use the same call, which
/// answers `VOUCH_ERR_BUSY`, and must not unwind.
pub type vouch_event_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, event: i32, at_sample: u64, value: i32, score: i32)>;

pub(crate) fn refused(error: CallError) -> Failure {
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
pub(crate) fn flat(event: Event) -> Option<(vouch_event, u64, i32, i32)> {
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

    pub(crate) fn push(
        &mut self,
        take: impl FnOnce(&mut ::engine::call::Call) -> std::result::Result<Standing, InputError>,
    ) -> Result<()> {
        take(&mut self.call)?;
        self.tell();
        Ok(())
    }

    /// Hands waiting events to the listener, where there is one.
    pub(crate) fn tell(&mut self) {
        let Some(Listener { userdata, callback }) = self.listener else { return };
        while let Some(event) = self.call.next_event() {
            if let Some((kind, at, value, score)) = flat(event) {
                // SAFETY: who set the callback says that it may be called with this pointer on the thread that uses the call.
                unsafe { callback(userdata, kind as i32, at, value, score) };
            }
        }
    }
}

pub(crate) fn with(handle: *const c_void, f: impl FnOnce(&mut Live) -> Result<()>) -> vouch_result {
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
