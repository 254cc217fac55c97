//! Examples in a statement: reading them never panics, and none is empty.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_datasets::statement::examples;

fuzz_target!(|statement: &str| {
    for test in examples(statement) {
        assert!(test.stdin.ends_with('\n') && !test.stdin.trim().is_empty(), "{test:?}");
        assert!(test.stdout.ends_with('\n') && !test.stdout.trim().is_empty(), "{test:?}");
    }
});
