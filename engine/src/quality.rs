//! Quality (temporary).
#![allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CodecGuess { Unknown }
impl std::fmt::Display for CodecGuess { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("unknown") } }
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality { pub samples: u64, pub lost_samples: u64, pub duration_s: f64, pub snr_db: Option<f32>, pub clipped_share: f32, pub peak_dbfs: f32, pub rms_dbfs: f32, pub dc: f32, pub bandwidth_hz: f32, pub codec_guess: CodecGuess }
pub struct QualityMeter { rate: u32, n: u64 }
impl QualityMeter { pub fn new(rate: u32) -> Self { Self { rate, n: 0 } } pub fn push(&mut self, x: &[f32]) { self.n += x.len() as u64; } pub fn lost(&mut self, _: u64) {} pub fn speech_frame(&mut self, _: f32, _: bool) {} pub fn reset(&mut self) { self.n = 0; }
 pub fn report(&self) -> Quality { Quality { samples: self.n, lost_samples: 0, duration_s: self.n as f64 / self.rate as f64, snr_db: None, clipped_share: 0.0, peak_dbfs: 0.0, rms_dbfs: 0.0, dc: 0.0, bandwidth_hz: 4000.0, codec_guess: CodecGuess::Unknown } } }
