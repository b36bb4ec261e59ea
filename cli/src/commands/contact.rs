//! `vouch contact`: the archive of contacts.

use std::collections::HashMap;
use std::io::{BufRead, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cli_app::live::Journal;
use cli_app::rules;
use cli_store::{
    ContactFilter, ContactRecord, Domain, FileKey, FoundContact, Imported, MAX_EXPORT, Media, NewContactFile, Range,
    Reading, SEALED_FILE_MAGIC, StoredContact, Timestamp, Variant, Words, write_atomic_private,
};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::{ContactCommand, ContactCopy, ContactFilterArgs, Global, NonTalkArg};
use crate::outcome::{Exit, Output, columns};
use crate::progress;
use engine_words::categories::{About, EventSource, Fired, Rule, Watch, categories, turns_of};

/// Records of one transaction.
const BATCH: usize = 1_000;
/// Bytes of files that are stored in one transaction, at most one file more.
const PENDING_BYTES: usize = 64 << 20;
/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 4 << 20;
/// How deep a folder of files may be.
const MAX_DEPTH: usize = 12;

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct ImportReport {
    new: u64,
    updated: u64,
    stale: u64,
    files: u64,
    malformed: u64,
}

impl ImportReport {
    fn add(&mut self, i: Imported) {
        self.new += i.new;
        self.updated += i.updated;
        self.stale += i.stale;
    }
}

/// What a file of a contact is, by its name.
fn kind(rest: &str) -> Option<(Media, Variant)> {
    let audio = [".wav", ".flac"].iter().any(|e| rest.ends_with(e));
    let text = rest.ends_with(".json") || rest.ends_with(".json.sealed");
    match rest {
        _ if audio && rest.starts_with("call_recording_redacted") => Some((Media::Recording, Variant::Redacted)),
        _ if text && rest.starts_with("analysis_redacted") => Some((Media::Transcript, Variant::Redacted)),
        _ if text && rest.starts_with("analysis") => Some((Media::Transcript, Variant::Unredacted)),
        _ if audio => Some((Media::Recording, Variant::Unredacted)),
        _ => None,
    }
}

type Found = HashMap<String, Vec<(Media, Variant, PathBuf)>>;

/// The files below a folder, by the contact that their names begin with: `CONTACT_analysis_redacted_TIME.json` and so on.
fn files_below(dir: &Path, depth: usize, found: &mut Found) -> Result<()> {
    let name = || dir.display().to_string();
    ensure!(depth < MAX_DEPTH, "{}: folders more than {MAX_DEPTH} deep", name());
    for entry in std::fs::read_dir(dir).with_context(name)? {
        let entry = entry.with_context(name)?;
        let path = entry.path();
        if entry.file_type().with_context(|| path.display().to_string())?.is_dir() {
            files_below(&path, depth + 1, found)?;
            continue;
        }
        let Some((contact, rest)) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.split_once('_')) else {
            continue;
        };
        if let Some((media, variant)) = kind(rest) {
            found.entry(contact.to_owned()).or_default().push((media, variant, path.clone()));
        }
    }
    Ok(())
}

/// A file's content, opened where it is sealed.
fn content(path: &Path, key: Option<&FileKey>) -> Result<Zeroizing<Vec<u8>>> {
    let name = || path.display().to_string();
    let bytes = Zeroizing::new(std::fs::read(path).with_context(name)?);
    if !bytes.starts_with(SEALED_FILE_MAGIC) {
        return Ok(bytes);
    }
    let key = key.with_context(|| format!("{}: it is sealed; give --original-key", name()))?;
    key.open(&bytes).with_context(|| format!("{}: not sealed under this key, or changed since", name()))
}

/// A file that is about to be stored.
struct Pending {
    contact: String,
    media: Media,
    variant: Variant,
    bytes: Zeroizing<Vec<u8>>,
}

/// A copy of a contact that was read.
type Copy = (Media, Variant, Zeroizing<Vec<u8>>);

/// What stands between contacts' files and the archive: the rules, once, on the redacted transcript where there is one; and many files in one
/// transaction.
struct Intake<'a> {
    domain: &'a Domain,
    rules: Vec<Rule>,
    journal: Journal,
    pending: Vec<Pending>,
    held: Vec<(String, Vec<Fired>)>,
    stored: u64,
}

impl<'a> Intake<'a> {
    fn new(global: &Global, domain: &'a Domain) -> Result<Self> {
        let (rules, journal) = (rules::of(domain)?, Journal::of(global)?);
        Ok(Self { domain, rules, journal, pending: Vec::new(), held: Vec::new(), stored: 0 })
    }

    /// Takes files of a contact. Rules are asked where its first transcript comes, and never again.
    fn take(&mut self, contact: &str, stored: &StoredContact, files: Vec<Copy>) -> Result<()> {
        let transcript = |wanted| files.iter().find(|(m, v, _)| (*m, *v) == (Media::Transcript, wanted));
        let asked = transcript(Variant::Redacted).or_else(|| transcript(Variant::Unredacted));
        let known = stored.copies.iter().any(|(media, _)| *media == Media::Transcript);
        let mut given = None;
        if known {
            given = Some(json!({ "MatchedCategories": stored.categories, "MatchedDetails": {} }));
        } else if let (Some((.., bytes)), false) = (asked, self.rules.is_empty()) {
            let analysis: Value = serde_json::from_slice(bytes).context("its transcript is no JSON")?;
            let (turns, length) = turns_of(&analysis)?;
            let mut watch = Watch::new(&self.rules, EventSource::PostCall, About::of(&stored.record));
            let mut fired: Vec<Fired> = turns.iter().flat_map(|t| watch.turn(t)).collect();
            fired.extend(watch.finish(length));
            given = Some(categories(&self.rules, &fired));
            self.held.push((contact.to_owned(), fired));
        }
        for (media, variant, mut bytes) in files {
            if let (Media::Transcript, Some(categories)) = (media, &given) {
                let mut analysis: Value = serde_json::from_slice(&bytes).context("its transcript is no JSON")?;
                analysis["Categories"] = categories.clone();
                bytes = Zeroizing::new(serde_json::to_vec(&analysis)?);
            }
            self.pending.push(Pending { contact: contact.to_owned(), media, variant, bytes });
        }
        let bytes: usize = self.pending.iter().map(|p| p.bytes.len()).sum();
        if bytes >= PENDING_BYTES || self.pending.len() >= BATCH { self.store() } else { Ok(()) }
    }

    /// Stores what was taken, and then does what the rules say.
    fn store(&mut self) -> Result<()> {
        let files = self.pending.iter().map(|p| NewContactFile {
            contact_id: &p.contact,
            media: p.media,
            variant: p.variant,
            bytes: &p.bytes,
        });
        self.domain.put_contact_files(&files.collect::<Vec<_>>())?;
        self.stored += self.pending.len() as u64;
        self.pending.clear();
        for (contact, fired) in self.held.drain(..) {
            rules::act(&mut self.journal, self.domain.id().as_str(), &contact, &self.rules, &fired)?;
        }
        Ok(())
    }
}

fn import(
    global: &Global,
    out: Output,
    records: &Path,
    folder: Option<&Path>,
    key: Option<&Path>,
    days: u32,
) -> Result<Exit> {
    let domain = global.open()?;
    let name = || if records == Path::new("-") { "standard input".to_owned() } else { records.display().to_string() };
    let (mut input, size): (Box<dyn BufRead>, Option<u64>) = match records == Path::new("-") {
        true => (Box::new(std::io::stdin().lock()), None),
        false => {
            let file = std::fs::File::open(records).with_context(name)?;
            let size = file.metadata().ok().map(|m| m.len());
            (Box::new(std::io::BufReader::with_capacity(1 << 20, file)), size)
        }
    };
    let mut found = Found::new();
    if let Some(folder) = folder {
        files_below(folder, 0, &mut found)?;
    }
    let key = key.map(FileKey::read).transpose()?;
    let mut intake = Intake::new(global, &domain)?;
    let bar = progress::bar(size.unwrap_or(0), "bytes", global.quiet || size.is_none());
    let mut told = ImportReport::default();
    let (mut line, mut number) = (Vec::new(), 0u64);
    let mut batch: Vec<ContactRecord> = Vec::new();
    loop {
        line.clear();
        number += 1;
        let read = std::io::Read::take(&mut input, MAX_LINE_BYTES).read_until(b'\n', &mut line).with_context(name)?;
        bar.inc(read as u64);
        if read as u64 == MAX_LINE_BYTES {
            bail!("{}:{number}: a line of more than {MAX_LINE_BYTES} bytes", name());
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            match ContactRecord::parse(&line) {
                Ok(record) => batch.push(record),
                Err(e) => {
                    told.malformed += 1;
                    eprintln!("{}:{number}: {e}", name());
                }
            }
        }
        if batch.len() >= BATCH || (read == 0 && !batch.is_empty()) {
            told.add(domain.import_contacts(&batch, days)?);
            for record in batch.drain(..) {
                let Some(mut files) = found.remove(&record.contact_id) else { continue };
                // What is there stays: a record that comes again brings nothing new.
                let stored = domain.stored_contact(&record.contact_id)?;
                files.retain(|(media, variant, _)| !stored.copies.contains(&(*media, *variant)));
                let read = |(media, variant, path): &(Media, Variant, PathBuf)| {
                    Ok((*media, *variant, content(path, key.as_ref())?))
                };
                let read: Vec<_> = files.iter().map(read).collect::<Result<_>>()?;
                let name = || format!("contact {}", record.contact_id);
                intake.take(&record.contact_id, &stored, read).with_context(name)?;
            }
        }
        if read == 0 {
            break;
        }
    }
    intake.store()?;
    told.files = intake.stored;
    bar.finish_and_clear();
    if !found.is_empty() {
        eprintln!("{} contact(s) have files and no record: they were left out", found.len());
    }
    out.print(&told, |t| {
        format!(
            "{} new, {} updated, {} no newer than what is there, {} files, {} lines that are no record",
            t.new, t.updated, t.stale, t.files, t.malformed
        )
    })?;
    Ok(if told.malformed == 0 { Exit::Success } else { Exit::Error })
}

fn filter(args: &ContactFilterArgs) -> ContactFilter {
    let (mut non_talk_ms, mut non_talk_percent) = (None, None);
    match args.non_talk {
        Some(NonTalkArg::Millis(from, to)) => non_talk_ms = Some((from, to)),
        Some(NonTalkArg::Percent(from, to)) => non_talk_percent = Some((from, to)),
        None => {}
    }
    let words = args.words.as_ref().map(|text| Words { text: text.clone(), all: args.all_words, by: args.by.clone() });
    // One end alone is eight weeks from or to it.
    let weeks = |from: i64, n: i64| Timestamp(from).plus_days(n);
    let range = match (args.from, args.to) {
        (None, None) => None,
        (Some(from), Some(to)) => Some(Range { from: Timestamp(from), to: Timestamp(to) }),
        (Some(from), None) => Some(Range { from: Timestamp(from), to: weeks(from, 56) }),
        (None, Some(to)) => Some(Range { from: weeks(to, -56), to: Timestamp(to) }),
    };
    ContactFilter {
        contact_id: args.id.clone(),
        range,
        words,
        agents: args.agent.clone(),
        queues: args.queue.clone(),
        channels: args.channel.clone(),
        scores: args.sentiment.iter().map(|s| s.0).collect(),
        non_talk_ms,
        non_talk_percent,
        categories: args.category.clone(),
        all_categories: args.all_categories,
        authentication: args.authentication.clone(),
        fraud: args.fraud.clone(),
        fraud_reasons: args.fraud_reason.clone(),
        speaker_actions: args.speaker_action.clone(),
    }
}

fn find(domain: &Domain, args: &ContactFilterArgs, most: usize) -> Result<Vec<FoundContact>> {
    let filter = filter(args);
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let page = domain.search_contacts(&filter, (most - all.len()).clamp(1, 100), token.as_deref())?;
        all.extend(page.items);
        token = page.next_token.filter(|_| all.len() < most);
        if token.is_none() {
            return Ok(all);
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    contact_id: String,
    initiation_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_millis: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    non_talk_millis: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_sentiment: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_sentiment: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fraud: Option<String>,
}

impl From<FoundContact> for Listed {
    fn from(c: FoundContact) -> Self {
        Self {
            contact_id: c.contact_id,
            initiation_timestamp: c.initiated_at.to_string(),
            channel: c.channel,
            agent: c.agent,
            queue: c.queue,
            duration_millis: c.duration_ms,
            non_talk_millis: c.non_talk_ms,
            agent_sentiment: c.agent_sentiment,
            customer_sentiment: c.customer_sentiment,
            categories: c.categories,
            authentication: c.authentication,
            fraud: c.fraud,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    record: Value,
    imported_at: String,
    expires_at: String,
    copies: Vec<String>,
    categories: Vec<String>,
}

fn copy_name((media, variant): (Media, Variant)) -> String {
    let variant = if variant == Variant::Redacted { "redacted" } else { "as it was" };
    format!("{}, {variant}", media.as_str().to_lowercase())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    contact_id: String,
    file: String,
    copy: String,
    because: String,
}

/// A copy, to a file, or to standard output: there a transcript is shown on a terminal, and everything else is taken away.
fn copy(domain: &Domain, out: Output, media: Media, args: &ContactCopy) -> Result<Exit> {
    let shown = media == Media::Transcript && args.out.is_none() && std::io::stdout().is_terminal();
    if media == Media::Recording && args.out.is_none() && std::io::stdout().is_terminal() {
        bail!("a recording is no text: give --out FILE, or a pipe");
    }
    let reading = Reading { download: !shown, reason: args.reason.as_deref(), original: args.original };
    let file = domain.contact_file(&args.contact, media, reading)?;
    match &args.out {
        Some(path) => {
            write_atomic_private(path, &file.bytes)?;
            let written = Written {
                contact_id: args.contact.clone(),
                file: path.display().to_string(),
                copy: copy_name((media, file.variant)),
                because: file.because.clone(),
            };
            out.print(&written, |w| format!("{}: {}", w.file, w.copy))?;
        }
        None => std::io::stdout().write_all(&file.bytes)?,
    }
    Ok(Exit::Success)
}

fn export(global: &Global, args: &ContactFilterArgs, file: Option<&Path>, key: Option<&Path>) -> Result<Exit> {
    let domain = global.open()?;
    let (policy, _) = super::privacy::stored(&domain)?;
    let key = key.map(FileKey::read_or_create).transpose()?;
    ensure!(key.is_some() || !policy.seals(), "fields are to be encrypted: give --key FILE");
    let found = find(&domain, args, MAX_EXPORT)?;
    let mut text = Zeroizing::new(Vec::new());
    let bar = progress::bar(found.len() as u64, "contacts", global.quiet);
    for contact in &found {
        let mut record = domain.contact(&contact.contact_id)?.record;
        super::privacy::apply(&policy, key.as_ref(), &mut record)?;
        serde_json::to_writer(&mut *text, &record)?;
        text.push(b'\n');
        bar.inc(1);
    }
    bar.finish_and_clear();
    match file {
        Some(path) => write_atomic_private(path, &text)?,
        None => BufWriter::new(std::io::stdout().lock()).write_all(&text)?,
    }
    eprintln!("{} contacts", found.len());
    Ok(Exit::Success)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Erased {
    contacts: u64,
}

pub(super) fn run(global: &Global, out: Output, command: &ContactCommand) -> Result<Exit> {
    match command {
        ContactCommand::Import { records, files, original_key, retention_days } => {
            return import(global, out, records, files.as_deref(), original_key.as_deref(), *retention_days);
        }
        ContactCommand::Attach { contact, redacted_recording, recording, redacted_transcript, transcript } => {
            let domain = global.open()?;
            let given = [
                (Media::Recording, Variant::Redacted, redacted_recording),
                (Media::Recording, Variant::Unredacted, recording),
                (Media::Transcript, Variant::Redacted, redacted_transcript),
                (Media::Transcript, Variant::Unredacted, transcript),
            ];
            let given = given.into_iter().filter_map(|(m, v, path)| path.as_ref().map(|p| (m, v, p)));
            let read = |(m, v, path): (Media, Variant, &PathBuf)| Ok((m, v, content(path, None)?));
            let files: Vec<_> = given.map(read).collect::<Result<_>>()?;
            ensure!(!files.is_empty(), "give a recording or a transcript");
            let mut intake = Intake::new(global, &domain)?;
            intake.take(contact, &domain.stored_contact(contact)?, files)?;
            intake.store()?;
            out.print(&intake.stored, |n| format!("{n} file(s) beside contact {contact}"))?;
        }
        ContactCommand::Show { contact } => {
            let found = global.open()?.contact(contact)?;
            let shown = Shown {
                record: found.record,
                imported_at: found.imported_at.to_string(),
                expires_at: found.expires_at.to_string(),
                copies: found.copies.into_iter().map(copy_name).collect(),
                categories: found.categories,
            };
            out.print(&shown, |s| {
                let record = serde_json::to_string_pretty(&s.record).unwrap_or_default();
                let list = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join("; ") };
                let (copies, categories) = (list(&s.copies), list(&s.categories));
                format!("{record}\nkept until {}\ncopies: {copies}\ncategories: {categories}", s.expires_at)
            })?;
        }
        ContactCommand::Transcript(args) => return copy(&global.open()?, out, Media::Transcript, args),
        ContactCommand::Recording(args) => return copy(&global.open()?, out, Media::Recording, args),
        ContactCommand::Search { filter, max } => {
            let found: Vec<Listed> =
                find(&global.open()?, filter, *max as usize)?.into_iter().map(Listed::from).collect();
            out.print(&found, |found| {
                let heading =
                    ["contact", "began", "agent", "queue", "minutes", "customer", "categories", "voice", "fraud"];
                let mut rows = vec![heading.map(String::from).to_vec()];
                let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
                rows.extend(found.iter().map(|c| {
                    let minutes = c.duration_millis.map(|ms| format!("{:.1}", ms as f64 / 60_000.0));
                    let customer = c.customer_sentiment.map(|s| format!("{s:+.1}"));
                    let categories = if c.categories.is_empty() { "-".into() } else { c.categories.join(", ") };
                    let began = c.initiation_timestamp.get(..19).unwrap_or_default().to_owned();
                    let mut row = vec![c.contact_id.clone(), began, or(&c.agent), or(&c.queue)];
                    row.extend([or(&minutes), or(&customer), categories, or(&c.authentication), or(&c.fraud)]);
                    row
                }));
                columns(&rows)
            })?;
        }
        ContactCommand::Export { filter, out: file, key } => {
            return export(global, filter, file.as_deref(), key.as_deref());
        }
        ContactCommand::Delete { contact, yes } => {
            ensure!(*yes, "contact {contact} would be lost for good with its recordings; say --yes to delete it");
            global.open()?.delete_contact(contact)?;
            out.print(&Erased { contacts: 1 }, |_| format!("deleted contact {contact}"))?;
        }
        ContactCommand::Purge => {
            let contacts = global.open()?.erase_expired_contacts()?;
            out.print(&Erased { contacts }, |e| format!("erased {} contact(s)", e.contacts))?;
        }
    }
    Ok(Exit::Success)
}
