//! Sample encodings without memory from one sample to the next: bytes in, f32 out.

use super::error::AudioProblem;
use super::{Depth, MAX_FLOAT_PEAK, g711};

/// How one sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleEncoding {
    /// Unsigned 8-bit integer, silence at 128.
    U8,
    /// Signed 16-bit integer, little endian.
    S16Le,
    /// Signed 16-bit integer, big endian.
    S16Be,
    /// Signed 24-bit integer, little endian.
    S24Le,
    /// Signed 32-bit integer, little endian.
    S32Le,
    /// 32-bit IEEE float, little endian.
    F32Le,
    /// 64-bit IEEE float, little endian.
    F64Le,
    /// G.711 A-law.
    Alaw,
    /// G.711 µ-law.
    Ulaw,
}

impl SampleEncoding {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::Alaw | Self::Ulaw => 1,
            Self::S16Le | Self::S16Be => 2,
            Self::S24Le => 3,
            Self::S32Le | Self::F32Le => 4,
            Self::F64Le => 8,
        }
    }

    /// What holds its samples as they are.
    pub fn depth(self) -> Depth {
        match self {
            Self::U8 | Self::S16Le | Self::S16Be | Self::Alaw | Self::Ulaw => Depth::Int16,
            Self::S24Le => Depth::Int24,
            Self::F32Le => Depth::Float32,
            Self::S32Le | Self::F64Le => Depth::Beyond,
        }
    }

    /// The name as `ffmpeg -f` and `--format` spell it, e.g. `s16le`, `ulaw`.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::S16Le => "s16le",
            Self::S16Be => "s16be",
            Self::S24Le => "s24le",
            Self::S32Le => "s32le",
            Self::F32Le => "f32le",
            Self::F64Le => "f64le",
            Self::Alaw => "alaw",
            Self::Ulaw => "ulaw",
        }
    }

    /// Appends the samples of `bytes` (a whole number of them) to `out`, ±1.0.
    ///
    /// Integers are divided by their full scale 2^(bits-1); 32-bit integers and 64-bit floats round to the nearest f32.
    ///
    /// # Errors
    ///
    /// A float that is not finite or beyond [`MAX_FLOAT_PEAK`]; `first` is the index of the first sample here.
    pub(super) fn decode(self, bytes: &[u8], first: u64, out: &mut Vec<f32>) -> Result<(), AudioProblem> {
        let from = out.len();
        match self {
            Self::U8 => out.extend(bytes.iter().map(|&b| (f32::from(b) - 128.0) / 128.0)),
            Self::Alaw => out.extend(bytes.iter().map(|&b| f32::from(g711::alaw_to_i16(b)) / 32_768.0)),
            Self::Ulaw => out.extend(bytes.iter().map(|&b| f32::from(g711::ulaw_to_i16(b)) / 32_768.0)),
            Self::S16Le => each(bytes, out, |b| f32::from(i16::from_le_bytes(b)) / 32_768.0),
            Self::S16Be => each(bytes, out, |b| f32::from(i16::from_be_bytes(b)) / 32_768.0),
            Self::S24Le => each(bytes, out, |[a, b, c]| i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0),
            Self::S32Le => each(bytes, out, |b| i32::from_le_bytes(b) as f32 / 2_147_483_648.0),
            Self::F32Le => each(bytes, out, f32::from_le_bytes),
            Self::F64Le => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
        }
        match self {
            Self::F32Le | Self::F64Le => check_floats(&out[from..], first),
            _ => Ok(()),
        }
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut Vec<f32>, value: impl Fn([u8; N]) -> f32) {
    out.extend(bytes.as_chunks::<N>().0.iter().map(|&b| value(b)));
}

/// Checks that float samples are numbers and near ±1.0. `first` is the index of `samples[0]` in the recording.
pub(super) fn check_floats(samples: &[f32], first: u64) -> Result<(), AudioProblem> {
    match samples.iter().position(|x| x.is_nan() || x.abs() > MAX_FLOAT_PEAK) {
        None => Ok(()),
        Some(i) => {
            let (at_sample, value) = (first + i as u64, samples[i]);
            Err(if value.is_finite() {
                AudioProblem::OutOfScale { at_sample, value }
            } else {
                AudioProblem::NonFinite { at_sample }
            })
        }
    }
}
