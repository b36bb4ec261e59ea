//! Reading golden files and comparing with them.

use std::path::Path;

/// Text of `golden/<name>`.
///
/// # Panics
/// The file cannot be read.
#[expect(clippy::panic, reason = "a missing golden file is a broken test")]
pub fn golden_text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Checks that every value lies within `tolerance` of its expectation, which no NaN does; returns the largest difference.
///
/// # Panics
/// They differ more, or in number: the message names `what`, how many differ, and the worst.
#[expect(clippy::panic, reason = "it is an assertion")]
#[track_caller]
pub fn assert_close(what: &str, actual: &[f32], expected: &[f32], tolerance: f32) -> f32 {
    assert!(actual.len() == expected.len(), "{what}: {} values, {} expected", actual.len(), expected.len());
    let off = |i: usize| {
        let d = (actual[i] - expected[i]).abs();
        if d.is_nan() { f32::INFINITY } else { d }
    };
    let Some(worst) = (0..actual.len()).max_by(|&a, &b| off(a).total_cmp(&off(b))) else { return 0.0 };
    let wrong = (0..actual.len()).filter(|&i| off(i) > tolerance).count();
    if wrong > 0 {
        panic!(
            "{what}: {wrong} of {} values differ by more than {tolerance}; worst: [{worst}] is {}, not {}",
            actual.len(),
            actual[worst],
            expected[worst]
        );
    }
    off(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "1 of 2 values differ")]
    fn nan_is_not_close() {
        assert_close("x", &[1.0, f32::NAN], &[1.0, 2.0], 1e9);
    }

    #[test]
    fn close_is_close() {
        assert_eq!(assert_close("x", &[1.0, 2.5], &[1.0, 2.0], 0.5), 0.5);
        assert_eq!(assert_close("x", &[], &[], 0.0), 0.0);
    }
}
