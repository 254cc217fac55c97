//! `adapter_config.json`: which layers of a model are adapted, and how strongly.
//!
//! PEFT names layers by their path (`model.layers.0.self_attn.q_proj`), and a list of targets by the ends of paths, a
//! text by a regular expression for whole paths. Every field either is understood, or is known to change nothing in what
//! a saved adapter computes, or is refused by name.

use crate::config::Config;
use crate::lora::{Adaptation, LoraConfig, Projection};
use regex::Regex;
use serde_json::{Map, Value};

/// No adapter of higher rank is lower than what it adapts.
const LARGEST_RANK: u64 = 65_536;

/// Fields that change nothing in what a saved adapter computes.
const WITHOUT_EFFECT: [&str; 16] = [
    "auto_mapping",
    "base_model_name_or_path",
    "ensure_weight_tying",
    "eva_config",
    "inference_mode",
    "layers_pattern",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
    "velora_config",
];

/// Fields that are read below.
const READ: [&str; 12] = [
    "alpha_pattern",
    "bias",
    "exclude_modules",
    "init_lora_weights",
    "layers_to_transform",
    "lora_alpha",
    "modules_to_save",
    "r",
    "rank_pattern",
    "target_modules",
    "use_rslora",
    "fan_in_fan_out",
];

/// What the file says.
pub(super) struct AdapterConfig {
    /// What most layers share.
    pub common: LoraConfig,
    /// Per block and projection.
    pub plan: Vec<[Option<Adaptation>; 7]>,
    /// The modules whose weights the adapter brings along, as the file names them.
    pub saved: Vec<String>,
}

/// Reads `adapter_config.json` for a model.
pub(super) fn read(text: &str, model: &Config) -> Result<AdapterConfig, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let map = value.as_object().ok_or("the top level is no JSON object")?;
    if map.get("peft_type").and_then(Value::as_str) != Some("LORA") {
        return Err("`peft_type` is not \"LORA\"".into());
    }
    refuse_what_is_not_implemented(map)?;
    let rank = map.get("r").and_then(rank).ok_or("`r` is not a whole number from 1 to 65536")?;
    let alpha = map.get("lora_alpha").and_then(Value::as_f64).ok_or("`lora_alpha` is not a number")?;
    let rslora = match map.get("use_rslora") {
        None | Some(Value::Null) => false,
        Some(value) => value.as_bool().ok_or("`use_rslora` is not a boolean")?,
    };
    let targets = present(map, "target_modules").ok_or("`target_modules` is missing")?;
    let targets = Targets::read("target_modules", targets)?;
    let excluded =
        present(map, "exclude_modules").map(|value| Targets::read("exclude_modules", value)).transpose()?;
    let layers = layers(map)?;
    let ranks = patterns(map, "rank_pattern")?;
    let alphas = patterns(map, "alpha_pattern")?;

    let adaptation = |layer: usize, projection: Projection| -> Result<Option<Adaptation>, String> {
        let path = format!("model.layers.{layer}.{}", projection.path());
        let wanted = targets.matches(&path)
            && !excluded.as_ref().is_some_and(|excluded| excluded.matches(&path))
            && layers.as_ref().is_none_or(|layers| layers.contains(&layer));
        if !wanted {
            return Ok(None);
        }
        let rank = match lookup("rank_pattern", &ranks, &path)? {
            None => rank,
            Some(value) => {
                self::rank(value).ok_or("`rank_pattern` holds something that is no rank (1 to 65536)")?
            }
        };
        let alpha = match lookup("alpha_pattern", &alphas, &path)? {
            None => alpha,
            Some(value) => value.as_f64().ok_or("`alpha_pattern` holds something that is no number")?,
        };
        Ok(Some(Adaptation { rank, alpha }))
    };
    let mut plan = Vec::new();
    for layer in 0..model.layers {
        let mut row = [None; 7];
        for projection in Projection::ALL {
            row[projection as usize] = adaptation(layer, projection)?;
        }
        plan.push(row);
    }
    targets.require_all_known(model)?;
    let adapted = |projection: &Projection| plan.iter().any(|row| row[*projection as usize].is_some());
    let found: Vec<Projection> = Projection::ALL.into_iter().filter(adapted).collect();
    if found.is_empty() {
        return Err("`target_modules` matches no linear layer of the model".into());
    }
    let saved = match present(map, "modules_to_save") {
        None => Vec::new(),
        Some(value) => names(value).ok_or("`modules_to_save` is not a list of names")?,
    };
    Ok(AdapterConfig { common: LoraConfig { rank, alpha, rslora, targets: found }, plan, saved })
}

fn refuse_what_is_not_implemented(map: &Map<String, Value>) -> Result<(), String> {
    for (field, value) in map {
        let empty = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Object(entries) => entries.is_empty(),
            Value::Array(entries) => entries.is_empty(),
            _ => false,
        };
        let accepted = match field.as_str() {
            "bias" => value == "none" || value.is_null(),
            "fan_in_fan_out" => empty,
            // Some ways to begin also change the weights that are adapted, and the adapter alone does not say how.
            "init_lora_weights" => match value.as_str() {
                None => true,
                Some(name) => matches!(name, "gaussian" | "eva" | "orthogonal"),
            },
            name => empty || WITHOUT_EFFECT.contains(&name) || READ.contains(&name),
        };
        if !accepted {
            return Err(format!("`{field}` is {value}, which is not supported"));
        }
    }
    Ok(())
}

fn present<'a>(map: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    map.get(field).filter(|value| !value.is_null())
}

fn rank(value: &Value) -> Option<usize> {
    value.as_u64().filter(|rank| (1..=LARGEST_RANK).contains(rank)).map(|rank| rank as usize)
}

fn names(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

fn layers(map: &Map<String, Value>) -> Result<Option<Vec<usize>>, String> {
    let index = |value: &Value| value.as_u64().and_then(|index| usize::try_from(index).ok());
    let Some(value) = present(map, "layers_to_transform") else { return Ok(None) };
    let list: Option<Vec<usize>> = match value {
        Value::Array(list) => list.iter().map(index).collect(),
        one => index(one).map(|one| vec![one]),
    };
    list.map(Some).ok_or_else(|| "`layers_to_transform` is not a layer's number or a list of them".to_owned())
}

/// Patterns of paths with what holds for them.
fn patterns(map: &Map<String, Value>, field: &'static str) -> Result<Vec<(Regex, Value)>, String> {
    let Some(value) = present(map, field) else { return Ok(Vec::new()) };
    let entries = value.as_object().ok_or_else(|| format!("`{field}` is not a JSON object"))?;
    entries
        .iter()
        .map(|(pattern, value)| Ok((regex(field, &format!(r"^(.*\.)?({pattern})$"))?, value.clone())))
        .collect()
}

/// What holds for a path. Python would take the first pattern that matches, in an order that JSON does not promise.
fn lookup<'a>(field: &str, patterns: &'a [(Regex, Value)], path: &str) -> Result<Option<&'a Value>, String> {
    let mut found = patterns.iter().filter(|(pattern, _)| pattern.is_match(path)).map(|(_, value)| value);
    let first = found.next();
    if found.any(|other| Some(other) != first) {
        return Err(format!("`{field}` holds two patterns for `{path}` that do not say the same"));
    }
    Ok(first)
}

fn regex(field: &str, pattern: &str) -> Result<Regex, String> {
    let bounded = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build();
    bounded.map_err(|error| {
        let reason = error.to_string().lines().last().unwrap_or_default().to_owned();
        format!("`{field}`: the pattern `{pattern}` cannot be used: {reason}")
    })
}

/// Which modules are meant.
enum Targets {
    /// All linear layers but the head.
    AllLinear,
    /// Paths that end with one of these.
    Ends(Vec<String>),
    /// Whole paths.
    Pattern(Regex),
}

impl Targets {
    fn read(field: &str, value: &Value) -> Result<Targets, String> {
        match value {
            Value::String(all) if all == "all-linear" => Ok(Targets::AllLinear),
            Value::String(pattern) => Ok(Targets::Pattern(regex(field, &format!("^(?:{pattern})$"))?)),
            list => names(list)
                .map(Targets::Ends)
                .ok_or_else(|| format!("`{field}` is {value}; a list of names or a pattern is supported")),
        }
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Targets::AllLinear => true,
            Targets::Ends(ends) => ends.iter().any(|end| ends_with(path, end)),
            Targets::Pattern(pattern) => pattern.is_match(path),
        }
    }

    /// Refuses targets that are no linear layer of a block.
    fn require_all_known(&self, model: &Config) -> Result<(), String> {
        let refuse =
            |name: &str| Err(format!("`target_modules` names `{name}`, which is no linear layer of a block"));
        match self {
            Targets::AllLinear => Ok(()),
            Targets::Pattern(pattern) => {
                match ["lm_head", "model.embed_tokens"].into_iter().find(|name| pattern.is_match(name)) {
                    Some(name) => refuse(name),
                    None => Ok(()),
                }
            }
            Targets::Ends(ends) => {
                let known = |end: &&String| {
                    (0..model.layers).any(|layer| {
                        let path =
                            |projection: Projection| format!("model.layers.{layer}.{}", projection.path());
                        Projection::ALL.into_iter().any(|projection| ends_with(&path(projection), end))
                    })
                };
                match ends.iter().find(|end| !known(end)) {
                    Some(name) => refuse(name),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Whether a path is `end`, or ends with it after a dot.
pub(super) fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}
