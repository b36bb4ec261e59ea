//! Watch lists of a domain, ready to be searched.

use std::sync::Arc;

use cli_store::{Domain, FraudsterId, StoreError, WatchlistId};
use engine::call::{FraudDetection, WatchList, Watched};
use engine::score::{Conditions, FraudScore, Threshold};
use engine::search::{Index, Scratch};
use engine::template::Template;

use crate::analysis::Toolkit;
use crate::error::{Context, Result, bail};

/// The spelling of the list that every domain has.
pub const DEFAULT: &str = "default";

/// Ids of the watch list in use.
#[derive(Clone, Debug, Default)]
pub struct WatchIds {
    /// The list.
    pub watchlist: String,
    /// The fraudsters, row by row of the list's voiceprints.
    pub fraudsters: Vec<String>,
}

/// A list as the engine searches it.
pub struct Loaded {
    /// The voiceprints.
    pub list: Arc<WatchList>,
    /// Whose they are, row by row.
    pub ids: Vec<FraudsterId>,
}

/// Finds a list: `default`, a name, or an id. `None`: a well-formed id that the domain does not have.
///
/// # Errors
/// Neither a list's name nor an id; two lists with that name; storage errors.
pub fn find(domain: &Domain, text: &str) -> Result<Option<WatchlistId>> {
    if text == DEFAULT {
        return Ok(Some(domain.describe()?.default_watchlist_id));
    }
    let lists = domain.list_watchlists()?;
    let named: Vec<_> = lists.iter().filter(|l| l.name.as_str() == text).collect();
    match (named.as_slice(), text.parse::<WatchlistId>()) {
        ([one], _) => Ok(Some(one.watchlist_id.clone())),
        ([_, _, ..], _) => bail!("watch list {text}: {} lists have that name, give an id", named.len()),
        ([], Ok(id)) => Ok(lists.iter().any(|l| l.watchlist_id == id).then_some(id)),
        ([], Err(e)) => Err(e).with_context(|| format!("watch list {text}: no list has that name")),
    }
}

/// As [`find`], where the list must be there.
///
/// # Errors
/// As [`find`], or there is no such list.
pub fn get(domain: &Domain, text: &str) -> Result<WatchlistId> {
    match find(domain, text)? {
        Some(id) => Ok(id),
        None => bail!("watch list {text}: the domain at {} has none with that id", domain.dir().display()),
    }
}

/// Loads a list, or all fraudsters of the domain.
///
/// # Errors
/// A voiceprint is damaged or of another network: a list that is searched in part would be a silent hole.
pub fn load(domain: &Domain, tools: &Toolkit, list: Option<&WatchlistId>) -> Result<Loaded> {
    let (mut rows, mut sides, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let mut failed = None;
    domain.for_each_fraudster(list, |id, model, bytes| {
        let one = || -> Result<Template> {
            if model.0 != tools.model.id().0 {
                bail!("the voiceprint belongs to model {model}, not to {}: register again", tools.model.id());
            }
            Ok(Template::from_bytes(&bytes)?)
        };
        match one() {
            Ok(template) => {
                rows.extend_from_slice(template.embedding().values());
                sides.push(template.side());
                ids.push(id);
            }
            Err(e) => failed = failed.take().or(Some(e.context(format!("fraudster {id}")))),
        }
        Ok::<(), StoreError>(())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let index = Index::new(rows, tools.model.dim(), tools.model.id())?;
    Ok(Loaded { list: Arc::new(WatchList::new(index, sides)?), ids })
}

/// What a Set block is told of the list that `text` names; a well-formed id that the domain does not have is
/// [`Watched::Unknown`].
///
/// # Errors
/// As [`find`] and [`load`].
pub fn watched(domain: &Domain, tools: &Toolkit, text: &str) -> Result<(Watched, WatchIds)> {
    match find(domain, text)? {
        None => Ok((Watched::Unknown, WatchIds { watchlist: text.to_owned(), fraudsters: Vec::new() })),
        Some(id) => {
            let loaded = load(domain, tools, Some(&id))?;
            let fraudsters = loaded.ids.iter().map(ToString::to_string).collect();
            Ok((Watched::List(loaded.list), WatchIds { watchlist: id.to_string(), fraudsters }))
        }
    }
}

/// Fraud detection as `--watchlist` and `--fraud-threshold` ask for it; none without a list.
///
/// # Errors
/// As [`watched`].
pub fn asked(
    domain: &Domain,
    tools: &Toolkit,
    list: Option<&str>,
    threshold: u8,
) -> Result<(Option<FraudDetection>, WatchIds)> {
    let Some(list) = list else { return Ok((None, WatchIds::default())) };
    let (watched, ids) = watched(domain, tools, list)?;
    Ok((Some(FraudDetection { threshold: Threshold::new(threshold)?, watched }), ids))
}

/// Everybody who is registered, while more are being registered.
pub struct Known {
    base: Loaded,
    more: Vec<(FraudsterId, Template)>,
    scratch: Scratch,
}

impl Known {
    /// Loads all fraudsters of the domain.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(domain: &Domain, tools: &Toolkit) -> Result<Self> {
        let base = load(domain, tools, None)?;
        let scratch = base.list.index().scratch();
        Ok(Self { base, more: Vec::new(), scratch })
    }

    /// Notes one who has been registered since.
    pub fn add(&mut self, id: FraudsterId, template: Template) {
        self.more.push((id, template));
    }

    /// The registered voice that is closest to this one, with the risk that it is the same, over all who are registered.
    ///
    /// # Errors
    /// The voiceprint is another network's.
    pub fn closest(&mut self, template: &Template, tools: &Toolkit) -> Result<Option<(FraudsterId, FraudScore)>> {
        let old = self.base.list.index().best(template.embedding().values(), &mut self.scratch)?;
        let mut best =
            old.and_then(|hit| Some((hit.cosine, self.base.list.side(hit.row)?, self.base.ids.get(hit.row)?)));
        for (id, other) in &self.more {
            let cosine = other.cosine(template.embedding())?;
            if best.is_none_or(|(c, _, _)| cosine.value() > c.value()) {
                best = Some((cosine, other.side(), id));
            }
        }
        let Some((cosine, theirs, id)) = best else { return Ok(None) };
        let count = (self.base.ids.len() + self.more.len()) as u64;
        let count = std::num::NonZeroU64::new(count).unwrap_or(std::num::NonZeroU64::MIN);
        let conditions = Conditions { probe: template.side(), enrol: theirs };
        Ok(Some((id.clone(), tools.calibration.fraud_score(cosine, conditions, count)?)))
    }
}
