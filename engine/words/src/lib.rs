//! Text in, findings out: personal data is found in the words of a call, and its time spans are muted in the recording.
//!
//! A crate of its own, so that a media server that only verifies voices does not carry it. No I/O.
//!
//! [`transcript`] holds the words, [`rules::find`] finds what is personal among them, [`mute::Spans`] turns that into samples to be silenced,
//! padded and merged. What is not sure is found too, with a low confidence: it is silenced all the same, and somebody should look at it.
//! [`conversation`] counts who speaks how long, [`categories`] puts conversations into categories.
#![forbid(unsafe_code)]

pub mod categories;
pub mod conversation;
mod entity;
pub mod mute;
mod normal;
pub mod rules;
pub mod stream;
pub mod transcript;

pub use entity::{Entity, UnknownEntity};
