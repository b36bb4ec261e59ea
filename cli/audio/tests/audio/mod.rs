//! What the tests of audio input share: how a recording is read, WAV files made by hand, and the table of fixtures.
#![allow(dead_code, clippy::expect_used, clippy::panic)]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use cli_audio::{AudioError, AudioFile, AudioSpec, Container};

pub(crate) fn drain(mut file: AudioFile) -> Result<(AudioSpec, Vec<f32>), AudioError> {
    let (mut all, mut chunk) = (Vec::new(), Vec::new());
    let channels = usize::from(file.spec().channels);
    loop {
        let frames = match file.next_chunk(&mut chunk) {
            Ok(frames) => frames,
            Err(error) => {
                assert!(chunk.is_empty(), "an error left samples behind");
                assert_eq!(file.next_chunk(&mut chunk), Err(error.clone()), "an error must stay");
                return Err(error);
            }
        };
        if frames == 0 {
            assert_eq!(file.next_chunk(&mut chunk), Ok(0), "the end must stay the end");
            assert_eq!(file.position() as usize * channels, all.len());
            return Ok((file.spec().clone(), all));
        }
        assert_eq!(chunk.len(), frames * channels);
        assert!(chunk.iter().all(|x| x.is_finite()));
        all.extend_from_slice(&chunk);
    }
}

pub(crate) fn read_pipe(bytes: Vec<u8>) -> Result<(AudioSpec, Vec<f32>), AudioError> {
    AudioFile::open_reader("pipe", Cursor::new(bytes)).and_then(drain)
}

pub(crate) fn read_path(path: &Path) -> Result<(AudioSpec, Vec<f32>), AudioError> {
    AudioFile::open(path).and_then(drain)
}

pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        path
    }
}

pub(crate) fn formats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/audio/formats")
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(formats().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub(crate) fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = [id.as_slice(), &(body.len() as u32).to_le_bytes(), body].concat();
    bytes.resize(bytes.len() + bytes.len() % 2, 0);
    bytes
}

/// A `fmt ` body: tag, channels, rate, block, bits.
pub(crate) fn fmt(tag: u16, channels: u16, rate: u32, block: u16, bits: u16) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(tag.to_le_bytes());
    body.extend(channels.to_le_bytes());
    body.extend(rate.to_le_bytes());
    body.extend((rate.wrapping_mul(u32::from(block))).to_le_bytes());
    body.extend(block.to_le_bytes());
    body.extend(bits.to_le_bytes());
    body
}

pub(crate) fn extensible(bits: u16, valid: u16, tag: u16, guid_tail: &[u8; 14]) -> Vec<u8> {
    let mut body = fmt(0xFFFE, 1, 8000, bits / 8, bits);
    body.extend(22u16.to_le_bytes());
    body.extend(valid.to_le_bytes());
    body.extend(4u32.to_le_bytes());
    body.extend(tag.to_le_bytes());
    body.extend(guid_tail);
    body
}

pub(crate) const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    [b"RIFF".as_slice(), &(body.len() as u32 + 4).to_le_bytes(), b"WAVE", &body].concat()
}

pub(crate) fn wav(format: &[u8], data: &[u8]) -> Vec<u8> {
    riff(&[chunk(b"fmt ", format), chunk(b"data", data)])
}

/// `wav` with the size fields of RIFF and data overwritten.
pub(crate) fn wav_sized(format: &[u8], data: &[u8], riff_size: u32, data_size: u32) -> Vec<u8> {
    let mut bytes = wav(format, data);
    let at = 12 + 8 + format.len() + 4;
    bytes[4..8].copy_from_slice(&riff_size.to_le_bytes());
    bytes[at..at + 4].copy_from_slice(&data_size.to_le_bytes());
    bytes.truncate(at + 4 + data.len());
    bytes
}

pub(crate) fn mono16() -> Vec<u8> {
    fmt(1, 1, 8000, 2, 16)
}

pub(crate) fn le16(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// A codec's worst error against the tone, beside the start where a codec's filters settle.
pub(crate) struct Good {
    pub(crate) file: &'static str,
    pub(crate) container: Container,
    pub(crate) encoding: &'static str,
    pub(crate) rate_hz: u32,
    pub(crate) channels: u16,
    pub(crate) frames: usize,
    pub(crate) known: bool,
    /// Largest difference from 0.5 sin(2 pi f t). PCM: half a step; G.711: half the step of the
    /// segment that 0.5 lies in (A-law 1/64, mu-law 1/32); lossy: what these bit rates give, measured 0.02 to 0.055.
    pub(crate) tolerance: f64,
    /// Frames at both ends not held against the tone (a lossy codec's block smears the tone's edge).
    pub(crate) edge: usize,
}

pub(crate) const GOOD: [Good; 13] = {
    use Container::*;
    const fn good(
        file: &'static str,
        container: Container,
        encoding: &'static str,
        (rate_hz, channels, frames): (u32, u16, usize),
        known: bool,
        (tolerance, edge): (f64, usize),
    ) -> Good {
        Good { file, container, encoding, rate_hz, channels, frames, known, tolerance, edge }
    }
    [
        good("pcm16.wav", Wav, "16-bit PCM", (8000, 1, 1600), true, (1.6e-5, 0)),
        good("pcm24_extensible.wav", Wav, "24-bit PCM", (8000, 2, 800), true, (1.2e-7, 0)),
        good("alaw.wav", Wav, "A-law", (8000, 1, 800), true, (0.008, 0)),
        good("mulaw_stereo.wav", Wav, "mu-law", (8000, 2, 800), true, (0.016, 0)),
        good("float64.wav", Wav, "64-bit float", (8000, 1, 800), true, (6e-8, 0)),
        good("rf64.wav", Rf64, "16-bit PCM", (8000, 1, 800), true, (1.6e-5, 0)),
        good("piped.wav", Wav, "16-bit PCM", (8000, 1, 800), true, (1.6e-5, 0)),
        good("mono.flac", Flac, "16-bit FLAC", (8000, 1, 4000), true, (1.6e-5, 0)),
        good("stereo24.flac", Flac, "24-bit FLAC", (16000, 2, 3200), true, (1.2e-7, 0)),
        good("piped.flac", Flac, "16-bit FLAC", (8000, 1, 2400), false, (1.6e-5, 0)),
        good("mono.ogg", Ogg, "Vorbis", (8000, 1, 6400), true, (0.03, 256)),
        good("stereo.ogg", Ogg, "Vorbis", (16000, 2, 9600), true, (0.06, 1024)),
        good("mono8.mp3", Mp3, "MP3", (8000, 1, 6400), true, (0.04, 576)),
    ]
};
