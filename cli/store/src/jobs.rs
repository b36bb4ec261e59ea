//! Batch jobs: what was asked, which items are done, and with what result.
//!
//! An item's result is written in the transaction that changes the domain for it, so that a job that was killed at any
//! instant can be taken up again: what is done is known, and nothing is done twice. The store does not read what it is
//! asked to keep: requests and results are bytes, sealed, and erased when the job ends.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::access::Permission;
use crate::backend::{Connection, change, rows};
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::{ConflictType, ResourceType, StoreError};
use crate::events::EnrolmentSource;
use crate::ids::{ClientToken, JobId, SpeakerId};
use crate::speaker::{Circumstances, Enrolment, Speaker, SpeakerStatus};
use crate::statement::{Fields, Statement, get};
use crate::watchlist::{Fraudster, Registration};

macro_rules! spelled {
    ($name:ident, $what:literal, [$($variant:ident => $text:literal),+ $(,)?]) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($name::$variant => $text),+ })
            }
        }

        impl FromStr for $name {
            type Err = StoreError;

            fn from_str(s: &str) -> Result<Self, StoreError> {
                match s {
                    $($text => Ok($name::$variant),)+
                    _ => Err(StoreError::invalid($what, concat!("must be one of" $(, " ", $text)+))),
                }
            }
        }
    };
}

/// What a job does with its items; `Display` gives the spelling in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobKind {
    /// Enrols speakers.
    SpeakerEnrollment,
    /// Registers fraudsters.
    FraudsterRegistration,
}
spelled!(JobKind, "JobKind", [
    SpeakerEnrollment => "SPEAKER_ENROLLMENT",
    FraudsterRegistration => "FRAUDSTER_REGISTRATION",
]);

/// Where a job stands; `Display` gives the wire spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobStatus {
    /// Known, not begun.
    Submitted,
    /// Begun, not ended.
    InProgress,
    /// Every item succeeded.
    Completed,
    /// Every item is done, some without success.
    CompletedWithErrors,
    /// The request as a whole was bad; no item was looked at.
    Failed,
}
spelled!(JobStatus, "JobStatus", [
    Submitted => "SUBMITTED",
    InProgress => "IN_PROGRESS",
    Completed => "COMPLETED",
    CompletedWithErrors => "COMPLETED_WITH_ERRORS",
    Failed => "FAILED",
]);

impl JobStatus {
    /// Whether nothing more will happen.
    pub fn has_ended(self) -> bool {
        !matches!(self, JobStatus::Submitted | JobStatus::InProgress)
    }
}

/// A job to be kept.
#[derive(Clone)]
pub struct NewJob<'a> {
    /// What it does.
    pub kind: JobKind,
    /// A second submission with the same token is the first one's.
    pub client_token: Option<&'a ClientToken>,
    /// Tells requests apart: a token stands for one fingerprint only.
    pub fingerprint: [u8; 32],
    /// What holds for all items, for [`Domain::job_request`].
    pub request: &'a [u8],
    /// The items in order, or why the request as a whole is bad: such a job is `FAILED` from the start.
    pub items: Result<&'a [Vec<u8>], &'a str>,
}

impl fmt::Debug for NewJob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewJob").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A job's description. `Debug` shows neither the failure's text nor anything of the items.
#[derive(Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub job_id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub status: JobStatus,
    /// Why it is `FAILED`; may name a file.
    pub failure: Option<String>,
    /// How many items it has.
    pub items: u64,
    /// How many of them are done, well or not.
    pub done: u64,
    /// How many of them are done without success.
    pub errors: u64,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Job {
    /// The share of the items that are done, rounded down: 100 means all.
    pub fn percent_complete(&self) -> u8 {
        match self.done.saturating_mul(100).checked_div(self.items) {
            Some(percent) => u8::try_from(percent).unwrap_or(100),
            None if self.status == JobStatus::Completed => 100,
            None => 0,
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("job_id", &self.job_id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// What came of an item.
#[derive(Clone, PartialEq, Eq)]
pub struct ItemOutcome {
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Its result, for [`JobItem::outcome`].
    pub result: Vec<u8>,
}

impl fmt::Debug for ItemOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemOutcome").field("succeeded", &self.succeeded).finish_non_exhaustive()
    }
}

/// An item of a job that has not ended.
#[derive(Clone)]
pub struct JobItem {
    /// Counts from 0 in the order of the submission.
    pub seq: u64,
    /// What was submitted.
    pub request: Zeroizing<Vec<u8>>,
    /// What came of it, if it is done.
    pub outcome: Option<ItemOutcome>,
}

impl fmt::Debug for JobItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobItem").field("seq", &self.seq).finish_non_exhaustive()
    }
}

const JOB_FIELDS: &str = "j.job_id, j.kind, j.status, j.failure, j.created_at, j.ended_at, COUNT(i.seq), \
     COUNT(i.outcome), COUNT(CASE WHEN i.outcome = 'FAILED' THEN 1 END) FROM jobs j LEFT JOIN job_items i \
     ON i.domain_id = j.domain_id AND i.job_id = j.job_id WHERE j.domain_id = $1";
const JOB_GROUP: &str = "GROUP BY j.job_id, j.kind, j.status, j.failure, j.created_at, j.ended_at";

fn number(seq: u64) -> Result<i64, StoreError> {
    i64::try_from(seq).map_err(|_| StoreError::invalid("item", "its number is too large"))
}

impl Domain {
    fn seal_job(&self, what: &str, id: &JobId, seq: i64, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let at = seq.to_le_bytes();
        self.opened.keys.seal(&[what.as_bytes(), self.id().as_str().as_bytes(), id.as_str().as_bytes(), &at], plain)
    }

    fn open_job(&self, what: &str, id: &JobId, seq: i64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let at = seq.to_le_bytes();
        let context = [what.as_bytes(), self.id().as_str().as_bytes(), id.as_str().as_bytes(), &at];
        let plain = self.opened.keys.open(&context, sealed);
        plain.ok_or_else(|| StoreError::corrupt(self.path(), format!("what is kept of job {id} does not open")))
    }

    fn read_job(&self, row: &Fields) -> Result<Job, StoreError> {
        let path = self.path();
        let damaged = || StoreError::corrupt(path, "a job's row breaks a rule");
        let spoilt = |_: StoreError| damaged();
        let count = |column| u64::try_from(get::<i64>(path, row, column)?).map_err(|_| damaged());
        let job_id: JobId = get::<String>(path, row, 0)?.parse().map_err(spoilt)?;
        let failure: Option<Vec<u8>> = get(path, row, 3)?;
        let failure = failure.map(|sealed| self.open_job("jobs failure", &job_id, 0, &sealed)).transpose()?;
        Ok(Job {
            kind: get::<&str>(path, row, 1)?.parse().map_err(spoilt)?,
            status: get::<&str>(path, row, 2)?.parse().map_err(spoilt)?,
            failure: failure.map(|text| String::from_utf8_lossy(&text).into_owned()),
            created_at: Timestamp(get(path, row, 4)?),
            ended_at: get::<Option<i64>>(path, row, 5)?.map(Timestamp),
            items: count(6)?,
            done: count(7)?,
            errors: count(8)?,
            job_id,
        })
    }

    fn get_job(&self, c: &mut dyn Connection, id: &JobId) -> Result<Job, StoreError> {
        let sql = format!("SELECT {JOB_FIELDS} AND j.job_id = $2 {JOB_GROUP}");
        let query = Statement::new(sql).bind(self.id().as_str()).bind(id.as_str());
        match rows(c, query)?.pop() {
            Some(row) => self.read_job(&row),
            None => Err(StoreError::NotFound {
                resource: ResourceType::BatchJob,
                reason: format!("there is no job {id} in the domain at {}", self.dir().display()),
            }),
        }
    }

    /// Keeps a job. With a token that was used before, gives the job that was kept then.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with [`ConflictType::ConcurrentChanges`] if the token stands for another request;
    /// storage errors.
    pub fn submit_job(&self, new: &NewJob<'_>) -> Result<Job, StoreError> {
        self.allow(Permission::VoiceId)?;
        let (path, domain) = (self.path(), self.id().as_str());
        let token = new.client_token.map(|t| self.opened.keys.customer_index(&format!("{domain} jobs"), t.as_str()));
        self.opened.backend.write(|c| {
            self.active(c)?;
            if let Some(token) = &token {
                let known =
                    Statement::new("SELECT job_id, fingerprint FROM jobs WHERE domain_id = $1 AND token_index = $2");
                if let Some(row) = rows(c, known.bind(domain).bind(token))?.pop() {
                    let id: JobId = get::<String>(path, &row, 0)?
                        .parse()
                        .map_err(|_| StoreError::corrupt(path, "a job's row breaks a rule"))?;
                    if get::<Vec<u8>>(path, &row, 1)? != new.fingerprint {
                        return Err(StoreError::Conflict {
                            conflict: ConflictType::ConcurrentChanges,
                            reason: format!(
                                "the client token stands for job {id} with another request: choose another"
                            ),
                        });
                    }
                    return self.get_job(c, &id);
                }
            }
            let (id, now) = (JobId::random()?, self.now().0);
            let failure = new.items.err();
            let insert = Statement::new(
                "INSERT INTO jobs (domain_id, job_id, kind, status, token_index, fingerprint, sealed, failure, \
                 created_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(domain)
            .bind(id.as_str())
            .bind(new.kind.to_string())
            .bind(if failure.is_some() { JobStatus::Failed } else { JobStatus::Submitted }.to_string())
            .bind(token.clone())
            .bind(new.fingerprint.to_vec())
            .bind(self.seal_job("jobs", &id, 0, new.request)?)
            .bind(failure.map(|text| self.seal_job("jobs failure", &id, 0, text.as_bytes())).transpose()?)
            .bind(now)
            .bind(failure.map(|_| now));
            change(c, insert)?;
            for (seq, item) in (0i64..).zip(new.items.unwrap_or_default()) {
                let insert =
                    Statement::new("INSERT INTO job_items (domain_id, job_id, seq, request) VALUES ($1, $2, $3, $4)")
                        .bind(domain)
                        .bind(id.as_str())
                        .bind(seq)
                        .bind(self.seal_job("job_items request", &id, seq, item)?);
                change(c, insert)?;
            }
            self.get_job(c, &id)
        })
    }

    /// A job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::BatchJob`]; storage errors.
    pub fn describe_job(&self, id: &JobId) -> Result<Job, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.read(|c| self.get_job(c, id))
    }

    /// All jobs, oldest first.
    ///
    /// # Errors
    /// Storage errors.
    pub fn list_jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.allow(Permission::VoiceId)?;
        let sql = format!("SELECT {JOB_FIELDS} {JOB_GROUP} ORDER BY j.created_at, j.job_id");
        let query = Statement::new(sql).bind(self.id().as_str());
        let found = self.opened.backend.read(|c| rows(c, query))?;
        found.iter().map(|row| self.read_job(row)).collect()
    }

    /// [`NewJob::request`] as it was submitted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::BatchJob`]; storage errors.
    pub fn job_request(&self, id: &JobId) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.describe_job(id)?;
        let path = self.path();
        let query = Statement::new("SELECT sealed FROM jobs WHERE domain_id = $1 AND job_id = $2");
        let query = query.bind(self.id().as_str()).bind(id.as_str());
        let row = self.opened.backend.read(|c| rows(c, query))?.pop();
        let sealed: Option<Vec<u8>> = row.map(|row| get(path, &row, 0)).transpose()?;
        self.open_job("jobs", id, 0, &sealed.unwrap_or_default())
    }

    /// The items of a job that has not ended, in order.
    ///
    /// # Errors
    /// Storage errors.
    pub fn job_items(&self, id: &JobId) -> Result<Vec<JobItem>, StoreError> {
        self.allow(Permission::VoiceId)?;
        let path = self.path();
        let query = Statement::new(
            "SELECT seq, request, outcome, result FROM job_items WHERE domain_id = $1 AND job_id = $2 \
             AND request IS NOT NULL ORDER BY seq",
        );
        let query = query.bind(self.id().as_str()).bind(id.as_str());
        let found = self.opened.backend.read(|c| rows(c, query))?;
        let read = |row: &Fields| {
            let seq: i64 = get(path, row, 0)?;
            let request = self.open_job("job_items request", id, seq, &get::<Vec<u8>>(path, row, 1)?)?;
            let result: Option<Vec<u8>> = get(path, row, 3)?;
            let outcome = match get::<Option<&str>>(path, row, 2)? {
                None => None,
                Some(word) => {
                    let result = self.open_job(word, id, seq, &result.unwrap_or_default())?;
                    Some(ItemOutcome { succeeded: word == "SUCCEEDED", result: result.to_vec() })
                }
            };
            Ok(JobItem { seq: u64::try_from(seq).unwrap_or(0), request, outcome })
        };
        found.iter().map(read).collect()
    }

    /// Notes that work on a job has begun; one that has begun or ended stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::BatchJob`]; storage errors.
    pub fn begin_job(&self, id: &JobId) -> Result<Job, StoreError> {
        self.allow(Permission::VoiceId)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            let update = Statement::new(
                "UPDATE jobs SET status = 'IN_PROGRESS' WHERE domain_id = $1 AND job_id = $2 AND status = 'SUBMITTED'",
            );
            change(c, update.bind(self.id().as_str()).bind(id.as_str()))?;
            self.get_job(c, id)
        })
    }

    /// Writes an item's outcome inside the caller's transaction, if it has none.
    fn put_outcome(
        &self,
        c: &mut dyn Connection,
        id: &JobId,
        seq: i64,
        outcome: &ItemOutcome,
    ) -> Result<bool, StoreError> {
        let word = if outcome.succeeded { "SUCCEEDED" } else { "FAILED" };
        let update = Statement::new(
            "UPDATE job_items SET outcome = $4, result = $5 WHERE domain_id = $1 AND job_id = $2 AND seq = $3 \
             AND outcome IS NULL",
        )
        .bind(self.id().as_str())
        .bind(id.as_str())
        .bind(seq)
        .bind(word)
        .bind(self.seal_job(word, id, seq, &outcome.result)?);
        Ok(change(c, update)? == 1)
    }

    fn is_open(&self, c: &mut dyn Connection, id: &JobId, seq: i64) -> Result<bool, StoreError> {
        let query = Statement::new(
            "SELECT 1 FROM job_items WHERE domain_id = $1 AND job_id = $2 AND seq = $3 AND outcome IS NULL",
        );
        let query = query.bind(self.id().as_str()).bind(id.as_str()).bind(seq);
        Ok(!rows(c, query)?.is_empty())
    }

    /// Writes the outcome of an item that changes nothing in the domain. `false`: it was done already, and stays so.
    ///
    /// # Errors
    /// Storage errors.
    pub fn finish_item(&self, id: &JobId, seq: u64, outcome: &ItemOutcome) -> Result<bool, StoreError> {
        self.allow(Permission::VoiceId)?;
        let seq = number(seq)?;
        self.opened.backend.write(|c| {
            self.active(c)?;
            self.put_outcome(c, id, seq, outcome)
        })
    }

    /// Stores a voiceprint and the item's outcome, both or neither. `outcome` gets the speaker and the status before.
    /// `false`: the item was done already, and nothing was changed.
    ///
    /// # Errors
    /// As [`Domain::put_voiceprint`].
    pub fn finish_item_with_voiceprint(
        &self,
        id: &JobId,
        seq: u64,
        speaker: &SpeakerId,
        enrolment: Enrolment<'_>,
        outcome: impl FnOnce(&Speaker, SpeakerStatus) -> ItemOutcome,
    ) -> Result<bool, StoreError> {
        self.allow(Permission::VoiceId)?;
        let seq = number(seq)?;
        self.opened.backend.write(|c| {
            if !self.is_open(c, id, seq)? {
                return Ok(false);
            }
            let now = Circumstances { enrolled_at: None, last_accessed_at: None, imported: false };
            let enrolment = enrolment.source(EnrolmentSource::Batch(id.clone()));
            let (enrolled, before) = self.enrol_in(c, speaker, enrolment, now)?;
            self.put_outcome(c, id, seq, &outcome(&enrolled, before))
        })
    }

    /// Registers a fraudster and stores the item's outcome, both or neither. `false`: the item was done already, and nothing was
    /// changed.
    ///
    /// # Errors
    /// As [`Domain::register_fraudster`].
    pub fn finish_item_with_fraudster(
        &self,
        id: &JobId,
        seq: u64,
        registration: Registration<'_>,
        outcome: impl FnOnce(&Fraudster) -> ItemOutcome,
    ) -> Result<bool, StoreError> {
        self.allow(Permission::VoiceId)?;
        let seq = number(seq)?;
        self.opened.backend.write(|c| {
            if !self.is_open(c, id, seq)? {
                return Ok(false);
            }
            let fraudster = self.register_in(c, registration)?;
            self.put_outcome(c, id, seq, &outcome(&fraudster))
        })
    }

    /// Ends a job whose items are all done: `COMPLETED` or `COMPLETED_WITH_ERRORS`. Requests and results of its items
    /// are erased; their number stays. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with [`ResourceType::BatchJob`]; [`StoreError::Conflict`] with
    /// [`ConflictType::ConcurrentChanges`] if an item is not done; storage errors.
    pub fn complete_job(&self, id: &JobId) -> Result<Job, StoreError> {
        self.allow(Permission::VoiceId)?;
        let domain = self.id().as_str();
        self.opened.backend.write(|c| {
            self.active(c)?;
            let job = self.get_job(c, id)?;
            if job.status.has_ended() {
                return Ok(job);
            }
            if job.done != job.items {
                return Err(StoreError::Conflict {
                    conflict: ConflictType::ConcurrentChanges,
                    reason: format!("job {id} has items that are not done: resume it"),
                });
            }
            let status = if job.errors == 0 { JobStatus::Completed } else { JobStatus::CompletedWithErrors };
            let end = Statement::new("UPDATE jobs SET status = $3, ended_at = $4 WHERE domain_id = $1 AND job_id = $2")
                .bind(domain)
                .bind(id.as_str())
                .bind(status.to_string())
                .bind(self.now().0);
            change(c, end)?;
            let erase = Statement::new(
                "UPDATE job_items SET request = NULL, result = NULL WHERE domain_id = $1 AND job_id = $2",
            );
            change(c, erase.bind(domain).bind(id.as_str()))?;
            self.get_job(c, id)
        })
    }
}
