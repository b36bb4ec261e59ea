//! Which instruction set runs.

use std::ffi::OsStr;
use std::fmt;
use std::sync::OnceLock;

/// An instruction set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Backend {
    /// Plain loops: the reference.
    Scalar,
    /// AVX2 with FMA (x86-64).
    Avx2,
    /// AVX-512F (x86-64).
    Avx512,
    /// NEON (AArch64).
    Neon,
}

impl Backend {
    /// Every backend, the fastest last.
    pub const ALL: [Backend; 4] = [Self::Scalar, Self::Neon, Self::Avx2, Self::Avx512];

    /// Its name, as in `VOUCH_SIMD`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            _ => false,
        }
    }

    /// The fastest that this machine has, or the one that `VOUCH_SIMD` names; found once per process.
    ///
    /// # Errors
    /// `VOUCH_SIMD` is set, and names no backend or one that this machine lacks.
    pub fn chosen() -> Result<Backend, UnknownBackend> {
        static FOUND: OnceLock<Result<Backend, UnknownBackend>> = OnceLock::new();
        FOUND.get_or_init(|| Self::named(std::env::var_os("VOUCH_SIMD").as_deref())).clone()
    }

    /// As [`Backend::chosen`], where nobody can be told of an error: the fastest then.
    pub fn detect() -> Backend {
        Self::chosen().unwrap_or_else(|_| Self::fastest())
    }

    fn available() -> impl DoubleEndedIterator<Item = Backend> {
        Self::ALL.into_iter().filter(|b| b.is_available())
    }

    fn fastest() -> Backend {
        Self::available().next_back().unwrap_or(Self::Scalar)
    }

    /// The backend of that name; the fastest if there is no name or an empty one.
    pub(crate) fn named(name: Option<&OsStr>) -> Result<Backend, UnknownBackend> {
        let Some(name) = name.filter(|n| !n.is_empty()) else { return Ok(Self::fastest()) };
        let unknown = || UnknownBackend { name: name.to_string_lossy().into_owned() };
        Self::available().find(|b| name == b.name()).ok_or_else(unknown)
    }
}

/// `VOUCH_SIMD` names no backend of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownBackend {
    name: String,
}

impl fmt::Display for UnknownBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VOUCH_SIMD={:?} names no instruction set of this machine; it has", self.name)?;
        Backend::available()
            .enumerate()
            .try_for_each(|(i, b)| write!(f, "{} {}", if i == 0 { "" } else { "," }, b.name()))
    }
}

impl std::error::Error for UnknownBackend {}
