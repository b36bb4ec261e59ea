//! Watch lists, and the fraudsters on them.
//!
//! Every domain has a default list, which cannot be changed or deleted. A fraudster is on one list at least, and may be on several.

use std::fmt;

use zeroize::Zeroizing;

use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change, rows};
use crate::clock::Timestamp;
use crate::domain::{Domain, DomainInfo};
use crate::error::{ConflictType, ResourceType, StoreError};
use crate::events::Event;
use crate::ids::{Description, FraudsterId, ModelId, WatchlistId, WatchlistName};
use crate::page::{MAX_PAGE, Page, parse, token};
use crate::statement::{Fields, Statement, get};

/// Longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// Voiceprints that are read at once when all are gone through.
const SWEEP: i64 = 1_000;

/// A watch list's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watchlist {
    /// Its id.
    pub watchlist_id: WatchlistId,
    /// Its name; sensitive.
    pub name: WatchlistName,
    /// What it is for; sensitive.
    pub description: Option<Description>,
    /// The list that every domain has.
    pub default_watchlist: bool,
    /// How many fraudsters are on it.
    pub fraudsters: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or description last changed.
    pub updated_at: Timestamp,
}

/// A fraudster's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fraudster {
    /// The id.
    pub generated_fraudster_id: FraudsterId,
    /// The lists that the fraudster is on, at least one.
    pub watchlist_ids: Vec<WatchlistId>,
    /// The network that made the voiceprint.
    pub model_id: ModelId,
    /// When the fraudster was registered.
    pub created_at: Timestamp,
}

/// What is registered. `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct Registration<'a> {
    /// The network that made the template.
    pub model_id: ModelId,
    /// 1 byte to 1 MiB.
    pub template: &'a [u8],
    /// The list; the default one unless given.
    pub watchlist: Option<&'a WatchlistId>,
}

impl fmt::Debug for Registration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("model_id", &self.model_id).finish_non_exhaustive()
    }
}

const LIST_FIELDS: &str = "w.watchlist_id, w.name, w.description, w.is_default, w.created_at, w.updated_at, \
     (SELECT COUNT(*) FROM watchlist_members m WHERE m.domain_id = w.domain_id AND m.watchlist_id = w.watchlist_id)";
const FRAUDSTER_FIELDS: &str = "f.generated_fraudster_id, f.model_id, f.created_at";

fn context<'a>(domain: &'a str, id: &'a str, model: &'a str) -> [&'a [u8]; 4] {
    [b"fraudsters", domain.as_bytes(), id.as_bytes(), model.as_bytes()]
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

impl Domain {
    fn no_such_watchlist(&self, id: &WatchlistId) -> StoreError {
        StoreError::NotFound {
            resource: ResourceType::Watchlist,
            reason: format!("there is no watch list {id} in the domain at {}", self.dir().display()),
        }
    }

    fn no_such_fraudster(&self, id: &FraudsterId) -> StoreError {
        StoreError::NotFound {
            resource: ResourceType::Fraudster,
            reason: format!("there is no fraudster {id} in the domain at {}", self.dir().display()),
        }
    }

    fn read_watchlist(&self, row: &Fields) -> Result<Watchlist, StoreError> {
        let path = self.path();
        let bad = |_| StoreError::corrupt(path, "a watch list's row breaks a rule");
        let description: Option<String> = get(path, row, 2)?;
        Ok(Watchlist {
            watchlist_id: get::<String>(path, row, 0)?.parse().map_err(bad)?,
            name: get::<String>(path, row, 1)?.parse().map_err(bad)?,
            description: description.map(|d| d.parse()).transpose().map_err(bad)?,
            default_watchlist: get(path, row, 3)?,
            created_at: Timestamp(get(path, row, 4)?),
            updated_at: Timestamp(get(path, row, 5)?),
            fraudsters: count(get(path, row, 6)?),
        })
    }

    fn get_watchlist(&self, c: &mut dyn Connection, id: &WatchlistId) -> Result<Watchlist, StoreError> {
        let sql = format!("SELECT {LIST_FIELDS} FROM watchlists w WHERE w.domain_id = $1 AND w.watchlist_id = $2");
        let query = Statement::new(sql).bind(self.id().as_str()).bind(id.as_str());
        let row = rows(c, query)?.pop().ok_or_else(|| self.no_such_watchlist(id))?;
        self.read_watchlist(&row)
    }

    /// A list that may be changed: not the default one.
    fn own_watchlist(&self, c: &mut dyn Connection, id: &WatchlistId) -> Result<Watchlist, StoreError> {
        let list = self.get_watchlist(c, id)?;
        if list.default_watchlist {
            let reason = "names the default watch list, which cannot be changed or deleted: only its members can";
            return Err(StoreError::invalid("WatchlistId", reason));
        }
        Ok(list)
    }

    /// Makes a watch list.
    ///
    /// # Errors
    /// [`StoreError::Quota`] beyond the domain's number of lists; storage errors.
    pub fn create_watchlist(
        &self,
        name: &WatchlistName,
        description: Option<&Description>,
    ) -> Result<Watchlist, StoreError> {
        self.allow(Permission::VoiceId)?;
        let id = WatchlistId::random()?;
        self.opened.backend.write(|c| {
            let info = self.active(c)?;
            let path = self.path();
            let query = Statement::new("SELECT COUNT(*) FROM watchlists WHERE domain_id = $1").bind(self.id().as_str());
            let row = rows(c, query)?.pop();
            let there = count(row.map(|r| get(path, &r, 0)).transpose()?.unwrap_or(0));
            if there >= u64::from(info.max_watchlists) {
                return Err(StoreError::Quota {
                    reason: format!(
                        "the domain has {there} watch lists and may have {}: delete one, or raise the limit",
                        info.max_watchlists
                    ),
                });
            }
            let insert = Statement::new(
                "INSERT INTO watchlists (domain_id, watchlist_id, name, description, is_default, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $6)",
            )
            .bind(self.id().as_str())
            .bind(id.as_str())
            .bind(name.as_str())
            .bind(description.map(Description::as_str))
            .bind(false)
            .bind(self.now().0);
            change(c, insert)?;
            self.record(c, AuditAction::WatchlistCreated, id.as_str())?;
            self.get_watchlist(c, &id)
        })
    }

    /// The list's description.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Watchlist`]; storage errors.
    pub fn describe_watchlist(&self, id: &WatchlistId) -> Result<Watchlist, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.read(|c| self.get_watchlist(c, id))
    }

    /// Every list, the default one first, then by age.
    ///
    /// # Errors
    /// Storage errors.
    pub fn list_watchlists(&self) -> Result<Vec<Watchlist>, StoreError> {
        self.allow(Permission::VoiceId)?;
        let sql = format!(
            "SELECT {LIST_FIELDS} FROM watchlists w WHERE w.domain_id = $1 \
             ORDER BY w.is_default DESC, w.created_at, w.watchlist_id"
        );
        let query = Statement::new(sql).bind(self.id().as_str());
        let found = self.opened.backend.read(|c| rows(c, query))?;
        found.iter().map(|row| self.read_watchlist(row)).collect()
    }

    /// Changes name or description; what is `None` stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Watchlist`]; [`StoreError::Validation`] for the default list; storage
    /// errors.
    pub fn update_watchlist(
        &self,
        id: &WatchlistId,
        name: Option<&WatchlistName>,
        description: Option<&Description>,
    ) -> Result<Watchlist, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let list = self.own_watchlist(c, id)?;
            let update = Statement::new(
                "UPDATE watchlists SET name = $3, description = $4, updated_at = $5 WHERE domain_id = $1 AND watchlist_id = $2",
            )
            .bind(self.id().as_str())
            .bind(id.as_str())
            .bind(name.unwrap_or(&list.name).as_str())
            .bind(description.or(list.description.as_ref()).map(Description::as_str))
            .bind(self.now().0);
            change(c, update)?;
            self.record(c, AuditAction::WatchlistUpdated, id.as_str())?;
            self.get_watchlist(c, id)
        })
    }

    /// Deletes an empty list.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Watchlist`]; [`StoreError::Validation`] for the default list;
    /// [`StoreError::Conflict`] with [`ConflictType::CannotDeleteNonEmptyWatchlist`]; storage errors.
    pub fn delete_watchlist(&self, id: &WatchlistId) -> Result<(), StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let list = self.own_watchlist(c, id)?;
            if list.fraudsters > 0 {
                return Err(StoreError::Conflict {
                    conflict: ConflictType::CannotDeleteNonEmptyWatchlist,
                    reason: format!("watch list {id} has {} fraudsters: take them off first", list.fraudsters),
                });
            }
            let delete = Statement::new("DELETE FROM watchlists WHERE domain_id = $1 AND watchlist_id = $2");
            change(c, delete.bind(self.id().as_str()).bind(id.as_str()))?;
            self.record(c, AuditAction::WatchlistDeleted, id.as_str())
        })
    }

    fn get_fraudster(&self, c: &mut dyn Connection, id: &FraudsterId) -> Result<Fraudster, StoreError> {
        let sql = format!(
            "SELECT {FRAUDSTER_FIELDS} FROM fraudsters f WHERE f.domain_id = $1 AND f.generated_fraudster_id = $2"
        );
        let query = Statement::new(sql).bind(self.id().as_str()).bind(id.as_str());
        let row = rows(c, query)?.pop().ok_or_else(|| self.no_such_fraudster(id))?;
        self.read_fraudster(c, &row)
    }

    fn read_fraudster(&self, c: &mut dyn Connection, row: &Fields) -> Result<Fraudster, StoreError> {
        let path = self.path();
        let bad = |_| StoreError::corrupt(path, "a fraudster's row breaks a rule");
        let id: FraudsterId = get::<String>(path, row, 0)?.parse().map_err(bad)?;
        let query = Statement::new(
            "SELECT watchlist_id FROM watchlist_members WHERE domain_id = $1 AND generated_fraudster_id = $2 \
             ORDER BY added_at, watchlist_id",
        );
        let lists = rows(c, query.bind(self.id().as_str()).bind(id.as_str()))?;
        let lists = lists.iter().map(|r| get::<String>(path, r, 0)?.parse().map_err(bad));
        Ok(Fraudster {
            watchlist_ids: lists.collect::<Result<_, StoreError>>()?,
            generated_fraudster_id: id,
            model_id: get::<String>(path, row, 1)?.parse().map_err(bad)?,
            created_at: Timestamp(get(path, row, 2)?),
        })
    }

    fn add_member(
        &self,
        c: &mut dyn Connection,
        info: &DomainInfo,
        list: &Watchlist,
        id: &FraudsterId,
    ) -> Result<(), StoreError> {
        let insert = Statement::new(
            "INSERT INTO watchlist_members (domain_id, watchlist_id, generated_fraudster_id, added_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (domain_id, watchlist_id, generated_fraudster_id) DO NOTHING",
        )
        .bind(self.id().as_str())
        .bind(list.watchlist_id.as_str())
        .bind(id.as_str())
        .bind(self.now().0);
        let added = change(c, insert)?;
        if added > 0 && list.fraudsters >= u64::from(info.max_fraudsters) {
            return Err(StoreError::Quota {
                reason: format!(
                    "watch list {} has {} fraudsters and may have {}: take some off, or raise the limit",
                    list.watchlist_id, list.fraudsters, info.max_fraudsters
                ),
            });
        }
        Ok(())
    }

    /// Registers a fraudster.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Watchlist`]; [`StoreError::Quota`] for a full list;
    /// [`StoreError::Validation`] for the template; storage errors.
    pub fn register_fraudster(&self, registration: Registration<'_>) -> Result<Fraudster, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| self.register_in(c, registration))
    }

    /// Registers inside the caller's transaction.
    pub(crate) fn register_in(
        &self,
        c: &mut dyn Connection,
        registration: Registration<'_>,
    ) -> Result<Fraudster, StoreError> {
        let size = registration.template.len();
        if !(1..=MAX_TEMPLATE_BYTES).contains(&size) {
            let reason = format!("must have 1 to {MAX_TEMPLATE_BYTES} bytes; got {size}");
            return Err(StoreError::invalid("Template", reason));
        }
        let info = self.active(c)?;
        let list = self.get_watchlist(c, registration.watchlist.unwrap_or(&info.default_watchlist_id))?;
        let (id, model) = (FraudsterId::random()?, registration.model_id.to_string());
        let sealed = self.opened.keys.seal(&context(self.id().as_str(), id.as_str(), &model), registration.template)?;
        let insert = Statement::new(
            "INSERT INTO fraudsters (domain_id, generated_fraudster_id, model_id, created_at, sealed) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(self.id().as_str())
        .bind(id.as_str())
        .bind(&model)
        .bind(self.now().0)
        .bind(sealed);
        change(c, insert)?;
        self.add_member(c, &info, &list, &id)?;
        self.record(c, AuditAction::FraudsterRegistered, id.as_str())?;
        let registered = self.get_fraudster(c, &id)?;
        let watchlists = registered.watchlist_ids.clone();
        self.tell(c, &Event::FraudsterRegistered { fraudster: id, watchlists })?;
        Ok(registered)
    }

    /// Puts a fraudster on a list; one that is there already stays there.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Watchlist`] or [`ResourceType::Fraudster`]; [`StoreError::Quota`] for a
    /// full list; storage errors.
    pub fn associate_fraudster(&self, id: &FraudsterId, list: &WatchlistId) -> Result<Fraudster, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            let info = self.active(c)?;
            let list = self.get_watchlist(c, list)?;
            self.get_fraudster(c, id)?;
            self.add_member(c, &info, &list, id)?;
            self.record(c, AuditAction::FraudsterAssociated, id.as_str())?;
            self.get_fraudster(c, id)
        })
    }

    /// Takes a fraudster off a list.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Watchlist`] or [`ResourceType::Fraudster`], also for one who is not on the
    /// list; [`StoreError::Conflict`] with [`ConflictType::FraudsterMustBelongToAtLeastOneWatchlist`]; storage errors.
    pub fn disassociate_fraudster(&self, id: &FraudsterId, list: &WatchlistId) -> Result<Fraudster, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            self.get_watchlist(c, list)?;
            let fraudster = self.get_fraudster(c, id)?;
            if !fraudster.watchlist_ids.contains(list) {
                return Err(StoreError::NotFound {
                    resource: ResourceType::Fraudster,
                    reason: format!("fraudster {id} is not on watch list {list}"),
                });
            }
            if fraudster.watchlist_ids.len() == 1 {
                return Err(StoreError::Conflict {
                    conflict: ConflictType::FraudsterMustBelongToAtLeastOneWatchlist,
                    reason: format!(
                        "fraudster {id} is on no other watch list: put them on another first, or delete them"
                    ),
                });
            }
            let delete = Statement::new(
                "DELETE FROM watchlist_members WHERE domain_id = $1 AND watchlist_id = $2 AND generated_fraudster_id = $3",
            );
            let delete = delete.bind(self.id().as_str()).bind(list.as_str()).bind(id.as_str());
            change(c, delete)?;
            self.record(c, AuditAction::FraudsterDisassociated, id.as_str())?;
            self.get_fraudster(c, id)
        })
    }

    /// The fraudster's description.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Fraudster`]; storage errors.
    pub fn describe_fraudster(&self, id: &FraudsterId) -> Result<Fraudster, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.read(|c| self.get_fraudster(c, id))
    }

    /// A page of fraudsters, oldest first, of one list or of all: at most `max_results` (1 to [`MAX_PAGE`]), from the start or
    /// from `next_token`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Watchlist`]; [`StoreError::Validation`] for the number or the token;
    /// storage errors.
    pub fn list_fraudsters(
        &self,
        list: Option<&WatchlistId>,
        max_results: usize,
        next_token: Option<&str>,
    ) -> Result<Page<Fraudster>, StoreError> {
        self.allow(Permission::VoiceId)?;
        if !(1..=MAX_PAGE).contains(&max_results) {
            return Err(StoreError::invalid("MaxResults", format!("must be 1 to {MAX_PAGE}; got {max_results}")));
        }
        let after = next_token.map(|t| parse(&self.opened.keys.page, self.now(), t)).transpose()?;
        let (created_at, id) = after.unwrap_or((Timestamp(i64::MIN), String::new()));
        let limit = i64::try_from(max_results.saturating_add(1)).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {FRAUDSTER_FIELDS} FROM fraudsters f WHERE f.domain_id = $1 AND {ON_LIST} AND \
             (f.created_at, f.generated_fraudster_id) > ($3, $4) \
             ORDER BY f.created_at, f.generated_fraudster_id LIMIT $5"
        );
        self.opened.backend.read(|c| {
            if let Some(list) = list {
                self.get_watchlist(c, list)?;
            }
            let query = Statement::new(sql).bind(self.id().as_str()).bind(list.map(WatchlistId::as_str));
            let query = query.bind(created_at.0).bind(id).bind(limit);
            let found = rows(c, query)?;
            let mut items = Vec::with_capacity(found.len().min(max_results));
            for row in found.iter().take(max_results) {
                items.push(self.read_fraudster(c, row)?);
            }
            let next_token = items.last().filter(|_| found.len() > max_results).map(|last| {
                token(&self.opened.keys.page, self.now(), last.created_at, last.generated_fraudster_id.as_str())
            });
            Ok(Page { items, next_token })
        })
    }

    /// Deletes a fraudster: voiceprint and membership in every list. The audit keeps the id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Fraudster`]; [`StoreError::NotErased`]; storage errors.
    pub fn delete_fraudster(&self, id: &FraudsterId) -> Result<(), StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let watchlists = self.get_fraudster(c, id)?.watchlist_ids;
            for table in ["watchlist_members", "fraudsters"] {
                let sql = format!("DELETE FROM {table} WHERE domain_id = $1 AND generated_fraudster_id = $2");
                let delete = Statement::new(sql).bind(self.id().as_str()).bind(id.as_str());
                change(c, delete)?;
            }
            self.record(c, AuditAction::FraudsterDeleted, id.as_str())?;
            self.tell(c, &Event::FraudsterDeleted { fraudster: id.clone(), watchlists })
        })?;
        self.opened.backend.erase_deleted()
    }

    /// Goes through the voiceprints of one list, or of all fraudsters, in the order of their ids; nothing is held while `visit`
    /// runs.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::Watchlist`]; what `visit` returns; storage errors.
    pub fn for_each_fraudster(
        &self,
        list: Option<&WatchlistId>,
        mut visit: impl FnMut(FraudsterId, ModelId, Zeroizing<Vec<u8>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.allow(Permission::VoiceId)?;
        let path = self.path();
        if let Some(list) = list {
            self.describe_watchlist(list)?;
        }
        let sql = format!(
            "SELECT f.generated_fraudster_id, f.model_id, f.sealed FROM fraudsters f WHERE f.domain_id = $1 AND {ON_LIST} \
             AND f.generated_fraudster_id > $3 ORDER BY f.generated_fraudster_id LIMIT $4"
        );
        let mut after = String::new();
        loop {
            let query = Statement::new(sql.as_str()).bind(self.id().as_str()).bind(list.map(WatchlistId::as_str));
            let query = query.bind(&after).bind(SWEEP);
            let found = self.opened.backend.read(|c| rows(c, query))?;
            let Some(last) = found.last() else { return Ok(()) };
            after = get(path, last, 0)?;
            for row in &found {
                let (id, model): (String, String) = (get(path, row, 0)?, get(path, row, 1)?);
                let damaged = || StoreError::corrupt(path, format!("the voiceprint of {id} does not open"));
                let sealed: Vec<u8> = get(path, row, 2)?;
                let plain = self.opened.keys.open(&context(self.id().as_str(), &id, &model), &sealed);
                let plain = plain.ok_or_else(damaged)?;
                visit(id.parse().map_err(|_| damaged())?, model.parse().map_err(|_| damaged())?, plain)?;
            }
        }
    }
}

/// Narrows fraudsters `f` to a list whose id is bound as `$2`; without a list the binding is NULL.
const ON_LIST: &str = "($2 IS NULL OR EXISTS (SELECT 1 FROM watchlist_members m WHERE m.domain_id = f.domain_id \
     AND m.generated_fraudster_id = f.generated_fraudster_id AND m.watchlist_id = $2))";
