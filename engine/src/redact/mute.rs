//! From time spans to silenced samples.
