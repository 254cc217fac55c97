//! The parser of formulas: every text is read or refused, never with a panic, a hang or a deep stack.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_math::fuzzing::parse;

fuzz_target!(|text: &str| {
    let read = parse(text);
    // Reading is a function of the text.
    assert_eq!(read, parse(text));
});
