//! Ids and names with the exact rules of the Voice ID API: a value of one of these types is well formed.
//!
//! A parse error says what the rule is and never repeats the value, which may name a caller.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::bytes::random_bytes;
use crate::error::StoreError;
use crate::sealed::framed;

/// Characters in a random id: 22 of `[a-zA-Z0-9]`, about 131 bits.
const ID_CHARS: usize = 22;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn is_id(s: &str) -> bool {
    s.len() == ID_CHARS && s.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_name(s: &str) -> bool {
    s.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_description_char(c: char) -> bool {
    matches!(c, '_' | '.' | ':' | '/' | '=' | '+' | '-' | '%' | '@')
        || matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number | GeneralCategoryGroup::Separator
        )
}

/// 22 letters or digits from the operating system's generator.
pub(crate) fn random_plain_id() -> Result<String, StoreError> {
    let mut id = String::with_capacity(ID_CHARS);
    while id.len() < ID_CHARS {
        let bytes: [u8; 32] = random_bytes()?;
        push_letters(&mut id, bytes);
    }
    Ok(id)
}

/// Adds letters and digits until the id has all its characters or the bytes are used up.
fn push_letters(id: &mut String, bytes: impl IntoIterator<Item = u8>) {
    // 248 is the largest multiple of 62 in a byte: what is above it would favour the first letters.
    for b in bytes.into_iter().filter(|b| *b < 248).take(ID_CHARS - id.len()) {
        id.push(char::from(ALPHABET[usize::from(b) % ALPHABET.len()]));
    }
}

fn invalid(field: &'static str, rule: &str, value: &str) -> StoreError {
    StoreError::Validation { field, reason: format!("must be {rule}; got {} characters", value.chars().count()) }
}

/// Checks the name of a user, a role, a rule, a worker or a consumer.
pub(crate) fn name(field: &'static str, name: &str) -> Result<String, StoreError> {
    let fits =
        (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.@+-".contains(&b));
    if fits {
        return Ok(name.to_owned());
    }
    Err(StoreError::invalid(field, "must be 1 to 100 letters, digits or one of _.@+-"))
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = StoreError;

            fn from_str(s: &str) -> Result<Self, StoreError> {
                let check: fn(&str) -> bool = $check;
                if check(s) { Ok($name(s.to_owned())) } else { Err(invalid(stringify!($name), $rule, s)) }
            }
        }
    };
}

/// For ids that the store makes: they name nobody, so they may be printed.
macro_rules! random_type {
    ($name:ident, $prefix:literal) => {
        impl $name {
            /// A new id from the operating system's generator.
            ///
            /// # Errors
            /// [`StoreError::Internal`] when the system gives no random bytes.
            pub fn random() -> Result<Self, StoreError> {
                Ok($name(format!(concat!($prefix, "{}"), random_plain_id()?)))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// For values that people choose: never printed by accident, only through `as_str`.
macro_rules! hidden_type {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }
    };
}

text_type! {
    /// Names a domain: `^[a-zA-Z0-9]{22}$`.
    DomainId, "22 letters or digits", is_id
}
random_type!(DomainId, "");
text_type! {
    /// Names a watch list: `^[a-zA-Z0-9]{22}$`.
    WatchlistId, "22 letters or digits", is_id
}
random_type!(WatchlistId, "");
text_type! {
    /// Names a batch job: `^[a-zA-Z0-9]{22}$`.
    JobId, "22 letters or digits", is_id
}
random_type!(JobId, "");
text_type! {
    /// Names a speaker without saying who it is: `^id#[a-zA-Z0-9]{22}$`.
    GeneratedSpeakerId, "id# and 22 letters or digits", |s| s.strip_prefix("id#").is_some_and(is_id)
}
random_type!(GeneratedSpeakerId, "id#");
text_type! {
    /// Names a fraudster: `^id#[a-zA-Z0-9]{22}$`.
    FraudsterId, "id# and 22 letters or digits", |s| s.strip_prefix("id#").is_some_and(is_id)
}
random_type!(FraudsterId, "id#");
text_type! {
    /// Names a session: `^id#[a-zA-Z0-9]{22}$`.
    SessionId, "id# and 22 letters or digits", |s| s.strip_prefix("id#").is_some_and(is_id)
}
random_type!(SessionId, "id#");
text_type! {
    /// Names a result of a session: `^[a-zA-Z0-9]{22}$`.
    ResultId, "22 letters or digits", is_id
}
random_type!(ResultId, "");
impl ResultId {
    /// The same id for the same parts, which it tells nothing of.
    pub fn derived(parts: &[&[u8]]) -> ResultId {
        let message = framed(parts);
        let mut id = String::with_capacity(ID_CHARS);
        let mut round = 0u64;
        while id.len() < ID_CHARS {
            let digest = Sha256::new().chain_update(round.to_le_bytes()).chain_update(&message).finalize();
            push_letters(&mut id, digest);
            round += 1;
        }
        ResultId(id)
    }
}
text_type! {
    /// What the operator calls a session, the contact's id as a rule: `^[a-zA-Z0-9][a-zA-Z0-9_-]*$`, 1 to 36 characters.
    SessionName, "1 to 36 letters, digits, _ or -, a letter or digit first", |s| s.len() <= 36 && is_name(s)
}
hidden_type!(SessionName);
text_type! {
    /// What the operator calls a speaker: `^[a-zA-Z0-9][a-zA-Z0-9_-]*$`, 1 to 256 characters. Sensitive.
    CustomerSpeakerId, "1 to 256 letters, digits, _ or -, a letter or digit first", |s| s.len() <= 256 && is_name(s)
}
hidden_type!(CustomerSpeakerId);
text_type! {
    /// A domain's name: `^[a-zA-Z0-9][a-zA-Z0-9_-]*$`, 1 to 256 characters. Sensitive.
    DomainName, "1 to 256 letters, digits, _ or -, a letter or digit first", |s| s.len() <= 256 && is_name(s)
}
hidden_type!(DomainName);
text_type! {
    /// A watch list's name: `^[a-zA-Z0-9][a-zA-Z0-9_-]*$`, 1 to 256 characters. Sensitive.
    WatchlistName, "1 to 256 letters, digits, _ or -, a letter or digit first", |s| s.len() <= 256 && is_name(s)
}
hidden_type!(WatchlistName);
text_type! {
    /// Makes a request that is sent twice one request: `^[a-zA-Z0-9-_]+$`, 1 to 64 characters.
    ClientToken, "1 to 64 letters, digits, _ or -",
    |s| (1..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
hidden_type!(ClientToken);
text_type! {
    /// A description: `^[\p{L}\p{Z}\p{N}_.:/=+\-%@]*$`, 1 to 1024 characters. Sensitive.
    Description, "1 to 1024 letters, digits, spaces or one of _.:/=+-%@",
    |s| (1..=1024).contains(&s.chars().count()) && s.chars().all(is_description_char)
}
hidden_type!(Description);

/// A speaker by either of its ids: `^(id#[a-zA-Z0-9]{22}|[a-zA-Z0-9][a-zA-Z0-9_-]*)$`, at most 256 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SpeakerId {
    /// The id that the store made.
    Generated(GeneratedSpeakerId),
    /// The id that the operator uses.
    Customer(CustomerSpeakerId),
}

impl FromStr for SpeakerId {
    type Err = StoreError;

    fn from_str(s: &str) -> Result<Self, StoreError> {
        if let Ok(id) = s.parse() {
            return Ok(SpeakerId::Generated(id));
        }
        s.parse().map(SpeakerId::Customer).map_err(|_| {
            invalid(
                "SpeakerId",
                "id# and 22 letters or digits, or 1 to 256 letters, digits, _ or -, a letter or digit first",
                s,
            )
        })
    }
}

impl From<GeneratedSpeakerId> for SpeakerId {
    fn from(id: GeneratedSpeakerId) -> Self {
        SpeakerId::Generated(id)
    }
}

impl From<CustomerSpeakerId> for SpeakerId {
    fn from(id: CustomerSpeakerId) -> Self {
        SpeakerId::Customer(id)
    }
}

/// Names the network that made a voiceprint: 16 bytes, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelId(pub [u8; 16]);

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelId({self})")
    }
}

impl FromStr for ModelId {
    type Err = StoreError;

    fn from_str(s: &str) -> Result<Self, StoreError> {
        crate::bytes::from_hex(s).map(ModelId).ok_or_else(|| invalid("ModelId", "32 lower-case hexadecimal digits", s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    /// What each type must accept and reject, with the specification's own expression as the oracle.
    struct Case {
        name: &'static str,
        pattern: &'static str,
        chars: std::ops::RangeInclusive<usize>,
        parse: fn(&str) -> bool,
    }

    fn cases() -> Vec<Case> {
        fn ok<T: FromStr>(s: &str) -> bool {
            s.parse::<T>().is_ok()
        }
        const ID: &str = r"^[a-zA-Z0-9]{22}$";
        const NAME: &str = r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$";
        const GENERATED: &str = r"^id#[a-zA-Z0-9]{22}$";
        const SPEAKER: &str = r"^(id#[a-zA-Z0-9]{22}|[a-zA-Z0-9][a-zA-Z0-9_-]*)$";
        const TEXT: &str = r"^[\p{L}\p{Z}\p{N}_.:/=+\-%@]*$";
        vec![
            Case { name: "DomainId", pattern: ID, chars: 22..=22, parse: ok::<DomainId> },
            Case { name: "WatchlistId", pattern: ID, chars: 22..=22, parse: ok::<WatchlistId> },
            Case { name: "JobId", pattern: ID, chars: 22..=22, parse: ok::<JobId> },
            Case { name: "ResultId", pattern: ID, chars: 22..=22, parse: ok::<ResultId> },
            Case { name: "GeneratedSpeakerId", pattern: GENERATED, chars: 25..=25, parse: ok::<GeneratedSpeakerId> },
            Case { name: "FraudsterId", pattern: GENERATED, chars: 25..=25, parse: ok::<FraudsterId> },
            Case { name: "SessionId", pattern: GENERATED, chars: 25..=25, parse: ok::<SessionId> },
            Case { name: "SessionName", pattern: NAME, chars: 1..=36, parse: ok::<SessionName> },
            Case { name: "CustomerSpeakerId", pattern: NAME, chars: 1..=256, parse: ok::<CustomerSpeakerId> },
            Case { name: "DomainName", pattern: NAME, chars: 1..=256, parse: ok::<DomainName> },
            Case { name: "ClientToken", pattern: r"^[a-zA-Z0-9-_]+$", chars: 1..=64, parse: ok::<ClientToken> },
            Case { name: "WatchlistName", pattern: NAME, chars: 1..=256, parse: ok::<WatchlistName> },
            Case { name: "SpeakerId", pattern: SPEAKER, chars: 1..=256, parse: ok::<SpeakerId> },
            Case { name: "Description", pattern: TEXT, chars: 1..=1024, parse: ok::<Description> },
            Case { name: "ModelId", pattern: r"^[0-9a-f]{32}$", chars: 32..=32, parse: ok::<ModelId> },
        ]
    }

    fn fixtures() -> Vec<String> {
        let mut all: Vec<String> = [
            "",
            " ",
            "a",
            "A",
            "9",
            "_",
            "-",
            "_a",
            "-a",
            "a_",
            "a-",
            "a b",
            "a.b",
            "a#b",
            "id#",
            "ID#",
            "id",
            "a\n",
            "\na",
            "a\0",
            "é",
            "aé",
            "Ａ",
            "٣",
            "日本",
            "a/b:c=d+e%f@g",
            "a;b",
            "a\tb",
            "a\u{a0}b",
            "a\u{2028}b",
            "a\u{85}b",
            "e\u{301}",
            "½",
            "Ⅷ",
            "😀",
            "a'b",
            "a,b",
            "{}",
        ]
        .map(str::to_owned)
        .to_vec();
        for n in [21, 22, 23, 31, 32, 33, 35, 36, 37, 63, 64, 65, 255, 256, 257, 1023, 1024, 1025] {
            all.push("a".repeat(n));
            all.push("7".repeat(n));
            all.push("é".repeat(n));
            all.push(format!("{}\n", "a".repeat(n - 1)));
            all.push(format!("{}-", "Z".repeat(n - 1)));
            all.push(format!("id#{}", "b".repeat(n)));
            all.push(format!("Id#{}", "b".repeat(n)));
            all.push(format!("id#{}-", "b".repeat(n - 1)));
        }
        all
    }

    #[test]
    fn e1_types_accept_exactly_what_the_expressions_accept() {
        let mut bad = Vec::new();
        for case in cases() {
            let regex = Regex::new(case.pattern).unwrap();
            let (mut accepted, mut rejected) = (0, 0);
            for text in fixtures() {
                let want = case.chars.contains(&text.chars().count()) && regex.is_match(&text);
                if want {
                    accepted += 1;
                } else {
                    rejected += 1;
                }
                if (case.parse)(&text) != want {
                    bad.push(format!("{} {:?}: want {want}", case.name, text.chars().take(40).collect::<String>()));
                }
            }
            assert!(accepted >= 1 && rejected >= 20, "{}: {accepted} accepted, {rejected} rejected", case.name);
        }
        assert!(bad.is_empty(), "{bad:#?}");
    }

    #[test]
    fn random_ids_are_well_formed_different_and_use_the_whole_alphabet() {
        let ids: Vec<String> = (0..500).map(|_| GeneratedSpeakerId::random().unwrap().to_string()).collect();
        let mut letters = std::collections::BTreeMap::<char, u32>::new();
        for id in &ids {
            assert!(id.parse::<GeneratedSpeakerId>().is_ok(), "{id}");
            id[3..].chars().for_each(|c| *letters.entry(c).or_default() += 1);
        }
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len());
        // 11,000 draws from 62 letters: 177 expected each, standard deviation 13; six of them either way.
        assert_eq!(letters.len(), 62);
        assert!(letters.values().all(|n| (97..=257).contains(n)), "{letters:?}");
        assert!(DomainId::random().unwrap().as_str().parse::<DomainId>().is_ok());
    }

    #[test]
    fn debug_and_errors_hide_what_names_a_caller() {
        let secret = "alice-0441234567";
        let shown = format!(
            "{:?} {:?} {:?} {:?}",
            secret.parse::<CustomerSpeakerId>(),
            secret.parse::<DomainName>(),
            secret.parse::<SpeakerId>(),
            secret.parse::<Description>()
        );
        assert!(!shown.contains("alice") && !shown.contains("0441234567"), "{shown}");
        let error = "alice 044;".parse::<CustomerSpeakerId>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("alice"), "{error:?}");
    }
}
