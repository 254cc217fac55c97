//! How a reward model is trained.

use serde::{Deserialize, Serialize};
use tracelift_engine::AdamWConfig;
use tracelift_reward::loss::LossWeights;

/// How a reward model is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RubricConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Groups a step.
    pub groups: usize,
    /// Flawed traces drawn per group and step.
    pub negatives: usize,
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps of warm-up.
    pub warmup: u64,
    /// The weights of the loss.
    pub loss: LossWeights,
    /// The optimizer's constants.
    pub optimizer: AdamWConfig,
}

impl Default for RubricConfig {
    fn default() -> RubricConfig {
        RubricConfig {
            steps: 300,
            groups: 16,
            negatives: 4,
            learning_rate: 1e-3,
            warmup: 20,
            loss: LossWeights::default(),
            optimizer: AdamWConfig { beta2: 0.98, weight_decay: 0.01, ..AdamWConfig::default() },
        }
    }
}
