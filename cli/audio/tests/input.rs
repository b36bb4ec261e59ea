//! Audio input: what good files give, sample for sample, and what each kind of bad input says.
#![allow(clippy::expect_used, clippy::panic)]

mod audio;

use std::f64::consts::PI;
use std::io::{Cursor, Write};
use std::path::Path;

use audio::*;
use cli_audio::{AudioError, AudioFile, AudioProblem, CHUNK_FRAMES, ChannelChoice, MonoReader, RawFormat};

/// Holds interleaved samples against the tones; returns what is wrong.
fn against_tone(samples: &[f32], rate_hz: u32, channels: u16, edge: usize, tolerance: f64) -> Option<String> {
    let channels = usize::from(channels);
    let frames = samples.len() / channels;
    let mut worst = (0.0, 0);
    for (i, frame) in samples.chunks(channels).enumerate().take(frames.saturating_sub(edge)).skip(edge) {
        for (x, hz) in frame.iter().zip([440.0, 1000.0]) {
            let tone = 0.5 * (2.0 * PI * hz * i as f64 / f64::from(rate_hz)).sin();
            let error = (f64::from(*x) - tone).abs();
            worst = if error > worst.0 { (error, i) } else { worst };
        }
    }
    (worst.0 > tolerance).then(|| format!("off by {} at frame {}", worst.0, worst.1))
}

#[test]
fn good_files_give_their_tone() {
    let mut failures = Vec::new();
    for g in &GOOD {
        for (way, result) in [("path", read_path(&formats().join(g.file))), ("pipe", read_pipe(fixture(g.file)))] {
            let (spec, samples) = match result {
                Ok(read) => read,
                Err(e) => {
                    failures.push(format!("{e}"));
                    continue;
                }
            };
            let got = (spec.container, spec.encoding, spec.rate_hz, spec.channels);
            if got != (g.container, g.encoding, g.rate_hz, g.channels) {
                failures.push(format!("{} by {way}: {spec:?}", g.file));
            }
            if samples.len() != g.frames * usize::from(g.channels) {
                failures.push(format!("{} by {way}: {} samples", g.file, samples.len()));
            }
            if way == "path" && spec.frames != g.known.then_some(g.frames as u64) {
                failures.push(format!("{} by {way}: announces {:?}", g.file, spec.frames));
            }
            if spec.frames.is_some_and(|frames| frames != g.frames as u64) {
                failures.push(format!("{} by {way}: announces {:?}", g.file, spec.frames));
            }
            if let Some(wrong) = against_tone(&samples, g.rate_hz, g.channels, g.edge, g.tolerance) {
                failures.push(format!("{} by {way}: {wrong}", g.file));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Without a Xing tag nothing says how late the encoder was, so the tone is there at some delay.
#[test]
fn mp3_without_a_tag_keeps_every_frame() {
    let (spec, samples) = read_path(&formats().join("no_xing.mp3")).expect("no_xing.mp3");
    assert_eq!((spec.frames, samples.len() % 576), (None, 0));
    let best = (0..2304).find(|&delay| against_tone(&samples[delay..], 16000, 1, 1200, 0.04).is_none());
    assert!(best.is_some(), "the tone of {} samples is nowhere", samples.len());
}

#[test]
fn mp3_files_joined_end_to_end_give_both() {
    let (_, one) = read_pipe(fixture("mono8.mp3")).expect("mono8.mp3");
    let (_, two) = read_pipe(fixture("mono8.mp3").repeat(2)).expect("twice");
    assert_eq!(two[..one.len()], one);
    // The second part's delay and padding (3 frames of 576 or less) are counted by its own tag, which is not heard.
    assert!((0..3 * 576).contains(&(two.len() - 2 * one.len())), "{} and {}", one.len(), two.len());
}

/// Sparse files of 5 GiB: nothing is written, and opening reads the header alone.
#[test]
fn sizes_beyond_4_gib_are_read_from_rf64_and_refused_where_they_wrapped() {
    let folder = Folder::new();
    let bytes = 5u64 << 30;
    let sparse = |name: &str, header: &[u8]| {
        let path = folder.file(name, header);
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect(name);
        file.set_len(header.len() as u64 + bytes).map(|()| path)
    };
    let ds64 = [0u64.to_le_bytes(), bytes.to_le_bytes(), 0u64.to_le_bytes()].concat();
    let mut rf64 = riff(&[chunk(b"ds64", &ds64), chunk(b"fmt ", &mono16()), chunk(b"data", &[])]);
    rf64[..4].copy_from_slice(b"RF64");
    let end = rf64.len();
    rf64[end - 4..].fill(0xFF);
    let wrapped = wav_sized(&mono16(), &[], 36, (bytes - (1 << 32)) as u32);
    let (Ok(whole), Ok(wrapped)) = (sparse("whole.wav", &rf64), sparse("wrapped.wav", &wrapped)) else {
        println!("skipped: no file of 5 GiB can be made here");
        return;
    };
    let file = AudioFile::open(&whole).expect("RF64");
    assert_eq!((file.spec().frames, file.spec().duration_s()), (Some(bytes / 2), Some(bytes as f64 / 16_000.0)));
    let error = AudioFile::open(&wrapped).map(|_| ()).expect_err("a wrapped size");
    assert_eq!(misworded(&error, "wrapped.wav", &["the size wrapped at 4 GiB", "ffmpeg"]), None);
}

#[test]
fn hand_made_wav_files_decode_exactly() {
    struct Case {
        name: &'static str,
        bytes: Vec<u8>,
        samples: Vec<f32>,
    }
    let data = le16(&[0, 1, -1, i16::MAX, i16::MIN]);
    let values = vec![0.0, 1.0 / 32768.0, -1.0 / 32768.0, 32767.0 / 32768.0, -1.0];
    let streamed = |riff_size, data_size| wav_sized(&mono16(), &data, riff_size, data_size);
    let list = chunk(b"LIST", b"INFOISFT\x05\0\0\0abcde");
    let ds64 = |data_size: u64| [0u64.to_le_bytes(), data_size.to_le_bytes(), 0u64.to_le_bytes()].concat();
    let rf64 = |id: &[u8; 4], data_size: u64| {
        let mut bytes = riff(&[chunk(b"ds64", &ds64(data_size)), chunk(b"fmt ", &mono16()), chunk(b"data", &data)]);
        bytes[..4].copy_from_slice(id);
        let at = bytes.len() - data.len() - 4;
        bytes[4..8].fill(0xFF);
        bytes[at..at + 4].fill(0xFF);
        bytes
    };
    let case = |name, bytes, samples: &[f32]| Case { name, bytes, samples: samples.to_vec() };
    let cases = [
        case("16-bit", wav(&mono16(), &data), &values),
        case("18-byte fmt chunk", wav(&[mono16(), vec![0, 0]].concat(), &data), &values),
        case("data size 0xFFFFFFFF", streamed(0xFFFF_FFFF, 0xFFFF_FFFF), &values),
        case("data size 0, riff size 0", streamed(0, 0), &values),
        case("data size 0, riff size of a bare header", streamed(36, 0), &values),
        case("sox pipe", streamed(0x7FFF_F024, 0x7FFF_F000), &values),
        case("arecord pipe", streamed(0x8000_0024, 0x8000_0000), &values),
        case("RF64", rf64(b"RF64", data.len() as u64), &values),
        case("BW64", rf64(b"BW64", data.len() as u64), &values),
        case("RF64 streamed", rf64(b"RF64", u64::MAX), &values),
        case(
            "chunks before and after, odd sizes padded",
            riff(&[
                list.clone(),
                chunk(b"odd ", &[1]),
                chunk(b"fmt ", &mono16()),
                list.clone(),
                chunk(b"data", &data),
                list,
            ]),
            &values,
        ),
        case("8-bit", wav(&fmt(1, 1, 8000, 1, 8), &[0, 128, 255]), &[-1.0, 0.0, 127.0 / 128.0]),
        case(
            "8-bit, odd data padded",
            wav(&fmt(1, 1, 8000, 1, 8), &[0, 128, 64, 192, 128]),
            &[-1.0, 0.0, -0.5, 0.5, 0.0],
        ),
        case("24-bit", wav(&fmt(1, 1, 8000, 3, 24), &[0, 0, 0x80, 1, 0, 0]), &[-1.0, 1.0 / 8_388_608.0]),
        case("20 bits in 24", wav(&fmt(1, 1, 8000, 3, 20), &[0, 0, 0x40]), &[0.5]),
        case("32-bit", wav(&fmt(1, 1, 8000, 4, 32), &i32::MIN.to_le_bytes()), &[-1.0]),
        case("float", wav(&fmt(3, 1, 8000, 4, 32), &[0.25f32, -1.5].map(f32::to_le_bytes).concat()), &[0.25, -1.5]),
        case("double", wav(&fmt(3, 1, 8000, 8, 64), &[0.25f64, -1.5].map(f64::to_le_bytes).concat()), &[0.25, -1.5]),
        // ITU-T G.711 tables 1 and 2: the smallest and largest of either sign.
        case(
            "A-law",
            wav(&fmt(6, 1, 8000, 1, 8), &[0xD5, 0x55, 0xAA, 0x2A]),
            &[8.0 / 32768.0, -8.0 / 32768.0, 32256.0 / 32768.0, -32256.0 / 32768.0],
        ),
        case(
            "mu-law",
            wav(&fmt(7, 1, 8000, 1, 8), &[0xFF, 0x7F, 0x80, 0x00]),
            &[0.0, 0.0, 32124.0 / 32768.0, -32124.0 / 32768.0],
        ),
        case("extensible 16-bit", wav(&extensible(16, 16, 1, &GUID_TAIL), &data), &values),
        case("extensible mu-law", wav(&extensible(8, 8, 7, &GUID_TAIL), &[0x00]), &[-32124.0 / 32768.0]),
        case("extensible, 24 valid bits of 32", wav(&extensible(32, 24, 1, &GUID_TAIL), &[0, 0, 0, 0xC0]), &[-0.5]),
        case("extensible float", wav(&extensible(32, 32, 3, &GUID_TAIL), &0.125f32.to_le_bytes()), &[0.125]),
        case("1 sample", wav(&mono16(), &le16(&[16384])), &[0.5]),
        case("8 kHz", wav(&fmt(1, 1, 8000, 2, 16), &data), &values),
        case("192 kHz", wav(&fmt(1, 1, 192_000, 2, 16), &data), &values),
        case(
            "ID3v1 after the data",
            [wav(&mono16(), &data), [b"TAG".as_slice(), &[0; 125]].concat()].concat(),
            &values,
        ),
    ];
    let folder = Folder::new();
    let mut failures = Vec::new();
    for c in cases {
        // The tag must not end in a file of unknown size: there it would be audio.
        for (way, read) in [("path", read_path(&folder.file("x.wav", &c.bytes))), ("pipe", read_pipe(c.bytes))] {
            match read {
                Ok((_, samples)) if samples == c.samples => {}
                other => failures.push(format!("{} by {way}: {other:?}, expected {:?}", c.name, c.samples)),
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// hound reads what it writes as we do, to the bit, for every layout that it has.
#[test]
fn hound_is_the_oracle_on_plain_pcm() {
    use hound::SampleFormat::{Float, Int};
    let folder = Folder::new();
    let mut failures = Vec::new();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32 as i32
    };
    for (bits, format) in [(8, Int), (16, Int), (24, Int), (32, Int), (32, Float)] {
        for channels in [1, 2, 3, 8] {
            for frames in [1, 2, 7, CHUNK_FRAMES - 1, CHUNK_FRAMES, CHUNK_FRAMES + 1, 10_000] {
                let spec =
                    hound::WavSpec { channels, sample_rate: 16_000, bits_per_sample: bits, sample_format: format };
                let path = folder.0.path().join("oracle.wav");
                let mut writer = hound::WavWriter::create(&path, spec).expect("hound writes");
                for _ in 0..frames * usize::from(channels) {
                    match format {
                        Int => writer.write_sample(random() >> (32 - bits)).expect("hound writes"),
                        Float => writer.write_sample(random() as f32 / 2_147_483_648.0).expect("hound writes"),
                    }
                }
                writer.finalize().expect("hound writes");
                let mut reader = hound::WavReader::open(&path).expect("hound reads");
                let expected: Vec<f32> = match format {
                    Int => {
                        let scale = f64::from(1u32 << (bits - 1));
                        reader.samples::<i32>().map(|s| (f64::from(s.expect("hound")) / scale) as f32).collect()
                    }
                    Float => reader.samples::<f32>().map(|s| s.expect("hound")).collect(),
                };
                match read_path(&path) {
                    Ok((spec, samples)) if samples == expected && spec.frames == Some(frames as u64) => {}
                    other => {
                        failures.push(format!("{bits} {format:?} x{channels}, {frames}: {:?}", other.map(|o| o.0)))
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn headerless_samples_decode_exactly() {
    let cases: [(&str, &[u8], &[f32]); 9] = [
        ("s16le@8000", &[0, 0x40, 0, 0x80], &[0.5, -1.0]),
        ("s16be@8000", &[0x40, 0, 0x80, 0], &[0.5, -1.0]),
        ("s24le@8000", &[0, 0, 0x40], &[0.5]),
        ("s32le@8000", &[0, 0, 0, 0xC0], &[-0.5]),
        ("f32le@8000", &[0, 0, 0, 0x3F], &[0.5]),
        ("u8@8000", &[0, 128, 192], &[-1.0, 0.0, 0.5]),
        ("ulaw", &[0x80, 0x00, 0xFF], &[32124.0 / 32768.0, -32124.0 / 32768.0, 0.0]),
        ("alaw", &[0xAA, 0x2A], &[32256.0 / 32768.0, -32256.0 / 32768.0]),
        ("s16le@16000x2", &[0, 0x40, 0, 0x80], &[0.5, -1.0]),
    ];
    let folder = Folder::new();
    for (format, bytes, expected) in cases {
        let parsed: RawFormat = format.parse().expect(format);
        let path = folder.file("raw", bytes);
        let by_path = AudioFile::open_input(&path, Some(parsed)).and_then(drain).expect(format);
        let by_pipe = AudioFile::open_raw("pipe", Cursor::new(bytes), parsed).and_then(drain).expect(format);
        assert_eq!((by_path.1.as_slice(), by_pipe.1.as_slice()), (expected, expected), "{format}");
        assert_eq!(by_path.0.frames, Some(expected.len() as u64 / u64::from(parsed.channels)), "{format}");
        assert_eq!(by_pipe.0.frames, None, "{format}");
    }
}

#[test]
fn channels_are_chosen_and_never_guessed() {
    let folder = Folder::new();
    let path = folder.file("call.wav", &wav(&fmt(1, 2, 8000, 4, 16), &le16(&[16384, -16384, 8192, 0])));
    let read = |choice| {
        let mut reader = MonoReader::open(&path, None, choice)?;
        let (mut all, mut chunk) = (Vec::new(), Vec::new());
        while reader.next_chunk(&mut chunk)? > 0 {
            all.extend_from_slice(&chunk);
        }
        Ok::<_, AudioError>(all)
    };
    assert_eq!(read(ChannelChoice::Left), Ok(vec![0.5, 0.25]));
    assert_eq!(read(ChannelChoice::Right), Ok(vec![-0.5, 0.0]));
    assert_eq!(read(ChannelChoice::Index(1)), Ok(vec![-0.5, 0.0]));
    assert_eq!(read(ChannelChoice::Mix), Ok(vec![0.0, 0.125]));
    let asked = read(ChannelChoice::Ask).expect_err("two channels").to_string();
    assert!(asked.contains("has 2 channels") && asked.contains("--channel left|right|N|mix"), "{asked}");
    let missing = read(ChannelChoice::Index(2)).expect_err("no third channel").to_string();
    assert!(missing.contains("0 to 1"), "{missing}");
}

/// `None` where the words are not all in the one line that the error must be.
fn misworded(error: &AudioError, name: &str, words: &[&str]) -> Option<String> {
    let line = error.to_string();
    let fine = line.contains(name) && !line.contains('\n') && words.iter().all(|w| line.contains(w));
    (!fine).then(|| format!("{words:?} not in: {line}"))
}

#[test]
fn bad_input_is_named_in_one_line() {
    let data = le16(&[1; 500]);
    let tone = |name| fixture(name);
    let cut = |name, keep: f64| {
        let mut bytes = fixture(name);
        bytes.truncate((bytes.len() as f64 * keep) as usize);
        bytes
    };
    let flac_rate = |rate: u32| {
        let mut bytes = fixture("mono.flac");
        let word = (rate << 4) | (u32::from(bytes[20]) & 15);
        bytes[18..21].copy_from_slice(&word.to_be_bytes()[1..]);
        bytes
    };
    let ogg_tail = {
        let mut bytes = fixture("mono.ogg");
        bytes.extend(fixture("stereo.ogg"));
        bytes
    };
    let float = |value: f32| wav(&fmt(3, 1, 8000, 4, 32), &[0.0, 0.5, value, 0.0].map(f32::to_le_bytes).concat());
    let double = |value: f64| wav(&fmt(3, 1, 8000, 8, 64), &[0.0, value].map(f64::to_le_bytes).concat());
    let wrong_tail = [1; 14];
    let late_fmt = riff(&[chunk(b"data", &data), chunk(b"fmt ", &mono16())]);
    let mut died = wav(&mono16(), &le16(&[1; 20_000]));
    died[40..44].copy_from_slice(&1000u32.to_le_bytes());
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty", vec![], &["is empty"]),
        ("RIFF and no more", b"RIFF".to_vec(), &["only its WAV header"]),
        ("RIFF header only", wav(&mono16(), &[])[..12].to_vec(), &["only its WAV header"]),
        ("fmt and no data", wav(&mono16(), &[])[..36].to_vec(), &["only its WAV header"]),
        ("announced and not there", wav(&mono16(), &data)[..44].to_vec(), &["only its WAV header"]),
        ("0-length data", wav(&mono16(), &[]), &["0 samples"]),
        (
            "0-length data before a chunk",
            riff(&[chunk(b"fmt ", &mono16()), chunk(b"data", &[]), chunk(b"LIST", &[0; 9])]),
            &["0 samples"],
        ),
        ("streamed and nothing came", wav_sized(&mono16(), &[], 0xFFFF_FFFF, 0xFFFF_FFFF), &["0 samples"]),
        ("wav cut in the middle", wav(&mono16(), &data)[..544].to_vec(), &["cut off", "1000 bytes", "500 there"]),
        ("wav cut in a chunk", riff(&[chunk(b"junk", &[0; 900])])[..500].to_vec(), &["cut off", "900"]),
        ("rf64 cut", cut("rf64.wav", 0.7), &["cut off", "1600 bytes"]),
        (
            "streamed wav cut in a sample",
            wav_sized(&mono16(), &[0; 5], 0xFFFF_FFFF, 0xFFFF_FFFF),
            &["cut off", "6 bytes", "5 there"],
        ),
        ("flac cut", cut("mono.flac", 0.6), &["cut off", "4000 samples"]),
        ("flac cut in the header", cut("mono.flac", 0.005), &["only its FLAC header"]),
        ("flac without frames", tone("mono.flac")[..42].to_vec(), &["only its FLAC header"]),
        ("streamed flac cut", cut("piped.flac", 0.6), &["FLAC", "belong to no whole frame"]),
        ("ogg cut", cut("stereo.ogg", 0.9), &["cut off", "last Ogg page"]),
        ("ogg cut between its headers", cut("mono.ogg", 0.3), &["cut off", "last Ogg page"]),
        ("mp3 cut in a frame", cut("mono8.mp3", 0.61), &["cut off", "last frame"]),
        (
            "mp3 cut between frames",
            {
                let b = tone("mono8.mp3");
                let n = b.len() - 144;
                b[..n].to_vec()
            },
            &["cut off"],
        ),
        ("mp3 cut in its ID3 tag", tone("mono8.mp3")[..20].to_vec(), &["cut off", "ID3"]),
        ("text named .wav", b"Dear caller, this is a letter.\n".repeat(20), &["not audio: looks like text"]),
        ("short text", b"hi\n".to_vec(), &["looks like text"]),
        ("html", b"<!DOCTYPE html><p>404".to_vec(), &["text (HTML)"]),
        ("json", b"{\"error\": 1}".to_vec(), &["text (JSON)"]),
        ("lfs pointer", b"version https://git-lfs.github.com/spec/v1\n".to_vec(), &["Git LFS"]),
        ("zeros", vec![0; 4000], &["zero bytes"]),
        (
            "noise",
            (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 1).collect(),
            &["not audio", "--format"],
        ),
        ("zip", b"PK\x03\x04rest".to_vec(), &["zip"]),
        ("opus", tone("opus.ogg"), &["Opus is not supported", "ffmpeg -i IN OUT.wav"]),
        ("m4a", tone("aac.m4a"), &["MP4", "ffmpeg"]),
        ("amr", b"#!AMR\n\x3c\x00".to_vec(), &["AMR is not supported"]),
        ("aiff", b"FORM\0\0\0\x10AIFFCOMM".to_vec(), &["AIFF"]),
        ("au", b".snd\0\0\0\x18".to_vec(), &["Sun AU"]),
        ("adts", vec![0xFF, 0xF1, 0x50, 0x80, 0, 0, 0, 0], &["AAC"]),
        ("avi", b"RIFF\0\0\0\0AVI LIST".to_vec(), &["AVI"]),
        ("webp", b"RIFF\0\0\0\0WEBPVP8 ".to_vec(), &["not audio"]),
        (
            "speex",
            {
                let mut b = tone("mono.ogg");
                b[28..36].copy_from_slice(b"Speex   ");
                b
            },
            &["Speex"],
        ),
        ("gsm in wav", wav(&fmt(0x31, 1, 8000, 65, 0), &[0; 65]), &["0x0031 (GSM 6.10)", "ffmpeg"]),
        ("unheard-of tag", wav(&fmt(0x4321, 1, 8000, 2, 16), &data), &["0x4321 (unknown)"]),
        ("strange GUID", wav(&extensible(16, 16, 1, &wrong_tail), &data), &["GUID 0100010101"]),
        ("short extensible", wav(&fmt(0xFFFE, 1, 8000, 2, 16), &data), &["16 bytes, expected 40"]),
        ("17 valid bits of 16", wav(&extensible(16, 17, 1, &GUID_TAIL), &data), &["17 valid bits in samples of 16"]),
        ("12-byte fmt", riff(&[chunk(b"fmt ", &mono16()[..12]), chunk(b"data", &data)]), &["`fmt ` chunk of 12 bytes"]),
        ("giant fmt", riff(&[chunk(b"fmt ", &[0; 5000]), chunk(b"data", &data)]), &["`fmt ` chunk of 5000 bytes"]),
        ("two fmt", riff(&[chunk(b"fmt ", &mono16()), chunk(b"fmt ", &mono16())]), &["second `fmt `"]),
        ("data before fmt", late_fmt, &["before the `fmt ` chunk"]),
        (
            "rf64 without ds64",
            {
                let mut b = wav(&mono16(), &data);
                b[..4].copy_from_slice(b"RF64");
                b
            },
            &["without a `ds64`"],
        ),
        ("0 channels", wav(&fmt(1, 0, 8000, 0, 16), &data), &["0 channels"]),
        ("65,535 channels", wav(&fmt(1, 65_535, 8000, 2, 16), &data), &["65535 channels, at most 32"]),
        ("0 Hz", wav(&fmt(1, 1, 0, 2, 16), &data), &["0 Hz is outside 8000-192000 Hz"]),
        ("3 Hz", wav(&fmt(1, 1, 3, 2, 16), &data), &["3 Hz is outside"]),
        ("7,999 Hz", wav(&fmt(1, 1, 7999, 2, 16), &data), &["7999 Hz is outside"]),
        ("192,001 Hz", wav(&fmt(1, 1, 192_001, 2, 16), &data), &["192001 Hz is outside"]),
        ("10 MHz", wav(&fmt(1, 1, 10_000_000, 2, 16), &data), &["10000000 Hz is outside"]),
        ("3 Hz flac", flac_rate(3), &["3 Hz is outside"]),
        ("block mismatch", wav(&fmt(1, 1, 8000, 4, 16), &data), &["frames of 4 bytes", "take 2"]),
        ("13-bit float", wav(&fmt(3, 1, 8000, 2, 13), &data), &["float samples of 13 bits"]),
        ("0-bit pcm", wav(&fmt(1, 1, 8000, 0, 0), &data), &["PCM samples of 0 bits"]),
        ("65,535-bit pcm", wav(&fmt(1, 1, 8000, 0, 65_535), &data), &["PCM samples of 65535 bits"]),
        ("data of half a sample", wav(&mono16(), &[0; 7]), &["7 bytes of audio are no whole number of 2-byte"]),
        ("recorder died", died, &["malformed", "after the announced audio", "ffmpeg"]),
        ("NaN", float(f32::NAN), &["sample 2 is not a finite number"]),
        ("infinity", float(f32::NEG_INFINITY), &["sample 2 is not a finite number"]),
        ("NaN in 64 bits", double(f64::NAN), &["sample 1 is not a finite number"]),
        ("beyond f32", double(1e300), &["sample 1 is not a finite number"]),
        ("float scaled like integers", float(20_000.0), &["sample 2 is 20000", "scaled like integers"]),
        ("two ogg streams in a row", ogg_tail, &["second Ogg stream"]),
        ("9 ID3 tags", b"ID3\x04\0\0\0\0\0\0".repeat(9), &["more than 8 ID3 tags"]),
        ("an ID3 tag and nothing", b"ID3\x04\0\0\0\0\0\0".to_vec(), &["only its MP3 header"]),
    ];
    let folder = Folder::new();
    let mut failures = Vec::new();
    for (i, (name, bytes, words)) in cases.into_iter().enumerate() {
        // Named .wav whatever it is: the name must not decide.
        let file_name = format!("case {i}.wav");
        match read_path(&folder.file(&file_name, &bytes)) {
            Ok((spec, samples)) => failures.push(format!("{name}: {} samples of {spec:?}", samples.len())),
            Err(e) => failures.extend(misworded(&e, &file_name, words).map(|wrong| format!("{name}: {wrong}"))),
        }
        // A pipe cannot know what is not there before it ends, but may not accept it either.
        if name != "recorder died" && read_pipe(bytes).is_ok() {
            failures.push(format!("{name}: accepted from a pipe"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn bad_raw_input_is_named_in_one_line() {
    let folder = Folder::new();
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        ("s16le@8000", vec![], &["is empty"]),
        ("s16le@8000", vec![0; 5], &["cut off", "6 bytes", "5 there"]),
        ("s16le@8000x2", vec![0; 6], &["cut off", "8 bytes", "6 there"]),
        ("f32le@8000", f32::NAN.to_le_bytes().to_vec(), &["sample 0 is not a finite number"]),
        ("ulaw", wav(&mono16(), &[0; 8]), &["this is a WAV file", "leave out --format"]),
        ("alaw", fixture("mono.flac"), &["this is a FLAC file"]),
    ];
    let mut failures = Vec::new();
    for (format, bytes, words) in cases {
        let parsed: RawFormat = format.parse().expect(format);
        let path = folder.file("x.raw", &bytes);
        let by_path = AudioFile::open_input(&path, Some(parsed)).and_then(drain).expect_err(format);
        let by_pipe = AudioFile::open_raw("x.raw", Cursor::new(bytes), parsed).and_then(drain).expect_err(format);
        failures.extend([by_path, by_pipe].iter().filter_map(|e| misworded(e, "x.raw", words)));
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn bad_paths_are_named_in_one_line() {
    let folder = Folder::new();
    let file = folder.file("plain", b"x");
    let open = |path: &Path| AudioFile::open(path).map(|_| ()).expect_err("a bad path");
    assert_eq!(open(folder.0.path()).reason, AudioProblem::Directory);
    assert_eq!(open(&folder.0.path().join("missing.wav")).reason, AudioProblem::NotFound);
    let through_a_file = open(&file.join("x.wav"));
    assert!(matches!(through_a_file.reason, AudioProblem::Io { .. }), "{through_a_file}");
    let two_lines = open(&folder.0.path().join("two\nlines")).to_string();
    assert!(two_lines.ends_with("two\\nlines: no such file"), "{two_lines}");
}

#[cfg(unix)]
#[test]
fn a_file_without_read_permission_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.file("secret.wav", &wav(&mono16(), &[0; 8]));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("chmod");
    if std::fs::File::open(&path).is_ok() {
        println!("skipped: this user may read every file (root), so no permission can be missing");
        return;
    }
    let error = AudioFile::open(&path).map(|_| ()).expect_err("no permission");
    assert_eq!(error.reason, AudioProblem::PermissionDenied);
    assert!(error.to_string().ends_with("secret.wav: no permission to read it"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read() {
    let folder = Folder::new();
    let path = folder.0.path().join("fifo.wav");
    match std::process::Command::new("mkfifo").arg(&path).status() {
        Ok(status) if status.success() => {}
        _ => {
            println!("skipped: no mkfifo here");
            return;
        }
    }
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || {
            let mut pipe = std::fs::OpenOptions::new().write(true).open(path)?;
            // Small writes, so that reads come short.
            fixture("piped.wav").chunks(7).try_for_each(|piece| pipe.write_all(piece))
        })
    };
    let read = read_path(&path);
    writer.join().expect("the writer").expect("the pipe");
    assert_eq!(
        read.map(|(_, samples)| samples),
        read_path(&formats().join("pcm16.wav")).map(|(_, s)| s[..800].to_vec())
    );
}
