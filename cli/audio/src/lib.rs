//! Recordings: from a path, a pipe or headerless bytes to f32 samples, a chunk at a time.
//!
//! | content | read by |
//! |---|---|
//! | WAV, RF64, BW64: 8 to 32-bit integers, 32 and 64-bit floats, A-law, µ-law | our own reader (`wav`) |
//! | headerless samples (`--format`) | our own reader (`raw`) |
//! | FLAC | Symphonia, held against the stream's length, byte count and MD5 (`flac`) |
//! | Ogg Vorbis | our own pages, Symphonia's decoder (`ogg`) |
//! | MP3 | our own framing, Symphonia's decoder (`mp3`) |
//!
//! # Invariants
//!
//! 1. The content decides what a file is, never its name.
//! 2. A damaged, cut or unknown recording is an error that names the file. It is never a shorter recording.
//! 3. Memory does not grow with the recording: nothing seeks, and nothing is read ahead but a buffer. (One look at the
//!    last page of an Ogg file tells its length.)
//! 4. No input panics. Foreign decoders run behind a boundary that turns their panics into errors, and whatever a header
//!    asks to be allocated has a named limit.
//! 5. After an error every further call gives the same error.
//!
//! [`strict`] is the reader and writer for redaction: whatever could hide samples from it is an error.
#![forbid(unsafe_code)]

mod channel;
mod error;
mod flac;
mod guard;
mod mp3;
mod ogg;
mod pcm;
mod raw;
mod sniff;
mod source;
pub mod strict;
mod vorbis_setup;
mod wav;

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use source::Source;

pub use channel::{ChannelChoice, ChannelChoiceError, MonoReader};
pub use error::{AudioError, AudioProblem};
pub use pcm::SampleEncoding;
pub use raw::{RawFormat, RawFormatError};

use engine::codec::g711;

/// Lowest sample rate, in Hz: the telephone's.
pub const MIN_RATE_HZ: u32 = 8_000;

/// Highest sample rate, in Hz.
pub const MAX_RATE_HZ: u32 = 192_000;

/// Most channels of a recording.
pub const MAX_CHANNELS: u16 = 32;

/// Largest magnitude of a float sample: 24 dB above full scale. Beyond it the file is scaled like integers.
pub const MAX_FLOAT_PEAK: f32 = 16.0;

/// Frames of a chunk from a WAV or headerless file. Other files give what a packet holds, at most 65,535 frames, and Ogg
/// once the audio of a whole page (255 packets of at most 8,192).
pub const CHUNK_FRAMES: usize = 4_096;

/// Most memory that reading one recording takes, whatever its bytes say. FLAC may need it: a frame of 16 MiB, and as
/// many pieces as may still become one. Telephone recordings take under 1 MiB.
pub const MAX_MEMORY_BYTES: usize = 128 << 20;

/// What a recording is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// RIFF WAVE.
    Wav,
    /// RIFF WAVE with 64-bit sizes (RF64 or BW64).
    Rf64,
    /// Native FLAC.
    Flac,
    /// Ogg.
    Ogg,
    /// MPEG audio frames.
    Mp3,
    /// Headerless samples.
    Raw,
}

impl Container {
    /// The name for people: `WAV`, `RF64`, `FLAC`, `Ogg`, `MP3`, `raw`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wav => "WAV",
            Self::Rf64 => "RF64",
            Self::Flac => "FLAC",
            Self::Ogg => "Ogg",
            Self::Mp3 => "MP3",
            Self::Raw => "raw",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a recording is, as its header tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioSpec {
    /// What it is kept in.
    pub container: Container,
    /// How its samples are stored, e.g. `16-bit PCM`, `mu-law`, `Vorbis`.
    pub encoding: &'static str,
    /// What holds its samples as they are.
    pub depth: Depth,
    /// Sample rate, [`MIN_RATE_HZ`]..=[`MAX_RATE_HZ`].
    pub rate_hz: u32,
    /// Channels, 1..=[`MAX_CHANNELS`].
    pub channels: u16,
    /// Samples of one channel, where the header or the file's length tells.
    pub frames: Option<u64>,
}

/// The least kind of WAV samples that holds a recording's samples as they are; those of lossy codecs count as 16 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// Integers of 16 bits.
    Int16,
    /// Integers of 24 bits.
    Int24,
    /// Floats of 32 bits.
    Float32,
    /// More than a float of 32 bits holds, in which samples are decoded.
    Beyond,
}

impl AudioSpec {
    /// Length in seconds, where `frames` is known.
    pub fn duration_s(&self) -> Option<f64> {
        self.frames.map(|frames| frames as f64 / f64::from(self.rate_hz))
    }
}

/// A reader of one format.
trait Decode: Send + Sync {
    /// Appends the next frames to `out`, interleaved; returns how many, 0 at the end.
    fn next(&mut self, out: &mut Vec<f32>) -> Result<usize, AudioProblem>;
    /// Bytes of the file that are done with.
    fn bytes_read(&self) -> u64;
}

/// An open recording.
///
/// ```no_run
/// # fn main() -> Result<(), cli_audio::AudioError> {
/// let mut file = cli_audio::AudioFile::open("call.wav".as_ref())?;
/// let mut chunk = Vec::new();
/// while file.next_chunk(&mut chunk)? > 0 { /* chunk: interleaved samples */ }
/// # Ok(())
/// # }
/// ```
pub struct AudioFile {
    name: String,
    spec: AudioSpec,
    decoder: Box<dyn Decode>,
    bytes: Option<u64>,
    position: u64,
    failed: Option<AudioProblem>,
}

impl fmt::Debug for AudioFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioFile").field("spec", &self.spec).field("position", &self.position).finish_non_exhaustive()
    }
}

impl AudioFile {
    /// Opens a recording by its content: WAV, FLAC, Ogg Vorbis or MP3. A named pipe works too.
    ///
    /// # Errors
    ///
    /// Every [`AudioProblem`] that shows in the header, a cut WAV file included.
    pub fn open(path: &Path) -> Result<AudioFile, AudioError> {
        let name = path.display().to_string();
        AudioFile::identify(&name, Source::open(path).map_err(|reason| AudioError::new(&name, reason))?)
    }

    /// Opens what a command line names: `-` is standard input, and with `format` the content is headerless.
    ///
    /// # Errors
    ///
    /// As [`AudioFile::open`] and [`AudioFile::open_raw`].
    pub fn open_input(path: &Path, format: Option<RawFormat>) -> Result<AudioFile, AudioError> {
        let is_stdin = path.as_os_str() == "-";
        match format {
            None if is_stdin => AudioFile::open_reader("standard input", io::stdin()),
            None => AudioFile::open(path),
            Some(format) if is_stdin => AudioFile::open_raw("standard input", io::stdin(), format),
            Some(format) => {
                let name = path.display().to_string();
                let opened = Source::open(path).and_then(|source| AudioFile::raw(&name, source, format));
                opened.map_err(|reason| AudioError::new(&name, reason))
            }
        }
    }

    /// Opens a stream by its content; `name` stands for it in errors.
    ///
    /// # Errors
    ///
    /// As [`AudioFile::open`]; a cut shows only where it is read.
    pub fn open_reader(name: &str, reader: impl Read + Send + Sync + 'static) -> Result<AudioFile, AudioError> {
        AudioFile::identify(name, Source::new(Box::new(reader), None))
    }

    /// Opens a stream of headerless samples; `name` stands for it in errors.
    ///
    /// # Errors
    ///
    /// `Empty`; `Malformed` where the stream has a header after all.
    pub fn open_raw(
        name: &str,
        reader: impl Read + Send + Sync + 'static,
        format: RawFormat,
    ) -> Result<AudioFile, AudioError> {
        AudioFile::raw(name, Source::new(Box::new(reader), None), format)
            .map_err(|reason| AudioError::new(name, reason))
    }

    fn raw(name: &str, source: Source, format: RawFormat) -> Result<AudioFile, AudioProblem> {
        check_layout(format.rate_hz, u32::from(format.channels))?;
        let bytes = source.len();
        let (spec, decoder) = raw::open(source, format)?;
        Ok(AudioFile { name: name.to_owned(), spec, decoder, bytes, position: 0, failed: None })
    }

    fn identify(name: &str, mut source: Source) -> Result<AudioFile, AudioError> {
        let bytes = source.len();
        let opened = sniff::identify(&mut source).and_then(|kind| match kind {
            sniff::Kind::Wav => wav::open(source),
            sniff::Kind::Flac => flac::open(source),
            sniff::Kind::OggVorbis => ogg::open(source),
            sniff::Kind::Mp3 => mp3::open(source),
        });
        let (spec, decoder) = opened.map_err(|reason| AudioError::new(name, reason))?;
        Ok(AudioFile { name: name.to_owned(), spec, decoder, bytes, position: 0, failed: None })
    }

    /// What the recording is.
    pub fn spec(&self) -> &AudioSpec {
        &self.spec
    }

    /// The name it was opened by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Replaces `out` by the next frames, interleaved; returns how many, 0 at the end.
    ///
    /// *Shape*: `(frames, channels)`. *Units/range*: ±1.0, in a float file up to ±[`MAX_FLOAT_PEAK`]; always finite.
    /// *Allocation*: none in WAV and headerless files once `out` has grown to one chunk.
    ///
    /// # Errors
    ///
    /// Whatever is wrong from here on, `NoSamples` at the end of a recording that had none. `out` is then empty, and
    /// further calls give the same error.
    pub fn next_chunk(&mut self, out: &mut Vec<f32>) -> Result<usize, AudioError> {
        out.clear();
        if let Some(reason) = &self.failed {
            return Err(AudioError::new(&self.name, reason.clone()));
        }
        let result = match self.decoder.next(out) {
            Ok(0) if self.position == 0 => Err(AudioProblem::NoSamples),
            other => other,
        };
        match result {
            Ok(frames) => {
                self.position += frames as u64;
                Ok(frames)
            }
            Err(reason) => {
                out.clear();
                self.failed = Some(reason.clone());
                Err(AudioError::new(&self.name, reason))
            }
        }
    }

    /// Samples of one channel handed out so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Samples of one channel in all, where known.
    pub fn total_frames(&self) -> Option<u64> {
        self.spec.frames
    }

    /// The part that is done, 0.0 to 1.0, by samples or else by bytes; `None` for a pipe of unknown length.
    pub fn progress(&self) -> Option<f64> {
        let (done, total) = match (self.spec.frames, self.bytes) {
            (Some(frames), _) => (self.position, frames),
            (None, Some(bytes)) => (self.decoder.bytes_read(), bytes),
            (None, None) => return None,
        };
        Some(if total == 0 { 1.0 } else { (done as f64 / total as f64).min(1.0) })
    }

    fn error(&self, reason: AudioProblem) -> AudioError {
        AudioError::new(&self.name, reason)
    }
}

/// Checks what every header says: the sample rate and the number of channels.
fn check_layout(rate_hz: u32, channels: u32) -> Result<(), AudioProblem> {
    if channels == 0 {
        return Err(AudioProblem::Malformed { what: "0 channels".into() });
    }
    if channels > u32::from(MAX_CHANNELS) {
        return Err(AudioProblem::TooManyChannels { channels });
    }
    if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate_hz) {
        return Err(AudioProblem::RateOutOfRange { rate_hz });
    }
    Ok(())
}

/// Symphonia's errors in our words.
fn from_symphonia(codec: &'static str, error: &symphonia::core::errors::Error) -> AudioProblem {
    use symphonia::core::errors::Error;
    let message = match error {
        Error::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => "it ends early".to_owned(),
        other => other.to_string(),
    };
    AudioProblem::Decoder { codec, message }
}
