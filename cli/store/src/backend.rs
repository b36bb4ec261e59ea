//! The embedded database: one SQLite connection, one writer at a time, and errors that name the file.
//!
//! Everything here that is SQLite's own stays here; the other modules speak SQL that PostgreSQL takes too.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, Row};

use crate::error::StoreError;

/// Marks the database as ours: "vouc", at byte 68 of the file as SQLite has it.
const APPLICATION_ID: u32 = 0x766f_7563;
/// Newest schema that this program knows.
pub(crate) const SCHEMA_VERSION: i64 = 6;
/// How long a writer waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks at a lock that somebody else holds.
const LOCK_POLL: Duration = Duration::from_millis(2);

pub(crate) type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments<'q>>;

fn migration(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, name.into(), MigrationType::Simple, sql.into(), false)
}

fn migrator() -> Migrator {
    let migrations = vec![
        migration(1, "domain", include_str!("backends/sqlite/migrations/0001_domain.sql")),
        migration(3, "jobs", include_str!("backends/sqlite/migrations/0003_jobs.sql")),
        migration(4, "fraudsters", include_str!("backends/sqlite/migrations/0004_fraudsters.sql")),
        migration(5, "session audio", include_str!("backends/sqlite/migrations/0005_session_audio.sql")),
        migration(6, "contacts", include_str!("backends/sqlite/migrations/0006_contacts.sql")),
    ];
    Migrator { migrations: migrations.into(), ..Migrator::DEFAULT }
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Backend {
    path: PathBuf,
    lock_path: PathBuf,
    connection: Mutex<Option<SqliteConnection>>,
}

impl Backend {
    /// Makes a new database at `path`, which must not exist.
    pub(crate) fn create(path: &Path, lock_path: &Path) -> Result<Backend, StoreError> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|e| StoreError::io(path, "create", e))?;
        let backend = Backend::connect(path, lock_path, None, |options| {
            options.pragma("application_id", APPLICATION_ID.to_string())
        })?;
        backend.migrate()?;
        Ok(backend)
    }

    /// Opens an existing database whose schema this program knows.
    pub(crate) fn open(path: &Path, lock_path: &Path, max_bytes: Option<u64>) -> Result<Backend, StoreError> {
        check_header(path)?;
        let backend = Backend::connect(path, lock_path, max_bytes, |options| options)?;
        let found = backend.run(async |c| {
            let row = rows(path, c, sqlx::query("SELECT MAX(version) FROM _sqlx_migrations")).await?.pop();
            let version: Option<i64> = row.map(|r| get(path, &r, 0)).transpose()?.flatten();
            version.ok_or_else(|| StoreError::not_a_domain(path, "it has no schema version"))
        })?;
        if found > SCHEMA_VERSION {
            return Err(StoreError::Schema { path: path.to_owned(), found, supported: SCHEMA_VERSION });
        }
        if found < SCHEMA_VERSION {
            backend.migrate()?;
        }
        Ok(backend)
    }

    /// Brings the schema up to this program's; each step is whole or not there.
    fn migrate(&self) -> Result<(), StoreError> {
        let path = &self.path;
        self.run(async |c| {
            let _turn = self.turn()?;
            migrator().run_direct(c).await.map_err(|e| match e {
                sqlx::migrate::MigrateError::Execute(e) | sqlx::migrate::MigrateError::ExecuteMigration(e, _) => {
                    from_sqlx(path, &e)
                }
                other => StoreError::corrupt(path, other.to_string()),
            })
        })
    }

    fn connect(
        path: &Path,
        lock_path: &Path,
        max_bytes: Option<u64>,
        more: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions,
    ) -> Result<Backend, StoreError> {
        let mut options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(PATIENCE)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .pragma("temp_store", "MEMORY")
            .disable_statement_logging();
        if let Some(bytes) = max_bytes {
            options = options.pragma("max_page_count", (bytes / 4096).max(1).to_string());
        }
        let connection = pollster::block_on(more(options).connect()).map_err(|e| from_sqlx(path, &e))?;
        Ok(Backend { path: path.to_owned(), lock_path: lock_path.to_owned(), connection: Mutex::new(Some(connection)) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn run<T>(&self, work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut guard = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection =
            guard.as_mut().ok_or_else(|| StoreError::Internal { reason: "the domain is closed".into() })?;
        pollster::block_on(work(connection))
    }

    /// Reads; each statement sees one committed state.
    pub(crate) fn read<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.run(work)
    }

    /// Runs `work` in a transaction as the only writer: all of it is on the disk after `Ok`, none of it after `Err`.
    pub(crate) fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        self.run(async |c| {
            let _turn = self.turn()?;
            execute(path, c, "BEGIN IMMEDIATE").await?;
            let result = match work(c).await {
                Ok(value) => execute(path, c, "COMMIT").await.map(|()| value),
                Err(e) => Err(e),
            };
            if result.is_err() {
                // After some errors SQLite has already rolled back and says so.
                let _ = c.execute("ROLLBACK").await;
            }
            result
        })
    }

    /// Moves what is in the write-ahead log into the database and cuts the log to nothing, so that what was deleted
    /// is in neither.
    pub(crate) fn empty_log(&self) -> Result<(), StoreError> {
        let path = &self.path;
        let busy: i64 = self.run(async |c| {
            let _turn = self.turn()?;
            let row = rows(path, c, sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")).await?.pop();
            row.map(|r| get(path, &r, 0)).transpose().map(|b| b.unwrap_or(1))
        })?;
        if busy == 0 { Ok(()) } else { Err(StoreError::NotErased { path: with_suffix(path, "-wal") }) }
    }

    /// Waits until no other process writes. SQLite's own locks protect the data as well; this one makes the waiting
    /// fair and keeps a write and another connection's checkpoint from ever running at once. It ends with the process.
    fn turn(&self) -> Result<File, StoreError> {
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.lock_path).map_err(|e| StoreError::io(&self.lock_path, "open", e))?;
        let deadline = Instant::now() + PATIENCE;
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

    /// Closes in good order: the last one out, which SQLite knows by a lock of its own, empties and removes the log.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(connection) = connection else { return Ok(()) };
        pollster::block_on(connection.close()).map_err(|e| from_sqlx(&self.path, &e))
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // Everything acknowledged is on the disk already.
        let _ = self.close();
    }
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

pub(crate) async fn execute(path: &Path, c: &mut SqliteConnection, sql: &str) -> Result<(), StoreError> {
    c.execute(sql).await.map(|_| ()).map_err(|e| from_sqlx(path, &e))
}

/// Runs a statement; says how many rows it changed.
pub(crate) async fn change(path: &Path, c: &mut SqliteConnection, query: Query<'_>) -> Result<u64, StoreError> {
    query.execute(c).await.map(|r| r.rows_affected()).map_err(|e| from_sqlx(path, &e))
}

pub(crate) async fn rows(
    path: &Path,
    c: &mut SqliteConnection,
    query: Query<'_>,
) -> Result<Vec<SqliteRow>, StoreError> {
    query.fetch_all(c).await.map_err(|e| from_sqlx(path, &e))
}

/// The column of a row.
pub(crate) fn get<'r, T>(path: &Path, row: &'r SqliteRow, column: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|e| from_sqlx(path, &e))
}

/// What SQLite says, as what it means. Result codes: <https://www.sqlite.org/rescode.html>.
pub(crate) fn from_sqlx(path: &Path, error: &sqlx::Error) -> StoreError {
    const SHM_SIZE: i32 = 10 | 19 << 8;
    const SHORT_READ: i32 = 10 | 2 << 8;
    let owned = path.to_owned();
    match error {
        sqlx::Error::Database(e) => {
            let code: i32 = e.code().and_then(|c| c.parse().ok()).unwrap_or(0);
            match code {
                // The log's index could not be given room.
                SHM_SIZE => return StoreError::Full { path: owned },
                SHORT_READ => return StoreError::corrupt(path, "it ends too early"),
                _ => {}
            }
            let io = |action, text: &str| StoreError::Io {
                path: path.to_owned(),
                action,
                source: std::io::Error::other(text.to_owned()),
            };
            match code & 0xff {
                5 | 6 => StoreError::Busy { path: owned },
                13 => StoreError::Full { path: owned },
                11 | 26 => StoreError::corrupt(path, e.message()),
                8 => io("write", "it is read-only"),
                10 => io("read or write", e.message()),
                14 => io("open", e.message()),
                // "no such table" and the like.
                1 => StoreError::not_a_domain(path, e.message()),
                _ => StoreError::Internal { reason: format!("{}: {} (code {code})", path.display(), e.message()) },
            }
        }
        sqlx::Error::Io(e) => StoreError::io(path, "open", std::io::Error::new(e.kind(), e.to_string())),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
            StoreError::corrupt(path, "a row has values of the wrong kind")
        }
        other => StoreError::Internal { reason: format!("{}: {other}", path.display()) },
    }
}
