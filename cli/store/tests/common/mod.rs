//! What the store's tests share: a clock that is set by hand, a domain in a temporary directory, raw SQL.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cli_store::{Clock, Domain, Enrolment, Lookup, ModelId, NewDomain, OpenOptions, SpeakerId, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection};

pub const MODEL: ModelId = ModelId([0x5a; 16]);
pub const DAY_MS: i64 = 86_400_000;

#[derive(Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn starting(ms: i64) -> Arc<ManualClock> {
        Arc::new(ManualClock(AtomicI64::new(ms)))
    }
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
    pub fn advance_days(&self, days: i64) {
        self.advance_ms(days * DAY_MS);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

pub fn new_domain() -> NewDomain {
    NewDomain::new("test".parse().unwrap())
}

pub struct Fixture {
    pub parent: tempfile::TempDir,
    pub dir: PathBuf,
    pub clock: Arc<ManualClock>,
    pub domain: Domain,
}

impl Fixture {
    pub fn clock_now(&self) -> i64 {
        self.clock.now().0
    }
}

pub fn fixture_with(new: NewDomain) -> Fixture {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("test.domain");
    let clock = ManualClock::starting(1_800_000_000_000);
    let domain = Domain::create_with(&dir, new, OpenOptions::default().clock(clock.clone())).unwrap();
    Fixture { parent, dir, clock, domain }
}

pub fn fixture() -> Fixture {
    fixture_with(new_domain())
}

pub fn speaker(id: &str) -> SpeakerId {
    id.parse().unwrap()
}

pub fn enrolment(template: &[u8]) -> Enrolment<'_> {
    Enrolment::new(MODEL, template)
}

pub fn template_of(domain: &Domain, id: &SpeakerId) -> Option<Vec<u8>> {
    match domain.voiceprint(id).unwrap() {
        Lookup::Enrolled(print) => Some(print.template().to_vec()),
        _ => None,
    }
}

/// A template that depends on the number only: 1,500 to 9,500 bytes.
pub fn numbered_template(n: u64) -> Vec<u8> {
    let mut rng = Rng(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let length = 1_500 + rng.next() as usize % 8_000;
    (0..length).map(|_| (rng.next() >> 24) as u8).collect()
}

/// xorshift64.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

pub fn raw(dir: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(dir.join("domain.sqlite"));
    pollster::block_on(options.busy_timeout(std::time::Duration::from_secs(10)).connect()).unwrap()
}

pub fn raw_rows(dir: &Path, sql: &str) -> Vec<SqliteRow> {
    let mut c = raw(dir);
    let rows = pollster::block_on(sqlx::query(sql).fetch_all(&mut c)).unwrap();
    pollster::block_on(c.close()).unwrap();
    rows
}

pub fn raw_run(dir: &Path, sql: &str) {
    let mut c = raw(dir);
    for statement in sql.split(';').filter(|s| !s.trim().is_empty()) {
        let done = pollster::block_on(sqlx::query(statement).execute(&mut c)).unwrap();
        assert!(done.rows_affected() > 0 || !statement.contains("UPDATE"), "changed nothing: {statement}");
    }
    pollster::block_on(c.close()).unwrap();
}

/// The files in `dir` and below, with their bytes.
pub fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            all.push((path, bytes));
        }
    }
    all
}

pub fn names(dir: &Path) -> Vec<String> {
    let mut all: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}
