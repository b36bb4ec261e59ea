//! Speakers, their consent and their voiceprints: the life cycle of the Voice ID API.
//!
//! `PENDING` → enrol → `ENROLLED` → opt out → `OPTED_OUT` → clear or delete. `EXPIRED` is not stored: it is an `ENROLLED`
//! speaker whose last enrolment or successful authentication is too long ago.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::events::EnrolmentSource;
use crate::ids::{CustomerSpeakerId, DomainId, GeneratedSpeakerId, ModelId};

mod enrol;
mod life;
mod rows;

/// Largest template.
const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// Largest details text.
const MAX_DETAILS_BYTES: usize = 64 << 10;
const MAX_CONSENT_CHARS: usize = 4_096;
const MAX_RECORDED_BY_CHARS: usize = 256;

/// Where a speaker stands; `Display` gives the wire spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpeakerStatus {
    /// Known, not enrolled.
    Pending,
    /// Has a voiceprint.
    Enrolled,
    /// Does not want one.
    OptedOut,
    /// Has one that may no longer be used.
    Expired,
}

impl fmt::Display for SpeakerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SpeakerStatus::Pending => "PENDING",
            SpeakerStatus::Enrolled => "ENROLLED",
            SpeakerStatus::OptedOut => "OPTED_OUT",
            SpeakerStatus::Expired => "EXPIRED",
        })
    }
}

/// A speaker's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// The id that the store made; may be logged.
    pub generated_speaker_id: GeneratedSpeakerId,
    /// The operator's id; sensitive.
    pub customer_speaker_id: CustomerSpeakerId,
    /// The domain.
    pub domain_id: DomainId,
    /// Where it stands now.
    pub status: SpeakerStatus,
    /// When the entry was made.
    pub created_at: Timestamp,
    /// When the status or the voiceprint last changed.
    pub updated_at: Timestamp,
    /// The last enrolment or successful authentication; `None` before the first.
    pub last_accessed_at: Option<Timestamp>,
}

/// Who agreed to what, and when. Sealed in the store; `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// What was agreed to, or where that is written: 1 to 4,096 characters.
    pub text: String,
    /// Who recorded it: 1 to 256 characters.
    pub recorded_by: String,
    /// When; the present if absent.
    pub recorded_at_ms: Option<i64>,
}

impl Consent {
    /// Consent given now.
    pub fn new(text: impl Into<String>, recorded_by: impl Into<String>) -> Consent {
        Consent { text: text.into(), recorded_by: recorded_by.into(), recorded_at_ms: None }
    }

    fn check(&self) -> Result<(), StoreError> {
        let (text, by) = (self.text.chars().count(), self.recorded_by.chars().count());
        if !(1..=MAX_CONSENT_CHARS).contains(&text) {
            return Err(StoreError::invalid(
                "Consent",
                format!("must be 1 to {MAX_CONSENT_CHARS} characters; got {text}"),
            ));
        }
        if !(1..=MAX_RECORDED_BY_CHARS).contains(&by) {
            let reason = format!("its recorder must be 1 to {MAX_RECORDED_BY_CHARS} characters; got {by}");
            return Err(StoreError::invalid("Consent", reason));
        }
        Ok(())
    }
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consent(hidden)")
    }
}

impl Drop for Consent {
    fn drop(&mut self) {
        self.text.zeroize();
        self.recorded_by.zeroize();
    }
}

/// What is enrolled.
#[derive(Clone)]
pub struct Enrolment<'a> {
    model_id: ModelId,
    template: &'a [u8],
    details: &'a str,
    consent: Option<Consent>,
    overwrite: bool,
    source: EnrolmentSource,
}

impl<'a> Enrolment<'a> {
    /// A template of 1 byte to 1 MiB, and the network that made it.
    pub fn new(model_id: ModelId, template: &'a [u8]) -> Enrolment<'a> {
        Enrolment {
            model_id,
            template,
            details: "",
            consent: None,
            overwrite: false,
            source: EnrolmentSource::Recordings,
        }
    }

    /// Anything to be kept sealed with the template, such as net speech as JSON: at most 64 KiB.
    pub fn details(mut self, details: &'a str) -> Self {
        self.details = details;
        self
    }

    /// The consent given. Without it the consent on file holds, if there is one.
    pub fn consent(mut self, consent: Consent) -> Self {
        self.consent = Some(consent);
        self
    }

    /// What the template was made from, for those who are told; recordings unless said.
    pub fn source(mut self, source: EnrolmentSource) -> Self {
        self.source = source;
        self
    }

    /// Whether an existing voiceprint is replaced; not unless asked for.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    fn check(&self) -> Result<(), StoreError> {
        let (template, details) = (self.template.len(), self.details.len());
        if !(1..=MAX_TEMPLATE_BYTES).contains(&template) {
            let reason = format!("must have 1 to {MAX_TEMPLATE_BYTES} bytes; got {template}");
            return Err(StoreError::invalid("Voiceprint", reason));
        }
        if details > MAX_DETAILS_BYTES {
            let reason = format!("must have at most {MAX_DETAILS_BYTES} bytes; got {details}");
            return Err(StoreError::invalid("Details", reason));
        }
        self.consent.as_ref().map_or(Ok(()), Consent::check)
    }
}

impl fmt::Debug for Enrolment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolment").field("model_id", &self.model_id).finish_non_exhaustive()
    }
}

/// A voiceprint, unsealed. Erased when dropped; `Debug` shows none of it.
#[derive(Clone)]
pub struct Voiceprint {
    generated_speaker_id: GeneratedSpeakerId,
    model_id: ModelId,
    enrolled_at: Timestamp,
    /// `details length (4, little endian) | details | template`.
    content: Zeroizing<Vec<u8>>,
    details_end: usize,
}

impl Voiceprint {
    /// Whose it is.
    pub fn generated_speaker_id(&self) -> &GeneratedSpeakerId {
        &self.generated_speaker_id
    }

    /// The network that made it.
    pub fn model_id(&self) -> ModelId {
        self.model_id
    }

    /// When it was enrolled.
    pub fn enrolled_at(&self) -> Timestamp {
        self.enrolled_at
    }

    /// The bytes that were enrolled.
    pub fn template(&self) -> &[u8] {
        self.content.get(self.details_end..).unwrap_or_default()
    }

    /// The details that were enrolled with them; empty if none were.
    pub fn details(&self) -> &str {
        self.content.get(4..self.details_end).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for Voiceprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Voiceprint({}, {:?})", self.generated_speaker_id, self.model_id)
    }
}

/// The answer to "is there a voiceprint to compare with": every one of them is an outcome, none an error.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// There is.
    Enrolled(Voiceprint),
    /// The speaker is unknown or pending.
    NotEnrolled,
    /// The speaker has opted out.
    OptedOut,
    /// There is one, but it may no longer be used.
    Expired,
}

/// When an enrolment counts as made, and how it is called in the audit.
pub(crate) struct Circumstances {
    pub(crate) enrolled_at: Option<Timestamp>,
    pub(crate) last_accessed_at: Option<Timestamp>,
    pub(crate) imported: bool,
}
