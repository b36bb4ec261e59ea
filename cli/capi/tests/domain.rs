//! Domains from C: what the program keeps is found by the library and the other way round. With `--features domain`.
#![cfg(feature = "domain")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "every call is made as the header says")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};

use cli_store::{Domain, ModelId, NewDomain, Registration};
use vouch::vouch_result::*;
use vouch::*;

struct Fixture {
    dir: tempfile::TempDir,
    engine: *mut vouch_engine,
    domain: *mut vouch_domain,
}

impl Fixture {
    fn new(consent: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        drop(
            Domain::create(&path, NewDomain { consent_required: consent, ..NewDomain::new("test".parse().unwrap()) })
                .unwrap(),
        );
        let (mut engine, mut domain) = (null_mut(), null_mut());
        let name = CString::new(path.to_str().unwrap()).unwrap();
        unsafe {
            assert_eq!(vouch_engine_new(&mut engine), VOUCH_OK);
            assert_eq!(vouch_domain_open(name.as_ptr(), &mut domain), VOUCH_OK);
        }
        Self { dir, engine, domain }
    }

    fn rust(&self) -> Domain {
        Domain::open(&self.dir.path().join("d")).unwrap()
    }

    /// What a look-up answers: its result, the claim, the voiceprint.
    fn look(&self, speaker: &CStr) -> (vouch_result, i32, Vec<u8>) {
        let (mut claim, mut bytes, mut size) = (-1, vec![0u8; 1 << 16], 0);
        let result = unsafe {
            vouch_domain_speaker(
                self.domain,
                speaker.as_ptr(),
                &mut claim,
                bytes.as_mut_ptr().cast(),
                bytes.len(),
                &mut size,
            )
        };
        bytes.truncate(size);
        (result, claim, bytes)
    }

    fn enrol(&self, speaker: &CStr, print: &[u8], consent: Option<&CStr>, overwrite: i32) -> vouch_result {
        let consent = consent.map_or(null(), CStr::as_ptr);
        unsafe {
            vouch_domain_enrol(
                self.domain,
                self.engine,
                speaker.as_ptr(),
                print.as_ptr(),
                print.len(),
                consent,
                overwrite,
            )
        }
    }

    /// A voiceprint from a caller's recordings, through the library.
    fn print(&self, who: &str) -> Vec<u8> {
        let mut enrolment: *mut vouch_enrolment = null_mut();
        for part in ["enrol_1", "enrol_2"] {
            let path = format!("{}/../../testdata/audio/callers/{who}_{part}.wav", env!("CARGO_MANIFEST_DIR"));
            let mut reader = cli_audio::MonoReader::open(path.as_ref(), None, cli_audio::ChannelChoice::Ask).unwrap();
            if enrolment.is_null() {
                unsafe { vouch_enrolment_new(self.engine, reader.spec().rate_hz, &mut enrolment) };
            }
            let mut chunk = Vec::new();
            while reader.next_chunk(&mut chunk).unwrap() > 0 {
                assert_eq!(unsafe { vouch_enrolment_push_f32(enrolment, chunk.as_ptr(), chunk.len()) }, VOUCH_OK);
            }
            assert_eq!(vouch_enrolment_next_recording(enrolment), VOUCH_OK);
        }
        assert_eq!(vouch_enrolment_finish(enrolment), VOUCH_OK);
        let (mut bytes, mut size) = (vec![0; 1 << 16], 0);
        unsafe { vouch_enrolment_voiceprint(enrolment, bytes.as_mut_ptr(), bytes.len(), &mut size) };
        vouch_enrolment_free(enrolment);
        bytes.truncate(size);
        bytes
    }

    fn reason(&self) -> String {
        let mut text = [0u8; 512];
        unsafe {
            vouch_last_error(self.domain.cast(), text.as_mut_ptr().cast(), text.len(), null_mut());
            CStr::from_ptr(text.as_ptr().cast()).to_str().unwrap().to_owned()
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        assert_eq!(vouch_domain_free(self.domain), VOUCH_OK);
        assert_eq!(vouch_engine_free(self.engine), VOUCH_OK);
    }
}

const NOT_ENROLLED: i32 = vouch_claim::VOUCH_CLAIM_NOT_ENROLLED as i32;
const ENROLLED: i32 = vouch_claim::VOUCH_CLAIM_ENROLLED as i32;
const OPTED_OUT: i32 = vouch_claim::VOUCH_CLAIM_OPTED_OUT as i32;

#[test]
fn what_the_library_changes_is_told_as_what_the_program_changes() {
    use cli_store::{EnrolmentSource, Event};
    let f = Fixture::new(false);
    let rust = f.rust();
    rust.set_event_consumers(&["webhooks".into()]).unwrap();
    let print = f.print("alice");
    assert_eq!(f.enrol(c"alice", &print, None, 0), VOUCH_OK);
    assert_eq!(f.enrol(c"alice", &print, None, 0), VOUCH_ERR_CONFLICT);
    let speaker = rust.describe_speaker(&"alice".parse().unwrap()).unwrap().generated_speaker_id;
    unsafe {
        assert_eq!(vouch_domain_opt_out(f.domain, c"alice".as_ptr()), VOUCH_OK);
        assert_eq!(vouch_domain_delete(f.domain, c"alice".as_ptr()), VOUCH_OK);
    }
    let told = rust.outbox("webhooks").unwrap().take(10).unwrap();
    let events: Vec<Event> = told.into_iter().map(|t| t.event).collect();
    let source = EnrolmentSource::Recordings;
    let want = [
        Event::SpeakerEnrolled { speaker: speaker.clone(), source },
        Event::SpeakerOptedOut { speaker: speaker.clone() },
        Event::SpeakerDeleted { speaker },
    ];
    assert_eq!(events, want);
}

#[test]
fn a_speaker_lives_and_goes_as_in_the_program() {
    let f = Fixture::new(true);
    let print = f.print("alice");
    assert_eq!(f.look(c"alice"), (VOUCH_OK, NOT_ENROLLED, vec![]));
    assert_eq!(f.enrol(c"alice", &print, None, 0), VOUCH_ERR_NOT_FOUND, "consent is wanted: {}", f.reason());
    assert_eq!(f.enrol(c"alice", &print, Some(c"said yes"), 0), VOUCH_OK, "{}", f.reason());
    assert_eq!(f.look(c"alice"), (VOUCH_OK, ENROLLED, print.clone()));
    assert_eq!(f.enrol(c"alice", &print, None, 0), VOUCH_ERR_CONFLICT);
    assert_eq!(f.enrol(c"alice", &print, None, 1), VOUCH_OK);
    // The program sees the same.
    let rust = f.rust();
    assert!(
        matches!(rust.voiceprint(&"alice".parse().unwrap()).unwrap(), cli_store::Lookup::Enrolled(p) if p.template() == print)
    );
    drop(rust);
    unsafe {
        // The size first, then a buffer that is too small: nothing is written.
        let (mut claim, mut size) = (-1, 0);
        let ask = |claim: &mut i32, buffer: *mut c_void, len, size: &mut usize| {
            vouch_domain_speaker(f.domain, c"alice".as_ptr(), claim, buffer, len, size)
        };
        assert_eq!(ask(&mut claim, null_mut(), 0, &mut size), VOUCH_OK);
        assert_eq!((claim, size), (ENROLLED, print.len()));
        let mut small = [7u8; 8];
        claim = -1;
        assert_eq!(ask(&mut claim, small.as_mut_ptr().cast(), small.len(), &mut size), VOUCH_ERR_BUFFER);
        assert_eq!((claim, small), (-1, [7; 8]));
        assert_eq!(vouch_domain_accepted(f.domain, c"alice".as_ptr()), VOUCH_OK);
        assert_eq!(vouch_domain_accepted(f.domain, c"nobody".as_ptr()), VOUCH_ERR_NOT_FOUND);
        assert_eq!(vouch_domain_opt_out(f.domain, c"alice".as_ptr()), VOUCH_OK);
    }
    assert_eq!(f.look(c"alice"), (VOUCH_OK, OPTED_OUT, vec![]));
    assert_eq!(f.enrol(c"alice", &print, Some(c"again"), 1), VOUCH_ERR_CONFLICT);
    assert_eq!(unsafe { vouch_domain_delete(f.domain, c"alice".as_ptr()) }, VOUCH_OK);
    assert_eq!(f.look(c"alice").1, NOT_ENROLLED);
}

#[test]
fn a_call_against_a_domains_watch_list_names_the_fraudster() {
    let f = Fixture::new(false);
    let (bob, carol) = (f.print("bob"), f.print("carol"));
    let mut model = [0u8; 40];
    unsafe { vouch_engine_model_id(f.engine, model.as_mut_ptr().cast(), model.len(), null_mut()) };
    let model: ModelId = unsafe { CStr::from_ptr(model.as_ptr().cast()) }.to_str().unwrap().parse().unwrap();
    let rust = f.rust();
    let id = |print: &[u8]| {
        let new = Registration { model_id: model, template: print, watchlist: None };
        rust.register_fraudster(new).unwrap().generated_fraudster_id.to_string()
    };
    let ids = [id(&bob), id(&carol)];
    let default = CString::new(rust.describe().unwrap().default_watchlist_id.to_string()).unwrap();
    drop(rust);
    for list_name in [null(), default.as_ptr()] {
        let mut list = null_mut();
        assert_eq!(unsafe { vouch_domain_watchlist(f.domain, f.engine, list_name, &mut list) }, VOUCH_OK);
        for (print, expected) in [(&bob, &ids[0]), (&carol, &ids[1])] {
            let (mut number, mut risk, mut name) = (99, -1, [0 as c_char; 64]);
            unsafe {
                assert_eq!(vouch_watchlist_search(list, print.as_ptr(), print.len(), &mut number, &mut risk), VOUCH_OK);
                assert_eq!(
                    vouch_watchlist_fraudster(list, number, name.as_mut_ptr(), name.len(), null_mut()),
                    VOUCH_OK
                );
                assert_eq!(CStr::from_ptr(name.as_ptr()).to_str().unwrap(), expected);
                assert_eq!(
                    vouch_watchlist_fraudster(list, 2, name.as_mut_ptr(), name.len(), null_mut()),
                    VOUCH_ERR_NONE
                );
            }
            assert!(risk >= 50, "{risk}");
        }
        vouch_watchlist_free(list);
    }
    let mut list = null_mut();
    let none = unsafe { vouch_domain_watchlist(f.domain, f.engine, c"no such list".as_ptr(), &mut list) };
    assert_eq!((none, list.is_null()), (VOUCH_ERR_NOT_FOUND, true));

    // A list with one voiceprint of another network is not searched in part.
    let other = Registration { model_id: ModelId([9; 16]), template: &bob, watchlist: None };
    f.rust().register_fraudster(other).unwrap();
    let refused = unsafe { vouch_domain_watchlist(f.domain, f.engine, null(), &mut list) };
    assert_eq!((refused, list.is_null()), (VOUCH_ERR_OTHER_MODEL, true));
}

#[test]
fn misuse_has_a_result_and_changes_nothing() {
    let f = Fixture::new(false);
    let (mut domain, mut list, mut claim) = (null_mut(), null_mut(), -1);
    unsafe {
        assert_eq!(vouch_domain_open(null(), &mut domain), VOUCH_ERR_NULL);
        assert_eq!(vouch_domain_open(c"x".as_ptr(), null_mut()), VOUCH_ERR_NULL);
        assert_eq!(vouch_domain_open(c"/nowhere/at/all".as_ptr(), &mut domain), VOUCH_ERR_DOMAIN);
        assert_eq!(vouch_domain_open(c"\xff".as_ptr(), &mut domain), VOUCH_ERR_TEXT);
        assert!(domain.is_null());
        let speaker = |d: *mut vouch_domain, s: *const c_char, claim: *mut i32| {
            vouch_domain_speaker(d, s, claim, null_mut(), 0, &mut 0)
        };
        assert_eq!(speaker(null_mut(), c"a".as_ptr(), &mut claim), VOUCH_ERR_NULL);
        assert_eq!(speaker(f.engine.cast(), c"a".as_ptr(), &mut claim), VOUCH_ERR_HANDLE_KIND);
        assert_eq!(speaker(f.domain, null(), &mut claim), VOUCH_ERR_NULL);
        assert_eq!(speaker(f.domain, c"a".as_ptr(), null_mut()), VOUCH_ERR_NULL);
        assert_eq!(speaker(f.domain, c"not an id: %%%".as_ptr(), &mut claim), VOUCH_ERR_ID);
        assert!(!f.reason().contains("%%%"), "an id may name a person: {}", f.reason());
        assert_eq!(claim, -1);
        assert_eq!(vouch_domain_accepted(f.domain, null()), VOUCH_ERR_NULL);
        assert_eq!(vouch_domain_opt_out(f.domain, null()), VOUCH_ERR_NULL);
        assert_eq!(vouch_domain_delete(f.domain, null()), VOUCH_ERR_NULL);
        assert_eq!(vouch_domain_delete(f.domain, c"a".as_ptr()), VOUCH_ERR_NOT_FOUND);
        assert_eq!(vouch_domain_watchlist(f.domain, f.domain.cast(), null(), &mut list), VOUCH_ERR_HANDLE_KIND);
        assert_eq!(vouch_domain_watchlist(f.domain, f.engine, null(), null_mut()), VOUCH_ERR_NULL);
        assert_eq!(vouch_watchlist_fraudster(null_mut(), 0, null_mut(), 0, &mut 0), VOUCH_ERR_NULL);
    }
    assert_eq!(f.enrol(c"a", b"no voiceprint", None, 0), VOUCH_ERR_VOICEPRINT);
    assert_eq!(f.look(c"a").1, NOT_ENROLLED);
    assert_eq!(vouch_domain_free(null_mut()), VOUCH_OK);
    let mut closed = null_mut();
    let path = CString::new(f.dir.path().join("d").to_str().unwrap()).unwrap();
    assert_eq!(unsafe { vouch_domain_open(path.as_ptr(), &mut closed) }, VOUCH_OK, "two may have it open");
    assert_eq!(vouch_domain_free(closed), VOUCH_OK);
    assert_eq!(vouch_domain_free(closed), VOUCH_ERR_HANDLE);
}

#[test]
fn a_handle_in_the_name_of_a_user_does_what_the_user_may() {
    let f = Fixture::new(false);
    let owner = f.rust();
    let open = |token: &str| {
        let path = CString::new(f.dir.path().join("d").to_str().unwrap()).unwrap();
        let (token, mut domain) = (CString::new(token).unwrap(), null_mut());
        let result = unsafe { vouch_domain_open_as(path.as_ptr(), token.as_ptr(), &mut domain) };
        (result, domain)
    };
    let look = |domain| {
        let (mut claim, mut bytes, mut size) = (-1, [0u8; 64], 0);
        let buffer = bytes.as_mut_ptr().cast();
        unsafe { vouch_domain_speaker(domain, c"somebody".as_ptr(), &mut claim, buffer, 64, &mut size) }
    };
    for (user, role, want) in [("anna", "Agent", VOUCH_ERR_DENIED), ("boss", "CallCenterManager", VOUCH_OK)] {
        owner.create_user(user, &[role.to_owned()], None).unwrap();
        let (result, domain) = open(&owner.issue_token(user).unwrap());
        assert_eq!(result, VOUCH_OK);
        assert_eq!(look(domain), want, "{user}");
        // A role that is taken away is gone at once.
        owner.update_user(user, &[], None).unwrap();
        assert_eq!(look(domain), VOUCH_ERR_DENIED);
        vouch_domain_free(domain);
    }
    assert_eq!(open("anna:00").0, VOUCH_ERR_DENIED);
    assert_eq!(open("").0, VOUCH_ERR_DENIED);
}
