//! A reward model that learns no more: packed once, read by as many lanes as there are cores.
//!
//! A score depends on the input alone, to the last bit, whatever is scored beside it, before it or on another lane; whether
//! it is asked for by a trainer, over HTTP or from a file. What the traces of a problem have in common is read once.

use crate::loss::score;
use crate::model::{RewardModel, RubricScore, Shortened};
use crate::scorer::{ScoreFailure, ScoreItem, TraceScorer};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use tracelift_domain::{Fingerprint, Question, TaskDomain};
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_engine::{Device, Numbers, Reader, Sampler, Tokenizer};

/// A reward model, packed for reading.
pub struct FrozenRewardModel {
    /// Without the weights of its backbone.
    model: RewardModel,
    sampler: Sampler,
    fingerprint: Fingerprint,
}

impl FrozenRewardModel {
    /// Packs a model.
    #[must_use]
    pub fn new(mut model: RewardModel) -> FrozenRewardModel {
        let fingerprint = model.fingerprint();
        let sampler = Sampler::on(Device::Cpu, &model.backbone, Numbers::F32);
        // The packed weights are a copy; what is left of the model are its heads and its tokenizer.
        model.backbone.weights = Vec::new();
        FrozenRewardModel { model, sampler, fingerprint }
    }

    /// The rubric that it was trained for.
    #[must_use]
    pub fn domain(&self) -> TaskDomain {
        self.model.domain
    }

    /// The longest input in tokens.
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.model.max_tokens
    }

    /// Tokens are below this.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.model.backbone.config.vocab_size
    }

    /// Its tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.model.tokenizer
    }

    /// As [`RewardModel::encode_within`].
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn encode_within(
        &self,
        limit: usize,
        statement: &str,
        put: impl Fn(&str) -> String,
    ) -> Result<(Vec<u32>, Shortened), TokenizerError> {
        self.model.encode_within(limit, statement, put)
    }

    /// Buffers for one thread.
    #[must_use]
    pub fn lane(&self) -> RubricLane<'_> {
        RubricLane { frozen: self, reader: self.sampler.reader() }
    }

    fn score_item(
        &self,
        lane: &mut RubricLane<'_>,
        item: &ScoreItem<'_>,
    ) -> Result<RubricScore, ScoreFailure> {
        let tokens = self.model.encode(item.question, item.trace);
        let tokens = tokens.map_err(|error| ScoreFailure::Unreadable(error.to_string()))?;
        let score = lane.score(&tokens);
        score.probability().map(|_| score).ok_or(ScoreFailure::NotAScore)
    }
}

/// Reads one input after another.
pub struct RubricLane<'a> {
    frozen: &'a FrozenRewardModel,
    reader: Reader<'a>,
}

impl RubricLane<'_> {
    /// The score of an input, whose tokens are below the vocabulary's size. Its numbers are finite where the model's are.
    #[must_use]
    pub fn score(&mut self, tokens: &[u32]) -> RubricScore {
        score(&self.frozen.model.read(&self.reader.last_hidden(tokens)))
    }
}

impl TraceScorer for FrozenRewardModel {
    fn fingerprint(&self) -> Fingerprint {
        self.fingerprint.clone()
    }

    fn describe(&self) -> String {
        format!("reward model {} ({})", self.fingerprint, self.model.domain.name())
    }

    fn score(&self, items: &[ScoreItem<'_>]) -> Vec<Result<RubricScore, ScoreFailure>> {
        // The traces of a problem are read one after the other, by one lane.
        let mut problems: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (i, item) in items.iter().enumerate() {
            let Question { source, statement, .. } = item.question;
            problems.entry((statement, source)).or_default().push(i);
        }
        let problems: Vec<Vec<usize>> = problems.into_values().collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let (mut lane, mut found) = (None, Vec::new());
            while let Some(problem) = problems.get(next.fetch_add(1, Ordering::Relaxed)) {
                let lane = lane.get_or_insert_with(|| self.lane());
                found.extend(problem.iter().map(|&i| (i, self.score_item(lane, &items[i]))));
            }
            found
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut scores: Vec<Option<Result<RubricScore, ScoreFailure>>> = vec![None; items.len()];
        std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..cores.min(problems.len())).map(|_| scope.spawn(work)).collect();
            for lane in lanes {
                match lane.join() {
                    Ok(found) => found.into_iter().for_each(|(i, score)| scores[i] = Some(score)),
                    // A bug is not hidden behind a score that is not known.
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        scores.into_iter().map(|score| score.unwrap_or(Err(ScoreFailure::NotAScore))).collect()
    }
}
