//! The kinds of number that a comparison can give, each its own type.

use std::fmt;

use crate::embed::ModelId;

/// Cosine of the angle between two embeddings of one network, -1 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cosine {
    value: f64,
    model: ModelId,
}

impl Cosine {
    /// Room for rounding: a cosine of unit vectors in `f32` may leave [-1, 1] by this much and is then clamped.
    pub const TOLERANCE: f64 = 1e-4;

    /// Takes a cosine that was computed from embeddings of the network `model`.
    ///
    /// # Errors
    /// [`ScoreError::NotACosine`] unless `value` lies in [-1, 1] up to [`Cosine::TOLERANCE`].
    pub fn new(value: f64, model: ModelId) -> Result<Self, ScoreError> {
        if value.abs() <= 1.0 + Self::TOLERANCE {
            Ok(Self { value: value.clamp(-1.0, 1.0), model })
        } else {
            Err(ScoreError::NotACosine { value })
        }
    }

    /// The cosine, in [-1, 1].
    pub fn value(self) -> f64 {
        self.value
    }

    /// The network whose embeddings were compared.
    pub fn model(self) -> ModelId {
        self.model
    }
}

/// A cosine after adaptive symmetric normalisation (AS-norm): standard deviations above the nearest cohort speakers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NormScore {
    value: f64,
    top_n: u32,
    model: ModelId,
}

impl NormScore {
    /// Takes a value that was normalised against the `top_n` nearest cohort speakers.
    ///
    /// # Errors
    /// [`ScoreError::NotFinite`] for a NaN or an infinity, [`ScoreError::TopN`] for a `top_n` below 2.
    pub fn new(value: f64, top_n: u32, model: ModelId) -> Result<Self, ScoreError> {
        if !value.is_finite() {
            return Err(ScoreError::NotFinite);
        }
        if top_n < 2 {
            return Err(ScoreError::TopN { top_n: top_n as usize, cohort: None });
        }
        Ok(Self { value, top_n, model })
    }

    /// The normalised value.
    pub fn value(self) -> f64 {
        self.value
    }

    /// How many cohort speakers each side was normalised against.
    pub fn top_n(self) -> u32 {
        self.top_n
    }

    /// The network whose embeddings were compared.
    pub fn model(self) -> ModelId {
        self.model
    }
}

/// Natural logarithm of the likelihood ratio "same person" over "different people"; 0 says nothing either way.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Llr(f64);

impl Llr {
    /// Takes a log-likelihood ratio.
    ///
    /// # Errors
    /// [`ScoreError::NotFinite`] for a NaN or an infinity.
    pub fn new(value: f64) -> Result<Self, ScoreError> {
        if value.is_finite() { Ok(Self(value)) } else { Err(ScoreError::NotFinite) }
    }

    /// The value, natural logarithm.
    pub fn value(self) -> f64 {
        self.0
    }
}

/// A score or a threshold at which a decision is taken: a whole number, 0 to 100.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Threshold(u8);

impl Threshold {
    /// Voice ID's default for authentication.
    pub const VOICE_ID: Self = Self(90);

    /// Takes a threshold.
    ///
    /// # Errors
    /// [`ScoreError::Threshold`] above 100.
    pub fn new(value: u8) -> Result<Self, ScoreError> {
        if value <= 100 { Ok(Self(value)) } else { Err(ScoreError::Threshold { value }) }
    }

    /// The threshold.
    pub fn value(self) -> u8 {
        self.0
    }

    /// The false match rate that [`Score`]s at or above this threshold stand for: `10^((30 - t) / 20)` from 50 on.
    pub fn fmr(self) -> f64 {
        rate(f64::from(self.0), 30.0)
    }

    /// The false positive identification rate that [`FraudScore`]s at or above this threshold stand for:
    /// `10^((10 - t) / 20)` from 30 on.
    pub fn fpir(self) -> f64 {
        rate(f64::from(self.0), 10.0)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Score at which the stated rate is `rate`: 20 points a factor of ten, `origin` the score of rate 1 on that line. Above a
/// rate of 0.1 it runs straight down to 0 at rate 1.
fn score_of(rate: f64, origin: f64) -> f64 {
    let knee = origin + 20.0;
    if rate <= 0.1 { (origin - 20.0 * rate.log10()).min(100.0) } else { knee * (1.0 - rate.min(1.0)) / 0.9 }
}

/// The inverse of [`score_of`].
fn rate(score: f64, origin: f64) -> f64 {
    let knee = origin + 20.0;
    if score >= knee { 10f64.powf((origin - score) / 20.0) } else { 1.0 - 0.9 * score.max(0.0) / knee }
}

/// Defines a 0-100 score with its exact value.
macro_rules! score_type {
    ($(#[$doc:meta])* $name:ident, $rate:ident, $origin:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub struct $name {
            exact: f64,
            extrapolated: bool,
        }

        impl $name {
            #[doc = concat!("The score that stands for a ", $what, ", flagged when fewer trials than needed support it.")]
            ///
            /// # Errors
            /// [`ScoreError::Rate`] unless the rate lies in [0, 1].
            pub fn new(rate: f64, extrapolated: bool) -> Result<Self, ScoreError> {
                if (0.0..=1.0).contains(&rate) {
                    Ok(Self { exact: score_of(rate, $origin).clamp(0.0, 100.0), extrapolated })
                } else {
                    Err(ScoreError::Rate { rate })
                }
            }

            /// The score as a whole number, 0 to 100, rounded down: `value() >= t` holds exactly when `exact() >= t`.
            pub fn value(self) -> u8 {
                // In range by construction, so the cast is exact.
                self.exact as u8
            }

            /// The score before rounding, 0 to 100.
            pub fn exact(self) -> f64 {
                self.exact
            }

            #[doc = concat!("The ", $what, " that the score stands for.")]
            pub fn $rate(self) -> f64 {
                rate(self.exact, $origin)
            }

            /// Whether the statement goes beyond what the calibration's trials can support: a rarer error than they could
            /// show (rule of three), or less speech than they had.
            pub fn extrapolated(self) -> bool {
                self.extrapolated
            }

            /// Whether the score reaches the threshold; at the threshold it does.
            pub fn reaches(self, threshold: Threshold) -> bool {
                self.value() >= threshold.value()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.value().fmt(f)
            }
        }
    };
}

score_type! {
    /// How surely the caller is who they claim to be, 0 to 100.
    ///
    /// Accepting at threshold `t` lets a random impostor in with probability `10^((30 - t) / 20)` for `t` from 50 to 100:
    /// 10 % at 50, 1 % at 70, 0.1 % at 90. Below 50 it falls in a straight line to 0 at certainty.
    ///
    /// ```
    /// use engine::score::{Score, Threshold};
    ///
    /// let score = Score::new(0.001, false)?;
    /// assert_eq!(score.value(), 90);
    /// assert!(score.reaches(Threshold::new(90)?) && !score.reaches(Threshold::new(91)?));
    /// # Ok::<(), engine::score::ScoreError>(())
    /// ```
    Score, fmr, 30.0, "false match rate"
}

score_type! {
    /// How surely the voice is on a watch list, 0 to 100.
    ///
    /// Flagging at threshold `t` flags a caller who is not on the list, over the whole list, with probability
    /// `10^((10 - t) / 20)` for `t` from 30 to 100: 10 % at 30, 1 % at 50, 0.1 % at 70. Below 30 it falls in a straight
    /// line to 0 at certainty.
    FraudScore, fpir, 10.0, "false positive identification rate over the whole list"
}

/// What a calibration was fitted on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScoreKind {
    /// Plain cosines.
    Cosine,
    /// Cosines after AS-norm.
    AsNorm {
        /// How many cohort speakers each side is normalised against.
        top_n: u32,
    },
}

impl fmt::Display for ScoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cosine => f.write_str("cosine"),
            Self::AsNorm { top_n } => write!(f, "as_norm with top_n {top_n}"),
        }
    }
}

/// Why a comparison has no score.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum ScoreError {
    /// The value is no cosine.
    NotACosine {
        /// The value.
        value: f64,
    },
    /// A NaN or an infinity.
    NotFinite,
    /// The rate does not lie in [0, 1].
    Rate {
        /// The rate.
        rate: f64,
    },
    /// A threshold above 100.
    Threshold {
        /// The threshold.
        value: u8,
    },
    /// Net speech that is not a positive number of seconds.
    NetSpeech {
        /// The seconds.
        net_speech_s: f64,
    },
    /// The comparison comes from another network than the calibration.
    OtherModel {
        /// The calibration's network.
        expected: ModelId,
        /// The comparison's network.
        found: ModelId,
    },
    /// The calibration was fitted on another kind of number.
    WrongKind {
        /// What the calibration was fitted on.
        expected: ScoreKind,
        /// What it was given.
        found: ScoreKind,
    },
    /// A cohort that is not a whole number of finite, unit-norm embeddings.
    Cohort,
    /// `top_n` is below 2 or exceeds the cohort.
    TopN {
        /// The `top_n`.
        top_n: usize,
        /// The number of speakers in the cohort, where known.
        cohort: Option<usize>,
    },
    /// The two sides were measured against different numbers of cohort speakers.
    TopNDiffers {
        /// The enrolment's `top_n`.
        enrol: u32,
        /// The probe's `top_n`.
        probe: u32,
    },
    /// The nearest cohort speakers are all equally near, so there is no scale to normalise with.
    FlatCohort,
}

impl fmt::Display for ScoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACosine { value } => write!(f, "{value} is not a cosine (-1 to 1)"),
            Self::NotFinite => f.write_str("not a finite number"),
            Self::Rate { rate } => write!(f, "{rate} is not a rate (0 to 1)"),
            Self::Threshold { value } => write!(f, "threshold {value} is above 100"),
            Self::NetSpeech { net_speech_s } => write!(f, "{net_speech_s} s is not an amount of net speech"),
            Self::OtherModel { expected, found } => {
                write!(f, "the calibration belongs to model {expected}, the comparison to model {found}")
            }
            Self::WrongKind { expected, found } => {
                write!(f, "the calibration was fitted on {expected}, not on {found}")
            }
            Self::Cohort => f.write_str("the cohort is not a whole number of finite unit-norm embeddings"),
            Self::TopN { top_n, cohort: Some(cohort) } => {
                write!(f, "top_n {top_n} does not fit a cohort of {cohort} (2 to {cohort})")
            }
            Self::TopN { top_n, cohort: None } => write!(f, "top_n {top_n} is below 2"),
            Self::TopNDiffers { enrol, probe } => {
                write!(f, "enrolment with top_n {enrol}, probe with top_n {probe}")
            }
            Self::FlatCohort => f.write_str("the nearest cohort speakers do not differ, so there is no scale"),
        }
    }
}

impl std::error::Error for ScoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_state_the_design_rates() {
        let cases = [(0.1, 50.0), (0.01, 70.0), (0.001, 90.0), (10f64.powf(-3.25), 95.0), (10f64.powf(-3.5), 100.0)];
        for (fmr, want) in cases {
            let s = Score::new(fmr, false).unwrap();
            assert!((s.exact() - want).abs() < 1e-9 && (s.fmr() / fmr - 1.0).abs() < 1e-9, "{fmr}: {s:?}");
        }
        for (fpir, want) in [(0.1, 30.0), (0.01, 50.0), (0.001, 70.0), (10f64.powf(-4.5), 100.0)] {
            let s = FraudScore::new(fpir, false).unwrap();
            assert!((s.exact() - want).abs() < 1e-9 && (s.fpir() / fpir - 1.0).abs() < 1e-9, "{fpir}: {s:?}");
        }
        assert!((Threshold::new(95).unwrap().fmr() - 0.000_562_341).abs() < 1e-9);
        assert_eq!(Score::new(0.0, false).unwrap().value(), 100);
        assert_eq!(Score::new(1.0, false).unwrap().value(), 0);
        assert_eq!(FraudScore::new(1.0, false).unwrap().value(), 0);
    }

    #[test]
    fn scores_are_continuous_and_never_rise_with_the_rate() {
        for origin in [30.0, 10.0] {
            assert!((score_of(0.1, origin) - score_of(0.1 + 1e-12, origin)).abs() < 1e-9);
            let mut last = f64::INFINITY;
            for i in 0..=100_000 {
                let s = score_of(f64::from(i) / 100_000.0, origin);
                assert!(s <= last && (0.0..=100.0).contains(&s));
                last = s;
            }
        }
    }

    #[test]
    fn whole_numbers_decide_as_the_exact_score_does() {
        for i in 0..=20_000 {
            let rate = 10f64.powf(-f64::from(i) / 5_000.0);
            let s = Score::new(rate, false).unwrap();
            for t in 0..=100 {
                assert_eq!(s.value() >= t, s.exact() >= f64::from(t), "rate {rate} threshold {t}");
            }
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let model = ModelId([0; 16]);
        for bad in [f64::NAN, f64::INFINITY, 1.01, -1.01] {
            assert!(Cosine::new(bad, model).is_err(), "{bad}");
        }
        assert_eq!(Cosine::new(1.000_01, model).unwrap().value(), 1.0);
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Llr::new(bad).is_err() && NormScore::new(bad, 10, model).is_err(), "{bad}");
        }
        for bad in [f64::NAN, -0.1, 1.1] {
            assert!(Score::new(bad, false).is_err() && FraudScore::new(bad, false).is_err(), "{bad}");
        }
        assert!(Threshold::new(101).is_err());
        assert!(NormScore::new(1.0, 1, model).is_err());
    }
}
