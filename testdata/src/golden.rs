//! Reading golden files and comparing with them.

use std::path::{Path, PathBuf};

/// A two-dimensional array of a golden file, row-major.
pub struct Table<T> {
    /// Rows, columns; a one-dimensional file has one column.
    pub shape: (usize, usize),
    /// The values.
    pub values: Vec<T>,
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// Text of `golden/<name>`.
///
/// # Panics
/// The file cannot be read.
pub fn golden_text(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| fail(&path, &e.to_string()))
}

/// The single-precision array of `golden/<name>`, as `numpy.save` writes it.
///
/// # Panics
/// The file cannot be read or is no such array.
pub fn npy_f32(name: &str) -> Table<f32> {
    npy(name, "<f4", |b: [u8; 4]| f32::from_le_bytes(b))
}

/// The 16-bit array of `golden/<name>`, as `numpy.save` writes it.
///
/// # Panics
/// The file cannot be read or is no such array.
pub fn npy_i16(name: &str) -> Table<i16> {
    npy(name, "<i2", |b: [u8; 2]| i16::from_le_bytes(b))
}

#[expect(clippy::panic, reason = "a broken golden file is a broken test")]
fn fail(path: &Path, what: &str) -> ! {
    panic!("{}: {what}", path.display())
}

fn npy<T, const N: usize>(name: &str, descr: &str, read: impl Fn([u8; N]) -> T) -> Table<T> {
    let path = path(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| fail(&path, &e.to_string()));
    // Version 1.0: magic, version, length of the header, header (a Python literal), values.
    let Some((header, values)) = bytes
        .strip_prefix(b"\x93NUMPY\x01\x00")
        .and_then(|rest| rest.split_first_chunk::<2>())
        .and_then(|(len, rest)| rest.split_at_checked(usize::from(u16::from_le_bytes(*len))))
    else {
        fail(&path, "no array of numpy's format 1.0")
    };
    let header = String::from_utf8_lossy(header);
    if !header.contains(&format!("'descr': '{descr}'")) || header.contains("'fortran_order': True") {
        fail(&path, &format!("holds {header}, not {descr} in C order"));
    }
    let sizes: Vec<usize> = header
        .split_once("'shape': (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(shape, _)| shape.split(',').filter_map(|s| s.trim().parse().ok()).collect())
        .unwrap_or_default();
    let shape = match sizes[..] {
        [rows] => (rows, 1),
        [rows, columns] => (rows, columns),
        _ => fail(&path, "is neither a list nor a table"),
    };
    let values: Vec<T> = values.as_chunks::<N>().0.iter().map(|&b| read(b)).collect();
    if values.len() != shape.0 * shape.1 {
        fail(&path, &format!("{} values, {shape:?} expected", values.len()));
    }
    Table { shape, values }
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
