//! Reading `config.json`: every field is either understood, or known to change nothing, or refused by name.

use super::{Config, ConfigError, Family, fields, rotary};
use serde_json::{Map, Value};

impl Config {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// When it is not a model that the engine implements in full; the message names the field.
    pub fn from_json(text: &str) -> Result<Config, ConfigError> {
        // Some editors put a byte order mark before a text.
        let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
        let map = value.as_object().ok_or(ConfigError::Field("(top level)", "JSON object"))?;
        let family = family(map)?;
        fields::refuse_what_is_not_implemented(map, family)?;
        let (hidden_size, heads) = (size(map, "hidden_size")?, size(map, "num_attention_heads")?);
        let max_positions = max_positions(map, family)?;
        let (rope_theta, rope_scaling) = rotary::read(map, max_positions)?;
        let config = Config {
            family,
            vocab_size: size(map, "vocab_size")?,
            hidden_size,
            intermediate_size: size(map, "intermediate_size")?,
            layers: size(map, "num_hidden_layers")?,
            heads,
            kv_heads: present(map, "num_key_value_heads")
                .map_or(Ok(heads), |_| size(map, "num_key_value_heads"))?,
            head_dim: match (present(map, "head_dim"), family) {
                (Some(_), _) => size(map, "head_dim")?,
                // What `transformers` takes where a Qwen3 file says nothing.
                (None, Family::Qwen3) => 128,
                (None, _) => Config::even_heads(hidden_size, heads)?,
            },
            rope_theta,
            rope_scaling,
            norm_eps: match present(map, "rms_norm_eps") {
                None => 1e-6,
                Some(eps) => eps.as_f64().ok_or(ConfigError::Field("rms_norm_eps", "number"))?,
            },
            attention_bias: family != Family::Qwen2 && boolean(map, "attention_bias")?,
            mlp_bias: boolean(map, "mlp_bias")?,
            tied: boolean(map, "tie_word_embeddings")?,
            max_positions,
            eos_tokens: token_ids(map.get("eos_token_id"))?,
        };
        config.validated()
    }
}

/// Files of the first Llama call it otherwise, and where a file says nothing `transformers` takes what its family began with.
fn max_positions(map: &Map<String, Value>, family: Family) -> Result<usize, ConfigError> {
    let named = ["max_position_embeddings", "max_sequence_length"]
        .into_iter()
        .find(|field| present(map, field).is_some());
    match (named, family) {
        (Some(field), _) => size(map, field),
        (None, Family::Llama) => Ok(2048),
        (None, Family::Qwen2 | Family::Qwen3) => Ok(32_768),
    }
}

fn family(map: &Map<String, Value>) -> Result<Family, ConfigError> {
    let field = "model_type";
    let value = map.get(field).ok_or(ConfigError::Field(field, "string"))?;
    let found = value.as_str().and_then(|name| name.parse().ok());
    found.ok_or_else(|| ConfigError::Unsupported {
        field: field.to_owned(),
        value: value.to_string(),
        supported: "\"qwen2\", \"qwen3\" or \"llama\"".to_owned(),
    })
}

pub(super) fn present<'a>(map: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    map.get(field).filter(|value| !value.is_null())
}

fn size(map: &Map<String, Value>, field: &'static str) -> Result<usize, ConfigError> {
    let number = map.get(field).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    number.ok_or(ConfigError::Field(field, "whole number"))
}

fn boolean(map: &Map<String, Value>, field: &'static str) -> Result<bool, ConfigError> {
    present(map, field).map_or(Ok(false), |value| value.as_bool().ok_or(ConfigError::Field(field, "boolean")))
}

pub(crate) fn token_ids(value: Option<&Value>) -> Result<Vec<u32>, ConfigError> {
    let id = |v: &Value| v.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(ids)) => ids.iter().map(id).collect(),
        Some(one) => id(one).map(|id| vec![id]),
    }
    .ok_or(ConfigError::Field("eos_token_id", "token id or list of them"))
}
