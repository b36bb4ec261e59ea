//! What a job asks of each item, and what an item comes to.

use std::path::{Path, PathBuf};

use cli_store::{ConflictType, ItemOutcome, JobId, ResourceType, StoreError};
use cli_wire::manifest::Item;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::AppError;

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
