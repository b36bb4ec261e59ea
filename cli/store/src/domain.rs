//! A domain: made, opened, described, changed, re-keyed and deleted.

use std::fmt;
use std::fs::{self};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::access::Permission;
use crate::actor::{Actor, Credential};
use crate::audit_action::AuditAction;
use crate::backend::{Backend, Connection, change, rows};
use crate::backends::sqlite::Sqlite;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::{ConflictType, KeyProblem, ResourceType, StoreError};
use crate::ids::{Description, DomainId, DomainName, WatchlistId, name};
use crate::key::DomainKey;
use crate::sealed::Keys;
use crate::statement::{Fields, Statement, get};

mod create;
mod delete;
mod rekey;

const DATABASE: &str = "domain.sqlite";
const KEY: &str = "domain.key";
const LOCK: &str = "domain.lock";
/// Three years without enrolment or successful authentication: Illinois Biometric Information Privacy Act, 740 ILCS 14/15(a).
const DEFAULT_EXPIRY_DAYS: u32 = 1_095;
const MAX_EXPIRY_DAYS: u32 = 36_500;
const MAX_WATCHLISTS: u32 = 1_000_000;
const MAX_FRAUDSTERS: u32 = 100_000_000;

/// What a new domain is to be.
#[derive(Clone, Debug)]
pub struct NewDomain {
    /// Its name.
    pub name: DomainName,
    /// What it is for.
    pub description: Option<Description>,
    /// Whether enrolling needs a consent note. Off unless asked for.
    pub consent_required: bool,
    /// Days without enrolment or successful authentication after which a voiceprint expires, 1 to 36,500; 1,095 unless
    /// asked for.
    pub expiry_days: u32,
    /// Most watch lists, the default one included, 1 to 1,000,000; 3 unless asked for, as in Voice ID.
    pub max_watchlists: u32,
    /// Most fraudsters on one list, 1 to 100,000,000; 500 unless asked for, as in Voice ID.
    pub max_fraudsters: u32,
}

impl NewDomain {
    /// A domain with this name and the default settings.
    pub fn new(name: DomainName) -> NewDomain {
        NewDomain {
            name,
            description: None,
            consent_required: false,
            expiry_days: DEFAULT_EXPIRY_DAYS,
            max_watchlists: 3,
            max_fraudsters: 500,
        }
    }
}

/// What a domain is changed to: everything is replaced, and an absent description is erased.
pub type DomainUpdate = NewDomain;

/// A domain's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainInfo {
    /// Its id.
    pub domain_id: DomainId,
    /// Its name.
    pub name: DomainName,
    /// What it is for.
    pub description: Option<Description>,
    /// `true` unless it is being deleted.
    pub active: bool,
    /// The watch list that every domain has.
    pub default_watchlist_id: WatchlistId,
    /// Whether enrolling needs a consent note.
    pub consent_required: bool,
    /// Days without enrolment or successful authentication after which a voiceprint expires.
    pub expiry_days: u32,
    /// Most watch lists, the default one included.
    pub max_watchlists: u32,
    /// Most fraudsters on one list.
    pub max_fraudsters: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name, description or settings last changed.
    pub updated_at: Timestamp,
}

/// What [`Domain::list`] finds in a directory.
#[derive(Debug)]
pub struct FoundDomain {
    /// Where it is.
    pub dir: PathBuf,
    /// What it is, or why that cannot be told.
    pub info: Result<DomainInfo, StoreError>,
}

/// How a domain is opened.
#[derive(Clone)]
pub struct OpenOptions {
    clock: Arc<dyn Clock>,
    actor: String,
    key_path: Option<PathBuf>,
    size_limit_bytes: Option<u64>,
    journal: Option<String>,
    who: Who,
}

/// In whose name a domain is opened.
#[derive(Clone)]
enum Who {
    Owner,
    User(String),
    Token(Zeroizing<String>),
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            clock: Arc::new(SystemClock),
            actor: "local".into(),
            key_path: None,
            size_limit_bytes: None,
            journal: None,
            who: Who::Owner,
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions").field("key_path", &self.key_path).finish_non_exhaustive()
    }
}

impl OpenOptions {
    /// Takes the time from `clock` instead of the machine.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Who is named in the audit: an operator or a program, never a caller. 1 to 256 printable characters; "local"
    /// unless set.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Acts as this user: every call asks the user's roles, as they are then. The audit names the user. Without it, and without a token, whoever can
    /// read the domain's key acts as its owner.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.who = Who::User(name.into());
        self
    }

    /// Acts as the user whose token this is, as [`Domain::issue_token`] gave it.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.who = Who::Token(Zeroizing::new(token.into()));
        self
    }

    /// Where the domain key is, if it is not `domain.key` in the domain's directory.
    pub fn key_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_path = Some(path.into());
        self
    }

    /// The database grows no larger than this (rounded down to 4 KiB); what would need more fails as on a full disk.
    pub fn size_limit_bytes(mut self, bytes: u64) -> Self {
        self.size_limit_bytes = Some(bytes);
        self
    }

    /// Keeps the events of what is changed through this domain for a consumer of this name ([`Domain::outbox`]): 1 to 100 letters, digits or `_.@+-`. Those whom
    /// [`Domain::set_event_consumers`] names are told whoever makes the change.
    pub fn journal(mut self, consumer: impl Into<String>) -> Self {
        self.journal = Some(consumer.into());
        self
    }

    pub(crate) fn credential(&self) -> Credential<'_> {
        match &self.who {
            Who::Owner => Credential::Owner,
            Who::User(name) => Credential::User(name),
            Who::Token(token) => Credential::Token(token),
        }
    }

    fn key_in(&self, dir: &Path) -> PathBuf {
        self.key_path.clone().unwrap_or_else(|| dir.join(KEY))
    }

    fn check(&self) -> Result<(), StoreError> {
        if let Some(consumer) = &self.journal {
            name("Consumer", consumer)?;
        }
        let count = self.actor.chars().count();
        if (1..=256).contains(&count) && !self.actor.chars().any(char::is_control) {
            return Ok(());
        }
        Err(StoreError::invalid("Actor", "must be 1 to 256 printable characters"))
    }
}

/// What all that comes of one opening share: connections, keys and settings.
pub(crate) struct Opened {
    pub(crate) dir: PathBuf,
    pub(crate) id: DomainId,
    key_path: PathBuf,
    clock: Arc<dyn Clock>,
    /// Who is named in the audit when nobody else is.
    name: String,
    /// Who is told of what is changed, beside those whom the domain itself names.
    pub(crate) journal: Option<String>,
    pub(crate) keys: Keys,
    pub(crate) backend: Box<dyn Backend>,
}

/// An open domain, in somebody's name. Shared freely between threads: readers wait for nobody, writers for each other.
///
/// Calls block: in asynchronous code use them where blocking is allowed.
pub struct Domain {
    pub(crate) opened: Arc<Opened>,
    pub(crate) actor: Actor,
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain").field("dir", &self.opened.dir).field("id", &self.opened.id).finish_non_exhaustive()
    }
}

impl Opened {
    pub(crate) fn open(dir: &Path, options: &OpenOptions) -> Result<Opened, StoreError> {
        options.check()?;
        let dir = existing(dir)?;
        let key_path = options.key_in(&dir);
        let backend = open(&dir, options.size_limit_bytes)?;
        let key = DomainKey::read(&key_path)?;
        let info = info(&*backend)?;
        if !info.active {
            return Err(not_active(&dir));
        }
        let wrapped = wrapped(&*backend, &info.domain_id, &key.id())?
            .ok_or(StoreError::Key { path: key_path.clone(), problem: KeyProblem::Wrong })?;
        let keys = Keys::unwrap(&key, info.domain_id.as_str(), &wrapped)
            .ok_or_else(|| StoreError::corrupt(backend.path(), "the data key's seal does not fit"))?;
        let (clock, name, journal) = (options.clock.clone(), options.actor.clone(), options.journal.clone());
        Ok(Opened { dir, id: info.domain_id, key_path, clock, name, journal, keys, backend })
    }
}

impl Domain {
    /// Opens the domain in `dir`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Domain`] where there is no directory; [`StoreError::NotADomain`],
    /// [`StoreError::Key`], [`StoreError::Schema`], [`StoreError::Corrupt`], [`StoreError::Busy`], [`StoreError::Io`];
    /// [`StoreError::Conflict`] with [`ConflictType::DomainNotActive`] if its deletion was begun.
    pub fn open(dir: &Path) -> Result<Domain, StoreError> {
        Domain::open_with(dir, OpenOptions::default())
    }

    /// As [`Domain::open`].
    ///
    /// # Errors
    /// As [`Domain::open`].
    pub fn open_with(dir: &Path, options: OpenOptions) -> Result<Domain, StoreError> {
        let owner = Domain::owned(Arc::new(Opened::open(dir, &options)?));
        let actor = owner.resolve(options.credential())?;
        Ok(Domain { actor, ..owner })
    }

    /// In the name of the owner.
    pub(crate) fn owned(opened: Arc<Opened>) -> Domain {
        let actor = Actor { domain: opened.id.clone(), name: opened.name.clone(), user: None };
        Domain { opened, actor }
    }

    /// The domain's id.
    pub fn id(&self) -> &DomainId {
        &self.opened.id
    }

    /// The domain's directory.
    pub fn dir(&self) -> &Path {
        &self.opened.dir
    }

    /// The database, for errors.
    pub(crate) fn path(&self) -> &Path {
        self.opened.backend.path()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.opened.clock.now()
    }

    /// What the domain is now.
    ///
    /// # Errors
    /// Storage errors.
    pub fn describe(&self) -> Result<DomainInfo, StoreError> {
        info(&*self.opened.backend)
    }

    /// Replaces name, description and settings; an absent description is erased.
    ///
    /// # Errors
    /// [`StoreError::Validation`] for the days; storage errors.
    pub fn update(&self, to: DomainUpdate) -> Result<DomainInfo, StoreError> {
        self.allow(Permission::AdministerDomain)?;
        check(&to)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let update = Statement::new(
                "UPDATE domains SET name = $2, description = $3, consent_required = $4, expiry_days = $5, \
                 max_watchlists = $6, max_fraudsters = $7, updated_at = $8 WHERE domain_id = $1",
            )
            .bind(self.opened.id.as_str())
            .bind(to.name.as_str())
            .bind(to.description.as_ref().map(Description::as_str))
            .bind(to.consent_required)
            .bind(i64::from(to.expiry_days))
            .bind(i64::from(to.max_watchlists))
            .bind(i64::from(to.max_fraudsters))
            .bind(self.now().0);
            change(c, update)?;
            self.record(c, AuditAction::DomainUpdated, self.opened.id.as_str())
        })?;
        self.describe()
    }

    /// The settings that a change has to obey, read inside its transaction.
    pub(crate) fn active(&self, c: &mut dyn Connection) -> Result<DomainInfo, StoreError> {
        let info = info_row(self.opened.backend.path(), c)?;
        if info.active { Ok(info) } else { Err(not_active(&self.opened.dir)) }
    }
}

/// SQLite takes names that begin with `file:` for something else, so every path starts at the root.
fn absolute(dir: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(dir).map_err(|e| StoreError::io(dir, "open", e))
}

fn existing(dir: &Path) -> Result<PathBuf, StoreError> {
    let dir = absolute(dir)?;
    match fs::metadata(&dir) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(StoreError::not_a_domain(&dir, "it is a file")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::NotFound {
                resource: ResourceType::Domain,
                reason: format!("there is no domain at {}: create one, or name another directory", dir.display()),
            });
        }
        Err(e) => return Err(StoreError::io(&dir, "open", e)),
    }
    match fs::metadata(dir.join(DATABASE)) {
        Ok(meta) if meta.is_file() => Ok(dir),
        Ok(_) => Err(StoreError::not_a_domain(&dir, "its domain.sqlite is not a file")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(StoreError::not_a_domain(&dir, "it holds no domain.sqlite"))
        }
        Err(e) => Err(StoreError::io(&dir.join(DATABASE), "open", e)),
    }
}

fn check(new: &NewDomain) -> Result<(), StoreError> {
    for (field, value, most) in [
        ("ExpiryDays", new.expiry_days, MAX_EXPIRY_DAYS),
        ("MaxWatchlists", new.max_watchlists, MAX_WATCHLISTS),
        ("MaxFraudsters", new.max_fraudsters, MAX_FRAUDSTERS),
    ] {
        if !(1..=most).contains(&value) {
            return Err(StoreError::invalid(field, format!("must be 1 to {most}; got {value}")));
        }
    }
    Ok(())
}

fn not_active(dir: &Path) -> StoreError {
    StoreError::Conflict {
        conflict: ConflictType::DomainNotActive,
        reason: format!("the domain at {} is being deleted: delete it again to finish", dir.display()),
    }
}

fn open(dir: &Path, max_bytes: Option<u64>) -> Result<Box<dyn Backend>, StoreError> {
    Ok(Box::new(Sqlite::open(&dir.join(DATABASE), &dir.join(LOCK), max_bytes)?))
}

fn info(backend: &dyn Backend) -> Result<DomainInfo, StoreError> {
    backend.read(|c| info_row(backend.path(), c))
}

fn info_row(path: &Path, c: &mut dyn Connection) -> Result<DomainInfo, StoreError> {
    let query = Statement::new(
        "SELECT domain_id, name, description, status, default_watchlist_id, consent_required, expiry_days, created_at, \
         updated_at, max_watchlists, max_fraudsters FROM domains",
    );
    let found = rows(c, query)?;
    let [row] = found.as_slice() else {
        return Err(StoreError::corrupt(path, format!("it describes {} domains instead of one", found.len())));
    };
    read_info(path, row)
}

fn read_info(path: &Path, row: &Fields) -> Result<DomainInfo, StoreError> {
    let text = |column| get::<String>(path, row, column);
    let bad = |_| StoreError::corrupt(path, "the domain's row breaks a rule");
    let number = |column| {
        u32::try_from(get::<i64>(path, row, column)?)
            .map_err(|_| StoreError::corrupt(path, "the domain's row breaks a rule"))
    };
    let description: Option<String> = get(path, row, 2)?;
    Ok(DomainInfo {
        domain_id: text(0)?.parse().map_err(bad)?,
        name: text(1)?.parse().map_err(bad)?,
        description: description.map(|d| d.parse()).transpose().map_err(bad)?,
        active: text(3)? == "ACTIVE",
        default_watchlist_id: text(4)?.parse().map_err(bad)?,
        consent_required: get(path, row, 5)?,
        expiry_days: number(6)?,
        max_watchlists: number(9)?,
        max_fraudsters: number(10)?,
        created_at: Timestamp(get(path, row, 7)?),
        updated_at: Timestamp(get(path, row, 8)?),
    })
}

fn wrapped(backend: &dyn Backend, domain: &DomainId, key_id: &str) -> Result<Option<Vec<u8>>, StoreError> {
    backend.read(|c| wrapped_row(backend.path(), c, domain, key_id))
}

fn wrapped_row(
    path: &Path,
    c: &mut dyn Connection,
    domain: &DomainId,
    key_id: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let query = Statement::new("SELECT wrapped FROM data_keys WHERE domain_id = $1 AND key_id = $2")
        .bind(domain.as_str())
        .bind(key_id);
    rows(c, query)?.pop().map(|row| get(path, &row, 0)).transpose()
}
