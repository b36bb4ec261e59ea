//! An archive of contacts: `contacts [--contacts 100000] [--asked 30]`.
//!
//! Synthetic calls, redacted by `engine_words`, each with a word of its own, all within the eight weeks that one search may ask about. Printed: how fast records and
//! transcripts come in, how large the store is, and how long searches take for a manager, whose rights each of them asks for.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use cli_store::{
    ContactFilter, ContactRecord, Domain, Media, NewContactFile, NewDomain, OpenOptions, SaidBy, Score, ScoreOf,
    Variant, Words,
};
use engine_words::rules::{find, recognised};
use serde_json::{Value, json};
use testdata::Random;

/// Different calls; contacts take them in turn.
const CALLS: usize = 2_000;
const BATCH: usize = 1_000;
/// Fifty-five days before now.
const DAYS: i64 = 55;

#[derive(Parser)]
struct Args {
    /// Contacts to import.
    #[arg(long, default_value_t = 100_000)]
    contacts: usize,
    /// Searches of each kind.
    #[arg(long, default_value_t = 30)]
    asked: usize,
}

/// The turns of a call with what is found masked.
fn turns(number: usize) -> Result<Vec<Value>> {
    let transcript = benches::redaction::transcript(&testdata::callcentre::call(number).paced())?;
    let findings = find(&transcript, &recognised());
    let all = transcript.turns().iter().enumerate().map(|(n, turn)| {
        let masked = |i: usize| findings.iter().flat_map(|f| &f.places).any(|p| p.turn == n && p.words.contains(&i));
        let words = turn.words.iter().enumerate().map(|(i, w)| if masked(i) { "[PII]" } else { w.text.as_str() });
        let who = ["AGENT", "CUSTOMER"][turn.speaker.min(1)];
        json!({ "ParticipantId": who, "Content": words.collect::<Vec<_>>().join(" ") })
    });
    Ok(all.collect())
}

fn analysis(turns: &[Value], own: &str, random: &mut Random) -> Vec<u8> {
    let mut turns = turns.to_vec();
    turns.push(json!({ "ParticipantId": "AGENT", "Content": format!("your reference is {own}") }));
    let mut score = || (random.below(101) as f64 - 50.0) / 10.0;
    let quarters = |a: f64, b: f64| json!([{ "Score": a }, { "Score": 0 }, { "Score": 0 }, { "Score": b }]);
    json!({
        "Participants": [{ "ParticipantId": "AGENT", "ParticipantRole": "AGENT" }, { "ParticipantId": "CUSTOMER", "ParticipantRole": "CUSTOMER" }],
        "ConversationCharacteristics": {
            "TotalConversationDurationMillis": 300_000,
            "NonTalkTime": { "TotalTimeMillis": 40_000 },
            "Sentiment": {
                "OverallSentiment": { "AGENT": score(), "CUSTOMER": score() },
                "SentimentByPeriod": { "QUARTER": { "CUSTOMER": quarters(score(), score()) } },
            },
        },
        "Categories": { "MatchedCategories": if score() > 3.0 { vec!["Complaint"] } else { vec![] } },
        "Transcript": turns,
    })
    .to_string()
    .into_bytes()
}

fn quantile(times: &mut [Duration], q: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |t| t.as_secs_f64() * 1e3)
}

/// Seconds and bytes that an import took.
struct Imported {
    records_s: f64,
    files_s: f64,
    bytes: usize,
}

/// The record of contact `n`.
fn record(n: usize, now: i64, random: &mut Random) -> Result<ContactRecord> {
    let moment = |s: i64| cli_store::Timestamp(s * 1_000).to_string();
    let at = now - random.below((DAYS * 86_400) as usize) as i64;
    let record = json!({
        "ContactId": format!("contact-{n}"), "Channel": "VOICE", "InitiationTimestamp": moment(at),
        "DisconnectTimestamp": moment(at + 300), "LastUpdateTimestamp": moment(at + 400),
        "Agent": { "Username": format!("agent-{}", random.below(200)), "HierarchyGroups": { "Level1": { "GroupName": "EMEA" } } },
        "Queue": { "Name": format!("queue-{}", random.below(20)) },
        "CustomerEndpoint": { "Address": "+441632960000", "Type": "TELEPHONE_NUMBER" },
        "Attributes": { "account": format!("{n}") },
    });
    Ok(ContactRecord::parse(record.to_string().as_bytes())?)
}

fn import(owner: &Domain, contacts: usize, said: &[Vec<Value>], random: &mut Random) -> Result<Imported> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() as i64;
    let mut all = Imported { records_s: 0.0, files_s: 0.0, bytes: 0 };
    for batch in 0..contacts.div_ceil(BATCH) {
        let numbers: Vec<usize> = (batch * BATCH..contacts.min((batch + 1) * BATCH)).collect();
        let records = numbers.iter().map(|&n| record(n, now, random)).collect::<Result<Vec<_>>>()?;
        let start = Instant::now();
        owner.import_contacts(&records, 730)?;
        all.records_s += start.elapsed().as_secs_f64();
        let mut files = Vec::new();
        for n in &numbers {
            if let Some(turns) = said.get(n % said.len()) {
                files.push((format!("contact-{n}"), analysis(turns, &format!("case{n}"), random)));
            }
        }
        all.bytes += files.iter().map(|f| f.1.len()).sum::<usize>();
        let (media, variant) = (Media::Transcript, Variant::Redacted);
        let new = files.iter().map(|(id, b)| NewContactFile { contact_id: id, media, variant, bytes: b });
        let new: Vec<_> = new.collect();
        let start = Instant::now();
        owner.put_contact_files(&new)?;
        all.files_s += start.elapsed().as_secs_f64();
    }
    Ok(all)
}

/// Kinds of search.
const KINDS: [&str; 14] = [
    "newest",
    "a word as it comes",
    "the commonest word",
    "a word of one call",
    "a phrase",
    "a phrase by the customer",
    "three words, any",
    "three words, all",
    "word, agent and queue",
    "sentiment shift",
    "non-talk time, none",
    "category",
    "category and word",
    "nothing fits",
];

/// One search of a kind; `row` are three words in a row of some call.
fn filter(kind: &str, row: &[&str], contacts: usize, random: &mut Random) -> ContactFilter {
    let (word, list) = (row.first().copied().unwrap_or("the"), row.join(", "));
    let words = |text: String, all, by| Some(Words { text, all, by });
    let d = ContactFilter::default();
    match kind {
        "newest" => d,
        "a word as it comes" => ContactFilter { words: words(word.into(), false, vec![]), ..d },
        "the commonest word" => ContactFilter { words: words("your".into(), false, vec![]), ..d },
        "a word of one call" => {
            ContactFilter { words: words(format!("case{}", random.below(contacts)), false, vec![]), ..d }
        }
        "a phrase" => ContactFilter { words: words(format!("\"{}\"", row.join(" ")), false, vec![]), ..d },
        "a phrase by the customer" => {
            ContactFilter { words: words(format!("\"{}\"", row.join(" ")), false, vec![SaidBy::Customer]), ..d }
        }
        "three words, any" => ContactFilter { words: words(list, false, vec![]), ..d },
        "three words, all" => ContactFilter { words: words(list, true, vec![]), ..d },
        "word, agent and queue" => ContactFilter {
            words: words(word.into(), false, vec![]),
            agents: vec![format!("agent-{}", random.below(200))],
            queues: vec![format!("queue-{}", random.below(20))],
            ..d
        },
        "sentiment shift" => {
            let score = |of, from, to| Score { who: SaidBy::Customer, of, from, to };
            ContactFilter { scores: vec![score(ScoreOf::Begin, -5.0, -3.0), score(ScoreOf::End, 3.0, 5.0)], ..d }
        }
        "non-talk time, none" => ContactFilter { non_talk_percent: Some((90.0, 95.0)), ..d },
        "category" => ContactFilter { categories: vec!["Complaint".into()], ..d },
        "category and word" => {
            ContactFilter { categories: vec!["Complaint".into()], words: words(word.into(), false, vec![]), ..d }
        }
        _ => ContactFilter { words: words("xylophone, \"never said\"".into(), true, vec![]), ..d },
    }
}

fn search(boss: &Domain, args: &Args, said: &[Vec<Value>], random: &mut Random) -> Result<()> {
    let all = said.iter().flatten().filter_map(|t| t["Content"].as_str());
    let vocabulary: Vec<&str> = all.flat_map(|c| c.split(' ')).filter(|w| w.chars().all(char::is_alphabetic)).collect();
    let mut kinds: Vec<(&str, Vec<Duration>, usize)> = Vec::new();
    for kind in KINDS {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..args.asked {
            let at = random.below(vocabulary.len() - 4);
            let filter = filter(kind, vocabulary.get(at..at + 3).unwrap_or_default(), args.contacts, random);
            let start = Instant::now();
            found += boss.search_contacts(&filter, 100, None)?.items.len();
            times.push(start.elapsed());
        }
        kinds.push((kind, times, found));
    }
    println!("{:<26} {:>8} {:>8} {:>8} {:>7}", "search, first 100", "p50 ms", "p95 ms", "max ms", "found");
    let mut every = Vec::new();
    for (kind, times, found) in &mut kinds {
        let mean = *found as f64 / args.asked as f64;
        println!(
            "{kind:<26} {:>8.2} {:>8.2} {:>8.2} {mean:>7.1}",
            quantile(times, 0.5),
            quantile(times, 0.95),
            quantile(times, 1.0)
        );
        every.append(times);
    }
    println!(
        "{:<26} {:>8.2} {:>8.2} {:>8.2}",
        "all",
        quantile(&mut every, 0.5),
        quantile(&mut every, 0.95),
        quantile(&mut every, 1.0)
    );
    Ok(())
}

fn main() -> Result<()> {
    let args = Args::parse();
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("bench.domain");
    let owner = Domain::create(&path, NewDomain::new("bench".parse()?))?;
    owner.create_user("boss", &["CallCenterManager".to_owned()], None)?;
    let mut random = Random::new(11);
    let mut said = Vec::new();
    for number in 0..CALLS.min(args.contacts) {
        said.push(turns(number)?);
    }
    let words: usize = said.iter().flatten().map(|t| t["Content"].as_str().map_or(0, |c| c.split(' ').count())).sum();
    let Imported { records_s, files_s, bytes } = import(&owner, args.contacts, &said, &mut random)?;
    let n = args.contacts as f64;
    println!(
        "{} contacts, {:.0} words each, transcripts of {:.1} MB",
        args.contacts,
        words as f64 / said.len() as f64,
        bytes as f64 / 1e6
    );
    println!("records: {:.0} a second; transcripts, sealed and indexed: {:.0} a second", n / records_s, n / files_s);
    drop(owner);
    let size = std::fs::metadata(path.join("domain.sqlite"))?.len();
    println!("store: {:.1} MB, {:.2} kB a contact", size as f64 / 1e6, size as f64 / 1e3 / n);

    let boss = Domain::open_with(&path, OpenOptions::default().user("boss"))?;
    search(&boss, &args, &said, &mut random)?;
    Ok(())
}
