//! `completions.jsonl`: completions as models of many families and frameworks write them, each with its trace or its defect.
//!
//! The servers and the binary read the same table over every route of theirs.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::Value;
use std::collections::BTreeSet;
use tracelift_domain::completion::read;
use tracelift_domain::{Ending, Field, Trace, TraceDefect};

fn told(read: &Result<Trace, TraceDefect>) -> (Option<&str>, Option<&str>) {
    (read.as_ref().ok().map(Trace::as_str), read.as_ref().err().map(|defect| defect.code()))
}

#[test]
fn each_completion_has_its_trace_or_its_defect() {
    let mut defects = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in include_str!("completions.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = case["completion"].as_str().unwrap();
        let wanted = (case["trace"].as_str(), case["defect"].as_str());
        defects.extend(case["defect"].as_str().map(str::to_owned));
        let found = read(text, Field::Completion, Ending::Stopped);
        if told(&found) != wanted {
            wrong.push(format!("{} {text:?}: {:?}, not {wanted:?}", case["kind"], told(&found)));
        }
        // As a bare trace, what has no tag at all is a trace; all else is read alike.
        let wanted = match case["bare"].as_str() {
            Some(bare) => (Some(bare), None),
            None => wanted,
        };
        let found = read(text, Field::Reasoning, Ending::Stopped);
        if told(&found) != wanted {
            wrong.push(format!("{} {text:?} as reasoning: {:?}, not {wanted:?}", case["kind"], told(&found)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: BTreeSet<String> = TraceDefect::ALL.iter().map(|defect| defect.code().to_owned()).collect();
    let seen = &defects | &BTreeSet::from(["truncated".to_owned()]);
    assert_eq!(seen, all, "a defect is not in the table");
}
