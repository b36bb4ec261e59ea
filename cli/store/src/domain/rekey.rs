//! A new key for a domain, in two halves, so that the key file opens it at any instant.

use super::{Domain, wrapped_row};
use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::backend::change;
use crate::error::{ConflictType, KeyProblem, StoreError};
use crate::key::DomainKey;
use crate::statement::Statement;

impl Domain {
    /// Gives the domain a new key and writes it over the key file. No voiceprint is touched; domains that are open
    /// elsewhere go on.
    ///
    /// At any instant the key file opens the domain. If the call fails or is killed the former key may open it too,
    /// until a later call succeeds.
    ///
    /// # Errors
    /// [`StoreError::Key`]; [`StoreError::Conflict`] with [`ConflictType::ConcurrentChanges`] if another process does
    /// the same at once; storage errors.
    pub fn rekey(&self) -> Result<(), StoreError> {
        self.allow(Permission::AdministerDomain)?;
        let old = DomainKey::read(&self.opened.key_path)?;
        let new = DomainKey::random()?;
        self.admit(&old, &new)?;
        self.switch(&old, &new)?;
        self.opened.backend.erase_deleted()
    }

    /// First half: the new key opens the domain as well.
    fn admit(&self, old: &DomainKey, new: &DomainKey) -> Result<(), StoreError> {
        let path = self.opened.backend.path();
        let wrapped = self.opened.keys.wrap(new, self.opened.id.as_str())?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            if wrapped_row(path, c, &self.opened.id, &old.id())?.is_none() {
                return Err(StoreError::Key { path: self.opened.key_path.clone(), problem: KeyProblem::Wrong });
            }
            self.insert_wrapped(c, new, &wrapped)
        })
    }

    /// Second half: the key file changes, then the old key stops working.
    fn switch(&self, old: &DomainKey, new: &DomainKey) -> Result<(), StoreError> {
        let path = self.opened.backend.path();
        self.opened.backend.write(|c| {
            let unchanged = DomainKey::read(&self.opened.key_path)?.id() == old.id();
            if !unchanged || wrapped_row(path, c, &self.opened.id, &new.id())?.is_none() {
                return Err(StoreError::Conflict {
                    conflict: ConflictType::ConcurrentChanges,
                    reason: format!("{} is being re-keyed by another process: try again", self.opened.dir.display()),
                });
            }
            new.write(&self.opened.key_path)?;
            let delete = Statement::new("DELETE FROM data_keys WHERE domain_id = $1 AND key_id <> $2")
                .bind(self.opened.id.as_str())
                .bind(new.id());
            change(c, delete)?;
            self.record(c, AuditAction::DomainRekeyed, self.opened.id.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::{KEY, NewDomain};
    use super::*;
    use crate::{Enrolment, Lookup, ModelId, SpeakerId};

    fn new_domain(parent: &Path) -> Domain {
        Domain::create(&parent.join("d"), NewDomain::new("test".parse().unwrap())).unwrap()
    }

    fn intact(dir: &Path, speaker: &SpeakerId) {
        match Domain::open(dir).unwrap().voiceprint(speaker).unwrap() {
            Lookup::Enrolled(print) => assert_eq!(print.template(), b"print"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rekey_cut_short_at_each_step_still_opens() {
        let parent = tempfile::tempdir().unwrap();
        let domain = new_domain(parent.path());
        let dir = domain.dir().to_owned();
        let speaker: SpeakerId = "a".parse().unwrap();
        domain.put_voiceprint(&speaker, Enrolment::new(ModelId([1; 16]), b"print")).unwrap();
        let key = || fs::read(dir.join(KEY)).unwrap();
        let keep = key();

        // Killed between the halves: the key file is the old one.
        let old = DomainKey::read(&dir.join(KEY)).unwrap();
        let lost = DomainKey::random().unwrap();
        domain.admit(&old, &lost).unwrap();
        assert_eq!(key(), keep);
        intact(&dir, &speaker);

        // Killed after the key file was written and before the old key was struck out.
        lost.write(&dir.join(KEY)).unwrap();
        intact(&dir, &speaker);

        // Run again: one key is left, and the earlier ones open nothing.
        domain.rekey().unwrap();
        intact(&dir, &speaker);
        assert_ne!(key(), keep);
        for former in [&old, &lost] {
            former.write(&dir.join(KEY)).unwrap();
            let error = Domain::open(&dir).unwrap_err();
            assert!(matches!(error, StoreError::Key { problem: KeyProblem::Wrong, .. }), "{error:?}");
        }
    }

    #[test]
    fn two_rekeys_at_once_do_not_lose_the_domain() {
        let parent = tempfile::tempdir().unwrap();
        let domain = new_domain(parent.path());
        let dir = domain.dir().to_owned();
        let old = DomainKey::read(&dir.join(KEY)).unwrap();
        let (a, b) = (DomainKey::random().unwrap(), DomainKey::random().unwrap());
        domain.admit(&old, &a).unwrap();
        domain.admit(&old, &b).unwrap();
        domain.switch(&old, &a).unwrap();
        let error = domain.switch(&old, &b).unwrap_err();
        assert_eq!(error.conflict_type(), Some(ConflictType::ConcurrentChanges));
        Domain::open(&dir).unwrap();
    }
}
