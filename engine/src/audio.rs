//! Sampling rates and the conversion between 16-bit and floating-point samples.

use crate::error::ConfigError;

/// A sampling rate that the pipeline takes: 8,000 to 192,000 Hz.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SampleRate(u32);

impl SampleRate {
    /// Lowest rate, in Hz: that of the telephone.
    pub const MIN_HZ: u32 = 8_000;
    /// Highest rate, in Hz.
    pub const MAX_HZ: u32 = 192_000;
    /// The telephone's rate.
    pub const TELEPHONE: Self = Self(Self::MIN_HZ);

    /// Checks the range.
    ///
    /// # Errors
    /// The rate is out of range.
    pub fn new(hz: u32) -> Result<Self, ConfigError> {
        if (Self::MIN_HZ..=Self::MAX_HZ).contains(&hz) { Ok(Self(hz)) } else { Err(ConfigError::SampleRate { hz }) }
    }

    /// The rate, in Hz.
    pub fn hz(self) -> u32 {
        self.0
    }
}

/// Sampling rate of everything behind the resampler, in Hz.
pub const MODEL_RATE_HZ: u32 = 8_000;
/// Largest number of samples in a packet: 200 ms at 48 kHz.
pub const MAX_PACKET_SAMPLES: usize = 9_600;

/// Largest magnitude of a floating-point sample: 24 dB above full scale. Lossy decoders overshoot by less; beyond it the samples
/// are on another scale, which is an error and not loud speech.
pub const MAX_SAMPLE: f32 = 16.0;

/// A 16-bit sample on the scale of +-1.0: the value over 32,768, exactly.
pub fn i16_to_f32(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

/// The nearest 16-bit sample; beyond +-1.0 the largest.
pub fn f32_to_i16(sample: f32) -> i16 {
    // A float-to-integer cast saturates, and takes NaN to 0.
    (sample * 32_768.0).round_ties_even() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_16_bit_sample_survives_the_round_trip() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(f32_to_i16(i16_to_f32(sample)), sample);
        }
        assert_eq!((f32_to_i16(2.0), f32_to_i16(-2.0), f32_to_i16(f32::NAN)), (i16::MAX, i16::MIN, 0));
    }

    #[test]
    fn rates_are_checked_at_the_edges() {
        for (hz, good) in [(0, false), (3, false), (7_999, false), (8_000, true), (192_000, true), (192_001, false)] {
            assert_eq!(SampleRate::new(hz).is_ok(), good, "{hz}");
        }
    }
}
