//! The whole session on the shipped networks: every chunking gives the same bits, and `push` never allocates.
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use engine::audio::SampleRate;
use engine::codec::Codec;
use engine::session::{Session, SessionConfig};
use models::{Model, Precision};

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

fn session(model: &Model, rate: u32, windows: bool) -> Session {
    let config = SessionConfig::new(SampleRate::new(rate).unwrap());
    if windows {
        Session::with_windows(config, model.embedder(), model.detector(), model.embedder()).unwrap()
    } else {
        Session::new(config, model.embedder(), model.detector()).unwrap()
    }
}

type Bits = (Vec<u32>, Vec<u32>, u64, String);

fn end(s: &mut Session, dim: usize) -> Bits {
    let progress = s.finish();
    let mut e = vec![0.0; dim];
    let _ = s.embedding(&mut e);
    let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect();
    (bits(&e), bits(s.windows()), progress.net_speech_frames, format!("{:?}", s.quality()))
}

#[test]
fn every_chunking_gives_the_same_bits_and_reset_equals_fresh() {
    let model = Model::embedded().unwrap();
    let mut seed = 17u32;
    for rate in [8_000, 16_000, 44_100] {
        let x = testdata::speech_like(rate, 12);
        let mut s = session(&model, rate, true);
        s.push(&x).unwrap();
        let whole = end(&mut s, model.dim());
        assert!(whole.2 > 200, "{rate} Hz: only {} frames of speech, so this would prove nothing", whole.2);
        assert!(whole.0.iter().any(|&b| b != 0));
        for round in 0..6 {
            s.reset();
            let mut rest = x.as_slice();
            while !rest.is_empty() {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let n = match round {
                    0 => rate as usize / 100,
                    1 => rate as usize / 50,
                    2 => rate as usize,
                    _ => (seed >> 8) as usize % 3_000,
                };
                let (now, later) = rest.split_at(n.min(rest.len()));
                s.push(now).unwrap();
                rest = later;
            }
            assert!(end(&mut s, model.dim()) == whole, "{rate} Hz, round {round}");
        }
    }
}

#[test]
fn nothing_allocates_after_construction() {
    for (precision, rates) in
        [(Precision::F32, &[8_000, 16_000, 44_100, 48_000][..]), (Precision::Int8, &[8_000, 44_100])]
    {
        let model = Model::embedded_with(precision).unwrap();
        for &rate in rates {
            for windows in [false, true] {
                let x = testdata::speech_like(rate, 6);
                let integers: Vec<i16> = x.iter().map(|&v| engine::audio::f32_to_i16(v)).collect();
                let packet = vec![0x55; rate as usize / 50];
                let mut s = session(&model, rate, windows);
                let mut e = vec![0.0; model.dim()];
                let before = ALLOCATIONS.with(Cell::get);
                for chunk in x.chunks(rate as usize / 50) {
                    s.push(chunk).unwrap();
                }
                s.push(&x).unwrap();
                s.push_i16(&integers).unwrap();
                s.push_packet(Codec::Pcmu, &packet).unwrap();
                s.push_packet(Codec::L16, &packet[..packet.len() / 2 * 2]).unwrap();
                s.push_lost(1_000).unwrap();
                let _ = s.push(&[f32::NAN]).is_err();
                let _ = (s.embedding(&mut e), s.quality(), s.progress(), s.dtmf().len());
                s.finish();
                s.reset();
                s.push(&x[..1_000]).unwrap();
                let after = ALLOCATIONS.with(Cell::get);
                assert_eq!(after - before, 0, "{rate} Hz, windows {windows}, {precision:?}");
            }
        }
    }
}

#[test]
fn eight_bits_give_nearly_the_same_embedding_for_every_chunking() {
    let exact = Model::embedded().unwrap();
    let rounded = Model::embedded_with(Precision::Int8).unwrap();
    assert_eq!(exact.id(), rounded.id());
    let x = testdata::speech_like(8_000, 12);
    let run = |model: &Model, chunk: usize| {
        let mut s = session(model, 8_000, false);
        x.chunks(chunk).for_each(|c| assert!(s.push(c).is_ok()));
        s.finish();
        let mut e = vec![0.0; model.dim()];
        assert!(s.embedding(&mut e));
        e
    };
    let (a, b) = (run(&exact, 8_000), run(&rounded, 8_000));
    let cosine: f32 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
    println!("cosine of int8 and f32: {cosine}");
    assert!(cosine > 0.995 && cosine < 0.999_999_9, "{cosine}");
    for chunk in [80, 160, 777, 1 << 20] {
        assert!(run(&rounded, chunk).iter().zip(&b).all(|(x, y)| x.to_bits() == y.to_bits()), "{chunk}");
    }
}

#[test]
fn bad_samples_change_nothing() {
    let model = Model::embedded().unwrap();
    let x = testdata::speech_like(8_000, 8);
    let mut clean = session(&model, 8_000, false);
    clean.push(&x).unwrap();
    let mut attacked = session(&model, 8_000, false);
    for (i, chunk) in x.chunks(777).enumerate() {
        let mut bad = chunk.to_vec();
        bad[i % chunk.len()] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][i % 3];
        assert!(attacked.push(&bad).is_err());
        assert!(attacked.push_packet(Codec::L16, &[1, 2, 3]).is_err());
        attacked.push(chunk).unwrap();
    }
    assert!(end(&mut clean, model.dim()) == end(&mut attacked, model.dim()));
    assert!(attacked.push(&x).is_err(), "the stream has ended");
}
