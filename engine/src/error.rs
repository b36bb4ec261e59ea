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
    /// A setting below its least value.
    TooSmall {
        /// The setting.
        name: &'static str,
        /// Its least value.
        least: usize,
        /// Its value.
        actual: usize,
    },
    /// A setting of a filter bank out of its range.
    Fbank {
        /// The setting, by its name in [`crate::fbank::FbankConfig`].
        name: &'static str,
    },
    /// The network for windows is not the one for the whole stream.
    WindowModel,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleRate { hz } => write!(f, "sampling rate of {hz} Hz, not within 8000 to 192000 Hz"),
            Self::MelBins { expected, actual } => {
                write!(f, "the network wants {actual} mel bins, the filter bank gives {expected}")
            }
            Self::Resampler { hz } => write!(f, "no resampler from {hz} Hz"),
            Self::TooSmall { name, least, actual } => write!(f, "{name} is {actual}, at least {least} expected"),
            Self::Fbank { name } => write!(f, "the filter bank's {name} is out of range"),
            Self::WindowModel => f.write_str("windows need the same network as the whole stream"),
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
    /// A sample so large that its scale is not +-1.0.
    TooLarge {
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
                write!(f, "sample {at} of the chunk is beyond +-{}, full scale is +-1", crate::audio::MAX_SAMPLE)
            }
            Self::Packet(e) => e.fmt(f),
            Self::LongPacket { samples } => {
                write!(f, "packet of {samples} samples, at most {} allowed", crate::session::MAX_PACKET_SAMPLES)
            }
            Self::Finished => f.write_str("audio after the end of the stream"),
            Self::NoAgent => f.write_str("the agent's side in a call that was made without it"),
            Self::Sides { caller, agent } => write!(f, "{caller} samples of the caller and {agent} of the agent"),
        }
    }
}

impl std::error::Error for InputError {}
