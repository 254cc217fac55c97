//! Sampling: prompts in, token sequences with log-probabilities out.
//!
//! Sequences are dealt to threads, and each thread runs its own share through the whole network with no exchange
//! in between: a finished sequence leaves, a waiting one takes its place. A prompt of which several samples are
//! wanted is read once. Every product adds up in an order that does not depend on how many sequences run beside
//! it, and every sequence draws from its own random stream, so a sample is the same whatever else is sampled.

mod cache;
mod choice;
mod packed;
mod worker;

pub use choice::{Sampling, SamplingError};
pub use packed::Packed;

use crate::model::Model;
use std::sync::Mutex;
use tracelift_domain::Seed;

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
    /// A stop token, which is the last token of the sample.
    Stop,
    /// The token budget.
    Length,
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
    /// Settings that make no sense.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
}

/// How many sequences one thread runs at a time.
const SLOTS_PER_THREAD: usize = 64;

/// Samples every request; the results are in the order of requests and seeds.
///
/// # Errors
/// When a prompt or the settings cannot be used.
pub fn generate(
    model: &Model,
    requests: &[Request],
    sampling: &Sampling,
) -> Result<Vec<Vec<Sampled>>, GenerateError> {
    Packed::new(model).generate(requests, sampling)
}

impl Packed {
    /// Samples every request; the results are in the order of requests and seeds.
    ///
    /// # Errors
    /// When a prompt or the settings cannot be used.
    pub fn generate(
        &self,
        requests: &[Request],
        sampling: &Sampling,
    ) -> Result<Vec<Vec<Sampled>>, GenerateError> {
        sampling.validate()?;
        let vocabulary = self.config.vocab_size;
        for (i, request) in requests.iter().enumerate() {
            if request.prompt.is_empty() {
                return Err(GenerateError::EmptyPrompt(i));
            }
            if let Some(&token) = request.prompt.iter().find(|&&token| token as usize >= vocabulary) {
                return Err(GenerateError::UnknownToken { request: i, token, vocabulary });
            }
        }
        let total: usize = requests.iter().map(|request| request.seeds.len()).sum();
        let threads = rayon::current_num_threads().min(total.max(1));
        let slots = total.div_ceil(threads).clamp(1, SLOTS_PER_THREAD);
        // The longest prompts first: they end last.
        let mut order: Vec<usize> = (0..requests.len()).filter(|&i| !requests[i].seeds.is_empty()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(requests[i].prompt.len()));
        let queue = worker::Queue::new(requests, order);
        let results: Vec<Mutex<Vec<Option<Sampled>>>> =
            requests.iter().map(|request| Mutex::new(vec![None; request.seeds.len()])).collect();
        rayon::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|_| {
                    worker::Worker::new(self, slots, sampling).run(&queue, |request, sample, done| {
                        // A poisoned lock means that a sibling panicked; the scope passes that panic on.
                        if let Ok(mut samples) = results[request].lock() {
                            samples[sample] = Some(done);
                        }
                    });
                });
            }
        });
        Ok(results
            .into_iter()
            .map(|samples| {
                let samples = samples.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
                // The workers return only when the queue is empty and every sequence has ended.
                samples.into_iter().map(|sample| sample.expect("every sequence ends")).collect()
            })
            .collect())
    }
}
