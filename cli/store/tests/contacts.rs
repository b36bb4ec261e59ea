//! The archive of contacts: what is delivered twice, found, kept and erased.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on should stop")]

mod common;

use std::collections::BTreeSet;

use cli_store::{
    ContactFilter, ContactRecord, Domain, Imported, Media, NewContactFile, OpenOptions, Permission, Range, Reading,
    SaidBy, Score, ScoreOf, StoreError, Timestamp, Variant, Words,
};
use common::*;
use proptest::prelude::*;

fn put(d: &Domain, contact_id: &str, media: Media, variant: Variant, bytes: &[u8]) -> Result<(), StoreError> {
    d.put_contact_files(&[NewContactFile { contact_id, media, variant, bytes }])
}

fn record(id: &str, update: &str, more: &str) -> ContactRecord {
    let json = format!(
        r#"{{"ContactId":"{id}","Channel":"VOICE","InitiationTimestamp":"2027-01-10T08:00:00Z",
            "DisconnectTimestamp":"2027-01-10T08:05:00Z","LastUpdateTimestamp":"{update}","Unknown":{{"a":[1]}}{more}}}"#
    );
    ContactRecord::parse(json.as_bytes()).unwrap()
}

fn transcript(turns: &[(&str, &str)]) -> Vec<u8> {
    let turns: Vec<String> =
        turns.iter().map(|(who, text)| format!(r#"{{"ParticipantId":"{who}","Content":"{text}"}}"#)).collect();
    format!(
        r#"{{"Participants":[{{"ParticipantId":"c","ParticipantRole":"CUSTOMER"}},{{"ParticipantId":"a","ParticipantRole":"AGENT"}}],
        "ConversationCharacteristics":{{"TotalConversationDurationMillis":100000,"NonTalkTime":{{"TotalTimeMillis":25000}},
        "Sentiment":{{"OverallSentiment":{{"c":-1.5,"a":2}},"SentimentByPeriod":{{"QUARTER":{{"c":[{{"Score":-4}},{{"Score":0}},{{"Score":0}},{{"Score":3}}]}}}}}}}},
        "Categories":{{"MatchedCategories":["complaint","refund"]}},"Transcript":[{}]}}"#,
        turns.join(",")
    )
    .into_bytes()
}

fn user(f: &Fixture, name: &str, rights: &[Permission]) -> Domain {
    f.domain.put_role(name, rights).unwrap();
    f.domain.create_user(name, &[name.to_owned()], None).unwrap();
    Domain::open_with(&f.dir, OpenOptions::default().clock(f.clock.clone()).user(name)).unwrap()
}

fn words(text: &str) -> ContactFilter {
    ContactFilter { words: Some(Words { text: text.into(), ..Words::default() }), ..ContactFilter::default() }
}

fn ids(domain: &Domain, filter: &ContactFilter) -> Vec<String> {
    let page = domain.search_contacts(filter, 100, None).unwrap();
    page.items.into_iter().map(|c| c.contact_id).collect()
}

#[test]
fn a_record_that_comes_twice_or_late_is_one_record_the_newest() {
    let f = fixture();
    let at = |t: &str, note: &str| record("c", t, &format!(r#","Attributes":{{"note":"{note}"}}"#));
    let import = |all: &[ContactRecord]| f.domain.import_contacts(all, 730).unwrap();
    let first = at("2027-01-10T08:06:00Z", "first");
    assert_eq!(import(&[first.clone(), first.clone()]), Imported { new: 1, updated: 0, stale: 1 });
    put(&f.domain, "c", Media::Recording, Variant::Redacted, b"RIFF").unwrap();
    assert_eq!(import(&[at("2027-01-10T09:00:00Z", "second"), first]), Imported { new: 0, updated: 1, stale: 1 });
    let contact = f.domain.contact("c").unwrap();
    assert_eq!(contact.record["Attributes"]["note"], "second");
    assert_eq!(contact.record["Unknown"]["a"][0], 1);
    assert_eq!(contact.copies, [(Media::Recording, Variant::Redacted)], "what belongs to the contact stays");
}

#[test]
fn records_of_another_shape_are_refused_by_the_field_and_never_repeated() {
    let cases = [
        ("[]", "ContactRecord"),
        ("{", "ContactRecord"),
        ("{}", "ContactId"),
        (r#"{"ContactId":"a b"}"#, "ContactId"),
        (r#"{"ContactId":7}"#, "ContactId"),
        (r#"{"ContactId":"a"}"#, "LastUpdateTimestamp"),
        (r#"{"ContactId":"a","LastUpdateTimestamp":"yesterday secret"}"#, "LastUpdateTimestamp"),
        (
            r#"{"ContactId":"a","LastUpdateTimestamp":"2027-01-10T08:06:00Z","InitiationTimestamp":7}"#,
            "InitiationTimestamp",
        ),
    ];
    for (json, want) in cases {
        match ContactRecord::parse(json.as_bytes()) {
            Err(StoreError::Validation { field, reason }) => {
                assert_eq!(field, want, "{json}");
                assert!(!reason.contains("secret"));
            }
            other => panic!("{json}: {other:?}"),
        }
    }
    let f = fixture();
    f.domain.import_contacts(&[record("c", "2027-01-10T08:06:00Z", "")], 730).unwrap();
    for bad in [&b"{}"[..], b"{\"Transcript\":[{}]}", b"\xff", b""] {
        let got = put(&f.domain, "c", Media::Transcript, Variant::Redacted, bad);
        assert!(matches!(got, Err(StoreError::Validation { .. })), "{got:?}");
    }
    assert!(put(&f.domain, "none", Media::Recording, Variant::Redacted, b"x").is_err());
}

#[test]
fn words_phrases_and_participants_are_found_as_the_documentation_has_it() {
    let f = fixture();
    let said = |id: &str, turns: &[(&str, &str)]| {
        f.domain.import_contacts(&[record(id, "2027-01-10T08:06:00Z", "")], 730).unwrap();
        put(&f.domain, id, Media::Transcript, Variant::Redacted, &transcript(turns)).unwrap();
    };
    said("one", &[("c", "My credit card was stolen."), ("a", "I am sorry"), ("c", "Cancel"), ("c", "it now")]);
    said("two", &[("a", "Is it a credit note or a card?"), ("c", "my name is [NAME] Smith")]);
    let found = |text: &str| ids(&f.domain, &words(text)).into_iter().collect::<BTreeSet<_>>();
    let set = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(found("\"credit card\""), set(&["one"]));
    assert_eq!(found("credit card"), set(&["one", "two"]));
    assert_eq!(found("CREDIT"), set(&["one", "two"]));
    assert_eq!(found("stolen, sorry, note"), set(&["one", "two"]));
    assert_eq!(found("\"cancel it\""), set(&[]), "no phrase runs over the end of a turn");
    assert_eq!(found("\"is smith\""), set(&[]), "nor over what is masked");
    assert_eq!(found("card*"), set(&["one", "two"]));
    let mut all = words("credit, stolen");
    all.words.as_mut().unwrap().all = true;
    assert_eq!(ids(&f.domain, &all), ["one"]);
    let mut by = words("card");
    by.words.as_mut().unwrap().by = vec![SaidBy::Agent];
    assert_eq!(ids(&f.domain, &by), ["two"]);
    by.words.as_mut().unwrap().by = vec![SaidBy::System];
    assert!(ids(&f.domain, &by).is_empty());
    for bad in ["", " ", ",", "\"a", "a \"b\"", "\"a\" b", "[PII]", &"x".repeat(129), "a,,b"] {
        let got = f.domain.search_contacts(&words(bad), 10, None);
        assert!(matches!(got, Err(StoreError::Validation { field: "Words", .. })), "{bad:?}: {got:?}");
    }
    // Nothing that was said lies in the database as it was said.
    for (path, bytes) in files(&f.dir) {
        for word in ["stolen", "Smith", "sorry"] {
            assert!(!bytes.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes())), "{word} in {path:?}");
        }
    }
}

#[test]
fn characteristics_categories_agents_queues_and_results_are_found() {
    let f = fixture();
    let more = r#","Agent":{"Username":"anna"},"Queue":{"Name":"Cards"},
        "VoiceIdResult":{"SpeakerEnrolled":true,"Authentication":{"Result":"Not Authenticated"},
        "FraudDetection":{"Result":"High Risk","Reasons":["KNOWN_FRAUDSTER"]}}"#;
    f.domain
        .import_contacts(&[record("one", "2027-01-10T08:06:00Z", more), record("two", "2027-01-10T08:06:00Z", "")], 730)
        .unwrap();
    put(&f.domain, "one", Media::Transcript, Variant::Redacted, &transcript(&[("c", "hello")])).unwrap();
    let yes = |filter: ContactFilter| assert_eq!(ids(&f.domain, &filter), ["one"], "{filter:?}");
    let no = |filter: ContactFilter| assert!(!ids(&f.domain, &filter).contains(&"one".to_owned()), "{filter:?}");
    let list = |s: &str| vec![s.to_owned()];
    let d = ContactFilter::default;
    let score = |of, from, to| Score { who: SaidBy::Customer, of, from, to };
    yes(ContactFilter { agents: list("anna"), ..d() });
    no(ContactFilter { agents: list("ann"), ..d() });
    yes(ContactFilter { queues: list("Cards"), ..d() });
    yes(ContactFilter { authentication: list("Not Authenticated"), ..d() });
    yes(ContactFilter { fraud: list("High Risk"), fraud_reasons: list("KNOWN_FRAUDSTER"), ..d() });
    no(ContactFilter { fraud_reasons: list("KNOWN"), ..d() });
    yes(ContactFilter { speaker_actions: list("ENROLLED"), ..d() });
    yes(ContactFilter { scores: vec![score(ScoreOf::Overall, -2.0, -1.0)], ..d() });
    yes(ContactFilter { scores: vec![score(ScoreOf::Begin, -5.0, -3.0), score(ScoreOf::End, 2.0, 5.0)], ..d() });
    no(ContactFilter { scores: vec![score(ScoreOf::Begin, 0.0, 5.0)], ..d() });
    yes(ContactFilter { non_talk_ms: Some((25_000, 25_000)), ..d() });
    yes(ContactFilter { non_talk_percent: Some((24.0, 26.0)), ..d() });
    no(ContactFilter { non_talk_percent: Some((26.0, 100.0)), ..d() });
    yes(ContactFilter { categories: list("refund"), ..d() });
    let two = vec!["refund".to_owned(), "other".to_owned()];
    yes(ContactFilter { categories: two.clone(), ..d() });
    no(ContactFilter { categories: two, all_categories: true, ..d() });
    // An id makes every other filter void.
    yes(ContactFilter { contact_id: Some("one".into()), agents: list("nobody"), ..d() });
    // What is asked for by those who lack the right is refused, not answered with nothing.
    let plain = user(&f, "plain", &[Permission::ContactSearch]);
    let denied = |filter: ContactFilter| {
        let got = plain.search_contacts(&filter, 10, None);
        assert!(matches!(got, Err(StoreError::Denied { .. })), "{filter:?}: {got:?}");
    };
    denied(words("hello"));
    denied(ContactFilter { categories: list("refund"), ..d() });
    denied(ContactFilter { non_talk_ms: Some((0, 1)), ..d() });
    denied(ContactFilter { scores: vec![score(ScoreOf::Overall, -5.0, 5.0)], ..d() });
    denied(ContactFilter { fraud: list("High Risk"), ..d() });
    denied(ContactFilter { speaker_actions: list("ENROLLED"), ..d() });
    let seen = plain.search_contacts(&d(), 10, None).unwrap().items;
    let one = seen.iter().find(|c| c.contact_id == "one").unwrap();
    assert!(one.authentication.is_none() && one.customer_sentiment.is_none() && one.categories.is_empty());
}

#[test]
fn ranges_pages_and_what_is_not_closed() {
    let f = fixture();
    let open = ContactRecord::parse(
        br#"{"ContactId":"open","InitiationTimestamp":"2027-01-10T08:00:00Z","LastUpdateTimestamp":"2027-01-10T08:00:00Z"}"#,
    );
    let work = r#","Agent":{"Username":"a","AfterContactWorkStartTimestamp":"2027-01-10T08:05:00Z"}"#;
    f.domain.import_contacts(&[open.unwrap(), record("work", "2027-01-10T08:06:00Z", work)], 730).unwrap();
    assert!(ids(&f.domain, &ContactFilter::default()).is_empty(), "neither a call that goes on nor one with work left");
    let many: Vec<ContactRecord> = (0..25).map(|n| record(&format!("c{n:02}"), "2027-01-10T08:06:00Z", "")).collect();
    f.domain.import_contacts(&many, 730).unwrap();
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let page = f.domain.search_contacts(&ContactFilter::default(), 10, token.as_deref()).unwrap();
        all.extend(page.items.into_iter().map(|c| c.contact_id));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let want: Vec<String> = (0..25).rev().map(|n| format!("c{n:02}")).collect();
    assert_eq!(all, want);
    let day = |n: i64| Timestamp(1_799_000_000_000 + n * DAY_MS);
    for (from, to, good) in [(0, 56, true), (0, 57, false), (1, 1, false), (2, 1, false), (-800, -790, false)] {
        let filter = ContactFilter { range: Some(Range { from: day(from), to: day(to) }), ..ContactFilter::default() };
        assert_eq!(f.domain.search_contacts(&filter, 10, None).is_ok(), good, "{from} {to}");
    }
    for n in [0, 101] {
        assert!(f.domain.search_contacts(&ContactFilter::default(), n, None).is_err());
    }
}

#[test]
fn what_is_deleted_or_whose_time_is_over_is_gone_from_the_files_too() {
    let f = fixture();
    let secret = "sentinel-attribute-value";
    let more = format!(r#","Attributes":{{"k":"{secret}"}}"#);
    f.domain.import_contacts(&[record("short", "2027-01-10T08:06:00Z", &more)], 10).unwrap();
    f.domain.import_contacts(&[record("long", "2027-01-10T08:06:00Z", &more)], 730).unwrap();
    for id in ["short", "long"] {
        put(&f.domain, id, Media::Transcript, Variant::Redacted, &transcript(&[("c", "hello")])).unwrap();
    }
    assert_eq!(ids(&f.domain, &words("hello")).len(), 2);
    f.clock.advance_days(5);
    assert_eq!(ids(&f.domain, &words("hello")), ["long"]);
    assert!(matches!(f.domain.contact("short"), Err(StoreError::NotFound { .. })));
    assert_eq!(f.domain.erase_expired_contacts().unwrap(), 1);
    assert_eq!(f.domain.erase_expired_contacts().unwrap(), 0);
    f.domain.delete_contact("long").unwrap();
    assert!(f.domain.contact("long").is_err() && ids(&f.domain, &words("hello")).is_empty());
    for table in
        ["contacts", "contact_files", "contact_categories", "contact_records", "words_redacted", "words_original"]
    {
        assert_eq!(raw_rows(&f.dir, &format!("SELECT * FROM {table}")).len(), 0, "{table}");
    }
    for (path, bytes) in files(&f.dir) {
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{path:?}");
    }
}

/// Words of two alphabets: those that are masked never occur anywhere else.
fn call() -> impl Strategy<Value = Vec<(bool, Vec<(bool, u8)>)>> {
    let word = (prop::bool::weighted(0.3), 0u8..6);
    prop::collection::vec((any::<bool>(), prop::collection::vec(word, 1..8)), 1..6)
}

fn spoken(call: &[(bool, Vec<(bool, u8)>)], redacted: bool) -> Vec<u8> {
    let turns: Vec<(&str, String)> = call
        .iter()
        .map(|(agent, words)| {
            let text = words.iter().map(|(secret, n)| match (secret, redacted) {
                (true, true) => "[PII]".to_owned(),
                (true, false) => format!("secret{n}"),
                (false, _) => format!("word{n}"),
            });
            (if *agent { "a" } else { "c" }, text.collect::<Vec<_>>().join(" "))
        })
        .collect();
    transcript(&turns.iter().map(|(who, text)| (*who, text.as_str())).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Two users, the same calls: whatever is asked, who may read the redacted copy gets the same answers whatever lies behind the masks.
    #[test]
    fn no_question_tells_what_was_masked(
        calls in prop::collection::vec(call(), 1..5),
        other in 0u8..6,
        questions in prop::collection::vec((0usize..12, 0u8..6, 0u8..6, any::<bool>(), 0usize..4), 20),
    ) {
        let (one, two) = (fixture(), fixture());
        let rights = [Permission::ContactSearch, Permission::SearchKeywords, Permission::SearchCharacteristics, Permission::TranscriptRedacted];
        let full = [Permission::ContactSearch, Permission::SearchKeywords, Permission::TranscriptUnredacted];
        for (f, shift) in [(&one, 0), (&two, other)] {
            for (n, call) in calls.iter().enumerate() {
                let id = format!("c{n}");
                f.domain.import_contacts(&[record(&id, "2027-01-10T08:06:00Z", "")], 730).unwrap();
                let behind: Vec<_> = call.iter().map(|(a, w)| (*a, w.iter().map(|(s, n)| (*s, if *s { (n + shift) % 6 } else { *n })).collect::<Vec<_>>())).collect();
                // In either order.
                for variant in if n % 2 == 0 { [Variant::Redacted, Variant::Unredacted] } else { [Variant::Unredacted, Variant::Redacted] } {
                    let json = spoken(&behind, variant == Variant::Redacted);
                    put(&f.domain, &id, Media::Transcript, variant, &json).unwrap();
                }
            }
        }
        let low = [user(&one, "low", &rights), user(&two, "low", &rights)];
        let high = user(&one, "high", &full);
        for (shape, a, b, all, by) in questions {
            let text = match shape {
                0 => format!("secret{a}"),
                1 => format!("word{a}"),
                2 => format!("\"word{a} secret{b}\""),
                3 => format!("\"secret{a} word{b}\""),
                4 => format!("word{a}, secret{b}"),
                5 => format!("word{a} secret{b}"),
                6 => format!("\"word{a} word{b}\""),
                7 => "pii".to_owned(),
                8 => "0".to_owned(),
                9 => format!("\"word{a} 0 word{b}\""),
                10 => format!("secret{a} secret{b}"),
                _ => format!("SECRET{a}"),
            };
            let by = SaidBy::ALL.get(by).copied().into_iter().collect();
            let filter = ContactFilter { words: Some(Words { text: text.clone(), all, by }), ..ContactFilter::default() };
            let (first, second) = (ids(&low[0], &filter), ids(&low[1], &filter));
            prop_assert_eq!(&first, &second, "{}", text);
            if shape == 0 || shape == 10 || shape == 11 {
                prop_assert!(first.is_empty(), "{}", text);
            }
            // Who may read the original finds what is there.
            if shape == 0 && filter.words.as_ref().is_some_and(|w| w.by.is_empty()) {
                let want: Vec<String> = calls.iter().enumerate().rev()
                    .filter(|(_, c)| c.iter().any(|(_, w)| w.contains(&(true, a))))
                    .map(|(n, _)| format!("c{n}")).collect();
                prop_assert_eq!(ids(&high, &filter), want, "{}", text);
            }
        }
        for (n, _) in calls.iter().enumerate() {
            let read = |d: &Domain| d.contact_file(&format!("c{n}"), Media::Transcript, Reading::default()).unwrap().bytes.to_vec();
            prop_assert_eq!(read(&low[0]), read(&low[1]));
        }
    }
}
