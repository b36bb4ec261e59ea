//! The watch list handle: voiceprints of fraudsters, searched as one.

use std::ffi::c_void;
use std::sync::Arc;

use ::engine::call::WatchList;
use ::engine::search::Index;
use ::engine::template::Template;
use zeroize::Zeroizing;

use crate::boundary::{on, reading, run};
use crate::engine::{template, vouch_engine};
use crate::error::{Failure, Result, vouch_result, vouch_result::*};
use crate::handle::{self, Token};
use crate::held::{Engine, Listed, Watch};
use crate::memory::{Out, put, slice};
use crate::object::{Body, Kind, Object};

/// Voiceprints to be recognised, each with a number of yours. One thread at a time; what calls were given of it stays theirs.
pub struct vouch_watchlist {
    _private: (),
}

impl Watch {
    pub(crate) fn new(engine: &Engine) -> Self {
        let rows = Zeroizing::new(Vec::new());
        Self {
            engine: engine.clone(),
            rows,
            sides: Vec::new(),
            ids: Vec::new(),
            #[cfg(feature = "domain")]
            names: Vec::new(),
            ready: None,
        }
    }

    fn add(&mut self, template: &Template, id: u64) {
        self.rows.extend_from_slice(template.embedding().values());
        self.sides.push(template.side());
        self.ids.push(id);
        self.ready = None;
    }

    /// Adds a domain's fraudster, who gets the next number.
    #[cfg(feature = "domain")]
    pub(crate) fn add_named(&mut self, template: &Template, name: String) {
        self.add(template, self.names.len() as u64);
        self.names.push(name);
    }

    #[cfg(feature = "domain")]
    pub(crate) fn name(&self, number: u64) -> Option<&str> {
        self.names.get(usize::try_from(number).ok()?).map(String::as_str)
    }

    /// Makes the list ready to be searched.
    pub(crate) fn ready(&mut self) -> Result<Listed> {
        if let Some(ready) = &self.ready {
            return Ok(ready.clone());
        }
        let internal = |e: &dyn std::fmt::Display| Failure::told(VOUCH_ERR_INTERNAL, e);
        let model = &self.engine.model;
        let index = Index::new(self.rows.to_vec(), model.dim(), model.id()).map_err(|e| internal(&e))?;
        let list = WatchList::new(index, self.sides.clone()).map_err(|e| internal(&e))?;
        let ready = Listed { list: Arc::new(list), ids: self.ids.as_slice().into() };
        Ok(self.ready.insert(ready).clone())
    }
}

fn with(handle: *const c_void, f: impl FnOnce(&mut Watch) -> Result<()>) -> vouch_result {
    on(Token::of(handle), Kind::WatchList, |object| f(object.watchlist()?))
}

/// Starts a watch list without voiceprints.
///
/// `engine`: may be freed before the list. `out`: the new list, to be freed by `vouch_watchlist_free`.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_TOO_MANY_HANDLES`. *Real time*: no. *Threads*: any.
///
/// # Safety
/// `out` is NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_watchlist_new(
    engine: *const vouch_engine,
    out: *mut *mut vouch_watchlist,
) -> vouch_result {
    reading(Token::of(engine), Kind::Engine, |object| {
        let out = Out::new(out)?;
        let watch = Watch::new(object.engine()?);
        let token = handle::insert(Object::new(Body::WatchList(Box::new(watch))))?;
        // SAFETY: the caller's contract.
        unsafe { out.set(token.pointer()) };
        Ok(())
    })
}

/// Frees a watch list. Calls that were given it keep what they have. NULL is fine.
///
/// *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
#[unsafe(no_mangle)]
pub extern "C" fn vouch_watchlist_free(watchlist: *mut vouch_watchlist) -> vouch_result {
    run(|| handle::free(Token::of(watchlist), Kind::WatchList))
}

/// Adds a voiceprint, with a number by which you know whose it is.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`, or a handle's error. *Real time*: no; allocates.
/// *Threads*: one at a time.
///
/// # Safety
/// `voiceprint` is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_watchlist_add(
    watchlist: *mut vouch_watchlist,
    voiceprint: *const u8,
    voiceprint_len: usize,
    id: u64,
) -> vouch_result {
    with(watchlist.cast(), |watch| {
        // SAFETY: the caller's contract.
        let template = template(&watch.engine, unsafe { slice(voiceprint, voiceprint_len)? })?;
        watch.add(&template, id);
        Ok(())
    })
}

/// Finds the voiceprint of the list that is closest to one: what tells you that somebody is on it already.
///
/// `id`: its number. `risk`: 0 to 100, over the whole list: flagging at threshold t, 30 to 100, flags somebody who is not on it with
/// probability 10^((10 - t) / 20). Either may be NULL.
///
/// Returns `VOUCH_OK`, `VOUCH_ERR_NONE` for an empty list, `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`, or a handle's error.
/// *Real time*: no; allocates, and takes time that grows with the list. *Threads*: one at a time.
///
/// # Safety
/// `voiceprint` is as long as it says; the outputs are NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vouch_watchlist_search(
    watchlist: *mut vouch_watchlist,
    voiceprint: *const u8,
    voiceprint_len: usize,
    id: *mut u64,
    risk: *mut i32,
) -> vouch_result {
    with(watchlist.cast(), |watch| {
        // SAFETY: the caller's contract.
        let template = template(&watch.engine, unsafe { slice(voiceprint, voiceprint_len)? })?;
        let ready = watch.ready()?;
        let mut scratch = ready.list.index().scratch();
        let found = ready
            .list
            .risk(template.embedding(), template.side(), &watch.engine.calibration, &mut scratch)
            .map_err(|e| Failure::told(VOUCH_ERR_INTERNAL, e))?;
        let (row, score) = found.ok_or(Failure::because(VOUCH_ERR_NONE, "the list is empty"))?;
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(&found) = ready.ids.get(row) {
                put(id, found);
            }
            put(risk, i32::from(score.value()));
        }
        Ok(())
    })
}
