//! Supervised training on token sequences: how the worlds' base planners and executors are made, and how a planner is put on
//! its way before it is trained by reward ([`Course`]).
//!
//! Loss: mean cross-entropy over supervised tokens. A corpus is random access, so nothing but the step's number
//! says what a step sees.

mod course;

pub use course::{Course, CourseConfig, Look};

use serde::{Deserialize, Deserializer, Serialize};
use tracelift_domain::SettingError;
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::{AdamWConfig, Batch, Learner, Memory, Model, Pass, Schedule, Target};

/// A sequence to learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// All tokens.
    pub tokens: Vec<u32>,
    /// The first token that is supervised; those before it are given.
    pub supervised_from: usize,
}

impl Example {
    /// How many of its tokens are supervised; nothing says what the first should be.
    fn supervised(&self) -> usize {
        self.tokens.len().saturating_sub(self.supervised_from.max(1))
    }
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
    #[serde(deserialize_with = "optimizer")]
    pub optimizer: AdamWConfig,
}

fn optimizer<'de, D: Deserializer<'de>>(settings: D) -> Result<AdamWConfig, D::Error> {
    SftConfig::default().optimizer.read_over(settings)
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
    /// # Errors
    /// Names the first setting that makes no sense, counted from the section of the training.
    pub fn validate(&self) -> Result<(), SettingError> {
        SettingError::first([
            ("steps", self.steps >= 1, self.steps.to_string(), "at least 1"),
            ("batch", (1..=1_000_000).contains(&self.batch), self.batch.to_string(), "from 1 to a million"),
            (
                "warmup",
                self.warmup <= self.steps.saturating_mul(10),
                self.warmup.to_string(),
                "at most ten times `steps`, or the rate never comes near `learning_rate`",
            ),
        ])?;
        self.optimizer.validate(self.learning_rate)
    }

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
    /// The learning rate.
    pub rate: f32,
}

/// One step of supervised training, all examples in one pass.
///
/// # Errors
/// When the loss or a gradient is not finite; the model is then as it was.
pub fn step(learner: &mut Learner, config: &SftConfig, examples: &[Example]) -> Result<SftStep, NonFinite> {
    let rate = config.schedule().rate(learner.steps_done());
    update(learner, &examples.iter().collect::<Vec<_>>(), usize::MAX, rate)
}

/// One step along the gradient of the mean loss over the supervised tokens of all examples, which go through in parts of so
/// many tokens.
fn update(
    learner: &mut Learner,
    examples: &[&Example],
    part: usize,
    rate: f32,
) -> Result<SftStep, NonFinite> {
    let tokens: usize = examples.iter().map(|example| example.supervised()).sum();
    let share = 1.0 / tokens.max(1) as f32;
    let mut loss = 0.0;
    for part in parts(examples, part) {
        let (batch, targets) = pack(part);
        let mut passage = learner.forward(&batch);
        let scores = passage.learn(&targets, 1.0, |_, _| -share);
        passage.backward();
        loss -= scores.iter().map(|score| f64::from(score.log_prob)).sum::<f64>() * f64::from(share);
    }
    let gradient_norm = learner.apply(loss, rate)?;
    learner.finish_step();
    Ok(SftStep { loss, tokens, gradient_norm, rate })
}

/// Runs of examples that fit into a pass of so many tokens.
fn parts<'e, 'x>(examples: &'e [&'x Example], most: usize) -> Vec<&'e [&'x Example]> {
    let (mut parts, mut first, mut rows) = (Vec::new(), 0, 0_usize);
    for (at, example) in examples.iter().enumerate() {
        if at > first && rows.saturating_add(example.tokens.len()) > most {
            parts.push(&examples[first..at]);
            (first, rows) = (at, 0);
        }
        rows += example.tokens.len();
    }
    parts.push(&examples[first..]);
    parts
}

/// Mean loss over the supervised tokens of examples as a learner is now.
fn mean_loss(learner: &mut Learner, examples: &[Example], part: usize) -> f64 {
    let (mut total, mut tokens) = (0.0, 0);
    for part in parts(&examples.iter().collect::<Vec<_>>(), part) {
        let (batch, targets) = pack(part);
        let scores = learner.forward(&batch).score(&targets, 1.0);
        total -= scores.iter().map(|score| f64::from(score.log_prob)).sum::<f64>();
        tokens += targets.len();
    }
    total / tokens.max(1) as f64
}

/// Mean loss over supervised tokens, without learning.
#[must_use]
pub fn evaluate(model: &Model, examples: &[Example]) -> f64 {
    let mut pass = Pass::new(Memory::Recompute);
    let (mut total, mut tokens) = (0.0, 0);
    for examples in examples.chunks(32) {
        let (batch, targets) = pack(&examples.iter().collect::<Vec<_>>());
        pass.forward(model, &batch);
        total -= pass.score(model, &targets, 1.0).iter().map(|score| f64::from(score.log_prob)).sum::<f64>();
        tokens += targets.len();
    }
    total / tokens.max(1) as f64
}

fn pack(examples: &[&Example]) -> (Batch, Vec<Target>) {
    let (mut batch, mut targets) = (Batch::default(), Vec::new());
    for example in examples {
        let first = batch.push(&example.tokens);
        for at in example.supervised_from.max(1)..example.tokens.len() {
            targets.push(Target { row: (first + at - 1) as u32, token: example.tokens[at] });
        }
    }
    (batch, targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pretrain::PretrainConfig;
    use tracelift_domain::Seed;
    use tracelift_engine::{Device, Start};
    use tracelift_worlds::WorldName;

    fn model() -> Model {
        let config = PretrainConfig { hidden: 32, layers: 2, ..PretrainConfig::of(WorldName::Steps) };
        Model::random(config.model(40), Seed(1))
    }

    fn learner(model: Model, memory: Memory, config: &SftConfig) -> Learner {
        Learner::on(Device::Cpu, model, memory, config.optimizer, Start::Forgotten)
    }

    fn examples() -> Vec<Example> {
        let tokens = |start: u32| (0..12).map(|i| (start + 7 * i) % 40).collect();
        (0..3).map(|start| Example { tokens: tokens(start), supervised_from: 1 }).collect()
    }

    #[test]
    fn a_broken_step_names_the_first_broken_tensor_and_changes_nothing() {
        let config = SftConfig::default();
        let mut good = learner(model(), Memory::Keep, &config);
        step(&mut good, &config, &examples()).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        good.save(scratch.path()).unwrap();

        // One weight breaks on the way.
        let mut broken = good.parameters().values().to_vec();
        broken[good.model().layout.blocks[1].down.start + 3] = f32::NAN;
        good.exchange(&mut broken.into());
        let state = |learner: &Learner| {
            let scratch = tempfile::tempdir().unwrap();
            learner.save(scratch.path()).unwrap();
            ["state.safetensors", "state.json"].map(|file| std::fs::read(scratch.path().join(file)).unwrap())
        };
        let before = state(&good);
        let error = step(&mut good, &config, &examples()).unwrap_err();
        assert_eq!(error, NonFinite::Weight { tensor: "model.layers.1.mlp.down_proj.weight".into() });
        assert!(state(&good) == before, "weights, means or steps have changed");
        assert_eq!(good.steps_done(), 1);

        // The checkpoint is good, and a run goes on from it.
        let mut again = learner(good.into_model(), Memory::Keep, &config);
        again.restore(scratch.path()).unwrap();
        assert!(again.model().weights.iter().all(|weight| weight.is_finite()));
        step(&mut again, &config, &examples()).unwrap();
    }

    #[test]
    fn a_run_that_diverges_stops() {
        let config = SftConfig { learning_rate: 1e30, warmup: 0, ..SftConfig::default() };
        let mut learner = learner(model(), Memory::Recompute, &config);
        let mut last = None;
        for _ in 0..5 {
            last = step(&mut learner, &config, &examples()).err();
            if last.is_some() {
                break;
            }
        }
        let error = last.expect("a learning rate of 1e30 went on for five steps").to_string();
        assert!(error.contains('`'), "no tensor is named: {error}");
    }
}
