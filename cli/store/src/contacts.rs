//! The archive of contacts: records as a contact centre delivers them, with the recordings and analysed transcripts that belong to them.
//!
//! Records come at least once and in any order: one contact has one record, the one that was updated last. Who may see what of it is
//! [`crate::authorize`]'s decision, asked before every answer.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::access::{Action, Allowed, Denied, Grants, HierarchyGroup, Media, Permission, Scope, Variant, authorize};
use crate::backend::{Connection, rows};
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::{ResourceType, StoreError};
use crate::statement::{Statement, get};

mod fill;
mod read;
mod record;

pub use record::ContactRecord;
pub(crate) use record::contact_id;

/// Days for which a contact is kept unless asked otherwise: 24 months, as contact records are in Connect.
pub const DEFAULT_RETENTION_DAYS: u32 = 730;
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

    fn contact_context<'a>(&'a self, id: &'a str) -> [&'a [u8]; 3] {
        [b"contacts", self.id().as_str().as_bytes(), id.as_bytes()]
    }

    fn file_context<'a>(&'a self, id: &'a str, media: Media, variant: Variant) -> [&'a [u8]; 5] {
        let (media, variant) = (media.as_str().as_bytes(), variant.as_str().as_bytes());
        [b"contact_files", self.id().as_str().as_bytes(), id.as_bytes(), media, variant]
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
}
