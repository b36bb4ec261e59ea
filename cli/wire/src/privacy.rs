//! Which fields of records leave, as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A configuration as Operata keeps it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// `REDACTION_CONFIG`.
    pub key: String,
    /// The configuration.
    pub value: Value,
}

/// A configuration. Fields are named by their paths.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// `WHITELIST`, `BLACKLIST`, `ALLOW` or `DENY`.
    pub r#type: String,
    /// Those that leave, or those that do not.
    pub fields: Vec<String>,
    /// Those that leave as a keyed hash.
    #[serde(default)]
    pub encrypt: Vec<String>,
    /// Those that leave as a ciphertext.
    #[serde(default)]
    pub seal: Vec<String>,
    /// Those that leave as a derived value, and how that is derived.
    #[serde(default)]
    pub transform: BTreeMap<String, String>,
    /// Those that leave as null.
    #[serde(default)]
    pub default: Vec<String>,
}
