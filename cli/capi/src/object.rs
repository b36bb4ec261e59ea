//! What handles stand for.

use crate::error::{Failure, Result};
use crate::held::{Call, Engine, Enrolment, Live, Watch};

/// The kinds of handle; 0 is an empty slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    Engine = 1,
    Enrolment = 2,
    Session = 3,
    Call = 4,
    WatchList = 5,
    #[cfg(feature = "domain")]
    Domain = 6,
}

impl Kind {
    pub(crate) const ALL: &[Self] = &[
        Self::Engine,
        Self::Enrolment,
        Self::Session,
        Self::Call,
        Self::WatchList,
        #[cfg(feature = "domain")]
        Self::Domain,
    ];

    /// Many threads may be inside at once: such an object never changes.
    pub(crate) fn is_shared(self) -> bool {
        self == Self::Engine
    }
}

/// An object in its slot, with the last failure of a call on it.
pub(crate) struct Object {
    body: Body,
    pub(crate) last: Option<Failure>,
}

pub(crate) enum Body {
    Engine(Engine),
    Enrolment(Box<Enrolment>),
    Session(Box<Call>),
    Call(Box<Live>),
    WatchList(Box<Watch>),
    #[cfg(feature = "domain")]
    Domain(Box<cli_store::Domain>),
    /// A panic left it in an unknown state.
    Broken(Kind),
}

impl Object {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, last: None }
    }

    pub(crate) fn kind(&self) -> Kind {
        match &self.body {
            Body::Engine(_) => Kind::Engine,
            Body::Enrolment(_) => Kind::Enrolment,
            Body::Session(_) => Kind::Session,
            Body::Call(_) => Kind::Call,
            Body::WatchList(_) => Kind::WatchList,
            #[cfg(feature = "domain")]
            Body::Domain(_) => Kind::Domain,
            Body::Broken(kind) => *kind,
        }
    }

    pub(crate) fn break_it(&mut self) {
        self.body = Body::Broken(self.kind());
    }

    pub(crate) fn engine(&self) -> Result<&Engine> {
        match &self.body {
            Body::Engine(engine) => Ok(engine),
            Body::Broken(_) => Err(Failure::PANIC),
            _ => Err(Failure::HANDLE_KIND),
        }
    }
}

/// What a handle of the kind stands for, to be changed.
macro_rules! body {
    ($($name:ident: $kind:ident($body:ty)),+ $(,)?) => {
        impl Object {
            $(pub(crate) fn $name(&mut self) -> Result<&mut $body> {
                match &mut self.body {
                    Body::$kind(body) => Ok(body),
                    Body::Broken(_) => Err(Failure::PANIC),
                    _ => Err(Failure::HANDLE_KIND),
                }
            })+
        }
    };
}

body! { enrolment: Enrolment(Enrolment), session: Session(Call), call: Call(Live), watchlist: WatchList(Watch) }

#[cfg(feature = "domain")]
body! { domain: Domain(cli_store::Domain) }
