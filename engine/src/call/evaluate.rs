//! Answers to the Check block and to `EvaluateSession`.

use super::config::{FraudDetection, StreamingStatus, Watched};
use super::live::{Call, Revision};
use super::result::{
    Aggregation, Answer, AuthenticationResult, CheckOption, EnrollmentBranch, Evaluation, FraudResult, Key, Reasons,
};
use crate::embed::FRAMES_PER_SECOND;
use crate::score::{Branch, Claim, Decision, FraudBranch, FraudDecision, Threshold, decide_fraud};

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
            net_speech_s: net_frames as f64 / f64::from(FRAMES_PER_SECOND),
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
            // What could be wrong is refused by `set` and by construction.
            let found = self.snapshot.side().and_then(|side| {
                list.risk(&self.snapshot.embedding, side, &self.calibration, &mut self.scratch).ok().flatten()
            });
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
