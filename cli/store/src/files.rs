//! Files that are either whole or not there: write beside, fsync, rename, fsync the directory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::bytes::{random_bytes, to_hex};
use crate::error::StoreError;

/// Writes `bytes` to `path` so that a reader, or a crash, sees the old content or the new one and nothing between.
///
/// What was at `path` is replaced. After `Ok` the bytes are on the disk.
///
/// # Errors
/// [`StoreError::Full`] or [`StoreError::Io`]; `path` is then untouched and nothing is left beside it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_whole(AtomicFile::create(path)?, bytes)
}

/// As [`write_atomic`], for secrets: only the owner may read the file (mode 0600 on Unix).
///
/// # Errors
/// As [`write_atomic`].
pub fn write_atomic_private(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_whole(AtomicFile::create_private(path)?, bytes)
}

fn write_whole(mut file: AtomicFile, bytes: &[u8]) -> Result<(), StoreError> {
    file.write_all(bytes).map_err(|e| StoreError::io(&file.target, "write", e))?;
    file.commit()
}

/// A file that appears under its name, whole, when it is committed, and never if it is dropped before.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    committed: bool,
}

impl AtomicFile {
    /// Opens a temporary file beside `path`.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Io`].
    pub fn create(path: &Path) -> Result<AtomicFile, StoreError> {
        AtomicFile::open(path, false)
    }

    /// As [`AtomicFile::create`], readable by the owner only (mode 0600 on Unix).
    ///
    /// # Errors
    /// As [`AtomicFile::create`].
    pub fn create_private(path: &Path) -> Result<AtomicFile, StoreError> {
        AtomicFile::open(path, true)
    }

    fn open(path: &Path, private: bool) -> Result<AtomicFile, StoreError> {
        if path.is_dir() {
            return Err(StoreError::io(path, "write", io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let temporary = beside(path, "tmp")?;
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = private;
        let file = options.open(&temporary).map_err(|e| StoreError::io(path, "create", e))?;
        Ok(AtomicFile { file, temporary, target: path.to_owned(), committed: false })
    }

    /// Where the content is until [`AtomicFile::commit`], to be read back.
    pub fn unfinished(&self) -> &Path {
        &self.temporary
    }

    /// Puts the file under its name and returns when it is on the disk.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Io`]; the file is then not there.
    pub fn commit(mut self) -> Result<(), StoreError> {
        self.file.sync_all().map_err(|e| StoreError::io(&self.target, "write", e))?;
        fs::rename(&self.temporary, &self.target).map_err(|e| StoreError::io(&self.target, "rename into", e))?;
        self.committed = true;
        sync_dir(parent(&self.target))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl io::Seek for AtomicFile {
    fn seek(&mut self, pos: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(pos)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A hidden, unused name in the same directory: `.NAME.KIND-RANDOM`.
pub(crate) fn beside(path: &Path, kind: &str) -> Result<PathBuf, StoreError> {
    let Some(name) = path.file_name() else {
        return Err(StoreError::io(path, "write", io::Error::other("the path has no file name")));
    };
    let random: [u8; 8] = random_bytes()?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{kind}-{}", to_hex(&random)));
    Ok(parent(path).join(hidden))
}

/// The directory that holds `path`; `.` for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// Makes renames and removals in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(dir).and_then(|d| d.sync_all()).map_err(|e| StoreError::io(dir, "sync", e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut all: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        all.sort();
        all
    }

    #[test]
    fn replaces_whole_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.bin");
        write_atomic(&path, b"one").unwrap();
        write_atomic_private(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(dir.path()), ["out.bin"]);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn dropped_before_commit_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.bin");
        write_atomic(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(names(dir.path()).len(), 2);
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["out.bin"]);
    }

    #[test]
    fn names_the_file_in_errors() {
        let dir = tempfile::tempdir().unwrap();
        let cases = [dir.path().to_owned(), dir.path().join("no/such/out.bin"), PathBuf::from("/")];
        for path in cases {
            let error = write_atomic(&path, b"x").unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&path.display().to_string()) && !text.contains('\n'), "{text}");
        }
        assert!(names(dir.path()).is_empty());
    }
}
