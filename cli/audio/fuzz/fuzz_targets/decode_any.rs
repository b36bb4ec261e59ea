//! Any bytes, by content.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cli_audio_fuzz::drain_bytes(bytes.to_vec()));
