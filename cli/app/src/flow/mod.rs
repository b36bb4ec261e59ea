//! Contact flows in Amazon Connect's flow language (version 2019-10-30): what publishing checks of their Voice ID blocks, and a walk through
//! one against a recording.

mod blocks;
mod lint;
mod run;

use std::collections::BTreeMap;
use std::path::Path;

use cli_wire::flow::Flow;

use crate::error::{Context, Result, bail};

pub use lint::lint;
pub use run::run;

/// The flow language's only version.
pub const VERSION: &str = "2019-10-30";
/// Most actions of a flow.
const MAX_ACTIONS: usize = 10_000;

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
