//! The shapes of Voice ID: `EvaluateSession`'s answer, the contact record's `VoiceIdResult`, what events say.

use serde::Serialize;

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

/// What one of two networks says of a call.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct Stage {
    /// The network.
    pub model_id: String,
    /// What its scores mean.
    pub calibration_id: String,
    /// 0-100, once there is one.
    pub score: Option<u8>,
    /// Whether the decision is this network's; the other one follows the call.
    pub decides: bool,
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
    /// Both networks, where one follows the call and another one decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
}
