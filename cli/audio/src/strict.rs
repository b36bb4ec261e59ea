//! A WAV file with spans of its channels silenced: the other samples as they were, bit for bit, and nothing but samples kept.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use engine::codec::g711;
use engine_words::mute::Spans;

use crate::{AudioFile, Container, Depth, RawFormat};

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

/// A recording that can be gone through several times, in memory that does not grow with it.
#[derive(Clone, Debug)]
pub enum Recording {
    /// A WAV file whose sizes add up: its samples are copied as they are.
    File(PathBuf),
    /// Anything else that is read, decoded each time.
    Decoded {
        /// The file.
        path: PathBuf,
        /// What it is made of where it has no header.
        format: Option<RawFormat>,
    },
}

impl Recording {
    /// Opens a recording, by its content; with `format` it has no header.
    ///
    /// # Errors
    /// It cannot be read, is none that is known, or is a WAV file that was cut off or has something behind its samples.
    pub fn open(path: &Path, format: Option<RawFormat>) -> Result<Self> {
        let name = || path.display().to_string();
        let mut head = [0; 12];
        let mut file = File::open(path).with_context(|| format!("{} (RECORDING_FILE_CANNOT_BE_READ)", name()))?;
        let riff = file.read_exact(&mut head).is_ok() && head.starts_with(b"RIFF") && head.ends_with(b"WAVE");
        // A size that was never filled in: of a pipe, or of a program that was stopped.
        if format.is_none() && riff && !never_filled_in(&mut file) {
            return Ok(Self::File(path.to_owned()));
        }
        let mut info = [0; 26];
        file.rewind()?;
        if format.is_none() && file.read_exact(&mut info).is_ok() && info.starts_with(b"fLaC") {
            // STREAMINFO comes first: 20 bits rate, 3 bits channels, 5 bits depth from the 18th byte on (RFC 9639, section 8.2).
            let bits = 1 + (u32::from(info[20] & 1) << 4 | u32::from(info[21] >> 4));
            ensure!(
                (8..=24).contains(&bits),
                "{}: FLAC of {bits} bits, 8 to 24 are read (RECORDING_FILE_INVALID)",
                name()
            );
        }
        let decoded = Self::Decoded { path: path.to_owned(), format };
        decoded.decode()?;
        Ok(decoded)
    }

    /// The file it came from.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Decoded { path, .. } => path,
        }
    }

    fn decode(&self) -> Result<AudioFile> {
        let format = match self {
            Self::File(_) => None,
            Self::Decoded { format, .. } => *format,
        };
        AudioFile::open_input(self.path(), format).context("RECORDING_FILE_INVALID")
    }

    /// Its samples, for listening.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn listen(&self) -> Result<AudioFile> {
        self.decode()
    }

    /// Its layout: that of the WAV file which is written of it.
    ///
    /// # Errors
    /// It is of a kind of samples that is not known or cannot be kept as they are, its sizes do not add up, or it is damaged.
    pub fn layout(&self) -> Result<Layout> {
        let name = || self.path().display().to_string();
        let Self::File(path) = self else { return self.decoded_layout().with_context(name) };
        let mut reader = BufReader::new(File::open(path).with_context(name)?);
        let size = reader.seek(SeekFrom::End(0)).with_context(name)?;
        reader.rewind().with_context(name)?;
        parse(&mut reader, size).with_context(name)
    }

    fn decoded_layout(&self) -> Result<Layout> {
        let mut audio = self.decode()?;
        let spec = audio.spec().clone();
        let (kind, bits) = match spec.depth {
            Depth::Int16 => (1, 16),
            Depth::Int24 => (1, 24),
            Depth::Float32 => (3, 32),
            Depth::Beyond => bail!(
                "{} in a {} file: not every sample can be kept as it is; convert it to a WAV file first (RECORDING_FILE_INVALID)",
                spec.encoding,
                spec.container
            ),
        };
        let (mut frames, mut chunk) = (0, Vec::new());
        // What the header says is held against the samples by those who read them all.
        match spec.frames.filter(|_| spec.container == Container::Flac) {
            Some(announced) => frames = announced,
            None => {
                while audio.next_chunk(&mut chunk).context("RECORDING_FILE_INVALID")? > 0 {
                    frames = audio.position();
                }
            }
        }
        ensure!(frames > 0, "no samples (RECORDING_FILE_EMPTY)");
        let sample_bytes = usize::from(bits / 8);
        let block = spec.channels * bits / 8;
        let fields = [
            &u16::to_le_bytes(kind)[..],
            &spec.channels.to_le_bytes(),
            &spec.rate_hz.to_le_bytes(),
            &(spec.rate_hz * u32::from(block)).to_le_bytes(),
            &block.to_le_bytes(),
            &bits.to_le_bytes(),
        ];
        let format = canonical(&fields.concat(), kind)?;
        Ok(Layout {
            channels: usize::from(spec.channels),
            rate_hz: spec.rate_hz,
            frames,
            sample_bytes,
            kind,
            silence: vec![0; sample_bytes],
            format,
            fact: (kind != 1).then(|| u32::try_from(frames).unwrap_or(u32::MAX).to_le_bytes().to_vec()),
            data_start: 0,
            dropped: vec![format!("{} header, tags and pictures", spec.container)],
        })
    }
}

/// Whether the samples of a WAV file have a size that was to be filled in later.
fn never_filled_in(file: &mut (impl Read + Seek)) -> bool {
    let mut at = 12;
    for _ in 0..64 {
        let mut head = [0; 8];
        if file.seek(SeekFrom::Start(at)).is_err() || file.read_exact(&mut head).is_err() {
            return false;
        }
        let length = word(&head, 4);
        if head.starts_with(b"data") {
            let more = file.seek(SeekFrom::End(0)).is_ok_and(|size| size > at + 8);
            return more && (length == 0 || length >= 0x7fff_f000);
        }
        at += 8 + u64::from(length) + u64::from(length % 2);
    }
    false
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
            // A chunk's name may be anything, too.
            other if other.iter().all(|b| b.is_ascii_alphabetic() || *b == b' ') => {
                dropped.push(String::from_utf8_lossy(other).into_owned());
            }
            _ => dropped.push("????".into()),
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
    let frames = bytes / block as u64;
    // What a format and its count of samples say beyond their own fields may be anything.
    let given = format.len();
    let format = canonical(&format, kind)?;
    if given > format.len() {
        dropped.push("fmt (what follows its fields)".into());
    }
    if fact.as_ref().is_some_and(|f| f.len() > 4) {
        dropped.push("fact (what follows its field)".into());
    }
    let fact = fact.map(|_| u32::try_from(frames).unwrap_or(u32::MAX).to_le_bytes().to_vec());
    Ok(Layout {
        channels,
        rate_hz,
        frames,
        sample_bytes: silence.len(),
        kind,
        silence,
        format,
        fact,
        data_start,
        dropped,
    })
}

/// A format chunk of its own fields and nothing else.
fn canonical(format: &[u8], kind: u16) -> Result<Vec<u8>> {
    let mut fields = format.get(..16).unwrap_or_default().to_vec();
    // Bytes a second follow from the rest.
    let (rate, block) = (word(format, 4), half(format, 12));
    fields.splice(8..12, rate.wrapping_mul(u32::from(block)).to_le_bytes());
    match half(format, 0) {
        0xfffe => {
            // Valid bits, channel mask, and the GUID of the samples' kind (RFC 2361's base).
            const BASE: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
            let (bits, valid) = (half(format, 14), half(format, 18));
            ensure!(valid <= bits, "{valid} valid bits of {bits} (RECORDING_FILE_INVALID)");
            fields.extend(22u16.to_le_bytes());
            fields.extend(valid.to_le_bytes());
            fields.extend(word(format, 20).to_le_bytes());
            fields.extend(kind.to_le_bytes());
            fields.extend(BASE);
        }
        1 => {}
        _ => fields.extend(0u16.to_le_bytes()),
    }
    Ok(fields)
}

impl Layout {
    fn block_bytes(&self) -> usize {
        self.channels * self.sample_bytes
    }

    /// A decoded sample as it is written. Integers of up to 24 bits are exact as f32.
    fn coded(&self, x: f32, out: &mut Vec<u8>) {
        if self.kind == 3 {
            return out.extend(x.to_le_bytes());
        }
        let scale = (1u32 << (8 * self.sample_bytes - 1)) as f32;
        let whole = (x * scale).round().clamp(-scale, scale - 1.0) as i32;
        out.extend(whole.to_le_bytes().into_iter().take(self.sample_bytes));
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

/// Gives the samples in blocks of whole frames, as the WAV file has them.
enum Blocks {
    File(BufReader<File>),
    Decoded { audio: Box<AudioFile>, chunk: Vec<f32>, bytes: Vec<u8> },
}

impl Blocks {
    fn new(input: &Recording, layout: &Layout) -> Result<Self> {
        Ok(match input {
            Recording::File(path) => {
                let mut file = BufReader::new(File::open(path).with_context(|| path.display().to_string())?);
                file.seek(SeekFrom::Start(layout.data_start))?;
                Self::File(file)
            }
            Recording::Decoded { .. } => {
                Self::Decoded { audio: Box::new(input.decode()?), chunk: Vec::new(), bytes: Vec::new() }
            }
        })
    }

    /// Replaces `out` by the next `frames` frames.
    fn next(&mut self, layout: &Layout, frames: usize, out: &mut Vec<u8>) -> Result<()> {
        let size = frames * layout.block_bytes();
        match self {
            Self::File(file) => {
                out.resize(size, 0);
                file.read_exact(out).context("it changed while it was read")?;
            }
            Self::Decoded { audio, chunk, bytes } => {
                while bytes.len() < size {
                    let more = audio.next_chunk(chunk).context("RECORDING_FILE_INVALID")?;
                    ensure!(more > 0, "it ends early, or changed while it was read (RECORDING_FILE_INVALID)");
                    chunk.iter().for_each(|&x| layout.coded(x, bytes));
                }
                out.clear();
                out.extend(bytes.drain(..size));
            }
        }
        Ok(())
    }

    /// Sees that there is nothing behind the samples that were counted.
    fn end(&mut self) -> Result<()> {
        if let Self::Decoded { audio, chunk, bytes } = self {
            let more = audio.next_chunk(chunk).context("RECORDING_FILE_INVALID")?;
            ensure!(more == 0 && bytes.is_empty(), "it has more samples than its header says (RECORDING_FILE_INVALID)");
        }
        Ok(())
    }
}

/// Goes through the samples in blocks of whole frames.
fn blocks(input: &Recording, layout: &Layout, mut visit: impl FnMut(u64, &mut Vec<u8>) -> Result<()>) -> Result<()> {
    let name = || input.path().display().to_string();
    let mut source = Blocks::new(input, layout)?;
    let (mut at, mut bytes) = (0, Vec::new());
    while at < layout.frames {
        let frames = (layout.frames - at).min(BLOCK_FRAMES as u64);
        source.next(layout, frames as usize, &mut bytes).with_context(name)?;
        visit(at, &mut bytes)?;
        at += frames;
    }
    source.end().with_context(name)
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
    let mut original = Blocks::new(input, layout)?;
    let mut expected = Vec::new();
    // Where each channel stands in its spans.
    let mut next = vec![0usize; layout.channels];
    blocks(&written, &back, |at, bytes| {
        original.next(layout, bytes.len() / layout.block_bytes(), &mut expected)?;
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
