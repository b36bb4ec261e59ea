//! After construction nothing allocates, and a call may last for ever.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fakes;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use engine::audio::f32_to_i16;
use engine::call::{Authentication, Caller, CheckOption, FraudDetection, Listening, Settings};
use engine::codec::Codec;
use engine::score::Threshold;
use engine::session::Session;
use fakes::calls::{ask, list, new_call, template};
use fakes::{DIM, LoudDetector, call, call as speech, session, wide_session};
use testdata::Random;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn the_counter_counts() {
    let before = allocations();
    let v = std::hint::black_box(vec![0u8; 100]);
    assert_eq!(allocations() - before, 1, "{}", v.len());
}

type MakeSession = fn(u32, LoudDetector, bool) -> Session;

fn everything(s: &mut Session, x: &[f32], integers: &[i16], packet: &[u8], rate: usize) {
    let mut e = [0.0; DIM];
    for chunk in x.chunks(rate / 50) {
        s.push(chunk).unwrap();
        let _ = (s.embedding(&mut e), s.progress());
    }
    s.push(x).unwrap();
    s.push_i16(integers).unwrap();
    s.push_packet(Codec::Pcmu, packet).unwrap();
    s.push_packet(Codec::Pcma, packet).unwrap();
    s.push_packet(Codec::L16, packet).unwrap();
    for (i, chunk) in x.chunks(rate / 100).enumerate() {
        if i % 3 == 0 {
            s.push_lost(chunk.len()).unwrap()
        } else {
            s.push(chunk).unwrap()
        };
    }
    s.push_lost(rate * 2).unwrap();
    let _ = (s.push(&[f32::NAN]).is_err(), s.push(&[99.0]).is_err(), s.push_packet(Codec::L16, &[1]).is_err());
    let _ = (s.quality(), s.dtmf().len(), s.windows().len(), s.dtmf_dropped());
    s.finish();
    let _ = s.push(x).is_err();
    s.reset();
}

#[test]
fn nothing_allocates_after_construction() {
    for rate in [8_000u32, 8_001, 11_025, 16_000, 44_100, 48_000, 192_000] {
        for windows in [false, true] {
            let x = call(rate, 5.0);
            let integers: Vec<i16> = x.iter().map(|&v| f32_to_i16(v)).collect();
            let packet = vec![0x35; 320];
            for (ears, make) in [("telephone", session as MakeSession), ("wide-band", wide_session)] {
                let mut s = make(rate, LoudDetector::new(), windows);
                let before = allocations();
                everything(&mut s, &x, &integers, &packet, rate as usize);
                everything(&mut s, &x, &integers, &packet, rate as usize);
                assert_eq!(allocations() - before, 0, "{rate} Hz, windows {windows}, {ears} ears");
            }
        }
    }
}

#[test]
fn a_call_does_not_allocate_either() {
    let mut random = Random::new(5);
    let x = speech(8_000, 12.0);
    let packet = vec![0x35; 160];
    let watched = list(&mut random, 30);
    let templates = [template(&mut random), template(&mut random)];
    for enroll in [false, true] {
        let mut call = new_call(Listening::UntilEnd, enroll);
        let before = allocations();
        for _ in 0..2 {
            let authentication = Some(Authentication { early: true, ..ask(90, 5.0) });
            let fraud = FraudDetection { threshold: Threshold::new(50).unwrap(), watched: watched.clone() };
            call.set(Settings { streaming: true, authentication, fraud: Some(fraud) }).unwrap();
            call.set_caller(Caller::Enrolled(Arc::clone(&templates[0]))).unwrap();
            let _ = call.enroll();
            for chunk in x.chunks(160) {
                let _ = call.push(chunk).unwrap();
                let _ =
                    (call.evaluate(), call.next_event(), call.check(CheckOption::FraudDetection), call.enrollment());
            }
            call.push_packet(Codec::Pcma, &packet).unwrap();
            for chunk in x.chunks(160) {
                call.push_both(chunk, chunk).unwrap();
            }
            assert!(call.bleed().is_some());
            call.push_lost(1_000).unwrap();
            let _ = call.set_caller(Caller::Enrolled(Arc::clone(&templates[1])));
            call.begin_secure();
            call.push(&x[..3_000]).unwrap();
            call.end_secure();
            call.finish();
            call.restart().unwrap();
            call.reset();
        }
        assert_eq!(allocations() - before, 0, "enrolment {enroll}");
    }
}

/// Runs a call of `minutes`, checking that nothing is allocated and that the counts are right.
fn long_call(minutes: u64) {
    let rate = 8_000u64;
    let x = call(8_000, 12.0);
    let mut s = session(8_000, LoudDetector::new(), true);
    let before = allocations();
    for _ in 0..minutes * 5 {
        x.chunks(160).for_each(|c| assert!(s.push(c).is_ok()));
    }
    let end = s.finish();
    let quality = s.quality();
    let windows = s.windows().len() / DIM;
    assert_eq!(allocations() - before, 0);
    assert_eq!((end.samples, quality.samples), (minutes * 60 * rate, minutes * 60 * rate));
    let share = end.net_speech_s() / quality.duration_s;
    assert!((0.5..0.75).contains(&share), "net speech is {share} of the call");
    assert!((3..=6).contains(&windows), "{windows} windows");
    let digits = s.dtmf().len() as u64 + s.dtmf_dropped();
    assert_eq!(digits, minutes * 30, "two digits every four seconds");
    assert!(s.embedding(&mut [0.0; DIM]));
}

#[test]
fn ten_minutes_run_in_flat_memory() {
    long_call(10);
}

#[test]
#[ignore = "takes half a minute; run it with --ignored"]
fn ten_hours_run_in_flat_memory() {
    long_call(600);
}
