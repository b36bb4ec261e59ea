//! The audio of past calls: sealed, for some hours, and gone with the speaker.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use cli_store::{AuditAction, GeneratedSpeakerId, SessionAudio, SessionId, StoreError};
use common::*;

const HOUR_MS: i64 = 3_600_000;

fn session(n: u8) -> SessionId {
    format!("id#{}", char::from(b'a' + n).to_string().repeat(22)).parse().unwrap()
}

fn audio(samples: &[i16]) -> SessionAudio {
    let mut audio = SessionAudio::new(8_000);
    // In two parts, so that the memory grows once.
    let (first, rest) = samples.split_at(samples.len() / 3);
    audio.extend(first.iter().copied());
    audio.extend(rest.iter().copied());
    audio
}

fn not_there<T: std::fmt::Debug>(result: Result<T, StoreError>) -> bool {
    result.unwrap_err().resource_type().map(|r| r.to_string()).as_deref() == Some("SESSION")
}

#[test]
fn audio_comes_back_until_its_time_is_over_and_is_on_no_disk_in_the_clear() {
    let f = fixture();
    let samples: Vec<i16> = (0..4_000).map(|i| (i * 7_919 % 65_536 - 32_768) as i16).collect();
    let kept = f.domain.keep_session_audio(&session(0), None, &audio(&samples), 2).unwrap();
    assert_eq!(kept.expires_at.0 - kept.kept_at.0, 2 * HOUR_MS);
    assert_eq!(f.domain.list_session_audio().unwrap(), [kept]);
    let back = f.domain.session_audio(&session(0)).unwrap();
    assert_eq!((back.rate_hz, back.samples()), (8_000, samples.as_slice()));
    let clear: Vec<u8> = samples.iter().take(20).flat_map(|s| s.to_le_bytes()).collect();
    for (path, bytes) in files(&f.dir) {
        assert!(!bytes.windows(clear.len()).any(|w| w == clear), "{}: samples in the clear", path.display());
    }
    assert!(!format!("{back:?}").contains("samples"), "{back:?}");

    f.clock.advance_ms(2 * HOUR_MS);
    assert!(not_there(f.domain.session_audio(&session(0))));
    assert_eq!(f.domain.list_session_audio().unwrap(), []);
    assert_eq!(f.domain.erase_expired_audio().unwrap(), 1);
    assert_eq!(f.domain.erase_expired_audio().unwrap(), 0);
    let actions: Vec<AuditAction> = f.domain.audit(0).unwrap().iter().map(|e| e.action).collect();
    let of_audio = [AuditAction::SessionAudioKept, AuditAction::SessionAudioRead, AuditAction::SessionAudioErased];
    assert!(actions.ends_with(&of_audio), "{actions:?}");
}

#[test]
fn audio_of_a_speaker_goes_with_them() {
    for opt_out in [true, false] {
        let f = fixture();
        let alice = f.domain.put_voiceprint(&speaker("alice"), enrolment(b"print")).unwrap().generated_speaker_id;
        let other: GeneratedSpeakerId = f.domain.set_pending(&speaker("bob")).unwrap().generated_speaker_id;
        f.domain.keep_session_audio(&session(0), Some(&alice), &audio(&[1, 2, 3]), 24).unwrap();
        f.domain.keep_session_audio(&session(1), Some(&other), &audio(&[4, 5, 6]), 24).unwrap();
        match opt_out {
            true => drop(f.domain.opt_out(&speaker("alice")).unwrap()),
            false => f.domain.delete_speaker(&speaker("alice")).unwrap(),
        }
        assert!(not_there(f.domain.session_audio(&session(0))));
        assert_eq!(f.domain.session_audio(&session(1)).unwrap().samples(), [4, 5, 6]);
        f.domain.delete_session_audio(&session(1)).unwrap();
        assert!(not_there(f.domain.delete_session_audio(&session(1))));
    }
}

#[test]
fn audio_that_cannot_be_kept_or_was_moved_is_an_error() {
    let f = fixture();
    for hours in [0, 169] {
        assert!(f.domain.keep_session_audio(&session(0), None, &audio(&[1]), hours).is_err());
    }
    assert!(f.domain.keep_session_audio(&session(0), None, &SessionAudio::new(8_000), 24).is_err());
    f.domain.keep_session_audio(&session(0), None, &audio(&[1, 2]), 24).unwrap();
    f.domain.keep_session_audio(&session(0), None, &audio(&[3, 4]), 24).unwrap_err();
    assert_eq!(f.domain.session_audio(&session(0)).unwrap().samples(), [1, 2], "the first is untouched");

    let mut long = SessionAudio::new(8_000);
    long.extend(vec![0; SessionAudio::MOST_SAMPLES - 1].into_iter());
    long.extend([7, 8, 9].into_iter());
    assert_eq!(long.samples().len(), SessionAudio::MOST_SAMPLES);
    assert_eq!(long.samples().last(), Some(&7));

    // A row under another call's id does not open.
    raw_run(&f.dir, &format!("UPDATE session_audio SET session_id = '{}'", session(3)));
    assert!(f.domain.session_audio(&session(3)).unwrap_err().to_string().contains("does not open"));
}
