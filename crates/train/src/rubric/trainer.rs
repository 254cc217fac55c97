//! Steps of a reward model's training.

use super::draw::{Part, draw, parts};
use super::reading::ReadingCounts;
use super::weights::Weights;
use super::{EncodedGroup, Look, ReadingTerms, Renaming, RubricAccuracy, RubricTraining, Watch, evaluate};
use crate::state::{StateError, make_dir};
use std::path::Path;
use tracelift_domain::{Seed, TaskDomain};
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::{Device, Learner, Memory, Readout, ReadoutLearner, Start, Tokenizer};
use tracelift_reward::loss::{Counts, LossTerms, loss};
use tracelift_reward::model::{self, RewardModel, Scoring};

/// The file of the running mean of the weights.
const MEAN: &str = "mean.safetensors";

/// A reward model in training.
pub struct RubricTrainer {
    /// How it is trained.
    pub config: RubricTraining,
    backbone: Learner,
    heads: ReadoutLearner,
    /// The head that says while reading whether a trace is flawed; left behind in the end.
    reader: ReadoutLearner,
    tokenizer: Tokenizer,
    domain: TaskDomain,
    max_tokens: usize,
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
    pub fn new(config: RubricTraining, model: RewardModel, seed: Seed) -> RubricTrainer {
        let RewardModel { backbone, heads, tokenizer, domain, max_tokens } = model;
        let memory = Memory::suited(&backbone.config, config.token_budget);
        let reader = Readout::zeros(backbone.config.hidden_size, 1);
        let backbone = Learner::on(Device::Cpu, backbone, memory, config.optimizer, Start::Forgotten);
        let heads = ReadoutLearner::new("heads", heads, config.optimizer);
        RubricTrainer {
            mean: (config.ema > 0.0).then(|| Weights::of(&backbone, &heads)),
            backbone,
            heads,
            reader: ReadoutLearner::new("reader", reader, config.optimizer),
            watch: Watch::default(),
            numbers: match config.reading.numbers > 0.0 {
                true => numbers(&tokenizer),
                false => Vec::new(),
            },
            renaming: None,
            tokenizer,
            domain,
            max_tokens,
            config,
            seed,
        }
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.backbone.steps_done()
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
        for (name, head) in [("heads", &self.heads), ("reader", &self.reader)] {
            let dir = dir.join(name);
            make_dir(&dir)?;
            head.save(&dir)?;
        }
        if let Some(mean) = &self.mean {
            mean.save(&dir.join("mean"), MEAN)?;
        }
        self.watch.save(&dir.join("best"))?;
        Ok(self.backbone.save(dir)?)
    }

    /// Goes on from what [`RubricTrainer::save`] wrote.
    ///
    /// # Errors
    /// When a file cannot be read or belongs to another model.
    pub fn restore(&mut self, dir: &Path) -> Result<(), StateError> {
        self.heads.restore(&dir.join("heads"))?;
        self.reader.restore(&dir.join("reader"))?;
        if let Some(mean) = &mut self.mean {
            mean.restore(&dir.join("mean").join(MEAN))?;
        }
        self.watch = Watch::restore(&dir.join("best"), || Weights::of(&self.backbone, &self.heads))?;
        Ok(self.backbone.restore(dir)?)
    }

    /// One step: a reference and some flawed traces of each group that is drawn.
    ///
    /// # Errors
    /// When a gradient is not finite.
    pub fn step(&mut self, groups: &[EncodedGroup]) -> Result<RubricStep, NonFinite> {
        let renaming = self.renaming.get_or_insert_with(|| match self.config.renaming > 0.0 {
            true => Renaming::of(groups, &self.tokenizer),
            false => Renaming::default(),
        });
        let drawn = draw(&self.config, self.seed, self.backbone.steps_done(), groups, renaming);
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
        let rate = self.config.schedule().rate(self.backbone.steps_done());
        let total = terms.total(&self.config.loss) + reading.total(&self.config.reading);
        // All parts move, or none.
        self.heads.check(total)?;
        self.reader.check(total)?;
        let gradient_norm = self.backbone.apply(total, rate)?;
        self.heads.apply(total, rate)?;
        self.reader.apply(total, rate)?;
        self.backbone.finish_step();
        self.heads.finish_step();
        self.reader.finish_step();
        if let Some(mean) = &mut self.mean {
            let share = 1.0 - self.config.ema_after(self.backbone.steps_done());
            mean.approach(&self.backbone, &self.heads, share);
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
        let mut passage = self.backbone.forward(batch);
        let rows = model::last_rows(batch);
        let hidden = passage.hidden(&rows);
        let heads = self.heads.readout();
        let outputs: Vec<_> =
            hidden.chunks_exact(heads.inputs()).map(|hidden| model::read(heads, hidden)).collect();
        let (terms, slopes) = loss(&outputs, gold, groups, &self.config.loss, whole);
        let d_hidden = self.heads.backward(&hidden, &model::slopes(&slopes));
        passage.add_hidden_gradients(&rows, &d_hidden);
        let read = reading.backward(&self.config.reading, whole_reading, &mut passage, &mut self.reader);
        passage.backward();
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
        let accuracy = self.accuracy(&held_out[..most]);
        let look = Look::new(self.steps_done(), &accuracy);
        self.watch.look(look, || Weights::of(&self.backbone, &self.heads));
        self.swap_mean();
        accuracy
    }

    fn accuracy(&self, held_out: &[EncodedGroup]) -> RubricAccuracy {
        let backbone = self.backbone.model();
        evaluate(Scoring { backbone: &backbone, heads: self.heads.readout() }, held_out)
    }

    /// Exchanges the weights and their mean, if there is one.
    fn swap_mean(&mut self) {
        if let Some(mean) = &mut self.mean {
            mean.exchange(&mut self.backbone, &mut self.heads);
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
        let RubricTrainer { mut backbone, mut heads, tokenizer, domain, max_tokens, mean, watch, .. } = self;
        if let Some(mut kept) = watch.into_best().map(|best| best.weights).or(mean) {
            kept.exchange(&mut backbone, &mut heads);
        }
        let (mut backbone, heads) = (backbone.into_model(), heads.into_readout());
        backbone.merge_lora();
        RewardModel { backbone, tokenizer, domain, max_tokens, heads }
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
