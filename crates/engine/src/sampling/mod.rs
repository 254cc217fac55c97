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
mod room;
mod scheduler;
mod team;

pub use choice::{Sampling, Scored};
pub(crate) use frozen::Frozen;
pub use packed::Numbers;
pub use reading::Reader;
pub use scheduler::{Desk, EndedAfter, Order, Session, Ticket, Told};

use crate::learner::Device;
use crate::model::Model;
use cache::{Cache, Place};
use packed::Packed;
use scheduler::{Pace, Size};
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

    /// A session for orders that come in while others run: so many `sequences` at a time on so many `threads`, whose keys and
    /// values, and those that were left behind, take `cache_bytes` at most. (The longest sequence of 16 tokens is granted.)
    #[must_use]
    pub fn session(&self, sequences: usize, cache_bytes: usize, threads: usize) -> Session<'_> {
        match self {
            Sampler::Cpu(packed) => {
                let block = Place::of(0, 1).capacity;
                let bytes = Cache::bytes(packed.config.layers, packed.heads, block);
                // No more than all sequences could fill.
                let context = Place::of(0, packed.config.max_positions).capacity;
                let (sequences, members) = (sequences.max(1), threads.max(1));
                let positions = (cache_bytes / bytes * block).clamp(block, context.saturating_mul(sequences));
                let longest = packed.config.max_positions.min(positions);
                Session::new(packed, Size { sequences, positions, longest, members, pace: Pace::Together })
            }
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
        let context = self.config.max_positions;
        for (i, request) in requests.iter().enumerate() {
            self.check(i, &request.prompt, sampling.max_tokens, context)?;
        }
        // Those that begin alike one after another: each finds what it shares with the one before it.
        let mut order: Vec<usize> = (0..requests.len()).filter(|&i| !requests[i].seeds.is_empty()).collect();
        order.sort_by(|&i, &j| requests[i].prompt.cmp(&requests[j].prompt));
        let length = |i: &usize| requests[*i].prompt.len() + sampling.max_tokens;
        let longest = order.iter().map(length).max().unwrap_or(1);
        let capacity = Place::of(0, longest).capacity;
        let bytes = Cache::bytes(self.config.layers, self.heads, capacity);
        let total: usize = requests.iter().map(|request| request.seeds.len()).sum();
        let sequences = total.min(SEQUENCES).min(CACHE_BYTES / bytes.max(1)).max(1);
        let members = rayon::current_num_threads();
        let positions = sequences * capacity;
        let size = Size { sequences, positions, longest, members, pace: Pace::Prompts };
        let mut session = Session::new(self, size);
        for &i in &order {
            session.submit(Order {
                prompt: requests[i].prompt.clone(),
                seeds: requests[i].seeds.clone(),
                sampling: sampling.clone(),
                ended: Some(Box::new(move |tokens| ended(i, tokens))),
                alternatives: 0,
                scored: false,
            })?;
        }
        let results = requests.iter().map(|r| vec![Sampled::empty(Finish::Length); r.seeds.len()]).collect();
        let mut collected = Collected { order, results };
        session.work(&mut collected);
        Ok(collected.results)
    }

    /// Whether a prompt can be gone on from.
    fn check(
        &self,
        request: usize,
        prompt: &[u32],
        max_tokens: usize,
        context: usize,
    ) -> Result<(), GenerateError> {
        let vocabulary = self.config.vocab_size;
        if prompt.is_empty() {
            return Err(GenerateError::EmptyPrompt(request));
        }
        if prompt.len().saturating_add(max_tokens) > context {
            return Err(GenerateError::TooLong { request, prompt: prompt.len(), max_tokens, context });
        }
        match prompt.iter().find(|&&token| token as usize >= vocabulary) {
            Some(&token) => Err(GenerateError::UnknownToken { request, token, vocabulary }),
            None => Ok(()),
        }
    }
}

/// How many sequences run at a time at most where all are known beforehand.
const SEQUENCES: usize = 64;
/// What their cache may take, whatever their budgets are (one sequence is always granted).
const CACHE_BYTES: usize = 2 << 30;

/// The samples of requests that are all known beforehand.
struct Collected {
    /// Of each ticket its request.
    order: Vec<usize>,
    results: Vec<Vec<Sampled>>,
}

impl<'a> Desk<'a> for Collected {
    fn between(&mut self, _session: &mut Session<'a>) {}

    fn tell(&mut self, told: Told<'_>) {
        if let Told::Ended { ticket, sample, sampled, .. } = told {
            self.results[self.order[ticket.0 as usize]][sample] = sampled;
        }
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
