//! What is questionable about somebody's rights.

use super::{Grants, Media, Permission, Variant};

/// What is questionable about somebody's rights.
pub fn lint(grants: &Grants) -> Vec<String> {
    use Permission as P;
    let mut found = Vec::new();
    let user = &grants.user;
    let from = |p: P| grants.held.get(&p).map_or_else(String::new, |f| f.join(", "));
    for media in Media::ALL {
        let (redacted, redacted_download) = media.permissions(Variant::Redacted);
        let (unredacted, unredacted_download) = media.permissions(Variant::Unredacted);
        if grants.has(redacted) && grants.has(unredacted) {
            found.push(format!(
                "{user}: {redacted} and {unredacted}: the original is out of reach wherever there is a redacted copy, and heard wherever there is none"
            ));
        }
        for (access, download) in [(redacted, redacted_download), (unredacted, unredacted_download)] {
            if grants.has(download) && !grants.has(access) {
                found.push(format!("{user}: {download} without {access} ({}): opens nothing", from(download)));
            }
        }
    }
    for p in [P::UsersEditPermission, P::UsersCreate, P::UsersEdit, P::RolesCreate, P::RolesEdit] {
        if grants.has(p) {
            found.push(format!("{user}: {p} ({}): leads to every right, by way of other accounts", from(p)));
        }
    }
    if grants.has(P::UsersEdit) && !grants.has(P::RolesView) {
        found.push(format!("{user}: {} ({}): shows the list of roles too", P::UsersEdit, from(P::UsersEdit)));
    }
    if grants.has(P::QueuesView) {
        found.push(format!(
            "{user}: {} ({}): shows numbers and hours of operation too",
            P::QueuesView,
            from(P::QueuesView)
        ));
    }
    let unredacted_screen = grants.has(P::ScreenRecording) && !grants.has(P::RecordingUnredacted);
    if unredacted_screen {
        found.push(format!("{user}: {} ({}): its sound is not redacted", P::ScreenRecording, from(P::ScreenRecording)));
    }
    for p in [P::BotRecordingUnredacted, P::BotTranscriptUnredacted] {
        if grants.has(p) && !grants.has(P::TranscriptUnredacted) {
            found.push(format!("{user}: {p} ({}): originals by another way", from(p)));
        }
    }
    if grants.has(P::RestrictByHierarchy) && grants.hierarchy.is_none() {
        found.push(format!(
            "{user}: {} without a hierarchy group: sees nothing but own contacts",
            P::RestrictByHierarchy
        ));
    }
    let search = grants.has(P::ContactSearch) || grants.has(P::MyContacts);
    for p in [P::SearchKeywords, P::SearchCharacteristics, P::RecordingRedacted, P::TranscriptRedacted] {
        if grants.has(p) && !search {
            found.push(format!("{user}: {p} ({}) without {}: opens nothing", from(p), P::ContactSearch));
        }
    }
    if grants.held.is_empty() && grants.withheld.is_empty() {
        found.push(format!("{user}: no rights at all"));
    }
    found
}
