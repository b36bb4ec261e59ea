//! Permissions by their names in Amazon Connect.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a role may do. The names are those of Amazon Connect's API; those that begin with `Vouch.` are for what it has no name for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// All of them.
            pub const ALL: &'static [Permission] = &[$(Permission::$name,)*];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Permission::$name => $text,)*
                }
            }
        }
    };
}

permissions! {
    /// The agent's own control panel.
    BasicAgentAccess = "BasicAgentAccess",
    /// Search contacts and see their records.
    ContactSearch = "ContactSearch.View",
    /// See the contacts that one handled oneself.
    MyContacts = "MyContacts.View",
    /// Search by sentiment, non-talk time and category.
    SearchCharacteristics = "ContactSearchWithCharacteristics.View",
    /// Search by what was said.
    SearchKeywords = "ContactSearchWithKeywords.View",
    /// See only contacts of one's own hierarchy group and below.
    RestrictByHierarchy = "RestrictContactAccessByHierarchy.View",
    /// See sentiment and talk times.
    GraphTrends = "GraphTrends.View",
    /// See the attributes of a contact, and what describes the customer.
    ContactAttributes = "ContactAttributes.View",
    /// Choose which attributes can be searched.
    ConfigureContactAttributes = "ConfigureContactAttributes.View",
    /// Hear redacted recordings.
    RecordingRedacted = "CallRecordings.Redacted.Access",
    /// Take redacted recordings away.
    RecordingRedactedDownload = "CallRecordings.Redacted.DownloadButton",
    /// Hear recordings as they were.
    RecordingUnredacted = "CallRecordings.Unredacted.Access",
    /// Take recordings away as they were.
    RecordingUnredactedDownload = "CallRecordings.Unredacted.DownloadButton",
    /// Read redacted transcripts.
    TranscriptRedacted = "ContactTranscripts.Redacted.Access",
    /// Take redacted transcripts away.
    TranscriptRedactedDownload = "ContactTranscripts.Redacted.DownloadButton",
    /// Read transcripts as they were.
    TranscriptUnredacted = "ContactTranscripts.Unredacted.Access",
    /// Take transcripts away as they were.
    TranscriptUnredactedDownload = "ContactTranscripts.Unredacted.DownloadButton",
    /// Delete contacts and their recordings.
    DeleteRecordings = "DeleteCallRecordings",
    /// See screen recordings, whose sound is not redacted.
    ScreenRecording = "ScreenRecording.Access",
    /// See redacted screen recordings.
    ScreenRecordingRedacted = "ScreenRecording.Redacted.Access",
    /// Hear what callers said to a voice bot, as it was.
    BotRecordingUnredacted = "AutomatedVoiceInteraction.Recordings.Unredacted.Access",
    /// Read what callers said to a voice bot, as it was.
    BotTranscriptUnredacted = "AutomatedVoiceInteraction.Transcripts.Unredacted.Access",
    /// Listen to calls as they happen.
    ListenIn = "ManagerListenIn",
    /// Take part in calls as they happen.
    BargeIn = "ManagerBargeIn",
    /// See the analysis of calls as they happen.
    Realtime = "RealtimeContactLens.View",
    /// Verify, enrol and opt out speakers, register fraudsters, and manage watch lists.
    VoiceId = "VoiceId.Access",
    /// See and search by the results of verification.
    VoiceIdSearch = "VoiceIdAttributesAndSearch.View",
    /// See rules.
    RulesView = "Rules.View",
    /// Make rules.
    RulesCreate = "Rules.Create",
    /// Change rules.
    RulesEdit = "Rules.Edit",
    /// Delete rules.
    RulesDelete = "Rules.Delete",
    /// See queues.
    QueuesView = "Queues.View",
    /// See users.
    UsersView = "Users.View",
    /// Make users.
    UsersCreate = "Users.Create",
    /// Change users, and give them tokens.
    UsersEdit = "Users.Edit",
    /// Delete users.
    UsersDelete = "Users.Delete",
    /// Give users roles, and elevate them for a time.
    UsersEditPermission = "Users.EditPermission",
    /// See roles.
    RolesView = "SecurityProfiles.View",
    /// Make roles.
    RolesCreate = "SecurityProfiles.Create",
    /// Change roles.
    RolesEdit = "SecurityProfiles.Edit",
    /// Delete roles.
    RolesDelete = "SecurityProfiles.Delete",
    /// Put contacts into the archive.
    ImportContacts = "Vouch.Contacts.Import",
    /// Read and check the audit.
    AuditView = "Vouch.Audit.View",
    /// See which fields leave the house.
    PrivacyView = "Vouch.Privacy.View",
    /// Say which fields leave the house.
    PrivacyEdit = "Vouch.Privacy.Edit",
    /// Change the domain's settings and key.
    AdministerDomain = "Vouch.Domain.Administer",
}

/// Names that Connect no longer uses, and what they grant today.
const LEGACY: [(&str, &[Permission]); 5] = [
    ("RedactedData.View", &[Permission::RecordingRedacted, Permission::TranscriptRedacted]),
    ("ListenCallRecordings", &[Permission::RecordingUnredacted, Permission::TranscriptUnredacted]),
    (
        "DownloadCallRecordings",
        &[
            Permission::RecordingRedactedDownload,
            Permission::RecordingUnredactedDownload,
            Permission::TranscriptRedactedDownload,
            Permission::TranscriptUnredactedDownload,
        ],
    ),
    ("ContactSearchWithCharacteristics.Access", &[Permission::SearchCharacteristics]),
    ("ContactSearchWithKeywords.Access", &[Permission::SearchKeywords]),
];

impl Permission {
    /// What a name grants: itself, or what a name of old has become.
    ///
    /// # Errors
    /// [`StoreError::Validation`] for a name that is not known.
    pub fn expand(name: &str) -> Result<Vec<Permission>, StoreError> {
        if let Some(known) = Permission::ALL.iter().find(|p| p.as_str() == name) {
            return Ok(vec![*known]);
        }
        let legacy = LEGACY.iter().find(|(old, _)| *old == name).map(|(_, now)| now.to_vec());
        legacy.ok_or_else(|| {
            StoreError::invalid("Permission", format!("{name:?} is not known: `vouch role permissions` lists them"))
        })
    }

    /// The names of old, with what they grant.
    pub fn legacy() -> impl Iterator<Item = (&'static str, &'static [Permission])> {
        LEGACY.into_iter()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = StoreError;

    fn from_str(s: &str) -> Result<Self, StoreError> {
        match Permission::expand(s)?.as_slice() {
            [one] => Ok(*one),
            _ => Err(StoreError::invalid("Permission", format!("{s} stands for several: name one of them"))),
        }
    }
}

impl Serialize for Permission {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = String::deserialize(d)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}
