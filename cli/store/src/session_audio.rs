//! The audio of past calls, sealed, for a few hours: to register a fraudster from a call that is over.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change, rows};
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::{ResourceType, StoreError};
use crate::ids::{GeneratedSpeakerId, SessionId};
use crate::statement::{Statement, get};

const HOUR_MS: i64 = 3_600_000;

/// What was heard of a call: 16-bit mono. Erased when dropped; `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionAudio {
    /// Its rate, in Hz.
    pub rate_hz: u32,
    samples: Vec<i16>,
}

impl SessionAudio {
    /// Most samples that are kept of a call: half an hour at 8 kHz.
    pub const MOST_SAMPLES: usize = 14_400_000;

    /// Nothing yet, of audio at `rate_hz`.
    pub fn new(rate_hz: u32) -> Self {
        Self { rate_hz, samples: Vec::new() }
    }

    /// The samples.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// Appends samples; what is beyond [`SessionAudio::MOST_SAMPLES`] is not taken.
    pub fn extend(&mut self, samples: impl ExactSizeIterator<Item = i16>) {
        let n = samples.len().min(Self::MOST_SAMPLES - self.samples.len());
        let needed = self.samples.len() + n;
        if needed > self.samples.capacity() {
            // Not left to `Vec`, which would free the old memory as it is.
            let mut larger = Vec::with_capacity(needed.next_power_of_two());
            larger.extend_from_slice(&self.samples);
            self.samples.zeroize();
            self.samples = larger;
        }
        self.samples.extend(samples.take(n));
    }

    /// `rate (4, little endian) | samples (2 each, little endian)`.
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 + 2 * self.samples.len()));
        bytes.extend_from_slice(&self.rate_hz.to_le_bytes());
        self.samples.iter().for_each(|s| bytes.extend_from_slice(&s.to_le_bytes()));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (rate, samples) = bytes.split_first_chunk()?;
        let (pairs, rest) = samples.as_chunks();
        rest.is_empty().then(|| Self {
            rate_hz: u32::from_le_bytes(*rate),
            samples: pairs.iter().map(|p| i16::from_le_bytes(*p)).collect(),
        })
    }
}

impl fmt::Debug for SessionAudio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAudio").field("rate_hz", &self.rate_hz).finish_non_exhaustive()
    }
}

impl Drop for SessionAudio {
    fn drop(&mut self) {
        self.samples.zeroize();
    }
}

/// A call whose audio is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSession {
    /// The call.
    pub session_id: SessionId,
    /// Whom the caller claimed to be, where that was somebody known.
    pub generated_speaker_id: Option<GeneratedSpeakerId>,
    /// When it was kept.
    pub kept_at: Timestamp,
    /// From when on it is gone.
    pub expires_at: Timestamp,
}

fn context<'a>(domain: &'a str, session: &'a str) -> [&'a [u8]; 3] {
    [b"session_audio", domain.as_bytes(), session.as_bytes()]
}

impl Domain {
    fn no_such_session(&self, id: &SessionId) -> StoreError {
        StoreError::NotFound {
            resource: ResourceType::Session,
            reason: format!(
                "no audio of session {id} is kept in the domain at {}: it was not asked for, or its time is over",
                self.dir().display()
            ),
        }
    }

    /// Keeps what was heard of a call for `hours`, 1 to 168. Audio whose time is over is erased on the way.
    ///
    /// # Errors
    /// [`StoreError::Validation`] for the hours, no samples or more than [`SessionAudio::MOST_SAMPLES`]; storage errors, also when
    /// the session has audio already.
    pub fn keep_session_audio(
        &self,
        session: &SessionId,
        speaker: Option<&GeneratedSpeakerId>,
        audio: &SessionAudio,
        hours: u32,
    ) -> Result<KeptSession, StoreError> {
        self.allow(Permission::VoiceId)?;
        if !(1..=168).contains(&hours) {
            return Err(StoreError::invalid("Hours", format!("must be 1 to 168; got {hours}")));
        }
        let n = audio.samples.len();
        if !(1..=SessionAudio::MOST_SAMPLES).contains(&n) {
            let reason = format!("must have 1 to {} samples; got {n}", SessionAudio::MOST_SAMPLES);
            return Err(StoreError::invalid("SessionAudio", reason));
        }
        self.erase_expired_audio()?;
        let now = self.now();
        let expires_at = Timestamp(now.0.saturating_add(i64::from(hours) * HOUR_MS));
        let sealed = self.opened.keys.seal(&context(self.id().as_str(), session.as_str()), &audio.to_bytes())?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let insert = Statement::new(
                "INSERT INTO session_audio (domain_id, session_id, generated_speaker_id, kept_at, expires_at, sealed) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(self.id().as_str())
            .bind(session.as_str())
            .bind(speaker.map(GeneratedSpeakerId::as_str))
            .bind(now.0)
            .bind(expires_at.0)
            .bind(sealed);
            change(c, insert)?;
            self.record(c, AuditAction::SessionAudioKept, session.as_str())
        })?;
        Ok(KeptSession {
            session_id: session.clone(),
            generated_speaker_id: speaker.cloned(),
            kept_at: now,
            expires_at,
        })
    }

    /// What was heard of a call. The audit notes that it was read.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Session`], also when its time is over; storage errors.
    pub fn session_audio(&self, session: &SessionId) -> Result<SessionAudio, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.allow(Permission::RecordingUnredacted)?;
        let path = self.path();
        self.opened.backend.write(|c| {
            let query = Statement::new(
                "SELECT sealed FROM session_audio WHERE domain_id = $1 AND session_id = $2 AND expires_at > $3",
            );
            let query = query.bind(self.id().as_str()).bind(session.as_str()).bind(self.now().0);
            let row = rows(c, query)?.pop().ok_or_else(|| self.no_such_session(session))?;
            let sealed: Vec<u8> = get(path, &row, 0)?;
            let plain = self.opened.keys.open(&context(self.id().as_str(), session.as_str()), &sealed);
            let audio = plain.and_then(|p| SessionAudio::from_bytes(&p));
            let audio =
                audio.ok_or_else(|| StoreError::corrupt(path, format!("the audio of {session} does not open")))?;
            self.record(c, AuditAction::SessionAudioRead, session.as_str())?;
            Ok(audio)
        })
    }

    /// The calls whose audio is kept, oldest first.
    ///
    /// # Errors
    /// Storage errors.
    pub fn list_session_audio(&self) -> Result<Vec<KeptSession>, StoreError> {
        self.allow(Permission::VoiceId)?;
        let path = self.path();
        let bad = |_| StoreError::corrupt(path, "a kept session's row breaks a rule");
        let query = Statement::new(
            "SELECT session_id, generated_speaker_id, kept_at, expires_at FROM session_audio \
             WHERE domain_id = $1 AND expires_at > $2 ORDER BY kept_at, session_id",
        );
        let query = query.bind(self.id().as_str()).bind(self.now().0);
        let found = self.opened.backend.read(|c| rows(c, query))?;
        let read = |row| {
            let speaker: Option<String> = get(path, row, 1)?;
            Ok(KeptSession {
                session_id: get::<String>(path, row, 0)?.parse().map_err(bad)?,
                generated_speaker_id: speaker.map(|s| s.parse()).transpose().map_err(bad)?,
                kept_at: Timestamp(get(path, row, 2)?),
                expires_at: Timestamp(get(path, row, 3)?),
            })
        };
        found.iter().map(read).collect()
    }

    /// Erases the audio of a call.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Session`]; [`StoreError::NotErased`]; storage errors.
    pub fn delete_session_audio(&self, session: &SessionId) -> Result<(), StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            let delete = Statement::new("DELETE FROM session_audio WHERE domain_id = $1 AND session_id = $2");
            let delete = delete.bind(self.id().as_str()).bind(session.as_str());
            if change(c, delete)? == 0 {
                return Err(self.no_such_session(session));
            }
            self.record(c, AuditAction::SessionAudioErased, session.as_str())
        })?;
        self.opened.backend.erase_deleted()
    }

    /// Erases audio whose time is over; says of how many calls.
    ///
    /// # Errors
    /// [`StoreError::NotErased`]; storage errors.
    pub fn erase_expired_audio(&self) -> Result<usize, StoreError> {
        self.allow(Permission::VoiceId)?;
        let erased = self.opened.backend.write(|c| self.erase_expired_in(c))?;
        if erased > 0 {
            self.opened.backend.erase_deleted()?;
        }
        Ok(erased)
    }

    fn erase_expired_in(&self, c: &mut dyn Connection) -> Result<usize, StoreError> {
        let path = self.path();
        let query = Statement::new("SELECT session_id FROM session_audio WHERE domain_id = $1 AND expires_at <= $2");
        let expired = rows(c, query.bind(self.id().as_str()).bind(self.now().0))?;
        for row in &expired {
            let id: String = get(path, row, 0)?;
            let delete = Statement::new("DELETE FROM session_audio WHERE domain_id = $1 AND session_id = $2");
            change(c, delete.bind(self.id().as_str()).bind(&id))?;
            self.record(c, AuditAction::SessionAudioErased, &id)?;
        }
        Ok(expired.len())
    }
}
