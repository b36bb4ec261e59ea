//! Silencing what must not be heard: personal data is found in the words of a call, and its time spans are muted in the
//! recording.
//!
//! Behind the `redact` feature, so that a media server that only verifies voices does not carry it.

pub mod mute;
pub mod rules;
pub mod transcript;
