//! One call: the panic boundary, and what a handle remembers of its last failure.

use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use ::engine::score::AuthPolicy;

use crate::error::{Failure, Result, vouch_result, vouch_result::*};
use crate::handle::{self, Token};
use crate::log;
use crate::memory::text_out;
use crate::object::{Kind, Object};

/// Runs a call that belongs to no handle, or to one that does not exist yet.
pub(crate) fn run(f: impl FnOnce() -> Result<()>) -> vouch_result {
    let code = match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(())) => return VOUCH_OK,
        Ok(Err(failure)) => failure.code,
        Err(_) => VOUCH_ERR_PANIC,
    };
    log::answered(code);
    code
}

/// Runs a call on a handle that nobody else may use meanwhile. Allocates nothing of its own.
pub(crate) fn on(token: Token, kind: Kind, f: impl FnOnce(&mut Object) -> Result<()>) -> vouch_result {
    run(|| {
        handle::alone(token, kind, |object| {
            let done = catch_unwind(AssertUnwindSafe(|| f(object))).unwrap_or_else(|_| {
                object.break_it();
                Err(Failure::PANIC)
            });
            object.last = done.as_ref().err().cloned();
            done
        })
    })
}

/// Runs a call that reads a shared handle.
pub(crate) fn reading(token: Token, kind: Kind, f: impl FnOnce(&Object) -> Result<()>) -> vouch_result {
    run(|| handle::shared(token, kind, f))
}

/// What authenticates: the threshold, and the net speech before a decision.
pub(crate) fn policy(threshold: u32, min_speech_ms: u32) -> Result<AuthPolicy> {
    let threshold = u8::try_from(threshold).unwrap_or(u8::MAX);
    AuthPolicy::new(threshold, f64::from(min_speech_ms) / 1000.0).map_err(|e| Failure::told(VOUCH_ERR_RANGE, e))
}

/// The samples of one loss: at most a second at 192 kHz, so that a call stays short.
pub(crate) fn lost(samples_n: usize) -> Result<usize> {
    if samples_n > 192_000 {
        return Err(Failure::because(VOUCH_ERR_RANGE, "more than 192000 samples at once"));
    }
    Ok(samples_n)
}

/// A branch of a call flow as C spells it; lives for ever.
pub(crate) fn branch_name(branch: Option<&str>) -> Result<*const c_char> {
    let names = [
        c"Authenticated",
        c"NotAuthenticated",
        c"Inconclusive",
        c"NotEnrolled",
        c"OptedOut",
        c"Enrolled",
        c"HighRisk",
        c"LowRisk",
        c"NotEnabled",
        c"Error",
    ];
    let spelled = |name: &str| names.iter().find(|n| n.to_bytes() == name.as_bytes());
    Ok(branch.and_then(spelled).ok_or(Failure::of(VOUCH_ERR_INTERNAL))?.as_ptr())
}

/// Text of a result, ended by NUL; never NULL, lives for ever. Any number is fine.
///
/// *Real time*: yes. *Threads*: any.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_strerror(result: i32) -> *const c_char {
    let known = vouch_result::ALL.into_iter().chain([VOUCH_ERR_INTERNAL]).find(|&r| r as i32 == result);
    known.map_or(c"unknown result", vouch_result::text).as_ptr()
}

/// Writes what the last call on this handle failed for, in more words than `vouch_strerror`; an empty text if it did not fail. The texts
/// name numbers and reasons, never a person.
///
/// `handle`: a handle of any kind but `vouch_engine`, whose calls tell everything by their result.
/// `buffer`, `len`: where the text and its NUL go; NULL and 0 to ask for the size alone. `needed_n`: its size in bytes with the NUL, written
/// even when the buffer is too small; may be NULL.
///
/// *Real time*: no, allocates. *Threads*: one at a time for a handle.
///
/// # Safety
/// `buffer` is NULL or valid for writes of `len` bytes; `needed_n` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_last_error(
    handle: *const c_void,
    buffer: *mut c_char,
    len: usize,
    needed_n: *mut usize,
) -> vouch_result {
    run(|| {
        let token = Token::of(handle);
        handle::shared(token, handle::kind(token)?, |object| {
            let text = object.last.as_ref().map(ToString::to_string).unwrap_or_default();
            // SAFETY: the caller's contract is the same.
            unsafe { text_out(&text, buffer, len, needed_n) }
        })
    })
}

/// The library's version, as in "1.2.3", ended by NUL; lives for ever.
///
/// *Real time*: yes. *Threads*: any.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The library's version as a number: major * 1,000,000 + minor * 1,000 + patch. Compare with `VOUCH_VERSION_NUMBER` of the header.
///
/// *Real time*: yes. *Threads*: any.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_version_number() -> u32 {
    let mut parts = env!("CARGO_PKG_VERSION").split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    next() * 1_000_000 + next() * 1_000 + next()
}

/// What this build can do beyond the rest, as words with a space between them, ended by NUL; lives for ever. Empty where there is nothing.
///
/// `simd=NAME`: the instruction set of 32-bit kernels on this machine, `scalar`, `avx2`, `avx512` or `neon`. `domain`: `vouch_domain_*`.
///
/// *Real time*: no, the first time. *Threads*: any.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_features() -> *const c_char {
    static FEATURES: OnceLock<CString> = OnceLock::new();
    let words = || {
        let domain = if cfg!(feature = "domain") { " domain" } else { "" };
        CString::new(format!("simd={}{domain}", engine_simd::Backend::detect().name())).unwrap_or_default()
    };
    FEATURES.get_or_init(words).as_ptr()
}

/// Handles that are alive in this process: what a test for leaks looks at.
///
/// *Real time*: no, takes a lock. *Threads*: any.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_live_handles() -> usize {
    handle::live()
}

/// Panics inside, for the tests of the panic boundary.
#[cfg(feature = "test-panic")]
#[unsafe(no_mangle)]
#[allow(clippy::panic, reason = "that is what it is for")]
pub extern "C" fn vouch_test_panic(handle: *mut c_void) -> vouch_result {
    let token = Token::of(handle);
    match handle::kind(token) {
        Ok(kind) if !kind.is_shared() => on(token, kind, |_| panic!("a test's panic")),
        _ => run(|| panic!("a test's panic")),
    }
}
