//! Secrets: the domain key and its file.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::bytes::{from_hex, random_bytes, to_hex};
use crate::error::{KeyProblem, StoreError};
use crate::files::write_atomic_private;

/// First word of a key file; the second is 64 hexadecimal digits.
const HEADER: &str = "vouch-domain-key-1";
/// More than a key file can have.
const MAX_KEY_FILE_BYTES: u64 = 256;

/// 32 secret bytes, erased when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret(pub(crate) [u8; 32]);

impl Secret {
    pub(crate) fn random() -> Result<Secret, StoreError> {
        random_bytes().map(Secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The key that opens a domain's data key.
#[derive(Clone, Debug)]
pub(crate) struct DomainKey(pub(crate) Secret);

impl DomainKey {
    pub(crate) fn random() -> Result<DomainKey, StoreError> {
        Secret::random().map(DomainKey)
    }

    /// Tells keys apart without telling the key.
    pub(crate) fn id(&self) -> String {
        let hash = Sha256::new().chain_update(b"vouch domain key id").chain_update(self.0.0).finalize();
        to_hex(&hash[..8])
    }

    /// Writes the key file, readable by its owner only.
    pub(crate) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let hex = Zeroizing::new(to_hex(&self.0.0));
        let text = Zeroizing::new(format!("{HEADER} {}\n", hex.as_str()));
        write_atomic_private(path, text.as_bytes())
    }

    /// Reads the key file.
    pub(crate) fn read(path: &Path) -> Result<DomainKey, StoreError> {
        let problem = |problem| StoreError::Key { path: path.to_owned(), problem };
        match fs::metadata(path) {
            Ok(meta) if meta.is_file() =>
            {
                #[cfg(unix)]
                if std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o007 != 0 {
                    return Err(problem(KeyProblem::Exposed));
                }
            }
            Ok(_) => return Err(problem(KeyProblem::Malformed)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(problem(KeyProblem::Missing)),
            Err(e) => return Err(StoreError::io(path, "read", e)),
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE_BYTES as usize));
        File::open(path)
            .and_then(|f| f.take(MAX_KEY_FILE_BYTES).read_to_end(&mut bytes))
            .map_err(|e| StoreError::io(path, "read", e))?;
        std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.trim_end().strip_prefix(HEADER)?.strip_prefix(' '))
            .and_then(from_hex)
            .map(|key| DomainKey(Secret(key)))
            .ok_or_else(|| problem(KeyProblem::Malformed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_file_round_trip_and_problems() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("domain.key");
        let key = DomainKey::random().unwrap();
        key.write(&path).unwrap();
        assert_eq!(DomainKey::read(&path).unwrap().0.0, key.0.0);
        assert!(!format!("{key:?}").contains(&to_hex(&key.0.0)));

        let good = fs::read(&path).unwrap();
        let cases: Vec<Vec<u8>> = vec![
            vec![],
            good[..20].to_vec(),
            good[..good.len() - 2].to_vec(),
            [&good[..], b"00"].concat(),
            vec![0xff; 90],
        ];
        for bytes in cases {
            write_atomic_private(&path, &bytes).unwrap();
            let error = DomainKey::read(&path).unwrap_err();
            assert!(matches!(error, StoreError::Key { problem: KeyProblem::Malformed, .. }), "{error:?}");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(DomainKey::read(&path), Err(StoreError::Key { problem: KeyProblem::Missing, .. })));
        #[cfg(unix)]
        {
            fs::write(&path, &good).unwrap();
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
            assert!(matches!(DomainKey::read(&path), Err(StoreError::Key { problem: KeyProblem::Exposed, .. })));
        }
    }
}
