//! Any bytes are an error of one line, or a network that gives an embedding: as an ONNX graph, and as a package or an export of a network
//! that is known by name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::campplus::import::known;
use models::onnx::{OnnxConfig, import};
use models::{Model, default_weights};

fuzz_target!(|bytes: &[u8]| {
    let config = OnnxConfig::from_settings(serde_json::json!({ "chunk_s": 1.0 })).expect("a preset");
    match import(bytes, &config, default_weights(), &[]) {
        Ok(container) => assert!(Model::from_bytes(&container).is_ok_and(|m| m.dim() > 0)),
        Err(e) => assert!(!e.to_string().is_empty()),
    }
    for known in known() {
        assert!(known.import(bytes, default_weights(), &[]).is_err());
    }
});
