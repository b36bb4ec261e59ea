//! G.711 (temporary).
#![allow(missing_docs)]
pub const fn ulaw_to_i16(b: u8) -> i16 { let u = !b; let t = (((u & 15) as i16) * 8 + 132) << ((u & 0x70) >> 4); let v = t - 132; if u & 0x80 != 0 { -v } else { v } }
pub const fn alaw_to_i16(b: u8) -> i16 { let a = b ^ 0x55; let mut t = ((a & 15) as i16) << 4; let seg = (a & 0x70) >> 4; if seg == 0 { t += 8 } else { t += 0x108; t <<= seg - 1 } if a & 0x80 != 0 { t } else { -t } }
