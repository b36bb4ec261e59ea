//! `Debug` shows nothing of people: neither of callers nor of those who work with them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;

use cli_store::{
    Acknowledgement, Allowed, AuditAction, AuditEntry, Consent, Contact, ContactFile, ContactFilter, ContactRecord,
    Credential, Denied, Elevation, Enrolment, FoundContact, Grants, ItemOutcome, JobItem, Media, ModelId,
    NewContactFile, OpenOptions, Passphrase, Permission, Registration, SaidBy, Scope, SessionAudio, StoredContact,
    StoredPrivacy, StoredRule, Timestamp, User, Variant, Words,
};

/// Stands wherever something is about somebody.
const NAME: &str = "alice-smith-0441632960000";

#[test]
fn nothing_of_anybody_is_shown() {
    let name = || NAME.to_owned();
    let some = || Some(name());
    let at = Timestamp(1);
    let words = Words { text: name(), all: true, by: vec![SaidBy::Agent] };
    let filter = ContactFilter {
        contact_id: some(),
        words: Some(words.clone()),
        agents: vec![name()],
        queues: vec![name()],
        categories: vec![name()],
        authentication: vec![name()],
        fraud: vec![name()],
        fraud_reasons: vec![name()],
        speaker_actions: vec![name()],
        channels: vec![name()],
        ..ContactFilter::default()
    };
    let found = FoundContact {
        contact_id: "c1".into(),
        initiated_at: at,
        channel: some(),
        agent: some(),
        queue: some(),
        duration_ms: None,
        non_talk_ms: None,
        agent_sentiment: None,
        customer_sentiment: None,
        categories: vec![name()],
        authentication: some(),
        fraud: some(),
    };
    let user = User { name: name(), roles: vec![name()], hierarchy: None, has_token: true, updated_at: at };
    let permission = Permission::VoiceId;
    let elevation = Elevation {
        id: "e1".into(),
        user: name(),
        permission,
        reason: name(),
        granted_by: name(),
        granted_at: 1,
        expires_at: 2,
    };
    let entry =
        AuditEntry { seq: 1, at, actor: name(), action: AuditAction::AccessDenied, subject: name(), note: some() };
    let why = || BTreeMap::from([(permission, vec![name()])]);
    let withheld = BTreeMap::from([(permission, name())]);
    let grants = Grants { user: name(), owner: false, held: why(), withheld, hierarchy: None };
    let scope = Scope { agent: some(), ..Scope::default() };
    let allowed = Allowed { variant: Some(Variant::Redacted), because: name() };
    let json = format!(r#"{{"ContactId":"c1","LastUpdateTimestamp":"2027-01-10T08:00:00Z","Customer":"{NAME}"}}"#);
    let record: serde_json::Value = serde_json::from_str(&json).unwrap();
    let copies = vec![(Media::Transcript, Variant::Redacted)];
    let contact = Contact {
        record: record.clone(),
        imported_at: at,
        expires_at: at,
        copies: copies.clone(),
        categories: vec![name()],
    };
    let bytes = || NAME.as_bytes().to_vec();
    let shown: Vec<String> = vec![
        format!("{words:?}"),
        format!("{filter:?}"),
        format!("{found:?}"),
        format!("{user:?}"),
        format!("{elevation:?}"),
        format!("{entry:?}"),
        format!("{grants:?}"),
        format!("{scope:?}"),
        format!("{allowed:?}"),
        format!("{:?}", Denied(name())),
        format!("{contact:?}"),
        format!("{:?}", ContactRecord::parse(json.as_bytes()).unwrap()),
        format!("{:?}", StoredContact { record, copies, categories: vec![name()] }),
        format!("{:?}", ContactFile { variant: Variant::Redacted, because: name(), bytes: bytes().into() }),
        format!(
            "{:?}",
            NewContactFile {
                contact_id: "c1",
                media: Media::Recording,
                variant: Variant::Redacted,
                bytes: NAME.as_bytes()
            }
        ),
        format!("{:?}", StoredRule { name: name(), version: 1, updated_at: at, json: name() }),
        format!("{:?}", StoredPrivacy { version: 1, updated_at: at, json: some() }),
        format!("{:?}", Acknowledgement { worker: name(), version: 1, at: 1 }),
        format!("{:?}", Consent::new(NAME, NAME)),
        format!("{:?}", Enrolment::new(ModelId([1; 16]), NAME.as_bytes()).details(NAME)),
        format!("{:?}", Registration { model_id: ModelId([1; 16]), template: NAME.as_bytes(), watchlist: None }),
        format!("{:?}", ItemOutcome { succeeded: true, result: bytes() }),
        format!("{:?}", JobItem { seq: 1, request: bytes().into(), outcome: None }),
        format!("{:?}", SessionAudio::new(8_000)),
        format!("{:?}", Passphrase::new(NAME).unwrap()),
        format!("{:?}", OpenOptions::default().actor(NAME).user(NAME)),
        format!("{:?}", OpenOptions::default().token(NAME)),
        format!("{:?} {:?}", Credential::User(NAME), Credential::Token(NAME)),
    ];
    let number: Vec<String> = NAME.as_bytes().iter().map(u8::to_string).collect();
    let bad: Vec<&String> = shown
        .iter()
        .filter(|text| text.contains("alice") || text.contains("smith") || text.contains(&number.join(", ")))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}
