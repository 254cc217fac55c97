//! The settings of a planner's training.

use crate::advantage::Normalize;
use serde::{Deserialize, Serialize};
use tracelift_engine::{AdamWConfig, Schedule};

/// How the planner is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpoConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Problems a step.
    pub problems: usize,
    /// `G`: traces per problem.
    pub group: usize,
    /// What advantages are divided by.
    pub normalize: Normalize,
    /// How far the probability ratio may fall below 1 before its gradient stops.
    pub clip_low: f32,
    /// How far it may rise above 1 (clip-higher where it is more than `clip_low`).
    pub clip_high: f32,
    /// Weight of the divergence from the start policy; 0 leaves it out.
    pub kl: f32,
    /// Passes over each step's rollouts.
    pub epochs: usize,
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps of warm-up.
    pub warmup: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// The optimizer's constants.
    pub optimizer: AdamWConfig,
}

impl Default for GrpoConfig {
    fn default() -> GrpoConfig {
        GrpoConfig {
            steps: 600,
            problems: 16,
            group: 4,
            normalize: Normalize::GroupStd,
            clip_low: 0.2,
            clip_high: 0.2,
            kl: 0.0,
            epochs: 1,
            learning_rate: 5e-6,
            warmup: 0,
            checkpoint_every: 20,
            optimizer: AdamWConfig::default(),
        }
    }
}

/// A setting that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("`grpo.{key}` is {value}, expected {expected}")]
pub struct GrpoConfigError {
    key: &'static str,
    value: String,
    expected: &'static str,
}

impl GrpoConfig {
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn validate(&self) -> Result<(), GrpoConfigError> {
        let checks = [
            ("steps", self.steps >= 1, self.steps.to_string(), "at least 1"),
            ("problems", self.problems >= 1, self.problems.to_string(), "at least 1"),
            ("group", self.group >= 2, self.group.to_string(), "at least 2, or no rollout has a sibling"),
            ("epochs", self.epochs >= 1, self.epochs.to_string(), "at least 1"),
            ("clip_low", (0.0..1.0).contains(&self.clip_low), self.clip_low.to_string(), "from 0 to below 1"),
            ("clip_high", self.clip_high >= 0.0, self.clip_high.to_string(), "0 or more"),
            ("kl", self.kl >= 0.0, self.kl.to_string(), "0 or more"),
            ("learning_rate", self.learning_rate > 0.0, self.learning_rate.to_string(), "above 0"),
            ("checkpoint_every", self.checkpoint_every >= 1, self.checkpoint_every.to_string(), "at least 1"),
        ];
        match checks.into_iter().find(|(_, fine, ..)| !fine) {
            None => Ok(()),
            Some((key, _, value, expected)) => Err(GrpoConfigError { key, value, expected }),
        }
    }

    /// Warm-up, then a cosine to a tenth of the peak.
    pub(super) fn schedule(&self) -> Schedule {
        Schedule { peak: self.learning_rate, warmup: self.warmup, total: self.steps, floor: 0.1 }
    }
}
