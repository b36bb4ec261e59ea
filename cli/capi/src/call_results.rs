//! What a call answers: events, how it stands, results, its enrolment.

use std::ffi::{c_char, c_void};

use ::engine::call::{Answer, CheckOption, EnrollmentRefusal, StreamingStatus};
use ::engine::score::FraudDecision;

use crate::boundary::branch_name;
use crate::call::{
    flat, refused, vouch_call, vouch_call_status, vouch_call_status::*, vouch_check::*, vouch_event,
    vouch_fraud_decision, vouch_fraud_decision::*, with,
};
use crate::enrolment::refusal;
use crate::error::{Failure, vouch_result, vouch_result::*};
use crate::memory::{Out, copy_out, put};
use crate::session::vouch_decision;

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
