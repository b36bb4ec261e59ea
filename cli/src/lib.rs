//! The parts of the `vouch` program, as a library so that tests and the fuzzers reach them.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod args;
pub mod batch;
pub mod commands;
pub mod error;
pub mod flow;
pub mod live;
mod meter;
#[cfg(feature = "mic")]
pub mod mic;
pub mod outcome;
pub mod privacy;
pub mod progress;
pub mod redact;
pub mod report;
pub mod rules;
pub mod secure_flow;
pub mod trials;
pub mod watch;
pub mod workers;
