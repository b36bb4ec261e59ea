//! Enrolling speakers in batch.

use std::sync::Mutex;

use cli_store::{
    ConflictType, Consent, CustomerSpeakerId, Domain, Enrolment, ItemOutcome, JobId, ModelId, ResourceType, Speaker,
    SpeakerId, SpeakerStatus, StoreError,
};
use cli_wire::manifest::Item;
use engine::template::Template;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::recordings::Recordings;
use super::work::{ItemError, Request, Stop, Work};
use crate::analysis::Toolkit;
use crate::error::Result;
use crate::watch::{self, Loaded};

/// What all items of an enrolment job have in common.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Whether an existing voiceprint is replaced, or its item skipped.
    pub overwrite: bool,
    /// Net speech wanted, in seconds.
    pub wanted_speech_s: f64,
    /// Net speech without which an item fails, in seconds.
    pub least_speech_s: f64,
    /// The consent note kept beside each voiceprint.
    pub consent: Option<String>,
    /// Refuse voices of this watch list.
    #[serde(default)]
    pub fraud: Option<FraudCheck>,
}

/// Voice ID's `FraudDetectionConfig`, with the action FAIL.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct FraudCheck {
    /// The list's id.
    pub watchlist: String,
    /// Refused at or above this risk.
    pub threshold: u8,
}

/// The work of an enrolment job.
pub struct EnrollWork<'a> {
    domain: &'a Domain,
    tools: &'a Toolkit,
    request: &'a Request<Options>,
    recordings: Recordings<'a, Options>,
    watched: Option<(Loaded, Mutex<engine::search::Scratch>, u8)>,
}

/// What is known of an item once it has been heard.
pub enum Prepared {
    /// The speaker has a voiceprint, which is kept.
    Known(SpeakerId),
    /// The voiceprint to store.
    Print(SpeakerId, Template),
}

fn success(item: &Item, speaker: &Speaker, status: &str) -> ItemOutcome {
    let result = json!({
        "RequestId": item.request_id,
        "CustomerSpeakerId": speaker.customer_speaker_id.as_str(),
        "GeneratedSpeakerId": speaker.generated_speaker_id.to_string(),
        "EnrollmentStatus": status,
    });
    ItemOutcome { succeeded: true, result: result.to_string().into_bytes() }
}

impl<'a> EnrollWork<'a> {
    /// The work of the job that asked for `request`.
    ///
    /// # Errors
    /// As [`Recordings::new`], or the watch list is not there.
    pub fn new(domain: &'a Domain, tools: &'a Toolkit, request: &'a Request<Options>) -> Result<Self> {
        let options = &request.options;
        let recordings = Recordings::new(tools, request, options.wanted_speech_s, options.least_speech_s)?;
        let watched = match &options.fraud {
            None => None,
            Some(check) => {
                let loaded = watch::load(domain, tools, Some(&watch::get(domain, &check.watchlist)?))?;
                let scratch = Mutex::new(loaded.list.index().scratch());
                Some((loaded, scratch, check.threshold))
            }
        };
        Ok(Self { domain, tools, request, recordings, watched })
    }

    fn speaker(&self, item: &Item) -> Result<SpeakerId, ItemError> {
        let customer: CustomerSpeakerId = item
            .speaker_id
            .as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|e: StoreError| ItemError::new(400, e.to_string()))?;
        Ok(customer.into())
    }

    fn check_fraud(&self, template: &Template) -> Result<(), Stop> {
        let Some((loaded, scratch, threshold)) = &self.watched else { return Ok(()) };
        let mut scratch = scratch.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = loaded.list.risk(template.embedding(), template.side(), &self.tools.calibration, &mut scratch);
        match found.map_err(|e| Stop::Job(e.into()))? {
            Some((row, risk)) if risk.value() >= *threshold => {
                let who = loaded.ids.get(row).map(ToString::to_string).unwrap_or_default();
                let text = format!("the voice is on the watch list: risk {risk}, closest {who}");
                Err(ItemError::new(400, text).into())
            }
            _ => Ok(()),
        }
    }
}

impl Work for EnrollWork<'_> {
    const SUCCESSES: &'static str = "SuccessfulEnrollments";
    type Prepared = Prepared;

    fn prepare(&self, item: &Item) -> Result<Prepared, Stop> {
        let speaker = self.speaker(item)?;
        match self.domain.describe_speaker(&speaker) {
            Ok(known) if known.status == SpeakerStatus::OptedOut => {
                let text = format!("speaker {} has opted out: clear that first", known.generated_speaker_id);
                return Err(ItemError::new(409, text).into());
            }
            Ok(known) if known.status == SpeakerStatus::Enrolled && !self.request.options.overwrite => {
                return Ok(Prepared::Known(speaker));
            }
            Err(e) if e.resource_type() != Some(ResourceType::Speaker) => return Err(e.into()),
            _ => {}
        }
        let template = self.recordings.template(item)?;
        self.check_fraud(&template)?;
        Ok(Prepared::Print(speaker, template))
    }

    fn commit(&self, job: &JobId, seq: u64, item: &Item, prepared: Prepared) -> Result<(), Stop> {
        let keep = |speaker: &SpeakerId| -> Result<(), Stop> {
            let known = self.domain.describe_speaker(speaker)?;
            self.domain.finish_item(job, seq, &success(item, &known, "DUPLICATE_SKIPPED"))?;
            Ok(())
        };
        let (speaker, template) = match prepared {
            Prepared::Known(speaker) => return keep(&speaker),
            Prepared::Print(speaker, template) => (speaker, template),
        };
        let bytes = template.to_bytes();
        let mut enrolment =
            Enrolment::new(ModelId(self.tools.model.id().0), &bytes).overwrite(self.request.options.overwrite);
        if let Some(note) = &self.request.options.consent {
            enrolment = enrolment.consent(Consent::new(note.as_str(), "vouch batch enroll"));
        }
        let outcome = |speaker: &Speaker, before| {
            let replaced = before == SpeakerStatus::Enrolled;
            success(item, speaker, if replaced { "ENROLLMENT_OVERWRITE" } else { "NEW_ENROLLMENT" })
        };
        match self.domain.finish_item_with_voiceprint(job, seq, &speaker, enrolment, outcome) {
            Err(e) if e.conflict_type() == Some(ConflictType::EnrollmentAlreadyExists) => keep(&speaker),
            other => Ok(other.map(drop)?),
        }
    }
}
