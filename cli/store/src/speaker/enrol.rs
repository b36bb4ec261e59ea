//! Storing a voiceprint.

use zeroize::Zeroizing;

use super::rows::{is_expired, opted_out, voiceprint_context};
use super::{Circumstances, Enrolment, Speaker, SpeakerStatus};
use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change};
use crate::domain::Domain;
use crate::error::{ConflictType, ResourceType, StoreError};
use crate::events::Event;
use crate::ids::SpeakerId;
use crate::statement::Statement;

impl Domain {
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
}
