//! `tracelift model init`: a checkpoint with random weights.

use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tracelift_domain::Seed;
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::{Checkpoint, Config, Family, Model, Precision, Tokenizer};
use tracelift_train::pretrain::world_tokenizer;
use tracelift_worlds::{World, WorldName};

/// Settings of `model init`.
#[derive(Args)]
pub struct Init {
    /// The directory to make.
    pub(super) out: PathBuf,
    /// The family: qwen2, qwen3 or llama.
    #[arg(long, default_value = "qwen2")]
    family: Family,
    /// Width of the residual stream.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    hidden: u32,
    /// Blocks.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=512))]
    layers: u32,
    /// Attention heads [default: as many as make them at least 32 wide].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    heads: Option<u32>,
    /// Key/value heads [default: half the heads, or 1 if that is not whole].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    kv_heads: Option<u32>,
    /// Channels of a head [default: the width divided by the heads].
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    head_dim: Option<u32>,
    /// Width of the feed-forward layer [default: about 8/3 of the width, in whole vectors].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    intermediate: Option<u32>,
    /// Rows of the embedding [default: as many as the tokenizer has tokens].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    vocabulary: Option<u32>,
    /// The longest sequence in tokens.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    max_positions: u32,
    /// The type in which weights are written: f32, bf16 or f16.
    #[arg(long, default_value = "f32")]
    dtype: Precision,
    /// Of the weights.
    #[arg(long, default_value_t = 18)]
    seed: u64,
    /// A tokenizer.json, with a tokenizer_config.json beside it [default: one token a byte].
    #[arg(long, conflicts_with = "world")]
    tokenizer: Option<PathBuf>,
    /// The tokenizer of this world: steps, words or programs.
    #[arg(long)]
    world: Option<WorldName>,
}

/// Makes the checkpoint.
pub(super) fn init(settings: &Init) -> Result<()> {
    refuse_if_taken(&settings.out)?;
    let tokenizer = tokenizer(settings)?;
    let config = shape(settings, &tokenizer)?;
    let model = Model::random(config, Seed(settings.seed).child("weights", 0));
    let out = &settings.out;
    let checkpoint = Checkpoint { model, tokenizer };
    checkpoint.save(out, settings.dtype).with_context(|| format!("failed to save {}", out.display()))
}

/// A new model goes where nothing is yet.
pub(super) fn refuse_if_taken(out: &Path) -> Result<()> {
    let mut entries = match fs::read_dir(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.with_context(|| format!("failed to look into {}", out.display()))?,
    };
    if let Some(entry) = entries.next() {
        let entry = entry.with_context(|| format!("failed to look into {}", out.display()))?.file_name();
        let (out, entry) = (out.display(), entry.display());
        bail!("{out} already holds `{entry}`; choose a new or empty directory");
    }
    Ok(())
}

fn tokenizer(settings: &Init) -> Result<Tokenizer> {
    if let Some(world) = settings.world {
        return Ok(world_tokenizer(&World::new(world))?);
    }
    let Some(path) = &settings.tokenizer else { return Ok(Tokenizer::byte_level()?) };
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

/// The shape asked for; what was left open is derived from the width.
fn shape(settings: &Init, tokenizer: &Tokenizer) -> Result<Config> {
    let hidden = settings.hidden as usize;
    let heads = match settings.heads {
        Some(heads) => heads as usize,
        // Heads must divide the width, and have an even number of channels to be rotated.
        None => (1..=hidden / 32).rev().find(|heads| hidden.is_multiple_of(heads * 2)).unwrap_or(1),
    };
    let kv_heads = match settings.kv_heads {
        Some(kv_heads) => kv_heads as usize,
        None if heads.is_multiple_of(2) => heads / 2,
        None => 1,
    };
    let intermediate = settings.intermediate.map(|width| width as usize);
    let tokens = tokenizer.vocabulary();
    let vocabulary = settings.vocabulary.map_or(tokens, |rows| rows as usize);
    if vocabulary < tokens {
        bail!("--vocabulary is {vocabulary}, but the tokenizer has {tokens} tokens; each needs a row");
    }
    let config = Config {
        family: settings.family,
        vocab_size: vocabulary,
        hidden_size: hidden,
        intermediate_size: intermediate.unwrap_or((hidden * 8 / 3).next_multiple_of(32)),
        layers: settings.layers as usize,
        heads,
        kv_heads,
        head_dim: match settings.head_dim {
            Some(head_dim) => head_dim as usize,
            None => Config::even_heads(hidden, heads).context(NO_MODEL)?,
        },
        rope_theta: 10_000.0,
        rope_scaling: Scaling::None,
        norm_eps: 1e-6,
        attention_bias: false,
        mlp_bias: false,
        tied: true,
        max_positions: settings.max_positions as usize,
        eos_tokens: tokenizer.eos().to_vec(),
    };
    config.validated().context(NO_MODEL)
}

const NO_MODEL: &str = "these sizes make no model; see --hidden, --heads, --kv-heads and --head-dim";
