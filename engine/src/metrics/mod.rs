//! How good a set of scored trials is: error rates, costs, and how far to trust them.
//!
//! A *trial* compares an enrolment with a probe; *target* trials are of one person, *nontarget* trials of two. A
//! [`TrialSet`] holds scored trials and gives each [`Statistic`]; [`TrialSet::intervals`] resamples people to tell how
//! much it would vary with other people.
//!
//! Rates per comparison are FMR and FNMR. Trials without a score, because one side had too little speech, are either left
//! out or counted as rejections ([`Failures`]); in the second case the rates are those of transactions, FAR and FRR.

mod bootstrap;
mod cllr;
mod error;
mod roc;
mod set;
mod trials;

pub use bootstrap::{Bootstrap, Interval, SplitMix64, TrialSpeakers};
pub use error::MetricsError;
pub use roc::{DcfCost, OperatingPoint};
pub use set::{Failures, Statistic, TrialSet};
pub use trials::{Trial, TrialList, TrialsError, TrialsErrorKind};

#[cfg(test)]
mod tests;
