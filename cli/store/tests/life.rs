//! The life of a speaker and of a domain, as a caller of the library sees it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use cli_store::{
    AuditAction, ConflictType, Consent, Domain, DomainUpdate, ItemOutcome, JobKind, JobStatus, Lookup, NewJob,
    OpenOptions, Passphrase, ResourceType, Speaker, SpeakerStatus, StoreError, Timestamp,
};
use common::*;

/// What an operation answers, in one word.
fn word(result: Result<SpeakerStatus, StoreError>) -> String {
    match result {
        Ok(status) => status.to_string(),
        Err(e) => match (e.conflict_type(), e.resource_type()) {
            (Some(conflict), _) => conflict.to_string(),
            (_, Some(resource)) => format!("no {resource}"),
            _ => format!("{} {e}", e.exception()),
        },
    }
}

fn look(domain: &Domain, id: &str) -> &'static str {
    match domain.voiceprint(&speaker(id)).unwrap() {
        Lookup::Enrolled(_) => "print",
        Lookup::NotEnrolled => "not enrolled",
        Lookup::OptedOut => "opted out",
        Lookup::Expired => "expired",
    }
}

fn state(s: Speaker) -> SpeakerStatus {
    s.status
}

#[test]
fn life_cycle_table() {
    type Step = fn(&Fixture) -> String;
    fn s() -> cli_store::SpeakerId {
        speaker("alice")
    }
    let steps: [(&str, Step); 8] = [
        ("enrol", |f| word(f.domain.put_voiceprint(&s(), enrolment(b"new")).map(state))),
        ("overwrite", |f| word(f.domain.put_voiceprint(&s(), enrolment(b"new").overwrite(true)).map(state))),
        ("pending", |f| word(f.domain.set_pending(&s()).map(state))),
        ("opt out", |f| word(f.domain.opt_out(&s()).map(state))),
        ("clear", |f| word(f.domain.clear_opt_out(&s(), Consent::new("yes", "desk 4")).map(state))),
        ("touch", |f| word(f.domain.touch_authenticated(&s()))),
        ("delete", |f| word(f.domain.delete_speaker(&s()).map(|()| SpeakerStatus::Pending)).replace("PENDING", "gone")),
        ("export", |f| {
            let passphrase = Passphrase::new("a passphrase for a test").unwrap();
            word(f.domain.export_voiceprint(&s(), &passphrase).map(|_| SpeakerStatus::Enrolled))
        }),
    ];
    // (state before, what `voiceprint` answers, what each step answers)
    let table: [(&str, &str, [&str; 8]); 5] = [
        (
            "unknown",
            "not enrolled",
            ["ENROLLED", "ENROLLED", "PENDING", "OPTED_OUT", "no SPEAKER", "no SPEAKER", "no SPEAKER", "no SPEAKER"],
        ),
        (
            "pending",
            "not enrolled",
            ["ENROLLED", "ENROLLED", "PENDING", "OPTED_OUT", "PENDING", "PENDING", "gone", "ValidationException"],
        ),
        (
            "enrolled",
            "print",
            [
                "ENROLLMENT_ALREADY_EXISTS",
                "ENROLLED",
                "ENROLLED",
                "OPTED_OUT",
                "ENROLLED",
                "ENROLLED",
                "gone",
                "ENROLLED",
            ],
        ),
        (
            "opted out",
            "opted out",
            [
                "SPEAKER_OPTED_OUT",
                "SPEAKER_OPTED_OUT",
                "OPTED_OUT",
                "OPTED_OUT",
                "PENDING",
                "OPTED_OUT",
                "gone",
                "SPEAKER_OPTED_OUT",
            ],
        ),
        (
            "expired",
            "expired",
            ["ENROLLED", "ENROLLED", "EXPIRED", "OPTED_OUT", "EXPIRED", "EXPIRED", "gone", "ValidationException"],
        ),
    ];
    let mut bad = Vec::new();
    for (before, looks, answers) in table {
        for ((step, run), want) in steps.iter().zip(answers) {
            let f = fixture();
            if before != "unknown" {
                f.domain.set_pending(&s()).unwrap();
            }
            if matches!(before, "enrolled" | "expired" | "opted out") {
                f.domain.put_voiceprint(&s(), enrolment(b"old")).unwrap();
            }
            match before {
                "expired" => f.clock.advance_days(1_095),
                "opted out" => assert_eq!(f.domain.opt_out(&s()).unwrap().status, SpeakerStatus::OptedOut),
                _ => {}
            }
            let saw = look(&f.domain, "alice");
            let got = run(&f);
            if saw != looks || !got.starts_with(want) {
                bad.push(format!("{before}, {step}: want {looks} / {want}, got {saw} / {got}"));
            }
            let stored = word(f.domain.describe_speaker(&s()).map(state));
            // What an operation answers is what is stored; a refusal changes nothing.
            let expected = match want {
                "gone" | "no SPEAKER" => "no SPEAKER".to_owned(),
                refused if refused.contains("ALREADY") => "ENROLLED".into(),
                "SPEAKER_OPTED_OUT" => "OPTED_OUT".into(),
                refused if refused.starts_with("Validation") && before == "expired" => "EXPIRED".into(),
                refused if refused.starts_with("Validation") => "PENDING".into(),
                status => status.into(),
            };
            if stored != expected {
                bad.push(format!("{before}, {step}: want {expected} stored, got {stored}"));
            }
            f.domain.verify_audit().unwrap();
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn e10_expires_on_day_1095_and_authentication_on_day_1094_resets() {
    let f = fixture();
    let (a, b) = (speaker("a"), speaker("b"));
    f.domain.put_voiceprint(&a, enrolment(b"a")).unwrap();
    f.domain.put_voiceprint(&b, enrolment(b"b")).unwrap();
    f.clock.advance_days(1_094);
    assert_eq!((look(&f.domain, "a"), look(&f.domain, "b")), ("print", "print"));
    assert_eq!(f.domain.touch_authenticated(&a).unwrap(), SpeakerStatus::Enrolled);
    f.clock.advance_ms(DAY_MS - 1);
    assert_eq!((look(&f.domain, "a"), look(&f.domain, "b")), ("print", "print"));
    f.clock.advance_ms(1);
    assert_eq!((look(&f.domain, "a"), look(&f.domain, "b")), ("print", "expired"));
    assert_eq!(f.domain.describe_speaker(&b).unwrap().status, SpeakerStatus::Expired);
    // Too late: an expired voiceprint does not come back by being used.
    assert_eq!(f.domain.touch_authenticated(&b).unwrap(), SpeakerStatus::Expired);
    assert_eq!(look(&f.domain, "b"), "expired");
    f.clock.advance_days(1_093);
    assert_eq!(look(&f.domain, "a"), "print");
    f.clock.advance_days(1);
    assert_eq!(look(&f.domain, "a"), "expired");
    f.domain.put_voiceprint(&b, enrolment(b"b2")).unwrap();
    assert_eq!(template_of(&f.domain, &b).unwrap(), b"b2");
}

#[test]
fn expiry_is_a_setting_of_the_domain() {
    let f = fixture();
    f.domain.put_voiceprint(&speaker("a"), enrolment(b"a")).unwrap();
    f.clock.advance_days(30);
    let days = |n| DomainUpdate { expiry_days: n, ..new_domain() };
    f.domain.update(days(30)).unwrap();
    assert_eq!(look(&f.domain, "a"), "expired");
    f.domain.update(days(31)).unwrap();
    assert_eq!(look(&f.domain, "a"), "print");
    for n in [0, 36_501] {
        assert!(matches!(f.domain.update(days(n)), Err(StoreError::Validation { .. })), "{n}");
    }
}

#[test]
fn times_are_kept() {
    let f = fixture();
    let id = speaker("a");
    let t0 = f.domain.set_pending(&id).unwrap();
    assert_eq!((t0.created_at, t0.updated_at, t0.last_accessed_at), (t0.created_at, t0.created_at, None));
    f.clock.advance_ms(5_000);
    let t1 = f.domain.put_voiceprint(&id, enrolment(b"a")).unwrap();
    let at = |ms: i64| Timestamp(t0.created_at.0 + ms);
    assert_eq!((t1.created_at, t1.updated_at, t1.last_accessed_at), (at(0), at(5_000), Some(at(5_000))));
    f.clock.advance_ms(3_600_000);
    f.domain.touch_authenticated(&id).unwrap();
    let t2 = f.domain.describe_speaker(&id).unwrap();
    assert_eq!((t2.created_at, t2.updated_at, t2.last_accessed_at), (at(0), at(5_000), Some(at(3_605_000))));
    // A clock that was set back does not take time away.
    f.clock.advance_ms(-7_200_000);
    f.domain.touch_authenticated(&id).unwrap();
    assert_eq!(f.domain.describe_speaker(&id).unwrap().last_accessed_at, Some(at(3_605_000)));
}

#[test]
fn either_id_finds_the_speaker_and_only_a_customer_id_makes_one() {
    let f = fixture();
    let made = f.domain.put_voiceprint(&speaker("a"), enrolment(b"one").details("{\"net_speech_s\":31.5}")).unwrap();
    let by_generated = made.generated_speaker_id.clone().into();
    match f.domain.voiceprint(&by_generated).unwrap() {
        Lookup::Enrolled(print) => {
            assert_eq!(
                (print.template(), print.details(), print.model_id(), print.enrolled_at()),
                (b"one".as_slice(), "{\"net_speech_s\":31.5}", MODEL, made.created_at)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(f.domain.describe_speaker(&by_generated).unwrap(), made);
    assert_eq!(made.customer_speaker_id.as_str(), "a");

    let unknown = speaker("id#0123456789012345678901");
    let answers = [
        f.domain.put_voiceprint(&unknown, enrolment(b"x")).map(|_| ()),
        f.domain.opt_out(&unknown).map(|_| ()),
        f.domain.set_pending(&unknown).map(|_| ()),
        f.domain.describe_speaker(&unknown).map(|_| ()),
        f.domain.delete_speaker(&unknown),
    ];
    for answer in answers {
        assert_eq!(answer.unwrap_err().resource_type(), Some(ResourceType::Speaker));
    }
    assert_eq!(f.domain.count_speakers().unwrap(), 1);
}

#[test]
fn consent_is_asked_for_kept_and_withdrawn() {
    let f = fixture_with(cli_store::NewDomain { consent_required: true, ..new_domain() });
    let id = speaker("a");
    let refused = f.domain.put_voiceprint(&id, enrolment(b"a")).unwrap_err();
    assert_eq!(refused.resource_type(), Some(ResourceType::ComplianceConsent));
    assert_eq!(f.domain.count_speakers().unwrap(), 0, "a refusal must leave nothing");
    f.domain.put_voiceprint(&id, enrolment(b"a").consent(Consent::new("form 12", "desk 4"))).unwrap();
    let kept = f.domain.consent(&id).unwrap().unwrap();
    assert_eq!(
        (kept.text.as_str(), kept.recorded_by.as_str(), kept.recorded_at_ms),
        ("form 12", "desk 4", Some(1_800_000_000_000))
    );
    // The consent on file holds for a new voiceprint, until the speaker opts out.
    f.domain.put_voiceprint(&id, enrolment(b"b").overwrite(true)).unwrap();
    f.domain.opt_out(&id).unwrap();
    assert!(f.domain.consent(&id).unwrap().is_none());
    f.domain.clear_opt_out(&id, Consent::new("form 13", "desk 5")).unwrap();
    f.domain.put_voiceprint(&id, enrolment(b"c")).unwrap();
    assert_eq!(f.domain.consent(&id).unwrap().unwrap().text, "form 13");
    // Deleting and starting again needs a consent again.
    f.domain.delete_speaker(&id).unwrap();
    assert!(f.domain.put_voiceprint(&id, enrolment(b"d")).is_err());
    for (text, by) in [("", "x"), ("x", ""), (&"é".repeat(4_097) as &str, "x"), ("x", &"é".repeat(257) as &str)] {
        let consent = Consent::new(text, by);
        assert!(matches!(
            f.domain.put_voiceprint(&id, enrolment(b"d").consent(consent)),
            Err(StoreError::Validation { .. })
        ));
    }
}

#[test]
fn sizes_have_limits() {
    let f = fixture();
    let (big, long) = (vec![1; 1 << 20], "x".repeat(64 << 10));
    assert!(f.domain.put_voiceprint(&speaker("a"), enrolment(&big).details(&long)).is_ok());
    assert_eq!(template_of(&f.domain, &speaker("a")).unwrap(), big);
    let (too_big, too_long) = (vec![1; (1 << 20) + 1], "x".repeat((64 << 10) + 1));
    for bad in [enrolment(b""), enrolment(&too_big), enrolment(b"x").details(&too_long)] {
        assert!(matches!(f.domain.put_voiceprint(&speaker("b"), bad), Err(StoreError::Validation { .. })));
    }
}

#[test]
fn pages_give_every_speaker_once_in_order() {
    let f = fixture();
    for i in 0..25 {
        f.domain.set_pending(&speaker(&format!("s{i}"))).unwrap();
        // Several in the same millisecond.
        f.clock.advance_ms(i % 3);
    }
    for size in [1, 7, 24, 25, 100] {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = f.domain.list_speakers(size, token.as_deref()).unwrap();
            assert!(page.items.len() <= size && (!page.items.is_empty() || seen.is_empty()));
            seen.extend(page.items);
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        let mut unique: Vec<_> = seen.iter().map(|s| s.customer_speaker_id.as_str()).collect();
        assert!(seen.is_sorted_by_key(|s| s.created_at));
        unique.sort_unstable();
        unique.dedup();
        assert_eq!((seen.len(), unique.len()), (25, 25), "page size {size}");
    }
    for size in [0, 101] {
        assert!(matches!(f.domain.list_speakers(size, None), Err(StoreError::Validation { .. })));
    }
    let token = f.domain.list_speakers(3, None).unwrap().next_token.unwrap();
    f.clock.advance_days(1);
    f.domain.list_speakers(3, Some(&token)).unwrap();
    f.clock.advance_ms(1);
    assert!(matches!(f.domain.list_speakers(3, Some(&token)), Err(StoreError::Validation { .. })));
}

#[test]
fn sweep_gives_every_enrolled_speaker_and_no_other() {
    let f = fixture();
    f.domain.put_voiceprint(&speaker("old"), enrolment(b"old")).unwrap();
    f.clock.advance_days(1_095);
    for i in 0..300 {
        f.domain.put_voiceprint(&speaker(&format!("s{i}")), enrolment(&numbered_template(i))).unwrap();
    }
    f.domain.set_pending(&speaker("pending")).unwrap();
    f.domain.opt_out(&speaker("s7")).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    f.domain
        .for_each_enrolled(|s, print| {
            let i: u64 = s.customer_speaker_id.as_str()[1..].parse().unwrap();
            assert_eq!(print.template(), numbered_template(i));
            assert!(seen.insert(i));
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, (0..300).filter(|i| *i != 7).collect());
}

#[test]
fn audit_tells_who_did_what_with_generated_ids_only() {
    let f = fixture();
    let as_desk = OpenOptions::default().clock(f.clock.clone()).actor("desk 4");
    let domain = Domain::open_with(&f.dir, as_desk).unwrap();
    let id = speaker("alice");
    let made = domain.put_voiceprint(&id, enrolment(b"a")).unwrap();
    domain.put_voiceprint(&id, enrolment(b"a").overwrite(true)).unwrap();
    let passphrase = Passphrase::generate().unwrap();
    let file = domain.export_voiceprint(&id, &passphrase).unwrap();
    domain.import_voiceprint(&file, &passphrase, None, true).unwrap();
    domain.opt_out(&id).unwrap();
    domain.clear_opt_out(&id, Consent::new("yes", "desk 4")).unwrap();
    domain.delete_speaker(&id).unwrap();
    domain.rekey().unwrap();
    domain.update(new_domain()).unwrap();
    assert!(domain.put_voiceprint(&speaker("bob"), enrolment(b"")).is_err());

    let entries = domain.audit(0).unwrap();
    use AuditAction::*;
    let want = [
        DomainCreated,
        SpeakerEnrolled,
        SpeakerReenrolled,
        VoiceprintExported,
        VoiceprintImported,
        SpeakerOptedOut,
        OptOutCleared,
        SpeakerDeleted,
        DomainRekeyed,
        DomainUpdated,
    ];
    assert_eq!(entries.iter().map(|e| e.action).collect::<Vec<_>>(), want);
    assert_eq!(entries.iter().map(|e| e.seq).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert!(entries[1..8].iter().all(|e| e.subject == made.generated_speaker_id.as_str() && e.actor == "desk 4"));
    assert_eq!(entries[0].actor, "local");
    assert_eq!(domain.verify_audit().unwrap(), 10);
    assert_eq!(domain.audit(8).unwrap().len(), 2);
    for actor in ["", "a\nb", &"x".repeat(257)] {
        let options = OpenOptions::default().actor(actor);
        assert!(matches!(Domain::open_with(&f.dir, options), Err(StoreError::Validation { .. })));
    }
}

#[test]
fn a_voiceprint_travels_in_a_file() {
    let from = fixture();
    let to = fixture_with(cli_store::NewDomain { consent_required: true, ..new_domain() });
    let id = speaker("alice-0441");
    let template = numbered_template(3);
    let consent = Consent::new("form 12 of Alice", "desk 4");
    from.domain.put_voiceprint(&id, enrolment(&template).details("{\"n\":3}").consent(consent)).unwrap();
    let passphrase = Passphrase::new("a passphrase for a test").unwrap();
    let file = from.domain.export_voiceprint(&id, &passphrase).unwrap();
    assert!(file.starts_with(b"VOUCH-VP\x01\x00"));
    for secret in [&template[..16], b"alice-0441", b"form 12"] {
        assert!(!file.windows(secret.len()).any(|w| w == secret));
    }
    let path = from.parent.path().join("alice.vp");
    cli_store::write_atomic_private(&path, &file).unwrap();
    let file = std::fs::read(&path).unwrap();

    // 100 days later, under its own id and under another one.
    to.clock.advance_days(100);
    let arrived = to.domain.import_voiceprint(&file, &passphrase, None, false).unwrap();
    assert_eq!(arrived.customer_speaker_id.as_str(), "alice-0441");
    assert_eq!(arrived.last_accessed_at.map(|t| t.0), Some(1_800_000_000_000), "the clock goes on");
    let renamed = "bob".parse().unwrap();
    to.domain.import_voiceprint(&file, &passphrase, Some(&renamed), false).unwrap();
    for name in ["alice-0441", "bob"] {
        match to.domain.voiceprint(&speaker(name)).unwrap() {
            Lookup::Enrolled(p) => {
                assert_eq!((p.template(), p.details(), p.model_id()), (&template[..], "{\"n\":3}", MODEL));
                assert_eq!(p.enrolled_at().0, 1_800_000_000_000);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(to.domain.consent(&speaker(name)).unwrap().unwrap().text, "form 12 of Alice");
    }

    let again = to.domain.import_voiceprint(&file, &passphrase, None, false).unwrap_err();
    assert_eq!(again.conflict_type(), Some(ConflictType::EnrollmentAlreadyExists));
    to.domain.import_voiceprint(&file, &passphrase, None, true).unwrap();
    to.domain.opt_out(&id).unwrap();
    let out = to.domain.import_voiceprint(&file, &passphrase, None, true).unwrap_err();
    assert_eq!(out.conflict_type(), Some(ConflictType::SpeakerOptedOut));
    let wrong = Passphrase::new("a passphrase for a tesT").unwrap();
    let count = to.domain.verify_audit().unwrap();
    assert!(matches!(
        to.domain.import_voiceprint(&file, &wrong, Some(&"carol".parse().unwrap()), false),
        Err(StoreError::VoiceprintFile { .. })
    ));
    assert_eq!(to.domain.verify_audit().unwrap(), count);
    to.clock.advance_days(995);
    let late = to.domain.import_voiceprint(&file, &passphrase, Some(&"dave".parse().unwrap()), false);
    assert!(matches!(late, Err(StoreError::Validation { .. })), "{late:?}");
}

#[test]
fn a_domain_is_described_changed_listed_and_deleted() {
    let f = fixture_with(cli_store::NewDomain { description: Some("für die Bank".parse().unwrap()), ..new_domain() });
    let info = f.domain.describe().unwrap();
    assert_eq!(info.description.as_ref().unwrap().as_str(), "für die Bank");
    assert_eq!((info.expiry_days, info.consent_required, info.active), (1_095, false, true));
    let lists = raw_rows(&f.dir, "SELECT watchlist_id FROM watchlists WHERE is_default = 1");
    assert_eq!(lists.len(), 1);
    assert_eq!(sqlx::Row::get::<String, _>(&lists[0], 0), info.default_watchlist_id.as_str());
    f.clock.advance_days(1);
    let changed = f.domain.update(cli_store::NewDomain { consent_required: true, ..new_domain() }).unwrap();
    assert_eq!((&changed.description, changed.consent_required), (&None, true));
    assert_eq!(changed.updated_at.0 - changed.created_at.0, DAY_MS);

    let parent = f.parent.path();
    Domain::create(&parent.join("b"), new_domain()).unwrap();
    std::fs::create_dir(parent.join("no-domain")).unwrap();
    std::fs::create_dir(parent.join("broken")).unwrap();
    std::fs::write(parent.join("broken/domain.sqlite"), b"nothing").unwrap();
    let listed = Domain::list(parent).unwrap();
    let seen: Vec<_> = listed.iter().map(|d| (d.dir.file_name().unwrap().to_str().unwrap(), d.info.is_ok())).collect();
    assert_eq!(seen, [("b", true), ("broken", false), ("test.domain", true)]);

    // A file that is not the domain's stops the deletion before it begins.
    std::fs::write(f.dir.join("notes.txt"), b"mine").unwrap();
    assert!(matches!(Domain::delete(&f.dir), Err(StoreError::NotADomain { .. })));
    f.domain.describe_speaker(&speaker("nobody")).unwrap_err();
    f.domain.set_pending(&speaker("a")).unwrap();
    std::fs::remove_file(f.dir.join("notes.txt")).unwrap();
    Domain::delete(&f.dir).unwrap();
    assert_eq!(names(parent), ["b", "broken", "no-domain"]);
    assert_eq!(Domain::open(&f.dir).unwrap_err().resource_type(), Some(ResourceType::Domain));
    // Who still has it open is told.
    let late = f.domain.set_pending(&speaker("b")).unwrap_err();
    assert!(
        late.conflict_type() == Some(ConflictType::DomainNotActive) || matches!(late, StoreError::Io { .. }),
        "{late:?}"
    );
}

#[test]
fn a_key_may_live_elsewhere() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, key) = (parent.path().join("d"), parent.path().join("safe.key"));
    let options = OpenOptions::default().key_path(&key);
    let domain = Domain::create_with(&dir, new_domain(), options.clone()).unwrap();
    domain.put_voiceprint(&speaker("a"), enrolment(b"a")).unwrap();
    domain.rekey().unwrap();
    drop(domain);
    assert_eq!(names(parent.path()), ["d", "safe.key"]);
    assert_eq!(names(&dir), ["domain.lock", "domain.sqlite"]);
    assert!(matches!(Domain::open(&dir), Err(StoreError::Key { .. })));
    assert_eq!(template_of(&Domain::open_with(&dir, options.clone()).unwrap(), &speaker("a")).unwrap(), b"a");
    let twice = Domain::create_with(&parent.path().join("e"), new_domain(), options);
    assert!(matches!(twice, Err(StoreError::Exists { .. })));
    assert_eq!(names(parent.path()), ["d", "safe.key"]);
}

#[test]
fn threads_share_a_domain() {
    let f = fixture();
    std::thread::scope(|scope| {
        for t in 0..4 {
            let domain = &f.domain;
            scope.spawn(move || {
                for i in 0..10 {
                    let id = speaker(&format!("t{t}-{i}"));
                    domain.put_voiceprint(&id, enrolment(&numbered_template(t * 100 + i))).unwrap();
                    assert_eq!(template_of(domain, &id).unwrap(), numbered_template(t * 100 + i));
                }
            });
        }
    });
    assert_eq!(f.domain.count_speakers().unwrap(), 40);
    f.domain.verify_audit().unwrap();
}

#[test]
fn e9_an_unknown_id_may_opt_out_and_must_be_deleted_to_enrol() {
    let f = fixture();
    let id = speaker("stranger");
    assert_eq!(f.domain.opt_out(&id).unwrap().status, SpeakerStatus::OptedOut);
    let refused = f.domain.put_voiceprint(&id, enrolment(b"print")).unwrap_err();
    assert_eq!(refused.conflict_type(), Some(ConflictType::SpeakerOptedOut));
    f.domain.delete_speaker(&id).unwrap();
    assert_eq!(f.domain.put_voiceprint(&id, enrolment(b"print")).unwrap().status, SpeakerStatus::Enrolled);
}

#[test]
fn a_domain_of_the_first_schema_is_brought_up_with_what_it_holds() {
    let f = fixture();
    let id = speaker("a");
    f.domain.put_voiceprint(&id, enrolment(b"print")).unwrap();
    let dir = f.dir.clone();
    drop(f.domain);
    for sql in [
        "DROP TABLE outbox_heads",
        "DROP TABLE outbox",
        "DROP TABLE audit_heads",
        "ALTER TABLE audit DROP COLUMN note",
        "DROP TABLE words_original",
        "DROP TABLE words_redacted",
        "DROP TABLE contact_files",
        "DROP TABLE contact_categories",
        "DROP TABLE contact_records",
        "DROP TABLE contacts",
        "DROP TABLE documents",
        "DROP TABLE session_audio",
        "DROP TABLE job_items",
        "DROP TABLE jobs",
        "DROP TABLE watchlist_members",
        "DROP TABLE fraudsters",
        "ALTER TABLE domains DROP COLUMN max_watchlists",
        "ALTER TABLE domains DROP COLUMN max_fraudsters",
        "DELETE FROM _sqlx_migrations WHERE version > 1",
    ] {
        raw_run(&dir, sql);
    }
    let domain = Domain::open(&dir).unwrap();
    assert_eq!(template_of(&domain, &id).as_deref(), Some(b"print".as_slice()));
    assert!(domain.list_jobs().unwrap().is_empty());
    let info = domain.describe().unwrap();
    assert_eq!((info.max_watchlists, info.max_fraudsters), (3, 500));
    let lists = domain.list_watchlists().unwrap();
    assert_eq!((lists.len(), lists[0].default_watchlist), (1, true));
}

#[test]
fn an_item_is_done_once_and_its_traces_go_when_the_job_ends() {
    let f = fixture();
    let items = [b"one".to_vec(), b"two".to_vec()];
    let new = NewJob {
        kind: JobKind::SpeakerEnrollment,
        client_token: None,
        fingerprint: [1; 32],
        request: b"request",
        items: Ok(&items),
    };
    let id = f.domain.submit_job(&new).unwrap().job_id;
    assert_eq!(f.domain.begin_job(&id).unwrap().status, JobStatus::InProgress);
    let good = ItemOutcome { succeeded: true, result: b"good".to_vec() };
    let bad = ItemOutcome { succeeded: false, result: b"bad".to_vec() };
    let who = speaker("a");
    let put = |template| {
        f.domain.finish_item_with_voiceprint(&id, 0, &who, enrolment(template).overwrite(true), |_, _| good.clone())
    };
    assert!(put(b"first").unwrap());
    assert!(!put(b"second").unwrap() && !f.domain.finish_item(&id, 0, &bad).unwrap());
    assert_eq!(template_of(&f.domain, &who).as_deref(), Some(b"first".as_slice()));
    assert_eq!(f.domain.describe_job(&id).unwrap().percent_complete(), 50);
    assert!(f.domain.complete_job(&id).is_err());

    // An enrolment that is refused leaves the item open.
    f.domain.opt_out(&speaker("gone")).unwrap();
    let refused = f.domain.finish_item_with_voiceprint(&id, 1, &speaker("gone"), enrolment(b"x"), |_, _| good.clone());
    assert_eq!(refused.unwrap_err().conflict_type(), Some(cli_store::ConflictType::SpeakerOptedOut));
    assert!(f.domain.finish_item(&id, 1, &bad).unwrap());
    let outcomes: Vec<_> = f.domain.job_items(&id).unwrap().into_iter().map(|i| i.outcome.unwrap()).collect();
    assert_eq!(outcomes, [good.clone(), bad]);
    assert_eq!(f.domain.complete_job(&id).unwrap().status, JobStatus::CompletedWithErrors);
    assert!(f.domain.job_items(&id).unwrap().is_empty());
}
