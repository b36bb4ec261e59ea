//! Domains that are deleted and listed, without their keys.

use std::fs;
use std::io;
use std::path::Path;

use super::{DATABASE, Domain, FoundDomain, KEY, LOCK, existing, info, open};
use crate::backend::change;
use crate::backends::sqlite::check_header;
use crate::error::StoreError;
use crate::files::{beside, parent, sync_dir};
use crate::statement::Statement;

impl Domain {
    /// Deletes the domain in `dir` with all that it keeps, at once and for good. It needs no key.
    ///
    /// Processes that have it open can change nothing in it any more. Called again, it finishes a deletion that was cut
    /// short. A key kept elsewhere is not touched.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::NotADomain`] (also if the directory holds other files), storage errors.
    pub fn delete(dir: &Path) -> Result<(), StoreError> {
        let dir = existing(dir)?;
        check_header(&dir.join(DATABASE))?;
        for entry in fs::read_dir(&dir).map_err(|e| StoreError::io(&dir, "read", e))? {
            let name = entry.map_err(|e| StoreError::io(&dir, "read", e))?.file_name();
            let ours = name.to_str().is_some_and(|n| {
                matches!(n, DATABASE | KEY | LOCK | "domain.sqlite-wal" | "domain.sqlite-shm")
                    || n.starts_with(".domain.key.tmp-")
            });
            if !ours {
                let reason = "it holds files that are not the domain's: move them away";
                return Err(StoreError::not_a_domain(&dir, reason));
            }
        }
        let backend = open(&dir, None)?;
        backend.write(|c| change(c, Statement::new("UPDATE domains SET status = 'DELETED'")).map(|_| ()))?;
        drop(backend);
        let gone = beside(&dir, "deleted")?;
        fs::rename(&dir, &gone).map_err(|e| StoreError::io(&dir, "delete", e))?;
        let key = gone.join(KEY);
        match fs::remove_file(&key) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(StoreError::io(&key, "delete", e)),
            _ => {}
        }
        fs::remove_dir_all(&gone).map_err(|e| StoreError::io(&gone, "delete", e))?;
        sync_dir(parent(&dir))
    }

    /// The domains in the directories right below `parent`, sorted by path; no key is needed. One that cannot be read
    /// is listed with its error.
    ///
    /// # Errors
    /// [`StoreError::Io`] if `parent` cannot be read.
    pub fn list(parent: &Path) -> Result<Vec<FoundDomain>, StoreError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(parent).map_err(|e| StoreError::io(parent, "read", e))? {
            let dir = entry.map_err(|e| StoreError::io(parent, "read", e))?.path();
            let hidden = dir.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
            if !hidden && dir.join(DATABASE).is_file() {
                found.push(dir);
            }
        }
        found.sort();
        let describe = |dir: &Path| {
            let dir = existing(dir)?;
            info(&*open(&dir, None)?)
        };
        Ok(found.into_iter().map(|dir| FoundDomain { info: describe(&dir), dir }).collect())
    }
}
