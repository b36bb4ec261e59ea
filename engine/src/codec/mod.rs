//! Codecs (temporary).
#![allow(missing_docs)]
pub mod g711;
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec { Pcmu, Pcma, L16 }
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodecError;
impl std::fmt::Display for CodecError { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("bad packet") } }
impl Codec {
    pub fn samples_in(self, n: usize) -> Result<usize, CodecError> { match self { Self::L16 => if n % 2 == 0 { Ok(n / 2) } else { Err(CodecError) }, _ => Ok(n) } }
    pub fn decode(self, p: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let n = self.samples_in(p.len())?;
        for i in 0..n { out[i] = crate::audio::i16_to_f32(match self { Self::L16 => i16::from_be_bytes([p[2 * i], p[2 * i + 1]]), Self::Pcmu => g711::ulaw_to_i16(p[i]), Self::Pcma => g711::alaw_to_i16(p[i]) }); }
        Ok(n)
    }
}
