//! Answers.

use super::config::{FraudDetection, StreamingStatus, Watched};
use super::{Call, Revision};
use crate::score::{
    Branch, Claim, Decision, FraudBranch, FraudDecision, FraudScore, Score, Threshold, decide_fraud, spelled,
};

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
struct Key {
    stream: u64,
    settings: u64,
    caller: u64,
    version: u64,
    decided: bool,
}

/// The latest results and what they depend on.
#[derive(Default)]
pub(super) struct Cache {
    authentication: Option<(Key, AuthenticationResult)>,
    fraud: Option<(Key, FraudResult)>,
    numbers: u64,
}

impl Call {
    /// Both results as they stand. While nothing changed they are the same, number included; new ones come with new speech
    /// after a decision, a changed threshold, another speaker or a new stream.
    pub fn evaluate(&mut self) -> Evaluation {
        Evaluation { status: self.status(), authentication: self.authentication(), fraud: self.fraud() }
    }

    /// The answer to a Check block.
    pub fn check(&mut self, option: CheckOption) -> Answer {
        let ended = self.status() == StreamingStatus::Ended;
        match option {
            CheckOption::EnrollmentStatus => Answer::Enrollment(match (self.settings.is_some(), self.claim()) {
                (true, Claim::Enrolled) => EnrollmentBranch::Enrolled,
                (true, Claim::NotEnrolled) => EnrollmentBranch::NotEnrolled,
                (true, Claim::OptedOut) => EnrollmentBranch::OptedOut,
                _ => EnrollmentBranch::Error,
            }),
            CheckOption::VoiceAuthentication => match self.authentication() {
                None => {
                    Answer::Authentication(if self.settings.is_some() { Branch::NotEnabled } else { Branch::Error })
                }
                Some(r) if r.decision == Decision::NotEnoughSpeech && !ended => Answer::Wait,
                Some(r) => Answer::Authentication(r.decision.branch()),
            },
            CheckOption::FraudDetection => match self.fraud() {
                None if self.settings.is_some() => Answer::Fraud(FraudBranch::NotEnabled),
                None => Answer::Fraud(FraudBranch::Error),
                Some(r) if r.unknown_list => Answer::Fraud(FraudBranch::Error),
                Some(r) if r.decision == FraudDecision::NotEnoughSpeech && !ended => Answer::Wait,
                Some(r) => Answer::Fraud(r.decision.branch()),
            },
        }
    }

    fn key(&self, settings: u64, caller: u64, version: u64, decided: bool) -> Key {
        let Revision { stream, .. } = self.revision;
        // Until there is a decision, more speech is no news.
        Key { stream, settings, caller, version: if decided { version } else { 0 }, decided }
    }

    fn authentication(&mut self) -> Option<AuthenticationResult> {
        let auth = self.settings.as_ref()?.authentication?;
        let (decision, score) = self.decision(auth.policy);
        let decided = matches!(decision, Decision::Accept | Decision::Reject);
        let (net_frames, version, aggregation) = match self.early {
            Some(e) => (e.net_frames, e.version, e.aggregation),
            None => (self.snapshot.net_frames, self.snapshot.version, self.snapshot.aggregation),
        };
        let key = self.key(self.revision.authentication, self.revision.caller, version, decided);
        let number = match self.cache.authentication {
            Some((same, result)) if same == key => result.number,
            _ => self.next_number(),
        };
        let result = AuthenticationResult {
            number,
            decision,
            score: score.filter(|_| decided),
            threshold: auth.policy.threshold(),
            early: self.early.is_some(),
            net_speech_s: net_frames as f64 / f64::from(crate::embed::FRAMES_PER_SECOND),
            aggregation,
        };
        self.cache.authentication = Some((key, result));
        Some(result)
    }

    fn fraud(&mut self) -> Option<FraudResult> {
        let FraudDetection { threshold, watched } = self.settings.as_ref()?.fraud.clone()?;
        let (net_s, min_s) = (self.snapshot.net_speech_s(), self.min_speech_s());
        let decided = net_s >= min_s && net_s > 0.0;
        let key = self.key(self.revision.fraud, 0, self.snapshot.version, decided);
        let (mut result, new) = match self.cache.fraud {
            Some((same, result)) if same == key => (result, false),
            _ => (self.search(&watched, threshold, decided), true),
        };
        result.aggregation = self.snapshot.aggregation;
        if new {
            result.number = self.next_number();
            result.decision = decide_fraud(net_s, min_s, result.risk, threshold);
            result.reasons = Reasons { known_fraudster: result.decision == FraudDecision::HighRisk };
        }
        self.cache.fraud = Some((key, result));
        Some(result)
    }

    fn search(&mut self, watched: &Watched, threshold: Threshold, decided: bool) -> FraudResult {
        let mut result = FraudResult {
            number: 0,
            decision: FraudDecision::NotEnoughSpeech,
            reasons: Reasons::default(),
            threshold,
            risk: None,
            closest: None,
            unknown_list: matches!(watched, Watched::Unknown),
            aggregation: Aggregation::default(),
        };
        if let Watched::List(list) = watched
            && decided
        {
            let net_s = self.snapshot.net_speech_s();
            // What could be wrong is refused by `set` and by construction.
            let found = list.risk(&self.snapshot.embedding, net_s, &self.calibration, &mut self.scratch).ok().flatten();
            result.closest = found.map(|(row, _)| row);
            result.risk = found.map(|(_, risk)| risk);
        }
        result
    }

    fn next_number(&mut self) -> u64 {
        self.cache.numbers += 1;
        self.cache.numbers
    }
}
