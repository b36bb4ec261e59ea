use super::lint::lint;
use super::*;

fn grants(permissions: &[Permission]) -> Grants {
    let role = Role { name: "r".into(), permissions: permissions.iter().copied().collect(), built_in: false };
    Grants::of("u", None, &[role])
}

/// SPEC appendix E 16.
#[test]
fn e16_the_six_rows_for_recordings_and_transcripts_and_no_download_without_access() {
    use Variant::{Redacted, Unredacted};
    let rows = [
        (false, false, None, None),
        (true, false, Some(Redacted), None),
        (false, true, Some(Unredacted), Some(Unredacted)),
        (true, true, Some(Redacted), Some(Unredacted)),
    ];
    for media in Media::ALL {
        let other = if media == Media::Recording { Media::Transcript } else { Media::Recording };
        for (redacted, unredacted, with_copy, without) in rows {
            for (copy, want) in [(true, with_copy), (false, without)] {
                let mut held = vec![Permission::ContactSearch];
                held.extend(redacted.then_some(media.permissions(Redacted).0));
                held.extend(unredacted.then_some(media.permissions(Unredacted).0));
                // The other kind has the other answer to whether there is a copy, and no part in this.
                let scope = Scope {
                    redacted_recording: copy == (media == Media::Recording),
                    redacted_transcript: copy == (media == Media::Transcript),
                    ..Scope::default()
                };
                let got = authorize(&grants(&held), Action::Show(media), &scope);
                assert_eq!(got.clone().ok().and_then(|a| a.variant), want, "{media:?} {redacted} {unredacted} {copy}");
                assert!(authorize(&grants(&held), Action::Show(other), &scope).is_err());

                // To take it away is a right of its own, which gives nothing without access, whichever is held.
                assert!(authorize(&grants(&held), Action::Download(media), &scope).is_err());
                for variant in [Redacted, Unredacted] {
                    let more = [&held[..], &[media.permissions(variant).1]].concat();
                    let got = authorize(&grants(&more), Action::Download(media), &scope);
                    assert_eq!(
                        got.is_ok(),
                        want == Some(variant),
                        "{media:?} {redacted} {unredacted} {copy} {variant:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn names_are_the_published_ones_and_those_of_old_expand() {
    let names: BTreeSet<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
    assert_eq!(names.len(), Permission::ALL.len());
    for name in names {
        assert_eq!(Permission::expand(name).unwrap(), [name.parse().unwrap()], "{name}");
    }
    for (old, now) in Permission::legacy() {
        assert_eq!(Permission::expand(old).unwrap(), now);
    }
    let heard = Permission::expand("ListenCallRecordings").unwrap();
    assert!(heard.contains(&Permission::RecordingUnredacted) && heard.contains(&Permission::TranscriptUnredacted));
    assert!(Permission::expand("RedactedData").is_err() && "RedactedData.View".parse::<Permission>().is_err());
}

#[test]
fn hierarchy_holds_its_own_group_and_those_below() {
    let uk: HierarchyGroup = "EMEA/UK".parse().unwrap();
    let scope = |group: &str| Scope { hierarchy: group.parse().unwrap_or_default(), ..Scope::default() };
    let restricted = |group: Option<HierarchyGroup>| {
        let mut g = grants(&[Permission::ContactSearch, Permission::RestrictByHierarchy]);
        g.hierarchy = group;
        g
    };
    let sees = |g: &Grants, group: &str| authorize(g, Action::See, &scope(group)).is_ok();
    let own = restricted(Some(uk));
    assert!(sees(&own, "EMEA/UK") && sees(&own, "EMEA/UK/London/Desk 1/Night"));
    assert!(!sees(&own, "EMEA") && !sees(&own, "EMEA/UKRAINE") && !sees(&own, "APAC/UK") && !sees(&own, ""));
    assert!(!sees(&restricted(None), "EMEA"), "a restriction without a group shows nothing");
    assert!("a/b/c/d/e/f".parse::<HierarchyGroup>().is_err() && "a//b".parse::<HierarchyGroup>().is_err());
    let group: HierarchyGroup = "EMEA/UK".parse().unwrap();
    assert_eq!(HierarchyGroup::from_text(&group.text()), group);
    let sibling: HierarchyGroup = "EMEA/UKRAINE".parse().unwrap();
    assert!(!sibling.text().starts_with(&group.text()));
}

#[test]
fn an_agent_sees_own_contacts_only() {
    let mine = Scope { agent: Some("u".into()), ..Scope::default() };
    let another = Scope { agent: Some("v".into()), ..Scope::default() };
    let agent = grants(&[Permission::MyContacts]);
    assert!(authorize(&agent, Action::See, &mine).is_ok());
    assert!(
        authorize(&agent, Action::See, &another).is_err() && authorize(&agent, Action::See, &Scope::default()).is_err()
    );
    assert!(authorize(&agent, Action::Delete, &mine).is_err());
}

#[test]
fn an_elevation_opens_the_original_and_two_persons_close_it_again() {
    let scope = Scope { redacted_transcript: true, ..Scope::default() };
    let (redacted, unredacted) = (Permission::TranscriptRedacted, Permission::TranscriptUnredacted);
    let shown = |g: &Grants| authorize(g, Action::Show(Media::Transcript), &scope).ok().and_then(|a| a.variant);
    let mut g = grants(&[Permission::ContactSearch, redacted, unredacted]);
    assert_eq!(shown(&g), Some(Variant::Redacted));
    g.hold_back_unredacted();
    assert_eq!(shown(&g), Some(Variant::Redacted));
    g.elevate(unredacted, "boss", "noon");
    assert_eq!(shown(&g), Some(Variant::Unredacted));
    let mut only = grants(&[Permission::ContactSearch, unredacted]);
    assert_eq!(shown(&only), Some(Variant::Unredacted));
    only.hold_back_unredacted();
    assert_eq!(shown(&only), None);
}

#[test]
fn lint_names_what_is_questionable_and_its_source() {
    let admin = built_in_roles().into_iter().next().unwrap();
    let found = lint(&Grants::of("root", None, std::slice::from_ref(&admin)));
    let has = |found: &[String], text: &str| found.iter().any(|f| f.contains(text));
    assert!(
        has(&found, "CallRecordings.Unredacted.Access")
            && has(&found, "role Admin")
            && has(&found, "Users.EditPermission")
    );
    assert!(has(&lint(&grants(&[])), "no rights"));
    assert!(has(&lint(&grants(&[Permission::RecordingUnredactedDownload])), "opens nothing"));
    assert!(has(&lint(&grants(&[Permission::ScreenRecording])), "not redacted"));
    assert!(lint(&grants(&[Permission::ContactSearch, Permission::TranscriptRedacted])).is_empty());
}
