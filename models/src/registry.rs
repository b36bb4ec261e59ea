//! Which architectures this build has: one line each.

use engine::nn::Precision;
use engine_simd::Backend;

use crate::format::{Container, ModelError, ModelErrorKind, NetworkEntry};
use crate::network::{Detector, Speaker};
use crate::{campplus, tdnnf, vadnet};

/// Builds a network from its tensors and the sizes in its header.
type Build<T> = fn(&Container, &serde_json::Value, Backend, Precision) -> Result<T, ModelError>;

const SPEAKERS: &[(&str, Build<Speaker>)] = &[
    ("TdnnF", tdnnf::build),
    ("BandTdnnF", tdnnf::build),
    (campplus::FAMILY, campplus::build),
    #[cfg(feature = "onnx")]
    (crate::onnx::FAMILY, crate::onnx::build),
];
const DETECTORS: &[(&str, Build<Detector>)] = &[("VadNet", vadnet::build)];

pub(crate) fn speaker(container: &Container, backend: Backend, precision: Precision) -> Result<Speaker, ModelError> {
    build(SPEAKERS, "speaker", container, backend, precision)
}

pub(crate) fn detector(container: &Container, backend: Backend) -> Result<Detector, ModelError> {
    build(DETECTORS, "detector", container, backend, Precision::F32)
}

fn build<T>(
    known: &[(&str, Build<T>)],
    role: &str,
    container: &Container,
    backend: Backend,
    precision: Precision,
) -> Result<T, ModelError> {
    let entry: Option<&NetworkEntry> = container.networks.get(role);
    let found = entry.and_then(|e| Some((e, known.iter().find(|(family, _)| *family == e.family)?.1)));
    let Some((entry, build)) = found else {
        let found = entry.map_or("nothing", |e| e.family.as_str());
        let known: Vec<&str> = known.iter().map(|(family, _)| *family).collect();
        let hint = if found == "Onnx" { "; imported networks need a build with the feature onnx" } else { "" };
        let detail = format!("{role} network: expected {}, found {found:?}{hint}", known.join(" or "));
        return Err(ModelError::new(ModelErrorKind::Unsupported, detail));
    };
    build(container, &entry.config, backend, precision)
}
