//! The two companding laws of the telephone: ITU-T G.711, 16-bit samples to 8-bit codes and back.
//!
//! Values are on the 16-bit scale, so mu-law reaches +-32,124 and A-law +-32,256. Codes are as sent on the line: A-law with its
//! even bits inverted, mu-law with all bits inverted. Where a sample lies exactly on a decision value, the code is that of the
//! ITU-T software tool library (G.191): the greater value. No table is needed to encode; decoding is one look-up.

const ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = !(code as u8);
        let step = ((bits & 0x0F) as i16) << 3;
        let magnitude = ((step + 132) << ((bits >> 4) & 7)) - 132;
        table[code] = if bits & 0x80 == 0 { magnitude } else { -magnitude };
        code += 1;
    }
    table
};

const ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = code as u8 ^ 0x55;
        let step = ((bits & 0x0F) as i16) << 4;
        let magnitude = match (bits >> 4) & 7 {
            0 => step + 8,
            segment => (step + 264) << (segment - 1),
        };
        table[code] = if bits & 0x80 == 0 { -magnitude } else { magnitude };
        code += 1;
    }
    table
};

/// The sample of a mu-law code; 0xFF and 0x7F are both 0.
#[must_use]
pub const fn ulaw_to_i16(code: u8) -> i16 {
    ULAW[code as usize]
}

/// The sample of an A-law code; 0xD5 is the smallest, 8, and no code is 0.
#[must_use]
pub const fn alaw_to_i16(code: u8) -> i16 {
    ALAW[code as usize]
}

/// The mu-law code in whose interval a sample lies; silence is 0xFF.
#[must_use]
pub const fn i16_to_ulaw(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0x7F, !sample as u16) } else { (0xFF, sample as u16) };
    // 14 bits, moved by 33 so that each segment starts at a power of two: 33 to 8,191.
    let moved = (magnitude >> 2) + 33;
    let moved = if moved > 0x1FFF { 0x1FFF } else { moved };
    let segment = 10 - moved.leading_zeros() as u16;
    let step = (moved >> (segment + 1)) & 0x0F;
    sign ^ ((segment << 4) | step) as u8
}

/// The A-law code in whose interval a sample lies; silence is 0xD5.
#[must_use]
pub const fn i16_to_alaw(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0x55, !sample as u16) } else { (0xD5, sample as u16) };
    // 11 bits; the first two segments have steps of one.
    let bits = magnitude >> 4;
    let code = if bits < 32 {
        bits
    } else {
        let segment = 11 - bits.leading_zeros() as u16;
        ((segment + 1) << 4) | ((bits >> segment) & 0x0F)
    };
    sign ^ code as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../../testdata/golden/g711/tables.json");

    struct Law {
        name: &'static str,
        decode: fn(u8) -> i16,
        encode: fn(i16) -> u8,
        silence: u8,
    }

    const LAWS: [Law; 2] = [
        Law { name: "mu_law", decode: ulaw_to_i16, encode: i16_to_ulaw, silence: 0xFF },
        Law { name: "a_law", decode: alaw_to_i16, encode: i16_to_alaw, silence: 0xD5 },
    ];

    fn golden(law: &str, column: &str) -> Vec<i64> {
        let all: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
        all[law][column].as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect()
    }

    #[test]
    fn every_code_decodes_to_the_value_of_the_standard() {
        for law in LAWS {
            let want = golden(law.name, "decoded");
            assert_eq!(want.len(), 256);
            let wrong: Vec<_> = (0..=255u8)
                .filter(|&c| i64::from((law.decode)(c)) != want[usize::from(c)])
                .map(|c| (c, (law.decode)(c), want[usize::from(c)]))
                .collect();
            assert!(wrong.is_empty(), "{}: {wrong:?}", law.name);
        }
    }

    #[test]
    fn every_sample_gets_the_code_of_its_decision_interval() {
        for law in LAWS {
            let (decoded, x) = (golden(law.name, "decoded"), golden(law.name, "decisions"));
            // Values of one sign by interval: the values rise with the interval's number.
            let mut y: Vec<i64> = decoded.iter().copied().filter(|&v| v >= 0).collect();
            y.sort_unstable();
            y.dedup();
            assert_eq!((y.len(), x.len()), (128, 129));
            let mut wrong = Vec::new();
            for sample in i16::MIN..=i16::MAX {
                let code = (law.encode)(sample);
                let value = decoded[usize::from(code)];
                let magnitude = i64::from(sample).abs();
                let interval = y.binary_search(&value.abs()).unwrap();
                let inside = x[interval] <= magnitude && (magnitude <= x[interval + 1] || interval == 127);
                let sign = value == 0 || (value < 0) == (sample < 0);
                let greater = x[interval + 1] > magnitude || sample < 0 || interval == 127;
                let lesser = x[interval] < magnitude || sample >= 0 || interval == 0;
                if !(inside && sign && greater && lesser) {
                    wrong.push((sample, code, value));
                }
            }
            assert!(wrong.is_empty(), "{}: {} wrong, {:?}", law.name, wrong.len(), &wrong[..wrong.len().min(9)]);
        }
    }

    #[test]
    fn decoding_then_encoding_gives_the_code_back() {
        for law in LAWS {
            for code in 0..=255u8 {
                let value = (law.decode)(code);
                let want = if value == 0 { law.silence } else { code };
                assert_eq!((law.encode)(value), want, "{} {code:#04x}", law.name);
            }
            assert_eq!((law.encode)(0), law.silence, "{}", law.name);
        }
        const AT_COMPILE_TIME: (i16, u8) = (ulaw_to_i16(0x80), i16_to_alaw(i16::MAX));
        assert_eq!(AT_COMPILE_TIME, (32_124, 0xAA));
    }
}
