//! What the host should see in its log: defects and misuse, and which network was loaded. Never a person, never audio.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::sync::{PoisonError, RwLock};

use crate::error::{vouch_result, vouch_result::*};

/// How grave a line of the log is.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum vouch_log_level {
    /// A defect: a panic that was caught, or an error that cannot be. Please report it.
    VOUCH_LOG_ERROR = 0,
    /// Misuse: one handle used by two threads at once, or more handles than there can be.
    VOUCH_LOG_WARNING = 1,
    /// What was loaded.
    VOUCH_LOG_INFO = 2,
}

use vouch_log_level::*;

/// Told of a line for the log: your pointer, a `vouch_log_level`, and the text, which is gone when the callback returns.
///
/// Comes on whichever thread it happens on, a misused media thread among them. It must not set the log itself (`VOUCH_ERR_BUSY`), and must
/// not unwind.
pub type vouch_log_callback = Option<unsafe extern "C" fn(userdata: *mut c_void, level: i32, text: *const c_char)>;

struct Log {
    userdata: *mut c_void,
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
}

// SAFETY: the pointer is never followed here; who sets it says that the callback may be told on any thread.
unsafe impl Send for Log {}
// SAFETY: as above.
unsafe impl Sync for Log {}

static LOG: RwLock<Option<Log>> = RwLock::new(None);

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Sets who is told, or nobody; `false` from inside the callback, where nothing changes.
pub(crate) fn set(userdata: *mut c_void, callback: vouch_log_callback) -> bool {
    if INSIDE.get() {
        return false;
    }
    let log = callback.map(|callback| Log { userdata, callback });
    *LOG.write().unwrap_or_else(PoisonError::into_inner) = log;
    true
}

/// Tells the host. A line about what the callback itself did wrong is not told.
pub(crate) fn tell(level: vouch_log_level, text: impl FnOnce() -> String) {
    if INSIDE.get() {
        return;
    }
    let log = LOG.read().unwrap_or_else(PoisonError::into_inner);
    let Some(Log { userdata, callback }) = &*log else { return };
    let Ok(text) = CString::new(text()) else { return };
    INSIDE.set(true);
    // SAFETY: who set the callback says that it may be called with this pointer on any thread; the text ends with NUL.
    unsafe { callback(*userdata, level as i32, text.as_ptr()) };
    INSIDE.set(false);
}

/// Tells of an answer that no host should ever see.
pub(crate) fn answered(code: vouch_result) {
    let level = match code {
        VOUCH_ERR_PANIC | VOUCH_ERR_INTERNAL => VOUCH_LOG_ERROR,
        VOUCH_ERR_BUSY | VOUCH_ERR_TOO_MANY_HANDLES => VOUCH_LOG_WARNING,
        _ => return,
    };
    tell(level, || format!("{code:?}: {}", code.text().to_string_lossy()));
}
