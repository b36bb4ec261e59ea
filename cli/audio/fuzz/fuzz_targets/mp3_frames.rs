//! MP3 frames that follow each other: every header is put where the one before says, its payload is the fuzzer's.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, body)) = bytes.split_first() else { return };
    // Header and length of its frame: MPEG-1 44.1 kHz stereo and joint stereo with intensity, MPEG-2 16 kHz mono with a
    // checksum, MPEG-2.5 8 kHz mono.
    let (header, len): ([u8; 4], usize) = match choice % 4 {
        0 => ([0xFF, 0xFB, 0x50, 0x00], 208),
        1 => ([0xFF, 0xFB, 0x50, 0x70], 208),
        2 => ([0xFF, 0xF2, 0x38, 0xC0], 108),
        _ => ([0xFF, 0xE3, 0x28, 0xC0], 144),
    };
    let frames = body.chunks(len - 4).flat_map(|payload| {
        let mut frame = header.to_vec();
        frame.extend_from_slice(payload);
        frame.resize(len, 0);
        frame
    });
    cli_audio_fuzz::drain_bytes(frames.collect());
});
