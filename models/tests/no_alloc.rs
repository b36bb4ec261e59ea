//! Memory: a network allocates when it is made and never again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use engine::embed::MAX_BLOCK_FRAMES;
use models::Model;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise about `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise about `at` and `layout`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    f();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn networks_do_not_allocate_after_construction() {
    assert!(allocations(|| drop(std::hint::black_box(vec![0u8; 100]))) > 0, "the counter counts");

    let model = Model::embedded().unwrap();
    let (mut embedder, mut detector) = (model.embedder(), model.detector());
    let mels = embedder.num_mel_bins();
    let log_mel: Vec<f32> = (0..MAX_BLOCK_FRAMES * mels).map(|i| 10.0 + (i as f32 * 0.37).sin() * 4.0).collect();
    let mut speech = [true; MAX_BLOCK_FRAMES];
    speech[5..9].fill(false);
    let mut embedding = vec![0.0; embedder.dim()];
    let mut log_odds = [0.0; MAX_BLOCK_FRAMES];
    let count = allocations(|| {
        for round in 0..3 {
            for frames in (1..=MAX_BLOCK_FRAMES).chain([MAX_BLOCK_FRAMES; 20]) {
                embedder.push(&log_mel[..frames * mels], &speech[..frames]);
                detector.push(&log_mel[..frames * mels], &mut log_odds);
                embedder.embedding(&mut embedding);
            }
            embedder.finish();
            detector.finish(&mut log_odds);
            assert!(embedder.embedding(&mut embedding), "round {round}");
            embedder.reset();
            detector.reset();
        }
    });
    assert_eq!(count, 0, "allocations in push, finish, embedding and reset");
}
