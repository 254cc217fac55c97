//! Adapters as PEFT directories: `adapter_config.json` and `adapter_model.safetensors`.

use crate::checkpoint::{
    CheckpointError, Outgoing, Precision, io_error, save_tensors, widen, write_atomically,
};
use crate::lora::{Lora, LoraConfig, Projection};
use crate::model::Model;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tracelift_domain::Seed;

/// Puts the adapters of a PEFT directory on a model.
///
/// # Errors
/// Names the file and the key or tensor that does not fit.
pub fn load(model: &mut Model, dir: &Path) -> Result<(), CheckpointError> {
    let path = dir.join("adapter_config.json");
    let text = fs::read_to_string(&path).map_err(io_error(&path))?;
    let config =
        read_config(&text).map_err(|message| CheckpointError::Json { path: path.clone(), message })?;
    let mut lora = Lora::new(&model.config, config, Seed(0));
    let path = dir.join("adapter_model.safetensors");
    let bytes = fs::read(&path).map_err(io_error(&path))?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|source| CheckpointError::Format { path: path.clone(), source })?;
    for name in tensors.names() {
        if !lora.tensors.iter().any(|tensor| tensor.name == *name) {
            return Err(CheckpointError::Unknown { path, name: (*name).to_owned() });
        }
    }
    for tensor in &lora.tensors {
        let Ok(view) = tensors.tensor(&tensor.name) else {
            return Err(CheckpointError::Missing { path, name: tensor.name.clone() });
        };
        if view.shape() != tensor.shape {
            return Err(CheckpointError::Shape {
                path,
                name: tensor.name.clone(),
                found: view.shape().to_vec(),
                expected: tensor.shape.clone(),
            });
        }
        widen(&path, &tensor.name, &view, &mut lora.values[tensor.range.clone()])?;
    }
    model.lora = Some(lora);
    Ok(())
}

/// Writes a model's adapters; `base` is what `base_model_name_or_path` says. Nothing is written without adapters.
///
/// # Errors
/// When a file cannot be written.
pub fn save(model: &Model, dir: &Path, base: &str) -> Result<(), CheckpointError> {
    let Some(lora) = &model.lora else { return Ok(()) };
    fs::create_dir_all(dir).map_err(io_error(dir))?;
    let targets: Vec<&str> = lora.config.targets.iter().map(|target| target.module()).collect();
    let config = json!({
        "base_model_name_or_path": base,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "lora_alpha": lora.config.alpha,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": lora.config.rank,
        "target_modules": targets,
        "task_type": "CAUSAL_LM",
        "use_dora": false,
        "use_rslora": lora.config.rslora,
    });
    write_atomically(&dir.join("adapter_config.json"), format!("{config:#}\n").as_bytes())?;
    let tensors = lora.tensors.iter().map(|tensor| Outgoing {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        values: &lora.values[tensor.range.clone()],
        precision: Precision::F32,
    });
    save_tensors(&dir.join("adapter_model.safetensors"), tensors.collect())
}

fn read_config(text: &str) -> Result<LoraConfig, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if value.get("peft_type").and_then(Value::as_str) != Some("LORA") {
        return Err("`peft_type` is not \"LORA\"".into());
    }
    // Each of these changes what an adapter computes.
    for (key, plain) in [
        ("bias", json!("none")),
        ("fan_in_fan_out", json!(false)),
        ("use_dora", json!(false)),
        ("modules_to_save", Value::Null),
        ("rank_pattern", json!({})),
        ("alpha_pattern", json!({})),
        ("layers_to_transform", Value::Null),
        ("layer_replication", Value::Null),
        ("exclude_modules", Value::Null),
        ("target_parameters", Value::Null),
    ] {
        if let Some(found) = value.get(key)
            && *found != plain
            && !found.is_null()
        {
            return Err(format!("`{key}` is {found}, but only {plain} is supported"));
        }
    }
    let rank = value
        .get("r")
        .and_then(Value::as_u64)
        .filter(|&r| r > 0)
        .ok_or("`r` is not a whole number above 0")?;
    let alpha = value.get("lora_alpha").and_then(Value::as_f64).ok_or("`lora_alpha` is not a number")?;
    let rslora = value.get("use_rslora").and_then(Value::as_bool).unwrap_or(false);
    let modules = value.get("target_modules").ok_or("`target_modules` is missing")?;
    let targets = match modules {
        Value::String(all) if all == "all-linear" => Projection::ALL.to_vec(),
        Value::Array(names) => {
            let mut targets = Vec::new();
            for name in names {
                let found = Projection::ALL.into_iter().find(|p| name == p.module());
                targets.push(found.ok_or_else(|| {
                    format!("`target_modules` names {name}, which is no linear layer here")
                })?);
            }
            targets.sort_unstable();
            targets
        }
        other => return Err(format!("`target_modules` is {other}; a list of module names is supported")),
    };
    Ok(LoraConfig { rank: rank as usize, alpha, rslora, targets })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_supported_is_named() {
        let base = json!({"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]});
        for (key, value) in [
            ("use_dora", json!(true)),
            ("modules_to_save", json!(["lm_head"])),
            ("r", json!(0)),
            ("target_modules", json!(["c_attn"])),
        ] {
            let mut config = base.clone();
            config[key] = value;
            let message = read_config(&config.to_string()).unwrap_err();
            assert!(message.contains(key), "{message}");
        }
        assert!(read_config(&base.to_string()).is_ok());
    }
}
