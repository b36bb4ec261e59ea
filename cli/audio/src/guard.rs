//! The boundary around foreign decoders: a panic inside becomes an error, and prints nothing.
//!
//! Symphonia is safe Rust, which keeps memory sound but does not keep a malformed file from an index out of range. A
//! recording that does this must cost its own result, never the process that reads a thousand others.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::error::AudioProblem;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it is `AudioProblem::Decoder`. What `work` borrowed must not be used after an error.
pub(super) fn guarded<T>(
    codec: &'static str,
    work: impl FnOnce() -> Result<T, AudioProblem>,
) -> Result<T, AudioProblem> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !INSIDE.with(Cell::get) {
                outer(info);
            }
        }));
    });
    let before = INSIDE.with(|inside| inside.replace(true));
    let result = catch_unwind(AssertUnwindSafe(work));
    INSIDE.with(|inside| inside.set(before));
    result.unwrap_or_else(|panic| {
        Err(AudioProblem::Decoder { codec, message: format!("the decoder gave up ({})", words(&*panic)) })
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no reason given",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_the_next_call_works() {
        let index = std::hint::black_box(7);
        let caught: Result<u8, _> = guarded("test", || Ok([1u8, 2][index]));
        match caught {
            Err(AudioProblem::Decoder { codec: "test", message }) => assert!(message.contains("out of bounds")),
            other => panic!("{other:?}"),
        }
        assert_eq!(guarded("test", || Ok(3)), Ok(3));
    }
}
