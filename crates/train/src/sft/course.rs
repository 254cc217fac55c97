//! A course of supervised training: examples in epochs, a look at held-out ones now and then, an early end.

use super::{Example, SftStep, mean_loss};
use crate::state::StateError;
use rand::seq::SliceRandom;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::path::Path;
use tracelift_domain::{Seed, SettingError};
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::{AdamWConfig, Device, Learner, Memory, Model, Schedule, Start};

/// How a planner is trained on examples: the section `[sft]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CourseConfig {
    /// How often every example is gone through; a part of an epoch is one, too.
    pub epochs: f64,
    /// Optimizer steps, instead of `epochs`.
    pub steps: Option<u64>,
    /// Examples a step, at most all that there are.
    pub batch: usize,
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps of warm-up.
    pub warmup: u64,
    /// Steps between looks at the held-out examples; the last step is always followed by one.
    pub every: u64,
    /// Looks in a row without gain after which training ends; 0: it never ends early.
    pub patience: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Checkpoints that are kept, the newest ones.
    pub keep_last: usize,
    /// The optimizer's constants.
    #[serde(deserialize_with = "optimizer")]
    pub optimizer: AdamWConfig,
}

fn optimizer<'de, D: Deserializer<'de>>(settings: D) -> Result<AdamWConfig, D::Error> {
    CourseConfig::default().optimizer.read_over(settings)
}

impl Default for CourseConfig {
    fn default() -> CourseConfig {
        CourseConfig {
            epochs: 2.0,
            steps: None,
            batch: 16,
            learning_rate: 1e-4,
            warmup: 10,
            every: 25,
            patience: 3,
            checkpoint_every: 50,
            keep_last: 2,
            optimizer: AdamWConfig::default(),
        }
    }
}

/// More examples a step, or steps, than any machine goes through.
const MOST: u64 = 1_000_000_000;

impl CourseConfig {
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn validate(&self) -> Result<(), SettingError> {
        let whole =
            |key, value: u64| (key, (1..=MOST).contains(&value), value.to_string(), "from 1 to a billion");
        let checks = SettingError::first([
            (
                "epochs",
                self.epochs > 0.0 && self.epochs <= 1e6,
                self.epochs.to_string(),
                "above 0 and at most a million",
            ),
            whole("steps", self.steps.unwrap_or(1)),
            whole("batch", self.batch as u64),
            whole("every", self.every),
            whole("checkpoint_every", self.checkpoint_every),
            whole("keep_last", self.keep_last as u64),
        ]);
        checks.and_then(|()| self.optimizer.validate(self.learning_rate)).map_err(|error| error.under("sft"))
    }

    /// How many steps a course over so many examples has.
    #[must_use]
    pub fn steps(&self, examples: usize) -> u64 {
        let by_epochs =
            (self.epochs * examples as f64 / self.batch.min(examples.max(1)) as f64).ceil().max(1.0);
        self.steps.unwrap_or(by_epochs as u64)
    }
}

/// A look at the held-out examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// After which step.
    pub step: u64,
    /// The mean loss over their supervised tokens, in nats.
    pub loss: f64,
}

/// A planner on its course.
pub struct Course {
    config: CourseConfig,
    steps: u64,
    learner: Learner,
    examples: Vec<Example>,
    held_out: Vec<Example>,
    seed: Seed,
    best: Option<Look>,
    /// Looks since the best one.
    vain: u64,
}

impl Course {
    /// Tokens that go through a training pass at a time.
    const PART: usize = 8192;

    /// Sets up the training of a model: of its adapters where it has some, otherwise of all of it. There must be examples.
    #[must_use]
    pub fn new(
        config: CourseConfig,
        model: Model,
        examples: Vec<Example>,
        held_out: Vec<Example>,
        seed: Seed,
    ) -> Course {
        // No example twice in one step.
        let config = CourseConfig { batch: config.batch.clamp(1, examples.len().max(1)), ..config };
        let memory = Memory::suited(&model.config, Course::PART);
        let learner = Learner::on(Device::Cpu, model, memory, config.optimizer, Start::Forgotten);
        Course {
            steps: config.steps(examples.len()),
            config,
            learner,
            examples,
            held_out,
            seed,
            best: None,
            vain: 0,
        }
    }

    /// Steps of the whole course.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.learner.steps_done()
    }

    /// Whether there is nothing more to do: all steps are done, or there was no gain for too long.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps_done() >= self.steps || self.gives_up()
    }

    /// Whether there was no gain for too long.
    #[must_use]
    pub fn gives_up(&self) -> bool {
        self.config.patience > 0 && self.vain >= self.config.patience
    }

    /// The model as it is.
    #[must_use]
    pub fn model(&self) -> Cow<'_, Model> {
        self.learner.model()
    }

    /// The model, to have.
    #[must_use]
    pub fn into_model(self) -> Model {
        self.learner.into_model()
    }

    /// The best look so far.
    #[must_use]
    pub fn best(&self) -> Option<Look> {
        self.best
    }

    /// One step. The loss is a mean over the supervised tokens of all its examples, however they are divided.
    ///
    /// # Errors
    /// When the loss or a gradient is not finite; the model is then as it was.
    pub fn step(&mut self) -> Result<SftStep, NonFinite> {
        let step = self.learner.steps_done();
        let rate = self.schedule().rate(step);
        let drawn = drawn(&self.examples, self.config.batch, self.seed, step);
        super::update(&mut self.learner, &drawn, Course::PART, rate)
    }

    /// Its schedule: warm-up, then a cosine to a tenth of the peak.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let CourseConfig { learning_rate, warmup, .. } = self.config;
        Schedule { peak: learning_rate, warmup, total: self.steps, floor: 0.1 }
    }

    /// Whether held-out examples are looked at after this step.
    #[must_use]
    pub fn looks_now(&self) -> bool {
        let step = self.steps_done();
        !self.held_out.is_empty()
            && step > 0
            && (step.is_multiple_of(self.config.every) || step == self.steps)
    }

    /// Measures the model as it is on the held-out examples.
    pub fn look(&mut self) -> Look {
        let look = Look {
            step: self.steps_done(),
            loss: mean_loss(&mut self.learner, &self.held_out, Course::PART),
        };
        self.see(look);
        look
    }

    /// Takes in a look, also of an earlier attempt at the same course. Says whether it is the best so far.
    pub fn see(&mut self, look: Look) -> bool {
        let gain = self.best.is_none_or(|best| look.loss < best.loss);
        if gain {
            (self.best, self.vain) = (Some(look), 0);
        } else {
            self.vain += 1;
        }
        gain
    }

    /// Writes what is needed to go on, beside the looks.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), StateError> {
        Ok(self.learner.save(dir)?)
    }

    /// Goes on from what [`Course::save`] wrote.
    ///
    /// # Errors
    /// When a file cannot be read, or belongs to another model.
    pub fn restore(&mut self, dir: &Path) -> Result<(), StateError> {
        Ok(self.learner.restore(dir)?)
    }
}

/// The examples of a step: every epoch in an order of its own, which follows from the seed.
fn drawn(examples: &[Example], batch: usize, seed: Seed, step: u64) -> Vec<&Example> {
    let (count, first) = (examples.len() as u64, step * batch as u64);
    let order = |epoch: u64| {
        let mut order: Vec<usize> = (0..examples.len()).collect();
        order.shuffle(&mut seed.child("epoch", epoch).rng());
        (epoch, order)
    };
    let mut current = order(first / count);
    let mut drawn = Vec::with_capacity(batch);
    for position in first..first + batch as u64 {
        if position / count != current.0 {
            current = order(position / count);
        }
        drawn.push(&examples[current.1[(position % count) as usize]]);
    }
    drawn
}

#[cfg(test)]
mod tests;
