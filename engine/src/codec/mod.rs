//! Payloads of telephone packets to samples: the static audio formats of RFC 3551 that carry plain samples.

pub mod g711;

use std::fmt;

use crate::audio::i16_to_f32;

/// How a packet's bytes carry samples.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// G.711 mu-law, one byte a sample (payload type 0).
    Pcmu,
    /// G.711 A-law, one byte a sample (payload type 8).
    Pcma,
    /// 16-bit signed samples in network byte order, the high byte first (payload types 10 and 11).
    L16,
}

/// Why a payload was not decoded. Nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CodecError {
    /// A 16-bit payload that ends inside a sample.
    OddLength {
        /// Its bytes.
        bytes: usize,
    },
    /// More samples than the output holds.
    OutputTooShort {
        /// The samples of the payload.
        needed: usize,
        /// The samples that fit.
        room: usize,
    },
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OddLength { bytes } => write!(f, "payload of {bytes} bytes ends inside a 16-bit sample"),
            Self::OutputTooShort { needed, room } => {
                write!(f, "payload of {needed} samples does not fit in {room}")
            }
        }
    }
}

impl std::error::Error for CodecError {}

impl Codec {
    /// Samples that a payload of so many bytes holds.
    ///
    /// # Errors
    /// The payload ends inside a sample.
    pub fn samples_in(self, payload_bytes: usize) -> Result<usize, CodecError> {
        match self {
            Self::Pcmu | Self::Pcma => Ok(payload_bytes),
            Self::L16 if payload_bytes.is_multiple_of(2) => Ok(payload_bytes / 2),
            Self::L16 => Err(CodecError::OddLength { bytes: payload_bytes }),
        }
    }

    /// Decodes a payload to samples of +-1.0 (the 16-bit value over 32,768) at the front of `out`; returns their number.
    ///
    /// # Errors
    /// The payload ends inside a sample, or `out` is shorter than it. `out` is untouched then.
    pub fn decode(self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let needed = self.samples_in(payload.len())?;
        let room = out.len();
        let out = out.get_mut(..needed).ok_or(CodecError::OutputTooShort { needed, room })?;
        match self {
            Self::Pcmu => out.iter_mut().zip(payload).for_each(|(y, &b)| *y = i16_to_f32(g711::ulaw_to_i16(b))),
            Self::Pcma => out.iter_mut().zip(payload).for_each(|(y, &b)| *y = i16_to_f32(g711::alaw_to_i16(b))),
            Self::L16 => {
                let (pairs, _) = payload.as_chunks::<2>();
                out.iter_mut().zip(pairs).for_each(|(y, &pair)| *y = i16_to_f32(i16::from_be_bytes(pair)));
            }
        }
        Ok(needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_decode_to_known_samples() {
        let cases: [(Codec, &[u8], &[f32]); 6] = [
            (Codec::Pcmu, &[0xFF, 0x00, 0x80, 0x7F], &[0.0, -32_124.0, 32_124.0, 0.0]),
            (Codec::Pcma, &[0xD5, 0x55, 0x2A, 0xAA], &[8.0, -8.0, -32_256.0, 32_256.0]),
            (Codec::L16, &[0x00, 0x01, 0x80, 0x00, 0x7F, 0xFF, 0xFF, 0xFE], &[1.0, -32_768.0, 32_767.0, -2.0]),
            (Codec::Pcmu, &[], &[]),
            (Codec::Pcma, &[], &[]),
            (Codec::L16, &[], &[]),
        ];
        for (codec, payload, want) in cases {
            let mut out = [9.0; 8];
            let n = codec.decode(payload, &mut out);
            assert_eq!(n, Ok(want.len()), "{codec:?}");
            let got: Vec<f32> = out[..want.len()].iter().map(|y| y * 32_768.0).collect();
            assert_eq!(got, want, "{codec:?}");
            assert!(out[want.len()..].iter().all(|&y| y == 9.0), "{codec:?} wrote past its samples");
        }
    }

    #[test]
    fn bad_lengths_are_refused_and_write_nothing() {
        let mut out = [9.0; 2];
        assert_eq!(Codec::L16.decode(&[1, 2, 3], &mut out), Err(CodecError::OddLength { bytes: 3 }));
        let short = CodecError::OutputTooShort { needed: 3, room: 2 };
        assert_eq!(Codec::Pcmu.decode(&[1, 2, 3], &mut out), Err(short));
        assert_eq!(Codec::Pcma.decode(&[1, 2, 3], &mut out), Err(short));
        assert_eq!(Codec::L16.decode(&[1, 2, 3, 4, 5, 6], &mut out), Err(short));
        assert_eq!(out, [9.0; 2]);
        assert_eq!(Codec::L16.samples_in(usize::MAX), Err(CodecError::OddLength { bytes: usize::MAX }));
        assert_eq!(Codec::L16.samples_in(320), Ok(160));
        assert_eq!(Codec::Pcma.samples_in(160), Ok(160));
    }
}
