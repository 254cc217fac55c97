//! A model from nothing: a family, sizes and a tokenizer.

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tracelift_domain::Seed;
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::{Checkpoint, Config, Family, Model, Tokenizer};
use tracelift_train::pretrain::world_tokenizer;
use tracelift_worlds::{World, WorldName};

/// What is asked for; what is left open follows from the width.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scratch {
    /// The family: qwen2, qwen3 or llama.
    #[arg(long, default_value = "qwen2")]
    pub family: Family,
    /// Width of the residual stream.
    #[arg(long, default_value_t = 128)]
    pub hidden: usize,
    /// Blocks.
    #[arg(long, default_value_t = 4)]
    pub layers: usize,
    /// Attention heads [default: as many as make them at least 32 wide].
    #[arg(long)]
    pub heads: Option<usize>,
    /// Key/value heads [default: half the heads, or 1 if that is not whole].
    #[arg(long)]
    pub kv_heads: Option<usize>,
    /// Channels of a head [default: the width divided by the heads].
    #[arg(long)]
    pub head_dim: Option<usize>,
    /// Width of the feed-forward layer [default: about 8/3 of the width, in whole vectors].
    #[arg(long)]
    pub intermediate: Option<usize>,
    /// Rows of the embedding [default: as many as the tokenizer has tokens].
    #[arg(long)]
    pub vocabulary: Option<usize>,
    /// The longest sequence in tokens.
    #[arg(long, default_value_t = 4096)]
    pub max_positions: usize,
    /// A tokenizer.json or a directory with one, and a tokenizer_config.json beside it; or that of a world: steps, words or
    /// programs [default: one token a byte].
    #[arg(long, alias = "world")]
    pub tokenizer: Option<String>,
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch {
            family: Family::Qwen2,
            hidden: 128,
            layers: 4,
            heads: None,
            kv_heads: None,
            head_dim: None,
            intermediate: None,
            vocabulary: None,
            max_positions: 4096,
            tokenizer: None,
        }
    }
}

impl Scratch {
    /// The model, with random weights.
    ///
    /// # Errors
    /// When the tokenizer cannot be read or the sizes make no model.
    pub fn checkpoint(&self, seed: Seed) -> Result<Checkpoint> {
        self.check_sizes()?;
        let tokenizer = self.tokenizer()?;
        let model = Model::random(self.shape(&tokenizer)?, seed.child("weights", 0));
        Ok(Checkpoint { model, tokenizer })
    }

    /// Sizes for which there is memory, at least on some machine.
    fn check_sizes(&self) -> Result<()> {
        let sizes = [
            ("hidden", Some(self.hidden), 2, 65_536),
            ("layers", Some(self.layers), 1, 512),
            ("heads", self.heads, 1, 65_536),
            ("kv-heads", self.kv_heads, 1, 65_536),
            ("head-dim", self.head_dim, 2, 65_536),
            ("intermediate", self.intermediate, 1, 1_048_576),
            ("vocabulary", self.vocabulary, 1, 16_777_216),
            ("max-positions", Some(self.max_positions), 1, 16_777_216),
        ];
        for (name, size, least, most) in sizes {
            if let Some(size) = size.filter(|size| !(least..=most).contains(size)) {
                bail!("{name} is {size}; it must be from {least} to {most}");
            }
        }
        Ok(())
    }

    fn tokenizer(&self) -> Result<Tokenizer> {
        let Some(name) = &self.tokenizer else { return Ok(Tokenizer::byte_level()?) };
        if let Ok(world) = name.parse::<WorldName>() {
            return Ok(world_tokenizer(&World::new(world))?);
        }
        let path = Path::new(name);
        let path = if path.is_dir() { &path.join("tokenizer.json") } else { path };
        let tokenizer = Tokenizer::read(path).context("failed to read the tokenizer")?;
        if tokenizer.eos().is_empty() {
            let config = path.with_file_name("tokenizer_config.json");
            bail!(
                "nothing says which token of {} ends a text; name one of its tokens as `eos_token` in {}",
                path.display(),
                config.display()
            );
        }
        Ok(tokenizer)
    }

    /// The shape asked for.
    fn shape(&self, tokenizer: &Tokenizer) -> Result<Config> {
        let hidden = self.hidden;
        let heads = match self.heads {
            Some(heads) => heads,
            // Heads must divide the width, and have an even number of channels to be rotated.
            None => (1..=hidden / 32).rev().find(|heads| hidden.is_multiple_of(heads * 2)).unwrap_or(1),
        };
        let kv_heads = match self.kv_heads {
            Some(kv_heads) => kv_heads,
            None if heads.is_multiple_of(2) => heads / 2,
            None => 1,
        };
        let tokens = tokenizer.vocabulary();
        let vocabulary = self.vocabulary.unwrap_or(tokens);
        if vocabulary < tokens {
            bail!("the vocabulary is {vocabulary}, but the tokenizer has {tokens} tokens; each needs a row");
        }
        let config = Config {
            family: self.family,
            vocab_size: vocabulary,
            hidden_size: hidden,
            intermediate_size: self.intermediate.unwrap_or((hidden * 8 / 3).next_multiple_of(32)),
            layers: self.layers,
            heads,
            kv_heads,
            head_dim: match self.head_dim {
                Some(head_dim) => head_dim,
                None => Config::even_heads(hidden, heads).context(NO_MODEL)?,
            },
            rope_theta: 10_000.0,
            rope_scaling: Scaling::None,
            norm_eps: 1e-6,
            attention_bias: false,
            mlp_bias: false,
            tied: true,
            max_positions: self.max_positions,
            eos_tokens: tokenizer.eos().to_vec(),
        };
        config.validated().context(NO_MODEL)
    }
}

const NO_MODEL: &str = "these sizes make no model; see hidden, heads, kv-heads and head-dim";
