//! The reward model as a scorer: the same scores as when it is called directly, bit for bit the same in any company, and no score
//! where there is none.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::path::Path;
use tracelift_domain::{Question, TaskDomain, Trace};
use tracelift_engine::Tokenizer;
use tracelift_reward::model::load_heads;
use tracelift_reward::{FrozenRewardModel, RewardModel, ScoreFailure, ScoreItem, TraceScorer};

/// The golden checkpoint with a tokenizer of three words.
fn model() -> RewardModel {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden/qwen2-rm");
    let ((backbone, heads), domain) = load_heads(&dir).unwrap();
    let tokenizer = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":{"type":"WhitespaceSplit"},"post_processor":null,"decoder":null,
        "model":{"type":"WordLevel","vocab":{"a":0,"b":1,"c":2},"unk_token":"a"}}"#;
    let tokenizer = Tokenizer::from_json(tokenizer).unwrap();
    RewardModel { backbone, tokenizer, domain, max_tokens: 128, heads }
}

#[test]
fn it_scores_as_the_model_does() {
    let (model, frozen) = (model(), FrozenRewardModel::new(model()));
    let traces = ["b c", "c", "c b b c"].map(|text| Trace::new(text).unwrap());
    let question = Question::new("t", TaskDomain::Math, "b b");
    let item = |trace| ScoreItem { question: &question, trace };
    let items: Vec<ScoreItem<'_>> = traces.iter().map(item).collect();
    let scorer: &dyn TraceScorer = &frozen;
    let found = scorer.score(&items);
    for (trace, found) in traces.iter().zip(found) {
        let tokens = model.encode(&question, trace).unwrap();
        let direct = RewardModel::score(&model, &[tokens])[0];
        assert!((found.unwrap().score - direct.score).abs() < 1e-6, "{trace:?}");
    }
    assert_eq!(scorer.fingerprint(), RewardModel::fingerprint(&model));
    assert!(scorer.describe().starts_with("reward model ") && scorer.score(&[]).is_empty());
}

#[test]
fn a_broken_model_gives_no_score() {
    let mut model = model();
    model.heads.weights_mut().fill(f32::NAN);
    let trace = Trace::new("b c").unwrap();
    let question = Question::new("t", TaskDomain::Math, "b");
    let items = [ScoreItem { question: &question, trace: &trace }];
    assert_eq!(FrozenRewardModel::new(model).score(&items), [Err(ScoreFailure::NotAScore)]);
}

/// What a trace's score is does not depend on the traces and problems that are scored with it, nor on their order.
#[test]
fn a_score_is_the_same_to_the_last_bit_in_any_company() {
    let frozen = FrozenRewardModel::new(model());
    let questions: Vec<Question> =
        (1..6).map(|i| Question::new("t", TaskDomain::Math, "a b c b ".repeat(i * 3))).collect();
    let traces: Vec<Trace> =
        ["b c", "c", "c b b c", "a a a", "b c"].map(|text| Trace::new(text).unwrap()).to_vec();
    let items: Vec<ScoreItem<'_>> = questions
        .iter()
        .flat_map(|question| traces.iter().map(move |trace| ScoreItem { question, trace }))
        .collect();
    let together = frozen.score(&items);
    let reversed: Vec<ScoreItem<'_>> = items.iter().rev().copied().collect();
    assert!(frozen.score(&reversed).iter().rev().eq(&together));
    for (item, together) in items.iter().zip(&together) {
        assert_eq!(&frozen.score(std::slice::from_ref(item))[0], together);
    }
}
