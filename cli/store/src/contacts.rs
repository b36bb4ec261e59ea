//! The archive of contacts: records as a contact centre delivers them, with the recordings and analysed transcripts that belong to them.
//!
//! Records come at least once and in any order: one contact has one record, the one that was updated last. Who may see what of it is
//! [`crate::authorize`]'s decision, asked before every answer.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::access::{
    Action, Allowed, Decision, Denied, Grants, HierarchyGroup, Media, Permission, Scope, Variant, authorize,
};
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change, rows};
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::{ResourceType, StoreError};
use crate::statement::{Statement, get, take_bytes};
use crate::users::reason;
use crate::words::{Index, Said, Speaker};

/// Days for which a contact is kept unless asked otherwise: 24 months, as contact records are in Connect.
pub const DEFAULT_RETENTION_DAYS: u32 = 730;
/// Longest time a contact is kept.
const MAX_RETENTION_DAYS: u32 = 36_500;
/// Largest contact record, in bytes.
const MAX_RECORD_BYTES: usize = 1 << 20;
/// Largest recording or transcript, in bytes.
const MAX_FILE_BYTES: usize = 900_000_000;
/// What a contact record says of the customer; it takes [`Permission::ContactAttributes`] to see it.
const OF_THE_CUSTOMER: [&str; 9] = [
    "Attributes",
    "ContactDetails",
    "Customer",
    "CustomerEndpoint",
    "CustomerId",
    "CustomerVoiceActivity",
    "References",
    "SegmentAttributes",
    "Tags",
];

/// A contact record that is of the right shape.
#[derive(Clone, PartialEq)]
pub struct ContactRecord {
    /// Its id: 1 to 256 printable characters without spaces.
    pub contact_id: String,
    json: Value,
    last_update_at: i64,
    initiated_at: i64,
}

impl std::fmt::Debug for ContactRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactRecord").field("contact_id", &self.contact_id).finish_non_exhaustive()
    }
}

fn time(record: &Value, key: &'static str) -> Result<Option<i64>, StoreError> {
    match &record[key] {
        Value::Null => Ok(None),
        Value::String(text) => match text.parse::<jiff::Timestamp>() {
            Ok(t) => Ok(Some(t.as_millisecond())),
            Err(_) => Err(StoreError::invalid(key, "must be a time such as 2026-11-29T08:00:00Z")),
        },
        _ => Err(StoreError::invalid(key, "must be a time as text")),
    }
}

fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(value, |v, key| v.get(key)).and_then(Value::as_str)
}

impl ContactRecord {
    /// Reads a record. Fields that are not known stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Validation`], for a ContactId, a LastUpdateTimestamp or a hierarchy that is missing or malformed.
    pub fn parse(json: &[u8]) -> Result<ContactRecord, StoreError> {
        if json.len() > MAX_RECORD_BYTES {
            return Err(StoreError::invalid("ContactRecord", format!("must have at most {MAX_RECORD_BYTES} bytes")));
        }
        // What serde says of a place in the text tells nothing of the text.
        let json: Value = serde_json::from_slice(json)
            .map_err(|e| StoreError::invalid("ContactRecord", format!("no JSON at column {}", e.column())))?;
        if !json.is_object() {
            return Err(StoreError::invalid("ContactRecord", "must be an object"));
        }
        let id = text(&json, &["ContactId"]).unwrap_or_default();
        let contact_id = contact_id(id)?;
        let last_update_at = time(&json, "LastUpdateTimestamp")?
            .ok_or_else(|| StoreError::invalid("LastUpdateTimestamp", "is missing"))?;
        let initiated_at = time(&json, "InitiationTimestamp")?.unwrap_or(last_update_at);
        time(&json, "DisconnectTimestamp")?;
        Ok(ContactRecord { contact_id, json, last_update_at, initiated_at })
    }

    /// Closed: the call is over, and so is what the agent had to do after it.
    fn closed(&self) -> bool {
        let over = text(&self.json, &["DisconnectTimestamp"]).is_some();
        let agent = |key| text(&self.json, &["Agent", key]).is_some();
        over && (!agent("AfterContactWorkStartTimestamp") || agent("AfterContactWorkEndTimestamp"))
    }

    /// The agent's groups from the top; they end at the first level that has no name.
    fn hierarchy(&self) -> HierarchyGroup {
        let level = |n: usize| text(&self.json, &["Agent", "HierarchyGroups", &format!("Level{n}"), "GroupName"]);
        HierarchyGroup((1..=HierarchyGroup::LEVELS).map_while(level).map(|name| name.replace('\u{1f}', " ")).collect())
    }

    fn speaker_action(&self) -> Option<&'static str> {
        let voice = self.json.get("VoiceIdResult")?;
        let yes = |key| voice.get(key).and_then(Value::as_bool) == Some(true);
        if yes("SpeakerOptedOut") {
            return Some("OPTED_OUT");
        }
        yes("SpeakerEnrolled").then_some("ENROLLED")
    }
}

/// Checks a contact's id.
pub(crate) fn contact_id(id: &str) -> Result<String, StoreError> {
    if (1..=256).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(id.to_owned());
    }
    Err(StoreError::invalid("ContactId", "must be 1 to 256 printable ASCII characters without spaces"))
}

/// What came of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Contacts that were not there.
    pub new: u64,
    /// Contacts whose record is newer now.
    pub updated: u64,
    /// Records no newer than the one that is there.
    pub stale: u64,
}

/// A contact, as much of it as one may see.
#[derive(Clone, PartialEq)]
pub struct Contact {
    /// The record.
    pub record: Value,
    /// When it was put into the archive.
    pub imported_at: Timestamp,
    /// From when on it is gone.
    pub expires_at: Timestamp,
    /// The copies that one may have, one of each kind at most.
    pub copies: Vec<(Media, Variant)>,
    /// The categories that its transcript has; where one may see that.
    pub categories: Vec<String>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").field("imported_at", &self.imported_at).finish_non_exhaustive()
    }
}

/// A recording or a transcript that is to be stored. `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct NewContactFile<'a> {
    /// The contact that it belongs to.
    pub contact_id: &'a str,
    /// What it is.
    pub media: Media,
    /// Which of the two copies.
    pub variant: Variant,
    /// 1 byte to 900 MB.
    pub bytes: &'a [u8],
}

impl std::fmt::Debug for NewContactFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewContactFile").field("contact_id", &self.contact_id).finish_non_exhaustive()
    }
}

/// A contact as it is stored, for whoever fills the archive.
#[derive(Clone, PartialEq)]
pub struct StoredContact {
    /// The record.
    pub record: Value,
    /// The copies that are there.
    pub copies: Vec<(Media, Variant)>,
    /// The categories.
    pub categories: Vec<String>,
}

impl std::fmt::Debug for StoredContact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredContact").field("copies", &self.copies).finish_non_exhaustive()
    }
}

/// A recording or a transcript. `Debug` shows nothing of it.
pub struct ContactFile {
    /// Which of the two copies it is.
    pub variant: Variant,
    /// The rights that decided.
    pub because: String,
    /// What was stored.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for ContactFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactFile").field("variant", &self.variant).finish_non_exhaustive()
    }
}

/// How a copy is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading<'a> {
    /// To take it away, which is a right of its own.
    pub download: bool,
    /// Why; needed for what was not redacted.
    pub reason: Option<&'a str>,
    /// As it was, though there is a redacted copy. Only the domain's owner can ask for it: whoever has a role gets what the role gives.
    pub original: bool,
}

/// A contact's row, as decisions need it.
pub(crate) struct Row {
    pub(crate) no: i64,
    pub(crate) contact_id: String,
    pub(crate) scope: Scope,
    originals: BTreeMap<&'static str, bool>,
    imported_at: i64,
    expires_at: i64,
}

impl Row {
    fn has(&self, media: Media, variant: Variant) -> bool {
        match (media, variant) {
            (Media::Recording, Variant::Redacted) => self.scope.redacted_recording,
            (Media::Transcript, Variant::Redacted) => self.scope.redacted_transcript,
            (_, Variant::Unredacted) => self.originals.get(media.as_str()).copied().unwrap_or(false),
        }
    }
}

impl Domain {
    fn no_such_contact(&self, id: &str) -> StoreError {
        StoreError::NotFound {
            resource: ResourceType::Contact,
            reason: format!("there is no contact {id} in the domain at {}, or its time is over", self.dir().display()),
        }
    }

    fn contact_row(&self, c: &mut dyn Connection, id: &str) -> Result<Option<Row>, StoreError> {
        const HAS: &str = "EXISTS (SELECT 1 FROM contact_files f WHERE f.contact_no = c.contact_no AND f.media = ";
        let sql = format!(
            "SELECT c.contact_no, c.agent, c.hierarchy, c.imported_at, c.expires_at, \
             {HAS}'RECORDING' AND f.variant = 'REDACTED'), {HAS}'RECORDING' AND f.variant = 'UNREDACTED'), \
             {HAS}'TRANSCRIPT' AND f.variant = 'REDACTED'), {HAS}'TRANSCRIPT' AND f.variant = 'UNREDACTED') \
             FROM contacts c WHERE c.domain_id = $1 AND c.contact_id = $2 AND c.expires_at > $3"
        );
        let path = self.path();
        let query = Statement::new(sql).bind(self.id().as_str()).bind(id).bind(self.now().0);
        let Some(row) = rows(c, query)?.pop() else { return Ok(None) };
        let hierarchy: String = get(path, &row, 2)?;
        let originals =
            [(Media::Recording.as_str(), get(path, &row, 6)?), (Media::Transcript.as_str(), get(path, &row, 8)?)];
        Ok(Some(Row {
            no: get(path, &row, 0)?,
            contact_id: id.to_owned(),
            scope: Scope {
                agent: get(path, &row, 1)?,
                hierarchy: HierarchyGroup::from_text(&hierarchy),
                redacted_recording: get(path, &row, 5)?,
                redacted_transcript: get(path, &row, 7)?,
            },
            originals: originals.into(),
            imported_at: get(path, &row, 3)?,
            expires_at: get(path, &row, 4)?,
        }))
    }

    /// The contact, where whoever asks may do this with it. One that may not be seen is not told from one that is not there.
    fn authorized(&self, id: &str, action: Action) -> Result<(Row, Grants, Allowed), StoreError> {
        let grants = self.grants()?;
        let row = self.opened.backend.read(|c| self.contact_row(c, id))?;
        let Some(row) = row else {
            // Who has no right to contacts at all is told that, whether this one is there or not.
            self.held(&grants, &[Permission::ContactSearch, Permission::MyContacts])?;
            if self.actor.user.is_some() {
                // One that is hidden leaves the same trace, and takes as long.
                self.note_refusal(id, &format!("{} on contact {id}: there is none", self.actor.name))?;
            }
            return Err(self.no_such_contact(id));
        };
        match authorize(&grants, action, &row.scope) {
            Ok(allowed) => Ok((row, grants, allowed)),
            Err(Denied(why)) => {
                let reason = format!("{} on contact {id}: {why}", self.actor.name);
                self.note_refusal(id, &reason)?;
                let any = grants.has(Permission::ContactSearch) || grants.has(Permission::MyContacts);
                let hidden = any && authorize(&grants, Action::See, &row.scope).is_err();
                Err(if hidden { self.no_such_contact(id) } else { StoreError::Denied { reason } })
            }
        }
    }

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

    fn contact_context<'a>(&'a self, id: &'a str) -> [&'a [u8]; 3] {
        [b"contacts", self.id().as_str().as_bytes(), id.as_bytes()]
    }

    fn file_context<'a>(&'a self, id: &'a str, media: Media, variant: Variant) -> [&'a [u8]; 5] {
        let (media, variant) = (media.as_str().as_bytes(), variant.as_str().as_bytes());
        [b"contact_files", self.id().as_str().as_bytes(), id.as_bytes(), media, variant]
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

    /// A contact, as much of it as one may see: attributes and what else describes the customer take [`Permission::ContactAttributes`], the results of
    /// verification [`Permission::VoiceIdSearch`] or [`Permission::VoiceId`].
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`], also for one that may not be seen; storage errors.
    pub fn contact(&self, id: &str) -> Result<Contact, StoreError> {
        let (row, grants, _) = self.authorized(id, Action::See)?;
        let path = self.path();
        let query = Statement::new("SELECT sealed FROM contact_records WHERE contact_no = $1").bind(row.no);
        let found = self.opened.backend.read(|c| rows(c, query))?.pop();
        let sealed: Vec<u8> = get(path, &found.ok_or_else(|| self.no_such_contact(id))?, 0)?;
        let record = self.open_record(&grants, id, &sealed)?;
        let copies = Media::ALL.into_iter().filter_map(|media| {
            let variant = authorize(&grants, Action::Show(media), &row.scope).ok()?.variant?;
            row.has(media, variant).then_some((media, variant))
        });
        let copies: Vec<_> = copies.collect();
        let categories = match copies.iter().any(|(m, _)| *m == Media::Transcript) {
            true => self.opened.backend.read(|c| self.categories(c, [row.no].into_iter()))?.remove(&row.no),
            false => None,
        };
        Ok(Contact {
            record,
            imported_at: Timestamp(row.imported_at),
            expires_at: Timestamp(row.expires_at),
            copies,
            categories: categories.unwrap_or_default(),
        })
    }

    /// The categories of contacts, by name.
    pub(crate) fn categories(
        &self,
        c: &mut dyn Connection,
        numbers: impl Iterator<Item = i64>,
    ) -> Result<BTreeMap<i64, Vec<String>>, StoreError> {
        let path = self.path();
        let mut sql = Statement::new("SELECT contact_no, category FROM contact_categories WHERE contact_no IN ");
        sql.push_list(numbers).push(" ORDER BY category");
        let mut found: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for row in rows(c, sql)? {
            found.entry(get(path, &row, 0)?).or_default().push(get(path, &row, 1)?);
        }
        Ok(found)
    }

    /// A record without what one may not see of it.
    pub(crate) fn open_record(&self, grants: &Grants, id: &str, sealed: &[u8]) -> Result<Value, StoreError> {
        let damaged = || StoreError::corrupt(self.path(), format!("the record of contact {id} does not open"));
        let plain = self.opened.keys.open(&self.contact_context(id), sealed).ok_or_else(damaged)?;
        let mut record: Value = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        if let Some(fields) = record.as_object_mut() {
            if !grants.has(Permission::ContactAttributes) {
                OF_THE_CUSTOMER.iter().for_each(|key| drop(fields.remove(*key)));
            }
            if !grants.has(Permission::VoiceIdSearch) && !grants.has(Permission::VoiceId) {
                fields.remove("VoiceIdResult");
            }
        }
        Ok(record)
    }

    /// A recording or a transcript: the one copy that one's rights lead to. Reading what was not redacted needs a reason, and the audit notes it. A transcript is
    /// without sentiment and figures for those who lack [`Permission::GraphTrends`].
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`], also for a contact that may not be seen; [`StoreError::Validation`] without a reason where one is
    /// needed; storage errors.
    pub fn contact_file(&self, id: &str, media: Media, reading: Reading<'_>) -> Result<ContactFile, StoreError> {
        let action = if reading.download { Action::Download(media) } else { Action::Show(media) };
        let (row, grants, allowed) = self.authorized(id, action)?;
        let variant = match allowed.variant {
            _ if reading.original && !grants.owner => {
                let why = format!("{}: which copy follows from the rights; ask for an elevation", self.actor.name);
                return Err(self.deny(id, why));
            }
            _ if reading.original => Variant::Unredacted,
            Some(variant) => variant,
            None => return Err(StoreError::Internal { reason: "a decision about a copy named none".into() }),
        };
        if !row.has(media, variant) {
            let (media, variant) = (media.as_str().to_lowercase(), variant.as_str().to_lowercase());
            let reason = format!("contact {id} has no {variant} {media}");
            return Err(StoreError::NotFound { resource: ResourceType::Contact, reason });
        }
        let why = match (variant, reading.reason) {
            (Variant::Unredacted, None) => {
                return Err(StoreError::invalid("Reason", "is needed to read what was not redacted"));
            }
            (_, why) => why.map(reason).transpose()?,
        };
        let path = self.path();
        let sealed: Vec<u8> = self.opened.backend.write(|c| {
            if variant == Variant::Unredacted {
                let note = format!("{}: {}", media.as_str(), why.unwrap_or_default());
                self.record_noted(c, AuditAction::UnredactedRead, id, Some(&note))?;
            }
            let query = Statement::new(
                "SELECT sealed FROM contact_files WHERE contact_no = $1 AND media = $2 AND variant = $3",
            );
            let query = query.bind(row.no).bind(media.as_str()).bind(variant.as_str());
            let found = rows(c, query)?.pop().ok_or_else(|| self.no_such_contact(id))?;
            take_bytes(path, found, 0)
        })?;
        let plain = self.opened.keys.open(&self.file_context(id, media, variant), &sealed);
        let mut bytes =
            plain.ok_or_else(|| StoreError::corrupt(path, format!("a file of contact {id} does not open")))?;
        if media == Media::Transcript && !grants.has(Permission::GraphTrends) {
            bytes = Zeroizing::new(crate::words::without_figures(&bytes)?);
        }
        Ok(ContactFile { variant, because: allowed.because, bytes })
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

    /// What a user may do with a contact, and which right decides: for seeing it, and for showing and taking away each kind of copy, and for deleting it.
    ///
    /// # Errors
    /// [`StoreError::Denied`] unless it is about oneself or one has [`Permission::UsersView`] and may see the contact; [`StoreError::NotFound`]; storage errors.
    pub fn explain(&self, user: &str, id: &str) -> Result<Vec<(Action, Decision)>, StoreError> {
        let grants = self.grants_of(user)?;
        let (row, ..) = self.authorized(id, Action::See)?;
        let actions = [
            Action::See,
            Action::Show(Media::Recording),
            Action::Download(Media::Recording),
            Action::Show(Media::Transcript),
            Action::Download(Media::Transcript),
            Action::Delete,
        ];
        Ok(actions.into_iter().map(|a| (a, authorize(&grants, a, &row.scope))).collect())
    }
}
