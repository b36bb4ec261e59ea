//! Events: written with the change that they tell of, for everybody who is told, once each.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on should stop")]

mod common;

use cli_store::{
    Domain, EVENT_DAYS, EnrolmentSource, Event, ItemOutcome, JobKind, MAX_EVENTS, NewJob, OpenOptions, Passphrase,
    Permission, Registration, StoreError, StoredEvent,
};
use common::*;

fn journalled(f: &Fixture) -> Domain {
    Domain::open_with(&f.dir, OpenOptions::default().clock(f.clock.clone()).journal("journal")).unwrap()
}

fn all(domain: &Domain, consumer: &str) -> Vec<StoredEvent> {
    domain.outbox(consumer).unwrap().take(1_000).unwrap()
}

#[test]
fn each_way_to_change_a_voiceprint_tells_the_same() {
    let f = fixture();
    let domain = journalled(&f);
    let a = domain.put_voiceprint(&speaker("a"), enrolment(b"print")).unwrap().generated_speaker_id;
    let session = cli_store::SessionId::random().unwrap();
    let source = EnrolmentSource::Session(session);
    domain.put_voiceprint(&speaker("a"), enrolment(b"other").overwrite(true).source(source.clone())).unwrap();
    let items = [b"one".to_vec()];
    let kind = JobKind::SpeakerEnrollment;
    let new = NewJob { kind, client_token: None, fingerprint: [1; 32], request: b"r", items: Ok(&items) };
    let job = domain.submit_job(&new).unwrap().job_id;
    domain.begin_job(&job).unwrap();
    let done = |_: &cli_store::Speaker, _| ItemOutcome { succeeded: true, result: Vec::new() };
    domain.finish_item_with_voiceprint(&job, 0, &speaker("b"), enrolment(b"print"), done).unwrap();
    // The second time the item is done already, and nothing is told.
    domain.finish_item_with_voiceprint(&job, 0, &speaker("b"), enrolment(b"print"), done).unwrap();
    let b = domain.describe_speaker(&speaker("b")).unwrap().generated_speaker_id;
    let passphrase = Passphrase::new("correct horse battery staple").unwrap();
    let file = domain.export_voiceprint(&speaker("b"), &passphrase).unwrap();
    let c = domain.import_voiceprint(&file, &passphrase, Some(&"c".parse().unwrap()), false).unwrap();
    let refused = domain.put_voiceprint(&speaker("a"), enrolment(b"third"));
    assert!(matches!(refused, Err(StoreError::Conflict { .. })));
    let registration = Registration { model_id: MODEL, template: b"print", watchlist: None };
    let fraudster = domain.register_fraudster(registration).unwrap();
    domain.delete_fraudster(&fraudster.generated_fraudster_id).unwrap();
    domain.opt_out(&speaker("a")).unwrap();
    domain.opt_out(&speaker("a")).unwrap();
    domain.delete_speaker(&speaker("b")).unwrap();

    let told = all(&domain, "journal");
    let events: Vec<Event> = told.iter().map(|e| e.event.clone()).collect();
    let enrolled =
        |speaker: &cli_store::GeneratedSpeakerId, source| Event::SpeakerEnrolled { speaker: speaker.clone(), source };
    let watchlists = fraudster.watchlist_ids.clone();
    let id = fraudster.generated_fraudster_id;
    assert_eq!(
        events,
        [
            enrolled(&a, EnrolmentSource::Recordings),
            enrolled(&a, source),
            enrolled(&b, EnrolmentSource::Batch(job)),
            enrolled(&c.generated_speaker_id, EnrolmentSource::VoiceprintFile),
            Event::FraudsterRegistered { fraudster: id.clone(), watchlists: watchlists.clone() },
            Event::FraudsterDeleted { fraudster: id, watchlists },
            Event::SpeakerOptedOut { speaker: a },
            Event::SpeakerDeleted { speaker: b },
        ]
    );
    assert_eq!(told.iter().map(|e| e.seq).collect::<Vec<_>>(), (1..=8).collect::<Vec<u64>>());
    let ids: std::collections::BTreeSet<&str> =
        told.iter().flat_map(|e| [e.id.as_str(), e.source_id.as_str()]).collect();
    assert_eq!(ids.len(), 16, "ids tell events apart");
    assert!(told.iter().all(|e| e.at.0 == 1_800_000_000_000));
}

#[test]
fn what_is_taken_is_held_for_a_minute_and_comes_again_until_it_is_acknowledged() {
    let f = fixture();
    let domain = journalled(&f);
    for n in 0..5 {
        domain.set_pending(&speaker(&format!("s{n}"))).unwrap();
        domain.put_voiceprint(&speaker(&format!("s{n}")), enrolment(b"print")).unwrap();
    }
    let outbox = domain.outbox("journal").unwrap();
    let seqs = |events: &[StoredEvent]| events.iter().map(|e| e.seq).collect::<Vec<_>>();
    let first = outbox.take(2).unwrap();
    assert_eq!(seqs(&first), [1, 2]);
    // Another process gets the others.
    let other = journalled(&f);
    assert_eq!(seqs(&all(&other, "journal")), [3, 4, 5]);
    assert!(outbox.take(10).unwrap().is_empty());
    outbox.acknowledge(&[2, 3, 77]).unwrap();
    f.clock.advance_ms(59_999);
    assert!(outbox.take(10).unwrap().is_empty());
    f.clock.advance_ms(1);
    let again = outbox.take(10).unwrap();
    assert_eq!(seqs(&again), [1, 4, 5]);
    assert_eq!((&again[0].id, &again[0].event), (&first[0].id, &first[0].event), "it is the same event");
    outbox.acknowledge(&[1, 4, 5]).unwrap();
    f.clock.advance_days(1);
    assert!(outbox.take(10).unwrap().is_empty());
    // A number is never given twice.
    domain.put_voiceprint(&speaker("s9"), enrolment(b"print")).unwrap();
    assert_eq!(seqs(&outbox.take(1).unwrap()), [6]);
    for n in [0, 1_001] {
        assert!(matches!(outbox.take(n), Err(StoreError::Validation { .. })), "{n}");
    }
}

#[test]
fn each_consumer_has_its_own_and_nobody_means_nothing_is_kept() {
    let f = fixture();
    f.domain.put_voiceprint(&speaker("a"), enrolment(b"print")).unwrap();
    assert!(raw_rows(&f.dir, "SELECT 1 FROM outbox").is_empty(), "nobody is told");
    f.domain.set_event_consumers(&["webhooks".into(), "stream".into(), "stream".into()]).unwrap();
    assert_eq!(f.domain.event_consumers().unwrap(), ["stream", "webhooks"]);
    journalled(&f).put_voiceprint(&speaker("b"), enrolment(b"print")).unwrap();
    for consumer in ["webhooks", "stream", "journal"] {
        let told = all(&f.domain, consumer);
        assert_eq!(told.len(), 1, "{consumer}");
        f.domain.outbox(consumer).unwrap().acknowledge(&[told[0].seq]).unwrap();
        assert_eq!(raw_rows(&f.dir, &format!("SELECT 1 FROM outbox WHERE consumer = '{consumer}'")).len(), 0);
    }
    f.domain.delete_speaker(&speaker("b")).unwrap();
    f.domain.set_event_consumers(&["webhooks".into()]).unwrap();
    assert!(all(&f.domain, "stream").is_empty(), "what is kept for somebody goes with them");
    assert_eq!(all(&f.domain, "webhooks").len(), 1);
    let many: Vec<String> = (0..17).map(|n| format!("c{n}")).collect();
    for bad in [&many[..], &["a b".to_owned()], &[String::new()]] {
        assert!(matches!(f.domain.set_event_consumers(bad), Err(StoreError::Validation { .. })), "{bad:?}");
    }
}

#[test]
fn old_events_are_given_up_and_counted() {
    let f = fixture();
    let domain = journalled(&f);
    domain.put_voiceprint(&speaker("a"), enrolment(b"print")).unwrap();
    f.clock.advance_days(EVENT_DAYS);
    domain.put_voiceprint(&speaker("b"), enrolment(b"print")).unwrap();
    let outbox = domain.outbox("journal").unwrap();
    assert_eq!(outbox.given_up().unwrap(), 1);
    // As if as many had been told as are kept: the oldest makes room.
    raw_run(&f.dir, &format!("UPDATE outbox_heads SET seq = {}", MAX_EVENTS + 1));
    domain.put_voiceprint(&speaker("c"), enrolment(b"print")).unwrap();
    assert_eq!(outbox.given_up().unwrap(), 2);
    assert_eq!(outbox.take(10).unwrap().iter().map(|e| e.seq).collect::<Vec<_>>(), [MAX_EVENTS + 2]);
}

#[test]
fn events_are_sealed_and_bound_to_their_place() {
    let f = fixture();
    let domain = journalled(&f);
    let a = domain.put_voiceprint(&speaker("a"), enrolment(b"print")).unwrap();
    domain.put_voiceprint(&speaker("b"), enrolment(b"print")).unwrap();
    let sealed: Vec<Vec<u8>> =
        raw_rows(&f.dir, "SELECT sealed FROM outbox ORDER BY seq").iter().map(|r| sqlx::Row::get(r, 0)).collect();
    let id = a.generated_speaker_id.as_str().as_bytes();
    assert!(sealed.iter().all(|s| !s.windows(id.len()).any(|w| w == id)));
    raw_run(&f.dir, "UPDATE outbox SET sealed = (SELECT sealed FROM outbox WHERE seq = 1) WHERE seq = 2");
    let got = domain.outbox("journal").unwrap().take(10);
    assert!(matches!(got, Err(StoreError::Corrupt { .. })), "{got:?}");
    // Nor can anybody take events who has nothing to do with voiceprints.
    f.domain.put_role("reader", &[Permission::ContactSearch]).unwrap();
    f.domain.create_user("reader", &["reader".into()], None).unwrap();
    let options = OpenOptions::default().clock(f.clock.clone()).user("reader");
    let reader = Domain::open_with(&f.dir, options).unwrap();
    assert!(matches!(reader.outbox("journal"), Err(StoreError::Denied { .. })));
}
