//! What a checkpoint's `config.json` says of a model.

mod fields;
mod reader;
pub(crate) use reader::token_ids;
mod rotary;

use crate::ops::rope::{Angles, Scaling};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The families of decoders that the engine computes. They are one architecture with small differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Qwen2 and Qwen2.5: queries, keys and values have biases.
    Qwen2,
    /// Qwen3: every query and key head is normalised before it is turned.
    Qwen3,
    /// Llama 2 and 3.
    Llama,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 3] = [Family::Qwen2, Family::Qwen3, Family::Llama];

    /// `model_type` of `config.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Family::Qwen2 => "qwen2",
            Family::Qwen3 => "qwen3",
            Family::Llama => "llama",
        }
    }

    /// The family's name as people write it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Family::Qwen2 => "Qwen2",
            Family::Qwen3 => "Qwen3",
            Family::Llama => "Llama",
        }
    }
}

impl std::str::FromStr for Family {
    type Err = String;

    fn from_str(name: &str) -> Result<Family, String> {
        let found = Family::ALL.into_iter().find(|family| family.name() == name);
        found.ok_or_else(|| format!("`{name}` is no family of models here; expected qwen2, qwen3 or llama"))
    }
}

/// The shape of a decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which family it is of.
    pub family: Family,
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
    /// Channels of a head; the heads together need not be as wide as the residual stream.
    pub head_dim: usize,
    /// Base of the rotary embedding.
    pub rope_theta: f64,
    /// How the rotary embedding is stretched.
    pub rope_scaling: Scaling,
    /// ε of the norms.
    pub norm_eps: f64,
    /// Whether queries, keys, values and the attention's output have biases. Qwen2 says nothing of it: there queries,
    /// keys and values always have them, and the output never.
    pub attention_bias: bool,
    /// Whether the feed-forward layers have biases.
    pub mlp_bias: bool,
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
        field: String,
        /// What it says.
        value: String,
        /// What it would have to say.
        supported: String,
    },
    /// Weights that were quantised.
    #[error(
        "config.json: `{field}`: the weights are quantised ({method}), and only f32, bf16 and f16 are read; take the upload \
         that this one was made from"
    )]
    Quantized {
        /// The field that says so.
        field: &'static str,
        /// By what, and to how many bits.
        method: String,
    },
    /// A field of which the engine does not know what it changes.
    #[error(
        "config.json: `{0}` is a field that the engine does not know; remove it if it changes nothing in the model"
    )]
    Unknown(String),
    /// Sizes that do not fit together.
    #[error("config.json: {0}")]
    Shape(String),
}

impl Config {
    /// Channels of an attention head.
    #[must_use]
    pub fn head_dim(&self) -> usize {
        self.head_dim
    }

    /// Whether queries, keys and values have biases.
    #[must_use]
    pub fn qkv_bias(&self) -> bool {
        self.attention_bias || self.family == Family::Qwen2
    }

    /// Whether every query and key head is normalised.
    #[must_use]
    pub fn head_norms(&self) -> bool {
        self.family == Family::Qwen3
    }

    /// The rotary embedding's angles for positions `0..positions`.
    #[must_use]
    pub fn angles(&self, positions: usize) -> Angles<f32> {
        Angles::scaled(self.head_dim, positions, self.rope_theta, self.rope_scaling)
    }

    /// The width of a head where `heads` of them are as wide as the residual stream together.
    ///
    /// # Errors
    /// When they do not divide it.
    pub fn even_heads(hidden_size: usize, heads: usize) -> Result<usize, ConfigError> {
        if heads == 0 || !hidden_size.is_multiple_of(heads) {
            let complaint = format!("`hidden_size` {hidden_size} is not a multiple of {heads} heads");
            return Err(ConfigError::Shape(complaint));
        }
        Ok(hidden_size / heads)
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
            self.head_dim,
            self.max_positions,
        ];
        // Far beyond any model of these families, and small enough that no product of sizes overflows.
        let largest = 1 << 24;
        let complaint = if sizes.contains(&0) {
            "every size must be at least 1".to_owned()
        } else if sizes.iter().any(|size| *size > largest)
            || self.layers > 4096
            || self.heads.max(self.kv_heads) * self.head_dim > largest
        {
            format!("a size exceeds what a model can have (at most {largest}, and 4096 layers)")
        } else if !(self.rope_theta > 0.0 && self.rope_theta.is_finite()) {
            format!("`rope_theta` is {}; it must be above 0", self.rope_theta)
        } else if let Err(complaint) = rotary::validate(self.rope_scaling) {
            complaint
        } else if matches!(self.rope_scaling, Scaling::Yarn { .. }) && self.rope_theta <= 1.0 {
            format!("`rope_theta` is {}; with YaRN it must be above 1", self.rope_theta)
        } else if !(self.norm_eps > 0.0 && self.norm_eps < 1.0) {
            format!("`rms_norm_eps` is {}; it must be above 0 and below 1", self.norm_eps)
        } else if !self.heads.is_multiple_of(self.kv_heads) {
            format!("{} attention heads are not a multiple of {} key/value heads", self.heads, self.kv_heads)
        } else if !self.head_dim.is_multiple_of(2) {
            format!("a head of {} channels cannot be rotated; it must be even", self.head_dim)
        } else if self.family == Family::Qwen2 && self.attention_bias {
            "`attention_bias` is true, but the attention's output has no bias in Qwen2".to_owned()
        } else if self.family != Family::Llama && self.mlp_bias {
            format!("`mlp_bias` is true, but feed-forward layers have no biases in {}", self.family.title())
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
            "architectures": [format!("{}ForCausalLM", self.family.title())],
            "attention_dropout": 0.0,
            "bos_token_id": null,
            "dtype": dtype,
            "eos_token_id": eos,
            "hidden_act": "silu",
            "hidden_size": self.hidden_size,
            "initializer_range": 0.02,
            "intermediate_size": self.intermediate_size,
            "max_position_embeddings": self.max_positions,
            "model_type": self.family.name(),
            "num_attention_heads": self.heads,
            "num_hidden_layers": self.layers,
            "num_key_value_heads": self.kv_heads,
            "rms_norm_eps": self.norm_eps,
            "rope_scaling": rotary::write(self.rope_scaling),
            "rope_theta": self.rope_theta,
            "tie_word_embeddings": self.tied,
            "torch_dtype": dtype,
            "vocab_size": self.vocab_size,
        });
        if let Value::Object(map) = &mut value {
            // Readers of Qwen2 files that do not know the field divide the width by the heads.
            if self.family != Family::Qwen2 || self.head_dim * self.heads != self.hidden_size {
                map.insert("head_dim".to_owned(), json!(self.head_dim));
            }
            if self.family != Family::Qwen2 {
                map.insert("attention_bias".to_owned(), json!(self.attention_bias));
            }
            if self.family == Family::Llama {
                map.insert("mlp_bias".to_owned(), json!(self.mlp_bias));
            } else {
                map.insert("use_sliding_window".to_owned(), json!(false));
            }
            map.extend(extra.clone());
        }
        format!("{value:#}\n")
    }
}

#[cfg(test)]
mod tests;
