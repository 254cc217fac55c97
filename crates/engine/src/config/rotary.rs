//! What `config.json` says of the rotary embedding, in the two spellings that are about: `rope_parameters` holds
//! everything since `transformers` 5; before, `rope_theta` stood at the top and `rope_scaling` beside it.

use super::ConfigError;
use crate::ops::rope::Scaling;
use serde_json::{Map, Value, json};

/// Base and scaling.
pub(super) fn read(map: &Map<String, Value>, max_positions: usize) -> Result<(f64, Scaling), ConfigError> {
    let mut found: Option<(&'static str, &Map<String, Value>)> = None;
    for field in ["rope_parameters", "rope_scaling"] {
        match map.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(settings)) => match found {
                Some((first, other)) if other != settings => {
                    let complaint = format!("`{first}` and `{field}` do not say the same");
                    return Err(ConfigError::Shape(complaint));
                }
                _ => found = Some((field, settings)),
            },
            Some(_) => return Err(ConfigError::Field(field, "JSON object")),
        }
    }
    let inner = found.and_then(|(_, settings)| settings.get("rope_theta"));
    let theta = match inner.or_else(|| map.get("rope_theta")) {
        None | Some(Value::Null) => 10_000.0,
        Some(theta) => theta.as_f64().ok_or(ConfigError::Field("rope_theta", "number"))?,
    };
    let Some((field, settings)) = found else { return Ok((theta, Scaling::None)) };
    let kind = settings.get("rope_type").or_else(|| settings.get("type")).unwrap_or(&Value::Null);
    let known: &[&str] = match kind.as_str() {
        Some("default") => &[],
        Some("linear") => &["factor"],
        Some("llama3") => &["factor", "low_freq_factor", "high_freq_factor", ORIGINAL],
        Some("yarn") => &[
            "factor",
            ORIGINAL,
            "attention_factor",
            "beta_fast",
            "beta_slow",
            "mscale",
            "mscale_all_dim",
            "truncate",
        ],
        None if kind.is_null() && settings.keys().all(|key| key == "rope_theta") => &[],
        _ => {
            let supported = SUPPORTED.to_owned();
            let value = if kind.is_null() { Value::Object(settings.clone()) } else { kind.clone() };
            return Err(ConfigError::Unsupported {
                field: field.to_owned(),
                value: value.to_string(),
                supported,
            });
        }
    };
    for (key, value) in settings {
        let always = matches!(key.as_str(), "rope_type" | "type" | "rope_theta");
        // Only the whole head is rotated here.
        let whole = key == "partial_rotary_factor" && value.as_f64() == Some(1.0);
        if !(always || whole || value.is_null() || *value == false || known.contains(&key.as_str())) {
            return Err(ConfigError::Unknown(format!("{field}.{key}")));
        }
    }
    let optional = |key: &'static str| match settings.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(ConfigError::Field(key, "number")),
    };
    let number = |key: &'static str| optional(key)?.ok_or(ConfigError::Field(key, "number"));
    // `transformers` lets the field at the top win.
    let original = || match map.get(ORIGINAL) {
        None | Some(Value::Null) => Ok(optional(ORIGINAL)?.unwrap_or(max_positions as f64)),
        Some(outer) => outer.as_f64().ok_or(ConfigError::Field(ORIGINAL, "number")),
    };
    let scaling = match kind.as_str() {
        Some("linear") => Scaling::Linear { factor: number("factor")? },
        Some("llama3") => Scaling::Llama3 {
            factor: number("factor")?,
            low_freq_factor: number("low_freq_factor")?,
            high_freq_factor: number("high_freq_factor")?,
            original_positions: original()?,
        },
        Some("yarn") => {
            let original_positions = original()?;
            // `null`, but not silence, means the ratio of the two lengths.
            if !settings.contains_key("factor") {
                return Err(ConfigError::Field("factor", "number"));
            }
            let factor = optional("factor")?.unwrap_or(max_positions as f64 / original_positions);
            Scaling::Yarn {
                factor,
                original_positions,
                beta_fast: optional("beta_fast")?.filter(|beta| *beta != 0.0).unwrap_or(32.0),
                beta_slow: optional("beta_slow")?.filter(|beta| *beta != 0.0).unwrap_or(1.0),
                truncate: settings.get("truncate") != Some(&Value::Bool(false)),
                attention_factor: match optional("attention_factor")? {
                    Some(attention_factor) => attention_factor,
                    None => attention_factor(factor, optional("mscale")?, optional("mscale_all_dim")?),
                },
            }
        }
        _ => Scaling::None,
    };
    Ok((theta, scaling))
}

const ORIGINAL: &str = "original_max_position_embeddings";
const SUPPORTED: &str = "a `rope_type` of \"default\", \"linear\", \"llama3\" or \"yarn\"";

/// How much longer YaRN makes queries and keys where a file does not say: 0.1·ln(factor) + 1, or with `mscale` and
/// `mscale_all_dim` the ratio of two such lengths.
fn attention_factor(factor: f64, scale: Option<f64>, scale_all: Option<f64>) -> f64 {
    let length = |scale: f64| if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 };
    match (scale, scale_all) {
        (Some(scale), Some(scale_all)) if scale != 0.0 && scale_all != 0.0 => {
            length(scale) / length(scale_all)
        }
        _ => length(1.0),
    }
}

/// `rope_scaling` as every version reads it.
pub(super) fn write(scaling: Scaling) -> Value {
    match scaling {
        Scaling::None => Value::Null,
        Scaling::Linear { factor } => json!({"rope_type": "linear", "factor": factor}),
        Scaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor,
            // A whole number, and `transformers` wants to see one.
            ORIGINAL: original_positions as u64,
        }),
        Scaling::Yarn { factor, original_positions, beta_fast, beta_slow, truncate, attention_factor } => {
            json!({
                "rope_type": "yarn",
                "factor": factor,
                ORIGINAL: original_positions as u64,
                "beta_fast": beta_fast,
                "beta_slow": beta_slow,
                "truncate": truncate,
                "attention_factor": attention_factor,
            })
        }
    }
}

pub(super) fn validate(scaling: Scaling) -> Result<(), String> {
    let positive = |name: &str, value: f64| {
        if value > 0.0 && value < 1e9 {
            Ok(())
        } else {
            Err(format!("`{name}` of the rotary embedding is {value}; it must be above 0"))
        }
    };
    let whole = |positions: f64| {
        positive(ORIGINAL, positions)?;
        if positions.fract() == 0.0 { Ok(()) } else { Err(format!("`{ORIGINAL}` is not a whole number")) }
    };
    match scaling {
        Scaling::None => Ok(()),
        Scaling::Linear { factor } => positive("factor", factor),
        Scaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => {
            positive("factor", factor)?;
            positive("low_freq_factor", low_freq_factor)?;
            positive("high_freq_factor", high_freq_factor)?;
            whole(original_positions)?;
            if high_freq_factor <= low_freq_factor {
                return Err(format!(
                    "`high_freq_factor` {high_freq_factor} must be above `low_freq_factor` {low_freq_factor}"
                ));
            }
            Ok(())
        }
        Scaling::Yarn { factor, original_positions, beta_fast, beta_slow, attention_factor, truncate: _ } => {
            positive("factor", factor)?;
            positive("beta_fast", beta_fast)?;
            positive("beta_slow", beta_slow)?;
            positive("attention_factor", attention_factor)?;
            whole(original_positions)?;
            if beta_fast < beta_slow {
                return Err(format!("`beta_fast` {beta_fast} must not be below `beta_slow` {beta_slow}"));
            }
            Ok(())
        }
    }
}
