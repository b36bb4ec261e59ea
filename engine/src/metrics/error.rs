//! Why there is no statistic.

use std::fmt;

/// Why there is no number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MetricsError {
    /// No target trial has a score.
    NoTargets,
    /// No nontarget trial has a score.
    NoNontargets,
    /// More trials than can be counted in 32 bits.
    TooManyTrials,
    /// The statistic needs log-likelihood ratios, without rejections among them.
    NotLlr,
    /// A cost or prior that is not positive and finite, or a prior outside (0, 1).
    Cost,
    /// A threshold that is NaN.
    Threshold,
    /// There are not as many speaker pairs as trials.
    Speakers {
        /// Trials.
        trials: usize,
        /// Speaker pairs.
        pairs: usize,
    },
    /// Too few people to resample: hardly any resample has both kinds of trial.
    TooFewSpeakers {
        /// How many there are.
        speakers: usize,
    },
    /// No replicates are asked for, or more than a million.
    Replicates,
}

impl fmt::Display for MetricsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTargets => f.write_str("no target trial has a score"),
            Self::NoNontargets => f.write_str("no nontarget trial has a score"),
            Self::TooManyTrials => f.write_str("more than 4,294,967,295 trials"),
            Self::NotLlr => f.write_str("this statistic needs log-likelihood ratios"),
            Self::Cost => f.write_str("costs must be positive and the prior between 0 and 1"),
            Self::Threshold => f.write_str("threshold is not a number"),
            Self::Speakers { trials, pairs } => write!(f, "{pairs} speaker pairs for {trials} trials"),
            Self::TooFewSpeakers { speakers } => write!(f, "{speakers} speakers are too few for an interval"),
            Self::Replicates => f.write_str("number of replicates is not within 1 to 1,000,000"),
        }
    }
}

impl std::error::Error for MetricsError {}
