//! Domains that an earlier program wrote go on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on should stop")]

mod common;

use std::collections::BTreeSet;

use cli_store::{Domain, OpenOptions};
use common::*;
use sqlx::{Connection, Row};

/// The steps up to schema 6, as they were when it was the newest.
const SCHEMA_6: [&str; 5] = [
    include_str!("../src/backends/sqlite/migrations/0001_domain.sql"),
    include_str!("../src/backends/sqlite/migrations/0003_jobs.sql"),
    include_str!("../src/backends/sqlite/migrations/0004_fraudsters.sql"),
    include_str!("../src/backends/sqlite/migrations/0005_session_audio.sql"),
    include_str!("../src/backends/sqlite/migrations/0006_contacts.sql"),
];

/// Everything that the schema of a database says, but for the list of its steps.
fn schema(dir: &std::path::Path) -> BTreeSet<String> {
    let rows = raw_rows(dir, "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_master");
    rows.iter().map(|r| r.get(0)).filter(|text: &String| !text.contains("_sqlx_migrations")).collect()
}

#[test]
fn a_domain_of_schema_6_is_brought_up_and_loses_nothing() {
    let f = fixture();
    f.domain.put_voiceprint(&speaker("a"), enrolment(b"print")).unwrap();
    f.domain.create_user("alice", &["Admin".into()], None).unwrap();
    let entries = f.domain.verify_audit().unwrap();
    drop(f.domain);
    // What schema 7 added is taken out again, so that the file is one of schema 6.
    raw_run(&f.dir, "DROP TABLE outbox; DROP TABLE outbox_heads; DELETE FROM _sqlx_migrations WHERE version > 6");
    let fresh = tempfile::tempdir().unwrap();
    std::fs::write(fresh.path().join("domain.sqlite"), b"").unwrap();
    let mut c = raw(fresh.path());
    for step in SCHEMA_6 {
        pollster::block_on(sqlx::Executor::execute(&mut c, step)).unwrap();
    }
    pollster::block_on(c.close()).unwrap();
    assert_eq!(schema(&f.dir), schema(fresh.path()), "the file is not as schema 6 was");

    let options = || OpenOptions::default().clock(f.clock.clone()).journal("journal");
    let domain = Domain::open_with(&f.dir, options()).unwrap();
    assert_eq!(template_of(&domain, &speaker("a")).unwrap(), b"print");
    assert_eq!(domain.users().unwrap().len(), 1);
    assert_eq!(domain.verify_audit().unwrap(), entries);
    domain.put_voiceprint(&speaker("b"), enrolment(b"print")).unwrap();
    assert_eq!(domain.outbox("journal").unwrap().take(10).unwrap().len(), 1);
    let token = domain.issue_token("alice").unwrap();
    drop(domain);
    let versions = raw_rows(&f.dir, "SELECT version FROM _sqlx_migrations ORDER BY version");
    assert_eq!(versions.iter().map(|r| r.get(0)).collect::<Vec<i64>>(), [1, 3, 4, 5, 6, 7]);
    let alice = Domain::open_with(&f.dir, options().token(token.as_str())).unwrap();
    assert_eq!(alice.count_speakers().unwrap(), 2);
}
