//! `vouch watchlist`: the lists of a domain, and who is on them.

use anyhow::{Context, Result};
use cli_app::watch;
use cli_store::{Domain, FraudsterId, Watchlist};
use serde::Serialize;

use crate::args::{Global, WatchlistCommand};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    watchlist_id: String,
    domain_id: String,
    name: String,
    description: Option<String>,
    default_watchlist: bool,
    fraudsters: u64,
    created_at: f64,
    updated_at: f64,
}

fn report(domain: &Domain, list: &Watchlist) -> Report {
    Report {
        watchlist_id: list.watchlist_id.to_string(),
        domain_id: domain.id().to_string(),
        name: list.name.as_str().to_owned(),
        description: list.description.as_ref().map(|d| d.as_str().to_owned()),
        default_watchlist: list.default_watchlist,
        fraudsters: list.fraudsters,
        created_at: list.created_at.as_unix_seconds(),
        updated_at: list.updated_at.as_unix_seconds(),
    }
}

fn show(out: Output, domain: &Domain, list: &Watchlist) -> Result<()> {
    out.print(&report(domain, list), |r| {
        let what = r.description.as_ref().map_or_else(String::new, |d| format!(": {d}"));
        format!("{} ({}){what}, {} fraudster(s)", r.name, r.watchlist_id, r.fraudsters)
    })?;
    Ok(())
}

fn fraudster(text: &str) -> Result<FraudsterId> {
    text.parse().with_context(|| format!("fraudster {text}"))
}

pub(super) fn run(global: &Global, out: Output, command: &WatchlistCommand) -> Result<Exit> {
    let domain = global.open()?;
    match command {
        WatchlistCommand::Create { name, description } => {
            let parsed = name.parse().with_context(|| format!("watch list {name}"))?;
            let description = description.as_deref().map(str::parse).transpose().context("--description")?;
            show(out, &domain, &domain.create_watchlist(&parsed, description.as_ref())?)?;
        }
        WatchlistCommand::List => {
            let lists: Vec<Report> = domain.list_watchlists()?.iter().map(|l| report(&domain, l)).collect();
            out.print(&lists, |lists| {
                let mut rows = vec![["watch list", "name", "fraudsters"].map(String::from).to_vec()];
                rows.extend(
                    lists.iter().map(|l| vec![l.watchlist_id.clone(), l.name.clone(), l.fraudsters.to_string()]),
                );
                columns(&rows)
            })?;
        }
        WatchlistCommand::Describe { list } => {
            show(out, &domain, &domain.describe_watchlist(&watch::get(&domain, list)?)?)?;
        }
        WatchlistCommand::Update { list, name, description } => {
            let id = watch::get(&domain, list)?;
            let name = name.as_deref().map(str::parse).transpose().context("--name")?;
            let description = description.as_deref().map(str::parse).transpose().context("--description")?;
            show(out, &domain, &domain.update_watchlist(&id, name.as_ref(), description.as_ref())?)?;
        }
        WatchlistCommand::Delete { list } => {
            let id = watch::get(&domain, list)?;
            let was = domain.describe_watchlist(&id)?;
            domain.delete_watchlist(&id)?;
            out.print(&report(&domain, &was), |r| format!("deleted {} ({})", r.name, r.watchlist_id))?;
        }
        WatchlistCommand::Add { list, fraudster: who } => {
            let id = watch::get(&domain, list)?;
            domain.associate_fraudster(&fraudster(who)?, &id)?;
            show(out, &domain, &domain.describe_watchlist(&id)?)?;
        }
        WatchlistCommand::Remove { list, fraudster: who } => {
            let id = watch::get(&domain, list)?;
            domain.disassociate_fraudster(&fraudster(who)?, &id)?;
            show(out, &domain, &domain.describe_watchlist(&id)?)?;
        }
    }
    Ok(Exit::Success)
}
