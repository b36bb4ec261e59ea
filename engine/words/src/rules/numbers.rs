//! Everything that is known by its number: what it looks like, what it is called, and how sure that makes it.

use std::ops::Range;

use super::super::Entity;
use super::check::{self, all_digits, shape};
use super::phrases::Phrase;
use super::spoken::{Piece, Run};
use super::words::{Side, Timeline, nearest};

/// How well a text fits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Its length and characters do.
    Plain,
    /// Its check digit or structure does, which few numbers' do by chance.
    Checked,
}

/// One kind of number.
struct Kind {
    entity: Entity,
    fit: fn(&str) -> Option<Fit>,
    /// What it is called, shortly before it.
    cues: &'static [&'static str],
    /// How sure it is without being called so: where it is checked, and where it only looks so. 0: not at all.
    alone: [f32; 2],
    /// The same where it is called so.
    called: [f32; 2],
}

fn plain(fits: bool) -> Option<Fit> {
    fits.then_some(Fit::Plain)
}

fn checked(fits: bool) -> Option<Fit> {
    fits.then_some(Fit::Checked)
}

fn count(text: &str, least: usize, most: usize) -> bool {
    all_digits(text) && (least..=most).contains(&text.len())
}

/// Letters and digits, some of them digits.
fn mixed(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().any(|b| b.is_ascii_digit())
}

const CARD_CUES: &[&str] = &[
    "card number",
    "credit card",
    "debit card",
    "card",
    "visa",
    "mastercard",
    "amex",
    "american express",
    "long number",
    "last four",
    "last four digits",
    "ends in",
    "ending in",
];

/// The kinds, in no order: what fits best wins.
const KINDS: &[Kind] = &[
    Kind {
        entity: Entity::CreditDebitNumber,
        fit: |t| checked(check::card(t)).or(plain(count(t, 12, 19))),
        cues: CARD_CUES,
        alone: [0.95, 0.0],
        called: [0.99, 0.7],
    },
    Kind {
        entity: Entity::CreditDebitCvv,
        fit: |t| plain(count(t, 3, 4)),
        cues: &[
            "cvv",
            "cvc",
            "cvv2",
            "c v v",
            "c v c",
            "security code",
            "verification code",
            "three digits",
            "three digit",
            "four digits on the front",
            "back of the card",
            "back of your card",
            "on the back",
            "csc",
        ],
        alone: [0.0, 0.0],
        called: [0.95, 0.95],
    },
    Kind {
        entity: Entity::CreditDebitExpiry,
        fit: |t| checked(check::expiry(t)),
        cues: &[
            "expiry",
            "expires",
            "expiration",
            "expiry date",
            "expiration date",
            "expire",
            "valid until",
            "valid thru",
            "good through",
        ],
        alone: [0.0, 0.0],
        called: [0.95, 0.95],
    },
    Kind {
        entity: Entity::Pin,
        fit: |t| plain(count(t, 4, 8)),
        cues: &[
            "pin",
            "pin number",
            "pin code",
            "pin is",
            "passcode",
            "pass code",
            "p i n",
            // "one-time code": numbers have no text here.
            "time code",
            "time passcode",
            "time password",
            "time pin",
            "access code",
            "login code",
            "otp",
            "o t p",
            "authentication code",
            "entry code",
            "door code",
            "gate code",
            "unlock code",
        ],
        alone: [0.0, 0.0],
        called: [0.95, 0.95],
    },
    Kind {
        entity: Entity::Ssn,
        fit: |t| plain(check::ssn(t)).or(None),
        cues: &["social security number", "social security", "social", "ssn", "s s n", "my social"],
        alone: [0.0, 0.0],
        called: [0.97, 0.97],
    },
    Kind {
        entity: Entity::UsIndividualTaxIdentificationNumber,
        fit: |t| checked(check::itin(t)),
        cues: &["itin", "i t i n", "taxpayer identification", "tax identification", "taxpayer number", "tax id"],
        alone: [0.0, 0.0],
        called: [0.97, 0.97],
    },
    Kind {
        entity: Entity::BankAccountNumber,
        fit: |t| plain(count(t, 6, 17)),
        cues: &["account number", "bank account", "checking account", "savings account", "current account", "account"],
        alone: [0.0, 0.0],
        called: [0.9, 0.9],
    },
    Kind {
        entity: Entity::BankRouting,
        fit: |t| checked(check::aba(t)).or(plain(count(t, 9, 9))),
        cues: &["routing number", "routing", "aba", "a b a", "transit number"],
        alone: [0.0, 0.0],
        called: [0.99, 0.8],
    },
    Kind {
        entity: Entity::BankRouting,
        fit: |t| plain(count(t, 6, 6)),
        cues: &["sort code", "sorting code", "bank code", "branch code", "bsb"],
        alone: [0.0, 0.0],
        called: [0.9, 0.9],
    },
    Kind {
        entity: Entity::Iban,
        fit: |t| checked(check::iban(t)).or(plain(mixed(t, 15, 34) && shape(&t[..2], "AA"))),
        cues: &["iban", "i b a n", "international bank account"],
        alone: [0.97, 0.0],
        called: [0.99, 0.7],
    },
    Kind {
        entity: Entity::SwiftCode,
        fit: |t| plain(check::bic(t)),
        cues: &["swift", "swift code", "bic", "b i c", "swift is"],
        alone: [0.0, 0.0],
        called: [0.95, 0.95],
    },
    Kind {
        entity: Entity::CaSocialInsuranceNumber,
        fit: |t| checked(count(t, 9, 9) && check::luhn(t)).or(plain(count(t, 9, 9))),
        cues: &["social insurance", "social insurance number", "sin number", "s i n", "sin", "insurance number"],
        alone: [0.0, 0.0],
        called: [0.99, 0.75],
    },
    Kind {
        entity: Entity::UkNationalInsuranceNumber,
        fit: |t| checked(check::nino(t)),
        cues: &["national insurance", "national insurance number", "ni number", "n i", "ni"],
        alone: [0.9, 0.0],
        called: [0.99, 0.99],
    },
    Kind {
        entity: Entity::CaHealthNumber,
        fit: |t| plain(mixed(t, 8, 12)),
        cues: &["health card", "health number", "ohip", "care card", "health card number", "medicare number"],
        alone: [0.0, 0.0],
        called: [0.93, 0.93],
    },
    Kind {
        entity: Entity::UkNationalHealthServiceNumber,
        fit: |t| checked(check::nhs(t)).or(plain(count(t, 10, 10))),
        cues: &["nhs", "nhs number", "n h s", "national health"],
        alone: [0.0, 0.0],
        called: [0.99, 0.75],
    },
    Kind {
        entity: Entity::PassportNumber,
        fit: |t| plain(mixed(t, 6, 9)),
        cues: &["passport", "passport number"],
        alone: [0.0, 0.0],
        called: [0.95, 0.95],
    },
    Kind {
        entity: Entity::DriverId,
        fit: |t| plain(mixed(t, 5, 20)),
        cues: &[
            "driver's license",
            "drivers license",
            "driver license",
            "driving license",
            "driving licence",
            "driver's licence",
            "license number",
            "licence number",
        ],
        alone: [0.0, 0.0],
        called: [0.93, 0.93],
    },
    Kind {
        entity: Entity::InAadhaar,
        fit: |t| checked(check::aadhaar(t)).or(plain(count(t, 12, 12))),
        cues: &["aadhaar", "aadhar", "adhaar", "aadhaar number"],
        alone: [0.85, 0.0],
        called: [0.99, 0.75],
    },
    Kind {
        entity: Entity::InPermanentAccountNumber,
        fit: |t| checked(check::pan(t)),
        cues: &["pan", "pan card", "pan number", "permanent account number"],
        alone: [0.9, 0.0],
        called: [0.99, 0.99],
    },
    Kind {
        entity: Entity::InNrega,
        fit: |t| plain(mixed(t, 12, 24)),
        cues: &["nrega", "job card", "n r e g a", "mgnrega"],
        alone: [0.0, 0.0],
        called: [0.93, 0.93],
    },
    Kind {
        entity: Entity::InVoterNumber,
        fit: |t| checked(shape(t, "AAA9999999")),
        cues: &["voter id", "voter", "voter card", "epic number", "voter number", "election card"],
        alone: [0.0, 0.0],
        called: [0.97, 0.97],
    },
    Kind {
        entity: Entity::UkUniqueTaxpayerReferenceNumber,
        fit: |t| plain(count(t, 10, 10)),
        cues: &["utr", "u t r", "unique taxpayer reference", "taxpayer reference", "tax reference"],
        alone: [0.0, 0.0],
        called: [0.95, 0.95],
    },
    Kind {
        entity: Entity::Phone,
        fit: |t| checked(check::nanp(t) || (count(t, 10, 11) && t.starts_with('0'))).or(plain(count(t, 7, 15))),
        cues: &[
            "phone number",
            "phone",
            "telephone",
            "mobile",
            "cell",
            "cell phone",
            "call me",
            "call you",
            "reach me",
            "reach you",
            "call back",
            "callback number",
            "contact number",
            "my number",
            "landline",
            "text me",
            "ring",
            "call us",
            "fax",
        ],
        alone: [0.75, 0.0],
        called: [0.98, 0.9],
    },
    Kind {
        entity: Entity::DateTime,
        fit: |t| plain(count(t, 4, 8)),
        cues: &["date of birth", "birth date", "birthday", "born on", "d o b", "dob"],
        alone: [0.0, 0.0],
        called: [0.9, 0.9],
    },
    Kind {
        entity: Entity::Address,
        fit: |t| plain(mixed(t, 5, 9)),
        cues: &["zip code", "zip", "zipcode", "postcode", "post code", "postal code", "pin code for the area"],
        alone: [0.0, 0.0],
        called: [0.9, 0.9],
    },
    Kind {
        entity: Entity::MacAddress,
        fit: |t| plain(t.len() == 12 && t.bytes().all(|b| b.is_ascii_hexdigit())),
        cues: &["mac address", "mac", "hardware address", "physical address"],
        alone: [0.0, 0.0],
        called: [0.95, 0.95],
    },
    Kind {
        entity: Entity::VehicleIdentificationNumber,
        fit: |t| checked(check::vin(t)).or(plain(mixed(t, 17, 17))),
        cues: &["vin", "v i n", "vehicle identification", "vin number", "chassis number"],
        alone: [0.95, 0.0],
        called: [0.99, 0.75],
    },
    Kind {
        entity: Entity::LicensePlate,
        fit: |t| plain(mixed(t, 4, 8)),
        cues: &[
            "license plate",
            "licence plate",
            "number plate",
            "plate number",
            "plate",
            "registration",
            "registration number",
            "tag number",
        ],
        alone: [0.0, 0.0],
        called: [0.93, 0.93],
    },
    Kind {
        entity: Entity::AwsAccessKey,
        fit: |t| checked(t.len() == 20 && (t.starts_with("AKIA") || t.starts_with("ASIA"))),
        cues: &["access key", "access key id"],
        alone: [0.95, 0.0],
        called: [0.99, 0.99],
    },
];

/// What a number is that is nobody's secret, shortly before it in the same turn.
const HARMLESS: &[&str] = &[
    "order",
    "order number",
    "case",
    "case number",
    "ticket",
    "invoice",
    "reference",
    "reference number",
    "confirmation number",
    "error",
    "model",
    "version",
    "charged",
    "costs",
    "cost",
    "price",
    "balance",
    "flight",
    "question",
    "questions",
    "step",
    "option",
    "press",
    "extension",
];
/// What a number counts, right after it.
const UNITS: &[&str] = &[
    "dollars",
    "dollar",
    "pounds",
    "euros",
    "rupees",
    "cents",
    "pence",
    "percent",
    "minutes",
    "minute",
    "hours",
    "hour",
    "seconds",
    "days",
    "day",
    "weeks",
    "months",
    "years",
    "times",
    "miles",
    "kilometers",
    "people",
    "orders",
    "questions",
    "licences",
    "licenses",
    "megabytes",
    "gigabytes",
    "business",
    "points",
    "items",
    "degrees",
];
/// How many words before a number that may be.
const HARMLESS_WORDS: usize = 3;

/// Digits that were called something, and do not look like it: a part of it, most likely.
const PARTIAL: f32 = 0.5;
/// A number's name is this many words before it at most, when the number only looks like it.
const NEAR: usize = 14;
/// The same where it does not even look like it.
const PARTIAL_NEAR: usize = 7;
/// Characters of a number that checks by chance only rarely.
const LONG: usize = 9;
/// A row of more pieces is silenced as it is: nothing that is looked for is as long, and its parts would be searched for ever.
const MOST_PIECES: usize = 64;
/// Longer than anything that is looked for.
const MOST_CHARACTERS: usize = 40;
/// The fewest characters of letters and digits that are somebody's without a name.
const LEAST_UNNAMED: usize = 7;
/// The same where they are spelled one by one.
const LEAST_SPELLED: usize = 6;
/// The fewest characters of what is found without its name or shape.
const LEAST_PARTIAL: usize = 3;

/// A month and a year where an expiry date was asked for is that.
pub(super) fn expiry(side: &Side, phrase: &mut Phrase, timeline: &Timeline) {
    let Some(kind) = KINDS.iter().find(|k| k.entity == Entity::CreditDebitExpiry) else { return };
    let place = side.items.get(phrase.items.start).filter(|_| phrase.entity == Entity::DateTime).map(|i| i.place);
    if place.and_then(|b| nearest(&timeline.before(b), kind.cues)).is_some_and(|d| d <= NEAR / 2) {
        phrase.entity = Entity::CreditDebitExpiry;
    }
}

/// Whether numbers of a kind are long enough to be said in parts.
pub(super) fn long(entity: Entity) -> bool {
    !matches!(
        entity,
        Entity::CreditDebitCvv
            | Entity::CreditDebitExpiry
            | Entity::Pin
            | Entity::DateTime
            | Entity::Address
            | Entity::LicensePlate
    )
}

/// Whether a text calls any kind by its name.
pub(super) fn asks(text: &str) -> bool {
    KINDS.iter().any(|k| nearest(text, k.cues).is_some())
}

/// The kinds that are looked for here.
pub(super) fn entities() -> impl Iterator<Item = Entity> {
    KINDS.iter().map(|k| k.entity)
}

/// What was found in a run: which pieces, as what, how sure.
pub(super) struct Found {
    pub(super) entity: Entity,
    pub(super) pieces: Range<usize>,
    pub(super) confidence: f32,
    pub(super) recogniser: &'static str,
}

/// What pieces may mean: as they stand, and without what the speaker took back.
fn readings(pieces: &[Piece]) -> Vec<String> {
    let whole: String = pieces.iter().map(|p| p.text.as_str()).collect();
    let mut all = vec![whole];
    if pieces.iter().any(|p| p.other.is_some()) {
        all.push(pieces.iter().map(|p| p.other.as_deref().unwrap_or(p.text.as_str())).collect());
    }
    for (at, _) in pieces.iter().enumerate().filter(|(i, p)| *i > 0 && p.corrected) {
        for back in 1..=at.min(4) {
            let kept = pieces.iter().enumerate().filter(|(i, _)| *i < at - back || *i >= at);
            all.push(kept.map(|(_, p)| p.text.as_str()).collect());
        }
    }
    all
}

/// Finds what the pieces of a run are.
pub(super) fn find(side: &Side, run: &Run, timeline: &Timeline, wanted: &[Entity]) -> Vec<Found> {
    let kinds: Vec<&Kind> = KINDS.iter().filter(|k| wanted.contains(&k.entity)).collect();
    let item = |piece: &Piece, last: bool| side.items.get(if last { piece.words.end - 1 } else { piece.words.start });
    // Something was asked for between two turns: what follows is that, and no more of what was before.
    let asked = |pair: &[Piece]| {
        let [a, b] = pair else { return false };
        let (Some(a), Some(b)) = (item(a, true), item(b, false)) else { return false };
        let between = (a.turn != b.turn).then(|| timeline.between(a.place + 1, b.place));
        between.is_some_and(|text| asks(&text))
    };
    let breaks = run.pieces.windows(2).enumerate().filter(|(_, pair)| asked(pair)).map(|(i, _)| i + 1);
    let mut bounds: Vec<usize> = std::iter::once(0).chain(breaks).chain([run.pieces.len()]).collect();
    // "n i is a b one two ...": what it is called is spelled too, and no part of it.
    let named: Vec<usize> =
        bounds.iter().filter_map(|&at| spelled_cue(side, run.pieces.get(at..)?).map(|k| at + k)).collect();
    bounds.extend(named);
    bounds.sort_unstable();
    bounds.dedup();
    let turn = |i: usize| run.pieces.get(i).and_then(|p| item(p, false)).map(|i| i.turn);
    let search = Search {
        apart: &|at: usize| at == 0 || turn(at) != turn(at - 1),
        harmless: &|at: usize| harmless(side, run, at),
        pieces: &run.pieces,
        kinds,
        before: &|at: usize| timeline.before(run.pieces.get(at).and_then(|p| item(p, false)).map_or(0, |i| i.place)),
        after: &|end: usize| named_after(side, run.pieces.get(end.wrapping_sub(1)).map_or(usize::MAX, |p| p.words.end)),
    };
    let mut found = Vec::new();
    bounds.windows(2).for_each(|pair| match pair {
        [from, to] if run.pieces.get(*from..).and_then(|p| spelled_cue(side, p)).is_some_and(|k| from + k == *to) => {}
        [from, to] if to - from > MOST_PIECES => found.extend(search.long(*from..*to)),
        [from, to] => search.claim(*from..*to, &mut found),
        _ => {}
    });
    found
}

/// What is said of a number right after it: "... is my pin", "that's the security code".
fn named_after(side: &Side, at: usize) -> String {
    const SAYS: [&str; 9] = ["is", "was", "that's", "that", "it's", "are", "as", "being", "would"];
    let Some(first) = side.items.get(at).filter(|i| SAYS.contains(&i.text.as_str())) else { return String::new() };
    let own = ["my", "your", "our", "his", "her", "the", "their"];
    let rest: Vec<&str> = side.items.get(at..).unwrap_or_default().iter().take(6).map(|i| i.text.as_str()).collect();
    let mine = rest.iter().position(|w| own.contains(w)).filter(|&p| p <= 3);
    let same = side.items.get(at.wrapping_sub(1)).is_some_and(|i| i.turn == first.turn);
    mine.filter(|_| same).map_or_else(String::new, |p| format!(" {} ", rest.get(p..).unwrap_or_default().join(" ")))
}

/// How many letters at the beginning spell what a number is called: "c v v".
fn spelled_cue(side: &Side, pieces: &[Piece]) -> Option<usize> {
    let letter = |p: &&Piece| p.text.len() == 1 && p.text.bytes().all(|b| b.is_ascii_uppercase());
    let letters: String = pieces.iter().take(5).take_while(letter).map(|p| p.text.to_lowercase()).collect();
    let spelled = KINDS.iter().flat_map(|k| k.cues).filter(|cue| cue.contains(' '));
    let names = spelled.map(|cue| cue.replace(' ', "")).filter(|name| name.len() <= 4);
    // What comes after it says so: a code may begin with the same letters.
    let said = |count: usize| {
        let after = pieces.get(count - 1).and_then(|p| side.items.get(p.words.end));
        pieces.len() > count && after.is_some_and(|i| matches!(i.text.as_str(), "is" | "it's" | "number"))
    };
    names.filter(|name| letters.starts_with(name) && said(name.len())).map(|name| name.len()).max()
}

/// Whether the number from a piece on counts something, or is called what is nobody's secret.
pub(super) fn harmless(side: &Side, run: &Run, at: usize) -> bool {
    let word = |i: usize| side.items.get(i);
    let (Some(first), Some(last)) = (run.pieces.get(at), run.pieces.last()) else { return false };
    let Some(turn) = word(first.words.start).map(|i| i.turn) else { return false };
    let unit = word(last.words.end).filter(|i| i.turn == turn && !word(last.words.end - 1).is_some_and(|l| l.stops));
    if unit.is_some_and(|i| UNITS.contains(&i.text.as_str())) {
        return true;
    }
    let from = first.words.start.saturating_sub(HARMLESS_WORDS);
    let before = (from..first.words.start).filter_map(word).filter(|i| i.turn == turn);
    let text = before.fold(String::from(" "), |text, i| text + &i.text + " ");
    let named = nearest(&text, HARMLESS);
    named.is_some_and(|n| KINDS.iter().filter_map(|k| nearest(&text, k.cues)).all(|k| k > n))
}

struct Search<'a> {
    /// Whether a piece begins a turn, or there is none.
    apart: &'a dyn Fn(usize) -> bool,
    /// Whether the number from a piece on is nobody's secret.
    harmless: &'a dyn Fn(usize) -> bool,
    pieces: &'a [Piece],
    kinds: Vec<&'static Kind>,
    /// What was said before a piece.
    before: &'a dyn Fn(usize) -> String,
    /// What is said of the number that ends before a piece.
    after: &'a dyn Fn(usize) -> String,
}

impl Search<'_> {
    /// How far from a part of a number each kind is called by its name, in words.
    fn called(&self, part: &Range<usize>) -> Vec<(&'static Kind, Option<usize>)> {
        let (before, after) = ((self.before)(part.start), (self.after)(part.end));
        // The name comes within three words of what comes after, and ends what is said of it.
        let behind = |k: &Kind| {
            let named = |cue: &&&str| {
                let at = after.find(&format!(" {cue} "))?;
                (after.get(..at)?.split_whitespace().count() <= 3).then_some(1)
            };
            (!after.is_empty()).then(|| k.cues.iter().find_map(|c| named(&c))).flatten()
        };
        self.kinds.iter().map(|k| (*k, nearest(&before, k.cues).into_iter().chain(behind(k)).min())).collect()
    }

    /// All of a row that is longer than anything, as what it was called last.
    fn long(&self, part: Range<usize>) -> Option<Found> {
        let called = self.called(&part).into_iter().filter_map(|(k, near)| Some((near?, k.entity)));
        let entity = called.min_by_key(|c| c.0).map(|c| c.1).or(self.kinds.first().map(|k| k.entity))?;
        Some(Found { entity, pieces: part, confidence: PARTIAL, recogniser: "long row of digits" })
    }

    fn claim(&self, part: Range<usize>, found: &mut Vec<Found>) {
        let Some(pieces) = self.pieces.get(part.clone()).filter(|p| !p.is_empty()) else { return };
        let harmless = (self.harmless)(part.start);
        let mut kinds = self.called(&part);
        kinds.iter_mut().filter(|_| harmless).for_each(|k| k.1 = None);
        // What fits best: sureness, then its name's nearness, then length. Without a check digit only all that was said in one or more turns can be meant.
        let mut best: Option<((u32, usize, usize), Found)> = None;
        for i in 0..pieces.len() {
            let mut length = 0;
            for j in i + 1..=pieces.len() {
                length += pieces[j - 1].text.len();
                if length > MOST_CHARACTERS {
                    break;
                }
                let whole =
                    (i == 0 || (self.apart)(part.start + i)) && (j == pieces.len() || (self.apart)(part.start + j));
                for text in readings(&pieces[i..j]) {
                    for (kind, cue) in &kinds {
                        let Some(fit) = (kind.fit)(&text).filter(|&fit| whole || fit == Fit::Checked) else { continue };
                        // A long number that checks may be far from its name; others may not.
                        let long = fit == Fit::Checked && text.len() >= LONG;
                        let near = cue.filter(|&d| long || d <= NEAR);
                        let sure = match near {
                            Some(_) => kind.called[usize::from(fit == Fit::Plain)],
                            None => kind.alone[usize::from(fit == Fit::Plain)],
                        };
                        // A check digit that fits a part by chance must not split what is something else as a whole.
                        if sure <= 0.0 || (!whole && text.len() < if near.is_some() { LONG } else { 13 }) {
                            continue;
                        }
                        let rank = ((sure * 100.0) as u32, 1_000 - near.unwrap_or(999), length);
                        if best.as_ref().is_none_or(|(most, _)| rank > *most) {
                            let pieces = part.start + i..part.start + j;
                            let recogniser = if fit == Fit::Checked { "checked number" } else { "called number" };
                            best = Some((rank, Found { entity: kind.entity, pieces, confidence: sure, recogniser }));
                        }
                    }
                }
            }
        }
        if let Some((_, one)) = best {
            let mut one = one;
            let (left, right) = (part.start..one.pieces.start, one.pieces.end..part.end);
            // What is beside it and nothing else is of it: a digit that was said wrong, a letter before or behind.
            let few = |range: &Range<usize>| {
                self.pieces.get(range.clone()).unwrap_or_default().iter().map(|p| p.text.len()).sum::<usize>()
                    < LEAST_PARTIAL
            };
            let mut beside = Vec::new();
            self.claim(left.clone(), &mut beside);
            if few(&left) || !left.is_empty() && beside.is_empty() && !(self.apart)(one.pieces.start) {
                one.pieces.start = part.start;
            }
            let so_far = beside.len();
            self.claim(right.clone(), &mut beside);
            if few(&right) || !right.is_empty() && beside.len() == so_far && !(self.apart)(one.pieces.end) {
                one.pieces.end = part.end;
            }
            found.push(one);
            found.append(&mut beside);
            return;
        }
        let length: usize = pieces.iter().map(|p| p.text.len()).sum();
        let numeric = pieces.iter().flat_map(|p| p.text.bytes()).filter(u8::is_ascii_digit).count();
        let digits = pieces.iter().any(|p| p.text.bytes().any(|b| b.is_ascii_digit()));
        let called = kinds.iter().filter_map(|(k, cue)| cue.filter(|&d| d <= PARTIAL_NEAR).map(|d| (d, k.entity)));
        let called = called.min_by_key(|c| c.0).filter(|_| length >= LEAST_PARTIAL && digits);
        // Many digits that nobody has named and that count nothing are somebody's number all the same.
        let likely = match (numeric, length - numeric) {
            (7..=11, 0) => Some(Entity::Phone),
            (12.., 0) => Some(Entity::BankAccountNumber),
            (4.., 1..) if length >= LEAST_UNNAMED => Some(Entity::DriverId),
            // Spelled one by one.
            (2.., 2..) if length >= LEAST_SPELLED && pieces.len() + 1 >= length => Some(Entity::LicensePlate),
            _ => None,
        };
        let amount = pieces.iter().any(|p| p.amount);
        let likely = likely.filter(|e| !harmless && !amount && kinds.iter().any(|(k, _)| k.entity == *e));
        let found_as = match called {
            Some((_, entity)) => Some((entity, "part of a number")),
            None => likely.map(|entity| (entity, "unnamed number")),
        };
        if let Some((entity, recogniser)) = found_as {
            found.push(Found { entity, pieces: part, confidence: PARTIAL, recogniser });
        }
    }
}
