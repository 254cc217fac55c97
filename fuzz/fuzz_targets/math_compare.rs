//! Extraction and comparison of two answers: no panic, no hang, and an answer that is read equals itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_math::{Gold, Options, Verdict, compare, hendrycks};

fuzz_target!(|input: (bool, &str, &str)| {
    let (strict, gold, pred) = input;
    let options = Options { strict, ..Options::default() };
    let parsed = Gold::parse(gold, &options);
    let comparison = parsed.compare(pred);
    assert_eq!(comparison.verdict, compare(gold, pred, &options).verdict, "a gold read once compares alike");
    if comparison.verdict == Verdict::Equal {
        assert!(comparison.extracted.is_some(), "an accepted prediction was found somewhere: {comparison:?}");
    }
    let _ = hendrycks::is_equiv(gold, pred);
    let _ = hendrycks::last_boxed(pred);
});
