//! `tracelift model …`: make a checkpoint from nothing, and look at one.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tracelift_domain::rubric::{DIMENSIONS, LABELS, dimension_names};
use tracelift_domain::{Fingerprint, Seed};
use tracelift_engine::lora::Lora;
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::{Checkpoint, Config, Family, Model, Precision, Tokenizer, peft};
use tracelift_reward::RewardModel;
use tracelift_train::pretrain::world_tokenizer;
use tracelift_worlds::{World, WorldName};

/// What to do with a model.
#[derive(Subcommand)]
pub enum ModelCommand {
    /// Make a checkpoint with random weights.
    Init(Init),
    /// Print what a checkpoint, a reward model or an adapter is.
    Inspect(Inspect),
}

/// Settings of `model init`.
#[derive(Args)]
pub struct Init {
    /// The directory to make.
    out: PathBuf,
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

/// Settings of `model inspect`.
#[derive(Args)]
pub struct Inspect {
    /// A checkpoint directory.
    dir: PathBuf,
}

/// Runs a model command.
pub fn run(command: &ModelCommand) -> Result<()> {
    let dir = match command {
        ModelCommand::Init(settings) => {
            init(settings)?;
            &settings.out
        }
        ModelCommand::Inspect(settings) => &settings.dir,
    };
    let facts = inspect(dir).with_context(|| format!("failed to read the model in {}", dir.display()))?;
    for (name, value) in facts {
        println!("{name:<12}  {value}");
    }
    Ok(())
}

fn init(settings: &Init) -> Result<()> {
    refuse_if_taken(&settings.out)?;
    let tokenizer = tokenizer(settings)?;
    let config = shape(settings, &tokenizer)?;
    let model = Model::random(config, Seed(settings.seed).child("weights", 0));
    let out = &settings.out;
    let checkpoint = Checkpoint { model, tokenizer };
    checkpoint.save(out, Precision::F32).with_context(|| format!("failed to save {}", out.display()))
}

/// A new model goes where nothing is yet.
fn refuse_if_taken(out: &Path) -> Result<()> {
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

/// Whether a directory's `config.json` describes a reward model; not if there is none.
pub fn is_reward_model(dir: &Path) -> Result<bool> {
    Ok(read_json(&dir.join("config.json"))?.is_some_and(|config| config.get("rm_dimension_names").is_some()))
}

/// A JSON file, `None` if it is not there.
fn read_json(path: &Path) -> Result<Option<Value>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("failed to read {}", path.display()))?,
    };
    let value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    Ok(Some(value))
}

type Facts = Vec<(&'static str, String)>;

/// What there is to say about a directory; everything in it is read, so that what is damaged is found.
fn inspect(dir: &Path) -> Result<Facts> {
    if is_reward_model(dir)? {
        let model = RewardModel::load(dir)?;
        let mut facts = vec![("kind", "reward model".to_owned())];
        facts.extend(describe(&model.backbone, &model.tokenizer));
        let parameters = grouped(model.heads.len());
        facts.push(("heads", format!("{DIMENSIONS} × {LABELS} labels and a total, {parameters} parameters")));
        facts.push(("rubric", dimension_names(model.domain).join(", ")));
        facts.push(("input", format!("at most {} tokens", grouped(model.max_tokens))));
        facts.push(fingerprint(&model.fingerprint()));
        return Ok(facts);
    }
    let base = base_of(dir)?;
    let mut checkpoint = Checkpoint::load(base.as_deref().unwrap_or(dir))?;
    let mut facts = vec![("kind", if base.is_some() { "adapter" } else { "language model" }.to_owned())];
    facts.extend(base.map(|base| ("base", base.display().to_string())));
    if dir.join("adapter_config.json").exists() {
        peft::load(&mut checkpoint.model, dir)?;
    }
    facts.extend(describe(&checkpoint.model, &checkpoint.tokenizer));
    let adapter = checkpoint.model.lora.as_ref().map_or_else(|| "none".to_owned(), describe_adapter);
    facts.push(("adapter", adapter));
    facts.push(fingerprint(&checkpoint.model.fingerprint()));
    Ok(facts)
}

/// Where the weights are that an adapter adapts, if the directory holds an adapter and no weights of its own.
fn base_of(dir: &Path) -> Result<Option<PathBuf>> {
    if dir.join("config.json").exists() {
        return Ok(None);
    }
    let path = dir.join("adapter_config.json");
    let Some(config) = read_json(&path)? else { return Ok(None) };
    let base = config.get("base_model_name_or_path").and_then(Value::as_str);
    let base = base.with_context(|| format!("{}: `base_model_name_or_path` is missing", path.display()))?;
    if !Path::new(base).is_dir() {
        bail!(
            "{}: the base model `{base}` is no directory here; go to where that path leads to it",
            path.display()
        );
    }
    Ok(Some(base.into()))
}

fn describe(model: &Model, tokenizer: &Tokenizer) -> Facts {
    let config = &model.config;
    let Config { layers, hidden_size, heads, kv_heads, intermediate_size, .. } = config;
    let head_dim = config.head_dim();
    let eos = if tokenizer.eos().is_empty() { &config.eos_tokens } else { tokenizer.eos() };
    let name = |id: &u32| format!("{} ({id})", tokenizer.token(*id).unwrap_or_else(|| "unknown".to_owned()));
    let eos: Vec<String> = eos.iter().map(name).collect();
    let (tokens, rows) = (tokenizer.vocabulary(), config.vocab_size);
    vec![
        ("family", config.family.title().to_owned()),
        ("parameters", grouped(model.parameters())),
        (
            "shape",
            format!(
                "width {hidden_size}, layers {layers}, heads {heads} of {head_dim} (key/value {kv_heads}), \
                 feed-forward {intermediate_size}"
            ),
        ),
        ("output", if config.tied { "tied to the embedding" } else { "a matrix of its own" }.to_owned()),
        ("context", format!("{} tokens", grouped(config.max_positions))),
        ("tokenizer", format!("{} tokens, embedding of {}", grouped(tokens), grouped(rows))),
        ("end tokens", if eos.is_empty() { "none".to_owned() } else { eos.join(", ") }),
    ]
}

fn describe_adapter(lora: &Lora) -> String {
    let config = &lora.config;
    let targets: Vec<&str> = config.targets.iter().map(|target| target.module()).collect();
    let scaling = if config.rslora { ", rsLoRA" } else { "" };
    let (rank, alpha, targets) = (config.rank, config.alpha, targets.join(", "));
    format!("rank {rank}, α {alpha}{scaling}, {} parameters, on {targets}", grouped(lora.values.len()))
}

fn fingerprint(fingerprint: &Fingerprint) -> (&'static str, String) {
    ("fingerprint", fingerprint.as_str().to_owned())
}

/// Digits in groups of three.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        let numbers = [0, 999, 1000, 12_345, 1_234_567];
        assert_eq!(numbers.map(grouped), ["0", "999", "1,000", "12,345", "1,234,567"]);
    }
}
