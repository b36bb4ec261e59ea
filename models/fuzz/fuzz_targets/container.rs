//! Any bytes are an error of one line or a network. The magic, the version and the checksum are also made right, so that the
//! fuzzer reaches what lies behind them; and the embedded container with a few bytes of its header changed, so that it
//! reaches the tensors.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use models::Model;
use sha2::{Digest, Sha256};

static EMBEDDED: LazyLock<Vec<u8>> = LazyLock::new(|| include_bytes!("../../weights/default.vouch").to_vec());

fn check(bytes: &[u8]) {
    match Model::from_bytes(bytes) {
        Ok(model) => assert!(model.dim() > 0 && model.embedder().dim() == model.dim()),
        Err(e) => assert!(!e.to_string().contains('\n'), "{e}"),
    }
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let mut file = b"VOUCHNET\x01\0\0\0".to_vec();
    file.extend_from_slice(bytes);
    check(&sealed(file));
    // Three bytes each: where in the header, and what instead.
    let mut file = EMBEDDED[..EMBEDDED.len() - 32].to_vec();
    let header = 12 + 4 + file[12..16].iter().rev().fold(0, |n, &b| n << 8 | usize::from(b));
    for change in bytes.chunks_exact(3).take(4) {
        file[12 + (usize::from(change[0]) << 8 | usize::from(change[1])) % (header - 12)] = change[2];
    }
    check(&sealed(file));
});
