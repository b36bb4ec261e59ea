//! A contact record as a contact centre delivers it.

use serde_json::Value;

use crate::access::HierarchyGroup;
use crate::error::StoreError;

/// Largest contact record, in bytes.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// A contact record that is of the right shape.
#[derive(Clone, PartialEq)]
pub struct ContactRecord {
    /// Its id: 1 to 256 printable characters without spaces.
    pub contact_id: String,
    pub(super) json: Value,
    pub(super) last_update_at: i64,
    pub(super) initiated_at: i64,
}

impl std::fmt::Debug for ContactRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactRecord").field("contact_id", &self.contact_id).finish_non_exhaustive()
    }
}

fn time(record: &Value, key: &'static str) -> Result<Option<i64>, StoreError> {
    match &record[key] {
        Value::Null => Ok(None),
        Value::String(text) => match text.parse::<jiff::Timestamp>() {
            Ok(t) => Ok(Some(t.as_millisecond())),
            Err(_) => Err(StoreError::invalid(key, "must be a time such as 2026-11-29T08:00:00Z")),
        },
        _ => Err(StoreError::invalid(key, "must be a time as text")),
    }
}

pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(value, |v, key| v.get(key)).and_then(Value::as_str)
}

impl ContactRecord {
    /// Reads a record. Fields that are not known stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Validation`], for a ContactId, a LastUpdateTimestamp or a hierarchy that is missing or malformed.
    pub fn parse(json: &[u8]) -> Result<ContactRecord, StoreError> {
        if json.len() > MAX_RECORD_BYTES {
            return Err(StoreError::invalid("ContactRecord", format!("must have at most {MAX_RECORD_BYTES} bytes")));
        }
        // What serde says of a place in the text tells nothing of the text.
        let json: Value = serde_json::from_slice(json)
            .map_err(|e| StoreError::invalid("ContactRecord", format!("no JSON at column {}", e.column())))?;
        if !json.is_object() {
            return Err(StoreError::invalid("ContactRecord", "must be an object"));
        }
        let id = text(&json, &["ContactId"]).unwrap_or_default();
        let contact_id = contact_id(id)?;
        let last_update_at = time(&json, "LastUpdateTimestamp")?
            .ok_or_else(|| StoreError::invalid("LastUpdateTimestamp", "is missing"))?;
        let initiated_at = time(&json, "InitiationTimestamp")?.unwrap_or(last_update_at);
        time(&json, "DisconnectTimestamp")?;
        Ok(ContactRecord { contact_id, json, last_update_at, initiated_at })
    }

    /// Closed: the call is over, and so is what the agent had to do after it.
    pub(super) fn closed(&self) -> bool {
        let over = text(&self.json, &["DisconnectTimestamp"]).is_some();
        let agent = |key| text(&self.json, &["Agent", key]).is_some();
        over && (!agent("AfterContactWorkStartTimestamp") || agent("AfterContactWorkEndTimestamp"))
    }

    /// The agent's groups from the top; they end at the first level that has no name.
    pub(super) fn hierarchy(&self) -> HierarchyGroup {
        let level = |n: usize| text(&self.json, &["Agent", "HierarchyGroups", &format!("Level{n}"), "GroupName"]);
        HierarchyGroup((1..=HierarchyGroup::LEVELS).map_while(level).map(|name| name.replace('\u{1f}', " ")).collect())
    }

    pub(super) fn speaker_action(&self) -> Option<&'static str> {
        let voice = self.json.get("VoiceIdResult")?;
        let yes = |key| voice.get(key).and_then(Value::as_bool) == Some(true);
        if yes("SpeakerOptedOut") {
            return Some("OPTED_OUT");
        }
        yes("SpeakerEnrolled").then_some("ENROLLED")
    }
}

/// Checks a contact's id.
pub(crate) fn contact_id(id: &str) -> Result<String, StoreError> {
    if (1..=256).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(id.to_owned());
    }
    Err(StoreError::invalid("ContactId", "must be 1 to 256 printable ASCII characters without spaces"))
}
