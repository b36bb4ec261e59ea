//! `vouch user`, `vouch role`: who there is, and what they may do.

use anyhow::{Context, Result};
use cli_store::{Permission, Role, User, write_atomic_private};
use serde::Serialize;

use crate::args::{Global, RoleCommand, UserCommand};
use crate::outcome::{Exit, Output, columns};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    user_name: String,
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hierarchy_group: Option<String>,
    has_token: bool,
    updated_at: String,
}

impl From<&User> for Report {
    fn from(u: &User) -> Self {
        Self {
            user_name: u.name.clone(),
            roles: u.roles.clone(),
            hierarchy_group: u.hierarchy.as_ref().map(ToString::to_string),
            has_token: u.has_token,
            updated_at: u.updated_at.to_string(),
        }
    }
}

fn text(r: &Report) -> Vec<String> {
    let group = r.hierarchy_group.clone().unwrap_or_else(|| "-".into());
    let token = if r.has_token { "yes" } else { "no" };
    vec![r.user_name.clone(), r.roles.join(", "), group, token.to_owned()]
}

fn print(out: Output, users: &[User]) -> Result<()> {
    let reports: Vec<Report> = users.iter().map(Report::from).collect();
    out.print(&reports, |reports| {
        let mut rows = vec![["user", "roles", "group", "token"].map(String::from).to_vec()];
        rows.extend(reports.iter().map(text));
        columns(&rows)
    })?;
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Done {
    name: String,
}

pub(super) fn users(global: &Global, out: Output, command: &UserCommand) -> Result<Exit> {
    let domain = global.open()?;
    match command {
        UserCommand::Create { name, has } => {
            print(out, &[domain.create_user(name, &has.roles, has.group.clone())?])?;
        }
        UserCommand::List => print(out, &domain.users()?)?,
        UserCommand::Update { name, has } => {
            print(out, &[domain.update_user(name, &has.roles, has.group.clone())?])?;
        }
        UserCommand::Delete { name } => {
            domain.delete_user(name)?;
            out.print(&Done { name: name.clone() }, |d| format!("deleted {}", d.name))?;
        }
        UserCommand::Token { name, out: file } => {
            let token = domain.issue_token(name)?;
            write_atomic_private(file, token.as_bytes())?;
            out.print(&Done { name: name.clone() }, |d| {
                format!("{}: acts as {}, with --token-file; keep it safe", file.display(), d.name)
            })?;
        }
    }
    Ok(Exit::Success)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Granted {
    name: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stands_for: Vec<&'static str>,
}

fn role_text(r: &Role) -> String {
    let rights: Vec<&str> = r.permissions.iter().map(|p| p.as_str()).collect();
    let fixed = if r.built_in { " (in every domain)" } else { "" };
    format!("{}{fixed}\n  {}", r.name, rights.join("\n  "))
}

pub(super) fn roles(global: &Global, out: Output, command: &RoleCommand) -> Result<Exit> {
    match command {
        RoleCommand::Permissions => {
            let names = Permission::ALL.iter().map(|p| Granted { name: p.as_str(), stands_for: Vec::new() });
            let old = Permission::legacy()
                .map(|(name, now)| Granted { name, stands_for: now.iter().map(|p| p.as_str()).collect() });
            out.print(&names.chain(old).collect::<Vec<_>>(), |all| {
                let line = |g: &Granted| match g.stands_for.as_slice() {
                    [] => g.name.to_owned(),
                    now => format!("{} (of old: {})", g.name, now.join(", ")),
                };
                all.iter().map(line).collect::<Vec<_>>().join("\n")
            })?;
        }
        RoleCommand::Set { name, permissions } => {
            let mut all = Vec::new();
            for text in permissions {
                all.extend(Permission::expand(text).with_context(|| format!("--permission {text}"))?);
            }
            out.print(&global.open()?.put_role(name, &all)?, role_text)?;
        }
        RoleCommand::List => {
            out.print(&global.open()?.roles()?, |all| all.iter().map(role_text).collect::<Vec<_>>().join("\n"))?;
        }
        RoleCommand::Delete { name } => {
            global.open()?.delete_role(name)?;
            out.print(&Done { name: name.clone() }, |d| format!("deleted {}", d.name))?;
        }
    }
    Ok(Exit::Success)
}
