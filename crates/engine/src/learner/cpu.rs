//! The learner whose numbers lie in this machine's memory.

use super::Start;
use super::mover::Mover;
use crate::batch::Batch;
use crate::model::Model;
use crate::ops::head::{Target, TokenScore};
use crate::optimizer::{AdamWConfig, NonFinite};
use crate::pass::{Memory, Pass};

/// A model with what trains it.
pub struct Cpu {
    pub(super) model: Model,
    pub(super) pass: Pass,
    pub(super) mover: Mover,
    /// The weights at the start, where they are asked for and are what learns.
    start: Option<Model>,
}

impl Cpu {
    pub(super) fn new(mut model: Model, memory: Memory, optimizer: AdamWConfig, start: Start) -> Cpu {
        // Where it is adapters that learn, weights need not be what steps can move.
        if model.lora.is_some() {
            model.freeze()
        } else {
            model.thaw()
        }
        let apart = start == Start::Kept && model.lora.is_none();
        Cpu {
            pass: Pass::new(memory),
            mover: Mover::new(model.trainable().len(), optimizer),
            start: apart.then(|| model.clone()),
            model,
        }
    }

    pub(super) fn forward(&mut self, batch: &Batch) {
        self.pass.forward(&self.model, batch);
    }

    pub(super) fn score_start(
        &mut self,
        batch: &Batch,
        targets: &[Target],
        temperature: f32,
    ) -> Vec<TokenScore<f32>> {
        let adapters = self.model.lora.take();
        assert!(adapters.is_some() || self.start.is_some(), "nobody said that the start is asked for");
        let start = self.start.as_ref().unwrap_or(&self.model);
        self.pass.forward(start, batch);
        let scores = self.pass.score(start, targets, temperature);
        self.model.lora = adapters;
        scores
    }

    pub(super) fn check(&self, loss: f64) -> Result<(), NonFinite> {
        self.mover.check(self.model.trainable(), self.model.trainable_tensors(), loss)
    }

    pub(super) fn apply(&mut self, loss: f64, rate: f32) -> Result<f64, NonFinite> {
        let (parameters, tensors) = self.model.learnable();
        self.mover.apply(parameters, tensors, loss, rate)
    }
}
