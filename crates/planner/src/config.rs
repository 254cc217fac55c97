//! Which planner a configuration file names.

use crate::{Planner, Sampling, Weights};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tracelift_domain::{Seed, SettingError};
use tracelift_engine::chat::ChatError;
use tracelift_engine::{Checkpoint, CheckpointError, LoraConfig, Numbers, Precision, Tokenizer, peft};
use tracelift_prompt::{Layout, PlannerPrompt, PlannerPromptConfig, PromptError};

/// The planner: the section `[planner]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannerConfig {
    /// A checkpoint directory, or a model of the hub's cache; or a PEFT adapter, which is merged with its base.
    pub model: PathBuf,
    /// How it is asked. Default: by the preset for what a question calls for, in the model's chat template, or as plain text
    /// where it has none.
    #[serde(default)]
    pub prompt: PlannerPromptConfig,
    /// How it is sampled.
    #[serde(default)]
    pub sampling: Sampling,
    /// The numbers in which products are computed when it writes: `f32`, `bf16` or `int8`. It learns in `f32`.
    #[serde(default, skip_serializing_if = "Numbers::is_default")]
    pub numbers: Numbers,
    /// Train adapters instead of all weights.
    pub lora: Option<LoraConfig>,
    /// The type in which the trained planner is written: `f32`, `bf16` or `f16`; that of `model`'s weights if nothing is said.
    pub precision: Option<Precision>,
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
    /// A setting of the section that the model cannot have.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Its prompts cannot be made.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Its prompts cannot be laid out.
    #[error(
        "the planner in {} has no chat template; set `planner.prompt.layout` to `plain`, or put a chat_template.jinja there",
        .0.display()
    )]
    NoTemplate(PathBuf),
    /// Its chat template is none.
    #[error("{source}; mend the template, or set `planner.prompt` to `plain`")]
    Template {
        /// What is wrong with it.
        source: ChatError,
    },
}

/// The section of its prompts.
const PROMPT: &str = "planner.prompt";

impl PlannerConfig {
    /// The planner's checkpoint, ready to learn: with its adapters, where those are what is trained.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open(&self, seed: Seed) -> Result<Checkpoint, OpenError> {
        let mut checkpoint = self.load(&self.model)?;
        if let Some(lora) = &self.lora {
            lora.validate_for(&checkpoint.model.config).map_err(|error| error.under("planner.lora"))?;
            checkpoint.model = checkpoint.model.with_lora(lora.clone(), seed.child("lora", 0));
            checkpoint.model.freeze();
        }
        Ok(checkpoint)
    }

    /// Another checkpoint that is asked as this planner is, as it stands.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open_frozen(&self, model: &Path) -> Result<Checkpoint, OpenError> {
        let mut checkpoint = self.load(model)?;
        checkpoint.model.freeze();
        Ok(checkpoint)
    }

    fn load(&self, model: &Path) -> Result<Checkpoint, OpenError> {
        let checkpoint = peft::open_merged(model)
            .map_err(|source| OpenError::Checkpoint { model: model.to_owned(), source: source.into() })?;
        if checkpoint.tokenizer.eos().is_empty() {
            return Err(OpenError::NoEnd(model.to_owned()));
        }
        let (max_tokens, context) = (self.sampling.max_tokens, checkpoint.model.config.max_positions);
        if max_tokens >= context {
            let expected = format!(
                "less than the {context} tokens that the planner in {} reads, prompt and completion together",
                model.display()
            );
            return Err(SettingError::value("planner.sampling.max_tokens", max_tokens, &expected).into());
        }
        if self.prompt(&checkpoint.tokenizer)?.layout().needs_template() {
            checkpoint.tokenizer.usable_chat_template().map_err(|source| match source {
                ChatError::Absent => OpenError::NoTemplate(model.to_owned()),
                source => OpenError::Template { source },
            })?;
        }
        Ok(checkpoint)
    }

    /// Checks what can be checked without a model.
    ///
    /// # Errors
    /// The first setting of `[planner]` that makes no sense.
    pub fn validate(&self) -> Result<(), SettingError> {
        self.sampling.validate().map_err(|error| error.under("planner.sampling"))?;
        if let Some(lora) = &self.lora {
            lora.validate().map_err(|error| error.under("planner.lora"))?;
        }
        // Any layout will do to try the texts.
        let prompt = PlannerPrompt::new(PROMPT, &self.prompt, Layout::Plain);
        prompt.map(drop).map_err(|error| error.in_section(PROMPT))
    }

    /// [`PlannerConfig::validate`] for training.
    ///
    /// # Errors
    /// The first setting of `[planner]` that makes no sense.
    pub fn validate_for_training(&self) -> Result<(), SettingError> {
        self.sampling.validate_for_training().map_err(|error| error.under("planner.sampling"))?;
        self.validate()
    }

    /// How questions are put to a model with this tokenizer.
    ///
    /// # Errors
    /// What is wrong with the section `prompt`.
    pub fn prompt(&self, tokenizer: &Tokenizer) -> Result<PlannerPrompt, PromptError> {
        let fallback = Layout::of_model(tokenizer.chat_template());
        PlannerPrompt::new(PROMPT, &self.prompt, fallback)
    }

    /// A checkpoint at work as this planner, asked by a [`PlannerConfig::prompt`].
    #[must_use]
    pub fn planner<'a>(&'a self, checkpoint: &'a Checkpoint, prompt: &'a PlannerPrompt) -> Planner<'a> {
        Planner {
            weights: Weights::Frozen(&checkpoint.model),
            tokenizer: &checkpoint.tokenizer,
            prompt,
            sampling: &self.sampling,
            numbers: self.numbers,
        }
    }
}
