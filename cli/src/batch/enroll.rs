//! Enrolling speakers in batch.

use std::path::Path;

use anyhow::Result;
use cli_store::{
    ConflictType, Consent, CustomerSpeakerId, Domain, Enrolment, ItemOutcome, JobId, ModelId, ResourceType, Speaker,
    SpeakerId, SpeakerStatus, StoreError,
};
use engine::enroll::{EnrollConfig, Enroller};
use engine::template::{MAX_RECORDINGS, Template};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::location::resolve;
use super::manifest::{AudioSpecification, Item};
use super::{ItemError, Request, Work};
use crate::analysis::{Recording, Toolkit, Wanted};
use crate::commands::enroll::evidence;
use crate::files::{AudioError, AudioProblem, ChannelChoice, Container, MonoReader};

/// Voice ID's limits, for `--strict`.
const STRICT_FILES: usize = 10;
const STRICT_BYTES: u64 = 20 << 20;
const STRICT_RATE_HZ: u32 = 8_000;

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
}

/// The work of an enrolment job.
pub struct EnrollWork<'a> {
    domain: &'a Domain,
    tools: &'a Toolkit,
    request: &'a Request<Options>,
    config: EnrollConfig,
}

enum Stop {
    Item(ItemError),
    Job(anyhow::Error),
}

impl From<ItemError> for Stop {
    fn from(e: ItemError) -> Self {
        Stop::Item(e)
    }
}

impl From<StoreError> for Stop {
    fn from(e: StoreError) -> Self {
        match (e.conflict_type(), e.resource_type()) {
            (Some(ConflictType::SpeakerOptedOut), _) => Stop::Item(ItemError::new(409, e.to_string())),
            (_, Some(ResourceType::ComplianceConsent)) => Stop::Item(ItemError::new(400, e.to_string())),
            _ if matches!(e, StoreError::Validation { .. }) => Stop::Item(ItemError::new(400, e.to_string())),
            _ => Stop::Job(e.into()),
        }
    }
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
    /// The wanted and least speech do not fit together, or the job was begun with another network.
    pub fn new(domain: &'a Domain, tools: &'a Toolkit, request: &'a Request<Options>) -> Result<Self> {
        let id = tools.model.id().to_string();
        if id != request.model_id {
            anyhow::bail!(
                "the job was begun with model {}, this is {id}: give that one with --model",
                request.model_id
            );
        }
        let options = &request.options;
        let config =
            EnrollConfig::default().wanted_speech_s(options.wanted_speech_s).least_speech_s(options.least_speech_s);
        Enroller::new(config)?;
        Ok(Self { domain, tools, request, config })
    }

    fn attempt(&self, job: &JobId, seq: u64, item: &Item) -> Result<(), Stop> {
        item.check()?;
        let customer: CustomerSpeakerId = item
            .speaker_id
            .as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|e: StoreError| ItemError::new(400, e.to_string()))?;
        let speaker = SpeakerId::from(customer);
        match self.domain.describe_speaker(&speaker) {
            Ok(known) if known.status == SpeakerStatus::OptedOut => {
                let text = format!("speaker {} has opted out: clear that first", known.generated_speaker_id);
                return Err(ItemError::new(409, text).into());
            }
            Ok(known) if known.status == SpeakerStatus::Enrolled && !self.request.options.overwrite => {
                self.domain.finish_item(job, seq, &success(item, &known, "DUPLICATE_SKIPPED"))?;
                return Ok(());
            }
            Err(e) if e.resource_type() != Some(ResourceType::Speaker) => return Err(e.into()),
            _ => {}
        }

        let bytes = self.template(item)?.to_bytes();
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
            Err(e) if e.conflict_type() == Some(ConflictType::EnrollmentAlreadyExists) => {
                let known = self.domain.describe_speaker(&speaker)?;
                self.domain.finish_item(job, seq, &success(item, &known, "DUPLICATE_SKIPPED"))?;
            }
            other => {
                other?;
            }
        }
        Ok(())
    }

    fn template(&self, item: &Item) -> Result<Template, ItemError> {
        let (count, most) = (item.audio.len(), MAX_RECORDINGS);
        if count == 0 {
            return Err(ItemError::new(400, "AudioSpecifications is empty: name at least one recording"));
        }
        if self.request.strict && count > STRICT_FILES {
            return Err(ItemError::new(400, format!("{count} recordings, at most {STRICT_FILES} with --strict")));
        }
        if count > most {
            return Err(ItemError::new(402, format!("{count} recordings, at most {most} make a voiceprint")));
        }
        let heard: Vec<_> = item.audio.par_iter().map(|audio| self.listen(audio)).collect();
        let mut enroller = Enroller::new(self.config).map_err(|e| ItemError::new(500, e.to_string()))?;
        for recording in heard {
            let evidence = evidence(self.tools, &recording?).map_err(|e| ItemError::new(500, format!("{e:#}")))?;
            enroller.add(evidence).map_err(|e| ItemError::new(500, e.to_string()))?;
        }
        let template = enroller.finish().map_err(|refusal| {
            let reasons: Vec<String> = refusal.reasons().map(ToString::to_string).collect();
            ItemError::new(400, reasons.join("; "))
        })?;
        Ok(template)
    }

    fn listen(&self, audio: &AudioSpecification) -> Result<Recording, ItemError> {
        let bad = |text| ItemError::new(400, text);
        let path = resolve(&audio.s3_uri, self.request.base(), self.request.s3_root.as_deref()).map_err(bad)?;
        let meta = std::fs::metadata(&path);
        if meta.as_ref().is_ok_and(|m| !m.is_file()) {
            return Err(ItemError::new(400, format!("{} is not a file", path.display())));
        }
        let choice = ChannelChoice::Index(usize::from(audio.channel_id));
        let opened = MonoReader::open(&path, None, choice).map_err(|e| failure(&e.into()))?;
        if self.request.strict {
            strict(&path, meta.map_or(0, |m| m.len()), &opened, audio.channel_id).map_err(bad)?;
        }
        let wanted = Wanted { windows: true, ..Wanted::default() };
        self.tools.analyse(opened, wanted, |_| ()).map_err(|e| failure(&e))
    }
}

fn strict(path: &Path, bytes: u64, opened: &MonoReader, channel_id: u16) -> Result<(), String> {
    let spec = opened.spec();
    let wav = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav")) && spec.container == Container::Wav;
    let problem = if !wav || spec.encoding != "16-bit PCM" {
        format!("{} {}, must be a .wav of 16-bit PCM", spec.container, spec.encoding)
    } else if spec.rate_hz != STRICT_RATE_HZ {
        format!("{} Hz, must be {STRICT_RATE_HZ}", spec.rate_hz)
    } else if spec.channels > 2 || channel_id > 1 {
        format!("channel {channel_id} of {}, must be 0 or 1 of at most 2", spec.channels)
    } else if bytes > STRICT_BYTES {
        format!("{bytes} bytes, at most {STRICT_BYTES}")
    } else {
        return Ok(());
    };
    Err(format!("{}: {problem} with --strict", path.display()))
}

/// A recording that cannot be used is the item's fault, one that the machine does not give is not.
fn failure(error: &anyhow::Error) -> ItemError {
    let audio = error.chain().find_map(|e| e.downcast_ref::<AudioError>());
    let code = match audio.map(|e| &e.reason) {
        None | Some(AudioProblem::Io { .. } | AudioProblem::PermissionDenied) => 500,
        Some(_) => 400,
    };
    ItemError::new(code, format!("{error:#}"))
}

impl Work for EnrollWork<'_> {
    const SUCCESSES: &'static str = "SuccessfulEnrollments";

    fn key(&self, item: &Item) -> String {
        item.speaker_id.clone().unwrap_or_default()
    }

    fn work(&self, job: &JobId, seq: u64, item: &Item) -> Result<()> {
        match self.attempt(job, seq, item) {
            Ok(()) => Ok(()),
            Err(Stop::Item(e)) => Ok(self.domain.finish_item(job, seq, &e.outcome(item)).map(|_| ())?),
            Err(Stop::Job(e)) => Err(e),
        }
    }
}
