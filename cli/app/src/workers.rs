//! Work over many files: by how many threads, and who is told how far it is.

use crate::error::{Context, Result};

/// Who is told how far long work is.
pub trait Progress: Sync {
    /// Work of so many steps begins.
    fn begin(&self, steps: u64, what: &str) -> Box<dyn Steps>;
}

/// Steps of work that goes on.
pub trait Steps: Send + Sync {
    /// So many more are done.
    fn add(&self, steps: u64);
    /// All are done.
    fn end(&self);
}

/// How work over many files is done.
#[derive(Clone, Copy)]
pub struct Workers<'a> {
    /// Threads; one for each core unless given.
    pub threads: Option<u16>,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
}

impl Workers<'_> {
    /// The threads.
    ///
    /// # Errors
    /// The system gives none.
    pub fn pool(&self) -> Result<rayon::ThreadPool> {
        pool(self.threads)
    }
}

/// So many threads; one for each core unless given.
///
/// # Errors
/// The system gives none.
pub fn pool(threads: Option<u16>) -> Result<rayon::ThreadPool> {
    let threads = threads.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("worker threads")
}
