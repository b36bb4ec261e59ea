//! Which channel of a recording is heard.

use std::fmt;
use std::io::Cursor;
use std::path::Path;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::error::{AudioError, AudioProblem};
use super::{AudioFile, AudioSpec, RawFormat, SampleEncoding};

/// Which channel of a recording with several is the speaker's.
///
/// A call recorded on two channels has two voices. Taking one by habit, or mixing them, would enrol or judge the agent,
/// so the default asks. A recording with one channel needs no choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelChoice {
    /// More than one channel is an error that names the flag.
    #[default]
    Ask,
    /// Channel 0.
    Left,
    /// Channel 1.
    Right,
    /// Counted from 0, as Voice ID's `ChannelId`.
    Index(usize),
    /// The mean of all channels.
    Mix,
}

/// A `--channel` that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelChoiceError(String);

impl fmt::Display for ChannelChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel `{}`: expected left, right, mix, or a number from 0 (0 is left)", self.0.escape_debug())
    }
}

impl std::error::Error for ChannelChoiceError {}

impl FromStr for ChannelChoice {
    type Err = ChannelChoiceError;

    /// Parses `left`, `right`, `mix`, `ask`, or a number from 0.
    fn from_str(text: &str) -> Result<ChannelChoice, ChannelChoiceError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "ask" => Ok(Self::Ask),
            "left" => Ok(Self::Left),
            "right" => Ok(Self::Right),
            "mix" => Ok(Self::Mix),
            number if number.bytes().all(|b| b.is_ascii_digit()) => {
                number.parse().map(Self::Index).map_err(|_| ChannelChoiceError(text.to_owned()))
            }
            _ => Err(ChannelChoiceError(text.to_owned())),
        }
    }
}

impl ChannelChoice {
    /// The channel to take, `None` to mix.
    fn resolve(self, channels: u16) -> Result<Option<usize>, AudioProblem> {
        let channel = match self {
            Self::Ask if channels > 1 => return Err(AudioProblem::ChannelNeeded { channels }),
            Self::Mix => return Ok(None),
            Self::Ask | Self::Left => 0,
            Self::Right => 1,
            Self::Index(channel) => channel,
        };
        if channel < usize::from(channels) {
            Ok(Some(channel))
        } else {
            Err(AudioProblem::NoSuchChannel { channel, channels })
        }
    }
}

/// A recording as one channel of samples.
pub struct MonoReader {
    file: AudioFile,
    channel: Option<usize>,
    interleaved: Vec<f32>,
}

impl MonoReader {
    /// Opens `path` (see [`AudioFile::open_input`]) and chooses a channel.
    ///
    /// # Errors
    ///
    /// As [`AudioFile::open_input`]; `ChannelNeeded` or `NoSuchChannel` from the choice.
    pub fn open(path: &Path, format: Option<RawFormat>, choice: ChannelChoice) -> Result<MonoReader, AudioError> {
        MonoReader::new(AudioFile::open_input(path, format)?, choice)
    }

    /// Samples that are in memory; `name` stands for them in errors.
    ///
    /// # Errors
    ///
    /// There are none, or the rate is out of range.
    pub fn of_samples(name: &str, rate_hz: u32, samples: &[i16]) -> Result<MonoReader, AudioError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * samples.len()));
        samples.iter().for_each(|s| bytes.extend_from_slice(&s.to_le_bytes()));
        let format = RawFormat { encoding: SampleEncoding::S16Le, rate_hz, channels: 1 };
        MonoReader::new(AudioFile::open_raw(name, Cursor::new(bytes), format)?, ChannelChoice::Ask)
    }

    /// Chooses a channel of an open recording.
    ///
    /// # Errors
    ///
    /// `ChannelNeeded` where there are several and `choice` asks, `NoSuchChannel` where the chosen one is not there.
    pub fn new(file: AudioFile, choice: ChannelChoice) -> Result<MonoReader, AudioError> {
        match choice.resolve(file.spec().channels) {
            Ok(channel) => Ok(MonoReader { file, channel, interleaved: Vec::new() }),
            Err(reason) => Err(file.error(reason)),
        }
    }

    /// Replaces `out` by the next samples; returns how many, 0 at the end.
    ///
    /// *Units/range*: ±1.0. *Allocation*: none once `out` has grown to one chunk.
    ///
    /// # Errors
    ///
    /// As [`AudioFile::next_chunk`].
    pub fn next_chunk(&mut self, out: &mut Vec<f32>) -> Result<usize, AudioError> {
        let channels = usize::from(self.file.spec().channels);
        if channels == 1 {
            return self.file.next_chunk(out);
        }
        out.clear();
        let frames = self.file.next_chunk(&mut self.interleaved)?;
        let scale = 1.0 / channels as f32;
        match self.channel {
            Some(channel) => out.extend(self.interleaved.iter().skip(channel).step_by(channels)),
            None => out.extend(self.interleaved.chunks_exact(channels).map(|f| f.iter().sum::<f32>() * scale)),
        }
        Ok(frames)
    }

    /// Whether the recording has one more channel than the chosen one: a call's other side.
    pub fn has_other(&self) -> bool {
        self.channel.is_some() && self.file.spec().channels == 2
    }

    /// Replaces `out` by the latest chunk's other channel, where there is one ([`MonoReader::has_other`]).
    pub fn other(&self, out: &mut Vec<f32>) {
        out.clear();
        if let Some(channel) = self.channel.filter(|_| self.has_other()) {
            out.extend(self.interleaved.iter().skip(1 - channel).step_by(2));
        }
    }

    /// What the recording is; `channels` counts the file's.
    pub fn spec(&self) -> &AudioSpec {
        self.file.spec()
    }

    /// The recording under the choice, for its position and progress.
    pub fn file(&self) -> &AudioFile {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_parse_and_resolve() {
        use ChannelChoice::*;
        let parsed = ["left", "RIGHT", " mix", "0", "1", "31", "ask"].map(|t| t.parse::<ChannelChoice>());
        assert_eq!(parsed, [Left, Right, Mix, Index(0), Index(1), Index(31), Ask].map(Ok));
        for text in ["", "-1", "middle", "1.0", "99999999999999999999", "left\nright"] {
            let error = text.parse::<ChannelChoice>().expect_err(text).to_string();
            assert!(error.contains("left, right, mix") && !error.contains('\n'), "{error}");
        }
        assert_eq!(Ask.resolve(1), Ok(Some(0)));
        assert_eq!(Ask.resolve(2), Err(AudioProblem::ChannelNeeded { channels: 2 }));
        assert_eq!(Right.resolve(1), Err(AudioProblem::NoSuchChannel { channel: 1, channels: 1 }));
        assert_eq!(Index(2).resolve(2), Err(AudioProblem::NoSuchChannel { channel: 2, channels: 2 }));
        assert_eq!((Left.resolve(2), Right.resolve(2), Mix.resolve(3)), (Ok(Some(0)), Ok(Some(1)), Ok(None)));
    }
}
