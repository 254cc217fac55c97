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
        Some("linear") => &["factor"],
        Some("llama3") => {
            &["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"]
        }
        _ => &[],
    };
    for (key, value) in settings {
        let always = matches!(key.as_str(), "rope_type" | "type" | "rope_theta");
        // Only the whole head is rotated here.
        let whole = key == "partial_rotary_factor" && value.as_f64() == Some(1.0);
        if !(always || whole || value.is_null() || known.contains(&key.as_str())) && kind.is_string() {
            return Err(ConfigError::Unknown(format!("{field}.{key}")));
        }
    }
    let number = |key: &'static str| {
        settings.get(key).and_then(Value::as_f64).ok_or(ConfigError::Field(key, "number"))
    };
    let scaling = match kind.as_str() {
        Some("default") => Scaling::None,
        Some("linear") => Scaling::Linear { factor: number("factor")? },
        Some("llama3") => Scaling::Llama3 {
            factor: number("factor")?,
            low_freq_factor: number("low_freq_factor")?,
            high_freq_factor: number("high_freq_factor")?,
            original_positions: match settings.get("original_max_position_embeddings") {
                None | Some(Value::Null) => max_positions as f64,
                Some(_) => number("original_max_position_embeddings")?,
            },
        },
        None if kind.is_null() && settings.keys().all(|key| key == "rope_theta") => Scaling::None,
        _ => {
            let supported = "a `rope_type` of \"default\", \"linear\" or \"llama3\"";
            let value = Value::Object(settings.clone()).to_string();
            return Err(ConfigError::Unsupported { field, value, supported });
        }
    };
    Ok((theta, scaling))
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
            "original_max_position_embeddings": original_positions as u64,
        }),
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
    match scaling {
        Scaling::None => Ok(()),
        Scaling::Linear { factor } => positive("factor", factor),
        Scaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => {
            positive("factor", factor)?;
            positive("low_freq_factor", low_freq_factor)?;
            positive("high_freq_factor", high_freq_factor)?;
            positive("original_max_position_embeddings", original_positions)?;
            if original_positions.fract() != 0.0 {
                return Err("`original_max_position_embeddings` is not a whole number".to_owned());
            }
            if high_freq_factor <= low_freq_factor {
                return Err(format!(
                    "`high_freq_factor` {high_freq_factor} must be above `low_freq_factor` {low_freq_factor}"
                ));
            }
            Ok(())
        }
    }
}
