//! The audio readers of `cli`, compiled here by themselves: no store, no network, no model, so that the instrumented
//! build takes a minute. And what must hold for any bytes.
#![allow(missing_docs)]

#[path = "../../src/files/mod.rs"]
pub mod files;

use std::io::Cursor;

use files::{AudioError, AudioFile};

/// Frames after which a run has seen enough: a small file may announce hours of silence.
const ENOUGH_FRAMES: u64 = 4_000_000;

/// Reads to the end. Any bytes give finite samples or an error of one line, and the same one again.
pub fn drain(opened: Result<AudioFile, AudioError>) {
    let result = opened.and_then(|mut file| {
        let channels = usize::from(file.spec().channels);
        let mut chunk = Vec::new();
        while file.position() < ENOUGH_FRAMES {
            match file.next_chunk(&mut chunk) {
                Ok(0) => break,
                Ok(frames) => {
                    assert_eq!(chunk.len(), frames * channels);
                    assert!(chunk.iter().all(|x| x.is_finite()));
                }
                Err(error) => {
                    assert!(chunk.is_empty());
                    assert_eq!(file.next_chunk(&mut chunk), Err(error.clone()));
                    return Err(error);
                }
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        assert!(!error.to_string().contains('\n'));
    }
}

/// [`drain`] of the bytes as a file of any kind.
pub fn drain_bytes(bytes: Vec<u8>) {
    drain(AudioFile::open_reader("fuzz", Cursor::new(bytes)));
}
