//! `vouch fraudster`: who is to be recognised.

use anyhow::{Context, Result};
use cli_app::analysis::{Toolkit, Wanted};
use cli_app::live::Journal;
use cli_app::watch::{self, Known};
use cli_store::{Domain, Fraudster, FraudsterId, ModelId, Registration, WatchlistId};
use engine::enroll::{EnrollConfig, Enroller};
use serde::Serialize;

use super::enroll::listen;
use crate::args::{DuplicateAction, FraudsterCommand, Global, RegisterArgs};
use crate::outcome::{Exit, Output, columns};
use cli_audio::MonoReader;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    generated_fraudster_id: String,
    domain_id: String,
    watchlist_ids: Vec<String>,
    created_at: f64,
}

fn report(domain: &Domain, f: &Fraudster) -> Report {
    Report {
        generated_fraudster_id: f.generated_fraudster_id.to_string(),
        domain_id: domain.id().to_string(),
        watchlist_ids: f.watchlist_ids.iter().map(ToString::to_string).collect(),
        created_at: f.created_at.as_unix_seconds(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Registered {
    #[serde(skip_serializing_if = "Option::is_none")]
    generated_fraudster_id: Option<String>,
    registration_status: &'static str,
    /// The risk that the closest registered voice is the same one, 0-100.
    fraudster_similarity_score: Option<u8>,
    watchlist_ids: Vec<String>,
    net_speech_seconds: f64,
    reasons: Vec<String>,
}

fn id(text: &str) -> Result<FraudsterId> {
    text.parse().with_context(|| format!("fraudster {text}"))
}

pub(super) fn run(global: &Global, out: Output, command: &FraudsterCommand) -> Result<Exit> {
    let domain = global.open()?;
    match command {
        FraudsterCommand::Register(args) => return register(global, out, &domain, args),
        FraudsterCommand::List { watchlist } => {
            let list = watchlist.as_deref().map(|w| watch::get(&domain, w)).transpose()?;
            let all: Vec<Report> = all(&domain, list.as_ref())?.iter().map(|f| report(&domain, f)).collect();
            out.print(&all, |all| {
                let mut rows = vec![["fraudster", "watch lists"].map(String::from).to_vec()];
                rows.extend(all.iter().map(|f| vec![f.generated_fraudster_id.clone(), f.watchlist_ids.join(" ")]));
                columns(&rows)
            })?;
        }
        FraudsterCommand::Describe { fraudster } => {
            let found = domain.describe_fraudster(&id(fraudster)?)?;
            out.print(&report(&domain, &found), |f| {
                format!("{} on {}", f.generated_fraudster_id, f.watchlist_ids.join(", "))
            })?;
        }
        FraudsterCommand::Delete { fraudster } => {
            let found = domain.describe_fraudster(&id(fraudster)?)?;
            domain.delete_fraudster(&found.generated_fraudster_id)?;
            Journal::of(global)?.drain(&domain)?;
            out.print(&report(&domain, &found), |f| format!("deleted {}", f.generated_fraudster_id))?;
        }
    }
    Ok(Exit::Success)
}

fn all(domain: &Domain, list: Option<&WatchlistId>) -> Result<Vec<Fraudster>> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page = domain.list_fraudsters(list, cli_store::MAX_PAGE, token.as_deref())?;
        found.extend(page.items);
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

fn register(global: &Global, out: Output, domain: &Domain, args: &RegisterArgs) -> Result<Exit> {
    let config = EnrollConfig::default().wanted_speech_s(args.wanted_speech).least_speech_s(args.least_speech);
    let mut enroller = Enroller::new(config)?;
    let tools = Toolkit::load(global)?;
    let list = args.list.watchlist.as_deref().map(|w| watch::get(domain, w)).transpose()?;
    match &args.session {
        None => drop(listen(global, &tools, &args.files, &args.input, &mut enroller)?),
        Some(session) => {
            let audio = domain.session_audio(&session.parse().with_context(|| format!("session {session}"))?)?;
            let wanted = Wanted { windows: true, ..Wanted::default() };
            let heard =
                tools.analyse(MonoReader::of_samples(session, audio.rate_hz, audio.samples())?, wanted, |_| ())?;
            enroller.add(tools.evidence(&heard)?).with_context(|| session.clone())?;
        }
    }
    let mut registered = Registered {
        generated_fraudster_id: None,
        registration_status: "REFUSED",
        fraudster_similarity_score: None,
        watchlist_ids: Vec::new(),
        net_speech_seconds: enroller.assess().net_speech_s,
        reasons: Vec::new(),
    };
    let template = match enroller.finish() {
        Ok(template) => template,
        Err(refusal) => {
            registered.reasons = refusal.reasons().map(ToString::to_string).collect();
            out.print(&registered, |r| format!("not registered\n  {}", r.reasons.join("\n  ")))?;
            return Ok(Exit::EnrollmentRefused);
        }
    };
    let closest = Known::load(domain, &tools)?.closest(&template, &tools)?;
    registered.fraudster_similarity_score = closest.as_ref().map(|(_, score)| score.value());
    let duplicate = closest.filter(|(_, score)| score.value() >= args.list.similarity);
    let fraudster = match duplicate {
        Some((known, _)) if args.list.duplicate == DuplicateAction::Skip => {
            registered.registration_status = "DUPLICATE_SKIPPED";
            domain.describe_fraudster(&known)?
        }
        _ => {
            registered.registration_status = "NEW_REGISTRATION";
            let bytes = template.to_bytes();
            let model_id = ModelId(tools.model.id().0);
            let new =
                domain.register_fraudster(Registration { model_id, template: &bytes, watchlist: list.as_ref() })?;
            Journal::of(global)?.drain(domain)?;
            new
        }
    };
    registered.generated_fraudster_id = Some(fraudster.generated_fraudster_id.to_string());
    registered.watchlist_ids = fraudster.watchlist_ids.iter().map(ToString::to_string).collect();
    out.print(&registered, |r| {
        let id = r.generated_fraudster_id.as_deref().unwrap_or_default();
        let score = r.fraudster_similarity_score.map_or_else(String::new, |s| format!(", similarity {s}"));
        match r.registration_status {
            "DUPLICATE_SKIPPED" => format!("not registered: the voice is that of {id}{score}"),
            _ => format!("registered {id} from {:.1} s of net speech{score}", r.net_speech_seconds),
        }
    })?;
    Ok(Exit::Success)
}
