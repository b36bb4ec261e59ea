//! Who gets what: every call of the library as each built-in role and as a user with nothing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on should stop")]

mod common;

use std::collections::BTreeSet;

use cli_store::{
    Action, ContactFilter, ContactRecord, Domain, HierarchyGroup, ItemOutcome, JobKind, Media, NewContactFile,
    NewDomain, NewJob, OpenOptions, Passphrase, Permission, Reading, Registration, Role, SessionAudio, SessionId,
    StoreError, Variant, built_in_roles,
};
use common::*;

const CONTACT: &str = "11111111-2222-3333-4444-555555555555";

fn put(d: &Domain, contact_id: &str, media: Media, variant: Variant, bytes: &[u8]) -> Result<(), StoreError> {
    d.put_contact_files(&[NewContactFile { contact_id, media, variant, bytes }])
}

fn analysis(text: &str) -> Vec<u8> {
    format!(
        r#"{{"Participants":[{{"ParticipantId":"C","ParticipantRole":"CUSTOMER"}}],
            "ConversationCharacteristics":{{"TotalConversationDurationMillis":10000}},
            "Categories":{{"MatchedCategories":["complaint"]}},
            "Transcript":[{{"ParticipantId":"C","Content":"{text}","Sentiment":"NEUTRAL"}}]}}"#
    )
    .into_bytes()
}

fn record(id: &str, agent: &str, update: &str) -> ContactRecord {
    let json = format!(
        r#"{{"ContactId":"{id}","Channel":"VOICE","InitiationTimestamp":"2027-01-10T08:00:00Z",
            "DisconnectTimestamp":"2027-01-10T08:05:00Z","LastUpdateTimestamp":"{update}",
            "Agent":{{"Username":"{agent}","HierarchyGroups":{{"Level1":{{"GroupName":"EMEA"}},"Level2":{{"GroupName":"UK"}}}}}},
            "CustomerEndpoint":{{"Address":"+441632960000"}},"Attributes":{{"account":"4711"}},
            "VoiceIdResult":{{"Authentication":{{"Result":"Authenticated"}}}}}}"#
    );
    ContactRecord::parse(json.as_bytes()).unwrap()
}

/// A domain with something of everything, and a user for each role.
fn world() -> Fixture {
    let f = fixture();
    f.domain.put_voiceprint(&speaker("a"), enrolment(b"print")).unwrap();
    f.domain.import_contacts(&[record(CONTACT, "somebody", "2027-01-10T08:06:00Z")], 730).unwrap();
    for variant in [Variant::Redacted, Variant::Unredacted] {
        let said = if variant == Variant::Redacted { "my card is [PII]" } else { "my card is 4111" };
        put(&f.domain, CONTACT, Media::Transcript, variant, &analysis(said)).unwrap();
        put(&f.domain, CONTACT, Media::Recording, variant, b"RIFF").unwrap();
    }
    f.domain.put_rule("r", "{}").unwrap();
    f.domain.create_user("nobody", &[], None).unwrap();
    for role in built_in_roles() {
        f.domain.create_user(&role.name, std::slice::from_ref(&role.name), None).unwrap();
    }
    f
}

fn open_as(f: &Fixture, user: &str) -> Domain {
    Domain::open_with(&f.dir, OpenOptions::default().clock(f.clock.clone()).user(user)).unwrap()
}

/// What a call takes.
enum Needs {
    /// Nothing: it tells of the domain, or of the caller's own rights.
    Nothing,
    /// One of these.
    Any(&'static [Permission]),
    /// All of these.
    All(&'static [Permission]),
}

impl Needs {
    fn met(&self, role: Option<&Role>) -> bool {
        let has = |p: &Permission| role.is_some_and(|r| r.permissions.contains(p));
        match self {
            Needs::Nothing => true,
            Needs::Any(all) => all.iter().any(has),
            Needs::All(all) => all.iter().all(has),
        }
    }
}

type Call = fn(&Domain) -> Result<(), StoreError>;

fn done<T>(result: Result<T, StoreError>) -> Result<(), StoreError> {
    result.map(|_| ())
}

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple").unwrap()
}

fn job(d: &Domain) -> Result<cli_store::JobId, StoreError> {
    let items = [b"one".to_vec(), b"two".to_vec()];
    let kind = JobKind::SpeakerEnrollment;
    let new = NewJob { kind, client_token: None, fingerprint: [1; 32], request: b"r", items: Ok(&items) };
    let id = d.submit_job(&new)?.job_id;
    d.begin_job(&id)?;
    Ok(id)
}

fn fraudster(d: &Domain) -> Result<cli_store::FraudsterId, StoreError> {
    let new = Registration { model_id: MODEL, template: b"print", watchlist: None };
    Ok(d.register_fraudster(new)?.generated_fraudster_id)
}

fn kept(d: &Domain) -> Result<SessionId, StoreError> {
    let session = SessionId::random()?;
    let mut audio = SessionAudio::new(8_000);
    audio.extend([1i16, 2].into_iter());
    d.keep_session_audio(&session, None, &audio, 1)?;
    Ok(session)
}

fn outcome() -> ItemOutcome {
    ItemOutcome { succeeded: true, result: Vec::new() }
}

/// Every call of an open domain, what it takes, and a way to make it. What destroys comes last.
fn calls() -> Vec<(&'static str, Needs, Call)> {
    use Needs::{All, Any, Nothing};
    use Permission as P;
    const VOICE: Needs = Any(&[P::VoiceId]);
    const SEE: Needs = Any(&[P::ContactSearch, P::MyContacts]);
    vec![
        ("id", Nothing, |d| {
            d.id();
            Ok(())
        }),
        ("dir", Nothing, |d| {
            d.dir();
            Ok(())
        }),
        ("describe", Nothing, |d| done(d.describe())),
        ("two_persons", Nothing, |d| done(d.two_persons())),
        ("grants", Nothing, |d| done(d.grants())),
        ("privacy", Nothing, |d| done(d.privacy())),
        ("acknowledge_privacy", Nothing, |d| d.acknowledge_privacy("w", 1)),
        ("voiceprint", VOICE, |d| done(d.voiceprint(&speaker("a")))),
        ("for_each_enrolled", VOICE, |d| d.for_each_enrolled(|_, _| Ok(()))),
        ("touch_authenticated", VOICE, |d| done(d.touch_authenticated(&speaker("a")))),
        ("describe_speaker", VOICE, |d| done(d.describe_speaker(&speaker("a")))),
        ("consent", VOICE, |d| done(d.consent(&speaker("a")))),
        ("count_speakers", VOICE, |d| done(d.count_speakers())),
        ("list_speakers", VOICE, |d| done(d.list_speakers(100, None))),
        ("put_voiceprint", VOICE, |d| done(d.put_voiceprint(&speaker("b"), enrolment(b"print").overwrite(true)))),
        ("set_pending", VOICE, |d| done(d.set_pending(&speaker("c")))),
        ("export_voiceprint", VOICE, |d| done(d.export_voiceprint(&speaker("a"), &passphrase()))),
        ("import_voiceprint", VOICE, |d| {
            let bytes = d.export_voiceprint(&speaker("a"), &passphrase())?;
            done(d.import_voiceprint(&bytes, &passphrase(), None, true))
        }),
        ("create_watchlist", VOICE, |d| done(d.create_watchlist(&"more".parse()?, None))),
        ("describe_watchlist", VOICE, |d| done(d.describe_watchlist(&d.describe()?.default_watchlist_id))),
        ("list_watchlists", VOICE, |d| done(d.list_watchlists())),
        ("update_watchlist", VOICE, |d| {
            let list = d.list_watchlists()?.into_iter().find(|l| !l.default_watchlist).unwrap();
            done(d.update_watchlist(&list.watchlist_id, Some(&"other".parse()?), None))
        }),
        ("register_fraudster", VOICE, |d| done(fraudster(d))),
        ("associate_fraudster", VOICE, |d| {
            let list = d.list_watchlists()?.into_iter().find(|l| !l.default_watchlist).unwrap();
            done(d.associate_fraudster(&fraudster(d)?, &list.watchlist_id))
        }),
        ("disassociate_fraudster", VOICE, |d| {
            let list = d.list_watchlists()?.into_iter().find(|l| l.fraudsters > 0 && !l.default_watchlist).unwrap();
            let page = d.list_fraudsters(Some(&list.watchlist_id), 100, None)?;
            let who = page.items[0].generated_fraudster_id.clone();
            done(d.disassociate_fraudster(&who, &list.watchlist_id))
        }),
        ("describe_fraudster", VOICE, |d| done(d.describe_fraudster(&fraudster(d)?))),
        ("list_fraudsters", VOICE, |d| done(d.list_fraudsters(None, 100, None))),
        ("for_each_fraudster", VOICE, |d| d.for_each_fraudster(None, |_, _, _| Ok(()))),
        ("delete_fraudster", VOICE, |d| d.delete_fraudster(&fraudster(d)?)),
        ("delete_watchlist", VOICE, |d| {
            let list = d.list_watchlists()?.into_iter().find(|l| !l.default_watchlist).unwrap();
            d.delete_watchlist(&list.watchlist_id)
        }),
        ("submit_job", VOICE, |d| done(job(d))),
        ("begin_job", VOICE, |d| done(job(d))),
        ("describe_job", VOICE, |d| done(d.describe_job(&job(d)?))),
        ("list_jobs", VOICE, |d| done(d.list_jobs())),
        ("job_request", VOICE, |d| done(d.job_request(&job(d)?))),
        ("job_items", VOICE, |d| done(d.job_items(&job(d)?))),
        ("finish_item", VOICE, |d| done(d.finish_item(&job(d)?, 0, &outcome()))),
        ("finish_item_with_voiceprint", VOICE, |d| {
            let print = enrolment(b"print").overwrite(true);
            done(d.finish_item_with_voiceprint(&job(d)?, 0, &speaker("a"), print, |_, _| outcome()))
        }),
        ("finish_item_with_fraudster", VOICE, |d| {
            let new = Registration { model_id: MODEL, template: b"print", watchlist: None };
            done(d.finish_item_with_fraudster(&job(d)?, 0, new, |_| outcome()))
        }),
        ("complete_job", VOICE, |d| {
            let id = job(d)?;
            d.finish_item(&id, 0, &outcome())?;
            d.finish_item(&id, 1, &outcome())?;
            done(d.complete_job(&id))
        }),
        ("keep_session_audio", VOICE, |d| done(kept(d))),
        ("session_audio", All(&[P::VoiceId, P::RecordingUnredacted]), |d| done(d.session_audio(&kept(d)?))),
        ("list_session_audio", VOICE, |d| done(d.list_session_audio())),
        ("delete_session_audio", VOICE, |d| d.delete_session_audio(&kept(d)?)),
        ("erase_expired_audio", VOICE, |d| done(d.erase_expired_audio())),
        ("audit", Any(&[P::AuditView]), |d| done(d.audit(0))),
        ("verify_audit", Any(&[P::AuditView]), |d| done(d.verify_audit())),
        ("search_contacts", SEE, |d| done(d.search_contacts(&ContactFilter::default(), 100, None))),
        ("contact", SEE, |d| done(d.contact(CONTACT))),
        ("contact_file", All(&[P::ContactSearch, P::TranscriptRedacted]), |d| {
            done(d.contact_file(CONTACT, Media::Transcript, Reading::default()))
        }),
        ("import_contacts", Any(&[P::ImportContacts]), |d| {
            done(d.import_contacts(&[record("other", "x", "2027-01-10T08:06:00Z")], 730))
        }),
        ("put_contact_files", Any(&[P::ImportContacts]), |d| {
            put(d, CONTACT, Media::Recording, Variant::Redacted, b"RIFF")
        }),
        ("erase_expired_contacts", Any(&[P::ImportContacts]), |d| done(d.erase_expired_contacts())),
        ("stored_contact", Any(&[P::ImportContacts]), |d| done(d.stored_contact(CONTACT))),
        ("explain", All(&[P::UsersView, P::ContactSearch]), |d| done(d.explain("nobody", CONTACT))),
        ("grants_of", Any(&[P::UsersView]), |d| {
            done(d.grants_of("somebody else").or_else(|e| match e {
                StoreError::NotFound { .. } => d.grants(),
                other => Err(other),
            }))
        }),
        ("users", Any(&[P::UsersView]), |d| done(d.users())),
        ("lint_rights", Any(&[P::UsersView]), |d| done(d.lint_rights())),
        ("elevations", Any(&[P::UsersView]), |d| done(d.elevations())),
        ("create_user", Any(&[P::UsersCreate]), |d| {
            let name = format!("of-{}", d.grants()?.user);
            done(d.create_user(&name, &[], None))
        }),
        ("update_user", Any(&[P::UsersEdit]), |d| done(d.update_user("nobody", &[], None))),
        ("issue_token", Any(&[P::UsersEdit]), |d| done(d.issue_token("nobody"))),
        ("issue_token_until", Any(&[P::UsersEdit]), |d| {
            done(d.issue_token_until("nobody", cli_store::Timestamp(i64::MAX)))
        }),
        ("event_consumers", Nothing, |d| done(d.event_consumers())),
        ("set_event_consumers", Any(&[P::AdministerDomain]), |d| d.set_event_consumers(&["webhooks".into()])),
        ("outbox", VOICE, |d| d.outbox("webhooks").and_then(|o| done(o.take(10)))),
        ("revoke_token", Any(&[P::UsersEdit]), |d| d.revoke_token("nobody")),
        ("roles", Any(&[P::RolesView, P::UsersEdit]), |d| done(d.roles())),
        ("put_role", All(&[P::RolesCreate, P::RolesEdit]), |d| done(d.put_role("listener", &[P::RecordingRedacted]))),
        ("delete_role", Any(&[P::RolesDelete]), |d| d.delete_role("listener")),
        ("elevate", Any(&[P::UsersEditPermission]), |d| done(d.elevate("nobody", P::RecordingUnredacted, 5, "case 7"))),
        ("revoke_elevation", Any(&[P::UsersEditPermission]), |d| {
            let id = d.elevations()?.pop().map_or_else(String::new, |e| e.id);
            d.revoke_elevation(&id)
        }),
        ("set_two_persons", Any(&[P::AdministerDomain]), |d| d.set_two_persons(false)),
        ("rules", Any(&[P::RulesView]), |d| done(d.rules())),
        ("put_rule", All(&[P::RulesCreate, P::RulesEdit]), |d| done(d.put_rule("r", "{}"))),
        ("set_privacy", Any(&[P::PrivacyEdit]), |d| done(d.set_privacy(None))),
        ("privacy_acknowledgements", Any(&[P::PrivacyView]), |d| done(d.privacy_acknowledgements())),
        ("update", Any(&[P::AdministerDomain]), |d| done(d.update(NewDomain::new("test".parse()?)))),
        ("rekey", Any(&[P::AdministerDomain]), |d| d.rekey()),
        ("delete_rule", Any(&[P::RulesDelete]), |d| {
            d.delete_rule("r")?;
            // The next role finds it there again, whoever may make it.
            done(d.put_rule("r", "{}")).or(Ok(()))
        }),
        ("delete_contact", All(&[P::ContactSearch, P::DeleteRecordings]), |d| d.delete_contact(CONTACT)),
        ("opt_out", VOICE, |d| done(d.opt_out(&speaker("a")))),
        ("clear_opt_out", VOICE, |d| {
            d.clear_opt_out(&speaker("a"), cli_store::Consent::new("agreed", "agent"))?;
            done(d.put_voiceprint(&speaker("a"), enrolment(b"print")))
        }),
        ("delete_speaker", VOICE, |d| {
            d.delete_speaker(&speaker("b"))?;
            done(d.put_voiceprint(&speaker("b"), enrolment(b"print")))
        }),
        ("delete_user", Any(&[P::UsersDelete]), |d| d.delete_user("nobody")),
    ]
}

/// The methods of `impl Domain` that take an open domain, as the sources have them.
fn public_methods() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, source) in files(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let source = String::from_utf8(source).unwrap();
        let mut inside = false;
        let lines: Vec<&str> = source.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            inside = if line.starts_with("impl Domain {") { true } else { inside && *line != "}" };
            let Some(rest) = line.strip_prefix("    pub fn ").filter(|_| inside) else { continue };
            let signature =
                lines[i..].iter().take_while(|l| !l.starts_with("    }")).take(8).copied().collect::<String>();
            if signature.contains("&self") {
                found.insert(rest.split(['(', '<']).next().unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn every_call_asks_for_its_right_whoever_makes_it() {
    let calls = calls();
    let listed: BTreeSet<String> = calls.iter().map(|c| c.0.to_owned()).collect();
    assert_eq!(listed, public_methods(), "a call without a rule here, or a rule without a call");
    let f = world();
    let roles = built_in_roles();
    let find = |name: &str| roles.iter().find(|r| r.name == name);
    for user in ["nobody", "Agent", "QualityAnalyst", "CallCenterManager", "Admin"] {
        let domain = open_as(&f, user);
        for (name, needs, call) in &calls {
            let got = call(&domain);
            if !needs.met(find(user)) {
                let refused = matches!(got, Err(StoreError::Denied { .. } | StoreError::NotFound { .. }));
                assert!(refused, "{user}: {name}: {got:?}");
            } else if user == "Admin" {
                assert!(got.is_ok(), "{user}: {name}: {got:?}");
            } else {
                assert!(!matches!(got, Err(StoreError::Denied { .. })), "{user}: {name}: {got:?}");
            }
        }
    }
    assert!(f.domain.verify_audit().unwrap() > 0);
}

#[test]
fn reading_the_original_takes_the_right_and_a_reason_and_leaves_a_trace() {
    let f = world();
    let read =
        |d: &Domain, reason| d.contact_file(CONTACT, Media::Transcript, Reading { reason, ..Reading::default() });
    f.domain.put_role("originals", &[Permission::ContactSearch, Permission::TranscriptUnredacted]).unwrap();
    f.domain.create_user("auditor", &["originals".into()], None).unwrap();
    let auditor = open_as(&f, "auditor");
    assert!(matches!(read(&auditor, None), Err(StoreError::Validation { field: "Reason", .. })));
    assert!(matches!(read(&auditor, Some("  ")), Err(StoreError::Validation { field: "Reason", .. })));
    let got = read(&auditor, Some("case 7")).unwrap();
    assert_eq!(got.variant, Variant::Unredacted);
    assert!(String::from_utf8_lossy(&got.bytes).contains("4111"));
    // Without the right to sentiment there is none.
    assert!(!String::from_utf8_lossy(&got.bytes).contains("Sentiment"));
    let manager = open_as(&f, "CallCenterManager");
    let got = read(&manager, None).unwrap();
    assert_eq!(got.variant, Variant::Redacted);
    assert!(
        String::from_utf8_lossy(&got.bytes).contains("[PII]")
            && String::from_utf8_lossy(&got.bytes).contains("Sentiment")
    );
    let download = Reading { download: true, ..Reading::default() };
    assert!(matches!(manager.contact_file(CONTACT, Media::Transcript, download), Err(StoreError::Denied { .. })));
    let original = Reading { original: true, reason: Some("x"), ..Reading::default() };
    assert!(matches!(manager.contact_file(CONTACT, Media::Transcript, original), Err(StoreError::Denied { .. })));
    assert_eq!(f.domain.contact_file(CONTACT, Media::Transcript, original).unwrap().variant, Variant::Unredacted);

    let log: Vec<_> = (0..).map_while(|n| f.domain.audit(n * 100).ok().filter(|p| !p.is_empty())).flatten().collect();
    let reads: Vec<_> = log.iter().filter(|e| e.action.to_string() == "UNREDACTED_READ").collect();
    assert_eq!(reads.len(), 2);
    assert_eq!((reads[0].actor.as_str(), reads[0].note.as_deref()), ("auditor", Some("TRANSCRIPT: case 7")));
    assert!(log.iter().any(|e| e.action.to_string() == "ACCESS_DENIED" && e.actor == "CallCenterManager"));
}

#[test]
fn two_persons_and_rights_for_a_time() {
    let f = world();
    f.domain.put_role("originals", &[Permission::ContactSearch, Permission::TranscriptUnredacted]).unwrap();
    f.domain.create_user("auditor", &["originals".into()], None).unwrap();
    f.domain.create_user("boss", &["Admin".into()], None).unwrap();
    f.domain.set_two_persons(true).unwrap();
    let (auditor, boss) = (open_as(&f, "auditor"), open_as(&f, "boss"));
    let reading = Reading { reason: Some("case 7"), ..Reading::default() };
    let read = |d: &Domain| d.contact_file(CONTACT, Media::Transcript, reading).map(|f| f.variant);
    assert!(matches!(read(&auditor), Err(StoreError::Denied { .. })));
    assert_eq!(read(&boss).unwrap(), Variant::Redacted, "an administrator alone gets the redacted copy");
    assert!(matches!(boss.elevate("boss", Permission::TranscriptUnredacted, 5, "x"), Err(StoreError::Denied { .. })));
    assert!(matches!(
        auditor.elevate("boss", Permission::TranscriptUnredacted, 5, "x"),
        Err(StoreError::Denied { .. })
    ));
    assert!(boss.elevate("auditor", Permission::TranscriptUnredacted, 0, "x").is_err());
    assert!(boss.elevate("auditor", Permission::TranscriptUnredacted, 1_441, "x").is_err());
    boss.elevate("auditor", Permission::TranscriptUnredacted, 5, "case 7").unwrap();
    assert_eq!(read(&auditor).unwrap(), Variant::Unredacted);
    f.clock.advance_ms(5 * 60_000 - 1);
    assert!(read(&auditor).is_ok());
    f.clock.advance_ms(1);
    assert!(matches!(read(&auditor), Err(StoreError::Denied { .. })), "the time is over");
    let id = boss.elevate("auditor", Permission::TranscriptUnredacted, 5, "again").unwrap().id;
    assert!(read(&auditor).is_ok());
    boss.revoke_elevation(&id).unwrap();
    assert!(read(&auditor).is_err());
    // An elevated manager sees the original though the role has the redacted right, which would win.
    boss.elevate("CallCenterManager", Permission::TranscriptUnredacted, 5, "case 7").unwrap();
    assert_eq!(read(&open_as(&f, "CallCenterManager")).unwrap(), Variant::Unredacted);
}

#[test]
fn nobody_gives_or_takes_over_what_they_do_not_hold() {
    let f = world();
    let make = |name: &str, all: &[Permission]| {
        f.domain.put_role(name, all).unwrap();
        f.domain.create_user(name, &[name.to_owned()], None).unwrap();
        open_as(&f, name)
    };
    use Permission as P;
    let clerk = make(
        "clerk",
        &[P::UsersCreate, P::UsersEdit, P::UsersEditPermission, P::RolesCreate, P::RolesEdit, P::ContactSearch],
    );
    let denied = |r: Result<(), StoreError>| assert!(matches!(r, Err(StoreError::Denied { .. })), "{r:?}");
    denied(done(clerk.create_user("me2", &["Admin".into()], None)));
    denied(done(clerk.update_user("clerk", &["Admin".into()], None)));
    denied(done(clerk.issue_token("Admin")));
    denied(done(clerk.put_role("mine", &[P::RecordingUnredacted])));
    denied(done(clerk.elevate("nobody", P::RecordingUnredacted, 5, "x")));
    clerk.put_role("mine", &[P::ContactSearch]).unwrap();
    clerk.create_user("helper", &["mine".into()], None).unwrap();
    assert!(matches!(clerk.put_role("Admin", &[]), Err(StoreError::Conflict { .. })));
    let typist = make("typist", &[P::UsersCreate, P::UsersEdit]);
    denied(done(typist.create_user("x", &["mine".into()], None)));
    typist.create_user("x", &[], None).unwrap();
    denied(done(typist.update_user("helper", &[], None)));
}

#[test]
fn a_token_opens_as_its_user_until_the_next_one() {
    let f = world();
    let token = f.domain.issue_token("Agent").unwrap();
    let open = |t: &str| Domain::open_with(&f.dir, OpenOptions::default().token(t));
    let agent = open(&token).unwrap();
    assert_eq!(agent.grants().unwrap().user, "Agent");
    assert!(matches!(agent.list_speakers(1, None), Err(StoreError::Denied { .. })));
    let mut wrong = token.to_string();
    let last = wrong.pop().unwrap();
    wrong.push(if last == '0' { '1' } else { '0' });
    for bad in [wrong.as_str(), "", "Agent", "Agent:", "nobody:00", &token[1..], &format!("Admin:{}", &token[6..])] {
        assert!(matches!(open(bad), Err(StoreError::Denied { .. })), "{bad}");
    }
    f.domain.issue_token("Agent").unwrap();
    assert!(matches!(open(&token), Err(StoreError::Denied { .. })));
    assert!(matches!(Domain::open_with(&f.dir, OpenOptions::default().user("ghost")), Err(StoreError::Denied { .. })));
    // A user that is deleted while a domain is open can do nothing more with it.
    f.domain.delete_user("Agent").unwrap();
    assert!(matches!(agent.search_contacts(&ContactFilter::default(), 1, None), Err(StoreError::Denied { .. })));
}

#[test]
fn hierarchy_and_own_contacts_bound_what_is_there() {
    let f = world();
    f.domain.put_role("local", &[Permission::ContactSearch, Permission::RestrictByHierarchy]).unwrap();
    let groups =
        [("uk", "EMEA/UK", true), ("emea", "EMEA", true), ("ukraine", "EMEA/UKRAINE", false), ("apac", "APAC", false)];
    for (user, group, sees) in groups {
        f.domain.create_user(user, &["local".into()], Some(group.parse::<HierarchyGroup>().unwrap())).unwrap();
        let domain = open_as(&f, user);
        assert_eq!(domain.contact(CONTACT).is_ok(), sees, "{user}");
        let found = domain.search_contacts(&ContactFilter::default(), 10, None).unwrap().items;
        assert_eq!(found.len(), usize::from(sees), "{user}");
        let by_id = ContactFilter { contact_id: Some(CONTACT.into()), ..ContactFilter::default() };
        assert_eq!(domain.search_contacts(&by_id, 10, None).unwrap().items.len(), usize::from(sees), "{user}");
        if !sees {
            // What one may not see is told from what is not there by nothing.
            let hidden = domain.contact(CONTACT).unwrap_err().to_string();
            let absent = domain.contact("none").unwrap_err().to_string();
            assert_eq!(hidden.replace(CONTACT, "none"), absent);
        }
    }
    f.domain.create_user("somebody", &["Agent".into()], None).unwrap();
    let own = open_as(&f, "somebody");
    let contact = own.contact(CONTACT).unwrap();
    assert!(contact.record.get("CustomerEndpoint").is_none() && contact.record.get("Attributes").is_none());
    assert!(
        contact.record.get("VoiceIdResult").is_none() && contact.copies.is_empty() && contact.categories.is_empty()
    );
    assert!(open_as(&f, "Agent").contact(CONTACT).is_err());
    let admin = open_as(&f, "Admin").contact(CONTACT).unwrap();
    assert!(admin.record.get("CustomerEndpoint").is_some() && admin.categories == ["complaint"]);
    assert_eq!(admin.copies, [(Media::Recording, Variant::Redacted), (Media::Transcript, Variant::Redacted)]);
    let explained = open_as(&f, "Admin").explain("somebody", CONTACT).unwrap();
    assert!(explained[0].0 == Action::See && explained[0].1.is_ok() && explained[3].1.is_err());
}

#[test]
fn what_is_written_into_the_database_from_outside_grants_nothing() {
    let f = world();
    // The administrator's roles under another name, and an older version under a newer number.
    raw_run(
        &f.dir,
        "UPDATE documents SET sealed = (SELECT sealed FROM documents WHERE kind = 'USER' AND name = 'Admin') WHERE kind = 'USER' AND name = 'nobody'",
    );
    assert!(matches!(
        Domain::open_with(&f.dir, OpenOptions::default().user("nobody")),
        Err(StoreError::Corrupt { .. })
    ));
}

#[test]
fn the_audit_shows_every_entry_that_is_removed_altered_or_moved() {
    let changes = [
        "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)",
        "DELETE FROM audit WHERE seq > 3",
        "DELETE FROM audit WHERE seq = 4",
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'x' WHERE seq = 5",
        "UPDATE audit SET at = at + 1 WHERE seq = 5",
        "UPDATE audit SET subject = 'x' WHERE seq = 5",
        "UPDATE audit SET action = 'DOMAIN_UPDATED' WHERE seq = 5",
        "UPDATE audit SET note = NULL WHERE note IS NOT NULL",
        "UPDATE audit SET note = (SELECT note FROM audit WHERE note IS NOT NULL LIMIT 1) WHERE seq = (SELECT MAX(seq) FROM audit WHERE note IS NOT NULL)",
        "UPDATE audit SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4); UPDATE audit SET seq = -seq WHERE seq < 0",
        "UPDATE audit_heads SET seq = seq - 1; DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)",
        "INSERT INTO audit SELECT domain_id, (SELECT MAX(seq) + 1 FROM audit), at, actor, action, subject, mac, note FROM audit WHERE seq = 2",
    ];
    let f = world();
    assert!(f.domain.verify_audit().unwrap() > 10);
    drop(f.domain);
    let database = f.dir.join("domain.sqlite");
    let whole = std::fs::read(&database).unwrap();
    for change in changes {
        std::fs::write(&database, &whole).unwrap();
        for part in change.split("; ") {
            raw_run(&f.dir, part);
        }
        let got = Domain::open(&f.dir).unwrap().verify_audit();
        assert!(matches!(got, Err(StoreError::Corrupt { .. })), "{change}: {got:?}");
    }
    std::fs::write(&database, &whole).unwrap();
    assert!(Domain::open(&f.dir).unwrap().verify_audit().is_ok());
}
