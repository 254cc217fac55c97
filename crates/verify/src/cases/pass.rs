//! pass@k.

use serde::Serialize;

/// pass@k over the tasks of a set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PassAtK {
    /// How many samples one may draw.
    pub k: usize,
    /// The chance that one of them passes, averaged over tasks.
    pub value: f64,
    /// Tasks with at least `k` judged samples, over which it is averaged.
    pub tasks: usize,
}

/// The unbiased estimate of pass@k from tasks of which `(n, c)` samples were judged and passed: the mean of
/// `1 − C(n−c, k) / C(n, k)` (Chen et al., 2021), as a product that neither overflows nor cancels.
///
/// Tasks with fewer than `k` judged samples say nothing of pass@k and are left out; `None` if that leaves none.
#[must_use]
pub fn pass_at_k(tasks: &[(usize, usize)], k: usize) -> Option<PassAtK> {
    let values: Vec<f64> = tasks
        .iter()
        .filter(|(judged, _)| k >= 1 && *judged >= k)
        .map(|&(judged, passed)| {
            if judged - passed < k {
                return 1.0;
            }
            1.0 - (judged - passed + 1..=judged).map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
        })
        .collect();
    let value = values.iter().sum::<f64>() / values.len() as f64;
    (!values.is_empty()).then_some(PassAtK { k, value, tasks: values.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let one = |n, c, k| pass_at_k(&[(n, c)], k).map(|pass| pass.value);
        assert_eq!(one(1, 1, 1), Some(1.0));
        assert_eq!(one(1, 0, 1), Some(0.0));
        assert_eq!(one(10, 3, 1).map(|value| (value * 1e12).round()), Some(3e11));
        // 1 − C(2, 2) / C(4, 2)
        assert!((one(4, 2, 2).unwrap() - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(one(4, 3, 2), Some(1.0));
        assert_eq!(one(3, 1, 4), None);
        assert_eq!(one(3, 1, 0), None);
        let both = pass_at_k(&[(2, 0), (2, 2), (1, 1)], 2).unwrap();
        assert_eq!((both.value, both.tasks), (0.5, 2));
    }

    proptest! {
        /// The estimate is the mean over all draws of k from n: compare with C(n−c, k) / C(n, k) in whole numbers.
        #[test]
        fn agrees_with_the_binomials(n in 1usize..20, c in 0usize..20, k in 1usize..20) {
            prop_assume!(c <= n && k <= n);
            let choose = |n: usize, k: usize| (0..k).fold(1u128, |all, i| all * (n - i) as u128 / (i as u128 + 1));
            let fail = if n - c < k { 0 } else { choose(n - c, k) };
            let exact = 1.0 - fail as f64 / choose(n, k) as f64;
            prop_assert!((pass_at_k(&[(n, c)], k).unwrap().value - exact).abs() < 1e-12);
        }
    }
}
