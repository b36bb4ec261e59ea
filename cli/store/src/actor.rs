//! In whose name something is asked for.

use std::fmt;

use crate::ids::DomainId;

/// Who a request says it comes from.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// Whoever holds the domain's key: may do everything.
    Owner,
    /// A user, by name; the caller has made sure that it is that user.
    User(&'a str),
    /// Whoever has this token, as [`crate::Domain::issue_token`] gave it.
    Token(&'a str),
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credential::Owner => "Owner",
            Credential::User(_) => "User(hidden)",
            Credential::Token(_) => "Token(hidden)",
        })
    }
}

/// Somebody known to a domain, found out once for a request by [`crate::SharedDomain::actor`].
///
/// It says who asks, not what they may do: that is looked up with every call, so that a right that is taken away is gone at once.
#[derive(Clone, PartialEq, Eq)]
pub struct Actor {
    pub(crate) domain: DomainId,
    /// Who is named in the audit.
    pub(crate) name: String,
    /// The user; `None` for the owner.
    pub(crate) user: Option<String>,
}

impl Actor {
    /// Who is named in the audit.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the domain's owner.
    pub fn is_owner(&self) -> bool {
        self.user.is_none()
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_owner() { "Actor(owner)" } else { "Actor(user, hidden)" })
    }
}
