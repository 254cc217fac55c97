//! Supervised training on token sequences: how the worlds' base planners and executors are made.
//!
//! Loss: mean cross-entropy over supervised tokens. A corpus is random access, so nothing but the step's number
//! says what a step sees.

use crate::state::Learner;
use serde::{Deserialize, Serialize};
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::{AdamWConfig, Batch, Memory, Model, Pass, Schedule, Target};

/// A sequence to learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// All tokens.
    pub tokens: Vec<u32>,
    /// The first token that is supervised; those before it are given.
    pub supervised_from: usize,
}

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SftConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Sequences a step.
    pub batch: usize,
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps of warm-up.
    pub warmup: u64,
    /// The optimizer's constants.
    pub optimizer: AdamWConfig,
}

impl Default for SftConfig {
    fn default() -> SftConfig {
        SftConfig {
            steps: 1000,
            batch: 64,
            learning_rate: 2e-3,
            warmup: 50,
            optimizer: AdamWConfig { beta2: 0.98, weight_decay: 0.1, ..AdamWConfig::default() },
        }
    }
}

impl SftConfig {
    /// Its schedule: warm-up, then a cosine to a hundredth of the peak.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        Schedule { peak: self.learning_rate, warmup: self.warmup, total: self.steps, floor: 0.01 }
    }
}

/// What one step found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SftStep {
    /// Mean loss over supervised tokens, in nats.
    pub loss: f64,
    /// Supervised tokens.
    pub tokens: usize,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
}

/// One step of supervised training.
///
/// # Errors
/// When a gradient is not finite.
pub fn step(
    model: &mut Model,
    pass: &mut Pass,
    learner: &mut Learner,
    config: &SftConfig,
    examples: &[Example],
) -> Result<SftStep, NonFinite> {
    let (batch, targets) = pack(examples);
    let share = 1.0 / targets.len().max(1) as f32;
    pass.forward(model, &batch);
    let scores = pass.score_backward(model, &mut learner.gradients, &targets, 1.0, |_, _| -share);
    pass.backward(model, &batch, &mut learner.gradients);
    let rate = config.schedule().rate(learner.step);
    let (parameters, tensors) = model.learnable();
    let gradient_norm = learner.apply(parameters, tensors, rate)?;
    learner.step += 1;
    let loss = -scores.iter().map(|score| f64::from(score.log_prob)).sum::<f64>() * f64::from(share);
    Ok(SftStep { loss, tokens: targets.len(), gradient_norm })
}

/// Mean loss over supervised tokens, without learning.
#[must_use]
pub fn evaluate(model: &Model, examples: &[Example]) -> f64 {
    let mut pass = Pass::new(Memory::Recompute);
    let (mut total, mut tokens) = (0.0, 0);
    for examples in examples.chunks(32) {
        let (batch, targets) = pack(examples);
        pass.forward(model, &batch);
        total -= pass.score(model, &targets, 1.0).iter().map(|score| f64::from(score.log_prob)).sum::<f64>();
        tokens += targets.len();
    }
    total / tokens.max(1) as f64
}

fn pack(examples: &[Example]) -> (Batch, Vec<Target>) {
    let (mut batch, mut targets) = (Batch::default(), Vec::new());
    for example in examples {
        let first = batch.push(&example.tokens);
        for at in example.supervised_from.max(1)..example.tokens.len() {
            targets.push(Target { row: (first + at - 1) as u32, token: example.tokens[at] });
        }
    }
    (batch, targets)
}
