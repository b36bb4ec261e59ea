//! Which instruction set runs.

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
    pub fn detect() -> Backend {
        static FOUND: OnceLock<Backend> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let wanted = std::env::var("VOUCH_SIMD").unwrap_or_default();
            let available = || Self::ALL.into_iter().filter(|b| b.is_available());
            available().find(|b| b.name() == wanted).or_else(|| available().next_back()).unwrap_or(Self::Scalar)
        })
    }
}
