//! What a checkpoint's `config.json` says of a model.

use serde_json::{Map, Value, json};

/// The shape of a Qwen2-family decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Tokens in the embedding table.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads.
    pub kv_heads: usize,
    /// Base of the rotary embedding.
    pub rope_theta: f64,
    /// ε of the norms.
    pub norm_eps: f64,
    /// Whether the head is the embedding table.
    pub tied: bool,
    /// The longest sequence the checkpoint was made for.
    pub max_positions: usize,
    /// Tokens that end a text, as far as the checkpoint names them.
    pub eos_tokens: Vec<u32>,
}

/// Why a `config.json` cannot be used. Each message fits "cannot use the model: …".
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON.
    #[error("config.json is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A field that must be there is not, or is of the wrong type.
    #[error("config.json: `{0}` is missing or not a {1}")]
    Field(&'static str, &'static str),
    /// A field with a value that the engine does not implement.
    #[error("config.json: `{field}` is {value}, but only {supported} is supported")]
    Unsupported {
        /// Its name.
        field: &'static str,
        /// What it says.
        value: String,
        /// What it would have to say.
        supported: &'static str,
    },
    /// Sizes that do not fit together.
    #[error("config.json: {0}")]
    Shape(String),
}

impl Config {
    /// Channels of an attention head.
    #[must_use]
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.heads
    }

    /// Reads `config.json`.
    ///
    /// # Errors
    /// When it is not a Qwen2-family model that the engine implements in full.
    pub fn from_json(text: &str) -> Result<Config, ConfigError> {
        let value: Value = serde_json::from_str(text)?;
        let map = value.as_object().ok_or(ConfigError::Field("(top level)", "JSON object"))?;
        require(map, "model_type", |v| v == "qwen2", "\"qwen2\"")?;
        refuse(map, "hidden_act", |v| v == "silu", "\"silu\"")?;
        refuse(map, "use_sliding_window", |v| v == false, "false")?;
        refuse(map, "rope_scaling", Value::is_null, "null")?;
        refuse(map, "quantization_config", Value::is_null, "null")?;
        refuse(map, "attention_dropout", |v| v.as_f64() == Some(0.0), "0")?;
        let full = |kind: &Value| *kind == "full_attention";
        refuse(
            map,
            "layer_types",
            |v| v.is_null() || v.as_array().is_some_and(|types| types.iter().all(full)),
            "\"full_attention\" in every layer",
        )?;
        // Since transformers 5 the base lives in `rope_parameters`; published checkpoints have it on top.
        let rope = map.get("rope_parameters").and_then(Value::as_object);
        if let Some(rope) = rope {
            refuse(rope, "rope_type", |v| v == "default", "\"default\"")?;
        }
        let theta = rope.and_then(|rope| rope.get("rope_theta")).or_else(|| map.get("rope_theta"));
        let config = Config {
            vocab_size: size(map, "vocab_size")?,
            hidden_size: size(map, "hidden_size")?,
            intermediate_size: size(map, "intermediate_size")?,
            layers: size(map, "num_hidden_layers")?,
            heads: size(map, "num_attention_heads")?,
            kv_heads: match map.get("num_key_value_heads") {
                None | Some(Value::Null) => size(map, "num_attention_heads")?,
                Some(_) => size(map, "num_key_value_heads")?,
            },
            rope_theta: match theta {
                None => 10_000.0,
                Some(theta) => theta.as_f64().ok_or(ConfigError::Field("rope_theta", "number"))?,
            },
            norm_eps: match map.get("rms_norm_eps") {
                None => 1e-6,
                Some(eps) => eps.as_f64().ok_or(ConfigError::Field("rms_norm_eps", "number"))?,
            },
            tied: match map.get("tie_word_embeddings") {
                None => false,
                Some(tied) => tied.as_bool().ok_or(ConfigError::Field("tie_word_embeddings", "boolean"))?,
            },
            max_positions: size(map, "max_position_embeddings")?,
            eos_tokens: token_ids(map.get("eos_token_id"))?,
        };
        config.validated()
    }

    /// The configuration, if its sizes fit together.
    ///
    /// # Errors
    /// A sentence that names the sizes that do not.
    pub fn validated(self) -> Result<Config, ConfigError> {
        let sizes = [
            self.vocab_size,
            self.hidden_size,
            self.intermediate_size,
            self.layers,
            self.heads,
            self.kv_heads,
            self.max_positions,
        ];
        // Far beyond any model of the family, and small enough that no product of sizes overflows.
        let largest = 1 << 24;
        let complaint = if sizes.contains(&0) {
            "every size must be at least 1".to_owned()
        } else if sizes.iter().any(|size| *size > largest) || self.layers > 4096 {
            format!("a size exceeds what a model can have (at most {largest}, and 4096 layers)")
        } else if !(self.rope_theta > 0.0 && self.rope_theta.is_finite()) {
            format!("`rope_theta` is {}; it must be above 0", self.rope_theta)
        } else if !(self.norm_eps > 0.0 && self.norm_eps < 1.0) {
            format!("`rms_norm_eps` is {}; it must be above 0 and below 1", self.norm_eps)
        } else if !self.hidden_size.is_multiple_of(self.heads) {
            format!("`hidden_size` {} is not a multiple of {} heads", self.hidden_size, self.heads)
        } else if !self.heads.is_multiple_of(self.kv_heads) {
            format!("{} attention heads are not a multiple of {} key/value heads", self.heads, self.kv_heads)
        } else if !self.head_dim().is_multiple_of(2) {
            format!("a head of {} channels cannot be rotated; it must be even", self.head_dim())
        } else {
            return Ok(self);
        };
        Err(ConfigError::Shape(complaint))
    }

    /// `config.json` as `transformers` of today and of yesterday reads it. `extra` adds or replaces keys.
    #[must_use]
    pub fn to_json(&self, dtype: &str, extra: &Map<String, Value>) -> String {
        let eos = match self.eos_tokens.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            many => json!(many),
        };
        let mut value = json!({
            "architectures": ["Qwen2ForCausalLM"],
            "attention_dropout": 0.0,
            "dtype": dtype,
            "eos_token_id": eos,
            "hidden_act": "silu",
            "hidden_size": self.hidden_size,
            "initializer_range": 0.02,
            "intermediate_size": self.intermediate_size,
            "max_position_embeddings": self.max_positions,
            "model_type": "qwen2",
            "num_attention_heads": self.heads,
            "num_hidden_layers": self.layers,
            "num_key_value_heads": self.kv_heads,
            "rms_norm_eps": self.norm_eps,
            "rope_theta": self.rope_theta,
            "tie_word_embeddings": self.tied,
            "torch_dtype": dtype,
            "use_sliding_window": false,
            "vocab_size": self.vocab_size,
        });
        if let Value::Object(map) = &mut value {
            map.extend(extra.clone());
        }
        format!("{value:#}\n")
    }
}

fn require(
    map: &Map<String, Value>,
    field: &'static str,
    accept: impl Fn(&Value) -> bool,
    supported: &'static str,
) -> Result<(), ConfigError> {
    if map.contains_key(field) {
        refuse(map, field, accept, supported)
    } else {
        Err(ConfigError::Field(field, "string"))
    }
}

fn refuse(
    map: &Map<String, Value>,
    field: &'static str,
    accept: impl Fn(&Value) -> bool,
    supported: &'static str,
) -> Result<(), ConfigError> {
    match map.get(field) {
        Some(value) if !accept(value) => {
            Err(ConfigError::Unsupported { field, value: value.to_string(), supported })
        }
        _ => Ok(()),
    }
}

fn size(map: &Map<String, Value>, field: &'static str) -> Result<usize, ConfigError> {
    let number = map.get(field).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    number.ok_or(ConfigError::Field(field, "whole number"))
}

fn token_ids(value: Option<&Value>) -> Result<Vec<u32>, ConfigError> {
    let id = |v: &Value| v.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(ids)) => ids.iter().map(id).collect(),
        Some(one) => id(one).map(|id| vec![id]),
    }
    .ok_or(ConfigError::Field("eos_token_id", "token id or list of them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Config {
        Config {
            vocab_size: 64,
            hidden_size: 32,
            intermediate_size: 48,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            rope_theta: 1e4,
            norm_eps: 1e-6,
            tied: true,
            max_positions: 128,
            eos_tokens: vec![1],
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for eos_tokens in [vec![], vec![1], vec![1, 2]] {
            let config = Config { eos_tokens, ..small() };
            assert_eq!(Config::from_json(&config.to_json("float32", &Map::new())).unwrap(), config);
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (field, value, expected) in [
            ("model_type", json!("llama"), "`model_type` is \"llama\""),
            ("use_sliding_window", json!(true), "`use_sliding_window` is true"),
            ("rope_scaling", json!({"type": "yarn"}), "`rope_scaling`"),
            ("hidden_act", json!("gelu"), "`hidden_act` is \"gelu\""),
            ("num_attention_heads", json!(5), "not a multiple of 5 heads"),
            ("vocab_size", json!(-3), "`vocab_size`"),
            ("layer_types", json!(["full_attention", "sliding_attention"]), "`layer_types`"),
            ("layer_types", json!("full_attention"), "`layer_types`"),
            ("rope_theta", json!(0.0), "`rope_theta` is 0"),
            ("rms_norm_eps", json!(-1e-6), "`rms_norm_eps`"),
            ("hidden_size", json!(1_u64 << 40), "exceeds what a model can have"),
        ] {
            let extra = Map::from_iter([(field.to_owned(), value)]);
            let message = Config::from_json(&small().to_json("float32", &extra)).unwrap_err().to_string();
            assert!(message.contains(expected), "{field}: {message}");
        }
    }
}
