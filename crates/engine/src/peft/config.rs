//! `adapter_config.json`: which layers of a model are adapted, and how strongly.
//!
//! PEFT names layers by their path (`model.layers.0.self_attn.q_proj`), and a list of targets by the ends of paths, a
//! text by a regular expression for whole paths. Every field either is understood, or is known to change nothing in what
//! a saved adapter computes, or is refused by name.

use crate::config::Config;
use crate::lora::{Adaptation, LoraConfig, Projection};
use fancy_regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

/// No adapter of higher rank is lower than what it adapts.
const LARGEST_RANK: u64 = 65_536;

/// What PEFT takes where a file says nothing; the targets are those of all of these families.
const DEFAULT_RANK: usize = 8;
const DEFAULT_ALPHA: f64 = 8.0;
const DEFAULT_TARGETS: [&str; 2] = ["q_proj", "v_proj"];

/// Fields that change nothing in what a saved adapter computes.
const WITHOUT_EFFECT: [&str; 18] = [
    "auto_mapping",
    "base_model_name_or_path",
    "ensure_weight_tying",
    "eva_config",
    // It speaks of layers that keep their weights transposed, which none of these models has; PEFT sets it to false.
    "fan_in_fan_out",
    "inference_mode",
    "layers_pattern",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "peft_type",
    "peft_version",
    "processor_class",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
    "velora_config",
];

/// Fields that are read below.
const READ: [&str; 11] = [
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
    // Some editors put a byte order mark before a text.
    let text = text.trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let map = value.as_object().ok_or("the top level is no JSON object")?;
    match map.get("peft_type") {
        Some(kind) if kind == "LORA" => {}
        kind => {
            let kind = kind.map_or_else(|| "missing".to_owned(), Value::to_string);
            return Err(format!("`peft_type` is {kind}; only \"LORA\" is supported"));
        }
    }
    refuse_what_is_not_implemented(map)?;
    let rank = match present(map, "r") {
        None => DEFAULT_RANK,
        Some(value) => rank(value).ok_or("`r` is not a whole number from 1 to 65536")?,
    };
    let alpha = match present(map, "lora_alpha") {
        None => DEFAULT_ALPHA,
        Some(value) => finite(value).ok_or("`lora_alpha` is not a number")?,
    };
    let rslora = match map.get("use_rslora") {
        None | Some(Value::Null) => false,
        Some(value) => value.as_bool().ok_or("`use_rslora` is not a boolean")?,
    };
    let targets = match present(map, "target_modules") {
        None => Targets::Ends(DEFAULT_TARGETS.map(str::to_owned).into()),
        Some(value) => Targets::read("target_modules", value)?,
    };
    let excluded =
        present(map, "exclude_modules").map(|value| Targets::read("exclude_modules", value)).transpose()?;
    let layers = layers(map)?;
    let ranks = patterns(map, "rank_pattern")?;
    let alphas = patterns(map, "alpha_pattern")?;

    let adaptation = |layer: usize, projection: Projection| -> Result<Option<Adaptation>, String> {
        let path = format!("model.layers.{layer}.{}", projection.path());
        let excluded = excluded.as_ref().map_or(Ok(false), |excluded| excluded.matches(&path))?;
        let wanted = targets.matches(&path)?
            && !excluded
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
            Some(value) => finite(value).ok_or("`alpha_pattern` holds something that is no number")?,
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
            name if name.starts_with('_') || name.starts_with("unsloth") => true,
            "bias" => value == "none" || value.is_null(),
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

/// A number that scales a layer without ruining it.
fn finite(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| (*number as f32).is_finite())
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
    let list = list.ok_or("`layers_to_transform` is not a layer's number or a list of them")?;
    // As PEFT has it, an empty list leaves none out.
    Ok(Some(list).filter(|list| !list.is_empty()))
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
    let mut found = None;
    for (pattern, value) in patterns {
        if !is_match(pattern, path)? {
            continue;
        }
        if found.is_some_and(|other| other != value) {
            return Err(format!("`{field}` holds two patterns for `{path}` that do not say the same"));
        }
        found = Some(value);
    }
    Ok(found)
}

/// A pattern in the dialect of Python's `re`, with its looks ahead and behind; time and memory are bounded.
fn regex(field: &str, pattern: &str) -> Result<Regex, String> {
    let bounded = RegexBuilder::new(pattern).delegate_size_limit(1 << 21).backtrack_limit(100_000).build();
    bounded.map_err(|error| {
        let reason = error.to_string().lines().last().unwrap_or_default().to_owned();
        format!("`{field}`: the pattern `{pattern}` cannot be used: {reason}")
    })
}

fn is_match(pattern: &Regex, path: &str) -> Result<bool, String> {
    pattern
        .is_match(path)
        .map_err(|error| format!("the pattern `{pattern}` cannot be used on `{path}`: {error}"))
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

    fn matches(&self, path: &str) -> Result<bool, String> {
        match self {
            Targets::AllLinear => Ok(true),
            Targets::Ends(ends) => Ok(ends.iter().any(|end| ends_with(path, end))),
            Targets::Pattern(pattern) => is_match(pattern, path),
        }
    }

    /// Refuses targets that are no linear layer of a block.
    fn require_all_known(&self, model: &Config) -> Result<(), String> {
        let refuse =
            |name: &str| Err(format!("`target_modules` names `{name}`, which is no linear layer of a block"));
        match self {
            Targets::AllLinear => Ok(()),
            Targets::Pattern(pattern) => {
                for name in ["lm_head", "model.embed_tokens"] {
                    if is_match(pattern, name)? {
                        return refuse(name);
                    }
                }
                Ok(())
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
fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}
