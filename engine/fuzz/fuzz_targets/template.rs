//! Any bytes are an error or a template that writes the same bytes. The checksum is also made right, so that the fuzzer
//! reaches what lies behind it.
#![no_main]

use engine::template::Template;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fn check(bytes: &[u8]) {
    if let Ok(template) = Template::from_bytes(bytes) {
        assert_eq!(template.to_bytes().as_slice(), bytes);
        let own = template.cosine(template.embedding());
        assert!(own.is_ok_and(|c| (c.value() - 1.0).abs() < 1e-4));
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let mut sealed = bytes.to_vec();
    sealed.extend_from_slice(&Sha256::digest(bytes));
    check(&sealed);
});
