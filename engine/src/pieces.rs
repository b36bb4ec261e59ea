//! What callers push, as samples on the scale of +-1.0, a piece at a time on the stack.

use crate::audio::{MAX_PACKET_SAMPLES, MAX_SAMPLE, i16_to_f32};
use crate::codec::Codec;
use crate::error::InputError;

/// Samples that are converted or made at once.
pub(crate) const PIECE_SAMPLES: usize = 256;

/// Refuses samples that are not finite or beyond [`MAX_SAMPLE`].
pub(crate) fn check(samples: &[f32]) -> Result<(), InputError> {
    let Some(at) = samples.iter().position(|x| x.is_nan() || x.abs() > MAX_SAMPLE) else { return Ok(()) };
    let finite = samples.get(at).is_some_and(|x| x.is_finite());
    Err(if finite { InputError::TooLarge { at } } else { InputError::NotFinite { at } })
}

/// Hands on 16-bit samples.
pub(crate) fn from_i16(
    samples: &[i16],
    mut take: impl FnMut(&[f32]) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let mut block = [0.0; PIECE_SAMPLES];
    for part in samples.chunks(block.len()) {
        block.iter_mut().zip(part).for_each(|(b, &s)| *b = i16_to_f32(s));
        take(&block[..part.len()])?;
    }
    Ok(())
}

/// Hands on the payload of a packet; one that cannot be, or holds more than [`MAX_PACKET_SAMPLES`], is refused whole.
pub(crate) fn from_packet(
    codec: Codec,
    payload: &[u8],
    mut take: impl FnMut(&[f32]) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let samples = codec.samples_in(payload.len()).map_err(InputError::Packet)?;
    if samples > MAX_PACKET_SAMPLES {
        return Err(InputError::LongPacket { samples });
    }
    let mut block = [0.0; PIECE_SAMPLES];
    // A piece is as many bytes or twice as many, so no sample is cut in two.
    let bytes = if samples == payload.len() { block.len() } else { 2 * block.len() };
    for part in payload.chunks(bytes) {
        let n = codec.decode(part, &mut block).map_err(InputError::Packet)?;
        take(&block[..n])?;
    }
    Ok(())
}
