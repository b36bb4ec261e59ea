//! IEEE 754 half precision (binary16).

/// Widened exactly.
#[inline]
pub fn half_to_f32(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let (exponent, fraction) = (u32::from(half >> 10) & 31, u32::from(half) & 1023);
    let magnitude = match exponent {
        0 => (fraction as f32 / 16_777_216.0).to_bits(),
        31 => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The half that widens to the very bits of `x`; `None` if there is none, or `x` is not finite.
pub fn half_of(x: f32) -> Option<u16> {
    let bits = x.to_bits();
    let (sign, magnitude) = ((bits >> 16) as u16 & 0x8000, x.abs());
    let half = if magnitude < 6.103_515_6e-5 {
        // Below the normal halves they lie 2^-24 apart.
        (magnitude * 16_777_216.0) as u16
    } else {
        let exponent = (bits >> 23 & 255) as i32 - 112;
        if !(1..31).contains(&exponent) {
            return None;
        }
        (exponent as u16) << 10 | (bits >> 13 & 1023) as u16
    };
    let half = sign | half;
    (half_to_f32(half).to_bits() == bits).then_some(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back_and_nothing_else_has_one() {
        for half in 0..=u16::MAX {
            let wide = half_to_f32(half);
            assert_eq!(half_of(wide), wide.is_finite().then_some(half), "{half:04x}");
            if wide.is_finite() && wide != 0.0 {
                for near in [wide.next_up(), wide.next_down()] {
                    assert!(half_of(near).is_none_or(|h| half_to_f32(h).to_bits() == near.to_bits()), "{near:e}");
                }
            }
        }
        for x in [f32::INFINITY, f32::NAN, 65_520.0, 1e-8, 0.1, f32::MIN_POSITIVE, 1e30] {
            assert_eq!(half_of(x), None, "{x:e}");
        }
        for (half, value) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half_to_f32(half).to_bits(), f32::to_bits(value), "{half:04x}");
        }
    }
}
