//! Calibration: whether what is predicted as 0.7 is 0.7 on average.

use serde::{Deserialize, Serialize};

/// The samples whose prediction lies in a range.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Bin {
    /// Where the range begins.
    pub from: f64,
    /// Where it ends; only the last range holds its end.
    pub to: f64,
    /// How many samples lie in it, at least one.
    pub count: usize,
    /// Their mean prediction.
    pub predicted: f64,
    /// The mean of what they should be.
    pub observed: f64,
}

/// Sorts (prediction, truth) into `bins` ranges of equal width over `[0, 1]`; ranges without a sample are left out.
#[must_use]
pub fn reliability(samples: &[(f64, f64)], bins: usize) -> Vec<Bin> {
    let bins = bins.max(1);
    let mut sums = vec![(0_usize, 0.0, 0.0); bins];
    for (predicted, truth) in samples {
        let place = ((predicted * bins as f64) as usize).min(bins - 1);
        let (count, predictions, truths) = &mut sums[place];
        *count += 1;
        *predictions += predicted;
        *truths += truth;
    }
    let edge = |at: usize| at as f64 / bins as f64;
    sums.iter()
        .enumerate()
        .filter(|(_, (count, ..))| *count > 0)
        .map(|(at, (count, predictions, truths))| Bin {
            from: edge(at),
            to: edge(at + 1),
            count: *count,
            predicted: predictions / *count as f64,
            observed: truths / *count as f64,
        })
        .collect()
}

/// The expected calibration error `Σ_b n_b/N · |predicted_b − observed_b|`; `None` of nothing.
#[must_use]
pub fn calibration_error(bins: &[Bin]) -> Option<f64> {
    let all: usize = bins.iter().map(|bin| bin.count).sum();
    let off = |bin: &Bin| bin.count as f64 * (bin.predicted - bin.observed).abs();
    (all > 0).then(|| bins.iter().map(off).sum::<f64>() / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_small_case_by_hand() {
        let bins = reliability(&[(0.1, 0.0), (0.3, 0.5), (1.0, 1.0), (0.8, 0.4)], 2);
        let lower = Bin { from: 0.0, to: 0.5, count: 2, predicted: 0.2, observed: 0.25 };
        assert_eq!((bins.len(), bins[0]), (2, lower));
        assert!((bins[1].predicted - 0.9).abs() < 1e-12 && (bins[1].observed - 0.7).abs() < 1e-12);
        assert!((calibration_error(&bins).unwrap() - (0.5 * 0.05 + 0.5 * 0.2)).abs() < 1e-12);
        assert_eq!(calibration_error(&reliability(&[], 10)), None);
    }

    proptest! {
        #[test]
        fn every_sample_is_in_a_bin_and_the_truth_is_calibrated(
            values in proptest::collection::vec(0.0..=1.0f64, 0..50), bins in 1..20usize
        ) {
            let found = reliability(&values.iter().map(|v| (*v, *v)).collect::<Vec<_>>(), bins);
            prop_assert_eq!(found.iter().map(|bin| bin.count).sum::<usize>(), values.len());
            prop_assert!(calibration_error(&found).unwrap_or(0.0) < 1e-12);
            for bin in found {
                prop_assert!(bin.from - 1e-12 <= bin.predicted && bin.predicted <= bin.to + 1e-12);
            }
        }
    }
}
