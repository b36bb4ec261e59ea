//! Any bytes are an error of one line or a speaker. They are tried as a file, and as the content of a file that is sealed
//! rightly with the cheapest key derivation, so that the fuzzer reaches what lies behind the seal.
#![no_main]

use std::sync::LazyLock;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use cli_store::{Domain, NewDomain, Passphrase, SpeakerId};
use libfuzzer_sys::fuzz_target;

const PASSPHRASE: &str = "correct horse battery";
/// Argon2's least: 8 KiB, one pass, one lane.
const COST: [u32; 3] = [8, 1, 1];

static DOMAIN: LazyLock<(tempfile::TempDir, Domain)> = LazyLock::new(|| {
    let parent = tempfile::tempdir().expect("a folder for the domain");
    let name = "fuzz".parse().expect("a domain name");
    let domain = Domain::create(&parent.path().join("fuzz.domain"), NewDomain::new(name)).expect("a domain");
    (parent, domain)
});

fn header(length: usize) -> Vec<u8> {
    let mut file = b"VOUCH-VP\x01\0\x01\0".to_vec();
    COST.iter().for_each(|n| file.extend_from_slice(&n.to_le_bytes()));
    file.extend_from_slice(&[7; 16 + 24]);
    file.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    file
}

fn check(file: &[u8]) {
    let passphrase = Passphrase::new(PASSPHRASE).expect("a passphrase");
    match DOMAIN.1.import_voiceprint(file, &passphrase, None, true) {
        Ok(speaker) => {
            let id: SpeakerId = speaker.customer_speaker_id.clone().into();
            assert!(DOMAIN.1.export_voiceprint(&id, &passphrase).is_ok());
        }
        Err(e) => assert!(!e.to_string().contains('\n'), "{e}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    // A header may ask for a quarter of a gigabyte; that costs time and finds nothing.
    let cheap = bytes.get(12..24).is_none_or(|c| c == COST.map(u32::to_le_bytes).concat());
    if cheap {
        check(bytes);
    }
    let mut file = header(bytes.len() + 16);
    let mut key = [0; 32];
    let params = Params::new(COST[0], COST[1], COST[2], Some(32)).expect("the least cost");
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(PASSPHRASE.as_bytes(), &file[24..40], &mut key).expect("a key");
    let payload = Payload { msg: bytes, aad: &file };
    let sealed = XChaCha20Poly1305::new(&key.into()).encrypt(XNonce::from_slice(&file[40..64]), payload).expect("a seal");
    file.extend_from_slice(&sealed);
    check(&file);
});
