//! What several samples of a problem come to: pass@k and the majority's answer.

use crate::{Estimate, Measurement, SampleRecord};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tracelift_domain::TaskDomain;
use tracelift_math::{Gold, Options, Verdict};

/// What several samples of each problem come to. The mean over them, average@n, is the accuracy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Several {
    /// Samples a problem, `n`: the most that any has.
    pub n: usize,
    /// pass@k by `k`: the chance that one of `k` samples is right.
    ///
    /// Of `n` known samples of which `c` are right, `1 − C(n−c, k)/C(n, k)` (Chen et al., 2021); the mean over problems. A problem
    /// with fewer than `k` known samples is left out and counted.
    pub pass_at: BTreeMap<usize, Estimate>,
    /// majority@n: whether the answer that most samples give is right; of a tie, the share of it that is. Samples without an answer
    /// do not vote; a problem with an unknown sample is left out and counted. `None` where programs are asked for, which are not
    /// voted on.
    pub majority: Option<Estimate>,
}

/// `None` where no problem has two samples.
pub(crate) fn several(samples: &[&SampleRecord]) -> Option<Several> {
    let mut problems: BTreeMap<&str, Vec<&SampleRecord>> = BTreeMap::new();
    for sample in samples {
        problems.entry(&sample.problem_id).or_default().push(sample);
    }
    let n = problems.values().map(Vec::len).max().filter(|n| *n > 1)?;
    let over = |value: &dyn Fn(&[&SampleRecord]) -> Measurement| {
        Estimate::clustered(problems.iter().map(|(problem, samples)| (*problem, value(samples))))
    };
    let voted = samples.iter().any(|sample| sample.domain != TaskDomain::Code);
    Some(Several {
        n,
        pass_at: sizes(n).map(|k| (k, over(&|samples| pass_at(samples, k)))).collect(),
        majority: voted.then(|| over(&majority)),
    })
}

/// 1, 2, 4, … and all.
fn sizes(n: usize) -> impl Iterator<Item = usize> {
    let powers = std::iter::successors(Some(1_usize), |k| k.checked_mul(2)).take_while(move |k| *k < n);
    powers.chain([n])
}

fn pass_at(samples: &[&SampleRecord], k: usize) -> Measurement {
    let known: Vec<bool> = samples.iter().filter_map(|sample| sample.correct).collect();
    let (n, right) = (known.len(), known.iter().filter(|right| **right).count());
    if n < k {
        return Measurement::Unknown;
    }
    let wrong = n - right;
    if wrong < k {
        return Measurement::Known(1.0);
    }
    Measurement::Known(1.0 - (0..k).map(|i| (wrong - i) as f64 / (n - i) as f64).product::<f64>())
}

fn majority(samples: &[&SampleRecord]) -> Measurement {
    if samples.iter().any(|sample| sample.domain == TaskDomain::Code) {
        return Measurement::Outside;
    }
    let mut right = 0;
    let mut wrong: Vec<(&str, usize)> = Vec::new();
    for sample in samples {
        let answer = sample.artifacts.first().and_then(Option::as_deref).map(str::trim);
        match (sample.correct, answer) {
            (None, _) => return Measurement::Unknown,
            // All right answers are the same answer, however they are written.
            (Some(true), _) => right += 1,
            (Some(false), Some(answer)) => match wrong.iter_mut().find(|(other, _)| same(other, answer)) {
                Some((_, votes)) => *votes += 1,
                None => wrong.push((answer, 1)),
            },
            (Some(false), None) => {}
        }
    }
    let most = wrong.iter().map(|(_, votes)| *votes).max().unwrap_or(0);
    let tied = wrong.iter().filter(|(_, votes)| *votes == right).count();
    Measurement::Known(match right {
        0 => 0.0,
        right if right < most => 0.0,
        _ => 1.0 / (1 + tied) as f64,
    })
}

/// Whether two wrong answers are one.
fn same(one: &str, other: &str) -> bool {
    one == other || Gold::parse(one, &Options::default()).compare(other).verdict == Verdict::Equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::tests::sample;

    fn answered(answers: &[(Option<&str>, Option<bool>)]) -> Vec<SampleRecord> {
        let record = |(seed, (answer, correct)): (u64, &(Option<&str>, Option<bool>))| SampleRecord {
            artifacts: vec![answer.map(str::to_owned)],
            correct: *correct,
            ..sample("a", 0, seed)
        };
        (0..).zip(answers).map(record).collect()
    }

    fn found(answers: &[(Option<&str>, Option<bool>)]) -> Several {
        let samples = answered(answers);
        several(&samples.iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn pass_at_k_is_unbiased() {
        let (yes, no) = ((Some("7"), Some(true)), (Some("8"), Some(false)));
        let found = found(&[yes, no, no, no, no]);
        let means: Vec<(usize, Option<f64>)> =
            found.pass_at.iter().map(|(k, estimate)| (*k, estimate.mean)).collect();
        let expected = [(1, 0.2), (2, 0.4), (4, 0.8), (5, 1.0)];
        for ((k, mean), (of, value)) in means.into_iter().zip(expected) {
            assert!(k == of && (mean.unwrap() - value).abs() < 1e-12, "pass@{k} is {mean:?}");
        }
    }

    #[test]
    fn the_most_frequent_answer_counts_however_it_is_written() {
        let of = |answers: &[(Option<&str>, Option<bool>)]| found(answers).majority.unwrap().mean;
        let (right, wrong) = (Some(true), Some(false));
        assert_eq!(of(&[(Some("7"), right), (Some("7.0"), right), (Some("8"), wrong)]), Some(1.0));
        assert_eq!(of(&[(Some("7"), right), (Some("8"), wrong), (Some("16/2"), wrong)]), Some(0.0));
        assert_eq!(of(&[(Some("7"), right), (Some("8"), wrong)]), Some(0.5));
        assert_eq!(of(&[(Some("7"), right), (None, wrong), (None, wrong)]), Some(1.0), "silence is no vote");
        assert_eq!(of(&[(None, wrong), (None, wrong)]), Some(0.0));
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let found = found(&[(Some("7"), Some(true)), (None, None), (Some("7"), Some(true))]);
        assert_eq!((found.pass_at[&2].mean, found.pass_at[&3].mean), (Some(1.0), None));
        assert_eq!((found.pass_at[&3].unscored, found.majority.unwrap().unscored), (1, 1));
        assert_eq!(several(&[&sample("a", 0, 0)]), None);
    }
}
