//! The container of a network's weights: bounds-checked, checksummed, never trusted.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `VOUCHNET` |
//! | 4 | format version, little-endian |
//! | 4 | length of the header |
//! | .. | header, JSON: networks, front end, tensors |
//! | .. | zeros up to a multiple of 64, then the tensors, little-endian, each at a multiple of 64 |
//! | 32 | SHA-256 over everything before |

use std::collections::BTreeMap;
use std::fmt;

use engine::embed::ModelId;
use serde::Deserialize;
#[cfg(any(test, feature = "onnx"))]
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"VOUCHNET";
const VERSION: u32 = 1;
const ALIGN: usize = 64;
/// Largest container that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 256 << 20;
/// Largest header that is read, in bytes.
pub(crate) const MAX_HEADER_BYTES: usize = 1 << 20;
/// Most tensors in a container.
pub(crate) const MAX_TENSORS: usize = 4096;
/// Name of the tensor that is no part of a network: `(n, dim)` embeddings for score normalisation.
pub(crate) const COHORT: &str = "cohort";

/// What is wrong with a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ModelErrorKind {
    /// Does not begin like a container.
    NotAModel,
    /// Made by a format version that this build does not read.
    Version,
    /// Shorter than it says, or longer than allowed.
    Length,
    /// The checksum does not match.
    Checksum,
    /// The header is not what it should be.
    Header,
    /// A tensor is missing, misplaced, of the wrong shape, or not finite.
    Tensor,
    /// An architecture or front end that this build does not have.
    Unsupported,
}

/// Why a container cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelError {
    kind: ModelErrorKind,
    tensor: Option<String>,
    detail: String,
}

impl ModelError {
    pub(crate) fn new(kind: ModelErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, tensor: None, detail: detail.into() }
    }

    pub(crate) fn in_tensor(name: &str, detail: impl fmt::Display) -> Self {
        Self { kind: ModelErrorKind::Tensor, tensor: Some(name.to_owned()), detail: format!("tensor {name} {detail}") }
    }

    /// What is wrong.
    pub fn kind(&self) -> ModelErrorKind {
        self.kind
    }

    /// The tensor at fault, if it is one.
    pub fn tensor(&self) -> Option<&str> {
        self.tensor.as_deref()
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for ModelError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    networks: BTreeMap<String, &'a RawValue>,
    #[serde(borrow)]
    front_end: &'a RawValue,
    tensors: Vec<TensorEntry>,
    #[serde(default)]
    about: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorEntry {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    offset: usize,
}

/// A network as the header describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkEntry {
    /// Architecture.
    pub family: String,
    /// Its sizes.
    pub config: serde_json::Value,
}

/// Numbers with a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Row-major.
    pub data: Vec<f32>,
}

/// A container that passed every check.
#[derive(Clone, Debug)]
pub struct Container {
    /// First 16 bytes of the SHA-256 over networks, front end and every tensor but the cohort, each part behind its length.
    pub id: ModelId,
    /// By role: `speaker`, `detector`.
    pub networks: BTreeMap<String, NetworkEntry>,
    /// Front-end settings.
    pub front_end: FrontEnd,
    /// Free text: how it was made.
    pub about: BTreeMap<String, String>,
    tensors: BTreeMap<String, Tensor>,
    blobs: BTreeMap<String, Vec<u8>>,
}

/// The front end that a network was trained on. Kaldi's names and meanings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(any(test, feature = "onnx"), derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct FrontEnd {
    /// Hz.
    pub samp_freq: u32,
    /// Milliseconds.
    pub frame_length_ms: u32,
    /// Milliseconds.
    pub frame_shift_ms: u32,
    /// Mel bins.
    pub num_mel_bins: usize,
    /// Hz.
    pub low_freq: f64,
    /// Hz.
    pub high_freq: f64,
    /// Pre-emphasis.
    pub preemph_coeff: f64,
    /// Window.
    pub window_type: String,
}

impl Container {
    /// Reads and checks a container.
    ///
    /// # Errors
    /// Whatever is wrong with it; see [`ModelErrorKind`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        use ModelErrorKind as Kind;
        if bytes.get(..8) != Some(MAGIC) {
            return Err(ModelError::new(Kind::NotAModel, "not a vouch network (it does not begin with VOUCHNET)"));
        }
        let u32_at = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let (Some(version), Some(header_bytes)) = (u32_at(8), u32_at(12)) else {
            return Err(ModelError::new(Kind::Length, format!("truncated: {} bytes", bytes.len())));
        };
        if version != VERSION {
            return Err(ModelError::new(
                Kind::Version,
                format!("format version {version}, this build reads {VERSION}"),
            ));
        }
        if bytes.len() > MAX_FILE_BYTES {
            return Err(ModelError::new(
                Kind::Length,
                format!("{} bytes, at most {MAX_FILE_BYTES} allowed", bytes.len()),
            ));
        }
        let body_len = bytes.len().checked_sub(32).filter(|&n| n >= 16);
        let Some(body_len) = body_len else {
            return Err(ModelError::new(Kind::Length, format!("truncated: {} bytes", bytes.len())));
        };
        let (body, digest) = bytes.split_at(body_len);
        if Sha256::digest(body).as_slice() != digest {
            return Err(ModelError::new(Kind::Checksum, "checksum does not match: damaged or truncated"));
        }
        let header_bytes = header_bytes as usize;
        let header = body.get(16..16usize.saturating_add(header_bytes.min(MAX_HEADER_BYTES)));
        let header = header.filter(|h| h.len() == header_bytes);
        let header = header.ok_or_else(|| ModelError::new(Kind::Header, format!("header of {header_bytes} bytes")))?;
        let header: Header<'_> =
            serde_json::from_slice(header).map_err(|e| ModelError::new(Kind::Header, format!("header: {e}")))?;
        if header.tensors.len() > MAX_TENSORS {
            return Err(ModelError::new(Kind::Header, format!("{} tensors", header.tensors.len())));
        }

        let (mut tensors, mut blobs) = (BTreeMap::new(), BTreeMap::new());
        let mut spans = BTreeMap::new();
        // In order and without overlap, so that what is unpacked is never more than the file holds.
        let mut free_from = 16 + header_bytes;
        for entry in header.tensors {
            let (tensor, span) = read_tensor(&entry, body, free_from)?;
            free_from = entry.offset + span.len();
            if spans.insert(entry.name.clone(), span).is_some() {
                return Err(ModelError::in_tensor(&entry.name, "occurs twice"));
            }
            match tensor {
                Some(tensor) => _ = tensors.insert(entry.name, tensor),
                None => _ = blobs.insert(entry.name, span.to_vec()),
            }
        }
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        let mut networks = BTreeMap::new();
        for (role, raw) in header.networks {
            add(role.as_bytes());
            add(raw.get().as_bytes());
            let entry: NetworkEntry = serde_json::from_str(raw.get())
                .map_err(|e| ModelError::new(Kind::Header, format!("network {role}: {e}")))?;
            networks.insert(role, entry);
        }
        add(header.front_end.get().as_bytes());
        let front_end: FrontEnd = serde_json::from_str(header.front_end.get())
            .map_err(|e| ModelError::new(Kind::Header, format!("front end: {e}")))?;
        for (name, span) in spans.iter().filter(|(name, _)| name.as_str() != COHORT) {
            add(name.as_bytes());
            add(span);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Ok(Self { id: ModelId(id), networks, front_end, about: header.about, tensors, blobs })
    }

    /// A tensor by name, whose shape must be `shape`.
    ///
    /// # Errors
    /// It is missing or has another shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<&[f32], ModelError> {
        let tensor = self.tensors.get(name).ok_or_else(|| ModelError::in_tensor(name, "is missing"))?;
        if tensor.shape != shape {
            let detail = format!("has shape {:?}, expected {shape:?}", tensor.shape);
            return Err(ModelError::in_tensor(name, detail));
        }
        Ok(&tensor.data)
    }

    /// A tensor that need not be there.
    pub fn optional(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// A tensor of bytes.
    pub fn blob(&self, name: &str) -> Option<&[u8]> {
        self.blobs.get(name).map(Vec::as_slice)
    }

    /// Forgets the tensors of bytes, once a network has been made of them.
    pub(crate) fn forget_blobs(&mut self) {
        self.blobs.clear();
    }

    /// The tensors whose name begins with `prefix`.
    pub fn tensors<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        self.tensors.iter().filter(move |(n, _)| n.starts_with(prefix)).map(|(n, t)| (n.as_str(), t))
    }

    /// Names the speech detector: the first 16 bytes of a SHA-256 over its sizes and tensors.
    pub(crate) fn detector_id(&self) -> ModelId {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        if let Some(entry) = self.networks.get("detector") {
            add(entry.family.as_bytes());
            add(entry.config.to_string().as_bytes());
        }
        for (name, tensor) in self.tensors("detector.") {
            add(name.as_bytes());
            add(&tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        ModelId(id)
    }

    /// Numbers in the tensors whose name begins with `prefix`.
    pub fn parameters(&self, prefix: &str) -> usize {
        self.tensors(prefix).map(|(_, t)| t.data.len()).sum()
    }
}

/// The tensor, widened (`None` for bytes), and the bytes it stands in, which must not begin before `free_from`.
fn read_tensor<'a>(
    entry: &TensorEntry,
    body: &'a [u8],
    free_from: usize,
) -> Result<(Option<Tensor>, &'a [u8]), ModelError> {
    let wrong = |detail: &str| ModelError::in_tensor(&entry.name, detail);
    let width = match entry.dtype.as_str() {
        "f32" => 4,
        "f16" => 2,
        "u8" => 1,
        _ => return Err(wrong("has an unknown type")),
    };
    let count = entry.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n > 0 && n <= MAX_FILE_BYTES);
    let count = count.filter(|_| entry.shape.len() <= 4).ok_or_else(|| wrong("has an impossible shape"))?;
    let end = count.checked_mul(width).and_then(|n| n.checked_add(entry.offset));
    let span = end.and_then(|end| body.get(entry.offset..end));
    let span = span.filter(|_| entry.offset.is_multiple_of(ALIGN) && entry.offset >= free_from);
    let span = span.ok_or_else(|| wrong("lies outside the file, is misaligned, or overlaps what stands before it"))?;
    let data: Vec<f32> = match width {
        1 => return Ok((None, span)),
        4 => span.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        _ => span.chunks_exact(2).map(|b| engine_simd::half_to_f32(u16::from_le_bytes([b[0], b[1]]))).collect(),
    };
    if data.iter().any(|x| !x.is_finite()) {
        return Err(wrong("holds a number that is not finite"));
    }
    Ok((Some(Tensor { shape: entry.shape.clone(), data }), span))
}

/// A tensor that [`write`] takes.
#[cfg(any(test, feature = "onnx"))]
#[derive(Clone)]
pub(crate) struct NewTensor {
    name: String,
    dtype: &'static str,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

#[cfg(any(test, feature = "onnx"))]
impl NewTensor {
    #[cfg(feature = "onnx")]
    pub(crate) fn blob(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), dtype: "u8", shape: vec![bytes.len()], bytes: bytes.to_vec() }
    }

    pub(crate) fn f32(name: &str, tensor: &Tensor) -> Self {
        let bytes = tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { name: name.to_owned(), dtype: "f32", shape: tensor.shape.clone(), bytes }
    }
}

/// The bytes of a container.
///
/// # Errors
/// It would be larger than [`MAX_FILE_BYTES`].
#[cfg(any(test, feature = "onnx"))]
pub(crate) fn write(
    networks: &serde_json::Value,
    front_end: &FrontEnd,
    mut tensors: Vec<NewTensor>,
    about: &[(String, String)],
) -> Result<Vec<u8>, ModelError> {
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let about: BTreeMap<&str, &str> = about.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let header = |start: usize| {
        let mut offset = start;
        let entries: Vec<serde_json::Value> = tensors
            .iter()
            .map(|t| {
                let entry = serde_json::json!({
                    "name": t.name, "dtype": t.dtype, "shape": t.shape, "offset": offset
                });
                offset = (offset + t.bytes.len()).next_multiple_of(ALIGN);
                entry
            })
            .collect();
        let header = serde_json::json!({
            "networks": networks, "front_end": front_end, "about": about, "tensors": entries
        });
        header.to_string().into_bytes()
    };
    // The header's length depends on the offsets, and they on it; longer offsets only ever push the start up.
    let mut start = 0;
    let header = loop {
        let header = header(start);
        let after = (16 + header.len()).next_multiple_of(ALIGN);
        if after <= start {
            break header;
        }
        start = after;
    };
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(header.len() as u32).to_le_bytes());
    out.extend_from_slice(&header);
    out.resize(start, 0);
    for tensor in &tensors {
        out.resize(out.len().next_multiple_of(ALIGN), 0);
        out.extend_from_slice(&tensor.bytes);
    }
    let digest = Sha256::digest(&out);
    out.extend_from_slice(&digest);
    if out.len() > MAX_FILE_BYTES {
        let detail = format!("{} bytes, at most {MAX_FILE_BYTES} allowed", out.len());
        return Err(ModelError::new(ModelErrorKind::Length, detail));
    }
    Ok(out)
}
