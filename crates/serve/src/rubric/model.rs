//! The scorer of the house: a reward-model checkpoint, one input at a time per lane.

use super::lanes::Lanes;
use super::{Card, Encoded, Input, Item, Score, Scorer};
use crate::fault::ItemFault;
use std::io;
use std::num::NonZeroUsize;
use tracelift_domain::prompt;
use tracelift_domain::rubric::dimension_names;
use tracelift_engine::Packed;
use tracelift_reward::{RewardModel, Shortened};

/// A reward model and the threads that run it.
pub struct ModelScorer {
    model: RewardModel,
    name: String,
    task_name: String,
    fingerprint: String,
    lanes: Lanes,
}

impl ModelScorer {
    /// Puts a model on `lanes` threads. `name` is for people; `task_name` stands in `<task>` where an item does not name its
    /// task.
    ///
    /// # Errors
    /// When a thread cannot be had.
    pub fn new(
        mut model: RewardModel,
        name: &str,
        task_name: Option<&str>,
        lanes: NonZeroUsize,
    ) -> io::Result<ModelScorer> {
        let task_name = task_name.unwrap_or(model.domain.name()).to_owned();
        let fingerprint = model.fingerprint().as_str().to_owned();
        let lanes = Lanes::start(Packed::new(&model.backbone), lanes)?;
        // The lanes have a copy of their own; what is left of the model are its heads and its tokenizer.
        model.backbone.weights = Vec::new();
        Ok(ModelScorer { model, name: name.to_owned(), task_name, fingerprint, lanes })
    }

    fn encode_item(&self, item: &Item) -> Result<Encoded, ItemFault> {
        let trace = item.trace()?;
        let task = item.task_name.as_deref().unwrap_or(&self.task_name);
        let kind = item.task_type.as_deref().unwrap_or(self.model.domain.name());
        let limit = item.max_tokens.map_or(self.model.max_tokens, |limit| limit.min(self.model.max_tokens));
        let tests = item.tests.as_deref().filter(|tests| !tests.trim().is_empty());
        let put = |problem: &str| prompt::reward_model_text(task, kind, problem, tests, trace.as_str());
        let (tokens, shortened) = self
            .model
            .encode_within(limit, &item.problem, put)
            .map_err(|e| ItemFault::Internal(e.to_string()))?;
        Ok(Encoded { tokens, shortened: shortened != Shortened::No })
    }

    fn fit(&self, mut tokens: Vec<u32>, keep_end: Option<usize>) -> Result<Encoded, ItemFault> {
        let most = self.model.max_tokens;
        let limit = keep_end.map_or(most, |keep| keep.min(most));
        let excess = tokens.len().saturating_sub(limit);
        if excess > 0 && keep_end.is_none() {
            return Err(ItemFault::TooLong { tokens: tokens.len(), limit });
        }
        tokens.drain(..excess);
        Ok(Encoded { tokens, shortened: excess > 0 })
    }

    fn judge(&self, input: &Encoded, hidden: Option<&[f32]>) -> Result<Score, ItemFault> {
        let hidden = hidden.ok_or_else(|| ItemFault::Internal("the model failed on this input".into()))?;
        let rubric = tracelift_reward::loss::score(&self.model.read(hidden));
        let numbers = rubric.dimensions.iter().chain([&rubric.derived, &rubric.total, &rubric.score]);
        if numbers.into_iter().any(|number| !number.is_finite()) {
            return Err(ItemFault::NotFinite);
        }
        Ok(Score { rubric, tokens: input.tokens.len(), shortened: input.shortened })
    }
}

impl Scorer for ModelScorer {
    fn card(&self) -> Card {
        Card {
            name: self.name.clone(),
            fingerprint: self.fingerprint.clone(),
            domain: self.model.domain,
            dimensions: *dimension_names(self.model.domain),
            max_tokens: self.model.max_tokens,
        }
    }

    fn encode(&self, input: &Input) -> Result<Encoded, ItemFault> {
        let encoded = match input {
            Input::Item(item) => self.encode_item(item)?,
            Input::Text { text, keep_end } => {
                let tokens =
                    self.model.tokenizer.encode(text).map_err(|e| ItemFault::Internal(e.to_string()))?;
                self.fit(tokens, *keep_end)?
            }
            Input::Tokens { ids, keep_end } => {
                let known = self.model.backbone.config.vocab_size;
                if let Some(wrong) = ids.iter().find(|id| **id as usize >= known) {
                    return Err(ItemFault::Invalid(format!("token {wrong} is not below {known}")));
                }
                self.fit(ids.clone(), *keep_end)?
            }
        };
        match encoded.tokens.is_empty() {
            true => Err(ItemFault::Invalid("the input has no tokens".into())),
            false => Ok(encoded),
        }
    }

    fn score(&self, batch: &[Encoded], done: &(dyn Fn(usize, Result<Score, ItemFault>) + Sync)) {
        // The longest first: then no lane starts on a long one when the others are about to finish.
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(batch[i].tokens.len()));
        let inputs = order.into_iter().map(|i| (i, batch[i].tokens.clone()));
        self.lanes.read(inputs, |i, hidden| done(i, self.judge(&batch[i], hidden.as_deref())));
    }
}
