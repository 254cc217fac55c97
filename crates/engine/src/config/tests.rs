use super::*;
use crate::params::Layout;
use proptest::prelude::*;

fn small(family: Family) -> Config {
    Config {
        family,
        vocab_size: 64,
        hidden_size: 32,
        intermediate_size: 48,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        rope_theta: 1e4,
        rope_scaling: Scaling::None,
        norm_eps: 1e-6,
        attention_bias: false,
        mlp_bias: false,
        tied: true,
        max_positions: 128,
        eos_tokens: vec![1],
    }
}

fn read(config: &Config, changes: &[(&str, Value)]) -> Result<Config, String> {
    let extra = changes.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect();
    Config::from_json(&config.to_json("float32", &extra)).map_err(|error| error.to_string())
}

#[test]
fn reads_what_it_writes() {
    let llama3 = Scaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_positions: 64.0,
    };
    for family in Family::ALL {
        for eos_tokens in [vec![], vec![1], vec![1, 2]] {
            for rope_scaling in [Scaling::None, Scaling::Linear { factor: 2.5 }, llama3] {
                let config =
                    Config { eos_tokens: eos_tokens.clone(), rope_scaling, head_dim: 12, ..small(family) };
                assert_eq!(read(&config, &[]).unwrap(), config);
            }
        }
    }
    let config = Config { attention_bias: true, mlp_bias: true, ..small(Family::Llama) };
    assert_eq!(read(&config, &[]).unwrap(), config);
}

#[test]
fn the_plan_of_a_model_is_as_long_as_was_foretold() {
    for family in Family::ALL {
        for tied in [true, false] {
            let llama = family == Family::Llama;
            let attention_bias = family != Family::Qwen2 && tied;
            let config =
                Config { tied, attention_bias, mlp_bias: llama && tied, head_dim: 12, ..small(family) };
            assert_eq!(Layout::new(&config).len as u128, Layout::elements(&config), "{config:?}");
        }
    }
}

#[test]
fn what_is_not_supported_is_named() {
    for (field, value, expected) in [
        ("model_type", json!("gpt2"), "`model_type` is \"gpt2\""),
        ("use_sliding_window", json!(true), "`use_sliding_window` is true"),
        ("rope_scaling", json!({"type": "yarn"}), "`factor`"),
        ("rope_scaling", json!({"type": "dynamic", "factor": 2.0}), "`rope_scaling` is \"dynamic\""),
        ("rope_scaling", json!({"type": "linear", "factor": "2"}), "`factor`"),
        ("rope_scaling", json!({"type": "linear", "factor": 2, "extra": 1}), "`rope_scaling.extra`"),
        (
            "rope_scaling",
            json!({"rope_type": "default", "mrope_section": [1]}),
            "`rope_scaling.mrope_section`",
        ),
        ("rope_scaling", json!({"rope_type": "llama3", "factor": 2}), "`low_freq_factor`"),
        ("rope_scaling", json!([1]), "`rope_scaling`"),
        ("rope_scaling", json!({"rope_type": "linear", "factor": -2}), "`factor`"),
        ("partial_rotary_factor", json!(0.5), "`partial_rotary_factor` is 0.5"),
        ("hidden_act", json!("gelu"), "`hidden_act` is \"gelu\""),
        ("num_attention_heads", json!(5), "`hidden_size` 32 is not a multiple of 5 heads"),
        ("num_key_value_heads", json!(3), "4 attention heads are not a multiple of 3"),
        ("head_dim", json!(7), "a head of 7 channels"),
        ("vocab_size", json!(-3), "`vocab_size`"),
        ("layer_types", json!(["full_attention", "sliding_attention"]), "`layer_types`"),
        ("layer_types", json!("full_attention"), "`layer_types`"),
        ("rope_theta", json!(0.0), "`rope_theta` is 0"),
        ("rms_norm_eps", json!(-1e-6), "`rms_norm_eps`"),
        ("hidden_size", json!(1_u64 << 40), "exceeds what a model can have"),
        ("quantization_config", json!({"bits": 4}), "`quantization_config`"),
        ("mlp_bias", json!(true), "`mlp_bias` is true"),
        ("attention_bias", json!(false), "`attention_bias` is false"),
        ("residual_multiplier", json!(0.22), "`residual_multiplier`"),
    ] {
        let message = read(&small(Family::Qwen2), &[(field, value)]).unwrap_err();
        assert!(message.contains(expected), "{field}: {message}");
    }
    let message =
        read(&small(Family::Llama), &[("head_dim", Value::Null), ("num_attention_heads", json!(6))]);
    assert!(message.unwrap_err().contains("`hidden_size` 32 is not a multiple of 6 heads"));
}

#[test]
fn both_spellings_of_the_rotary_embedding_are_read() {
    let scaling = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 64});
    let old = read(&small(Family::Llama), &[("rope_scaling", scaling.clone()), ("rope_theta", json!(5e5))])
        .unwrap();
    let mut parameters = scaling;
    parameters["rope_theta"] = json!(5e5);
    let new =
        [("rope_scaling", Value::Null), ("rope_theta", Value::Null), ("rope_parameters", parameters.clone())];
    assert_eq!(read(&small(Family::Llama), &new).unwrap(), old);
    assert_eq!(old.rope_theta, 5e5);
    let other = json!({"rope_type": "linear", "factor": 2.0});
    let both = [("rope_scaling", other), ("rope_parameters", parameters)];
    let message = read(&small(Family::Llama), &both).unwrap_err();
    assert!(message.contains("`rope_parameters` and `rope_scaling` do not say the same"), "{message}");
}

#[test]
fn what_changes_nothing_is_let_through() {
    let notes = [
        ("_name_or_path", json!("x")),
        ("transformers_version", json!("4.43.1")),
        ("use_cache", json!(true)),
        ("sliding_window", json!(32768)),
        ("pretraining_tp", json!(1)),
        ("rope_interleaved", json!(false)),
        ("a_new_field", Value::Null),
        ("rm_num_labels", json!(5)),
        // The published reward-model class writes it; it acts on heads, in training.
        ("classifier_dropout", json!(0.0)),
    ];
    assert_eq!(read(&small(Family::Llama), &notes).unwrap(), small(Family::Llama));
}

#[test]
fn the_families_differ_where_their_files_say_nothing() {
    let silent =
        [("head_dim", Value::Null), ("attention_bias", Value::Null), ("num_key_value_heads", Value::Null)];
    let qwen3 = read(&small(Family::Qwen3), &silent).unwrap();
    assert_eq!((qwen3.head_dim, qwen3.kv_heads, qwen3.qkv_bias(), qwen3.head_norms()), (128, 4, false, true));
    let llama = read(&small(Family::Llama), &silent).unwrap();
    assert_eq!((llama.head_dim, llama.qkv_bias(), llama.head_norms()), (8, false, false));
    let qwen2 = read(&small(Family::Qwen2), &silent).unwrap();
    assert_eq!((qwen2.head_dim, qwen2.qkv_bias(), qwen2.head_norms()), (8, true, false));
}

/// A value that a field may have by mistake or by malice.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_u64..300).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof![Just("default"), Just("linear"), Just("llama3"), Just("yarn")].prop_map(
            |kind| json!({"rope_type": kind, "factor": 2.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0})
        ),
    ]
}

proptest! {
    #[test]
    fn any_file_is_refused_or_usable(
        family in proptest::sample::select(Family::ALL.to_vec()),
        changes in proptest::collection::btree_map(
            proptest::sample::select(vec![
                "vocab_size", "hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "rope_theta",
                "rope_scaling", "rope_parameters", "rms_norm_eps", "tie_word_embeddings", "eos_token_id",
                "attention_bias", "mlp_bias", "model_type", "layer_types", "something_new",
            ]),
            anything(),
            0..4,
        ),
    ) {
        let extra = changes.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
        if let Ok(config) = Config::from_json(&small(family).to_json("float32", &extra)) {
            prop_assert!(config.head_dim >= 2 && config.heads % config.kv_heads == 0);
            // Words, and what says no, may be a note.
            let new = extra.get("something_new");
            prop_assert!(!new.is_some_and(|value: &Value| value.is_number() || *value == true));
            prop_assert_eq!(Config::from_json(&config.to_json("float32", &Map::new())).unwrap(), config);
        }
    }
}
