//! Golden vectors and seeded signals for the tests of the other crates.
//!
//! Golden files lie in `golden/<subject>/`, with the script that made them in `gen/<subject>.py`. Real speech is not part of
//! the repository: [`speech::telephone`] reads it from `VOUCH_SPEECH` where that is set.

pub mod callcentre;
mod golden;
mod signals;
pub mod speech;

pub use golden::{assert_close, golden_text};
pub use signals::{Random, noise, sines, speech_like};
