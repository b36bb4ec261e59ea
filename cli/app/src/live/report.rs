//! What is told of a session: the engine's answers in the shapes of Voice ID.

use cli_store::{ResultId, Timestamp};
use cli_wire::voice_id::{
    AuthenticationConfiguration, AuthenticationResult, Frame, FraudDetectionConfiguration, FraudDetectionResult,
    KnownFraudsterRisk, RecordAuthentication, RecordFraud, Report, RiskDetails, Stage, VoiceIdResult,
};
use engine::call::{Aggregation, Evaluation, FraudResult, Standing};
use engine::score::{Branch, Claim, FraudBranch, FraudDecision, Score};

use crate::watch::WatchIds;

/// What a [`Report`] is made of.
pub(super) struct Facts<'a> {
    pub(super) frame: Frame,
    pub(super) customer: Option<String>,
    pub(super) claim: Claim,
    pub(super) watch: &'a WatchIds,
    pub(super) min_speech_s: f64,
    pub(super) standing: Standing,
    pub(super) evaluation: Evaluation,
    pub(super) time: &'a dyn Fn(u64) -> Timestamp,
    pub(super) stages: Vec<Stage>,
}

/// Names a result of a session.
fn result_id(session: &str, kind: &str, number: u64) -> String {
    ResultId::derived(&[session.as_bytes(), kind.as_bytes(), &number.to_be_bytes()]).to_string()
}

/// A branch as contact records write it.
fn words(branch: Branch) -> &'static str {
    match branch {
        Branch::Authenticated => "Authenticated",
        Branch::NotAuthenticated => "Not Authenticated",
        Branch::Inconclusive => "Inconclusive",
        Branch::NotEnrolled => "Not Enrolled",
        Branch::OptedOut => "Opted Out",
        Branch::NotEnabled | Branch::Error => "Error",
    }
}

fn fraud_words(result: &FraudResult) -> &'static str {
    if result.unknown_list {
        return "Error";
    }
    match result.decision.branch() {
        FraudBranch::HighRisk => "High Risk",
        FraudBranch::LowRisk => "Low Risk",
        FraudBranch::Inconclusive => "Inconclusive",
        FraudBranch::NotEnabled | FraudBranch::Error => "Error",
    }
}

/// What `EvaluateSession` answers, and more.
pub(super) fn report(facts: &Facts<'_>) -> Report {
    let Facts { frame, claim, watch, evaluation: e, .. } = facts;
    let seconds = |at: Option<u64>| at.map(|s| (facts.time)(s).as_unix_seconds());
    let span = |a: Aggregation| (seconds(a.started_at), seconds(a.ended_at));
    let authentication_result = e.authentication.map(|r| {
        let (from, to) = span(r.aggregation);
        AuthenticationResult {
            authentication_result_id: result_id(&frame.session_id, "authentication", r.number),
            customer_speaker_id: facts.customer.clone(),
            generated_speaker_id: frame.generated_speaker_id.clone(),
            decision: r.decision.as_str(),
            score: r.score.map(Score::value),
            configuration: AuthenticationConfiguration { acceptance_threshold: r.threshold.value() },
            audio_aggregation_started_at: from,
            audio_aggregation_ended_at: to,
        }
    });
    let closest = |r: &FraudResult| r.closest.and_then(|row| watch.fraudsters.get(row)).cloned();
    let reasons = |r: &FraudResult| r.reasons.iter().map(|r| r.as_str()).collect::<Vec<_>>();
    let fraud_detection_result = e.fraud.map(|r| {
        let (from, to) = span(r.aggregation);
        let known = |risk: engine::score::FraudScore| RiskDetails {
            known_fraudster_risk: KnownFraudsterRisk { risk_score: risk.value(), generated_fraudster_id: closest(&r) },
            voice_spoofing_risk: None,
        };
        FraudDetectionResult {
            fraud_detection_result_id: result_id(&frame.session_id, "fraud", r.number),
            decision: r.decision.as_str(),
            reasons: reasons(&r),
            configuration: FraudDetectionConfiguration {
                risk_threshold: r.threshold.value(),
                watchlist_id: watch.watchlist.clone(),
            },
            risk_details: r.risk.map(known),
            audio_aggregation_started_at: from,
            audio_aggregation_ended_at: to,
        }
    });
    let voice_id_result = VoiceIdResult {
        generated_speaker_id: frame.generated_speaker_id.clone(),
        speaker_enrolled: *claim == Claim::Enrolled,
        speaker_opted_out: *claim == Claim::OptedOut,
        authentication: e.authentication.map(|r| RecordAuthentication {
            score_threshold: r.threshold.value(),
            minimum_speech_in_seconds: facts.min_speech_s.ceil() as u8,
            score: r.score.map(Score::value),
            result: words(r.decision.branch()),
        }),
        fraud_detection: e.fraud.map(|r| RecordFraud {
            score_threshold: r.threshold.value(),
            result: fraud_words(&r),
            reasons: reasons(&r),
            risk_score_known_fraudster: r.risk.map(|r| r.value()),
            risk_score_voice_spoofing: None,
            generated_fraudster_id: closest(&r).filter(|_| r.decision == FraudDecision::HighRisk),
            watchlist_id: watch.watchlist.clone(),
        }),
    };
    Report {
        domain_id: frame.domain_id.clone(),
        session_id: frame.session_id.clone(),
        session_name: frame.session_name.clone(),
        streaming_status: e.status.as_str(),
        authentication_result,
        fraud_detection_result,
        voice_id_result,
        early: e.authentication.is_some_and(|r| r.early),
        extrapolated: e.authentication.and_then(|r| r.score).is_some_and(Score::extrapolated),
        net_speech_seconds: facts.standing.net_speech_s,
        minimum_speech_seconds: facts.min_speech_s,
        missing_speech_seconds: facts.standing.missing_s,
        stages: facts.stages.clone(),
    }
}
#[cfg(test)]
mod tests {
    use super::result_id;

    #[test]
    fn result_ids_are_well_formed_stable_and_distinct() {
        let ids: std::collections::BTreeSet<String> = (0..500)
            .flat_map(|n| {
                [result_id("id#a", "fraud", n), result_id("id#a", "authentication", n), result_id("id#b", "fraud", n)]
            })
            .collect();
        assert_eq!(ids.len(), 1_500);
        assert!(ids.iter().all(|id| id.parse::<cli_store::ResultId>().is_ok()), "{ids:?}");
        assert_eq!(result_id("id#a", "fraud", 7), result_id("id#a", "fraud", 7));
    }
}
