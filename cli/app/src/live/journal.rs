//! Events as JSON lines, in the shapes of Voice ID's (SPEC appendix B). They carry generated ids only.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use cli_store::{Clock, Domain, EnrolmentSource, Event, ResultId, StoredEvent, SystemClock, Timestamp};
use cli_wire::voice_id::{Frame, Report, SessionAction};
use engine_words::categories::{EventSource, Rule};
use serde_json::{Value, json};

use crate::error::{Context, Result, bail, ensure};
use crate::privacy::{FieldPolicy, Preset};

/// Where events go, and what may stand in them.
#[derive(Clone, Default, Debug)]
pub struct EventFiles {
    /// The file that they are appended to; they go nowhere unless it is given.
    pub events: Option<PathBuf>,
    /// Which fields are written: a privacy configuration over the whole event.
    pub privacy: Option<PathBuf>,
}

impl EventFiles {
    /// What a domain's outbox calls the file: a domain that is opened with this as its journal keeps what is changed until [`Journal::drain`] has written it there. Each
    /// file has a name of its own, so that what a process left that was killed is told in the same place. `None` where events go nowhere.
    ///
    /// # Errors
    /// The working directory is gone.
    pub fn consumer(&self) -> Result<Option<String>> {
        let Some(path) = &self.events else { return Ok(None) };
        let whole = std::path::absolute(path).with_context(|| path.display().to_string())?;
        Ok(Some(format!("journal-{}", ResultId::derived(&[whole.as_os_str().as_encoded_bytes()]))))
    }
}

/// Events of a domain that are written at once.
const AT_ONCE: usize = 100;

/// Where events go; nowhere unless a file is given.
#[derive(Default)]
pub struct Journal {
    file: Option<(File, PathBuf)>,
    policy: Option<FieldPolicy>,
    consumer: Option<String>,
}

impl Journal {
    /// Appends to the file at `path`, which only its owner may read.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).with_context(|| path.display().to_string())?;
        Ok(Self { file: Some((file, path.to_owned())), ..Self::default() })
    }

    /// The journal of a file, and of what may stand in it.
    ///
    /// # Errors
    /// It cannot be opened, or the policy cannot be read.
    pub fn of(files: impl Into<EventFiles>) -> Result<Self> {
        let files = files.into();
        let mut journal = Self::open(files.events.as_deref())?;
        journal.consumer = files.consumer()?;
        if let Some(path) = &files.privacy {
            let name = || path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(name)?;
            let policy = FieldPolicy::parse(&text, Preset::None, false).with_context(name)?;
            ensure!(!policy.seals(), "{}: events are filtered without a key: use deny, transform or default", name());
            journal.policy = Some(policy);
        }
        Ok(journal)
    }

    fn put(&mut self, kind: &str, detail: Value) -> Result<()> {
        self.put_as(&ResultId::random()?, SystemClock.now(), kind, detail)
    }

    /// One event, one line, one write: processes that share the file never mix their lines.
    fn put_as(&mut self, id: &ResultId, at: Timestamp, kind: &str, detail: Value) -> Result<()> {
        let Some((file, path)) = &mut self.file else { return Ok(()) };
        let mut event = json!({
            "version": "0",
            "id": id.as_str(),
            "detail-type": kind,
            "source": "vouch.voiceid",
            "account": "local",
            "time": at.to_string(),
            "region": "local",
            "resources": [],
            "detail": detail,
        });
        if let Some(policy) = &self.policy {
            policy.apply(&mut event, &|_, _| String::new());
        }
        let mut line = event.to_string();
        line.push('\n');
        file.write_all(line.as_bytes()).with_context(|| path.display().to_string())
    }

    fn detail(action: &str, status: &str, error: Option<&str>) -> Result<Value> {
        let mut detail = json!({ "sourceId": ResultId::random()?.to_string(), "action": action, "status": status });
        if let Some(code) = error {
            detail["errorInfo"] = json!({ "errorMessage": code, "errorType": "EnrollmentRefused", "errorCode": 400 });
        }
        Ok(detail)
    }

    /// Streaming began or ended, or the configuration changed.
    pub(super) fn session(&mut self, frame: &Frame, action: SessionAction, report: &Report) -> Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let (name, kind) = match action {
            SessionAction::Start => ("START_SESSION", "VoiceId Start Session Action"),
            SessionAction::Update => ("UPDATE_SESSION", "VoiceId Update Session Action"),
        };
        let mut detail = Self::detail(name, "SUCCESS", None)?;
        detail["domainId"] = frame.domain_id.as_str().into();
        let mut session = json!({
            "sessionId": frame.session_id,
            "sessionName": frame.session_name,
            "streamingStatus": report.streaming_status,
            "streamingConfiguration": { "authenticationMinimumSpeechInSeconds": report.minimum_speech_seconds },
            "generatedSpeakerId": frame.generated_speaker_id,
        });
        if let Some(auth) = &report.authentication_result {
            session["authenticationConfiguration"] =
                json!({ "acceptanceThreshold": auth.configuration.acceptance_threshold });
        }
        if let Some(fraud) = &report.fraud_detection_result {
            session["fraudDetectionConfiguration"] = json!({
                "riskThreshold": fraud.configuration.risk_threshold,
                "watchlistId": fraud.configuration.watchlist_id,
            });
        }
        if action == SessionAction::Start {
            let block = |from: Option<f64>, to: Option<f64>| {
                let status = if report.streaming_status == "ENDED" { "ENDED" } else { "IN_PROGRESS" };
                json!({ "audioAggregationStatus": status, "audioAggregationStartedAt": from, "audioAggregationEndedAt": to })
            };
            if let Some(r) = &report.authentication_result {
                session["authenticationAudioProgress"] =
                    block(r.audio_aggregation_started_at, r.audio_aggregation_ended_at);
            }
            if let Some(r) = &report.fraud_detection_result {
                session["fraudDetectionAudioProgress"] =
                    block(r.audio_aggregation_started_at, r.audio_aggregation_ended_at);
            }
        }
        detail["session"] = session;
        self.put(kind, detail)
    }

    /// There are new results.
    pub(super) fn evaluated(&mut self, frame: &Frame, report: &Report) -> Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let mut detail = Self::detail("EVALUATE_SESSION", "SUCCESS", None)?;
        detail["domainId"] = frame.domain_id.as_str().into();
        let mut session = json!({
            "sessionId": frame.session_id,
            "sessionName": frame.session_name,
            "generatedSpeakerId": frame.generated_speaker_id,
            "streamingStatus": report.streaming_status,
        });
        if let Some(r) = &report.authentication_result {
            session["authenticationResult"] = json!({
                "authenticationResultId": r.authentication_result_id,
                "decision": r.decision,
                "score": r.score,
                "audioAggregationStartedAt": r.audio_aggregation_started_at,
                "audioAggregationEndedAt": r.audio_aggregation_ended_at,
                "configuration": { "acceptanceThreshold": r.configuration.acceptance_threshold },
            });
        }
        if let Some(r) = &report.fraud_detection_result {
            session["fraudDetectionResult"] = json!({
                "fraudDetectionResultId": r.fraud_detection_result_id,
                "decision": r.decision,
                "reasons": r.reasons,
                "audioAggregationStartedAt": r.audio_aggregation_started_at,
                "audioAggregationEndedAt": r.audio_aggregation_ended_at,
                "configuration": { "riskThreshold": r.configuration.risk_threshold },
                "riskDetails": r.risk_details.as_ref().map(|d| json!({
                    "knownFraudsterRisk": {
                        "generatedFraudsterId": d.known_fraudster_risk.generated_fraudster_id,
                        "riskScore": d.known_fraudster_risk.risk_score,
                        "watchlistId": r.configuration.watchlist_id,
                    },
                    "voiceSpoofingRisk": d.voice_spoofing_risk.map(|s| json!({ "riskScore": s })),
                })),
            });
        }
        detail["session"] = session;
        self.put("VoiceId Evaluate Session Action", detail)
    }

    /// Enrolment was asked for.
    pub(super) fn enrollment_requested(&mut self, frame: &Frame) -> Result<()> {
        let mut detail = Self::detail("SESSION_ENROLLMENT_REQUEST", "SUCCESS", None)?;
        detail["domainId"] = frame.domain_id.as_str().into();
        detail["sessionId"] = frame.session_id.as_str().into();
        detail["sessionName"] = frame.session_name.as_str().into();
        self.put("VoiceId Session Speaker Enrollment Action", detail)
    }

    /// A voiceprint was not made.
    pub(super) fn not_enrolled(&mut self, frame: &Frame, code: &str) -> Result<()> {
        let mut detail = Self::detail("ENROLL_SPEAKER", "FAILURE", Some(code))?;
        detail["domainId"] = frame.domain_id.as_str().into();
        detail["generatedSpeakerId"] = frame.generated_speaker_id.as_deref().into();
        detail["data"] = json!({
            "enrollmentSource": "VOICE_ID_SESSION",
            "enrollmentSourceId": frame.session_id,
            "enrollmentStatus": "NOT_ENROLLED",
        });
        self.put("VoiceId Speaker Action", detail)
    }

    /// Tells what was changed in a domain and is not told yet: what this process changed, and what one left that was killed before it told. The domain was
    /// opened with [`EventFiles::consumer`].
    ///
    /// # Errors
    /// The file cannot be written, and what is not told stays for the next time; storage errors.
    pub fn drain(&mut self, domain: &Domain) -> Result<()> {
        let Some(consumer) = self.consumer.clone() else { return Ok(()) };
        let outbox = domain.outbox(&consumer)?;
        loop {
            let taken = outbox.take(AT_ONCE)?;
            if taken.is_empty() {
                return Ok(());
            }
            for event in &taken {
                self.changed(domain.id().as_str(), event)?;
            }
            outbox.acknowledge(&taken.iter().map(|e| e.seq).collect::<Vec<_>>())?;
        }
    }

    /// A voiceprint was made or deleted.
    fn changed(&mut self, domain_id: &str, told: &StoredEvent) -> Result<()> {
        let id = |id: &dyn std::fmt::Display| Value::from(id.to_string());
        let (action, kind, who, more) = match &told.event {
            Event::SpeakerEnrolled { speaker, source } => {
                ("ENROLL_SPEAKER", "Speaker", ("generatedSpeakerId", id(speaker)), Some(("data", enrolment(source))))
            }
            Event::SpeakerOptedOut { speaker } => {
                ("OPT_OUT_SPEAKER", "Speaker", ("generatedSpeakerId", id(speaker)), None)
            }
            Event::SpeakerDeleted { speaker } => {
                ("DELETE_SPEAKER", "Speaker", ("generatedSpeakerId", id(speaker)), None)
            }
            Event::FraudsterRegistered { fraudster, .. } => {
                let data = json!({ "registrationSource": "RECORDINGS", "registrationStatus": "REGISTERED" });
                ("REGISTER_FRAUDSTER", "Fraudster", ("generatedFraudsterId", id(fraudster)), Some(("data", data)))
            }
            Event::FraudsterDeleted { fraudster, .. } => {
                ("DELETE_FRAUDSTER", "Fraudster", ("generatedFraudsterId", id(fraudster)), None)
            }
            other => bail!("{domain_id}: an event that this program does not know: {other:?}"),
        };
        let mut detail = json!({
            "sourceId": told.source_id.as_str(), "action": action, "status": "SUCCESS", "domainId": domain_id,
        });
        for (key, value) in [who].into_iter().chain(more) {
            detail[key] = value;
        }
        if let Event::FraudsterRegistered { watchlists, .. } | Event::FraudsterDeleted { watchlists, .. } = &told.event
        {
            detail["watchlistIds"] = watchlists.iter().map(|list| id(list)).collect();
        }
        self.put_as(&told.id, told.at, &format!("VoiceId {kind} Action"), detail)
    }

    /// A batch job was asked for, or has ended.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn batch(&mut self, domain_id: &str, job_id: &str, enrollment: bool, status: &str) -> Result<()> {
        let (action, kind) = match enrollment {
            true => ("BATCH_ENROLLMENT_REQUEST", "VoiceId Batch Speaker Enrollment Action"),
            false => ("BATCH_REGISTRATION_REQUEST", "VoiceId Batch Fraudster Registration Action"),
        };
        let mut detail = Self::detail(action, status, None)?;
        detail["domainId"] = domain_id.into();
        detail["batchJobId"] = job_id.into();
        self.put(kind, detail)
    }

    /// Something about who is heard was noticed.
    pub(super) fn noticed(&mut self, frame: &Frame, action: &str, at: Timestamp, level_db: Option<f32>) -> Result<()> {
        let mut detail = Self::detail(action, "SUCCESS", None)?;
        detail["domainId"] = frame.domain_id.as_str().into();
        detail["sessionId"] = frame.session_id.as_str().into();
        detail["at"] = at.to_string().into();
        if let Some(level) = level_db {
            detail["levelDb"] = level.into();
        }
        self.put("VoiceId Session Notice", detail)
    }

    /// What a rule that holds tells: Contact Lens's `detail`, with ids in the place of ARNs.
    pub fn rule_matched(domain_id: &str, contact: &str, rule: &Rule, at_ms: u64) -> Value {
        json!({
            "version": "1.0",
            "ruleName": rule.name,
            "actionName": rule.category(),
            "domainId": domain_id,
            "contactId": contact,
            "offsetMillis": at_ms,
        })
    }

    /// A rule holds.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn rule(&mut self, domain_id: &str, contact: &str, rule: &Rule, at_ms: u64) -> Result<()> {
        let kind = match rule.event_source {
            EventSource::PostCall => "Contact Lens Post Call Rules Matched",
            EventSource::RealTime => "Contact Lens Realtime Rules Matched",
        };
        self.put(kind, Self::rule_matched(domain_id, contact, rule, at_ms))
    }

    /// A secure passage began or ended.
    pub(super) fn secure(&mut self, frame: &Frame, action: &str, at: Timestamp) -> Result<()> {
        let mut detail = Self::detail(action, "SUCCESS", None)?;
        detail["domainId"] = frame.domain_id.as_str().into();
        detail["sessionId"] = frame.session_id.as_str().into();
        detail["at"] = at.to_string().into();
        self.put("VoiceId Secure Passage Action", detail)
    }
}

/// What a voiceprint was made from.
fn enrolment(source: &EnrolmentSource) -> Value {
    let (name, id) = match source {
        EnrolmentSource::Session(session) => ("VOICE_ID_SESSION", Some(session.to_string())),
        EnrolmentSource::Batch(job) => ("BATCH_JOB", Some(job.to_string())),
        EnrolmentSource::VoiceprintFile => ("VOICEPRINT_FILE", None),
        _ => ("RECORDINGS", None),
    };
    let mut data = json!({ "enrollmentSource": name, "enrollmentStatus": "ENROLLED" });
    if let Some(id) = id {
        data["enrollmentSourceId"] = id.into();
    }
    data
}
