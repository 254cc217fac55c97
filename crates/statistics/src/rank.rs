//! Ranks: correlation of two orders, and how well scores tell one class from another.

use crate::estimate::sandwich;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Half the width of a 95 % interval in standard errors.
const NORMAL: f64 = 1.96;

/// Ranks from 1, ties at their mean rank.
fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let end = start + order[start..].iter().take_while(|&&i| values[i] == values[order[start]]).count();
        // A value that does not equal itself (NaN) still takes a rank of its own.
        let end = end.max(start + 1);
        let rank = (start + end + 1) as f64 / 2.0;
        order[start..end].iter().for_each(|&i| ranks[i] = rank);
        start = end;
    }
    ranks
}

/// Spearman's rank correlation, ties at their mean rank; `None` where one side is all the same.
#[must_use]
pub fn spearman(one: &[f64], other: &[f64]) -> Option<f64> {
    let (one, other) = (mean_ranks(one), mean_ranks(other));
    let mean = (one.len() as f64 + 1.0) / 2.0;
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(&other) {
        let (a, b) = (a - mean, b - mean);
        both += a * b;
        first += a * a;
        second += b * b;
    }
    (first > 0.0 && second > 0.0).then(|| both / (first * second).sqrt())
}

/// Pearson's correlation; `None` where one side is all the same.
#[must_use]
pub fn pearson(one: &[f64], other: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (one_mean, other_mean) = (mean(one), mean(other));
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (a - one_mean, b - other_mean);
        both += a * b;
        first += a * a;
        second += b * b;
    }
    (first > 0.0 && second > 0.0).then(|| both / (first * second).sqrt())
}

/// The area under the ROC curve: the chance that a positive scores above a negative, ties half. `None` where there are not
/// some of both.
#[must_use]
pub fn auc(positive: &[f64], negative: &[f64]) -> Option<f64> {
    let samples = positive
        .iter()
        .map(|score| ("", *score, true))
        .chain(negative.iter().map(|score| ("", *score, false)));
    area(samples).map(|area| area.auc)
}

/// An area under a ROC curve and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Area {
    /// The chance that a positive scores above a negative, ties half.
    pub auc: f64,
    /// Clustered by problem; `None` if there are fewer than two problems.
    pub standard_error: Option<f64>,
    /// The normal 95 % interval, cut to `[0, 1]`; `None` as above.
    pub interval: Option<(f64, f64)>,
    /// Positives.
    pub positives: usize,
    /// Negatives.
    pub negatives: usize,
    /// Problems.
    pub problems: usize,
}

/// The area under the ROC curve of scores, each with its problem and whether it is a positive; `None` where there are
/// not some of both.
///
/// With `V⁺_i` the share of negatives below positive `i` (ties half) and `V⁻_j` the share of positives above negative `j`,
/// the area is the mean `A` of either, and problem `p` contributes
///
/// `ψ_p = Σ_{i ∈ p} (V⁺_i − A)/n⁺ + Σ_{j ∈ p} (V⁻_j − A)/n⁻`, `SE = sqrt( n/(n − 1) · Σ_p ψ_p² )`:
///
/// the structural components of DeLong et al. (1988), summed by cluster as in Obuchowski (1997).
pub fn area<'a>(samples: impl IntoIterator<Item = (&'a str, f64, bool)>) -> Option<Area> {
    let samples: Vec<(&str, f64, bool)> = samples.into_iter().collect();
    let scores = |wanted: bool| -> Vec<f64> {
        samples.iter().filter(|(.., positive)| *positive == wanted).map(|(_, score, _)| *score).collect()
    };
    let (positives, negatives) = (scores(true), scores(false));
    if positives.is_empty() || negatives.is_empty() {
        return None;
    }
    let (above, below) = (Shares::of(positives), Shares::of(negatives));
    // The share of the other class that a sample is on the right side of.
    let won =
        |score: f64, positive: bool| if positive { below.below(score) } else { 1.0 - above.below(score) };
    let (n_positive, n_negative) = (above.0.len() as f64, below.0.len() as f64);
    let sum: f64 =
        samples.iter().filter(|(.., positive)| *positive).map(|(_, score, _)| won(*score, true)).sum();
    let auc = sum / n_positive;
    let mut contributions: BTreeMap<&str, f64> = BTreeMap::new();
    for (problem, score, positive) in &samples {
        let count = if *positive { n_positive } else { n_negative };
        *contributions.entry(problem).or_default() += (won(*score, *positive) - auc) / count;
    }
    let standard_error = sandwich(contributions.values().copied());
    Some(Area {
        auc,
        standard_error,
        interval: standard_error
            .map(|error| ((auc - NORMAL * error).max(0.0), (auc + NORMAL * error).min(1.0))),
        positives: above.0.len(),
        negatives: below.0.len(),
        problems: contributions.len(),
    })
}

/// Sorted scores of one class.
struct Shares(Vec<f64>);

impl Shares {
    fn of(mut scores: Vec<f64>) -> Shares {
        scores.sort_unstable_by(f64::total_cmp);
        Shares(scores)
    }

    /// The share below a score, ties half.
    fn below(&self, score: f64) -> f64 {
        let less = self.0.partition_point(|other| *other < score);
        let not_more = self.0.partition_point(|other| *other <= score);
        (less + not_more) as f64 / 2.0 / self.0.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_area_is_the_chance_of_the_right_order() {
        assert_eq!(auc(&[2.0, 3.0], &[1.0]), Some(1.0));
        assert_eq!(auc(&[1.0], &[1.0]), Some(0.5));
        assert_eq!(auc(&[0.0], &[1.0, -1.0]), Some(0.5));
        assert_eq!(auc(&[], &[1.0]), None);
    }

    #[test]
    fn its_error_by_hand() {
        // Positives 3, 1 and negatives 2, 0, each of a problem of its own. V⁺ = (1, ½), V⁻ = (½, 1), A = ¾; each ψ is ±1/8.
        let found = area([("a", 3.0, true), ("b", 1.0, true), ("c", 2.0, false), ("d", 0.0, false)]).unwrap();
        assert_eq!((found.auc, found.positives, found.negatives, found.problems), (0.75, 2, 2, 4));
        let error = (4.0 / 3.0 * 4.0 / 64.0_f64).sqrt();
        assert!((found.standard_error.unwrap() - error).abs() < 1e-12);
        assert_eq!(found.interval.unwrap().1, 1.0, "it is cut at 1");
        // Two problems whose parts cancel: within each, one is above what it should be and one below.
        let paired =
            area([("a", 3.0, true), ("a", 2.0, false), ("b", 1.0, true), ("b", 0.0, false)]).unwrap();
        assert_eq!((paired.auc, paired.standard_error), (0.75, Some(0.0)));
        assert_eq!(area([("a", 1.0, true), ("a", 0.0, false)]).unwrap().standard_error, None);
    }

    #[test]
    fn correlation_by_hand() {
        // Ranks 1, 2, 3, 4 and 2, 1, 4, 3: 1 − 6·4/(4·15) = 0.6.
        let found = spearman(&[0.1, 0.2, 0.3, 0.4], &[0.2, 0.1, 0.4, 0.3]).unwrap();
        assert!((found - 0.6).abs() < 1e-12);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[], &[]), None);
    }

    proptest! {
        #[test]
        fn order_alone_counts(values in proptest::collection::vec((-3..3i32, any::<bool>()), 2..40)) {
            let scores: Vec<f64> = values.iter().map(|(v, _)| f64::from(*v)).collect();
            let (positive, negative): (Vec<_>, Vec<_>) =
                values.iter().map(|(v, p)| (f64::from(*v), *p)).partition(|(_, p)| *p);
            let only = |of: Vec<(f64, bool)>| of.into_iter().map(|(v, _)| v).collect::<Vec<f64>>();
            let (positive, negative) = (only(positive), only(negative));
            let cubed = |values: &[f64]| values.iter().map(|v| v.powi(3)).collect::<Vec<f64>>();
            prop_assert_eq!(auc(&positive, &negative), auc(&cubed(&positive), &cubed(&negative)));
            if let (Some(one), Some(other)) = (auc(&positive, &negative), auc(&negative, &positive)) {
                prop_assert!((one + other - 1.0).abs() < 1e-12);
                let pairs = positive.iter().flat_map(|p| negative.iter().map(move |n| (p, n)));
                let won: f64 = pairs.map(|(p, n)| if p > n { 1.0 } else if p == n { 0.5 } else { 0.0 }).sum();
                prop_assert!((one - won / (positive.len() * negative.len()) as f64).abs() < 1e-12);
            }
            if let Some(same) = spearman(&scores, &cubed(&scores)) {
                prop_assert!((same - 1.0).abs() < 1e-12);
            }
        }
    }
}
