//! Why a recording cannot be read, in one line that names the file, the reason, and the way out where there is one.

use std::fmt;
use std::io;

use super::{MAX_CHANNELS, MAX_FLOAT_PEAK, MAX_RATE_HZ, MIN_RATE_HZ};

/// A recording that cannot be read: which one, and why.
///
/// `Display` is one line (control characters in the file's name are escaped): `FILE: REASON[; WAY OUT]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioError {
    /// The file as the user named it; `standard input` for a pipe.
    pub file: String,
    /// What is wrong with it.
    pub reason: AudioProblem,
}

/// What can be wrong with a recording.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AudioProblem {
    /// There is no such file.
    NotFound,
    /// The path names a directory.
    Directory,
    /// The operating system refuses to open it.
    PermissionDenied,
    /// The file has no bytes.
    Empty,
    /// A header and nothing that it announces.
    HeaderOnly {
        /// The container.
        container: &'static str,
    },
    /// A whole file that holds no samples.
    NoSamples,
    /// The file ends before what its header or framing announces.
    Truncated {
        /// What is counted, e.g. `bytes of audio`.
        what: &'static str,
        /// How many are announced.
        expected: u64,
        /// How many are there.
        actual: u64,
    },
    /// The stream stops without its end mark.
    CutOff {
        /// The bytes that are there.
        after_bytes: u64,
        /// The mark that is missing, e.g. `last Ogg page`.
        missing: &'static str,
    },
    /// The content is not audio.
    NotAudio {
        /// What it looks like.
        looks_like: &'static str,
    },
    /// Audio of a kind that is not read here.
    Unsupported {
        /// What it is.
        what: String,
    },
    /// A header that contradicts itself.
    Malformed {
        /// The contradiction, with what was expected and found.
        what: String,
    },
    /// The sample rate is outside [`MIN_RATE_HZ`]..=[`MAX_RATE_HZ`].
    RateOutOfRange {
        /// The rate in the header.
        rate_hz: u32,
    },
    /// More than [`MAX_CHANNELS`] channels.
    TooManyChannels {
        /// The number in the header.
        channels: u32,
    },
    /// A NaN or an infinity.
    NonFinite {
        /// Position of the sample, counted from 0 over all channels' samples as they lie in the file.
        at_sample: u64,
    },
    /// A float sample beyond [`MAX_FLOAT_PEAK`].
    OutOfScale {
        /// Position of the sample, counted as in `NonFinite`.
        at_sample: u64,
        /// Its value.
        value: f32,
    },
    /// Reading failed.
    Io {
        /// The operating system's words.
        message: String,
    },
    /// The decoder refuses the stream.
    Decoder {
        /// The codec.
        codec: &'static str,
        /// Its words.
        message: String,
    },
    /// Several channels and no choice among them.
    ChannelNeeded {
        /// How many there are.
        channels: u16,
    },
    /// The chosen channel is not there.
    NoSuchChannel {
        /// The choice, from 0.
        channel: usize,
        /// How many there are.
        channels: u16,
    },
}

impl AudioError {
    pub(super) fn new(file: &str, reason: AudioProblem) -> AudioError {
        AudioError { file: file.to_owned(), reason }
    }
}

/// Writes `text` with control characters escaped, so that an error stays one line.
fn one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
    }
    Ok(())
}

impl fmt::Display for AudioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        one_line(f, &self.file)?;
        write!(f, ": {}", self.reason)
    }
}

impl fmt::Display for AudioProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => write!(f, "no such file"),
            Self::Directory => write!(f, "is a directory, not a recording"),
            Self::PermissionDenied => write!(f, "no permission to read it"),
            Self::Empty => write!(f, "is empty (0 bytes)"),
            Self::HeaderOnly { container } => write!(f, "only its {container} header, no audio after it"),
            Self::NoSamples => write!(f, "holds 0 samples"),
            Self::Truncated { what, expected, actual } => {
                write!(f, "is cut off: {expected} {what} announced, {actual} there")
            }
            Self::CutOff { after_bytes, missing } => {
                write!(f, "is cut off after {after_bytes} bytes: its {missing} is missing")
            }
            Self::NotAudio { looks_like } => write!(f, "not audio: looks like {looks_like}"),
            Self::Unsupported { what } => {
                one_line(f, what)?;
                write!(f, " is not supported; convert it with: ffmpeg -i IN OUT.wav")
            }
            Self::Malformed { what } => {
                write!(f, "malformed: ")?;
                one_line(f, what)
            }
            Self::RateOutOfRange { rate_hz } => {
                write!(f, "sample rate {rate_hz} Hz is outside {MIN_RATE_HZ}-{MAX_RATE_HZ} Hz")
            }
            Self::TooManyChannels { channels } => write!(f, "{channels} channels, at most {MAX_CHANNELS} are read"),
            Self::NonFinite { at_sample } => write!(f, "sample {at_sample} is not a finite number"),
            Self::OutOfScale { at_sample, value } => write!(
                f,
                "sample {at_sample} is {value}, float audio must lie within +-1.0 (at most +-{MAX_FLOAT_PEAK}); \
                 is it scaled like integers?"
            ),
            Self::Io { message } => {
                write!(f, "cannot be read: ")?;
                one_line(f, message)
            }
            Self::Decoder { codec, message } => {
                write!(f, "is not a valid {codec} stream: ")?;
                one_line(f, message)
            }
            Self::ChannelNeeded { channels } => write!(
                f,
                "has {channels} channels; choose the speaker's with --channel left|right|N|mix (N counts from 0, as \
                 Voice ID's ChannelId does: 0 is left)"
            ),
            Self::NoSuchChannel { channel, channels: 1 } => {
                write!(f, "has no channel {channel}: it has one channel, number 0 (--channel counts from 0)")
            }
            Self::NoSuchChannel { channel, channels } => {
                let last = channels.saturating_sub(1);
                write!(f, "has no channel {channel}: its {channels} channels are 0 to {last} (--channel counts from 0)")
            }
        }
    }
}

impl std::error::Error for AudioError {}

impl std::error::Error for AudioProblem {}

impl From<io::Error> for AudioProblem {
    fn from(error: io::Error) -> AudioProblem {
        match error.kind() {
            io::ErrorKind::NotFound => AudioProblem::NotFound,
            io::ErrorKind::PermissionDenied => AudioProblem::PermissionDenied,
            io::ErrorKind::IsADirectory => AudioProblem::Directory,
            _ => AudioProblem::Io { message: error.to_string() },
        }
    }
}
