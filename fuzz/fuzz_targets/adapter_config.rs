//! `adapter_config.json` of PEFT: reading it never panics, and what is accepted adapts something.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::{Config, Family, peft};

fuzz_target!(|text: &str| {
    let model = Config {
        family: Family::Qwen3,
        vocab_size: 16,
        hidden_size: 4,
        intermediate_size: 6,
        layers: 2,
        heads: 2,
        kv_heads: 1,
        head_dim: 2,
        rope_theta: 1e4,
        rope_scaling: Scaling::None,
        norm_eps: 1e-6,
        attention_bias: false,
        mlp_bias: false,
        tied: false,
        max_positions: 32,
        eos_tokens: vec![],
    };
    if let Ok(lora) = peft::read_config(text, &model) {
        assert!(!lora.values.is_empty() && lora.largest_rank() >= 1);
    }
});
