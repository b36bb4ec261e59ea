//! A key for files that are sealed on their own, outside a domain.

use std::path::Path;

use zeroize::Zeroizing;

use crate::StoreError;
use crate::bytes::to_hex;
use crate::key::DomainKey;
use crate::sealed::{framed, mac, open_with, seal_with};

/// What a sealed file begins with.
pub const SEALED_FILE_MAGIC: &[u8; 8] = b"VOUCHSF1";

/// What a sealed value begins with.
const SEALED_VALUE: &str = "xchacha20-poly1305";
/// What a sealed value is bound to.
const VALUE: &[u8] = b"vouch 1 value";

/// A key for files that are sealed on their own: XChaCha20-Poly1305 under a key that lies in a file of its own.
#[derive(Debug)]
pub struct FileKey(DomainKey);

impl FileKey {
    /// Reads the key; makes it, readable by its owner only, where it is not there.
    ///
    /// # Errors
    /// The file cannot be read or written, is no key, or anybody may read it.
    pub fn read_or_create(path: &Path) -> Result<FileKey, StoreError> {
        if !path.exists() {
            DomainKey::random()?.write(path)?;
        }
        FileKey::read(path)
    }

    /// Reads the key.
    ///
    /// # Errors
    /// The file is missing, is no key, or anybody may read it.
    pub fn read(path: &Path) -> Result<FileKey, StoreError> {
        DomainKey::read(path).map(FileKey)
    }

    /// Seals a file's content.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let sealed = seal_with(&self.0.0, &[SEALED_FILE_MAGIC], plain)?;
        Ok([&SEALED_FILE_MAGIC[..], &sealed].concat())
    }

    /// A keyed hash of something (HMAC-SHA256): equal for equal things under one key, and telling nothing without it. The key's id comes before it, so
    /// that keys can change.
    pub fn tag(&self, bytes: &[u8]) -> String {
        let tag = mac(&self.0.0, &framed(&[b"vouch 1 field", bytes]));
        format!("hmac-sha256:{}:{}", self.0.id(), to_hex(&tag))
    }

    /// Seals a value so that it can stand in a text; the key's id comes before it, so that keys can change.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn seal_value(&self, plain: &[u8]) -> Result<String, StoreError> {
        let sealed = seal_with(&self.0.0, &[VALUE], plain)?;
        Ok(format!("{SEALED_VALUE}:{}:{}", self.0.id(), to_hex(&sealed)))
    }

    /// Opens a value that [`FileKey::seal_value`] made; `None` if it is none, or is another key's, or was changed.
    pub fn open_value(&self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (id, hex) = text.strip_prefix(SEALED_VALUE)?.strip_prefix(':')?.split_once(':')?;
        if id != self.0.id() || !hex.len().is_multiple_of(2) {
            return None;
        }
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let sealed: Vec<u8> = hex.as_bytes().chunks_exact(2).map(byte).collect::<Option<_>>()?;
        open_with(&self.0.0, &[VALUE], &sealed)
    }

    /// Opens a file's content; `None` if it is none that this key sealed, or was changed.
    pub fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open_with(&self.0.0, &[SEALED_FILE_MAGIC], sealed.strip_prefix(SEALED_FILE_MAGIC.as_slice())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_its_key_only_and_whole_only() {
        let dir = tempfile::tempdir().unwrap();
        let key = FileKey::read_or_create(&dir.path().join("a.key")).unwrap();
        let other = FileKey::read_or_create(&dir.path().join("b.key")).unwrap();
        let sealed = key.seal(b"Jane Doe").unwrap();
        assert!(!sealed.windows(4).any(|w| w == b"Jane"));
        let again = FileKey::read_or_create(&dir.path().join("a.key")).unwrap();
        assert_eq!(again.open(&sealed).unwrap().as_slice(), b"Jane Doe");
        assert!(other.open(&sealed).is_none());
        assert!(key.tag(b"a") == again.tag(b"a") && key.tag(b"a") != key.tag(b"b") && key.tag(b"a") != other.tag(b"a"));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&changed).is_none() && key.open(&sealed[..at]).is_none());
        }
        assert!(FileKey::read(&dir.path().join("c.key")).is_err());
        let value = key.seal_value(b"+12125550123").unwrap();
        assert_ne!(value, key.seal_value(b"+12125550123").unwrap());
        assert_eq!(again.open_value(&value).unwrap().as_slice(), b"+12125550123");
        for bad in ["", "x", &value[..value.len() - 1], &value[..value.len() - 2], &value.replace("poly", "p")] {
            assert!(key.open_value(bad).is_none() && other.open_value(&value).is_none(), "{bad}");
        }
    }
}
