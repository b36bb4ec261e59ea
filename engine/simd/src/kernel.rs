//! The vector kernel, written once over load, store, splat and fused multiply-add, and over how weights are kept.
//!
//! A tile is a few vectors of one panel by a few frames, held in registers while the inputs run by; each weight is loaded
//! once per tile. The accumulation order of an output does not depend on the tile, so neither do its bits.

/// How many inputs ahead weights are asked for: they come from a cache that the network as a whole does not fit into.
pub(crate) const AHEAD: usize = 48;

macro_rules! kernel {
    ($apply:ident, $tile:ident, $features:literal, $vector:ty, $lanes:literal, $vectors:literal, [$($n:literal)+] $most:literal,
     $load:ident, $store:ident, $set1:ident, $fma:ident, $weight:ty, $widen:ident, $fetch:ident) => {
        /// # Safety
        /// The CPU must have the features, `panels` must be those of `m`, and the caller must have checked that `x` and `y`
        /// reach as far as [`SplicedMatrix::apply`] says.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn $apply(
            m: &SplicedMatrix,
            panels: &[$weight],
            x: &[f32],
            at: Splice<'_>,
            frames: usize,
            y: &mut [f32],
        ) {
            let mut b = 0;
            while b < frames {
                // Blocks of about equal length: 16 frames by twelves are 8 and 8.
                let rest = frames - b;
                let n = rest.div_ceil(rest.div_ceil($most));
                for column in (0..m.bias.len()).step_by($lanes * $vectors) {
                    // SAFETY: the features are those of this function; b + n <= frames and column + lanes*vectors <=
                    // padded outputs, so the bounds checked by `SplicedMatrix::apply` hold.
                    unsafe {
                        match n {
                            $($n => $tile::<$n>(m, panels, x, at, b, column, y),)+
                            _ => $tile::<$most>(m, panels, x, at, b, column, y),
                        }
                    }
                }
                b += n;
            }
        }

        /// Not inlined: side by side with its siblings it would not keep its sums in registers.
        ///
        /// # Safety
        /// As the caller's; `N` frames from `b` on and `lanes * vectors` outputs from `column` on exist.
        #[inline(never)]
        #[target_feature(enable = $features)]
        unsafe fn $tile<const N: usize>(
            m: &SplicedMatrix,
            panels: &[$weight],
            x: &[f32],
            at: Splice<'_>,
            b: usize,
            column: usize,
            y: &mut [f32],
        ) {
            let (panel, lane) = (column / PANEL, column % PANEL);
            // SAFETY: bias and panels are padded to whole panels by `SplicedMatrix::new`, and column is within them; the
            // inputs' and outputs' bounds are the caller's promise.
            unsafe {
                let mut acc: [[$vector; $vectors]; N] = [[$set1(0.0); $vectors]; N];
                for v in 0..$vectors {
                    let bias = $load(m.bias.as_ptr().add(column + v * $lanes));
                    for n in 0..N {
                        acc[n][v] = bias;
                    }
                }
                let mut w = panels.as_ptr().add(panel * m.inputs * PANEL + lane);
                let frame = x.as_ptr().add(at.first + b * at.stride);
                for &segment in at.segments {
                    let start = frame.add(segment);
                    for k in 0..at.segment_len {
                        let mut weights: [$vector; $vectors] = [$set1(0.0); $vectors];
                        for v in 0..$vectors {
                            $fetch(w.wrapping_add(AHEAD * PANEL + v * $lanes));
                            weights[v] = $widen(w.add(v * $lanes));
                        }
                        for n in 0..N {
                            let input = $set1(*start.add(n * at.stride + k));
                            for v in 0..$vectors {
                                acc[n][v] = $fma(input, weights[v], acc[n][v]);
                            }
                        }
                        w = w.add(PANEL);
                    }
                }
                let out = y.as_mut_ptr().add(b * m.bias.len() + column);
                for n in 0..N {
                    for v in 0..$vectors {
                        $store(out.add(n * m.bias.len() + v * $lanes), acc[n][v]);
                    }
                }
            }
        }
    };
}
