//! Transcripts in files.

use std::path::Path;

use engine_words::transcript::{self, Loaded};

use crate::error::{Context, Result, ensure};

/// Largest file that is read.
const MAX_BYTES: u64 = 256 << 20;

/// Reads a transcript.
///
/// # Errors
/// The file cannot be read, or [`transcript::load`] refuses it.
pub fn load(path: &Path) -> Result<Loaded> {
    let name = || path.display().to_string();
    let size = std::fs::metadata(path).with_context(name)?.len();
    ensure!(size <= MAX_BYTES, "{}: {size} bytes, at most {MAX_BYTES} are read", name());
    transcript::load(&std::fs::read(path).with_context(name)?).with_context(name)
}
