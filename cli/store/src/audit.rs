//! Who did what to whom, and when: append-only, each entry bound to the one before it, generated ids only.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use sqlx::sqlite::SqliteConnection;

use crate::access::Permission;
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
    /// Somebody was not allowed what they asked for.
    AccessDenied,
    /// Contacts were put into the archive.
    ContactsImported,
    /// A recording or a transcript was put beside a contact.
    ContactFileStored,
    /// A recording or a transcript was read as it was.
    UnredactedRead,
    /// A contact was deleted.
    ContactDeleted,
    /// Contacts were erased because their time was over.
    ContactsErased,
    /// A user was made.
    UserCreated,
    /// A user's roles or group were changed.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
    /// A user got a new token.
    TokenIssued,
    /// A role was made or changed.
    RoleWritten,
    /// A role was deleted.
    RoleDeleted,
    /// A user got a right for a time.
    Elevated,
    /// A right given for a time was taken back.
    ElevationRevoked,
    /// A rule was made or changed.
    RuleWritten,
    /// A rule was deleted.
    RuleDeleted,
    /// A setting was changed.
    SettingWritten,
}

const ACTIONS: [(AuditAction, &str); 37] = [
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
    (AuditAction::AccessDenied, "ACCESS_DENIED"),
    (AuditAction::ContactsImported, "CONTACTS_IMPORTED"),
    (AuditAction::ContactFileStored, "CONTACT_FILE_STORED"),
    (AuditAction::UnredactedRead, "UNREDACTED_READ"),
    (AuditAction::ContactDeleted, "CONTACT_DELETED"),
    (AuditAction::ContactsErased, "CONTACTS_ERASED"),
    (AuditAction::UserCreated, "USER_CREATED"),
    (AuditAction::UserUpdated, "USER_UPDATED"),
    (AuditAction::UserDeleted, "USER_DELETED"),
    (AuditAction::TokenIssued, "TOKEN_ISSUED"),
    (AuditAction::RoleWritten, "ROLE_WRITTEN"),
    (AuditAction::RoleDeleted, "ROLE_DELETED"),
    (AuditAction::Elevated, "ELEVATED"),
    (AuditAction::ElevationRevoked, "ELEVATION_REVOKED"),
    (AuditAction::RuleWritten, "RULE_WRITTEN"),
    (AuditAction::RuleDeleted, "RULE_DELETED"),
    (AuditAction::SettingWritten, "SETTING_WRITTEN"),
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
    /// What it was done to: a generated id, a contact's id, or the name of a user, a role, a rule or a setting.
    pub subject: String,
    /// Why, or how much: what was given as the reason.
    pub note: Option<String>,
}

const FIELDS: &str = "seq, at, actor, action, subject, mac, note";

struct Row {
    seq: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    mac: Vec<u8>,
    note: Option<Vec<u8>>,
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
            note: get(path, row, 6)?,
        })
    }

    /// The code that this row must carry after `previous`.
    fn expected(&self, domain: &Domain, previous: &[u8]) -> Vec<u8> {
        let (seq, at) = (self.seq.to_le_bytes(), self.at.to_le_bytes());
        let mut parts = vec![
            previous,
            domain.id().as_str().as_bytes(),
            &seq,
            &at,
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.subject.as_bytes(),
        ];
        // Entries of earlier schemas have none, and their code is as it was.
        parts.extend(self.note.as_deref());
        mac(&domain.keys.audit, &framed(&parts)).to_vec()
    }

    fn note_context<'a>(domain: &'a Domain, seq: &'a [u8]) -> [&'a [u8]; 3] {
        [b"audit", domain.id().as_str().as_bytes(), seq]
    }
}

/// The code of the last entry's place: nobody without the key can say that the audit ends earlier.
fn head_mac(domain: &Domain, seq: i64, last: &[u8]) -> Vec<u8> {
    mac(&domain.keys.audit, &framed(&[b"head", domain.id().as_str().as_bytes(), &seq.to_le_bytes(), last])).to_vec()
}

impl Domain {
    /// Adds an entry inside the caller's transaction.
    pub(crate) async fn record(
        &self,
        c: &mut SqliteConnection,
        action: AuditAction,
        subject: &str,
    ) -> Result<(), StoreError> {
        self.record_noted(c, action, subject, None).await
    }

    /// The same, with a reason.
    pub(crate) async fn record_noted(
        &self,
        c: &mut SqliteConnection,
        action: AuditAction,
        subject: &str,
        note: Option<&str>,
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
            note: None,
        };
        if let Some(note) = note {
            row.note = Some(self.keys.seal(&Row::note_context(self, &row.seq.to_le_bytes()), note.as_bytes())?);
        }
        row.mac = row.expected(self, &previous);
        let head = head_mac(self, row.seq, &row.mac);
        let seq = row.seq;
        let insert = sqlx::query(
            "INSERT INTO audit (domain_id, seq, at, actor, action, subject, mac, note) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(self.id().as_str())
        .bind(row.seq)
        .bind(row.at)
        .bind(row.actor)
        .bind(row.action)
        .bind(row.subject)
        .bind(row.mac)
        .bind(row.note);
        change(path, c, insert).await?;
        let insert = sqlx::query(
            "INSERT INTO audit_heads (domain_id, seq, mac) VALUES ($1, $2, $3) \
             ON CONFLICT (domain_id) DO UPDATE SET seq = $2, mac = $3",
        );
        change(path, c, insert.bind(self.id().as_str()).bind(seq).bind(head)).await.map(|_| ())
    }

    /// Up to [`MAX_PAGE`] entries after number `after`, oldest first.
    ///
    /// # Errors
    /// Storage errors.
    pub fn audit(&self, after: u64) -> Result<Vec<AuditEntry>, StoreError> {
        self.allow(Permission::AuditView)?;
        let path = self.backend.path();
        self.audit_rows(i64::try_from(after).unwrap_or(i64::MAX))?
            .into_iter()
            .map(|row| {
                let damaged =
                    || StoreError::corrupt(path, format!("the note of audit entry {} does not open", row.seq));
                let open = |sealed: &Vec<u8>| {
                    let plain = self.keys.open(&Row::note_context(self, &row.seq.to_le_bytes()), sealed);
                    plain.and_then(|p| String::from_utf8(p.to_vec()).ok()).ok_or_else(damaged)
                };
                Ok(AuditEntry {
                    note: row.note.as_ref().map(open).transpose()?,
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

    /// Checks that no entry was changed, moved or taken out, the newest ones included; returns how many there are. What it cannot tell is that a
    /// whole older copy of the database was put back: compare the count with one noted elsewhere.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] naming the first entry that does not fit; storage errors.
    pub fn verify_audit(&self) -> Result<u64, StoreError> {
        self.allow(Permission::AuditView)?;
        let (mut last, mut previous) = (0i64, Vec::new());
        loop {
            let page = self.audit_rows(last)?;
            if page.is_empty() {
                self.verify_head(last, &previous)?;
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

    /// Domains of an earlier schema have no head before their next entry.
    fn verify_head(&self, last: i64, mac: &[u8]) -> Result<(), StoreError> {
        let path = self.path();
        let query = sqlx::query("SELECT seq, mac FROM audit_heads WHERE domain_id = $1").bind(self.id().as_str());
        let Some(row) = self.backend.read(async |c| rows(path, c, query).await)?.pop() else { return Ok(()) };
        let (seq, head): (i64, Vec<u8>) = (get(path, &row, 0)?, get(path, &row, 1)?);
        if seq == last && head == head_mac(self, last, mac) {
            return Ok(());
        }
        Err(StoreError::corrupt(path, format!("the audit ends with entry {last}, and it ended with entry {seq}")))
    }
}
