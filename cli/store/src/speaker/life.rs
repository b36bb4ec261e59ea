//! What becomes of speakers: looked up, authenticated, opted out, deleted, listed.

use super::rows::{PRINT_FIELDS, SPEAKER_FIELDS};
use super::{Consent, Lookup, Speaker, SpeakerStatus, Voiceprint};
use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change, rows};
use crate::clock::Timestamp;
use crate::domain::{Domain, DomainInfo};
use crate::error::StoreError;
use crate::events::Event;
use crate::ids::SpeakerId;
use crate::page::{MAX_PAGE, Page, parse, token};
use crate::statement::{Statement, get};

/// Voiceprints read at a time by [`Domain::for_each_enrolled`].
const SWEEP: i64 = 256;

impl Domain {
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
    /// [`StoreError::NotFound`] with [`crate::ResourceType::Speaker`]; storage errors.
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
    /// [`StoreError::NotFound`] with [`crate::ResourceType::Speaker`] for an unknown generated id; storage errors.
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
    /// [`StoreError::NotFound`] with [`crate::ResourceType::Speaker`] for an unknown generated id; [`StoreError::NotErased`];
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
    /// [`StoreError::NotFound`] with [`crate::ResourceType::Speaker`]; [`StoreError::Validation`]; storage errors.
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
    /// [`StoreError::NotFound`] with [`crate::ResourceType::Speaker`]; [`StoreError::NotErased`]; storage errors.
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
    /// [`StoreError::NotFound`] with [`crate::ResourceType::Speaker`]; storage errors.
    pub fn describe_speaker(&self, id: &SpeakerId) -> Result<Speaker, StoreError> {
        self.allow(Permission::VoiceId)?;
        let info = self.describe()?;
        self.opened.backend.read(|c| self.get_speaker(c, &info, id))
    }

    /// The speaker's newest consent that was not withdrawn.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`crate::ResourceType::Speaker`]; storage errors.
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
