//! The engine handle: network and calibration.

use std::ffi::c_char;
use std::sync::Arc;

use engine::template::{Template, TemplateError};
use models::{Model, calibration};

use crate::boundary::{reading, run};
use crate::error::{Failure, Result, vouch_result, vouch_result::*};
use crate::handle::{self, Token};
use crate::held::Engine;
use crate::log::{tell, vouch_log_level::*};
use crate::memory::{Out, slice, text_out};
use crate::object::{Body, Kind, Object};

/// A network and what its scores mean. Any number of threads may use one at once; it never changes. Whatever was made from it stays
/// good after it was freed.
pub struct vouch_engine {
    _private: (),
}

fn engine(model: Model, calibration_json: &str) -> Result<Engine> {
    let calibration = calibration::parse(calibration_json).map_err(|e| Failure::told(VOUCH_ERR_CALIBRATION, e))?;
    if calibration.model_id() != model.id() {
        return Err(Failure::because(VOUCH_ERR_CALIBRATION, "it belongs to another network"));
    }
    tell(VOUCH_LOG_INFO, || format!("network {}, calibration {}", model.id(), calibration.id()));
    Ok(Engine { model, calibration: Arc::new(calibration) })
}

/// Makes an engine of the built-in network and its calibration.
///
/// `out`: the new engine, to be freed by `vouch_engine_free`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TOO_MANY_HANDLES`. *Real time*: no; allocates about 10 MB. *Threads*: any.
///
/// # Safety
/// `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_engine_new(out: *mut *mut vouch_engine) -> vouch_result {
    run(|| {
        let out = Out::new(out)?;
        let model = Model::embedded().map_err(|e| Failure::told(VOUCH_ERR_MODEL, e))?;
        let token = handle::insert(Object::new(Body::Engine(engine(model, models::calibration_json())?)))?;
        // SAFETY: the caller's contract.
        unsafe { out.set(token.pointer()) };
        Ok(())
    })
}

/// Makes an engine of another network: the bytes of a `.vouch` file, and the JSON text of its calibration.
///
/// `model`, `model_len`: the container. `calibration`, `calibration_len`: the JSON, UTF-8, without NUL. Both are copied.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_MODEL`, `VOUCH_ERR_CALIBRATION`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_TOO_MANY_HANDLES`.
/// *Real time*: no; allocates. *Threads*: any.
///
/// # Safety
/// The buffers are as long as they say; `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_engine_new_from(
    model: *const u8,
    model_len: usize,
    calibration: *const c_char,
    calibration_len: usize,
    out: *mut *mut vouch_engine,
) -> vouch_result {
    run(|| {
        let out = Out::new(out)?;
        // SAFETY: the caller's contract.
        let (model, json) = unsafe { (slice(model, model_len)?, slice(calibration.cast::<u8>(), calibration_len)?) };
        let json = std::str::from_utf8(json).map_err(|_| Failure::of(VOUCH_ERR_TEXT))?;
        let model = Model::from_bytes(model).map_err(|e| Failure::told(VOUCH_ERR_MODEL, e))?;
        let token = handle::insert(Object::new(Body::Engine(engine(model, json)?)))?;
        // SAFETY: the caller's contract.
        unsafe { out.set(token.pointer()) };
        Ok(())
    })
}

/// Frees an engine. NULL is fine; a handle that was freed before is told by the result and changes nothing.
///
/// *Real time*: no. *Threads*: any.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_engine_free(engine: *mut vouch_engine) -> vouch_result {
    run(|| handle::free(Token::of(engine), Kind::Engine))
}

/// Writes the network's id, 32 hexadecimal digits and a NUL: a voiceprint belongs to one network.
///
/// *Real time*: no; allocates. *Threads*: any.
///
/// # Safety
/// As `vouch_last_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_engine_model_id(
    engine: *const vouch_engine,
    buffer: *mut c_char,
    len: usize,
    needed_n: *mut usize,
) -> vouch_result {
    reading(Token::of(engine), Kind::Engine, |object| {
        // SAFETY: the caller's contract is the same.
        unsafe { text_out(&object.engine()?.model.id().to_string(), buffer, len, needed_n) }
    })
}

/// A voiceprint's template, if it is one of this engine's network.
pub(crate) fn template(engine: &Engine, bytes: &[u8]) -> Result<Template> {
    let template = Template::of_model(bytes, engine.model.id());
    let template = template.map_err(|e: TemplateError| Failure::told(VOUCH_ERR_VOICEPRINT, e))?;
    if template.model() != engine.model.id() {
        return Err(Failure::of(VOUCH_ERR_OTHER_MODEL));
    }
    Ok(template)
}

/// Tells how much net speech a voiceprint was made of, in milliseconds, and whether it is one of this engine's network.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`. *Real time*: no; allocates. *Threads*: any.
///
/// # Safety
/// `voiceprint` is as long as it says; `net_speech_ms` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_engine_check_voiceprint(
    engine: *const vouch_engine,
    voiceprint: *const u8,
    voiceprint_len: usize,
    net_speech_ms: *mut u64,
) -> vouch_result {
    reading(Token::of(engine), Kind::Engine, |object| {
        let out = Out::new(net_speech_ms)?;
        // SAFETY: the caller's contract.
        let template = template(object.engine()?, unsafe { slice(voiceprint, voiceprint_len)? })?;
        // SAFETY: the caller's contract.
        unsafe { out.set((1000.0 * template.net_speech_s()).round() as u64) };
        Ok(())
    })
}
