//! A planner's completion: reading it never panics, and whatever is accepted as a trace is one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_domain::completion::read;
use tracelift_domain::{Ending, Field, Trace, trace::CLOSE, trace::OPEN};

fuzz_target!(|completion: &str| {
    // Text that is a trace reads back as itself once it stands between tags.
    if let Some(trace) = Trace::new(completion) {
        let tagged = trace.tagged();
        if let Ok(read) = read(&tagged, Field::Completion, Ending::Stopped) {
            assert_eq!(read, trace);
        }
    }
    // Most inputs hold no tags, so the input, the input between tags and the input around tags are read.
    let tagged = format!("{OPEN}{completion}{CLOSE}");
    let around = format!("{completion}{OPEN}a{CLOSE}{completion}");
    for completion in [completion, &tagged, &around] {
        for field in [Field::Completion, Field::Reasoning] {
            if let Ok(trace) = read(completion, field, Ending::Stopped) {
                let text = trace.as_str();
                assert!(!text.is_empty() && text.trim() == text, "a trace is trimmed and not empty: {text:?}");
                assert!(!text.contains(OPEN) && !text.contains(CLOSE), "a trace holds no tag: {text:?}");
                assert!(completion.contains(text), "a trace is part of the completion: {text:?}");
            }
        }
    }
});
