//! What can be wrong with audio.

use std::fmt;

use crate::audio::{MAX_PACKET_SAMPLES, MAX_SAMPLE};
use crate::codec::CodecError;

/// Why audio was refused. Nothing of it was taken; the state is as before.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum InputError {
    /// A sample is NaN or infinite.
    NotFinite {
        /// Its place in the chunk.
        at: usize,
    },
    /// A sample so large that its scale is not +-1.0.
    TooLarge {
        /// Its place in the chunk.
        at: usize,
    },
    /// A codec payload that cannot be.
    Packet(CodecError),
    /// A packet longer than [`crate::session::MAX_PACKET_SAMPLES`].
    LongPacket {
        /// Its samples.
        samples: usize,
    },
    /// Audio after [`crate::session::Session::finish`].
    Finished,
    /// The agent's side, where the call was not made for it ([`crate::call::CallConfig::agent`]).
    NoAgent,
    /// The agent's side is not as long as the caller's.
    Sides {
        /// The caller's samples.
        caller: usize,
        /// The agent's.
        agent: usize,
    },
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { at } => write!(f, "sample {at} of the chunk is not a finite number"),
            Self::TooLarge { at } => {
                write!(f, "sample {at} of the chunk is beyond +-{}, full scale is +-1", MAX_SAMPLE)
            }
            Self::Packet(e) => e.fmt(f),
            Self::LongPacket { samples } => {
                write!(f, "packet of {samples} samples, at most {} allowed", MAX_PACKET_SAMPLES)
            }
            Self::Finished => f.write_str("audio after the end of the stream"),
            Self::NoAgent => f.write_str("the agent's side in a call that was made without it"),
            Self::Sides { caller, agent } => write!(f, "{caller} samples of the caller and {agent} of the agent"),
        }
    }
}

impl std::error::Error for InputError {}
