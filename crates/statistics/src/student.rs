//! Student's t, for as many degrees of freedom as there are seeds less one, and what several tests at once make of their
//! levels.

/// The chance that Student's t of `degrees` degrees of freedom is further from 0 than `t`: by the finite sums of Abramowitz and Stegun
/// (1964), 26.7.3 and 26.7.4. `degrees` is at least 1.
#[must_use]
pub fn two_sided(t: f64, degrees: usize) -> f64 {
    if t.is_nan() {
        return f64::NAN;
    }
    let n = degrees.max(1);
    let theta = (t.abs() / (n as f64).sqrt()).atan();
    let (sine, cosine) = theta.sin_cos();
    let square = cosine * cosine;
    // Each term is the one before times cos²θ·k/(k + 1), with k from `start` on in steps of two.
    let sum = |first: f64, start: usize, terms: usize| {
        let (mut term, mut sum) = (first, 0.0);
        for i in 0..terms {
            sum += term;
            let k = (start + 2 * i) as f64;
            term *= square * k / (k + 1.0);
        }
        sum
    };
    let within = if n % 2 == 1 {
        // (2/π)·(θ + sin θ (cos θ + 2/3 cos³θ + … + (2·4···(n−3))/(1·3···(n−2)) cosⁿ⁻²θ))
        std::f64::consts::FRAC_2_PI * (theta + sine * sum(cosine, 2, (n - 1) / 2))
    } else {
        // sin θ (1 + 1/2 cos²θ + … + (1·3···(n−3))/(2·4···(n−2)) cosⁿ⁻²θ)
        sine * sum(1.0, 1, n / 2)
    };
    (1.0 - within).clamp(0.0, 1.0)
}

/// How far from 0 Student's t is with the chance `beyond`, on both sides together.
#[must_use]
pub fn quantile(beyond: f64, degrees: usize) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided(high, degrees) > beyond && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if two_sided(middle, degrees) > beyond {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Holm's adjustment (1979): with `p` in ascending order, `p̃_i = max_{j ≤ i} min(1, (m − j + 1)·p_j)`. Whoever calls those
/// below a level different is wrong about any of them with no more than that chance.
#[must_use]
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut adjusted = vec![0.0; values.len()];
    let mut most: f64 = 0.0;
    for (rank, &at) in order.iter().enumerate() {
        most = most.max(((values.len() - rank) as f64 * values[at]).min(1.0));
        adjusted[at] = most;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of any table of Student's t: two-sided 5 % and 1 %.
    const TABLE: [(usize, f64, f64); 9] = [
        (1, 12.706_205, 63.656_741),
        (2, 4.302_653, 9.924_843),
        (3, 3.182_446, 5.840_909),
        (4, 2.776_445, 4.604_095),
        (5, 2.570_582, 4.032_143),
        (6, 2.446_912, 3.707_428),
        (9, 2.262_157, 3.249_836),
        (30, 2.042_272, 2.749_996),
        (299, 1.967_930, 2.592_370),
    ];

    #[test]
    fn it_is_the_table_s() {
        for (degrees, five, one) in TABLE {
            assert!((two_sided(five, degrees) - 0.05).abs() < 1e-6, "{degrees}");
            assert!((two_sided(-one, degrees) - 0.01).abs() < 1e-6, "{degrees}");
            assert!((quantile(0.05, degrees) - five).abs() < 1e-4, "{degrees}");
        }
        assert_eq!(two_sided(0.0, 3), 1.0);
    }

    #[test]
    fn holm_by_hand() {
        // 3·0.01, then 2·0.02, then 1·0.03 held up to what is before it.
        assert_eq!(holm(&[0.03, 0.01, 0.02]), [0.04, 0.03, 0.04]);
        assert_eq!(holm(&[0.4, 0.9]), [0.8, 0.9]);
        assert_eq!(holm(&[]), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn holm_lies_between_each_and_bonferroni(values in proptest::collection::vec(0.0..1.0f64, 1..12)) {
            let adjusted = holm(&values);
            for (p, adjusted) in values.iter().zip(&adjusted) {
                prop_assert!(*adjusted >= *p && *adjusted <= (p * values.len() as f64).min(1.0) + 1e-12);
            }
        }
    }
}
