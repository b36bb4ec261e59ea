//! The shapes in which others speak with vouch, as serde reads and writes them, and nothing else: no rule, no file, no clock.
#![forbid(unsafe_code)]

pub mod flow;
pub mod manifest;
pub mod privacy;
pub mod proof;
pub mod secure_flow;
pub mod voice_id;
