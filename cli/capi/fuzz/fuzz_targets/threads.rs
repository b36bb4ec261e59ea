//! The rule for threads, under ThreadSanitizer: different handles in parallel, one handle misused from two threads at once, a handle freed
//! while another thread is inside, and engines for all. Prints how often each answer came; exits 0 if every answer is one that the header
//! states.
//!
//! `RUSTFLAGS=-Zsanitizer=thread cargo +nightly run -Zbuild-std --target x86_64-unknown-linux-gnu --bin threads [ROUNDS]`

use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::sync::Mutex;

use vouch::vouch_result::*;
use vouch::*;

/// A handle that may go to other threads, as C would hand it on.
struct Shared<T>(*mut T);
// SAFETY: handles are numbers; what may be done with them from where is what is tried here.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Shared<T> {}

impl<T> Shared<T> {
    fn get(self) -> *mut T {
        self.0
    }
}

static CALL: &[u8] = include_bytes!("../../../../testdata/audio/callers/alice_call_1.wav").split_at(64).1;

fn main() {
    let rounds: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(20);
    let told: Mutex<BTreeMap<(&str, String), u64>> = Mutex::default();
    let note = |what: &'static str, result: vouch_result, allowed: &[vouch_result]| {
        *told.lock().unwrap().entry((what, format!("{result:?}"))).or_default() += 1;
        if !allowed.contains(&result) {
            eprintln!("{what}: {result:?} is none of {allowed:?}");
            std::process::exit(1);
        }
    };
    let mut engine = null_mut();
    // SAFETY: `engine` is a live place.
    assert_eq!(unsafe { vouch_engine_new(&mut engine) }, VOUCH_OK);
    let engine = Shared(engine);
    let session = || {
        let (engine, mut session) = (engine.get(), null_mut());
        // SAFETY: `session` is a live place.
        note("a session of a shared engine", unsafe { vouch_session_new(engine, 8_000, &mut session) }, &[VOUCH_OK]);
        Shared(session)
    };
    let push = |s: Shared<vouch_session>, packet: &[u8]| {
        // SAFETY: the packet is as long as it says.
        unsafe { vouch_session_push_pcmu(s.get(), packet.as_ptr(), packet.len()) }
    };
    for _ in 0..rounds {
        // Two sessions in two threads: neither hears of the other.
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let own = session();
                    for packet in CALL.chunks(160).take(200) {
                        note("own session", push(own, packet), &[VOUCH_OK]);
                    }
                    note("free of one's own", vouch_session_free(own.get()), &[VOUCH_OK]);
                });
            }
        });
        // One session from three threads, which is misuse: one is inside, the others are told so.
        let one = session();
        let busy = [VOUCH_OK, VOUCH_ERR_BUSY];
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| CALL.chunks(160).take(200).for_each(|p| note("shared session", push(one, p), &busy)));
            }
            scope.spawn(|| {
                for _ in 0..200 {
                    let mut decision = vouch_decision::VOUCH_ACCEPT;
                    // SAFETY: `decision` is a live place.
                    let result = unsafe { vouch_session_decision(one.get(), &mut decision, null_mut()) };
                    note("decision meanwhile", result, &busy);
                    note("reset meanwhile", vouch_session_reset(one.get()), &busy);
                }
            });
        });
        // Freed while others are inside: it waits for them, and then the handle is of nothing.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let gone = [VOUCH_OK, VOUCH_ERR_BUSY, VOUCH_ERR_HANDLE];
                CALL.chunks(160).take(100).for_each(|p| note("session that is freed", push(one, p), &gone));
            });
            scope.spawn(|| note("free meanwhile", vouch_session_free(one.get()), &[VOUCH_OK]));
        });
        note("use after free", push(one, &CALL[..160]), &[VOUCH_ERR_HANDLE]);
    }
    assert_eq!(vouch_engine_free(engine.get()), VOUCH_OK);
    assert_eq!(vouch_live_handles(), 0);
    for ((what, result), times) in told.lock().unwrap().iter() {
        println!("{what}: {result} {times}");
    }

}
