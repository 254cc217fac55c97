//! Differences between two rows, problem by problem.

use crate::{EvalError, Metric, SampleRecord};
use serde::{Deserialize, Serialize};
use tracelift_domain::{Fingerprint, Seed};
use tracelift_statistics::{Pair, bootstrap_interval, clusters, paired_error, pooled_difference};

/// How often the bootstrap draws.
pub const DRAWS: usize = 10_000;

/// How much a row is ahead of another one on the problems that both have.
///
/// With the problems' residuals `R_i` and sample counts `N` of the two rows (see [`crate::Estimate`]), the paired
/// standard error is `SE = sqrt( n/(n − 1) · Σ_i (R_i/N − R'_i/N')² )`: what is hard for both rows cancels. The interval
/// is the percentile interval of a bootstrap that draws problems, with all their samples of both rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// What is compared.
    pub metric: Metric,
    /// The row.
    pub row: String,
    /// The row that it is compared with.
    pub against: String,
    /// The executor of both.
    pub executor: Fingerprint,
    /// Mean of `row` minus mean of `against`.
    pub difference: f64,
    /// Its paired, problem-clustered standard error; `None` if there are fewer than two problems.
    pub standard_error: Option<f64>,
    /// The 95 % bootstrap interval.
    pub interval: (f64, f64),
    /// On how many problems both rows are known.
    pub problems: usize,
    /// On how many problems only one of them is: these are left out.
    pub unpaired: usize,
    /// How often the bootstrap drew.
    pub draws: usize,
}

/// Compares the samples of two rows.
///
/// # Errors
/// When a row has no samples, the executors differ, or there is no problem on which both rows are known.
pub fn paired_difference(
    samples: &[SampleRecord],
    metric: Metric,
    row: &str,
    against: &str,
    seed: Seed,
) -> Result<Difference, EvalError> {
    let executor = common_executor(samples, row, against)?;
    let of = |name: &str| {
        let samples = samples.iter().filter(|sample| sample.row == name);
        clusters(samples.map(|sample| (sample.problem_id.as_str(), metric.of(sample)))).0
    };
    let (ours, theirs) = (of(row), of(against));
    let pairs: Vec<Pair> =
        ours.iter().filter_map(|(problem, cluster)| Some((*cluster, *theirs.get(problem)?))).collect();
    let nothing = || EvalError::NothingInCommon {
        row: row.to_owned(),
        against: against.to_owned(),
        metric: metric.title(),
    };
    let statistic = pooled_difference(&pairs).ok_or_else(nothing)?;
    let mut rng = seed.child("paired bootstrap", 0).rng();
    Ok(Difference {
        metric,
        row: row.to_owned(),
        against: against.to_owned(),
        executor,
        difference: statistic,
        standard_error: paired_error(&pairs),
        interval: bootstrap_interval(&pairs, &mut rng, DRAWS).ok_or_else(nothing)?,
        problems: pairs.len(),
        unpaired: ours.len() + theirs.len() - 2 * pairs.len(),
        draws: DRAWS,
    })
}

/// The one executor of both rows.
fn common_executor(samples: &[SampleRecord], row: &str, against: &str) -> Result<Fingerprint, EvalError> {
    let first = |name: &str| {
        samples.iter().find(|sample| sample.row == name).ok_or_else(|| {
            let mut known: Vec<&str> = samples.iter().map(|sample| sample.row.as_str()).collect();
            known.sort_unstable();
            known.dedup();
            let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            EvalError::UnknownRow { row: name.to_owned(), known }
        })
    };
    first(row)?;
    let expected = first(against)?;
    for sample in samples.iter().filter(|sample| sample.row == row || sample.row == against) {
        if sample.executor != expected.executor {
            return Err(EvalError::MixedExecutors {
                first_row: against.to_owned(),
                first: expected.executor.clone(),
                row: sample.row.clone(),
                executor: sample.executor.clone(),
            });
        }
    }
    Ok(expected.executor.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::tests::sample;

    fn right(row: &str, problem: usize, seed: u64, correct: Option<bool>) -> SampleRecord {
        SampleRecord { correct, ..sample(row, problem, seed) }
    }

    fn compare(samples: &[SampleRecord]) -> Result<Difference, EvalError> {
        paired_difference(samples, Metric::Accuracy, "new", "old", Seed(1))
    }

    #[test]
    fn what_is_hard_for_both_cancels() {
        let mut samples = Vec::new();
        for problem in 0..40 {
            samples.push(right("new", problem, 0, Some(problem % 2 == 0)));
            samples.push(right("old", problem, 0, Some(problem % 2 == 0)));
        }
        let same = compare(&samples).unwrap();
        assert_eq!((same.difference, same.standard_error, same.interval), (0.0, Some(0.0), (0.0, 0.0)));

        // One problem of forty more: d_i is 1 once and 0 else.
        samples[2].correct = Some(true);
        let ahead = compare(&samples).unwrap();
        let mean = 1.0 / 40.0;
        let sum_of_squares = (1.0 - mean) * (1.0 - mean) + 39.0 * mean * mean;
        let error = (sum_of_squares / 39.0 / 40.0_f64).sqrt();
        assert!((ahead.difference - mean).abs() < 1e-12);
        assert!((ahead.standard_error.unwrap() - error).abs() < 1e-12);
        assert_eq!(ahead.interval.0, 0.0);
        assert_eq!(compare(&samples).unwrap(), ahead, "the seed decides the interval");
    }

    #[test]
    fn problems_known_to_one_row_alone_are_counted() {
        let samples = [
            right("new", 0, 0, Some(true)),
            right("new", 1, 0, Some(true)),
            right("new", 2, 0, None),
            right("old", 0, 0, Some(false)),
            right("old", 2, 0, Some(true)),
        ];
        let difference = compare(&samples).unwrap();
        assert_eq!((difference.difference, difference.problems, difference.unpaired), (1.0, 1, 2));
        assert_eq!(difference.standard_error, None);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let one = [right("new", 0, 0, Some(true))];
        assert_eq!(
            compare(&one).unwrap_err().to_string(),
            "there is no row `old` to compare; the rows are `new`"
        );
        let apart = [right("new", 0, 0, Some(true)), right("old", 1, 0, Some(true))];
        assert!(matches!(compare(&apart), Err(EvalError::NothingInCommon { .. })));
        let mut other = right("old", 0, 0, Some(true));
        other.executor = Fingerprint::of([("weights", b"2".as_slice())]);
        let mixed = [right("new", 0, 0, Some(true)), other];
        assert!(matches!(compare(&mixed), Err(EvalError::MixedExecutors { .. })));
    }
}
