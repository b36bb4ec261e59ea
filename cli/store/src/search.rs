//! Finding contacts, within what whoever asks may see: no filter answers about what one may not read.

use std::collections::BTreeSet;
use std::fmt;

use crate::access::{Grants, Permission};
use crate::backend::rows;
use crate::clock::{DAY_MS, Timestamp};
use crate::contacts::contact_id;
use crate::domain::Domain;
use crate::error::StoreError;
use crate::page::{MAX_PAGE, Page, parse, token};
use crate::sealed::Keys;
use crate::statement::{Fields, Statement, get};
use crate::words::{Index, Item, Speaker, WordQuery, tokens};

/// Most contacts that one search gives, over all its pages.
pub const MAX_FOUND: u64 = 10_000;
/// Most contacts that are taken out at once.
pub const MAX_EXPORT: usize = 3_000;
/// Longest range of one search: eight weeks.
const MAX_RANGE_MS: i64 = 56 * DAY_MS;
/// How far back a search goes: two years.
const MAX_BACK_DAYS: i64 = 731;
/// Longest text of words and phrases, in characters.
const MAX_WORDS: usize = 128;
/// Most values of one filter.
const MAX_VALUES: usize = 100;

/// When contacts began: from the first moment to before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

/// What was said.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Words and phrases with commas between them, 128 characters at most. A phrase in quotes is found word after word; several words without quotes are found
    /// anywhere in the call.
    pub text: String,
    /// All of them; one is enough otherwise.
    pub all: bool,
    /// Who said it; anybody if there is none.
    pub by: Vec<Speaker>,
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("all", &self.all).field("by", &self.by).finish_non_exhaustive()
    }
}

/// Which sentiment score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreOf {
    /// Of the whole conversation.
    Overall,
    /// Of its first quarter.
    Begin,
    /// Of its last quarter.
    End,
}

/// A range of sentiment, -5 to 5. A shift is one of the beginning and one of the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Whose: the agent's or the customer's.
    pub who: Speaker,
    /// Which.
    pub of: ScoreOf,
    /// At least.
    pub from: f64,
    /// At most.
    pub to: f64,
}

/// What contacts are to be found. Empty lists ask for nothing.
#[derive(Clone, Default, PartialEq)]
pub struct ContactFilter {
    /// This one, whatever else is asked.
    pub contact_id: Option<String>,
    /// When they began; the last eight weeks unless given.
    pub range: Option<Range>,
    /// What was said.
    pub words: Option<Words>,
    /// Any of these agents, by user name.
    pub agents: Vec<String>,
    /// Any of these queues, by name.
    pub queues: Vec<String>,
    /// Any of these channels: VOICE, CHAT, TASK.
    pub channels: Vec<String>,
    /// All of these scores.
    pub scores: Vec<Score>,
    /// Non-talk time, in milliseconds: at least and at most.
    pub non_talk_ms: Option<(i64, i64)>,
    /// Non-talk time, in percent of the conversation.
    pub non_talk_percent: Option<(f64, f64)>,
    /// Categories.
    pub categories: Vec<String>,
    /// All of the categories; one is enough otherwise.
    pub all_categories: bool,
    /// Any of these results: Authenticated, Not Authenticated, ...
    pub authentication: Vec<String>,
    /// Any of these results: High Risk, Low Risk, ...
    pub fraud: Vec<String>,
    /// Any of these reasons: KNOWN_FRAUDSTER, VOICE_SPOOFING.
    pub fraud_reasons: Vec<String>,
    /// Any of these: ENROLLED, OPTED_OUT.
    pub speaker_actions: Vec<String>,
}

impl fmt::Debug for ContactFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactFilter").field("range", &self.range).finish_non_exhaustive()
    }
}

/// A contact that was found; absent is what one may not see.
#[derive(Clone, PartialEq)]
pub struct FoundContact {
    /// Its id.
    pub contact_id: String,
    /// When it began.
    pub initiated_at: Timestamp,
    /// VOICE, CHAT or TASK.
    pub channel: Option<String>,
    /// The agent's user name.
    pub agent: Option<String>,
    /// The queue.
    pub queue: Option<String>,
    /// How long the conversation was.
    pub duration_ms: Option<i64>,
    /// Nobody's voice.
    pub non_talk_ms: Option<i64>,
    /// The agent's sentiment.
    pub agent_sentiment: Option<f64>,
    /// The customer's.
    pub customer_sentiment: Option<f64>,
    /// Categories.
    pub categories: Vec<String>,
    /// What verification said.
    pub authentication: Option<String>,
    /// What the watch list said.
    pub fraud: Option<String>,
}

impl fmt::Debug for FoundContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundContact")
            .field("contact_id", &self.contact_id)
            .field("initiated_at", &self.initiated_at)
            .finish_non_exhaustive()
    }
}

fn invalid(field: &'static str, reason: impl Into<String>) -> StoreError {
    StoreError::invalid(field, reason)
}

/// What is looked for, on hashes.
fn matching(keys: &Keys, words: &Words) -> Result<WordQuery, StoreError> {
    const FIELD: &str = "Words";
    let text = words.text.trim();
    if !(1..=MAX_WORDS).contains(&text.chars().count()) {
        return Err(invalid(FIELD, format!("must be 1 to {MAX_WORDS} characters")));
    }
    let hashed = |item: &str| -> Result<Vec<String>, StoreError> {
        let found: Option<Vec<String>> = tokens(item).into_iter().map(|t| t.map(|w| keys.word(&w))).collect();
        let found = found.ok_or_else(|| invalid(FIELD, "what is masked cannot be searched"))?;
        if found.is_empty() { Err(invalid(FIELD, "has an item without a word")) } else { Ok(found) }
    };
    let mut items = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let item;
        (item, rest) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (phrase, after) =
                    quoted.split_once('"').ok_or_else(|| invalid(FIELD, "has a quote that does not end"))?;
                (Item::Phrase(hashed(phrase)?), after.trim_start())
            }
            None => {
                let (words, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                if words.contains('"') {
                    return Err(invalid(FIELD, "has a quote within an item: put a comma between them"));
                }
                (Item::Anywhere(hashed(words)?), after)
            }
        };
        items.push(item);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.is_empty() => break,
            None => return Err(invalid(FIELD, "has a phrase without a comma after it")),
        }
    }
    let by = if words.by.is_empty() { Speaker::ALL.to_vec() } else { words.by.clone() };
    Ok(WordQuery { items, all: words.all, by })
}

fn push_any(sql: &mut Statement, column: &str, field: &'static str, values: &[String]) -> Result<(), StoreError> {
    if values.len() > MAX_VALUES {
        return Err(invalid(field, format!("must be {MAX_VALUES} at most; got {}", values.len())));
    }
    if !values.is_empty() {
        sql.push(&format!(" AND {column} IN ")).push_list(values.iter());
    }
    Ok(())
}

fn check_range<T: PartialOrd>(field: &'static str, from: T, to: T) -> Result<(), StoreError> {
    if from <= to { Ok(()) } else { Err(invalid(field, "must rise")) }
}

/// What one may see of transcripts, as a condition on `c`.
fn transcript_shown(grants: &Grants) -> Option<&'static str> {
    match (grants.has(Permission::TranscriptRedacted), grants.has(Permission::TranscriptUnredacted)) {
        (false, false) => None,
        (true, false) => Some("c.redacted_transcript"),
        (false, true) => Some("c.original_transcript"),
        (true, true) => Some("(c.redacted_transcript OR c.original_transcript)"),
    }
}

impl Domain {
    /// A page of contacts that are closed and that one may see, newest first: at most `max_results` (1 to [`MAX_PAGE`]), from the start or from `next_token`; over all
    /// pages at most [`MAX_FOUND`].
    ///
    /// Words take [`Permission::SearchKeywords`], and are looked for in the copy of each transcript that one may read: who may read redacted ones only cannot learn
    /// by any question what was masked. Scores, non-talk time and categories take [`Permission::SearchCharacteristics`], and categories are asked only of
    /// contacts whose transcript one may read; the results of verification take [`Permission::VoiceIdSearch`].
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a filter that one may not use; [`StoreError::Validation`]; storage errors.
    pub fn search_contacts(
        &self,
        filter: &ContactFilter,
        max_results: usize,
        next_token: Option<&str>,
    ) -> Result<Page<FoundContact>, StoreError> {
        let grants = self.grants()?;
        self.held(&grants, &[Permission::ContactSearch, Permission::MyContacts])?;
        if !(1..=MAX_PAGE).contains(&max_results) {
            return Err(invalid("MaxResults", format!("must be 1 to {MAX_PAGE}; got {max_results}")));
        }
        let path = self.path();
        let shown = transcript_shown(&grants);
        let mut sql = Statement::new(
            "SELECT c.contact_no, c.contact_id, c.initiated_at, c.channel, c.agent, c.queue, c.duration_ms, c.non_talk_ms, \
             c.agent_sentiment, c.customer_sentiment, c.authentication, c.fraud, ",
        );
        sql.push(shown.unwrap_or("FALSE")).push(" FROM contacts c WHERE c.domain_id = ").push_bind(self.id().as_str());
        sql.push(" AND c.closed AND c.expires_at > ").push_bind(self.now().0);
        self.push_visible(&mut sql, &grants);
        match &filter.contact_id {
            Some(id) => {
                sql.push(" AND c.contact_id = ").push_bind(contact_id(id)?);
            }
            None => self.push_filter(&mut sql, &grants, filter)?,
        }
        let mut seen = 0;
        if let Some(text) = next_token {
            let (at, id) = parse(&self.opened.keys.page, self.now(), text)?;
            let parts =
                id.split_at_checked(12).and_then(|(s, no)| Some((s.parse::<u64>().ok()?, no.parse::<i64>().ok()?)));
            let (before, no) = parts.ok_or_else(|| invalid("NextToken", "must be a token that this list returned"))?;
            seen = before;
            sql.push(" AND (c.initiated_at, c.contact_no) < (").push_bind(at.0).push(", ").push_bind(no).push(")");
        }
        let limit = max_results.min(usize::try_from(MAX_FOUND.saturating_sub(seen)).unwrap_or(0));
        sql.push(" ORDER BY c.initiated_at DESC, c.contact_no DESC LIMIT ");
        sql.push_bind(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX));
        let found = self.opened.backend.read(|c| rows(c, sql))?;
        let mut items = Vec::new();
        let mut numbers = Vec::new();
        for row in found.iter().take(limit) {
            numbers.push((get::<i64>(path, row, 0)?, get::<bool>(path, row, 12)?));
            items.push(self.found(row, &grants)?);
        }
        let readable = numbers.iter().filter(|(_, readable)| *readable).map(|(no, _)| *no);
        let mut categories = self.opened.backend.read(|c| self.categories(c, readable))?;
        for (item, (no, _)) in items.iter_mut().zip(&numbers) {
            item.categories = categories.remove(no).unwrap_or_default();
        }
        let last = items.last().zip(numbers.last()).map(|(item, (no, _))| (item.initiated_at, *no));
        let seen = seen.saturating_add(items.len() as u64);
        let more = found.len() > limit && seen < MAX_FOUND;
        let next_token = last
            .filter(|_| more)
            .map(|(at, no)| token(&self.opened.keys.page, self.now(), at, &format!("{seen:012}{no:013}")));
        Ok(Page { items, next_token })
    }

    fn found(&self, row: &Fields, grants: &Grants) -> Result<FoundContact, StoreError> {
        let path = self.path();
        let trends = grants.has(Permission::GraphTrends);
        let voice = grants.has(Permission::VoiceIdSearch);
        Ok(FoundContact {
            contact_id: get(path, row, 1)?,
            initiated_at: Timestamp(get(path, row, 2)?),
            channel: get(path, row, 3)?,
            agent: get(path, row, 4)?,
            queue: get(path, row, 5)?,
            duration_ms: get(path, row, 6)?,
            non_talk_ms: get::<Option<i64>>(path, row, 7)?.filter(|_| trends),
            agent_sentiment: get::<Option<f64>>(path, row, 8)?.filter(|_| trends),
            customer_sentiment: get::<Option<f64>>(path, row, 9)?.filter(|_| trends),
            categories: Vec::new(),
            authentication: get::<Option<String>>(path, row, 10)?.filter(|_| voice),
            fraud: get::<Option<String>>(path, row, 11)?.filter(|_| voice),
        })
    }

    /// The contacts that are there at all for somebody: as [`crate::authorize`] has it.
    fn push_visible(&self, sql: &mut Statement, grants: &Grants) {
        if grants.owner {
            return;
        }
        sql.push(" AND (FALSE");
        if grants.has(Permission::MyContacts) {
            sql.push(" OR c.agent = ").push_bind(grants.user.clone());
        }
        if grants.has(Permission::ContactSearch) {
            if grants.has(Permission::RestrictByHierarchy) {
                if let Some(group) = &grants.hierarchy {
                    let text = group.text();
                    let length = text.chars().count();
                    sql.push(&format!(" OR substr(c.hierarchy, 1, {length}) = ")).push_bind(text);
                }
            } else {
                sql.push(" OR TRUE");
            }
        }
        sql.push(")");
    }

    fn push_filter(&self, sql: &mut Statement, grants: &Grants, filter: &ContactFilter) -> Result<(), StoreError> {
        let now = self.now();
        let range =
            filter.range.unwrap_or(Range { from: Timestamp(now.0 - MAX_RANGE_MS + DAY_MS), to: now.plus_days(1) });
        if range.to <= range.from || range.to.0.saturating_sub(range.from.0) > MAX_RANGE_MS {
            return Err(invalid("Range", "must be eight weeks at most, and rise"));
        }
        if range.from < now.plus_days(-MAX_BACK_DAYS) {
            return Err(invalid("Range", "must begin within the last two years"));
        }
        sql.push(" AND c.initiated_at >= ")
            .push_bind(range.from.0)
            .push(" AND c.initiated_at < ")
            .push_bind(range.to.0);
        push_any(sql, "c.agent", "Agents", &filter.agents)?;
        push_any(sql, "c.queue", "Queues", &filter.queues)?;
        push_any(sql, "c.channel", "Channels", &filter.channels)?;
        if let Some(words) = &filter.words {
            self.held(grants, &[Permission::SearchKeywords])?;
            self.push_words(sql, grants, words)?;
        }
        self.push_characteristics(sql, grants, filter)?;
        let asks = [&filter.authentication, &filter.fraud, &filter.fraud_reasons, &filter.speaker_actions];
        if asks.iter().any(|list| !list.is_empty()) {
            self.held(grants, &[Permission::VoiceIdSearch])?;
        }
        push_any(sql, "c.authentication", "Authentication", &filter.authentication)?;
        push_any(sql, "c.fraud", "Fraud", &filter.fraud)?;
        push_any(sql, "c.speaker_action", "SpeakerActions", &filter.speaker_actions)?;
        if !filter.fraud_reasons.is_empty() {
            sql.push(" AND (FALSE");
            for reason in &filter.fraud_reasons {
                // Whether it is there, in words that every database has.
                sql.push(" OR replace(c.fraud_reasons, ").push_bind(format!("\u{1f}{reason}\u{1f}"));
                sql.push(", '') <> c.fraud_reasons");
            }
            sql.push(")");
        }
        Ok(())
    }

    fn push_words(&self, sql: &mut Statement, grants: &Grants, words: &Words) -> Result<(), StoreError> {
        let query = matching(&self.opened.keys, words)?;
        let within = |sql: &mut Statement, index: Index| self.opened.backend.push_words(sql, index, &query);
        match (grants.has(Permission::TranscriptRedacted), grants.has(Permission::TranscriptUnredacted)) {
            (false, false) => {
                Err(self.deny("search", format!("{} may read no transcript, and so search none", self.actor.name)))
            }
            (true, false) => {
                sql.push(" AND ");
                within(sql, Index::Redacted);
                Ok(())
            }
            (false, true) => {
                sql.push(" AND ");
                within(sql, Index::Original);
                Ok(())
            }
            (true, true) => {
                sql.push(" AND (");
                within(sql, Index::Redacted);
                sql.push(" OR (NOT c.redacted_transcript AND ");
                within(sql, Index::Original);
                sql.push("))");
                Ok(())
            }
        }
    }

    fn push_characteristics(
        &self,
        sql: &mut Statement,
        grants: &Grants,
        filter: &ContactFilter,
    ) -> Result<(), StoreError> {
        let asks = !filter.scores.is_empty()
            || filter.non_talk_ms.is_some()
            || filter.non_talk_percent.is_some()
            || !filter.categories.is_empty();
        if asks {
            self.held(grants, &[Permission::SearchCharacteristics])?;
        }
        for score in &filter.scores {
            let who = match score.who {
                Speaker::Agent => "agent",
                Speaker::Customer => "customer",
                Speaker::System => return Err(invalid("Scores", "are of the agent or the customer")),
            };
            let range = -5.0..=5.0;
            if !(range.contains(&score.from) && range.contains(&score.to)) {
                return Err(invalid("Scores", "must be -5 to 5"));
            }
            check_range("Scores", score.from, score.to)?;
            let column = match score.of {
                ScoreOf::Overall => format!(" AND c.{who}_sentiment"),
                ScoreOf::Begin => format!(" AND c.{who}_sentiment_begin"),
                ScoreOf::End => format!(" AND c.{who}_sentiment_end"),
            };
            sql.push(&column).push(" BETWEEN ").push_bind(score.from).push(" AND ").push_bind(score.to);
        }
        if let Some((from, to)) = filter.non_talk_ms {
            check_range("NonTalkMillis", from, to)?;
            sql.push(" AND c.non_talk_ms BETWEEN ").push_bind(from).push(" AND ").push_bind(to);
        }
        if let Some((from, to)) = filter.non_talk_percent {
            check_range("NonTalkPercent", from, to)?;
            sql.push(" AND c.duration_ms > 0 AND 100.0 * c.non_talk_ms / c.duration_ms BETWEEN ");
            sql.push_bind(from).push(" AND ").push_bind(to);
        }
        if !filter.categories.is_empty() {
            let Some(shown) = transcript_shown(grants) else {
                let why = format!("{} may read no transcript, and so ask for no category", self.actor.name);
                return Err(self.deny("search", why));
            };
            sql.push(" AND ").push(shown);
            let distinct: BTreeSet<&String> = filter.categories.iter().collect();
            let needed = if filter.all_categories { distinct.len() } else { 1 };
            sql.push(" AND (SELECT COUNT(*) FROM contact_categories k WHERE k.contact_no = c.contact_no");
            push_any(sql, "k.category", "Categories", &filter.categories)?;
            sql.push(") >= ").push_bind(i64::try_from(needed).unwrap_or(i64::MAX));
        }
        Ok(())
    }
}
