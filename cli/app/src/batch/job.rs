//! A job from submission to output.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use cli_store::{ClientToken, Domain, Job, JobId, JobKind, JobStatus, NewJob};
use cli_wire::manifest::Item;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::manifest::{self, MAX_MANIFEST_BYTES};
use super::work::{Request, Stop, Work};
use crate::error::{Context, Result, bail};

/// Items that a thread prepares ahead of those that are committed.
const AHEAD_PER_THREAD: usize = 8;
/// Pause between two looks at a job that another process works on.
const TURN_POLL: Duration = Duration::from_millis(50);

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
