//! Which planner a configuration file names.

use crate::{Planner, Sampling, Weights};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tracelift_domain::{PromptFormat, Seed};
use tracelift_engine::lora::LoraConfigError;
use tracelift_engine::{Checkpoint, CheckpointError, LoraConfig, Precision};

/// The planner: the section `[planner]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannerConfig {
    /// A checkpoint directory, or a model of the hub's cache.
    pub model: PathBuf,
    /// `world`, `plain`, `chatml`, `chat` or `chat-without-thinking`.
    #[serde(default = "plain")]
    pub prompt: PromptFormat,
    /// How it is sampled.
    #[serde(default)]
    pub sampling: Sampling,
    /// Train adapters instead of all weights.
    pub lora: Option<LoraConfig>,
    /// The type in which the trained planner is written: `f32`, `bf16` or `f16`; that of `model`'s weights if nothing is said.
    pub precision: Option<Precision>,
}

fn plain() -> PromptFormat {
    PromptFormat::Plain
}

/// Why the planner that a configuration names cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The checkpoint cannot be loaded.
    #[error("failed to load the planner from {}: {source}", model.display())]
    Checkpoint {
        /// Its directory.
        model: PathBuf,
        /// Why.
        source: Box<CheckpointError>,
    },
    /// It would never stop.
    #[error("the planner in {} names no end token; set `eos_token_id` in its config.json", .0.display())]
    NoEnd(PathBuf),
    /// Adapters that cannot be.
    #[error("`planner.lora`: {0}")]
    Lora(#[from] LoraConfigError),
    /// Longer completions than the model has room for.
    #[error(
        "`planner.sampling.max_tokens` is {max_tokens}, expected less than the {context} tokens that the planner in {} reads, \
         prompt and completion together",
        model.display()
    )]
    Context {
        /// Its directory.
        model: PathBuf,
        /// As it was given.
        max_tokens: usize,
        /// The model's longest sequence.
        context: usize,
    },
    /// Its prompts cannot be laid out.
    #[error(
        "the planner in {} has no chat template; set `planner.prompt` to `plain`, or put a chat_template.jinja there",
        .0.display()
    )]
    NoTemplate(PathBuf),
}

impl PlannerConfig {
    /// The planner's checkpoint, ready to learn: with its adapters, where those are what is trained.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open(&self, seed: Seed) -> Result<Checkpoint, OpenError> {
        let mut checkpoint = self.open_frozen(&self.model)?;
        if let Some(lora) = &self.lora {
            lora.validate()?;
            checkpoint.model = checkpoint.model.with_lora(lora.clone(), seed.child("lora", 0));
        }
        Ok(checkpoint)
    }

    /// Another checkpoint that is asked as this planner is, as it stands.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open_frozen(&self, model: &Path) -> Result<Checkpoint, OpenError> {
        let checkpoint = Checkpoint::load(model)
            .map_err(|source| OpenError::Checkpoint { model: model.to_owned(), source: source.into() })?;
        if checkpoint.tokenizer.eos().is_empty() {
            return Err(OpenError::NoEnd(model.to_owned()));
        }
        let (max_tokens, context) = (self.sampling.max_tokens, checkpoint.model.config.max_positions);
        if max_tokens >= context {
            return Err(OpenError::Context { model: model.to_owned(), max_tokens, context });
        }
        if self.prompt.needs_template() && checkpoint.tokenizer.chat_template().is_none() {
            return Err(OpenError::NoTemplate(model.to_owned()));
        }
        Ok(checkpoint)
    }

    /// A checkpoint at work as this planner.
    #[must_use]
    pub fn planner<'a>(&'a self, checkpoint: &'a Checkpoint) -> Planner<'a> {
        Planner {
            weights: Weights::Frozen(&checkpoint.model),
            tokenizer: &checkpoint.tokenizer,
            prompt: self.prompt,
            sampling: &self.sampling,
        }
    }
}
