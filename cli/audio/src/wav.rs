//! WAV, whole: RIFF, RF64 and BW64, plain and extensible headers, integer, float and G.711 samples, files and pipes.
//!
//! One streaming reader of our own rather than `hound` for some files and something else for the rest: hound reads no
//! A-law, no µ-law, no 64-bit float, no RF64 and no pipe whose sizes were never filled in, and those are what
//! telephone systems write. On what both read, hound is the oracle in the tests, sample for sample.
//!
//! *Source*: Microsoft "Multiple Channel Audio Data and WAVE Files" (2007), RFC 2361 (format tags), EBU Tech 3306 (RF64).

use super::error::AudioProblem;
use super::pcm::SampleEncoding;
use super::raw::Samples;
use super::source::Source;
use super::{AudioSpec, Container, Decode, check_layout};

/// Largest `fmt ` or `ds64` chunk that is read; the longest defined one has 40 bytes.
const MAX_HEADER_CHUNK_BYTES: u32 = 4 * 1024;

/// Sizes that writers leave in the header of a stream whose length they could not know: ffmpeg and others, sox
/// (0x7FFFF000), arecord (2 GiB). A 0 means the same where the RIFF size does not count anything after the data either.
const STREAMED_SIZES: [u64; 4] = [0xFFFF_FFFF, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000];

/// Past this much unread file behind the data chunk of a plain RIFF file, its 32-bit size must have wrapped.
const WRAPPED_SIZE_BYTES: u64 = 0xFFF0_0000;

/// The last 14 bytes of a sub-format GUID whose first two are a format tag (KSDATAFORMAT_SUBTYPE_WAVEFORMATEX).
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

const TAG_PCM: u16 = 1;
const TAG_FLOAT: u16 = 3;
const TAG_ALAW: u16 = 6;
const TAG_ULAW: u16 = 7;
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// Names of formats that are met in WAV files and not read here (RFC 2361 and Microsoft's registry).
const OTHER_TAGS: [(u16, &str); 22] = [
    (0x0000, "unknown"),
    (0x0002, "Microsoft ADPCM"),
    (0x0009, "DRM-protected audio"),
    (0x0010, "OKI ADPCM"),
    (0x0011, "IMA ADPCM"),
    (0x0014, "G.723 ADPCM"),
    (0x0016, "G.723.1"),
    (0x0022, "TrueSpeech"),
    (0x0031, "GSM 6.10"),
    (0x0040, "G.721 ADPCM"),
    (0x0042, "G.723.1"),
    (0x0045, "G.726 ADPCM"),
    (0x0050, "MPEG layer 1 or 2"),
    (0x0055, "MP3"),
    (0x0064, "G.726 ADPCM"),
    (0x0065, "G.722 ADPCM"),
    (0x0083, "G.729"),
    (0x00FF, "AAC"),
    (0x0161, "Windows Media Audio"),
    (0x0162, "Windows Media Audio Professional"),
    (0x704F, "Opus"),
    (0xF1AC, "FLAC"),
];

#[derive(Debug)]
struct Format {
    encoding: SampleEncoding,
    label: &'static str,
    rate_hz: u32,
    channels: u16,
    block_bytes: u64,
}

struct WavReader {
    source: Source,
    samples: Samples,
    one_second_bytes: u64,
    ended: bool,
}

fn malformed(what: String) -> AudioProblem {
    AudioProblem::Malformed { what }
}

/// Reads the header up to the first sample. The caller has seen RIFF, RF64 or BW64 and `WAVE`.
pub(super) fn open(mut source: Source) -> Result<(AudioSpec, Box<dyn Decode>), AudioProblem> {
    let header = source.read_array::<12>()?.map_err(|_| AudioProblem::HeaderOnly { container: "WAV" })?;
    let [r, i, f, f2, s0, s1, s2, s3, ..] = header;
    let is_64 = [r, i, f, f2] != *b"RIFF";
    let riff_size = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));

    let mut format: Option<Format> = None;
    let mut data_size_64: Option<u64> = None;
    let data_size = loop {
        let chunk = match source.read_array::<8>()? {
            Ok(chunk) => chunk,
            Err(_) => return Err(AudioProblem::HeaderOnly { container: "WAV" }),
        };
        let [a, b, c, d, s0, s1, s2, s3] = chunk;
        let id = [a, b, c, d];
        let size = u32::from_le_bytes([s0, s1, s2, s3]);
        match &id {
            b"fmt " if format.is_some() => return Err(malformed("a second `fmt ` chunk".into())),
            b"fmt " => format = Some(parse_fmt(&read_chunk(&mut source, "fmt ", size, 16)?)?),
            b"ds64" if is_64 => data_size_64 = Some(parse_ds64(&read_chunk(&mut source, "ds64", size, 24)?)),
            b"data" => break u64::from(size),
            _ => {
                let padded = u64::from(size) + u64::from(size & 1);
                let skipped = source.skip(padded)?;
                if skipped < u64::from(size) {
                    return Err(AudioProblem::Truncated {
                        what: "bytes of a chunk before the audio",
                        expected: u64::from(size),
                        actual: skipped,
                    });
                }
            }
        }
    };
    let Some(format) = format else {
        return Err(malformed("the `data` chunk comes before the `fmt ` chunk".into()));
    };
    let start = source.position();
    let there = source.len().map(|len| len.saturating_sub(start));

    let announced = match (data_size_64, data_size) {
        (Some(0 | u64::MAX), 0xFFFF_FFFF) => None,
        (Some(size), 0xFFFF_FFFF) => Some(size),
        (None, _) if is_64 => return Err(malformed("RF64 without a `ds64` chunk".into())),
        // The RIFF size does not count what follows, so nobody ever came back to fill the sizes in.
        (_, 0) if riff_size + 8 <= start || riff_size == 0xFFFF_FFFF => None,
        (_, size) if STREAMED_SIZES.iter().any(|s| s - s % format.block_bytes == size || *s == size) => None,
        (_, size) => Some(size),
    };
    if let Some(expected) = announced {
        if let Some(actual) = there.filter(|&actual| actual < expected) {
            return Err(if actual == 0 {
                AudioProblem::HeaderOnly { container: "WAV" }
            } else {
                AudioProblem::Truncated { what: "bytes of audio", expected, actual }
            });
        }
        if !is_64 && there.is_some_and(|there| there - expected >= WRAPPED_SIZE_BYTES) {
            return Err(malformed(format!(
                "{expected} bytes of audio announced in a file of {} bytes: the size wrapped at 4 GiB; rewrite it \
                 with: ffmpeg -ignore_length 1 -i IN -rf64 auto OUT.wav",
                source.len().unwrap_or_default()
            )));
        }
        if expected % format.block_bytes != 0 {
            return Err(malformed(format!(
                "{expected} bytes of audio are no whole number of {}-byte frames",
                format.block_bytes
            )));
        }
    }
    let frames = announced.or(there).map(|bytes| bytes / format.block_bytes);
    if frames == Some(0) {
        return Err(AudioProblem::NoSamples);
    }
    let spec = AudioSpec {
        container: if is_64 { Container::Rf64 } else { Container::Wav },
        encoding: format.label,
        depth: format.encoding.depth(),
        rate_hz: format.rate_hz,
        channels: format.channels,
        frames,
    };
    let reader = WavReader {
        samples: Samples::new(format.encoding, format.channels, announced),
        source,
        one_second_bytes: u64::from(format.rate_hz) * format.block_bytes,
        ended: false,
    };
    Ok((spec, Box::new(reader)))
}

/// Reads a header chunk whole, with its padding byte. A size below `least` is malformed.
fn read_chunk(source: &mut Source, name: &str, size: u32, least: u32) -> Result<Vec<u8>, AudioProblem> {
    if !(least..=MAX_HEADER_CHUNK_BYTES).contains(&size) {
        return Err(malformed(format!(
            "a `{name}` chunk of {size} bytes, expected {least} to {MAX_HEADER_CHUNK_BYTES}"
        )));
    }
    let mut bytes = vec![0; size as usize];
    if source.read_full(&mut bytes)? < bytes.len() {
        return Err(AudioProblem::HeaderOnly { container: "WAV" });
    }
    source.skip(u64::from(size & 1))?;
    Ok(bytes)
}

/// The size of the data chunk, which follows the RIFF size.
fn parse_ds64(bytes: &[u8]) -> u64 {
    let mut data = [0; 8];
    data.copy_from_slice(&bytes[8..16]);
    u64::from_le_bytes(data)
}

fn parse_fmt(bytes: &[u8]) -> Result<Format, AudioProblem> {
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let rate_hz = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    let (mut tag, channels, block, bits) = (u16_at(0), u16_at(2), u16_at(12), u16_at(14));
    if tag == TAG_EXTENSIBLE {
        if bytes.len() < 40 {
            return Err(malformed(format!("an extensible `fmt ` chunk of {} bytes, expected 40", bytes.len())));
        }
        let (guid, valid_bits) = (&bytes[24..40], u16_at(18));
        if guid[2..] != GUID_TAIL {
            let hex: String = guid.iter().map(|b| format!("{b:02x}")).collect();
            return Err(AudioProblem::Unsupported { what: format!("WAV sub-format GUID {hex}") });
        }
        if valid_bits > bits {
            return Err(malformed(format!("{valid_bits} valid bits in samples of {bits} bits")));
        }
        tag = u16::from_le_bytes([guid[0], guid[1]]);
    }
    check_layout(rate_hz, u32::from(channels))?;
    // Fewer valid bits than the container has are its most significant ones, so the container's scale holds for them.
    let container_bits = if tag == TAG_PCM { u32::from(bits).div_ceil(8) * 8 } else { u32::from(bits) };
    let (encoding, label) = match (tag, container_bits) {
        (TAG_PCM, 8) => (SampleEncoding::U8, "8-bit PCM"),
        (TAG_PCM, 16) => (SampleEncoding::S16Le, "16-bit PCM"),
        (TAG_PCM, 24) => (SampleEncoding::S24Le, "24-bit PCM"),
        (TAG_PCM, 32) => (SampleEncoding::S32Le, "32-bit PCM"),
        (TAG_FLOAT, 32) => (SampleEncoding::F32Le, "32-bit float"),
        (TAG_FLOAT, 64) => (SampleEncoding::F64Le, "64-bit float"),
        (TAG_ALAW, 8) => (SampleEncoding::Alaw, "A-law"),
        (TAG_ULAW, 8) => (SampleEncoding::Ulaw, "mu-law"),
        (TAG_PCM | TAG_FLOAT | TAG_ALAW | TAG_ULAW, _) => {
            let name = match tag {
                TAG_PCM => "PCM",
                TAG_FLOAT => "float",
                TAG_ALAW => "A-law",
                _ => "mu-law",
            };
            return Err(AudioProblem::Unsupported { what: format!("WAV with {name} samples of {bits} bits") });
        }
        (tag, _) => {
            let name = OTHER_TAGS.iter().find(|(t, _)| *t == tag).map_or("unknown", |(_, name)| name);
            return Err(AudioProblem::Unsupported { what: format!("WAV format tag {tag:#06x} ({name})") });
        }
    };
    let block_bytes = u64::from(channels) * encoding.bytes() as u64;
    if u64::from(block) != block_bytes {
        return Err(malformed(format!(
            "frames of {block} bytes, but {channels} channel(s) of {bits} bits take {block_bytes}"
        )));
    }
    Ok(Format { encoding, label, rate_hz, channels, block_bytes })
}

impl WavReader {
    /// After the audio there may be chunks, padding or a tag. A second or more of something else means that the header
    /// counts less audio than there is, as when a recorder died between two updates of its header.
    fn check_tail(&mut self) -> Result<(), AudioProblem> {
        let Some(len) = self.source.len() else { return Ok(()) };
        let left = len.saturating_sub(self.source.position());
        if left < self.one_second_bytes.max(1024) {
            return Ok(());
        }
        let head = self.source.peek(5)?;
        // An odd chunk ends with a padding byte, which some writers forget.
        let is_chunk = |id: &[u8]| id.len() == 4 && id.iter().all(|b| (0x20..0x7F).contains(b));
        if head.iter().all(|&b| b == 0) || is_chunk(&head[..4]) || is_chunk(&head[1..]) {
            return Ok(());
        }
        Err(malformed(format!(
            "{left} bytes after the announced audio are no WAV chunk; the header counts too little, mend it with: \
             ffmpeg -ignore_length 1 -i IN OUT.wav"
        )))
    }
}

impl Decode for WavReader {
    fn next(&mut self, out: &mut Vec<f32>) -> Result<usize, AudioProblem> {
        let frames = self.samples.next(&mut self.source, out)?;
        if frames == 0 && !self.ended {
            self.ended = true;
            self.check_tail()?;
        }
        Ok(frames)
    }

    fn bytes_read(&self) -> u64 {
        self.source.position()
    }
}
