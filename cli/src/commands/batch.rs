//! `vouch batch`: jobs over a manifest, from submission to output.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cli_app::analysis::Toolkit;
use cli_app::batch::enroll::{self, EnrollWork};
use cli_app::batch::register::{self, RegisterWork};
use cli_app::batch::{self, Request, Work};
use cli_app::live::Journal;
use cli_app::watch;
use cli_app::workers::pool;
use cli_store::{ClientToken, Domain, Job, JobId, JobKind, JobStatus, Timestamp};
use serde::Serialize;

use crate::args::{
    BatchArgs, BatchCommand, BatchEnrollArgs, BatchRegisterArgs, DuplicateAction, ExistingAction, FraudAction, Global,
};
use crate::outcome::{Exit, Output, columns};
use crate::progress;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    status_code: u16,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Progress {
    percent_complete: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    job_id: String,
    job_kind: String,
    job_status: String,
    job_progress: Progress,
    items: u64,
    items_done: u64,
    items_failed: u64,
    created_at: f64,
    ended_at: Option<f64>,
    failure_details: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
}

impl From<&Job> for Report {
    fn from(job: &Job) -> Self {
        Self {
            job_id: job.job_id.to_string(),
            job_kind: job.kind.to_string(),
            job_status: job.status.to_string(),
            job_progress: Progress { percent_complete: job.percent_complete() },
            items: job.items,
            items_done: job.done,
            items_failed: job.errors,
            created_at: job.created_at.as_unix_seconds(),
            ended_at: job.ended_at.map(Timestamp::as_unix_seconds),
            failure_details: job.failure.clone().map(|message| Failure { status_code: 400, message }),
            input: None,
            output: None,
        }
    }
}

pub(super) fn run(global: &Global, out: Output, command: &BatchCommand) -> Result<Exit> {
    let domain = global.open()?;
    match command {
        BatchCommand::Enroll(args) => enroll(global, out, &domain, args),
        BatchCommand::Register(args) => register(global, out, &domain, args),
        BatchCommand::Resume { job } => {
            let id = job_id(job)?;
            match domain.describe_job(&id)?.kind {
                JobKind::SpeakerEnrollment => {
                    let (tools, request) = (Toolkit::load(global)?, request(&domain, &id)?);
                    go_on(global, out, &domain, &id, &request, || Ok(EnrollWork::new(&domain, &tools, &request)?))
                }
                JobKind::FraudsterRegistration => {
                    let (tools, request) = (Toolkit::load(global)?, request(&domain, &id)?);
                    go_on(global, out, &domain, &id, &request, || Ok(RegisterWork::new(&domain, &tools, &request)?))
                }
                other => anyhow::bail!("job {id} is of kind {other}, which this program cannot resume"),
            }
        }
        BatchCommand::Describe { job } => {
            let id = job_id(job)?;
            let job = domain.describe_job(&id)?;
            let request: Request<serde_json::Value> = request(&domain, &id)?;
            show(out, &job, &request)?;
            Ok(Exit::Success)
        }
        BatchCommand::List => {
            let jobs: Vec<Report> = domain.list_jobs()?.iter().map(Report::from).collect();
            out.print(&jobs, |jobs| {
                let mut rows = vec![["job", "status", "done", "items", "failed"].map(String::from).to_vec()];
                rows.extend(jobs.iter().map(|j| {
                    let percent = format!("{} %", j.job_progress.percent_complete);
                    vec![
                        j.job_id.clone(),
                        j.job_status.clone(),
                        percent,
                        j.items.to_string(),
                        j.items_failed.to_string(),
                    ]
                }));
                columns(&rows)
            })?;
            Ok(Exit::Success)
        }
    }
}

fn job_id(text: &str) -> Result<JobId> {
    text.parse().with_context(|| format!("job {text}"))
}

/// What the job asked for, whatever its kind's own options are.
fn request<O: serde::de::DeserializeOwned>(domain: &Domain, id: &JobId) -> Result<Request<O>> {
    serde_json::from_slice(&domain.job_request(id)?).with_context(|| format!("what job {id} asked for"))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}

/// What both kinds of job ask.
fn common<O>(args: &BatchArgs, tools: &Toolkit, options: O) -> Result<Request<O>> {
    Ok(Request {
        manifest: absolute(&args.manifest)?,
        out: absolute(&args.out)?,
        s3_root: args.s3_root.as_deref().map(absolute).transpose()?,
        strict: args.strict,
        model_id: tools.model.id().to_string(),
        options,
    })
}

fn token(args: &BatchArgs) -> Result<Option<ClientToken>> {
    args.client_token.as_deref().map(str::parse).transpose().context("--client-token")
}

fn enroll(global: &Global, out: Output, domain: &Domain, args: &BatchEnrollArgs) -> Result<Exit> {
    let token = token(&args.common)?;
    let tools = Toolkit::load(global)?;
    let fraud = match &args.watchlist {
        Some(list) if args.on_fraud == FraudAction::Fail => Some(enroll::FraudCheck {
            watchlist: watch::get(domain, list)?.to_string(),
            threshold: args.risk_threshold,
        }),
        _ => None,
    };
    let options = enroll::Options {
        overwrite: args.existing == ExistingAction::Overwrite,
        wanted_speech_s: args.common.wanted_speech,
        least_speech_s: args.common.least_speech,
        consent: args.consent.clone(),
        fraud,
    };
    let request = common(&args.common, &tools, options)?;
    let work = EnrollWork::new(domain, &tools, &request)?;
    let job = batch::submit(domain, JobKind::SpeakerEnrollment, token.as_ref(), &request)?;
    go_on(global, out, domain, &job.job_id, &request, || Ok(work))
}

fn register(global: &Global, out: Output, domain: &Domain, args: &BatchRegisterArgs) -> Result<Exit> {
    let token = token(&args.common)?;
    let tools = Toolkit::load(global)?;
    let options = register::Options {
        watchlist: watch::get(domain, args.list.watchlist.as_deref().unwrap_or(watch::DEFAULT))?.to_string(),
        register_duplicates: args.list.duplicate == DuplicateAction::RegisterAsNew,
        similarity: args.list.similarity,
        wanted_speech_s: args.common.wanted_speech,
        least_speech_s: args.common.least_speech,
    };
    let request = common(&args.common, &tools, options)?;
    let work = RegisterWork::new(domain, &tools, &request)?;
    let job = batch::submit(domain, JobKind::FraudsterRegistration, token.as_ref(), &request)?;
    go_on(global, out, domain, &job.job_id, &request, || Ok(work))
}

fn go_on<W: Work, O: Sync>(
    global: &Global,
    out: Output,
    domain: &Domain,
    id: &JobId,
    request: &Request<O>,
    work: impl FnOnce() -> Result<W>,
) -> Result<Exit> {
    let bar = progress::bar(0, "listening", global.quiet);
    let tick = |done, items| {
        bar.set_length(items);
        bar.set_position(done);
    };
    let known = domain.describe_job(id)?;
    let job = if batch::is_open(&known) {
        let mut journal = Journal::of(global)?;
        let enrollment = known.kind == JobKind::SpeakerEnrollment;
        journal.batch(domain.id().as_str(), id.as_str(), enrollment, &known.status.to_string())?;
        let job = batch::run(domain, id, request, &work()?, &pool(global.threads)?, tick)?;
        journal.drain(domain)?;
        journal.batch(domain.id().as_str(), id.as_str(), enrollment, &job.status.to_string())?;
        job
    } else {
        domain.describe_job(id)?
    };
    bar.finish_and_clear();
    show(out, &job, request)?;
    match job.failure {
        Some(failure) => anyhow::bail!("job {id} has failed: {failure}"),
        None => Ok(Exit::Success),
    }
}

fn show<O>(out: Output, job: &Job, request: &Request<O>) -> Result<()> {
    let mut report = Report::from(job);
    report.input = Some(request.manifest.display().to_string());
    let written = matches!(job.status, JobStatus::Completed | JobStatus::CompletedWithErrors);
    report.output = written.then(|| request.output(&job.job_id).display().to_string());
    out.print(&report, |r| {
        let mut text = format!(
            "job {}: {}, {} of {} item(s) done, {} failed",
            r.job_id, r.job_status, r.items_done, r.items, r.items_failed
        );
        if let Some(output) = &r.output {
            text.push_str(&format!("\n  {output}"));
        }
        text
    })?;
    Ok(())
}
