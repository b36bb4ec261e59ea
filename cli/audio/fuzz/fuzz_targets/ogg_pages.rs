//! Ogg pages whose checksums are made right, so that what the fuzzer changes reaches the packets and the decoder.
#![no_main]

/// The Ogg checksum, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0u32, |crc, &b| {
        (0..8).fold(crc ^ u32::from(b) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 })
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(&segments) = bytes.get(at + 26) {
        let table = at + 27..(at + 27 + usize::from(segments)).min(bytes.len());
        let body: usize = bytes[table.clone()].iter().map(|&b| usize::from(b)).sum();
        let end = (table.end + body).min(bytes.len());
        bytes[at..at + 5].copy_from_slice(b"OggS\0");
        bytes[at + 22..at + 26].fill(0);
        let sum = crc(&bytes[at..end]).to_le_bytes();
        bytes[at + 22..at + 26].copy_from_slice(&sum);
        at = end;
    }
    cli_audio_fuzz::drain_bytes(bytes);
});
