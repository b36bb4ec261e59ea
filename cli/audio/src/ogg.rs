//! Ogg Vorbis: our own pages around Symphonia's Vorbis decoder.
//!
//! Every page carries a checksum, a number and, on the last one, an end mark: what a hole or a cut needs to be an error.
//! Demuxers use them to go on after damage instead, so the pages are read here.
//!
//! *Source*: RFC 3533 (Ogg), Vorbis I specification §4.2 (headers), §3.2.1 (codebooks), §A.2 (granule positions).

use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::codecs::VorbisDecoder;

use super::error::AudioProblem;
use super::guard::guarded;
use super::pcm::check_floats;
use super::source::Source;
use super::{AudioSpec, Container, Decode, Depth, check_layout, from_symphonia, vorbis_setup};

const CODEC: &str = "Vorbis";

/// Largest packet; libvorbis's setup header, its largest, has some 4 kB. Comments (cover art) are skipped unread.
const MAX_PACKET_BYTES: usize = 1 << 20;

/// Largest page (RFC 3533 §6).
const MAX_PAGE_BYTES: u64 = 27 + 255 + 255 * 255;

const FLAG_CONTINUED: u8 = 1;
const FLAG_FIRST: u8 = 2;
const FLAG_LAST: u8 = 4;

/// A granule position that says that no packet ends on the page.
const NO_GRANULE: i64 = -1;

fn broken(message: String) -> AudioProblem {
    AudioProblem::Decoder { codec: "Ogg Vorbis", message }
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = (i as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 != 0 { (crc << 1) ^ 0x04C1_1DB7 } else { crc << 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};

/// The Ogg page checksum: CRC-32 with polynomial 0x04C11DB7, most significant bit first, starting from 0.
fn crc(mut crc: u32, bytes: &[u8]) -> u32 {
    for &b in bytes {
        crc = (crc << 8) ^ CRC_TABLE[usize::from((crc >> 24) as u8 ^ b)];
    }
    crc
}

#[derive(Default)]
struct Page {
    flags: u8,
    granule: i64,
    serial: u32,
    number: u32,
    lacing: Vec<u8>,
    body: Vec<u8>,
}

impl Page {
    /// Reads the next page; `false` at the end of the file.
    fn read(&mut self, source: &mut Source) -> Result<bool, AudioProblem> {
        let at = source.position();
        let cut = |source: &Source| AudioProblem::CutOff { after_bytes: source.position(), missing: "last Ogg page" };
        let mut head = match source.read_array::<27>()? {
            Ok(head) => head,
            Err(0) => return Ok(false),
            Err(_) => return Err(cut(source)),
        };
        let [b'O', b'g', b'g', b'S', 0, flags, rest @ ..] = head else {
            return Err(broken(format!("the bytes at offset {at} are no Ogg page")));
        };
        let [g0, g1, g2, g3, g4, g5, g6, g7, s0, s1, s2, s3, n0, n1, n2, n3, c0, c1, c2, c3, segments] = rest;
        self.flags = flags;
        self.granule = i64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7]);
        self.serial = u32::from_le_bytes([s0, s1, s2, s3]);
        self.number = u32::from_le_bytes([n0, n1, n2, n3]);
        self.lacing.resize(usize::from(segments), 0);
        if source.read_full(&mut self.lacing)? < self.lacing.len() {
            return Err(cut(source));
        }
        let body_bytes = self.lacing.iter().map(|&b| usize::from(b)).sum();
        self.body.resize(body_bytes, 0);
        if source.read_full(&mut self.body)? < body_bytes {
            return Err(cut(source));
        }
        head[22..26].fill(0);
        if crc(crc(crc(0, &head), &self.lacing), &self.body) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(broken(format!("the page at offset {at} fails its checksum")));
        }
        Ok(true)
    }
}

/// The pages of one logical stream, cut into packets.
struct Packets {
    source: Source,
    serial: u32,
    page: Page,
    segment: usize,
    body_at: usize,
    pages_read: u32,
    packet: Vec<u8>,
    /// The packet in hand is too long or unwanted: its bytes are not kept.
    skipping: bool,
    over: bool,
}

impl Packets {
    /// Reads the next page of our stream; `false` after the last one.
    fn next_page(&mut self) -> Result<bool, AudioProblem> {
        if self.over {
            return Ok(false);
        }
        loop {
            let last = self.pages_read > 0 && self.page.flags & FLAG_LAST != 0 && self.page.serial == self.serial;
            if last {
                self.over = true;
                return self.check_nothing_follows().map(|()| false);
            }
            let at = self.source.position();
            let previous = (self.page.serial, self.page.flags);
            if !self.page.read(&mut self.source)? {
                (self.page.serial, self.page.flags) = previous;
                return Err(AudioProblem::CutOff { after_bytes: at, missing: "last Ogg page" });
            }
            if self.pages_read == 0 {
                if self.page.flags & FLAG_FIRST == 0 {
                    return Err(broken("its first page is not marked as the first".into()));
                }
                self.serial = self.page.serial;
            } else if self.page.serial != self.serial {
                continue;
            } else if self.page.flags & FLAG_FIRST != 0 || self.page.number != self.pages_read {
                return Err(broken(format!(
                    "page {} follows page {} at offset {at}: a part is missing",
                    self.page.number,
                    self.pages_read - 1
                )));
            }
            let Some(next) = self.pages_read.checked_add(1) else { return Err(broken("too many pages".into())) };
            self.pages_read = next;
            self.segment = 0;
            self.body_at = 0;
            return Ok(true);
        }
    }

    /// After the last page only padding or a tag may follow; a second stream would be left unheard.
    fn check_nothing_follows(&mut self) -> Result<(), AudioProblem> {
        loop {
            let at = self.source.position();
            let head = self.source.peek(6)?;
            if head.len() == 6 && head.starts_with(b"OggS") {
                if head[5] & FLAG_FIRST != 0 {
                    return Err(AudioProblem::Unsupported { what: format!("a second Ogg stream (at offset {at})") });
                }
                let mut page = Page::default();
                if !page.read(&mut self.source)? || page.serial == self.serial {
                    return Err(broken(format!("a page at offset {at} follows the last page")));
                }
                continue;
            }
            return Ok(());
        }
    }

    /// Adds the next piece of a packet to `self.packet`. `Some(true)`: the packet is whole. `None`: the page is used up.
    fn next_piece(&mut self) -> Result<Option<bool>, AudioProblem> {
        let Some(&lacing) = self.page.lacing.get(self.segment) else { return Ok(None) };
        self.segment += 1;
        let piece = &self.page.body[self.body_at..self.body_at + usize::from(lacing)];
        self.body_at += piece.len();
        if !self.skipping {
            if self.packet.len() + piece.len() > MAX_PACKET_BYTES {
                return Err(broken(format!("a packet of more than {MAX_PACKET_BYTES} bytes")));
            }
            self.packet.extend_from_slice(piece);
        }
        Ok(Some(lacing < 255))
    }

    /// Reads a whole header packet, over page borders; its bytes are kept if `keep`.
    fn header_packet(&mut self, keep: bool) -> Result<&[u8], AudioProblem> {
        self.packet.clear();
        self.skipping = !keep;
        loop {
            match self.next_piece()? {
                Some(true) => break,
                Some(false) => {}
                None => {
                    if !self.next_page()? {
                        return Err(AudioProblem::HeaderOnly { container: "Ogg Vorbis" });
                    }
                }
            }
        }
        self.skipping = false;
        Ok(&self.packet)
    }
}

struct OggReader {
    packets: Packets,
    decoder: VorbisDecoder,
    channels: usize,
    decoded: Vec<f32>,
    /// Frames that came out of the decoder.
    decoded_frames: i64,
    emitted_samples: u64,
    /// Granule position of the decoder's first frame, once the first page with audio is known.
    base: Option<i64>,
    /// Audio of the first page, held until its granule position says where it starts.
    first_page: Vec<f32>,
}

/// Reads the three Vorbis headers. The caller has seen the first page.
pub(super) fn open(source: Source) -> Result<(AudioSpec, Box<dyn Decode>), AudioProblem> {
    let mut packets = Packets {
        source,
        serial: 0,
        page: Page::default(),
        segment: 0,
        body_at: 0,
        pages_read: 0,
        packet: Vec::new(),
        skipping: false,
        over: false,
    };
    packets.next_page()?;
    let ident = packets.header_packet(true)?.to_vec();
    // Identification header: "\x01vorbis", version (4 bytes), channels (1), rate (4).
    let &[b'\x01', b'v', b'o', b'r', b'b', b'i', b's', 0, 0, 0, 0, channels, r0, r1, r2, r3, ..] = ident.as_slice()
    else {
        return Err(broken("no Vorbis identification header".into()));
    };
    let (channels, rate_hz) = (u16::from(channels), u32::from_le_bytes([r0, r1, r2, r3]));
    check_layout(rate_hz, u32::from(channels))?;
    packets.header_packet(false)?;
    let setup = packets.header_packet(true)?;
    vorbis_setup::check_codebooks(setup).map_err(|message| broken(message.into()))?;
    let extra: Vec<u8> = ident.iter().chain(setup).copied().collect();
    packets.packet.clear();

    let decoder = guarded(CODEC, || {
        let mut params = AudioCodecParameters::new();
        params.for_codec(CODEC_ID_VORBIS).with_extra_data(extra.into_boxed_slice());
        VorbisDecoder::try_new(&params, &AudioDecoderOptions::default()).map_err(|e| from_symphonia(CODEC, &e))
    })?;
    let last_granule = last_granule(&mut packets);
    let mut reader = OggReader {
        packets,
        decoder,
        channels: usize::from(channels),
        decoded: Vec::new(),
        decoded_frames: 0,
        emitted_samples: 0,
        base: None,
        first_page: Vec::new(),
    };
    reader.read_first_page()?;
    let frames = match (last_granule, reader.base) {
        (Some(last), Some(base)) => u64::try_from(last.saturating_sub(base.max(0))).ok(),
        _ => None,
    };
    let spec = AudioSpec { container: Container::Ogg, encoding: CODEC, depth: Depth::Int16, rate_hz, channels, frames };
    Ok((spec, Box::new(reader)))
}

/// The granule position of the stream's last page, from the end of a regular file.
fn last_granule(packets: &mut Packets) -> Option<i64> {
    let tail = packets.source.read_tail(MAX_PAGE_BYTES)?;
    let serial = packets.serial.to_le_bytes();
    let mut at = tail.len().checked_sub(27)?;
    loop {
        let page = &tail[at..];
        if page.starts_with(b"OggS\0") && page[5] & FLAG_LAST != 0 && page[14..18] == serial {
            return page[6..].first_chunk::<8>().map(|b| i64::from_le_bytes(*b)).filter(|g| *g >= 0);
        }
        at = at.checked_sub(1)?;
    }
}

impl OggReader {
    /// Decodes the packet in hand into `self.decoded`, interleaved; returns its frames.
    fn decode(&mut self) -> Result<usize, AudioProblem> {
        let (decoder, packet, decoded) = (&mut self.decoder, &self.packets.packet, &mut self.decoded);
        decoded.clear();
        // An empty packet is legal and means that nothing was lost and nothing is there (Vorbis I §4.3.1 errata).
        if !packet.is_empty() {
            guarded(CODEC, || {
                let packet = PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, packet);
                let buffer = decoder.decode_ref(&packet).map_err(|e| from_symphonia(CODEC, &e))?;
                buffer.copy_to_vec_interleaved::<f32>(decoded);
                Ok(())
            })?;
        }
        self.packets.packet.clear();
        let frames = self.decoded.len() / self.channels;
        self.decoded_frames += frames as i64;
        Ok(frames)
    }

    /// Decodes up to the end of the first page that a packet of audio ends on.
    fn read_first_page(&mut self) -> Result<(), AudioProblem> {
        loop {
            match self.packets.next_piece()? {
                Some(true) => {
                    self.decode()?;
                    self.first_page.extend_from_slice(&self.decoded);
                }
                Some(false) => {}
                None => {
                    let page = &self.packets.page;
                    let (granule, last) = (page.granule, page.flags & FLAG_LAST != 0);
                    if granule > 0 || last {
                        // On a single page the position is the length, and what is decoded beyond it is padding.
                        let base = granule.saturating_sub(self.decoded_frames);
                        self.base = Some(if last { base.max(0) } else { base });
                        break;
                    }
                    if !self.packets.next_page()? {
                        break;
                    }
                    self.check_continued()?;
                }
            }
        }
        let held = self.first_page.len() as i64 / self.channels as i64;
        let base = self.base.unwrap_or_default();
        let from = (-base).clamp(0, held);
        let to = self.end_on_this_page().map_or(held, |end| end.clamp(from, held));
        self.first_page.truncate(to as usize * self.channels);
        self.first_page.drain(..from as usize * self.channels);
        Ok(())
    }

    /// Frames of the decoder up to which audio is valid, on the last page.
    fn end_on_this_page(&self) -> Option<i64> {
        let page = &self.packets.page;
        (page.flags & FLAG_LAST != 0 && page.granule != NO_GRANULE)
            .then(|| page.granule.saturating_sub(self.base.unwrap_or_default()))
    }

    fn check_continued(&self) -> Result<(), AudioProblem> {
        let continued = self.packets.page.flags & FLAG_CONTINUED != 0;
        if continued == self.packets.packet.is_empty() && !self.packets.page.lacing.is_empty() {
            return Err(broken(format!("page {} does not continue the one before", self.packets.page.number)));
        }
        Ok(())
    }

    fn emit(&mut self, from: usize, to: usize, out: &mut Vec<f32>) -> Result<usize, AudioProblem> {
        let kept = &self.decoded[from * self.channels..to * self.channels];
        check_floats(kept, self.emitted_samples)?;
        self.emitted_samples += kept.len() as u64;
        out.extend_from_slice(kept);
        Ok(to - from)
    }
}

impl Decode for OggReader {
    fn next(&mut self, out: &mut Vec<f32>) -> Result<usize, AudioProblem> {
        if !self.first_page.is_empty() {
            self.decoded = std::mem::take(&mut self.first_page);
            let frames = self.decoded.len() / self.channels;
            return self.emit(0, frames, out);
        }
        loop {
            match self.packets.next_piece()? {
                Some(true) => {
                    let before = self.decoded_frames;
                    let frames = self.decode()? as i64;
                    let valid = self.end_on_this_page().map_or(frames, |end| (end - before).clamp(0, frames));
                    if valid > 0 {
                        return self.emit(0, valid as usize, out);
                    }
                }
                Some(false) => {}
                None => {
                    let end = self.end_on_this_page();
                    if self.packets.next_page()? {
                        self.check_continued()?;
                        continue;
                    }
                    if !self.packets.packet.is_empty() {
                        return Err(broken("its last packet has no end".into()));
                    }
                    let actual = self.decoded_frames;
                    if let Some(expected) = end.filter(|&end| end > actual) {
                        return Err(AudioProblem::Truncated {
                            what: "samples a channel",
                            expected: expected.unsigned_abs(),
                            actual: actual.unsigned_abs(),
                        });
                    }
                    return Ok(0);
                }
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.packets.source.position()
    }
}
