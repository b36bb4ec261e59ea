//! FLAC through Symphonia, with the stream's length and checksum held against what came out.
//!
//! Symphonia searches for the next frame when it loses its place, and ends quietly where it finds none. So every byte
//! after the metadata must come out in a packet, the count must be the one in STREAMINFO, and the MD5 must match, where
//! the encoder wrote them. Of the metadata only STREAMINFO reaches the decoder: pictures, cue sheets and seek tables are
//! skipped unread, which also bounds memory.
//!
//! *Source*: RFC 9639 §8 (metadata blocks).

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSourceStream, ReadOnlySource};
use symphonia::default::codecs::FlacDecoder;
use symphonia::default::formats::FlacReader as Demuxer;

use super::error::AudioProblem;
use super::guard::guarded;
use super::source::Source;
use super::{AudioSpec, Container, Decode, Depth, check_layout, from_symphonia};

const CODEC: &str = "FLAC";
const STREAMINFO_BYTES: usize = 34;

/// What the demuxer has taken from the source, and the error that it may have taken for the end.
#[derive(Default)]
struct Taken {
    bytes: u64,
    error: Option<String>,
}

/// The rebuilt header followed by the frames of the source.
struct Tap {
    header: io::Cursor<Vec<u8>>,
    source: Source,
    taken: Arc<Mutex<Taken>>,
}

impl Read for Tap {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.header.read(out)?;
        if n > 0 {
            return Ok(n);
        }
        let result = self.source.read(out);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            Ok(n) => taken.bytes += *n as u64,
            Err(e) => taken.error = Some(e.to_string()),
        }
        result
    }
}

struct FlacReader {
    demuxer: Demuxer<'static>,
    decoder: FlacDecoder,
    taken: Arc<Mutex<Taken>>,
    channels: usize,
    /// Bytes before the first frame.
    header_bytes: u64,
    packet_bytes: u64,
    frames: u64,
    announced: Option<u64>,
    decoded: Vec<f32>,
    ended: bool,
}

/// Reads the metadata. The caller has seen the mark `fLaC`.
pub(super) fn open(mut source: Source) -> Result<(AudioSpec, Box<dyn Decode>), AudioProblem> {
    let info = read_metadata(&mut source)?;
    // STREAMINFO: 10 bytes of block and frame sizes, then rate (20 bits), channels - 1 (3), bits - 1 (5), samples (36).
    let word = u64::from_be_bytes([info[10], info[11], info[12], info[13], info[14], info[15], info[16], info[17]]);
    let rate_hz = (word >> 44) as u32;
    let channels = (word >> 41 & 7) as u16 + 1;
    let bits = (word >> 36 & 31) + 1;
    let announced = Some(word & 0xF_FFFF_FFFF).filter(|&n| n > 0);
    check_layout(rate_hz, u32::from(channels))?;

    let mut header = b"fLaC\x80\x00\x00\x22".to_vec();
    header.extend_from_slice(&info);
    let header_bytes = source.position();
    let taken = Arc::new(Mutex::new(Taken::default()));
    if source.peek(1)?.is_empty() {
        return Err(AudioProblem::HeaderOnly { container: CODEC });
    }
    let tap = Tap { header: io::Cursor::new(header), source, taken: Arc::clone(&taken) };
    let (demuxer, decoder) = guarded(CODEC, || {
        let stream = MediaSourceStream::new(Box::new(ReadOnlySource::new(tap)), Default::default());
        let demuxer = Demuxer::try_new(stream, FormatOptions::default()).map_err(|e| from_symphonia(CODEC, &e))?;
        let Some(CodecParameters::Audio(params)) = demuxer.tracks().first().and_then(|t| t.codec_params.as_ref())
        else {
            return Err(AudioProblem::Decoder { codec: CODEC, message: "no audio track".into() });
        };
        let options = AudioDecoderOptions::default().verify(true);
        let decoder = FlacDecoder::try_new(params, &options).map_err(|e| from_symphonia(CODEC, &e))?;
        Ok((demuxer, decoder))
    })?;
    let spec = AudioSpec {
        container: Container::Flac,
        encoding: match bits {
            8 => "8-bit FLAC",
            16 => "16-bit FLAC",
            20 => "20-bit FLAC",
            24 => "24-bit FLAC",
            17..24 => "FLAC of up to 24 bits",
            25.. => "32-bit FLAC",
            _ => CODEC,
        },
        depth: match bits {
            ..=16 => Depth::Int16,
            17..=24 => Depth::Int24,
            25.. => Depth::Beyond,
        },
        rate_hz,
        channels,
        frames: announced,
    };
    let reader = FlacReader {
        demuxer,
        decoder,
        taken,
        channels: usize::from(channels),
        header_bytes,
        packet_bytes: 0,
        frames: 0,
        announced,
        decoded: Vec::new(),
        ended: false,
    };
    Ok((spec, Box::new(reader)))
}

/// Consumes the metadata blocks and returns STREAMINFO, which is the first.
fn read_metadata(source: &mut Source) -> Result<[u8; STREAMINFO_BYTES], AudioProblem> {
    let header_only = AudioProblem::HeaderOnly { container: CODEC };
    source.skip(4)?;
    let mut info = None;
    loop {
        let Ok([kind, a, b, c]) = source.read_array::<4>()? else { return Err(header_only) };
        let size = u64::from(u32::from_be_bytes([0, a, b, c]));
        match (kind & 0x7F, info) {
            (0, None) if size == STREAMINFO_BYTES as u64 => match source.read_array()? {
                Ok(bytes) => info = Some(bytes),
                Err(_) => return Err(header_only),
            },
            (0, _) | (_, None) => {
                return Err(AudioProblem::Malformed {
                    what: "FLAC metadata does not start with one STREAMINFO".into(),
                });
            }
            (127, _) => return Err(AudioProblem::Malformed { what: "a FLAC metadata block of type 127".into() }),
            _ => {
                let actual = source.skip(size)?;
                if actual < size {
                    return Err(AudioProblem::Truncated { what: "bytes of FLAC metadata", expected: size, actual });
                }
            }
        }
        if let (true, Some(info)) = (kind & 0x80 != 0, info) {
            return Ok(info);
        }
    }
}

impl FlacReader {
    /// Holds what came out against what the header announces and what the file holds.
    fn check_end(&mut self) -> Result<(), AudioProblem> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(message) = &taken.error {
            return Err(AudioProblem::Io { message: message.clone() });
        }
        let actual = self.frames;
        if let Some(expected) = self.announced.filter(|&n| n > actual) {
            return Err(AudioProblem::Truncated { what: "samples a channel", expected, actual });
        }
        if self.packet_bytes < taken.bytes {
            return Err(AudioProblem::Decoder {
                codec: CODEC,
                message: format!(
                    "{} of its {} bytes belong to no whole frame",
                    taken.bytes - self.packet_bytes,
                    taken.bytes
                ),
            });
        }
        drop(taken);
        let decoder = &mut self.decoder;
        if guarded(CODEC, || Ok(decoder.finalize().verify_ok))? == Some(false) {
            return Err(AudioProblem::Decoder {
                codec: CODEC,
                message: "the MD5 of its samples is another one".into(),
            });
        }
        Ok(())
    }
}

impl Decode for FlacReader {
    fn next(&mut self, out: &mut Vec<f32>) -> Result<usize, AudioProblem> {
        if self.ended {
            return Ok(0);
        }
        let (demuxer, decoder, decoded) = (&mut self.demuxer, &mut self.decoder, &mut self.decoded);
        decoded.clear();
        let packet_bytes = guarded(CODEC, || {
            let packet = match demuxer.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(None),
                Err(Error::IoError(e)) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(e) => return Err(from_symphonia(CODEC, &e)),
            };
            let buffer = decoder.decode(&packet).map_err(|e| from_symphonia(CODEC, &e))?;
            buffer.copy_to_vec_interleaved::<f32>(decoded);
            Ok(Some(packet.data.len() as u64))
        })?;
        let Some(packet_bytes) = packet_bytes else {
            self.ended = true;
            self.check_end()?;
            return Ok(0);
        };
        let frames = decoded.len() / self.channels;
        self.packet_bytes += packet_bytes;
        self.frames += frames as u64;
        out.extend_from_slice(decoded);
        Ok(frames)
    }

    fn bytes_read(&self) -> u64 {
        self.header_bytes + self.packet_bytes
    }
}
