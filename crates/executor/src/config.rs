//! Which executor a configuration file names.

use crate::in_process::{self, InProcessError};
use crate::{Executor, InProcess, OpenAi, OpenAiConfig, Sampling};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tracelift_domain::SettingError;
use tracelift_engine::{Checkpoint, CheckpointError, Numbers, Tokenizer, hub};
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
    /// The numbers in which products are computed: `f32`, `bf16` or `int8`.
    #[serde(default, skip_serializing_if = "Numbers::is_default")]
    pub numbers: Numbers,
}

impl InProcessConfig {
    /// Whether it is of the model that `model` names: two names may mean one directory, of this machine or of the hub's cache.
    #[must_use]
    pub fn is_of(&self, model: &Path) -> bool {
        let place = |path: &Path| hub::resolve(path).ok().and_then(|dir| dir.canonicalize().ok());
        self.model == model || place(model).is_some_and(|placed| Some(placed) == place(&self.model))
    }

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
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// A setting of the server, seen from the top of the file. Those of prompts go by their whole names already.
fn of_openai(error: SettingError) -> SettingError {
    if error.key().starts_with("executor.") { error } else { error.under("executor.openai") }
}

fn unclear() -> SettingError {
    SettingError::new("executor", "needs exactly one of `in_process` and `openai`")
}

impl ExecutorConfig {
    /// Checks what can be checked without a model or a server.
    ///
    /// # Errors
    /// The first setting of `[executor]` that makes no sense.
    pub fn validate(&self) -> Result<(), SettingError> {
        match (&self.in_process, &self.openai) {
            (Some(config), None) => {
                // Any layout will do to try the texts.
                const PROMPT: &str = "executor.in_process.prompt";
                ExecutorPrompt::new(PROMPT, &config.prompt, Layout::Plain)
                    .map_err(|error| error.in_section(PROMPT))?;
                config.sampling.validate().map_err(|error| error.under(in_process::SAMPLING))
            }
            (None, Some(config)) => config.validate().map_err(of_openai),
            _ => Err(unclear()),
        }
    }

    /// The executor: a checkpoint is loaded, a server is not yet asked anything.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open(&self) -> Result<Box<dyn Executor>, OpenError> {
        self.open_beside(None)
    }

    /// [`ExecutorConfig::open`] beside a checkpoint that is loaded: an executor of the same directory shares its weights, where
    /// they are frozen.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open_beside(&self, loaded: Option<(&Path, &Checkpoint)>) -> Result<Box<dyn Executor>, OpenError> {
        self.validate()?;
        match (&self.in_process, &self.openai) {
            (Some(config), None) => {
                let shared =
                    loaded.filter(|(path, checkpoint)| checkpoint.model.is_frozen() && config.is_of(path));
                let checkpoint = match shared {
                    Some((_, Checkpoint { model, tokenizer })) => {
                        Checkpoint { model: model.base(), tokenizer: tokenizer.clone() }
                    }
                    None => Checkpoint::load(&config.model).map_err(|source| OpenError::Checkpoint {
                        model: config.model.clone(),
                        source: source.into(),
                    })?,
                };
                let InProcessConfig { prompt, sampling, numbers, .. } = config;
                Ok(Box::new(InProcess::new(&checkpoint, prompt, sampling.clone(), *numbers)?))
            }
            (None, Some(config)) => {
                let executor = OpenAi::new(config.clone());
                Ok(Box::new(executor.map_err(of_openai)?))
            }
            _ => Err(unclear().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Call;
    use tracelift_domain::{Question, Seed, TaskDomain};
    use tracelift_engine::{Config, LoraConfig, Model, Precision, Projection};
    use tracelift_testing::TinyModel;

    #[test]
    fn an_executor_is_one_or_the_other() {
        let read = |text: &str| toml::from_str::<ExecutorConfig>(text).unwrap();
        assert_eq!(read("").validate(), Err(unclear()));
        assert!(read("").open().is_err_and(|error| error.to_string() == unclear().to_string()));
        let config = read("[in_process]\nmodel = \"nowhere\"");
        assert!(config.validate().is_ok());
        let message = config.open().map(|_| ()).unwrap_err().to_string();
        assert!(message.starts_with("failed to load the executor from nowhere: "), "{message}");
    }

    #[test]
    fn an_executor_of_a_frozen_planners_directory_is_the_same_and_takes_its_weights() {
        let desk = tempfile::tempdir().unwrap();
        let tiny = Config::from_json(&TinyModel::BYTES.config()).unwrap();
        let mut model = Model::random(tiny, Seed(4));
        // Weights that bf16 holds.
        model.weights.iter_mut().for_each(|w| *w = f32::from_bits(w.to_bits() & 0xffff_0000));
        let tokenizer = Tokenizer::byte_level().unwrap();
        Checkpoint { model, tokenizer }.save(&desk.path().join("base"), Precision::Bf16).unwrap();
        let mut planner = Checkpoint::load(&desk.path().join("base")).unwrap();
        planner.model = planner.model.with_lora(
            LoraConfig { rank: 2, alpha: 4.0, rslora: false, targets: Projection::ALL.to_vec() },
            Seed(5),
        );
        planner.model.freeze();
        let named = |name: &str| {
            let config = format!(
                "[in_process]\nmodel = {:?}\nsampling = {{ temperature = 1.0, max_tokens = 9 }}",
                desk.path().join(name)
            );
            toml::from_str::<ExecutorConfig>(&config).unwrap()
        };
        let alone = named("base").open().unwrap();
        // Another way to write the same place.
        let beside = named("base/../base").open_beside(Some((&desk.path().join("base"), &planner))).unwrap();
        assert_eq!(alone.fingerprint(), beside.fingerprint());
        let question = Question::new("q", TaskDomain::Math, "What is one and one?");
        let calls: Vec<Call<'_>> =
            (0..3).map(|seed| Call { question: &question, trace: None, seed: Seed(seed) }).collect();
        let said = |executor: &dyn Executor| -> Vec<String> {
            executor.run(&calls).into_iter().map(|completion| completion.unwrap().text).collect()
        };
        assert_eq!(said(alone.as_ref()), said(beside.as_ref()));
        // Weights that are there need not be read: what was there at the time of the planner counts.
        std::fs::remove_file(desk.path().join("base/model.safetensors")).unwrap();
        assert!(named("base").open_beside(Some((&desk.path().join("base"), &planner))).is_ok());
        assert!(named("base").open().is_err(), "the weights are gone");
        assert!(named("other").open_beside(Some((&desk.path().join("base"), &planner))).is_err());
    }
}
