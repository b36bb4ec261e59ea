//! A domain that is made: built beside its place and renamed, so that others see all of it or nothing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{DATABASE, Domain, KEY, LOCK, NewDomain, OpenOptions, Opened, absolute, check};
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change};
use crate::backends::sqlite::{Sqlite, with_suffix};
use crate::error::StoreError;
use crate::files::{beside, parent, sync_dir};
use crate::ids::{Description, DomainId, WatchlistId};
use crate::key::DomainKey;
use crate::sealed::Keys;
use crate::statement::Statement;

const DEFAULT_WATCHLIST_NAME: &str = "default";

/// Removes what was begun unless it is finished.
struct Unfinished(Vec<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

impl Domain {
    /// Makes a domain in a new directory `dir` and opens it.
    ///
    /// Others see the whole domain or none: it is built beside `dir` and renamed.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Validation`]; nothing is left behind.
    pub fn create(dir: &Path, new: NewDomain) -> Result<Domain, StoreError> {
        Domain::create_with(dir, new, OpenOptions::default())
    }

    /// As [`Domain::create`]. With [`OpenOptions::key_path`] the new key is written there, where nothing may be yet.
    ///
    /// # Errors
    /// As [`Domain::create`].
    pub fn create_with(dir: &Path, new: NewDomain, options: OpenOptions) -> Result<Domain, StoreError> {
        options.check()?;
        check(&new)?;
        let dir = absolute(dir)?;
        let outside_key = options.key_path.clone();
        for path in std::iter::once(&dir).chain(&outside_key) {
            if path.symlink_metadata().is_ok() {
                return Err(StoreError::Exists { path: path.clone() });
            }
        }

        let build = beside(&dir, "tmp")?;
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&build).map_err(|e| StoreError::io(&dir, "create", e))?;
        let mut unfinished = Unfinished(vec![build.clone()]);

        // Errors name the place that was asked for, not the one it is built in.
        let there = |e| relocate(e, &build, &dir);
        let key_path = outside_key.clone().unwrap_or_else(|| build.join(KEY));
        let key = DomainKey::random()?;
        key.write(&key_path).map_err(there)?;
        unfinished.0.extend(outside_key.clone());

        let database = build.join(DATABASE);
        let backend = Box::new(Sqlite::create(&database, &build.join(LOCK)).map_err(there)?);
        let domain = Domain::owned(Arc::new(Opened {
            dir: build.clone(),
            id: DomainId::random()?,
            key_path,
            clock: options.clock.clone(),
            name: options.actor.clone(),
            journal: options.journal.clone(),
            keys: Keys::random()?,
            backend,
        }));
        domain.insert(&new, &key).map_err(there)?;
        domain.opened.backend.close().map_err(there)?;
        if with_suffix(&database, "-wal").exists() {
            return Err(StoreError::Internal { reason: format!("{} was not closed", database.display()) });
        }
        drop(domain);
        File::open(&database).and_then(|f| f.sync_all()).map_err(|e| StoreError::io(&dir, "sync", e))?;
        sync_dir(&build).map_err(there)?;

        if dir.symlink_metadata().is_ok() {
            return Err(StoreError::Exists { path: dir });
        }
        fs::rename(&build, &dir).map_err(|e| match e.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                StoreError::Exists { path: dir.clone() }
            }
            _ => StoreError::io(&dir, "create", e),
        })?;
        unfinished.0.clear();
        sync_dir(parent(&dir))?;
        Domain::open_with(&dir, options)
    }

    fn insert(&self, new: &NewDomain, key: &DomainKey) -> Result<(), StoreError> {
        let (now, id) = (self.now().0, self.opened.id.as_str());
        let watchlist = WatchlistId::random()?;
        let wrapped = self.opened.keys.wrap(key, id)?;
        self.opened.backend.write(|c| {
            let domain = Statement::new(
                "INSERT INTO domains (domain_id, name, description, status, default_watchlist_id, consent_required, \
                 expiry_days, max_watchlists, max_fraudsters, created_at, updated_at) \
                 VALUES ($1, $2, $3, 'ACTIVE', $4, $5, $6, $7, $8, $9, $9)",
            )
            .bind(id)
            .bind(new.name.as_str())
            .bind(new.description.as_ref().map(Description::as_str))
            .bind(watchlist.as_str())
            .bind(new.consent_required)
            .bind(i64::from(new.expiry_days))
            .bind(i64::from(new.max_watchlists))
            .bind(i64::from(new.max_fraudsters))
            .bind(now);
            change(c, domain)?;
            let list = Statement::new(
                "INSERT INTO watchlists (domain_id, watchlist_id, name, is_default, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, $5)",
            )
            .bind(id)
            .bind(watchlist.as_str())
            .bind(DEFAULT_WATCHLIST_NAME)
            .bind(true)
            .bind(now);
            change(c, list)?;
            self.insert_wrapped(c, key, &wrapped)?;
            self.record(c, AuditAction::DomainCreated, id)
        })
    }

    pub(super) fn insert_wrapped(
        &self,
        c: &mut dyn Connection,
        key: &DomainKey,
        wrapped: &[u8],
    ) -> Result<(), StoreError> {
        let insert =
            Statement::new("INSERT INTO data_keys (domain_id, key_id, wrapped, created_at) VALUES ($1, $2, $3, $4)")
                .bind(self.opened.id.as_str())
                .bind(key.id())
                .bind(wrapped)
                .bind(self.now().0);
        change(c, insert).map(|_| ())
    }
}

fn relocate(error: StoreError, from: &Path, to: &Path) -> StoreError {
    let moved = |path: PathBuf| path.strip_prefix(from).map(|rest| to.join(rest)).unwrap_or(path);
    match error {
        StoreError::Full { path } => StoreError::Full { path: moved(path) },
        StoreError::Io { path, action, source } => StoreError::Io { path: moved(path), action, source },
        StoreError::Corrupt { path, reason } => StoreError::Corrupt { path: moved(path), reason },
        other => other,
    }
}
