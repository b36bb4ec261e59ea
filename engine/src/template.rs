//! The enrolled reference and its bytes.
//!
//! A [`Template`] is what enrolment leaves of a person: one unit vector and the record of what it was made from. Its bytes
//! outlive the process, so their layout has a version and a checksum; sealing them is the store's business.
//!
//! # Layout, version 1, little-endian
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `VOUCHTPL` |
//! | 8 | 2 | version, 1 |
//! | 10 | 2 | dim |
//! | 12 | 4 | recordings |
//! | 16 | 16 | model id |
//! | 32 | 8 | net speech, samples at [`MODEL_RATE_HZ`] |
//! | 40 | 4 | flags: bit 0 SNR known, bit 1 agreement known, bit 2 coherence known; the others 0 |
//! | 44 | 4 | SNR in dB, `f32`; 0 when unknown |
//! | 48 | 4 | clipped share, `f32` |
//! | 52 | 4 | bandwidth in Hz, `f32` |
//! | 56 | 4 | agreement, `f32`; 0 when unknown |
//! | 60 | 4 | coherence, `f32`; 0 when unknown |
//! | 64 | 4 dim | embedding, `f32` |
//! | 64 + 4 dim | 32 | SHA-256 of everything before |

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::embed::{MODEL_RATE_HZ, ModelId};
use crate::quality::Band;
use crate::score::{Cosine, Side};

/// Largest embedding length that the engine handles.
pub const MAX_DIM: usize = 4096;
/// Most recordings that one template is made from.
pub const MAX_RECORDINGS: usize = 1000;
/// Most net speech of one template, in samples at the model rate: a thousand hours.
pub const MAX_NET_SPEECH_SAMPLES: u64 = 1000 * 3600 * MODEL_RATE_HZ as u64;

const MAGIC: [u8; 8] = *b"VOUCHTPL";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 64;
const DIGEST_BYTES: usize = 32;
const HAS_SNR: u32 = 1;
const HAS_AGREEMENT: u32 = 2;
const HAS_COHERENCE: u32 = 4;
/// How far a stored embedding's norm may be from 1: rounding of 4096 `f32` values stays two orders below.
const NORM_TOLERANCE: f64 = 1e-5;

/// A unit vector that stands for one voice, tied to the network that made it. Wiped from memory on drop.
#[derive(Clone, PartialEq)]
pub struct Embedding {
    model: ModelId,
    values: Zeroizing<Vec<f32>>,
}

impl Embedding {
    /// Takes a network's output and scales it to unit norm.
    ///
    /// # Errors
    /// [`TemplateError::Dim`] unless 1 to [`MAX_DIM`] values, [`TemplateError::NotFinite`] for a NaN or an infinity,
    /// [`TemplateError::ZeroVector`] when there is no direction.
    pub fn new(model: ModelId, values: &[f32]) -> Result<Self, TemplateError> {
        let wide: Zeroizing<Vec<f64>> = Zeroizing::new(values.iter().map(|&x| f64::from(x)).collect());
        Self::from_wide(model, &wide)
    }

    fn from_wide(model: ModelId, values: &[f64]) -> Result<Self, TemplateError> {
        if values.is_empty() || values.len() > MAX_DIM {
            return Err(TemplateError::Dim { found: values.len() });
        }
        if values.iter().any(|x| !x.is_finite()) {
            return Err(TemplateError::NotFinite);
        }
        let norm = norm(values.iter().copied());
        if norm < 1e-12 {
            return Err(TemplateError::ZeroVector);
        }
        let values = Zeroizing::new(values.iter().map(|&x| (x / norm) as f32).collect());
        Ok(Self { model, values })
    }

    /// Puts another output of the same network in place of this one; what [`Embedding::new`] would make of it, to the bit.
    ///
    /// *Allocation*: none.
    ///
    /// # Errors
    /// As [`Embedding::new`], or another length than before; nothing is changed then.
    pub fn replace(&mut self, values: &[f32]) -> Result<(), TemplateError> {
        if values.len() != self.values.len() {
            return Err(TemplateError::OtherDim { expected: self.values.len(), found: values.len() });
        }
        if values.iter().any(|x| !x.is_finite()) {
            return Err(TemplateError::NotFinite);
        }
        let norm = norm(values.iter().map(|&x| f64::from(x)));
        if norm < 1e-12 {
            return Err(TemplateError::ZeroVector);
        }
        self.values.iter_mut().zip(values).for_each(|(v, &x)| *v = (f64::from(x) / norm) as f32);
        Ok(())
    }

    /// The direction of the sum of embeddings, each weighing the same.
    pub(crate) fn mean<'a>(embeddings: impl IntoIterator<Item = &'a Embedding>) -> Result<Self, TemplateError> {
        let mut embeddings = embeddings.into_iter();
        let Some(first) = embeddings.next() else { return Err(TemplateError::Dim { found: 0 }) };
        let mut sum: Zeroizing<Vec<f64>> = Zeroizing::new(first.values.iter().map(|&x| f64::from(x)).collect());
        for e in embeddings {
            first.comparable(e)?;
            sum.iter_mut().zip(e.values.iter()).for_each(|(s, &x)| *s += f64::from(x));
        }
        Self::from_wide(first.model, &sum)
    }

    /// The network that it comes from.
    pub fn model(&self) -> ModelId {
        self.model
    }

    /// The vector, unit norm.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Cosine of the angle to another embedding.
    ///
    /// # Errors
    /// [`TemplateError::OtherModel`] when they come from different networks, [`TemplateError::OtherDim`] when their
    /// lengths differ.
    pub fn cosine(&self, other: &Embedding) -> Result<Cosine, TemplateError> {
        self.comparable(other)?;
        let dot = self.values.iter().zip(other.values.iter()).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        Cosine::new(dot, self.model).map_err(|_| TemplateError::NotFinite)
    }

    fn comparable(&self, other: &Embedding) -> Result<(), TemplateError> {
        if self.model != other.model {
            Err(TemplateError::OtherModel { expected: self.model, found: other.model })
        } else if self.values.len() != other.values.len() {
            Err(TemplateError::OtherDim { expected: self.values.len(), found: other.values.len() })
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedding").field("model", &self.model).field("dim", &self.values.len()).finish_non_exhaustive()
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// What a template was made from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TemplateRecord {
    /// Recordings with speech, 1 to [`MAX_RECORDINGS`].
    pub recordings: u32,
    /// Their net speech together, in samples at the model rate, 1 to [`MAX_NET_SPEECH_SAMPLES`].
    pub net_speech_samples: u64,
    /// Signal-to-noise ratio in dB, mean over the recordings weighted by net speech; `None` when it could not be measured.
    pub snr_db: Option<f32>,
    /// Share of clipped samples, mean over the recordings weighted by net speech, 0 to 1.
    pub clipped_share: f32,
    /// Bandwidth that every recording has, in Hz.
    pub bandwidth_hz: f32,
    /// Lowest cosine of a recording with the mean of the others; `None` for a single recording.
    pub agreement: Option<f32>,
    /// Lowest cosine between the two voices that a recording's windows were split into; `None` without windows.
    pub coherence: Option<f32>,
}

impl TemplateRecord {
    fn check(&self) -> Result<(), TemplateError> {
        let cosine = |c: Option<f32>| c.is_none_or(|c| (-1.0..=1.0).contains(&c));
        let good = (1..=MAX_RECORDINGS).contains(&(self.recordings as usize))
            && (1..=MAX_NET_SPEECH_SAMPLES).contains(&self.net_speech_samples)
            && self.snr_db.is_none_or(|s| (-200.0..=200.0).contains(&s))
            && (0.0..=1.0).contains(&self.clipped_share)
            && (0.0..=1e6).contains(&self.bandwidth_hz)
            && cosine(self.agreement)
            && cosine(self.coherence);
        if good { Ok(()) } else { Err(TemplateError::Record) }
    }
}

/// The enrolled reference of one voice.
///
/// ```
/// use engine::{embed::ModelId, template::{Embedding, Template, TemplateRecord}};
///
/// let model = ModelId([1; 16]);
/// let record = TemplateRecord {
///     recordings: 1, net_speech_samples: 240_000, snr_db: Some(25.0), clipped_share: 0.0,
///     bandwidth_hz: 3400.0, agreement: None, coherence: None,
/// };
/// let template = Template::new(Embedding::new(model, &[0.6, 0.8])?, record)?;
/// let back = Template::from_bytes(&template.to_bytes())?;
/// assert_eq!((back.net_speech_s(), back == template), (30.0, true));
/// let probe = Embedding::new(model, &[1.0, 0.0])?;
/// assert!((template.cosine(&probe)?.value() - 0.6).abs() < 1e-6);
/// # Ok::<(), engine::template::TemplateError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Template {
    embedding: Embedding,
    record: TemplateRecord,
}

impl Template {
    /// Joins a reference with the record of what it was made from.
    ///
    /// # Errors
    /// [`TemplateError::Record`] when a number of the record is out of range.
    pub fn new(embedding: Embedding, record: TemplateRecord) -> Result<Self, TemplateError> {
        record.check()?;
        Ok(Self { embedding, record })
    }

    /// The reference vector.
    pub fn embedding(&self) -> &Embedding {
        &self.embedding
    }

    /// The network that it belongs to.
    pub fn model(&self) -> ModelId {
        self.embedding.model
    }

    /// Length of the embedding.
    pub fn dim(&self) -> usize {
        self.embedding.values.len()
    }

    /// What it was made from.
    pub fn record(&self) -> &TemplateRecord {
        &self.record
    }

    /// Net speech that it was made from, in seconds.
    pub fn net_speech_s(&self) -> f64 {
        self.record.net_speech_samples as f64 / f64::from(MODEL_RATE_HZ)
    }

    /// It as a side of a comparison: its net speech, and the band that all its recordings have.
    pub fn side(&self) -> Side {
        Side::known(self.net_speech_s(), Band::of(self.record.bandwidth_hz))
    }

    /// Cosine with a probe.
    ///
    /// # Errors
    /// [`TemplateError::OtherModel`] when the probe comes from another network, [`TemplateError::OtherDim`] when its
    /// length differs.
    pub fn cosine(&self, probe: &Embedding) -> Result<Cosine, TemplateError> {
        self.embedding.cosine(probe)
    }

    /// The template as bytes, in the layout of this module. Wiped from memory on drop.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let r = &self.record;
        // At full capacity from the start: growing would leave an unwiped copy behind.
        let mut b = Zeroizing::new(Vec::with_capacity(HEADER_BYTES + 4 * self.dim() + DIGEST_BYTES));
        b.extend_from_slice(&MAGIC);
        b.extend_from_slice(&VERSION.to_le_bytes());
        b.extend_from_slice(&(self.dim() as u16).to_le_bytes());
        b.extend_from_slice(&r.recordings.to_le_bytes());
        b.extend_from_slice(&self.model().0);
        b.extend_from_slice(&r.net_speech_samples.to_le_bytes());
        let flag = |value: Option<f32>, bit: u32| if value.is_some() { bit } else { 0 };
        let flags = flag(r.snr_db, HAS_SNR) | flag(r.agreement, HAS_AGREEMENT) | flag(r.coherence, HAS_COHERENCE);
        b.extend_from_slice(&flags.to_le_bytes());
        for value in [
            r.snr_db.unwrap_or(0.0),
            r.clipped_share,
            r.bandwidth_hz,
            r.agreement.unwrap_or(0.0),
            r.coherence.unwrap_or(0.0),
        ] {
            b.extend_from_slice(&value.to_le_bytes());
        }
        for value in self.embedding.values.iter() {
            b.extend_from_slice(&value.to_le_bytes());
        }
        let digest = Sha256::digest(&b[..]);
        b.extend_from_slice(&digest);
        b
    }

    /// Reads templates that lie one behind another, of several networks for one voice, and gives that of `model`; the first, if it is
    /// not among them, so that comparing says which network it is of.
    ///
    /// # Errors
    /// As [`Template::from_bytes`], for any of them.
    pub fn of_model(mut bytes: &[u8], model: ModelId) -> Result<Self, TemplateError> {
        let mut found: Option<Self> = None;
        loop {
            let dim = bytes.get(10..12).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
            let length = HEADER_BYTES + 4 * dim + DIGEST_BYTES;
            let (one, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
            let template = Self::from_bytes(one)?;
            if found.as_ref().is_none_or(|f| f.model() != model && template.model() == model) {
                found = Some(template);
            }
            bytes = rest;
            if bytes.is_empty()
                && let Some(found) = found
            {
                return Ok(found);
            }
        }
    }

    /// Reads what [`Template::to_bytes`] wrote.
    ///
    /// # Errors
    /// Anything else: wrong magic, a version not known here, a wrong length or checksum, numbers out of range, an embedding
    /// that is not a unit vector. Every change of a byte is found.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TemplateError> {
        let mut header = Fields { rest: bytes };
        if header.take::<8>()? != MAGIC {
            return Err(TemplateError::NotATemplate);
        }
        let version = u16::from_le_bytes(header.take()?);
        if version != VERSION {
            return Err(TemplateError::Version { found: version });
        }
        let dim = usize::from(u16::from_le_bytes(header.take()?));
        if dim == 0 || dim > MAX_DIM {
            return Err(TemplateError::Dim { found: dim });
        }
        let expected = HEADER_BYTES + 4 * dim + DIGEST_BYTES;
        if bytes.len() != expected {
            return Err(TemplateError::Length { expected, found: bytes.len() });
        }
        let (body, digest) = bytes.split_at(expected - DIGEST_BYTES);
        if Sha256::digest(body)[..] != *digest {
            return Err(TemplateError::Checksum);
        }

        let recordings = u32::from_le_bytes(header.take()?);
        let model = ModelId(header.take()?);
        let net_speech_samples = u64::from_le_bytes(header.take()?);
        let flags = u32::from_le_bytes(header.take()?);
        let mut float = || header.take().map(f32::from_le_bytes);
        let (snr, clipped_share, bandwidth_hz, agreement, coherence) =
            (float()?, float()?, float()?, float()?, float()?);
        if flags & !(HAS_SNR | HAS_AGREEMENT | HAS_COHERENCE) != 0 {
            return Err(TemplateError::Record);
        }
        let optional = |bit: u32, value: f32| match (flags & bit != 0, value.to_bits()) {
            (true, _) => Ok(Some(value)),
            (false, 0) => Ok(None),
            (false, _) => Err(TemplateError::Record),
        };
        let record = TemplateRecord {
            recordings,
            net_speech_samples,
            snr_db: optional(HAS_SNR, snr)?,
            clipped_share,
            bandwidth_hz,
            agreement: optional(HAS_AGREEMENT, agreement)?,
            coherence: optional(HAS_COHERENCE, coherence)?,
        };

        let mut values = Zeroizing::new(Vec::with_capacity(dim));
        for _ in 0..dim {
            values.push(f32::from_le_bytes(header.take()?));
        }
        if values.iter().any(|x| !x.is_finite()) {
            return Err(TemplateError::NotFinite);
        }
        let norm = norm(values.iter().map(|&x| f64::from(x)));
        if (norm - 1.0).abs() > NORM_TOLERANCE {
            return Err(TemplateError::NotUnit { norm });
        }
        Self::new(Embedding { model, values }, record)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("model", &self.model())
            .field("dim", &self.dim())
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

/// Reads fixed-size fields one after another.
struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TemplateError> {
        let (field, rest) = self.rest.split_first_chunk::<N>().ok_or(TemplateError::Truncated)?;
        self.rest = rest;
        Ok(*field)
    }
}

/// Why there is no template, or no comparison.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum TemplateError {
    /// The bytes end before the header does.
    Truncated,
    /// The bytes are something else.
    NotATemplate,
    /// A version that this program does not know.
    Version {
        /// The version.
        found: u16,
    },
    /// An embedding length that is not supported.
    Dim {
        /// The length.
        found: usize,
    },
    /// The number of bytes is wrong for the embedding length.
    Length {
        /// What it should be.
        expected: usize,
        /// What it is.
        found: usize,
    },
    /// The bytes were changed.
    Checksum,
    /// A number of the record is out of range.
    Record,
    /// A NaN or an infinity in an embedding.
    NotFinite,
    /// The stored embedding is not a unit vector.
    NotUnit {
        /// Its norm.
        norm: f64,
    },
    /// The embedding has no direction.
    ZeroVector,
    /// The two sides come from different networks.
    OtherModel {
        /// The template's network.
        expected: ModelId,
        /// The other side's network.
        found: ModelId,
    },
    /// The two sides' embeddings differ in length.
    OtherDim {
        /// The template's.
        expected: usize,
        /// The other side's.
        found: usize,
    },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("voiceprint is truncated"),
            Self::NotATemplate => f.write_str("not a voiceprint"),
            Self::Version { found } => write!(f, "voiceprint version {found} is not supported (known: {VERSION})"),
            Self::Dim { found } => write!(f, "embedding length {found} is not within 1 to {MAX_DIM}"),
            Self::Length { expected, found } => write!(f, "voiceprint has {found} bytes instead of {expected}"),
            Self::Checksum => f.write_str("voiceprint is damaged (checksum differs)"),
            Self::Record => f.write_str("voiceprint record is out of range"),
            Self::NotFinite => f.write_str("embedding has values that are not finite"),
            Self::NotUnit { norm } => write!(f, "embedding has norm {norm:.6} instead of 1"),
            Self::ZeroVector => f.write_str("embedding is zero"),
            Self::OtherModel { expected, found } => {
                write!(f, "voiceprint belongs to model {expected}, the other side to model {found}")
            }
            Self::OtherDim { expected, found } => {
                write!(f, "embedding has length {found}, the voiceprint {expected}")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODEL: ModelId = ModelId([3; 16]);

    fn record() -> TemplateRecord {
        TemplateRecord {
            recordings: 2,
            net_speech_samples: 100_000,
            snr_db: Some(21.5),
            clipped_share: 0.01,
            bandwidth_hz: 3400.0,
            agreement: Some(0.6),
            coherence: None,
        }
    }

    fn template() -> Template {
        let values: Vec<f32> = (0..24).map(|i| (i as f32 * 0.7 + 0.1).sin()).collect();
        Template::new(Embedding::new(MODEL, &values).unwrap(), record()).unwrap()
    }

    #[test]
    fn templates_of_several_networks_lie_one_behind_another() {
        let other = Template::new(Embedding::new(ModelId([9; 16]), &[0.6, 0.8]).unwrap(), record()).unwrap();
        let both = [&template().to_bytes()[..], &other.to_bytes()[..]].concat();
        assert!(Template::of_model(&both, MODEL).unwrap() == template());
        assert!(Template::of_model(&both, ModelId([9; 16])).unwrap() == other);
        assert!(Template::of_model(&both, ModelId([7; 16])).unwrap() == template());
        assert!(Template::of_model(&template().to_bytes(), MODEL).unwrap() == template());
        for n in 0..both.len() {
            let whole = n == template().to_bytes().len();
            assert_eq!(Template::of_model(&both[..n], MODEL).is_ok(), whole, "first {n} bytes");
        }
        let mut changed = both.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(Template::of_model(&changed, MODEL).err(), Some(TemplateError::Checksum));
    }

    /// Replaces the checksum, as somebody who forges a template would.
    fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
        let body = bytes.len() - DIGEST_BYTES;
        let digest = Sha256::digest(&bytes[..body]);
        bytes[body..].copy_from_slice(&digest);
        bytes
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_an_error() {
        let bytes = template().to_bytes();
        for n in 0..bytes.len() {
            assert!(Template::from_bytes(&bytes[..n]).is_err(), "first {n} bytes");
        }
        for i in 0..bytes.len() * 8 {
            let mut b = bytes.to_vec();
            b[i / 8] ^= 1 << (i % 8);
            assert!(Template::from_bytes(&b).is_err(), "bit {i}");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert!(matches!(Template::from_bytes(&longer), Err(TemplateError::Length { .. })));
    }

    #[test]
    fn well_sealed_nonsense_is_refused() {
        let bytes = template().to_bytes().to_vec();
        let with = |offset: usize, field: &[u8]| {
            let mut b = bytes.clone();
            b[offset..offset + field.len()].copy_from_slice(field);
            Template::from_bytes(&resealed(b))
        };
        assert!(with(0, b"V").is_ok(), "resealing alone changes nothing");
        assert_eq!(with(0, b"X"), Err(TemplateError::NotATemplate));
        assert_eq!(with(8, &2u16.to_le_bytes()), Err(TemplateError::Version { found: 2 }));
        assert_eq!(with(10, &0u16.to_le_bytes()), Err(TemplateError::Dim { found: 0 }));
        assert_eq!(with(10, &u16::MAX.to_le_bytes()), Err(TemplateError::Dim { found: 65_535 }));
        assert!(matches!(with(10, &25u16.to_le_bytes()), Err(TemplateError::Length { .. })));
        assert_eq!(with(12, &0u32.to_le_bytes()), Err(TemplateError::Record));
        assert_eq!(with(32, &u64::MAX.to_le_bytes()), Err(TemplateError::Record));
        assert_eq!(with(40, &8u32.to_le_bytes()), Err(TemplateError::Record));
        // Coherence is absent, so its field must be 0.
        assert_eq!(with(60, &0.5f32.to_le_bytes()), Err(TemplateError::Record));
        for offset in [44, 48, 52, 56] {
            assert_eq!(with(offset, &f32::NAN.to_le_bytes()), Err(TemplateError::Record), "{offset}");
            assert_eq!(with(offset, &f32::INFINITY.to_le_bytes()), Err(TemplateError::Record), "{offset}");
        }
        assert_eq!(with(64, &f32::NAN.to_le_bytes()), Err(TemplateError::NotFinite));
        assert!(matches!(with(64, &0.9f32.to_le_bytes()), Err(TemplateError::NotUnit { .. })));
    }

    #[test]
    fn embeddings_without_direction_are_refused() {
        assert_eq!(Embedding::new(MODEL, &[]), Err(TemplateError::Dim { found: 0 }));
        assert_eq!(Embedding::new(MODEL, &vec![1.0; MAX_DIM + 1]), Err(TemplateError::Dim { found: MAX_DIM + 1 }));
        assert_eq!(Embedding::new(MODEL, &[0.0; 8]), Err(TemplateError::ZeroVector));
        assert_eq!(Embedding::new(MODEL, &[1.0, f32::NAN]), Err(TemplateError::NotFinite));
        assert_eq!(Embedding::new(MODEL, &[1.0, f32::NEG_INFINITY]), Err(TemplateError::NotFinite));
        let huge = Embedding::new(MODEL, &[f32::MAX, f32::MAX]).unwrap();
        assert!((huge.values()[0] - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-6);
        let a = Embedding::new(MODEL, &[1.0, 0.0]).unwrap();
        let b = Embedding::new(MODEL, &[-1.0, 0.0]).unwrap();
        assert_eq!(Embedding::mean([&a, &b]), Err(TemplateError::ZeroVector));
    }

    #[test]
    fn another_models_probe_is_an_error_never_a_number() {
        let probe = Embedding::new(ModelId([4; 16]), &[1.0; 24]).unwrap();
        let error = template().cosine(&probe);
        assert_eq!(error, Err(TemplateError::OtherModel { expected: MODEL, found: ModelId([4; 16]) }));
        let short = Embedding::new(MODEL, &[1.0; 23]).unwrap();
        assert_eq!(template().cosine(&short), Err(TemplateError::OtherDim { expected: 24, found: 23 }));
    }

    #[test]
    fn debug_shows_no_embedding() {
        let t = template();
        let text = format!("{t:?} {t:#?} {:?}", t.embedding());
        for value in t.embedding().values() {
            assert!(!text.contains(&value.to_string()), "{text}");
        }
        assert!(text.contains("dim: 24"));
    }

    proptest! {
        #[test]
        fn bytes_round_trip(
            values in prop::collection::vec(-10.0f32..10.0, 1..300), id in any::<[u8; 16]>(), recordings in 1u32..=1000,
            net in 1..=MAX_NET_SPEECH_SAMPLES, snr in prop::option::of(-200.0f32..=200.0), clipped in 0.0f32..=1.0,
            agreement in prop::option::of(-1.0f32..=1.0), coherence in prop::option::of(-1.0f32..=1.0),
        ) {
            prop_assume!(values.iter().any(|x| x.abs() > 1e-3));
            let record = TemplateRecord {
                recordings, net_speech_samples: net, snr_db: snr, clipped_share: clipped, bandwidth_hz: 4000.0,
                agreement, coherence,
            };
            let t = Template::new(Embedding::new(ModelId(id), &values).unwrap(), record).unwrap();
            let bytes = t.to_bytes();
            let back = Template::from_bytes(&bytes).unwrap();
            prop_assert_eq!(&back, &t);
            prop_assert_eq!(back.to_bytes(), bytes);
        }

        #[test]
        fn bytes_of_any_kind_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Template::from_bytes(&bytes).is_err());
            let mut forged = template().to_bytes().to_vec();
            let n = bytes.len().min(forged.len());
            forged[HEADER_BYTES - 56..][..n.min(48)].copy_from_slice(&bytes[..n.min(48)]);
            if let Ok(t) = Template::from_bytes(&resealed(forged.clone())) {
                prop_assert_eq!(t.to_bytes().to_vec(), resealed(forged));
            }
        }
    }
}
