//! What vouch does, once: the program, the C library and whatever else is built on it ask here and translate.
//!
//! A typed request goes in, a typed answer or an [`error::AppError`] comes out. Who watches the progress and who prints the answer are the
//! callers' matter: nothing here knows of arguments, terminals and exit codes.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod batch;
pub mod error;
pub mod flow;
pub mod live;
pub mod privacy;
pub mod redact;
pub mod report;
pub mod rules;
pub mod second;
pub mod secure_flow;
pub mod trials;
pub mod watch;
pub mod workers;
