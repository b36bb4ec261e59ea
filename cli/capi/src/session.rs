//! The session handle: one call, against one claimed voice.

use std::ffi::{c_char, c_void};

use ::engine::audio::SampleRate;
use ::engine::codec::Codec;
use ::engine::error::InputError;
use ::engine::quality::Band;
use ::engine::score::{AuthPolicy, Claim, Conditions, Decision, Score, Side, decide};
use ::engine::session::{Progress, Session, SessionConfig};
use ::engine::template::Embedding;
use zeroize::Zeroizing;

use crate::boundary::{branch_name, lost, on, policy, reading, run};
use crate::engine::{template, vouch_engine};
use crate::error::{Failure, Result, vouch_result, vouch_result::*};
use crate::handle::{self, Token};
use crate::held::{Call, Engine};
use crate::memory::{Out, put, slice};
use crate::object::{Body, Kind, Object};

/// One call against one claimed voice. One thread at a time; different sessions run in parallel.
pub struct vouch_session {
    _private: (),
}

/// What is known of the person that the caller claims to be.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum vouch_claim {
    /// Nobody is claimed.
    VOUCH_CLAIM_NONE = 0,
    /// Someone without a voiceprint.
    VOUCH_CLAIM_NOT_ENROLLED = 1,
    /// Someone who opted out.
    VOUCH_CLAIM_OPTED_OUT = 2,
    /// Someone whose voiceprint went unused for too long.
    VOUCH_CLAIM_EXPIRED = 3,
    /// Someone with a voiceprint.
    VOUCH_CLAIM_ENROLLED = 4,
}

/// What is decided about the claim. Not a result: each of these comes with `VOUCH_OK`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum vouch_decision {
    /// The score reaches the threshold.
    VOUCH_ACCEPT = 0,
    /// The score is below the threshold.
    VOUCH_REJECT = 1,
    /// Less net speech than asked for: go on listening, or, at the end of the call, inconclusive.
    VOUCH_NOT_ENOUGH_SPEECH = 2,
    /// The claimed person has no voiceprint.
    VOUCH_SPEAKER_NOT_ENROLLED = 3,
    /// The claimed person has opted out.
    VOUCH_SPEAKER_OPTED_OUT = 4,
    /// Nobody is claimed.
    VOUCH_SPEAKER_ID_NOT_PROVIDED = 5,
    /// The claimed person's voiceprint has expired.
    VOUCH_SPEAKER_EXPIRED = 6,
}

use vouch_claim::*;
use vouch_decision::*;

impl vouch_claim {
    pub(crate) fn of(number: i32) -> Result<Self> {
        let all = [
            VOUCH_CLAIM_NONE,
            VOUCH_CLAIM_NOT_ENROLLED,
            VOUCH_CLAIM_OPTED_OUT,
            VOUCH_CLAIM_EXPIRED,
            VOUCH_CLAIM_ENROLLED,
        ];
        let known = all.into_iter().find(|&claim| claim as i32 == number);
        known.ok_or(Failure::because(VOUCH_ERR_RANGE, "no such claim"))
    }
}

impl vouch_decision {
    pub(crate) fn of(decision: Decision) -> Self {
        match decision {
            Decision::Accept => VOUCH_ACCEPT,
            Decision::Reject => VOUCH_REJECT,
            Decision::NotEnoughSpeech => VOUCH_NOT_ENOUGH_SPEECH,
            Decision::SpeakerNotEnrolled => VOUCH_SPEAKER_NOT_ENROLLED,
            Decision::SpeakerOptedOut => VOUCH_SPEAKER_OPTED_OUT,
            Decision::SpeakerIdNotProvided => VOUCH_SPEAKER_ID_NOT_PROVIDED,
            Decision::SpeakerExpired => VOUCH_SPEAKER_EXPIRED,
        }
    }
}

impl Call {
    fn new(engine: &Engine, rate_hz: u32) -> Result<Self> {
        let rate = SampleRate::new(rate_hz).map_err(|e| Failure::told(VOUCH_ERR_RANGE, e))?;
        let internal = |e: &dyn std::fmt::Display| Failure::told(VOUCH_ERR_INTERNAL, e);
        let model = &engine.model;
        let session =
            Session::new(SessionConfig::new(rate), model.embedder(), model.detector()).map_err(|e| internal(&e))?;
        let values = Zeroizing::new(vec![1.0; model.dim()]);
        let probe = Embedding::new(model.id(), &values).map_err(|e| internal(&e))?;
        let policy = AuthPolicy::new(90, 10.0).map_err(|e| internal(&e))?;
        let engine = engine.clone();
        Ok(Self { engine, session, policy, claim: Claim::NotProvided, template: None, values, probe, ended: false })
    }

    fn push(&mut self, take: impl FnOnce(&mut Session) -> std::result::Result<Progress, InputError>) -> Result<()> {
        take(&mut self.session)?;
        Ok(())
    }

    /// Decision and score from what was heard so far. Allocates nothing.
    fn decide(&mut self) -> Result<(Decision, Option<Score>)> {
        let net_s = self.session.progress().net_speech_s();
        let internal = |_| Failure::because(VOUCH_ERR_INTERNAL, "an embedding that cannot be scored");
        let mut score = None;
        if let Some(template) = &self.template
            && self.session.embedding(&mut self.values)
        {
            self.probe.replace(&self.values).map_err(internal)?;
            let cosine = template.cosine(&self.probe).map_err(internal)?;
            let of = |conditions| self.engine.calibration.score(cosine, conditions);
            let probe = Side::new(net_s, Band::of(self.session.bandwidth_hz()));
            let scored = probe.and_then(|probe| of(Conditions { probe, enrol: template.side() }));
            score = Some(scored.map_err(|_| Failure::because(VOUCH_ERR_INTERNAL, "a score that cannot be"))?);
        }
        Ok((decide(self.claim, net_s, score, self.policy), score))
    }
}

fn with(handle: *const c_void, f: impl FnOnce(&mut Call) -> Result<()>) -> vouch_result {
    on(Token::of(handle), Kind::Session, |object| f(object.session()?))
}

/// Starts a session: authentication at threshold 90 after 10 s of net speech, and nobody claimed yet.
///
/// `engine`: may be freed before the session. `rate_hz`: rate of the audio to come, 8000 to 192000 Hz.
/// `out`: the new session, to be freed by `vouch_session_free`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_TOO_MANY_HANDLES`.
/// *Real time*: no; allocates all that the call needs, about 220 KB. *Threads*: any.
///
/// # Safety
/// `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_new(
    engine: *const vouch_engine,
    rate_hz: u32,
    out: *mut *mut vouch_session,
) -> vouch_result {
    reading(Token::of(engine), Kind::Engine, |object| {
        let out = Out::new(out)?;
        let call = Call::new(object.engine()?, rate_hz)?;
        let token = handle::insert(Object::new(Body::Session(Box::new(call))))?;
        // SAFETY: the caller's contract.
        unsafe { out.set(token.pointer()) };
        Ok(())
    })
}

/// Frees a session and erases what it heard. NULL is fine.
///
/// *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_session_free(session: *mut vouch_session) -> vouch_result {
    run(|| handle::free(Token::of(session), Kind::Session))
}

/// Sets the threshold, 0 to 100 (accepted at or above it), and the net speech before a decision, 5000 to 10000 ms. Any time, also during the
/// call.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_RANGE`, or a handle's error. *Real time*: yes, unless it fails. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_session_set_auth(
    session: *mut vouch_session,
    threshold: u32,
    min_speech_ms: u32,
) -> vouch_result {
    with(session.cast(), |call| {
        call.policy = policy(threshold, min_speech_ms)?;
        Ok(())
    })
}

/// Sets who the caller claims to be; also during the call, for what was heard before too.
///
/// `claim`: a `vouch_claim`. `voiceprint`, `voiceprint_len`: the person's, with `VOUCH_CLAIM_ENROLLED`; otherwise NULL and 0. Copied.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_RANGE` (no such claim, or a voiceprint where none belongs), `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`, or a
/// handle's error. *Real time*: no; allocates. *Threads*: one at a time.
///
/// # Safety
/// `voiceprint` is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_set_speaker(
    session: *mut vouch_session,
    claim: i32,
    voiceprint: *const u8,
    voiceprint_len: usize,
) -> vouch_result {
    with(session.cast(), |call| {
        // SAFETY: the caller's contract.
        let bytes = unsafe { slice(voiceprint, voiceprint_len)? };
        let claim = match vouch_claim::of(claim)? {
            VOUCH_CLAIM_NONE => Claim::NotProvided,
            VOUCH_CLAIM_NOT_ENROLLED => Claim::NotEnrolled,
            VOUCH_CLAIM_OPTED_OUT => Claim::OptedOut,
            VOUCH_CLAIM_EXPIRED => Claim::Expired,
            VOUCH_CLAIM_ENROLLED => Claim::Enrolled,
        };
        let template = match claim {
            Claim::Enrolled => Some(template(&call.engine, bytes)?),
            _ if bytes.is_empty() => None,
            _ => return Err(Failure::because(VOUCH_ERR_RANGE, "a voiceprint belongs to VOUCH_CLAIM_ENROLLED only")),
        };
        (call.claim, call.template) = (claim, template);
        Ok(())
    })
}

/// Takes samples: 32-bit floats, mono, +-1.0, at the session's rate; `samples_n` of them, any number.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_AUDIO` (nothing was taken), `VOUCH_ERR_STATE` after the end, `VOUCH_ERR_RANGE` (a misaligned pointer), or a
/// handle's error. *Real time*: yes: no allocation, lock or system call. *Threads*: one at a time.
///
/// # Safety
/// `samples` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_push_f32(
    session: *mut vouch_session,
    samples: *const f32,
    samples_n: usize,
) -> vouch_result {
    with(session.cast(), |call| {
        // SAFETY: the caller's contract.
        let samples = unsafe { slice(samples, samples_n)? };
        call.push(|s| s.push(samples))
    })
}

/// As `vouch_session_push_f32`, 16-bit samples in the machine's byte order.
///
/// # Safety
/// `samples` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_push_s16(
    session: *mut vouch_session,
    samples: *const i16,
    samples_n: usize,
) -> vouch_result {
    with(session.cast(), |call| {
        // SAFETY: the caller's contract.
        let samples = unsafe { slice(samples, samples_n)? };
        call.push(|s| s.push_i16(samples))
    })
}

/// As `vouch_session_push_f32`, the payload of one RTP packet in ITU-T G.711 mu-law; at most 9600 bytes (`VOUCH_ERR_PACKET`).
///
/// # Safety
/// `payload` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_push_pcmu(
    session: *mut vouch_session,
    payload: *const u8,
    payload_len: usize,
) -> vouch_result {
    with(session.cast(), |call| {
        // SAFETY: the caller's contract.
        let payload = unsafe { slice(payload, payload_len)? };
        call.push(|s| s.push_packet(Codec::Pcmu, payload))
    })
}

/// As `vouch_session_push_pcmu`, in G.711 A-law.
///
/// # Safety
/// `payload` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_push_pcma(
    session: *mut vouch_session,
    payload: *const u8,
    payload_len: usize,
) -> vouch_result {
    with(session.cast(), |call| {
        // SAFETY: the caller's contract.
        let payload = unsafe { slice(payload, payload_len)? };
        call.push(|s| s.push_packet(Codec::Pcma, payload))
    })
}

/// Tells that samples were lost; silence stands for them. At most 192000 samples a call (`VOUCH_ERR_RANGE`).
///
/// *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_session_push_lost(session: *mut vouch_session, samples_n: usize) -> vouch_result {
    with(session.cast(), |call| {
        let samples_n = lost(samples_n)?;
        call.push(|s| s.push_lost(samples_n))
    })
}

/// Ends the audio: what waited for look-ahead is finished. A second call changes nothing.
///
/// *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_session_finish(session: *mut vouch_session) -> vouch_result {
    with(session.cast(), |call| {
        call.session.finish();
        call.ended = true;
        Ok(())
    })
}

/// Forgets the audio, ready for another call; thresholds and the claim stay.
///
/// *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_session_reset(session: *mut vouch_session) -> vouch_result {
    with(session.cast(), |call| {
        call.session.reset();
        call.ended = false;
        Ok(())
    })
}

/// Tells how much has been heard.
///
/// `samples_n`: at the session's rate, lost ones included. `net_speech_ms`: net speech. `missing_ms`: net speech that a decision still needs, 0
/// when there is enough. Each may be NULL.
///
/// *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_progress(
    session: *const vouch_session,
    samples_n: *mut u64,
    net_speech_ms: *mut u64,
    missing_ms: *mut u64,
) -> vouch_result {
    with(session.cast(), |call| {
        let now = call.session.progress();
        let net_ms = (1000.0 * now.net_speech_s()).round() as u64;
        let missing = ((1000.0 * call.policy.min_speech_s()).round() as u64).saturating_sub(net_ms);
        for (place, value) in [(samples_n, now.samples), (net_speech_ms, net_ms), (missing_ms, missing)] {
            // SAFETY: the caller's contract.
            unsafe { put(place, value) };
        }
        Ok(())
    })
}

/// Decides from what was heard so far.
///
/// `decision`: where it goes. `score`: where the score goes, 0 to 100, or -1 unless accepted or rejected; may be NULL. What a score means:
/// accepting at threshold t, 50 to 100, lets a random impostor in with probability 10^((30 - t) / 20): 90 stands for 0.1 %.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_decision(
    session: *const vouch_session,
    decision: *mut vouch_decision,
    score: *mut i32,
) -> vouch_result {
    with(session.cast(), |call| {
        let out = Out::new(decision)?;
        let (decided, value) = call.decide()?;
        let shown = matches!(decided, Decision::Accept | Decision::Reject);
        // SAFETY: the caller's contract.
        unsafe {
            put(score, value.filter(|_| shown).map_or(-1, |s| i32::from(s.value())));
            out.set(vouch_decision::of(decided));
        }
        Ok(())
    })
}

/// The branch that a call flow takes for the decision, as Check Voice ID spells it: `Authenticated`, `NotAuthenticated`, `Inconclusive`,
/// `NotEnrolled`, `OptedOut`, `Error`. NULL while more audio may come and there is not enough speech. The text lives for ever.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// `branch` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_session_branch(
    session: *const vouch_session,
    branch: *mut *const c_char,
) -> vouch_result {
    with(session.cast(), |call| {
        let out = Out::new(branch)?;
        let (decision, _) = call.decide()?;
        let waiting = decision == Decision::NotEnoughSpeech && !call.ended;
        let name = if waiting { std::ptr::null() } else { branch_name(Some(decision.branch().as_str()))? };
        // SAFETY: the caller's contract.
        unsafe { out.set(name) };
        Ok(())
    })
}

/// The API's name of a decision, as in `"NOT_ENOUGH_SPEECH"`; never NULL, lives for ever. Any number is fine.
///
/// *Real time*: yes. *Threads*: any.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_decision_name(decision: i32) -> *const c_char {
    let names = [
        (VOUCH_ACCEPT, c"ACCEPT"),
        (VOUCH_REJECT, c"REJECT"),
        (VOUCH_NOT_ENOUGH_SPEECH, c"NOT_ENOUGH_SPEECH"),
        (VOUCH_SPEAKER_NOT_ENROLLED, c"SPEAKER_NOT_ENROLLED"),
        (VOUCH_SPEAKER_OPTED_OUT, c"SPEAKER_OPTED_OUT"),
        (VOUCH_SPEAKER_ID_NOT_PROVIDED, c"SPEAKER_ID_NOT_PROVIDED"),
        (VOUCH_SPEAKER_EXPIRED, c"SPEAKER_EXPIRED"),
    ];
    names.into_iter().find(|&(d, _)| d as i32 == decision).map_or(c"unknown decision", |(_, name)| name).as_ptr()
}
