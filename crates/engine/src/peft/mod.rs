//! Adapters as PEFT directories: `adapter_config.json` and `adapter_model.safetensors`.

mod config;

use crate::checkpoint::{
    Checkpoint, CheckpointError, Outgoing, Precision, TensorFile, io_error, load_writers_tokenizer,
    read_json, read_text, save_tensors,
};
use crate::config::Config;
use crate::lora::{Adaptation, Lora, Projection};
use crate::model::Model;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// What stands before a tensor's name in an adapter's file.
const PREFIX: &str = "base_model.model.";
/// The largest `adapter_config.json` in bytes.
const LARGEST_CONFIG: u64 = 1 << 24;

/// Puts the adapters of a PEFT directory on a model. Weights that the adapter brings along (`modules_to_save`) replace
/// the model's.
///
/// # Errors
/// Names the file and the key or tensor that does not fit; the model is then as it was.
pub fn load(model: &mut Model, dir: &Path) -> Result<(), CheckpointError> {
    let path = dir.join("adapter_config.json");
    let place = |what: &str, next: &str| CheckpointError::Place {
        path: dir.to_owned(),
        what: what.to_owned(),
        next: next.to_owned(),
    };
    let absent = || place("holds no adapter_config.json", "name the directory of a PEFT adapter");
    let text = read_text(&path, LARGEST_CONFIG)?.ok_or_else(absent)?;
    let broken = |message: String| CheckpointError::Json { path: path.clone(), message };
    let mut lora = read_config(&text, &model.config).map_err(broken)?;

    let file_path = dir.join("adapter_model.safetensors");
    if !file_path.exists() {
        return Err(match dir.join("adapter_model.bin").exists() {
            true => place(
                "holds its weights as `adapter_model.bin`, which can run code when it is read",
                "load the adapter with PEFT and save it with `save_pretrained`",
            ),
            false => place("holds no adapter_model.safetensors", "fetch the adapter's weights as well"),
        });
    }
    let mut file = TensorFile::open(&file_path)?;
    // PEFT compares the ends of names here, not those of paths: `norm` is `input_layernorm` too.
    let mut brought = Vec::new();
    for name in file.names() {
        if lora.tensors.iter().any(|tensor| tensor.name == name) {
            continue;
        }
        let place = name.strip_prefix(PREFIX).and_then(|own| {
            let module = own.rsplit_once('.')?.0;
            lora.saved.iter().any(|saved| module.ends_with(saved.as_str())).then_some(())?;
            model.layout.tensors.iter().find(|tensor| tensor.name == own)
        });
        let Some(tensor) = place else {
            return Err(CheckpointError::Unknown { path: file_path, name });
        };
        let mut values = vec![0.0; tensor.range.len()];
        file.read_into(&name, &tensor.shape, &mut values)?;
        brought.push((tensor.clone(), values));
    }
    for saved in &lora.saved {
        // A table that two modules share would no longer be shared.
        if model.config.tied
            && ["lm_head", "model.embed_tokens"].iter().any(|table| table.ends_with(saved.as_str()))
        {
            let message = format!(
                "`modules_to_save` names `{saved}`, but the model's head and embedding are one table"
            );
            return Err(broken(message));
        }
        let found = |(tensor, _): &(crate::params::Tensor, Vec<f32>)| {
            tensor.name.rsplit_once('.').is_some_and(|(module, _)| module.ends_with(saved.as_str()))
        };
        if !brought.iter().any(found) {
            return Err(broken(format!(
                "`modules_to_save` names `{saved}`, of which the file has no weights"
            )));
        }
    }
    for tensor in &lora.tensors {
        file.read_into(&tensor.name, &tensor.shape, &mut lora.values[tensor.range.clone()])?;
    }
    for (tensor, values) in brought {
        model.weights[tensor.range].copy_from_slice(&values);
        lora.brought.push(tensor.name);
    }
    model.lora = Some(lora);
    Ok(())
}

/// A model of which an adapter was named.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The model, adapted.
    pub checkpoint: Checkpoint,
    /// Where the base's weights are, of an adapter.
    pub base: Option<PathBuf>,
}

/// Reads a checkpoint, or an adapter with the base that it names; either may be named as in the Hugging Face cache. A tokenizer
/// that was saved with the adapter is the one that it was trained with.
///
/// # Errors
/// Names the file and what is wrong with it, and of a base that is not here, its name.
pub fn open(dir: &Path) -> Result<Opened, CheckpointError> {
    let dir = &crate::hub::resolve(dir)?;
    let base = base_of(dir)?;
    let mut checkpoint = Checkpoint::load(base.as_deref().unwrap_or(dir))?;
    if dir.join("adapter_config.json").exists() {
        load(&mut checkpoint.model, dir)?;
    }
    if base.is_some() && dir.join("tokenizer.json").exists() {
        checkpoint.tokenizer = load_writers_tokenizer(dir, &checkpoint.model.config)?;
    }
    Ok(Opened { checkpoint, base })
}

/// Reads a checkpoint as [`Checkpoint::load`] does; where the directory holds an adapter and no model, its base with the adapter
/// merged, in `f32`.
///
/// # Errors
/// As [`open`], and where what was merged is not finite.
pub fn open_merged(dir: &Path) -> Result<Checkpoint, CheckpointError> {
    let found = crate::hub::resolve(dir)?;
    if found.join("config.json").exists() || !found.join("adapter_config.json").exists() {
        return Checkpoint::load(&found);
    }
    let Opened { mut checkpoint, .. } = open(&found)?;
    checkpoint.model.merge_lora();
    match checkpoint.model.weights.iter().all(|weight| weight.is_finite()) {
        true => Ok(checkpoint),
        false => Err(CheckpointError::Place {
            path: found,
            what: "merged with its base holds a NaN or an infinity".to_owned(),
            next: "is `base_model_name_or_path` the adapter's base?".to_owned(),
        }),
    }
}

/// Where the weights are that an adapter adapts, if the directory holds an adapter and no weights of its own.
fn base_of(dir: &Path) -> Result<Option<PathBuf>, CheckpointError> {
    if dir.join("config.json").exists() {
        return Ok(None);
    }
    let path = dir.join("adapter_config.json");
    let Some(config) = read_json(&path)? else { return Ok(None) };
    let place =
        |what: String, next: &str| CheckpointError::Place { path: path.clone(), what, next: next.to_owned() };
    let name = config.get("base_model_name_or_path").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        place(
            "has no `base_model_name_or_path`".to_owned(),
            "say there which model it adapts, or merge it: `tracelift model merge ADAPTER OUT --base BASE`",
        )
    })?;
    let lost = |why: &str| {
        let next = "put it where that name leads, or merge the adapter: `tracelift model merge ADAPTER OUT --base BASE`";
        place(format!("names the base model `{name}`, which {why}"), next)
    };
    let base =
        crate::hub::resolve(Path::new(name)).map_err(|error| lost(&format!("cannot be found ({error})")))?;
    match base.is_dir() {
        true => Ok(Some(base)),
        false => Err(lost("is no directory here")),
    }
}

/// The adapters, zero as yet, that the text of an `adapter_config.json` describes for a model.
///
/// # Errors
/// Names the key that does not fit.
pub fn read_config(text: &str, model: &Config) -> Result<Lora, String> {
    let config = config::read(text, model)?;
    let mut lora = Lora::empty(model, config.common, &config.plan);
    lora.saved = config.saved;
    Ok(lora)
}

/// Writes a model's adapters; `base` is what `base_model_name_or_path` says. Nothing is written without adapters.
///
/// # Errors
/// When a file cannot be written.
pub fn save(model: &Model, dir: &Path, base: &str) -> Result<(), CheckpointError> {
    let Some(lora) = &model.lora else { return Ok(()) };
    fs::create_dir_all(dir).map_err(io_error(dir))?;
    let Named { targets, ranks, alphas } = Named::of(lora);
    let saved = if lora.saved.is_empty() { Value::Null } else { json!(lora.saved) };
    let config = json!({
        "alpha_pattern": alphas,
        "base_model_name_or_path": base,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "lora_alpha": lora.config.alpha,
        "lora_dropout": 0.0,
        "modules_to_save": saved,
        "peft_type": "LORA",
        "r": lora.config.rank,
        "rank_pattern": ranks,
        "target_modules": targets,
        "task_type": "CAUSAL_LM",
        "use_dora": false,
        "use_rslora": lora.config.rslora,
    });
    tracelift_files::write(dir.join("adapter_config.json"), format!("{config:#}\n").as_bytes())?;
    let adapters = lora
        .tensors
        .iter()
        .map(|tensor| outgoing(tensor.name.clone(), &tensor.shape, &lora.values[tensor.range.clone()]));
    let brought =
        model.layout.tensors.iter().filter(|tensor| lora.brought.contains(&tensor.name)).map(|tensor| {
            outgoing(format!("{PREFIX}{}", tensor.name), &tensor.shape, &model.weights[tensor.range.clone()])
        });
    save_tensors(&dir.join("adapter_model.safetensors"), adapters.chain(brought).collect())
}

fn outgoing<'v>(name: String, shape: &[usize], values: &'v [f32]) -> Outgoing<'v> {
    Outgoing { name, shape: shape.to_vec(), values: values.into(), precision: Precision::F32 }
}

/// How `adapter_config.json` names what is adapted.
struct Named {
    targets: Vec<String>,
    ranks: Map<String, Value>,
    alphas: Map<String, Value>,
}

impl Named {
    fn of(lora: &Lora) -> Named {
        let mut named = Named { targets: Vec::new(), ranks: Map::new(), alphas: Map::new() };
        let common = Adaptation { rank: lora.config.rank, alpha: lora.config.alpha };
        for projection in Projection::ALL {
            let adapted: Vec<(usize, Adaptation)> = lora.adapted(projection).collect();
            if adapted.len() == lora.layers() {
                named.targets.push(projection.module().to_owned());
            } else {
                let path = |(layer, _): &(usize, Adaptation)| format!("layers.{layer}.{}", projection.path());
                named.targets.extend(adapted.iter().map(path));
            }
            for (layer, adaptation) in adapted {
                // The key is a pattern, in which a dot stands for anything.
                let key = || format!(r"layers\.{layer}\.{}", projection.path().replace('.', r"\."));
                if adaptation.rank != common.rank {
                    named.ranks.insert(key(), json!(adaptation.rank));
                }
                if adaptation.alpha != common.alpha {
                    named.alphas.insert(key(), json!(adaptation.alpha));
                }
            }
        }
        named
    }
}

#[cfg(test)]
mod tests;
