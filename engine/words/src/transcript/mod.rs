//! The words of a call: what they are, and how each recogniser writes them.

mod cover;
mod decode;
mod family;
mod place;
mod recognisers;
mod speakers;
mod subtitles;
mod tables;
mod times;
mod views;
mod words;

pub use recognisers::{Loaded, load, parse};
pub use words::{MAX_MS, MAX_WORDS, Transcript, TranscriptError, Turn, Word};
