//! What a call goes through: audio, secure passages, its end, another stream.

use ::engine::call::Settings;
use ::engine::codec::Codec;

use crate::boundary::lost;
use crate::call::{refused, vouch_call, with};
use crate::error::vouch_result;
use crate::memory::slice;

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
