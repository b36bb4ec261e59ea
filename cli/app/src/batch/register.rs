//! Registering fraudsters in batch.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cli_store::{Domain, FraudsterId, ItemOutcome, JobId, ModelId, Registration, WatchlistId};
use cli_wire::manifest::Item;
use engine::score::FraudScore;
use engine::template::Template;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::recordings::Recordings;
use super::work::{Request, Stop, Work};
use crate::analysis::Toolkit;
use crate::error::Result;
use crate::watch::{self, Known};

/// What all items of a registration job have in common.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The list's id.
    pub watchlist: String,
    /// Register voices that are registered already as other fraudsters.
    pub register_duplicates: bool,
    /// Registered already at or above this similarity.
    pub similarity: u8,
    /// Net speech wanted, in seconds.
    pub wanted_speech_s: f64,
    /// Net speech without which an item fails, in seconds.
    pub least_speech_s: f64,
}

/// The work of a registration job.
pub struct RegisterWork<'a> {
    domain: &'a Domain,
    tools: &'a Toolkit,
    request: &'a Request<Options>,
    recordings: Recordings<'a, Options>,
    list: WatchlistId,
    known: Mutex<Known>,
}

fn success(item: &Item, id: &FraudsterId, status: &str, similarity: Option<FraudScore>) -> ItemOutcome {
    let mut result = json!({
        "RequestId": item.request_id,
        "GeneratedFraudsterId": id.to_string(),
        "RegistrationStatus": status,
    });
    if let Some(score) = similarity {
        result["FraudsterSimilarityScore"] = score.value().into();
    }
    ItemOutcome { succeeded: true, result: result.to_string().into_bytes() }
}

impl<'a> RegisterWork<'a> {
    /// The work of the job that asked for `request`.
    ///
    /// # Errors
    /// As [`Recordings::new`], or the watch list is not there.
    pub fn new(domain: &'a Domain, tools: &'a Toolkit, request: &'a Request<Options>) -> Result<Self> {
        let options = &request.options;
        let recordings = Recordings::new(tools, request, options.wanted_speech_s, options.least_speech_s)?;
        let list = watch::get(domain, &options.watchlist)?;
        let known = Mutex::new(Known::load(domain, tools)?);
        Ok(Self { domain, tools, request, recordings, list, known })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work for RegisterWork<'_> {
    const SUCCESSES: &'static str = "SuccessfulRegistrations";
    type Prepared = Template;

    fn prepare(&self, item: &Item) -> Result<Template, Stop> {
        Ok(self.recordings.template(item)?)
    }

    fn commit(&self, job: &JobId, seq: u64, item: &Item, template: Template) -> Result<(), Stop> {
        let mut known = self.known();
        let closest = known.closest(&template, self.tools).map_err(Stop::Job)?;
        let similarity = closest.as_ref().map(|(_, score)| *score);
        let options = &self.request.options;
        if let Some((id, score)) = &closest
            && score.value() >= options.similarity
            && !options.register_duplicates
        {
            self.domain.finish_item(job, seq, &success(item, id, "DUPLICATE_SKIPPED", Some(*score)))?;
            return Ok(());
        }
        let bytes = template.to_bytes();
        let model_id = ModelId(self.tools.model.id().0);
        let registration = Registration { model_id, template: &bytes, watchlist: Some(&self.list) };
        let mut new = None;
        self.domain.finish_item_with_fraudster(job, seq, registration, |fraudster| {
            let id = &fraudster.generated_fraudster_id;
            new = Some(id.clone());
            success(item, id, "NEW_REGISTRATION", similarity)
        })?;
        if let Some(id) = new {
            known.add(id, template);
        }
        Ok(())
    }
}
