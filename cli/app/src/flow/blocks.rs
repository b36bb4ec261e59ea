//! The blocks of a flow that are Voice ID's, and the values that they set.

use std::collections::BTreeMap;

use cli_wire::flow::Action;

/// The three kinds of block that are Voice ID's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Half of a Set block, or the setting of other contact data.
    UpdateContactData,
    /// The other half.
    StartVoiceIdStream,
    /// A Check block.
    CheckVoiceId,
}

/// Which of them a block is.
pub(super) fn voice_id(action: &Action) -> Option<Kind> {
    match action.kind.as_str() {
        "UpdateContactData" => Some(Kind::UpdateContactData),
        "StartVoiceIdStream" => Some(Kind::StartVoiceIdStream),
        "CheckVoiceId" => Some(Kind::CheckVoiceId),
        _ => None,
    }
}

/// Whether a block sets anything of Voice ID.
pub(super) fn sets(action: &Action) -> bool {
    voice_id(action) == Some(Kind::UpdateContactData) && FLAGS.iter().any(|f| action.parameters.contains_key(*f))
}

pub(super) const STREAMING: &str = "IsVoiceIdStreamingEnabled";
pub(super) const AUTHENTICATION: &str = "IsVoiceAuthenticationEnabled";
pub(super) const FRAUD: &str = "IsFraudDetectionEnabled";
/// The flags that must stand together.
pub(super) const FLAGS: [&str; 3] = [STREAMING, AUTHENTICATION, FRAUD];
/// A number: its parameter, its flag, its range.
pub(super) const NUMBERS: [(&str, &str, u8, u8); 3] = [
    ("VoiceAuthenticationThreshold", AUTHENTICATION, 0, 100),
    ("VoiceAuthenticationResponseTime", AUTHENTICATION, 5, 10),
    ("FraudDetectionThreshold", FRAUD, 0, 100),
];

/// Whether contact data set anything of Voice ID.
pub(super) fn is_set(values: &BTreeMap<String, String>) -> bool {
    FLAGS.iter().any(|f| values.contains_key(*f))
}

/// A value that is looked up when the flow runs.
pub(super) fn is_dynamic(value: &str) -> bool {
    value.starts_with("$.") || value.starts_with("$[")
}

/// `TRUE` or `FALSE`, in whichever case.
pub(super) fn flag(value: &str) -> Option<bool> {
    match value.to_ascii_uppercase().as_str() {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    }
}

pub(super) fn number(value: &str, least: u8, most: u8) -> Option<u8> {
    value.parse::<u8>().ok().filter(|n| (least..=most).contains(n) && !value.starts_with('+'))
}
