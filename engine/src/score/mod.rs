//! What the likeness of two voices means: from a cosine to a score whose value is a statement about error rates.
//!
//! cosine -> (optionally [`as_norm`]) -> [`Calibration`] -> [`Score`] 0-100, [`FraudScore`] 0-100, [`Llr`] -> [`decide`]
//!
//! Each stage has its own type, so that one kind of number cannot be taken for another. A [`Cosine`] names the network
//! that it comes from and a [`Calibration`] the network that it was fitted on; using them across networks is an error.

mod calibration;
mod decision;
mod fit;
mod minimise;
mod norm;
pub mod normal;
mod side;
mod types;

pub use calibration::{
    Calibration, CalibrationError, CalibrationParts, Domain, LlrParameters, Similarity, SurvivalParameters, TableRow,
};
pub(crate) use decision::spelled;
pub use decision::{
    AuthPolicy, Branch, Claim, Decision, FraudBranch, FraudDecision, PolicyError, decide, decide_fraud,
};
pub use fit::{FitError, FitTrial, KNOWN_PEOPLE, LEAST_NONTARGETS, LEAST_PEOPLE, LEAST_TARGETS, fit};
pub use norm::{Cohort, CohortStats, as_norm};
pub use side::{Conditions, Side, SideTerms};
pub use types::{Cosine, FraudScore, Llr, NormScore, Score, ScoreError, ScoreKind, Threshold};
