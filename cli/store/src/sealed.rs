//! Sealing: XChaCha20-Poly1305 under keys derived from the domain's data key.
//!
//! A sealed value is `version (1) | nonce (24) | ciphertext and tag`. Its associated data is the version and the list of
//! what it belongs to, each item with its length before it, so that no two lists give the same bytes.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::bytes::random_bytes;
use crate::error::StoreError;
use crate::key::{DomainKey, Secret};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Items, each after its length: different lists never give the same bytes.
pub(crate) fn framed(items: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(items.iter().map(|i| i.len() + 8).sum());
    for item in items {
        out.extend_from_slice(&(item.len() as u64).to_le_bytes());
        out.extend_from_slice(item);
    }
    out
}

/// HMAC-SHA256.
pub(crate) fn mac(key: &Secret, message: &[u8]) -> [u8; 32] {
    hmac(key, message).finalize().into_bytes().into()
}

/// Whether `code` is the beginning of [`mac`], in time that does not depend on where they differ.
pub(crate) fn mac_begins_with(key: &Secret, message: &[u8], code: &[u8]) -> bool {
    hmac(key, message).verify_truncated_left(code).is_ok()
}

fn hmac(key: &Secret, message: &[u8]) -> Hmac<Sha256> {
    // The constructor that cannot fail takes one whole block.
    let mut hmac = <Hmac<Sha256> as Mac>::new(expanded(key).as_slice().into());
    hmac.update(message);
    hmac
}

/// The key padded to one block of SHA-256, as HMAC does with a shorter key.
fn expanded(key: &Secret) -> Zeroizing<[u8; 64]> {
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(&key.0);
    block
}

fn associated(context: &[&[u8]]) -> Vec<u8> {
    let mut aad = vec![VERSION];
    aad.extend(framed(context));
    aad
}

pub(crate) fn seal_with(key: &Secret, context: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let nonce: [u8; NONCE_BYTES] = random_bytes()?;
    let cipher = XChaCha20Poly1305::new((&key.0).into());
    let sealed = cipher
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: &associated(context) })
        .map_err(|_| StoreError::Internal { reason: "sealing failed".into() })?;
    let mut out = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
    out.push(VERSION);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

pub(crate) fn open_with(key: &Secret, context: &[&[u8]], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (version, rest) = sealed.split_first()?;
    if *version != VERSION || rest.len() < NONCE_BYTES + TAG_BYTES {
        return None;
    }
    let (nonce, sealed) = rest.split_at(NONCE_BYTES);
    let cipher = XChaCha20Poly1305::new((&key.0).into());
    cipher
        .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: &associated(context) })
        .ok()
        .map(Zeroizing::new)
}

/// The keys of an open domain.
#[derive(Debug)]
pub(crate) struct Keys {
    data: Secret,
    seal: Secret,
    index: Secret,
    pub(crate) audit: Secret,
    pub(crate) page: Secret,
    pub(crate) words: Secret,
    pub(crate) tokens: Secret,
}

impl Keys {
    pub(crate) fn random() -> Result<Keys, StoreError> {
        Secret::random().map(Keys::derive)
    }

    fn derive(data: Secret) -> Keys {
        let sub = |label: &[u8]| Secret(mac(&data, label));
        Keys {
            seal: sub(b"vouch 1 seal"),
            index: sub(b"vouch 1 customer index"),
            audit: sub(b"vouch 1 audit"),
            page: sub(b"vouch 1 page"),
            words: sub(b"vouch 1 words"),
            tokens: sub(b"vouch 1 tokens"),
            data,
        }
    }

    fn wrap_context<'a>(domain_id: &'a str, key_id: &'a str) -> [&'a [u8]; 3] {
        [b"data_keys", domain_id.as_bytes(), key_id.as_bytes()]
    }

    /// The data key, sealed under a domain key.
    pub(crate) fn wrap(&self, with: &DomainKey, domain_id: &str) -> Result<Vec<u8>, StoreError> {
        seal_with(&with.0, &Keys::wrap_context(domain_id, &with.id()), &self.data.0)
    }

    /// `None` if the domain key does not open it.
    pub(crate) fn unwrap(with: &DomainKey, domain_id: &str, wrapped: &[u8]) -> Option<Keys> {
        let plain = open_with(&with.0, &Keys::wrap_context(domain_id, &with.id()), wrapped)?;
        let data: [u8; 32] = plain.as_slice().try_into().ok()?;
        Some(Keys::derive(Secret(data)))
    }

    /// Seals `plain` so that it opens only under the same `context`.
    pub(crate) fn seal(&self, context: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        seal_with(&self.seal, context, plain)
    }

    /// `None` if it was changed, moved, or sealed under another key.
    pub(crate) fn open(&self, context: &[&[u8]], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open_with(&self.seal, context, sealed)
    }

    /// Finds a customer id without keeping it in the clear.
    pub(crate) fn customer_index(&self, domain_id: &str, customer: &str) -> Vec<u8> {
        mac(&self.index, &framed(&[domain_id.as_bytes(), customer.as_bytes()])).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_is_hmac_sha256() {
        // RFC 4231 has no 32-byte key; from Python: hmac.new(bytes(range(32)), b"vouch", "sha256").hexdigest()
        let key = Secret(std::array::from_fn(|i| i as u8));
        assert_eq!(crate::bytes::to_hex(&mac(&key, b"vouch")), HMAC_VOUCH);
    }
    const HMAC_VOUCH: &str = "42a5fa9028a7caaf24a9ab38ce413121a6fc4c7c37eaba6ed2495e958e81b93b";

    #[test]
    fn every_flipped_bit_and_every_other_context_is_refused() {
        let keys = Keys::random().unwrap();
        let context: [&[u8]; 3] = [b"voiceprints", b"D", b"id#1"];
        let sealed = keys.seal(&context, b"secret template").unwrap();
        assert_eq!(keys.open(&context, &sealed).unwrap().as_slice(), b"secret template");
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        assert_ne!(sealed, keys.seal(&context, b"secret template").unwrap(), "the nonce must differ");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.open(&context, &changed).is_none(), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(keys.open(&context, &sealed[..len]).is_none(), "length {len}");
        }
        let others: [&[&[u8]]; 5] = [
            &[b"voiceprints", b"D", b"id#2"],
            &[b"voiceprints", b"E", b"id#1"],
            &[b"consents", b"D", b"id#1"],
            &[b"voiceprints", b"Di", b"d#1"],
            &[b"voiceprints", b"D"],
        ];
        for other in others {
            assert!(keys.open(other, &sealed).is_none(), "{other:?}");
        }
        assert!(Keys::random().unwrap().open(&context, &sealed).is_none());
    }

    #[test]
    fn wrapped_data_key_opens_only_with_its_domain_key_and_domain() {
        let keys = Keys::random().unwrap();
        let key = DomainKey::random().unwrap();
        let wrapped = keys.wrap(&key, "D").unwrap();
        assert_eq!(Keys::unwrap(&key, "D", &wrapped).unwrap().data.0, keys.data.0);
        assert!(Keys::unwrap(&key, "E", &wrapped).is_none());
        assert!(Keys::unwrap(&DomainKey::random().unwrap(), "D", &wrapped).is_none());
        let shown = format!("{keys:?}");
        assert_eq!(shown.matches("hidden").count(), 7, "{shown}");
        assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{shown}");
    }
}
