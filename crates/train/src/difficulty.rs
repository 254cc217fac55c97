//! How difficult problems are for the models of a run, measured before its first step, and which of them it is worth training on.
//!
//! Of each problem `b` is measured, the executor's mean success without a trace, and `w`, the mean over some traces of the planner as
//! it is before training. A problem that the executor always solves anyway, or never with any trace, gives rollouts of one reward. The
//! draws are others than those of training: `u` is not made of the very runs by whose luck its problem was chosen.
//!
//! What was measured is on disk, in a log of one line a problem, before it decides anything. A measurement that was stopped goes on
//! from there; once the run has begun, the log says which problems it is about, whatever could be measured by then.

mod log;

pub use log::{DifficultyLog, LogError};

use serde::{Deserialize, Serialize};
use std::fmt;
use tracelift_domain::{Fingerprint, Probability, Problem, Seed, SettingError, Trace};
use tracelift_executor::Executor;
use tracelift_planner::{Asked, Planner, PlannerError};
use tracelift_reward::measure;
use tracelift_verify::Verifier;

/// Which problems are trained on: the section `[grpo.filter]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterConfig {
    /// At most so many problems are measured, the first ones of the first epoch. What is not measured is not trained on.
    pub problems: usize,
    /// Traces of the planner behind `w`.
    pub traces: usize,
    /// The range of `b` in which problems are trained on, its ends included.
    pub b: [Probability; 2],
    /// The same of `w`.
    pub w: [Probability; 2],
    /// What becomes of problems of which it is unknown, because a call failed or nothing could be judged.
    pub unknown: Unknown,
}

/// What becomes of a problem that is not known to be outside of a range, nor within all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It is trained on: nothing speaks against it.
    #[default]
    Keep,
    /// It is left out: nothing speaks for it.
    LeaveOut,
}

impl Default for FilterConfig {
    fn default() -> FilterConfig {
        let all = [Probability::ZERO, Probability::ONE];
        FilterConfig { problems: 200, traces: 4, b: all, w: all, unknown: Unknown::Keep }
    }
}

/// More than anybody waits for.
const MOST_PROBLEMS: usize = 1_000_000;
const MOST_TRACES: usize = 1000;

impl FilterConfig {
    /// # Errors
    /// Names the first setting that makes no sense, counted from the section.
    pub fn validate(&self) -> Result<(), SettingError> {
        SettingError::first([
            (
                "problems",
                (1..=MOST_PROBLEMS).contains(&self.problems),
                self.problems.to_string(),
                "from 1 to a million",
            ),
            ("traces", (1..=MOST_TRACES).contains(&self.traces), self.traces.to_string(), "from 1 to 1000"),
        ])?;
        for (key, [low, high]) in [("b", self.b), ("w", self.w)] {
            if low.get() > high.get() {
                let fault = format!(
                    "is [{}, {}], which holds nothing; say the smaller end first",
                    low.get(),
                    high.get()
                );
                return Err(SettingError::new(key, fault));
            }
        }
        let FilterConfig { b, w, unknown, .. } = FilterConfig::default();
        if (self.b, self.w, self.unknown) == (b, w, unknown) {
            let fault = "is missing, as is `w`, and without a range nothing is left out; say one, as in `b = [0.0, 0.9]`, or leave \
                         out `[grpo.filter]`";
            return Err(SettingError::new("b", fault));
        }
        Ok(())
    }

    /// What is to be done about a problem. A known number outside of its range decides, whatever else is unknown.
    #[must_use]
    pub fn judge(&self, difficulty: &Difficulty) -> Judged {
        let outside = |value: Option<Probability>, [low, high]: [Probability; 2]| {
            value.is_some_and(|value| value.get() < low.get() || value.get() > high.get())
        };
        if outside(difficulty.b, self.b) {
            Judged::OutsideB
        } else if outside(difficulty.w, self.w) {
            Judged::OutsideW
        } else if difficulty.is_known() {
            Judged::Within
        } else {
            Judged::Unknown
        }
    }
}

/// Where a problem lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Within both ranges.
    Within,
    /// Outside that of `b`.
    OutsideB,
    /// Outside that of `w`.
    OutsideW,
    /// Nobody knows.
    Unknown,
}

/// What was measured of a problem. `None` is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difficulty {
    /// The problem's id, for people.
    pub problem_id: String,
    /// The hash of the problem, gold included.
    pub problem: Fingerprint,
    /// The executor's mean success without a trace.
    pub b: Option<Probability>,
    /// The mean success over traces of the planner, of which one without a usable trace counts 0.
    pub w: Option<Probability>,
    /// How many of the completions held a usable trace.
    pub usable: usize,
}

impl Difficulty {
    /// Whether both numbers are known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.b.is_some() && self.w.is_some()
    }

    /// The hash that [`Difficulty::problem`] is of a problem.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn hash_of(problem: &Problem) -> Result<Fingerprint, serde_json::Error> {
        Ok(Fingerprint::of([("problem", serde_json::to_vec(problem)?.as_slice())]))
    }
}

/// Who measures.
pub struct Examiner<'a> {
    /// The planner before training.
    pub planner: Planner<'a>,
    /// The frozen executor.
    pub executor: &'a dyn Executor,
    /// The verifier.
    pub verifier: &'a Verifier,
    /// Traces behind `w`.
    pub traces: usize,
    /// Executor runs behind `b`.
    pub runs: usize,
    /// Of the draws; a problem's follow from it and the problem's id alone.
    pub seed: Seed,
}

/// Why problems cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// The planner cannot write.
    #[error(transparent)]
    Planner(#[from] PlannerError),
    /// A problem cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Examiner<'_> {
    /// Measures problems, all calls of which go out together. A failed call is no error: it leaves a number unknown.
    ///
    /// # Errors
    /// When the planner cannot be sampled.
    pub fn examine(&self, problems: &[&Problem]) -> Result<Vec<Difficulty>, ExamineError> {
        let seeds: Vec<Seed> = problems.iter().map(|problem| self.seed.child(&problem.id, 0)).collect();
        let asked: Vec<Asked<'_>> = problems
            .iter()
            .zip(&seeds)
            .map(|(problem, seed)| Asked {
                question: &problem.question,
                seeds: (0..self.traces as u64).map(|trace| seed.child("trace", trace)).collect(),
            })
            .collect();
        let written = self.planner.write(&asked)?;

        let without: Vec<(&Problem, Option<&Trace>, Seed)> = problems
            .iter()
            .zip(&seeds)
            .map(|(&problem, seed)| (problem, None, seed.child("without", 0)))
            .collect();
        let without = measure(self.executor, self.verifier, &without, self.runs);

        // Each usable trace, with its problem's index.
        let usable: Vec<(usize, &Trace, Seed)> = written
            .iter()
            .enumerate()
            .flat_map(|(at, traces)| {
                let seed = seeds[at];
                (0..).zip(&traces.written).filter_map(move |(i, written)| {
                    Some((at, written.trace.as_ref().ok()?, seed.child("with", i)))
                })
            })
            .collect();
        let calls: Vec<(&Problem, Option<&Trace>, Seed)> =
            usable.iter().map(|&(at, trace, seed)| (problems[at], Some(trace), seed)).collect();
        let with = measure(self.executor, self.verifier, &calls, 1);

        // Completions without a usable trace are known failures.
        let mut sums: Vec<(Option<f64>, usize)> = vec![(Some(0.0), 0); problems.len()];
        for (&(at, ..), measured) in usable.iter().zip(&with) {
            let (sum, count) = &mut sums[at];
            *sum = sum.zip(measured.mean()).map(|(sum, score)| sum + score.get());
            *count += 1;
        }
        let found = problems.iter().zip(&without).zip(sums);
        found
            .map(|((problem, without), (sum, usable))| {
                Ok(Difficulty {
                    problem_id: problem.id.clone(),
                    problem: Difficulty::hash_of(problem)?,
                    b: without.mean(),
                    w: sum.and_then(|sum| Probability::new(sum / self.traces as f64).ok()),
                    usable,
                })
            })
            .collect()
    }
}

/// How many problems lie where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Measured in all.
    pub measured: usize,
    /// Within both ranges.
    pub within: usize,
    /// Outside that of `b`.
    pub outside_b: usize,
    /// Outside that of `w`, and not of that of `b`.
    pub outside_w: usize,
    /// Of which nobody knows.
    pub unknown: usize,
}

impl Tally {
    /// Counts a problem.
    pub fn count(&mut self, judged: Judged) {
        self.measured += 1;
        *match judged {
            Judged::Within => &mut self.within,
            Judged::OutsideB => &mut self.outside_b,
            Judged::OutsideW => &mut self.outside_w,
            Judged::Unknown => &mut self.unknown,
        } += 1;
    }
}

/// For the middle of a sentence.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { measured, within, outside_b, outside_w, unknown } = self;
        write!(
            f,
            "of {measured} problems {within} lie within the ranges, {outside_b} outside that of b, {outside_w} outside that of w, and of \
             {unknown} it is unknown"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(value: f64) -> Probability {
        Probability::new(value).unwrap()
    }

    fn difficulty(b: Option<f64>, w: Option<f64>) -> Difficulty {
        let problem = Fingerprint::of([("problem", b"x".as_slice())]);
        Difficulty { problem_id: "x".into(), problem, b: b.map(p), w: w.map(p), usable: 4 }
    }

    #[test]
    fn ends_belong_to_a_range_and_what_is_known_to_be_outside_decides() {
        let filter = FilterConfig { b: [p(0.0), p(0.75)], w: [p(0.25), p(1.0)], ..FilterConfig::default() };
        let mut tally = Tally::default();
        for (b, w, judged) in [
            (Some(0.75), Some(0.25), Judged::Within),
            (Some(0.8), Some(0.5), Judged::OutsideB),
            (Some(0.8), None, Judged::OutsideB),
            (Some(0.5), Some(0.0), Judged::OutsideW),
            (None, Some(0.0), Judged::OutsideW),
            (None, Some(0.5), Judged::Unknown),
            (Some(0.5), None, Judged::Unknown),
            (None, None, Judged::Unknown),
        ] {
            assert_eq!(filter.judge(&difficulty(b, w)), judged, "{b:?} {w:?}");
            tally.count(judged);
        }
        assert_eq!(tally, Tally { measured: 8, within: 1, outside_b: 2, outside_w: 2, unknown: 3 });
    }

    #[test]
    fn a_filter_that_leaves_nothing_or_everything_out_is_refused() {
        let refused = |text: &str| {
            let filter: FilterConfig = toml::from_str(text).unwrap();
            filter.validate().map_err(|error| error.key().to_owned())
        };
        assert_eq!(refused("b = [0.0, 0.9]"), Ok(()));
        assert_eq!(refused("unknown = \"leave_out\""), Ok(()));
        assert_eq!(refused(""), Err("b".to_owned()));
        assert_eq!(refused("w = [0.9, 0.1]"), Err("w".to_owned()));
        assert_eq!(refused("b = [0.0, 0.9]\nproblems = 0"), Err("problems".to_owned()));
        assert_eq!(refused("b = [0.0, 0.9]\ntraces = 0"), Err("traces".to_owned()));
        for text in ["b = [0.0, 1.5]", "b = [0.0, nan]", "b = 0.5", "b = [0.5]", "unknown = \"zero\""] {
            assert!(toml::from_str::<FilterConfig>(text).is_err(), "{text} is taken");
        }
    }
}
