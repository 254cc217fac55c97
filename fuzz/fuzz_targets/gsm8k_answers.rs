//! Answers: judging never panics, equals itself, and blames gold only for gold's faults.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_domain::Verdict;
use tracelift_verify::{AnswerMode, answers::judge};

fuzz_target!(|input: (&str, &str)| {
    let (gold, completion) = input;
    for mode in [AnswerMode::Gsm8kCompat, AnswerMode::Exact] {
        let judgement = judge(mode, gold, completion);
        assert_eq!(judgement.score.is_none(), judgement.verdict.success().is_none(), "{judgement:?}");
        let with_itself = judge(mode, gold, gold);
        match (&judgement.verdict, &with_itself.verdict) {
            (Verdict::Unscorable { .. }, Verdict::Unscorable { .. }) => {}
            (Verdict::Passed | Verdict::Failed { .. }, Verdict::Passed) => {}
            _ => {
                panic!("{mode:?}: {gold:?} with {completion:?} is {judgement:?}, with itself {with_itself:?}")
            }
        }
    }
});
