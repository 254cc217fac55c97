//! Frozen models, opened to be served.

use crate::model;
use anyhow::{Context, Result, bail};
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::Duration;
use tracelift_domain::Fingerprint;
use tracelift_engine::{Device, Numbers, Sampler, peft};
use tracelift_serve::{ModelServiceConfig, ServedModel};

/// A model, and how it is served.
pub struct ModelSettings<'a> {
    pub model: &'a Path,
    pub numbers: Numbers,
    pub sequences: u32,
    pub queue: u32,
    pub cache_mb: u32,
    pub threads: Option<NonZeroUsize>,
    pub timeout: Duration,
}

/// Reads a model and makes it ready.
pub fn open(name: &str, settings: &ModelSettings<'_>) -> Result<ServedModel> {
    let dir = settings.model;
    if model::is_reward_model(dir)? {
        bail!("{} is a reward model, which writes no text; `tracelift rm serve` serves it", dir.display());
    }
    let loaded = peft::open(dir).with_context(|| format!("failed to read the model in {}", dir.display()))?;
    let (model, tokenizer) = (loaded.checkpoint.model, loaded.checkpoint.tokenizer);
    let sampler = Sampler::on(Device::Cpu, &model, settings.numbers);
    let (weights, vocabulary) = (model.fingerprint(), tokenizer.to_json()?);
    drop(model);
    let numbers = serde_json::to_string(&settings.numbers)?;
    let ends = serde_json::to_string(tokenizer.eos())?;
    let template = tokenizer.chat_template().map_or("", |template| template.text());
    let fingerprint = Fingerprint::of([
        ("weights", weights.as_str().as_bytes()),
        ("tokenizer", vocabulary.as_bytes()),
        ("chat template", template.as_bytes()),
        ("end tokens", ends.as_bytes()),
        ("numbers", numbers.as_bytes()),
    ]);
    let sequences = usize::try_from(settings.sequences).ok().and_then(NonZeroUsize::new);
    let config = ModelServiceConfig {
        sequences: sequences.unwrap_or(NonZeroUsize::MIN),
        queue: settings.queue as usize,
        cache_bytes: settings.cache_mb as usize * 1_000_000,
        threads: settings
            .threads
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN),
        timeout: settings.timeout,
    };
    Ok(ServedModel::new(name, sampler, tokenizer, fingerprint, config))
}
