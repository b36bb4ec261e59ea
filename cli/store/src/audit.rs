//! Who did what to whom, and when: append-only, each entry bound to the one before it, generated ids only.

use std::fmt;
use std::path::Path;

use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change, rows};
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::StoreError;
use crate::page::MAX_PAGE;
use crate::sealed::{framed, mac};
use crate::statement::{Fields, Statement, get};

/// One entry of the audit.
#[derive(Clone, PartialEq, Eq)]
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

impl fmt::Debug for AuditEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEntry")
            .field("seq", &self.seq)
            .field("at", &self.at)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
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
    fn read(path: &Path, row: &Fields) -> Result<Row, StoreError> {
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
        mac(&domain.opened.keys.audit, &framed(&parts)).to_vec()
    }

    fn note_context<'a>(domain: &'a Domain, seq: &'a [u8]) -> [&'a [u8]; 3] {
        [b"audit", domain.id().as_str().as_bytes(), seq]
    }
}

/// The code of the last entry's place: nobody without the key can say that the audit ends earlier.
fn head_mac(domain: &Domain, seq: i64, last: &[u8]) -> Vec<u8> {
    mac(&domain.opened.keys.audit, &framed(&[b"head", domain.id().as_str().as_bytes(), &seq.to_le_bytes(), last]))
        .to_vec()
}

impl Domain {
    /// Adds an entry inside the caller's transaction.
    pub(crate) fn record(&self, c: &mut dyn Connection, action: AuditAction, subject: &str) -> Result<(), StoreError> {
        self.record_noted(c, action, subject, None)
    }

    /// The same, with a reason.
    pub(crate) fn record_noted(
        &self,
        c: &mut dyn Connection,
        action: AuditAction,
        subject: &str,
        note: Option<&str>,
    ) -> Result<(), StoreError> {
        let path = self.opened.backend.path();
        let last = Statement::new("SELECT seq, mac FROM audit WHERE domain_id = $1 ORDER BY seq DESC LIMIT 1");
        let (seq, previous) = match rows(c, last.bind(self.id().as_str()))?.pop() {
            Some(row) => (get::<i64>(path, &row, 0)?, get::<Vec<u8>>(path, &row, 1)?),
            None => (0, Vec::new()),
        };
        let mut row = Row {
            seq: seq.saturating_add(1),
            at: self.now().0,
            actor: self.actor.name.clone(),
            action: action.to_string(),
            subject: subject.to_owned(),
            mac: Vec::new(),
            note: None,
        };
        if let Some(note) = note {
            row.note = Some(self.opened.keys.seal(&Row::note_context(self, &row.seq.to_le_bytes()), note.as_bytes())?);
        }
        row.mac = row.expected(self, &previous);
        let head = head_mac(self, row.seq, &row.mac);
        let seq = row.seq;
        let insert = Statement::new(
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
        change(c, insert)?;
        let insert = Statement::new(
            "INSERT INTO audit_heads (domain_id, seq, mac) VALUES ($1, $2, $3) \
             ON CONFLICT (domain_id) DO UPDATE SET seq = $2, mac = $3",
        );
        change(c, insert.bind(self.id().as_str()).bind(seq).bind(head)).map(|_| ())
    }

    /// Up to [`MAX_PAGE`] entries after number `after`, oldest first.
    ///
    /// # Errors
    /// Storage errors.
    pub fn audit(&self, after: u64) -> Result<Vec<AuditEntry>, StoreError> {
        self.allow(Permission::AuditView)?;
        let path = self.opened.backend.path();
        self.audit_rows(i64::try_from(after).unwrap_or(i64::MAX))?
            .into_iter()
            .map(|row| {
                let damaged =
                    || StoreError::corrupt(path, format!("the note of audit entry {} does not open", row.seq));
                let open = |sealed: &Vec<u8>| {
                    let plain = self.opened.keys.open(&Row::note_context(self, &row.seq.to_le_bytes()), sealed);
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
        let path = self.opened.backend.path();
        let sql = format!("SELECT {FIELDS} FROM audit WHERE domain_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
        self.opened.backend.read(|c| {
            let query = Statement::new(sql).bind(self.id().as_str()).bind(after).bind(MAX_PAGE as i64);
            rows(c, query)?.iter().map(|row| Row::read(path, row)).collect()
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
                    return Err(StoreError::corrupt(self.opened.backend.path(), reason));
                }
                last = row.seq;
                previous = row.mac;
            }
        }
    }

    /// Domains of an earlier schema have no head before their next entry.
    fn verify_head(&self, last: i64, mac: &[u8]) -> Result<(), StoreError> {
        let path = self.path();
        let query = Statement::new("SELECT seq, mac FROM audit_heads WHERE domain_id = $1").bind(self.id().as_str());
        let Some(row) = self.opened.backend.read(|c| rows(c, query))?.pop() else { return Ok(()) };
        let (seq, head): (i64, Vec<u8>) = (get(path, &row, 0)?, get(path, &row, 1)?);
        if seq == last && head == head_mac(self, last, mac) {
            return Ok(());
        }
        Err(StoreError::corrupt(path, format!("the audit ends with entry {last}, and it ended with entry {seq}")))
    }
}
