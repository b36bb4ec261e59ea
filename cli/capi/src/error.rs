//! What can go wrong, as numbers that are never used twice, and what a handle remembers of it.

use std::fmt;

use engine::error::InputError;

/// How a call ended. Numbers come in blocks, and one that goes out of use is never used again.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum vouch_result {
    /// Done.
    VOUCH_OK = 0,

    /// A pointer that must not be NULL is.
    VOUCH_ERR_NULL = 100,
    /// No live handle: freed already, or never was one.
    VOUCH_ERR_HANDLE = 101,
    /// A live handle of another kind.
    VOUCH_ERR_HANDLE_KIND = 102,
    /// Another thread is inside this handle; nothing was changed.
    VOUCH_ERR_BUSY = 103,
    /// A number out of its range, or an enum without this value.
    VOUCH_ERR_RANGE = 104,
    /// The buffer is too small; the size needed was written to the `_n` argument, and nothing else.
    VOUCH_ERR_BUFFER = 105,
    /// A text that is not UTF-8, or has a NUL inside.
    VOUCH_ERR_TEXT = 106,
    /// A call that does not fit the state, such as audio after the end.
    VOUCH_ERR_STATE = 107,
    /// More handles than the library has room for: about 67 million.
    VOUCH_ERR_TOO_MANY_HANDLES = 108,
    /// There is none: no event waits, no speech was heard, no score is decided.
    VOUCH_ERR_NONE = 109,

    /// A sample that is NaN, infinite, or beyond the scale; nothing was taken.
    VOUCH_ERR_AUDIO = 200,
    /// A packet that cannot be, or is longer than 200 ms at 48 kHz; nothing was taken.
    VOUCH_ERR_PACKET = 201,

    /// Bytes that are no voiceprint, or damaged.
    VOUCH_ERR_VOICEPRINT = 300,
    /// A voiceprint of another network than the engine's.
    VOUCH_ERR_OTHER_MODEL = 301,
    /// Bytes that are no network, damaged, or for another build.
    VOUCH_ERR_MODEL = 302,
    /// Text that is no calibration, or one of another network.
    VOUCH_ERR_CALIBRATION = 303,

    /// Enrolment refused: too little speech.
    VOUCH_ERR_TOO_LITTLE_SPEECH = 400,
    /// Enrolment refused: too much noise.
    VOUCH_ERR_NOISE = 401,
    /// Enrolment refused: too many clipped samples.
    VOUCH_ERR_CLIPPING = 402,
    /// Enrolment refused: more than one voice.
    VOUCH_ERR_SECOND_VOICE = 403,
    /// Enrolment refused: no speech at all.
    VOUCH_ERR_SILENCE = 404,
    /// Enrolment refused: the voice is on the watch list.
    VOUCH_ERR_WATCHLISTED = 405,

    /// The domain cannot be opened, read or written.
    VOUCH_ERR_DOMAIN = 500,
    /// An id or a name that the domain's rules do not allow, or that is not enough to tell which is meant.
    VOUCH_ERR_ID = 501,
    /// The domain's state does not allow it: there is one already, or the speaker has opted out.
    VOUCH_ERR_CONFLICT = 502,
    /// The domain has none: no such speaker, list, or consent.
    VOUCH_ERR_NOT_FOUND = 503,
    /// The user in whose name the domain is open has no right to it.
    VOUCH_ERR_DENIED = 504,

    /// A panic was caught. The handle can only be freed; please report it.
    VOUCH_ERR_PANIC = 900,
    /// Something that cannot be went wrong; please report it.
    VOUCH_ERR_INTERNAL = 901,
}

use vouch_result::*;

impl vouch_result {
    /// Every code.
    pub const ALL: [vouch_result; 29] = [
        VOUCH_OK,
        VOUCH_ERR_NULL,
        VOUCH_ERR_HANDLE,
        VOUCH_ERR_HANDLE_KIND,
        VOUCH_ERR_BUSY,
        VOUCH_ERR_RANGE,
        VOUCH_ERR_BUFFER,
        VOUCH_ERR_TEXT,
        VOUCH_ERR_STATE,
        VOUCH_ERR_TOO_MANY_HANDLES,
        VOUCH_ERR_NONE,
        VOUCH_ERR_AUDIO,
        VOUCH_ERR_PACKET,
        VOUCH_ERR_VOICEPRINT,
        VOUCH_ERR_OTHER_MODEL,
        VOUCH_ERR_MODEL,
        VOUCH_ERR_CALIBRATION,
        VOUCH_ERR_TOO_LITTLE_SPEECH,
        VOUCH_ERR_NOISE,
        VOUCH_ERR_CLIPPING,
        VOUCH_ERR_SECOND_VOICE,
        VOUCH_ERR_SILENCE,
        VOUCH_ERR_WATCHLISTED,
        VOUCH_ERR_DOMAIN,
        VOUCH_ERR_ID,
        VOUCH_ERR_CONFLICT,
        VOUCH_ERR_NOT_FOUND,
        VOUCH_ERR_DENIED,
        VOUCH_ERR_PANIC,
    ];

    /// A short text without a full stop, with its NUL.
    pub(crate) fn text(self) -> &'static std::ffi::CStr {
        match self {
            VOUCH_OK => c"done",
            VOUCH_ERR_NULL => c"a pointer that must not be NULL is NULL",
            VOUCH_ERR_HANDLE => c"no live handle",
            VOUCH_ERR_HANDLE_KIND => c"a handle of another kind",
            VOUCH_ERR_BUSY => c"another thread is using this handle",
            VOUCH_ERR_RANGE => c"a number out of range",
            VOUCH_ERR_BUFFER => c"the buffer is too small",
            VOUCH_ERR_TEXT => c"a text that is not UTF-8",
            VOUCH_ERR_STATE => c"a call that does not fit the state",
            VOUCH_ERR_TOO_MANY_HANDLES => c"too many handles",
            VOUCH_ERR_NONE => c"there is none",
            VOUCH_ERR_AUDIO => c"a sample that is not finite or out of scale",
            VOUCH_ERR_PACKET => c"a packet that cannot be",
            VOUCH_ERR_VOICEPRINT => c"not a voiceprint",
            VOUCH_ERR_OTHER_MODEL => c"a voiceprint of another model",
            VOUCH_ERR_MODEL => c"not a usable model",
            VOUCH_ERR_CALIBRATION => c"not a usable calibration",
            VOUCH_ERR_TOO_LITTLE_SPEECH => c"enrolment refused: too little speech",
            VOUCH_ERR_NOISE => c"enrolment refused: too noisy",
            VOUCH_ERR_CLIPPING => c"enrolment refused: clipped",
            VOUCH_ERR_SECOND_VOICE => c"enrolment refused: more than one voice",
            VOUCH_ERR_SILENCE => c"enrolment refused: no speech",
            VOUCH_ERR_WATCHLISTED => c"enrolment refused: the voice is on the watch list",
            VOUCH_ERR_DOMAIN => c"the domain cannot be used",
            VOUCH_ERR_ID => c"not an id or name of the domain's kind",
            VOUCH_ERR_CONFLICT => c"the domain's state does not allow it",
            VOUCH_ERR_NOT_FOUND => c"the domain has none",
            VOUCH_ERR_DENIED => c"not allowed",
            VOUCH_ERR_PANIC => c"internal error: a panic was caught",
            VOUCH_ERR_INTERNAL => c"internal error",
        }
    }
}

/// A code and what is known beyond it. Making one of a code or of an [`InputError`] allocates nothing.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: vouch_result,
    detail: Detail,
}

#[derive(Clone, Debug)]
enum Detail {
    None,
    Static(&'static str),
    Input(InputError),
    Text(Box<str>),
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) const NULL: Self = Self::of(VOUCH_ERR_NULL);
    pub(crate) const HANDLE: Self = Self::of(VOUCH_ERR_HANDLE);
    pub(crate) const HANDLE_KIND: Self = Self::of(VOUCH_ERR_HANDLE_KIND);
    pub(crate) const BUSY: Self = Self::of(VOUCH_ERR_BUSY);
    pub(crate) const TOO_MANY_HANDLES: Self = Self::of(VOUCH_ERR_TOO_MANY_HANDLES);
    pub(crate) const PANIC: Self = Self::of(VOUCH_ERR_PANIC);

    pub(crate) const fn of(code: vouch_result) -> Self {
        Self { code, detail: Detail::None }
    }

    pub(crate) const fn because(code: vouch_result, detail: &'static str) -> Self {
        Self { code, detail: Detail::Static(detail) }
    }

    pub(crate) fn told(code: vouch_result, detail: impl fmt::Display) -> Self {
        Self { code, detail: Detail::Text(detail.to_string().into()) }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        let code = match error {
            InputError::NotFinite { .. } | InputError::TooLarge { .. } => VOUCH_ERR_AUDIO,
            InputError::Packet(_) | InputError::LongPacket { .. } => VOUCH_ERR_PACKET,
            InputError::Finished | InputError::NoAgent => VOUCH_ERR_STATE,
            _ => VOUCH_ERR_INTERNAL,
        };
        Self { code, detail: Detail::Input(error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.text().to_str().unwrap_or_default();
        match &self.detail {
            Detail::None => f.write_str(code),
            Detail::Static(detail) => write!(f, "{code}: {detail}"),
            Detail::Input(detail) => write!(f, "{code}: {detail}"),
            Detail::Text(detail) => write!(f, "{code}: {detail}"),
        }
    }
}
