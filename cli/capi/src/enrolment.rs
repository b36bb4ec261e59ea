//! The enrolment handle: recordings of one person in, a voiceprint out.

use std::ffi::c_void;

use ::engine::audio::SampleRate;
use ::engine::codec::Codec;
use ::engine::enroll::{EnrollConfig, Enroller, RecordingEvidence, Refusal, RefusalReason};
use ::engine::error::InputError;
use ::engine::session::{Progress, Session, SessionConfig};
use ::engine::template::Embedding;
use zeroize::Zeroizing;

use crate::boundary::{lost, on, reading};
use crate::engine::vouch_engine;
use crate::error::{Failure, Result, vouch_result, vouch_result::*};
use crate::handle::{self, Token};
use crate::held::{Engine, Enrolment};
use crate::memory::{Out, copy_out, put, slice};
use crate::object::{Body, Kind, Object};

/// Recordings of one person on their way to a voiceprint. One thread at a time; different enrolments run in parallel.
pub struct vouch_enrolment {
    _private: (),
}

impl Enrolment {
    fn new(engine: &Engine, rate_hz: u32) -> Result<Self> {
        let rate = SampleRate::new(rate_hz).map_err(|e| Failure::told(VOUCH_ERR_RANGE, e))?;
        let m = &engine.model;
        let session = Session::with_windows(SessionConfig::new(rate), m.embedder(), m.detector(), m.embedder())
            .map_err(|e| Failure::told(VOUCH_ERR_INTERNAL, e))?;
        let config = EnrollConfig::default();
        let enroller = Enroller::new(config).map_err(|e| Failure::told(VOUCH_ERR_INTERNAL, e))?;
        Ok(Self { engine: engine.clone(), config, enroller, session, before_s: 0.0, wanted_s: 30.0, voiceprint: None })
    }

    fn started(&self) -> bool {
        self.before_s > 0.0 || self.session.progress().samples > 0
    }

    /// Net speech of everything so far, in seconds.
    fn net_speech_s(&self) -> f64 {
        self.before_s + self.session.progress().net_speech_s()
    }

    fn push(&mut self, take: impl FnOnce(&mut Session) -> std::result::Result<Progress, InputError>) -> Result<()> {
        if self.voiceprint.is_some() {
            return Err(Failure::because(VOUCH_ERR_STATE, "the voiceprint is made"));
        }
        take(&mut self.session)?;
        Ok(())
    }

    /// Ends the recording and hands it to the enroller.
    fn end_recording(&mut self) -> Result<()> {
        let end = self.session.finish();
        if end.samples > 0 {
            let mut values = Zeroizing::new(vec![0.0; self.engine.model.dim()]);
            let embedding = match self.session.embedding(&mut values) {
                true => Some(
                    Embedding::new(self.session.model_id(), &values)
                        .map_err(|e| Failure::told(VOUCH_ERR_INTERNAL, e))?,
                ),
                false => None,
            };
            let quality = self.session.quality();
            self.enroller
                .add(RecordingEvidence {
                    embedding,
                    windows: self.session.windows().to_vec().into(),
                    net_speech_s: end.net_speech_s(),
                    snr_db: quality.snr_db,
                    clipped_share: quality.clipped_share,
                    bandwidth_hz: quality.bandwidth_hz,
                })
                .map_err(|e| Failure::told(VOUCH_ERR_STATE, e))?;
        }
        self.before_s += end.net_speech_s();
        self.session.reset();
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        if self.voiceprint.is_none() {
            self.end_recording()?;
            self.voiceprint = Some(self.enroller.finish().map_err(refusal)?.to_bytes());
        }
        Ok(())
    }
}

pub(crate) fn refusal(refusal: Refusal) -> Failure {
    let code = match refusal.reason() {
        RefusalReason::Silence => VOUCH_ERR_SILENCE,
        RefusalReason::TooLittleSpeech { .. } => VOUCH_ERR_TOO_LITTLE_SPEECH,
        RefusalReason::Noise { .. } => VOUCH_ERR_NOISE,
        RefusalReason::Clipping { .. } => VOUCH_ERR_CLIPPING,
        RefusalReason::DifferentVoices { .. } => VOUCH_ERR_SECOND_VOICE,
        _ => VOUCH_ERR_INTERNAL,
    };
    let reasons: Vec<String> = refusal.reasons().map(ToString::to_string).collect();
    Failure::told(code, reasons.join("; "))
}

fn with(handle: *const c_void, f: impl FnOnce(&mut Enrolment) -> Result<()>) -> vouch_result {
    on(Token::of(handle), Kind::Enrolment, |object| f(object.enrolment()?))
}

/// Starts an enrolment.
///
/// `engine`: may be freed before the enrolment. `rate_hz`: rate of the audio to come, 8000 to 192000 Hz.
/// `out`: the new enrolment, to be freed by `vouch_enrolment_free`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_TOO_MANY_HANDLES`.
/// *Real time*: no; allocates all that pushing needs. *Threads*: any.
///
/// # Safety
/// `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_enrolment_new(
    engine: *const vouch_engine,
    rate_hz: u32,
    out: *mut *mut vouch_enrolment,
) -> vouch_result {
    reading(Token::of(engine), Kind::Engine, |object| {
        let out = Out::new(out)?;
        let enrolment = Enrolment::new(object.engine()?, rate_hz)?;
        let token = handle::insert(Object::new(Body::Enrolment(Box::new(enrolment))))?;
        // SAFETY: the caller's contract.
        unsafe { out.set(token.pointer()) };
        Ok(())
    })
}

/// Frees an enrolment and erases what it heard. NULL is fine.
///
/// *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_enrolment_free(enrolment: *mut vouch_enrolment) -> vouch_result {
    crate::boundary::run(|| handle::free(Token::of(enrolment), Kind::Enrolment))
}

/// Sets how much net speech is wanted and how much there must be, in milliseconds: 1000 to 3600000, the first not below the second; 30000 and
/// 12000 unless set. Before the first audio only.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_STATE`, or a handle's error. *Real time*: no. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_enrolment_set_speech(
    enrolment: *mut vouch_enrolment,
    wanted_ms: u32,
    least_ms: u32,
) -> vouch_result {
    with(enrolment.cast(), |e| {
        if e.started() {
            return Err(Failure::because(VOUCH_ERR_STATE, "audio has been heard"));
        }
        let (wanted_s, least_s) = (f64::from(wanted_ms) / 1000.0, f64::from(least_ms) / 1000.0);
        let config = e.config.wanted_speech_s(wanted_s).least_speech_s(least_s);
        e.enroller = Enroller::new(config).map_err(|e| Failure::told(VOUCH_ERR_RANGE, e))?;
        (e.config, e.wanted_s) = (config, wanted_s);
        Ok(())
    })
}

/// Takes samples: 32-bit floats, mono, +-1.0, at the enrolment's rate; `samples_n` of them, any number.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_AUDIO` (nothing was taken), `VOUCH_ERR_STATE`, `VOUCH_ERR_RANGE` (a misaligned pointer), or a handle's error.
/// *Real time*: yes: no allocation, lock or system call. *Threads*: one at a time.
///
/// # Safety
/// `samples` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_enrolment_push_f32(
    enrolment: *mut vouch_enrolment,
    samples: *const f32,
    samples_n: usize,
) -> vouch_result {
    with(enrolment.cast(), |e| {
        // SAFETY: the caller's contract.
        let samples = unsafe { slice(samples, samples_n)? };
        e.push(|s| s.push(samples))
    })
}

/// As `vouch_enrolment_push_f32`, 16-bit samples in the machine's byte order.
///
/// # Safety
/// `samples` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_enrolment_push_s16(
    enrolment: *mut vouch_enrolment,
    samples: *const i16,
    samples_n: usize,
) -> vouch_result {
    with(enrolment.cast(), |e| {
        // SAFETY: the caller's contract.
        let samples = unsafe { slice(samples, samples_n)? };
        e.push(|s| s.push_i16(samples))
    })
}

/// As `vouch_enrolment_push_f32`, the payload of one RTP packet in ITU-T G.711 mu-law; at most 9600 bytes.
///
/// # Safety
/// `payload` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_enrolment_push_pcmu(
    enrolment: *mut vouch_enrolment,
    payload: *const u8,
    payload_len: usize,
) -> vouch_result {
    with(enrolment.cast(), |e| {
        // SAFETY: the caller's contract.
        let payload = unsafe { slice(payload, payload_len)? };
        e.push(|s| s.push_packet(Codec::Pcmu, payload))
    })
}

/// As `vouch_enrolment_push_pcmu`, in G.711 A-law.
///
/// # Safety
/// `payload` is as long as it says; NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_enrolment_push_pcma(
    enrolment: *mut vouch_enrolment,
    payload: *const u8,
    payload_len: usize,
) -> vouch_result {
    with(enrolment.cast(), |e| {
        // SAFETY: the caller's contract.
        let payload = unsafe { slice(payload, payload_len)? };
        e.push(|s| s.push_packet(Codec::Pcma, payload))
    })
}

/// Tells that samples were lost; silence stands for them. At most 192000 samples a call.
///
/// *Real time*: yes. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_enrolment_push_lost(enrolment: *mut vouch_enrolment, samples_n: usize) -> vouch_result {
    with(enrolment.cast(), |e| {
        let samples_n = lost(samples_n)?;
        e.push(|s| s.push_lost(samples_n))
    })
}

/// Ends a recording; what is pushed next is another one of the same person. Recordings must agree with each other.
///
/// *Real time*: no; allocates. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_enrolment_next_recording(enrolment: *mut vouch_enrolment) -> vouch_result {
    with(enrolment.cast(), |e| {
        if e.voiceprint.is_some() {
            return Err(Failure::because(VOUCH_ERR_STATE, "the voiceprint is made"));
        }
        e.end_recording()
    })
}

/// Tells how far the enrolment is.
///
/// `net_speech_ms`: net speech so far. `percent`: of what is wanted, 0 to 100. Either may be NULL.
///
/// *Real time*: yes. *Threads*: one at a time.
///
/// # Safety
/// The outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_enrolment_progress(
    enrolment: *const vouch_enrolment,
    net_speech_ms: *mut u64,
    percent: *mut u32,
) -> vouch_result {
    with(enrolment.cast(), |e| {
        let net_s = e.net_speech_s();
        // SAFETY: the caller's contract.
        unsafe {
            put(net_speech_ms, (1000.0 * net_s).round() as u64);
            put(percent, (100.0 * net_s / e.wanted_s).min(100.0) as u32);
        }
        Ok(())
    })
}

/// Ends the enrolment and makes the voiceprint. After a refusal more may be pushed, as another recording, and this called again.
///
/// Returns `VOUCH_OK`, the reason of a refusal (`VOUCH_ERR_TOO_LITTLE_SPEECH` and the others from 400 on; `vouch_last_error` names the
/// seconds or decibels that are missing), or a handle's error. *Real time*: no; allocates. *Threads*: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_enrolment_finish(enrolment: *mut vouch_enrolment) -> vouch_result {
    with(enrolment.cast(), Enrolment::finish)
}

/// Copies the voiceprint: bytes to be kept, best under the stack's own encryption, for `vouch_session_set_speaker`.
///
/// `buffer`, `len`: where it goes; NULL and 0 to ask for the size alone. `needed_n`: its size in bytes, written even when the buffer is too
/// small; may be NULL if there is a buffer.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_BUFFER`, `VOUCH_ERR_NULL`, `VOUCH_ERR_STATE` before `vouch_enrolment_finish` succeeded, or a handle's error.
/// *Real time*: no. *Threads*: one at a time.
///
/// # Safety
/// `buffer` is NULL or valid for writes of `len` bytes; `needed_n` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_enrolment_voiceprint(
    enrolment: *const vouch_enrolment,
    buffer: *mut u8,
    len: usize,
    needed_n: *mut usize,
) -> vouch_result {
    with(enrolment.cast(), |e| {
        let bytes = e.voiceprint.as_ref().ok_or(Failure::because(VOUCH_ERR_STATE, "no voiceprint has been made"))?;
        // SAFETY: the caller's contract is the same.
        unsafe { copy_out(bytes, buffer.cast(), len, needed_n) }
    })
}
