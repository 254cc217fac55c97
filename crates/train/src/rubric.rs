//! Training the reward model on groups: one reference trace and several flawed ones per problem.

use crate::state::{Learner, StateError};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use tracelift_domain::{Gold, Group, Problem, Rubric, Seed, Trace};
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::params::Tensor;
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_engine::{AdamWConfig, Batch, Memory, Pass, Schedule};
use tracelift_reward::RewardModel;
use tracelift_reward::loss::{LossTerms, LossWeights, loss};

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

/// A trace as the reward model reads it, with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The input's tokens.
    pub tokens: Vec<u32>,
    /// Its labels.
    pub rubric: Rubric,
    /// What was done to it; `None` for a reference.
    pub kind: Option<String>,
}

/// A group, encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedGroup {
    /// Reference traces.
    pub positives: Vec<Labelled>,
    /// Flawed traces.
    pub negatives: Vec<Labelled>,
}

/// A group that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// Its contents are wrong.
    #[error("group `{id}`: {message}")]
    Invalid {
        /// Which group.
        id: String,
        /// What is wrong with it.
        message: String,
    },
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// Encodes a group for a model.
///
/// # Errors
/// When the group is not valid.
pub fn encode(model: &RewardModel, group: &Group) -> Result<EncodedGroup, GroupError> {
    let invalid = |message: String| GroupError::Invalid { id: group.problem_id.clone(), message };
    group.validate().map_err(invalid)?;
    let problem = Problem {
        id: group.problem_id.clone(),
        source: group.source.clone(),
        domain: group.task_type,
        statement: group.problem.clone(),
        gold: Gold::Answer(String::new()),
    };
    let labelled = |reasoning: &str, rubric: &BTreeMap<String, f64>, kind: Option<&str>| {
        let trace = Trace::new(reasoning).ok_or_else(|| invalid("a trace is empty".into()))?;
        let rubric = Rubric::from_map(group.task_type, rubric).map_err(invalid)?;
        let tokens = model.encode(&problem, &trace)?;
        Ok::<_, GroupError>(Labelled { tokens, rubric, kind: kind.map(str::to_owned) })
    };
    let positives = group.positive_pool.iter().map(|p| labelled(&p.reasoning, &p.rubric, None));
    let negatives =
        group.negative_bank.iter().map(|n| labelled(&n.reasoning, &n.rubric, Some(&n.negative_kind)));
    Ok(EncodedGroup {
        positives: positives.collect::<Result<_, _>>()?,
        negatives: negatives.collect::<Result<_, _>>()?,
    })
}

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

/// How well a model tells reference from flawed, on groups that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RubricAccuracy {
    /// Groups looked at.
    pub groups: usize,
    /// Share of (reference, flawed) pairs in which the reference scores higher.
    pub pairs: f64,
    /// Share of groups in which the reference scores above every flawed trace.
    pub whole_groups: f64,
    /// Mean absolute error of the total.
    pub total_error: f64,
    /// Pair accuracy by kind of flaw.
    pub by_kind: BTreeMap<String, f64>,
}

/// Measures a model on held-out groups.
#[must_use]
pub fn evaluate(model: &RewardModel, groups: &[EncodedGroup]) -> RubricAccuracy {
    let all: Vec<&Labelled> =
        groups.iter().flat_map(|group| group.positives.iter().take(1).chain(&group.negatives)).collect();
    let inputs: Vec<Vec<u32>> = all.iter().map(|labelled| labelled.tokens.clone()).collect();
    let scores = model.score(&inputs);
    let error: f64 = all.iter().zip(&scores).map(|(l, s)| (l.rubric.total - s.total).abs()).sum();
    let mut at = 0;
    let (mut pairs, mut right, mut whole) = (0, 0, 0);
    let mut kinds: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for group in groups {
        let reference = scores[at].score;
        let flawed = &scores[at + 1..][..group.negatives.len()];
        at += 1 + group.negatives.len();
        for (negative, score) in group.negatives.iter().zip(flawed) {
            let won = u32::from(reference > score.score);
            let kind = kinds.entry(negative.kind.clone().unwrap_or_default()).or_default();
            *kind = (kind.0 + won, kind.1 + 1);
            right += won;
            pairs += 1;
        }
        whole += u32::from(flawed.iter().all(|score| reference > score.score));
    }
    RubricAccuracy {
        groups: groups.len(),
        pairs: f64::from(right) / f64::from(pairs.max(1)),
        whole_groups: f64::from(whole) / groups.len().max(1) as f64,
        total_error: error / all.len().max(1) as f64,
        by_kind: kinds
            .into_iter()
            .map(|(kind, (won, all))| (kind, f64::from(won) / f64::from(all.max(1))))
            .collect(),
    }
}
