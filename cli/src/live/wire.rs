//! The shapes of Voice ID: `EvaluateSession`'s answer, the contact record's `VoiceIdResult`, what events say.

use cli_store::{ResultId, Timestamp};
use engine::call::{Aggregation, Evaluation, FraudResult, Standing};
use engine::score::{Branch, Claim, FraudBranch, FraudDecision, Score};
use serde::Serialize;

use super::WatchIds;

/// What every event of a session says.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The domain.
    pub domain_id: String,
    /// The session.
    pub session_id: String,
    /// The operator's name for it.
    pub session_name: String,
    /// The claimed speaker.
    pub generated_speaker_id: Option<String>,
}

/// What a session event tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionAction {
    /// Streaming began or ended.
    Start,
    /// The configuration changed.
    Update,
}

/// `AuthenticationConfiguration`.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct AuthenticationConfiguration {
    /// Accept at or above.
    pub acceptance_threshold: u8,
}

/// `AuthenticationResult`.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct AuthenticationResult {
    /// Names the result; the same as long as nothing changed.
    pub authentication_result_id: String,
    /// The operator's id of the speaker.
    pub customer_speaker_id: Option<String>,
    /// The domain's id of the speaker.
    pub generated_speaker_id: Option<String>,
    /// `AuthenticationDecision`.
    pub decision: &'static str,
    /// 0-100, with ACCEPT and REJECT only.
    pub score: Option<u8>,
    /// The configuration.
    pub configuration: AuthenticationConfiguration,
    /// Seconds since 1970.
    pub audio_aggregation_started_at: Option<f64>,
    /// Seconds since 1970.
    pub audio_aggregation_ended_at: Option<f64>,
}

/// `FraudDetectionConfiguration`.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct FraudDetectionConfiguration {
    /// High risk at or above.
    pub risk_threshold: u8,
    /// The watch list.
    pub watchlist_id: String,
}

/// `KnownFraudsterRisk`.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct KnownFraudsterRisk {
    /// 0-100; the list's size is taken into account.
    pub risk_score: u8,
    /// The closest fraudster of the list.
    pub generated_fraudster_id: Option<String>,
}

/// `FraudRiskDetails`. There is no detector of played-back or synthetic speech yet, so its risk is `null`, not 0.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct RiskDetails {
    /// Known fraudsters.
    pub known_fraudster_risk: KnownFraudsterRisk,
    /// Played-back or synthetic speech.
    pub voice_spoofing_risk: Option<u8>,
}

/// `FraudDetectionResult`.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct FraudDetectionResult {
    /// Names the result; the same as long as nothing changed.
    pub fraud_detection_result_id: String,
    /// `FraudDetectionDecision`.
    pub decision: &'static str,
    /// With HIGH_RISK only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<&'static str>,
    /// The configuration.
    pub configuration: FraudDetectionConfiguration,
    /// The risks, once there is speech enough.
    pub risk_details: Option<RiskDetails>,
    /// Seconds since 1970.
    pub audio_aggregation_started_at: Option<f64>,
    /// Seconds since 1970.
    pub audio_aggregation_ended_at: Option<f64>,
}

impl FraudDetectionResult {
    /// One line for people.
    pub fn text(&self, unknown_list: bool) -> String {
        if unknown_list {
            return format!("the domain has no watch list {}", self.configuration.watchlist_id);
        }
        let threshold = self.configuration.risk_threshold;
        match &self.risk_details {
            None => self.decision.to_owned(),
            Some(RiskDetails { known_fraudster_risk: known, .. }) => {
                let who =
                    known.generated_fraudster_id.as_deref().map_or_else(String::new, |id| format!(", closest {id}"));
                format!("{}  risk {} (threshold {threshold}){who}", self.decision, known.risk_score)
            }
        }
    }
}

/// `VoiceIdResult.Authentication` of a contact record.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct RecordAuthentication {
    /// Accept at or above.
    pub score_threshold: u8,
    /// Net speech asked for, in seconds.
    pub minimum_speech_in_seconds: u8,
    /// 0-100.
    pub score: Option<u8>,
    /// The branch, in words.
    pub result: &'static str,
}

/// `VoiceIdResult.FraudDetection` of a contact record.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct RecordFraud {
    /// High risk at or above.
    #[serde(rename = "ScoreThreshold")]
    pub score_threshold: u8,
    /// The branch, in words.
    #[serde(rename = "Result")]
    pub result: &'static str,
    /// Why.
    #[serde(rename = "Reasons")]
    pub reasons: Vec<&'static str>,
    /// 0-100.
    #[serde(rename = "RiskScoreKnownFraudster")]
    pub risk_score_known_fraudster: Option<u8>,
    /// Not measured yet.
    #[serde(rename = "RiskScoreVoiceSpoofing")]
    pub risk_score_voice_spoofing: Option<u8>,
    /// The closest fraudster of the list.
    #[serde(rename = "GeneratedFraudsterID")]
    pub generated_fraudster_id: Option<String>,
    /// The list.
    #[serde(rename = "WatchlistID")]
    pub watchlist_id: String,
}

/// `VoiceIdResult`, to be merged in a contact record. Nothing in it is the operator's own id.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct VoiceIdResult {
    /// The domain's id of the speaker.
    pub generated_speaker_id: Option<String>,
    /// Has a voiceprint.
    pub speaker_enrolled: bool,
    /// Opted out.
    pub speaker_opted_out: bool,
    /// Authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<RecordAuthentication>,
    /// Fraud detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraud_detection: Option<RecordFraud>,
}

/// `EvaluateSession`'s answer and more.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    /// The domain.
    pub domain_id: String,
    /// The session.
    pub session_id: String,
    /// The operator's name for it.
    pub session_name: String,
    /// `StreamingStatus`.
    pub streaming_status: &'static str,
    /// Authentication, where it is configured.
    pub authentication_result: Option<AuthenticationResult>,
    /// Fraud detection, where it is configured.
    pub fraud_detection_result: Option<FraudDetectionResult>,
    /// For the contact record.
    pub voice_id_result: VoiceIdResult,
    /// Whether the authentication was decided before the response time.
    pub early: bool,
    /// Whether the score goes beyond what the calibration's trials can support.
    pub extrapolated: bool,
    /// Net speech heard, in seconds.
    pub net_speech_seconds: f64,
    /// Net speech asked for, in seconds.
    pub minimum_speech_seconds: f64,
    /// Net speech still needed, in seconds.
    pub missing_speech_seconds: f64,
}

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

impl Report {
    pub(super) fn new(facts: &Facts<'_>) -> Self {
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
                known_fraudster_risk: KnownFraudsterRisk {
                    risk_score: risk.value(),
                    generated_fraudster_id: closest(&r),
                },
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
        Self {
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
        }
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
