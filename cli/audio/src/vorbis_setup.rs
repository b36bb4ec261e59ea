//! A look through a Vorbis setup header before the decoder builds its tables.
//!
//! A codebook of twenty bytes may announce 2^17 vectors of 32 values, and a header 256 such codebooks: gigabytes of
//! tables from a few kilobytes, and a failed allocation ends the process. This reader walks the same fields, adds up the
//! values, and refuses before any table exists.
//!
//! *Source*: Vorbis I specification §3.2.1 (codebook), §2.1.4 (bit packing), §9.2.1 (`ilog`), §9.2.3 (`lookup1_values`).

/// Table entries of all codebooks together. libvorbis needs under 100,000.
const MAX_CODEBOOK_VALUES: u64 = 4 << 20;

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next `n` bits (at most 32), least significant first.
    fn take(&mut self, n: u32) -> Result<u32, &'static str> {
        let mut value = 0u64;
        let end = self.at + n as usize;
        if end > self.bytes.len() * 8 {
            return Err("its setup header is too short");
        }
        let mut done = 0;
        while self.at < end {
            let byte = u64::from(self.bytes[self.at / 8]) >> (self.at % 8);
            let here = (8 - self.at % 8).min(end - self.at);
            value |= (byte & ((1 << here) - 1)) << done;
            done += here;
            self.at += here;
        }
        Ok(value as u32)
    }

    fn skip(&mut self, n: u64) -> Result<(), &'static str> {
        let left = (self.bytes.len() * 8 - self.at) as u64;
        if n > left {
            return Err("its setup header is too short");
        }
        self.at += n as usize;
        Ok(())
    }
}

/// Bits needed to write `x` (Vorbis I §9.2.1).
fn ilog(x: u32) -> u32 {
    32 - x.leading_zeros()
}

/// The greatest `n` with `n^dimensions <= entries`.
fn lookup1_values(entries: u32, dimensions: u32) -> u64 {
    let mut n = 0u64;
    while (0..dimensions).try_fold(1u64, |p, _| Some(p * (n + 1)).filter(|p| *p <= u64::from(entries))).is_some() {
        n += 1;
    }
    n
}

/// Walks the codebooks of a setup header.
///
/// # Errors
///
/// A header that ends early, a codebook out of order, or tables beyond [`MAX_CODEBOOK_VALUES`].
pub(super) fn check_codebooks(setup: &[u8]) -> Result<(), &'static str> {
    let Some(body) = setup.strip_prefix(b"\x05vorbis") else { return Err("no Vorbis setup header") };
    let mut bits = Bits { bytes: body, at: 0 };
    let mut values = 0u64;
    for _ in 0..=bits.take(8)? {
        if bits.take(24)? != 0x56_4342 {
            return Err("a codebook without its mark");
        }
        let (dimensions, entries) = (bits.take(16)?, bits.take(24)?);
        if dimensions == 0 || entries == 0 {
            return Err("an empty codebook");
        }
        values += u64::from(entries) * u64::from(dimensions);
        if values > MAX_CODEBOOK_VALUES {
            return Err("its codebooks are larger than any encoder makes");
        }
        if bits.take(1)? == 1 {
            bits.take(5)?;
            let mut entry = 0;
            while entry < entries {
                entry += bits.take(ilog(entries - entry))?;
            }
            if entry > entries {
                return Err("a codebook with too many entries");
            }
        } else if bits.take(1)? == 1 {
            for _ in 0..entries {
                if bits.take(1)? == 1 {
                    bits.take(5)?;
                }
            }
        } else {
            bits.skip(5 * u64::from(entries))?;
        }
        let count = match bits.take(4)? {
            0 => continue,
            1 => lookup1_values(entries, dimensions),
            2 => u64::from(entries) * u64::from(dimensions),
            _ => return Err("a codebook with an unknown lookup type"),
        };
        bits.take(32)?;
        bits.take(32)?;
        let width = bits.take(4)? + 1;
        bits.take(1)?;
        bits.skip(count * u64::from(width))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_least_significant_first() {
        let mut bits = Bits { bytes: &[0b1011_0010, 0x12, 0x34], at: 0 };
        assert_eq!(bits.take(3), Ok(0b010));
        assert_eq!(bits.take(7), Ok(0b10_10110));
        assert_eq!(bits.take(0), Ok(0));
        assert_eq!(bits.skip(6), Ok(()));
        assert_eq!(bits.take(8), Ok(0x34));
        assert!(bits.take(1).is_err());
    }

    #[test]
    fn the_helpers_agree_with_the_specification() {
        assert_eq!([0, 1, 2, 3, 4, 7, 8].map(ilog), [0, 1, 2, 2, 3, 3, 4]);
        assert_eq!([(1, 1), (361, 2), (560, 3), (65_535, 16)].map(|(e, d)| lookup1_values(e, d)), [1, 19, 8, 1]);
    }

    /// 256 length-ordered codebooks of 2^17 entries and 32 dimensions: 4 GB of tables in 4 kB.
    #[test]
    fn a_table_bomb_is_refused() {
        let mut packed = Vec::new();
        let mut at = 0;
        let mut put = |value: u64, n: usize| {
            for bit in 0..n {
                if at % 8 == 0 {
                    packed.push(0u8);
                }
                packed[at / 8] |= ((value >> bit & 1) as u8) << (at % 8);
                at += 1;
            }
        };
        put(255, 8);
        for _ in 0..256 {
            put(0x56_4342, 24);
            put(32, 16);
            put(1 << 17, 24);
            put(1, 1);
            put(16, 5);
            put(1 << 17, 18);
            put(1, 4);
            put(0, 32);
            put(0, 32);
            put(0, 4);
            put(0, 1);
            put(0, 1);
        }
        let setup = [b"\x05vorbis".as_slice(), &packed].concat();
        assert!(setup.len() < 8 * 1024);
        assert_eq!(check_codebooks(&setup), Err("its codebooks are larger than any encoder makes"));
    }
}
