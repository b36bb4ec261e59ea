//! Which 8-bit kernel runs, and the tile that they share.

use crate::Backend;

/// Instructions that add up products of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kernel {
    /// Plain loops: the reference.
    Scalar,
    /// NEON: products of bytes in 16 bits, added in pairs.
    Neon,
    /// NEON with SDOT (Armv8.2 and later).
    Dot,
    /// AVX2: bytes widened to 16 bits. VPMADDUBSW would be shorter, but it saturates.
    Avx2,
    /// VPDPBUSD on 256 bits, on CPUs without AVX-512.
    AvxVnni,
    /// VPDPBUSD on 512 bits.
    Avx512Vnni,
}

impl Kernel {
    #[cfg(test)]
    pub(super) const ALL: [Kernel; 6] =
        [Self::Scalar, Self::Neon, Self::Dot, Self::Avx2, Self::AvxVnni, Self::Avx512Vnni];

    /// Whether this machine has it.
    pub(super) fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => is_x86_feature_detected!("avx2") && crate::scan::has_vnni(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            #[cfg(target_arch = "aarch64")]
            Self::Dot => std::arch::is_aarch64_feature_detected!("dotprod"),
            _ => false,
        }
    }

    /// The fastest that this machine has within a backend.
    pub(super) fn of(backend: Backend) -> Self {
        let choice: &[Self] = match backend {
            Backend::Scalar => &[],
            Backend::Avx2 => &[Self::AvxVnni, Self::Avx2],
            Backend::Avx512 => &[Self::Avx512Vnni, Self::AvxVnni, Self::Avx2],
            Backend::Neon => &[Self::Dot, Self::Neon],
        };
        choice.iter().copied().find(|k| k.is_available()).unwrap_or(Self::Scalar)
    }

    /// Inputs that lie together, for each of a panel's outputs.
    pub(super) fn group(self) -> usize {
        if self == Self::Avx2 { 2 } else { 4 }
    }

    /// What inputs are combined with, by exclusive or, before they are multiplied: NEON multiplies signed by signed bytes, so
    /// 128 is taken from its inputs, and 128 times the sum of the weights is added to its sums.
    pub(super) fn flip(self) -> u8 {
        match self {
            Self::Neon | Self::Dot => 0x80,
            _ => 0,
        }
    }
}

/// Sums of products over all inputs for a few frames by a few vectors of outputs, held in registers while the inputs run by in
/// groups; each weight is loaded once per tile. With few frames the tile takes more outputs, so that the sums do not wait for
/// each other.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
macro_rules! tiles {
    ($products:ident, $tile:ident, $features:literal, $vector:ty, $outputs:literal, $input:ty, $group:literal,
     wide [$($wide:literal)+], narrow [$($narrow:literal)*] $most:literal,
     $zero:ident, $load:ident, $splat:ident, $dot:ident, $store:ident) => {
        /// # Safety
        /// The CPU must have the features; `inputs` and `sums` hold `frames` padded frames.
        #[target_feature(enable = $features)]
        pub(in crate::quantised) unsafe fn $products(m: &QuantisedMatrix, inputs: &[$input], frames: usize, sums: &mut [i32]) {
            let padded = m.padded_outputs();
            let mut b = 0;
            while b < frames {
                // Blocks of about equal length: 8 frames by fives are 4 and 4.
                let rest = frames - b;
                let n = rest.div_ceil(rest.div_ceil($most));
                let mut column = 0;
                while column < padded {
                    let room = column + 4 * $outputs <= padded;
                    // SAFETY: the features are this function's; b + n <= frames, and as many outputs exist: padded is a
                    // multiple of 2 vectors.
                    column += unsafe {
                        match (n, room) {
                            $(($wide, true) => $tile::<$wide, 4>(m, inputs, b, column, sums),)+
                            $(($wide, false) => $tile::<$wide, 2>(m, inputs, b, column, sums),)+
                            $(($narrow, _) => $tile::<$narrow, 2>(m, inputs, b, column, sums),)*
                            _ => $tile::<$most, 2>(m, inputs, b, column, sums),
                        }
                    };
                }
                b += n;
            }
        }

        /// Returns its outputs. Not inlined: side by side with its siblings it would not keep its sums in registers.
        ///
        /// # Safety
        /// As the caller's; `N` frames from `b` on and `V` vectors of outputs from `column` on exist.
        #[inline(never)]
        #[target_feature(enable = $features)]
        unsafe fn $tile<const N: usize, const V: usize>(
            m: &QuantisedMatrix,
            inputs: &[$input],
            b: usize,
            column: usize,
            sums: &mut [i32],
        ) -> usize {
            let (len, padded) = (m.padded_inputs(), m.padded_outputs());
            let mut acc: [[$vector; V]; N] = [[$zero(); V]; N];
            // SAFETY: a panel is len * PANEL bytes, $group * PANEL for each group of inputs, of which an output takes $group:
            // the vectors of a column lie within its panel. Frames are len inputs each, a multiple of 8, and padded sums.
            unsafe {
                let start = |v: usize| {
                    let output = column + v * $outputs;
                    m.panels.as_ptr().add(output / PANEL * len * PANEL + output % PANEL * $group)
                };
                let w: [*const i8; V] = std::array::from_fn(start);
                let x = inputs.as_ptr().add(b * len);
                for start in (0..len).step_by(2 * $group) {
                    for k in [start, start + $group] {
                        let mut weights: [$vector; V] = [$zero(); V];
                        for v in 0..V {
                            weights[v] = $load(w[v].add(k * PANEL));
                        }
                        for n in 0..N {
                            let group = $splat(x.add(n * len + k));
                            for v in 0..V {
                                acc[n][v] = $dot(acc[n][v], group, weights[v]);
                            }
                        }
                    }
                }
                let out = sums.as_mut_ptr().add(b * padded + column);
                for n in 0..N {
                    for v in 0..V {
                        $store(out.add(n * padded + v * $outputs), acc[n][v]);
                    }
                }
            }
            V * $outputs
        }
    };
}
