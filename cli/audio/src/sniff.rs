//! What a file is, told from its first bytes. The name of a file never decides.

use super::error::AudioProblem;
use super::mp3;
use super::source::{MAX_PEEK_BYTES, Source};

/// ID3v2 tags skipped before audio; real files have one, a retagged one two.
const MAX_LEADING_TAGS: usize = 8;

/// A content that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Wav,
    Flac,
    OggVorbis,
    Mp3,
}

/// Audio and video that is recognised to be named, not read: where the mark is, the mark, the name.
const UNSUPPORTED: [(usize, &[u8], &str); 24] = [
    (0, b"RIFX", "big-endian WAV (RIFX)"),
    (0, b"riff\x2e\x91\xcf\x11", "Sony Wave64"),
    (0, b"#!AMR-WB", "AMR-WB"),
    (0, b"#!AMR", "AMR"),
    (0, b"#!SILK", "SILK"),
    (1, b"#!SILK", "SILK"),
    (0, b"#!EVS", "EVS"),
    (0, b".snd", "Sun AU"),
    (0, b"caff", "Apple CAF"),
    (0, b"NIST_1A", "NIST SPHERE"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"TTA1", "True Audio"),
    (0, b"ajkg", "Shorten"),
    (0, b"MThd", "MIDI"),
    (0, b"ADIF", "AAC"),
    (0, b"\x0b\x77", "AC-3"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (0, b"\x30\x26\xb2\x75", "Windows Media (ASF)"),
    (0, b"FLV\x01", "Flash video"),
    (0, b"Creative Voice", "Creative Voice"),
    (0, b"\x00\x00\x01\xba", "MPEG program stream"),
    (0, b"2BIT", "AVR audio"),
    (0, b".RMF", "RealMedia"),
];

/// Contents that are no audio at all.
const OTHERS: [(usize, &[u8], &str); 14] = [
    (0, b"PK\x03\x04", "a zip archive (or an office document)"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xfd7zXZ", "an xz file"),
    (0, b"(\xb5/\xfd", "a Zstandard file"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"\x7fELF", "a program"),
    (0, b"SQLite format 3", "an SQLite database"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x1bLua", "a program"),
];

fn has(head: &[u8], at: usize, mark: &[u8]) -> bool {
    head.get(at..).is_some_and(|rest| rest.starts_with(mark))
}

fn unsupported(what: &str) -> AudioProblem {
    AudioProblem::Unsupported { what: what.to_owned() }
}

/// Names the content and leaves `source` at its start, past any ID3v2 tags.
pub(super) fn identify(source: &mut Source) -> Result<Kind, AudioProblem> {
    for _ in 0..MAX_LEADING_TAGS {
        let head = source.peek(MAX_PEEK_BYTES)?;
        if head.is_empty() {
            return Err(if source.position() == 0 {
                AudioProblem::Empty
            } else {
                AudioProblem::HeaderOnly { container: "MP3" }
            });
        }
        let Some(size) = mp3::id3v2_bytes(head) else {
            return identify_head(head);
        };
        let actual = source.skip(size)?;
        if actual < size {
            return Err(AudioProblem::Truncated { what: "bytes of the ID3 tag", expected: size, actual });
        }
    }
    Err(AudioProblem::Malformed { what: format!("more than {MAX_LEADING_TAGS} ID3 tags before the audio") })
}

fn identify_head(head: &[u8]) -> Result<Kind, AudioProblem> {
    if has(head, 0, b"RIFF") || has(head, 0, b"RF64") || has(head, 0, b"BW64") {
        return match head.get(8..12) {
            Some(b"WAVE") => Ok(Kind::Wav),
            Some(b"AVI ") => Err(unsupported("AVI video")),
            Some(_) => Err(AudioProblem::NotAudio { looks_like: "a RIFF file of another kind" }),
            None => Err(AudioProblem::HeaderOnly { container: "WAV" }),
        };
    }
    if has(head, 0, b"fLaC") {
        return Ok(Kind::Flac);
    }
    if has(head, 0, b"OggS") {
        return identify_ogg(head);
    }
    if has(head, 4, b"ftyp") {
        return Err(unsupported("MP4 (AAC, ALAC, AMR or video)"));
    }
    if has(head, 0, b"FORM") && (has(head, 8, b"AIFF") || has(head, 8, b"AIFC")) {
        return Err(unsupported("AIFF"));
    }
    for (table, is_audio) in [(&UNSUPPORTED[..], true), (&OTHERS[..], false)] {
        if let Some((_, _, name)) = table.iter().find(|(at, mark, _)| has(head, *at, mark)) {
            return Err(if is_audio { unsupported(name) } else { AudioProblem::NotAudio { looks_like: name } });
        }
    }
    if matches!(head, [0xFF, second, ..] if second & 0xF6 == 0xF0) {
        return Err(unsupported("AAC (ADTS)"));
    }
    match mp3::looks_like(head) {
        Some(mp3::Guess::Layer3) => return Ok(Kind::Mp3),
        Some(mp3::Guess::Other(name)) => return Err(unsupported(name)),
        None => {}
    }
    Err(AudioProblem::NotAudio { looks_like: describe(head) })
}

/// The first page of an Ogg file holds one packet that names the codec.
fn identify_ogg(head: &[u8]) -> Result<Kind, AudioProblem> {
    let Some(&segments) = head.get(26) else {
        return Err(AudioProblem::HeaderOnly { container: "Ogg" });
    };
    let at = 27 + usize::from(segments);
    if has(head, at, b"\x01vorbis") {
        return Ok(Kind::OggVorbis);
    }
    let names: [(&[u8], &str); 6] = [
        (b"OpusHead", "Opus"),
        (b"\x7fFLAC", "FLAC inside Ogg"),
        (b"Speex   ", "Speex"),
        (b"\x80theora", "Theora video"),
        (b"fishead\0", "Ogg with a skeleton"),
        (b"PCM     ", "PCM inside Ogg"),
    ];
    let name = names.iter().find(|(mark, _)| has(head, at, mark)).map_or("this codec inside Ogg", |(_, name)| name);
    if head.len() <= at { Err(AudioProblem::HeaderOnly { container: "Ogg" }) } else { Err(unsupported(name)) }
}

/// Words for content without a known mark.
fn describe(head: &[u8]) -> &'static str {
    if head.iter().all(|&b| b == 0) {
        return "zero bytes";
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return "UTF-16 text";
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut by the end of the look ahead.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default(),
        Err(_) => "",
    };
    if text.is_empty() || text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c')) {
        return "binary data without a known header (headerless audio needs --format, e.g. --format ulaw@8000)";
    }
    match text.trim_start() {
        t if t.starts_with("<!") || t.starts_with("<html") || t.starts_with("<HTML") => "text (HTML)",
        t if t.starts_with("<?xml") => "text (XML)",
        t if t.starts_with('{') || t.starts_with('[') => "text (JSON)",
        t if t.starts_with("version https://git-lfs") => "text (a Git LFS pointer; run: git lfs pull)",
        _ => "text",
    }
}
