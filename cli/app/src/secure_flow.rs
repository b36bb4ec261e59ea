//! The proof that a secure flow keeps what is secret.

use std::collections::{BTreeMap, BTreeSet};

use cli_wire::secure_flow::{Leak, SecureFlow};
use engine::secure::Mode;

use crate::error::{Result, bail};

/// Actions that end a flow.
const TERMINALS: [&str; 3] = ["return-to-agent", "transfer", "disconnect"];
/// Actions that may read a secret.
const SECURE: [&str; 4] = ["call-secure-data", "extract-secure-data", "set-secured-data", "play-to-caller"];
/// Actions that must not stand in a secure flow at all: they write down what is heard or said.
const FORBIDDEN: [&str; 5] = ["record", "capture", "transcribe", "log", "screen-pop"];

fn mode(text: &str) -> Option<Mode> {
    match text {
        "agent-returns" | "A" => Some(Mode::AgentReturns),
        "agent-released" | "B" => Some(Mode::AgentReleased),
        "ivr-only" | "C" => Some(Mode::IvrOnly),
        _ => None,
    }
}

/// Everything that is wrong, in the order of the actions.
///
/// # Errors
/// The mode is unknown, two actions have one id, or an action leads nowhere.
pub fn lint(flow: &SecureFlow) -> Result<Vec<Leak>> {
    let Some(mode) = mode(&flow.mode) else {
        bail!("mode is {:?}, not agent-returns, agent-released or ivr-only", flow.mode);
    };
    let mut by_id = BTreeMap::new();
    for action in &flow.actions {
        if by_id.insert(action.id.as_str(), action).is_some() {
            bail!("two actions have the id {:?}", action.id);
        }
    }
    for (from, to) in flow.actions.iter().flat_map(|a| a.next.iter().map(move |n| (a.id.as_str(), n.as_str()))) {
        if !by_id.contains_key(to) {
            bail!("action {from:?} leads to {to:?}, which is not in the flow");
        }
    }
    if !by_id.contains_key(flow.start.as_str()) {
        bail!("start {:?} is not among the actions", flow.start);
    }

    let mut reachable = BTreeSet::new();
    let mut open = vec![flow.start.as_str()];
    while let Some(id) = open.pop() {
        if reachable.insert(id) {
            open.extend(by_id.get(id).iter().flat_map(|a| a.next.iter().map(String::as_str)));
        }
    }
    // Actions from which some way leads to an end.
    let mut ending: BTreeSet<&str> =
        flow.actions.iter().filter(|a| TERMINALS.contains(&a.kind.as_str())).map(|a| a.id.as_str()).collect();
    loop {
        let more: Vec<&str> = flow
            .actions
            .iter()
            .filter(|a| !ending.contains(a.id.as_str()) && a.next.iter().any(|n| ending.contains(n.as_str())))
            .map(|a| a.id.as_str())
            .collect();
        if more.is_empty() {
            break;
        }
        ending.extend(more);
    }

    let secret = |name: &String| flow.secrets.contains(name);
    let mut leaks = Vec::new();
    for action in flow.actions.iter().filter(|a| reachable.contains(a.id.as_str())) {
        let kind = action.kind.as_str();
        let mut leak = |code, message: String| leaks.push(Leak { code, action: action.id.clone(), message });
        if FORBIDDEN.contains(&kind) {
            leak("FORBIDDEN_ACTION", format!("{kind} writes down what is secret"));
        }
        if TERMINALS.contains(&kind) {
            if kind == "return-to-agent" && !mode.may_return() {
                leak("FORBIDDEN_END", format!("a flow of mode {} may not return to the agent", flow.mode));
            }
            if !action.next.is_empty() {
                leak("AFTER_THE_END", format!("{kind} ends the flow, and something follows"));
            }
            if let Some(name) = action.reads.iter().find(|n| secret(n)) {
                leak("SECRET_LEAVES", format!("{kind} hands over {name}"));
            }
            continue;
        }
        if action.next.is_empty() {
            leak("NO_END", "the way ends here, and not in return, transfer or disconnect".to_owned());
        } else if !ending.contains(action.id.as_str()) {
            leak("NO_END", "no way from here leads to an end".to_owned());
        }
        let read = action.reads.iter().find(|n| secret(n));
        if let Some(name) = read
            && !SECURE.contains(&kind)
        {
            leak("SECRET_READ", format!("{kind} is no secure action, and reads {name}"));
        }
        if kind == "extract-secure-data" {
            let named = |t: &Option<String>| t.as_ref().is_some_and(|t| !t.trim().is_empty());
            if !(named(&action.acknowledged_by) && named(&action.acknowledged_at)) {
                leak(
                    "NOT_ACKNOWLEDGED",
                    "nobody answers for this extraction (acknowledged_by, acknowledged_at)".to_owned(),
                );
            }
        } else if read.is_some()
            && kind != "call-secure-data"
            && let Some(name) = action.writes.iter().find(|n| !secret(n))
        {
            leak("SECRET_COPIED", format!("{name} is no secret, and gets what was read from one"));
        }
    }
    Ok(leaks)
}
#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        let flow: SecureFlow = serde_json::from_str(text).unwrap();
        lint(&flow).unwrap().into_iter().map(|l| l.code).collect()
    }

    fn flow(mode: &str, actions: &str) -> String {
        format!(r#"{{"mode":"{mode}","start":"a","secrets":["card"],"actions":[{actions}]}}"#)
    }

    #[test]
    fn e17_each_modes_forbidden_terminal_is_rejected() {
        for (mode, terminal, want) in [
            ("agent-returns", "return-to-agent", vec![]),
            ("agent-returns", "transfer", vec![]),
            ("agent-returns", "disconnect", vec![]),
            ("B", "return-to-agent", vec!["FORBIDDEN_END"]),
            ("ivr-only", "return-to-agent", vec!["FORBIDDEN_END"]),
            ("C", "transfer", vec![]),
            ("agent-released", "disconnect", vec![]),
        ] {
            let actions = format!(
                r#"{{"id":"a","type":"collect","writes":["card"],"next":["z"]}},{{"id":"z","type":"{terminal}"}}"#
            );
            assert_eq!(codes(&flow(mode, &actions)), want, "{mode} {terminal}");
        }
    }

    #[test]
    fn every_leak_is_found_and_what_cannot_be_reached_is_not_judged() {
        let end = r#"{"id":"z","type":"disconnect"}"#;
        for (action, want) in [
            (r#"{"id":"a","type":"log","next":["z"]}"#, vec!["FORBIDDEN_ACTION"]),
            (r#"{"id":"a","type":"say","reads":["card"],"next":["z"]}"#, vec!["SECRET_READ"]),
            (r#"{"id":"a","type":"say"}"#, vec!["NO_END"]),
            (r#"{"id":"a","type":"say","next":["a"]}"#, vec!["NO_END"]),
            (r#"{"id":"a","type":"transfer","reads":["card"]}"#, vec!["SECRET_LEAVES"]),
            (r#"{"id":"a","type":"transfer","next":["z"]}"#, vec!["AFTER_THE_END"]),
            (
                r#"{"id":"a","type":"extract-secure-data","reads":["card"],"writes":["last4"],"next":["z"]}"#,
                vec!["NOT_ACKNOWLEDGED"],
            ),
            (
                r#"{"id":"a","type":"extract-secure-data","reads":["card"],"writes":["last4"],"next":["z"],"acknowledged_by":"x","acknowledged_at":"2026-11-25"}"#,
                vec![],
            ),
            (r#"{"id":"a","type":"play-to-caller","reads":["card"],"next":["z"]}"#, vec![]),
            (
                r#"{"id":"a","type":"set-secured-data","reads":["card"],"writes":["open"],"next":["z"]}"#,
                vec!["SECRET_COPIED"],
            ),
            (r#"{"id":"a","type":"call-secure-data","reads":["card"],"writes":["confirmation"],"next":["z"]}"#, vec![]),
            (r#"{"id":"a","type":"say","next":["z"]},{"id":"lost","type":"log"}"#, vec![]),
        ] {
            assert_eq!(codes(&flow("A", &format!("{action},{end}"))), want, "{action}");
        }
        for (bad, named) in [
            (flow("D", end), "mode"),
            (flow("A", end), "start"),
            (flow("A", r#"{"id":"a","type":"say","next":["q"]}"#), "\"q\""),
            (flow("A", r#"{"id":"a","type":"say"},{"id":"a","type":"say"}"#), "two actions"),
        ] {
            let parsed: SecureFlow = serde_json::from_str(&bad).unwrap();
            assert!(lint(&parsed).unwrap_err().to_string().contains(named), "{bad}");
        }
    }
}
