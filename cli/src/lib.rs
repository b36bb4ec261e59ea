//! The parts of the `vouch` program, as a library so that tests and the fuzzers reach them.
#![forbid(unsafe_code)]

pub mod args;
pub mod commands;
mod meter;
#[cfg(feature = "mic")]
pub mod mic;
pub mod outcome;
pub mod progress;
