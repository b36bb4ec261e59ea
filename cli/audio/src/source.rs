//! The bytes of a recording: buffered, counted, and open to a look ahead without seeking, so that files, pipes and
//! standard input are read by the same code.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::error::AudioProblem;

/// Bytes read from the operating system at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Largest look ahead that [`Source::peek`] serves.
pub(super) const MAX_PEEK_BYTES: usize = 16 * 1024;

/// Anything that a recording can be read from.
pub(super) type Reader = Box<dyn Read + Send + Sync>;

pub(super) struct Source {
    inner: Reader,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    position: u64,
    len: Option<u64>,
    /// A second handle on a regular file, for the one look at its tail that Ogg needs.
    tail: Option<File>,
}

impl Source {
    pub(super) fn new(inner: Reader, len: Option<u64>) -> Source {
        Source { inner, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, position: 0, len, tail: None }
    }

    /// Opens a path. A regular file knows its length; a pipe does not.
    pub(super) fn open(path: &Path) -> Result<Source, AudioProblem> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(AudioProblem::Directory);
        }
        if !metadata.is_file() {
            return Ok(Source::new(Box::new(file), None));
        }
        let tail = File::open(path).ok();
        let mut source = Source::new(Box::new(file), Some(metadata.len()));
        source.tail = tail;
        Ok(source)
    }

    /// Bytes consumed so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Length of a regular file, in bytes.
    pub(super) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Up to `n` bytes ahead, fewer only at the end of the file. `n` is at most [`MAX_PEEK_BYTES`].
    pub(super) fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        let n = n.min(MAX_PEEK_BYTES);
        if self.buffer.len() - self.start < n {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < n && self.refill()? > 0 {}
        Ok(&self.buffer[self.start..self.end.min(self.start + n)])
    }

    /// Reads into the free end of the buffer; 0 at the end of the file.
    fn refill(&mut self) -> io::Result<usize> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        loop {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(n) => {
                    self.end += n;
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Fills `out` as far as the file goes; returns the bytes filled.
    pub(super) fn read_full(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            let n = self.read(&mut out[filled..])?;
            if n == 0 {
                break;
            }
            filled += n;
        }
        Ok(filled)
    }

    /// Reads what is there, at least one byte unless the file ends, and on to a whole number of `unit` bytes; returns the bytes
    /// filled. `out` must hold a whole number of units.
    pub(super) fn read_units(&mut self, out: &mut [u8], unit: usize) -> io::Result<usize> {
        let got = self.read(out)?;
        let whole = got.next_multiple_of(unit.max(1)).min(out.len());
        Ok(got + self.read_full(&mut out[got..whole])?)
    }

    /// Reads exactly `N` bytes, or says how many there were.
    pub(super) fn read_array<const N: usize>(&mut self) -> io::Result<Result<[u8; N], usize>> {
        let mut bytes = [0; N];
        let n = self.read_full(&mut bytes)?;
        Ok(if n == N { Ok(bytes) } else { Err(n) })
    }

    /// Skips `n` bytes; returns how many there were, fewer only at the end of the file.
    pub(super) fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut left = n;
        while left > 0 {
            if self.start == self.end && self.refill()? == 0 {
                break;
            }
            let step = left.min((self.end - self.start) as u64);
            self.start += step as usize;
            self.position += step;
            left -= step;
        }
        Ok(n - left)
    }

    /// The last `n` bytes of a regular file, without moving the reading position.
    pub(super) fn read_tail(&mut self, n: u64) -> Option<Vec<u8>> {
        let (file, len) = (self.tail.as_mut()?, self.len?);
        file.seek(SeekFrom::Start(len.saturating_sub(n))).ok()?;
        let mut bytes = Vec::new();
        file.take(n).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && self.refill()? == 0 {
            return Ok(0);
        }
        let n = out.len().min(self.end - self.start);
        out[..n].copy_from_slice(&self.buffer[self.start..self.start + n]);
        self.start += n;
        self.position += n as u64;
        Ok(n)
    }
}
