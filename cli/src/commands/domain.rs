//! `vouch domain`: create, describe, list, delete.

use anyhow::{Context, Result, bail};
use cli_store::{Domain, DomainInfo, NewDomain, Permission};
use serde::Serialize;

use crate::args::{DomainCommand, Global};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    domain_id: String,
    name: String,
    description: Option<String>,
    domain_status: &'static str,
    watchlist_details: WatchlistDetails,
    consent_required: bool,
    expiry_days: u32,
    created_at: f64,
    updated_at: f64,
    speakers: u64,
    directory: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WatchlistDetails {
    default_watchlist_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    directory: String,
    name: Option<String>,
    domain_id: Option<String>,
    problem: Option<String>,
}

pub(super) fn run(global: &Global, out: Output, command: DomainCommand) -> Result<Exit> {
    let dir = &global.domain;
    match command {
        DomainCommand::Create { name, description, require_consent, max_watchlists, max_fraudsters } => {
            let mut new = NewDomain::new(name.parse().with_context(|| format!("--name {name}"))?);
            new.description = description.map(|d| d.parse()).transpose().context("--description")?;
            new.consent_required = require_consent;
            (new.max_watchlists, new.max_fraudsters) = (max_watchlists, max_fraudsters);
            let domain = Domain::create(dir, new)?;
            let report = report(&domain, &domain.describe()?)?;
            out.print(&report, |r| format!("created domain {} ({}) in {}", r.name, r.domain_id, r.directory))?;
        }
        DomainCommand::Describe => {
            let domain = global.open()?;
            out.print(&report(&domain, &domain.describe()?)?, text)?;
        }
        DomainCommand::List { folder } => {
            let found = Domain::list(&folder)?;
            let rows = found.iter().map(|f| Listed {
                directory: f.dir.display().to_string(),
                name: f.info.as_ref().ok().map(|i| i.name.as_str().to_owned()),
                domain_id: f.info.as_ref().ok().map(|i| i.domain_id.to_string()),
                problem: f.info.as_ref().err().map(ToString::to_string),
            });
            out.print(&rows.collect::<Vec<_>>(), |rows| {
                let mut table = vec![["directory", "name", "id"].map(String::from).to_vec()];
                table.extend(rows.iter().map(|r| match &r.problem {
                    Some(problem) => vec![r.directory.clone(), "-".into(), problem.clone()],
                    None => {
                        vec![
                            r.directory.clone(),
                            r.name.clone().unwrap_or_default(),
                            r.domain_id.clone().unwrap_or_default(),
                        ]
                    }
                }));
                columns(&table)
            })?;
        }
        DomainCommand::Delete { yes } => {
            if !yes {
                bail!("{}: every voiceprint in it would be lost for good; say --yes to delete it", dir.display());
            }
            // The owner deletes one that is damaged too.
            if global.acts_for_a_user() {
                global.may(&[Permission::AdministerDomain])?;
            }
            Domain::delete(dir)?;
            let report = Listed { directory: dir.display().to_string(), name: None, domain_id: None, problem: None };
            out.print(&report, |r| format!("deleted {}", r.directory))?;
        }
    }
    Ok(Exit::Success)
}

fn report(domain: &Domain, info: &DomainInfo) -> Result<Report> {
    Ok(Report {
        domain_id: info.domain_id.to_string(),
        name: info.name.as_str().to_owned(),
        description: info.description.as_ref().map(|d| d.as_str().to_owned()),
        domain_status: if info.active { "ACTIVE" } else { "SUSPENDED" },
        watchlist_details: WatchlistDetails { default_watchlist_id: info.default_watchlist_id.to_string() },
        consent_required: info.consent_required,
        expiry_days: info.expiry_days,
        created_at: info.created_at.as_unix_seconds(),
        updated_at: info.updated_at.as_unix_seconds(),
        speakers: domain.count_speakers()?,
        directory: domain.dir().display().to_string(),
    })
}

fn text(r: &Report) -> String {
    let rows = [
        ("name", r.name.clone()),
        ("id", r.domain_id.clone()),
        ("status", r.domain_status.to_owned()),
        ("description", r.description.clone().unwrap_or_else(|| "-".into())),
        ("speakers", r.speakers.to_string()),
        ("default watch list", r.watchlist_details.default_watchlist_id.clone()),
        ("consent needed", if r.consent_required { "yes" } else { "no" }.to_owned()),
        ("unused voiceprints expire", format!("after {} days", r.expiry_days)),
        ("directory", r.directory.clone()),
    ];
    columns(&rows.map(|(k, v)| vec![k.to_owned(), v]))
}
