//! Whether all samples are values of G.711.

use std::sync::LazyLock;

use super::guess::CodecGuess;
use crate::codec::g711::{alaw_to_i16, ulaw_to_i16};

/// Magnitude above which values of one law are hardly ever values of the other: below it the grids are dense.
const COARSE: u32 = 1_024;
/// Samples above it that make a claim: of linear samples, one in 32 falls on a grid there.
const MIN_COARSE: u64 = 200;

/// A bit for each 16-bit value.
type Bits = [u64; 1_024];

static MU_LAW: LazyLock<Bits> = LazyLock::new(|| bits(ulaw_to_i16));
static A_LAW: LazyLock<Bits> = LazyLock::new(|| bits(alaw_to_i16));

pub(super) struct Grid {
    ulaw: &'static Bits,
    alaw: &'static Bits,
    ulaw_fits: bool,
    alaw_fits: bool,
    coarse: u64,
}

fn bits(decode: fn(u8) -> i16) -> Bits {
    let mut bits = [0; 1_024];
    for code in 0..=255 {
        let value = usize::from(decode(code) as u16);
        bits[value / 64] |= 1 << (value % 64);
    }
    bits
}

impl Grid {
    pub(super) fn new() -> Self {
        Self { ulaw: &MU_LAW, alaw: &A_LAW, ulaw_fits: true, alaw_fits: true, coarse: 0 }
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        if !(self.ulaw_fits || self.alaw_fits) {
            return;
        }
        for &x in samples {
            let scaled = x * 32_768.0;
            // Saturates beyond 16 bits, and then the comparison fails.
            let value = scaled as i16;
            if f32::from(value) != scaled {
                (self.ulaw_fits, self.alaw_fits) = (false, false);
                return;
            }
            let at = usize::from(value as u16);
            let on = |bits: &Bits| bits[at / 64] >> (at % 64) & 1 == 1;
            self.ulaw_fits &= on(self.ulaw);
            // A-law has no zero: digital silence stuffed in says nothing against it.
            self.alaw_fits &= value == 0 || on(self.alaw);
            self.coarse += u64::from(u32::from(value.unsigned_abs()) > COARSE);
        }
    }

    pub(super) fn guess(&self) -> Option<CodecGuess> {
        match (self.ulaw_fits, self.alaw_fits) {
            _ if self.coarse < MIN_COARSE => None,
            (true, false) => Some(CodecGuess::MuLaw),
            (false, true) => Some(CodecGuess::ALaw),
            _ => None,
        }
    }

    pub(super) fn reset(&mut self) {
        (self.ulaw_fits, self.alaw_fits, self.coarse) = (true, true, 0);
    }
}
