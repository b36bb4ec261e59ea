//! Batch jobs: many enrolments or registrations from one manifest, which a killed process loses nothing of.
//!
//! Items are prepared side by side, some ahead of others, and committed one after another in the manifest's order: what an item
//! comes to depends on those before it and on nothing else, so that a job that was killed and taken up again ends as it
//! would have.
//!
//! | to add | touch |
//! |---|---|
//! | a kind of job | one file like [`enroll`] with a [`Work`], and its arguments |

pub mod enroll;
pub mod location;
pub mod manifest;
pub mod recordings;
pub mod register;

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cli_store::{
    ClientToken, ConflictType, Domain, ItemOutcome, Job, JobId, JobKind, JobStatus, NewJob, ResourceType, StoreError,
};
use cli_wire::manifest::Item;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::{AppError, Context, Result, bail};
use manifest::MAX_MANIFEST_BYTES;

/// Items that a thread prepares ahead of those that are committed.
const AHEAD_PER_THREAD: usize = 8;
/// Pause between two looks at a job that another process works on.
const TURN_POLL: Duration = Duration::from_millis(50);

/// What holds for all items of a job. `O` is what its kind adds.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Request<O> {
    /// The manifest, from the root.
    pub manifest: PathBuf,
    /// The folder that the job's own folder is made in, from the root.
    pub out: PathBuf,
    /// Where buckets are copied to, from the root.
    pub s3_root: Option<PathBuf>,
    /// Whether Voice ID's limits on recordings hold.
    pub strict: bool,
    /// The network.
    pub model_id: String,
    /// The kind's own options.
    pub options: O,
}

impl<O> Request<O> {
    /// Where the results of a job go: the manifest's name and `.out`.
    pub fn output(&self, id: &JobId) -> PathBuf {
        let mut name = self.manifest.file_name().unwrap_or_default().to_owned();
        name.push(".out");
        self.out.join(id.as_str()).join(name)
    }

    /// The folder that the manifest's paths start from.
    pub fn base(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new("/"))
    }
}

/// Why an item failed, with the code that the output has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemError {
    /// 400 bad item, 402 over a limit, 409 conflict, 500 everything else.
    pub code: u16,
    /// One line.
    pub message: String,
}

impl ItemError {
    /// An error with a message of one line.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into().replace(['\n', '\r'], " ") }
    }

    /// As it is kept and written.
    pub fn outcome(&self, item: &Item) -> ItemOutcome {
        let error = json!({ "RequestId": item.request_id, "ErrorCode": self.code, "ErrorMessage": self.message });
        ItemOutcome { succeeded: false, result: error.to_string().into_bytes() }
    }
}

/// A kind of job.
pub trait Work: Sync {
    /// The name of the list of successes in the output.
    const SUCCESSES: &'static str;

    /// What is known of an item once its recordings have been heard.
    type Prepared: Send;

    /// Hears an item's recordings. Items are prepared in any order, several at once.
    ///
    /// # Errors
    /// What is wrong with the item, or what keeps the job from going on.
    fn prepare(&self, item: &Item) -> Result<Self::Prepared, Stop>;

    /// Changes the domain for an item and keeps its outcome in the same transaction. Called in the manifest's order.
    ///
    /// # Errors
    /// What is wrong with the item, or what keeps the job from going on.
    fn commit(&self, job: &JobId, seq: u64, item: &Item, prepared: Self::Prepared) -> Result<(), Stop>;
}

/// Why an item comes to nothing.
pub enum Stop {
    /// It is the item's fault, and its outcome.
    Item(ItemError),
    /// The job cannot go on.
    Job(AppError),
}

impl From<ItemError> for Stop {
    fn from(e: ItemError) -> Self {
        Stop::Item(e)
    }
}

impl From<StoreError> for Stop {
    fn from(e: StoreError) -> Self {
        match (e.conflict_type(), e.resource_type()) {
            (Some(ConflictType::SpeakerOptedOut), _) => Stop::Item(ItemError::new(409, e.to_string())),
            (_, Some(ResourceType::ComplianceConsent)) => Stop::Item(ItemError::new(400, e.to_string())),
            _ if matches!(e, StoreError::Validation { .. }) => Stop::Item(ItemError::new(400, e.to_string())),
            _ if matches!(e, StoreError::Quota { .. }) => Stop::Item(ItemError::new(402, e.to_string())),
            _ => Stop::Job(e.into()),
        }
    }
}

/// Keeps a job for the manifest that `request` names; a bad manifest makes a `FAILED` one.
///
/// # Errors
/// The token stands for another request; storage errors.
pub fn submit<O: Serialize>(
    domain: &Domain,
    kind: JobKind,
    token: Option<&ClientToken>,
    request: &Request<O>,
) -> Result<Job> {
    let mut bytes = Vec::new();
    let read = File::open(&request.manifest)
        .and_then(|f| f.take(MAX_MANIFEST_BYTES.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|e| format!("cannot be read: {e}"))
        .and_then(|_| match bytes.len() as u64 > MAX_MANIFEST_BYTES {
            true => Err(format!("has more than {MAX_MANIFEST_BYTES} bytes: split it")),
            false => std::str::from_utf8(&bytes).map_err(|e| format!("is not UTF-8: {e}")),
        })
        .and_then(|text| manifest::parse(kind, text).map_err(|e| e.to_string()))
        .map_err(|e| format!("{}: {e}", request.manifest.display()));
    let items = match read {
        Ok(items) => Ok(items.iter().map(serde_json::to_vec).collect::<Result<Vec<_>, _>>()?),
        Err(e) => Err(e),
    };
    let request = serde_json::to_vec(request).context("request")?;
    let fingerprint = Sha256::new()
        .chain_update(kind.to_string())
        .chain_update((request.len() as u64).to_le_bytes())
        .chain_update(&request)
        .chain_update(&bytes)
        .finalize();
    let items = items.as_deref().map_err(String::as_str);
    Ok(domain.submit_job(&NewJob {
        kind,
        client_token: token,
        fingerprint: fingerprint.into(),
        request: &request,
        items,
    })?)
}

/// Waits until no other process works on the job. The lock ends with the process that holds it.
fn turn(dir: &Path) -> Result<File> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let path = dir.join(".lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| path.display().to_string())?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(TURN_POLL),
            // Without locks two processes may do the same work; the store still keeps one outcome of each item.
            Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(e)) => return Err(e).with_context(|| path.display().to_string()),
        }
    }
}

/// Does what is left of a job, writes its output and ends it. One that has ended stays as it is; while another process
/// works on it this one waits, and goes on if that one dies. `tick` is told items done and items in all.
///
/// # Errors
/// The store or the output cannot be written: what is done stays done, and the job can be run again.
pub fn run<W: Work, O>(
    domain: &Domain,
    id: &JobId,
    request: &Request<O>,
    work: &W,
    pool: &rayon::ThreadPool,
    tick: impl Fn(u64, u64),
) -> Result<Job>
where
    O: Sync,
{
    let job = domain.describe_job(id)?;
    if job.status.has_ended() {
        return Ok(job);
    }
    let output = request.output(id);
    let dir = request.out.join(id.as_str());
    let held = turn(&dir)?;
    let job = domain.begin_job(id)?;
    if !job.status.has_ended() {
        let mut left = Vec::new();
        for kept in domain.job_items(id)?.iter().filter(|kept| kept.outcome.is_none()) {
            left.push((kept.seq, serde_json::from_slice::<Item>(&kept.request).context("a kept item")?));
        }
        let mut done = job.done;
        tick(done, job.items);
        for some in left.chunks(AHEAD_PER_THREAD * pool.current_num_threads().max(1)) {
            let prepare =
                |(_, item): &(u64, Item)| manifest::check(item).map_err(Stop::from).and_then(|()| work.prepare(item));
            let prepared: Vec<_> = pool.install(|| some.par_iter().with_max_len(1).map(prepare).collect());
            for ((seq, item), prepared) in some.iter().zip(prepared) {
                match prepared.and_then(|prepared| work.commit(id, *seq, item, prepared)) {
                    Ok(()) => {}
                    Err(Stop::Item(e)) => drop(domain.finish_item(id, *seq, &e.outcome(item))?),
                    Err(Stop::Job(e)) => {
                        let stopped = format!("job {id} has stopped; `vouch batch resume {id}` goes on with it");
                        return Err(e).context(stopped);
                    }
                }
                done = done.saturating_add(1);
                tick(done, job.items);
            }
        }
        let text = output_text::<W>(domain, id)?;
        cli_store::write_atomic_private(&output, text.as_bytes())?;
    }
    let job = domain.complete_job(id)?;
    // Whoever still waits for the lock finds a job that has ended.
    let _ = std::fs::remove_file(dir.join(".lock"));
    drop(held);
    Ok(job)
}

fn output_text<W: Work>(domain: &Domain, id: &JobId) -> Result<String> {
    let (mut successes, mut errors) = (Vec::<Value>::new(), Vec::<Value>::new());
    for item in domain.job_items(id)? {
        let Some(outcome) = item.outcome else { bail!("item {} of job {id} is not done: resume the job", item.seq) };
        let list = if outcome.succeeded { &mut successes } else { &mut errors };
        list.push(serde_json::from_slice(&outcome.result).context("a kept result")?);
    }
    let mut text = serde_json::to_string_pretty(&json!({ W::SUCCESSES: successes, "Errors": errors }))?;
    text.push('\n');
    Ok(text)
}

/// Whether the job can go on.
pub fn is_open(job: &Job) -> bool {
    matches!(job.status, JobStatus::Submitted | JobStatus::InProgress)
}
