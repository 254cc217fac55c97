//! What is left of an input that is too long.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use proptest::prelude::*;
use tracelift_domain::{Question, Seed, TaskDomain, Trace, prompt};
use tracelift_engine::{Config, Model, Tokenizer};
use tracelift_reward::{RewardModel, Shortened};
use tracelift_testing::TinyModel;

fn model(max_tokens: usize) -> RewardModel {
    let tokenizer = Tokenizer::byte_level().unwrap();
    let shape = TinyModel {
        hidden: 4,
        intermediate: 8,
        layers: 1,
        heads: 1,
        head_dim: 4,
        positions: 4096,
        ..TinyModel::BYTES
    };
    let config = Config::from_json(&shape.config()).unwrap();
    let backbone = Model::random(config, Seed(1));
    RewardModel { max_tokens, ..RewardModel::new(backbone, tokenizer, TaskDomain::Math, Seed(2)) }
}

fn put(statement: &str, trace: &str) -> String {
    prompt::reward_model_text("gsm8k", TaskDomain::Math.name(), statement, None, trace)
}

#[test]
fn a_long_problem_loses_its_end_and_the_trace_nothing() {
    let model = model(160);
    let question = Question::new("gsm8k", TaskDomain::Math, "Count to a hundred. ".repeat(40));
    let trace = Trace::new("One, two, three, and so on to a hundred.").unwrap();
    let tokens = model.encode(&question, &trace).unwrap();
    let text = model.tokenizer.decode(&tokens).unwrap();
    // One token a byte, but for the tags around the trace, which are one each.
    let frame = model.tokenizer.encode(&put("", trace.as_str())).unwrap().len();
    let kept = &question.statement[..160 - frame];
    assert_eq!(text, put(kept, trace.as_str()));
    assert_eq!(tokens.len(), 160);
}

#[test]
fn a_trace_that_does_not_fit_says_so() {
    let model = model(60);
    let long = "One and one and one and one and one and one and one and one are eight.";
    let (tokens, shortened) = model.encode_within(60, "How many?", |s| put(s, long)).unwrap();
    assert_eq!((tokens.len(), shortened), (60, Shortened::Trace));
    let text = model.tokenizer.decode(&tokens).unwrap();
    assert!(text.ends_with("are eight.\n</reasoning>"), "{text}");
}

proptest! {
    #[test]
    fn nothing_but_the_problem_is_shortened(statement in "[ -~é漢]{0,120}", trace in "[ -~é漢]{1,80}", limit in 1_usize..400) {
        let model = model(4096);
        let count = |statement: &str| model.tokenizer.encode(&put(statement, &trace)).unwrap().len();
        let (tokens, shortened) = model.encode_within(limit, &statement, |s| put(s, &trace)).unwrap();
        prop_assert!(tokens.len() <= limit);
        let expected = match () {
            () if count(&statement) <= limit => Shortened::No,
            () if count("") <= limit => Shortened::Problem,
            () => Shortened::Trace,
        };
        prop_assert_eq!(shortened, expected);
        if shortened != Shortened::Trace {
            let text = model.tokenizer.decode(&tokens).unwrap();
            let end = put("", &trace);
            let end = &end[end.find("\n</problem>").unwrap()..];
            let kept = text.strip_suffix(end).unwrap().strip_prefix("<task>gsm8k</task>\n<type>math</type>\n<problem>\n").unwrap();
            prop_assert!(statement.starts_with(kept));
            // Not one character more would fit.
            if let Some(next) = statement[kept.len()..].chars().next() {
                let longer = format!("{kept}{next}");
                prop_assert!(count(&longer) > limit);
            }
        }
    }
}
