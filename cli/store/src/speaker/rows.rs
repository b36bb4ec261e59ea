//! Rows of speakers, voiceprints and consents: read, found and written inside the caller's transaction.

use zeroize::Zeroizing;

use super::{Consent, Speaker, SpeakerStatus, Voiceprint};
use crate::backend::{Connection, change, rows};
use crate::clock::{DAY_MS, Timestamp};
use crate::domain::{Domain, DomainInfo};
use crate::error::{ConflictType, ResourceType, StoreError};
use crate::ids::{GeneratedSpeakerId, SpeakerId, random_plain_id};
use crate::statement::{Fields, Statement, get};

pub(super) const SPEAKER_FIELDS: &str = "s.generated_speaker_id, s.customer_sealed, s.status, s.created_at, s.updated_at, \
     s.last_accessed_at";
pub(super) const PRINT_FIELDS: &str = "v.model_id, v.enrolled_at, v.sealed";

pub(super) fn voiceprint_context<'a>(
    domain: &'a str,
    speaker: &'a str,
    model: &'a str,
    at: &'a [u8; 8],
) -> [&'a [u8]; 5] {
    [b"voiceprints", domain.as_bytes(), speaker.as_bytes(), model.as_bytes(), at]
}

pub(super) fn is_expired(last_accessed_at: Option<Timestamp>, now: Timestamp, expiry_days: u32) -> bool {
    last_accessed_at.is_some_and(|last| now.0.saturating_sub(last.0) >= i64::from(expiry_days).saturating_mul(DAY_MS))
}

pub(super) fn opted_out(id: &GeneratedSpeakerId) -> StoreError {
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

    pub(super) fn read_speaker(&self, row: &Fields, info: &DomainInfo) -> Result<Speaker, StoreError> {
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

    pub(super) fn read_voiceprint(&self, row: &Fields, of: &Speaker, column: usize) -> Result<Voiceprint, StoreError> {
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
    pub(super) fn select(
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

    pub(super) fn find(
        &self,
        c: &mut dyn Connection,
        info: &DomainInfo,
        id: &SpeakerId,
    ) -> Result<Option<Speaker>, StoreError> {
        let row = self.select(c, SPEAKER_FIELDS, "", id)?;
        row.map(|row| self.read_speaker(&row, info)).transpose()
    }

    pub(super) fn get_speaker(
        &self,
        c: &mut dyn Connection,
        info: &DomainInfo,
        id: &SpeakerId,
    ) -> Result<Speaker, StoreError> {
        self.find(c, info, id)?.ok_or_else(|| self.no_such_speaker(id))
    }

    /// The speaker, made as pending if a customer id is new.
    pub(super) fn find_or_add(
        &self,
        c: &mut dyn Connection,
        info: &DomainInfo,
        id: &SpeakerId,
    ) -> Result<Speaker, StoreError> {
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

    pub(super) fn set_status(
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

    pub(super) fn delete_from(
        &self,
        c: &mut dyn Connection,
        table: &str,
        id: &GeneratedSpeakerId,
    ) -> Result<u64, StoreError> {
        let sql = format!("DELETE FROM {table} WHERE domain_id = $1 AND generated_speaker_id = $2");
        change(c, Statement::new(sql).bind(self.id().as_str()).bind(id.as_str()))
    }

    pub(super) fn add_consent(
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
}
