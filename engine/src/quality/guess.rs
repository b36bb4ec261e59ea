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

/// Bandwidth up to which a recording is a telephone's, in Hz: 4 kHz and the skirt of a short filter that it was resampled by.
const NARROW_MOST_HZ: f32 = 4_600.0;

/// How far up a voice was heard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Band {
    /// In a telephone's band.
    Narrow,
    /// Beyond it.
    Wide,
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Narrow => "narrow",
            Self::Wide => "wide",
        })
    }
}

impl Band {
    /// Of sound whose spectrum ends at `bandwidth_hz` ([`crate::quality::Quality::bandwidth_hz`]). What is not known, 0, is narrow.
    pub fn of(bandwidth_hz: f32) -> Self {
        if bandwidth_hz > NARROW_MOST_HZ { Self::Wide } else { Self::Narrow }
    }
}

#[cfg(test)]
mod tests {
    use super::Band;

    #[test]
    fn a_band_ends_where_a_telephone_ends() {
        for (hz, band) in
            [(0.0, Band::Narrow), (4_000.0, Band::Narrow), (7_000.0, Band::Wide), (f32::NAN, Band::Narrow)]
        {
            assert_eq!(Band::of(hz), band, "{hz}");
        }
    }
}
