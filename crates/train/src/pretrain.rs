//! The base planner and the frozen executor of a world: what they are pre-trained on.
//!
//! A planner trained from scratch on clean traces is all or nothing, so headroom comes from the corpus: the base
//! planner learns from traces in which each step may be flawed, as text in the world is. The executor learns to
//! follow traces, sometimes to recover from flawed ones, and to answer without any as well as a small model can;
//! the shares of these decide how far its two arms lie apart.

use crate::sft::{Example, SftConfig};
use rand::Rng;
use serde::{Deserialize, Serialize};
use tracelift_domain::{Seed, SettingError};
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_engine::{Config, Family, Tokenizer};
use tracelift_worlds::{Noise, Split, World, WorldName, corpus, tokenizer};

/// Problems with an index below this are for pre-training; those above are for everything after it.
pub const PRETRAINING_PROBLEMS: u64 = 1 << 32;

/// How a world's models are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainConfig {
    /// Width of both models.
    pub hidden: usize,
    /// Their blocks.
    pub layers: usize,
    /// How the planner is trained.
    pub planner: SftConfig,
    /// Flaws in the planner's corpus, per step.
    pub planner_noise: Noise,
    /// How the executor is trained.
    pub executor: SftConfig,
    /// Share of the executor's texts that have no trace.
    pub without_trace: f64,
    /// Share of its traces that may be flawed.
    pub flawed: f64,
    /// Flaws in those, per step.
    pub executor_noise: Noise,
    /// Share of flawed traces that are followed to the letter; the rest are recovered from.
    pub follow: f64,
}

impl PretrainConfig {
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn validate(&self) -> Result<(), SettingError> {
        for (part, sft) in [("planner", &self.planner), ("executor", &self.executor)] {
            sft.validate().map_err(|error| error.under(part))?;
        }
        let share =
            |key, value: f64| (key, (0.0..=1.0).contains(&value), value.to_string(), "a share from 0 to 1");
        let size =
            |key, value: usize| (key, (1..=65_536).contains(&value), value.to_string(), "from 1 to 65536");
        let checks = [
            size("hidden", self.hidden),
            size("layers", self.layers),
            share("planner_noise.spoiling", self.planner_noise.spoiling),
            share("planner_noise.benign", self.planner_noise.benign),
            share("executor_noise.spoiling", self.executor_noise.spoiling),
            share("executor_noise.benign", self.executor_noise.benign),
            share("without_trace", self.without_trace),
            share("flawed", self.flawed),
            share("follow", self.follow),
        ];
        SettingError::first(checks)
    }

    /// The settings behind the checkpoints that come with the project.
    #[must_use]
    pub fn of(world: WorldName) -> PretrainConfig {
        let sft =
            SftConfig { steps: 4000, batch: 32, learning_rate: 2e-3, warmup: 100, ..SftConfig::default() };
        let base = PretrainConfig {
            hidden: 128,
            layers: 4,
            planner: sft,
            planner_noise: Noise { spoiling: 0.06, benign: 0.08 },
            executor: sft,
            without_trace: 0.3,
            flawed: 0.5,
            executor_noise: Noise { spoiling: 0.1, benign: 0.1 },
            follow: 0.7,
        };
        match world {
            // Programs are learned so well without traces that only a few such texts leave traces something to add.
            WorldName::Programs => {
                let executor = SftConfig { steps: 2000, ..sft };
                PretrainConfig { executor, without_trace: 0.05, ..base }
            }
            // Answers without a trace take a small model longer to learn here than anywhere else.
            WorldName::Words => PretrainConfig { without_trace: 0.45, ..base },
            WorldName::Steps => {
                let sft = SftConfig { steps: 3000, ..sft };
                let planner_noise = Noise { spoiling: 0.05, benign: 0.08 };
                PretrainConfig { planner: sft, executor: sft, planner_noise, ..base }
            }
        }
    }

    /// The shape of both models.
    #[must_use]
    pub fn model(&self, vocabulary: usize) -> Config {
        let heads = (self.hidden / 32).max(1);
        Config {
            family: Family::Qwen2,
            vocab_size: vocabulary,
            hidden_size: self.hidden,
            // About 8/3 of the width, in whole vectors.
            intermediate_size: (self.hidden * 8 / 3).next_multiple_of(32),
            layers: self.layers,
            heads,
            kv_heads: (self.hidden / 64).max(1),
            head_dim: self.hidden / heads,
            rope_theta: 10_000.0,
            rope_scaling: Scaling::None,
            norm_eps: 1e-6,
            attention_bias: false,
            mlp_bias: false,
            tied: true,
            max_positions: 1024,
            eos_tokens: vec![EOS],
        }
    }
}

/// `<eos>` in every world's vocabulary.
const EOS: u32 = 1;

/// A world's tokenizer.
///
/// # Errors
/// When the `tokenizers` crate refuses it.
pub fn world_tokenizer(world: &World) -> Result<Tokenizer, TokenizerError> {
    let mut tokenizer = Tokenizer::from_json(&tokenizer::tokenizer_json(world).to_string())?;
    tokenizer.set_eos(vec![EOS]);
    Ok(tokenizer)
}

/// Which of the two is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The base planner.
    Planner,
    /// The frozen executor.
    Executor,
}

/// A name that is neither.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither planner nor executor")]
pub struct UnknownPart(String);

impl std::str::FromStr for Part {
    type Err = UnknownPart;
    fn from_str(name: &str) -> Result<Part, UnknownPart> {
        match name {
            "planner" => Ok(Part::Planner),
            "executor" => Ok(Part::Executor),
            other => Err(UnknownPart(other.to_owned())),
        }
    }
}

/// A world's texts, by position.
pub struct Corpus<'a> {
    /// The world.
    pub world: &'a World,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Shares and noise.
    pub config: &'a PretrainConfig,
    /// Whose corpus.
    pub part: Part,
    /// Of everything in it.
    pub seed: Seed,
    /// Which templates: training, or test for a look at what is left to learn.
    pub split: Split,
}

impl Corpus<'_> {
    /// The `position`-th text.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn example(&self, position: u64) -> Result<Example, TokenizerError> {
        let instance = self.world.instance(self.seed, self.split, position % PRETRAINING_PROBLEMS);
        let seed = self.seed.child("text", position);
        let mut rng = seed.rng();
        let (text, given) = match self.part {
            Part::Planner => {
                let trace = instance.noisy_trace(&self.config.planner_noise, seed.child("noise", 0)).trace;
                let given = corpus::planner_prompt(&instance.problem().question);
                (corpus::planner_text(&instance, &trace), given)
            }
            Part::Executor if rng.random_bool(self.config.without_trace) => {
                let given = corpus::executor_prompt(&instance.problem().question, None);
                (corpus::executor_text(&instance, None, &instance.gold_artifact()), given)
            }
            Part::Executor => {
                let flawed = rng.random_bool(self.config.flawed);
                let noise = if flawed { self.config.executor_noise } else { Noise::NONE };
                let noisy = instance.noisy_trace(&noise, seed.child("noise", 0));
                let followed = rng.random_bool(self.config.follow).then_some(noisy.implied).flatten();
                let artifact = followed.unwrap_or_else(|| instance.gold_artifact());
                // Supervised from the trace on: a small executor learns little from answers alone.
                let given = corpus::planner_prompt(&instance.problem().question);
                (corpus::executor_text(&instance, Some(&noisy.trace), &artifact), given)
            }
        };
        let tokens = self.tokenizer.encode(&text)?;
        Ok(Example { tokens, supervised_from: self.tokenizer.encode(&given)?.len() })
    }

    /// The texts of a step.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn batch(&self, step: u64, size: usize) -> Result<Vec<Example>, TokenizerError> {
        (0..size as u64).map(|i| self.example(step * size as u64 + i)).collect()
    }
}
