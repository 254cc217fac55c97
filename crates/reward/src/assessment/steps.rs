//! First errors: does a scorer tell where a solution goes wrong?
//!
//! Every beginning of a solution is scored as a trace. The first error is said to be where the score of the beginning up to a step first
//! falls below a threshold; a solution whose scores never do is said to be right. The threshold is chosen on other problems: they are
//! parted in two by their names, and each half is judged by the threshold that is best on the other (by F1, as ProcessBench has it,
//! arXiv 2412.06559: the harmonic mean of both shares below).

use super::Unscored;
use crate::{ScoreFailure, ScoreItem, TraceScorer};
use serde::{Deserialize, Serialize};
use tracelift_domain::{Question, Seed, Trace};
use tracelift_statistics::{Estimate, Measurement};

/// A solution step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepwiseSolution {
    /// What solutions of one problem share.
    pub problem: String,
    /// What it solves.
    pub question: Question,
    /// Its beginnings: up to the first step, up to the second, …
    pub beginnings: Vec<Trace>,
    /// The first wrong step, from 0.
    pub first_error: Option<usize>,
}

/// A solution and what a scorer says of its beginnings.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredBeginnings {
    /// The problem.
    pub problem: String,
    /// The first wrong step, from 0.
    pub first_error: Option<usize>,
    /// `s` of each beginning. A failure of one makes the solution unknown.
    pub scores: Result<Vec<f64>, ScoreFailure>,
}

/// Asks a scorer about every beginning.
#[must_use]
pub fn score_beginnings(scorer: &dyn TraceScorer, solutions: &[StepwiseSolution]) -> Vec<ScoredBeginnings> {
    let items: Vec<ScoreItem<'_>> = solutions
        .iter()
        .flat_map(|solution| {
            solution.beginnings.iter().map(|trace| ScoreItem { question: &solution.question, trace })
        })
        .collect();
    let mut scores = scorer.score(&items).into_iter();
    solutions
        .iter()
        .map(|solution| {
            let own: Vec<_> = scores.by_ref().take(solution.beginnings.len()).collect();
            ScoredBeginnings {
                problem: solution.problem.clone(),
                first_error: solution.first_error,
                scores: own.into_iter().map(|score| score.map(|score| score.score)).collect(),
            }
        })
        .collect()
}

/// What a scorer is worth in telling where solutions go wrong.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct FirstErrors {
    /// Solutions with scores.
    pub solutions: usize,
    /// Of the wrong ones, the share whose first error is found where it is.
    pub wrong: Estimate,
    /// Of the right ones, the share that is said to be right.
    pub right: Estimate,
    /// The harmonic mean of the two; `None` where there are none of a kind.
    pub f1: Option<f64>,
    /// The thresholds of the two halves.
    pub thresholds: Vec<f64>,
    /// Solutions without scores, by cause.
    pub unscored: Unscored,
}

/// Thresholds that are tried, at most.
const TRIED: usize = 200;

struct Known<'s> {
    problem: &'s str,
    first_error: Option<usize>,
    scores: &'s [f64],
    half: bool,
}

impl Known<'_> {
    /// Whether the first error is said to be where it is, or nowhere where it is nowhere.
    fn is_found(&self, threshold: f64) -> bool {
        self.scores.iter().position(|score| *score < threshold) == self.first_error
    }
}

impl FirstErrors {
    /// Sums up; `None` of no solutions.
    #[must_use]
    pub fn of(solutions: &[ScoredBeginnings]) -> Option<FirstErrors> {
        let mut unscored = Unscored::new();
        let mut known = Vec::new();
        for solution in solutions {
            match &solution.scores {
                Ok(scores) => known.push(Known {
                    problem: &solution.problem,
                    first_error: solution.first_error,
                    scores,
                    half: Seed(0).child(&solution.problem, 0).0.is_multiple_of(2),
                }),
                Err(failure) => *unscored.entry(failure.cause().to_owned()).or_default() += 1,
            }
        }
        if solutions.is_empty() {
            return None;
        }
        let thresholds: Vec<f64> = [true, false].map(|half| best(&known, half)).to_vec();
        let share = |wrong: bool| {
            Estimate::clustered(known.iter().filter(|one| one.first_error.is_some() == wrong).map(|one| {
                // Each half by the threshold of the other.
                let threshold = if one.half { thresholds[1] } else { thresholds[0] };
                (one.problem, Measurement::Known(f64::from(u8::from(one.is_found(threshold)))))
            }))
        };
        let (wrong, right) = (share(true), share(false));
        let f1 = wrong.mean.zip(right.mean).map(|(a, b)| harmonic(a, b));
        Some(FirstErrors { solutions: known.len(), wrong, right, f1, thresholds, unscored })
    }
}

fn harmonic(a: f64, b: f64) -> f64 {
    if a + b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 }
}

/// The threshold that is best on a half; where that has nothing to choose by, one half.
fn best(known: &[Known<'_>], half: bool) -> f64 {
    let own: Vec<&Known<'_>> = known.iter().filter(|one| one.half == half).collect();
    let mut scores: Vec<f64> = own.iter().flat_map(|one| one.scores.iter().copied()).collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    let step = scores.len().div_ceil(TRIED).max(1);
    let share = |wrong: bool, threshold: f64| {
        let of: Vec<_> = own.iter().filter(|one| one.first_error.is_some() == wrong).collect();
        let found = of.iter().filter(|one| one.is_found(threshold)).count();
        (!of.is_empty()).then(|| found as f64 / of.len() as f64)
    };
    let f1 = |threshold: f64| Some(harmonic(share(true, threshold)?, share(false, threshold)?));
    // Between two scores, so that neither decides by a hair.
    let between = scores.windows(2).step_by(step).map(|two| f64::midpoint(two[0], two[1]));
    let tried = between.filter_map(|threshold| Some((f1(threshold)?, threshold)));
    tried.max_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.5, |(_, threshold)| threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(problem: &str, scores: &[f64], first_error: Option<usize>) -> ScoredBeginnings {
        ScoredBeginnings { problem: problem.into(), first_error, scores: Ok(scores.to_vec()) }
    }

    #[test]
    fn a_scorer_that_falls_at_the_error_finds_all_and_one_that_does_not_finds_none() {
        let mut sees = Vec::new();
        let mut blind = Vec::new();
        for at in 0..40 {
            let problem = format!("p{at}");
            let first_error = (at % 2 == 0).then_some(at % 3);
            let scores: Vec<f64> = (0..4)
                .map(|step| if first_error.is_some_and(|error| step >= error) { 0.2 } else { 0.8 })
                .collect();
            sees.push(scored(&problem, &scores, first_error));
            blind.push(scored(&problem, &[0.7, 0.7, 0.7, 0.7], first_error));
        }
        blind.push(ScoredBeginnings { scores: Err(ScoreFailure::NotAScore), ..scored("q", &[], None) });
        let found = FirstErrors::of(&sees).unwrap();
        assert_eq!((found.wrong.mean, found.right.mean, found.f1), (Some(1.0), Some(1.0), Some(1.0)));
        assert_eq!(found.thresholds, [0.5, 0.5]);
        let found = FirstErrors::of(&blind).unwrap();
        assert_eq!((found.wrong.mean, found.right.mean, found.f1), (Some(0.0), Some(1.0), Some(0.0)));
        assert_eq!((found.solutions, found.unscored["not_a_score"]), (40, 1));
        assert_eq!(FirstErrors::of(&[]), None);
    }

    #[test]
    fn a_half_is_not_judged_by_its_own_threshold() {
        // One problem: its half has a threshold, the other has none of its own and takes one half.
        let only = [scored("p", &[0.9, 0.8], Some(1)), scored("p", &[0.95, 0.94], None)];
        let found = FirstErrors::of(&only).unwrap();
        assert_eq!((found.wrong.mean, found.right.mean), (Some(0.0), Some(1.0)));
    }
}
