//! Redaction of recordings and transcripts: what is personal in the words is masked there and silenced in the audio.
//!
//! It fails closed: what cannot be read, does not fit together or was not silenced in fact is an error, and leaves nothing behind.

pub mod analysis;
pub mod evaluate;
pub mod job;
pub mod listen;
pub mod page;
pub mod request;
pub mod transcript;
