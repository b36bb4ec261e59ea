//! What a recording seems to have gone through.

use std::fmt;

/// What a recording seems to have gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecGuess {
    /// Too little signal, or a band between telephone and wide.
    Unknown,
    /// Every sample is a value of G.711 mu-law, and not every one a value of A-law.
    MuLaw,
    /// Every sample is a value of G.711 A-law, and not every one a value of mu-law.
    ALaw,
    /// Nothing above the telephone's band, whatever the sampling rate.
    Narrowband,
    /// Sound above the telephone's band.
    Wideband,
}

impl fmt::Display for CodecGuess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::MuLaw => "mu-law",
            Self::ALaw => "a-law",
            Self::Narrowband => "narrowband",
            Self::Wideband => "wideband",
        })
    }
}
