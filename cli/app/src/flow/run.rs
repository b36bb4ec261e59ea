//! A walk through a flow against a recording.

use std::collections::BTreeMap;

use cli_store::{CustomerSpeakerId, Domain};
use cli_wire::flow::{Action, Contact, Flow, Step};
use cli_wire::voice_id::Report;
use engine::call::{Answer, Authentication, Settings};
use engine::score::{AuthPolicy, Score};
use serde_json::Value;

use super::blocks::{AUTHENTICATION, FRAUD, Kind, STREAMING, flag, is_dynamic, is_set, sets, voice_id};
use super::lint::{option, problems};
use crate::analysis::Toolkit;
use crate::error::{Context, Result, bail};
use crate::live::Line;
use crate::watch::{self, WatchIds};
use cli_audio::MonoReader;

/// Blocks that a walk passes at most: a flow that goes round in circles ends here.
const MAX_STEPS: usize = 1_000;

/// Why a block takes its error branch.
struct Fail(String);

fn is_on(values: &BTreeMap<String, String>, name: &str) -> bool {
    values.get(name).and_then(|v| flag(v)) == Some(true)
}

struct Walk<'a, 'd> {
    domain: &'d Domain,
    tools: &'a Toolkit,
    contact: Contact,
    line: Line<'d>,
    audio: MonoReader,
    chunk: Vec<f32>,
    ended: bool,
    /// The flag of the latest Set block.
    streaming: bool,
    settings: Settings,
    ids: WatchIds,
}

/// Walks through a flow. What is not Voice ID's is passed over by its main way; `UpdateContactAttributes` and `Compare` do
/// what they say, as far as values of the contact go.
///
/// # Errors
/// The audio or the domain cannot be read, or the flow leads nowhere or in circles.
pub fn run(
    flow: &Flow,
    contact: Contact,
    tools: &Toolkit,
    domain: &Domain,
    line: Line<'_>,
    audio: MonoReader,
) -> Result<(Vec<Step>, Report)> {
    let settings = Settings { streaming: false, authentication: None, fraud: None };
    let mut walk = Walk {
        domain,
        tools,
        contact,
        line,
        audio,
        chunk: Vec::new(),
        ended: false,
        streaming: false,
        settings,
        ids: WatchIds::default(),
    };
    let mut steps = Vec::new();
    let mut next = Some(flow.start_action.clone());
    while let Some(identifier) = next {
        if steps.len() == MAX_STEPS {
            bail!("the walk passes more than {MAX_STEPS} actions: the flow goes round in circles");
        }
        let action = flow
            .action(&identifier)
            .with_context(|| format!("the flow leads to {identifier:?}, which is not in it"))?;
        let step = walk.step(action).with_context(|| format!("action {action}"))?;
        next = step.next.clone();
        steps.push(step);
    }
    walk.line.finish()?;
    let report = walk.line.report()?;
    Ok((steps, report))
}

impl Walk<'_, '_> {
    fn step(&mut self, action: &Action) -> Result<Step> {
        let mut step = Step {
            identifier: action.identifier.clone(),
            kind: action.kind.clone(),
            branch: "Success".to_owned(),
            reason: None,
            values: BTreeMap::new(),
            score: None,
            heard_seconds: 0.0,
            next: action.transitions.next_action.clone(),
        };
        let outcome = match voice_id(action) {
            Some(_)
                if self.contact.channel != "VOICE"
                    && (sets(action) || voice_id(action) != Some(Kind::UpdateContactData)) =>
            {
                Err(Fail(format!("Voice ID works on voice contacts, not {}", self.contact.channel)))
            }
            Some(Kind::UpdateContactData) => self.update(action, &mut step)?,
            Some(Kind::StartVoiceIdStream) => self.start()?,
            Some(Kind::CheckVoiceId) => self.check(action, &mut step)?,
            None => self.pass(action, &mut step),
        };
        if let Err(Fail(reason)) = outcome {
            step.branch = "Error".to_owned();
            step.reason = Some(reason);
            step.next = action.transitions.error("NoMatchingError").map(str::to_owned);
        }
        let standing = self.line.call.standing();
        step.heard_seconds = standing.samples as f64 / f64::from(self.audio.spec().rate_hz);
        Ok(step)
    }

    /// A value as it is, or what it refers to in the contact.
    fn resolve(&self, value: &str) -> Result<String, Fail> {
        if !is_dynamic(value) {
            return Ok(value.to_owned());
        }
        let path = value.trim_start_matches("$.");
        let found = match path.split_once('.') {
            Some(("Attributes", name)) => self.contact.attributes.get(name).cloned(),
            _ if path == "Channel" => Some(self.contact.channel.clone()),
            _ if path == "ContactId" => self.contact.contact_id.clone(),
            _ => {
                let mut parts = path.split('.');
                let first = parts.next().and_then(|p| self.contact.rest.get(p));
                match parts.try_fold(first, |at, part| at.map(|v| v.get(part))).flatten() {
                    Some(Value::String(s)) => Some(s.clone()),
                    Some(Value::Number(n)) => Some(n.to_string()),
                    _ => None,
                }
            }
        };
        found.ok_or_else(|| Fail(format!("{value} refers to nothing in the contact")))
    }

    /// Sets all that the block names, or nothing.
    fn update(&mut self, action: &Action, step: &mut Step) -> Result<Result<(), Fail>> {
        let resolved = action.texts().into_iter().map(|(name, text)| Ok((name, self.resolve(&text)?)));
        let values: BTreeMap<String, String> = match resolved.collect() {
            Ok(values) => values,
            Err(fail) => return Ok(Err(fail)),
        };
        if let Some((_, message)) = problems(&values).into_iter().next() {
            return Ok(Err(Fail(message)));
        }
        if let Some(id) = values.get("CustomerId") {
            self.line.set_speaker(Some(&id.parse::<CustomerSpeakerId>()?.into()))?;
        }
        if is_set(&values) {
            (self.settings, self.ids) = self.settings_of(&values)?;
            self.streaming = is_on(&values, STREAMING);
            self.line.set(self.settings.clone(), self.ids.clone())?;
        }
        step.values = values;
        Ok(Ok(()))
    }

    /// What a Set block without problems sets.
    fn settings_of(&self, values: &BTreeMap<String, String>) -> Result<(Settings, WatchIds)> {
        let number = |name: &str, default: u8| values.get(name).map_or(Ok(default), |v| v.parse());
        let authentication = match is_on(values, AUTHENTICATION) {
            false => None,
            true => {
                let response_s = f64::from(number("VoiceAuthenticationResponseTime", 10)?);
                let policy = AuthPolicy::new(number("VoiceAuthenticationThreshold", 90)?, response_s)?;
                Some(Authentication { policy, early: false })
            }
        };
        let list = values.get("WatchlistId").map_or(watch::DEFAULT, String::as_str);
        let list = is_on(values, FRAUD).then_some(list);
        let (fraud, ids) = watch::asked(self.domain, self.tools, list, number("FraudDetectionThreshold", 50)?)?;
        // The stream itself begins with StartVoiceIdStream; one that has begun goes on.
        Ok((Settings { streaming: false, authentication, fraud }, ids))
    }

    fn start(&mut self) -> Result<Result<(), Fail>> {
        if !self.streaming {
            return Ok(Err(Fail(format!("{STREAMING} was not set to TRUE before"))));
        }
        self.settings.streaming = true;
        self.line.set(self.settings.clone(), self.ids.clone())?;
        Ok(Ok(()))
    }

    /// Listens on until there is an answer or the call ends.
    fn check(&mut self, action: &Action, step: &mut Step) -> Result<Result<(), Fail>> {
        let Some(option) = option(action) else {
            return Ok(Err(Fail("CheckVoiceIdOption is missing or unknown".to_owned())));
        };
        let answer = loop {
            match self.line.check(option) {
                Answer::Wait => {}
                answer => break answer,
            }
            if self.ended || self.audio.next_chunk(&mut self.chunk)? == 0 {
                self.ended = true;
                self.line.finish()?;
                continue;
            }
            self.line.call.push(&self.chunk)?;
            self.line.tell()?;
        };
        let now = self.line.evaluate()?;
        if matches!(answer, Answer::Authentication(_)) {
            step.score = now.authentication.and_then(|a| a.score).map(Score::value);
        }
        let branch = answer.branch().unwrap_or("Error");
        step.branch = branch.to_owned();
        let matching = action
            .transitions
            .conditions
            .iter()
            .find(|c| c.condition.operator == "Equals" && c.condition.operands.iter().any(|o| o == branch));
        step.next = match matching {
            Some(c) => Some(c.next_action.clone()),
            None if branch == "Error" => {
                return Ok(Err(Fail(
                    "there is no answer: no identity, an expired one, or an unknown watch list".to_owned(),
                )));
            }
            None => {
                let errors = &action.transitions;
                errors.error("NoMatchingCondition").or_else(|| errors.error("NoMatchingError")).map(str::to_owned)
            }
        };
        Ok(Ok(()))
    }

    /// A block that is not Voice ID's.
    fn pass(&mut self, action: &Action, step: &mut Step) -> Result<(), Fail> {
        match action.kind.as_str() {
            "UpdateContactAttributes" => {
                let attributes =
                    action.parameters.get("Attributes").and_then(Value::as_object).cloned().unwrap_or_default();
                for (name, value) in &attributes {
                    let value = self.resolve(value.as_str().unwrap_or_default())?;
                    step.values.insert(name.clone(), value);
                }
                self.contact.attributes.extend(step.values.clone());
            }
            "Compare" => {
                let value = self.resolve(&action.text("ComparisonValue").unwrap_or_default())?;
                let matching = action
                    .transitions
                    .conditions
                    .iter()
                    .find(|c| c.condition.operator == "Equals" && c.condition.operands.contains(&value));
                step.branch = matching.map_or_else(|| "NoMatchingCondition".to_owned(), |_| value.clone());
                let none = || action.transitions.error("NoMatchingCondition").map(str::to_owned);
                step.next = matching.map(|c| c.next_action.clone()).or_else(none).or_else(|| step.next.clone());
            }
            _ => step.branch = "Passed".to_owned(),
        }
        Ok(())
    }
}
