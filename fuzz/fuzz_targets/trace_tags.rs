//! A planner's completion: reading it never panics, and whatever is accepted as a trace is one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_domain::{Trace, trace::CLOSE, trace::OPEN};

fuzz_target!(|completion: &str| {
    // Text that is a trace reads back as itself once it stands between tags.
    if let Some(trace) = Trace::new(completion) {
        assert_eq!(Trace::from_completion(&trace.tagged()).as_ref(), Ok(&trace));
    }
    // Most inputs hold no tags, so both the input and the input between tags are read.
    for completion in [completion.to_owned(), format!("{OPEN}{completion}{CLOSE}")] {
        if let Ok(trace) = Trace::from_completion(&completion) {
            let text = trace.as_str();
            assert!(!text.is_empty() && text.trim() == text, "a trace is trimmed and not empty: {text:?}");
            assert!(!text.contains(OPEN) && !text.contains(CLOSE), "a trace holds no tag: {text:?}");
            assert!(completion.contains(text), "a trace is part of the completion: {text:?}");
        }
    }
});
