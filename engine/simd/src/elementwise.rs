//! Functions of single numbers and short vectors, in plain Rust with a fixed order of operations.

/// Largest error of [`exp`] in units in the last place of the result, over all finite arguments with a normal result
/// (measured over all of them: 1.011, at -5.878).
pub const EXP_MAX_ULP: f64 = 1.02;

/// Largest absolute error of [`tanh`] (measured over all arguments: 1.148e-7, at 0.0201).
pub const TANH_MAX_ERROR: f64 = 1.2e-7;

/// Largest error of [`ln`] over all positive normal numbers, in units in the last place of the result or, where that is smaller than 1, of 1.
pub const LN_MAX_ERROR: f64 = 1.0;

/// e to the `x`; 0 below -87.3, infinity above 88.7, NaN for NaN. *Accuracy*: [`EXP_MAX_ULP`].
///
/// Cody-Waite reduction by ln 2 in two parts and the degree-6 polynomial of Cephes' `expf` (Moshier, 1992).
pub fn exp(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    if x > 88.722_83 {
        return f32::INFINITY;
    }
    if x < -87.336_54 {
        return 0.0;
    }
    exp_within(x)
}

/// [`exp`] where the result is a normal number.
#[inline(always)]
#[allow(clippy::excessive_precision)] // as published
fn exp_within(x: f32) -> f32 {
    let n = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = (-n).mul_add(0.693_359_375, x);
    let r = (-n).mul_add(-2.121_944_4e-4, r);
    let mut p: f32 = 1.987_569_1e-4;
    for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.500_000_012] {
        p = p.mul_add(r, c);
    }
    let y = p.mul_add(r * r, r) + 1.0;
    // 2^n in two factors, so that n = 128 and the smallest normals are reached.
    let half = (n as i32) / 2;
    let power = |k: i32| f32::from_bits(((k + 127) as u32) << 23);
    y * power(half) * power(n as i32 - half)
}

/// Hyperbolic tangent. *Accuracy*: [`TANH_MAX_ERROR`] absolute.
pub fn tanh(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    let a = x.abs();
    // Below 0.02 the quotient cancels; x - x^3/3 is exact to 2^-24 there.
    let y = if a < 0.02 { (a * a * a).mul_add(-1.0 / 3.0, a) } else { 1.0 - 2.0 / (exp(2.0 * a) + 1.0) };
    y.copysign(x)
}

/// [`tanh`] of every number, to the bit; several at once where the CPU has fused multiply-adds.
pub fn tanh_all(values: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::Backend::Avx2.is_available() {
        // SAFETY: AVX2 and FMA were found on this machine.
        return unsafe { crate::x86_64::tanh_all(values) };
    }
    values.iter_mut().for_each(|v| *v = tanh(*v));
}

/// [`tanh`] without branches.
#[inline(always)]
#[cfg(any(target_arch = "x86_64", test))]
pub(crate) fn tanh_straight(x: f32) -> f32 {
    let a = x.abs();
    // At 44 the quotient has long rounded to 1, and `exp` is far from its ends.
    let reach = if a < 44.0 { a } else { 44.0 };
    let far = 1.0 - 2.0 / (exp_within(2.0 * reach) + 1.0);
    let near = (a * a * a).mul_add(-1.0 / 3.0, a);
    let y = if a < 0.02 { near } else { far };
    if x.is_nan() { x } else { y.copysign(x) }
}

/// Natural logarithm of a positive normal number; of others, some number. *Accuracy*: [`LN_MAX_ERROR`].
///
/// The reduction to a mantissa between the roots of 1/2 and 2 and the polynomial of Cephes' `logf` (Moshier, 1992).
#[inline(always)]
#[allow(clippy::excessive_precision)] // as published
pub fn ln(x: f32) -> f32 {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let above = x.to_bits().wrapping_sub(ROOT_HALF);
    let exponent = ((above as i32) >> 23) as f32;
    let f = f32::from_bits((above & 0x007f_ffff) + ROOT_HALF) - 1.0;
    let mut p: f32 = 7.037_683_629_2e-2;
    for c in [
        -1.151_461_031_0e-1,
        1.167_699_874_0e-1,
        -1.242_014_084_6e-1,
        1.424_932_278_7e-1,
        -1.666_805_766_5e-1,
        2.000_071_476_5e-1,
        -2.499_999_399_3e-1,
        3.333_333_117_4e-1,
    ] {
        p = p.mul_add(f, c);
    }
    let square = f * f;
    let small = exponent.mul_add(-2.121_944_4e-4, p * f * square);
    exponent.mul_add(0.693_359_375, (-0.5f32).mul_add(square, small) + f)
}

/// [`ln`] of every number, to the bit; several at once where the CPU has fused multiply-adds.
pub fn ln_all(values: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::Backend::Avx2.is_available() {
        // SAFETY: AVX2 and FMA were found on this machine.
        return unsafe { crate::x86_64::ln_all(values) };
    }
    values.iter_mut().for_each(|v| *v = ln(*v));
}

/// A frame before its transform: `scale * x - mean`, less `preemph` times the one before it (the first less itself), times the window; what is beyond the samples is 0.
pub fn windowed(samples: &[f32], (scale, mean, preemph): (f32, f32, f32), window: &[f32], out: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    if crate::Backend::Avx2.is_available() {
        // SAFETY: AVX2 was found on this machine.
        return unsafe { crate::x86_64::windowed(samples, (scale, mean, preemph), window, out) };
    }
    windowed_straight(samples, (scale, mean, preemph), window, out);
}

#[inline(always)]
pub(crate) fn windowed_straight(
    samples: &[f32],
    (scale, mean, preemph): (f32, f32, f32),
    window: &[f32],
    out: &mut [f64],
) {
    let at = |x: f32| x * scale - mean;
    let one = |now: f32, before: f32, w: f32| f64::from((at(now) - preemph * at(before)) * w);
    if let (Some(o), Some(&x), Some(&w)) = (out.first_mut(), samples.first(), window.first()) {
        *o = one(x, x, w);
    }
    let n = samples.len().min(window.len()).min(out.len());
    let (head, rest) = out.split_at_mut(n);
    rest.fill(0.0);
    let pairs = samples.iter().zip(samples.iter().skip(1));
    for ((o, (&before, &now)), &w) in head.iter_mut().skip(1).zip(pairs).zip(window.iter().skip(1)) {
        *o = one(now, before, w);
    }
}

/// Squared magnitudes of complex numbers, given as real and imaginary parts.
pub fn power<C>(spectrum: &[C], parts: impl Fn(&C) -> (f64, f64), out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::Backend::Avx2.is_available() {
        // SAFETY: AVX2 was found on this machine.
        return unsafe { crate::x86_64::power(spectrum, parts, out) };
    }
    power_straight(spectrum, parts, out);
}

#[inline(always)]
pub(crate) fn power_straight<C>(spectrum: &[C], parts: impl Fn(&C) -> (f64, f64), out: &mut [f32]) {
    for (o, c) in out.iter_mut().zip(spectrum) {
        let (re, im) = parts(c);
        *o = (re * re + im * im) as f32;
    }
}

/// max(x, 0) of every number; 0 for NaN.
pub fn relu_all(values: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::Backend::Avx2.is_available() {
        // SAFETY: AVX2 was found on this machine.
        return unsafe { crate::x86_64::relu_all(values) };
    }
    relu_straight(values);
}

#[inline(always)]
pub(crate) fn relu_straight(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { 0.0 });
}

/// Adds `x` to `values`, over the common length.
pub fn add_all(values: &mut [f32], x: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::Backend::Avx2.is_available() {
        // SAFETY: AVX2 was found on this machine.
        return unsafe { crate::x86_64::add_all(values, x) };
    }
    add_straight(values, x);
}

#[inline(always)]
pub(crate) fn add_straight(values: &mut [f32], x: &[f32]) {
    values.iter_mut().zip(x).for_each(|(v, x)| *v += x);
}

/// `sums[i] += w x[i]` and `squares[i] += w x[i] x[i]` over the common length, each product rounded: the same bits everywhere.
pub fn add_weighted(w: f64, x: &[f32], sums: &mut [f64], squares: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    if crate::Backend::Avx2.is_available() {
        // SAFETY: AVX2 was found on this machine.
        return unsafe { crate::x86_64::add_weighted(w, x, sums, squares) };
    }
    add_weighted_straight(w, x, sums, squares);
}

#[inline(always)]
pub(crate) fn add_weighted_straight(w: f64, x: &[f32], sums: &mut [f64], squares: &mut [f64]) {
    for ((&x, sum), square) in x.iter().zip(sums).zip(squares) {
        let x = f64::from(x);
        *sum += w * x;
        *square += w * x * x;
    }
}

/// `sum over n of x[n] rows[n]` for each of 16 columns, over the common length; even and odd rows are summed apart, so that sums do
/// not wait for each other: the same bits everywhere.
pub fn correlate(x: &[f32], rows: &[[f32; 16]]) -> [f32; 16] {
    #[cfg(target_arch = "x86_64")]
    if crate::Backend::Avx2.is_available() {
        // SAFETY: AVX2 was found on this machine.
        return unsafe { crate::x86_64::correlate(x, rows) };
    }
    correlate_straight(x, rows)
}

#[inline(always)]
pub(crate) fn correlate_straight(x: &[f32], rows: &[[f32; 16]]) -> [f32; 16] {
    let (mut even, mut odd) = ([0.0f32; 16], [0.0f32; 16]);
    let (x, rows) = (x.chunks(2), rows.chunks(2));
    for (x, rows) in x.zip(rows) {
        if let (&[a, b], [first, second]) = (x, rows) {
            for i in 0..16 {
                even[i] += a * first[i];
                odd[i] += b * second[i];
            }
        } else if let (Some(&a), Some(first)) = (x.first(), rows.first()) {
            for i in 0..16 {
                even[i] += a * first[i];
            }
        }
    }
    std::array::from_fn(|i| even[i] + odd[i])
}

/// Sum of `a`, in 16 partial sums that are added pairwise: the same bits everywhere.
pub fn sum(a: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let rows = a.chunks_exact(16);
    let rest = rows.remainder();
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(s, x)| *s += x);
    }
    sums.iter_mut().zip(rest).for_each(|(s, x)| *s += x);
    pairwise(sums)
}

/// The sum of 16 numbers, halves added to each other.
fn pairwise(mut sums: [f32; 16]) -> f32 {
    let mut width = 8;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Inner product of the common length of `a` and `b`, in 16 partial sums that are added pairwise: the same bits everywhere.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (mut x, mut y) = (a.chunks_exact(16), b.chunks_exact(16));
    for (x, y) in x.by_ref().zip(y.by_ref()) {
        for ((s, &x), &y) in sums.iter_mut().zip(x).zip(y) {
            *s += x * y;
        }
    }
    let done = a.len().min(b.len()) / 16 * 16;
    for ((s, &x), &y) in sums.iter_mut().zip(&a[done..]).zip(&b[done..]) {
        *s += x * y;
    }
    pairwise(sums)
}
