//! Filling the archive, and what leaves it.

use serde_json::Value;
use zeroize::Zeroizing;

use super::record::{ContactRecord, text};
use super::{Imported, NewContactFile, Row, StoredContact};
use crate::access::{Action, Grants, Media, Permission, Variant};
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change, rows};
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::StoreError;
use crate::statement::{Statement, get};
use crate::words::{Index, Said, Speaker};

/// Longest time a contact is kept.
const MAX_RETENTION_DAYS: u32 = 36_500;
/// Largest recording or transcript, in bytes.
const MAX_FILE_BYTES: usize = 900_000_000;

impl Domain {
    /// Puts records into the archive, all of them or none, to be kept for `retention_days` from the call on.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Validation`] for the days; storage errors.
    pub fn import_contacts(&self, records: &[ContactRecord], retention_days: u32) -> Result<Imported, StoreError> {
        self.allow(Permission::ImportContacts)?;
        if !(1..=MAX_RETENTION_DAYS).contains(&retention_days) {
            let reason = format!("must be 1 to {MAX_RETENTION_DAYS}; got {retention_days}");
            return Err(StoreError::invalid("RetentionDays", reason));
        }
        self.opened.backend.write(|c| {
            self.active(c)?;
            let mut told = Imported::default();
            for record in records {
                match self.import_one(c, record, retention_days)? {
                    Some(true) => told.new += 1,
                    Some(false) => told.updated += 1,
                    None => told.stale += 1,
                }
            }
            if told.new + told.updated > 0 {
                let note = format!("{} new, {} updated", told.new, told.updated);
                self.record_noted(c, AuditAction::ContactsImported, self.id().as_str(), Some(&note))?;
            }
            Ok(told)
        })
    }

    /// `true` for a new one, `false` for a newer one, `None` for one that is no newer.
    fn import_one(
        &self,
        c: &mut dyn Connection,
        record: &ContactRecord,
        days: u32,
    ) -> Result<Option<bool>, StoreError> {
        let path = self.path();
        let id = record.contact_id.as_str();
        let query = Statement::new("SELECT last_update_at FROM contacts WHERE domain_id = $1 AND contact_id = $2");
        let found = rows(c, query.bind(self.id().as_str()).bind(id))?.pop();
        let before: Option<i64> = found.map(|row| get(path, &row, 0)).transpose()?;
        if before.is_some_and(|at| at >= record.last_update_at) {
            return Ok(None);
        }
        let json = &record.json;
        let plain =
            Zeroizing::new(serde_json::to_vec(json).map_err(|e| StoreError::Internal { reason: e.to_string() })?);
        let sealed = self.opened.keys.seal(&self.contact_context(id), &plain)?;
        let voice = |path: &[&str]| text(json, &[&["VoiceIdResult"], path].concat()).map(str::to_owned);
        let fraud_reasons =
            json.pointer("/VoiceIdResult/FraudDetection/Reasons").and_then(Value::as_array).map(|all| {
                let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                format!("\u{1f}{}\u{1f}", all.join("\u{1f}"))
            });
        let insert = Statement::new(
            "INSERT INTO contacts (domain_id, contact_id, channel, agent, queue, hierarchy, initiated_at, closed, \
             last_update_at, imported_at, expires_at, authentication, fraud, fraud_reasons, speaker_action) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
             ON CONFLICT (domain_id, contact_id) DO UPDATE SET channel = $3, agent = $4, queue = $5, hierarchy = $6, \
             initiated_at = $7, closed = $8, last_update_at = $9, imported_at = $10, expires_at = $11, \
             authentication = $12, fraud = $13, fraud_reasons = $14, speaker_action = $15 RETURNING contact_no",
        )
        .bind(self.id().as_str())
        .bind(id)
        .bind(text(json, &["Channel"]))
        .bind(text(json, &["Agent", "Username"]))
        .bind(text(json, &["Queue", "Name"]))
        .bind(record.hierarchy().text())
        .bind(record.initiated_at)
        .bind(record.closed())
        .bind(record.last_update_at)
        .bind(self.now().0)
        .bind(Timestamp(record.initiated_at).plus_days(i64::from(days)).0)
        .bind(voice(&["Authentication", "Result"]))
        .bind(voice(&["FraudDetection", "Result"]))
        .bind(fraud_reasons)
        .bind(record.speaker_action());
        let row = rows(c, insert)?.pop().ok_or_else(|| self.no_such_contact(id))?;
        let insert = Statement::new(
            "INSERT INTO contact_records (contact_no, sealed) VALUES ($1, $2) \
             ON CONFLICT (contact_no) DO UPDATE SET sealed = $2",
        );
        change(c, insert.bind(get::<i64>(path, &row, 0)?).bind(sealed))?;
        Ok(Some(before.is_none()))
    }

    /// Puts recordings and analysed transcripts (Contact Lens's JSON) beside contacts, all of them or none, instead of those that were there. What a transcript says is
    /// found by [`Domain::search_contacts`] from then on.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`]; [`StoreError::Validation`] for a transcript of another shape, or for what is empty or beyond 900 MB;
    /// storage errors.
    pub fn put_contact_files(&self, files: &[NewContactFile<'_>]) -> Result<(), StoreError> {
        self.allow(Permission::ImportContacts)?;
        let mut prepared = Vec::with_capacity(files.len());
        for file in files {
            let NewContactFile { contact_id, media, variant, bytes } = *file;
            if !(1..=MAX_FILE_BYTES).contains(&bytes.len()) {
                let reason = format!("must have 1 to {MAX_FILE_BYTES} bytes; got {}", bytes.len());
                return Err(StoreError::invalid("ContactFile", reason));
            }
            let said = match media {
                Media::Recording => None,
                Media::Transcript => Some(Said::parse(bytes)?),
            };
            prepared.push((file, said, self.opened.keys.seal(&self.file_context(contact_id, media, variant), bytes)?));
        }
        self.opened.backend.write(|c| {
            self.active(c)?;
            for (file, said, sealed) in &prepared {
                self.put_file(c, file, said.as_ref(), sealed)?;
            }
            Ok(())
        })
    }

    fn put_file(
        &self,
        c: &mut dyn Connection,
        file: &NewContactFile<'_>,
        said: Option<&Said>,
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        let NewContactFile { contact_id, media, variant, bytes } = *file;
        let row = self.contact_row(c, contact_id)?.ok_or_else(|| self.no_such_contact(contact_id))?;
        let insert = Statement::new(
            "INSERT INTO contact_files (contact_no, media, variant, stored_at, bytes, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (contact_no, media, variant) \
             DO UPDATE SET stored_at = $4, bytes = $5, sealed = $6",
        )
        .bind(row.no)
        .bind(media.as_str())
        .bind(variant.as_str())
        .bind(self.now().0)
        .bind(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
        .bind(sealed);
        change(c, insert)?;
        if let Some(said) = said {
            self.index(c, &row, said, variant)?;
        }
        let note = format!("{} {}", media.as_str(), variant.as_str());
        self.record_noted(c, AuditAction::ContactFileStored, contact_id, Some(&note))
    }

    fn index(&self, c: &mut dyn Connection, row: &Row, said: &Said, variant: Variant) -> Result<(), StoreError> {
        let (index, column) = match variant {
            Variant::Redacted => (Index::Redacted, "redacted_transcript"),
            Variant::Unredacted => (Index::Original, "original_transcript"),
        };
        if row.has(Media::Transcript, variant) {
            c.forget_words(index, row.no)?;
        }
        c.index_words(index, row.no, Speaker::ALL.map(|s| self.opened.keys.words(said.tokens(s))))?;
        // What is found by the words of the original would tell of them: figures and categories of the redacted copy win.
        let figures_too = variant == Variant::Redacted || !row.scope.redacted_transcript;
        let mut update = format!("UPDATE contacts SET {column} = TRUE");
        if figures_too {
            update += ", duration_ms = $2, non_talk_ms = $3, agent_sentiment = $4, agent_sentiment_begin = $5, \
                       agent_sentiment_end = $6, customer_sentiment = $7, customer_sentiment_begin = $8, \
                       customer_sentiment_end = $9";
        }
        update += " WHERE contact_no = $1";
        let mut update = Statement::new(update).bind(row.no);
        if figures_too {
            update = update.bind(said.duration_ms).bind(said.non_talk_ms);
            for speaker in [Speaker::Agent, Speaker::Customer] {
                let s = said.sentiment(speaker);
                update = update.bind(s.map(|s| s.overall)).bind(s.map(|s| s.begin)).bind(s.map(|s| s.end));
            }
        }
        change(c, update)?;
        let both = [Variant::Redacted, Variant::Unredacted];
        if figures_too {
            if both.iter().any(|v| row.has(Media::Transcript, *v)) {
                change(c, Statement::new("DELETE FROM contact_categories WHERE contact_no = $1").bind(row.no))?;
            }
            for category in &said.categories {
                let insert = Statement::new("INSERT INTO contact_categories (contact_no, category) VALUES ($1, $2)");
                change(c, insert.bind(row.no).bind(category))?;
            }
        }
        Ok(())
    }

    /// A contact for whoever fills the archive: all of its record, and which copies are there.
    ///
    /// # Errors
    /// [`StoreError::Denied`] without [`Permission::ImportContacts`]; [`StoreError::NotFound`]; storage errors.
    pub fn stored_contact(&self, id: &str) -> Result<StoredContact, StoreError> {
        self.allow(Permission::ImportContacts)?;
        let path = self.path();
        let (row, sealed, categories) = self.opened.backend.read(|c| {
            let row = self.contact_row(c, id)?.ok_or_else(|| self.no_such_contact(id))?;
            let query = Statement::new("SELECT sealed FROM contact_records WHERE contact_no = $1").bind(row.no);
            let found = rows(c, query)?.pop().ok_or_else(|| self.no_such_contact(id))?;
            let categories = self.categories(c, [row.no].into_iter())?.remove(&row.no).unwrap_or_default();
            Ok((row, get::<Vec<u8>>(path, &found, 0)?, categories))
        })?;
        let both = [Variant::Redacted, Variant::Unredacted];
        let all = Media::ALL.into_iter().flat_map(|media| both.map(|variant| (media, variant)));
        let copies = all.filter(|(media, variant)| row.has(*media, *variant)).collect();
        Ok(StoredContact { record: self.open_record(&Grants::owner(), id, &sealed)?, copies, categories })
    }

    /// Deletes a contact with all that belongs to it.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`], also for one that may not be seen; storage errors.
    pub fn delete_contact(&self, id: &str) -> Result<(), StoreError> {
        let (row, ..) = self.authorized(id, Action::Delete)?;
        self.opened.backend.write(|c| {
            self.erase(c, row.no)?;
            self.record(c, AuditAction::ContactDeleted, &row.contact_id)
        })?;
        self.opened.backend.erase_deleted()
    }

    fn erase(&self, c: &mut dyn Connection, no: i64) -> Result<(), StoreError> {
        for index in [Index::Redacted, Index::Original] {
            c.forget_words(index, no)?;
        }
        for sql in [
            "DELETE FROM contact_files WHERE contact_no = $1",
            "DELETE FROM contact_categories WHERE contact_no = $1",
            "DELETE FROM contact_records WHERE contact_no = $1",
            "DELETE FROM contacts WHERE contact_no = $1",
        ] {
            change(c, Statement::new(sql).bind(no))?;
        }
        Ok(())
    }

    /// Erases the contacts whose time is over, and says how many there were. They are out of sight from that time on already.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; storage errors.
    pub fn erase_expired_contacts(&self) -> Result<u64, StoreError> {
        self.allow(Permission::ImportContacts)?;
        let path = self.path();
        let erased = self.opened.backend.write(|c| {
            let query = Statement::new("SELECT contact_no FROM contacts WHERE domain_id = $1 AND expires_at <= $2");
            let expired = rows(c, query.bind(self.id().as_str()).bind(self.now().0))?;
            for row in &expired {
                self.erase(c, get(path, row, 0)?)?;
            }
            if !expired.is_empty() {
                let note = expired.len().to_string();
                self.record_noted(c, AuditAction::ContactsErased, self.id().as_str(), Some(&note))?;
            }
            Ok(expired.len() as u64)
        })?;
        if erased > 0 {
            self.opened.backend.erase_deleted()?;
        }
        Ok(erased)
    }
}
