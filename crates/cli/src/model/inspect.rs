//! `tracelift model inspect`: what a checkpoint, a reward model or an adapter is.

use super::is_reward_model;
use anyhow::Result;
use clap::Args;
use std::path::{Path, PathBuf};
use tracelift_domain::Fingerprint;
use tracelift_domain::rubric::{DIMENSIONS, LABELS, dimension_names};
use tracelift_engine::checkpoint::weight_types;
use tracelift_engine::lora::Lora;
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::{Config, Model, Tokenizer, hub, peft};
use tracelift_reward::RewardModel;

/// Settings of `model inspect`.
#[derive(Args)]
pub struct Inspect {
    /// A checkpoint or adapter: a directory, or `org/name` in the Hugging Face cache.
    pub(super) dir: PathBuf,
}

pub(super) type Facts = Vec<(&'static str, String)>;

/// What there is to say about a directory; everything in it is read, so that what is damaged is found.
pub(super) fn inspect(dir: &Path) -> Result<Facts> {
    let dir = &hub::resolve(dir)?;
    if is_reward_model(dir)? {
        let model = RewardModel::load(dir)?;
        let mut facts = vec![("kind", "reward model".to_owned())];
        facts.extend(describe(&model.backbone, &model.tokenizer));
        let parameters = grouped(model.heads.values().len());
        facts.push(("heads", format!("{DIMENSIONS} × {LABELS} labels and a total, {parameters} parameters")));
        facts.push(("rubric", dimension_names(model.domain).join(", ")));
        facts.push(("input", format!("at most {} tokens", grouped(model.max_tokens))));
        facts.push(fingerprint(&model.fingerprint()));
        return Ok(facts);
    }
    let peft::Opened { checkpoint, base } = peft::open(dir)?;
    let mut facts = vec![("kind", if base.is_some() { "adapter" } else { "language model" }.to_owned())];
    facts.extend(base.as_ref().map(|base| ("base", base.display().to_string())));
    facts.extend(describe(&checkpoint.model, &checkpoint.tokenizer));
    facts.push(("weights", weights(base.as_deref().unwrap_or(dir))?));
    let adapter = checkpoint.model.lora.as_ref().map_or_else(|| "none".to_owned(), describe_adapter);
    facts.push(("adapter", adapter));
    facts.push(fingerprint(&checkpoint.model.fingerprint()));
    Ok(facts)
}

/// The types of the weights, and where there are several, how many weights are of each.
fn weights(dir: &Path) -> Result<String> {
    let types = weight_types(dir)?;
    Ok(match types.len() {
        1 => types.into_keys().collect(),
        _ => {
            let each = |(name, elements): (&String, &usize)| format!("{name} ({})", grouped(*elements));
            types.iter().map(each).collect::<Vec<_>>().join(", ")
        }
    })
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
        ("rotation", rotation(config)),
        ("context", format!("{} tokens", grouped(config.max_positions))),
        ("tokenizer", format!("{} tokens, embedding of {}", grouped(tokens), grouped(rows))),
        ("chat", if tokenizer.chat_template().is_some() { "template" } else { "no template" }.to_owned()),
        ("end tokens", if eos.is_empty() { "none".to_owned() } else { eos.join(", ") }),
    ]
}

/// The base of the rotary embedding, and how it is stretched.
fn rotation(config: &Config) -> String {
    let theta = config.rope_theta;
    match config.rope_scaling {
        Scaling::None => format!("base {theta}"),
        Scaling::Linear { factor } => format!("base {theta}, stretched {factor} times"),
        Scaling::Llama3 { factor, original_positions, .. } => {
            format!("base {theta}, stretched {factor} times from {original_positions} tokens as in Llama 3.1")
        }
        Scaling::Yarn { factor, original_positions, .. } => {
            format!("base {theta}, stretched {factor} times from {original_positions} tokens by YaRN")
        }
    }
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
pub(super) fn grouped(number: usize) -> String {
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
