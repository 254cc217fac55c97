//! Answers of the textual modes: judging never panics, equals itself, and blames gold only for gold's faults.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_domain::Verdict;
use tracelift_verify::answers::{exact, gsm8k};

fuzz_target!(|input: (&str, &str)| {
    let (gold, completion) = input;
    for judge in [gsm8k::judge, exact::judge] {
        let judgement = judge(gold, completion);
        assert_eq!(judgement.score.is_none(), judgement.verdict.success().is_none(), "{judgement:?}");
        let with_itself = judge(gold, gold);
        match (&judgement.verdict, &with_itself.verdict) {
            (Verdict::Unscorable { .. }, Verdict::Unscorable { .. }) => {}
            (Verdict::Passed | Verdict::Failed { .. }, Verdict::Passed) => {}
            _ => panic!("{gold:?} with {completion:?} is {judgement:?}, with itself {with_itself:?}"),
        }
    }
});
