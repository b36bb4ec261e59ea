//! Bytes after a WAV magic: the first one chooses it.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, body)) = bytes.split_first() else { return };
    let magic: &[u8] = match choice % 4 {
        0 => b"RIFF\x24\0\0\0WAVE",
        1 => b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0",
        2 => b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0",
        _ => b"RIFF\0\0\0\0WAVEfmt \x28\0\0\0\xfe\xff",
    };
    cli_audio_fuzz::drain_bytes([magic, body].concat());
});
