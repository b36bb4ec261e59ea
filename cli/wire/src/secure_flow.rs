//! A secure flow as a small graph.
//!
//! ```json
//! { "mode": "agent-returns", "start": "ask", "secrets": ["card"], "actions": [
//!   { "id": "ask", "type": "collect", "writes": ["card"], "next": ["pay"] },
//!   { "id": "pay", "type": "call-secure-data", "reads": ["card"], "writes": ["confirmation"], "next": ["back", "sorry"] },
//!   { "id": "back", "type": "return-to-agent" }, { "id": "sorry", "type": "disconnect" } ] }
//! ```

use serde::{Deserialize, Serialize};

/// A secure flow.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct SecureFlow {
    /// `agent-returns`, `agent-released` or `ivr-only`.
    pub mode: String,
    /// The action that comes first.
    pub start: String,
    /// The names of what is secret.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The actions.
    pub actions: Vec<SecureAction>,
}

/// One of its actions.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct SecureAction {
    /// Names the action.
    pub id: String,
    /// What it does.
    #[serde(rename = "type")]
    pub kind: String,
    /// The actions that may follow.
    #[serde(default)]
    pub next: Vec<String>,
    /// The values that it reads.
    #[serde(default)]
    pub reads: Vec<String>,
    /// The values that it writes.
    #[serde(default)]
    pub writes: Vec<String>,
    /// Who answers for an extraction, and since when.
    #[serde(default)]
    pub acknowledged_by: Option<String>,
    /// Since when.
    #[serde(default)]
    pub acknowledged_at: Option<String>,
}

/// Something that the flow would give away, or a way that does not end as it must.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Leak {
    /// A code for programs.
    pub code: &'static str,
    /// The action.
    pub action: String,
    /// One line.
    pub message: String,
}
