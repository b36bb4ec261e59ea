//! What can be wrong with a configuration, and what with the audio.

use std::fmt;

/// Why something cannot be constructed.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// A sampling rate out of range.
    SampleRate {
        /// The rate, in Hz.
        hz: u32,
    },
    /// A network that wants another number of mel bins than the filter bank gives.
    MelBins {
        /// What the filter bank gives.
        expected: usize,
        /// What the network wants.
        actual: usize,
    },
    /// The resampler for this rate could not be made.
    Resampler {
        /// The rate, in Hz.
        hz: u32,
    },
    /// A number that must be positive is not.
    NotPositive {
        /// Its name.
        name: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleRate { hz } => write!(f, "sampling rate of {hz} Hz, not within 8000 to 192000 Hz"),
            Self::MelBins { expected, actual } => {
                write!(f, "the network wants {actual} mel bins, the filter bank gives {expected}")
            }
            Self::Resampler { hz } => write!(f, "no resampler from {hz} Hz"),
            Self::NotPositive { name } => write!(f, "{name} must be positive"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Why audio was refused. Nothing of it was taken; the state is as before.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum InputError {
    /// A sample is NaN or infinite.
    NotFinite {
        /// Its place in the chunk.
        at: usize,
    },
    /// A codec payload that cannot be.
    Packet(crate::codec::CodecError),
    /// A packet longer than [`crate::session::MAX_PACKET_SAMPLES`].
    LongPacket {
        /// Its samples.
        samples: usize,
    },
    /// Audio after [`crate::session::Session::finish`].
    Finished,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { at } => write!(f, "sample {at} of the chunk is not a finite number"),
            Self::Packet(e) => e.fmt(f),
            Self::LongPacket { samples } => {
                write!(f, "packet of {samples} samples, at most {} allowed", crate::session::MAX_PACKET_SAMPLES)
            }
            Self::Finished => f.write_str("audio after the end of the stream"),
        }
    }
}

impl std::error::Error for InputError {}
