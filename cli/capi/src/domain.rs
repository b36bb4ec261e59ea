//! The domain handle: speakers, sealed voiceprints and watch lists as the program `vouch` keeps them. Only with the feature `domain`.

use std::ffi::{c_char, c_void};

use ::engine::template::Template;
use cli_store::{Consent, Domain, Enrolment, Lookup, ModelId, OpenOptions, SpeakerId, StoreError, WatchlistId};

use crate::boundary::{on, run};
use crate::engine::{template, vouch_engine};
use crate::error::{Failure, Result, vouch_result, vouch_result::*};
use crate::handle::{self, Token};
use crate::held::{Engine, Watch};
use crate::log::{tell, vouch_log_level::*};
use crate::memory::{Out, copy_out, slice, text_in, text_out};
use crate::object::{Body, Kind, Object};
use crate::session::{vouch_claim, vouch_claim::*};
use crate::watchlist::vouch_watchlist;

/// A domain: one folder with a database and its key. One thread at a time; several processes may have it open.
///
/// None of its calls is for a media thread: they read and write files, and may wait for another process.
pub struct vouch_domain {
    _private: (),
}

fn refused(error: StoreError) -> Failure {
    let code = match &error {
        StoreError::NotFound { .. } => VOUCH_ERR_NOT_FOUND,
        StoreError::Conflict { .. } => VOUCH_ERR_CONFLICT,
        StoreError::Validation { .. } => VOUCH_ERR_ID,
        StoreError::Denied { .. } => VOUCH_ERR_DENIED,
        _ => VOUCH_ERR_DOMAIN,
    };
    Failure::told(code, error)
}

fn with(handle: *const c_void, f: impl FnOnce(&mut Domain) -> Result<()>) -> vouch_result {
    on(Token::of(handle), Kind::Domain, |object| f(object.domain()?))
}

/// # Safety
/// `speaker` is NULL or a text that ends with NUL.
unsafe fn speaker_id(speaker: *const c_char) -> Result<SpeakerId> {
    // SAFETY: the caller's contract.
    unsafe { text_in(speaker)? }.parse().map_err(refused)
}

/// The engine behind its handle, for calls that are about a domain.
fn engine_of(engine: *const vouch_engine) -> Result<Engine> {
    handle::shared(Token::of(engine), Kind::Engine, |object| object.engine().cloned())
}

/// Opens the domain in a folder, which `vouch domain create` has made.
///
/// `path`: the folder, UTF-8, ended by NUL. `out`: the domain, to be freed by `vouch_domain_free`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_TOO_MANY_HANDLES`, `VOUCH_ERR_DOMAIN`: why is told to the log
/// (`vouch_set_log`). *Real time*: no. *Threads*: any.
///
/// # Safety
/// `path` is NULL or ends with NUL; `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_domain_open(path: *const c_char, out: *mut *mut vouch_domain) -> vouch_result {
    run(|| {
        let out = Out::new(out)?;
        // SAFETY: the caller's contract.
        let path = unsafe { text_in(path)? };
        opened(Domain::open(path.as_ref()), out)
    })
}

/// Opens the domain in a folder in the name of a user: every call asks for the user's rights, as they are then, and fails with `VOUCH_ERR_DENIED` without them.
///
/// `path`: as for `vouch_domain_open`. `token`: what `vouch user token` wrote, UTF-8, ended by NUL. `out`: the domain, to be freed by
/// `vouch_domain_free`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_TOO_MANY_HANDLES`, `VOUCH_ERR_DENIED`, `VOUCH_ERR_DOMAIN`. *Real time*: no. *Threads*:
/// any.
///
/// # Safety
/// `path` and `token` are NULL or end with NUL; `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_domain_open_as(
    path: *const c_char,
    token: *const c_char,
    out: *mut *mut vouch_domain,
) -> vouch_result {
    run(|| {
        let out = Out::new(out)?;
        // SAFETY: the caller's contract.
        let (path, token) = unsafe { (text_in(path)?, text_in(token)?) };
        opened(Domain::open_with(path.as_ref(), OpenOptions::default().token(token)), out)
    })
}

fn opened(domain: std::result::Result<Domain, StoreError>, out: Out<*mut vouch_domain>) -> Result<()> {
    let domain = domain.map_err(|e| {
        let failure = match &e {
            StoreError::Denied { .. } => VOUCH_ERR_DENIED,
            _ => VOUCH_ERR_DOMAIN,
        };
        tell(VOUCH_LOG_WARNING, || format!("{failure:?}: {e}"));
        Failure::told(failure, e)
    })?;
    let token = handle::insert(Object::new(Body::Domain(Box::new(domain))))?;
    // SAFETY: the caller's contract.
    unsafe { out.set(token.pointer()) };
    Ok(())
}

/// Closes a domain. NULL is fine.
///
/// *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_domain_free(domain: *mut vouch_domain) -> vouch_result {
    run(|| handle::free(Token::of(domain), Kind::Domain))
}

/// Looks a speaker up: what `vouch_session_set_speaker` and `vouch_call_set_speaker` want to be told.
///
/// `speaker`: your id, or the domain's own. `claim`: a `vouch_claim` is written to it, `VOUCH_CLAIM_NOT_ENROLLED` for somebody unknown too.
/// `buffer`, `len`, `needed_n`: where the voiceprint goes, with `VOUCH_CLAIM_ENROLLED` only; otherwise the size is 0.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_ID`, `VOUCH_ERR_BUFFER`, `VOUCH_ERR_DOMAIN`, or a handle's error.
/// *Real time*: no. *Threads*: one at a time.
///
/// # Safety
/// `speaker` is NULL or ends with NUL; `buffer` is as long as it says; the outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_domain_speaker(
    domain: *mut vouch_domain,
    speaker: *const c_char,
    claim: *mut i32,
    buffer: *mut c_void,
    len: usize,
    needed_n: *mut usize,
) -> vouch_result {
    with(domain.cast(), |domain| {
        let out = Out::new(claim)?;
        // SAFETY: the caller's contract.
        let id = unsafe { speaker_id(speaker)? };
        let mut print = None;
        let found: vouch_claim = match domain.voiceprint(&id) {
            Ok(Lookup::Enrolled(p)) => {
                print = Some(p);
                VOUCH_CLAIM_ENROLLED
            }
            Ok(Lookup::NotEnrolled) | Err(StoreError::NotFound { .. }) => VOUCH_CLAIM_NOT_ENROLLED,
            Ok(Lookup::OptedOut) => VOUCH_CLAIM_OPTED_OUT,
            Ok(Lookup::Expired) => VOUCH_CLAIM_EXPIRED,
            Err(e) => return Err(refused(e)),
        };
        let bytes = print.as_ref().map_or(&[][..], |p| p.template());
        // SAFETY: the caller's contract is the same.
        unsafe {
            if !(bytes.is_empty() && needed_n.is_null()) {
                copy_out(bytes, buffer, len, needed_n)?;
            }
            out.set(found as i32);
        }
        Ok(())
    })
}

/// Keeps a voiceprint for a speaker, sealed.
///
/// `engine`: whose network made it. `consent`: what the person agreed to, or NULL where that is on file. `overwrite`: not 0 to replace a
/// voiceprint that is there.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_ID`, `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`, `VOUCH_ERR_CONFLICT` (one is there,
/// or the speaker has opted out), `VOUCH_ERR_NOT_FOUND` (consent is wanted), `VOUCH_ERR_DOMAIN`, or a handle's error. *Real time*: no.
/// *Threads*: one at a time.
///
/// # Safety
/// `speaker` and `consent` are NULL or end with NUL; `voiceprint` is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_domain_enrol(
    domain: *mut vouch_domain,
    engine: *const vouch_engine,
    speaker: *const c_char,
    voiceprint: *const u8,
    voiceprint_len: usize,
    consent: *const c_char,
    overwrite: i32,
) -> vouch_result {
    with(domain.cast(), |domain| {
        // SAFETY: the caller's contract.
        let (id, bytes) = unsafe { (speaker_id(speaker)?, slice(voiceprint, voiceprint_len)?) };
        let engine = engine_of(engine)?;
        template(&engine, bytes)?;
        let mut enrolment = Enrolment::new(ModelId(engine.model.id().0), bytes).overwrite(overwrite != 0);
        if !consent.is_null() {
            // SAFETY: the caller's contract.
            enrolment = enrolment.consent(Consent::new(unsafe { text_in(consent)? }, "libvouch"));
        }
        domain.put_voiceprint(&id, enrolment).map(drop).map_err(refused)
    })
}

/// Notes that a speaker was authenticated, which keeps the voiceprint from expiring.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_ID`, `VOUCH_ERR_NOT_FOUND`, `VOUCH_ERR_CONFLICT`, `VOUCH_ERR_DOMAIN`, or a handle's error.
/// *Real time*: no. *Threads*: one at a time.
///
/// # Safety
/// `speaker` is NULL or ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_domain_accepted(domain: *mut vouch_domain, speaker: *const c_char) -> vouch_result {
    with(domain.cast(), |domain| {
        // SAFETY: the caller's contract.
        let id = unsafe { speaker_id(speaker)? };
        domain.touch_authenticated(&id).map(drop).map_err(refused)
    })
}

/// Deletes a speaker's voiceprint at their wish, and refuses every later enrolment. Answers and threads as `vouch_domain_accepted`.
///
/// # Safety
/// `speaker` is NULL or ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_domain_opt_out(domain: *mut vouch_domain, speaker: *const c_char) -> vouch_result {
    with(domain.cast(), |domain| {
        // SAFETY: the caller's contract.
        let id = unsafe { speaker_id(speaker)? };
        domain.opt_out(&id).map(drop).map_err(refused)
    })
}

/// Deletes a speaker and all that belongs to them. Answers and threads as `vouch_domain_accepted`.
///
/// # Safety
/// `speaker` is NULL or ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_domain_delete(domain: *mut vouch_domain, speaker: *const c_char) -> vouch_result {
    with(domain.cast(), |domain| {
        // SAFETY: the caller's contract.
        let id = unsafe { speaker_id(speaker)? };
        domain.delete_speaker(&id).map_err(refused)
    })
}

/// Loads a watch list of the domain as it is now. Its fraudsters have the numbers 0, 1, 2...; `vouch_watchlist_fraudster` gives their ids.
///
/// `engine`: whose network made the voiceprints; may be freed before the list. `list`: its id or name, NULL for the domain's default list.
/// `out`: the list, to be freed by `vouch_watchlist_free`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_ID` (two lists of that name), `VOUCH_ERR_NOT_FOUND`, `VOUCH_ERR_OTHER_MODEL` (a list that is
/// searched in part would be a hole), `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_DOMAIN`, `VOUCH_ERR_TOO_MANY_HANDLES`, or a handle's error. *Real time*: no.
/// *Threads*: one at a time.
///
/// # Safety
/// `list` is NULL or ends with NUL; `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_domain_watchlist(
    domain: *mut vouch_domain,
    engine: *const vouch_engine,
    list: *const c_char,
    out: *mut *mut vouch_watchlist,
) -> vouch_result {
    with(domain.cast(), |domain| {
        let out = Out::new(out)?;
        let id: WatchlistId = if list.is_null() {
            domain.describe().map_err(refused)?.default_watchlist_id
        } else {
            // SAFETY: the caller's contract.
            let text = unsafe { text_in(list)? };
            let lists = domain.list_watchlists().map_err(refused)?;
            let mut named = lists.iter().filter(|l| l.watchlist_id.as_str() == text || l.name.as_str() == text);
            let found = named.next().ok_or(Failure::because(VOUCH_ERR_NOT_FOUND, "no such watch list"))?;
            if named.next().is_some() {
                return Err(Failure::because(VOUCH_ERR_ID, "several watch lists have that name: give an id"));
            }
            found.watchlist_id.clone()
        };
        let engine = engine_of(engine)?;
        let (mut watch, mut failed) = (Watch::new(&engine), None);
        let visited = domain.for_each_fraudster(Some(&id), |fraudster, model, bytes| {
            let taken = if model.0 == engine.model.id().0 {
                Template::from_bytes(&bytes).map_err(|e| Failure::told(VOUCH_ERR_VOICEPRINT, e))
            } else {
                Err(Failure::because(
                    VOUCH_ERR_OTHER_MODEL,
                    "a fraudster of the list was registered with another network",
                ))
            };
            match taken {
                Ok(template) => watch.add_named(&template, fraudster.to_string()),
                Err(e) => failed = failed.take().or(Some(e)),
            }
            Ok(())
        });
        visited.map_err(refused)?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        let token = handle::insert(Object::new(Body::WatchList(Box::new(watch))))?;
        // SAFETY: the caller's contract.
        unsafe { out.set(token.pointer()) };
        Ok(())
    })
}

/// Writes the domain's id of a fraudster on a list of `vouch_domain_watchlist`, and a NUL.
///
/// `number`: as `vouch_call_fraud` and `vouch_watchlist_search` gave it.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NONE` (no such number, or one of `vouch_watchlist_add`), `VOUCH_ERR_BUFFER`, or a handle's error. *Real time*: no.
/// *Threads*: one at a time.
///
/// # Safety
/// As `vouch_last_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_watchlist_fraudster(
    watchlist: *mut vouch_watchlist,
    number: u64,
    buffer: *mut c_char,
    len: usize,
    needed_n: *mut usize,
) -> vouch_result {
    on(Token::of(watchlist), Kind::WatchList, |object| {
        let name = object.watchlist()?.name(number).ok_or(Failure::of(VOUCH_ERR_NONE))?;
        // SAFETY: the caller's contract is the same.
        unsafe { text_out(name, buffer, len, needed_n) }
    })
}
