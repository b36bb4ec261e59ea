//! The fitted map from a comparison to error rates: what makes a score a statement.
//!
//! [`super::fit`] fits it on people whom the network never heard; `models` reads and writes it as JSON.

use std::fmt;
use std::num::NonZeroU64;

use super::normal;
use super::side::{Conditions, SideTerms};
use super::types::{Cosine, FraudScore, Llr, NormScore, Score, ScoreError, ScoreKind, Threshold};
use crate::embed::ModelId;

/// A comparison, plain or normalised.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Similarity {
    /// A plain cosine.
    Cosine(Cosine),
    /// A cosine after AS-norm.
    AsNorm(NormScore),
}

impl Similarity {
    fn value(self) -> f64 {
        match self {
            Self::Cosine(c) => c.value(),
            Self::AsNorm(n) => n.value(),
        }
    }

    fn model(self) -> ModelId {
        match self {
            Self::Cosine(c) => c.model(),
            Self::AsNorm(n) => n.model(),
        }
    }

    fn kind(self) -> ScoreKind {
        match self {
            Self::Cosine(_) => ScoreKind::Cosine,
            Self::AsNorm(n) => ScoreKind::AsNorm { top_n: n.top_n() },
        }
    }
}

impl From<Cosine> for Similarity {
    fn from(c: Cosine) -> Self {
        Self::Cosine(c)
    }
}

impl From<NormScore> for Similarity {
    fn from(n: NormScore) -> Self {
        Self::AsNorm(n)
    }
}

/// `llr = slope * similarity + offset(both sides)`, natural logarithm.
///
/// *Source*: logistic regression with side information (Ferrer et al. 2019).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LlrParameters {
    /// Growth per unit of similarity; above 0.
    pub slope: f64,
    /// What is added.
    pub offset: SideTerms,
}

/// How likely a random impostor reaches a similarity: with `z = (similarity - mean) / sigma`,
/// `FMR = Q(sinh(tail_weight * asinh(z)))`, where `Q` is the normal survival function.
///
/// With a tail weight of 1 impostors are normal; below 1 their tail is heavier, above 1 lighter. The map is smooth,
/// strictly falling on the whole line and has a closed inverse. *Source*: sinh-arcsinh distribution without skew (Jones
/// & Pewsey 2009).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SurvivalParameters {
    /// Centre of the impostors' similarities.
    pub mean: SideTerms,
    /// Natural logarithm of their spread.
    pub log_sigma: SideTerms,
    /// Shape of their tail, [`SurvivalParameters::MIN_TAIL_WEIGHT`] to [`SurvivalParameters::MAX_TAIL_WEIGHT`].
    pub tail_weight: f64,
}

/// As [`SideTerms::blend`], for what is above 0.
fn blend(to: f64, from: f64, share: f64) -> f64 {
    (share * to.ln() + (1.0 - share) * from.ln()).exp()
}

impl LlrParameters {
    pub(super) fn blend(self, from: Self, share: f64) -> Self {
        Self { slope: blend(self.slope, from.slope, share), offset: self.offset.blend(from.offset, share) }
    }
}

impl SurvivalParameters {
    pub(super) fn blend(self, from: Self, share: f64) -> Self {
        let weight = blend(self.tail_weight, from.tail_weight, share);
        Self {
            mean: self.mean.blend(from.mean, share),
            log_sigma: self.log_sigma.blend(from.log_sigma, share),
            tail_weight: weight.clamp(Self::MIN_TAIL_WEIGHT, Self::MAX_TAIL_WEIGHT),
        }
    }

    /// Smallest tail weight.
    pub const MIN_TAIL_WEIGHT: f64 = 0.3;
    /// Largest tail weight.
    pub const MAX_TAIL_WEIGHT: f64 = 3.0;
    /// Largest magnitude of the logarithm of sigma.
    pub const MAX_LOG_SIGMA: f64 = 12.0;

    /// The false match rate at a similarity.
    fn fmr(&self, value: f64, c: Conditions) -> f64 {
        let z = (value - self.mean.at(c)) / self.log_sigma.at(c).exp();
        normal::survival((self.tail_weight * z.asinh()).sinh())
    }

    /// The similarity at which the false match rate is `fmr`.
    fn value_at(&self, fmr: f64, c: Conditions) -> f64 {
        let z = (normal::survival_inverse(fmr).asinh() / self.tail_weight).sinh();
        self.mean.at(c) + self.log_sigma.at(c).exp() * z
    }
}

/// What the calibration's trials can speak for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Domain {
    /// Least net speech of a probe among the trials, in seconds. With less, scores are those of this much, flagged as extrapolated.
    pub least_probe_s: f64,
    /// Least net speech of an enrolment among the trials, in seconds; likewise.
    pub least_enrol_s: f64,
    /// Smallest false match rate that the trials support: 3 over the number of different pairs of people (rule of three).
    pub smallest_fmr: f64,
    /// Number of target trials.
    pub targets: u64,
    /// Number of nontarget trials.
    pub nontargets: u64,
    /// Number of people.
    pub speakers: u64,
}

/// Measured error rates at one threshold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TableRow {
    /// Accept at or above this score.
    pub threshold: Threshold,
    /// Nontarget trials at or above the threshold.
    pub false_matches: u64,
    /// Their share.
    pub fmr: f64,
    /// 95 % interval of the share, from resampled speakers.
    pub fmr_interval: [f64; 2],
    /// Target trials below the threshold.
    pub false_nonmatches: u64,
    /// Their share.
    pub fnmr: f64,
    /// 95 % interval of the share, from resampled speakers.
    pub fnmr_interval: [f64; 2],
    /// The threshold stands for a rarer error than the trials can show.
    pub extrapolated: bool,
}

/// Everything that makes a [`Calibration`], unchecked.
#[derive(Clone, PartialEq, Debug)]
pub struct CalibrationParts {
    /// Name of this fit; 1 to [`CalibrationParts::MAX_ID_BYTES`] printable ASCII characters without spaces.
    pub id: String,
    /// The network that it belongs to.
    pub model: ModelId,
    /// What it was fitted on.
    pub kind: ScoreKind,
    /// Similarity to log-likelihood ratio.
    pub llr: LlrParameters,
    /// Similarity to false match rate.
    pub survival: SurvivalParameters,
    /// What it can speak for.
    pub domain: Domain,
    /// Measured rates, thresholds rising.
    pub table: Vec<TableRow>,
}

impl CalibrationParts {
    /// Longest id.
    pub const MAX_ID_BYTES: usize = 128;
    /// Most rows of the table, one a threshold.
    pub const MAX_ROWS: usize = 101;

    fn check(&self) -> Result<(), CalibrationError> {
        let id = &self.id;
        if id.is_empty() || id.len() > Self::MAX_ID_BYTES || !id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(CalibrationError::Id);
        }
        let within = |name: &'static str, value: f64, least: f64, most: f64| {
            let ok = (least..=most).contains(&value);
            if ok { Ok(()) } else { Err(CalibrationError::Parameter { name, value, least, most }) }
        };
        if let ScoreKind::AsNorm { top_n } = self.kind {
            within("top_n", f64::from(top_n), 2.0, 1e6)?;
        }
        within("llr slope", self.llr.slope, 1e-6, 1e6)?;
        let s = &self.survival;
        within("tail weight", s.tail_weight, SurvivalParameters::MIN_TAIL_WEIGHT, SurvivalParameters::MAX_TAIL_WEIGHT)?;
        let d = &self.domain;
        within("least probe speech", d.least_probe_s, 0.1, 600.0)?;
        within("least enrolment speech", d.least_enrol_s, 0.1, 3_600.0)?;
        within("smallest fmr", d.smallest_fmr, 1e-12, 1.0)?;
        for (name, terms) in [("llr offset", &self.llr.offset), ("mean", &s.mean), ("log sigma", &s.log_sigma)] {
            for value in terms.to_array() {
                within(name, value, -1e6, 1e6)?;
            }
        }
        // The terms are monotone in each reciprocal, so the extremes lie at the corners of the domain.
        for corner in Conditions::corners(d.least_probe_s, d.least_enrol_s) {
            let at = s.log_sigma.at(corner);
            within("log sigma", at, -SurvivalParameters::MAX_LOG_SIGMA, SurvivalParameters::MAX_LOG_SIGMA)?;
        }
        self.check_table()
    }

    fn check_table(&self) -> Result<(), CalibrationError> {
        if self.table.len() > Self::MAX_ROWS || !self.table.is_sorted_by(|a, b| a.threshold < b.threshold) {
            return Err(CalibrationError::TableOrder);
        }
        for row in &self.table {
            let rate = |r: f64| (0.0..=1.0).contains(&r);
            let interval = |i: [f64; 2]| i.into_iter().all(rate) && i[0] <= i[1];
            // The measured share is the quotient of two counts that the file also holds.
            let agrees = |share: f64, count: u64, of: u64| {
                count <= of && (of == 0 || (share - count as f64 / of as f64).abs() <= 1e-6)
            };
            let good = rate(row.fmr)
                && rate(row.fnmr)
                && interval(row.fmr_interval)
                && interval(row.fnmr_interval)
                && agrees(row.fmr, row.false_matches, self.domain.nontargets)
                && agrees(row.fnmr, row.false_nonmatches, self.domain.targets)
                && row.extrapolated == (row.threshold.fmr() < self.domain.smallest_fmr);
            if !good {
                return Err(CalibrationError::TableRow { threshold: row.threshold });
            }
        }
        Ok(())
    }
}

/// What the similarities of one network mean.
#[derive(Clone, PartialEq, Debug)]
pub struct Calibration {
    parts: CalibrationParts,
}

impl Calibration {
    /// Checks and takes a fit.
    ///
    /// # Errors
    /// A number out of range, or a table that contradicts itself.
    pub fn new(parts: CalibrationParts) -> Result<Self, CalibrationError> {
        parts.check()?;
        Ok(Self { parts })
    }

    /// Everything that it is made of.
    pub fn parts(&self) -> &CalibrationParts {
        &self.parts
    }

    /// Name of the fit.
    pub fn id(&self) -> &str {
        &self.parts.id
    }

    /// The network that it belongs to.
    pub fn model_id(&self) -> ModelId {
        self.parts.model
    }

    /// What it was fitted on.
    pub fn kind(&self) -> ScoreKind {
        self.parts.kind
    }

    /// Measured rates, thresholds rising.
    pub fn table(&self) -> &[TableRow] {
        &self.parts.table
    }

    /// Log-likelihood ratio of a comparison.
    ///
    /// # Errors
    /// [`ScoreError::OtherModel`], or [`ScoreError::WrongKind`] for a plain cosine where the fit wants AS-norm, and the
    /// other way round.
    pub fn llr(&self, similarity: impl Into<Similarity>, conditions: Conditions) -> Result<Llr, ScoreError> {
        let value = self.value_of(similarity.into())?;
        let llr = &self.parts.llr;
        Llr::new(llr.slope * value + llr.offset.at(self.clamped(conditions)))
    }

    /// Probability that a random impostor is at least this similar, given what both sides have to go by.
    ///
    /// # Errors
    /// As [`Calibration::llr`].
    pub fn fmr(&self, similarity: impl Into<Similarity>, conditions: Conditions) -> Result<f64, ScoreError> {
        let value = self.value_of(similarity.into())?;
        Ok(self.parts.survival.fmr(value, self.clamped(conditions)))
    }

    /// The similarity, cosine or AS-norm as [`Calibration::kind`] says, at which the false match rate is `fmr`.
    ///
    /// # Errors
    /// [`ScoreError::Rate`] unless `fmr` lies strictly between 0 and 1.
    pub fn value_at_fmr(&self, fmr: f64, conditions: Conditions) -> Result<f64, ScoreError> {
        if fmr > 0.0 && fmr < 1.0 {
            Ok(self.parts.survival.value_at(fmr, self.clamped(conditions)))
        } else {
            Err(ScoreError::Rate { rate: fmr })
        }
    }

    /// Authentication score of a comparison.
    ///
    /// # Errors
    /// As [`Calibration::llr`].
    pub fn score(&self, similarity: impl Into<Similarity>, conditions: Conditions) -> Result<Score, ScoreError> {
        let fmr = self.fmr(similarity, conditions)?;
        Score::new(fmr, self.extrapolates(fmr, conditions))
    }

    /// Fraud score of the closest of `list_len` watch-list entries: the one whose [`Calibration::fmr`] is smallest.
    ///
    /// `FPIR = 1 - (1 - FMR)^N` takes the comparisons as independent; where list entries resemble each other the true rate
    /// is lower.
    ///
    /// # Errors
    /// As [`Calibration::llr`].
    pub fn fraud_score(
        &self,
        closest: impl Into<Similarity>,
        conditions: Conditions,
        list_len: NonZeroU64,
    ) -> Result<FraudScore, ScoreError> {
        let fmr = self.fmr(closest, conditions)?;
        let fpir = -(list_len.get() as f64 * (-fmr).ln_1p()).exp_m1();
        FraudScore::new(fpir.clamp(0.0, 1.0), self.extrapolates(fmr, conditions))
    }

    fn value_of(&self, similarity: Similarity) -> Result<f64, ScoreError> {
        let (model, kind) = (similarity.model(), similarity.kind());
        if model != self.parts.model {
            return Err(ScoreError::OtherModel { expected: self.parts.model, found: model });
        }
        if kind != self.parts.kind {
            return Err(ScoreError::WrongKind { expected: self.parts.kind, found: kind });
        }
        Ok(similarity.value())
    }

    fn clamped(&self, c: Conditions) -> Conditions {
        let d = &self.parts.domain;
        c.at_least(d.least_probe_s, d.least_enrol_s)
    }

    fn extrapolates(&self, fmr: f64, c: Conditions) -> bool {
        fmr < self.parts.domain.smallest_fmr || self.clamped(c) != c
    }
}

/// Why a fit cannot be used.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The id is empty, too long, or has characters other than printable ASCII.
    Id,
    /// A parameter is out of range.
    Parameter {
        /// Which.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Least allowed.
        least: f64,
        /// Most allowed.
        most: f64,
    },
    /// The table has too many rows, or its thresholds do not rise.
    TableOrder,
    /// A row contradicts itself, the trial counts or the smallest false match rate.
    TableRow {
        /// Its threshold.
        threshold: Threshold,
    },
}

impl fmt::Display for CalibrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => write!(f, "id is not 1 to {} printable ASCII characters", CalibrationParts::MAX_ID_BYTES),
            Self::Parameter { name, value, least, most } => {
                write!(f, "{name} is {value}, not within {least} to {most}")
            }
            Self::TableOrder => f.write_str("table thresholds do not rise"),
            Self::TableRow { threshold } => write!(f, "table row of threshold {threshold} contradicts itself"),
        }
    }
}

impl std::error::Error for CalibrationError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::side::Side;
    use super::*;
    use crate::quality::Band;

    const MODEL: ModelId = ModelId([7; 16]);

    fn parts() -> CalibrationParts {
        CalibrationParts {
            id: "test".into(),
            model: MODEL,
            kind: ScoreKind::Cosine,
            llr: LlrParameters {
                slope: 20.0,
                offset: SideTerms { base: -8.0, per_probe: 3.0, per_enrol: 2.0, narrow: 0.5, mixed: 1.0 },
            },
            survival: SurvivalParameters {
                mean: SideTerms { base: 0.05, per_probe: -0.05, per_enrol: 0.02, narrow: 0.01, mixed: -0.02 },
                log_sigma: SideTerms { base: -2.2, per_probe: 0.1, per_enrol: 0.2, narrow: 0.05, mixed: 0.1 },
                tail_weight: 0.9,
            },
            domain: Domain {
                least_probe_s: 2.0,
                least_enrol_s: 5.0,
                smallest_fmr: 2e-3,
                targets: 100,
                nontargets: 1000,
                speakers: 50,
            },
            table: vec![TableRow {
                threshold: Threshold::new(50).unwrap(),
                false_matches: 98,
                fmr: 0.098,
                fmr_interval: [0.08, 0.12],
                false_nonmatches: 5,
                fnmr: 0.05,
                fnmr_interval: [0.01, 0.1],
                extrapolated: false,
            }],
        }
    }

    fn cosine(v: f64) -> Cosine {
        Cosine::new(v, MODEL).unwrap()
    }

    fn conditions(probe_s: f64, enrol_s: f64) -> Conditions {
        let wide = |net_speech_s| Side::new(net_speech_s, Band::Wide).unwrap();
        Conditions { probe: wide(probe_s), enrol: wide(enrol_s) }
    }

    /// (cosine, probe and enrolment speech, FMR, log-likelihood ratio, score), from scipy.
    const GOLDEN: [(f64, f64, f64, f64, f64, f64); 8] = [
        (-0.5, 10.0, 30.0, 0.9999364085018914, -17.633333333333333, 0.003532861006035522),
        (0.0, 10.0, 30.0, 0.6417035532175954, -7.633333333333334, 19.905358154578032),
        (0.1, 3.0, 12.0, 0.3093126336584554, -4.833333333333333, 38.37152035230803),
        (0.25, 5.0, 20.0, 0.05915184959449883, -2.3, 54.56063342101656),
        (0.3, 30.0, 30.0, 0.029500246394871338, -1.8333333333333333, 60.60348713298853),
        (0.4, 2.0, 5.0, 0.005916710530781317, 1.9, 74.55839355263635),
        (0.6, 10.0, 30.0, 5.069455551789131e-05, 4.366666666666667, 100.0),
        (0.9, 60.0, 60.0, 3.4254001695071425e-09, 10.083333333333333, 100.0),
    ];

    #[test]
    fn rates_ratios_and_scores_are_those_of_the_fit() {
        let c = Calibration::new(parts()).unwrap();
        let mut wrong = Vec::new();
        for (value, probe, enrol, fmr, llr, score) in GOLDEN {
            let at = conditions(probe, enrol);
            let got = (
                c.fmr(cosine(value), at).unwrap(),
                c.llr(cosine(value), at).unwrap().value(),
                c.score(cosine(value), at).unwrap().exact(),
            );
            if (got.0 / fmr - 1.0).abs() > 1e-10 || (got.1 - llr).abs() > 1e-12 || (got.2 - score).abs() > 1e-8 {
                wrong.push((value, got, (fmr, llr, score)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn each_pair_of_bands_is_scored_by_its_own_terms() {
        let c = Calibration::new(parts()).unwrap();
        let at = |probe, enrol| {
            let side = |band| Side::new(10.0, band).unwrap();
            let conditions = Conditions { probe: side(probe), enrol: side(enrol) };
            (c.llr(cosine(0.3), conditions).unwrap().value(), c.fmr(cosine(0.3), conditions).unwrap())
        };
        let wide = at(Band::Wide, Band::Wide);
        let (narrow, mixed) = (at(Band::Narrow, Band::Narrow), at(Band::Narrow, Band::Wide));
        assert!((narrow.0 - wide.0 - 0.5).abs() < 1e-12 && (mixed.0 - wide.0 - 1.0).abs() < 1e-12);
        assert_eq!(mixed, at(Band::Wide, Band::Narrow));
        // The same as a calibration whose first terms are those of the pair.
        let mut own = parts();
        own.llr.offset = SideTerms { base: -7.0, narrow: 0.0, mixed: 0.0, ..own.llr.offset };
        own.survival.mean = SideTerms { base: 0.03, narrow: 0.0, mixed: 0.0, ..own.survival.mean };
        own.survival.log_sigma = SideTerms { base: -2.1, narrow: 0.0, mixed: 0.0, ..own.survival.log_sigma };
        let own = Calibration::new(own).unwrap().fmr(cosine(0.3), conditions(10.0, 10.0)).unwrap();
        assert!((mixed.1 / own - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_normal_tail_gives_the_normal_survival() {
        let mut p = parts();
        p.survival = SurvivalParameters {
            mean: SideTerms { base: 0.1, ..SideTerms::default() },
            log_sigma: SideTerms { base: 0.1f64.ln(), ..SideTerms::default() },
            tail_weight: 1.0,
        };
        let c = Calibration::new(p).unwrap();
        // One, two and 3.0902 deviations above the mean.
        for (value, fmr) in [(0.2, 0.158_655_253_931), (0.3, 0.022_750_131_948), (0.409_023_230_6, 1e-3)] {
            let got = c.fmr(cosine(value), conditions(10.0, 30.0)).unwrap();
            assert!((got / fmr - 1.0).abs() < 1e-7, "{value} {got}");
        }
        let score = c.score(cosine(0.409_023_231), conditions(10.0, 30.0)).unwrap();
        assert_eq!((score.value(), score.extrapolated()), (90, true));
        assert!(!c.score(cosine(0.3), conditions(10.0, 30.0)).unwrap().extrapolated());
        // The same comparison among 10: FPIR = 1 - (1 - 0.001)^10.
        let fraud =
            c.fraud_score(cosine(0.409_023_230_6), conditions(10.0, 30.0), NonZeroU64::new(10).unwrap()).unwrap();
        assert!((fraud.fpir() - (1.0 - 0.999f64.powi(10))).abs() < 1e-8);
    }

    #[test]
    fn little_speech_is_flagged_and_scored_as_the_least() {
        let c = Calibration::new(parts()).unwrap();
        let least = c.score(cosine(0.2), conditions(2.0, 5.0)).unwrap();
        assert!(!least.extrapolated());
        for (probe, enrol) in [(1.0, 5.0), (2.0, 1.0), (1e-6, 1e-6)] {
            let s = c.score(cosine(0.2), conditions(probe, enrol)).unwrap();
            assert!(s.extrapolated() && s.exact() == least.exact(), "{probe} {enrol}");
        }
    }

    #[test]
    fn other_models_and_kinds_are_errors() {
        let c = Calibration::new(parts()).unwrap();
        let other = Cosine::new(0.5, ModelId([8; 16])).unwrap();
        assert!(matches!(c.score(other, conditions(5.0, 5.0)), Err(ScoreError::OtherModel { .. })));
        assert!(matches!(c.llr(other, conditions(5.0, 5.0)), Err(ScoreError::OtherModel { .. })));
        let norm = NormScore::new(3.0, 100, MODEL).unwrap();
        assert!(matches!(c.score(norm, conditions(5.0, 5.0)), Err(ScoreError::WrongKind { .. })));
        let c = Calibration::new(CalibrationParts { kind: ScoreKind::AsNorm { top_n: 100 }, ..parts() }).unwrap();
        assert!(c.score(norm, conditions(5.0, 5.0)).is_ok());
        assert!(matches!(c.score(cosine(0.3), conditions(5.0, 5.0)), Err(ScoreError::WrongKind { .. })));
        let norm = NormScore::new(3.0, 99, MODEL).unwrap();
        assert!(matches!(c.score(norm, conditions(5.0, 5.0)), Err(ScoreError::WrongKind { .. })));
    }

    #[test]
    fn bad_parts_are_refused() {
        type Edit = fn(&mut CalibrationParts);
        let edits: &[(&str, Edit)] = &[
            ("empty id", |p| p.id.clear()),
            ("long id", |p| p.id = "x".repeat(129)),
            ("control character", |p| p.id = "a\nb".into()),
            ("slope 0", |p| p.llr.slope = 0.0),
            ("slope NaN", |p| p.llr.slope = f64::NAN),
            ("offset infinite", |p| p.llr.offset.base = f64::INFINITY),
            ("tail weight", |p| p.survival.tail_weight = 0.0),
            ("sigma vanishes with little speech", |p| p.survival.log_sigma.per_probe = -100.0),
            ("sigma explodes in a telephone's band", |p| p.survival.log_sigma.narrow = 100.0),
            ("sigma explodes between bands", |p| p.survival.log_sigma.mixed = 100.0),
            ("narrow NaN", |p| p.llr.offset.narrow = f64::NAN),
            ("mean NaN", |p| p.survival.mean.per_enrol = f64::NAN),
            ("least probe", |p| p.domain.least_probe_s = 0.0),
            ("smallest fmr", |p| p.domain.smallest_fmr = 0.0),
            ("top_n", |p| p.kind = ScoreKind::AsNorm { top_n: 1 }),
            ("fmr above 1", |p| p.table[0].fmr = 1.5),
            ("fmr is not its count", |p| p.table[0].false_matches = 97),
            ("more errors than trials", |p| p.table[0].false_nonmatches = 101),
            ("interval reversed", |p| p.table[0].fmr_interval = [0.2, 0.1]),
            ("wrong flag", |p| p.table[0].extrapolated = true),
            ("thresholds repeat", |p| p.table.push(p.table[0])),
        ];
        let missed: Vec<_> = edits
            .iter()
            .filter(|(_, edit)| {
                let mut p = parts();
                edit(&mut p);
                Calibration::new(p).is_ok()
            })
            .map(|(name, _)| name)
            .collect();
        assert!(missed.is_empty(), "accepted: {missed:?}");
    }

    proptest! {
        #[test]
        fn scores_rise_with_the_cosine(
            a in -1.0..1.0f64, b in -1.0..1.0f64, probe in 0.1..100.0f64, enrol in 0.1..100.0f64, weight in 0.3..3.0f64, n in 1u64..100_000,
        ) {
            let mut p = parts();
            p.survival.tail_weight = weight;
            let c = Calibration::new(p).unwrap();
            let (low, high, at) = (cosine(a.min(b)), cosine(a.max(b)), conditions(probe, enrol));
            prop_assert!(c.score(low, at).unwrap().exact() <= c.score(high, at).unwrap().exact());
            prop_assert!(c.llr(low, at).unwrap() <= c.llr(high, at).unwrap());
            let n = NonZeroU64::new(n).unwrap();
            prop_assert!(c.fraud_score(low, at, n).unwrap().exact() <= c.fraud_score(high, at, n).unwrap().exact());
        }

        #[test]
        fn the_similarity_at_a_rate_has_that_rate(log_fmr in -9.0..-0.05f64, probe in 2.0..60.0f64, weight in 0.5..2.0f64) {
            let mut p = parts();
            p.survival.tail_weight = weight;
            p.kind = ScoreKind::AsNorm { top_n: 10 };
            let c = Calibration::new(p).unwrap();
            let (fmr, at) = (10f64.powf(log_fmr), conditions(probe, 30.0));
            let value = c.value_at_fmr(fmr, at).unwrap();
            let back = c.fmr(NormScore::new(value, 10, MODEL).unwrap(), at).unwrap();
            prop_assert!((back / fmr - 1.0).abs() < 1e-9, "{fmr} {back}");
        }
    }
}
