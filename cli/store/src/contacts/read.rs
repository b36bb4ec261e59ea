//! What one may see of a contact.

use zeroize::Zeroizing;

use super::{Contact, ContactFile, Reading};
use crate::access::{Action, Decision, Media, Permission, Variant, authorize};
use crate::audit_action::AuditAction;
use crate::backend::rows;
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::{ResourceType, StoreError};
use crate::statement::{Statement, get, take_bytes};
use crate::users::reason;

impl Domain {
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
