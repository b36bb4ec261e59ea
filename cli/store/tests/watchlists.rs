//! Watch lists and fraudsters, as SPEC 1.8 has them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use cli_store::{
    ConflictType, Domain, FraudsterId, ModelId, Registration, ResourceType, StoreError, WatchlistId, WatchlistName,
};
use common::*;

const MODEL: ModelId = ModelId([7; 16]);

fn register(domain: &Domain, template: &[u8], list: Option<&WatchlistId>) -> Result<FraudsterId, StoreError> {
    let registration = Registration { model_id: MODEL, template, watchlist: list };
    domain.register_fraudster(registration).map(|f| f.generated_fraudster_id)
}

fn name(text: &str) -> WatchlistName {
    text.parse().unwrap()
}

fn templates(domain: &Domain, list: Option<&WatchlistId>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let visit = |_, model: ModelId, template: zeroize::Zeroizing<Vec<u8>>| {
        assert_eq!(model, MODEL);
        found.push(template.to_vec());
        Ok(())
    };
    domain.for_each_fraudster(list, visit).unwrap();
    found.sort();
    found
}

#[test]
fn e13_the_default_list_and_the_last_list_of_a_fraudster_are_kept() {
    let f = fixture();
    let domain = &f.domain;
    let default = domain.describe().unwrap().default_watchlist_id;
    let refused =
        [domain.update_watchlist(&default, Some(&name("other")), None).map(drop), domain.delete_watchlist(&default)];
    for error in refused.map(Result::unwrap_err) {
        assert_eq!(error.exception(), "ValidationException", "{error}");
    }
    let fraudster = register(domain, b"print", None).unwrap();
    let alone = domain.disassociate_fraudster(&fraudster, &default).unwrap_err();
    assert_eq!(alone.conflict_type(), Some(ConflictType::FraudsterMustBelongToAtLeastOneWatchlist));
    let own = domain.create_watchlist(&name("own"), None).unwrap().watchlist_id;
    // Lists come in the order in which they were joined, which one millisecond does not tell.
    f.clock.advance_ms(1);
    assert_eq!(domain.associate_fraudster(&fraudster, &own).unwrap().watchlist_ids, [default.clone(), own.clone()]);
    let full = domain.delete_watchlist(&own).unwrap_err();
    assert_eq!(full.conflict_type(), Some(ConflictType::CannotDeleteNonEmptyWatchlist));
    assert_eq!(domain.disassociate_fraudster(&fraudster, &default).unwrap().watchlist_ids, std::slice::from_ref(&own));
    let gone = domain.disassociate_fraudster(&fraudster, &default).unwrap_err();
    assert_eq!(gone.resource_type(), Some(ResourceType::Fraudster), "not on that list");
    domain.delete_fraudster(&fraudster).unwrap();
    domain.delete_watchlist(&own).unwrap();
    assert_eq!(domain.list_watchlists().unwrap().len(), 1);
    domain.verify_audit().unwrap();
}

#[test]
fn members_are_those_of_their_list_and_of_no_other() {
    let f = fixture();
    let domain = &f.domain;
    let own = domain.create_watchlist(&name("own"), Some(&"what for".parse().unwrap())).unwrap().watchlist_id;
    let both = register(domain, b"both", None).unwrap();
    domain.associate_fraudster(&both, &own).unwrap();
    domain.associate_fraudster(&both, &own).unwrap();
    register(domain, b"default only", None).unwrap();
    register(domain, b"own only", Some(&own)).unwrap();
    assert_eq!(templates(domain, Some(&own)), [b"both".to_vec(), b"own only".to_vec()]);
    assert_eq!(templates(domain, None).len(), 3);
    assert_eq!(domain.describe_watchlist(&own).unwrap().fraudsters, 2);
    let renamed = domain.update_watchlist(&own, Some(&name("renamed")), None).unwrap();
    assert_eq!(renamed.description.unwrap().as_str(), "what for");
    domain.delete_fraudster(&both).unwrap();
    assert_eq!(templates(domain, Some(&own)), [b"own only".to_vec()]);
    assert_eq!(domain.describe_fraudster(&both).unwrap_err().resource_type(), Some(ResourceType::Fraudster));
    let sealed = files(&f.dir);
    assert!(!sealed.iter().any(|(_, bytes)| bytes.windows(8).any(|w| w == b"own only")), "a template lies open");

    let unknown: WatchlistId = WatchlistId::random().unwrap();
    for error in [
        register(domain, b"x", Some(&unknown)).map(drop),
        domain.associate_fraudster(&both, &unknown).map(drop),
        domain.list_fraudsters(Some(&unknown), 10, None).map(drop),
        domain.for_each_fraudster(Some(&unknown), |_, _, _| Ok(())),
    ] {
        assert_eq!(error.unwrap_err().resource_type(), Some(ResourceType::Watchlist));
    }
}

#[test]
fn limits_hold_and_pages_lead_through_all() {
    let mut new = new_domain();
    (new.max_watchlists, new.max_fraudsters) = (2, 7);
    let f = fixture_with(new);
    let domain = &f.domain;
    let own = domain.create_watchlist(&name("own"), None).unwrap().watchlist_id;
    let error = domain.create_watchlist(&name("third"), None).unwrap_err();
    assert_eq!(error.exception(), "ServiceQuotaExceededException");
    for n in 0..7 {
        register(domain, &numbered_template(n), None).unwrap();
    }
    let full = register(domain, b"eighth", None).unwrap_err();
    assert_eq!(full.exception(), "ServiceQuotaExceededException");
    assert_eq!(templates(domain, None).len(), 7, "nothing of it was kept");
    register(domain, b"eighth", Some(&own)).unwrap();
    let (mut token, mut seen) = (None, Vec::new());
    loop {
        let page = domain.list_fraudsters(None, 3, token.as_deref()).unwrap();
        seen.extend(page.items.into_iter().map(|i| i.generated_fraudster_id));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 8);
    assert_eq!(domain.list_fraudsters(Some(&own), 3, None).unwrap().items.len(), 1);
    assert!(domain.list_fraudsters(None, 101, None).is_err());
    assert!(domain.list_fraudsters(None, 1, Some("nonsense")).is_err());
}
