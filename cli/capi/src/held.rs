//! What each kind of handle holds; what is done with it stands beside the exported functions.

use std::ffi::c_void;
use std::sync::Arc;

use ::engine::call::{Settings, WatchList};
use ::engine::enroll::{EnrollConfig, Enroller};
use ::engine::score::{AuthPolicy, Calibration, Claim, Side};
use ::engine::session::Session;
use ::engine::template::{Embedding, Template};
use models::Model;
use zeroize::Zeroizing;

/// The network and what its scores mean; shared by everything that was made from it.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) model: Model,
    pub(crate) calibration: Arc<Calibration>,
}

/// An enrolment: recordings of one person on their way to a voiceprint.
pub(crate) struct Enrolment {
    pub(crate) engine: Engine,
    pub(crate) config: EnrollConfig,
    pub(crate) enroller: Enroller,
    pub(crate) session: Session,
    /// Net speech of the recordings before this one, in seconds.
    pub(crate) before_s: f64,
    pub(crate) wanted_s: f64,
    pub(crate) voiceprint: Option<Zeroizing<Vec<u8>>>,
}

/// A session: one speaker, one decision.
pub(crate) struct Call {
    pub(crate) engine: Engine,
    pub(crate) session: Session,
    pub(crate) policy: AuthPolicy,
    pub(crate) claim: Claim,
    pub(crate) template: Option<Template>,
    pub(crate) values: Zeroizing<Vec<f32>>,
    pub(crate) probe: Embedding,
    pub(crate) ended: bool,
}

/// Who is told of a call's events.
pub(crate) struct Listener {
    pub(crate) userdata: *mut c_void,
    pub(crate) callback: unsafe extern "C" fn(*mut c_void, i32, u64, i32, i32),
}

// SAFETY: the pointer is never followed here; who sets it says that the callback may be told on whichever thread uses the call.
unsafe impl Send for Listener {}
// SAFETY: as above; a call is for one thread at a time.
unsafe impl Sync for Listener {}

/// A call as it happens.
pub(crate) struct Live {
    pub(crate) engine: Engine,
    pub(crate) call: ::engine::call::Call,
    pub(crate) settings: Settings,
    /// Numbers of the watch list's rows.
    pub(crate) ids: Arc<[u64]>,
    pub(crate) voiceprint: Option<Zeroizing<Vec<u8>>>,
    pub(crate) listener: Option<Listener>,
}

/// A list as calls search it: what is added later is not in it.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) list: Arc<WatchList>,
    pub(crate) ids: Arc<[u64]>,
}

/// A watch list, and what it was made of.
pub(crate) struct Watch {
    pub(crate) engine: Engine,
    pub(crate) rows: Zeroizing<Vec<f32>>,
    pub(crate) sides: Vec<Side>,
    pub(crate) ids: Vec<u64>,
    /// Ids of a domain's fraudsters, by their numbers.
    #[cfg(feature = "domain")]
    pub(crate) names: Vec<String>,
    /// The list as it was last searched; none after a voiceprint was added.
    pub(crate) ready: Option<Listed>,
}
