//! Which executor a configuration file names.

use crate::in_process::{self, InProcessError};
use crate::{ConfigError, Executor, InProcess, OpenAi, OpenAiConfig, Sampling};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tracelift_engine::{Checkpoint, CheckpointError, Tokenizer};
use tracelift_prompt::{ExecutorPrompt, ExecutorPromptConfig, Layout, PromptError};

/// An executor; exactly one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutorConfig {
    /// A checkpoint in this process.
    pub in_process: Option<InProcessConfig>,
    /// An OpenAI-compatible server.
    pub openai: Option<OpenAiConfig>,
}

/// An executor in this process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InProcessConfig {
    /// A checkpoint directory.
    pub model: PathBuf,
    /// How it is asked. Default: by the preset for what a question calls for, in the model's chat template, or as plain text
    /// where it has none.
    #[serde(default)]
    pub prompt: ExecutorPromptConfig,
    /// How it is sampled.
    #[serde(default)]
    pub sampling: Sampling,
}

impl InProcessConfig {
    /// How questions are put to a model with this tokenizer.
    ///
    /// # Errors
    /// What is wrong with the section `prompt`.
    pub fn prompt(&self, tokenizer: &Tokenizer) -> Result<ExecutorPrompt, PromptError> {
        in_process::prompt(&self.prompt, tokenizer)
    }
}

/// Why the executor that a configuration names cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// None or two are named.
    #[error("`executor` needs exactly one of `in_process` and `openai`")]
    Unclear,
    /// Its prompts cannot be made.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The checkpoint cannot be loaded.
    #[error("failed to load the executor from {}: {source}", model.display())]
    Checkpoint {
        /// Its directory.
        model: PathBuf,
        /// Why.
        source: Box<CheckpointError>,
    },
    /// The checkpoint cannot be an executor.
    #[error(transparent)]
    InProcess(#[from] InProcessError),
    /// A setting of the server makes no sense.
    #[error(transparent)]
    OpenAi(#[from] ConfigError),
}

impl ExecutorConfig {
    /// Whether exactly one is named, and its prompts can be made.
    ///
    /// # Errors
    /// [`OpenError::Unclear`], [`OpenError::Prompt`].
    pub fn validate(&self) -> Result<(), OpenError> {
        match (&self.in_process, &self.openai) {
            // Any layout will do to try the texts.
            (Some(config), None) => {
                ExecutorPrompt::new("executor.in_process.prompt", &config.prompt, Layout::Plain)?;
            }
            (None, Some(config)) => {
                config.prompt()?;
            }
            _ => return Err(OpenError::Unclear),
        }
        Ok(())
    }

    /// The executor: a checkpoint is loaded, a server is not yet asked anything.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open(&self) -> Result<Box<dyn Executor>, OpenError> {
        match (&self.in_process, &self.openai) {
            (Some(config), None) => {
                let checkpoint = Checkpoint::load(&config.model).map_err(|source| OpenError::Checkpoint {
                    model: config.model.clone(),
                    source: source.into(),
                })?;
                Ok(Box::new(InProcess::new(&checkpoint, &config.prompt, config.sampling.clone())?))
            }
            (None, Some(config)) => Ok(Box::new(OpenAi::new(config.clone())?)),
            _ => Err(OpenError::Unclear),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executor_is_one_or_the_other() {
        let read = |text: &str| toml::from_str::<ExecutorConfig>(text).unwrap();
        assert!(matches!(read("").validate(), Err(OpenError::Unclear)));
        assert!(matches!(read("").open(), Err(OpenError::Unclear)));
        let config = read("[in_process]\nmodel = \"nowhere\"");
        assert!(config.validate().is_ok());
        let message = config.open().map(|_| ()).unwrap_err().to_string();
        assert!(message.starts_with("failed to load the executor from nowhere: "), "{message}");
    }
}
