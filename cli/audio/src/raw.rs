//! Headerless audio: what `--format` says about it, and its reader.

use std::fmt;
use std::str::FromStr;

use super::error::AudioProblem;
use super::pcm::SampleEncoding;
use super::source::Source;
use super::{AudioSpec, CHUNK_FRAMES, Container, Decode, MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ};

/// What headerless audio is made of. Written `ENCODING[@RATE][xCHANNELS]`, e.g. `ulaw@8000`, `s16le@16000x2`.
///
/// The channel count defaults to 1. `ulaw` and `alaw` default to 8000 Hz; the others need their rate, for nothing in
/// the bytes would show a wrong guess. Channels are interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFormat {
    /// How one sample is stored.
    pub encoding: SampleEncoding,
    /// Sample rate, [`MIN_RATE_HZ`]..=[`MAX_RATE_HZ`].
    pub rate_hz: u32,
    /// Channels, 1..=[`MAX_CHANNELS`].
    pub channels: u16,
}

/// Encodings that `--format` takes.
const ENCODINGS: [SampleEncoding; 8] = [
    SampleEncoding::S16Le,
    SampleEncoding::S16Be,
    SampleEncoding::S24Le,
    SampleEncoding::S32Le,
    SampleEncoding::F32Le,
    SampleEncoding::U8,
    SampleEncoding::Ulaw,
    SampleEncoding::Alaw,
];

/// Other spellings of the G.711 encodings: ffmpeg's, sox's, and RTP's.
const ALIASES: [(&str, SampleEncoding); 8] = [
    ("mulaw", SampleEncoding::Ulaw),
    ("mu-law", SampleEncoding::Ulaw),
    ("u-law", SampleEncoding::Ulaw),
    ("ul", SampleEncoding::Ulaw),
    ("pcmu", SampleEncoding::Ulaw),
    ("a-law", SampleEncoding::Alaw),
    ("al", SampleEncoding::Alaw),
    ("pcma", SampleEncoding::Alaw),
];

/// Why a `--format` is refused; one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFormatError(String);

impl fmt::Display for RawFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RawFormatError {}

impl FromStr for RawFormat {
    type Err = RawFormatError;

    /// Parses `ENCODING[@RATE][xCHANNELS]`.
    ///
    /// # Errors
    ///
    /// An unknown encoding, a missing or impossible rate, an impossible channel count: each with an example to follow.
    fn from_str(text: &str) -> Result<RawFormat, RawFormatError> {
        let lower = text.trim().to_ascii_lowercase();
        let (name, rest) = match lower.split_once('@') {
            Some((name, rest)) => (name, Some(rest)),
            None => (lower.as_str(), None),
        };
        // Without a rate the channel count follows the name: `ulawx2`. No encoding's name holds an x.
        let (name, rate, channels) = match rest {
            Some(rest) => match rest.split_once('x') {
                Some((rate, channels)) => (name, Some(rate), Some(channels)),
                None => (name, Some(rest), None),
            },
            None => match name.split_once('x') {
                Some((name, channels)) => (name, None, Some(channels)),
                None => (name, None, None),
            },
        };
        let named = ENCODINGS.iter().find(|e| e.name() == name).copied();
        let Some(encoding) = named.or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|&(_, e)| e)) else {
            let names: Vec<_> = ENCODINGS.iter().map(|e| e.name()).collect();
            return Err(RawFormatError(format!(
                "unknown encoding `{}`: expected one of {}, as in ulaw@8000 or s16le@16000x2",
                name.escape_debug(),
                names.join(", ")
            )));
        };
        let rate_hz = match rate {
            Some(text) => match text.parse::<u32>() {
                Ok(rate) if (MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate) => rate,
                _ => {
                    return Err(RawFormatError(format!(
                        "sample rate `{}`: expected {MIN_RATE_HZ} to {MAX_RATE_HZ} (Hz), as in {}@8000",
                        text.escape_debug(),
                        encoding.name()
                    )));
                }
            },
            None if matches!(encoding, SampleEncoding::Ulaw | SampleEncoding::Alaw) => 8_000,
            None => {
                return Err(RawFormatError(format!("{0} needs its sample rate, as in {0}@8000", encoding.name())));
            }
        };
        let channels = match channels {
            None => 1,
            Some(text) => match text.parse::<u16>() {
                Ok(n) if (1..=MAX_CHANNELS).contains(&n) => n,
                _ => {
                    return Err(RawFormatError(format!(
                        "channel count `{}`: expected 1 to {MAX_CHANNELS}, as in {}@{rate_hz}x2",
                        text.escape_debug(),
                        encoding.name()
                    )));
                }
            },
        };
        Ok(RawFormat { encoding, rate_hz, channels })
    }
}

impl fmt::Display for RawFormat {
    /// The spelling that [`RawFormat::from_str`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.encoding.name(), self.rate_hz)?;
        if self.channels != 1 { write!(f, "x{}", self.channels) } else { Ok(()) }
    }
}

/// Samples of a fixed size, one after the other: the body of headerless and of WAV files.
pub(super) struct Samples {
    encoding: SampleEncoding,
    channels: usize,
    /// Bytes that the header announces and that are still to come; `None` reads to the end of the file.
    left: Option<u64>,
    announced: Option<u64>,
    samples_read: u64,
    bytes: Vec<u8>,
}

impl Samples {
    pub(super) fn new(encoding: SampleEncoding, channels: u16, announced: Option<u64>) -> Samples {
        let channels = usize::from(channels);
        let bytes = vec![0; CHUNK_FRAMES * channels * encoding.bytes()];
        Samples { encoding, channels, left: announced, announced, samples_read: 0, bytes }
    }

    /// Appends the next frames to `out`; 0 at the end.
    pub(super) fn next(&mut self, source: &mut Source, out: &mut Vec<f32>) -> Result<usize, AudioProblem> {
        let frame_bytes = self.channels * self.encoding.bytes();
        let wanted = self.left.map_or(self.bytes.len(), |left| left.min(self.bytes.len() as u64) as usize);
        // Headerless audio may be live: what is there is given at once.
        let got = match self.left {
            Some(_) => source.read_full(&mut self.bytes[..wanted])?,
            None => source.read_units(&mut self.bytes[..wanted], frame_bytes)?,
        };
        let frames = got / frame_bytes;
        if let Some(left) = &mut self.left {
            *left -= got as u64;
            if got < wanted {
                let expected = self.announced.unwrap_or_default();
                return Err(AudioProblem::Truncated { what: "bytes of audio", expected, actual: expected - *left });
            }
        } else if got % frame_bytes != 0 {
            let whole = (self.samples_read / self.channels as u64 + frames as u64) * frame_bytes as u64;
            return Err(AudioProblem::Truncated {
                what: "bytes of whole frames",
                expected: whole + frame_bytes as u64,
                actual: whole + (got % frame_bytes) as u64,
            });
        }
        self.encoding.decode(&self.bytes[..frames * frame_bytes], self.samples_read, out)?;
        self.samples_read += (frames * self.channels) as u64;
        Ok(frames)
    }
}

pub(super) struct RawReader {
    source: Source,
    samples: Samples,
}

/// Reads headerless audio. Refuses content with a header, which would be heard as noise.
pub(super) fn open(mut source: Source, format: RawFormat) -> Result<(AudioSpec, Box<dyn Decode>), AudioProblem> {
    let head = source.peek(12)?;
    if head.is_empty() {
        return Err(AudioProblem::Empty);
    }
    let header = match head {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E'] => Some("WAV"),
        [b'f', b'L', b'a', b'C', ..] => Some("FLAC"),
        [b'O', b'g', b'g', b'S', ..] => Some("Ogg"),
        _ => None,
    };
    if let Some(name) = header {
        return Err(AudioProblem::Malformed {
            what: format!("this is a {name} file, not headerless {}; leave out --format", format.encoding.name()),
        });
    }
    let frame_bytes = u64::from(format.channels) * format.encoding.bytes() as u64;
    let frames = match source.len() {
        Some(len) if len % frame_bytes != 0 => {
            let expected = len - len % frame_bytes + frame_bytes;
            return Err(AudioProblem::Truncated { what: "bytes of whole frames", expected, actual: len });
        }
        len => len.map(|len| len / frame_bytes),
    };
    let spec = AudioSpec {
        container: Container::Raw,
        encoding: format.encoding.name(),
        depth: format.encoding.depth(),
        rate_hz: format.rate_hz,
        channels: format.channels,
        frames,
    };
    let samples = Samples::new(format.encoding, format.channels, None);
    Ok((spec, Box::new(RawReader { source, samples })))
}

impl Decode for RawReader {
    fn next(&mut self, out: &mut Vec<f32>) -> Result<usize, AudioProblem> {
        self.samples.next(&mut self.source, out)
    }

    fn bytes_read(&self) -> u64 {
        self.source.position()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_parse_print_and_refuse() {
        let good = [
            ("ulaw", "ulaw@8000"),
            ("ulaw@8000", "ulaw@8000"),
            ("ALAW@16000x2", "alaw@16000x2"),
            ("pcmux2", "ulaw@8000x2"),
            ("mu-law", "ulaw@8000"),
            ("s16le@16000x2", "s16le@16000x2"),
            ("s16be@44100", "s16be@44100"),
            ("s24le@8000x1", "s24le@8000"),
            ("s32le@192000", "s32le@192000"),
            ("f32le@48000", "f32le@48000"),
            ("u8@8000", "u8@8000"),
        ];
        let bad = [
            ("", "unknown encoding ``"),
            ("wav", "unknown encoding `wav`"),
            ("s16", "unknown encoding `s16`"),
            ("f64le@8000", "unknown encoding `f64le`"),
            ("s16le", "s16le needs its sample rate, as in s16le@8000"),
            ("s16lex2", "needs its sample rate"),
            ("s16le@", "sample rate ``"),
            ("s16le@3", "expected 8000 to 192000"),
            ("s16le@10000000", "expected 8000 to 192000"),
            ("s16le@-8000", "sample rate `-8000`"),
            ("s16le@99999999999999", "sample rate `99999999999999`"),
            ("s16le@8000x0", "channel count `0`"),
            ("s16le@8000x65535", "channel count `65535`"),
            ("s16le@8000x", "channel count ``"),
            ("s16le@8000x2x2", "channel count `2x2`"),
            ("s16le@8000@8000", "sample rate `8000@8000`"),
            ("ulaw\n", "ok"),
        ];
        let mut failures = Vec::new();
        for (text, printed) in good {
            match text.parse::<RawFormat>() {
                Ok(format) if format.to_string() == printed && printed.parse() == Ok(format) => {}
                other => failures.push(format!("{text}: {other:?}")),
            }
        }
        for (text, words) in bad {
            match text.parse::<RawFormat>() {
                Ok(_) if words == "ok" => {}
                Err(e) if e.to_string().contains(words) && !e.to_string().contains('\n') => {}
                other => failures.push(format!("{text}: {other:?}")),
            }
        }
        assert!(failures.is_empty(), "{failures:#?}");
    }
}
