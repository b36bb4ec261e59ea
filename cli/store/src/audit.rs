//! Who did what to whom, and when: append-only, each entry bound to the one before it, generated ids only.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use sqlx::sqlite::SqliteConnection;

use crate::backend::{change, get, rows};
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::StoreError;
use crate::page::MAX_PAGE;
use crate::sealed::{framed, mac};

/// What was done; `Display` gives the spelling in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditAction {
    /// The domain was made.
    DomainCreated,
    /// The domain's name, description or settings were changed.
    DomainUpdated,
    /// The domain got a new domain key.
    DomainRekeyed,
    /// A first voiceprint, or one after expiry.
    SpeakerEnrolled,
    /// A voiceprint was replaced.
    SpeakerReenrolled,
    /// A voiceprint was deleted at the speaker's wish.
    SpeakerOptedOut,
    /// A speaker who had opted out consented again.
    OptOutCleared,
    /// A speaker and all that belongs to it was deleted.
    SpeakerDeleted,
    /// A voiceprint left the domain in a sealed file.
    VoiceprintExported,
    /// A voiceprint came from a sealed file.
    VoiceprintImported,
    /// A watch list was made.
    WatchlistCreated,
    /// A watch list's name or description was changed.
    WatchlistUpdated,
    /// A watch list was deleted.
    WatchlistDeleted,
    /// A fraudster was registered.
    FraudsterRegistered,
    /// A fraudster was put on a list.
    FraudsterAssociated,
    /// A fraudster was taken off a list.
    FraudsterDisassociated,
    /// A fraudster was deleted.
    FraudsterDeleted,
    /// The audio of a call was kept.
    SessionAudioKept,
    /// The audio of a call was read.
    SessionAudioRead,
    /// The audio of a call was erased, by hand or because its time was over.
    SessionAudioErased,
}

const ACTIONS: [(AuditAction, &str); 20] = [
    (AuditAction::DomainCreated, "DOMAIN_CREATED"),
    (AuditAction::DomainUpdated, "DOMAIN_UPDATED"),
    (AuditAction::DomainRekeyed, "DOMAIN_REKEYED"),
    (AuditAction::SpeakerEnrolled, "SPEAKER_ENROLLED"),
    (AuditAction::SpeakerReenrolled, "SPEAKER_REENROLLED"),
    (AuditAction::SpeakerOptedOut, "SPEAKER_OPTED_OUT"),
    (AuditAction::OptOutCleared, "OPT_OUT_CLEARED"),
    (AuditAction::SpeakerDeleted, "SPEAKER_DELETED"),
    (AuditAction::VoiceprintExported, "VOICEPRINT_EXPORTED"),
    (AuditAction::VoiceprintImported, "VOICEPRINT_IMPORTED"),
    (AuditAction::WatchlistCreated, "WATCHLIST_CREATED"),
    (AuditAction::WatchlistUpdated, "WATCHLIST_UPDATED"),
    (AuditAction::WatchlistDeleted, "WATCHLIST_DELETED"),
    (AuditAction::FraudsterRegistered, "FRAUDSTER_REGISTERED"),
    (AuditAction::FraudsterAssociated, "FRAUDSTER_ASSOCIATED"),
    (AuditAction::FraudsterDisassociated, "FRAUDSTER_DISASSOCIATED"),
    (AuditAction::FraudsterDeleted, "FRAUDSTER_DELETED"),
    (AuditAction::SessionAudioKept, "SESSION_AUDIO_KEPT"),
    (AuditAction::SessionAudioRead, "SESSION_AUDIO_READ"),
    (AuditAction::SessionAudioErased, "SESSION_AUDIO_ERASED"),
];

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ACTIONS.iter().find(|(action, _)| action == self).map_or("UNKNOWN", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for AuditAction {
    type Err = StoreError;

    fn from_str(s: &str) -> Result<Self, StoreError> {
        let found = ACTIONS.iter().find(|(_, name)| *name == s).map(|(action, _)| *action);
        found.ok_or_else(|| StoreError::invalid("AuditAction", "no such action"))
    }
}

/// One entry of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, as [`crate::OpenOptions::actor`] named them.
    pub actor: String,
    /// What.
    pub action: AuditAction,
    /// The generated id of the speaker, or the domain's id.
    pub subject: String,
}

const FIELDS: &str = "seq, at, actor, action, subject, mac";

struct Row {
    seq: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    mac: Vec<u8>,
}

impl Row {
    fn read(path: &Path, row: &sqlx::sqlite::SqliteRow) -> Result<Row, StoreError> {
        Ok(Row {
            seq: get(path, row, 0)?,
            at: get(path, row, 1)?,
            actor: get(path, row, 2)?,
            action: get(path, row, 3)?,
            subject: get(path, row, 4)?,
            mac: get(path, row, 5)?,
        })
    }

    /// The code that this row must carry after `previous`.
    fn expected(&self, domain: &Domain, previous: &[u8]) -> Vec<u8> {
        let message = framed(&[
            previous,
            domain.id().as_str().as_bytes(),
            &self.seq.to_le_bytes(),
            &self.at.to_le_bytes(),
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.subject.as_bytes(),
        ]);
        mac(&domain.keys.audit, &message).to_vec()
    }
}

impl Domain {
    /// Adds an entry inside the caller's transaction.
    pub(crate) async fn record(
        &self,
        c: &mut SqliteConnection,
        action: AuditAction,
        subject: &str,
    ) -> Result<(), StoreError> {
        let path = self.backend.path();
        let last = sqlx::query("SELECT seq, mac FROM audit WHERE domain_id = $1 ORDER BY seq DESC LIMIT 1");
        let (seq, previous) = match rows(path, c, last.bind(self.id().as_str())).await?.pop() {
            Some(row) => (get::<i64>(path, &row, 0)?, get::<Vec<u8>>(path, &row, 1)?),
            None => (0, Vec::new()),
        };
        let mut row = Row {
            seq: seq.saturating_add(1),
            at: self.now().0,
            actor: self.actor.clone(),
            action: action.to_string(),
            subject: subject.to_owned(),
            mac: Vec::new(),
        };
        row.mac = row.expected(self, &previous);
        let insert = sqlx::query(
            "INSERT INTO audit (domain_id, seq, at, actor, action, subject, mac) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(self.id().as_str())
        .bind(row.seq)
        .bind(row.at)
        .bind(row.actor)
        .bind(row.action)
        .bind(row.subject)
        .bind(row.mac);
        change(path, c, insert).await.map(|_| ())
    }

    /// Up to [`MAX_PAGE`] entries after number `after`, oldest first.
    ///
    /// # Errors
    /// Storage errors.
    pub fn audit(&self, after: u64) -> Result<Vec<AuditEntry>, StoreError> {
        let path = self.backend.path();
        self.audit_rows(i64::try_from(after).unwrap_or(i64::MAX))?
            .into_iter()
            .map(|row| {
                Ok(AuditEntry {
                    seq: u64::try_from(row.seq).unwrap_or(0),
                    at: Timestamp(row.at),
                    actor: row.actor,
                    action: row.action.parse().map_err(|_| StoreError::corrupt(path, "unknown audit action"))?,
                    subject: row.subject,
                })
            })
            .collect()
    }

    fn audit_rows(&self, after: i64) -> Result<Vec<Row>, StoreError> {
        let path = self.backend.path();
        let sql = format!("SELECT {FIELDS} FROM audit WHERE domain_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
        self.backend.read(async |c| {
            let query = sqlx::query(&sql).bind(self.id().as_str()).bind(after).bind(MAX_PAGE as i64);
            rows(path, c, query).await?.iter().map(|row| Row::read(path, row)).collect()
        })
    }

    /// Checks that no entry was changed, moved or taken out; returns how many there are.
    ///
    /// Entries cut off at the end leave no trace: compare the count with one noted elsewhere.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] naming the first entry that does not fit; storage errors.
    pub fn verify_audit(&self) -> Result<u64, StoreError> {
        let (mut last, mut previous) = (0i64, Vec::new());
        loop {
            let page = self.audit_rows(last)?;
            if page.is_empty() {
                return Ok(u64::try_from(last).unwrap_or(0));
            }
            for row in page {
                if row.seq != last.saturating_add(1) || row.mac != row.expected(self, &previous) {
                    let reason = format!("audit entry {} does not follow from the one before it", row.seq);
                    return Err(StoreError::corrupt(self.backend.path(), reason));
                }
                last = row.seq;
                previous = row.mac;
            }
        }
    }
}
