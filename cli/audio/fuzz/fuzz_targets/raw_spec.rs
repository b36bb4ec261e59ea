//! A `--format`, a line break, and the headerless bytes that it describes; and the same text as a `--channel`.
#![no_main]
use std::io::Cursor;

use cli_audio::{AudioFile, ChannelChoice, RawFormat};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let at = bytes.iter().position(|&b| b == b'\n').unwrap_or(bytes.len());
    let (text, body) = (String::from_utf8_lossy(&bytes[..at]), bytes.get(at + 1..).unwrap_or_default());
    if let Err(e) = text.parse::<ChannelChoice>() {
        assert!(!e.to_string().contains('\n'));
    }
    match text.parse::<RawFormat>() {
        Ok(format) => {
            assert_eq!(format.to_string().parse(), Ok(format));
            cli_audio_fuzz::drain(AudioFile::open_raw("fuzz", Cursor::new(body.to_vec()), format));
        }
        Err(e) => assert!(!e.to_string().contains('\n')),
    }
});
