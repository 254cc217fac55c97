//! What is known of the fields of `config.json`: which say what a model computes, which say nothing of it, and which must
//! stand at the value that changes nothing.
//!
//! Uploads carry many notes: of the tools that made them, of `generate`, of other libraries. `transformers` reads the fields of
//! a model's own family and lets every other one pass; here a field passes if it is known to be a note, if it can only be a
//! remark, or if it says that something is *not* done. Whatever else is there may be what sets a model apart, and is refused by
//! its name.

use super::reader::present;
use super::{ConfigError, Family};
use serde_json::{Map, Value};

/// Fields that say what a model is; [`super::Config::from_json`] reads each of them.
const READ: [&str; 20] = [
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
    "max_sequence_length",
    "original_max_position_embeddings",
    "eos_token_id",
    "attention_bias",
    "mlp_bias",
    "bos_token_id",
];

/// Notes: of tools, of training, of heads and caches, of other libraries. None changes what a decoder computes.
const NOTES: [&str; 92] = [
    "architectures",
    "attn_implementation",
    "auto_map",
    "base_model",
    "base_model_name_or_path",
    "chat_template",
    "chunk_size_feed_forward",
    "classifier_activation",
    "classifier_bias",
    "classifier_dropout",
    "classifier_dropout_prob",
    "custom_pipelines",
    "dataset",
    "datasets",
    "default_system_prompt",
    "dtype",
    "experts_implementation",
    "ffn_dim_multiplier",
    "finetuning_task",
    "flash_attention",
    "fused_bias_dropout",
    "gradient_checkpointing",
    "id2label",
    "initializer_factor",
    "initializer_range",
    "init_std",
    "inference_template",
    "is_decoder",
    "is_llama_config",
    "is_qwen_config",
    "keys_to_ignore_at_inference",
    "keep_in_fp32",
    "label2id",
    "language",
    "license",
    "logits_to_keep",
    "loss_type",
    "max_window_layers",
    "mergekit",
    "model_max_length",
    "model_name",
    "multiple_of",
    "name_or_path",
    "neftune_noise_alpha",
    "num_labels",
    "num_logits_to_keep",
    "onnx",
    "original_architectures",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "output_router_logits",
    "peft_config",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "quantizer",
    "return_dict",
    "return_legacy_cache",
    "router_aux_loss_coef",
    "seq_length",
    "sliding_window",
    "source_model",
    "special_dtypes",
    "split_vocab",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "task",
    "task_specific_params",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tie_weights_keys",
    "tokenizer_class",
    "tokenizer_config",
    "torch_compile",
    "torch_dtype",
    "torchscript",
    "training_args",
    "transformers.js_config",
    "trust_remote_code",
    "transformers_version",
    "upcast_attention_in_eval",
    "use_bfloat16",
    "use_cache",
    "use_flash_attn",
    "use_flash_attention",
    "use_flash_attention_2",
    "use_return_dict",
    "use_sdpa",
];

/// Settings of `generate`, which `transformers` before 4.50 kept in `config.json`.
const GENERATION: [&str; 56] = [
    "assistant_confidence_threshold",
    "assistant_early_exit",
    "assistant_ensemble_weight",
    "assistant_lookbehind",
    "bad_words_ids",
    "begin_suppress_tokens",
    "cache_config",
    "cache_implementation",
    "compile_config",
    "constraints",
    "disable_compile",
    "diversity_penalty",
    "do_sample",
    "dola_layers",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "epsilon_cutoff",
    "eta_cutoff",
    "exponential_decay_length_penalty",
    "force_words_ids",
    "guidance_scale",
    "is_assistant",
    "length_penalty",
    "low_memory",
    "max_cache_len",
    "max_length",
    "max_matching_ngram_size",
    "max_new_tokens",
    "max_time",
    "min_length",
    "min_new_tokens",
    "min_p",
    "no_repeat_ngram_size",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_logits",
    "output_scores",
    "penalty_alpha",
    "prefill_chunk_size",
    "prompt_lookup_num_tokens",
    "remove_invalid_values",
    "renormalize_logits",
    "repetition_penalty",
    "return_dict_in_generate",
    "sequence_bias",
    "stop_strings",
    "suppress_tokens",
    "temperature",
    "token_healing",
    "top_k",
    "top_p",
    "typical_p",
];

/// A value at which a field changes nothing.
#[derive(Clone, Copy)]
enum Neutral {
    Number(f64),
    True,
    Text(&'static [&'static str]),
    /// In every item of a list.
    Every(&'static str),
    EmptyObject,
    AtMostOne,
}

/// Fields that say something unless they stand at one value. Switches that must be off are not here: any switch may say that
/// it is off.
const STANDING: [(&str, Neutral); 35] = [
    ("hidden_act", Neutral::Text(&["silu", "swish"])),
    ("hidden_activation", Neutral::Text(&["silu", "swish"])),
    ("position_embedding_type", Neutral::Text(&["rotary", "rope"])),
    ("layer_types", Neutral::Every("full_attention")),
    ("pruned_heads", Neutral::EmptyObject),
    ("partial_rotary_factor", Neutral::Number(1.0)),
    ("rotary_pct", Neutral::Number(1.0)),
    ("rope_pct", Neutral::Number(1.0)),
    ("embedding_multiplier", Neutral::Number(1.0)),
    ("residual_multiplier", Neutral::Number(1.0)),
    ("logits_scaling", Neutral::Number(1.0)),
    ("logit_scale", Neutral::Number(1.0)),
    // What is left out at random in training would have to be left out here.
    ("attention_dropout", Neutral::Number(0.0)),
    ("attention_probs_dropout_prob", Neutral::Number(0.0)),
    ("attn_pdrop", Neutral::Number(0.0)),
    ("dropout", Neutral::Number(0.0)),
    ("embd_pdrop", Neutral::Number(0.0)),
    ("hidden_dropout", Neutral::Number(0.0)),
    ("hidden_dropout_prob", Neutral::Number(0.0)),
    ("resid_pdrop", Neutral::Number(0.0)),
    ("residual_dropout", Neutral::Number(0.0)),
    ("num_experts", Neutral::AtMostOne),
    ("num_local_experts", Neutral::AtMostOne),
    ("n_routed_experts", Neutral::AtMostOne),
    // On in all of these families: to say that one is off is to say something.
    ("causal", Neutral::True),
    ("gated_mlp", Neutral::True),
    ("is_causal", Neutral::True),
    ("no_bias", Neutral::True),
    ("rms_norm", Neutral::True),
    ("scale_attn_weights", Neutral::True),
    ("use_causal_mask", Neutral::True),
    ("use_rms_norm", Neutral::True),
    ("use_rope", Neutral::True),
    ("use_rotary", Neutral::True),
    ("use_swiglu", Neutral::True),
];

/// The same for what sets the families apart.
fn standing_in(family: Family) -> &'static [(&'static str, Neutral)] {
    match family {
        Family::Qwen2 => &[("attention_bias", Neutral::True), ("qkv_bias", Neutral::True)],
        Family::Qwen3 => &[("qk_norm", Neutral::True), ("use_qk_norm", Neutral::True)],
        Family::Llama => &[],
    }
}

impl Neutral {
    fn holds(self, value: &Value) -> bool {
        match self {
            Neutral::Number(neutral) => value.as_f64() == Some(neutral),
            Neutral::True => value == true,
            Neutral::Text(texts) => value.as_str().is_some_and(|value| texts.contains(&value)),
            Neutral::Every(item) => value.as_array().is_some_and(|items| items.iter().all(|one| one == item)),
            Neutral::EmptyObject => value.as_object().is_some_and(Map::is_empty),
            Neutral::AtMostOne => value.as_u64().is_some_and(|count| count <= 1),
        }
    }

    fn supported(self) -> String {
        match self {
            Neutral::Number(neutral) => neutral.to_string(),
            Neutral::True => "true".to_owned(),
            Neutral::Text(texts) => format!("{:?}", texts[0]),
            Neutral::Every(item) => format!("{item:?} in every layer"),
            Neutral::EmptyObject => "an empty object".to_owned(),
            Neutral::AtMostOne => "at most 1".to_owned(),
        }
    }
}

/// Refuses what the engine does not compute, by the name of the field that asks for it.
pub(super) fn refuse_what_is_not_implemented(
    map: &Map<String, Value>,
    family: Family,
) -> Result<(), ConfigError> {
    refuse_quantized(map)?;
    let standing = |name: &str| {
        let mut all = STANDING.iter().chain(standing_in(family));
        all.find(|(field, _)| *field == name).map(|(_, neutral)| *neutral)
    };
    for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        let unsupported = |supported: String| {
            Err(ConfigError::Unsupported { field: name.clone(), value: value.to_string(), supported })
        };
        match (standing(name), value) {
            (Some(neutral), value) if neutral.holds(value) => {}
            (Some(neutral), _) => return unsupported(neutral.supported()),
            _ if is_known(name) || says_no(value) || is_remark(name, value) => {}
            (None, Value::Bool(_)) => return unsupported("false".to_owned()),
            (None, _) => return Err(ConfigError::Unknown(name.clone())),
        }
    }
    Ok(())
}

/// Whether a field is read elsewhere or known to be a note.
fn is_known(name: &str) -> bool {
    // Names with an underscore are notes of `transformers` to itself; `rm_…` belongs to reward models.
    name.starts_with(['_', '#', '$'])
        || ["rm_", "unsloth", "summary_"].iter().any(|prefix| name.starts_with(prefix))
        || ["_token", "_token_id", "_token_ids", "_token_index", "_version"]
            .iter()
            .any(|end| name.ends_with(end))
        || [READ.as_slice(), NOTES.as_slice(), GENERATION.as_slice()]
            .iter()
            .any(|known| known.contains(&name))
}

/// Whether a value says that something is not done, or is not there.
fn says_no(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Whether a field that nobody has heard of can only be a remark: words, under a name that is about none of a decoder's parts,
/// or anything about how the model was trained.
fn is_remark(name: &str, value: &Value) -> bool {
    const PARTS: [&str; 20] = [
        "activation",
        "attention",
        "attn",
        "bias",
        "block",
        "embed",
        "expert",
        "factor",
        "function",
        "kernel",
        "layer",
        "logit",
        "norm",
        "position",
        "quant",
        "residual",
        "rope",
        "rotary",
        "scal",
        "window",
    ];
    const WORDS: [&str; 13] =
        ["act", "emb", "ffn", "fn", "func", "gate", "head", "heads", "init", "mask", "mlp", "moe", "pos"];
    const TRAINING: [&str; 8] =
        ["train", "epoch", "learning_rate", "weight_decay", "batch_size", "warmup", "global_step", "seed"];
    let about = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let part = about(&PARTS) || name.split(['_', '-', '.']).any(|word| WORDS.contains(&word));
    let words = match value {
        Value::String(_) => true,
        Value::Array(items) => items.iter().all(Value::is_string),
        Value::Object(entries) => entries.values().all(Value::is_string),
        _ => false,
    };
    !part && (words || about(&TRAINING))
}

/// Refuses quantised weights by what they were quantised with.
fn refuse_quantized(map: &Map<String, Value>) -> Result<(), ConfigError> {
    for field in ["quantization_config", "quantization", "compression_config"] {
        let Some(settings) = present(map, field).filter(|settings| !says_no(settings)) else { continue };
        let text = |key: &str| settings.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut by = text("quant_method").or_else(|| text("quant_type")).or_else(|| text("format"));
        // bitsandbytes is known by a switch, and MLX by its groups.
        if by.is_none() && (settings.get("load_in_4bit").is_some() || settings.get("load_in_8bit").is_some())
        {
            by = Some("bitsandbytes".to_owned());
        } else if by.is_none() && settings.get("group_size").is_some() {
            by = Some("mlx".to_owned());
        }
        let bits = ["bits", "w_bit", "num_bits"].iter().find_map(|key| settings.get(*key)?.as_u64());
        let method = match (by, bits) {
            (Some(by), Some(bits)) => format!("{by}, {bits} bits"),
            (Some(by), None) => by,
            (None, Some(bits)) => format!("{bits} bits"),
            (None, None) => "by a method that is not named".to_owned(),
        };
        return Err(ConfigError::Quantized { field, method });
    }
    Ok(())
}
