//! Handles that cannot be misused: slots of a table, found by number and generation.
//!
//! What C sees as a pointer is a number: the slot's index and the generation of what lives there. It is never followed. NULL, garbage,
//! a freed handle and a handle of another kind are told from a good one by looking at the table, and a handle that two
//! threads use at once is refused to the second. Looking up takes no lock: a load of the chunk and one compare-exchange.
//!
//! A slot's word holds the generation (32 bits), the kind (8), whether it is to be freed (1) and how many calls are inside (16). Who
//! leaves last frees what is to be freed.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Failure, Result};
use crate::object::{Kind, Object};

const USERS: u64 = 0xffff;
const FREED: u64 = 1 << 16;
const KIND_SHIFT: u32 = 24;
const GENERATION_SHIFT: u32 = 32;
/// Slots of the first chunk; each further one is twice as large.
const FIRST_CHUNK: usize = 64;
const CHUNKS: usize = 20;
/// The lowest bits of a handle are 0, as those of a pointer to anything aligned would be.
const ALIGN_BITS: u32 = 4;

struct Slot {
    word: AtomicU64,
    body: UnsafeCell<Option<Object>>,
}

// SAFETY: `body` is reached mutably only by the one call that took the word from "no users" to "one user" (exclusive kinds) or to
// "freed, no users" (whoever leaves last), and shared only by kinds whose object is `Sync`; every transition is an atomic
// read-modify-write of `word` with acquire and release.
unsafe impl Sync for Slot {}

static TABLE: [AtomicPtr<Slot>; CHUNKS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS];
static FREE: Mutex<Free> = Mutex::new(Free { slots: Vec::new(), made: 0 });

struct Free {
    slots: Vec<usize>,
    made: usize,
}

/// Chunk and place within it of a slot.
fn place(index: usize) -> (usize, usize) {
    let chunk = (index / FIRST_CHUNK + 1).ilog2() as usize;
    (chunk, index - FIRST_CHUNK * ((1 << chunk) - 1))
}

fn slot(index: usize) -> Option<&'static Slot> {
    let (chunk, at) = place(index);
    let start = TABLE.get(chunk)?.load(Ordering::Acquire);
    if start.is_null() {
        return None;
    }
    // SAFETY: a chunk is published only when it is whole, holds `FIRST_CHUNK << chunk` slots, of which `at` is one (`place`), and
    // is never given back.
    Some(unsafe { &*start.add(at) })
}

/// A handle as a number: what the pointer in C holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(u64);

impl Token {
    fn new(index: usize, generation: u32) -> Self {
        // 24 bits of generation and 20 of index fit under the 47 bits of a user-space pointer on every 64-bit system.
        Self((u64::from(generation & 0xff_ffff) << 24 | (index as u64 + 1)) << ALIGN_BITS)
    }

    fn parts(self) -> Option<(usize, u32)> {
        let number = self.0 >> ALIGN_BITS;
        let index = (number & 0xff_ffff).checked_sub(1)?;
        (self.0 & ((1 << ALIGN_BITS) - 1) == 0).then_some((index as usize, (number >> 24) as u32))
    }

    pub(crate) fn of<T>(handle: *const T) -> Self {
        Self(handle.addr() as u64)
    }

    pub(crate) fn pointer<T>(self) -> *mut T {
        std::ptr::without_provenance_mut(self.0 as usize)
    }
}

fn generation(word: u64) -> u32 {
    (word >> GENERATION_SHIFT) as u32
}

fn kind_of(word: u64) -> u64 {
    word >> KIND_SHIFT & 0xff
}

/// Puts an object into a slot. Allocates, and takes a lock; for constructors.
pub(crate) fn insert(object: Object) -> Result<Token> {
    let kind = object.kind();
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let index = match free.slots.pop() {
        Some(index) => index,
        None => {
            let index = free.made;
            let (chunk, at) = place(index);
            let entry = TABLE.get(chunk).ok_or(Failure::TOO_MANY_HANDLES)?;
            if at == 0 {
                let empty = || Slot { word: AtomicU64::new(0), body: UnsafeCell::new(None) };
                let chunk: Box<[Slot]> = (0..FIRST_CHUNK << chunk).map(|_| empty()).collect();
                entry.store(Box::leak(chunk).as_mut_ptr(), Ordering::Release);
            }
            free.made += 1;
            index
        }
    };
    drop(free);
    let slot = slot(index).ok_or(Failure::TOO_MANY_HANDLES)?;
    let next = generation(slot.word.load(Ordering::Acquire)).wrapping_add(1);
    // SAFETY: the slot came from the free list or is new, so no handle of the present generation exists and the word's kind is 0:
    // nobody can enter until the store below.
    unsafe { *slot.body.get() = Some(object) };
    slot.word.store(u64::from(next) << GENERATION_SHIFT | (kind as u64) << KIND_SHIFT, Ordering::Release);
    Ok(Token::new(index, next))
}

/// Finds the slot of a handle and how its word must look, users aside.
fn find(token: Token, kind: Kind) -> Result<(&'static Slot, usize)> {
    if token == Token(0) {
        return Err(Failure::NULL);
    }
    let (index, age) = token.parts().ok_or(Failure::HANDLE)?;
    let slot = slot(index).ok_or(Failure::HANDLE)?;
    let word = slot.word.load(Ordering::Acquire);
    if generation(word) & 0xff_ffff != age || word & FREED != 0 || kind_of(word) == 0 {
        return Err(Failure::HANDLE);
    }
    if kind_of(word) != kind as u64 {
        return Err(Failure::HANDLE_KIND);
    }
    Ok((slot, index))
}

/// One more user of a live slot of this generation; alone if `alone`.
fn enter(token: Token, kind: Kind, alone: bool) -> Result<Guard> {
    let (slot, index) = find(token, kind)?;
    let mut word = slot.word.load(Ordering::Acquire);
    loop {
        let same = token.parts().is_some_and(|(_, age)| generation(word) & 0xff_ffff == age);
        if !same || word & FREED != 0 || kind_of(word) != kind as u64 {
            return Err(Failure::HANDLE);
        }
        if word & USERS == USERS || (alone && word & USERS != 0) {
            return Err(Failure::BUSY);
        }
        match slot.word.compare_exchange_weak(word, word + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Ok(Guard { slot, index }),
            Err(now) => word = now,
        }
    }
}

/// A call that is inside a slot.
struct Guard {
    slot: &'static Slot,
    index: usize,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let before = self.slot.word.fetch_sub(1, Ordering::AcqRel);
        if before & FREED != 0 && before & USERS == 1 {
            vacate(self.slot, self.index);
        }
    }
}

/// Drops what a freed slot holds; only for the one who made it "freed, no users".
fn vacate(slot: &'static Slot, index: usize) {
    // SAFETY: the word says "freed, no users", which nobody enters and which one thread alone brought about.
    let object = unsafe { (*slot.body.get()).take() };
    let age = u64::from(generation(slot.word.load(Ordering::Acquire)));
    slot.word.store(age << GENERATION_SHIFT, Ordering::Release);
    FREE.lock().unwrap_or_else(PoisonError::into_inner).slots.push(index);
    drop(object);
}

/// Calls `f` with the object, which nobody else uses meanwhile.
pub(crate) fn alone<T>(token: Token, kind: Kind, f: impl FnOnce(&mut Object) -> Result<T>) -> Result<T> {
    let guard = enter(token, kind, true)?;
    // SAFETY: `enter` took the word from no users to one, so this call is the only one inside.
    let body = unsafe { &mut *guard.slot.body.get() };
    f(body.as_mut().ok_or(Failure::HANDLE)?)
}

/// Calls `f` with the object, which others may read meanwhile. Only for kinds that are never entered [`alone`].
pub(crate) fn shared<T>(token: Token, kind: Kind, f: impl FnOnce(&Object) -> Result<T>) -> Result<T> {
    let guard = enter(token, kind, !kind.is_shared())?;
    // SAFETY: while there are users nobody vacates the slot, and kinds that are shared are never entered alone.
    let body = unsafe { &*guard.slot.body.get() };
    f(body.as_ref().ok_or(Failure::HANDLE)?)
}

/// Frees a handle; what calls are inside finish first. NULL is fine.
pub(crate) fn free(token: Token, kind: Kind) -> Result<()> {
    if token == Token(0) {
        return Ok(());
    }
    let (slot, index) = find(token, kind)?;
    let mut word = slot.word.load(Ordering::Acquire);
    loop {
        let same = token.parts().is_some_and(|(_, age)| generation(word) & 0xff_ffff == age);
        if !same || word & FREED != 0 || kind_of(word) != kind as u64 {
            return Err(Failure::HANDLE);
        }
        match slot.word.compare_exchange_weak(word, word | FREED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => break,
            Err(now) => word = now,
        }
    }
    if word & USERS == 0 {
        vacate(slot, index);
    }
    Ok(())
}

/// Which kind a live handle is of.
pub(crate) fn kind(token: Token) -> Result<Kind> {
    Kind::ALL.iter().copied().find(|&k| find(token, k).is_ok()).ok_or(if token == Token(0) {
        Failure::NULL
    } else {
        Failure::HANDLE
    })
}

/// Number of live handles.
pub(crate) fn live() -> usize {
    let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    free.made - free.slots.len()
}
