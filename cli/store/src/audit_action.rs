//! What the audit says was done.

use std::fmt;
use std::str::FromStr;

use crate::error::StoreError;

/// What was done; `Display` gives the spelling in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditAction {
    /// The domain was made.
    DomainCreated,
    /// The domain's name, description or settings were changed.
    DomainUpdated,
    /// The domain got a new domain key.
    DomainRekeyed,
    /// A first voiceprint, or one after expiry.
    SpeakerEnrolled,
    /// A voiceprint was replaced.
    SpeakerReenrolled,
    /// A voiceprint was deleted at the speaker's wish.
    SpeakerOptedOut,
    /// A speaker who had opted out consented again.
    OptOutCleared,
    /// A speaker and all that belongs to it was deleted.
    SpeakerDeleted,
    /// A voiceprint left the domain in a sealed file.
    VoiceprintExported,
    /// A voiceprint came from a sealed file.
    VoiceprintImported,
    /// A watch list was made.
    WatchlistCreated,
    /// A watch list's name or description was changed.
    WatchlistUpdated,
    /// A watch list was deleted.
    WatchlistDeleted,
    /// A fraudster was registered.
    FraudsterRegistered,
    /// A fraudster was put on a list.
    FraudsterAssociated,
    /// A fraudster was taken off a list.
    FraudsterDisassociated,
    /// A fraudster was deleted.
    FraudsterDeleted,
    /// The audio of a call was kept.
    SessionAudioKept,
    /// The audio of a call was read.
    SessionAudioRead,
    /// The audio of a call was erased, by hand or because its time was over.
    SessionAudioErased,
    /// Somebody was not allowed what they asked for.
    AccessDenied,
    /// Contacts were put into the archive.
    ContactsImported,
    /// A recording or a transcript was put beside a contact.
    ContactFileStored,
    /// A recording or a transcript was read as it was.
    UnredactedRead,
    /// A contact was deleted.
    ContactDeleted,
    /// Contacts were erased because their time was over.
    ContactsErased,
    /// A user was made.
    UserCreated,
    /// A user's roles or group were changed.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
    /// A user got a new token.
    TokenIssued,
    /// A user's token was taken away.
    TokenRevoked,
    /// A role was made or changed.
    RoleWritten,
    /// A role was deleted.
    RoleDeleted,
    /// A user got a right for a time.
    Elevated,
    /// A right given for a time was taken back.
    ElevationRevoked,
    /// A rule was made or changed.
    RuleWritten,
    /// A rule was deleted.
    RuleDeleted,
    /// A setting was changed.
    SettingWritten,
}

const ACTIONS: [(AuditAction, &str); 38] = [
    (AuditAction::DomainCreated, "DOMAIN_CREATED"),
    (AuditAction::DomainUpdated, "DOMAIN_UPDATED"),
    (AuditAction::DomainRekeyed, "DOMAIN_REKEYED"),
    (AuditAction::SpeakerEnrolled, "SPEAKER_ENROLLED"),
    (AuditAction::SpeakerReenrolled, "SPEAKER_REENROLLED"),
    (AuditAction::SpeakerOptedOut, "SPEAKER_OPTED_OUT"),
    (AuditAction::OptOutCleared, "OPT_OUT_CLEARED"),
    (AuditAction::SpeakerDeleted, "SPEAKER_DELETED"),
    (AuditAction::VoiceprintExported, "VOICEPRINT_EXPORTED"),
    (AuditAction::VoiceprintImported, "VOICEPRINT_IMPORTED"),
    (AuditAction::WatchlistCreated, "WATCHLIST_CREATED"),
    (AuditAction::WatchlistUpdated, "WATCHLIST_UPDATED"),
    (AuditAction::WatchlistDeleted, "WATCHLIST_DELETED"),
    (AuditAction::FraudsterRegistered, "FRAUDSTER_REGISTERED"),
    (AuditAction::FraudsterAssociated, "FRAUDSTER_ASSOCIATED"),
    (AuditAction::FraudsterDisassociated, "FRAUDSTER_DISASSOCIATED"),
    (AuditAction::FraudsterDeleted, "FRAUDSTER_DELETED"),
    (AuditAction::SessionAudioKept, "SESSION_AUDIO_KEPT"),
    (AuditAction::SessionAudioRead, "SESSION_AUDIO_READ"),
    (AuditAction::SessionAudioErased, "SESSION_AUDIO_ERASED"),
    (AuditAction::AccessDenied, "ACCESS_DENIED"),
    (AuditAction::ContactsImported, "CONTACTS_IMPORTED"),
    (AuditAction::ContactFileStored, "CONTACT_FILE_STORED"),
    (AuditAction::UnredactedRead, "UNREDACTED_READ"),
    (AuditAction::ContactDeleted, "CONTACT_DELETED"),
    (AuditAction::ContactsErased, "CONTACTS_ERASED"),
    (AuditAction::UserCreated, "USER_CREATED"),
    (AuditAction::UserUpdated, "USER_UPDATED"),
    (AuditAction::UserDeleted, "USER_DELETED"),
    (AuditAction::TokenIssued, "TOKEN_ISSUED"),
    (AuditAction::TokenRevoked, "TOKEN_REVOKED"),
    (AuditAction::RoleWritten, "ROLE_WRITTEN"),
    (AuditAction::RoleDeleted, "ROLE_DELETED"),
    (AuditAction::Elevated, "ELEVATED"),
    (AuditAction::ElevationRevoked, "ELEVATION_REVOKED"),
    (AuditAction::RuleWritten, "RULE_WRITTEN"),
    (AuditAction::RuleDeleted, "RULE_DELETED"),
    (AuditAction::SettingWritten, "SETTING_WRITTEN"),
];

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ACTIONS.iter().find(|(action, _)| action == self).map_or("UNKNOWN", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for AuditAction {
    type Err = StoreError;

    fn from_str(s: &str) -> Result<Self, StoreError> {
        let found = ACTIONS.iter().find(|(_, name)| *name == s).map(|(action, _)| *action);
        found.ok_or_else(|| StoreError::invalid("AuditAction", "no such action"))
    }
}
