//! The list of a batch job, as Voice ID's manifest files have it.

use std::collections::HashMap;
use std::fmt;

use cli_store::JobKind;
use cli_wire::manifest::{FraudsterItem, Fraudsters, Head, Item, SpeakerItem, Speakers};

use super::work::ItemError;

/// Largest manifest.
pub const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// The only version there is.
pub const VERSION: &str = "1.0";

/// Checks what only shows beside the other items.
///
/// # Errors
/// The item cannot be told from another one by its `RequestId`.
pub fn check(item: &Item) -> Result<(), ItemError> {
    let Some(first) = item.repeats else { return Ok(()) };
    Err(ItemError::new(400, format!("RequestId is also that of item {first} (from 0): give each item its own")))
}

/// Why a manifest as a whole is no good: one line that names the line or the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError(String);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ManifestError {}

/// The items of a manifest, in its order. Fields that Voice ID does not know are passed over.
///
/// # Errors
/// It is not JSON, has another version, lacks a field, has a value of the wrong type, or leaves a `RequestId` empty. An id that stands twice is the second item's error ([`check`]).
pub fn parse(kind: JobKind, text: &str) -> Result<Vec<Item>, ManifestError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let wrong = |e: serde_json::Error| ManifestError(e.to_string().replace(['\n', '\r'], " "));
    if text.trim_start().starts_with('[') {
        return Err(ManifestError("line 1: a list, where a manifest is an object with a Version".into()));
    }
    let head: Head = serde_json::from_str(text).map_err(wrong)?;
    if head.version != VERSION {
        let found: String = head.version.to_string().chars().take(40).collect();
        return Err(ManifestError(format!("Version is {found}, only \"{VERSION}\" is known")));
    }
    let (list, mut items): (_, Vec<Item>) = match kind {
        JobKind::SpeakerEnrollment => {
            let all: Speakers = serde_json::from_str(text).map_err(wrong)?;
            let item = |i: SpeakerItem| Item {
                request_id: i.request_id,
                speaker_id: Some(i.speaker_id),
                audio: i.audio,
                repeats: None,
            };
            ("SpeakerEnrollmentRequests", all.requests.into_iter().map(item).collect())
        }
        JobKind::FraudsterRegistration => {
            let all: Fraudsters = serde_json::from_str(text).map_err(wrong)?;
            let item =
                |i: FraudsterItem| Item { request_id: i.request_id, speaker_id: None, audio: i.audio, repeats: None };
            ("FraudsterRegistrationRequests", all.requests.into_iter().map(item).collect())
        }
        other => return Err(ManifestError(format!("no manifest is known for jobs of kind {other}"))),
    };
    let mut seen = HashMap::new();
    for (i, item) in items.iter_mut().enumerate() {
        if item.request_id.is_empty() {
            return Err(ManifestError(format!("{list}[{i}].RequestId is empty: give each item its own")));
        }
        item.repeats = seen.get(&item.request_id).copied();
        seen.entry(item.request_id.clone()).or_insert(i);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use cli_wire::manifest::AudioSpecification;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn error(text: &str) -> String {
        parse(JobKind::SpeakerEnrollment, text).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_line_or_the_field() {
        let item = r#"{"RequestId":"a","SpeakerId":"s","AudioSpecifications":[]}"#;
        let cases = [
            (String::new(), "line 1"),
            ("{\n\n".into(), "line 3"),
            ("[]".into(), "Version"),
            (r#"{"SpeakerEnrollmentRequests":[]}"#.into(), "missing field `Version`"),
            (r#"{"Version":"2.0","Other":[]}"#.into(), "Version is \"2.0\""),
            (r#"{"Version":1.0,"SpeakerEnrollmentRequests":[]}"#.into(), "Version is 1.0"),
            (r#"{"Version":"1.0","FraudsterRegistrationRequests":[]}"#.into(), "`SpeakerEnrollmentRequests`"),
            ("{\"Version\":\"1.0\",\n\"SpeakerEnrollmentRequests\":[\n{\"RequestId\":\"a\",\"SpeakerId\":\"s\"}]}".into(), "`AudioSpecifications` at line 3"),
            (r#"{"Version":"1.0","SpeakerEnrollmentRequests":[{"RequestId":"a","SpeakerId":"s","AudioSpecifications":[{"S3Uri":"x"}]}]}"#.into(), "`ChannelId` at line 1"),
            (r#"{"Version":"1.0","SpeakerEnrollmentRequests":[{"RequestId":"a","SpeakerId":"s","AudioSpecifications":[{"S3Uri":"x","ChannelId":-1}]}]}"#.into(), "line 1"),
            (format!(r#"{{"Version":"1.0","SpeakerEnrollmentRequests":[{item}]}} x"#), "trailing"),
        ];
        let bad: Vec<_> = cases
            .iter()
            .map(|(text, named)| (error(text), named))
            .filter(|(e, named)| !e.contains(**named) || e.contains('\n'))
            .collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }

    #[test]
    fn an_id_that_stands_twice_is_the_second_items_error() {
        let item = |id: &str| json!({ "RequestId": id, "SpeakerId": "s", "AudioSpecifications": [] });
        let text =
            json!({ "Version": "1.0", "SpeakerEnrollmentRequests": [item("a"), item("b"), item("a"), item("a")] });
        let items = parse(JobKind::SpeakerEnrollment, &text.to_string()).unwrap();
        assert_eq!(items.iter().map(|i| i.repeats).collect::<Vec<_>>(), [None, None, Some(0), Some(0)]);
        assert!(check(&items[1]).is_ok());
        let error = check(&items[3]).unwrap_err();
        assert!(error.code == 400 && error.message.contains("item 0"), "{error:?}");
    }

    fn audio() -> impl Strategy<Value = AudioSpecification> {
        (any::<String>(), any::<u16>()).prop_map(|(s3_uri, channel_id)| AudioSpecification { s3_uri, channel_id })
    }

    proptest! {
        #[test]
        fn any_text_gives_items_or_one_line(text in any::<String>()) {
            for kind in [JobKind::SpeakerEnrollment, JobKind::FraudsterRegistration] {
                if let Err(e) = parse(kind, &text) {
                    prop_assert!(!e.to_string().contains('\n'));
                }
            }
        }

        #[test]
        fn what_is_written_is_read_and_any_cut_or_changed_byte_is_no_panic(
            list in prop::collection::vec((any::<String>(), prop::collection::vec(audio(), 0..4)), 0..6),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let items: Vec<Item> = list
                .into_iter()
                .enumerate()
                .map(|(i, (s, audio))| Item { request_id: format!("{i}-{s}"), speaker_id: Some(s), audio, repeats: None })
                .collect();
            let text = json!({ "Version": "1.0", "Extra": [1], "SpeakerEnrollmentRequests": items }).to_string();
            prop_assert_eq!(&parse(JobKind::SpeakerEnrollment, &text).unwrap(), &items);
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            let cut = String::from_utf8_lossy(&bytes[..at]).into_owned();
            prop_assert!(parse(JobKind::SpeakerEnrollment, &cut).is_err());
            bytes[at] = byte;
            if let Err(e) = parse(JobKind::SpeakerEnrollment, &String::from_utf8_lossy(&bytes)) {
                prop_assert!(!e.to_string().contains('\n'));
            }
        }
    }
}
