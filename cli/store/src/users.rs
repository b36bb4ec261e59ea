//! Users, roles, and rights for a time; and the check that every other call begins with.

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::access::lint::lint;
use crate::access::{Grants, HierarchyGroup, Permission, Role, built_in_roles};
use crate::audit_action::AuditAction;
use crate::backend::Connection;
use crate::clock::Timestamp;
use crate::documents::{Document, Kind};
use crate::domain::Domain;
use crate::error::{ConflictType, ResourceType, StoreError};
use crate::ids::{ResultId, name};

/// Name of the setting that asks for two persons.
const TWO_PERSONS: &str = "TWO_PERSONS";
/// Longest time for which a right is given: a day.
const MOST_MINUTES: u32 = 1_440;
/// Longest reason.
const MOST_REASON: usize = 1_000;

/// A user, for those who see it.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name: 1 to 100 letters, digits or `_.@+-`.
    pub name: String,
    /// The names of the user's roles.
    pub roles: Vec<String>,
    /// Where the user stands.
    pub hierarchy: Option<HierarchyGroup>,
    /// Whether there is a token.
    pub has_token: bool,
    /// When the user last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("has_token", &self.has_token)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}

/// What is kept of a user.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    roles: Vec<String>,
    hierarchy: Option<HierarchyGroup>,
    /// A token of before schema 7.
    pub(crate) token: Option<SlowHash>,
    /// The keyed hash under which the user's token is kept.
    #[serde(default)]
    pub(crate) token_index: Option<String>,
}

/// A token as it was kept before schema 7.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SlowHash {
    pub(crate) salt: String,
    pub(crate) hash: String,
}

/// A right that a user has for a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Elevation {
    /// Its id.
    pub id: String,
    /// Who has it.
    pub user: String,
    /// The right.
    pub permission: Permission,
    /// Why.
    pub reason: String,
    /// Who gave it.
    pub granted_by: String,
    /// When it was given, in milliseconds since 1970.
    pub granted_at: i64,
    /// When it ends.
    pub expires_at: i64,
}

impl fmt::Debug for Elevation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elevation")
            .field("id", &self.id)
            .field("permission", &self.permission)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

pub(crate) fn reason(text: &str) -> Result<&str, StoreError> {
    let text = text.trim();
    if (1..=MOST_REASON).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    Err(StoreError::invalid("Reason", format!("must be 1 to {MOST_REASON} printable characters")))
}

pub(crate) fn no_such(resource: ResourceType, what: &str, name: &str) -> StoreError {
    StoreError::NotFound { resource, reason: format!("there is no {what} {name}") }
}

fn user_of(document: Document<Stored>) -> User {
    let Document { name, updated_at, value, .. } = document;
    User {
        name,
        roles: value.roles,
        hierarchy: value.hierarchy,
        has_token: value.token.is_some() || value.token_index.is_some(),
        updated_at,
    }
}

impl Domain {
    /// Refuses unless whoever has this domain open holds the right at this moment. Refusals are in the audit.
    pub(crate) fn allow(&self, needed: Permission) -> Result<(), StoreError> {
        self.allow_any(&[needed])
    }

    /// The same, where one of several rights is enough.
    pub(crate) fn allow_any(&self, needed: &[Permission]) -> Result<(), StoreError> {
        if self.actor.user.is_none() { Ok(()) } else { self.held(&self.grants()?, needed) }
    }

    /// The same, for rights that were read just now.
    pub(crate) fn held(&self, grants: &Grants, needed: &[Permission]) -> Result<(), StoreError> {
        if needed.iter().any(|p| grants.has(*p)) {
            return Ok(());
        }
        let names: Vec<&str> = needed.iter().map(|p| p.as_str()).collect();
        Err(self.deny("domain", format!("{} has no {}", self.actor.name, names.join(" or "))))
    }

    /// Notes that somebody was refused something.
    pub(crate) fn note_refusal(&self, subject: &str, reason: &str) -> Result<(), StoreError> {
        self.opened.backend.write(|c| self.record_noted(c, AuditAction::AccessDenied, subject, Some(reason)))
    }

    /// Notes a refusal and gives it, or what kept it from being noted.
    pub(crate) fn deny(&self, subject: &str, reason: String) -> StoreError {
        match self.note_refusal(subject, &reason) {
            Ok(()) => StoreError::Denied { reason },
            Err(e) => e,
        }
    }

    /// What whoever has this domain open may do at this moment.
    ///
    /// # Errors
    /// [`StoreError::Denied`] if the user is no more; storage errors.
    pub fn grants(&self) -> Result<Grants, StoreError> {
        let Some(user) = &self.actor.user else { return Ok(Grants::owner()) };
        match self.opened.backend.read(|c| self.grants_in(c, user))? {
            Some(grants) => Ok(grants),
            None => Err(StoreError::Denied { reason: format!("there is no user {user}") }),
        }
    }

    fn grants_in(&self, c: &mut dyn Connection, user: &str) -> Result<Option<Grants>, StoreError> {
        let Some(found) = self.document::<Stored>(c, Kind::User, user)? else { return Ok(None) };
        let mut roles = Vec::new();
        for role in &found.value.roles {
            // A role that is no more gives nothing.
            roles.extend(self.role_in(c, role)?);
        }
        let mut grants = Grants::of(user, found.value.hierarchy, &roles);
        if self.document::<bool>(c, Kind::Setting, TWO_PERSONS)?.is_some_and(|d| d.value) {
            grants.hold_back_unredacted();
        }
        let now = self.now().0;
        for elevation in self.documents::<Elevation>(c, Kind::Elevation)? {
            let Elevation { user: of, permission, granted_by, expires_at, .. } = elevation.value;
            if of == user && expires_at > now {
                grants.elevate(permission, &granted_by, &Timestamp(expires_at).to_string());
            }
        }
        Ok(Some(grants))
    }

    fn role_in(&self, c: &mut dyn Connection, name: &str) -> Result<Option<Role>, StoreError> {
        if let Some(role) = built_in_roles().into_iter().find(|r| r.name == name) {
            return Ok(Some(role));
        }
        Ok(self.document::<Role>(c, Kind::Role, name)?.map(|d| d.value))
    }

    /// What a user may do at this moment. One's own rights anybody may see.
    ///
    /// # Errors
    /// [`StoreError::Denied`] without [`Permission::UsersView`]; [`StoreError::NotFound`]; storage errors.
    pub fn grants_of(&self, user: &str) -> Result<Grants, StoreError> {
        if self.actor.user.as_deref() != Some(user) {
            self.allow(Permission::UsersView)?;
        }
        let grants = self.opened.backend.read(|c| self.grants_in(c, user))?;
        grants.ok_or_else(|| no_such(ResourceType::User, "user", user))
    }

    /// Nobody gives what they do not hold, by a role, a token or for a time.
    fn holds_all(&self, of: &Grants) -> Result<(), StoreError> {
        let own = self.grants()?;
        let asked = of.held.keys().chain(of.withheld.keys());
        let mut more = asked.filter(|p| **p != Permission::RestrictByHierarchy);
        let lacks = more.find(|p| !own.has(**p) && !own.withheld.contains_key(*p));
        let unbound = own.has(Permission::RestrictByHierarchy) && !of.has(Permission::RestrictByHierarchy);
        match lacks {
            Some(p) => Err(self.deny(&of.user, format!("{} may not give {p} without holding it", self.actor.name))),
            None if unbound => {
                Err(self.deny(&of.user, format!("{} may not give more than the own hierarchy group", self.actor.name)))
            }
            None => Ok(()),
        }
    }

    fn known_roles(&self, c: &mut dyn Connection, names: &[String]) -> Result<Vec<Role>, StoreError> {
        let mut roles = Vec::new();
        for name in names {
            let role = self.role_in(c, name)?;
            roles.push(role.ok_or_else(|| no_such(ResourceType::Role, "role", name))?);
        }
        Ok(roles)
    }

    /// The user, for opening.
    pub(crate) fn known_user(&self, user: &str) -> Result<String, StoreError> {
        let found = self.opened.backend.read(|c| self.document::<Stored>(c, Kind::User, user))?;
        found.map(|d| d.name).ok_or_else(|| StoreError::Denied { reason: format!("there is no user {user}") })
    }

    /// Refuses whoever may not give all the rights that a user has.
    pub(crate) fn may_take_over(&self, user: &str) -> Result<(), StoreError> {
        let grants = self.opened.backend.read(|c| self.grants_in(c, user))?;
        self.holds_all(&grants.ok_or_else(|| no_such(ResourceType::User, "user", user))?)
    }

    /// Makes a user. Roles take [`Permission::UsersEditPermission`] as well, and nobody gives what they do not hold.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Validation`] for the name; [`StoreError::NotFound`] for a role; [`StoreError::Conflict`] if the name is
    /// taken; storage errors.
    pub fn create_user(
        &self,
        user: &str,
        roles: &[String],
        hierarchy: Option<HierarchyGroup>,
    ) -> Result<User, StoreError> {
        self.allow(Permission::UsersCreate)?;
        self.write_user(&name("UserName", user)?, roles, hierarchy, true)
    }

    /// Gives a user these roles and this place, instead of those that were.
    ///
    /// # Errors
    /// As [`Domain::create_user`].
    pub fn update_user(
        &self,
        user: &str,
        roles: &[String],
        hierarchy: Option<HierarchyGroup>,
    ) -> Result<User, StoreError> {
        self.allow(Permission::UsersEdit)?;
        // Who may not give a right may not take over those who have it either.
        self.holds_all(&self.opened.backend.read(|c| self.grants_in(c, user))?.unwrap_or_default())?;
        self.write_user(user, roles, hierarchy, false)
    }

    fn write_user(
        &self,
        user: &str,
        roles: &[String],
        hierarchy: Option<HierarchyGroup>,
        new: bool,
    ) -> Result<User, StoreError> {
        let given = self.opened.backend.read(|c| self.known_roles(c, roles))?;
        let before = self.opened.backend.read(|c| self.document::<Stored>(c, Kind::User, user))?;
        if before.as_ref().map_or(!roles.is_empty(), |b| b.value.roles != roles) {
            self.allow(Permission::UsersEditPermission)?;
        }
        self.holds_all(&Grants::of(user, hierarchy.clone(), &given))?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let before = self.document::<Stored>(c, Kind::User, user)?;
            match (new, &before) {
                (true, Some(_)) => {
                    return Err(StoreError::Conflict {
                        conflict: ConflictType::NameTaken,
                        reason: format!("there is a user {user} already"),
                    });
                }
                (false, None) => return Err(no_such(ResourceType::User, "user", user)),
                _ => {}
            }
            let (token, token_index) = before.map(|b| (b.value.token, b.value.token_index)).unwrap_or_default();
            let stored = Stored { roles: roles.to_vec(), hierarchy, token, token_index };
            self.put_document(c, Kind::User, user, &stored)?;
            let action = if new { AuditAction::UserCreated } else { AuditAction::UserUpdated };
            self.record_noted(c, action, user, Some(&format!("roles: {}", roles.join(", "))))?;
            let written = self.document::<Stored>(c, Kind::User, user)?;
            written.map(user_of).ok_or_else(|| no_such(ResourceType::User, "user", user))
        })
    }

    /// The users, by name.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; storage errors.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        self.allow(Permission::UsersView)?;
        Ok(self.opened.backend.read(|c| self.documents(c, Kind::User))?.into_iter().map(user_of).collect())
    }

    /// Deletes a user, with the token and what was given for a time.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`]; storage errors.
    pub fn delete_user(&self, user: &str) -> Result<(), StoreError> {
        self.allow(Permission::UsersDelete)?;
        self.opened.backend.write(|c| {
            let found = self.document::<Stored>(c, Kind::User, user)?;
            let mut stored = found.ok_or_else(|| no_such(ResourceType::User, "user", user))?.value;
            self.drop_token(c, &mut stored)?;
            self.delete_document(c, Kind::User, user)?;
            for elevation in self.documents::<Elevation>(c, Kind::Elevation)? {
                if elevation.value.user == user {
                    self.delete_document(c, Kind::Elevation, &elevation.name)?;
                }
            }
            self.record(c, AuditAction::UserDeleted, user)
        })
    }

    /// The roles: the four that every domain has, then one's own by name.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; storage errors.
    pub fn roles(&self) -> Result<Vec<Role>, StoreError> {
        self.allow_any(&[Permission::RolesView, Permission::UsersEdit])?;
        let own = self.opened.backend.read(|c| self.documents::<Role>(c, Kind::Role))?;
        Ok(built_in_roles().into_iter().chain(own.into_iter().map(|d| d.value)).collect())
    }

    /// Makes a role, or changes what it grants. Nobody gives what they do not hold.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Validation`] for the name; [`StoreError::Conflict`] for the name of a built-in role; storage errors.
    pub fn put_role(&self, role: &str, permissions: &[Permission]) -> Result<Role, StoreError> {
        let name = name("RoleName", role)?;
        let before = self.opened.backend.read(|c| self.role_in(c, role))?;
        self.allow(if before.is_some() { Permission::RolesEdit } else { Permission::RolesCreate })?;
        if before.is_some_and(|r| r.built_in) {
            let reason = format!("{role} is in every domain and stays as it is: make one of another name");
            return Err(StoreError::Conflict { conflict: ConflictType::NameTaken, reason });
        }
        let role = Role { name, permissions: permissions.iter().copied().collect(), built_in: false };
        self.holds_all(&Grants::of(&role.name, None, std::slice::from_ref(&role)))?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            self.put_document(c, Kind::Role, &role.name, &role)?;
            let list: Vec<&str> = role.permissions.iter().map(|p| p.as_str()).collect();
            self.record_noted(c, AuditAction::RoleWritten, &role.name, Some(&list.join(", ")))
        })?;
        Ok(role)
    }

    /// Deletes a role that nobody has.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`], also for a built-in role; [`StoreError::Conflict`] while a user has it; storage errors.
    pub fn delete_role(&self, role: &str) -> Result<(), StoreError> {
        self.allow(Permission::RolesDelete)?;
        self.opened.backend.write(|c| {
            if let Some(user) =
                self.documents::<Stored>(c, Kind::User)?.iter().find(|u| u.value.roles.iter().any(|r| r == role))
            {
                return Err(StoreError::Conflict {
                    conflict: ConflictType::InUse,
                    reason: format!("{} has the role {role}: give another first", user.name),
                });
            }
            if !self.delete_document(c, Kind::Role, role)? {
                return Err(no_such(ResourceType::Role, "role of one's own", role));
            }
            self.record(c, AuditAction::RoleDeleted, role)
        })
    }

    /// Gives a user a right for 1 to 1,440 minutes. Nobody gives it to themselves, and nobody gives what they do not hold.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Validation`] for the minutes or the reason; [`StoreError::NotFound`]; storage errors.
    pub fn elevate(
        &self,
        user: &str,
        permission: Permission,
        minutes: u32,
        why: &str,
    ) -> Result<Elevation, StoreError> {
        self.allow(Permission::UsersEditPermission)?;
        if !(1..=MOST_MINUTES).contains(&minutes) {
            return Err(StoreError::invalid("Minutes", format!("must be 1 to {MOST_MINUTES}; got {minutes}")));
        }
        let why = reason(why)?;
        if self.actor.user.as_deref() == Some(user) {
            return Err(self.deny(user, format!("{user} may not give {permission} to themselves: ask another")));
        }
        let mut given = Grants { user: user.to_owned(), ..Grants::default() };
        given.held.insert(permission, Vec::new());
        given.held.insert(Permission::RestrictByHierarchy, Vec::new());
        self.holds_all(&given)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            if self.document::<Stored>(c, Kind::User, user)?.is_none() {
                return Err(no_such(ResourceType::User, "user", user));
            }
            let now = self.now().0;
            // Those whose time is over are history, which the audit keeps.
            for old in self.documents::<Elevation>(c, Kind::Elevation)? {
                if old.value.expires_at <= now {
                    self.delete_document(c, Kind::Elevation, &old.name)?;
                }
            }
            let elevation = Elevation {
                id: ResultId::random()?.to_string(),
                user: user.to_owned(),
                permission,
                reason: why.to_owned(),
                granted_by: self.actor.name.clone(),
                granted_at: now,
                expires_at: now.saturating_add(i64::from(minutes) * 60_000),
            };
            self.put_document(c, Kind::Elevation, &elevation.id, &elevation)?;
            let note = format!("{permission} until {}: {why}", Timestamp(elevation.expires_at));
            self.record_noted(c, AuditAction::Elevated, user, Some(&note))?;
            Ok(elevation)
        })
    }

    /// The rights that are given for a time and still count.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; storage errors.
    pub fn elevations(&self) -> Result<Vec<Elevation>, StoreError> {
        self.allow(Permission::UsersView)?;
        let all = self.opened.backend.read(|c| self.documents::<Elevation>(c, Kind::Elevation))?;
        let now = self.now().0;
        Ok(all.into_iter().map(|d| d.value).filter(|e| e.expires_at > now).collect())
    }

    /// Takes back a right that was given for a time.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`]; storage errors.
    pub fn revoke_elevation(&self, id: &str) -> Result<(), StoreError> {
        self.allow(Permission::UsersEditPermission)?;
        self.opened.backend.write(|c| {
            let found = self.document::<Elevation>(c, Kind::Elevation, id)?;
            let elevation = found.ok_or_else(|| no_such(ResourceType::Elevation, "elevation", id))?.value;
            self.delete_document(c, Kind::Elevation, id)?;
            let note = elevation.permission.to_string();
            self.record_noted(c, AuditAction::ElevationRevoked, &elevation.user, Some(&note))
        })
    }

    /// Whether roles alone open nothing as it was: it takes an elevation by somebody else.
    ///
    /// # Errors
    /// Storage errors.
    pub fn two_persons(&self) -> Result<bool, StoreError> {
        let found = self.opened.backend.read(|c| self.document::<bool>(c, Kind::Setting, TWO_PERSONS))?;
        Ok(found.is_some_and(|d| d.value))
    }

    /// Asks for two persons, or no longer.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; storage errors.
    pub fn set_two_persons(&self, on: bool) -> Result<(), StoreError> {
        self.allow(Permission::AdministerDomain)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            self.put_document(c, Kind::Setting, TWO_PERSONS, &on)?;
            self.record_noted(c, AuditAction::SettingWritten, TWO_PERSONS, Some(if on { "on" } else { "off" }))
        })
    }

    /// What is questionable about the rights of every user.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; storage errors.
    pub fn lint_rights(&self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for user in self.users()? {
            found.extend(lint(&self.grants_of(&user.name)?));
        }
        Ok(found)
    }
}
