//! Minimum of a smooth function of a few numbers.

/// The BFGS method (Nocedal & Wright, Numerical Optimization, algorithm 6.1) with central differences and backtracking. Gives the best
/// point that it saw, which is never worse than `start`.
pub(super) fn minimise(start: &[f64], mut cost: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    const ITERATIONS: usize = 200;
    let n = start.len();
    let mut x = start.to_vec();
    let mut value = cost(&x);
    let mut inverse = identity(n);
    let mut slope = gradient(&x, &mut cost);
    for _ in 0..ITERATIONS {
        let mut direction = product(&inverse, &slope);
        direction.iter_mut().for_each(|d| *d = -*d);
        let mut descent = dot(&direction, &slope);
        if descent.is_nan() || descent >= 0.0 {
            // The curvature was misjudged: begin again with the steepest descent.
            inverse = identity(n);
            direction = slope.iter().map(|g| -g).collect();
            descent = dot(&direction, &slope);
        }
        let (mut step, mut found) = (1.0, None);
        for _ in 0..40 {
            let next: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
            let at = cost(&next);
            if at <= value + 1e-4 * step * descent {
                found = Some((next, at));
                break;
            }
            step *= 0.5;
        }
        let Some((next, at)) = found else { break };
        let next_slope = gradient(&next, &mut cost);
        let s: Vec<f64> = next.iter().zip(&x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_slope.iter().zip(&slope).map(|(a, b)| a - b).collect();
        let gain = value - at;
        (x, value, slope) = (next, at, next_slope);
        let curvature = dot(&s, &y);
        if curvature > 1e-14 {
            update(&mut inverse, &s, &y, curvature);
        }
        if gain.abs() <= 1e-12 * (1.0 + value.abs()) {
            break;
        }
    }
    x
}

fn identity(n: usize) -> Vec<Vec<f64>> {
    (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn product(matrix: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, v)).collect()
}

fn gradient(x: &[f64], cost: &mut impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut at = x.to_vec();
    (0..x.len())
        .map(|i| {
            let h = 1e-5 * (1.0 + x[i].abs());
            at[i] = x[i] + h;
            let above = cost(&at);
            at[i] = x[i] - h;
            let below = cost(&at);
            at[i] = x[i];
            (above - below) / (2.0 * h)
        })
        .collect()
}

/// Inverse Hessian after a step `s` that changed the gradient by `y`.
fn update(inverse: &mut [Vec<f64>], s: &[f64], y: &[f64], curvature: f64) {
    let hy = product(inverse, y);
    let factor = (1.0 + dot(y, &hy) / curvature) / curvature;
    for (i, row) in inverse.iter_mut().enumerate() {
        for (j, h) in row.iter_mut().enumerate() {
            *h += factor * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / curvature;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::minimise;

    #[test]
    fn finds_the_bottom_of_a_bent_valley_and_of_a_bowl() {
        let rosenbrock = |x: &[f64]| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2);
        let x = minimise(&[-1.2, 1.0], rosenbrock);
        assert!((x[0] - 1.0).abs() < 1e-3 && (x[1] - 1.0).abs() < 2e-3, "{x:?}");
        let bowl = |x: &[f64]| x.iter().enumerate().map(|(i, v)| (i + 1) as f64 * (v - i as f64).powi(2)).sum();
        let x = minimise(&[9.0; 7], bowl);
        assert!(x.iter().enumerate().all(|(i, v)| (v - i as f64).abs() < 1e-4), "{x:?}");
        assert_eq!(minimise(&[3.0], |_| f64::NAN), [3.0], "nothing better was seen");
    }
}
