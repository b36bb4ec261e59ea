//! Just enough of ZIP to read a Python package and a PyTorch checkpoint, strictly: one disk, stored or deflated entries, no
//! encryption, no 64-bit sizes, no two entries of one name. Whatever else there is, is an error. Checksums of entries are not looked at:
//! what is read is held against a SHA-256 of its own.
//!
//! *Source*: PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.

use std::collections::BTreeMap;

/// Most entries of an archive.
const MAX_ENTRIES: usize = 20_000;
/// Largest entry that is unpacked, in bytes.
const MAX_ENTRY_BYTES: usize = 128 << 20;
const END: [u8; 4] = *b"PK\x05\x06";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Bytes of the record at the end, without its comment.
const END_BYTES: usize = 22;
/// Longest comment.
const MAX_COMMENT: usize = u16::MAX as usize;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An archive.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    deflated: bool,
    packed: usize,
    size: usize,
    offset: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// A size or an offset; `None` as well for the mark of 64-bit sizes.
fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    let n = u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?);
    if n == u32::MAX { None } else { usize::try_from(n).ok() }
}

impl<'a> Archive<'a> {
    /// Whether the bytes begin as an archive does.
    pub(crate) fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&LOCAL)
    }

    /// Reads the list of entries.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let cut = || "not a ZIP archive, or damaged".to_owned();
        let from = bytes.len().saturating_sub(END_BYTES + MAX_COMMENT);
        let tail = bytes.get(from..).unwrap_or_default();
        let end = (0..tail.len().saturating_sub(END_BYTES - 1)).rev().find(|&at| {
            tail[at..].starts_with(&END)
                && u16_at(tail, at + 20).is_some_and(|n| at + END_BYTES + usize::from(n) == tail.len())
        });
        let end = tail.get(end.ok_or_else(cut)?..).unwrap_or_default();
        let short = |at| u16_at(end, at).ok_or_else(cut);
        let (disk, first_disk, here, count) = (short(4)?, short(6)?, short(8)?, short(10)?);
        let (mut at, count) = (size_at(end, 16).ok_or_else(cut)?, usize::from(count));
        if (disk, first_disk) != (0, 0) || usize::from(here) != count || count > MAX_ENTRIES {
            return Err(format!(
                "ZIP archive of {count} entries, or on several disks; at most {MAX_ENTRIES} on one are read"
            ));
        }
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let head = bytes.get(at..).filter(|h| h.starts_with(&CENTRAL)).ok_or_else(cut)?;
            let short = |at| u16_at(head, at).ok_or_else(cut);
            let size = |at| size_at(head, at).ok_or_else(cut);
            let (flags, method) = (short(8)?, short(10)?);
            let (name_len, extra, comment) = (short(28)?, short(30)?, short(32)?);
            let name = head.get(46..46 + usize::from(name_len)).ok_or_else(cut)?;
            let name = std::str::from_utf8(name).map_err(|_| cut())?.to_owned();
            if flags & 1 != 0 || !matches!(method, STORED | DEFLATED) {
                return Err(format!("ZIP entry {name}: encrypted, or packed by method {method}"));
            }
            let entry = Entry { deflated: method == DEFLATED, packed: size(20)?, size: size(24)?, offset: size(42)? };
            if entries.insert(name.clone(), entry).is_some() {
                return Err(format!("ZIP entry {name}: occurs twice"));
            }
            at += 46 + usize::from(name_len) + usize::from(extra) + usize::from(comment);
        }
        Ok(Self { bytes, entries })
    }

    /// The only entry whose name ends with `end`.
    ///
    /// # Errors
    /// There is none, or several.
    pub(crate) fn only(&self, end: &str) -> Result<&str, String> {
        let mut found = self.entries.keys().filter(|name| name.ends_with(end));
        match (found.next(), found.next()) {
            (Some(name), None) => Ok(name),
            (None, _) => Err(format!("no {end} in it")),
            (Some(_), Some(_)) => Err(format!("several {end} in it")),
        }
    }

    /// The bytes of an entry.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let wrong = |what: &str| format!("ZIP entry {name}: {what}");
        let entry = self.entries.get(name).ok_or_else(|| wrong("is missing"))?;
        if entry.size > MAX_ENTRY_BYTES {
            return Err(wrong(&format!("{} bytes, at most {MAX_ENTRY_BYTES} are read", entry.size)));
        }
        let cut = || wrong("is damaged");
        let head = self.bytes.get(entry.offset..).filter(|h| h.starts_with(&LOCAL)).ok_or_else(cut)?;
        let (name_len, extra) = (u16_at(head, 26).ok_or_else(cut)?, u16_at(head, 28).ok_or_else(cut)?);
        let start = 30 + usize::from(name_len);
        if head.get(30..start) != Some(name.as_bytes()) {
            return Err(cut());
        }
        let start = start + usize::from(extra);
        let packed = start.checked_add(entry.packed).and_then(|end| head.get(start..end)).ok_or_else(cut)?;
        let unpacked = match entry.deflated {
            false => packed.to_vec(),
            true => miniz_oxide::inflate::decompress_to_vec_with_limit(packed, entry.size).map_err(|_| cut())?,
        };
        if unpacked.len() == entry.size { Ok(unpacked) } else { Err(cut()) }
    }
}
