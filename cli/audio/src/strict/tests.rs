#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use engine_words::mute::Span;
use tempfile::tempdir;

use super::*;

/// Writes straight to `output`.
fn mute(input: &Recording, layout: &Layout, spans: &[Spans], fill: Fill, output: &Path) -> Result<()> {
    let create = |path: &Path| Ok(Plain(File::create(path)?, path.to_owned()));
    super::mute(input, layout, spans, fill, output, create, |file| &file.1).map(drop)
}

/// A file, and where it lies.
struct Plain(File, PathBuf);

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// A WAV file of chunks, with the size that its header should have.
fn riff(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (name, content) in chunks {
        body.extend(*name);
        body.extend((content.len() as u32).to_le_bytes());
        body.extend(content);
        body.extend(std::iter::repeat_n(0, content.len() % 2));
    }
    [b"RIFF".to_vec(), (body.len() as u32).to_le_bytes().to_vec(), body].concat()
}

fn format(kind: u16, channels: u16, bits: u16) -> Vec<u8> {
    let block = channels * bits / 8;
    let rate = 8_000u32;
    [
        &kind.to_le_bytes()[..],
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(block)).to_le_bytes(),
        &block.to_le_bytes(),
        &bits.to_le_bytes(),
    ]
    .concat()
}

/// Bytes that are nobody's silence.
fn noise(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * 7 % 100 + 1) as u8).collect()
}

#[test]
fn every_kind_of_samples_is_silenced_with_its_own_silence_and_nothing_else_changes() {
    let room = tempdir().unwrap();
    let (input, output) = (room.path().join("in.wav"), room.path().join("out.wav"));
    for (kind, bits, silence) in [
        (1u16, 8u16, vec![0x80u8]),
        (1, 16, vec![0; 2]),
        (1, 24, vec![0; 3]),
        (1, 32, vec![0; 4]),
        (3, 32, vec![0; 4]),
        (3, 64, vec![0; 8]),
        (6, 8, vec![0xd5]),
        (7, 8, vec![0xff]),
    ] {
        for channels in [1u16, 2, 3] {
            let (frame, frames) = (usize::from(channels * bits / 8), 20_001);
            let data = noise(frame * frames);
            let text = b"INFOICMTmy card is 4111".to_vec();
            let chunks = [
                (b"LIST", text.clone()),
                (b"fmt ", format(kind, channels, bits)),
                (b"data", data.clone()),
                (b"bext", text),
            ];
            std::fs::write(&input, riff(&chunks)).unwrap();
            let input = Recording::File(input.clone());
            let layout = input.layout().unwrap();
            assert_eq!((layout.frames, layout.dropped.len()), (20_001, 2));
            let spans = |begin_ms, end_ms| Spans::new(&[Span { begin_ms, end_ms }], 0, 8_000, 20_001).unwrap();
            // Channel by channel another span, the last one to the very end.
            let all: Vec<Spans> =
                [spans(100, 300), spans(2_000, 2_400), Spans::default()].into_iter().take(channels.into()).collect();
            mute(&input, &layout, &all, Fill::Silence, &output).unwrap();
            let written = std::fs::read(&output).unwrap();
            assert!(!written.windows(4).any(|w| w == b"4111"), "text survives");
            let back = Recording::File(output.clone()).layout().unwrap();
            let found = &written[back.data_start as usize..][..data.len()];
            for (i, (found, original)) in found.chunks(silence.len()).zip(data.chunks(silence.len())).enumerate() {
                let (frame, channel) = ((i / usize::from(channels)) as u64, i % usize::from(channels));
                let inside = all[channel].ranges().iter().any(|r| r.contains(&frame));
                assert_eq!(
                    found,
                    if inside { &silence[..] } else { original },
                    "{kind}/{bits} frame {frame} channel {channel}"
                );
            }
            assert_eq!(std::fs::metadata(&output).unwrap().len() % 2, 0);
        }
    }
}

#[test]
fn what_could_hide_samples_from_the_silencing_is_an_error() {
    let room = tempdir().unwrap();
    let input = room.path().join("in.wav");
    let (fmt, data) = ((b"fmt ", format(1, 1, 16)), (b"data", noise(1_000)));
    let good = riff(&[fmt.clone(), data.clone()]);
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    for (name, file, reason) in [
        ("nothing", vec![], "too short"),
        ("text", b"this is no recording at all".to_vec(), "not a WAV file"),
        ("two data chunks", riff(&[fmt.clone(), data.clone(), data.clone()]), "two chunks of samples"),
        ("two formats", riff(&[fmt.clone(), fmt.clone(), data.clone()]), "two format chunks"),
        ("no data", riff(std::slice::from_ref(&fmt)), "RECORDING_FILE_EMPTY"),
        ("empty data", riff(&[fmt.clone(), (b"data", vec![])]), "RECORDING_FILE_EMPTY"),
        ("no format", riff(std::slice::from_ref(&data)), "before their format"),
        ("data first", riff(&[data.clone(), fmt.clone()]), "before their format"),
        ("cut off", good[..good.len() - 10].to_vec(), "cut off"),
        ("something behind it", [good.clone(), b"trailing samples".to_vec()].concat(), "something follows"),
        ("half a frame", riff(&[fmt.clone(), (b"data", noise(1_001))]), "whole frames"),
        ("short format", riff(&[(b"fmt ", vec![1; 8]), data.clone()]), "format chunk of 8 bytes"),
        ("endless format", riff(&[(b"fmt ", vec![1; 2_000]), data.clone()]), "a header of 2000 bytes"),
        ("unknown kind", riff(&[(b"fmt ", format(85, 1, 16)), data.clone()]), "not known"),
        ("12 bits", riff(&[(b"fmt ", format(1, 1, 12)), data.clone()]), "not known"),
        ("no channels", riff(&[(b"fmt ", format(1, 0, 16)), data.clone()]), "0 channels"),
        ("frames of another size", with(32, &[4, 0]), "frames of 4"),
        ("a rate of 0", with(24, &[0; 4]), "0 Hz"),
        ("a chunk beyond the end", with(40, &[0xff; 4]), "beyond the file's end"),
        ("RF64", with(0, b"RF64"), "not a WAV file"),
    ] {
        std::fs::write(&input, file).unwrap();
        let Err(error) = Recording::File(input.clone()).layout() else { panic!("{name} was taken") };
        let text = format!("{error:#}");
        assert!(text.contains(reason) && text.contains("in.wav"), "{name}: {text}");
    }
    std::fs::write(&input, &good).unwrap();
    assert_eq!(Recording::File(input.clone()).layout().unwrap().frames, 500);
}

#[test]
fn flac_that_is_not_exact_as_floats_is_refused() {
    let room = tempdir().unwrap();
    let input = room.path().join("in.flac");
    // STREAMINFO of 8 kHz, one channel, 32 bits.
    let mut file = b"fLaC\x80\0\0\x22".to_vec();
    file.extend([0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xf4, 0x01, 0xf0]);
    file.extend([0; 40]);
    std::fs::write(&input, file).unwrap();
    let Err(error) = Recording::open(&input, None) else { panic!("taken") };
    assert!(error.to_string().contains("FLAC of 32 bits"), "{error}");
}

#[test]
fn what_was_written_is_held_against_the_input() {
    let room = tempdir().unwrap();
    let [input, output, other] = ["in.wav", "out.wav", "other.wav"].map(|n| room.path().join(n));
    let file = |data: Vec<u8>| riff(&[(b"fmt ", format(1, 2, 16)), (b"data", data)]);
    std::fs::write(&input, file(noise(80_000))).unwrap();
    let input = Recording::File(input.clone());
    let layout = input.layout().unwrap();
    let spans =
        vec![Spans::new(&[Span { begin_ms: 500, end_ms: 700 }], 0, 8_000, layout.frames).unwrap(), Spans::default()];
    mute(&input, &layout, &spans, Fill::Silence, &output).unwrap();
    assert!(verify(&input, &layout, &spans, Fill::Silence, &output).is_ok());
    // One sample that was left in the span, one that was changed outside it, a span that is larger, another recording.
    let written = std::fs::read(&output).unwrap();
    let start = Recording::File(output.clone()).layout().unwrap().data_start as usize;
    for (frame, channel, value) in [(4_100, 0, 9), (4_100, 1, 0), (100, 0, 0), (19_999, 1, 0xee)] {
        let mut changed = written.clone();
        changed[start + 4 * frame + 2 * channel] = value;
        std::fs::write(&other, &changed).unwrap();
        let error = verify(&input, &layout, &spans, Fill::Silence, &other).unwrap_err().to_string();
        assert!(error.contains(&format!("sample {frame} of channel {channel}")), "{error}");
    }
    let wider = vec![spans[0].clone(), spans[0].clone()];
    assert!(verify(&input, &layout, &wider, Fill::Silence, &output).is_err(), "one channel of two");
    std::fs::write(&other, file(noise(79_996))).unwrap();
    assert!(verify(&input, &layout, &spans, Fill::Silence, &other).is_err());
    // The same samples at another rate, and with a chunk that may hold text.
    let samples = &written[start..];
    for rest in [
        [written[..24].to_vec(), 16_000u32.to_le_bytes().to_vec(), written[28..].to_vec()].concat(),
        riff(&[(b"fmt ", format(1, 2, 16)), (b"data", samples.to_vec()), (b"LIST", noise(8))]),
    ] {
        std::fs::write(&other, rest).unwrap();
        let error = verify(&input, &layout, &spans, Fill::Silence, &other).unwrap_err().to_string();
        assert!(error.contains("another recording"), "{error}");
    }
    assert!(mute(&input, &layout, &spans[..1], Fill::Silence, &other).is_err(), "spans for one of two channels");
}

#[test]
fn a_wav_file_whose_size_was_never_filled_in_and_one_without_a_header_keep_every_sample() {
    let room = tempdir().unwrap();
    let (input, output) = (room.path().join("in.wav"), room.path().join("out.wav"));
    let data = noise(2 * 20_000);
    let good = riff(&[(b"fmt ", format(1, 1, 16)), (b"data", data.clone())]);
    let sizes = |riff: u32, samples: u32| {
        let mut file = good.clone();
        file[4..8].copy_from_slice(&riff.to_le_bytes());
        file[40..44].copy_from_slice(&samples.to_le_bytes());
        file
    };
    let ulaw = "ulaw@8000".parse().unwrap();
    for (name, file, raw) in [
        ("of a pipe", sizes(u32::MAX, u32::MAX), None),
        ("never finished", sizes(36, 0), None),
        ("without a header", data.clone(), Some("s16le@8000".parse().unwrap())),
        ("of G.711 without a header", data.clone(), Some(ulaw)),
    ] {
        std::fs::write(&input, &file).unwrap();
        let recording = Recording::open(&input, raw).unwrap();
        let layout = recording.layout().unwrap();
        let frames = if raw == Some(ulaw) { 40_000 } else { 20_000 };
        assert_eq!((layout.frames, layout.channels, layout.rate_hz), (frames, 1, 8_000), "{name}");
        let spans = Spans::new(&[Span { begin_ms: 500, end_ms: 1_000 }], 0, 8_000, frames).unwrap();
        mute(&recording, &layout, &[spans], Fill::Silence, &output).unwrap();
        let written = std::fs::read(&output).unwrap();
        let samples = &written[44..];
        assert_eq!(samples.len() as u64, 2 * frames, "{name}");
        assert!(samples[8_000..16_000].iter().all(|b| *b == 0), "{name}");
        if raw == Some(ulaw) {
            let decoded = g711::ulaw_to_i16(data[0]).to_le_bytes();
            assert_eq!(samples[..2], decoded, "{name}");
        } else {
            assert_eq!((&samples[..8_000], &samples[16_000..]), (&data[..8_000], &data[16_000..]), "{name}");
        }
    }
}

#[test]
fn what_a_header_says_beyond_its_fields_is_dropped_and_listed() {
    let room = tempdir().unwrap();
    let (input, output) = (room.path().join("in.wav"), room.path().join("out.wav"));
    let secret = b"Jane Doe 4111111111111111";
    let long = |fields: Vec<u8>| [&fields[..], &(secret.len() as u16 + 1).to_le_bytes(), secret, b"."].concat();
    for (kind, bits) in [(1u16, 16u16), (7, 8)] {
        let fact = [&1_000u32.to_le_bytes()[..], secret, b"."].concat();
        let data = noise(usize::from(bits / 8) * 1_000);
        let chunks =
            [(b"fmt ", long(format(kind, 1, bits))), (b"fact", fact), (b"4111", secret.to_vec()), (b"data", data)];
        std::fs::write(&input, riff(&chunks)).unwrap();
        let recording = Recording::open(&input, None).unwrap();
        let layout = recording.layout().unwrap();
        mute(&recording, &layout, &[Spans::default()], Fill::Silence, &output).unwrap();
        let written = std::fs::read(&output).unwrap();
        assert!(!written.windows(4).any(|w| w == b"Jane" || w == b"4111"), "kind {kind}");
        assert_eq!(layout.dropped.len(), 3, "{:?}", layout.dropped);
        assert!(!layout.dropped.concat().contains("4111"));
        assert_eq!(AudioFile::open(&output).unwrap().spec().frames, Some(1_000));
    }
}
