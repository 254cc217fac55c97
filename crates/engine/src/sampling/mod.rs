//! Sampling: prompts in, token sequences with log-probabilities out.
//!
//! All running sequences go through the network together, a token each per step, and threads split every product: a
//! weight is read once per step, whoever it is read for. A finished sequence leaves, a waiting one takes its place and
//! is read beside the others. A prompt of which several samples are wanted is read once. Every product adds up in an
//! order that does not depend on how many rows or threads there are, and every sequence draws from its own random
//! stream, so a sample is the same whatever else is sampled.

mod cache;
mod choice;
mod frozen;
mod int8;
mod kernel;
mod network;
mod packed;
mod reading;
mod scheduler;
mod team;

pub use choice::Sampling;
pub(crate) use frozen::Frozen;
pub use packed::Numbers;
pub use reading::Reader;

use crate::learner::Device;
use crate::model::Model;
use packed::Packed;
use tracelift_domain::{Seed, SettingError};

/// A prompt, and how many samples are wanted of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The prompt; must not be empty.
    pub prompt: Vec<u32>,
    /// One sample per seed.
    pub seeds: Vec<Seed>,
}

/// Why a sequence ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// A stop token, or whatever else was said to end it; the last token of the sample is where.
    Stop,
    /// The token budget.
    Length,
    /// The next token's logits are not finite: the model broke down, and what it would have written is unknown.
    NonFinite,
}

/// One sampled continuation.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// The new tokens; a stop token included.
    pub tokens: Vec<u32>,
    /// `log p` of each under the whole distribution at the sampling temperature, before top-k and top-p (greedy:
    /// at temperature 1).
    pub log_probs: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

/// Whether a sample of a request ends after these tokens.
pub type Ended<'a> = dyn Fn(usize, &[u32]) -> bool + Sync + 'a;

/// Why nothing can be sampled.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A prompt without tokens.
    #[error("prompt {0} is empty; a model needs at least one token to go on from")]
    EmptyPrompt(usize),
    /// A prompt with a token that the model does not have.
    #[error("prompt {request} holds token {token}, but the vocabulary has {vocabulary}")]
    UnknownToken {
        /// Which prompt.
        request: usize,
        /// Which token.
        token: u32,
        /// How many there are.
        vocabulary: usize,
    },
    /// A prompt that leaves no room for the budget of new tokens.
    #[error(
        "prompt {request} has {prompt} tokens and `max_tokens` is {max_tokens}, but the model reads {context}; lower `max_tokens` \
         or shorten the prompt"
    )]
    TooLong {
        /// Which prompt.
        request: usize,
        /// Its length.
        prompt: usize,
        /// The budget.
        max_tokens: usize,
        /// The longest sequence of the model (`max_position_embeddings`).
        context: usize,
    },
    /// A model that breaks down, for those who can do nothing with a sample that ended so ([`Finish::NonFinite`]).
    #[error(
        "the model's logits after prompt {0} are not finite: its weights are damaged or overflow; take a sound checkpoint"
    )]
    NonFinite(usize),
    /// Settings that make no sense.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// A model made ready for sampling on some device: a snapshot, adapters merged; of a [frozen model](Model::freeze) the weights
/// where they lie, and its adapters beside them.
#[derive(Debug)]
pub enum Sampler {
    /// See [`Device::Cpu`].
    Cpu(Packed),
}

impl Sampler {
    /// Makes a model ready, its weights in the given numbers.
    #[must_use]
    pub fn on(device: Device, model: &Model, numbers: Numbers) -> Sampler {
        match device {
            Device::Cpu => Sampler::Cpu(Packed::in_numbers(model, numbers)),
        }
    }

    /// Samples every request; the results are in the order of requests and seeds.
    ///
    /// # Errors
    /// When a prompt or the settings cannot be used.
    pub fn generate(
        &self,
        requests: &[Request],
        sampling: &Sampling,
    ) -> Result<Vec<Vec<Sampled>>, GenerateError> {
        self.generate_until(requests, sampling, &|_, _| false)
    }

    /// As [`Sampler::generate`], but a sample also ends where `ended(request, its tokens so far)` says so: nobody knows
    /// beforehand when.
    ///
    /// # Errors
    /// When a prompt or the settings cannot be used.
    pub fn generate_until(
        &self,
        requests: &[Request],
        sampling: &Sampling,
        ended: &Ended<'_>,
    ) -> Result<Vec<Vec<Sampled>>, GenerateError> {
        match self {
            Sampler::Cpu(packed) => packed.generate_until(requests, sampling, ended),
        }
    }

    /// Reads texts with the same weights.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        match self {
            Sampler::Cpu(packed) => Reader::new(packed),
        }
    }
}

impl Packed {
    fn generate_until(
        &self,
        requests: &[Request],
        sampling: &Sampling,
        ended: &Ended<'_>,
    ) -> Result<Vec<Vec<Sampled>>, GenerateError> {
        sampling.validate()?;
        let vocabulary = self.config.vocab_size;
        for (i, request) in requests.iter().enumerate() {
            if request.prompt.is_empty() {
                return Err(GenerateError::EmptyPrompt(i));
            }
            let (prompt, max_tokens, context) =
                (request.prompt.len(), sampling.max_tokens, self.config.max_positions);
            if prompt.saturating_add(max_tokens) > context {
                return Err(GenerateError::TooLong { request: i, prompt, max_tokens, context });
            }
            if let Some(&token) = request.prompt.iter().find(|&&token| token as usize >= vocabulary) {
                return Err(GenerateError::UnknownToken { request: i, token, vocabulary });
            }
        }
        let mut results: Vec<Vec<Sampled>> =
            requests.iter().map(|r| vec![Sampled::empty(Finish::Length); r.seeds.len()]).collect();
        let scheduler = scheduler::Scheduler::new(self, requests, sampling, ended);
        team::with_team(rayon::current_num_threads(), |team| {
            scheduler.run(team, |request, sample, sampled| results[request][sample] = sampled);
        });
        Ok(results)
    }
}

impl Sampled {
    fn empty(finish: Finish) -> Sampled {
        Sampled { tokens: Vec::new(), log_probs: Vec::new(), finish }
    }

    fn with_room(tokens: usize) -> Sampled {
        Sampled {
            tokens: Vec::with_capacity(tokens),
            log_probs: Vec::with_capacity(tokens),
            finish: Finish::Length,
        }
    }
}
