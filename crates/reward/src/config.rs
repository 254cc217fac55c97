//! The section `[reward]` of a run: which rule, and what it weighs.

use crate::rule::{Evidence, Needs, Rule};
use serde::{Deserialize, Serialize};
use tracelift_domain::Probability;

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
}

impl Default for RewardConfig {
    fn default() -> RewardConfig {
        RewardConfig { rule: Rule::Tracelift, lambda: Probability::HALF, runs: 3 }
    }
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`reward.runs` is 0, expected at least 1")]
pub struct NoRuns;

impl RewardConfig {
    /// # Errors
    /// When there is no executor run at all.
    pub fn validate(&self) -> Result<(), NoRuns> {
        if self.runs == 0 { Err(NoRuns) } else { Ok(()) }
    }

    /// What must be measured.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.rule.needs(self.runs)
    }

    /// The reward, or `None` where a measurement that the rule uses is unknown.
    #[must_use]
    pub fn reward(&self, evidence: &Evidence) -> Option<f64> {
        self.rule.reward(self.lambda, evidence)
    }
}
