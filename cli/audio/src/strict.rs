//! A WAV file with spans of its channels silenced: the other samples as they were, bit for bit, and nothing but samples kept.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use engine::codec::g711;
use engine_words::mute::Spans;

use crate::AudioFile;

/// Frames that are worked on at once.
const BLOCK_FRAMES: usize = 1 << 14;

/// What a WAV file holds, and where. Stricter than for listening: whatever could hide samples from the silencing is an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Channels.
    pub channels: usize,
    /// Rate, in Hz.
    pub rate_hz: u32,
    /// Samples of each channel.
    pub frames: u64,
    /// Bytes of a sample.
    sample_bytes: usize,
    /// How a sample is coded: the format's number, PCM 1, float 3, A-law 6, mu-law 7.
    kind: u16,
    /// One sample of silence.
    silence: Vec<u8>,
    /// The format chunk's content.
    format: Vec<u8>,
    /// The fact chunk's content, where there is one.
    fact: Option<Vec<u8>>,
    data_start: u64,
    /// Chunks that are not kept: their names.
    pub dropped: Vec<String>,
}

/// A recording that can be gone through several times: a WAV file, or a FLAC file as the WAV file that it stands for.
pub enum Recording {
    /// A WAV file.
    File(PathBuf),
    /// A WAV file that was made of something else.
    Memory {
        /// What it was made of.
        name: PathBuf,
        /// The WAV file.
        bytes: Vec<u8>,
    },
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl Recording {
    /// Opens a recording, by its content.
    ///
    /// # Errors
    /// It cannot be read, or is a FLAC file that is damaged or has more than 24 bits.
    pub fn open(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let mut head = [0; 26];
        let mut file = File::open(path).with_context(|| format!("{} (RECORDING_FILE_CANNOT_BE_READ)", name()))?;
        let flac = file.read_exact(&mut head).is_ok() && head.starts_with(b"fLaC");
        if !flac {
            return Ok(Self::File(path.to_owned()));
        }
        // STREAMINFO comes first: 20 bits rate, 3 bits channels, 5 bits depth from the 18th byte on (RFC 9639, section 8.2).
        let bits = 1 + (u32::from(head[20] & 1) << 4 | u32::from(head[21] >> 4));
        ensure!((8..=24).contains(&bits), "{}: FLAC of {bits} bits, 8 to 24 are read (RECORDING_FILE_INVALID)", name());
        let bytes = bits.div_ceil(8).max(2) as usize;
        let mut audio = AudioFile::open(path).context("RECORDING_FILE_INVALID")?;
        let (channels, rate_hz) = (audio.spec().channels, audio.spec().rate_hz);
        let (mut data, mut chunk) = (Vec::new(), Vec::new());
        while audio.next_chunk(&mut chunk).context("RECORDING_FILE_INVALID")? > 0 {
            // Integers of up to 24 bits are exact as f32.
            let scale = (1u32 << (8 * bytes - 1)) as f32;
            data.extend(chunk.iter().flat_map(|x| ((x * scale) as i32).to_le_bytes().into_iter().take(bytes)));
        }
        let block = channels * bytes as u16;
        let size = u32::try_from(data.len()).context("longer than a WAV file can be (RECORDING_FILE_TOO_LARGE)")?;
        let mut wav = Vec::with_capacity(data.len() + 44);
        wav.extend(b"RIFF");
        wav.extend(size.checked_add(36 + size % 2).context("RECORDING_FILE_TOO_LARGE")?.to_le_bytes());
        wav.extend(b"WAVEfmt ");
        wav.extend(16u32.to_le_bytes());
        wav.extend(1u16.to_le_bytes());
        wav.extend(channels.to_le_bytes());
        wav.extend(rate_hz.to_le_bytes());
        wav.extend((rate_hz * u32::from(block)).to_le_bytes());
        wav.extend(block.to_le_bytes());
        wav.extend((8 * bytes as u16).to_le_bytes());
        wav.extend(b"data");
        wav.extend(size.to_le_bytes());
        wav.append(&mut data);
        wav.extend(&[0][..(size % 2) as usize]);
        Ok(Self::Memory { name: path.to_owned(), bytes: wav })
    }

    /// The file it came from.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Memory { name: path, .. } => path,
        }
    }

    fn reader(&self) -> Result<Box<dyn ReadSeek + '_>> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::new(File::open(path).with_context(|| path.display().to_string())?)),
            Self::Memory { bytes, .. } => Box::new(Cursor::new(bytes)),
        })
    }

    /// Its layout.
    ///
    /// # Errors
    /// It is no WAV file, of a kind of samples that is not known, or its sizes do not add up.
    pub fn layout(&self) -> Result<Layout> {
        let name = || self.path().display().to_string();
        let mut reader = self.reader()?;
        let size = reader.seek(SeekFrom::End(0)).with_context(name)?;
        reader.rewind().with_context(name)?;
        parse(&mut reader, size).with_context(name)
    }
}

/// What is put where something must not be heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// Silence, as the samples' coding has it.
    Silence,
    /// 1 kHz at -20 dB of full scale.
    Tone,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn half(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn parse(file: &mut (impl Read + Seek), size: u64) -> Result<Layout> {
    let mut riff = [0; 12];
    file.read_exact(&mut riff).context("too short for a WAV file (RECORDING_FILE_INVALID)")?;
    ensure!(
        riff.starts_with(b"RIFF") && riff.ends_with(b"WAVE"),
        "not a WAV file; convert it to WAV first (RECORDING_FILE_INVALID)"
    );
    let announced = u64::from(word(&riff, 4)) + 8;
    // A file whose last chunk is odd may leave out the byte of padding.
    ensure!(
        announced == size || announced == size + 1,
        "the header announces {announced} bytes and the file has {size}: it was cut off, or something follows the audio (RECORDING_FILE_INVALID)"
    );
    let (mut format, mut fact, mut data, mut dropped) = (None, None, None, Vec::new());
    let mut at = 12;
    while at < size {
        let mut head = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head)
            .with_context(|| format!("{} bytes at the end are no chunk (RECORDING_FILE_INVALID)", size - at))?;
        let (kind, length) = (&head[..4], u64::from(word(&head, 4)));
        let end = at + 8 + length;
        ensure!(end <= size, "a chunk of {length} bytes reaches beyond the file's end (RECORDING_FILE_INVALID)");
        let mut content = |most: u64| -> Result<Vec<u8>> {
            ensure!(length <= most, "a header of {length} bytes (RECORDING_FILE_INVALID)");
            let mut bytes = vec![0; length as usize];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        match kind {
            b"fmt " => {
                ensure!(format.replace(content(1 << 10)?).is_none(), "two format chunks (RECORDING_FILE_INVALID)")
            }
            b"fact" if fact.is_none() => fact = Some(content(1 << 10)?),
            b"data" => {
                ensure!(format.is_some(), "samples before their format (RECORDING_FILE_INVALID)");
                ensure!(data.replace((at + 8, length)).is_none(), "two chunks of samples (RECORDING_FILE_INVALID)");
            }
            other => dropped.push(String::from_utf8_lossy(other).escape_debug().to_string()),
        }
        at = end + length % 2;
    }
    let format = format.context("no format chunk (RECORDING_FILE_INVALID)")?;
    let (data_start, bytes) = data.context("no samples (RECORDING_FILE_EMPTY)")?;
    ensure!(format.len() >= 16, "a format chunk of {} bytes (RECORDING_FILE_INVALID)", format.len());
    let (channels, rate_hz) = (usize::from(half(&format, 2)), word(&format, 4));
    let (block, bits) = (usize::from(half(&format, 12)), half(&format, 14));
    // WAVE_FORMAT_EXTENSIBLE has the kind at the start of its GUID.
    let kind = if half(&format, 0) == 0xfffe { half(&format, 24) } else { half(&format, 0) };
    let silence = match (kind, bits) {
        (1, 8) => vec![0x80],
        (1, 16) => vec![0; 2],
        (1, 24) => vec![0; 3],
        (1, 32) | (3, 32) => vec![0; 4],
        (3, 64) => vec![0; 8],
        (6, 8) => vec![0xd5],
        (7, 8) => vec![0xff],
        _ => bail!(
            "samples of kind {kind} with {bits} bits are not known; convert it to 16-bit PCM (RECORDING_FILE_INVALID)"
        ),
    };
    ensure!((1..=64).contains(&channels), "{channels} channels (RECORDING_FILE_INVALID)");
    ensure!((1_000..=768_000).contains(&rate_hz), "{rate_hz} Hz (RECORDING_SAMPLE_RATE_NOT_SUPPORTED)");
    ensure!(
        block == channels * silence.len(),
        "{channels} channels of {bits} bits in frames of {block} bytes (RECORDING_FILE_INVALID)"
    );
    ensure!(
        bytes % block as u64 == 0,
        "{bytes} bytes of audio are not whole frames of {block} (RECORDING_FILE_INVALID)"
    );
    ensure!(bytes > 0, "no samples (RECORDING_FILE_EMPTY)");
    Ok(Layout {
        channels,
        rate_hz,
        frames: bytes / block as u64,
        sample_bytes: silence.len(),
        kind,
        silence,
        format,
        fact,
        data_start,
        dropped,
    })
}

impl Layout {
    fn block_bytes(&self) -> usize {
        self.channels * self.sample_bytes
    }

    /// The sample that is put at a frame.
    fn filled(&self, fill: Fill, frame: u64) -> [u8; 8] {
        let mut bytes = [0; 8];
        let out = &mut bytes[..self.sample_bytes];
        if fill == Fill::Silence {
            out.copy_from_slice(&self.silence);
            return bytes;
        }
        // The phase is that of the frame's number: any part of a span can be made, and held against, on its own.
        let turns = (frame % u64::from(self.rate_hz)) as f64 * 1_000.0 / f64::from(self.rate_hz);
        let x = 0.1 * (std::f64::consts::TAU * turns.fract()).sin();
        match (self.kind, self.sample_bytes) {
            (3, 4) => out.copy_from_slice(&(x as f32).to_le_bytes()),
            (3, _) => out.copy_from_slice(&x.to_le_bytes()),
            (6, _) => out[0] = g711::i16_to_alaw((x * 32_768.0) as i16),
            (7, _) => out[0] = g711::i16_to_ulaw((x * 32_768.0) as i16),
            (_, 1) => out[0] = (128.0 + x * 128.0) as u8,
            (_, n) => out.copy_from_slice(&((x * (1u64 << (8 * n - 1)) as f64) as i32).to_le_bytes()[..n]),
        }
        bytes
    }

    /// Fills, in frames that begin with the one numbered `start`, what each channel's spans say.
    fn silence(&self, frames: &mut [u8], start: u64, spans: &[Spans], fill: Fill) {
        let count = (frames.len() / self.block_bytes()) as u64;
        for (channel, spans) in spans.iter().enumerate() {
            for range in spans.within(start, count) {
                for frame in range {
                    let at = frame as usize * self.block_bytes() + channel * self.sample_bytes;
                    if let Some(sample) = frames.get_mut(at..at + self.sample_bytes) {
                        sample.copy_from_slice(&self.filled(fill, start + frame)[..self.sample_bytes]);
                    }
                }
            }
        }
    }
}

/// Goes through the samples in blocks of whole frames.
fn blocks(input: &Recording, layout: &Layout, mut visit: impl FnMut(u64, &mut Vec<u8>) -> Result<()>) -> Result<()> {
    let name = || input.path().display().to_string();
    let mut file = input.reader()?;
    file.seek(SeekFrom::Start(layout.data_start)).with_context(name)?;
    let (mut at, mut bytes) = (0, Vec::new());
    while at < layout.frames {
        let frames = (layout.frames - at).min(BLOCK_FRAMES as u64);
        bytes.resize(frames as usize * layout.block_bytes(), 0);
        file.read_exact(&mut bytes).with_context(|| format!("{}: it changed while it was read", name()))?;
        visit(at, &mut bytes)?;
        at += frames;
    }
    Ok(())
}

/// Writes `input` with each channel's spans filled to the file that `create` makes, reads it back from where `written` says that it lies, and
/// holds every sample of it against the input. The file is to become `output` only then.
///
/// # Errors
/// A file cannot be read or written, `spans` are not one list for each channel, or what was written is not what was meant.
pub fn mute<F: Write>(
    input: &Recording,
    layout: &Layout,
    spans: &[Spans],
    fill: Fill,
    output: &Path,
    create: impl FnOnce(&Path) -> Result<F>,
    written: impl FnOnce(&F) -> &Path,
) -> Result<F> {
    ensure!(spans.len() == layout.channels, "{} lists of spans for {} channels", spans.len(), layout.channels);
    let data = layout.frames * layout.block_bytes() as u64;
    let fact = layout.fact.as_ref().map_or(0, |f| 8 + f.len() + f.len() % 2);
    let head = 4 + 8 + layout.format.len() + layout.format.len() % 2 + fact + 8;
    let total = u32::try_from(head as u64 + data + data % 2)
        .context("longer than a WAV file can be (RECORDING_FILE_TOO_LARGE)")?;

    let mut header = b"RIFF".to_vec();
    header.extend(total.to_le_bytes());
    header.extend(b"WAVE");
    for (name, content) in [(b"fmt ", Some(&layout.format)), (b"fact", layout.fact.as_ref())] {
        let Some(content) = content else { continue };
        header.extend(name);
        header.extend((content.len() as u32).to_le_bytes());
        header.extend(content);
        header.extend(std::iter::repeat_n(0, content.len() % 2));
    }
    header.extend(b"data");
    header.extend((data as u32).to_le_bytes());

    let name = || output.display().to_string();
    let mut file = create(output)?;
    file.write_all(&header).with_context(name)?;
    blocks(input, layout, |at, bytes| {
        layout.silence(bytes, at, spans, fill);
        file.write_all(bytes).with_context(name)
    })?;
    file.write_all(&[0][..(data % 2) as usize]).with_context(name)?;
    verify(input, layout, spans, fill, written(&file))?;
    Ok(file)
}

/// Reads back what was written, without the code that wrote it: each sample is looked at on its own.
fn verify(input: &Recording, layout: &Layout, spans: &[Spans], fill: Fill, written: &Path) -> Result<()> {
    let written = Recording::File(written.to_owned());
    let back = written.layout().context("what was written cannot be read back")?;
    let same = (back.channels, back.rate_hz, back.frames) == (layout.channels, layout.rate_hz, layout.frames);
    ensure!(same && back.format == layout.format && back.dropped.is_empty(), "what was written is another recording");
    let mut original = input.reader()?;
    original.seek(SeekFrom::Start(layout.data_start))?;
    let mut expected = Vec::new();
    // Where each channel stands in its spans.
    let mut next = vec![0usize; layout.channels];
    blocks(&written, &back, |at, bytes| {
        expected.resize(bytes.len(), 0);
        original.read_exact(&mut expected)?;
        let samples = bytes.chunks_exact(layout.sample_bytes).zip(expected.chunks_exact(layout.sample_bytes));
        for (i, (found, original)) in samples.enumerate() {
            let (frame, channel) = (at + (i / layout.channels) as u64, i % layout.channels);
            let (Some(spans), Some(next)) = (spans.get(channel), next.get_mut(channel)) else { continue };
            while spans.ranges().get(*next).is_some_and(|r| r.end <= frame) {
                *next += 1;
            }
            let inside = spans.ranges().get(*next).is_some_and(|r| r.start <= frame);
            let right = match inside {
                true => found == &layout.filled(fill, frame)[..layout.sample_bytes],
                false => found == original,
            };
            ensure!(right, "sample {frame} of channel {channel} was not written as it must be");
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
