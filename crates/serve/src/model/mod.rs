//! Frozen models, served as OpenAI serves them: `/v1/chat/completions`, `/v1/completions`, `/v1/models`.
//!
//! Each model has one thread that owns a [`Session`](tracelift_engine::sampling::Session) of the engine: requests enter while
//! others run, and a sample is, token for token, what `tracelift generate` draws of the same prompt and seed, whatever else is
//! asked. What is not supported is refused by its name ([`asked`]), never ignored.

mod asked;
mod body;
mod chat;
mod clerk;
mod fields;
mod refusal;
mod service;
mod told;

pub use service::model_section;

use std::num::NonZeroUsize;
use std::time::Duration;
use tracelift_domain::Fingerprint;
use tracelift_engine::tokenizer::Speller;
use tracelift_engine::{Sampler, Tokenizer};

/// How a model is served.
#[derive(Clone, Copy, Debug)]
pub struct ModelServiceConfig {
    /// Sequences that are sampled at a time.
    pub sequences: NonZeroUsize,
    /// Sequences at work or waiting; a request that finds no room is refused with 429.
    pub queue: usize,
    /// What keys and values may take, those that were left behind among them, in bytes.
    pub cache_bytes: usize,
    /// Threads that compute.
    pub threads: NonZeroUsize,
    /// How long a request may take.
    pub timeout: Duration,
}

impl Default for ModelServiceConfig {
    fn default() -> ModelServiceConfig {
        ModelServiceConfig {
            sequences: NonZeroUsize::MIN.saturating_add(63),
            queue: 1024,
            cache_bytes: 2 << 30,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            timeout: Duration::from_secs(600),
        }
    }
}

/// A model that is served.
pub struct ServedModel {
    name: String,
    sampler: Sampler,
    tokenizer: Tokenizer,
    speller: Speller,
    fingerprint: Fingerprint,
    config: ModelServiceConfig,
}

impl ServedModel {
    /// A model by the name that requests give. `fingerprint` is that of all that decides what it writes.
    #[must_use]
    pub fn new(
        name: &str,
        sampler: Sampler,
        tokenizer: Tokenizer,
        fingerprint: Fingerprint,
        config: ModelServiceConfig,
    ) -> ServedModel {
        let speller = tokenizer.speller();
        ServedModel { name: name.to_owned(), sampler, tokenizer, speller, fingerprint, config }
    }

    /// `system_fingerprint`.
    fn system_fingerprint(&self) -> String {
        format!("fp_{}", self.fingerprint.as_str().chars().take(12).collect::<String>())
    }
}
