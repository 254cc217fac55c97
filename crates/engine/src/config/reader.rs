//! Reading `config.json`: every field is either understood, or known to change nothing, or refused by name.

use super::{Config, ConfigError, Family, rotary};
use serde_json::{Map, Value};

/// Fields that say what a model is; [`Config::from_json`] reads each of them.
const READ: [&str; 22] = [
    "model_type",
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "rope_theta",
    "rope_scaling",
    "rope_parameters",
    "rms_norm_eps",
    "tie_word_embeddings",
    "max_position_embeddings",
    "eos_token_id",
    "attention_bias",
    "mlp_bias",
    "hidden_act",
    "layer_types",
    "use_sliding_window",
    "attention_dropout",
    "partial_rotary_factor",
];

/// Fields that change nothing in what a decoder computes: notes, settings of training and of `generate`, and the
/// fields that every configuration of `transformers` may carry.
const WITHOUT_EFFECT: [&str; 74] = [
    "architectures",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "chunk_size_feed_forward",
    "classifier_dropout",
    "cls_token_id",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "id2label",
    "initializer_range",
    "is_decoder",
    "label2id",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "max_window_layers",
    "min_length",
    "model_name",
    "name_or_path",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_labels",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pad_token_id",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "sliding_window",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "typical_p",
    "unk_token_id",
    "unsloth_fixed",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
    "use_return_dict",
    // Off in every model of these families; `refuse` below sees to that.
    "add_cross_attention",
    "cross_attention_hidden_size",
    "is_encoder_decoder",
    "num_experts",
    "pruned_heads",
    "quantization_config",
    "rope_interleaved",
    "scale_attn_by_inverse_layer_idx",
    "use_mrope",
    "use_qk_norm",
];

impl Config {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// When it is not a model that the engine implements in full; the message names the field.
    pub fn from_json(text: &str) -> Result<Config, ConfigError> {
        let value: Value = serde_json::from_str(text)?;
        let map = value.as_object().ok_or(ConfigError::Field("(top level)", "JSON object"))?;
        let family = family(map)?;
        refuse_what_is_not_implemented(map, family)?;
        let (hidden_size, heads) = (size(map, "hidden_size")?, size(map, "num_attention_heads")?);
        let max_positions = size(map, "max_position_embeddings")?;
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

fn family(map: &Map<String, Value>) -> Result<Family, ConfigError> {
    let field = "model_type";
    let value = map.get(field).ok_or(ConfigError::Field(field, "string"))?;
    let found = value.as_str().and_then(|name| name.parse().ok());
    found.ok_or_else(|| ConfigError::Unsupported {
        field,
        value: value.to_string(),
        supported: "\"qwen2\", \"qwen3\" or \"llama\"",
    })
}

fn refuse_what_is_not_implemented(map: &Map<String, Value>, family: Family) -> Result<(), ConfigError> {
    refuse(map, "hidden_act", |v| v == "silu", "\"silu\"")?;
    refuse(map, "attention_dropout", |v| v.as_f64() == Some(0.0), "0")?;
    refuse(map, "partial_rotary_factor", |v| v.as_f64() == Some(1.0), "1")?;
    refuse(map, "pruned_heads", |v| v.as_object().is_some_and(Map::is_empty), "an empty object")?;
    let full = |kind: &Value| *kind == "full_attention";
    let full_only = |v: &Value| v.as_array().is_some_and(|types| types.iter().all(full));
    refuse(map, "layer_types", full_only, "\"full_attention\" in every layer")?;
    for field in ["quantization_config", "cross_attention_hidden_size", "num_experts"] {
        refuse(map, field, Value::is_null, "null")?;
    }
    for field in [
        "use_sliding_window",
        "add_cross_attention",
        "is_encoder_decoder",
        "rope_interleaved",
        "scale_attn_by_inverse_layer_idx",
        "use_mrope",
        "use_qk_norm",
    ] {
        refuse(map, field, |v| v == false, "false")?;
    }
    if family == Family::Qwen2 {
        refuse(map, "attention_bias", |v| v == true, "true (in Qwen2)")?;
    }
    // Names with an underscore are notes of `transformers` to itself; `rm_…` belongs to reward models.
    let known = |name: &str| {
        READ.contains(&name)
            || WITHOUT_EFFECT.contains(&name)
            || name.starts_with('_')
            || name.starts_with("rm_")
    };
    match map.iter().find(|(name, value)| !value.is_null() && !known(name)) {
        Some((name, _)) => Err(ConfigError::Unknown(name.clone())),
        None => Ok(()),
    }
}

/// Refuses a field that is there, not null, and not accepted.
fn refuse(
    map: &Map<String, Value>,
    field: &'static str,
    accept: impl Fn(&Value) -> bool,
    supported: &'static str,
) -> Result<(), ConfigError> {
    match present(map, field) {
        Some(value) if !accept(value) => {
            Err(ConfigError::Unsupported { field, value: value.to_string(), supported })
        }
        _ => Ok(()),
    }
}

fn present<'a>(map: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    map.get(field).filter(|value| !value.is_null())
}

fn size(map: &Map<String, Value>, field: &'static str) -> Result<usize, ConfigError> {
    let number = map.get(field).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    number.ok_or(ConfigError::Field(field, "whole number"))
}

fn boolean(map: &Map<String, Value>, field: &'static str) -> Result<bool, ConfigError> {
    present(map, field).map_or(Ok(false), |value| value.as_bool().ok_or(ConfigError::Field(field, "boolean")))
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
