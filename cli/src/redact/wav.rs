//! A WAV file with spans of its channels silenced: the other samples as they were, bit for bit, and nothing but samples kept.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cli_store::AtomicFile;
use engine::redact::mute::Spans;

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

/// Reads the layout of a WAV file.
///
/// # Errors
/// It is no WAV file, of a kind of samples that is not known, or its sizes do not add up.
pub fn layout(path: &Path) -> Result<Layout> {
    let name = || path.display().to_string();
    let file = File::open(path).with_context(name)?;
    let size = file.metadata().with_context(name)?.len();
    parse(&mut BufReader::new(file), size).with_context(name)
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

    /// Silences, in frames that begin with the one numbered `start`, what each channel's spans say.
    fn silence(&self, frames: &mut [u8], start: u64, spans: &[Spans]) {
        let count = (frames.len() / self.block_bytes()) as u64;
        for (channel, spans) in spans.iter().enumerate() {
            for range in spans.within(start, count) {
                for frame in range {
                    let at = frame as usize * self.block_bytes() + channel * self.sample_bytes;
                    if let Some(sample) = frames.get_mut(at..at + self.sample_bytes) {
                        sample.copy_from_slice(&self.silence);
                    }
                }
            }
        }
    }
}

/// Goes through the samples in blocks of whole frames.
fn blocks(path: &Path, layout: &Layout, mut visit: impl FnMut(u64, &mut Vec<u8>) -> Result<()>) -> Result<()> {
    let name = || path.display().to_string();
    let mut file = File::open(path).with_context(name)?;
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

/// Writes `input` with each channel's spans silenced to `output`, reads it back, and holds every sample of it against the input. `output` is
/// whole and right, or not there.
///
/// # Errors
/// A file cannot be read or written, `spans` are not one list for each channel, or what was written is not what was meant.
pub fn mute(input: &Path, layout: &Layout, spans: &[Spans], output: &Path) -> Result<()> {
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
    let mut file = AtomicFile::create_private(output)?;
    file.write_all(&header).with_context(name)?;
    blocks(input, layout, |at, bytes| {
        layout.silence(bytes, at, spans);
        file.write_all(bytes).with_context(name)
    })?;
    file.write_all(&[0][..(data % 2) as usize]).with_context(name)?;
    verify(input, layout, spans, file.unfinished())?;
    Ok(file.commit()?)
}

/// Reads back what was written, without the code that wrote it: each sample is looked at on its own.
fn verify(input: &Path, layout: &Layout, spans: &[Spans], written: &Path) -> Result<()> {
    let back = self::layout(written).context("what was written cannot be read back")?;
    let same = (back.channels, back.rate_hz, back.frames) == (layout.channels, layout.rate_hz, layout.frames);
    ensure!(same && back.format == layout.format && back.dropped.is_empty(), "what was written is another recording");
    let mut original = File::open(input).with_context(|| input.display().to_string())?;
    original.seek(SeekFrom::Start(layout.data_start))?;
    let mut expected = Vec::new();
    // Where each channel stands in its spans.
    let mut next = vec![0usize; layout.channels];
    blocks(written, &back, |at, bytes| {
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
            let right = if inside { found == layout.silence } else { found == original };
            ensure!(right, "sample {frame} of channel {channel} was not written as it must be");
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
