//! Contact flows in Amazon Connect's flow language (version 2019-10-30): what publishing checks of their Voice ID blocks, and a walk through
//! one against a recording.

mod lint;
mod run;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

pub use lint::{Finding, Severity, lint};
pub use run::{Contact, Step, run};

/// The flow language's only version.
pub const VERSION: &str = "2019-10-30";
/// Most actions of a flow.
const MAX_ACTIONS: usize = 10_000;

/// A contact flow.
#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Flow {
    /// Of the language.
    pub version: String,
    /// Where the walk begins.
    pub start_action: String,
    /// The blocks.
    pub actions: Vec<Action>,
    /// The editor's own; its `type` names the kind of flow.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The kind of flow, where the export says it here.
    #[serde(default, rename = "Type")]
    pub kind: Option<String>,
}

/// A block.
#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Action {
    /// Names it in the flow.
    pub identifier: String,
    /// What it does.
    #[serde(rename = "Type")]
    pub kind: String,
    /// What it is told.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// Where it leads.
    #[serde(default)]
    pub transitions: Transitions,
}

/// Where a block leads.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "PascalCase")]
pub struct Transitions {
    /// Without an error and a matching condition.
    #[serde(default)]
    pub next_action: Option<String>,
    /// By error.
    #[serde(default)]
    pub errors: Vec<ErrorTransition>,
    /// By result.
    #[serde(default)]
    pub conditions: Vec<ConditionTransition>,
}

/// Where an error leads.
#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct ErrorTransition {
    /// The block.
    pub next_action: String,
    /// The error.
    pub error_type: String,
}

/// Where a result leads.
#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct ConditionTransition {
    /// The block.
    pub next_action: String,
    /// The result.
    pub condition: Condition,
}

/// A result that is waited for.
#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Condition {
    /// `Equals` and others.
    pub operator: String,
    /// What it is compared with.
    #[serde(default)]
    pub operands: Vec<String>,
}

impl Transitions {
    /// Every block that may follow.
    fn targets(&self) -> impl Iterator<Item = &str> {
        let next = self.next_action.iter().map(String::as_str);
        next.chain(self.errors.iter().map(|e| e.next_action.as_str()))
            .chain(self.conditions.iter().map(|c| c.next_action.as_str()))
    }

    /// Where an error of this type leads.
    fn error(&self, kind: &str) -> Option<&str> {
        self.errors.iter().find(|e| e.error_type == kind).map(|e| e.next_action.as_str())
    }
}

/// The three kinds of block that are Voice ID's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Half of a Set block, or the setting of other contact data.
    UpdateContactData,
    /// The other half.
    StartVoiceIdStream,
    /// A Check block.
    CheckVoiceId,
}

impl Action {
    fn voice_id(&self) -> Option<Kind> {
        match self.kind.as_str() {
            "UpdateContactData" => Some(Kind::UpdateContactData),
            "StartVoiceIdStream" => Some(Kind::StartVoiceIdStream),
            "CheckVoiceId" => Some(Kind::CheckVoiceId),
            _ => None,
        }
    }

    /// A parameter as text: strings as they are, numbers and truth values as they are written.
    fn text(&self, name: &str) -> Option<String> {
        match self.parameters.get(name)? {
            Value::String(s) => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            _ => None,
        }
    }

    /// All parameters that have a text.
    fn texts(&self) -> BTreeMap<String, String> {
        self.parameters.keys().filter_map(|name| Some((name.clone(), self.text(name)?))).collect()
    }

    /// Whether it sets anything of Voice ID.
    fn is_set(&self) -> bool {
        self.voice_id() == Some(Kind::UpdateContactData) && FLAGS.iter().any(|f| self.parameters.contains_key(*f))
    }
}

const STREAMING: &str = "IsVoiceIdStreamingEnabled";
const AUTHENTICATION: &str = "IsVoiceAuthenticationEnabled";
const FRAUD: &str = "IsFraudDetectionEnabled";
/// The flags that must stand together.
const FLAGS: [&str; 3] = [STREAMING, AUTHENTICATION, FRAUD];
/// A number: its parameter, its flag, its range.
const NUMBERS: [(&str, &str, u8, u8); 3] = [
    ("VoiceAuthenticationThreshold", AUTHENTICATION, 0, 100),
    ("VoiceAuthenticationResponseTime", AUTHENTICATION, 5, 10),
    ("FraudDetectionThreshold", FRAUD, 0, 100),
];

/// Whether contact data set anything of Voice ID.
fn is_set(values: &BTreeMap<String, String>) -> bool {
    FLAGS.iter().any(|f| values.contains_key(*f))
}

/// A value that is looked up when the flow runs.
fn is_dynamic(value: &str) -> bool {
    value.starts_with("$.") || value.starts_with("$[")
}

/// `TRUE` or `FALSE`, in whichever case.
fn flag(value: &str) -> Option<bool> {
    match value.to_ascii_uppercase().as_str() {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    }
}

fn number(value: &str, least: u8, most: u8) -> Option<u8> {
    value.parse::<u8>().ok().filter(|n| (least..=most).contains(n) && !value.starts_with('+'))
}

/// Reads a flow from the text of a file.
///
/// # Errors
/// It is no flow, or has more than 10,000 actions, two of one name, or a start that is not there.
pub fn parse(text: &str, path: &Path) -> Result<Flow> {
    let name = path.display().to_string();
    let flow: Flow = serde_json::from_str(text).with_context(|| format!("{name}: not a contact flow"))?;
    if flow.version != VERSION {
        bail!("{name}: Version is {:?}, this program knows {VERSION:?}", flow.version);
    }
    if flow.actions.len() > MAX_ACTIONS {
        bail!("{name}: {} actions, a flow has at most {MAX_ACTIONS}", flow.actions.len());
    }
    let mut seen = BTreeMap::new();
    for (i, action) in flow.actions.iter().enumerate() {
        if seen.insert(action.identifier.as_str(), i).is_some() {
            bail!("{name}: two actions are named {:?}", action.identifier);
        }
    }
    if !seen.contains_key(flow.start_action.as_str()) {
        bail!("{name}: StartAction {:?} is not among the actions", flow.start_action);
    }
    Ok(flow)
}

impl Flow {
    /// The block of a name.
    fn action(&self, identifier: &str) -> Option<&Action> {
        self.actions.iter().find(|a| a.identifier == identifier)
    }

    /// The kind of flow, as far as the export says it.
    pub fn flow_type(&self) -> Option<&str> {
        self.kind.as_deref().or_else(|| self.metadata.get("type").and_then(Value::as_str))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.identifier, self.kind)
    }
}
