//! What a model's fingerprint says of its shape and of how its adapters were made, as JSON with names of its own: a field
//! that is renamed in the code, or printed otherwise by a new compiler, does not make another model of it.

use crate::config::Config;
use crate::lora::Lora;
use crate::ops::rope::Scaling;
use serde_json::{Value, json};

/// The shape of a decoder.
pub(crate) fn shape(config: &Config) -> Value {
    let Config {
        family,
        vocab_size,
        hidden_size,
        intermediate_size,
        layers,
        heads,
        kv_heads,
        head_dim,
        rope_theta,
        rope_scaling,
        norm_eps,
        attention_bias,
        mlp_bias,
        tied,
        max_positions,
        eos_tokens,
    } = config;
    let rope_scaling = match rope_scaling {
        Scaling::None => Value::Null,
        Scaling::Linear { factor } => json!({ "linear": { "factor": factor } }),
        Scaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => json!({
            "llama3": {
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_positions": original_positions,
            },
        }),
        Scaling::Yarn { factor, original_positions, beta_fast, beta_slow, truncate, attention_factor } => {
            json!({
                "yarn": {
                    "factor": factor,
                    "original_positions": original_positions,
                    "beta_fast": beta_fast,
                    "beta_slow": beta_slow,
                    "truncate": truncate,
                    "attention_factor": attention_factor,
                },
            })
        }
    };
    json!({
        "family": family.name(),
        "vocab_size": vocab_size,
        "hidden_size": hidden_size,
        "intermediate_size": intermediate_size,
        "layers": layers,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": head_dim,
        "rope_theta": rope_theta,
        "rope_scaling": rope_scaling,
        "norm_eps": norm_eps,
        "attention_bias": attention_bias,
        "mlp_bias": mlp_bias,
        "tied": tied,
        "max_positions": max_positions,
        "eos_tokens": eos_tokens,
    })
}

/// How adapters were made; `null` where there are none.
pub(crate) fn adapters(lora: Option<&Lora>) -> Value {
    let Some(lora) = lora else { return Value::Null };
    let targets: Vec<&str> = lora.config.targets.iter().map(|target| target.module()).collect();
    json!({
        "rank": lora.config.rank,
        "alpha": lora.config.alpha,
        "rslora": lora.config.rslora,
        "targets": targets,
        "layers": lora.unusual(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lora::{LoraConfig, Projection};
    use crate::model::Model;
    use tracelift_domain::Seed;
    use tracelift_domain::fingerprint::canonical;

    fn config() -> Config {
        let text = r#"{"model_type":"qwen2","vocab_size":16,"hidden_size":8,"intermediate_size":12,"num_hidden_layers":1,
            "num_attention_heads":2,"num_key_value_heads":1,"max_position_embeddings":32,"rms_norm_eps":1e-6,
            "rope_theta":10000.0,"tie_word_embeddings":true,"hidden_act":"silu","eos_token_id":3}"#;
        Config::from_json(text).unwrap()
    }

    #[test]
    fn shape_and_adapters_are_told_by_names_that_stay() {
        assert_eq!(
            canonical(&shape(&config())),
            r#"{"attention_bias":false,"eos_tokens":[3],"family":"qwen2","head_dim":4,"heads":2,"hidden_size":8,"intermediate_size":12,"kv_heads":1,"layers":1,"max_positions":32,"mlp_bias":false,"norm_eps":1e-6,"rope_scaling":null,"rope_theta":10000.0,"tied":true,"vocab_size":16}"#
        );
        let lora = LoraConfig { rank: 2, alpha: 4.0, rslora: false, targets: vec![Projection::QProj] };
        let model = Model::random(config(), Seed(1)).with_lora(lora, Seed(2));
        assert_eq!(
            canonical(&adapters(model.lora.as_ref())),
            r#"{"alpha":4.0,"layers":null,"rank":2,"rslora":false,"targets":["q_proj"]}"#
        );
    }
}
