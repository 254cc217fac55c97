//! A safetensors file from outside: its header and its values are read or refused, and whatever is read is finite.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fs;
use tracelift_engine::checkpoint::load_tensors;

fuzz_target!(|bytes: &[u8]| {
    // In memory where the system has such a place; one file a process.
    let name = format!("tracelift-fuzz-{}.safetensors", std::process::id());
    let memory = std::path::Path::new("/dev/shm");
    let path = if memory.is_dir() { memory.join(name) } else { std::env::temp_dir().join(name) };
    fs::write(&path, bytes).expect("a temporary file can be written");
    if let Ok(tensors) = load_tensors(&path) {
        for (shape, values) in tensors.values() {
            assert_eq!(shape.iter().product::<usize>(), values.len());
            assert!(values.iter().all(|value| value.is_finite()));
        }
    }
    let _ = fs::remove_file(&path);
});
