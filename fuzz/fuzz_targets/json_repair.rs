//! Replies of models: reading them never panics, strict JSON is read as it stands, and what was repaired stays as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tracelift_oracle::json::{LONGEST_REPLY, MAX_DEPTH, candidates, repair};

fuzz_target!(|text: &str| {
    for candidate in candidates(text) {
        assert!(text.len() <= LONGEST_REPLY && candidate.value.is_object(), "{candidate:?}");
    }
    let repaired = repair(text);
    if let Ok(strict) = serde_json::from_str::<Value>(text)
        && depth(&strict) <= MAX_DEPTH
    {
        let (value, repairs) = repaired.clone().expect("valid JSON is readable");
        assert_eq!((value, repairs.len()), (strict, 0), "{text:?}");
    }
    if let Ok((value, _)) = repaired {
        let written = serde_json::to_string(&value).expect("a value can be written");
        let (again, repairs) = repair(&written).expect("what was written is readable");
        assert_eq!((again, repairs.len()), (value, 0), "{text:?} became {written}");
    }
});

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
