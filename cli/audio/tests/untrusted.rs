//! Audio input from hostile or broken sources: damage, cuts, failing disks, endless files, any bytes.
#![allow(clippy::expect_used, clippy::panic)]

mod audio;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, Cursor, Read};

use audio::*;
use cli_audio::{AudioError, AudioFile, MAX_MEMORY_BYTES};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Counts the live bytes of each thread, so that a test sees its own peak.
struct Counting;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn count(change: i64) {
    LIVE.with(|live| {
        live.set(live.get() + change);
        PEAK.with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call goes to `System` unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The result of `work` and the most memory that it held beyond what was there before.
fn peak_bytes<T>(work: impl FnOnce() -> T) -> (T, i64) {
    let before = LIVE.with(Cell::get);
    PEAK.with(|peak| peak.set(before));
    let result = work();
    (result, PEAK.with(Cell::get) - before)
}

/// Gives the bytes a few at a time, then fails.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = out.len().min(1000);
        match self.0.read(&mut out[..n]) {
            Ok(0) => Err(io::Error::other("the disk is on fire")),
            other => other,
        }
    }
}

#[test]
fn a_failing_disk_is_not_the_end_of_the_file() {
    let mut failures = Vec::new();
    for g in &GOOD {
        for keep in [0.3, 0.9] {
            let mut bytes = fixture(g.file);
            bytes.truncate((bytes.len() as f64 * keep) as usize);
            match AudioFile::open_reader("disk", Failing(Cursor::new(bytes))).and_then(drain) {
                Err(e) if e.to_string().contains("the disk is on fire") => {}
                other => failures.push(format!("{} at {keep}: {:?}", g.file, other.map(|o| o.1.len()))),
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Every cut of every file is an error, but where nothing in the format could tell: between two samples of a streamed
/// WAV, between two frames of a streamed FLAC.
#[test]
fn no_cut_file_passes_for_a_whole_one() {
    let mut failures = Vec::new();
    for g in &GOOD {
        let whole = fixture(g.file);
        // Prime steps visit all remainders of frame and page sizes; the last bytes one by one.
        let cuts = (0..whole.len()).step_by(11).chain(whole.len() - 20..whole.len());
        let mut passed = Vec::new();
        for cut in cuts {
            if read_pipe(whole[..cut].to_vec()).is_ok() {
                passed.push(cut);
            }
        }
        let tells = |cut: usize| match g.file {
            "piped.wav" => cut % 2 == 1,
            // 2400 samples in frames of 576: four borders.
            "piped.flac" => passed.len() > 4,
            _ => true,
        };
        failures.extend(passed.iter().filter(|&&cut| tells(cut)).map(|cut| format!("{} cut at {cut}", g.file)));
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Flips one byte after another: formats with checksums must notice, or give the same samples (a tag was hit).
#[test]
fn no_damaged_checksummed_file_passes_for_another() {
    let mut failures = Vec::new();
    for name in ["mono.flac", "stereo24.flac", "mono.ogg", "one_page.ogg"] {
        let whole = fixture(name);
        let (spec, expected) = read_pipe(whole.clone()).expect(name);
        for at in (0..whole.len()).step_by(13) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            if let Ok((other, samples)) = read_pipe(damaged)
                && (samples != expected || (other.rate_hz, other.channels) != (spec.rate_hz, spec.channels))
            {
                failures.push(format!("{name}: byte {at} flipped, {} samples of {other:?}", samples.len()));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Repeats a block for a given number of bytes.
struct Repeat {
    head: Cursor<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
    left: u64,
}

impl Repeat {
    fn new(head: Vec<u8>, block: Vec<u8>, times: u64) -> Repeat {
        Repeat { left: times * block.len() as u64, head: Cursor::new(head), block, at: 0 }
    }
}

impl Read for Repeat {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.head.read(out)?;
        if n > 0 || self.left == 0 {
            return Ok(n);
        }
        let n = out.len().min(self.block.len() - self.at).min(self.left as usize);
        out[..n].copy_from_slice(&self.block[self.at..self.at + n]);
        self.at = (self.at + n) % self.block.len();
        self.left -= n as u64;
        Ok(n)
    }
}

#[test]
fn memory_does_not_grow_with_the_recording() {
    let count_frames = |reader: Repeat| {
        peak_bytes(|| {
            let mut file = AudioFile::open_reader("long", reader).expect("opens");
            let mut chunk = Vec::new();
            while file.next_chunk(&mut chunk).expect("reads") > 0 {}
            file.position()
        })
    };
    // Ten hours of 8 kHz mu-law: 288 MB.
    let header = wav_sized(&fmt(7, 1, 8000, 1, 8), &[], 0xFFFF_FFFF, 0xFFFF_FFFF);
    let block: Vec<u8> = (0..=255).cycle().take(8000).collect();
    let (frames, peak) = count_frames(Repeat::new(header, block, 36_000));
    assert_eq!(frames, 8000 * 36_000);
    assert!(peak < 300_000, "WAV: {peak} bytes");
    // Twenty minutes of MP3, the frames of one file over and over.
    let frames_of = |repeats| count_frames(Repeat::new(vec![], fixture("no_xing.mp3"), repeats));
    let ((short, short_peak), (long, long_peak)) = (frames_of(10), frames_of(1750));
    assert_eq!(long, short * 175);
    assert!(long / 16_000 >= 1190 && long_peak <= short_peak + 4096, "MP3: {short_peak} -> {long_peak} bytes");
}

/// What any bytes may do: give samples or an error. A panic fails the test by itself.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    let owned = bytes.to_vec();
    let (result, peak) = peak_bytes(|| {
        let mut file = AudioFile::open_reader("bytes", Cursor::new(owned))?;
        let mut chunk = Vec::new();
        let mut frames = 0;
        loop {
            match file.next_chunk(&mut chunk)? {
                0 => return Ok::<_, AudioError>(frames),
                n => frames += n,
            }
            if chunk.iter().any(|x| !x.is_finite()) {
                return Ok(usize::MAX);
            }
        }
    });
    prop_assert!(peak <= MAX_MEMORY_BYTES as i64, "{} bytes of memory for {} bytes", peak, bytes.len());
    match result {
        Ok(frames) => prop_assert!(frames != usize::MAX, "a sample is not finite"),
        Err(e) => prop_assert!(!e.to_string().contains('\n'), "{}", e),
    }
    Ok(())
}

fn any_fixture() -> impl Strategy<Value = Vec<u8>> {
    let names = ["no_xing.mp3", "stereo44.mp3", "one_page.ogg"];
    let all: Vec<_> = GOOD.iter().map(|g| g.file).chain(names).collect();
    proptest::sample::select(all).prop_map(fixture)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(20_201), ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_survived(
        head in proptest::sample::select(vec![
            &b""[..], b"RIFF\x00\x00\x00\x00WAVE", b"RF64\xff\xff\xff\xffWAVEds64\x18\0\0\0", b"fLaC\x80\x00\x00\x22",
            b"OggS\0\x02", b"ID3\x04\0\0\0\0\0\x05", b"\xff\xfb\x90\x64", b"\xff\xe3\x18\xc4",
            b"RIFF\x00\x00\x00\x00WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0",
        ]),
        body in proptest::collection::vec(any::<u8>(), 0..3000),
    ) {
        survives(&[head, &body].concat())?;
    }

    #[test]
    fn mutated_files_are_survived(
        mut bytes in any_fixture(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4u8), 1..12),
        header in proptest::collection::vec((0..120usize, any::<u8>()), 0..3),
    ) {
        for (at, value) in header {
            if let Some(b) = bytes.get_mut(at) { *b = value }
        }
        for (at, value, kind) in edits {
            if bytes.is_empty() { break }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = value,
                1 => bytes[at] ^= 1 << (value % 8),
                2 => bytes.truncate(at.max(bytes.len() / 2)),
                _ => { bytes.drain(at..(at + usize::from(value) % 16).min(bytes.len())); }
            }
        }
        survives(&bytes)?;
    }

    /// Reads that come in any sizes give the same samples.
    #[test]
    fn short_reads_change_nothing(bytes in any_fixture(), sizes in proptest::collection::vec(1..3000usize, 1..20)) {
        struct Short(Cursor<Vec<u8>>, Vec<usize>, usize);
        impl Read for Short {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                self.2 += 1;
                let n = out.len().min(self.1[self.2 % self.1.len()]);
                self.0.read(&mut out[..n])
            }
        }
        let whole = read_pipe(bytes.clone());
        let pieces = AudioFile::open_reader("pipe", Short(Cursor::new(bytes), sizes, 0)).and_then(drain);
        prop_assert_eq!(whole, pieces);
    }
}
