//! Cost of log-likelihood ratios: how much information they lose, over all priors and costs at once.
//!
//! *Source*: Bruemmer & du Preez 2006, "Application-independent evaluation of speaker detection".

use std::f64::consts::LN_2;

/// `ln(1 + e^x)` without overflow.
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Cllr, in bits, of trials with these losses (in nats) and weights.
pub(super) fn cllr(losses: &[f64], is_target: &[bool], weights: &[f64]) -> f64 {
    let (mut sums, mut totals) = ([0.0; 2], [0.0; 2]);
    for ((&target, &w), &loss) in is_target.iter().zip(weights).zip(losses) {
        sums[usize::from(target)] += w * loss;
        totals[usize::from(target)] += w;
    }
    (sums[0] / totals[0] + sums[1] / totals[1]) / (2.0 * LN_2)
}

/// Cllr of the best rising map of the scores, which pool-adjacent-violators finds. Equal scores, whose runs end at `group_ends`,
/// stay equal.
pub(super) fn min_cllr(is_target: &[bool], group_ends: &[usize], weights: &[f64]) -> f64 {
    // Blocks of (target weight, nontarget weight), the target share rising from one to the next.
    let mut blocks: Vec<(f64, f64)> = Vec::new();
    let mut start = 0;
    for &end in group_ends {
        let (mut t, mut n) = (0.0, 0.0);
        for (&target, &w) in is_target[start..end].iter().zip(&weights[start..end]) {
            *(if target { &mut t } else { &mut n }) += w;
        }
        start = end;
        if t + n == 0.0 {
            continue;
        }
        while let Some(&(pt, pn)) = blocks.last()
            && pt * n >= t * pn
        {
            blocks.pop();
            (t, n) = (t + pt, n + pn);
        }
        blocks.push((t, n));
    }
    let (targets, nontargets) = blocks.iter().fold((0.0, 0.0), |(a, b), &(t, n)| (a + t, b + n));
    let mut cost = 0.0;
    for (t, n) in blocks {
        // A block of one kind has an infinite ratio of the right sign and costs nothing.
        if t > 0.0 && n > 0.0 {
            let ratio = (t / targets) / (n / nontargets);
            cost += t / targets * (1.0 / ratio).ln_1p() + n / nontargets * ratio.ln_1p();
        }
    }
    cost / (2.0 * LN_2)
}
