//! What publishing a flow checks of its Voice ID blocks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cli_store::{CustomerSpeakerId, WatchlistId};
use cli_wire::flow::{Action, Finding, Flow, Severity};
use engine::call::{CheckOption, EnrollmentBranch};
use engine::score::{Branch, FraudBranch};

use super::blocks::{AUTHENTICATION, FLAGS, FRAUD, Kind, NUMBERS, flag, is_dynamic, is_set, number, sets, voice_id};

/// The kinds of flow that a Set block may stand in, as exports and the API spell them.
const ALLOWED_TYPES: [&str; 14] = [
    "contactFlow",
    "CONTACT_FLOW",
    "customerQueue",
    "CUSTOMER_QUEUE",
    "customerWhisper",
    "CUSTOMER_WHISPER",
    "outboundWhisper",
    "OUTBOUND_WHISPER",
    "agentWhisper",
    "AGENT_WHISPER",
    "agentTransfer",
    "AGENT_TRANSFER",
    "queueTransfer",
    "QUEUE_TRANSFER",
];
const HOLD_TYPES: [&str; 4] = ["customerHold", "CUSTOMER_HOLD", "agentHold", "AGENT_HOLD"];

struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn put(&mut self, severity: Severity, code: &'static str, action: &Action, message: impl Into<String>) {
        let action = Some(action.identifier.clone());
        self.findings.push(Finding { severity, code, action, message: message.into() });
    }

    fn error(&mut self, code: &'static str, action: &Action, message: impl Into<String>) {
        self.put(Severity::Error, code, action, message);
    }
}

/// Checks a flow; the findings in the order of its blocks.
pub fn lint(flow: &Flow) -> Vec<Finding> {
    let mut report = Report { findings: Vec::new() };
    flow_type(flow, &mut report);
    let known: BTreeSet<&str> = flow.actions.iter().map(|a| a.identifier.as_str()).collect();
    for action in &flow.actions {
        for target in action.transitions.targets().filter(|t| !known.contains(t)) {
            report.error("UNKNOWN_ACTION", action, format!("leads to {target:?}, which is not in the flow"));
        }
        match voice_id(action) {
            Some(Kind::UpdateContactData) => contact_data(action, &mut report),
            Some(Kind::StartVoiceIdStream) => start_stream(action, &mut report),
            Some(Kind::CheckVoiceId) => check(action, &mut report),
            None => {}
        }
    }
    order(flow, &mut report);
    report.findings
}

fn flow_type(flow: &Flow, report: &mut Report) {
    let ours = flow.actions.iter().find(|a| sets(a) || voice_id(a).is_some_and(|k| k != Kind::UpdateContactData));
    let (Some(action), Some(kind)) = (ours, flow.flow_type()) else { return };
    if HOLD_TYPES.contains(&kind) {
        report.error("FLOW_TYPE", action, format!("Voice ID blocks are not allowed in a {kind} flow"));
    } else if !ALLOWED_TYPES.contains(&kind) {
        report.put(
            Severity::Warning,
            "FLOW_TYPE",
            action,
            format!("{kind} is no kind of flow that is known to take Voice ID blocks"),
        );
    }
}

fn needs_error_branch(action: &Action, report: &mut Report) {
    if action.transitions.error("NoMatchingError").is_none() {
        report.error("NO_ERROR_BRANCH", action, "has no branch for NoMatchingError");
    }
}

/// What is wrong with the values of an `UpdateContactData`: codes and messages. Dynamic values are left for when they are known.
pub(super) fn problems(values: &BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut put = |code, message: String| found.push((code, message));
    let get = |name: &str| values.get(name).map(String::as_str);
    let fixed = |name: &str| get(name).filter(|v| !is_dynamic(v));
    if let Some(target) = get("TargetContact").filter(|t| !["Current", "Related"].contains(t)) {
        put("TARGET_CONTACT", format!("TargetContact is {target:?}, not Current or Related"));
    }
    if fixed("CustomerId").is_some_and(|id| id.parse::<CustomerSpeakerId>().is_err()) {
        let rule = "1 to 256 letters, digits, _ or -, a letter or digit first";
        put("CUSTOMER_ID", format!("CustomerId is not {rule}"));
    }
    let needs: Vec<(&str, &str)> =
        NUMBERS.iter().map(|n| (n.0, n.1)).chain([("WatchlistId", FRAUD)]).filter(|n| get(n.0).is_some()).collect();
    if !is_set(values) {
        for (name, flag) in needs {
            put("FLAG_MISSING", format!("{name} without {flag}"));
        }
        return found;
    }
    for name in FLAGS {
        match get(name) {
            None => put("FLAGS_TOGETHER", format!("{name} is missing: the three flags stand together")),
            Some(v) if flag(v).is_none() => put("FLAG", format!("{name} is {v:?}, not TRUE or FALSE")),
            Some(_) => {}
        }
    }
    for (name, flag_name) in needs {
        if get(flag_name).and_then(flag) == Some(false) {
            put("FLAG_OFF", format!("{name} is set, and {flag_name} is FALSE"));
        }
    }
    for (name, _, least, most) in NUMBERS {
        if let Some(value) = fixed(name).filter(|v| number(v, least, most).is_none()) {
            put("RANGE", format!("{name} is {value:?}, not a whole number from {least} to {most}"));
        }
    }
    if fixed("WatchlistId").is_some_and(|id| id.parse::<WatchlistId>().is_err()) {
        put("WATCHLIST_ID", "WatchlistId is not 22 letters or digits".to_owned());
    }
    found
}

fn contact_data(action: &Action, report: &mut Report) {
    let values = action.texts();
    for (code, message) in problems(&values) {
        report.error(code, action, message);
    }
    if !is_set(&values) {
        return;
    }
    needs_error_branch(action, report);
    if [AUTHENTICATION, FRAUD].iter().all(|f| values.get(*f).and_then(|v| flag(v)) == Some(false)) {
        report.put(Severity::Warning, "NOTHING_ASKED", action, "neither authentication nor fraud detection is on");
    }
}

fn start_stream(action: &Action, report: &mut Report) {
    needs_error_branch(action, report);
    if !action.parameters.is_empty() {
        report.error("PARAMETERS", action, "StartVoiceIdStream takes no parameters");
    }
    if !action.transitions.conditions.is_empty() {
        report.error("CONDITIONS", action, "StartVoiceIdStream has no conditions");
    }
}

/// The branches of an option, in the flow's spelling.
pub(super) fn branches(option: CheckOption) -> Vec<&'static str> {
    match option {
        CheckOption::EnrollmentStatus => EnrollmentBranch::ALL.iter().map(|b| b.as_str()).collect(),
        CheckOption::VoiceAuthentication => Branch::ALL.iter().map(|b| b.as_str()).collect(),
        CheckOption::FraudDetection => FraudBranch::ALL.iter().map(|b| b.as_str()).collect(),
    }
}

pub(super) fn option(action: &Action) -> Option<CheckOption> {
    let text = action.text("CheckVoiceIdOption")?;
    CheckOption::ALL.iter().copied().find(|o| o.as_str() == text)
}

fn check(action: &Action, report: &mut Report) {
    needs_error_branch(action, report);
    let Some(option) = option(action) else {
        let names: Vec<&str> = CheckOption::ALL.iter().map(|o| o.as_str()).collect();
        let given = action.text("CheckVoiceIdOption").unwrap_or_default();
        report.error("OPTION", action, format!("CheckVoiceIdOption is {given:?}, not {}", names.join(", ")));
        return;
    };
    let known = branches(option);
    let mut seen = BTreeSet::new();
    for c in &action.transitions.conditions {
        let (operator, operands) = (c.condition.operator.as_str(), &c.condition.operands);
        match operands.as_slice() {
            [operand] if operator == "Equals" => {
                if !known.contains(&operand.as_str()) {
                    report.error("CONDITION", action, format!("{operand:?} is no result of {option}"));
                }
                if !seen.insert(operand.as_str()) {
                    report.error("CONDITION", action, format!("{operand:?} leads to two actions"));
                }
            }
            _ => report.error(
                "CONDITION",
                action,
                format!("{operator} with {} operands, not Equals with one", operands.len()),
            ),
        }
    }
}

/// What has happened on the way to a block, on every way that leads there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Before {
    set: bool,
    customer: bool,
}

/// A Set before each Check, and a CustomerId where one is needed.
fn order(flow: &Flow, report: &mut Report) {
    let by_name: BTreeMap<&str, &Action> = flow.actions.iter().map(|a| (a.identifier.as_str(), a)).collect();
    let mut before: BTreeMap<&str, Before> = BTreeMap::new();
    let mut open = VecDeque::from([(flow.start_action.as_str(), Before { set: false, customer: false })]);
    while let Some((identifier, arriving)) = open.pop_front() {
        let Some(&action) = by_name.get(identifier) else { continue };
        let known = before.get(action.identifier.as_str()).copied();
        let met = known
            .map_or(arriving, |k| Before { set: k.set && arriving.set, customer: k.customer && arriving.customer });
        if known == Some(met) {
            continue;
        }
        before.insert(action.identifier.as_str(), met);
        let after = |failed: bool| Before {
            set: met.set || (sets(action) && !failed),
            customer: met.customer
                || (!failed
                    && voice_id(action) == Some(Kind::UpdateContactData)
                    && action.parameters.contains_key("CustomerId")),
        };
        let t = &action.transitions;
        open.extend(t.errors.iter().map(|e| (e.next_action.as_str(), after(true))));
        let well = t.next_action.iter().map(String::as_str).chain(t.conditions.iter().map(|c| c.next_action.as_str()));
        open.extend(well.map(|next| (next, after(false))));
    }
    let any_set = flow.actions.iter().any(sets);
    for action in flow.actions.iter().filter(|a| voice_id(a) == Some(Kind::CheckVoiceId)) {
        match before.get(action.identifier.as_str()) {
            None => report.put(Severity::Warning, "UNREACHABLE", action, "no way leads here"),
            Some(b) if !b.set && !any_set => report.error("NO_SET", action, "no Set Voice ID comes before this Check"),
            Some(b) if !b.set => {
                report.put(Severity::Warning, "NO_SET", action, "on some ways no Set Voice ID comes before this Check");
            }
            Some(b) if !b.customer && option(action).is_some_and(|o| o != CheckOption::FraudDetection) => {
                report.put(
                    Severity::Warning,
                    "NO_CUSTOMER_ID",
                    action,
                    "on some ways no CustomerId is set before this Check",
                );
            }
            Some(_) => {}
        }
    }
}
