//! One open domain that serves many: who asks is found out with each request.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on should stop")]

mod common;

use cli_store::{Credential, Domain, OpenOptions, SharedDomain, StoreError, Timestamp};
use common::*;

fn shared(f: &Fixture) -> SharedDomain {
    SharedDomain::open(&f.dir, OpenOptions::default().clock(f.clock.clone()).actor("desk service")).unwrap()
}

fn refusals(domain: &Domain) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page = domain.audit(after).unwrap();
        let Some(last) = page.last() else { return all };
        after = last.seq;
        let denied = page.into_iter().filter(|e| e.action.to_string() == "ACCESS_DENIED");
        all.extend(denied.map(|e| (e.actor, e.subject, e.note.unwrap_or_default())));
    }
}

#[test]
fn one_opening_serves_everybody_by_their_own_rights() {
    let f = fixture();
    f.domain.put_voiceprint(&speaker("a"), enrolment(b"print")).unwrap();
    for (user, role) in [("agent", "Agent"), ("manager", "CallCenterManager"), ("admin", "Admin")] {
        f.domain.create_user(user, &[role.to_owned()], None).unwrap();
    }
    let shared = shared(&f);
    let manager = f.domain.issue_token("manager").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let agent = shared.actor(Credential::User("agent")).unwrap();
                    let denied = shared.acting_as(&agent).unwrap().list_speakers(1, None);
                    assert!(matches!(denied, Err(StoreError::Denied { .. })));
                    let manager = shared.actor(Credential::Token(&manager)).unwrap();
                    let desk = shared.acting_as(&manager).unwrap();
                    assert_eq!(desk.list_speakers(1, None).unwrap().items.len(), 1);
                    assert!(matches!(desk.rekey(), Err(StoreError::Denied { .. })));
                    let owner = shared.acting_as(&shared.actor(Credential::Owner).unwrap()).unwrap();
                    assert!(owner.grants().unwrap().owner);
                }
            });
        }
    });
    // Each stands in the audit under the own name.
    let desk = shared.acting_as(&shared.actor(Credential::User("manager")).unwrap()).unwrap();
    desk.put_voiceprint(&speaker("b"), enrolment(b"print")).unwrap();
    shared
        .acting_as(&shared.actor(Credential::Owner).unwrap())
        .unwrap()
        .put_voiceprint(&speaker("c"), enrolment(b"print"))
        .unwrap();
    let told = refusals(&f.domain);
    assert_eq!(told.iter().filter(|r| r.0 == "agent").count(), 60);
    assert_eq!(told.iter().filter(|r| r.0 == "manager").count(), 60);
    let names: Vec<String> = raw_rows(&f.dir, "SELECT actor FROM audit WHERE action = 'SPEAKER_ENROLLED' ORDER BY seq")
        .iter()
        .map(|r| sqlx::Row::get(r, 0))
        .collect();
    assert_eq!(names, ["local", "manager", "desk service"]);

    // A right that is taken away is gone with the next call, though the actor was found out before.
    f.domain.update_user("manager", &[], None).unwrap();
    assert!(matches!(desk.list_speakers(1, None), Err(StoreError::Denied { .. })));
    f.domain.delete_user("manager").unwrap();
    assert!(matches!(desk.list_speakers(1, None), Err(StoreError::Denied { .. })));
}

#[test]
fn what_opens_nothing_is_told_apart_in_the_audit_only() {
    let f = fixture();
    for user in ["a", "b", "c", "d", "e"] {
        f.domain.create_user(user, &["Agent".into()], None).unwrap();
    }
    let until = Timestamp(f.clock_now() + 1_000);
    let issue = |user: &str| f.domain.issue_token(user).unwrap().to_string();
    let (replaced, revoked, deleted, good) = (issue("a"), issue("b"), issue("c"), issue("d"));
    let expiring = f.domain.issue_token_until("e", until).unwrap().to_string();
    assert!(matches!(f.domain.issue_token_until("e", until.min(Timestamp(5))), Err(StoreError::Validation { .. })));
    let shared = shared(&f);
    let open = |token: &str| shared.actor(Credential::Token(token));
    for token in [&replaced, &revoked, &deleted, &good, &expiring] {
        assert!(token.len() == 70 && open(token).is_ok(), "256 bits as 64 digits: {}", token.len());
        assert!(open(&format!(" {token}\n")).is_ok(), "as it comes from a file");
    }
    issue("a");
    f.domain.revoke_token("b").unwrap();
    f.domain.revoke_token("b").unwrap();
    f.domain.delete_user("c").unwrap();
    f.clock.advance_ms(1_000);
    let mut unknown = good.clone();
    let last = unknown.pop().unwrap();
    unknown.push(if last == '0' { '1' } else { '0' });
    let before = refusals(&f.domain).len();
    let bad = [&replaced, &revoked, &deleted, &expiring, &unknown, &String::new(), &good[..69].to_owned()];
    let answers: std::collections::BTreeSet<String> =
        bad.iter().map(|token| open(token).unwrap_err().to_string()).collect();
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), ["not allowed: the token opens nothing"]);
    let told = refusals(&f.domain);
    assert_eq!(told.len() - before, bad.len(), "each leaves a line");
    assert!(told.iter().all(|(actor, subject, _)| actor == "desk service" && subject == "token"), "{told:?}");
    assert!(told.iter().any(|r| r.2 == "a token of e whose time is over"), "{told:?}");
    assert!(told.iter().all(|r| bad.iter().all(|t| t.len() < 60 || !r.2.contains(&t[6..]))), "no token in the audit");
    assert!(open(&good).is_ok());
    assert_eq!(f.domain.users().unwrap().iter().map(|u| u.has_token).collect::<Vec<_>>(), [true, false, true, true]);

    // Nothing of a token lies in the database, and an old row that is put back opens nothing.
    let bytes = files(&f.dir);
    assert!(bytes.iter().all(|(_, b)| !b.windows(64).any(|w| w == &good.as_bytes()[6..])));
    raw_run(&f.dir, "CREATE TABLE copy AS SELECT * FROM documents WHERE kind = 'TOKEN'");
    f.domain.revoke_token("d").unwrap();
    raw_run(&f.dir, "INSERT INTO documents SELECT * FROM copy WHERE name NOT IN (SELECT name FROM documents)");
    assert!(matches!(open(&good), Err(StoreError::Denied { .. })));
}

#[test]
fn an_actor_belongs_to_one_domain_and_says_nothing_of_itself() {
    let (f, g) = (fixture(), fixture());
    for d in [&f.domain, &g.domain] {
        d.create_user("alice-smith", &["Admin".into()], None).unwrap();
    }
    let alice = shared(&f).actor(Credential::User("alice-smith")).unwrap();
    assert!(matches!(shared(&g).acting_as(&alice), Err(StoreError::Denied { .. })));
    let token = f.domain.issue_token("alice-smith").unwrap();
    assert!(matches!(shared(&g).actor(Credential::Token(&token)), Err(StoreError::Denied { .. })));
    let desk = shared(&f).acting_as(&alice).unwrap();
    let shown = format!("{alice:?} {desk:?} {:?} {:?}", Credential::User("alice-smith"), Credential::Token(&token));
    assert!(!shown.contains("alice") && !shown.contains(&token[6..]), "{shown}");
    for options in [OpenOptions::default().user("alice-smith"), OpenOptions::default().token(token.as_str())] {
        let refused = SharedDomain::open(&f.dir, options);
        assert!(matches!(refused, Err(StoreError::Validation { .. })), "a request's name is not a domain's");
    }
}
