//! MP3: our own framing around Symphonia's layer 3 decoder.
//!
//! An MP3 file is a row of frames without an end mark, and players skip what they cannot read. Here every byte must
//! belong to a frame, a tag or zero padding, so that a hole or a cut is an error and not a shorter recording.
//!
//! *Source*: ISO/IEC 11172-3 §2.4.2.3 and 13818-3 (frame header), the Xing/LAME "mp3 info tag" revision 1 (counts, delay
//! and padding), ID3v2.4 §3.1 (tag size), APEv2, Lyrics3v2.

use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::codecs::MpaDecoder;

use super::error::AudioProblem;
use super::guard::guarded;
use super::pcm::check_floats;
use super::source::Source;
use super::{AudioSpec, Container, Decode, Depth, check_layout, from_symphonia};

const CODEC: &str = "MP3";

/// Samples that every layer 3 decoder is late by (LAME tag specification).
const DECODER_DELAY: u64 = 529;

/// The longest Lyrics3v2 block: a 6-digit size.
const MAX_LYRICS_BYTES: usize = 8 * 1024;

/// A frame header, and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    mpeg1: bool,
    channels: u16,
    rate_hz: u32,
    frame_bytes: usize,
}

/// What the bytes after any tags are.
pub(super) enum Guess {
    /// A layer 3 frame, followed by a second one where the look ahead reaches it.
    Layer3,
    /// MPEG audio that is not read here.
    Other(&'static str),
}

const KBPS_MPEG1: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBPS_MPEG2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

impl Header {
    /// Parses a layer 3 header. Free-format frames (bit rate index 0) have no length and are not read.
    fn parse(bytes: [u8; 4]) -> Option<Header> {
        let [a, b, c, d] = bytes;
        if a != 0xFF || b & 0xE6 != 0xE2 {
            return None;
        }
        let version = (b >> 3) & 3;
        let mpeg1 = version == 3;
        let table = if mpeg1 { &KBPS_MPEG1 } else { &KBPS_MPEG2 };
        let kbps = *table.get(usize::from(c >> 4))?;
        let base = *[44_100u32, 48_000, 32_000].get(usize::from((c >> 2) & 3))?;
        let rate_hz = match version {
            3 => base,
            2 => base / 2,
            0 => base / 4,
            _ => return None,
        };
        if kbps == 0 {
            return None;
        }
        let factor = if mpeg1 { 144 } else { 72 };
        let frame_bytes = (factor * kbps * 1000 / rate_hz + u32::from((c >> 1) & 1)) as usize;
        let channels = if d >> 6 == 3 { 1 } else { 2 };
        Some(Header { mpeg1, channels, rate_hz, frame_bytes })
    }

    /// Samples of one channel in a frame.
    fn frame_samples(self) -> u64 {
        if self.mpeg1 { 1152 } else { 576 }
    }

    /// Where the main data, or a Xing tag in its place, starts. The tag ignores the checksum.
    fn side_info_end(self) -> usize {
        4 + match (self.mpeg1, self.channels) {
            (true, 1) => 17,
            (true, _) => 32,
            (false, 1) => 9,
            (false, _) => 17,
        }
    }

    fn same_stream(self, other: Header) -> bool {
        (self.mpeg1, self.rate_hz, self.channels) == (other.mpeg1, other.rate_hz, other.channels)
    }
}

/// The whole size of an ID3v2 tag at the start of `head`.
pub(super) fn id3v2_bytes(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', major, minor, flags, sizes @ ..] = head.first_chunk::<10>()? else { return None };
    if *major == 0xFF || *minor == 0xFF || sizes.iter().any(|s| s & 0x80 != 0) {
        return None;
    }
    let body = sizes.iter().fold(0u64, |size, s| size << 7 | u64::from(*s));
    let footer = if flags & 0x10 != 0 { 10 } else { 0 };
    Some(10 + body + footer)
}

/// Whether `head` starts with an MPEG audio frame; a following frame, where visible, must agree.
pub(super) fn looks_like(head: &[u8]) -> Option<Guess> {
    let first = *head.first_chunk::<4>()?;
    if first[0] == 0xFF && first[1] & 0xE0 == 0xE0 && (first[1] >> 3) & 3 != 1 && first[2] >> 4 != 15 {
        match (first[1] >> 1) & 3 {
            3 if (first[2] >> 2) & 3 != 3 && first[2] >> 4 != 0 => return Some(Guess::Other("MPEG layer 1")),
            2 if (first[2] >> 2) & 3 != 3 && first[2] >> 4 != 0 => return Some(Guess::Other("MPEG layer 2")),
            1 if (first[2] >> 2) & 3 != 3 && first[2] >> 4 == 0 => return Some(Guess::Other("free-format MP3")),
            _ => {}
        }
    }
    let header = Header::parse(first)?;
    match head.get(header.frame_bytes..).and_then(|rest| rest.first_chunk::<4>()) {
        Some(&next) => {
            let agrees = Header::parse(next).is_some_and(|next| header.same_stream(next));
            (agrees || next.starts_with(b"TAG") || next.starts_with(b"APE")).then_some(Guess::Layer3)
        }
        None => Some(Guess::Layer3),
    }
}

/// What a Xing or VBRI tag in the first frame says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Info {
    /// Frames that follow.
    frames: Option<u64>,
    /// Samples to drop at the start and at the end.
    delay: u64,
    padding: u64,
}

impl Info {
    /// `None` where the frame is audio.
    fn parse(frame: &[u8], header: Header) -> Option<Info> {
        let be32 = |at: usize| frame.get(at..)?.first_chunk::<4>().map(|b| u64::from(u32::from_be_bytes(*b)));
        if frame.get(36..40) == Some(b"VBRI") {
            return Some(Info { frames: be32(50), ..Info::default() });
        }
        let at = header.side_info_end();
        if !matches!(frame.get(at..at + 4), Some(b"Xing" | b"Info")) {
            return None;
        }
        let flags = be32(at + 4)?;
        let mut next = at + 8;
        let mut take = |bit: u64, bytes: usize| {
            let here = (flags & bit != 0).then_some(next);
            next += if here.is_some() { bytes } else { 0 };
            here
        };
        let frames_at = take(1, 4);
        take(2, 4);
        take(4, 100);
        take(8, 4);
        let frames = frames_at.and_then(be32);
        let mut info = Info { frames, ..Info::default() };
        let encoder = frame.get(next..next + 4);
        let trim = frame.get(next + 21..).and_then(|rest| rest.first_chunk::<3>());
        if let (Some(b"LAME" | b"Lavf" | b"Lavc"), Some(&[a, b, c])) = (encoder, trim) {
            info.delay = (u64::from(a) << 4 | u64::from(b) >> 4) + DECODER_DELAY;
            info.padding = (u64::from(b & 15) << 8 | u64::from(c)).saturating_sub(DECODER_DELAY);
        }
        Some(info)
    }
}

struct Mp3Reader {
    source: Source,
    decoder: MpaDecoder,
    header: Header,
    info: Option<Info>,
    frame: Vec<u8>,
    /// A first frame that turned out to be audio.
    pending: bool,
    frames_read: u64,
    emitted_samples: u64,
    decoded: Vec<f32>,
}

fn broken(message: String) -> AudioProblem {
    AudioProblem::Decoder { codec: CODEC, message }
}

/// Reads the first frame; `source` is past any leading tags.
pub(super) fn open(source: Source) -> Result<(AudioSpec, Box<dyn Decode>), AudioProblem> {
    let mut params = AudioCodecParameters::new();
    params.for_codec(CODEC_ID_MP3);
    let decoder = guarded(CODEC, || {
        MpaDecoder::try_new(&params, &AudioDecoderOptions::default()).map_err(|e| from_symphonia(CODEC, &e))
    })?;
    let header = Header { mpeg1: false, channels: 0, rate_hz: 0, frame_bytes: 0 };
    let mut reader = Mp3Reader {
        source,
        decoder,
        header,
        info: None,
        frame: Vec::new(),
        pending: false,
        frames_read: 0,
        emitted_samples: 0,
        decoded: Vec::new(),
    };
    let Some(header) = reader.read_frame(None)? else {
        return Err(AudioProblem::NoSamples);
    };
    check_layout(header.rate_hz, u32::from(header.channels))?;
    reader.header = header;
    reader.info = Info::parse(&reader.frame, header);
    reader.pending = reader.info.is_none();
    let frames = reader.end_sample();
    let spec = AudioSpec {
        container: Container::Mp3,
        encoding: CODEC,
        depth: Depth::Int16,
        rate_hz: header.rate_hz,
        channels: header.channels,
        frames,
    };
    Ok((spec, Box::new(reader)))
}

impl Mp3Reader {
    /// Samples left after trimming, where the tag counts the frames.
    fn end_sample(&self) -> Option<u64> {
        let info = self.info?;
        let total = info.frames?.checked_mul(self.header.frame_samples())?;
        Some(total.saturating_sub(info.delay).saturating_sub(info.padding))
    }

    /// Reads the next frame into `self.frame`, over tags and zero padding; `None` at the end of the file.
    fn read_frame(&mut self, like: Option<Header>) -> Result<Option<Header>, AudioProblem> {
        loop {
            let at = self.source.position();
            let head = self.source.peek(32)?;
            if head.is_empty() {
                return Ok(None);
            }
            if let Some(size) = self.tag_bytes()? {
                let actual = self.source.skip(size)?;
                if actual < size {
                    return Err(AudioProblem::Truncated { what: "bytes of a tag", expected: size, actual });
                }
                continue;
            }
            let head = self.source.peek(4)?;
            if head.iter().all(|&b| b == 0) {
                self.source.skip(1)?;
                while self.source.peek(1)? == [0] {
                    self.source.skip(1)?;
                }
                continue;
            }
            let Some(bytes) = head.first_chunk::<4>() else {
                let actual = at + head.len() as u64;
                return Err(AudioProblem::Truncated {
                    what: "bytes up to the last frame's end",
                    expected: at + 4,
                    actual,
                });
            };
            let Some(header) = Header::parse(*bytes) else {
                return Err(broken(format!("the bytes at offset {at} are no frame")));
            };
            if like.is_some_and(|like| !like.same_stream(header)) {
                return Err(broken(format!("the frame at offset {at} has another rate or channel count")));
            }
            self.frame.resize(header.frame_bytes, 0);
            let actual = self.source.read_full(&mut self.frame)?;
            if actual < header.frame_bytes {
                let (expected, actual) = (at + header.frame_bytes as u64, at + actual as u64);
                return Err(AudioProblem::Truncated { what: "bytes up to the last frame's end", expected, actual });
            }
            return Ok(Some(header));
        }
    }

    /// The size of a tag that starts here.
    fn tag_bytes(&mut self) -> Result<Option<u64>, AudioProblem> {
        let head = self.source.peek(32)?;
        if let Some(size) = id3v2_bytes(head) {
            return Ok(Some(size));
        }
        if head.starts_with(b"TAG+") {
            return Ok(Some(227));
        }
        if head.starts_with(b"TAG") {
            return Ok(Some(128));
        }
        if let (true, Some(&[s0, s1, s2, s3])) =
            (head.starts_with(b"APETAGEX"), head.get(12..).and_then(|rest| rest.first_chunk::<4>()))
        {
            // The size leaves the 32 bytes of this header (or footer) out, and the other one in.
            let body = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
            let is_header = head.get(23).is_some_and(|flags| flags & 0x20 != 0);
            return Ok(Some(if is_header { 32 + body } else { 32 }));
        }
        if head.starts_with(b"LYRICSBEGIN") {
            let block = self.source.peek(MAX_LYRICS_BYTES)?;
            let end = block.windows(9).position(|w| w == b"LYRICS200" || w == b"LYRICSEND");
            return Ok(end.map(|at| at as u64 + 9));
        }
        Ok(None)
    }

    /// Decodes `self.frame` into `self.decoded`, interleaved.
    fn decode(&mut self) -> Result<(), AudioProblem> {
        let (decoder, frame, decoded) = (&mut self.decoder, &self.frame, &mut self.decoded);
        decoded.clear();
        guarded(CODEC, || {
            let packet = PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, frame);
            let buffer = decoder.decode_ref(&packet).map_err(|e| from_symphonia(CODEC, &e))?;
            buffer.copy_to_vec_interleaved::<f32>(decoded);
            Ok(())
        })
    }
}

impl Decode for Mp3Reader {
    fn next(&mut self, out: &mut Vec<f32>) -> Result<usize, AudioProblem> {
        loop {
            if !std::mem::take(&mut self.pending) {
                match self.read_frame(Some(self.header))? {
                    // The tag of a file joined to the end of another: no audio.
                    Some(header) if Info::parse(&self.frame, header).is_some() => continue,
                    Some(_) => {}
                    None => {
                        let Some(expected) = self.info.and_then(|info| info.frames) else { return Ok(0) };
                        if self.frames_read < expected {
                            let actual = self.frames_read;
                            return Err(AudioProblem::Truncated { what: "MP3 frames", expected, actual });
                        }
                        return Ok(0);
                    }
                }
            }
            self.decode()?;
            let channels = usize::from(self.header.channels);
            let samples = self.decoded.len() / channels;
            if samples as u64 != self.header.frame_samples() {
                return Err(broken(format!("frame {} gave {samples} samples", self.frames_read)));
            }
            let info = self.info.unwrap_or_default();
            let first = self.frames_read * self.header.frame_samples();
            self.frames_read += 1;
            let counted = info.frames.map(|frames| frames * self.header.frame_samples());
            // Frames beyond the tag's count are more audio (files joined end to end), so nothing there is padding.
            let from = info.delay.saturating_sub(first).min(samples as u64) as usize;
            let to = match counted {
                Some(counted) if first < counted => {
                    counted.saturating_sub(info.padding).saturating_sub(first).min(samples as u64) as usize
                }
                _ => samples,
            };
            if from >= to {
                continue;
            }
            let kept = &self.decoded[from * channels..to * channels];
            check_floats(kept, self.emitted_samples)?;
            self.emitted_samples += kept.len() as u64;
            out.extend_from_slice(kept);
            return Ok(to - from);
        }
    }

    fn bytes_read(&self) -> u64 {
        self.source.position()
    }
}
