//! Tones (temporary).
#![allow(missing_docs)]
#[derive(Default)]
pub struct ToneDetector;
impl ToneDetector { pub fn new() -> Self { Self } pub fn push(&mut self, _: &[f32]) {} pub fn active(&self) -> bool { false } pub fn reset(&mut self) {} }
