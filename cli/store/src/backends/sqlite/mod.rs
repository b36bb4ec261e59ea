//! The embedded database: one SQLite file with a write-ahead log, one writer and a few readers at a time, and errors that name the file.
//!
//! Everything that is SQLite's own stays below here: types, pragmas, locks, result codes, migrations, the full-text index.
//!
//! # Waiting
//!
//! A reader sees the last committed state and waits for nobody but other readers, when [`MAX_READERS`] read already. Writers take turns: within the process by
//! the one writing connection, between processes by a lock on `domain.lock`; each waits for [`PATIENCE`] in all, then the error says who is busy.

mod connection;
mod pool;
mod words;

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Executor};

use crate::backend::{Backend, Connection};
use crate::error::StoreError;
use crate::statement::{Statement, get};
use crate::words::{Index, WordQuery};
use connection::{Lent, from_sqlx};
use pool::Pool;

/// Marks the database as ours: "vouc", at byte 68 of the file as SQLite has it.
const APPLICATION_ID: u32 = 0x766f_7563;
/// Newest schema that this program knows.
const SCHEMA_VERSION: i64 = 7;
/// Connections that read at once; a reader more waits until one of them is done. Each is a thread, three file handles and up to 2 MB of cache.
const MAX_READERS: usize = 8;
/// How long a writer waits for its turn, and a reader for another to be done.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks at a lock that somebody else holds.
const LOCK_POLL: Duration = Duration::from_millis(2);

fn migration(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, name.into(), MigrationType::Simple, sql.into(), false)
}

fn migrator() -> Migrator {
    let migrations = vec![
        migration(1, "domain", include_str!("migrations/0001_domain.sql")),
        migration(3, "jobs", include_str!("migrations/0003_jobs.sql")),
        migration(4, "fraudsters", include_str!("migrations/0004_fraudsters.sql")),
        migration(5, "session audio", include_str!("migrations/0005_session_audio.sql")),
        migration(6, "contacts", include_str!("migrations/0006_contacts.sql")),
        migration(7, "outbox", include_str!("migrations/0007_outbox.sql")),
    ];
    Migrator { migrations: migrations.into(), ..Migrator::DEFAULT }
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    lock_path: PathBuf,
    readers: Pool,
    writer: Pool,
}

impl Sqlite {
    /// Makes a new database at `path`, which must not exist.
    pub(crate) fn create(path: &Path, lock_path: &Path) -> Result<Sqlite, StoreError> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|e| StoreError::io(path, "create", e))?;
        let options = options_for(path).pragma("application_id", APPLICATION_ID.to_string());
        let made = Sqlite::with(path, lock_path, None, options);
        made.migrate()?;
        Ok(made)
    }

    /// Opens an existing database whose schema this program knows.
    pub(crate) fn open(path: &Path, lock_path: &Path, max_bytes: Option<u64>) -> Result<Sqlite, StoreError> {
        check_header(path)?;
        let opened = Sqlite::with(path, lock_path, max_bytes, options_for(path));
        let found = (&opened as &dyn Backend).read(|c| {
            let row = c.rows(&Statement::new("SELECT MAX(version) FROM _sqlx_migrations"))?.pop();
            let version: Option<i64> = row.map(|r| get(path, &r, 0)).transpose()?.flatten();
            version.ok_or_else(|| StoreError::not_a_domain(path, "it has no schema version"))
        })?;
        if found > SCHEMA_VERSION {
            return Err(StoreError::Schema { path: path.to_owned(), found, supported: SCHEMA_VERSION });
        }
        if found < SCHEMA_VERSION {
            opened.migrate()?;
        }
        Ok(opened)
    }

    fn with(path: &Path, lock_path: &Path, max_bytes: Option<u64>, options: SqliteConnectOptions) -> Sqlite {
        let reading = options.clone().pragma("query_only", "ON");
        let writing = match max_bytes {
            Some(bytes) => options.pragma("max_page_count", (bytes / 4096).max(1).to_string()),
            None => options,
        };
        Sqlite {
            path: path.to_owned(),
            lock_path: lock_path.to_owned(),
            readers: Pool::new(path, reading, MAX_READERS),
            writer: Pool::new(path, writing, 1),
        }
    }

    /// Brings the schema up to this program's; each step is whole or not there.
    fn migrate(&self) -> Result<(), StoreError> {
        let path = &self.path;
        self.alone(|lent| {
            pollster::block_on(migrator().run_direct(&mut *lent.0)).map_err(|e| match e {
                sqlx::migrate::MigrateError::Execute(e) | sqlx::migrate::MigrateError::ExecuteMigration(e, _) => {
                    from_sqlx(path, &e)
                }
                other => StoreError::corrupt(path, other.to_string()),
            })
        })
    }

    /// Lends the writing connection when it is this writer's turn. One that is left in the middle of something is closed, which rolls back.
    fn alone<T>(&self, work: impl FnOnce(&mut Lent<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let deadline = Instant::now() + PATIENCE;
        let mut lease = self.writer.lease(deadline)?;
        let _turn = self.turn(deadline)?;
        let result = work(&mut Lent(lease.connection()?, &self.path));
        lease.give_back();
        result
    }

    /// Waits until no other process writes. SQLite's own locks protect the data as well; this one makes the waiting
    /// fair and keeps a write and another connection's checkpoint from ever running at once. It ends with the process.
    fn turn(&self, deadline: Instant) -> Result<File, StoreError> {
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.lock_path).map_err(|e| StoreError::io(&self.lock_path, "open", e))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_POLL),
                Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { path: self.lock_path.clone() }),
                Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => return Ok(file),
                Err(TryLockError::Error(e)) => return Err(StoreError::io(&self.lock_path, "lock", e)),
            }
        }
    }
}

impl Backend for Sqlite {
    fn path(&self) -> &Path {
        &self.path
    }

    fn lend_reader(
        &self,
        work: &mut dyn FnMut(&mut dyn Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut lease = self.readers.lease(Instant::now() + PATIENCE)?;
        let result = work(&mut Lent(lease.connection()?, &self.path));
        lease.give_back();
        result
    }

    fn lend_writer(
        &self,
        work: &mut dyn FnMut(&mut dyn Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.alone(|lent| {
            lent.execute("BEGIN IMMEDIATE")?;
            let result = work(lent).and_then(|()| lent.execute("COMMIT"));
            if result.is_err() {
                // After some errors SQLite has already rolled back and says so.
                let _ = pollster::block_on(lent.0.execute("ROLLBACK"));
            }
            result
        })
    }

    /// Moves what is in the write-ahead log into the database and cuts the log to nothing.
    fn erase_deleted(&self) -> Result<(), StoreError> {
        let path = &self.path;
        let busy: i64 = self.alone(|lent| {
            let row = lent.rows(&Statement::new("PRAGMA wal_checkpoint(TRUNCATE)"))?.pop();
            row.map(|r| get(path, &r, 0)).transpose().map(|b| b.unwrap_or(1))
        })?;
        if busy == 0 { Ok(()) } else { Err(StoreError::NotErased { path: with_suffix(path, "-wal") }) }
    }

    /// The last one out, which SQLite knows by a lock of its own, empties and removes the log.
    fn close(&self) -> Result<(), StoreError> {
        self.readers.close().and(self.writer.close())
    }

    fn push_words(&self, sql: &mut Statement, index: Index, query: &WordQuery) {
        words::push(sql, index, query);
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // Everything acknowledged is on the disk already.
        let _ = self.close();
    }
}

fn options_for(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(PATIENCE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Refuses, before SQLite looks at it, a file that is not a database of ours.
pub(crate) fn check_header(path: &Path) -> Result<(), StoreError> {
    let mut header = [0u8; 100];
    match File::open(path).and_then(|mut f| f.read_exact(&mut header)) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(StoreError::corrupt(path, "it is too short to be a database"));
        }
        Err(e) => return Err(StoreError::io(path, "read", e)),
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(StoreError::corrupt(path, "it does not start as a database does"));
    }
    if header[68..72] != APPLICATION_ID.to_be_bytes() {
        return Err(StoreError::not_a_domain(path, "it is another program's database"));
    }
    Ok(())
}
