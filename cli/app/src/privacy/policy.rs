//! What a policy says, and reading it.

use std::collections::BTreeMap;
use std::fmt;

use cli_wire::privacy::{Stored, Value};
use serde::Deserialize;

use crate::error::AppError;

/// The fields that Operata always gets: 39.
pub(super) const OPERATA: [&str; 39] = [
    "Agent",
    "Agent.NumberOfHolds",
    "Agent.DeviceInfo",
    "Agent.CustomerHoldDuration",
    "Agent.Username",
    "Agent.LongestHoldDuration",
    "Agent.AgentInteractionDuration",
    "Agent.AfterContactWorkStartTimestamp",
    "Agent.ConnectedToAgentTimestamp",
    "Agent.AfterContactWorkDuration",
    "Agent.AfterContactWorkEndTimestamp",
    "Agent.HierarchyGroups",
    "AgentConnectionAttempts",
    "AnsweringMachineDetectionStatus",
    "AWSAccountId",
    "AWSContactTraceRecordFormatVersion",
    "Channel",
    "ConnectedToSystemTimestamp",
    "ContactId",
    "NextContactId",
    "PreviousContactId",
    "DisconnectReason",
    "InitialContactId",
    "InitiationMethod",
    "LastUpdateTimestamp",
    "DisconnectTimestamp",
    "InitiationTimestamp",
    "InstanceARN",
    "QualityMetrics",
    "Queue",
    "Queue.Name",
    "Queue.Duration",
    "Queue.DequeueTimestamp",
    "Queue.EnqueueTimestamp",
    "SystemEndpoint",
    "SystemEndpoint.Type",
    "SystemEndpoint.Address",
    "TransferCompletedTimestamp",
    "TransferredToEndpoint",
];

/// A mandatory set by its name.
#[derive(serde::Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preset {
    /// Nothing is mandatory.
    None,
    /// Operata's 39 fields.
    Operata,
}

impl Preset {
    /// Its fields.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Operata => &OPERATA,
        }
    }
}

/// Whether the listed fields are those that leave, or those that do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The mandatory fields and the listed ones.
    Allow,
    /// All but the listed ones.
    Deny,
}

/// How a value is derived from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transform {
    /// The last four characters, with `*` for the others.
    Last4,
    /// The first characters.
    Truncate(usize),
    /// The lower end of a bucket of this width, of a number.
    Bucket(u32),
}

/// What becomes of a field that is let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tier {
    /// The value is replaced by a keyed hash.
    Encrypt,
    /// By a ciphertext, which the key opens again.
    Seal,
    /// By a derived one.
    Transform(Transform),
    /// By null.
    Default,
}

/// Why a policy is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PolicyError {
    /// It is not of the shape.
    Malformed(String),
    /// A path is empty or has an empty part.
    Path(String),
    /// A field is in two tiers.
    Twice(String),
    /// Mandatory fields cannot be denied or changed.
    Mandatory(Vec<String>),
    /// A way to derive a value that is not known.
    Transform(String),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "not a configuration: {why}"),
            Self::Path(path) => {
                write!(f, "{path:?} is no path: names with dots between them, `\\.` for a dot in a name")
            }
            Self::Twice(path) => write!(f, "{path} is listed in two ways"),
            Self::Mandatory(paths) => write!(f, "mandatory fields cannot be withheld or changed: {}", paths.join(", ")),
            Self::Transform(how) => write!(f, "{how:?}: last-4, truncate:N and bucket:N are known"),
        }
    }
}

impl std::error::Error for PolicyError {}

impl From<PolicyError> for AppError {
    fn from(error: PolicyError) -> Self {
        anyhow::Error::from(error).into()
    }
}

/// Paths as a tree.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node<T> {
    pub(super) below: BTreeMap<String, Node<T>>,
    /// A listed path ends here.
    pub(super) listed: Option<T>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { below: BTreeMap::new(), listed: None }
    }
}

/// The names of a path.
pub(super) fn names(path: &str) -> Result<Vec<String>, PolicyError> {
    let wrong = || PolicyError::Path(path.to_owned());
    let (mut names, mut name, mut chars) = (Vec::new(), String::new(), path.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => name.push(chars.next().filter(|c| matches!(c, '.' | '\\')).ok_or_else(wrong)?),
            '.' => names.push(std::mem::take(&mut name)),
            other => name.push(other),
        }
    }
    names.push(name);
    if names.iter().any(String::is_empty) { Err(wrong()) } else { Ok(names) }
}

impl<T> Node<T> {
    fn add(&mut self, path: &str, what: T) -> Result<(), PolicyError> {
        let node = names(path)?.into_iter().fold(self, |node, name| node.below.entry(name).or_default());
        match node.listed.replace(what) {
            None => Ok(()),
            Some(_) => Err(PolicyError::Twice(path.to_owned())),
        }
    }
}

/// Which fields may leave, and how.
#[derive(Clone, PartialEq, Debug)]
pub struct FieldPolicy {
    /// Whether listed fields leave or stay.
    pub mode: Mode,
    pub(super) mandatory: Node<()>,
    pub(super) listed: Node<()>,
    pub(super) tiers: Node<Tier>,
    fields: Vec<String>,
}

fn transform(how: &str) -> Result<Transform, PolicyError> {
    let wrong = || PolicyError::Transform(how.to_owned());
    match how.split_once(':') {
        None if how == "last-4" => Ok(Transform::Last4),
        Some(("truncate", n)) => n.parse().map(Transform::Truncate).map_err(|_| wrong()),
        Some(("bucket", n)) => n.parse().ok().filter(|&n| n > 0).map(Transform::Bucket).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

impl FieldPolicy {
    /// Without a configuration: the mandatory fields only.
    pub fn minimum(preset: Preset) -> Self {
        let mut mandatory = Node::default();
        for field in preset.fields() {
            // The presets hold each field once.
            let _ = mandatory.add(field, ());
        }
        Self { mode: Mode::Allow, mandatory, listed: Node::default(), tiers: Node::default(), fields: Vec::new() }
    }

    /// Reads `{"key": "REDACTION_CONFIG", "value": {"type": "WHITELIST", "fields": [...]}}`, or its `value`. ALLOW and DENY are synonyms; `encrypt` (a keyed hash), `seal` (a ciphertext),
    /// `transform` and `default` list fields that leave changed. `lenient`: a mandatory field that is denied stays, where it would be an error.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn parse(text: &str, preset: Preset, lenient: bool) -> Result<Self, PolicyError> {
        let malformed = |e: serde_json::Error| PolicyError::Malformed(e.to_string());
        let json: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        let value: Value = match json.get("key") {
            None => serde_json::from_value(json).map_err(malformed)?,
            Some(_) => {
                let stored: Stored = serde_json::from_value(json).map_err(malformed)?;
                if stored.key != "REDACTION_CONFIG" {
                    return Err(PolicyError::Malformed(format!("the key is {:?}, not REDACTION_CONFIG", stored.key)));
                }
                stored.value
            }
        };
        let mode = match value.r#type.as_str() {
            "WHITELIST" | "ALLOW" => Mode::Allow,
            "BLACKLIST" | "DENY" => Mode::Deny,
            other => {
                return Err(PolicyError::Malformed(format!("type is {other:?}: WHITELIST, BLACKLIST, ALLOW or DENY")));
            }
        };
        let mut policy = Self { mode, fields: value.fields.clone(), ..Self::minimum(preset) };
        let mut all = Node::default();
        for field in &value.fields {
            policy.listed.add(field, ())?;
            all.add(field, ())?;
        }
        let transforms = value.transform.iter().map(|(f, how)| Ok((f, Tier::Transform(transform(how)?))));
        let tiers = transforms
            .chain(value.encrypt.iter().map(|f| Ok((f, Tier::Encrypt))))
            .chain(value.seal.iter().map(|f| Ok((f, Tier::Seal))))
            .chain(value.default.iter().map(|f| Ok((f, Tier::Default))))
            .collect::<Result<Vec<_>, PolicyError>>()?;
        for (field, tier) in tiers {
            all.add(field, ())?;
            policy.tiers.add(field, tier)?;
            if mode == Mode::Allow {
                policy.listed.add(field, ())?;
            }
        }
        let denied = value.fields.iter().filter(|_| mode == Mode::Deny && !lenient);
        let changed = value.encrypt.iter().chain(&value.seal).chain(value.transform.keys()).chain(&value.default);
        let touched: Vec<String> = denied.chain(changed).filter(|f| policy.is_mandatory(f)).cloned().collect();
        if touched.is_empty() { Ok(policy) } else { Err(PolicyError::Mandatory(touched)) }
    }

    /// Whether a path is mandatory, leads to something that is, or lies in it.
    fn is_mandatory(&self, path: &str) -> bool {
        let mut node = &self.mandatory;
        for name in names(path).unwrap_or_default() {
            if node.listed.is_some() && node.below.is_empty() {
                return true;
            }
            match node.below.get(&name) {
                Some(below) => node = below,
                None => return false,
            }
        }
        true
    }

    /// Whether some fields are to be encrypted.
    pub fn seals(&self) -> bool {
        fn any(node: &Node<Tier>) -> bool {
            matches!(node.listed, Some(Tier::Encrypt | Tier::Seal)) || node.below.values().any(any)
        }
        any(&self.tiers)
    }

    /// The listed fields.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }
}
