//! A live call joined to a domain: ids, clock, events, what is recorded, and what the domain remembers of it.

mod journal;
mod line;
mod recorder;
mod report;
mod room;

pub use journal::{EventFiles, Journal};
pub use line::{Line, LineOptions, joined};
pub use recorder::{Recorder, file_hash, proof_path, verify};
pub use room::{AgentBleed, Ended, LiveRequest, LiveSource, Meter, Room};
