//! Contact flows in Amazon Connect's flow language (version 2019-10-30), the contact that walks through one, and what is told of both.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let next = self.next_action.iter().map(String::as_str);
        next.chain(self.errors.iter().map(|e| e.next_action.as_str()))
            .chain(self.conditions.iter().map(|c| c.next_action.as_str()))
    }

    /// Where an error of this type leads.
    pub fn error(&self, kind: &str) -> Option<&str> {
        self.errors.iter().find(|e| e.error_type == kind).map(|e| e.next_action.as_str())
    }
}

impl Action {
    /// A parameter as text: strings as they are, numbers and truth values as they are written.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.parameters.get(name)? {
            Value::String(s) => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            _ => None,
        }
    }

    /// All parameters that have a text.
    pub fn texts(&self) -> BTreeMap<String, String> {
        self.parameters.keys().filter_map(|name| Some((name.clone(), self.text(name)?))).collect()
    }
}

impl Flow {
    /// The block of a name.
    pub fn action(&self, identifier: &str) -> Option<&Action> {
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

/// The contact that walks.
#[derive(Deserialize, Clone, Debug)]
pub struct Contact {
    /// `VOICE`, `CHAT` or `TASK`.
    #[serde(rename = "Channel", default = "voice")]
    pub channel: String,
    /// Its id.
    #[serde(rename = "ContactId", default)]
    pub contact_id: Option<String>,
    /// Attributes that are set already.
    #[serde(rename = "Attributes", default)]
    pub attributes: BTreeMap<String, String>,
    /// The rest of the contact's data, for dynamic values.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

fn voice() -> String {
    "VOICE".to_owned()
}

/// A block that was passed.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Step {
    /// Its name in the flow.
    pub identifier: String,
    /// Its type.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The branch that was taken: `Success`, a result, or an error.
    pub branch: String,
    /// Why an error branch was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was set, dynamic values looked up.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// The score that an authentication rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// Seconds of the call that had been heard.
    pub heard_seconds: f64,
    /// The block that followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How grave a finding is.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It can be published, and may surprise.
    Warning,
    /// It cannot be published.
    Error,
}

/// Something that is wrong.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// A code for programs.
    pub code: &'static str,
    /// The block; `None` for the flow as a whole.
    pub action: Option<String>,
    /// One line.
    pub message: String,
}
