//! Calls on the shipped networks: what Voice ID's acceptance list says of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use engine::audio::SampleRate;
use engine::call::{
    Answer, Authentication, Call, CallConfig, Caller, CheckOption, EnrollmentRefusal, FraudDetection, Listening,
    Settings, StreamingStatus, WatchList, Watched,
};
use engine::enroll::EnrollConfig;
use engine::quality::Band;
use engine::score::{AuthPolicy, Branch, Conditions, Decision, Side, Threshold};
use engine::search::Index;
use engine::session::{Session, SessionConfig};
use engine::template::{Embedding, Template};
use models::Model;

const RATE: u32 = 8_000;

fn call(listening: Listening, enroll: bool) -> Call {
    let model = Model::embedded().unwrap();
    let mut config = CallConfig::new(SessionConfig::new(SampleRate::TELEPHONE)).listening(listening);
    if enroll {
        config = config.enrollment(EnrollConfig::default().wanted_speech_s(8.0).least_speech_s(6.0));
    }
    let calibration = models::calibration::parse(models::calibration_json()).unwrap();
    let windows = enroll.then(|| model.embedder());
    Call::new(config, model.embedder(), model.detector(), windows, Arc::new(calibration)).unwrap()
}

fn ask(threshold: u8, min_speech_s: f64) -> Settings {
    let authentication = Authentication { policy: AuthPolicy::new(threshold, min_speech_s).unwrap(), early: false };
    Settings { streaming: true, authentication: Some(authentication), fraud: None }
}

/// The voice of the tests, enrolled during a call.
fn enrolled() -> Arc<Template> {
    let mut call = call(Listening::UntilEnough, true);
    call.set_caller(Caller::NotEnrolled).unwrap();
    call.set(Settings { authentication: None, ..ask(90, 10.0) }).unwrap();
    call.enroll().unwrap();
    for packet in testdata::speech_like(RATE, 40).chunks(160) {
        call.push(packet).unwrap();
    }
    assert_eq!(call.status(), StreamingStatus::Ended, "{:?}", call.enrollment());
    Arc::new(call.finish_enrollment().unwrap())
}

#[test]
fn e4_too_little_speech_means_wait_while_streaming_and_inconclusive_after() {
    let mut call = call(Listening::UntilEnough, false);
    call.set_caller(Caller::Enrolled(enrolled())).unwrap();
    call.set(ask(90, 10.0)).unwrap();
    call.push(&testdata::speech_like(RATE, 6)).unwrap();
    assert_eq!(call.check(CheckOption::VoiceAuthentication), Answer::Wait);
    assert_eq!(call.evaluate().authentication.unwrap().decision, Decision::NotEnoughSpeech);
    call.finish();
    assert_eq!(call.status(), StreamingStatus::Ended);
    assert_eq!(call.check(CheckOption::VoiceAuthentication), Answer::Authentication(Branch::Inconclusive));
}

#[test]
fn e5_a_result_keeps_its_id_until_threshold_speaker_or_audio_change() {
    let mut call = call(Listening::UntilEnough, false);
    let template = enrolled();
    call.set_caller(Caller::Enrolled(Arc::clone(&template))).unwrap();
    call.set(ask(50, 5.0)).unwrap();
    let speech = testdata::speech_like(RATE, 25);
    speech.chunks(160).for_each(|packet| assert!(call.push(packet).is_ok()));
    assert_eq!(call.status(), StreamingStatus::Ended, "enough was heard");
    let mut last = call.evaluate().authentication.unwrap();
    assert_eq!(last.decision, Decision::Accept, "{last:?}");
    assert!(last.score.is_some());
    call.push(&speech).unwrap();
    call.set(ask(50, 5.0)).unwrap();
    assert_eq!(call.evaluate().authentication.unwrap(), last, "nothing that counts has changed");
    let mut is_new = |call: &mut Call, what: &str| {
        let now = call.evaluate().authentication.unwrap();
        assert_ne!(now.number, last.number, "{what}");
        last = now;
        now
    };
    call.set(ask(60, 5.0)).unwrap();
    assert_eq!(is_new(&mut call, "threshold").threshold.value(), 60);
    call.set_caller(Caller::NotEnrolled).unwrap();
    assert_eq!(is_new(&mut call, "speaker").decision, Decision::SpeakerNotEnrolled);
    call.set_caller(Caller::Enrolled(template)).unwrap();
    is_new(&mut call, "speaker again");
    call.restart().unwrap();
    assert_eq!(is_new(&mut call, "stream").decision, Decision::NotEnoughSpeech);
    speech.chunks(160).for_each(|packet| assert!(call.push(packet).is_ok()));
    is_new(&mut call, "audio");
}

#[test]
fn nobody_is_enrolled_before_the_watch_list_was_searched() {
    let model = Model::embedded().unwrap();
    let list = |rows: Vec<f32>| {
        let side = Side::new(30.0, Band::Narrow).unwrap();
        let sides = vec![side; rows.len() / model.dim()];
        let index = Index::new(rows, model.dim(), model.id()).unwrap();
        Watched::List(Arc::new(WatchList::new(index, sides).unwrap()))
    };
    let own = enrolled().embedding().values().to_vec();
    let other: Vec<f32> = own.iter().map(|x| -x).collect();
    let speech = testdata::speech_like(RATE, 40);
    let run = |watched: Watched| {
        let mut call = call(Listening::UntilEnough, true);
        call.set_caller(Caller::NotEnrolled).unwrap();
        let fraud = Some(FraudDetection { threshold: Threshold::new(50).unwrap(), watched });
        call.set(Settings { streaming: true, authentication: None, fraud }).unwrap();
        call.enroll().unwrap();
        let mut early = None;
        for packet in speech.chunks(160) {
            // 8 s make a voiceprint here, and fraud detection takes 10.
            if call.push(packet).unwrap().net_speech_s >= 8.5 && early.is_none() {
                early = Some(call.finish_enrollment().map(drop));
            }
        }
        (early.unwrap(), call.finish_enrollment().map(drop))
    };
    let unsearched = Err(EnrollmentRefusal::NotSearched);
    assert_eq!(run(list(other)), (unsearched.clone(), Ok(())));
    assert_eq!(run(list(own)), (unsearched.clone(), Err(EnrollmentRefusal::OnWatchList)));
    assert_eq!(run(Watched::Unknown), (unsearched.clone(), unsearched));
}

#[test]
fn a_call_to_its_end_has_the_score_of_the_whole_file() {
    let model = Model::embedded().unwrap();
    // Somebody half like the caller: a score at either end of the scale would hide a difference.
    let own = enrolled();
    let mixed: Vec<f32> =
        own.embedding().values().iter().zip(own.embedding().values().iter().rev()).map(|(a, b)| 0.4 * a + b).collect();
    let record = *own.record();
    let template = Arc::new(Template::new(Embedding::new(model.id(), &mixed).unwrap(), record).unwrap());
    let calibration = models::calibration::parse(models::calibration_json()).unwrap();
    // Speech to the last sample, and speech with a silence after it.
    let mut speech = testdata::speech_like(RATE, 14);
    for pause in [0, 2 * RATE as usize] {
        speech.extend(vec![0.0; pause]);
        let config = SessionConfig::new(SampleRate::TELEPHONE);
        let mut session = Session::new(config, model.embedder(), model.detector()).unwrap();
        session.push(&speech).unwrap();
        let net_s = session.finish().net_speech_s();
        let mut whole = vec![0.0; model.dim()];
        assert!(session.embedding(&mut whole));
        let cosine = template.cosine(&Embedding::new(model.id(), &whole).unwrap()).unwrap();
        let want = calibration
            .score(cosine, Conditions { probe: Side::new(net_s, Band::Narrow).unwrap(), enrol: template.side() })
            .unwrap();

        let mut call = call(Listening::UntilEnd, false);
        call.set_caller(Caller::Enrolled(Arc::clone(&template))).unwrap();
        call.set(ask(90, 5.0)).unwrap();
        speech.chunks(160).for_each(|packet| assert!(call.push(packet).is_ok()));
        call.finish();
        let got = call.standing().score.unwrap();
        assert!((1.0..99.0).contains(&got.exact()), "{got:?}");
        assert_eq!(got.exact().to_bits(), want.exact().to_bits(), "{got:?} {want:?} pause {pause}");
        assert_eq!(call.evaluate().authentication.unwrap().score, Some(got));
    }
}

#[test]
fn early_decisions_come_early_and_never_without_the_price() {
    let template = enrolled();
    let run = |early: bool| {
        let mut call = call(Listening::UntilEnough, false);
        call.set_caller(Caller::Enrolled(Arc::clone(&template))).unwrap();
        let mut settings = ask(50, 10.0);
        settings.authentication = settings.authentication.map(|a| Authentication { early, ..a });
        call.set(settings).unwrap();
        testdata::speech_like(RATE, 40).chunks(160).for_each(|packet| assert!(call.push(packet).is_ok()));
        call.evaluate().authentication.unwrap()
    };
    let (patient, early) = (run(false), run(true));
    assert_eq!((patient.decision, early.decision), (Decision::Accept, Decision::Accept));
    assert!(!patient.early && early.early, "{early:?}");
    assert!(early.net_speech_s < 7.2 && patient.net_speech_s >= 10.0, "{early:?}");
}
