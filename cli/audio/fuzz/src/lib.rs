//! What must hold for any bytes that are read as a recording. No store, no network, no model is below `cli-audio`, so that the
//! instrumented build takes a minute.

use std::io::Cursor;

use cli_audio::{AudioError, AudioFile};

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
