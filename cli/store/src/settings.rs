//! Rules and the privacy configuration of a domain: kept whole, with a version, changed in one step.

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::clock::Timestamp;
use crate::documents::Kind;
use crate::domain::Domain;
use crate::error::{ResourceType, StoreError};
use crate::ids::name;

/// Most rules of a domain, as in Contact Lens for one source of events.
pub const MAX_RULES: usize = 500;
/// Largest rule or configuration, in bytes.
const MAX_BYTES: usize = 1 << 20;
const REDACTION_CONFIG: &str = "REDACTION_CONFIG";

/// A rule as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRule {
    /// Its name.
    pub name: String,
    /// Counts its changes from 1.
    pub version: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What was written, as JSON.
    pub json: String,
}

impl fmt::Debug for StoredRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRule")
            .field("version", &self.version)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}

/// The privacy configuration at some moment.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPrivacy {
    /// Counts its changes from 1; 0 if there never was one. To take it away is a change.
    pub version: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What was written, as JSON; `None` where nothing is configured.
    pub json: Option<String>,
}

impl fmt::Debug for StoredPrivacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredPrivacy")
            .field("version", &self.version)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}

/// Who works with which version since when.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Acknowledgement {
    /// The worker.
    pub worker: String,
    /// The version.
    pub version: u64,
    /// Since when, in milliseconds since 1970.
    pub at: i64,
}

impl fmt::Debug for Acknowledgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acknowledgement").field("version", &self.version).field("at", &self.at).finish_non_exhaustive()
    }
}

fn fits(field: &'static str, json: &str) -> Result<(), StoreError> {
    if json.len() <= MAX_BYTES {
        return Ok(());
    }
    Err(StoreError::invalid(field, format!("must have at most {MAX_BYTES} bytes; got {}", json.len())))
}

impl Domain {
    /// The rules, by name.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; storage errors.
    pub fn rules(&self) -> Result<Vec<StoredRule>, StoreError> {
        self.allow_any(&[Permission::RulesView, Permission::ImportContacts])?;
        let all = self.opened.backend.read(|c| self.documents::<String>(c, Kind::Rule))?;
        let rule = |d: crate::documents::Document<String>| StoredRule {
            name: d.name,
            version: d.version,
            updated_at: d.updated_at,
            json: d.value,
        };
        Ok(all.into_iter().map(rule).collect())
    }

    /// Makes a rule, or writes over the one of its name.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Validation`] for the name or the size; [`StoreError::Quota`] beyond [`MAX_RULES`]; storage errors.
    pub fn put_rule(&self, rule: &str, json: &str) -> Result<u64, StoreError> {
        let rule = name("RuleName", rule)?;
        fits("Rule", json)?;
        let before = self.opened.backend.read(|c| self.document::<String>(c, Kind::Rule, &rule))?;
        self.allow(if before.is_some() { Permission::RulesEdit } else { Permission::RulesCreate })?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let new = self.document::<String>(c, Kind::Rule, &rule)?.is_none();
            if new && self.documents::<String>(c, Kind::Rule)?.len() >= MAX_RULES {
                return Err(StoreError::Quota { reason: format!("there are {MAX_RULES} rules: delete one first") });
            }
            let version = self.put_document(c, Kind::Rule, &rule, &json)?;
            self.record(c, AuditAction::RuleWritten, &rule)?;
            Ok(version)
        })
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`]; storage errors.
    pub fn delete_rule(&self, rule: &str) -> Result<(), StoreError> {
        self.allow(Permission::RulesDelete)?;
        self.opened.backend.write(|c| {
            if !self.delete_document(c, Kind::Rule, rule)? {
                let reason = format!("there is no rule {rule}");
                return Err(StoreError::NotFound { resource: ResourceType::Rule, reason });
            }
            self.record(c, AuditAction::RuleDeleted, rule)
        })
    }

    /// The privacy configuration. Whoever takes contacts out of the archive works by it, so that everybody may read it.
    ///
    /// # Errors
    /// Storage errors.
    pub fn privacy(&self) -> Result<StoredPrivacy, StoreError> {
        let found =
            self.opened.backend.read(|c| self.document::<Option<String>>(c, Kind::Setting, REDACTION_CONFIG))?;
        Ok(match found {
            Some(d) => StoredPrivacy { version: d.version, updated_at: d.updated_at, json: d.value },
            None => StoredPrivacy { version: 0, updated_at: Timestamp(0), json: None },
        })
    }

    /// Writes the privacy configuration over the one that is there, in one step, or takes it away: `None` leaves the minimum. The caller has checked what
    /// it says. Returns its version.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Validation`] for the size; storage errors.
    pub fn set_privacy(&self, json: Option<&str>) -> Result<u64, StoreError> {
        self.allow(Permission::PrivacyEdit)?;
        json.map_or(Ok(()), |j| fits("RedactionConfig", j))?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let version = self.put_document(c, Kind::Setting, REDACTION_CONFIG, &json)?;
            let note = if json.is_some() { format!("version {version}") } else { format!("version {version}: none") };
            self.record_noted(c, AuditAction::SettingWritten, REDACTION_CONFIG, Some(&note))?;
            Ok(version)
        })
    }

    /// Notes that a worker works with this version from now on, so that it can be told how long a change takes to reach all.
    ///
    /// # Errors
    /// [`StoreError::Validation`] for the name; storage errors.
    pub fn acknowledge_privacy(&self, worker: &str, version: u64) -> Result<(), StoreError> {
        let worker = name("Worker", worker)?;
        let acknowledgement = Acknowledgement { worker: worker.clone(), version, at: self.now().0 };
        self.opened
            .backend
            .write(|c| self.put_document(c, Kind::Acknowledgement, &worker, &acknowledgement).map(|_| ()))
    }

    /// Which worker works with which version.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; storage errors.
    pub fn privacy_acknowledgements(&self) -> Result<Vec<Acknowledgement>, StoreError> {
        self.allow(Permission::PrivacyView)?;
        let all = self.opened.backend.read(|c| self.documents::<Acknowledgement>(c, Kind::Acknowledgement))?;
        Ok(all.into_iter().map(|d| d.value).collect())
    }
}
