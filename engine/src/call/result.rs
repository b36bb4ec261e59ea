//! Answers.

use super::config::StreamingStatus;
use crate::score::{Branch, Decision, FraudBranch, FraudDecision, FraudScore, Score, Threshold, spelled};

spelled! {
    /// What a Check block asks; `Display` gives the flow's spelling (`CheckVoiceIdOption`).
    CheckOption {
        /// Whether the caller has a voiceprint.
        EnrollmentStatus = "enrollmentStatus",
        /// Whether the caller is who they claim to be.
        VoiceAuthentication = "voiceAuthentication",
        /// Whether the caller is on the watch list.
        FraudDetection = "fraudDetection",
    }
}

spelled! {
    /// Branch of a call flow after asking for the enrolment status; `Display` gives the flow's spelling.
    EnrollmentBranch {
        /// Has a voiceprint.
        Enrolled = "Enrolled",
        /// Has none.
        NotEnrolled = "NotEnrolled",
        /// Opted out.
        OptedOut = "OptedOut",
        /// No identity was claimed, or it has expired.
        Error = "Error",
    }
}

spelled! {
    /// Why a caller is of high risk; `Display` gives the API's spelling (`FraudDetectionReason`).
    Reason {
        /// The voice is on the watch list.
        KnownFraudster = "KNOWN_FRAUDSTER",
        /// The voice is played back or synthetic. There is no detector for it yet, so it never appears.
        VoiceSpoofing = "VOICE_SPOOFING",
    }
}

/// The answer to a Check block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Ask again: the call goes on and there is not enough speech yet.
    Wait,
    /// To [`CheckOption::EnrollmentStatus`].
    Enrollment(EnrollmentBranch),
    /// To [`CheckOption::VoiceAuthentication`].
    Authentication(Branch),
    /// To [`CheckOption::FraudDetection`].
    Fraud(FraudBranch),
}

impl Answer {
    /// The flow's spelling; `None` for [`Answer::Wait`].
    pub fn branch(self) -> Option<&'static str> {
        match self {
            Self::Wait => None,
            Self::Enrollment(b) => Some(b.as_str()),
            Self::Authentication(b) => Some(b.as_str()),
            Self::Fraud(b) => Some(b.as_str()),
        }
    }
}

/// From where to where a result has listened, in samples of the stream; `None` before any net speech.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Aggregation {
    /// The tick with the first net speech.
    pub started_at: Option<u64>,
    /// The tick with the last net speech.
    pub ended_at: Option<u64>,
}

/// Result of an authentication.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AuthenticationResult {
    /// Changes exactly when Voice ID's `AuthenticationResultId` would.
    pub number: u64,
    /// The decision.
    pub decision: Decision,
    /// The score, with [`Decision::Accept`] and [`Decision::Reject`] only.
    pub score: Option<Score>,
    /// The threshold.
    pub threshold: Threshold,
    /// Decided before the response time.
    pub early: bool,
    /// Net speech that it rests on, in seconds.
    pub net_speech_s: f64,
    /// Audio that it rests on.
    pub aggregation: Aggregation,
}

/// Why a caller is of high risk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reasons {
    /// [`Reason::KnownFraudster`] holds.
    pub known_fraudster: bool,
}

impl Reasons {
    /// The reasons.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        self.known_fraudster.then_some(Reason::KnownFraudster).into_iter()
    }
}

/// Result of a fraud detection.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FraudResult {
    /// Changes exactly when Voice ID's `FraudDetectionResultId` would.
    pub number: u64,
    /// The decision.
    pub decision: FraudDecision,
    /// Why, with [`FraudDecision::HighRisk`] only.
    pub reasons: Reasons,
    /// The threshold.
    pub threshold: Threshold,
    /// The risk of the closest voiceprint of the list; `None` before there is speech enough, and for an empty list.
    pub risk: Option<FraudScore>,
    /// The row of the closest voiceprint, likewise.
    pub closest: Option<usize>,
    /// The list is not known to the domain.
    pub unknown_list: bool,
    /// Audio that it rests on.
    pub aggregation: Aggregation,
}

/// Both results, as `EvaluateSession` gives them; what is not configured is `None`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Evaluation {
    /// Whether the call is heard.
    pub status: StreamingStatus,
    /// Authentication.
    pub authentication: Option<AuthenticationResult>,
    /// Fraud detection.
    pub fraud: Option<FraudResult>,
}

/// What an answer depends on.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Key {
    pub(super) stream: u64,
    pub(super) settings: u64,
    pub(super) caller: u64,
    pub(super) version: u64,
    pub(super) decided: bool,
}

/// The latest results and what they depend on.
#[derive(Default)]
pub(super) struct Cache {
    pub(super) authentication: Option<(Key, AuthenticationResult)>,
    pub(super) fraud: Option<(Key, FraudResult)>,
    pub(super) numbers: u64,
}
