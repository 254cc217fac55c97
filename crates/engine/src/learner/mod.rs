//! What learns: a model with its gradients, the optimizer's means and the buffers of its passes, owned by one thing.
//!
//! ```text
//! Learner ── Cpu ─┬─ Model    weights, adapters          ◄── apply ── Mover
//!                 ├─ Pass     what a batch leaves behind ── backward ──►  │
//!                 └─ Mover    gradients, mean, square     ◄───────────────┘
//! ```
//!
//! It speaks in whole operations, so that where the numbers lie is nobody else's business: [`Learner::forward`] runs a batch
//! through and hands out a [`Passage`], in which targets are scored and hidden rows are read, and whose way back adds to
//! the gradients; [`Learner::apply`] moves what learns; [`Learner::save`] and [`Learner::restore`] keep a run; weights are
//! handed out for sampling ([`Learner::sampler`]), for a checkpoint ([`Learner::into_model`]), and as [`Parameters`].
//!
//! Heads that read hidden rows are small, and stay beside it: a [`ReadoutLearner`] owns one, with gradients and means of
//! its own.

mod cpu;
mod mover;
mod readout;

pub use cpu::Cpu;
pub use readout::{Readout, ReadoutLearner};

use crate::batch::Batch;
use crate::checkpoint::{self, CheckpointError, Outgoing, Precision};
use crate::config::Config;
use crate::model::Model;
use crate::ops::head::{Target, TokenScore};
use crate::optimizer::{AdamWConfig, NonFinite};
use crate::params::Tensor;
use crate::pass::Memory;
use crate::sampling::{Numbers, Sampler};
use std::borrow::Cow;
use std::path::Path;

/// Where numbers lie and are computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// This machine's processors, and its memory.
    Cpu,
}

impl Device {
    /// All of them; what holds of one is tested on each.
    pub const ALL: [Device; 1] = [Device::Cpu];
}

/// A model in training, on some device.
pub enum Learner {
    /// See [`Device::Cpu`].
    Cpu(Box<Cpu>),
}

/// Whether a learner can say what its model was in the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nobody asks.
    Forgotten,
    /// It can. That costs a copy of the weights where they are what learns; adapters are merely left out.
    Kept,
}

impl Learner {
    /// A fresh one. The adapters of the model learn if it has some, otherwise all of its weights.
    #[must_use]
    pub fn on(device: Device, model: Model, memory: Memory, optimizer: AdamWConfig, start: Start) -> Learner {
        match device {
            Device::Cpu => Learner::Cpu(Box::new(Cpu::new(model, memory, optimizer, start))),
        }
    }

    /// The shape of the model.
    #[must_use]
    pub fn config(&self) -> &Config {
        match self {
            Learner::Cpu(cpu) => &cpu.model.config,
        }
    }

    /// What learns: names, shapes, and the place of each in [`Learner::gradients`] and [`Parameters`].
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        match self {
            Learner::Cpu(cpu) => cpu.model.trainable_tensors(),
        }
    }

    /// Steps of the run that are done: what schedules and checkpoints go by. It is the trainer that knows what a step is;
    /// one may apply gradients several times, or not at all.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        match self {
            Learner::Cpu(cpu) => cpu.mover.step,
        }
    }

    /// Counts a step of the run.
    pub fn finish_step(&mut self) {
        match self {
            Learner::Cpu(cpu) => cpu.mover.step += 1,
        }
    }

    /// Runs the model over a batch.
    pub fn forward<'l>(&'l mut self, batch: &'l Batch) -> Passage<'l> {
        match self {
            Learner::Cpu(cpu) => cpu.forward(batch),
        }
        Passage { learner: self, batch }
    }

    /// What the model was when this learner was made, or is without its adapters, says of targets.
    ///
    /// # Panics
    /// If whole weights learn and [`Start::Kept`] was not asked for.
    pub fn score_start(
        &mut self,
        batch: &Batch,
        targets: &[Target],
        temperature: f32,
    ) -> Vec<TokenScore<f32>> {
        match self {
            Learner::Cpu(cpu) => cpu.score_start(batch, targets, temperature),
        }
    }

    /// The gradients that have been added up since they were last applied, in `f32`, in the order of [`Learner::tensors`].
    #[must_use]
    pub fn gradients(&self) -> Cow<'_, [f32]> {
        match self {
            Learner::Cpu(cpu) => Cow::Borrowed(&cpu.mover.gradients),
        }
    }

    /// Whether the gradients may be applied: they and the loss that they belong to are finite.
    ///
    /// # Errors
    /// Names the first tensor that is not finite.
    pub fn check(&self, loss: f64) -> Result<(), NonFinite> {
        match self {
            Learner::Cpu(cpu) => cpu.check(loss),
        }
    }

    /// Applies the gradients of a loss and clears them; returns their norm before clipping.
    ///
    /// # Errors
    /// Names the first tensor that is not finite; nothing is changed then.
    pub fn apply(&mut self, loss: f64, rate: f32) -> Result<f64, NonFinite> {
        match self {
            Learner::Cpu(cpu) => cpu.apply(loss, rate),
        }
    }

    /// Gives back what passes hold until the next one, where memory counts more than time ([`Memory::Recompute`]): between two
    /// steps of GRPO it is sampled, and what that takes need not come on top.
    pub fn rest(&mut self) {
        match self {
            Learner::Cpu(cpu) => cpu.pass.rest(),
        }
    }

    /// The model as it is, adapters beside the weights: lent where it lies in this machine's memory, copied from elsewhere.
    #[must_use]
    pub fn model(&self) -> Cow<'_, Model> {
        match self {
            Learner::Cpu(cpu) => Cow::Borrowed(&cpu.model),
        }
    }

    /// The model, to have.
    #[must_use]
    pub fn into_model(self) -> Model {
        match self {
            Learner::Cpu(cpu) => cpu.model,
        }
    }

    /// A sampler of the model as it is, on the same device.
    #[must_use]
    pub fn sampler(&self, numbers: Numbers) -> Sampler {
        match self {
            Learner::Cpu(cpu) => Sampler::on(Device::Cpu, &cpu.model, numbers),
        }
    }

    /// A copy of what learns.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        match self {
            Learner::Cpu(cpu) => Parameters(cpu.model.trainable().to_vec()),
        }
    }

    /// Exchanges what learns with a copy of it.
    ///
    /// # Panics
    /// If the copy is one of another model's.
    pub fn exchange(&mut self, parameters: &mut Parameters) {
        match self {
            Learner::Cpu(cpu) => parameters.0.swap_with_slice(cpu.model.trainable_mut()),
        }
    }

    /// Moves a copy towards what learns by a share of the way.
    pub fn draw(&self, parameters: &mut Parameters, share: f32) {
        match self {
            Learner::Cpu(cpu) => parameters.approach(cpu.model.trainable(), share),
        }
    }

    /// Writes what is needed to go on: `state.safetensors` (`parameters`, `mean`, `square`: what learns and the optimizer's
    /// means, in the order of [`Learner::tensors`]) and `state.json` (steps of the run and of the optimizer).
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), CheckpointError> {
        match self {
            Learner::Cpu(cpu) => cpu.mover.save(cpu.mover.step, cpu.model.trainable(), dir),
        }
    }

    /// [`Learner::save`] as of an earlier step, since which nothing was applied.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save_as_of(&self, step: u64, dir: &Path) -> Result<(), CheckpointError> {
        match self {
            Learner::Cpu(cpu) => cpu.mover.save(step, cpu.model.trainable(), dir),
        }
    }

    /// Restores what [`Learner::save`] wrote, on whatever device.
    ///
    /// # Errors
    /// When a file cannot be read or belongs to another model.
    pub fn restore(&mut self, dir: &Path) -> Result<(), CheckpointError> {
        match self {
            Learner::Cpu(cpu) => cpu.mover.restore(cpu.model.trainable_mut(), dir),
        }
    }
}

/// A batch that has gone through a learner's model. What is learned in it, and what is added to the gradients of its hidden
/// rows, goes back to the learner's gradients by [`Passage::backward`]; a passage in which nothing was may be dropped.
pub struct Passage<'l> {
    learner: &'l mut Learner,
    batch: &'l Batch,
}

impl Passage<'_> {
    /// Scores targets.
    pub fn score(&mut self, targets: &[Target], temperature: f32) -> Vec<TokenScore<f32>> {
        match self.learner {
            Learner::Cpu(cpu) => cpu.pass.score(&cpu.model, targets, temperature),
        }
    }

    /// Scores targets that have a part in the loss: `slope(i, score)` is its derivative by the log-probability of target
    /// `i`.
    pub fn learn(
        &mut self,
        targets: &[Target],
        temperature: f32,
        slope: impl Fn(usize, TokenScore<f32>) -> f32 + Sync,
    ) -> Vec<TokenScore<f32>> {
        match self.learner {
            Learner::Cpu(cpu) => {
                let Cpu { model, pass, mover, .. } = &mut **cpu;
                pass.score_backward(model, &mut mover.gradients, targets, temperature, slope)
            }
        }
    }

    /// [`Passage::learn`] at temperature 1, of what the model would say if it had so many blocks less (its embedding, if it
    /// has no more). In one passage all such calls are for the same number, or for 0.
    ///
    /// # Panics
    /// If they are not.
    pub fn learn_below(
        &mut self,
        blocks: usize,
        targets: &[Target],
        slope: impl Fn(usize, TokenScore<f32>) -> f32 + Sync,
    ) -> Vec<TokenScore<f32>> {
        match self.learner {
            Learner::Cpu(cpu) => {
                let Cpu { model, pass, mover, .. } = &mut **cpu;
                let layers = model.config.layers.saturating_sub(blocks);
                pass.score_backward_after(model, &mut mover.gradients, layers, targets, slope)
            }
        }
    }

    /// The hidden states after the last norm of some rows of the batch, `rows × hidden`.
    #[must_use]
    pub fn hidden(&self, rows: &[usize]) -> Vec<f32> {
        match &*self.learner {
            Learner::Cpu(cpu) => {
                let width = cpu.model.config.hidden_size;
                rows.iter().flat_map(|row| &cpu.pass.hidden()[row * width..][..width]).copied().collect()
            }
        }
    }

    /// Adds to the gradients of hidden rows, `rows × hidden`, what a head of its own computed.
    pub fn add_hidden_gradients(&mut self, rows: &[usize], gradients: &[f32]) {
        match self.learner {
            Learner::Cpu(cpu) => {
                let width = cpu.model.config.hidden_size;
                for (&row, gradient) in rows.iter().zip(gradients.chunks_exact(width)) {
                    cpu.pass.add_hidden_gradient(row, gradient);
                }
            }
        }
    }

    /// Goes back, adding to the gradients of the learner.
    pub fn backward(self) {
        match self.learner {
            Learner::Cpu(cpu) => {
                let Cpu { model, pass, mover, .. } = &mut **cpu;
                pass.backward(model, self.batch, &mut mover.gradients);
            }
        }
    }
}

/// A copy of what learns: of a model's weights or adapters, or of a head.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters(Vec<f32>);

impl Parameters {
    /// How many numbers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers, in the order of [`Learner::tensors`].
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    fn approach(&mut self, other: &[f32], share: f32) {
        self.0.iter_mut().zip(other).for_each(|(own, other)| *own += share * (other - *own));
    }

    /// Writes named copies to a safetensors file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(named: &[(&str, &Parameters)], path: &Path) -> Result<(), CheckpointError> {
        let outgoing = named.iter().map(|(name, parameters)| Outgoing {
            name: (*name).to_owned(),
            shape: vec![parameters.len()],
            values: parameters.0.as_slice().into(),
            precision: Precision::F32,
        });
        checkpoint::save_tensors(path, outgoing.collect())
    }

    /// Reads into copies, which have the lengths that are expected, what [`Parameters::save`] wrote of them.
    ///
    /// # Errors
    /// When the file cannot be read or holds others.
    pub fn load(named: &mut [(&str, &mut Parameters)], path: &Path) -> Result<(), CheckpointError> {
        let slices = named.iter_mut().map(|(name, parameters)| (*name, parameters.0.as_mut_slice()));
        mover::load(path, slices)
    }
}

impl From<Vec<f32>> for Parameters {
    fn from(values: Vec<f32>) -> Parameters {
        Parameters(values)
    }
}

#[cfg(test)]
mod tests;
