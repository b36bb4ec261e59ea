//! The voice authentication pipeline as a library: samples in, decisions out.
//!
//! packet/samples -> decode -> resample -> fbank -> speech detection -> network -> pooling -> embedding -> score -> decision
//!
//! Streaming is the only path: a file is scored by pushing it through a [`session::Session`].
//!
//! # Invariants
//!
//! 1. `engine` and `models` never touch files, sockets, clocks, threads, environment or logs. Two exceptions: `VOUCH_SIMD` is read
//!    once, and an imported ONNX graph runs on a thread of its own (`models::onnx`).
//! 2. `unsafe` exists only in `engine-simd` (and in test allocators).
//! 3. After construction, `push` does not allocate, lock, block or panic, for any samples.
//! 4. Streaming equals batch for every chunking, to the bit.
//! 5. Time inside is a sample count. Seconds appear at the edges.
//! 6. A cosine, a normalised score, a log-likelihood ratio and a 0-100 score are different types.
//! 7. "Not enough speech" and "reject" are outcomes, not errors.
//! 8. Bytes that outlive the process have a versioned module of their own ([`template`]).
//! 9. Nothing that identifies a caller appears in `Debug`, `Display` or panics.
//! 10. An unsupported case is an error, never a silent approximation.
//!
//! # Words
//!
//! A *frame* is a feature frame (10 ms). Audio comes in *samples* (mono) and *chunks* (what the caller pushes).
//! *Net speech* is the time that the speech detector lets through.
#![forbid(unsafe_code)]

pub mod audio;
pub mod bleed;
pub mod call;
pub mod codec;
pub mod dtmf;
pub mod embed;
pub mod enroll;
pub mod error;
pub mod fbank;
mod follower;
pub mod keys;
pub mod metrics;
pub mod nn;
mod pieces;
pub mod quality;
pub mod resample;
pub mod score;
pub mod search;
pub mod secure;
pub mod session;
pub mod template;
pub mod tone;
pub mod vad;
