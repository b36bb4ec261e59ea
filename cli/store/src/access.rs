//! Who may do what: permissions by their names in Amazon Connect, roles, and the one decision about a contact.
//!
//! Nothing here reads or writes: [`authorize`] and its tables are pure. [`crate::Domain`] asks them before it returns or changes anything that
//! belongs to a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;

pub(crate) mod lint;
mod permission;

pub use permission::Permission;

/// What a role may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Role {
    /// Its name: 1 to 100 letters, digits or `_.@+-`.
    pub name: String,
    /// What it grants.
    pub permissions: BTreeSet<Permission>,
    /// One of the four that every domain has, and that cannot be changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub built_in: bool,
}

/// Connect's four default profiles. A manager has the redacted copies only: the originals are to be granted by name.
pub fn built_in_roles() -> [Role; 4] {
    use Permission as P;
    let role = |name: &str, permissions: &[P]| Role {
        name: name.to_owned(),
        permissions: permissions.iter().copied().collect(),
        built_in: true,
    };
    // The restriction takes rights away.
    let all: Vec<P> = P::ALL.iter().copied().filter(|p| *p != P::RestrictByHierarchy).collect();
    [
        role("Admin", &all),
        role("Agent", &[P::BasicAgentAccess, P::MyContacts]),
        role(
            "CallCenterManager",
            &[
                P::ContactSearch,
                P::SearchCharacteristics,
                P::SearchKeywords,
                P::GraphTrends,
                P::RecordingRedacted,
                P::TranscriptRedacted,
                P::Realtime,
                P::ListenIn,
                P::BargeIn,
                P::VoiceId,
                P::VoiceIdSearch,
                P::RulesView,
                P::RulesCreate,
                P::RulesEdit,
                P::RulesDelete,
                P::QueuesView,
                P::UsersView,
                P::UsersCreate,
                P::UsersEdit,
            ],
        ),
        role("QualityAnalyst", &[P::ContactSearch, P::SearchCharacteristics, P::GraphTrends]),
    ]
}

/// A place in the hierarchy: up to five names, from the top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HierarchyGroup(pub Vec<String>);

/// Between the levels where a group is one text.
const LEVEL_END: char = '\u{1f}';

impl HierarchyGroup {
    /// Most levels.
    pub const LEVELS: usize = 5;

    /// Whether `other` is this group or one below it.
    pub fn holds(&self, other: &HierarchyGroup) -> bool {
        other.0.starts_with(&self.0)
    }

    /// One text, of which that of every group above is a prefix.
    pub(crate) fn text(&self) -> String {
        self.0.iter().flat_map(|level| level.chars().chain([LEVEL_END])).collect()
    }

    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.split_terminator(LEVEL_END).map(str::to_owned).collect())
    }
}

impl FromStr for HierarchyGroup {
    type Err = StoreError;

    /// `EMEA/UK/London`.
    fn from_str(s: &str) -> Result<Self, StoreError> {
        let levels: Vec<String> = s.split('/').map(|l| l.trim().to_owned()).collect();
        let bad = levels.len() > Self::LEVELS || levels.iter().any(|l| l.is_empty() || l.chars().any(char::is_control));
        if bad {
            return Err(StoreError::invalid("HierarchyGroup", "must be 1 to 5 names with / between them"));
        }
        Ok(Self(levels))
    }
}

impl fmt::Display for HierarchyGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// What is kept of a contact beside its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Media {
    /// How it sounded.
    Recording,
    /// What was said.
    Transcript,
}

impl Media {
    /// Both.
    pub const ALL: [Media; 2] = [Media::Recording, Media::Transcript];

    /// Its name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Media::Recording => "RECORDING",
            Media::Transcript => "TRANSCRIPT",
        }
    }

    /// What a variant of it takes to be seen, and to be taken away.
    pub fn permissions(self, variant: Variant) -> (Permission, Permission) {
        use Permission as P;
        match (self, variant) {
            (Media::Recording, Variant::Redacted) => (P::RecordingRedacted, P::RecordingRedactedDownload),
            (Media::Recording, Variant::Unredacted) => (P::RecordingUnredacted, P::RecordingUnredactedDownload),
            (Media::Transcript, Variant::Redacted) => (P::TranscriptRedacted, P::TranscriptRedactedDownload),
            (Media::Transcript, Variant::Unredacted) => (P::TranscriptUnredacted, P::TranscriptUnredactedDownload),
        }
    }
}

/// One of the two copies; never both at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// What is personal is silenced or masked.
    Redacted,
    /// As it was.
    Unredacted,
}

impl Variant {
    /// Its name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Variant::Redacted => "REDACTED",
            Variant::Unredacted => "UNREDACTED",
        }
    }
}

/// Which copy somebody gets: the six rows of Contact Lens's rule. `None` is neither.
///
/// Whoever may see both gets the redacted copy wherever there is one that can be shown.
pub fn resolve(redacted: bool, unredacted: bool, redacted_copy: bool) -> Option<Variant> {
    match (redacted, unredacted, redacted_copy) {
        (false, false, _) => None,
        (true, _, true) => Some(Variant::Redacted),
        (true, false, false) => None,
        (_, true, _) => Some(Variant::Unredacted),
    }
}

/// What somebody wants to do with a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See its record.
    See,
    /// Hear or read it.
    Show(Media),
    /// Take it away.
    Download(Media),
    /// Delete it.
    Delete,
}

/// What a decision needs to know of a contact.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The agent's user name.
    pub agent: Option<String>,
    /// The agent's place in the hierarchy.
    pub hierarchy: HierarchyGroup,
    /// Whether there is a redacted recording.
    pub redacted_recording: bool,
    /// Whether there is a redacted transcript.
    pub redacted_transcript: bool,
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("redacted_recording", &self.redacted_recording)
            .field("redacted_transcript", &self.redacted_transcript)
            .finish_non_exhaustive()
    }
}

impl Scope {
    fn redacted_copy(&self, media: Media) -> bool {
        match media {
            Media::Recording => self.redacted_recording,
            Media::Transcript => self.redacted_transcript,
        }
    }
}

/// What somebody may do at this moment, and where each right comes from.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The user's name; empty for the domain's owner.
    pub user: String,
    /// Whoever holds the domain's key and acts in nobody's name.
    pub owner: bool,
    /// Each right, with the roles and elevations that give it.
    pub held: BTreeMap<Permission, Vec<String>>,
    /// Rights that a role gives and that do not count now, and why.
    pub withheld: BTreeMap<Permission, String>,
    /// Where the user stands.
    pub hierarchy: Option<HierarchyGroup>,
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Grants {
    /// The rights of the domain's owner: all.
    pub fn owner() -> Grants {
        let all = Permission::ALL.iter().filter(|p| **p != Permission::RestrictByHierarchy);
        Grants { owner: true, held: all.map(|p| (*p, vec!["owner".to_owned()])).collect(), ..Grants::default() }
    }

    /// The rights of a user with these roles.
    pub fn of(user: &str, hierarchy: Option<HierarchyGroup>, roles: &[Role]) -> Grants {
        let mut grants = Grants { user: user.to_owned(), hierarchy, ..Grants::default() };
        for (role, permission) in roles.iter().flat_map(|r| r.permissions.iter().map(move |p| (r, *p))) {
            grants.held.entry(permission).or_default().push(format!("role {}", role.name));
        }
        grants
    }

    /// Whether the right is held.
    pub fn has(&self, permission: Permission) -> bool {
        self.held.contains_key(&permission)
    }

    /// Under the rule of two persons roles alone open nothing as it was; an elevation by somebody else does.
    pub(crate) fn hold_back_unredacted(&mut self) {
        for media in Media::ALL {
            let (access, download) = media.permissions(Variant::Unredacted);
            for permission in [access, download] {
                if self.held.remove(&permission).is_some() {
                    self.withheld.insert(permission, "two persons are needed: ask another for an elevation".into());
                }
            }
        }
    }

    /// Adds a right for a time. Access as it was takes the redacted access away meanwhile, which would win otherwise.
    pub(crate) fn elevate(&mut self, permission: Permission, by: &str, until: &str) {
        self.withheld.remove(&permission);
        self.held.entry(permission).or_default().push(format!("elevation by {by} until {until}"));
        for media in Media::ALL {
            if permission == media.permissions(Variant::Unredacted).0 {
                let redacted = media.permissions(Variant::Redacted).0;
                if self.held.remove(&redacted).is_some() {
                    self.withheld.insert(redacted, format!("{permission} is elevated until {until}"));
                }
            }
        }
    }

    fn because(&self, permission: Permission) -> String {
        match (self.held.get(&permission), self.withheld.get(&permission)) {
            (Some(from), _) => format!("{permission} from {}", from.join(", ")),
            (None, Some(why)) => format!("{permission} does not count: {why}"),
            (None, None) => format!("no {permission}"),
        }
    }
}

/// What is allowed, and by what.
#[derive(Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The copy, where it is about one.
    pub variant: Option<Variant>,
    /// The rights that decided.
    pub because: String,
}

impl fmt::Debug for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowed").field("variant", &self.variant).finish_non_exhaustive()
    }
}

/// What is decided of an action.
pub type Decision = Result<Allowed, Denied>;

/// What is not, and why.
#[derive(Clone, PartialEq, Eq)]
pub struct Denied(pub String);

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denied").finish_non_exhaustive()
    }
}

/// The one decision about a contact.
///
/// # Errors
/// [`Denied`], with what is missing.
pub fn authorize(grants: &Grants, action: Action, contact: &Scope) -> Decision {
    let seen = visible(grants, contact)?;
    match action {
        Action::See => Ok(Allowed { variant: None, because: seen }),
        Action::Delete => match grants.has(Permission::DeleteRecordings) {
            true => Ok(Allowed { variant: None, because: grants.because(Permission::DeleteRecordings) }),
            false => Err(Denied(grants.because(Permission::DeleteRecordings))),
        },
        Action::Show(media) => show(grants, media, contact),
        Action::Download(media) => {
            let shown = show(grants, media, contact)?;
            let Some(variant) = shown.variant else { return Ok(shown) };
            let (_, download) = media.permissions(variant);
            match grants.has(download) {
                true => Ok(Allowed { because: format!("{}; {}", shown.because, grants.because(download)), ..shown }),
                false => Err(Denied(grants.because(download))),
            }
        }
    }
}

/// Whether the contact is there at all for somebody.
fn visible(grants: &Grants, contact: &Scope) -> Result<String, Denied> {
    use Permission as P;
    let own = grants.has(P::MyContacts) && contact.agent.as_deref() == Some(grants.user.as_str());
    if own {
        return Ok(grants.because(P::MyContacts));
    }
    if !grants.has(P::ContactSearch) {
        return Err(Denied(grants.because(P::ContactSearch)));
    }
    let inside = grants.hierarchy.as_ref().is_some_and(|g| g.holds(&contact.hierarchy));
    if grants.has(P::RestrictByHierarchy) && !inside {
        let group = grants.hierarchy.as_ref().map_or("no hierarchy group".into(), |g| format!("group {g}"));
        return Err(Denied(format!("{}: {group} does not hold the agent's", grants.because(P::RestrictByHierarchy))));
    }
    Ok(grants.because(P::ContactSearch))
}

fn show(grants: &Grants, media: Media, contact: &Scope) -> Result<Allowed, Denied> {
    let right = |variant| media.permissions(variant).0;
    let (redacted, unredacted) = (right(Variant::Redacted), right(Variant::Unredacted));
    let copy = contact.redacted_copy(media);
    let variant = resolve(grants.has(redacted), grants.has(unredacted), copy);
    let there = if copy { "there is a redacted copy" } else { "there is no redacted copy" };
    let because = format!("{}; {}; {there}", grants.because(redacted), grants.because(unredacted));
    if variant.is_some() { Ok(Allowed { variant, because }) } else { Err(Denied(because)) }
}

#[cfg(test)]
mod tests;
