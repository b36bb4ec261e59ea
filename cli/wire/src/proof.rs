//! The proof that lies beside a recording with secure passages.

use serde::{Deserialize, Serialize};

/// A secure passage of a recording.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// First silent sample.
    pub start_sample: u64,
    /// First sample after it.
    pub end_sample: u64,
    /// Samples that were heard in it and written as silence.
    pub silenced_samples: u64,
    /// SHA-256 over the hash before and the three numbers above, each as 8 bytes, big-endian; lower-case hexadecimal. Before
    /// the first passage the hash is that of the session's id.
    pub hash: String,
}

/// That nothing was written during the secure passages of a recording.
///
/// A chain of hashes: none of it can be changed, left out or put in another place without changing all that follows, and the
/// last one covers the recording. Whoever can write both files can write another proof; keep `hash` elsewhere against that.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Layout of this file.
    pub version: u32,
    /// The session.
    pub session_id: String,
    /// Rate of the recording, in Hz.
    pub sample_rate_hz: u32,
    /// Samples of the recording.
    pub samples: u64,
    /// SHA-256 of the recording's file.
    pub recording_sha256: String,
    /// The passages, in order.
    pub passages: Vec<Passage>,
    /// SHA-256 over the last passage's hash, the rate and the samples as 8 bytes each, and the recording's hash.
    pub hash: String,
}
