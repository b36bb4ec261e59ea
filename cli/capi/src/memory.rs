//! The caller's memory: the only places where a pointer from C is followed.

use std::ffi::{c_char, c_void};

use crate::error::{Failure, Result, vouch_result::*};

/// A buffer of the caller's for reading. An empty one may be NULL.
///
/// # Safety
/// - If `len` is not 0 and `data` not NULL, `data` points to `len` elements that nobody writes to during the call.
pub(crate) unsafe fn slice<'a, T: Plain>(data: *const T, len: usize) -> Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Failure::NULL);
    }
    if len > isize::MAX as usize / size_of::<T>() {
        return Err(Failure::because(VOUCH_ERR_RANGE, "longer than memory can be"));
    }
    if !data.is_aligned() {
        return Err(Failure::because(VOUCH_ERR_RANGE, "samples that are not aligned"));
    }
    // SAFETY: not NULL, aligned and not longer than memory, as checked above; the caller vouches for the rest.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// A text of the caller's that ends with NUL.
///
/// # Safety
/// - `text` is NULL or ends with NUL, and nobody writes to it during the call.
#[cfg(feature = "domain")]
pub(crate) unsafe fn text_in<'a>(text: *const c_char) -> Result<&'a str> {
    if text.is_null() {
        return Err(Failure::NULL);
    }
    // SAFETY: not NULL; the caller vouches for the rest.
    unsafe { std::ffi::CStr::from_ptr(text) }.to_str().map_err(|_| Failure::of(VOUCH_ERR_TEXT))
}

/// Types of which every bit pattern is a value.
pub(crate) trait Plain: Copy {}
impl Plain for u8 {}
impl Plain for i16 {}
impl Plain for f32 {}

/// Where one value goes.
pub(crate) struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    /// Checks that there is a place.
    pub(crate) fn new(place: *mut T) -> Result<Self> {
        if place.is_null() { Err(Failure::NULL) } else { Ok(Self(place)) }
    }

    /// Writes the value.
    ///
    /// # Safety
    /// - The place is valid for a write of `T`.
    pub(crate) unsafe fn set(self, value: T) {
        // SAFETY: not NULL (`new`); the caller vouches for the size. Unaligned places are written all the same.
        unsafe { self.0.write_unaligned(value) };
    }
}

/// Writes to a place that may be NULL.
///
/// # Safety
/// - `place` is NULL or valid for a write.
pub(crate) unsafe fn put<T: Copy>(place: *mut T, value: T) {
    if let Ok(out) = Out::new(place) {
        // SAFETY: the caller's contract.
        unsafe { out.set(value) };
    }
}

/// Copies bytes to the caller's buffer, or tells how large it must be.
///
/// # Safety
/// - `buffer` is NULL or valid for writes of `len` bytes; `needed` is NULL or valid for a write.
pub(crate) unsafe fn copy_out(bytes: &[u8], buffer: *mut c_void, len: usize, needed: *mut usize) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe { put(needed, bytes.len()) };
    if buffer.is_null() {
        // Asking for the size only, which must then have a place to go.
        return if len == 0 && !needed.is_null() { Ok(()) } else { Err(Failure::NULL) };
    }
    if len < bytes.len() {
        return Err(Failure::of(VOUCH_ERR_BUFFER));
    }
    // SAFETY: not NULL and long enough, as checked; the caller vouches that the buffer is as long as it says.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len()) };
    Ok(())
}

/// As [`copy_out`], for a text, which gets a NUL at its end.
///
/// # Safety
/// - As [`copy_out`].
pub(crate) unsafe fn text_out(text: &str, buffer: *mut c_char, len: usize, needed: *mut usize) -> Result<()> {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend(text.bytes().map(|b| if b == 0 { b' ' } else { b }));
    bytes.push(0);
    // SAFETY: the caller's contract is `copy_out`'s.
    unsafe { copy_out(&bytes, buffer.cast(), len, needed) }
}
