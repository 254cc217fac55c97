//! Which executor a configuration file names.

use crate::{ConfigError, Executor, InProcess, OpenAi, OpenAiConfig, Sampling, in_process::InProcessError};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tracelift_domain::PromptFormat;
use tracelift_engine::{Checkpoint, CheckpointError};

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
    /// `world`, `plain`, `chatml`, `chat` or `chat-without-thinking`.
    #[serde(default = "plain")]
    pub prompt: PromptFormat,
    /// How it is sampled.
    #[serde(default)]
    pub sampling: Sampling,
}

fn plain() -> PromptFormat {
    PromptFormat::Plain
}

/// Why the executor that a configuration names cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// None or two are named.
    #[error("`executor` needs exactly one of `in_process` and `openai`")]
    Unclear,
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
    /// Whether exactly one is named.
    ///
    /// # Errors
    /// [`OpenError::Unclear`].
    pub fn validate(&self) -> Result<(), OpenError> {
        if self.in_process.is_some() == self.openai.is_some() { Err(OpenError::Unclear) } else { Ok(()) }
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
                Ok(Box::new(InProcess::new(&checkpoint, config.prompt, config.sampling.clone())?))
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
