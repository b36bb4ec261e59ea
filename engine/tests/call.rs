//! A call against a plain model of what Voice ID says, and under every chunking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod fakes;

use std::sync::Arc;

use engine::call::{
    Answer, Authentication, Call, CallError, Caller, CheckOption, EnrollmentBranch, Evaluation, Event, FraudDetection,
    Listening, Settings, StreamingStatus, WatchList, Watched,
};
use engine::embed::ModelId;
use engine::error::InputError;
use engine::score::{Branch, Claim, Decision, FraudBranch, FraudDecision, Threshold};
use engine::search::Index;
use fakes::calls::{MODEL, ask, list, new_call, side, template};
use fakes::{DIM, call as speech};
use testdata::Random;

/// What the table of Voice ID's decisions says, written as plainly as it can be.
#[derive(Default)]
struct Plain {
    settings: Option<Settings>,
    claim: Option<Claim>,
    latch: bool,
    finished: bool,
    enrolling: bool,
    made: bool,
}

impl Plain {
    fn min_s(&self) -> f64 {
        self.settings.as_ref().and_then(|s| s.authentication).map_or(10.0, |a| a.policy.min_speech_s())
    }

    fn status(&self, call: &Call, listening: Listening) -> StreamingStatus {
        if self.finished {
            return StreamingStatus::Ended;
        }
        if !self.latch {
            return StreamingStatus::PendingConfiguration;
        }
        let Some(settings) = &self.settings else { unreachable!("the latch is set by a Set block") };
        let asked = settings.authentication.is_some() || settings.fraud.is_some() || self.enrolling || self.made;
        let verified = (settings.authentication.is_none() && settings.fraud.is_none())
            || call.standing().net_speech_s >= self.min_s();
        let enrolled = !self.enrolling || call.enrollment().is_some_and(|e| e.net_speech_s >= e.wanted_s);
        let enough = listening == Listening::UntilEnough && asked && verified && enrolled;
        if enough { StreamingStatus::Ended } else { StreamingStatus::Ongoing }
    }

    fn compare(&self, call: &mut Call, listening: Listening) -> Evaluation {
        let standing = call.standing();
        let status = self.status(call, listening);
        assert_eq!(call.status(), status);
        assert!(standing.net_speech_s <= call.session().progress().net_speech_s() + 1e-9);
        assert!((standing.missing_s - (self.min_s() - standing.net_speech_s).max(0.0)).abs() < 1e-9);
        let e = call.evaluate();
        assert_eq!(e, call.evaluate(), "nothing happened in between");
        assert_eq!(e.status, status);
        let ended = status == StreamingStatus::Ended;
        let claim = self.claim.unwrap_or(Claim::NotProvided);

        let (mut auth, mut fraud) = (Answer::Authentication(Branch::Error), Answer::Fraud(FraudBranch::Error));
        if let Some(settings) = &self.settings {
            auth = match settings.authentication {
                None => Answer::Authentication(Branch::NotEnabled),
                Some(a) => {
                    let r = e.authentication.unwrap();
                    let want = match claim {
                        Claim::NotProvided => Decision::SpeakerIdNotProvided,
                        Claim::NotEnrolled => Decision::SpeakerNotEnrolled,
                        Claim::OptedOut => Decision::SpeakerOptedOut,
                        Claim::Expired => Decision::SpeakerExpired,
                        Claim::Enrolled if standing.net_speech_s < self.min_s() => Decision::NotEnoughSpeech,
                        Claim::Enrolled if standing.score.unwrap().value() >= a.policy.threshold().value() => {
                            Decision::Accept
                        }
                        Claim::Enrolled => Decision::Reject,
                    };
                    assert_eq!(r.decision, want);
                    assert_eq!(r.score.is_some(), matches!(want, Decision::Accept | Decision::Reject));
                    match want {
                        Decision::NotEnoughSpeech if !ended => Answer::Wait,
                        d => Answer::Authentication(d.branch()),
                    }
                }
            };
            fraud = match &settings.fraud {
                None => Answer::Fraud(FraudBranch::NotEnabled),
                Some(f) => {
                    let r = e.fraud.unwrap();
                    let enough = standing.net_speech_s >= self.min_s();
                    let empty = matches!(&f.watched, Watched::List(l) if l.index().is_empty());
                    let unknown = f.watched == Watched::Unknown;
                    assert_eq!(r.risk.is_some(), enough && !empty && !unknown);
                    assert_eq!(r.closest.is_some(), r.risk.is_some());
                    let want = match r.risk {
                        _ if !enough => FraudDecision::NotEnoughSpeech,
                        Some(risk) if risk.value() >= f.threshold.value() => FraudDecision::HighRisk,
                        _ => FraudDecision::LowRisk,
                    };
                    assert_eq!(r.decision, want);
                    assert_eq!(r.reasons.iter().count(), usize::from(want == FraudDecision::HighRisk));
                    match want {
                        _ if unknown => Answer::Fraud(FraudBranch::Error),
                        FraudDecision::NotEnoughSpeech if !ended => Answer::Wait,
                        d => Answer::Fraud(d.branch()),
                    }
                }
            };
        }
        let enrollment = match claim {
            _ if self.settings.is_none() => EnrollmentBranch::Error,
            Claim::Enrolled => EnrollmentBranch::Enrolled,
            Claim::NotEnrolled => EnrollmentBranch::NotEnrolled,
            Claim::OptedOut => EnrollmentBranch::OptedOut,
            Claim::NotProvided | Claim::Expired => EnrollmentBranch::Error,
        };
        assert_eq!(call.check(CheckOption::VoiceAuthentication), auth);
        assert_eq!(call.check(CheckOption::FraudDetection), fraud);
        assert_eq!(call.check(CheckOption::EnrollmentStatus), Answer::Enrollment(enrollment));
        e
    }
}

/// Steps of the walk: a million with `VOUCH_STEPS=1000000`.
fn steps() -> usize {
    std::env::var("VOUCH_STEPS").ok().map_or(60_000, |n| n.parse().expect("VOUCH_STEPS is a number"))
}

#[test]
fn a_random_walk_agrees_with_the_plain_model() {
    let audio = speech(8_000, 40.0);
    let bytes: Vec<u8> = audio.iter().map(|&x| engine::codec::g711::i16_to_ulaw((x * 32_768.0) as i16)).collect();
    let mut seen = std::collections::BTreeSet::new();
    for (seed, listening, enroll) in [
        (1, Listening::UntilEnough, false),
        (2, Listening::UntilEnd, false),
        (3, Listening::UntilEnough, true),
        (4, Listening::UntilEnd, true),
    ] {
        let mut random = Random::new(seed);
        let mut call = new_call(listening, enroll);
        let mut plain = Plain::default();
        let lists = [list(&mut random, 0), list(&mut random, 1), list(&mut random, 40), Watched::Unknown];
        let templates: Vec<_> = (0..4).map(|_| template(&mut random)).collect();
        let (mut at, mut last, mut open) =
            (0, Evaluation { status: call.status(), authentication: None, fraud: None }, false);
        for _ in 0..steps() / 4 {
            let mut changed = true;
            match random.below(100) {
                0..55 => {
                    let n = random.below(800);
                    at = (at + n) % (audio.len() - 900);
                    let part = at..at + n;
                    let result = match random.below(6) {
                        0 => call.push_lost(n),
                        1 => call.push(&[0.5, f32::NAN]),
                        2 => call.push_packet(engine::codec::Codec::L16, &bytes[at..at + 2 * (n / 4) + 1]),
                        3 => call.push_packet(engine::codec::Codec::Pcmu, &bytes[part]),
                        _ => call.push(&audio[part]),
                    };
                    assert!(!plain.finished || result.is_err());
                }
                55..60 => {
                    // Long enough for a decision, now and then.
                    let n = random.below(30_000);
                    let from = random.below(audio.len() - n);
                    assert_eq!(call.push(&audio[from..from + n]).is_err(), plain.finished);
                }
                60..72 => {
                    let min_s = [5.0, 7.0, 10.0][random.below(3)];
                    let settings = Settings {
                        streaming: random.below(4) > 0,
                        authentication: (random.below(4) > 0).then(|| ask(random.below(101) as u8, min_s)),
                        fraud: (random.below(3) > 0).then(|| FraudDetection {
                            threshold: Threshold::new(random.below(101) as u8).unwrap(),
                            watched: lists[random.below(lists.len())].clone(),
                        }),
                    };
                    plain.latch |= settings.streaming;
                    call.set(settings.clone()).unwrap();
                    plain.settings = Some(settings);
                }
                72..80 => {
                    let caller = match random.below(8) {
                        0 => Caller::NotProvided,
                        1 => Caller::NotEnrolled,
                        2 => Caller::OptedOut,
                        3 => Caller::Expired,
                        n => Caller::Enrolled(Arc::clone(&templates[n % 4])),
                    };
                    let claim = caller.claim();
                    match call.set_caller(caller) {
                        Ok(()) => plain.claim = Some(claim),
                        Err(e) => {
                            assert_eq!(e, CallError::SpeakerAfterEnrollment);
                            assert!(plain.enrolling || plain.made);
                        }
                    }
                }
                80..84 => {
                    let claim = plain.claim.unwrap_or(Claim::NotProvided);
                    let want = match claim {
                        _ if !enroll => Err(CallError::EnrollmentOff),
                        _ if plain.enrolling || plain.made => Err(CallError::EnrollmentExists),
                        Claim::NotProvided => Err(CallError::SpeakerNotSet),
                        Claim::OptedOut => Err(CallError::SpeakerOptedOut),
                        _ if plain.finished => Err(CallError::Ended),
                        _ => Ok(()),
                    };
                    assert_eq!(call.enroll(), want);
                    plain.enrolling |= want.is_ok();
                }
                84..88 => {
                    let made = call.finish_enrollment().is_ok();
                    assert!(!made || plain.enrolling);
                    if made {
                        (plain.enrolling, plain.made) = (false, true);
                    }
                }
                88..90 => {
                    call.finish();
                    plain.finished = true;
                }
                90..94 => match call.restart() {
                    Ok(()) => plain.finished = false,
                    Err(e) => {
                        assert_eq!(e, CallError::AnotherActiveStream);
                        assert_eq!(plain.status(&call, listening), StreamingStatus::Ongoing);
                    }
                },
                94 => {
                    call.reset();
                    plain = Plain::default();
                    open = false;
                    last = Evaluation { status: call.status(), authentication: None, fraud: None };
                }
                95 => call.begin_secure(),
                96 => call.end_secure(),
                _ => changed = false,
            }
            let now = plain.compare(&mut call, listening);
            if !changed {
                assert_eq!(now, last, "a result changed by itself");
            }
            for (a, b) in [
                (last.authentication.map(|r| r.number), now.authentication.map(|r| r.number)),
                (last.fraud.map(|r| r.number), now.fraud.map(|r| r.number)),
            ] {
                assert!(a.zip(b).is_none_or(|(a, b)| b >= a), "numbers never go back");
            }
            if let Some((a, b)) = last.authentication.zip(now.authentication)
                && a.number == b.number
            {
                assert_eq!((a.decision, a.score, a.threshold), (b.decision, b.score, b.threshold));
            }
            seen.extend(now.authentication.map(|r| r.decision.as_str()));
            seen.extend(now.fraud.map(|r| r.decision.as_str()));
            last = now;
            while let Some(event) = call.next_event() {
                match event {
                    Event::StreamingStarted { .. } => assert!(!std::mem::replace(&mut open, true), "started twice"),
                    Event::StreamingEnded { .. } => assert!(std::mem::replace(&mut open, false), "ended twice"),
                    _ => {}
                }
            }
            assert_eq!(open, call.status() == StreamingStatus::Ongoing, "{last:?}");
        }
    }
    for decision in Decision::ALL.iter().map(|d| d.as_str()).chain(FraudDecision::ALL.iter().map(|d| d.as_str())) {
        assert!(seen.contains(decision), "the walk never came to {decision}");
    }
}

fn history(chunk: usize, listening: Listening, early: bool) -> (Vec<Event>, Evaluation) {
    let mut random = Random::new(11);
    let mut call = new_call(listening, false);
    call.set_caller(Caller::Enrolled(template(&mut random))).unwrap();
    call.set(Settings {
        streaming: true,
        authentication: Some(Authentication { early, ..ask(40, 10.0) }),
        fraud: Some(FraudDetection { threshold: Threshold::new(50).unwrap(), watched: list(&mut random, 9) }),
    })
    .unwrap();
    let mut events = Vec::new();
    let audio = speech(8_000, 40.0);
    for part in audio.chunks(chunk) {
        call.push(part).unwrap();
        events.extend(std::iter::from_fn(|| call.next_event()));
    }
    call.finish();
    events.extend(std::iter::from_fn(|| call.next_event()));
    assert_eq!(call.events_dropped(), 0);
    (events, call.evaluate())
}

#[test]
fn every_chunking_gives_the_same_events_and_results() {
    for listening in [Listening::UntilEnough, Listening::UntilEnd] {
        for early in [false, true] {
            // Ten seconds are no more than the queue of events has room for.
            let whole = history(80_000, listening, early);
            assert!(whole.0.iter().any(|e| matches!(e, Event::Authentication { score: Some(_), .. })), "{:?}", whole.0);
            for chunk in [1, 80, 160, 333, 8_000] {
                assert_eq!(history(chunk, listening, early), whole, "{chunk}");
            }
        }
    }
}

#[test]
fn streaming_stays_on_once_it_is_on() {
    let mut call = new_call(Listening::UntilEnough, false);
    let settings = |streaming| Settings { streaming, authentication: Some(ask(90, 10.0)), fraud: None };
    call.set(settings(false)).unwrap();
    assert_eq!(call.status(), StreamingStatus::PendingConfiguration);
    call.push(&speech(8_000, 4.0)).unwrap();
    assert_eq!(call.standing().net_speech_s, 0.0, "nothing is heard before streaming is on");
    call.set(settings(true)).unwrap();
    call.set(settings(false)).unwrap();
    assert_eq!(call.status(), StreamingStatus::Ongoing);
    call.push(&speech(8_000, 4.0)).unwrap();
    assert!(call.standing().net_speech_s > 1.0);
}

#[test]
fn a_secure_passage_leaves_no_trace_in_the_voiceprint_or_the_keys() {
    let quiet = vec![0.0; 8_000];
    let run = |secret: &[f32]| {
        let mut call = new_call(Listening::UntilEnd, false);
        call.set(Settings { streaming: true, authentication: Some(ask(90, 10.0)), fraud: None }).unwrap();
        call.push(&speech(8_000, 3.0)).unwrap();
        call.push(&quiet).unwrap();
        call.begin_secure();
        call.push(secret).unwrap();
        call.end_secure();
        call.push(&quiet).unwrap();
        call.push(&speech(8_000, 3.0)).unwrap();
        call.finish();
        assert_eq!(call.silenced_samples(), secret.len() as u64);
        let mut e = vec![0.0; DIM];
        assert!(call.session().embedding(&mut e));
        (e, call.session().dtmf().to_vec(), call.standing())
    };
    let secret = speech(8_000, 4.0);
    assert_eq!(run(&secret), run(&vec![0.0; secret.len()]));
    assert!(!run(&secret).1.is_empty(), "keys outside are heard");
}

#[test]
fn what_belongs_to_another_network_is_refused_and_changes_nothing() {
    let mut call = new_call(Listening::UntilEnough, false);
    let other = ModelId([8; 16]);
    let index = Index::new(vec![1.0, 0.0], 2, other).unwrap();
    let foreign = Watched::List(Arc::new(WatchList::new(index, vec![side(1.0)]).unwrap()));
    let settings = Settings {
        streaming: true,
        authentication: None,
        fraud: Some(FraudDetection { threshold: Threshold::new(50).unwrap(), watched: foreign }),
    };
    assert_eq!(call.set(settings), Err(CallError::OtherModel { expected: MODEL, found: other }));
    assert_eq!(call.status(), StreamingStatus::PendingConfiguration);
    assert!(WatchList::new(Index::new(vec![1.0, 0.0], 2, MODEL).unwrap(), Vec::new()).is_err());
    let short = Watched::List(Arc::new(
        WatchList::new(Index::new(vec![1.0, 0.0], 2, MODEL).unwrap(), vec![side(1.0)]).unwrap(),
    ));
    let settings = Settings {
        streaming: true,
        authentication: None,
        fraud: Some(FraudDetection { threshold: Threshold::new(50).unwrap(), watched: short }),
    };
    assert!(matches!(call.set(settings), Err(CallError::Embedding(_))));
    assert!(call.settings().is_none());
}

#[test]
fn the_agents_side_must_be_asked_for_and_as_long() {
    let mut call = new_call(Listening::UntilEnd, false);
    assert_eq!(call.push_both(&[0.0; 3], &[0.0; 2]), Err(InputError::Sides { caller: 3, agent: 2 }));
    assert_eq!(call.push_both(&[0.0; 3], &[0.0, f32::NAN, 0.0]), Err(InputError::NotFinite { at: 1 }));
    assert_eq!(call.standing().samples, 0, "nothing was taken");

    // Every chunking notices it at the same sample, and a secure passage is kept from it.
    let x = speech(8_000, 6.0);
    let told = |chunk: usize, secure: bool| {
        let mut call = new_call(Listening::UntilEnd, false);
        call.set(Settings { streaming: true, authentication: Some(ask(90, 5.0)), fraud: None }).unwrap();
        if secure {
            call.begin_secure();
        }
        for c in x.chunks(chunk) {
            call.push_both(c, c).unwrap();
        }
        std::iter::from_fn(|| call.next_event()).find(|e| matches!(e, Event::AgentBleed { .. }))
    };
    let once = told(160, false);
    assert!(once.is_some());
    assert_eq!((told(1, false), told(7_001, false), told(x.len(), false)), (once, once, once));
    assert_eq!(told(160, true), None);
}
