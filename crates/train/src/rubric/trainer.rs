//! Steps of a reward model's training.

use super::{EncodedGroup, Labelled, RubricConfig};
use crate::state::{Learner, StateError};
use rand::seq::SliceRandom;
use std::path::Path;
use tracelift_domain::{Rubric, Seed};
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::params::Tensor;
use tracelift_engine::{Batch, Memory, Pass, Schedule};
use tracelift_reward::RewardModel;
use tracelift_reward::loss::{LossTerms, loss};

/// A reward model in training.
pub struct RubricTrainer {
    /// How it is trained.
    pub config: RubricConfig,
    /// The model.
    pub model: RewardModel,
    backbone: Learner,
    heads: Learner,
    head_tensors: [Tensor; 1],
    pass: Pass,
    seed: Seed,
}

/// What one step found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RubricStep {
    /// The four terms.
    pub terms: LossTerms,
    /// Their weighted sum.
    pub loss: f64,
    /// Norm of the backbone's gradient before clipping.
    pub gradient_norm: f64,
}

impl RubricTrainer {
    /// Sets up the training of a model.
    #[must_use]
    pub fn new(config: RubricConfig, model: RewardModel, seed: Seed) -> RubricTrainer {
        let backbone = Learner::new(model.backbone.trainable().len(), config.optimizer);
        let heads = Learner::new(model.heads.len(), config.optimizer);
        let len = model.heads.len();
        // One dimension: heads do not decay, as they are far smaller than the backbone.
        let head_tensors = [Tensor { name: "heads".into(), shape: vec![len], range: 0..len }];
        RubricTrainer { config, model, backbone, heads, head_tensors, pass: Pass::new(Memory::Keep), seed }
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.backbone.step
    }

    /// Writes what is needed to go on.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), StateError> {
        let heads = dir.join("heads");
        crate::state::make_dir(&heads)?;
        self.heads.save(&self.model.heads, &heads)?;
        self.backbone.save(self.model.backbone.trainable(), dir)
    }

    /// Goes on from what [`RubricTrainer::save`] wrote.
    ///
    /// # Errors
    /// When a file cannot be read or belongs to another model.
    pub fn restore(&mut self, dir: &Path) -> Result<(), StateError> {
        self.heads.restore(&mut self.model.heads, &dir.join("heads"))?;
        self.backbone.restore(self.model.backbone.trainable_mut(), dir)
    }

    /// One step: a reference and some flawed traces of each group that is drawn.
    ///
    /// # Errors
    /// When a gradient is not finite.
    pub fn step(&mut self, groups: &[EncodedGroup]) -> Result<RubricStep, NonFinite> {
        let (drawn, ranges) = self.draw(groups);
        let batch = Batch::of(drawn.iter().map(|labelled| &labelled.tokens));
        let gold: Vec<Rubric> = drawn.iter().map(|labelled| labelled.rubric).collect();
        self.pass.forward(&self.model.backbone, &batch);
        let outputs = self.model.outputs(&self.pass, &batch);
        let (terms, slopes) = loss(&outputs, &gold, &ranges, &self.config.loss);
        self.model.outputs_backward(&mut self.pass, &batch, &slopes, &mut self.heads.gradients);
        self.pass.backward(&self.model.backbone, &batch, &mut self.backbone.gradients);
        let RubricConfig { steps, learning_rate, warmup, .. } = self.config;
        let rate =
            Schedule { peak: learning_rate, warmup, total: steps, floor: 0.02 }.rate(self.backbone.step);
        let total = terms.total(&self.config.loss);
        let (parameters, tensors) = self.model.backbone.learnable();
        // Both parts move, or neither.
        self.heads.check(&self.model.heads, &self.head_tensors, total)?;
        let gradient_norm = self.backbone.apply(parameters, tensors, total, rate)?;
        self.heads.apply(&mut self.model.heads, &self.head_tensors, total, rate)?;
        self.backbone.step += 1;
        self.heads.step += 1;
        Ok(RubricStep { terms, loss: total, gradient_norm })
    }

    /// The step's groups (a new order every epoch) and the traces drawn from each.
    fn draw<'g>(&self, groups: &'g [EncodedGroup]) -> (Vec<&'g Labelled>, Vec<std::ops::Range<usize>>) {
        let step = self.backbone.step;
        let (mut drawn, mut ranges) = (Vec::new(), Vec::new());
        let first = step * self.config.groups as u64;
        let mut order: Option<(u64, Vec<usize>)> = None;
        for position in first..first + self.config.groups as u64 {
            let epoch = position / groups.len() as u64;
            if order.as_ref().is_none_or(|(known, _)| *known != epoch) {
                let mut indices: Vec<usize> = (0..groups.len()).collect();
                indices.shuffle(&mut self.seed.child("epoch", epoch).rng());
                order = Some((epoch, indices));
            }
            let Some((_, indices)) = &order else { continue };
            let group = &groups[indices[(position % groups.len() as u64) as usize]];
            let mut rng = self.seed.child("draw", position).rng();
            let start = drawn.len();
            let mut negatives: Vec<&Labelled> = group.negatives.iter().collect();
            negatives.shuffle(&mut rng);
            let mut positives: Vec<&Labelled> = group.positives.iter().collect();
            positives.shuffle(&mut rng);
            drawn.extend(positives.into_iter().take(1));
            drawn.extend(negatives.into_iter().take(self.config.negatives));
            ranges.push(start..drawn.len());
        }
        (drawn, ranges)
    }
}
