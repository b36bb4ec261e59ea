//! One voiceprint in a file of its own, sealed under a passphrase, for another domain or for a vault.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `VOUCH-VP` |
//! | 8 | 2 | version, 1 |
//! | 10 | 2 | key derivation, 1 = Argon2id version 0x13 |
//! | 12 | 12 | its memory in KiB, passes, lanes: 4 each |
//! | 24 | 16 | salt |
//! | 40 | 24 | nonce |
//! | 64 | 4 | length of the rest |
//! | 68 | | XChaCha20-Poly1305 of the content; the 68 bytes before it are its associated data |
//!
//! Numbers are little endian. The content is the length (4) of a JSON object, the object (model id, times, customer id,
//! consent, details) and the template. A passphrase was chosen over a random key because it can be told over the
//! telephone; [`Passphrase::generate`] makes one that is as good as a key.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::bytes::random_bytes;
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::{ConflictType, StoreError, VOICEPRINT_FILE_VERSION as VERSION, VoiceprintFileProblem};
use crate::events::EnrolmentSource;
use crate::ids::{CustomerSpeakerId, ModelId, SpeakerId};
use crate::key::Secret;
use crate::speaker::{Circumstances, Consent, Enrolment, Lookup, Speaker};

/// First bytes of a voiceprint file.
pub const VOICEPRINT_FILE_MAGIC: [u8; 8] = *b"VOUCH-VP";
const KDF_ARGON2ID: u16 = 1;
const HEADER_BYTES: usize = 68;
const TAG_BYTES: usize = 16;
/// RFC 9106 §4, second recommended option, with one lane instead of four.
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// What a file may ask for: four times the memory, and passes enough for years to come.
const MAX_MEMORY_KIB: u32 = 262_144;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;
/// More than the largest template, details and consent together.
const MAX_FILE_BYTES: usize = 2 << 20;
const MIN_PASSPHRASE_CHARS: usize = 12;
const MAX_PASSPHRASE_CHARS: usize = 1_024;

/// What locks a voiceprint file. Erased when dropped; `Debug` shows nothing.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A passphrase of 12 to 1,024 characters.
    ///
    /// # Errors
    /// [`StoreError::Validation`] for another length.
    pub fn new(text: impl Into<String>) -> Result<Passphrase, StoreError> {
        let text = Zeroizing::new(text.into());
        let count = text.chars().count();
        if !(MIN_PASSPHRASE_CHARS..=MAX_PASSPHRASE_CHARS).contains(&count) {
            let reason = format!("must be {MIN_PASSPHRASE_CHARS} to {MAX_PASSPHRASE_CHARS} characters; got {count}");
            return Err(StoreError::invalid("Passphrase", reason));
        }
        Ok(Passphrase(text))
    }

    /// A random passphrase of 125 bits: five groups of five letters and digits, none of which look alike.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when the system gives no random bytes.
    pub fn generate() -> Result<Passphrase, StoreError> {
        // Crockford's base 32, in lower case.
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut bytes: [u8; 25] = random_bytes()?;
        let mut text = Zeroizing::new(String::with_capacity(29));
        for (i, b) in bytes.iter().enumerate() {
            if i > 0 && i % 5 == 0 {
                text.push('-');
            }
            text.push(char::from(LETTERS[usize::from(b & 31)]));
        }
        bytes.zeroize();
        Ok(Passphrase(text))
    }

    /// The text, to be shown to its owner once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(hidden)")
    }
}

#[derive(Serialize, Deserialize)]
struct Content {
    model_id: String,
    enrolled_at_ms: i64,
    last_accessed_at_ms: i64,
    customer_speaker_id: String,
    consent: Option<Consent>,
    details: String,
}

fn problem(problem: VoiceprintFileProblem) -> StoreError {
    StoreError::VoiceprintFile { problem }
}

struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

fn derive(passphrase: &Passphrase, salt: &[u8], cost: &Cost) -> Result<Secret, StoreError> {
    let limits = |_| problem(VoiceprintFileProblem::Limits);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(limits)?;
    let mut key = Secret([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.0.as_bytes(), salt, &mut key.0)
        .map_err(limits)?;
    Ok(key)
}

fn lock(passphrase: &Passphrase, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let salt: [u8; 16] = random_bytes()?;
    let nonce: [u8; 24] = random_bytes()?;
    let length = u32::try_from(plain.len().saturating_add(TAG_BYTES)).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(HEADER_BYTES + plain.len() + TAG_BYTES);
    file.extend_from_slice(&VOICEPRINT_FILE_MAGIC);
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&KDF_ARGON2ID.to_le_bytes());
    for number in [MEMORY_KIB, PASSES, LANES] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(&salt);
    file.extend_from_slice(&nonce);
    file.extend_from_slice(&length.to_le_bytes());
    let key = derive(passphrase, &salt, &Cost { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES })?;
    let sealed = XChaCha20Poly1305::new((&key.0).into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: &file })
        .map_err(|_| StoreError::Internal { reason: "sealing failed".into() })?;
    file.extend_from_slice(&sealed);
    Ok(file)
}

fn unlock(passphrase: &Passphrase, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let seen = file.len().min(VOICEPRINT_FILE_MAGIC.len());
    if file.is_empty() || file[..seen] != VOICEPRINT_FILE_MAGIC[..seen] {
        return Err(problem(VoiceprintFileProblem::NotAVoiceprint));
    }
    if let Some(v) = file.get(8..10) {
        let found = u16::from_le_bytes([v[0], v[1]]);
        if found != VERSION {
            return Err(problem(VoiceprintFileProblem::Version { found }));
        }
    }
    if file.len() > MAX_FILE_BYTES {
        return Err(problem(VoiceprintFileProblem::Limits));
    }
    let Some((header, sealed)) = file.split_at_checked(HEADER_BYTES) else {
        return Err(problem(VoiceprintFileProblem::Truncated));
    };
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let cost = Cost { memory_kib: number(12), passes: number(16), lanes: number(20) };
    let kdf = u16::from_le_bytes([header[10], header[11]]);
    if kdf != KDF_ARGON2ID || cost.memory_kib > MAX_MEMORY_KIB || cost.passes > MAX_PASSES || cost.lanes > MAX_LANES {
        return Err(problem(VoiceprintFileProblem::Limits));
    }
    if sealed.len() < TAG_BYTES || u32::try_from(sealed.len()).unwrap_or(u32::MAX) < number(64) {
        return Err(problem(VoiceprintFileProblem::Truncated));
    }
    let key = derive(passphrase, &header[24..40], &cost)?;
    XChaCha20Poly1305::new((&key.0).into())
        .decrypt(XNonce::from_slice(&header[40..64]), Payload { msg: sealed, aad: header })
        .map(Zeroizing::new)
        .map_err(|_| problem(VoiceprintFileProblem::WrongPassphrase))
}

impl Domain {
    /// The speaker's voiceprint, consent and customer id as the bytes of a voiceprint file.
    ///
    /// The audit notes it before the bytes are handed out. Takes about a fifth of a second and 64 MiB, so that guessing
    /// a passphrase does too.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`crate::ResourceType::Speaker`]; [`StoreError::Conflict`] with
    /// [`ConflictType::SpeakerOptedOut`]; [`StoreError::Validation`] if there is no voiceprint or it has expired;
    /// storage errors.
    pub fn export_voiceprint(&self, id: &SpeakerId, passphrase: &Passphrase) -> Result<Vec<u8>, StoreError> {
        self.allow(Permission::VoiceId)?;
        let (speaker, print, consent) = self.opened.backend.write(|c| {
            let info = self.active(c)?;
            let (speaker, lookup) = self.look_up(c, &info, id)?.ok_or_else(|| self.no_such_speaker(id))?;
            let generated = &speaker.generated_speaker_id;
            let none = |why: &str| StoreError::invalid("SpeakerId", format!("speaker {generated} {why}"));
            let print = match lookup {
                Lookup::Enrolled(print) => print,
                Lookup::NotEnrolled => return Err(none("has no voiceprint: enrol first")),
                Lookup::Expired => return Err(none("has an expired voiceprint: enrol again")),
                Lookup::OptedOut => {
                    return Err(StoreError::Conflict {
                        conflict: ConflictType::SpeakerOptedOut,
                        reason: format!("speaker {generated} has opted out: there is nothing to export"),
                    });
                }
            };
            let consent = self.standing_consent(c, &speaker.generated_speaker_id)?;
            self.record(c, AuditAction::VoiceprintExported, speaker.generated_speaker_id.as_str())?;
            Ok((speaker, print, consent))
        })?;
        let content = Content {
            model_id: print.model_id().to_string(),
            enrolled_at_ms: print.enrolled_at().0,
            last_accessed_at_ms: speaker.last_accessed_at.unwrap_or(print.enrolled_at()).0,
            customer_speaker_id: speaker.customer_speaker_id.as_str().to_owned(),
            consent,
            details: print.details().to_owned(),
        };
        let json = serde_json::to_vec(&content)
            .map(Zeroizing::new)
            .map_err(|e| StoreError::Internal { reason: format!("cannot write JSON: {e}") })?;
        let mut plain = Zeroizing::new(Vec::with_capacity(4 + json.len() + print.template().len()));
        plain.extend_from_slice(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes());
        plain.extend_from_slice(&json);
        plain.extend_from_slice(print.template());
        lock(passphrase, &plain)
    }

    /// Enrols from the bytes of a voiceprint file, as the speaker named in it or as `rename`.
    ///
    /// The rules of [`Domain::put_voiceprint`] hold. The time to expiry goes on from where it was when the file was
    /// made, and the consent comes along.
    ///
    /// # Errors
    /// [`StoreError::VoiceprintFile`]; those of [`Domain::put_voiceprint`]; nothing is changed.
    pub fn import_voiceprint(
        &self,
        file: &[u8],
        passphrase: &Passphrase,
        rename: Option<&CustomerSpeakerId>,
        overwrite: bool,
    ) -> Result<Speaker, StoreError> {
        self.allow(Permission::VoiceId)?;
        let plain = unlock(passphrase, file)?;
        let bad = || problem(VoiceprintFileProblem::Content);
        let (length, rest) = plain.split_first_chunk::<4>().ok_or_else(bad)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| bad())?;
        let (json, template) = rest.split_at_checked(length).ok_or_else(bad)?;
        let content: Content = serde_json::from_slice(json).map_err(|_| bad())?;
        let model_id: ModelId = content.model_id.parse().map_err(|_| bad())?;
        let customer = match rename {
            Some(id) => id.clone(),
            None => content.customer_speaker_id.parse().map_err(|_| bad())?,
        };
        let mut enrolment = Enrolment::new(model_id, template).details(&content.details).overwrite(overwrite);
        enrolment = enrolment.source(EnrolmentSource::VoiceprintFile);
        if let Some(consent) = content.consent {
            enrolment = enrolment.consent(consent);
        }
        let circumstances = Circumstances {
            enrolled_at: Some(Timestamp(content.enrolled_at_ms)),
            last_accessed_at: Some(Timestamp(content.last_accessed_at_ms)),
            imported: true,
        };
        self.enrol(&customer.into(), enrolment, circumstances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_passphrases_differ_and_are_accepted() {
        let (a, b) = (Passphrase::generate().unwrap(), Passphrase::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(a.expose().len(), 29);
        assert!(Passphrase::new(a.expose()).is_ok());
        assert!(!format!("{a:?}").contains(a.expose()));
        for (n, ok) in [(11, false), (12, true), (1024, true), (1025, false)] {
            assert_eq!(Passphrase::new("é".repeat(n)).is_ok(), ok, "{n}");
        }
    }

    #[test]
    fn each_kind_of_bad_file_is_told_apart() {
        let passphrase = Passphrase::new("correct horse battery").unwrap();
        let good = lock(&passphrase, b"content").unwrap();
        assert_eq!(unlock(&passphrase, &good).unwrap().as_slice(), b"content");
        let with = |at: usize, bytes: &[u8]| {
            let mut file = good.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            file
        };
        use VoiceprintFileProblem as P;
        let cases: Vec<(&str, Vec<u8>, P)> = vec![
            ("empty", vec![], P::NotAVoiceprint),
            ("text", b"hello, this is not a voiceprint".to_vec(), P::NotAVoiceprint),
            ("magic only", good[..8].to_vec(), P::Truncated),
            ("part of the magic", good[..3].to_vec(), P::Truncated),
            ("header only", good[..HEADER_BYTES].to_vec(), P::Truncated),
            ("last byte missing", good[..good.len() - 1].to_vec(), P::Truncated),
            ("a byte more", [&good[..], b"x"].concat(), P::WrongPassphrase),
            ("version 2", with(8, &2u16.to_le_bytes()), P::Version { found: 2 }),
            ("another derivation", with(10, &9u16.to_le_bytes()), P::Limits),
            ("4 TiB of memory", with(12, &u32::MAX.to_le_bytes()), P::Limits),
            ("endless passes", with(16, &u32::MAX.to_le_bytes()), P::Limits),
            ("no passes", with(16, &0u32.to_le_bytes()), P::Limits),
            ("no lanes", with(20, &0u32.to_le_bytes()), P::Limits),
            ("other salt", with(24, &[0; 16]), P::WrongPassphrase),
            ("other nonce", with(40, &[0; 24]), P::WrongPassphrase),
            ("other length", with(64, &3u32.to_le_bytes()), P::WrongPassphrase),
            ("fewer passes", with(16, &1u32.to_le_bytes()), P::WrongPassphrase),
            ("changed content", with(HEADER_BYTES, &[good[HEADER_BYTES] ^ 1]), P::WrongPassphrase),
            ("too long", [&good[..], &vec![0; MAX_FILE_BYTES]].concat(), P::Limits),
        ];
        let mut bad = Vec::new();
        for (name, file, want) in cases {
            match unlock(&passphrase, &file) {
                Err(StoreError::VoiceprintFile { problem }) if problem == want => {}
                other => bad.push(format!("{name}: want {want:?}, got {:?}", other.map(|_| "opened"))),
            }
        }
        assert!(bad.is_empty(), "{bad:#?}");
        let wrong = Passphrase::new("correct horse batterz").unwrap();
        assert!(matches!(unlock(&wrong, &good), Err(StoreError::VoiceprintFile { problem: P::WrongPassphrase })));
    }
}
