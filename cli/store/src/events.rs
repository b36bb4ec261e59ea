//! What is told of a change, and to whom: the outbox.
//!
//! An event is written in the transaction that makes the change, so that neither is there without the other whenever the process is killed. It is written once for each
//! consumer: the journal of whoever opened the domain ([`crate::OpenOptions::journal`]), and those that the domain's owner has subscribed. A consumer takes events in the
//! order in which they were written, passes them on and acknowledges them; what is not acknowledged comes again.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::access::Permission;
use crate::audit_action::AuditAction;
use crate::backend::{Connection, change, rows};
use crate::clock::{DAY_MS, Timestamp};
use crate::documents::Kind;
use crate::domain::Domain;
use crate::error::StoreError;
use crate::ids::{FraudsterId, GeneratedSpeakerId, JobId, ResultId, SessionId, WatchlistId, name};
use crate::statement::{Fields, Statement, get};

/// Most events that are kept for one consumer; beyond that the oldest are given up, and counted.
pub const MAX_EVENTS: u64 = 100_000;
/// Days after which an event that nobody acknowledged is given up, and counted.
pub const EVENT_DAYS: i64 = 30;
/// Most events that are taken at once.
pub const MAX_TAKEN: usize = 1_000;
/// Most consumers that a domain writes events for, the journal not counted.
pub const MAX_CONSUMERS: usize = 16;
/// For how long events that were taken are not given to another, so that two processes do not pass on the same.
const CLAIM_MS: i64 = 60_000;
/// Name of the setting that lists the consumers.
const CONSUMERS: &str = "EVENT_CONSUMERS";

/// What a voiceprint was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EnrolmentSource {
    /// Recordings that somebody chose.
    Recordings,
    /// A call.
    Session(SessionId),
    /// An item of a batch job.
    Batch(JobId),
    /// A voiceprint file of another domain.
    VoiceprintFile,
}

/// A change. It names nobody: ids are those that the store made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A voiceprint was stored.
    SpeakerEnrolled {
        /// Whose.
        speaker: GeneratedSpeakerId,
        /// What it was made from.
        source: EnrolmentSource,
    },
    /// A speaker has opted out.
    SpeakerOptedOut {
        /// Who.
        speaker: GeneratedSpeakerId,
    },
    /// A speaker was deleted.
    SpeakerDeleted {
        /// Who.
        speaker: GeneratedSpeakerId,
    },
    /// A fraudster was registered.
    FraudsterRegistered {
        /// Who.
        fraudster: FraudsterId,
        /// On which lists.
        watchlists: Vec<WatchlistId>,
    },
    /// A fraudster was deleted.
    FraudsterDeleted {
        /// Who.
        fraudster: FraudsterId,
        /// From which lists.
        watchlists: Vec<WatchlistId>,
    },
}

/// An event as its consumer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Counts up in the order of the changes, with gaps; what [`Outbox::acknowledge`] wants.
    pub seq: u64,
    /// The same each time the event comes: whoever gets it twice knows by this.
    pub id: ResultId,
    /// A second id, for formats that have two.
    pub source_id: ResultId,
    /// When the change was made.
    pub at: Timestamp,
    /// The change.
    pub event: Event,
}

#[derive(Serialize, Deserialize)]
struct Content {
    id: ResultId,
    source_id: ResultId,
    event: Event,
}

/// The events of one consumer.
#[derive(Debug)]
pub struct Outbox<'d> {
    domain: &'d Domain,
    consumer: String,
}

impl Domain {
    /// The events that are kept for a consumer: for the journal that this domain was opened with, or for one of [`Domain::event_consumers`].
    ///
    /// # Errors
    /// [`StoreError::Denied`] without [`Permission::VoiceId`]; [`StoreError::Validation`] for the name; storage errors.
    pub fn outbox(&self, consumer: &str) -> Result<Outbox<'_>, StoreError> {
        self.allow(Permission::VoiceId)?;
        Ok(Outbox { domain: self, consumer: name("Consumer", consumer)? })
    }

    /// Those for whom events are kept, by name.
    ///
    /// # Errors
    /// Storage errors.
    pub fn event_consumers(&self) -> Result<Vec<String>, StoreError> {
        self.opened.backend.read(|c| self.consumers_in(c))
    }

    /// Says for whom events are kept from now on. Events of those who are no longer named are given up.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Validation`] for a name or more than [`MAX_CONSUMERS`]; storage errors.
    pub fn set_event_consumers(&self, consumers: &[String]) -> Result<(), StoreError> {
        self.allow(Permission::AdministerDomain)?;
        if consumers.len() > MAX_CONSUMERS {
            let reason = format!("must be {MAX_CONSUMERS} at most; got {}", consumers.len());
            return Err(StoreError::invalid("Consumers", reason));
        }
        let mut named = consumers.iter().map(|c| name("Consumer", c)).collect::<Result<Vec<_>, _>>()?;
        named.sort_unstable();
        named.dedup();
        self.opened.backend.write(|c| {
            self.active(c)?;
            for gone in self.consumers_in(c)?.iter().filter(|old| !named.contains(old)) {
                let delete = Statement::new("DELETE FROM outbox WHERE domain_id = $1 AND consumer = $2");
                change(c, delete.bind(self.id().as_str()).bind(gone))?;
            }
            self.put_document(c, Kind::Setting, CONSUMERS, &named)?;
            self.record_noted(c, AuditAction::SettingWritten, CONSUMERS, Some(&named.join(", ")))
        })
    }

    fn consumers_in(&self, c: &mut dyn Connection) -> Result<Vec<String>, StoreError> {
        Ok(self.document::<Vec<String>>(c, Kind::Setting, CONSUMERS)?.map(|d| d.value).unwrap_or_default())
    }

    /// Keeps an event for everybody who is told, inside the transaction of the change.
    pub(crate) fn tell(&self, c: &mut dyn Connection, event: &Event) -> Result<(), StoreError> {
        let mut consumers = self.consumers_in(c)?;
        if let Some(journal) = self.opened.journal.as_ref().filter(|j| !consumers.contains(j)) {
            consumers.push(journal.clone());
        }
        for consumer in consumers {
            self.tell_one(c, &consumer, event)?;
        }
        Ok(())
    }

    fn tell_one(&self, c: &mut dyn Connection, consumer: &str, event: &Event) -> Result<(), StoreError> {
        let (seq, _) = self.head(c, consumer)?;
        let (seq, now) = (seq.saturating_add(1), self.now().0);
        let content = Content { id: ResultId::random()?, source_id: ResultId::random()?, event: event.clone() };
        let plain = serde_json::to_vec(&content).map_err(|e| StoreError::Internal { reason: e.to_string() })?;
        let insert = Statement::new(
            "INSERT INTO outbox (domain_id, consumer, seq, at, claimed_until, sealed) VALUES ($1, $2, $3, $4, $4, $5)",
        );
        let sealed =
            self.opened.keys.seal(&self.event_context(consumer, &seq.to_le_bytes()), &Zeroizing::new(plain))?;
        change(c, insert.bind(self.id().as_str()).bind(consumer).bind(seq).bind(now).bind(sealed))?;
        let give_up =
            Statement::new("DELETE FROM outbox WHERE domain_id = $1 AND consumer = $2 AND (seq <= $3 OR at <= $4)")
                .bind(self.id().as_str())
                .bind(consumer)
                .bind(seq.saturating_sub(i64::try_from(MAX_EVENTS).unwrap_or(i64::MAX)))
                .bind(now.saturating_sub(EVENT_DAYS * DAY_MS));
        let given_up = i64::try_from(change(c, give_up)?).unwrap_or(i64::MAX);
        let head = Statement::new(
            "INSERT INTO outbox_heads (domain_id, consumer, seq, given_up) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (domain_id, consumer) DO UPDATE SET seq = $3, given_up = outbox_heads.given_up + $4",
        );
        change(c, head.bind(self.id().as_str()).bind(consumer).bind(seq).bind(given_up)).map(|_| ())
    }

    /// The number of the last event that was kept for a consumer, and how many were given up.
    fn head(&self, c: &mut dyn Connection, consumer: &str) -> Result<(i64, i64), StoreError> {
        let path = self.path();
        let query = Statement::new("SELECT seq, given_up FROM outbox_heads WHERE domain_id = $1 AND consumer = $2");
        let row = rows(c, query.bind(self.id().as_str()).bind(consumer))?.pop();
        row.map_or(Ok((0, 0)), |row| Ok((get(path, &row, 0)?, get(path, &row, 1)?)))
    }

    fn event_context<'a>(&'a self, consumer: &'a str, seq: &'a [u8]) -> [&'a [u8]; 4] {
        [b"outbox", self.id().as_str().as_bytes(), consumer.as_bytes(), seq]
    }

    fn read_event(&self, consumer: &str, row: &Fields) -> Result<StoredEvent, StoreError> {
        let path = self.path();
        let (seq, at): (i64, i64) = (get(path, row, 0)?, get(path, row, 1)?);
        let damaged = || StoreError::corrupt(path, format!("event {seq} for {consumer} does not open"));
        let plain = self.opened.keys.open(&self.event_context(consumer, &seq.to_le_bytes()), get(path, row, 2)?);
        let content: Content = plain.and_then(|p| serde_json::from_slice(&p).ok()).ok_or_else(damaged)?;
        let Content { id, source_id, event } = content;
        Ok(StoredEvent { seq: u64::try_from(seq).map_err(|_| damaged())?, id, source_id, at: Timestamp(at), event })
    }
}

impl Outbox<'_> {
    /// The oldest events that nobody has taken, at most `n` (1 to [`MAX_TAKEN`]). They are this caller's for a minute: what is not acknowledged by then comes again, to
    /// whoever asks.
    ///
    /// # Errors
    /// [`StoreError::Validation`] for the number; storage errors.
    pub fn take(&self, n: usize) -> Result<Vec<StoredEvent>, StoreError> {
        if !(1..=MAX_TAKEN).contains(&n) {
            return Err(StoreError::invalid("Events", format!("must be 1 to {MAX_TAKEN}; got {n}")));
        }
        let (domain, now) = (self.domain, self.domain.now().0);
        let query = || {
            Statement::new(
                "SELECT seq, at, sealed FROM outbox WHERE domain_id = $1 AND consumer = $2 AND claimed_until <= $3 \
                 ORDER BY seq LIMIT $4",
            )
            .bind(domain.id().as_str())
            .bind(&self.consumer)
            .bind(now)
            .bind(i64::try_from(n).unwrap_or(i64::MAX))
        };
        // Whoever asks in vain does not write.
        if domain.opened.backend.read(|c| rows(c, query()))?.is_empty() {
            return Ok(Vec::new());
        }
        domain.opened.backend.write(|c| {
            let found = rows(c, query())?;
            let taken =
                found.iter().map(|row| domain.read_event(&self.consumer, row)).collect::<Result<Vec<_>, _>>()?;
            for event in &taken {
                let claim = Statement::new(
                    "UPDATE outbox SET claimed_until = $4 WHERE domain_id = $1 AND consumer = $2 AND seq = $3",
                );
                let claim = claim.bind(domain.id().as_str()).bind(&self.consumer).bind(event.seq.cast_signed());
                change(c, claim.bind(now.saturating_add(CLAIM_MS)))?;
            }
            Ok(taken)
        })
    }

    /// Strikes out events that were passed on; those that are gone already are no error.
    ///
    /// # Errors
    /// Storage errors.
    pub fn acknowledge(&self, seqs: &[u64]) -> Result<(), StoreError> {
        if seqs.is_empty() {
            return Ok(());
        }
        self.domain.opened.backend.write(|c| {
            for some in seqs.chunks(MAX_TAKEN) {
                let mut delete =
                    Statement::new("DELETE FROM outbox WHERE domain_id = $1 AND consumer = $2 AND seq IN ")
                        .bind(self.domain.id().as_str())
                        .bind(&self.consumer);
                delete.push_list(some.iter().map(|seq| i64::try_from(*seq).unwrap_or(i64::MAX)));
                change(c, delete)?;
            }
            Ok(())
        })
    }

    /// How many events were given up because there were more than [`MAX_EVENTS`] or because [`EVENT_DAYS`] were over.
    ///
    /// # Errors
    /// Storage errors.
    pub fn given_up(&self) -> Result<u64, StoreError> {
        let (_, given_up) = self.domain.opened.backend.read(|c| self.domain.head(c, &self.consumer))?;
        Ok(u64::try_from(given_up).unwrap_or(0))
    }
}
