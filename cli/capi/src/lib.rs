//! `libvouch`: the engine behind a C99 header, `include/vouch.h`.
//!
//! How the header is meant, and what holds for every call, stands in the header itself and in `README.md`; this page is for those
//! who change the library.
//!
//! - A handle is a number in a table (`handle.rs`), never a pointer that is followed.
//! - Every exported function is one call of `boundary::run`, which catches panics and keeps the failure for `vouch_last_error`.
//! - Outputs are written last, and only on success.
#![allow(non_camel_case_types, reason = "the names are C's")]

mod boundary;
mod call;
mod call_audio;
mod call_results;
#[cfg(feature = "domain")]
mod domain;
mod engine;
mod enrolment;
mod error;
mod handle;
mod held;
mod log;
mod log_set;
mod memory;
mod object;
mod session;
mod watchlist;

pub use boundary::*;
pub use call::*;
pub use call_audio::*;
pub use call_results::*;
#[cfg(feature = "domain")]
pub use domain::*;
pub use engine::*;
pub use enrolment::*;
pub use error::vouch_result;
pub use log::*;
pub use log_set::*;
pub use session::*;
pub use watchlist::*;
