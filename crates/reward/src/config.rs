//! The section `[reward]` of a run: which rule, and what it weighs.

use crate::rule::{Evidence, Needs, Rule};
use serde::{Deserialize, Serialize};
use tracelift_domain::{Probability, SettingError};

/// How rewards are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// The rule. Default: `tracelift`.
    pub rule: Rule,
    /// `λ`: the weight of the reason. Default: 0.5.
    pub lambda: Probability,
    /// `K`: executor runs behind `w` and behind `b`. Default: 3.
    pub runs: usize,
    /// What a trainer adds to the reward of every completion that holds a usable trace, apart from the rule. Default: 0.
    #[serde(skip_serializing_if = "is_nothing")]
    pub format: Probability,
}

impl Default for RewardConfig {
    fn default() -> RewardConfig {
        RewardConfig { rule: Rule::Tracelift, lambda: Probability::HALF, runs: 3, format: Probability::ZERO }
    }
}

// Left out of what is written, so that runs that are older than the term have the same configuration.
fn is_nothing(term: &Probability) -> bool {
    *term == Probability::ZERO
}

/// The most executor runs behind a mean.
pub const MOST_RUNS: usize = 1000;

impl RewardConfig {
    /// # Errors
    /// When there is no executor run at all, or more than anybody waits for.
    pub fn validate(&self) -> Result<(), SettingError> {
        let fine = (1..=MOST_RUNS).contains(&self.runs);
        SettingError::first([("reward.runs", fine, self.runs.to_string(), "from 1 to 1000")])
    }

    /// What must be measured.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.rule.needs(self.runs)
    }

    /// The format term of a completion, where there is one in this configuration: `format` for a usable trace, 0 for none. It says
    /// nothing of what the trace is worth, so it is part of no measurement, and the rule does not see it.
    #[must_use]
    pub fn format_term(&self, usable: bool) -> Option<f64> {
        (!is_nothing(&self.format)).then(|| if usable { self.format.get() } else { 0.0 })
    }

    /// The reward, or `None` where a measurement that the rule uses is unknown.
    #[must_use]
    pub fn reward(&self, evidence: &Evidence) -> Option<f64> {
        self.rule.reward(self.lambda, evidence)
    }
}
