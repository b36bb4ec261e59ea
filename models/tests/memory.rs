//! How much memory a call takes beyond the network that all calls share.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use engine::audio::SampleRate;
use engine::call::{Call, CallConfig};
use engine::session::{Session, SessionConfig};
use models::{Model, Precision};

/// What a call may take, in bytes.
const MOST: i64 = 300_000;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.with(|n| n.set(n.get() + layout.size() as i64));
        // SAFETY: the caller's promise about `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.with(|n| n.set(n.get() - layout.size() as i64));
        // SAFETY: the caller's promise about `at` and `layout`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes that what `make` returns holds.
fn size<T>(make: impl FnOnce() -> T) -> i64 {
    let before = HELD.with(Cell::get);
    let made = Box::new(make());
    let held = HELD.with(Cell::get) - before;
    drop(made);
    assert_eq!(HELD.with(Cell::get), before, "all of it is given back");
    held
}

#[test]
fn a_call_takes_at_most_300_kilobytes() {
    let calibration = Arc::new(models::calibration::parse(models::calibration_json()).unwrap());
    for precision in [Precision::F32, Precision::Int8] {
        let model = Model::embedded_with(precision).unwrap();
        for rate in [8_000, 16_000] {
            let config = SessionConfig::new(SampleRate::new(rate).unwrap());
            let session = || Session::new(config, model.embedder(), model.detector()).unwrap();
            let call = || {
                let (embedder, detector) = (model.embedder(), model.detector());
                Call::new(CallConfig::new(config), embedder, detector, None, Arc::clone(&calibration)).unwrap()
            };
            // What calls share.
            let _other = call();
            let parts = [size(|| model.embedder()), size(|| model.detector()), size(session), size(call)];
            println!("{} at {rate} Hz: embedder, detector, session, call take {parts:?} bytes", precision.name());
            assert!(parts[3] <= MOST, "{} at {rate} Hz: {} bytes", precision.name(), parts[3]);
        }
    }
}
