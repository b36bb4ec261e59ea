//! Speakers, their consent and their voiceprints: the life cycle of the Voice ID API.
//!
//! `PENDING` → enrol → `ENROLLED` → opt out → `OPTED_OUT` → clear or delete. `EXPIRED` is not stored: it is an `ENROLLED`
//! speaker whose last enrolment or successful authentication is too long ago.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change, rows};
use crate::clock::{DAY_MS, Timestamp};
use crate::domain::{Domain, DomainInfo};
use crate::error::{ConflictType, ResourceType, StoreError};
use crate::events::{EnrolmentSource, Event};
use crate::ids::{CustomerSpeakerId, DomainId, GeneratedSpeakerId, ModelId, SpeakerId, random_plain_id};
use crate::page::{MAX_PAGE, Page, parse, token};
use crate::statement::{Fields, Statement, get};

/// Largest template.
const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// Largest details text.
const MAX_DETAILS_BYTES: usize = 64 << 10;
const MAX_CONSENT_CHARS: usize = 4_096;
const MAX_RECORDED_BY_CHARS: usize = 256;
/// Voiceprints read at a time by [`Domain::for_each_enrolled`].
const SWEEP: i64 = 256;

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

const SPEAKER_FIELDS: &str = "s.generated_speaker_id, s.customer_sealed, s.status, s.created_at, s.updated_at, \
     s.last_accessed_at";
const PRINT_FIELDS: &str = "v.model_id, v.enrolled_at, v.sealed";

fn voiceprint_context<'a>(domain: &'a str, speaker: &'a str, model: &'a str, at: &'a [u8; 8]) -> [&'a [u8]; 5] {
    [b"voiceprints", domain.as_bytes(), speaker.as_bytes(), model.as_bytes(), at]
}

fn is_expired(last_accessed_at: Option<Timestamp>, now: Timestamp, expiry_days: u32) -> bool {
    last_accessed_at.is_some_and(|last| now.0.saturating_sub(last.0) >= i64::from(expiry_days).saturating_mul(DAY_MS))
}

fn opted_out(id: &GeneratedSpeakerId) -> StoreError {
    StoreError::Conflict {
        conflict: ConflictType::SpeakerOptedOut,
        reason: format!("speaker {id} has opted out: clear the opt-out with a new consent, or delete the speaker"),
    }
}

impl Domain {
    pub(crate) fn no_such_speaker(&self, id: &SpeakerId) -> StoreError {
        let which = match id {
            SpeakerId::Generated(id) => format!("speaker {id}"),
            SpeakerId::Customer(_) => "speaker with that id".into(),
        };
        StoreError::NotFound {
            resource: ResourceType::Speaker,
            reason: format!("there is no {which} in the domain at {}", self.dir().display()),
        }
    }

    fn read_speaker(&self, row: &Fields, info: &DomainInfo) -> Result<Speaker, StoreError> {
        let path = self.path();
        let damaged = |what: &str| StoreError::corrupt(path, format!("a speaker's {what} does not fit"));
        let id: String = get(path, row, 0)?;
        let id: GeneratedSpeakerId = id.parse().map_err(|_| damaged("id"))?;
        let sealed: Vec<u8> = get(path, row, 1)?;
        let context: [&[u8]; 3] = [b"speakers", self.id().as_str().as_bytes(), id.as_str().as_bytes()];
        let customer = self.opened.keys.open(&context, &sealed).ok_or_else(|| damaged("seal"))?;
        let customer = std::str::from_utf8(&customer).ok().and_then(|c| c.parse().ok());
        let last_accessed_at = get::<Option<i64>>(path, row, 5)?.map(Timestamp);
        let status = match get::<&str>(path, row, 2)? {
            "PENDING" => SpeakerStatus::Pending,
            "ENROLLED" if is_expired(last_accessed_at, self.now(), info.expiry_days) => SpeakerStatus::Expired,
            "ENROLLED" => SpeakerStatus::Enrolled,
            "OPTED_OUT" => SpeakerStatus::OptedOut,
            _ => return Err(damaged("status")),
        };
        Ok(Speaker {
            generated_speaker_id: id,
            customer_speaker_id: customer.ok_or_else(|| damaged("customer id"))?,
            domain_id: self.id().clone(),
            status,
            created_at: Timestamp(get(path, row, 3)?),
            updated_at: Timestamp(get(path, row, 4)?),
            last_accessed_at,
        })
    }

    fn read_voiceprint(&self, row: &Fields, of: &Speaker, column: usize) -> Result<Voiceprint, StoreError> {
        let path = self.path();
        let id = &of.generated_speaker_id;
        let damaged = |what: &str| StoreError::corrupt(path, format!("the voiceprint of {id} {what}"));
        let model: String = get(path, row, column)?;
        let enrolled_at: i64 = get(path, row, column + 1)?;
        let sealed: Vec<u8> = get(path, row, column + 2)?;
        let at = enrolled_at.to_le_bytes();
        let context = voiceprint_context(self.id().as_str(), id.as_str(), &model, &at);
        let content = self.opened.keys.open(&context, &sealed).ok_or_else(|| damaged("does not open"))?;
        let details_end = content
            .first_chunk::<4>()
            .and_then(|n| usize::try_from(u32::from_le_bytes(*n)).ok()?.checked_add(4))
            .filter(|end| *end < content.len())
            .ok_or_else(|| damaged("has no content"))?;
        Ok(Voiceprint {
            generated_speaker_id: id.clone(),
            model_id: model.parse().map_err(|_| damaged("has a malformed model id"))?,
            enrolled_at: Timestamp(enrolled_at),
            content,
            details_end,
        })
    }

    /// `fields FROM speakers … WHERE` the speaker is `id`.
    fn select(
        &self,
        c: &mut dyn Connection,
        fields: &str,
        join: &str,
        id: &SpeakerId,
    ) -> Result<Option<Fields>, StoreError> {
        let column = match id {
            SpeakerId::Generated(_) => "generated_speaker_id",
            SpeakerId::Customer(_) => "customer_index",
        };
        let sql = format!("SELECT {fields} FROM speakers s {join} WHERE s.domain_id = $1 AND s.{column} = $2");
        let query = Statement::new(sql).bind(self.id().as_str());
        let query = match id {
            SpeakerId::Generated(id) => query.bind(id.as_str()),
            SpeakerId::Customer(id) => query.bind(self.opened.keys.customer_index(self.id().as_str(), id.as_str())),
        };
        Ok(rows(c, query)?.pop())
    }

    fn find(&self, c: &mut dyn Connection, info: &DomainInfo, id: &SpeakerId) -> Result<Option<Speaker>, StoreError> {
        let row = self.select(c, SPEAKER_FIELDS, "", id)?;
        row.map(|row| self.read_speaker(&row, info)).transpose()
    }

    fn get_speaker(&self, c: &mut dyn Connection, info: &DomainInfo, id: &SpeakerId) -> Result<Speaker, StoreError> {
        self.find(c, info, id)?.ok_or_else(|| self.no_such_speaker(id))
    }

    /// The speaker, made as pending if a customer id is new.
    fn find_or_add(&self, c: &mut dyn Connection, info: &DomainInfo, id: &SpeakerId) -> Result<Speaker, StoreError> {
        if let Some(speaker) = self.find(c, info, id)? {
            return Ok(speaker);
        }
        let SpeakerId::Customer(customer) = id else { return Err(self.no_such_speaker(id)) };
        let (domain, generated) = (self.id().as_str(), GeneratedSpeakerId::random()?);
        let context: [&[u8]; 3] = [b"speakers", domain.as_bytes(), generated.as_str().as_bytes()];
        let insert = Statement::new(
            "INSERT INTO speakers (domain_id, generated_speaker_id, customer_index, customer_sealed, status, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, 'PENDING', $5, $5)",
        )
        .bind(domain)
        .bind(generated.as_str())
        .bind(self.opened.keys.customer_index(domain, customer.as_str()))
        .bind(self.opened.keys.seal(&context, customer.as_str().as_bytes())?)
        .bind(self.now().0);
        change(c, insert)?;
        self.get_speaker(c, info, &generated.into())
    }

    fn set_status(
        &self,
        c: &mut dyn Connection,
        id: &GeneratedSpeakerId,
        status: SpeakerStatus,
        last_accessed_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let update = Statement::new(
            "UPDATE speakers SET status = $3, updated_at = $4, last_accessed_at = $5 \
             WHERE domain_id = $1 AND generated_speaker_id = $2",
        )
        .bind(self.id().as_str())
        .bind(id.as_str())
        .bind(status.to_string())
        .bind(self.now().0)
        .bind(last_accessed_at.map(|t| t.0));
        change(c, update).map(|_| ())
    }

    fn delete_from(&self, c: &mut dyn Connection, table: &str, id: &GeneratedSpeakerId) -> Result<u64, StoreError> {
        let sql = format!("DELETE FROM {table} WHERE domain_id = $1 AND generated_speaker_id = $2");
        change(c, Statement::new(sql).bind(self.id().as_str()).bind(id.as_str()))
    }

    fn add_consent(
        &self,
        c: &mut dyn Connection,
        id: &GeneratedSpeakerId,
        mut consent: Consent,
    ) -> Result<(), StoreError> {
        let now = self.now().0;
        consent.recorded_at_ms.get_or_insert(now);
        let (domain, consent_id) = (self.id().as_str(), random_plain_id()?);
        let plain = serde_json::to_vec(&consent)
            .map(Zeroizing::new)
            .map_err(|_| StoreError::invalid("Consent", "cannot be written as JSON"))?;
        let context: [&[u8]; 4] = [b"consents", domain.as_bytes(), id.as_str().as_bytes(), consent_id.as_bytes()];
        let insert = Statement::new(
            "INSERT INTO consents (domain_id, consent_id, generated_speaker_id, recorded_at, sealed) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(domain)
        .bind(&consent_id)
        .bind(id.as_str())
        .bind(now)
        .bind(self.opened.keys.seal(&context, &plain)?);
        change(c, insert).map(|_| ())
    }

    /// The newest consent that was not withdrawn.
    pub(crate) fn standing_consent(
        &self,
        c: &mut dyn Connection,
        id: &GeneratedSpeakerId,
    ) -> Result<Option<Consent>, StoreError> {
        let (path, domain) = (self.path(), self.id().as_str());
        let query = Statement::new(
            "SELECT consent_id, sealed FROM consents WHERE domain_id = $1 AND generated_speaker_id = $2 \
             AND withdrawn_at IS NULL ORDER BY recorded_at DESC, consent_id DESC LIMIT 1",
        )
        .bind(domain)
        .bind(id.as_str());
        let Some(row) = rows(c, query)?.pop() else { return Ok(None) };
        let (consent_id, sealed) = (get::<String>(path, &row, 0)?, get::<Vec<u8>>(path, &row, 1)?);
        let context: [&[u8]; 4] = [b"consents", domain.as_bytes(), id.as_str().as_bytes(), consent_id.as_bytes()];
        let plain = self.opened.keys.open(&context, &sealed);
        let consent = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        consent.map(Some).ok_or_else(|| StoreError::corrupt(path, format!("a consent of {id} does not open")))
    }

    /// Stores a voiceprint; the speaker is `ENROLLED` after it. A new customer id makes a new speaker.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with [`ConflictType::EnrollmentAlreadyExists`] if there is one and `overwrite` is off (an
    /// expired one may always be replaced), or with [`ConflictType::SpeakerOptedOut`];
    /// [`StoreError::NotFound`] with [`ResourceType::Speaker`] for an unknown generated id, or with
    /// [`ResourceType::ComplianceConsent`] if the domain asks for consent and there is none; [`StoreError::Validation`];
    /// storage errors.
    pub fn put_voiceprint(&self, id: &SpeakerId, enrolment: Enrolment<'_>) -> Result<Speaker, StoreError> {
        self.allow(Permission::VoiceId)?;
        let now = Circumstances { enrolled_at: None, last_accessed_at: None, imported: false };
        self.enrol(id, enrolment, now)
    }

    pub(crate) fn enrol(
        &self,
        id: &SpeakerId,
        enrolment: Enrolment<'_>,
        circumstances: Circumstances,
    ) -> Result<Speaker, StoreError> {
        self.opened.backend.write(|c| self.enrol_in(c, id, enrolment, circumstances).map(|(speaker, _)| speaker))
    }

    /// Enrols inside the caller's transaction; gives the speaker and the status before.
    pub(crate) fn enrol_in(
        &self,
        c: &mut dyn Connection,
        id: &SpeakerId,
        enrolment: Enrolment<'_>,
        circumstances: Circumstances,
    ) -> Result<(Speaker, SpeakerStatus), StoreError> {
        enrolment.check()?;
        let info = self.active(c)?;
        let speaker = self.find_or_add(c, &info, id)?;
        let generated = &speaker.generated_speaker_id;
        match speaker.status {
            SpeakerStatus::OptedOut => return Err(opted_out(generated)),
            SpeakerStatus::Enrolled if !enrolment.overwrite => {
                return Err(StoreError::Conflict {
                    conflict: ConflictType::EnrollmentAlreadyExists,
                    reason: format!("speaker {generated} is enrolled already: ask for overwriting to replace it"),
                });
            }
            _ => {}
        }

        if let Some(consent) = enrolment.consent {
            self.add_consent(c, generated, consent)?;
        } else if info.consent_required && self.standing_consent(c, generated)?.is_none() {
            return Err(StoreError::NotFound {
                resource: ResourceType::ComplianceConsent,
                reason: format!("the domain at {} enrols only with a consent note: give one", self.dir().display()),
            });
        }

        let now = self.now();
        let enrolled_at = circumstances.enrolled_at.unwrap_or(now).min(now);
        let last_accessed_at = circumstances.last_accessed_at.unwrap_or(now).min(now);
        if is_expired(Some(last_accessed_at), now, info.expiry_days) {
            let reason = format!("has expired, it was last used {last_accessed_at}: enrol the speaker again");
            return Err(StoreError::invalid("Voiceprint", reason));
        }
        let (model, at) = (enrolment.model_id.to_string(), enrolled_at.0.to_le_bytes());
        let details = enrolment.details.as_bytes();
        let mut content = Zeroizing::new(Vec::with_capacity(4 + details.len() + enrolment.template.len()));
        content.extend_from_slice(&u32::try_from(details.len()).unwrap_or(u32::MAX).to_le_bytes());
        content.extend_from_slice(details);
        content.extend_from_slice(enrolment.template);
        let context = voiceprint_context(self.id().as_str(), generated.as_str(), &model, &at);
        let put = Statement::new(
            "INSERT INTO voiceprints (domain_id, generated_speaker_id, model_id, enrolled_at, sealed) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (domain_id, generated_speaker_id) \
             DO UPDATE SET model_id = excluded.model_id, enrolled_at = excluded.enrolled_at, \
             sealed = excluded.sealed",
        )
        .bind(self.id().as_str())
        .bind(generated.as_str())
        .bind(&model)
        .bind(enrolled_at.0)
        .bind(self.opened.keys.seal(&context, &content)?);
        change(c, put)?;
        self.set_status(c, generated, SpeakerStatus::Enrolled, Some(last_accessed_at))?;

        let action = match speaker.status {
            _ if circumstances.imported => AuditAction::VoiceprintImported,
            SpeakerStatus::Enrolled => AuditAction::SpeakerReenrolled,
            _ => AuditAction::SpeakerEnrolled,
        };
        self.record(c, action, generated.as_str())?;
        self.tell(c, &Event::SpeakerEnrolled { speaker: generated.clone(), source: enrolment.source })?;
        let enrolled = self.get_speaker(c, &info, &generated.clone().into())?;
        Ok((enrolled, speaker.status))
    }

    /// The voiceprint to compare with, or why there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it was changed or moved; storage errors.
    pub fn voiceprint(&self, id: &SpeakerId) -> Result<Lookup, StoreError> {
        self.allow(Permission::VoiceId)?;
        let info = self.describe()?;
        let found = self.opened.backend.read(|c| self.look_up(c, &info, id))?;
        Ok(found.map_or(Lookup::NotEnrolled, |(_, lookup)| lookup))
    }

    pub(crate) fn look_up(
        &self,
        c: &mut dyn Connection,
        info: &DomainInfo,
        id: &SpeakerId,
    ) -> Result<Option<(Speaker, Lookup)>, StoreError> {
        let fields = format!("{SPEAKER_FIELDS}, {PRINT_FIELDS}");
        let join = "LEFT JOIN voiceprints v ON v.domain_id = s.domain_id \
                    AND v.generated_speaker_id = s.generated_speaker_id";
        let Some(row) = self.select(c, &fields, join, id)? else { return Ok(None) };
        let speaker = self.read_speaker(&row, info)?;
        let lookup = match speaker.status {
            SpeakerStatus::Pending => Lookup::NotEnrolled,
            SpeakerStatus::OptedOut => Lookup::OptedOut,
            SpeakerStatus::Expired => Lookup::Expired,
            SpeakerStatus::Enrolled => Lookup::Enrolled(self.read_voiceprint(&row, &speaker, 6)?),
        };
        Ok(Some((speaker, lookup)))
    }

    /// Calls `visit` with each enrolled speaker that has not expired, ordered by generated id.
    ///
    /// Voiceprints are read a few hundred at a time; nothing is held while `visit` runs.
    ///
    /// # Errors
    /// What `visit` returns; storage errors.
    pub fn for_each_enrolled(
        &self,
        mut visit: impl FnMut(Speaker, Voiceprint) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.allow(Permission::VoiceId)?;
        let (path, info) = (self.path(), self.describe()?);
        let sql = format!(
            "SELECT {SPEAKER_FIELDS}, {PRINT_FIELDS} FROM speakers s JOIN voiceprints v ON v.domain_id = s.domain_id \
             AND v.generated_speaker_id = s.generated_speaker_id WHERE s.domain_id = $1 AND s.generated_speaker_id > $2 \
             AND s.status = 'ENROLLED' ORDER BY s.generated_speaker_id LIMIT $3"
        );
        let mut after = String::new();
        loop {
            let query = Statement::new(sql.as_str()).bind(self.id().as_str()).bind(&after).bind(SWEEP);
            let found = self.opened.backend.read(|c| rows(c, query))?;
            let Some(last) = found.last() else { return Ok(()) };
            after = get(path, last, 0)?;
            for row in &found {
                let speaker = self.read_speaker(row, &info)?;
                if speaker.status == SpeakerStatus::Enrolled {
                    let print = self.read_voiceprint(row, &speaker, 6)?;
                    visit(speaker, print)?;
                }
            }
        }
    }

    /// Notes that the speaker was authenticated just now, so that the time to expiry starts again. Returns the status;
    /// nothing is changed unless it is `ENROLLED`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Speaker`]; storage errors.
    pub fn touch_authenticated(&self, id: &SpeakerId) -> Result<SpeakerStatus, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            let info = self.active(c)?;
            let speaker = self.get_speaker(c, &info, id)?;
            if speaker.status == SpeakerStatus::Enrolled {
                let update = Statement::new(
                    "UPDATE speakers SET last_accessed_at = $3 WHERE domain_id = $1 AND generated_speaker_id = $2 \
                     AND last_accessed_at < $3",
                )
                .bind(self.id().as_str())
                .bind(speaker.generated_speaker_id.as_str())
                .bind(self.now().0);
                change(c, update)?;
            }
            Ok(speaker.status)
        })
    }

    /// Makes the speaker known without a voiceprint; one that is known already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Speaker`] for an unknown generated id; storage errors.
    pub fn set_pending(&self, id: &SpeakerId) -> Result<Speaker, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            let info = self.active(c)?;
            self.find_or_add(c, &info, id)
        })
    }

    /// Deletes the voiceprint and refuses every later enrolment, also for a customer id that is not known yet. The
    /// consent on file counts as withdrawn.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Speaker`] for an unknown generated id; [`StoreError::NotErased`];
    /// storage errors.
    pub fn opt_out(&self, id: &SpeakerId) -> Result<Speaker, StoreError> {
        self.allow(Permission::VoiceId)?;
        let speaker = self.opened.backend.write(|c| {
            let info = self.active(c)?;
            let speaker = self.find_or_add(c, &info, id)?;
            if speaker.status == SpeakerStatus::OptedOut {
                return Ok(speaker);
            }
            let generated = &speaker.generated_speaker_id;
            for table in ["voiceprints", "session_audio"] {
                self.delete_from(c, table, generated)?;
            }
            let withdraw = Statement::new(
                "UPDATE consents SET withdrawn_at = $3 WHERE domain_id = $1 AND generated_speaker_id = $2 \
                 AND withdrawn_at IS NULL",
            )
            .bind(self.id().as_str())
            .bind(generated.as_str())
            .bind(self.now().0);
            change(c, withdraw)?;
            self.set_status(c, generated, SpeakerStatus::OptedOut, speaker.last_accessed_at)?;
            self.record(c, AuditAction::SpeakerOptedOut, generated.as_str())?;
            self.tell(c, &Event::SpeakerOptedOut { speaker: generated.clone() })?;
            self.get_speaker(c, &info, &generated.clone().into())
        })?;
        self.opened.backend.erase_deleted()?;
        Ok(speaker)
    }

    /// Lets a speaker who had opted out enrol again, on the strength of a new consent. The speaker is `PENDING` after it;
    /// one who has not opted out is left as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Speaker`]; [`StoreError::Validation`]; storage errors.
    pub fn clear_opt_out(&self, id: &SpeakerId, consent: Consent) -> Result<Speaker, StoreError> {
        self.allow(Permission::VoiceId)?;
        consent.check()?;
        self.opened.backend.write(|c| {
            let info = self.active(c)?;
            let speaker = self.get_speaker(c, &info, id)?;
            if speaker.status != SpeakerStatus::OptedOut {
                return Ok(speaker);
            }
            let generated = &speaker.generated_speaker_id;
            self.add_consent(c, generated, consent)?;
            self.set_status(c, generated, SpeakerStatus::Pending, speaker.last_accessed_at)?;
            self.record(c, AuditAction::OptOutCleared, generated.as_str())?;
            self.get_speaker(c, &info, &generated.clone().into())
        })
    }

    /// Deletes the speaker: entry, voiceprint, audio of calls and consents. The audit keeps the generated id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Speaker`]; [`StoreError::NotErased`]; storage errors.
    pub fn delete_speaker(&self, id: &SpeakerId) -> Result<(), StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            let info = self.active(c)?;
            let speaker = self.get_speaker(c, &info, id)?;
            for table in ["voiceprints", "session_audio", "consents", "speakers"] {
                self.delete_from(c, table, &speaker.generated_speaker_id)?;
            }
            self.record(c, AuditAction::SpeakerDeleted, speaker.generated_speaker_id.as_str())?;
            self.tell(c, &Event::SpeakerDeleted { speaker: speaker.generated_speaker_id })
        })?;
        self.opened.backend.erase_deleted()
    }

    /// The speaker's entry.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Speaker`]; storage errors.
    pub fn describe_speaker(&self, id: &SpeakerId) -> Result<Speaker, StoreError> {
        self.allow(Permission::VoiceId)?;
        let info = self.describe()?;
        self.opened.backend.read(|c| self.get_speaker(c, &info, id))
    }

    /// The speaker's newest consent that was not withdrawn.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Speaker`]; storage errors.
    pub fn consent(&self, id: &SpeakerId) -> Result<Option<Consent>, StoreError> {
        self.allow(Permission::VoiceId)?;
        let speaker = self.describe_speaker(id)?;
        self.opened.backend.read(|c| self.standing_consent(c, &speaker.generated_speaker_id))
    }

    /// How many speakers there are, of every status.
    ///
    /// # Errors
    /// Storage errors.
    pub fn count_speakers(&self) -> Result<u64, StoreError> {
        self.allow(Permission::VoiceId)?;
        let path = self.path();
        self.opened.backend.read(|c| {
            let query = Statement::new("SELECT COUNT(*) FROM speakers WHERE domain_id = $1").bind(self.id().as_str());
            let row = rows(c, query)?.pop();
            let count: Option<i64> = row.map(|row| get(path, &row, 0)).transpose()?;
            Ok(count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
        })
    }

    /// A page of speakers, oldest first: at most `max_results` (1 to [`MAX_PAGE`]), from the start or from `next_token`.
    ///
    /// # Errors
    /// [`StoreError::Validation`] for the number or the token; storage errors.
    pub fn list_speakers(&self, max_results: usize, next_token: Option<&str>) -> Result<Page<Speaker>, StoreError> {
        self.allow(Permission::VoiceId)?;
        if !(1..=MAX_PAGE).contains(&max_results) {
            return Err(StoreError::invalid("MaxResults", format!("must be 1 to {MAX_PAGE}; got {max_results}")));
        }
        let info = self.describe()?;
        let after = next_token.map(|t| parse(&self.opened.keys.page, self.now(), t)).transpose()?;
        let (created_at, id) = after.unwrap_or((Timestamp(i64::MIN), String::new()));
        let sql = format!(
            "SELECT {SPEAKER_FIELDS} FROM speakers s WHERE s.domain_id = $1 \
             AND (s.created_at, s.generated_speaker_id) > ($2, $3) ORDER BY s.created_at, s.generated_speaker_id LIMIT $4"
        );
        let limit = i64::try_from(max_results.saturating_add(1)).unwrap_or(i64::MAX);
        let query = Statement::new(sql).bind(self.id().as_str()).bind(created_at.0).bind(id).bind(limit);
        let found = self.opened.backend.read(|c| rows(c, query))?;
        let more = found.len() > max_results;
        let items: Vec<Speaker> =
            found.iter().take(max_results).map(|row| self.read_speaker(row, &info)).collect::<Result<_, _>>()?;
        let next_token = items
            .last()
            .filter(|_| more)
            .map(|last| token(&self.opened.keys.page, self.now(), last.created_at, last.generated_speaker_id.as_str()));
        Ok(Page { items, next_token })
    }
}
