//! A domain that is opened once and serves many.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::actor::{Actor, Credential};
use crate::domain::{Domain, OpenOptions, Opened};
use crate::error::StoreError;
use crate::ids::DomainId;

/// A domain that is open in nobody's name: a service keeps one, and asks for an [`Actor`] and a [`Domain`] with every request. Nothing can be read or changed through it
/// otherwise, so that no request can be served in the wrong name by mistake.
///
/// Cheap to clone. Connections and keys are shared by all that comes of it; they close when the last of it is dropped.
///
/// ```
/// use cli_store::{Credential, Domain, NewDomain, OpenOptions, SharedDomain};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let parent = tempfile::tempdir()?;
/// # let dir = parent.path().join("bank.domain");
/// let owner = Domain::create(&dir, NewDomain::new("bank".parse()?))?;
/// owner.create_user("desk", &["CallCenterManager".into()], None)?;
/// let token = owner.issue_token("desk")?;
///
/// let shared = SharedDomain::open(&dir, OpenOptions::default())?;
/// // With each request:
/// let actor = shared.actor(Credential::Token(&token))?;
/// let desk = shared.acting_as(&actor)?;
/// assert!(desk.list_speakers(10, None)?.items.is_empty());
/// assert!(desk.rekey().is_err(), "a manager has no right to that");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SharedDomain(Arc<Opened>);

impl fmt::Debug for SharedDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedDomain").field("dir", &self.0.dir).field("id", &self.0.id).finish_non_exhaustive()
    }
}

impl SharedDomain {
    /// Opens the domain in `dir`.
    ///
    /// # Errors
    /// Those of [`Domain::open`]; [`StoreError::Validation`] if the options name a user or a token: those come with each request.
    pub fn open(dir: &Path, options: OpenOptions) -> Result<SharedDomain, StoreError> {
        if !matches!(options.credential(), Credential::Owner) {
            return Err(StoreError::invalid("Credential", "belongs to a request, not to a domain that many share"));
        }
        Opened::open(dir, &options).map(|opened| SharedDomain(Arc::new(opened)))
    }

    /// The domain's id.
    pub fn id(&self) -> &DomainId {
        &self.0.id
    }

    /// Who it is that asks. Takes one look into the database for a user or a token, and no slow hash.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a user that is not known, and for a token that is unknown, revoked or over: which of these is in the audit only. Storage
    /// errors.
    pub fn actor(&self, credential: Credential<'_>) -> Result<Actor, StoreError> {
        Domain::owned(self.0.clone()).resolve(credential)
    }

    /// The domain in somebody's name: every call asks for their rights as they are then. As cheap as a clone.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for an actor of another domain.
    pub fn acting_as(&self, actor: &Actor) -> Result<Domain, StoreError> {
        if actor.domain != self.0.id {
            return Err(StoreError::Denied { reason: "whoever asks belongs to another domain".into() });
        }
        Ok(Domain { opened: self.0.clone(), actor: actor.clone() })
    }
}
