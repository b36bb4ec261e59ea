//! DTMF (temporary).
#![allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DtmfDigit { pub digit: char, pub start_sample: u64, pub end_sample: u64 }
#[derive(Default)]
pub struct DtmfDetector;
impl DtmfDetector { pub fn new() -> Self { Self } pub fn push(&mut self, _: &[f32]) {} pub fn digits(&self) -> &[DtmfDigit] { &[] } pub fn active(&self) -> bool { false } pub fn reset(&mut self) {} }
