//! Real speech outside the repository, for checks that synthetic signals cannot do.

use std::path::{Path, PathBuf};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::codecs::FlacDecoder;
use symphonia::default::formats::FlacReader;

/// A mono recording.
pub struct Recording {
    /// File name with the folder before it.
    pub name: String,
    /// Sampling rate, in Hz.
    pub rate_hz: u32,
    /// Samples on the scale of +-1.0.
    pub samples: Vec<f32>,
}

/// The telephone recordings (8 kHz) of `VOUCH_SPEECH`; `None`, saying so, where it is not set.
pub fn telephone() -> Option<impl Iterator<Item = Recording>> {
    files(|name| name.contains("_tel_") || name.starts_with("t1_") || name.starts_with("t2_"))
}

/// The wide-band recordings (16 kHz) of `VOUCH_SPEECH`; `None`, saying so, where it is not set.
pub fn wide() -> Option<impl Iterator<Item = Recording>> {
    files(|name| ["enrol.flac", "w1.flac", "w2.flac"].contains(&name))
}

fn files(wanted: impl Fn(&str) -> bool) -> Option<impl Iterator<Item = Recording>> {
    let Some(root) = std::env::var_os("VOUCH_SPEECH") else {
        println!("skipped: VOUCH_SPEECH is not set");
        return None;
    };
    let mut paths = Vec::new();
    let dev = Path::new(&root).join("dev");
    for folder in std::fs::read_dir(&dev).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.ends_with(".flac") && wanted(&name) {
                paths.push(file.path());
            }
        }
    }
    paths.sort();
    assert!(!paths.is_empty(), "VOUCH_SPEECH is set, but {} holds no such recordings", dev.display());
    Some(paths.into_iter().map(|path| decode(path.as_path())))
}

#[expect(clippy::panic, reason = "unreadable test material is a failed test")]
fn decode(path: &Path) -> Recording {
    try_decode(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn try_decode(path: &Path) -> Result<Recording, Box<dyn std::error::Error>> {
    let source = MediaSourceStream::new(Box::new(std::fs::File::open(path)?), Default::default());
    let mut format = FlacReader::try_new(source, FormatOptions::default())?;
    let Some(CodecParameters::Audio(parameters)) = format.tracks().first().and_then(|t| t.codec_params.clone()) else {
        return Err("no audio".into());
    };
    let rate_hz = parameters.sample_rate.ok_or("no rate")?;
    let mut decoder = FlacDecoder::try_new(&parameters, &AudioDecoderOptions::default())?;
    let (mut samples, mut part) = (Vec::new(), Vec::<f32>::new());
    while let Some(packet) = format.next_packet()? {
        decoder.decode(&packet)?.copy_to_vec_interleaved(&mut part);
        samples.extend_from_slice(&part);
    }
    let name = path.components().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect::<PathBuf>();
    Ok(Recording { name: name.display().to_string(), rate_hz, samples })
}
