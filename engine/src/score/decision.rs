//! From a score to what the caller of the engine acts on, in Voice ID's spellings.

use std::fmt;

use super::types::{FraudScore, Score, Threshold};

/// Defines an enum whose `Display` is a wire spelling.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $spelling:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The wire spelling.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $spelling,)*
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use spelled;

spelled! {
    /// Outcome of authenticating a caller; `Display` gives the API's spelling (`AuthenticationDecision`).
    Decision {
        /// The score reaches the threshold.
        Accept = "ACCEPT",
        /// The score is below the threshold.
        Reject = "REJECT",
        /// Less net speech than wanted: ask again while the call goes on.
        NotEnoughSpeech = "NOT_ENOUGH_SPEECH",
        /// The speaker has no voiceprint.
        SpeakerNotEnrolled = "SPEAKER_NOT_ENROLLED",
        /// The speaker opted out.
        SpeakerOptedOut = "SPEAKER_OPTED_OUT",
        /// No identity was claimed.
        SpeakerIdNotProvided = "SPEAKER_ID_NOT_PROVIDED",
        /// The voiceprint went unused for too long.
        SpeakerExpired = "SPEAKER_EXPIRED",
    }
}

spelled! {
    /// Branch of a call flow after an authentication; `Display` gives the flow's spelling.
    Branch {
        /// Accepted.
        Authenticated = "Authenticated",
        /// Rejected.
        NotAuthenticated = "NotAuthenticated",
        /// Not enough speech by the end of the audio.
        Inconclusive = "Inconclusive",
        /// No voiceprint.
        NotEnrolled = "NotEnrolled",
        /// Opted out.
        OptedOut = "OptedOut",
        /// Authentication was not asked for.
        NotEnabled = "NotEnabled",
        /// No decision can be had.
        Error = "Error",
    }
}

spelled! {
    /// Outcome of a watch-list search; `Display` gives the API's spelling (`FraudDetectionDecision`).
    FraudDecision {
        /// The score reaches the threshold.
        HighRisk = "HIGH_RISK",
        /// The score is below the threshold.
        LowRisk = "LOW_RISK",
        /// Less net speech than wanted.
        NotEnoughSpeech = "NOT_ENOUGH_SPEECH",
    }
}

spelled! {
    /// Branch of a call flow after a watch-list search; `Display` gives the flow's spelling.
    FraudBranch {
        /// High risk.
        HighRisk = "HighRisk",
        /// Low risk.
        LowRisk = "LowRisk",
        /// Not enough speech by the end of the audio.
        Inconclusive = "Inconclusive",
        /// Fraud detection was not asked for.
        NotEnabled = "NotEnabled",
        /// No decision can be had.
        Error = "Error",
    }
}

impl Decision {
    /// The branch of the call flow that this decision takes once the audio has ended.
    ///
    /// While it has not, [`Decision::NotEnoughSpeech`] means "keep asking" and takes no branch.
    pub fn branch(self) -> Branch {
        match self {
            Self::Accept => Branch::Authenticated,
            Self::Reject => Branch::NotAuthenticated,
            Self::NotEnoughSpeech => Branch::Inconclusive,
            Self::SpeakerNotEnrolled => Branch::NotEnrolled,
            Self::SpeakerOptedOut => Branch::OptedOut,
            Self::SpeakerIdNotProvided | Self::SpeakerExpired => Branch::Error,
        }
    }
}

impl FraudDecision {
    /// The branch of the call flow that this decision takes once the audio has ended.
    pub fn branch(self) -> FraudBranch {
        match self {
            Self::HighRisk => FraudBranch::HighRisk,
            Self::LowRisk => FraudBranch::LowRisk,
            Self::NotEnoughSpeech => FraudBranch::Inconclusive,
        }
    }
}

/// Who the caller claims to be, as the domain knows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// No identity was claimed.
    NotProvided,
    /// Unknown, or known without a voiceprint.
    NotEnrolled,
    /// Opted out.
    OptedOut,
    /// Has a voiceprint that went unused for too long.
    Expired,
    /// Has a voiceprint.
    Enrolled,
}

/// When a caller is accepted.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AuthPolicy {
    threshold: Threshold,
    min_speech_s: f64,
}

impl AuthPolicy {
    /// Least that [`AuthPolicy::new`] takes for the net speech, in seconds.
    pub const LEAST_MIN_SPEECH_S: f64 = 5.0;
    /// Most that [`AuthPolicy::new`] takes for the net speech, in seconds.
    pub const MOST_MIN_SPEECH_S: f64 = 10.0;

    /// Accept at `threshold` or above, 0 to 100, once there are `min_speech_s` seconds of net speech, 5 to 10.
    ///
    /// # Errors
    /// Either is out of range.
    pub fn new(threshold: u8, min_speech_s: f64) -> Result<Self, PolicyError> {
        if !(Self::LEAST_MIN_SPEECH_S..=Self::MOST_MIN_SPEECH_S).contains(&min_speech_s) {
            return Err(PolicyError::MinSpeech { min_speech_s });
        }
        let threshold = Threshold::new(threshold).map_err(|_| PolicyError::Threshold { threshold })?;
        Ok(Self { threshold, min_speech_s })
    }

    /// The threshold.
    pub fn threshold(self) -> Threshold {
        self.threshold
    }

    /// Net speech without which there is no decision, in seconds.
    pub fn min_speech_s(self) -> f64 {
        self.min_speech_s
    }
}

impl Default for AuthPolicy {
    /// Voice ID's defaults: 90 and 10 s.
    fn default() -> Self {
        Self { threshold: Threshold::VOICE_ID, min_speech_s: Self::MOST_MIN_SPEECH_S }
    }
}

/// Why a policy cannot be.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum PolicyError {
    /// Threshold above 100.
    Threshold {
        /// The threshold.
        threshold: u8,
    },
    /// Net speech outside 5 to 10 s.
    MinSpeech {
        /// The seconds.
        min_speech_s: f64,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold { threshold } => write!(f, "threshold {threshold} is above 100"),
            Self::MinSpeech { min_speech_s } => write!(
                f,
                "net speech of {min_speech_s} s is not within {} to {} s",
                AuthPolicy::LEAST_MIN_SPEECH_S,
                AuthPolicy::MOST_MIN_SPEECH_S
            ),
        }
    }
}

impl std::error::Error for PolicyError {}

/// Decides about a caller. The claim comes first, then the net speech, then the score; a score at the threshold accepts.
///
/// `score` is that of the claimed speaker's voiceprint, absent when there is none or the call has no speech.
///
/// ```
/// use engine::score::{AuthPolicy, Claim, Decision, Score, decide};
///
/// let policy = AuthPolicy::new(90, 5.0)?;
/// let score = Score::new(0.000_9, false)?; // 90.9
/// assert_eq!(decide(Claim::Enrolled, 6.2, Some(score), policy), Decision::Accept);
/// assert_eq!(decide(Claim::Enrolled, 4.9, Some(score), policy), Decision::NotEnoughSpeech);
/// assert_eq!(decide(Claim::OptedOut, 6.2, None, policy).to_string(), "SPEAKER_OPTED_OUT");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decide(claim: Claim, net_speech_s: f64, score: Option<Score>, policy: AuthPolicy) -> Decision {
    match claim {
        Claim::NotProvided => return Decision::SpeakerIdNotProvided,
        Claim::NotEnrolled => return Decision::SpeakerNotEnrolled,
        Claim::OptedOut => return Decision::SpeakerOptedOut,
        Claim::Expired => return Decision::SpeakerExpired,
        Claim::Enrolled => {}
    }
    match score {
        Some(score) if net_speech_s >= policy.min_speech_s => {
            if score.reaches(policy.threshold) {
                Decision::Accept
            } else {
                Decision::Reject
            }
        }
        _ => Decision::NotEnoughSpeech,
    }
}

/// Decides about a watch-list search; a score at the threshold is high risk.
///
/// `score` is that of the closest entry; it is absent when the list is empty, which is low risk once there is speech enough.
pub fn decide_fraud(
    net_speech_s: f64,
    min_speech_s: f64,
    score: Option<FraudScore>,
    threshold: Threshold,
) -> FraudDecision {
    if !(net_speech_s >= min_speech_s && net_speech_s > 0.0) {
        FraudDecision::NotEnoughSpeech
    } else if score.is_some_and(|s| s.reaches(threshold)) {
        FraudDecision::HighRisk
    } else {
        FraudDecision::LowRisk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A false match rate whose score is `score` and a bit, so that rounding cannot decide the test.
    fn scored(score: f64) -> Score {
        Score::new(10f64.powf((30.0 - score - 1e-9) / 20.0), false).unwrap()
    }

    #[test]
    fn a_score_at_the_threshold_is_accepted() {
        for threshold in 51..=99u8 {
            let policy = AuthPolicy::new(threshold, 5.0).unwrap();
            let t = f64::from(threshold);
            let cases = [
                (t - 1.0, Decision::Reject),
                (t - 1e-6, Decision::Reject),
                (t, Decision::Accept),
                (t + 1.0, Decision::Accept),
            ];
            for (score, want) in cases {
                assert_eq!(decide(Claim::Enrolled, 5.0, Some(scored(score)), policy), want, "{score} at {threshold}");
            }
        }
        let all = AuthPolicy::new(0, 5.0).unwrap();
        assert_eq!(decide(Claim::Enrolled, 5.0, Some(Score::new(1.0, false).unwrap()), all), Decision::Accept);
        let none = AuthPolicy::new(100, 5.0).unwrap();
        assert_eq!(decide(Claim::Enrolled, 5.0, Some(scored(99.9)), none), Decision::Reject);
        assert_eq!(decide(Claim::Enrolled, 5.0, Some(scored(100.0)), none), Decision::Accept);
    }

    #[test]
    fn the_claim_comes_before_the_speech_and_the_speech_before_the_score() {
        let policy = AuthPolicy::default();
        let high = Some(scored(99.0));
        let cases = [
            (Claim::NotProvided, 60.0, Decision::SpeakerIdNotProvided, Branch::Error),
            (Claim::NotEnrolled, 0.0, Decision::SpeakerNotEnrolled, Branch::NotEnrolled),
            (Claim::OptedOut, 60.0, Decision::SpeakerOptedOut, Branch::OptedOut),
            (Claim::Expired, 60.0, Decision::SpeakerExpired, Branch::Error),
            (Claim::Enrolled, 9.99, Decision::NotEnoughSpeech, Branch::Inconclusive),
            (Claim::Enrolled, f64::NAN, Decision::NotEnoughSpeech, Branch::Inconclusive),
            (Claim::Enrolled, 10.0, Decision::Accept, Branch::Authenticated),
        ];
        for (claim, speech, decision, branch) in cases {
            let got = decide(claim, speech, high, policy);
            assert_eq!((got, got.branch()), (decision, branch), "{claim:?} {speech}");
        }
        assert_eq!(decide(Claim::Enrolled, 60.0, None, policy), Decision::NotEnoughSpeech);
        assert_eq!(decide(Claim::Enrolled, 60.0, Some(scored(60.0)), policy).branch(), Branch::NotAuthenticated);
    }

    #[test]
    fn fraud_is_flagged_at_the_threshold() {
        let t = Threshold::new(50).unwrap();
        let at = |score: f64| Some(FraudScore::new(10f64.powf((10.0 - score - 1e-9) / 20.0), false).unwrap());
        assert_eq!(decide_fraud(5.0, 5.0, at(50.0), t), FraudDecision::HighRisk);
        assert_eq!(decide_fraud(5.0, 5.0, at(51.0), t), FraudDecision::HighRisk);
        assert_eq!(decide_fraud(5.0, 5.0, at(49.0), t), FraudDecision::LowRisk);
        assert_eq!(decide_fraud(5.0, 5.0, None, t), FraudDecision::LowRisk);
        assert_eq!(decide_fraud(4.9, 5.0, at(90.0), t), FraudDecision::NotEnoughSpeech);
        assert_eq!(decide_fraud(f64::NAN, 5.0, at(90.0), t).branch(), FraudBranch::Inconclusive);
    }

    #[test]
    fn e2_policies_out_of_range_are_refused_and_defaults_are_voice_ids() {
        let default = AuthPolicy::default();
        assert_eq!((default.threshold().value(), default.min_speech_s()), (90, 10.0));
        assert!(AuthPolicy::new(0, 5.0).is_ok() && AuthPolicy::new(100, 10.0).is_ok());
        assert!(AuthPolicy::new(101, 10.0).is_err());
        for bad in [4.99, 10.01, f64::NAN] {
            assert!(AuthPolicy::new(90, bad).is_err(), "{bad}");
        }
    }
}
