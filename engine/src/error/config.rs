//! What can be wrong with a configuration.

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
