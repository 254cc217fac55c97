//! What a training may spend, where it does not simply have a number of steps: trainings of different rules, whose steps cost
//! different amounts, can then be made equal in what they cost.

use crate::metrics::{StepMetrics, name};
use serde::{Deserialize, Serialize};
use tracelift_domain::SettingError;

/// A bound on what a training spends; exactly one. The looks at development problems are measurements and do not count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Executor calls, those of baselines among them.
    ExecutorCalls(u64),
    /// Tokens that the planner writes, and that the executor reads and writes.
    Tokens(u64),
    /// Seconds of sampling, executing, reading and updating. What follows from it is not the same on every machine.
    Seconds(f64),
}

/// More than any training spends.
const MOST: f64 = 1e15;

impl Budget {
    /// # Errors
    /// When it is nothing, or no number.
    pub fn validate(self) -> Result<(), SettingError> {
        let limit = self.limit();
        let sound = limit > 0.0 && limit <= MOST;
        SettingError::first([(self.key(), sound, limit.to_string(), "above 0 and at most 1e15")])
    }

    fn key(self) -> &'static str {
        match self {
            Budget::ExecutorCalls(_) => "budget.executor_calls",
            Budget::Tokens(_) => "budget.tokens",
            Budget::Seconds(_) => "budget.seconds",
        }
    }

    /// All of it.
    #[must_use]
    pub fn limit(self) -> f64 {
        match self {
            Budget::ExecutorCalls(limit) | Budget::Tokens(limit) => limit as f64,
            Budget::Seconds(limit) => limit,
        }
    }

    /// What a step took of it, by its metrics.
    #[must_use]
    pub fn of(self, step: &StepMetrics) -> f64 {
        let known = |name: &str| step.get(name).unwrap_or(0.0);
        match self {
            Budget::ExecutorCalls(_) => known(name::CALLS),
            Budget::Tokens(_) => known(name::PLANNER_TOKENS) + known(name::EXECUTOR_TOKENS),
            Budget::Seconds(_) => {
                let stages = step.iter().filter_map(|(found, value)| {
                    let stage = found.strip_prefix(name::SECONDS)?;
                    value.filter(|_| stage != name::DEV_STAGE)
                });
                stages.sum()
            }
        }
    }
}

/// What a training has spent of its budget.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// In all.
    pub total: f64,
    /// In the last step.
    pub last: f64,
}

impl Spent {
    /// Counts a step.
    #[must_use]
    pub fn and(self, budget: Budget, step: &StepMetrics) -> Spent {
        let last = budget.of(step);
        Spent { total: self.total + last, last }
    }

    /// Whether another step like the last would spend more than there is: the training ends before that.
    #[must_use]
    pub fn is_all(self, budget: Budget) -> bool {
        self.last > 0.0 && self.total + self.last > budget.limit()
    }

    /// How many more steps like the last there are.
    #[must_use]
    pub fn steps_left(self, budget: Budget) -> Option<u64> {
        // The limit is below 1e15, so the quotient of a step that costs anything is a number of steps.
        (self.last > 0.0).then(|| ((budget.limit() - self.total).max(0.0) / self.last) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: u64, calls: f64) -> StepMetrics {
        let mut metrics = StepMetrics::at(number, 0.0);
        metrics.set(name::CALLS, calls).set(name::EXECUTOR_TOKENS, 100.0).set(name::PLANNER_TOKENS, 11.0);
        metrics.set("seconds/sample", 1.5).set("seconds/update", 2.0).set("seconds/dev", 50.0);
        metrics
    }

    #[test]
    fn a_budget_counts_what_its_name_says_and_no_looks() {
        let of = |budget: Budget| budget.of(&step(1, 60.0));
        assert_eq!(of(Budget::ExecutorCalls(1)), 60.0);
        assert_eq!(of(Budget::Tokens(1)), 111.0);
        assert_eq!(of(Budget::Seconds(1.0)), 3.5);
    }

    #[test]
    fn a_training_ends_before_the_step_that_would_be_too_much() {
        let budget = Budget::ExecutorCalls(200);
        let mut spent = Spent::default();
        assert!(!spent.is_all(budget), "nothing is known of what a step costs");
        for (calls, left) in [(80.0, Some(1)), (60.0, Some(1))] {
            spent = spent.and(budget, &step(1, calls));
            assert!(!spent.is_all(budget));
            assert_eq!(spent.steps_left(budget), left);
        }
        spent = spent.and(budget, &step(3, 60.0));
        assert!(spent.is_all(budget) && spent.total == 200.0);
    }

    #[test]
    fn a_budget_is_one_of_three_and_not_nothing() {
        #[derive(Debug, Deserialize)]
        struct Section {
            budget: Budget,
        }
        let read = |text: &str| toml::from_str::<Section>(text).map(|section| section.budget);
        assert_eq!(read("budget = { executor_calls = 7 }").unwrap(), Budget::ExecutorCalls(7));
        assert_eq!(read("budget.seconds = 2.5").unwrap(), Budget::Seconds(2.5));
        assert!(read("budget = { tokens = 1, seconds = 2.0 }").is_err());
        assert!(read("budget = {}").is_err());
        for bad in [Budget::Tokens(0), Budget::Seconds(f64::NAN), Budget::Seconds(-1.0)] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
