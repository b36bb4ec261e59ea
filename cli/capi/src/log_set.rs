//! Who is told of lines for the log.

use std::ffi::c_void;

use crate::boundary::run;
use crate::error::{Failure, vouch_result, vouch_result::*};
use crate::log::{self, vouch_log_callback};

/// Has lines for the log told to `callback`, for the whole process; NULL ends that. When it returns, nobody is inside the old one any more.
///
/// `userdata`: handed on, never followed.
///
/// Returns `VOUCH_OK`, or `VOUCH_ERR_BUSY` from inside the callback. *Real time*: no. *Threads*: any.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_set_log(userdata: *mut c_void, callback: vouch_log_callback) -> vouch_result {
    run(|| if log::set(userdata, callback) { Ok(()) } else { Err(Failure::of(VOUCH_ERR_BUSY)) })
}
