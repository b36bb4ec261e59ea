//! The list of a batch job, as Voice ID's manifest files have it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One recording of an item. `Debug` does not say where it lies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioSpecification {
    /// Where it lies; a path, a `file://` or an `s3://` URI.
    #[serde(rename = "S3Uri")]
    pub s3_uri: String,
    /// Which channel of it, from 0.
    #[serde(rename = "ChannelId")]
    pub channel_id: u16,
}

impl fmt::Debug for AudioSpecification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioSpecification").field("channel_id", &self.channel_id).finish_non_exhaustive()
    }
}

/// One item. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Names the item in the output; no other has it.
    #[serde(rename = "RequestId")]
    pub request_id: String,
    /// The customer speaker id, where speakers are enrolled; not checked yet.
    #[serde(rename = "SpeakerId", default, skip_serializing_if = "Option::is_none")]
    pub speaker_id: Option<String>,
    /// The recordings, pooled.
    #[serde(rename = "AudioSpecifications")]
    pub audio: Vec<AudioSpecification>,
    /// The place, from 0, of an item before this one with the same `RequestId`: then this one fails.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repeats: Option<usize>,
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("recordings", &self.audio.len()).finish_non_exhaustive()
    }
}

/// What every manifest begins with.
#[derive(Deserialize)]
pub struct Head {
    /// `1.0`.
    #[serde(rename = "Version")]
    pub version: serde_json::Value,
}

/// A speaker to be enrolled.
#[derive(Deserialize)]
pub struct SpeakerItem {
    /// Names the item in the output.
    #[serde(rename = "RequestId")]
    pub request_id: String,
    /// The customer speaker id.
    #[serde(rename = "SpeakerId")]
    pub speaker_id: String,
    /// The recordings.
    #[serde(rename = "AudioSpecifications")]
    pub audio: Vec<AudioSpecification>,
}

/// A manifest of speakers.
#[derive(Deserialize)]
pub struct Speakers {
    /// The items.
    #[serde(rename = "SpeakerEnrollmentRequests")]
    pub requests: Vec<SpeakerItem>,
}

/// A fraudster to be registered.
#[derive(Deserialize)]
pub struct FraudsterItem {
    /// Names the item in the output.
    #[serde(rename = "RequestId")]
    pub request_id: String,
    /// The recordings.
    #[serde(rename = "AudioSpecifications")]
    pub audio: Vec<AudioSpecification>,
}

/// A manifest of fraudsters.
#[derive(Deserialize)]
pub struct Fraudsters {
    /// The items.
    #[serde(rename = "FraudsterRegistrationRequests")]
    pub requests: Vec<FraudsterItem>,
}
