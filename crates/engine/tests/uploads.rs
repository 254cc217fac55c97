//! What people have: `config.json` and `adapter_config.json` as they are uploaded, with the notes of many tools in them. What
//! changes nothing is let through; what the engine does not compute is refused by its own name.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::{Map, Value, json};
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::{Config, Family, peft};

/// The fields of a small model, as every upload of its family has them.
fn small(family: Family) -> Value {
    let mut config = json!({
        "architectures": [format!("{}ForCausalLM", family.title())],
        "model_type": family.name(),
        "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
        "rms_norm_eps": 1e-6, "rope_theta": 1e4, "hidden_act": "silu",
    });
    if family == Family::Qwen3 {
        config["head_dim"] = json!(8);
    }
    config
}

fn with(family: Family, changes: &Value) -> Result<Config, String> {
    let mut config = small(family);
    for (field, value) in changes.as_object().unwrap() {
        config[field] = value.clone();
    }
    Config::from_json(&config.to_string()).map_err(|error| error.to_string())
}

#[test]
fn notes_of_uploads_change_nothing() {
    use Family::{Llama, Qwen2, Qwen3};
    let uploads = [
        // SmolLM2, with what transformers.js and its converters noted.
        (
            Llama,
            json!({"is_llama_config": true, "rope_interleaved": false, "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}},
            "pad_token_id": 2, "pretraining_tp": 1, "rope_scaling": null, "attention_dropout": 0.0, "mlp_bias": false}),
        ),
        // Qwen2.5 and what was distilled into it.
        (
            Qwen2,
            json!({"use_mrope": false, "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 21,
            "bos_token_id": 43, "eos_token_id": [43, 45], "layer_types": ["full_attention", "full_attention"]}),
        ),
        // Copies by Unsloth.
        (
            Qwen2,
            json!({"unsloth_fixed": true, "unsloth_version": "2025.6.1", "model_name": "unsloth/qwen2.5", "unsloth_tiled": 3,
            "quantization_config": null}),
        ),
        (Llama, json!({"_unsloth_temp": {"a": 1}, "neftune_noise_alpha": 5.0, "torch_dtype": "bfloat16"})),
        // Code of their own that nobody here runs, since the family's own is known.
        (
            Qwen2,
            json!({"auto_map": {"AutoModelForCausalLM": "modeling_qwen2.Qwen2ForCausalLM"}, "use_logn_attn": false, "use_dynamic_ntk": false}),
        ),
        (Llama, json!({"auto_map": {"AutoConfig": "a/b--c.D"}, "trust_remote_code": true})),
        // Fine-tunings by Axolotl, LLaMA-Factory, mergekit, TRL.
        (
            Llama,
            json!({"base_model": "meta/llama", "datasets": [{"path": "x"}], "training_args": {"lr": 1e-5}, "train_steps": 1000,
            "num_train_epochs": 3.0, "learning_rate": 2e-5, "seed": 18}),
        ),
        (
            Qwen3,
            json!({"author": "someone", "license": "apache-2.0", "language": ["en", "de"], "merge_recipe": "slerp",
            "sources": {"a": "x/y", "b": "z"}}),
        ),
        // Settings of `generate` that once stood here.
        (
            Llama,
            json!({"do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 50, "max_length": 4096, "num_beams": 1,
            "repetition_penalty": 1.1, "return_dict_in_generate": false, "min_p": 0.05, "stop_strings": ["</s>"]}),
        ),
        // The first Llamas, TinyLlama, Vicuna.
        (
            Llama,
            json!({"max_sequence_length": 2048, "initializer_range": 0.02, "use_cache": true, "transformers_version": "4.28.1",
            "_name_or_path": "./vicuna", "unk_token_id": 0, "multiple_of": 256, "ffn_dim_multiplier": 1.3}),
        ),
        (Llama, json!({"num_key_value_heads": null, "tie_word_embeddings": false, "attention_bias": false})),
        // Parameter counts of original files, flash attention of several years.
        (
            Llama,
            json!({"_flash_attn_2_enabled": true, "use_flash_attn": true, "attn_implementation": "sdpa", "_attn_implementation_autoset": true}),
        ),
        // Switches that say no, whoever made them up.
        (
            Qwen2,
            json!({"use_bias": false, "parallel_attn": false, "use_mup": false, "alibi": false, "qk_layernorm": false, "new_switch": false}),
        ),
        (
            Qwen3,
            json!({"use_qk_norm": true, "attention_bias": false, "num_experts": 0, "decoder_sparse_step": null, "mlp_only_layers": []}),
        ),
        (Qwen2, json!({"qkv_bias": true, "attention_bias": true})),
        // Values that are the usual ones.
        (
            Llama,
            json!({"partial_rotary_factor": 1.0, "residual_multiplier": 1.0, "embedding_multiplier": 1.0, "logits_scaling": 1.0,
            "position_embedding_type": "rope", "hidden_activation": "silu", "resid_pdrop": 0.0, "no_bias": true, "is_causal": true}),
        ),
        (
            Llama,
            json!({"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}, "problem_type": null, "summary_type": "cls_index",
            "classifier_dropout": 0.1, "num_labels": 1}),
        ),
        (
            Qwen2,
            json!({"image_token_id": 7, "vision_start_token_id": 8, "eos_token": "</s>", "chat_template": "{{ x }}", "hf_version": "0.3"}),
        ),
        (
            Qwen3,
            json!({"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}, "rope_theta": null, "dtype": "bfloat16", "output_attentions": true}),
        ),
        (
            Llama,
            json!({"cache_implementation": "static", "compile_config": null, "torchscript": false, "tf_legacy_loss": false, "logits_to_keep": 0}),
        ),
    ];
    for (family, changes) in &uploads {
        let found = with(*family, changes).unwrap_or_else(|error| panic!("{changes}: {error}"));
        let plain = with(*family, &json!({})).unwrap();
        // How many heads and which end tokens are part of the model; everything else is as without the notes.
        let expected = Config { eos_tokens: found.eos_tokens.clone(), kv_heads: found.kv_heads, ..plain };
        assert_eq!(found, expected, "{changes}");
    }
    let marked = format!("\u{feff}{}", small(Qwen2));
    assert!(Config::from_json(&marked).is_ok(), "a byte order mark");
}

#[test]
fn what_changes_the_computation_is_refused_by_its_name() {
    use Family::{Llama, Qwen2, Qwen3};
    for (family, field, value) in [
        (Llama, "residual_multiplier", json!(0.22)),
        (Llama, "logits_scaling", json!(8.0)),
        (Llama, "embedding_multiplier", json!(12.0)),
        (Llama, "attention_multiplier", json!(0.0078)),
        (Llama, "final_logit_softcapping", json!(30.0)),
        (Llama, "attn_logit_softcapping", json!(50.0)),
        (Llama, "query_pre_attn_scalar", json!(256)),
        (Llama, "clip_qkv", json!(8.0)),
        (Llama, "attention_chunk_size", json!(8192)),
        (Llama, "no_rope_layers", json!([1, 0])),
        (Llama, "no_rope_layer_interval", json!(4)),
        (Llama, "use_qk_norm", json!(true)),
        (Llama, "qk_norm", json!(true)),
        (Llama, "rope_interleaved", json!(true)),
        (Llama, "use_mup", json!(true)),
        (Llama, "qkv_bias", json!(true)),
        (Llama, "use_rope", json!(false)),
        (Llama, "is_causal", json!(false)),
        (Llama, "no_bias", json!(false)),
        (Llama, "norm_type", json!("layernorm")),
        (Llama, "position_embedding_type", json!("alibi")),
        (Llama, "activation_function", json!("relu")),
        (Llama, "hidden_act", json!("gelu_new")),
        (Llama, "layer_norm_eps", json!(1e-5)),
        (Llama, "num_local_experts", json!(8)),
        (Llama, "block_configs", json!([{"attention": {"no_op": true}}])),
        (Llama, "partial_rotary_factor", json!(0.25)),
        (Llama, "attention_dropout", json!(0.1)),
        (Llama, "num_nextn_predict_layers", json!(1)),
        (Qwen2, "use_sliding_window", json!(true)),
        (Qwen2, "use_logn_attn", json!(true)),
        (Qwen2, "qkv_bias", json!(false)),
        (Qwen2, "layer_types", json!(["full_attention", "sliding_attention"])),
        (Qwen3, "use_qk_norm", json!(false)),
        (Qwen3, "num_experts", json!(128)),
        (Qwen3, "mlp_only_layers", json!([0])),
    ] {
        let message = with(family, &json!({field: value})).unwrap_err();
        assert!(message.contains(&format!("`{field}`")), "{field}: {message}");
    }
}

#[test]
fn quantised_weights_are_refused_by_what_quantised_them() {
    for (field, settings, expected) in [
        (
            "quantization_config",
            json!({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true}),
            "awq, 4 bits",
        ),
        (
            "quantization_config",
            json!({"quant_method": "gptq", "bits": 8, "desc_act": false}),
            "gptq, 8 bits",
        ),
        ("quantization_config", json!({"load_in_4bit": true, "bnb_4bit_quant_type": "nf4"}), "bitsandbytes"),
        ("quantization_config", json!({"quant_method": "fp8", "activation_scheme": "dynamic"}), "fp8"),
        (
            "quantization_config",
            json!({"quant_method": "compressed-tensors", "format": "pack-quantized"}),
            "compressed-tensors",
        ),
        ("quantization", json!({"group_size": 64, "bits": 4}), "mlx, 4 bits"),
        ("compression_config", json!({"format": "int-quantized"}), "int-quantized"),
    ] {
        let message = with(Family::Llama, &json!({field: settings})).unwrap_err();
        assert!(message.contains(expected) && message.contains(&format!("`{field}`")), "{message}");
    }
}

#[test]
fn rotary_scaling_is_read_or_refused_by_its_own_name() {
    let scaled = |scaling: Value| {
        with(Family::Qwen2, &json!({"rope_scaling": scaling})).map(|config| config.rope_scaling)
    };
    let yarn =
        scaled(json!({"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32})).unwrap();
    let Scaling::Yarn { factor, original_positions, beta_fast, beta_slow, truncate, attention_factor } = yarn
    else {
        panic!("{yarn:?}")
    };
    assert_eq!((factor, original_positions, beta_fast, beta_slow, truncate), (4.0, 32.0, 32.0, 1.0, true));
    assert!((attention_factor - (0.1 * 4_f64.ln() + 1.0)).abs() < 1e-12);
    for (scaling, expected) in [
        (json!({"rope_type": "dynamic", "factor": 2.0}), "\"dynamic\""),
        (json!({"type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}), "\"longrope\""),
        (json!({"type": "su"}), "\"su\""),
        (
            json!({"rope_type": "yarn", "factor": 4.0, "extrapolation_factor": 2.0}),
            "`rope_scaling.extrapolation_factor`",
        ),
        (json!({"rope_type": "yarn", "factor": -4.0}), "`factor`"),
        (json!({"rope_type": "yarn", "factor": 4.0, "beta_fast": 1, "beta_slow": 32}), "`beta_fast`"),
        (json!({"type": "default", "mrope_section": [1, 2]}), "`rope_scaling.mrope_section`"),
    ] {
        let message = scaled(scaling.clone()).unwrap_err();
        assert!(message.contains(expected), "{scaling}: {message}");
    }
}

fn adapter(changes: &Value) -> Result<tracelift_engine::lora::Lora, String> {
    let model = with(Family::Qwen2, &json!({})).unwrap();
    let mut config = Map::from_iter([("peft_type".to_owned(), json!("LORA"))]);
    config.extend(changes.as_object().unwrap().clone());
    peft::read_config(&Value::Object(config).to_string(), &model)
}

#[test]
fn an_adapter_that_says_little_means_what_peft_means() {
    let silent = adapter(&json!({})).unwrap();
    assert_eq!((silent.config.rank, silent.config.alpha, silent.config.rslora), (8, 8.0, false));
    let targets: Vec<&str> = silent.config.targets.iter().map(|target| target.module()).collect();
    assert_eq!(targets, ["q_proj", "v_proj"]);
    // What `LoraConfig().to_dict()` of PEFT 0.21 writes, field by field.
    let all = json!({"task_type": "CAUSAL_LM", "auto_mapping": null, "peft_version": "0.21.2", "base_model_name_or_path": "x/y",
        "revision": null, "inference_mode": true, "r": 4, "target_modules": ["k_proj"], "exclude_modules": null, "lora_alpha": 16,
        "lora_dropout": 0.05, "fan_in_fan_out": false, "bias": "none", "use_rslora": true, "modules_to_save": null,
        "init_lora_weights": true, "layers_to_transform": null, "layers_pattern": null, "rank_pattern": {}, "alpha_pattern": {},
        "megatron_config": null, "megatron_core": "megatron.core", "trainable_token_indices": null, "loftq_config": {},
        "eva_config": null, "corda_config": null, "lora_ga_config": null, "use_dora": false, "velora_config": null,
        "alora_invocation_tokens": null, "use_qalora": false, "qalora_group_size": 16, "monteclora_config": null,
        "layer_replication": null, "lora_bias": false, "target_parameters": null, "use_bdlora": null, "arrow_config": null,
        "kasa_config": null, "ensure_weight_tying": false});
    let read = adapter(&all).unwrap();
    assert_eq!((read.config.rank, read.config.alpha, read.config.rslora), (4, 16.0, true));
    for (changes, adapted) in [
        (json!({"target_modules": "all-linear"}), 14),
        (json!({"target_modules": ["self_attn.q_proj", "down_proj"]}), 4),
        (json!({"target_modules": ["q_proj"], "layers_to_transform": []}), 2),
        (json!({"target_modules": ["q_proj"], "layers_to_transform": 1}), 1),
        (json!({"target_modules": ["q_proj"], "layers_pattern": "layers", "layers_to_transform": [0]}), 1),
        // Looks ahead and behind, as Python's patterns have them and Unsloth writes them.
        (json!({"target_modules": r"^(?!.*visual).*(?:q_proj|k_proj)$"}), 4),
        (
            json!({"target_modules": r"(?:.*?(?:language|text).*?(?:q_proj).*?)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|mlp)\.(?:(?:q_proj|up_proj)))"}),
            4,
        ),
        (json!({"target_modules": r"model\.layers\.\d+\..*(?<!k)_proj", "exclude_modules": ["o_proj"]}), 10),
        (
            json!({"fan_in_fan_out": true, "auto_mapping": {"base_model_class": "Qwen2ForCausalLM", "unsloth_fixed": true}}),
            4,
        ),
    ] {
        let lora = adapter(&changes).unwrap_or_else(|error| panic!("{changes}: {error}"));
        // Two matrices each.
        assert_eq!(lora.tensors.len(), 2 * adapted, "{changes}");
    }
    for (changes, expected) in [
        (json!({"peft_type": "IA3"}), "\"IA3\""),
        (json!({"use_dora": true}), "`use_dora`"),
        (json!({"bias": "lora_only"}), "`bias`"),
        (json!({"lora_bias": true}), "`lora_bias`"),
        (json!({"lora_alpha": "16"}), "`lora_alpha`"),
        (json!({"r": 0}), "`r`"),
        (json!({"init_lora_weights": "pissa_niter_4"}), "`init_lora_weights`"),
        (json!({"target_modules": ["q_proj", "lm_head"]}), "`lm_head`"),
        (json!({"target_modules": r"(a|aa)+$(?=b)((((((x"}), "`target_modules`"),
        (json!({"target_parameters": ["mlp.experts.gate_up_proj"]}), "`target_parameters`"),
        (json!({"trainable_token_indices": [1, 2]}), "`trainable_token_indices`"),
    ] {
        let message = adapter(&changes).map(|_| ()).unwrap_err();
        assert!(message.contains(expected), "{changes}: {message}");
    }
}
