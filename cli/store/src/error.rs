//! One error type: the kinds of the Voice ID API, and what can go wrong with files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What a [`StoreError::NotFound`] did not find; `Display` gives the wire spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceType {
    /// A batch job.
    BatchJob,
    /// The consent that the domain asks for.
    ComplianceConsent,
    /// A domain.
    Domain,
    /// A fraudster.
    Fraudster,
    /// A session.
    Session,
    /// A speaker.
    Speaker,
    /// A watch list.
    Watchlist,
    /// A contact, or a copy of what was said in it.
    Contact,
    /// A user.
    User,
    /// A role.
    Role,
    /// A right given for a time.
    Elevation,
    /// A rule.
    Rule,
    /// A setting.
    Setting,
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResourceType::BatchJob => "BATCH_JOB",
            ResourceType::ComplianceConsent => "COMPLIANCE_CONSENT",
            ResourceType::Domain => "DOMAIN",
            ResourceType::Fraudster => "FRAUDSTER",
            ResourceType::Session => "SESSION",
            ResourceType::Speaker => "SPEAKER",
            ResourceType::Watchlist => "WATCHLIST",
            ResourceType::Contact => "CONTACT",
            ResourceType::User => "USER",
            ResourceType::Role => "ROLE",
            ResourceType::Elevation => "ELEVATION",
            ResourceType::Rule => "RULE",
            ResourceType::Setting => "SETTING",
        })
    }
}

/// What a [`StoreError::Conflict`] collides with; `Display` gives the wire spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConflictType {
    /// Another stream feeds the session.
    AnotherActiveStream,
    /// The domain is being deleted.
    DomainNotActive,
    /// The session's speaker is already enrolled.
    CannotChangeSpeakerAfterEnrollment,
    /// The speaker has a voiceprint and overwriting was not asked for.
    EnrollmentAlreadyExists,
    /// The session has no speaker.
    SpeakerNotSet,
    /// The speaker has opted out.
    SpeakerOptedOut,
    /// Somebody else changed the same thing at the same time.
    ConcurrentChanges,
    /// The domain is being re-keyed.
    DomainLockedFromEncryptionUpdates,
    /// The watch list still has members.
    CannotDeleteNonEmptyWatchlist,
    /// The fraudster is on no other watch list.
    FraudsterMustBelongToAtLeastOneWatchlist,
    /// There is something of this name.
    NameTaken,
    /// Something else needs it.
    InUse,
}

impl fmt::Display for ConflictType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConflictType::AnotherActiveStream => "ANOTHER_ACTIVE_STREAM",
            ConflictType::DomainNotActive => "DOMAIN_NOT_ACTIVE",
            ConflictType::CannotChangeSpeakerAfterEnrollment => "CANNOT_CHANGE_SPEAKER_AFTER_ENROLLMENT",
            ConflictType::EnrollmentAlreadyExists => "ENROLLMENT_ALREADY_EXISTS",
            ConflictType::SpeakerNotSet => "SPEAKER_NOT_SET",
            ConflictType::SpeakerOptedOut => "SPEAKER_OPTED_OUT",
            ConflictType::ConcurrentChanges => "CONCURRENT_CHANGES",
            ConflictType::DomainLockedFromEncryptionUpdates => "DOMAIN_LOCKED_FROM_ENCRYPTION_UPDATES",
            ConflictType::CannotDeleteNonEmptyWatchlist => "CANNOT_DELETE_NON_EMPTY_WATCHLIST",
            ConflictType::FraudsterMustBelongToAtLeastOneWatchlist => "FRAUDSTER_MUST_BELONG_TO_AT_LEAST_ONE_WATCHLIST",
            ConflictType::NameTaken => "NAME_TAKEN",
            ConflictType::InUse => "IN_USE",
        })
    }
}

/// What is wrong with a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyProblem {
    /// There is none.
    Missing,
    /// It is not a key file.
    Malformed,
    /// Everybody on the machine may read or write it.
    Exposed,
    /// It is a key, but not this domain's.
    Wrong,
}

/// The version of voiceprint files that this program writes, and the newest that it knows.
pub(crate) const VOICEPRINT_FILE_VERSION: u16 = 1;

/// What is wrong with a voiceprint file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VoiceprintFileProblem {
    /// It does not start as a voiceprint file does.
    NotAVoiceprint,
    /// It ends too early.
    Truncated,
    /// It has a version that this program does not know.
    Version {
        /// The version in the file.
        found: u16,
    },
    /// It asks for more work or memory than is allowed to unlock it.
    Limits,
    /// The passphrase is wrong, or the file was changed.
    WrongPassphrase,
    /// It opens, but what is inside is not a voiceprint.
    Content,
}

/// Why the store did not do what it was asked. No variant carries a secret, a customer id, a name or a note.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// A value breaks a rule.
    Validation {
        /// The value's name.
        field: &'static str,
        /// The rule, and how it was broken.
        reason: String,
    },
    /// There is no such thing.
    NotFound {
        /// What kind of thing.
        resource: ResourceType,
        /// What was looked for, and where.
        reason: String,
    },
    /// The present state does not allow it.
    Conflict {
        /// Which state.
        conflict: ConflictType,
        /// The state, and the way out of it.
        reason: String,
    },
    /// Whoever asks may not.
    Denied {
        /// Who, and which right is missing.
        reason: String,
    },
    /// A limit of the domain is reached.
    Quota {
        /// Which one, and the way out.
        reason: String,
    },
    /// A file or directory is already there.
    Exists {
        /// Which one.
        path: PathBuf,
    },
    /// The directory or file is something else.
    NotADomain {
        /// Which one.
        path: PathBuf,
        /// Why it is not a domain.
        reason: String,
    },
    /// The key file does not open the domain.
    Key {
        /// The key file.
        path: PathBuf,
        /// Why not.
        problem: KeyProblem,
    },
    /// A newer program wrote the domain.
    Schema {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest version that this program knows.
        supported: i64,
    },
    /// The file's content is damaged or was changed.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The disk is full, or a limit on the file's size is reached.
    Full {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// Another process held the domain for too long.
    Busy {
        /// The file that was waited for.
        path: PathBuf,
    },
    /// It is deleted, but the log that still holds its sealed bytes could not be emptied.
    NotErased {
        /// The file that still holds sealed bytes.
        path: PathBuf,
    },
    /// A file operation failed.
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A voiceprint file cannot be used.
    VoiceprintFile {
        /// Why not.
        problem: VoiceprintFileProblem,
    },
    /// Something that should not happen did.
    Internal {
        /// What.
        reason: String,
    },
}

impl StoreError {
    /// The exception's name in the Voice ID API.
    pub fn exception(&self) -> &'static str {
        match self {
            StoreError::Validation { .. } | StoreError::VoiceprintFile { .. } => "ValidationException",
            StoreError::NotFound { .. } | StoreError::NotADomain { .. } => "ResourceNotFoundException",
            StoreError::Conflict { .. } | StoreError::Exists { .. } => "ConflictException",
            StoreError::Key { .. } | StoreError::Denied { .. } => "AccessDeniedException",
            StoreError::Busy { .. } => "ThrottlingException",
            StoreError::Quota { .. } => "ServiceQuotaExceededException",
            _ => "InternalServerException",
        }
    }

    /// The `ResourceType` that goes with the exception, where it has one.
    pub fn resource_type(&self) -> Option<ResourceType> {
        match self {
            StoreError::NotFound { resource, .. } => Some(*resource),
            StoreError::NotADomain { .. } => Some(ResourceType::Domain),
            _ => None,
        }
    }

    /// The `ConflictType` that goes with the exception, where it has one.
    pub fn conflict_type(&self) -> Option<ConflictType> {
        match self {
            StoreError::Conflict { conflict, .. } => Some(*conflict),
            _ => None,
        }
    }

    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> StoreError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                StoreError::Full { path: path.to_owned() }
            }
            _ => StoreError::Io { path: path.to_owned(), action, source },
        }
    }

    pub(crate) fn corrupt(path: &Path, reason: impl Into<String>) -> StoreError {
        StoreError::Corrupt { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn not_a_domain(path: &Path, reason: impl Into<String>) -> StoreError {
        StoreError::NotADomain { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> StoreError {
        StoreError::Validation { field, reason: reason.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Validation { field, reason } => write!(f, "{field} is not valid: {reason}"),
            StoreError::NotFound { reason, .. }
            | StoreError::Conflict { reason, .. }
            | StoreError::Quota { reason } => f.write_str(reason),
            StoreError::Denied { reason } => write!(f, "not allowed: {reason}"),
            StoreError::Exists { path } => {
                write!(f, "{} already exists: choose another place, or delete it first", path.display())
            }
            StoreError::NotADomain { path, reason } => {
                write!(f, "{} is not a domain: {reason}; create one, or name another directory", path.display())
            }
            StoreError::Key { path, problem } => {
                let path = path.display();
                match problem {
                    KeyProblem::Missing => write!(f, "key file {path} is missing: put the domain's key back there"),
                    KeyProblem::Malformed => {
                        write!(f, "key file {path} is not a domain key: restore it from a copy")
                    }
                    KeyProblem::Exposed => {
                        write!(f, "key file {path} is open to every user of this machine: chmod 600 it")
                    }
                    KeyProblem::Wrong => {
                        write!(f, "key file {path} is another domain's key, or an old one: restore the right one")
                    }
                }
            }
            StoreError::Schema { path, found, supported } => write!(
                f,
                "{} has schema version {found}, this program knows up to {supported}: use a newer vouch",
                path.display()
            ),
            StoreError::Corrupt { path, reason } => {
                write!(f, "{} is damaged: {reason}; restore it from a backup", path.display())
            }
            StoreError::Full { path } => {
                write!(f, "no space left to write {}: nothing was changed, free some and try again", path.display())
            }
            StoreError::Busy { path } => {
                write!(f, "{} is held by another process: nothing was changed, try again", path.display())
            }
            StoreError::NotErased { path } => write!(
                f,
                "deleted, but {} still holds the sealed bytes because another process reads it: end it and open the \
                 domain once more",
                path.display()
            ),
            StoreError::Io { path, action, source } => write!(f, "cannot {action} {}: {source}", path.display()),
            StoreError::VoiceprintFile { problem } => match problem {
                VoiceprintFileProblem::NotAVoiceprint => f.write_str("not a voiceprint file: export one with vouch"),
                VoiceprintFileProblem::Truncated => f.write_str("voiceprint file is cut short: export it again"),
                VoiceprintFileProblem::Version { found } => write!(
                    f,
                    "voiceprint file has version {found}, this program knows {}: use a newer vouch",
                    VOICEPRINT_FILE_VERSION
                ),
                VoiceprintFileProblem::Limits => {
                    f.write_str("voiceprint file asks for too much work to unlock: export it again")
                }
                VoiceprintFileProblem::WrongPassphrase => {
                    f.write_str("voiceprint file does not open: the passphrase is wrong, or the file was changed")
                }
                VoiceprintFileProblem::Content => {
                    f.write_str("voiceprint file opens but holds no voiceprint: export it again")
                }
            },
            StoreError::Internal { reason } => write!(f, "internal error: {reason}"),
        }
    }
}

/// Without a source: the text says all of it.
impl std::error::Error for StoreError {}
