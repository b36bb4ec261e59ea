//! The index of words: SQLite's full-text index, version 5, on hashes of words.

use crate::statement::Statement;
use crate::words::{Index, Item, Speaker, WordQuery};

fn table(index: Index) -> &'static str {
    match index {
        Index::Redacted => "words_redacted",
        Index::Original => "words_original",
    }
}

fn column(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::Agent => "agent",
        Speaker::Customer => "customer",
        Speaker::System => "system",
    }
}

pub(super) fn insert(index: Index, contact_no: i64, [agent, customer, system]: [String; 3]) -> Statement {
    let table = table(index);
    let sql = format!("INSERT INTO {table} (rowid, agent, customer, system) VALUES ($1, $2, $3, $4)");
    Statement::new(sql).bind(contact_no).bind(agent).bind(customer).bind(system)
}

pub(super) fn delete(index: Index, contact_no: i64) -> Statement {
    Statement::new(format!("DELETE FROM {} WHERE rowid = $1", table(index))).bind(contact_no)
}

pub(super) fn push(sql: &mut Statement, index: Index, query: &WordQuery) {
    let table = table(index);
    sql.push(&format!("c.contact_no IN (SELECT rowid FROM {table} WHERE {table} MATCH "));
    sql.push_bind(matching(query)).push(")");
}

/// The index's own language.
fn matching(query: &WordQuery) -> String {
    let item = |item: &Item| match item {
        Item::Phrase(words) => format!("\"{}\"", words.join(" ")),
        Item::Anywhere(words) => format!("(\"{}\")", words.join("\" AND \"")),
    };
    let items: Vec<String> = query.items.iter().map(item).collect();
    let columns: Vec<&str> = query.by.iter().map(|s| column(*s)).collect();
    format!("{{{}}} : ({})", columns.join(" "), items.join(if query.all { " AND " } else { " OR " }))
}
