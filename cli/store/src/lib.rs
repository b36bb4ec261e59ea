//! What is kept, and how: speakers, sealed voiceprints and consent of one domain, in one SQLite file beside a key.
//!
//! The crate knows bytes, ids and states; it knows nothing of audio, networks or scores.
//!
//! ```
//! use cli_store::{Domain, Enrolment, Lookup, ModelId, NewDomain, SpeakerId};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let parent = tempfile::tempdir()?;
//! # let dir = parent.path().join("bank.domain");
//! let domain = Domain::create(&dir, NewDomain::new("bank".parse()?))?;
//! let alice: SpeakerId = "customer-4711".parse()?;
//! domain.put_voiceprint(&alice, Enrolment::new(ModelId([7; 16]), b"template bytes"))?;
//! match domain.voiceprint(&alice)? {
//!     Lookup::Enrolled(print) => assert_eq!(print.template(), b"template bytes"),
//!     other => panic!("not enrolled: {other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Files
//!
//! | file | holds |
//! |---|---|
//! | `domain.sqlite` (`-wal`, `-shm`) | everything, sensitive values sealed |
//! | `domain.key` | the domain key, mode 0600; keep a copy elsewhere: without it nothing can be read |
//! | `domain.lock` | empty; whoever writes holds a lock on it |
//!
//! # Promises
//!
//! 1. A call that changes something returns after the change is on the disk. Killing the process at any instant loses
//!    nothing that was acknowledged and leaves nothing half there.
//! 2. Any number of processes may use a domain at once. A writer waits its turn for up to 10 s, then says so. Readers wait for no writer.
//! 3. Voiceprints, customer ids and consent notes are sealed with XChaCha20-Poly1305 under a data key that only the
//!    domain key opens. A sealed value is bound to its table, domain, speaker, model and time: swapped rows do not open.
//! 4. Opting out and deleting overwrite the bytes in the database and empty the write-ahead log before they return.
//! 5. Contact records, recordings, transcripts, users, roles, rules and settings are sealed in the same way. What was said is indexed as keyed
//!    hashes of its words. Names of agents and queues, times and scores lie in the clear.
//! 6. Every call that returns or changes what belongs to a person asks first whether the [`Actor`] in whose name it is made may do so. A service opens a domain once
//!    ([`SharedDomain`]) and finds out with each request who asks; a program that serves one opens it in their name ([`OpenOptions::user`],
//!    [`OpenOptions::token`]). Whoever holds the key and names no user is the owner. Refusals, and every reading of what was not redacted, are in the audit.
//! 7. What changes a voiceprint is told by the transaction that changes it, to those who are to be told ([`Outbox`]): at least once, in order, with generated ids only.
//! 8. Nothing is logged, and no `Debug`, `Display` or error carries a secret, a customer id, a name or a note.
//!
//! # Keys
//!
//! domain key (`domain.key`) → wraps → data key (random, for the life of the domain) → HMAC-SHA256 with a label → one key
//! each for sealing, for the customer-id index, for the words that were said, for users' tokens, for the audit chain and for page tokens. [`Domain::rekey`] replaces the
//! domain key and re-wraps the data key; no voiceprint is touched.
//!
//! What it does not do: it cannot tell that a whole older copy of the directory was put back. The keyed audit chain shows an edited, moved or
//! missing entry, the newest ones included.
#![forbid(unsafe_code)]

mod access;
mod actor;
mod audit;
mod audit_action;
mod backend;
mod backends;
mod bytes;
mod clock;
mod contacts;
mod documents;
mod domain;
mod error;
mod events;
mod export;
mod file_key;
mod files;
mod ids;
mod jobs;
mod key;
mod page;
mod sealed;
mod search;
mod session_audio;
mod settings;
mod shared;
mod speaker;
mod statement;
mod tokens;
mod users;
mod watchlist;
mod words;

pub use access::lint::lint;
pub use access::{
    Action, Allowed, Decision, Denied, Grants, HierarchyGroup, Media, Permission, Role, Scope, Variant, authorize,
    built_in_roles, resolve,
};
pub use actor::{Actor, Credential};
pub use audit::AuditEntry;
pub use audit_action::AuditAction;
pub use clock::{Clock, SystemClock, Timestamp};
pub use contacts::{
    Contact, ContactFile, ContactRecord, DEFAULT_RETENTION_DAYS, Imported, NewContactFile, Reading, StoredContact,
};
pub use domain::{Domain, DomainInfo, DomainUpdate, FoundDomain, NewDomain, OpenOptions};
pub use error::{ConflictType, KeyProblem, ResourceType, StoreError, VoiceprintFileProblem};
pub use events::{EVENT_DAYS, EnrolmentSource, Event, MAX_CONSUMERS, MAX_EVENTS, MAX_TAKEN, Outbox, StoredEvent};
pub use export::{Passphrase, VOICEPRINT_FILE_MAGIC};
pub use file_key::{FileKey, SEALED_FILE_MAGIC};
pub use files::{AtomicFile, write_atomic, write_atomic_private};
pub use ids::{
    ClientToken, CustomerSpeakerId, Description, DomainId, DomainName, FraudsterId, GeneratedSpeakerId, JobId, ModelId,
    ResultId, SessionId, SessionName, SpeakerId, WatchlistId, WatchlistName,
};
pub use jobs::{ItemOutcome, Job, JobItem, JobKind, JobStatus, NewJob};
pub use page::{MAX_PAGE, Page};
pub use search::{ContactFilter, FoundContact, MAX_EXPORT, MAX_FOUND, Range, Score, ScoreOf, Words};
pub use session_audio::{KeptSession, SessionAudio};
pub use settings::{Acknowledgement, MAX_RULES, StoredPrivacy, StoredRule};
pub use shared::SharedDomain;
pub use speaker::{Consent, Enrolment, Lookup, Speaker, SpeakerStatus, Voiceprint};
pub use users::{Elevation, User};
pub use watchlist::{Fraudster, Registration, Watchlist};
pub use words::Speaker as SaidBy;
