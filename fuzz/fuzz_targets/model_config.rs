//! `config.json` of a checkpoint: reading it never panics, and what is accepted is usable and survives being written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Map;
use tracelift_engine::Config;

fuzz_target!(|text: &str| {
    let Ok(config) = Config::from_json(text) else { return };
    assert!(config.head_dim >= 2 && config.head_dim % 2 == 0, "{config:?}");
    assert!(config.heads % config.kv_heads == 0, "{config:?}");
    assert!(config.norm_eps.is_finite() && config.rope_theta.is_finite(), "{config:?}");
    let again =
        Config::from_json(&config.to_json("float32", &Map::new())).expect("what was written is readable");
    assert_eq!(again, config);
});
