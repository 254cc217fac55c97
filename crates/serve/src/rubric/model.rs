//! The scorer of the house: a reward-model checkpoint, one input at a time per lane.
//!
//! A lane is a thread of its own with the model's buffers, and computes one input from beginning to end. So a score is
//! the same to the last bit whatever else is asked at the same time (a packed batch would round differently), and two
//! inputs on two cores do not wait for each other.

use super::{Card, Encoded, Input, Item, Score, Scorer};
use crate::fault::ItemFault;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{Trace, prompt};
use tracelift_engine::{Batch, Memory, Pass};
use tracelift_reward::{RewardModel, Shortened};

/// A reward model and the threads that run it.
pub struct ModelScorer {
    model: RewardModel,
    name: String,
    task_name: String,
    fingerprint: String,
    lanes: Vec<Lane>,
}

struct Lane {
    pool: ThreadPool,
    pass: Mutex<Pass>,
}

impl ModelScorer {
    /// Puts a model on `lanes` threads. `name` is for people; `task_name` stands in `<task>` where an item does not name its
    /// task.
    ///
    /// # Errors
    /// When a thread cannot be had.
    pub fn new(
        model: RewardModel,
        name: &str,
        task_name: Option<&str>,
        lanes: NonZeroUsize,
    ) -> Result<ModelScorer, ThreadPoolBuildError> {
        let lane = |i: usize| {
            let pool =
                ThreadPoolBuilder::new().num_threads(1).thread_name(move |_| format!("lane {i}")).build()?;
            Ok(Lane { pool, pass: Mutex::new(Pass::new(Memory::Recompute)) })
        };
        let lanes = (0..lanes.get()).map(lane).collect::<Result<_, _>>()?;
        let task_name = task_name.unwrap_or(model.domain.name()).to_owned();
        let fingerprint = model.fingerprint().as_str().to_owned();
        Ok(ModelScorer { model, name: name.to_owned(), task_name, fingerprint, lanes })
    }

    fn encode_item(&self, item: &Item) -> Result<Encoded, ItemFault> {
        // A trace may come in its tags, but then in one pair and alone.
        let trace = match Trace::new(&item.reasoning) {
            Some(trace) => trace,
            None => Trace::from_completion(&item.reasoning)
                .map_err(|defect| ItemFault::Invalid(format!("`reasoning`: {defect}")))?,
        };
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

    fn score_one(&self, lane: &Lane, input: &Encoded) -> Result<Score, ItemFault> {
        let batch = Batch::of([&input.tokens]);
        let outputs = lane.pool.install(|| {
            // The buffers are filled anew for every input, so a panic leaves nothing behind that matters.
            let mut pass = lane.pass.lock().unwrap_or_else(PoisonError::into_inner);
            pass.forward(&self.model.backbone, &batch);
            self.model.outputs(&pass, &batch)
        });
        let outputs = outputs.first().ok_or_else(|| ItemFault::Internal("the model said nothing".into()))?;
        let rubric = tracelift_reward::loss::score(outputs);
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
        let next = AtomicUsize::new(0);
        let work = |lane: &Lane| {
            while let Some(&i) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                done(i, self.score_one(lane, &batch[i]));
            }
        };
        let Some((first, others)) = self.lanes.split_first() else { return };
        let helpers = others.len().min(batch.len().saturating_sub(1));
        // A panic in a lane is passed on at the end of the scope.
        std::thread::scope(|scope| {
            for lane in &others[..helpers] {
                scope.spawn(|| work(lane));
            }
            work(first);
        });
    }
}
