//! What is known by the words around it: names, addresses, dates, ages, e-mail and web addresses, passwords.
//!
//! Cue phrases and lists of words, in English. They miss what is said without them.

use std::ops::Range;

use super::super::Entity;
use super::super::normal;
use super::lexicon::is_number;
use super::names;
use super::network;
use super::words::{Item, Side, Timeline, nearest};

/// What was found among a side's items.
pub(super) struct Phrase {
    pub(super) entity: Entity,
    pub(super) items: Range<usize>,
    pub(super) confidence: f32,
    pub(super) recogniser: &'static str,
}

/// The kinds that are looked for here.
pub(super) const ENTITIES: [Entity; 10] = [
    Entity::Name,
    Entity::Age,
    Entity::Email,
    Entity::Address,
    Entity::DateTime,
    Entity::AwsSecretKey,
    Entity::IpAddress,
    Entity::Password,
    Entity::Url,
    Entity::Username,
];

const TOP_LEVELS: [&str; 64] = [
    "com", "org", "net", "edu", "gov", "mil", "int", "io", "co", "uk", "us", "ca", "in", "au", "nz", "ie", "za", "de",
    "fr", "it", "es", "pt", "nl", "be", "ch", "at", "se", "no", "dk", "fi", "pl", "cz", "gr", "tr", "ru", "ua", "br",
    "mx", "ar", "jp", "cn", "hk", "sg", "kr", "il", "ae", "ng", "ke", "eu", "info", "biz", "me", "app", "dev", "ai",
    "tv", "online", "site", "shop", "store", "cloud", "tech", "xyz", "email",
];

fn top_level(text: &str) -> bool {
    TOP_LEVELS.contains(&text)
}
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const ORDINALS: [&str; 21] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "thirtieth",
];
const STREETS: [&str; 26] = [
    "street",
    "st",
    "avenue",
    "ave",
    "road",
    "rd",
    "drive",
    "lane",
    "court",
    "boulevard",
    "blvd",
    "way",
    "place",
    "terrace",
    "close",
    "crescent",
    "square",
    "highway",
    "parkway",
    "circle",
    "trail",
    "row",
    "gardens",
    "mews",
    "grove",
    "walk",
];
const FLATS: [&str; 7] = ["apartment", "apt", "unit", "suite", "flat", "floor", "room"];
const TITLES: [&str; 8] = ["mr", "mrs", "ms", "miss", "mister", "missus", "dr", "doctor"];
/// Words that are no part of a name, an account's name or a password.
const STOPS: [&str; 81] = [
    "sure", "lovely", "great", "perfect", "go", "all", "right", "well", "now", "which", "when", "where", "who", "why",
    "moment", "let", "nice", "a", "an", "the", "and", "or", "but", "i", "i'm", "you", "your", "my", "me", "we", "he",
    "she", "it", "it's", "is", "am", "are", "was", "be", "calling", "from", "with", "about", "how", "to", "for", "of",
    "on", "in", "at", "so", "not", "no", "yes", "okay", "ok", "um", "uh", "please", "thanks", "thank", "hi", "hello",
    "what", "can", "could", "would", "will", "just", "here", "there", "this", "that", "that's", "have", "had", "do",
    "does", "sorry", "good", "again",
];

/// How far before its end a question asks for one of these; `None` where it does not, or tells it.
fn questioned(question: &str, cues: &[&str]) -> Option<usize> {
    const ASKING: [&str; 20] = [
        "what", "what's", "which", "can", "could", "may", "your", "and", "please", "how", "who", "who's", "when",
        "where", "do", "tell", "need", "confirm", "verify", "the",
    ];
    if !question.split_whitespace().any(|w| ASKING.contains(&w)) {
        return None;
    }
    let asks = |cue: &&&str| {
        let wanted = format!(" {cue} ");
        let at = question.rfind(&wanted)?;
        let before = question.get(..at)?.split_whitespace().next_back();
        let mut after = question.get(at + wanted.len()..)?.split_whitespace();
        let told = before == Some("my") || matches!(after.next(), Some("is" | "to" | "as" | "was"));
        let words = nearest(question, &[cue])?;
        let most = if cue.starts_with("speaking") { 0 } else { 3 };
        (!told && words <= most).then_some(words)
    };
    cues.iter().filter_map(|c| asks(&c)).min()
}

struct Scan<'a> {
    items: &'a [Item],
    found: Vec<Phrase>,
    /// What the others asked before an item.
    asked: &'a dyn Fn(&Item) -> String,
    /// Nothing is written with a capital letter: names cannot be told by it.
    lower: bool,
}

/// Finds the phrases of the side numbered `number`.
pub(super) fn find(side: &Side, number: usize, timeline: &Timeline) -> Vec<Phrase> {
    let asked = |item: &Item| timeline.asked(number, item.place);
    let lower = !side.items.iter().any(|i| i.capital);
    let mut scan = Scan { items: &side.items, found: Vec::new(), asked: &asked, lower };
    let mut at = 0;
    while at < side.items.len() {
        let before = scan.found.len();
        // E-mail addresses before pages, which look like their ends.
        for rule in [
            Scan::answer,
            Scan::email,
            Scan::page,
            Scan::network,
            Scan::written,
            Scan::age,
            Scan::date,
            Scan::address,
            Scan::name,
            Scan::secret,
        ] {
            rule(&mut scan, at);
            if scan.found.len() > before {
                break;
            }
        }
        at = scan.found.get(before).map_or(at + 1, |f| f.items.end.max(at + 1));
    }
    scan.found
}

/// Adds where else somebody is called by a name that was found, by whichever speaker.
pub(super) fn known_names(sides: &[Side], found: &mut [Vec<Phrase>]) {
    let named = |(side, phrases): (&Side, &Vec<Phrase>)| {
        let items = phrases.iter().filter(|p| p.entity == Entity::Name).flat_map(|p| p.items.clone());
        items.filter_map(|i| side.items.get(i)).map(|i| i.text.clone()).collect::<Vec<_>>()
    };
    let mut names: Vec<String> = sides.iter().zip(found.iter()).flat_map(named).collect();
    names.retain(|n| n.len() >= 3 && !TITLES.contains(&n.as_str()));
    names.sort_unstable();
    names.dedup();
    let lower = !sides.iter().flat_map(|s| &s.items).any(|i| i.capital);
    for (side, phrases) in sides.iter().zip(found) {
        let mut covered = vec![false; side.items.len()];
        let inside = phrases.iter().flat_map(|p| p.items.clone());
        inside.for_each(|i| covered.get_mut(i).into_iter().for_each(|c| *c = true));
        let mut more = Vec::new();
        for (i, item) in side.items.iter().enumerate().filter(|(_, i)| names.binary_search(&i.text).is_ok()) {
            // Without capitals, only what is a name and nothing else.
            let name = item.capital || lower && names::only_name(&item.text);
            if name && !covered.get(i).copied().unwrap_or(true) {
                more.push(Phrase { entity: Entity::Name, items: i..i + 1, confidence: 0.8, recogniser: "known name" });
            }
        }
        phrases.extend(more);
    }
}

impl Scan<'_> {
    fn text(&self, at: usize) -> &str {
        self.items.get(at).map_or("", |i| i.text.as_str())
    }

    /// Whether these words stand from there on.
    fn says(&self, at: usize, words: &str) -> Option<usize> {
        let count = words.split(' ').count();
        words.split(' ').enumerate().all(|(i, w)| self.text(at + i) == w).then_some(at + count)
    }

    fn one_of(&self, at: usize, phrases: &[&str]) -> Option<usize> {
        phrases.iter().filter_map(|p| self.says(at, p)).max()
    }

    fn put(&mut self, entity: Entity, items: Range<usize>, confidence: f32, recogniser: &'static str) {
        if !items.is_empty() && items.end <= self.items.len() {
            self.found.push(Phrase { entity, items, confidence, recogniser });
        }
    }

    fn ends(&self, at: usize) -> bool {
        self.items.get(at).is_none_or(|i| i.ends)
    }

    /// "X dot com", "X dot co dot uk" from `at`, the first word of X: what follows it.
    fn domain(&self, at: usize) -> Option<usize> {
        // Written, or half of it.
        let written = self.text(at);
        if written.contains('.') && written.split('/').next().and_then(|h| h.rsplit('.').next()).is_some_and(top_level)
        {
            return Some(at + 1);
        }
        let dot = (at + 1..at + 4).find(|&i| self.text(i) == "dot")?;
        let mut end = dot;
        while self.text(end) == "dot" && !self.text(end + 1).is_empty() {
            end += 2;
        }
        top_level(self.text(end - 1)).then_some(end)
    }

    /// "jane dot doe at example dot com".
    fn email(&mut self, at: usize) {
        let text = self.text(at);
        if text.find('@').is_some_and(|i| i > 0 && text.get(i + 1..).is_some_and(|d| d.contains('.'))) {
            return self.put(Entity::Email, at..at + 1, 0.99, "written address");
        }
        if text != "at" || at == 0 {
            return;
        }
        let Some(end) = self.domain(at + 1) else { return };
        let least = at.saturating_sub(10);
        let part = |i: &usize| {
            let text = self.text(*i);
            let spelled = text.len() == 1 || is_number(text);
            let stops = STOPS.contains(&text) && !spelled || matches!(text, "email" | "e-mail" | "mail" | "address");
            !stops && (*i + 1 == at || !self.ends(*i))
        };
        let start = (least..at).rev().take_while(part).last();
        if let Some(start) = start {
            self.put(Entity::Email, start..end, 0.95, "spoken address");
        }
    }

    /// "w w w dot example dot com", "example dot com".
    fn page(&mut self, at: usize) {
        let text = self.text(at);
        let written = text.contains("://")
            || text.starts_with("www.")
            || text
                .split_once('/')
                .is_some_and(|(host, _)| host.split('.').next_back().is_some_and(top_level) && host.contains('.'));
        if written {
            return self.put(Entity::Url, at..at + 1, 0.95, "written address");
        }
        let start = self.one_of(at, &["www dot", "w w w dot"]);
        let first = start.unwrap_or(at);
        // An e-mail address begins before its "at".
        let clause = (first..first + 10).take_while(|&i| i == first || !self.ends(i - 1));
        if clause.into_iter().any(|i| self.text(i) == "at") || STOPS.contains(&self.text(first)) {
            return;
        }
        if let Some(mut end) = self.domain(first) {
            while !self.ends(end - 1)
                && let Some(path) = self.one_of(end, &["slash", "forward slash"])
                && path < self.items.len()
            {
                end = path + 1;
            }
            self.put(Entity::Url, at..end, if start.is_some() { 0.95 } else { 0.8 }, "spoken address");
        }
    }

    /// What is known by how it is written.
    fn written(&mut self, at: usize) {
        let text = self.text(at);
        if normal::is_ip(text) {
            return self.put(Entity::IpAddress, at..at + 1, 0.97, "written address");
        }
        if normal::is_mac(text) {
            return self.put(Entity::MacAddress, at..at + 1, 0.97, "written address");
        }
        let date: Vec<&str> = text.split('/').collect();
        let number = |p: &&str| !p.is_empty() && p.len() <= 4 && p.bytes().all(|b| b.is_ascii_digit());
        if date.len() == 3 && date.iter().all(number) || normal::is_day(&text.to_uppercase()) {
            return self.put(Entity::DateTime, at..at + 1, 0.9, "written date");
        }
        if let [month, year] = date.as_slice() {
            let part = |p: &str, least: u32, most: u32| p.parse::<u32>().is_ok_and(|n| (least..=most).contains(&n));
            let years = year.len() == 2 && part(year, 20, 60) || year.len() == 4 && part(year, 2020, 2060);
            if month.len() == 2 && part(month, 1, 12) && years {
                return self.put(Entity::CreditDebitExpiry, at..at + 1, 0.8, "written month");
            }
        }
        let secret =
            text.len() == 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+' | b'='));
        if secret && text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic()) {
            self.put(Entity::AwsSecretKey, at..at + 1, 0.8, "written key");
        }
    }

    /// Addresses of networks and devices, as they are spoken.
    fn network(&mut self, at: usize) {
        if let Some((end, entity)) = network::spoken(self.items, at) {
            self.put(entity, at..end, 0.95, "spoken address");
        }
    }

    /// An answer that needs no name, for the question had it.
    fn answer(&mut self, at: usize) {
        const QUESTIONS: [(&[&str], Entity); 6] = [
            (
                &[
                    "your name",
                    "full name",
                    "last name",
                    "first name",
                    "surname",
                    "family name",
                    "middle name",
                    "maiden name",
                    "name please",
                    "speaking with",
                    "speaking to",
                    "who is this",
                    "who's this",
                    "who's calling",
                    "and you are",
                    "name on the card",
                    "name on the account",
                ],
                Entity::Name,
            ),
            (&["password", "passphrase", "pass word", "secret word", "pass phrase"], Entity::Password),
            (&["username", "user name", "login", "user id", "log in with", "log in name"], Entity::Username),
            (&["how old", "your age", "the age"], Entity::Age),
            (
                &["address", "where do you live", "where should we send", "where do we send", "where are you based"],
                Entity::Address,
            ),
            (&["expire", "expiration", "expiry", "valid until"], Entity::CreditDebitExpiry),
        ];
        const LEADS: [&str; 43] = [
            "go", "ahead", "all", "right", "lovely", "great", "perfect", "thank", "you", "thanks", "it's", "its", "it",
            "is", "yes", "yeah", "yep", "sure", "um", "uh", "er", "okay", "ok", "so", "the", "that", "that's", "would",
            "be", "my", "name", "this", "hi", "well", "of", "course", "let", "me", "see", "i'm", "at", "i", "we're",
        ];
        let turn = |i: usize| self.items.get(i).map(|i| i.turn);
        if at > 0 && turn(at - 1) == turn(at) {
            return;
        }
        let Some(item) = self.items.get(at) else { return };
        let question = (self.asked)(item);
        let asked = QUESTIONS.iter().filter_map(|(cues, entity)| Some((questioned(&question, cues)?, *entity)));
        let Some((_, entity)) = asked.min_by_key(|a| a.0) else { return };
        // "ip address", "mac address", "email address" are asked about otherwise.
        if entity == Entity::Address
            && nearest(&question, &["ip", "mac", "email", "e mail", "hardware", "web"]).is_some()
        {
            return;
        }
        let last = (at..self.items.len()).take_while(|&i| turn(i) == turn(at)).last().map_or(at, |i| i + 1);
        let start = (at..last).find(|&i| !LEADS.contains(&self.text(i))).unwrap_or(last);
        let clause = (start..last).find(|&i| self.ends(i)).map_or(last, |i| i + 1);
        match entity {
            Entity::Name => {
                let words = (start..last).filter(|&i| self.text(i).len() > 1).count();
                let mut end = self.called(start, 4, !(self.lower && words <= 4)).max(self.listed(start, true));
                // "my name is": what follows is one, listed or not.
                if start > at + 1 && self.text(start - 1) == "is" && self.text(start - 2) == "name" {
                    end = end.max(self.called(start, 3, false));
                }
                end = self.spelled(end.max(start));
                self.put(Entity::Name, start..end, 0.8, "asked for");
            }
            Entity::Password | Entity::Username => {
                self.put(entity, start..clause.min(start + 12), 0.7, "asked for");
            }
            Entity::Age => {
                if let Some(end) = self.number(start).filter(|end| end - start <= 2) {
                    self.put(entity, start..end, 0.85, "asked for");
                }
            }
            Entity::CreditDebitExpiry => {
                if MONTHS.contains(&self.text(start))
                    && let Some(end) = self.number(start + 1)
                {
                    self.put(entity, start..end, 0.95, "asked for");
                }
            }
            _ => {
                // A house's number, and what comes with it; the answer may be of several clauses.
                if let Some(number) = self.number(start).filter(|n| n - start <= 5 && *n < last) {
                    let words = (number..last).take_while(|&i| {
                        !matches!(self.text(i), "and" | "but" | "i" | "is") && (i == number || !self.items[i - 1].stops)
                    });
                    let end = words.take(10).last().map_or(number, |i| i + 1);
                    if end > number {
                        self.put(Entity::Address, start..end, 0.8, "asked for");
                    }
                }
            }
        }
    }

    /// Letters that spell what was just said.
    fn spelled(&self, at: usize) -> usize {
        let letters = (at..self.items.len()).take_while(|&i| self.text(i).len() == 1).count();
        if letters >= 3 { at + letters } else { at }
    }

    /// Number words from `at`, a dozen at most: what follows them.
    fn number(&self, at: usize) -> Option<usize> {
        let number = |&i: &usize| is_number(self.text(i)) && (i == at || !self.ends(i - 1));
        Some((at..self.items.len().min(at + 12)).take_while(number).last()? + 1)
    }

    /// "I am forty two years old", "aged 42".
    fn age(&mut self, at: usize) {
        if let Some(end) = self.number(at).filter(|end| end - at <= 2)
            && let Some(after) = self.one_of(end, &["years old", "year old", "years of age"])
        {
            return self.put(Entity::Age, at..after, 0.95, "age");
        }
        if let Some(start) = self.one_of(at, &["aged", "my age is", "age is", "age of", "turned", "turning"])
            && let Some(end) = self.number(start).filter(|end| end - start <= 2)
        {
            return self.put(Entity::Age, start..end, 0.85, "age");
        }
        // "I'm forty two." and nothing more.
        if let Some(start) = self.one_of(at, &["i'm", "i am", "he is", "she is", "he's", "she's"])
            && let Some(end) = self.number(start).filter(|end| end - start <= 2 && self.last_of_turn(end - 1))
        {
            self.put(Entity::Age, start..end, 0.6, "age");
        }
    }

    fn last_of_turn(&self, at: usize) -> bool {
        let turn = |i: usize| self.items.get(i).map(|i| i.turn);
        turn(at) != turn(at + 1) || self.items.get(at).is_some_and(|i| i.stops)
    }

    fn ordinal(&self, at: usize) -> Option<usize> {
        let text = self.text(at);
        let written = ["st", "nd", "rd", "th"]
            .iter()
            .any(|s| text.strip_suffix(s).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())));
        if ORDINALS.contains(&text) || written {
            return Some(at + 1);
        }
        (matches!(text, "twenty" | "thirty") && ORDINALS.contains(&self.text(at + 1))).then_some(at + 2)
    }

    /// A day, spoken or written: what follows it.
    fn day(&self, at: usize) -> Option<usize> {
        self.ordinal(at).or_else(|| self.number(at))
    }

    /// "the third of May nineteen eighty", "May 3rd, 1980".
    fn date(&mut self, at: usize) {
        let month = |i: usize| MONTHS.contains(&self.text(i));
        // "two thousand and six"
        let year = |end: usize| {
            let year = self.number(end).unwrap_or(end);
            let and = self.text(year) == "and" && year > end && matches!(self.text(year - 1), "thousand" | "hundred");
            if and { self.number(year + 1).unwrap_or(year) } else { year }
        };
        if month(at) {
            let day = self.day(if self.text(at + 1) == "the" { at + 2 } else { at + 1 });
            // "may" is a verb as a rule.
            let year_only = self.number(at + 1).is_some_and(|end| end - at > 2);
            if let Some(end) = day.filter(|_| {
                self.text(at) != "may"
                    || self.items.get(at).is_some_and(|i| i.capital)
                    || self.ordinal(at + 1).is_some()
                    || self.text(at + 1) == "the"
                    || year_only
            }) {
                return self.put(Entity::DateTime, at..year(end), 0.9, "date");
            }
        }
        if let Some(day) = self.ordinal(at).or_else(|| self.number(at).filter(|end| end - at <= 2)) {
            let of = if self.text(day) == "of" { day + 1 } else { day };
            let verb = self.text(of) == "may"
                && of == day
                && !self.items.get(of).is_some_and(|i| i.capital)
                && year(of + 1) == of + 1;
            if month(of) && !verb && self.items.get(day - 1).is_some_and(|i| !i.stops) {
                return self.put(Entity::DateTime, at..year(of + 1), 0.9, "date");
            }
            if self.number(at) == Some(day)
                && self.one_of(day, &["a m", "p m", "am", "pm", "a.m", "p.m", "o'clock"]).is_some()
            {
                let end = self.one_of(day, &["a m", "p m", "am", "pm", "a.m", "p.m", "o'clock"]).unwrap_or(day);
                self.put(Entity::DateTime, at..end, 0.8, "time");
            }
        }
    }

    /// "twelve Elm Street, apartment four, Springfield".
    fn address(&mut self, at: usize) {
        let Some(number) = self.number(at) else { return };
        let street = (number + 1..number + 5).find(|&i| STREETS.contains(&self.text(i)));
        let Some(street) =
            street.filter(|&s| (number..s).all(|i| !STOPS.contains(&self.text(i)) && !is_number(self.text(i))))
        else {
            return;
        };
        let mut end = street + 1;
        if FLATS.contains(&self.text(end)) && self.items.get(end - 1).is_some_and(|i| !i.stops) {
            end = self.number(end + 1).unwrap_or(end + 2);
        }
        if self.lower {
            // Nobody wrote the town with a capital: two words at most of the same turn.
            let turn = |i: usize| self.items.get(i).map(|i| i.turn);
            let town = (end..end + 2).take_while(|&i| {
                turn(i) == turn(end - 1)
                    && !STOPS.contains(&self.text(i))
                    && !is_number(self.text(i))
                    && self.text(i) != "if"
            });
            end += town.count();
        }
        // Town and state where they are written as names, and the code behind them.
        let stopped = |end: usize| self.items.get(end - 1).is_none_or(|i| i.stops);
        while !stopped(end)
            && self.items.get(end).is_some_and(|i| i.capital && !STOPS.contains(&i.text.as_str()))
            && end - street < 8
        {
            end += 1;
        }
        if !stopped(end) {
            end = self.number(end).unwrap_or(end);
        }
        self.put(Entity::Address, at..end.min(self.items.len()), 0.85, "street");
    }

    /// Up to `most` words that may be a name.
    fn called(&self, at: usize, most: usize, capital: bool) -> usize {
        let mut end = at;
        while end - at < most
            && self
                .items
                .get(end)
                .is_some_and(|i| (!capital || i.capital) && !STOPS.contains(&i.text.as_str()) && !is_number(&i.text))
        {
            end += 1;
            // "Mr Smith's order"; "Jane, Doe" is one name all the same.
            let name = |i: usize| {
                names::given(self.text(i))
                    || names::family(self.text(i))
                    || self.items.get(i).is_some_and(|i| i.capital)
            };
            let comma = self.items.get(end - 1).is_some_and(|i| !i.stops) && name(end);
            if self.ends(end - 1) && !comma || self.text(end - 1).ends_with("'s") {
                break;
            }
        }
        end
    }

    /// "my name is Jane Doe", "Mrs Doe", "this is Jane".
    fn name(&mut self, at: usize) {
        const STRONG: &[&str] = &[
            "my name is",
            "my name's",
            "name is",
            "the name's",
            "first name is",
            "last name is",
            "surname is",
            "maiden name is",
            "first name",
            "last name",
            "middle name is",
            "name on the card is",
            "name on the account is",
            "under the name",
            "under the name of",
        ];
        const VOCATIVES: &[&str] = &[
            "thank you",
            "thanks",
            "thanks for calling",
            "thank you for calling",
            "hello",
            "hi",
            "hey",
            "bye",
            "goodbye",
            "good morning",
            "good afternoon",
            "good evening",
            "okay",
            "sorry",
            "sure",
            "all right",
            "well",
            "under",
            "under the name",
            "for",
            "with",
            "to",
        ];
        const WEAK: &[&str] = &["this is", "i'm", "i am", "speaking with", "speaking to", "call me", "on behalf of"];
        if let Some(start) = self.one_of(at, STRONG) {
            let end = self.called(start, 3, false);
            return self.put(Entity::Name, start..self.spelled(end), 0.85, "called name");
        }
        if TITLES.contains(&self.text(at)) {
            let end = self.called(at + 1, 2, false);
            if end > at + 1 {
                return self.put(Entity::Name, at..end, 0.85, "titled name");
            }
        }
        if let Some(start) = self.one_of(at, WEAK) {
            let end = self.called(start, 3, true).max(self.listed(start, true));
            if end > start {
                return self.put(Entity::Name, start..self.spelled(end), 0.7, "introduced name");
            }
        }
        if let Some(start) = self.one_of(at, VOCATIVES).filter(|&s| !self.ends(s - 1) || self.text(s - 1) != "for") {
            let end = self.listed(start, false);
            if end > start {
                return self.put(Entity::Name, start..end, 0.7, "addressed by name");
            }
        }
        // "Jane speaking", "Jane Doe here", and a given name beside a family name.
        let given = |i: usize| {
            names::given(self.text(i))
                && (names::only_name(self.text(i)) || self.items.get(i).is_some_and(|i| i.capital))
        };
        if given(at) {
            let end = self.listed(at, false);
            let here = matches!(self.text(end), "speaking" | "here") && !self.ends(end - 1);
            let both = end > at + 1 && names::family(self.text(end - 1));
            if here || both {
                self.put(Entity::Name, at..end, 0.7, "listed name");
            }
        }
    }

    /// Names of the lists from `at`: a given name, and whatever family name comes with it; what follows them. `called`: something before says that
    /// this is a name, so that one that is a word too will do.
    fn listed(&self, at: usize, called: bool) -> usize {
        let text = |i: usize| self.text(i);
        let capital = |i: usize| self.items.get(i).is_some_and(|i| i.capital);
        let sure =
            |i: usize| names::only_name(text(i)) || capital(i) && (names::given(text(i)) || names::family(text(i)));
        if !(sure(at) || called && names::given(text(at)) && text(at) != "will") {
            return at;
        }
        let mut end = at + 1;
        while end < at + 3
            && (!self.ends(end - 1) || self.items.get(end - 1).is_some_and(|i| !i.stops) && names::family(text(end)))
            && (sure(end)
                || names::family(text(end)) && names::given(text(end - 1))
                || capital(end) && !STOPS.contains(&text(end)) && !text(end).is_empty())
        {
            end += 1;
        }
        end
    }

    /// "the password is ...", "my user name is ...".
    fn secret(&mut self, at: usize) {
        const WORDS: [(&[&str], Entity); 2] = [
            (
                &["password is", "password's", "passphrase is", "pass word is", "password to", "password as"],
                Entity::Password,
            ),
            (
                &[
                    "username is",
                    "user name is",
                    "user id is",
                    "login is",
                    "log in is",
                    "login name is",
                    "log in as",
                    "logged in as",
                ],
                Entity::Username,
            ),
        ];
        for (cues, entity) in WORDS {
            let Some(start) = self.one_of(at, cues) else { continue };
            // To the end of the clause, or of the breath.
            let mut end = start;
            while end < self.items.len() && end - start < 12 {
                end += 1;
                let pause = self.items.get(end).is_some_and(|next| {
                    self.items.get(end - 1).is_some_and(|last| next.begin_ms.saturating_sub(last.end_ms) > 1_500)
                });
                if self.ends(end - 1) || pause {
                    break;
                }
            }
            return self.put(entity, start..end, 0.8, "called secret");
        }
    }
}
