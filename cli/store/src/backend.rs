//! What a database has to do for the store. One that does this is a backend; all else is SQL that every backend takes.
//!
//! Calls block. Readers never wait for a writer; writers wait for each other, also across processes.

use std::fmt::Debug;
use std::path::Path;

use crate::error::StoreError;
use crate::statement::{Fields, Statement};
use crate::words::{Index, WordQuery};

/// A connection, lent for one piece of work.
pub(crate) trait Connection {
    /// Runs a statement that gives rows.
    fn rows(&mut self, statement: &Statement) -> Result<Vec<Fields>, StoreError>;

    /// Runs a statement; says how many rows it changed.
    fn change(&mut self, statement: &Statement) -> Result<u64, StoreError>;

    /// Writes what each speaker said in a contact, as hashes of words with spaces between them, into an index of words.
    fn index_words(&mut self, index: Index, contact_no: i64, said: [String; 3]) -> Result<(), StoreError>;

    /// Takes a contact out of an index of words.
    fn forget_words(&mut self, index: Index, contact_no: i64) -> Result<(), StoreError>;
}

type Work<'w> = &'w mut dyn FnMut(&mut dyn Connection) -> Result<(), StoreError>;

/// An open database. Its generic calls are those below it.
pub(crate) trait Backend: Debug + Send + Sync {
    /// The database, for errors.
    fn path(&self) -> &Path;

    /// Lends a connection that can only read; each statement sees one committed state.
    fn lend_reader(&self, work: Work<'_>) -> Result<(), StoreError>;

    /// Lends a connection in a transaction as the only writer: all of `work` is on the disk after `Ok`, none of it after `Err`.
    fn lend_writer(&self, work: Work<'_>) -> Result<(), StoreError>;

    /// Erases for good what was deleted, so that neither the database nor a log of it holds the bytes.
    fn erase_deleted(&self) -> Result<(), StoreError>;

    /// Closes in good order; later calls are errors.
    fn close(&self) -> Result<(), StoreError>;

    /// Adds a condition on `c.contact_no`: the contacts in which these words were said.
    fn push_words(&self, sql: &mut Statement, index: Index, query: &WordQuery);
}

/// Hands out what `work` gives, which a trait object cannot.
fn through<T>(
    lend: impl FnOnce(Work<'_>) -> Result<(), StoreError>,
    work: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let (mut work, mut given) = (Some(work), None);
    lend(&mut |c| {
        let work = work.take().ok_or_else(|| StoreError::Internal { reason: "a backend called twice".into() })?;
        given = Some(work(c)?);
        Ok(())
    })?;
    given.ok_or_else(|| StoreError::Internal { reason: "a backend did not call".into() })
}

impl dyn Backend + '_ {
    /// Reads; each statement sees one committed state.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        through(|w| self.lend_reader(w), work)
    }

    /// Runs `work` in a transaction as the only writer: all of it is on the disk after `Ok`, none of it after `Err`.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        through(|w| self.lend_writer(w), work)
    }
}

/// Runs a statement that gives rows.
pub(crate) fn rows(c: &mut dyn Connection, statement: Statement) -> Result<Vec<Fields>, StoreError> {
    c.rows(&statement)
}

/// Runs a statement; says how many rows it changed.
pub(crate) fn change(c: &mut dyn Connection, statement: Statement) -> Result<u64, StoreError> {
    c.change(&statement)
}
