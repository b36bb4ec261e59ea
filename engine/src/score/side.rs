//! What each side of a comparison has to go by, and numbers that depend on it.

use super::types::ScoreError;
use crate::quality::Band;

/// One side of a comparison: how much net speech it has, heard in which band.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Side {
    net_speech_s: f64,
    band: Band,
}

impl Side {
    /// Net speech in seconds, and the band that it was heard in.
    ///
    /// # Errors
    /// [`ScoreError::NetSpeech`] unless it is finite and above 0.
    pub fn new(net_speech_s: f64, band: Band) -> Result<Self, ScoreError> {
        if net_speech_s.is_finite() && net_speech_s > 0.0 {
            Ok(Self { net_speech_s, band })
        } else {
            Err(ScoreError::NetSpeech { net_speech_s })
        }
    }

    /// As [`Side::new`], of net speech that is known to be finite and above 0.
    pub(crate) fn known(net_speech_s: f64, band: Band) -> Self {
        debug_assert!(net_speech_s.is_finite() && net_speech_s > 0.0);
        Self { net_speech_s, band }
    }

    /// Net speech, in seconds.
    pub fn net_speech_s(self) -> f64 {
        self.net_speech_s
    }

    /// The band that it was heard in.
    pub fn band(self) -> Band {
        self.band
    }
}

/// Both sides of a comparison.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Conditions {
    /// Who is to be recognised.
    pub probe: Side,
    /// Who is enrolled.
    pub enrol: Side,
}

impl Conditions {
    /// As they are, but with at least so much net speech, in seconds, on each side.
    pub(super) fn at_least(self, probe_s: f64, enrol_s: f64) -> Self {
        let raise = |side: Side, least: f64| Side { net_speech_s: side.net_speech_s.max(least), ..side };
        Self { probe: raise(self.probe, probe_s), enrol: raise(self.enrol, enrol_s) }
    }

    /// The extremes of what can be: every pair of bands, with the least and with endless net speech.
    pub(super) fn corners(probe_s: f64, enrol_s: f64) -> impl Iterator<Item = Self> {
        let sides = |least| {
            [least, f64::MAX].map(|net_speech_s| [Band::Narrow, Band::Wide].map(|band| Side { net_speech_s, band }))
        };
        let (probes, enrolments) = (sides(probe_s).into_iter().flatten(), sides(enrol_s));
        probes.flat_map(move |probe| enrolments.into_iter().flatten().map(move |enrol| Self { probe, enrol }))
    }

    /// What each term of [`SideTerms`] is multiplied with, in the order of [`SideTerms::to_array`].
    pub(super) fn regressors(self) -> [f64; SideTerms::COUNT] {
        let (narrow, mixed) = match (self.probe.band, self.enrol.band) {
            (Band::Wide, Band::Wide) => (0.0, 0.0),
            (Band::Narrow, Band::Narrow) => (1.0, 0.0),
            _ => (0.0, 1.0),
        };
        [1.0, 1.0 / self.probe.net_speech_s, 1.0 / self.enrol.net_speech_s, narrow, mixed]
    }
}

/// A number that depends on both sides: `base + per_probe / probe_s + per_enrol / enrol_s`, and one of `narrow` and `mixed` where a
/// side was heard in a telephone's band.
///
/// The noise of an embedding falls with one over its net speech, hence the reciprocals.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SideTerms {
    /// Value for endless speech, both sides wide-band.
    pub base: f64,
    /// Weight of one over the probe's net speech, times seconds.
    pub per_probe: f64,
    /// Weight of one over the enrolment's net speech, times seconds.
    pub per_enrol: f64,
    /// What is added where both sides are narrow-band.
    pub narrow: f64,
    /// What is added where one side is narrow-band and the other wide-band.
    pub mixed: f64,
}

impl SideTerms {
    /// Number of terms.
    pub(super) const COUNT: usize = 5;

    pub(super) fn to_array(self) -> [f64; Self::COUNT] {
        [self.base, self.per_probe, self.per_enrol, self.narrow, self.mixed]
    }

    pub(super) fn from_array([base, per_probe, per_enrol, narrow, mixed]: [f64; Self::COUNT]) -> Self {
        Self { base, per_probe, per_enrol, narrow, mixed }
    }

    /// A part `share` of the way from `from` to these terms.
    pub(super) fn blend(self, from: Self, share: f64) -> Self {
        let (to, from) = (self.to_array(), from.to_array());
        Self::from_array(std::array::from_fn(|i| share * to[i] + (1.0 - share) * from[i]))
    }

    pub(super) fn at(&self, conditions: Conditions) -> f64 {
        self.to_array().iter().zip(conditions.regressors()).map(|(term, by)| term * by).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_has_some_speech() {
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Side::new(seconds, Band::Wide), Err(ScoreError::NetSpeech { .. })), "{seconds}");
        }
    }

    #[test]
    fn each_pair_of_bands_has_its_own_term() {
        let side = |band| Side::new(4.0, band).unwrap();
        let terms = SideTerms { base: 1.0, per_probe: 8.0, per_enrol: 16.0, narrow: 10.0, mixed: 100.0 };
        let at = |probe, enrol| terms.at(Conditions { probe: side(probe), enrol: side(enrol) });
        assert_eq!(at(Band::Wide, Band::Wide), 7.0);
        assert_eq!(at(Band::Narrow, Band::Narrow), 17.0);
        assert_eq!((at(Band::Wide, Band::Narrow), at(Band::Narrow, Band::Wide)), (107.0, 107.0));
    }
}
