//! The standard normal distribution, accurate far into its tails: the scale of score fits and of DET axes.
#![expect(clippy::excessive_precision, reason = "constants keep their published digits")]

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Probability that a standard normal variable exceeds `z`.
///
/// *Accuracy*: relative error below 1e-14 where the result is a normal `f64` (`z` up to about 37).
pub fn survival(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// Natural logarithm of [`survival`], finite for every finite `z`.
///
/// *Accuracy*: relative error below 1e-12. *Source*: beyond z = 30 the asymptotic series of Abramowitz & Stegun 26.2.12,
/// whose first omitted term is below 1e-11 of the correction there.
pub fn ln_survival(z: f64) -> f64 {
    if z < 0.0 {
        (-survival(-z)).ln_1p()
    } else if z < 30.0 {
        survival(z).ln()
    } else {
        let r = 1.0 / (z * z);
        let series = 1.0 - r * (1.0 - r * (3.0 - r * (15.0 - r * 105.0)));
        -0.5 * z * z - (z * (2.0 * PI).sqrt()).ln() + series.ln()
    }
}

/// The value that a standard normal variable exceeds with probability `p`: the inverse of [`survival`].
///
/// *Range*: `+inf` for `p = 0`, `-inf` for `p = 1`, NaN outside `[0, 1]`. *Accuracy*: relative error about 1e-15.
/// *Source*: Wichura 1988, algorithm AS 241 (PPND16).
pub fn survival_inverse(p: f64) -> f64 {
    -quantile(p)
}

/// The value that a standard normal variable stays below with probability `p`, also called probit.
///
/// *Range*: `-inf` for `p = 0`, `+inf` for `p = 1`, NaN outside `[0, 1]`. *Source*: Wichura 1988, algorithm AS 241 (PPND16).
pub fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-tail.ln()).sqrt();
    let x = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &FAR) };
    x.copysign(q)
}

/// Quotient of two polynomials, coefficients from the highest power down.
fn ratio(r: f64, c: &[[f64; 8]; 2]) -> f64 {
    let [num, den] = c.map(|c| c.into_iter().fold(0.0, |acc, c| acc * r + c));
    num / den
}

const CENTRE: [[f64; 8]; 2] = [
    [
        2.509_080_928_730_122_672_7e3,
        3.343_057_558_358_812_810_5e4,
        6.726_577_092_700_870_085_3e4,
        4.592_195_393_154_987_145_7e4,
        1.373_169_376_550_946_112_5e4,
        1.971_590_950_306_551_442_7e3,
        1.331_416_678_917_843_774_5e2,
        3.387_132_872_796_366_608_0,
    ],
    [
        5.226_495_278_852_854_561_0e3,
        2.872_908_573_572_194_267_4e4,
        3.930_789_580_009_271_061_0e4,
        2.121_379_430_158_659_586_7e4,
        5.394_196_021_424_751_107_7e3,
        6.871_870_074_920_579_083_0e2,
        4.231_333_070_160_091_125_2e1,
        1.0,
    ],
];

const MIDDLE: [[f64; 8]; 2] = [
    [
        7.745_450_142_783_414_076_40e-4,
        2.272_384_498_926_918_458_33e-2,
        2.417_807_251_774_506_117_70e-1,
        1.270_458_252_452_368_382_58,
        3.647_848_324_763_204_605_04,
        5.769_497_221_460_691_405_50,
        4.630_337_846_156_545_295_90,
        1.423_437_110_749_683_577_34,
    ],
    [
        1.050_750_071_644_416_843_24e-9,
        5.475_938_084_995_344_946_00e-4,
        1.519_866_656_361_645_719_66e-2,
        1.481_039_764_274_800_745_90e-1,
        6.897_673_349_851_000_045_50e-1,
        1.676_384_830_183_803_849_40,
        2.053_191_626_637_758_821_87,
        1.0,
    ],
];

const FAR: [[f64; 8]; 2] = [
    [
        2.010_334_399_292_288_132_65e-7,
        2.711_555_568_743_487_578_15e-5,
        1.242_660_947_388_078_438_60e-3,
        2.653_218_952_657_612_309_30e-2,
        2.965_605_718_285_048_912_30e-1,
        1.784_826_539_917_291_335_80,
        5.463_784_911_164_114_369_90,
        6.657_904_643_501_103_777_20,
    ],
    [
        2.044_263_103_389_939_785_64e-15,
        1.421_511_758_316_445_888_70e-7,
        1.846_318_317_510_054_681_80e-5,
        7.868_691_311_456_132_591_00e-4,
        1.487_536_129_085_061_485_25e-2,
        1.369_298_809_227_358_053_10e-1,
        5.998_322_065_558_879_376_90e-1,
        1.0,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// (z, ln of the survival function), from `scipy.stats.norm.logsf`.
    const LN_SURVIVAL: [(f64, f64); 11] = [
        (-40.0, 0.0),
        (-6.0, -9.86587645524372e-10),
        (-4.5, -3.3976788968344594e-06),
        (-1.0, -0.1727537790234499),
        (0.0, -std::f64::consts::LN_2),
        (1.0, -1.8410216450092634),
        (3.090232306167813, -6.907755278982137),
        (10.0, -53.23128515051248),
        (29.999, -454.2912111961239),
        (30.001, -454.3512777154589),
        (100.0, -5005.524208694205),
    ];

    #[test]
    fn ln_survival_matches_scipy() {
        let bad: Vec<_> = LN_SURVIVAL
            .iter()
            .filter(|&&(z, want)| (ln_survival(z) - want).abs() > 1e-12 * want.abs() + 1e-300)
            .map(|&(z, want)| (z, want, ln_survival(z)))
            .collect();
        assert!(bad.is_empty(), "{bad:?}");
    }

    #[test]
    fn quantile_inverts_survival_over_its_range() {
        for i in -3700..=3700 {
            let z = f64::from(i) / 100.0;
            // For negative z the survival is near 1 and has lost the tail; go through the other side.
            let back = if z < 0.0 { -survival_inverse(survival(-z)) } else { survival_inverse(survival(z)) };
            assert!((back - z).abs() <= 1e-13 * z.abs().max(1.0), "{z} {back}");
        }
        assert_eq!(survival_inverse(0.0), f64::INFINITY);
        assert_eq!(survival_inverse(1.0), f64::NEG_INFINITY);
        assert!(quantile(-0.1).is_nan() && quantile(1.1).is_nan() && quantile(f64::NAN).is_nan());
    }

    #[test]
    fn ln_survival_never_rises() {
        let mut last = f64::INFINITY;
        for i in -60_000..60_000 {
            let v = ln_survival(f64::from(i) / 1000.0);
            assert!(v <= last, "at {}", f64::from(i) / 1000.0);
            last = v;
        }
    }
}
