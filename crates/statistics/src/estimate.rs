//! Means with standard errors that know that samples of one problem are not independent.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a sample says about a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measurement {
    /// Its value.
    Known(f64),
    /// The sample should have a value but it could not be found out: it is left out and counted.
    Unknown,
    /// The metric does not concern the sample (the length of a trace where there is none).
    Outside,
}

/// A mean over samples and how sure it is.
///
/// With samples `x_ij` (problem `i`, sample `j`), `N` of them known, from `n` problems:
///
/// `m = Σ_ij x_ij / N`, `R_i = Σ_j (x_ij − m)`, `SE = sqrt( n/(n − 1) · Σ_i R_i² ) / N`
///
/// This is the cluster-robust ("sandwich") variance of a mean with the small-sample factor `n/(n − 1)`. With one
/// sample a problem it is the familiar `s/√n`. For a share among a subset (such as the right answers) it is the
/// usual linearisation of a ratio, for which `N` counts the subset.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// `m`; `None` if nothing is known.
    pub mean: Option<f64>,
    /// `SE`; `None` if there are fewer than two problems.
    pub standard_error: Option<f64>,
    /// `n`: problems with a known sample.
    pub problems: usize,
    /// `N`: known samples.
    pub samples: usize,
    /// Samples left out because they are unknown.
    pub unscored: usize,
}

/// The known samples of one problem.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cluster {
    /// Their sum.
    pub sum: f64,
    /// How many they are.
    pub count: usize,
}

impl Cluster {
    /// `R_i`, the sum of the deviations from a mean.
    #[must_use]
    pub fn residual(self, mean: f64) -> f64 {
        self.sum - mean * self.count as f64
    }
}

/// Gathers known samples by problem, and counts the unknown ones.
pub fn clusters<'a>(
    samples: impl IntoIterator<Item = (&'a str, Measurement)>,
) -> (BTreeMap<&'a str, Cluster>, usize) {
    let mut clusters: BTreeMap<&str, Cluster> = BTreeMap::new();
    let mut unscored = 0;
    for (problem, measurement) in samples {
        match measurement {
            Measurement::Known(value) => {
                let cluster = clusters.entry(problem).or_default();
                cluster.sum += value;
                cluster.count += 1;
            }
            Measurement::Unknown => unscored += 1,
            Measurement::Outside => {}
        }
    }
    (clusters, unscored)
}

/// `m` and `N`, or `None` of nothing.
pub fn pooled_mean<'a>(clusters: impl IntoIterator<Item = &'a Cluster>) -> Option<(f64, usize)> {
    let (mut sum, mut count) = (0.0, 0);
    for cluster in clusters {
        sum += cluster.sum;
        count += cluster.count;
    }
    (count > 0).then(|| (sum / count as f64, count))
}

/// `sqrt(n/(n − 1) · Σ ψ_i²)` of the problems' contributions to an estimate; `None` for fewer than two.
pub fn sandwich(contributions: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let n = contributions.len() as f64;
    (n >= 2.0).then(|| (n / (n - 1.0) * contributions.map(|c| c * c).sum::<f64>()).sqrt())
}

impl Estimate {
    /// Sums up samples, each with the problem that it belongs to.
    pub fn clustered<'a>(samples: impl IntoIterator<Item = (&'a str, Measurement)>) -> Estimate {
        let (clusters, unscored) = clusters(samples);
        let pooled = pooled_mean(clusters.values());
        let standard_error = pooled.and_then(|(mean, count)| {
            sandwich(clusters.values().map(|cluster| cluster.residual(mean) / count as f64))
        });
        Estimate {
            mean: pooled.map(|(mean, _)| mean),
            standard_error,
            problems: clusters.len(),
            samples: pooled.map_or(0, |(_, count)| count),
            unscored,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Measurement::{Known, Outside, Unknown};
    use proptest::prelude::*;

    #[test]
    fn a_small_case_by_hand() {
        // Problem a: 1, 1, 0; problem b: 0; problem c: 1, 0. m = 3/6 = 0.5.
        // R = (0.5, −0.5, 0). SE = sqrt(3/2 · 0.5) / 6 = 0.1443…
        let samples = [("a", 1.0), ("a", 1.0), ("a", 0.0), ("b", 0.0), ("c", 1.0), ("c", 0.0)];
        let estimate = Estimate::clustered(samples.map(|(p, x)| (p, Known(x))));
        assert_eq!(estimate.mean, Some(0.5));
        assert!((estimate.standard_error.unwrap() - 0.75_f64.sqrt() / 6.0).abs() < 1e-15);
        assert_eq!((estimate.problems, estimate.samples, estimate.unscored), (3, 6, 0));
    }

    #[test]
    fn repeating_every_sample_adds_no_certainty() {
        let once = [("a", 1.0), ("b", 0.0), ("c", 1.0), ("d", 1.0)].map(|(p, x)| (p, Known(x)));
        let thrice = once.iter().copied().cycle().take(12);
        let (once, thrice) = (Estimate::clustered(once), Estimate::clustered(thrice));
        assert!((once.standard_error.unwrap() - thrice.standard_error.unwrap()).abs() < 1e-15);
    }

    #[test]
    fn little_is_known_of_little() {
        let none = Estimate::clustered([("a", Unknown), ("b", Outside)]);
        assert_eq!((none.mean, none.standard_error, none.unscored), (None, None, 1));
        let one = Estimate::clustered([("a", Known(1.0)), ("a", Known(0.0))]);
        assert_eq!((one.mean, one.standard_error), (Some(0.5), None));
    }

    proptest! {
        #[test]
        fn with_one_sample_a_problem_it_is_the_textbook_error(
            values in proptest::collection::vec(-5.0..5.0f64, 2..40)
        ) {
            let names: Vec<String> = (0..values.len()).map(|i| format!("p{i}")).collect();
            let samples = names.iter().zip(&values).map(|(p, x)| (p.as_str(), Known(*x)));
            let estimate = Estimate::clustered(samples);
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
            prop_assert!((estimate.mean.unwrap() - mean).abs() < 1e-12);
            prop_assert!((estimate.standard_error.unwrap() - (variance / n).sqrt()).abs() < 1e-12);
        }

        #[test]
        fn unknown_samples_change_nothing_but_their_count(
            samples in proptest::collection::vec((0..6usize, proptest::option::of(0.0..1.0f64)), 0..40)
        ) {
            let names = ["a", "b", "c", "d", "e", "f"];
            let all = samples.iter().map(|(p, x)| (names[*p], x.map_or(Unknown, Known)));
            let known = samples.iter().filter_map(|(p, x)| Some((names[*p], Known((*x)?))));
            let (all, known) = (Estimate::clustered(all), Estimate::clustered(known));
            let missing = samples.iter().filter(|(_, x)| x.is_none()).count();
            prop_assert_eq!(all.unscored, missing);
            prop_assert_eq!(Estimate { unscored: 0, ..all }, known);
        }
    }
}
