//! A few connections that are lent in turn. They are opened when they are first needed.
//!
//! Own code, because the pools there are do more and less than this wants: sqlx's needs an asynchronous runtime with timers, r2d2 keeps three threads of its own
//! for every pool and closes connections some time after it was dropped; a domain has to be closed, log and all, when the call returns.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::connection::from_sqlx;
use crate::error::StoreError;

/// At most so many connections, opened in one way.
pub(super) struct Pool {
    path: PathBuf,
    options: SqliteConnectOptions,
    most: usize,
    slots: Mutex<Slots>,
    returned: Condvar,
}

#[derive(Default)]
struct Slots {
    idle: Vec<SqliteConnection>,
    /// Those that are idle, lent or being opened.
    open: usize,
    closed: bool,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("most", &self.most).finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(path: &Path, options: SqliteConnectOptions, most: usize) -> Pool {
        Pool { path: path.to_owned(), options, most, slots: Mutex::default(), returned: Condvar::new() }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a connection: an idle one, a new one, or the first that comes back before the deadline.
    pub(super) fn lease(&self, deadline: Instant) -> Result<Lease<'_>, StoreError> {
        let mut slots = self.slots();
        loop {
            if slots.closed {
                return Err(StoreError::Internal { reason: "the domain is closed".into() });
            }
            if let Some(connection) = slots.idle.pop() {
                return Ok(Lease { pool: self, connection: Some(connection), sound: false });
            }
            if slots.open < self.most {
                slots.open += 1;
                drop(slots);
                // From here on the lease counts: should opening fail, dropping it makes room.
                let mut lease = Lease { pool: self, connection: None, sound: false };
                let opened = pollster::block_on(self.options.connect()).map_err(|e| from_sqlx(&self.path, &e))?;
                lease.connection = Some(opened);
                return Ok(lease);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(StoreError::Busy { path: self.path.clone() });
            }
            slots = self.returned.wait_timeout(slots, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Closes the connections that are not lent; one that is lent is closed when it comes back.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let idle = {
            let mut slots = self.slots();
            slots.closed = true;
            std::mem::take(&mut slots.idle)
        };
        let mut result = Ok(());
        // Every one of them, whatever becomes of the first.
        for connection in idle {
            let closed = pollster::block_on(connection.close()).map_err(|e| from_sqlx(&self.path, &e));
            result = result.and(closed);
        }
        result
    }
}

/// A connection that is lent. Unless it is given back it is closed, with what was not finished on it.
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    connection: Option<SqliteConnection>,
    sound: bool,
}

impl Lease<'_> {
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_mut().ok_or_else(|| StoreError::Internal { reason: "a lease without a connection".into() })
    }

    pub(super) fn give_back(mut self) {
        self.sound = true;
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut slots = self.pool.slots();
        match self.connection.take() {
            Some(connection) if self.sound && !slots.closed => slots.idle.push(connection),
            unsound => {
                slots.open = slots.open.saturating_sub(1);
                drop(unsound);
            }
        }
        drop(slots);
        self.pool.returned.notify_one();
    }
}
