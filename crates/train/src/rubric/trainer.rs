//! Steps of a reward model's training.

use super::draw::{Part, draw, parts};
use super::reading::ReadingCounts;
use super::weights::{Sizes, Weights};
use super::{EncodedGroup, Look, ReadingTerms, Renaming, RubricAccuracy, RubricConfig, Watch, evaluate};
use crate::state::{Learner, StateError, make_dir};
use std::path::Path;
use tracelift_domain::Seed;
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::params::Tensor;
use tracelift_engine::{Memory, Pass, Tokenizer};
use tracelift_reward::RewardModel;
use tracelift_reward::loss::{Counts, LossTerms, loss};

/// The file of the running mean of the weights.
const MEAN: &str = "mean.safetensors";

/// A reward model in training.
pub struct RubricTrainer {
    /// How it is trained.
    pub config: RubricConfig,
    /// The model.
    pub model: RewardModel,
    backbone: Learner,
    heads: Learner,
    head_tensors: [Tensor; 1],
    /// The head that says while reading whether a trace is flawed; left behind in the end.
    reader: Vec<f32>,
    reader_learner: Learner,
    reader_tensors: [Tensor; 1],
    pass: Pass,
    /// The running mean of the weights, if one is wanted.
    mean: Option<Weights>,
    watch: Watch,
    /// Which tokens belong to numbers, where it matters.
    numbers: Vec<bool>,
    /// What may be renamed in the groups of the first step.
    renaming: Option<Renaming>,
    seed: Seed,
}

/// What one step found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RubricStep {
    /// The four terms.
    pub terms: LossTerms,
    /// What was learned while reading.
    pub reading: ReadingTerms,
    /// The weighted sum of all of them.
    pub loss: f64,
    /// Norm of the backbone's gradient before clipping.
    pub gradient_norm: f64,
    /// Tokens that went through the model.
    pub tokens: usize,
}

impl RubricTrainer {
    /// Sets up the training of a model: of its adapters where the backbone has some, otherwise of all of it.
    #[must_use]
    pub fn new(config: RubricConfig, model: RewardModel, seed: Seed) -> RubricTrainer {
        let backbone = Learner::new(model.backbone.trainable().len(), config.optimizer);
        let heads = Learner::new(model.heads.len(), config.optimizer);
        let len = model.heads.len();
        // One dimension: heads do not decay, as they are far smaller than the backbone.
        let head_tensors = [Tensor { name: "heads".into(), shape: vec![len], range: 0..len }];
        let pass = Pass::new(Memory::suited(&model.backbone.config, config.token_budget));
        let reader = vec![0.0; model.backbone.config.hidden_size + 1];
        RubricTrainer {
            backbone,
            heads,
            head_tensors,
            reader_learner: Learner::new(reader.len(), config.optimizer),
            reader_tensors: [Tensor {
                name: "reader".into(),
                shape: vec![reader.len()],
                range: 0..reader.len(),
            }],
            reader,
            pass,
            mean: (config.ema > 0.0).then(|| Weights::of(&model)),
            watch: Watch::default(),
            numbers: match config.reading.numbers > 0.0 {
                true => numbers(&model.tokenizer),
                false => Vec::new(),
            },
            renaming: None,
            config,
            model,
            seed,
        }
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.backbone.step
    }

    /// Whether there is nothing more to do: all steps are done, or there was no gain for too long.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps_done() >= self.config.steps || self.watch.gives_up(&self.config.evaluation)
    }

    /// Writes what is needed to go on.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), StateError> {
        for (name, learner, values) in
            [("heads", &self.heads, &self.model.heads), ("reader", &self.reader_learner, &self.reader)]
        {
            let dir = dir.join(name);
            make_dir(&dir)?;
            learner.save(values, &dir)?;
        }
        if let Some(mean) = &self.mean {
            mean.save(&dir.join("mean"), MEAN)?;
        }
        self.watch.save(&dir.join("best"))?;
        self.backbone.save(self.model.backbone.trainable(), dir)
    }

    /// Goes on from what [`RubricTrainer::save`] wrote.
    ///
    /// # Errors
    /// When a file cannot be read or belongs to another model.
    pub fn restore(&mut self, dir: &Path) -> Result<(), StateError> {
        self.heads.restore(&mut self.model.heads, &dir.join("heads"))?;
        self.reader_learner.restore(&mut self.reader, &dir.join("reader"))?;
        let sizes = Sizes::of(&self.model);
        if let Some(mean) = &mut self.mean {
            *mean = Weights::load(&dir.join("mean").join(MEAN), sizes)?;
        }
        self.watch = Watch::restore(&dir.join("best"), sizes)?;
        self.backbone.restore(self.model.backbone.trainable_mut(), dir)
    }

    /// One step: a reference and some flawed traces of each group that is drawn.
    ///
    /// # Errors
    /// When a gradient is not finite.
    pub fn step(&mut self, groups: &[EncodedGroup]) -> Result<RubricStep, NonFinite> {
        let renaming = self.renaming.get_or_insert_with(|| match self.config.renaming > 0.0 {
            true => Renaming::of(groups, &self.model.tokenizer),
            false => Renaming::default(),
        });
        let drawn = draw(&self.config, self.seed, self.backbone.step, groups, renaming);
        let numbers = &self.numbers;
        let parts = parts(drawn, self.config.token_budget, &|token| {
            numbers.get(token as usize).copied().unwrap_or(false)
        });
        let (mut counts, mut reading_counts) = (Counts::default(), ReadingCounts::default());
        for part in &parts {
            counts += part.counts();
            reading_counts += part.reading.counts();
        }
        let (mut terms, mut reading) = (LossTerms::default(), ReadingTerms::default());
        for part in &parts {
            let (of_part, read) = self.add_gradients(part, &counts, &reading_counts);
            terms += of_part;
            reading += read;
        }
        let rate = self.config.schedule().rate(self.backbone.step);
        let total = terms.total(&self.config.loss) + reading.total(&self.config.reading);
        let (parameters, tensors) = self.model.backbone.learnable();
        // All parts move, or none.
        self.heads.check(&self.model.heads, &self.head_tensors, total)?;
        self.reader_learner.check(&self.reader, &self.reader_tensors, total)?;
        let gradient_norm = self.backbone.apply(parameters, tensors, total, rate)?;
        self.heads.apply(&mut self.model.heads, &self.head_tensors, total, rate)?;
        self.reader_learner.apply(&mut self.reader, &self.reader_tensors, total, rate)?;
        for learner in [&mut self.backbone, &mut self.heads, &mut self.reader_learner] {
            learner.step += 1;
        }
        if let Some(mean) = &mut self.mean {
            mean.approach(&self.model, 1.0 - self.config.ema_after(self.backbone.step));
        }
        let tokens = parts.iter().map(|part| part.batch.rows()).sum();
        Ok(RubricStep { terms, reading, loss: total, gradient_norm, tokens })
    }

    /// Adds the gradients of a part, as a share of what the whole step is a mean over.
    fn add_gradients(
        &mut self,
        part: &Part,
        whole: &Counts,
        whole_reading: &ReadingCounts,
    ) -> (LossTerms, ReadingTerms) {
        let Part { gold, batch, groups, reading } = part;
        self.pass.forward(&self.model.backbone, batch);
        let outputs = self.model.outputs(&self.pass, batch);
        let (terms, slopes) = loss(&outputs, gold, groups, &self.config.loss, whole);
        self.model.outputs_backward(&mut self.pass, batch, &slopes, &mut self.heads.gradients);
        let read = reading.backward(
            &self.config.reading,
            whole_reading,
            &self.model.backbone,
            &mut self.pass,
            &mut self.backbone.gradients,
            &self.reader,
            &mut self.reader_learner.gradients,
        );
        self.pass.backward(&self.model.backbone, batch, &mut self.backbone.gradients);
        (terms, read)
    }

    /// Whether held-out groups are looked at after this step.
    #[must_use]
    pub fn looks_now(&self) -> bool {
        let (every, step) = (self.config.evaluation.every, self.steps_done());
        every > 0 && step > 0 && (step.is_multiple_of(every) || step == self.config.steps)
    }

    /// Measures the model as it is now, or the mean of its weights, on the first held-out groups, and remembers it if none
    /// was better.
    pub fn look(&mut self, held_out: &[EncodedGroup]) -> RubricAccuracy {
        let most = match self.config.evaluation.groups {
            0 => held_out.len(),
            most => most.min(held_out.len()),
        };
        self.swap_mean();
        let accuracy = evaluate(&self.model, &held_out[..most]);
        let look = Look::new(self.steps_done(), &accuracy);
        self.watch.look(look, || Weights::of(&self.model));
        self.swap_mean();
        accuracy
    }

    /// Exchanges the weights and their mean, if there is one.
    fn swap_mean(&mut self) {
        if let Some(mean) = &mut self.mean {
            mean.swap(&mut self.model);
        }
    }

    /// The best look so far.
    #[must_use]
    pub fn best(&self) -> Option<Look> {
        self.watch.best().map(|best| best.look)
    }

    /// The model of the best look, or as it is, or its mean, where nobody looked; adapters are merged into it.
    #[must_use]
    pub fn finish(self) -> RewardModel {
        let RubricTrainer { mut model, mean, watch, .. } = self;
        if let Some(mut kept) = watch.into_best().map(|best| best.weights).or(mean) {
            kept.swap(&mut model);
        }
        model.backbone.merge_lora();
        model
    }
}

/// Which tokens of a vocabulary are digits.
fn numbers(tokenizer: &Tokenizer) -> Vec<bool> {
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit()) && !text.is_empty();
    (0..tokenizer.vocabulary() as u32)
        .map(|token| tokenizer.decode(&[token]).is_ok_and(|text| digits(text.trim_start())))
        .collect()
}

#[cfg(test)]
mod tests;
