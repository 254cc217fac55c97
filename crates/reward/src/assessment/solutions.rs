//! Natural errors: does a scorer tell solutions that are right from those that are wrong?

use super::Unscored;
use crate::{ScoreFailure, ScoreItem, TraceScorer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tracelift_domain::{Question, Trace};
use tracelift_statistics::{Area, Estimate, Measurement, area};

/// A solution with its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// What solutions of one problem share: an identifier, or the statement.
    pub problem: String,
    /// What it solves.
    pub question: Question,
    /// The solution.
    pub trace: Trace,
    /// Whether it is right.
    pub correct: bool,
}

/// A solution and what a scorer says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredSolution {
    /// The problem.
    pub problem: String,
    /// Whether it is right.
    pub correct: bool,
    /// `s`. A failure is unknown, never a number.
    pub score: Result<f64, ScoreFailure>,
}

/// Asks a scorer about every solution.
#[must_use]
pub fn score_solutions(scorer: &dyn TraceScorer, solutions: &[Solution]) -> Vec<ScoredSolution> {
    let items: Vec<ScoreItem<'_>> = solutions
        .iter()
        .map(|solution| ScoreItem { question: &solution.question, trace: &solution.trace })
        .collect();
    let scores = scorer.score(&items).into_iter().map(|score| score.map(|score| score.score));
    solutions
        .iter()
        .zip(scores)
        .map(|(solution, score)| ScoredSolution {
            problem: solution.problem.clone(),
            correct: solution.correct,
            score,
        })
        .collect()
}

/// What a scorer is worth on solutions.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SolutionAssessment {
    /// Problems.
    pub problems: usize,
    /// Solutions with a score.
    pub solutions: usize,
    /// Those of them that are right.
    pub correct: usize,
    /// Solutions without a score, by cause: they are in no other number.
    pub unscored: Unscored,
    /// Over all solutions: right above wrong, whatever their problems. `None` where all are right or all wrong.
    pub area: Option<Area>,
    /// Pairs of a right and a wrong solution of one problem in the right order; a tie is half right.
    pub pairs: Estimate,
    /// The best of `n` solutions by score.
    pub best_of: Vec<BestOf>,
}

/// How often the solution with the highest score among `n` is right.
///
/// For each problem with at least `n` solutions, the mean over all its subsets of `n`, computed and not drawn: with the `N`
/// solutions in the order of their scores, the one with `k` below it is the best of a subset with the chance
/// `C(k, n−1)/C(N, n)`. Equal scores share their chances. Errors are over problems.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct BestOf {
    /// `n`
    pub n: usize,
    /// Choosing by score.
    pub chosen: Estimate,
    /// Choosing at random: the share of right solutions, on the same problems.
    pub random: Estimate,
    /// Choosing a right one whenever there is one among the `n`.
    pub oracle: Estimate,
    /// `chosen − random`, problem by problem.
    pub gain: Estimate,
}

impl SolutionAssessment {
    /// Sums up the scores of some solutions, with the best of each of `sizes`.
    #[must_use]
    pub fn of(solutions: &[ScoredSolution], sizes: &[usize]) -> SolutionAssessment {
        let mut unscored = Unscored::new();
        let mut problems: BTreeMap<&str, Vec<(f64, bool)>> = BTreeMap::new();
        for solution in solutions {
            match &solution.score {
                Ok(score) => problems.entry(&solution.problem).or_default().push((*score, solution.correct)),
                Err(failure) => *unscored.entry(failure.cause().to_owned()).or_default() += 1,
            }
        }
        let all: Vec<(&str, f64, bool)> = problems
            .iter()
            .flat_map(|(problem, of)| of.iter().map(|(score, right)| (*problem, *score, *right)))
            .collect();
        SolutionAssessment {
            problems: problems.len(),
            solutions: all.len(),
            correct: all.iter().filter(|(.., right)| *right).count(),
            unscored,
            area: area(all),
            pairs: pairs(&problems),
            best_of: sizes.iter().map(|n| best_of(&problems, *n)).collect(),
        }
    }
}

fn pairs(problems: &BTreeMap<&str, Vec<(f64, bool)>>) -> Estimate {
    let mut found = Vec::new();
    for (problem, solutions) in problems {
        for (right, _) in solutions.iter().filter(|(_, right)| *right) {
            for (wrong, _) in solutions.iter().filter(|(_, right)| !right) {
                let won = if right == wrong { 0.5 } else { f64::from(u8::from(right > wrong)) };
                found.push((*problem, Measurement::Known(won)));
            }
        }
    }
    Estimate::clustered(found)
}

fn best_of(problems: &BTreeMap<&str, Vec<(f64, bool)>>, n: usize) -> BestOf {
    let mut rows = Vec::new();
    for (problem, solutions) in problems.iter().filter(|(_, solutions)| solutions.len() >= n.max(1)) {
        let right = solutions.iter().filter(|(_, right)| *right).count();
        let wrong = solutions.len() - right;
        let random = right as f64 / solutions.len() as f64;
        let oracle = 1.0 - chance_within(wrong, solutions.len(), n);
        rows.push((*problem, chosen(solutions, n), random, oracle));
    }
    let estimate = |value: fn(f64, f64, f64) -> f64| {
        let known = |(problem, chosen, random, oracle): &(_, f64, f64, f64)| {
            (*problem, Measurement::Known(value(*chosen, *random, *oracle)))
        };
        Estimate::clustered(rows.iter().map(known))
    };
    BestOf {
        n,
        chosen: estimate(|chosen, _, _| chosen),
        random: estimate(|_, random, _| random),
        oracle: estimate(|_, _, oracle| oracle),
        gain: estimate(|chosen, random, _| chosen - random),
    }
}

/// The chance that the solution with the highest score of a random subset of `n` is right.
fn chosen(solutions: &[(f64, bool)], n: usize) -> f64 {
    let mut sorted = solutions.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut start, mut sum, mut before) = (0, 0.0, 0.0);
    while start < sorted.len() {
        let same = sorted[start..].iter().take_while(|one| one.0 == sorted[start].0).count();
        let end = start + same;
        let right = sorted[start..end].iter().filter(|(_, right)| *right).count();
        // That the whole subset lies below `end`, less that it lies below `start`.
        let within = chance_within(end, sorted.len(), n);
        sum += (within - before) * right as f64 / same as f64;
        before = within;
        start = end;
    }
    sum
}

/// `C(some, n)/C(all, n)`: the chance that a random subset of `n` lies within `some` of `all`.
fn chance_within(some: usize, all: usize, n: usize) -> f64 {
    if some < n {
        return 0.0;
    }
    (0..n).map(|i| (some - i) as f64 / (all - i) as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn solution(problem: &str, score: f64, correct: bool) -> ScoredSolution {
        ScoredSolution { problem: problem.into(), correct, score: Ok(score) }
    }

    #[test]
    fn a_small_case_by_hand() {
        let mut solutions = vec![
            solution("a", 0.9, true),
            solution("a", 0.5, false),
            solution("a", 0.4, false),
            solution("b", 0.2, false),
            solution("b", 0.1, true),
        ];
        solutions.push(ScoredSolution { score: Err(ScoreFailure::NotAScore), ..solution("b", 0.0, true) });
        let found = SolutionAssessment::of(&solutions, &[1, 2, 3]);
        assert_eq!((found.problems, found.solutions, found.correct), (2, 5, 2));
        assert_eq!(found.unscored["not_a_score"], 1);
        assert_eq!(found.pairs.mean, Some(2.0 / 3.0));
        // Right: 0.9, 0.1; wrong: 0.5, 0.4, 0.2.
        assert_eq!(found.area.unwrap().auc, 0.5);
        let [one, two, three] = &found.best_of[..] else { panic!() };
        assert!((one.chosen.mean.unwrap() - one.random.mean.unwrap()).abs() < 1e-12);
        // Of two from a, the right one is among them in two of three cases and then chosen; b chooses the wrong one.
        assert!((two.chosen.mean.unwrap() - (2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert!((two.oracle.mean.unwrap() - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12);
        assert_eq!((three.chosen.mean, three.chosen.problems), (Some(1.0), 1));
    }

    /// The mean over all subsets, one by one.
    fn by_hand(solutions: &[(f64, bool)], n: usize) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for mask in 0..1_u32 << solutions.len() {
            if mask.count_ones() as usize != n {
                continue;
            }
            let subset: Vec<(f64, bool)> =
                (0..solutions.len()).filter(|i| mask >> i & 1 == 1).map(|i| solutions[i]).collect();
            let best = subset.iter().map(|s| s.0).fold(f64::MIN, f64::max);
            let tied: Vec<bool> = subset.iter().filter(|s| s.0 == best).map(|s| s.1).collect();
            sum += tied.iter().filter(|right| **right).count() as f64 / tied.len() as f64;
            count += 1;
        }
        sum / f64::from(count)
    }

    proptest! {
        #[test]
        fn the_best_of_n_is_the_mean_over_all_subsets(
            solutions in proptest::collection::vec((0..4u8, any::<bool>()), 1..9), n in 1..9usize
        ) {
            let solutions: Vec<(f64, bool)> =
                solutions.into_iter().map(|(score, right)| (f64::from(score), right)).collect();
            prop_assume!(n <= solutions.len());
            prop_assert!((chosen(&solutions, n) - by_hand(&solutions, n)).abs() < 1e-9);
        }
    }
}
