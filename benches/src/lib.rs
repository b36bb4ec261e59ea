//! Measurements live in `benches/*.rs`; `cargo bench -p benches` runs them.
