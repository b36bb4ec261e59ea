//! Measurements live in `benches/*.rs`; `cargo bench -p benches` runs them. What several programs here need stands in this file.

pub mod redaction;

use engine::embed::ModelId;
use engine::template::{Embedding, Template, TemplateError, TemplateRecord};

/// The vector of norm 1 in that direction.
pub fn unit(mut v: Vec<f32>) -> Vec<f32> {
    let norm = v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    v.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
    v
}

/// A voiceprint from one embedding, for measurements.
///
/// # Errors
/// The embedding has no direction, or the net speech is out of range.
pub fn template(model: ModelId, embedding: &[f32], net_speech_s: f64) -> Result<Template, TemplateError> {
    let record = TemplateRecord {
        recordings: 1,
        net_speech_samples: (net_speech_s * 8_000.0) as u64,
        snr_db: None,
        clipped_share: 0.0,
        bandwidth_hz: 4_000.0,
        agreement: None,
        coherence: None,
    };
    Template::new(Embedding::new(model, embedding)?, record)
}
