//! `vouch speaker`: the life cycle of a speaker's entry.

use std::path::Path;

use anyhow::{Context, Result};
use cli_app::live::Journal;
use cli_store::{CustomerSpeakerId, Domain, Passphrase, Speaker, SpeakerId, SpeakerStatus, Timestamp};
use serde::Serialize;

use crate::args::{Global, SpeakerCommand, StatusFilter};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    customer_speaker_id: String,
    generated_speaker_id: String,
    domain_id: String,
    status: String,
    created_at: f64,
    updated_at: f64,
    last_accessed_at: Option<f64>,
}

impl From<&Speaker> for Report {
    fn from(s: &Speaker) -> Self {
        Self {
            customer_speaker_id: s.customer_speaker_id.as_str().to_owned(),
            generated_speaker_id: s.generated_speaker_id.to_string(),
            domain_id: s.domain_id.to_string(),
            status: s.status.to_string(),
            created_at: s.created_at.as_unix_seconds(),
            updated_at: s.updated_at.as_unix_seconds(),
            last_accessed_at: s.last_accessed_at.map(Timestamp::as_unix_seconds),
        }
    }
}

pub(super) fn run(global: &Global, out: Output, command: SpeakerCommand) -> Result<Exit> {
    let domain = global.open()?;
    let parse = |id: &str| id.parse::<SpeakerId>().with_context(|| format!("speaker {id}"));
    match command {
        SpeakerCommand::List { status } => {
            let speakers: Vec<Report> =
                all(&domain)?.iter().filter(|s| wanted(s.status, status)).map(Report::from).collect();
            out.print(&speakers, |speakers| {
                let mut rows = vec![["speaker", "generated id", "status"].map(String::from).to_vec()];
                rows.extend(
                    speakers
                        .iter()
                        .map(|s| vec![s.customer_speaker_id.clone(), s.generated_speaker_id.clone(), s.status.clone()]),
                );
                columns(&rows)
            })?;
        }
        SpeakerCommand::Describe { id } => show(out, &domain.describe_speaker(&parse(&id)?)?)?,
        SpeakerCommand::OptOut { id } => {
            let speaker = domain.opt_out(&parse(&id)?)?;
            Journal::of(global)?.drain(&domain)?;
            show(out, &speaker)?;
        }
        SpeakerCommand::Delete { id } => {
            let speaker = domain.describe_speaker(&parse(&id)?)?;
            domain.delete_speaker(&parse(&id)?)?;
            Journal::of(global)?.drain(&domain)?;
            out.print(&Report::from(&speaker), |s| format!("deleted {}", s.customer_speaker_id))?;
        }
        SpeakerCommand::Export { id, out: file, passphrase_file } => {
            let bytes = domain.export_voiceprint(&parse(&id)?, &passphrase(&passphrase_file)?)?;
            cli_store::write_atomic_private(&file, &bytes)?;
            let report = Exported { file: file.display().to_string(), bytes: bytes.len() };
            out.print(&report, |r| format!("{}: {} bytes, sealed", r.file, r.bytes))?;
        }
        SpeakerCommand::Import { file, passphrase_file, speaker, overwrite } => {
            let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
            let rename: Option<CustomerSpeakerId> = speaker.map(|s| s.parse()).transpose().context("--speaker")?;
            let imported = domain
                .import_voiceprint(&bytes, &passphrase(&passphrase_file)?, rename.as_ref(), overwrite)
                .with_context(|| file.display().to_string())?;
            Journal::of(global)?.drain(&domain)?;
            show(out, &imported)?;
        }
    }
    Ok(Exit::Success)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Exported {
    file: String,
    bytes: usize,
}

fn all(domain: &Domain) -> Result<Vec<Speaker>> {
    let mut speakers = Vec::new();
    let mut token = None;
    loop {
        let page = domain.list_speakers(100, token.as_deref())?;
        speakers.extend(page.items);
        token = page.next_token;
        if token.is_none() {
            return Ok(speakers);
        }
    }
}

fn wanted(status: SpeakerStatus, filter: Option<StatusFilter>) -> bool {
    match filter {
        None => true,
        Some(StatusFilter::Pending) => status == SpeakerStatus::Pending,
        Some(StatusFilter::Enrolled) => status == SpeakerStatus::Enrolled,
        Some(StatusFilter::OptedOut) => status == SpeakerStatus::OptedOut,
        Some(StatusFilter::Expired) => status == SpeakerStatus::Expired,
    }
}

fn passphrase(file: &Path) -> Result<Passphrase> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Passphrase::new(text.lines().next().unwrap_or_default()).with_context(|| file.display().to_string())
}

fn show(out: Output, speaker: &Speaker) -> Result<()> {
    out.print(&Report::from(speaker), |s| {
        format!("{} ({}): {}", s.customer_speaker_id, s.generated_speaker_id, s.status)
    })?;
    Ok(())
}
