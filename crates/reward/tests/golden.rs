//! The reward model against PyTorch: outputs, score, the four-term loss and every gradient, from values that
//! `tools/make_goldens.py` computed.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use safetensors::SafeTensors;
use std::path::{Path, PathBuf};
use tracelift_domain::{Label, Message, Role, Rubric, TaskDomain};
use tracelift_engine::{
    AdamWConfig, Batch, ChatOptions, Conversation, Device, Learner, Memory, Precision, ReadoutLearner, Start,
    Tokenizer,
};
use tracelift_reward::RewardModel;
use tracelift_reward::loss::{Counts, LossWeights, loss, score};
use tracelift_reward::model::{last_rows, load_heads};

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden/qwen2-rm")
}

fn floats(tensors: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let data = tensors.tensor(name).unwrap();
    data.data().as_chunks::<4>().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect()
}

fn integers(tensors: &SafeTensors<'_>, name: &str) -> Vec<i64> {
    tensors.tensor(name).unwrap().data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect()
}

fn assert_close(name: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}: wrong size");
    let scale = expected.iter().fold(1e-12_f64, |top, v| top.max(v.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() / scale < 1e-4, "{name}[{i}]: {found} instead of {expected}");
    }
}

/// The golden checkpoint has no tokenizer of its own; scoring tokens needs none.
fn model() -> RewardModel {
    let ((backbone, heads), domain) = load_heads(&dir()).unwrap();
    let tokenizer = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":{"type":"WhitespaceSplit"},"post_processor":null,"decoder":null,
        "model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}"#;
    let tokenizer = Tokenizer::from_json(tokenizer).unwrap();
    RewardModel { backbone, tokenizer, domain, max_tokens: 128, heads }
}

#[test]
fn outputs_loss_and_gradients_match_pytorch() {
    let bytes = std::fs::read(dir().join("golden.safetensors")).unwrap();
    let golden = SafeTensors::deserialize(&bytes).unwrap();
    let model = model();
    assert_eq!(model.domain, TaskDomain::Math);
    let sequences: Vec<Vec<u32>> = (0..3)
        .map(|i| integers(&golden, &format!("input_ids.{i}")).iter().map(|&id| id as u32).collect())
        .collect();
    for device in Device::ALL {
        check(device, &golden, &sequences);
    }
}

fn check(device: Device, golden: &SafeTensors<'_>, sequences: &[Vec<u32>]) {
    let (model, batch) = (model(), Batch::of(sequences));
    let mut learner =
        Learner::on(device, model.backbone.clone(), Memory::Keep, AdamWConfig::default(), Start::Forgotten);
    let mut heads = ReadoutLearner::new("heads", model.heads.clone(), AdamWConfig::default());
    let (mut passage, rows) = (learner.forward(&batch), last_rows(&batch));
    let hidden = passage.hidden(&rows);
    let width = model.backbone.config.hidden_size;
    let outputs: Vec<_> = hidden.chunks_exact(width).map(|hidden| model.read(hidden)).collect();
    let labels: Vec<f64> = outputs.iter().flat_map(|o| o.labels.as_flattened().to_vec()).collect();
    assert_close("dimension logits", &labels, &floats(golden, "dimension_logits"));
    let totals: Vec<f64> = outputs.iter().map(|o| o.total).collect();
    assert_close("total logit", &totals, &floats(golden, "total_logit"));
    let scores = model.score(sequences);
    assert_close(
        "derived",
        &scores.iter().map(|s| s.derived).collect::<Vec<_>>(),
        &floats(golden, "derived"),
    );
    assert_close("score", &scores.iter().map(|s| s.score).collect::<Vec<_>>(), &floats(golden, "score"));
    assert_eq!(score(&outputs[0]).dimensions.len(), 5);

    let gold: Vec<Rubric> = integers(golden, "labels")
        .chunks_exact(5)
        .zip(floats(golden, "gold_totals"))
        .map(|(labels, total)| Rubric {
            labels: std::array::from_fn(|d| Label::new(labels[d] as u8).unwrap()),
            total,
        })
        .collect();
    let weights = LossWeights::default();
    let group = std::slice::from_ref(&(0..3));
    let (terms, slopes) = loss(&outputs, &gold, group, &weights, &Counts::of(&gold, group));
    assert_close("cross-entropy", &[terms.cross_entropy], &floats(golden, "loss.cross_entropy"));
    assert_close("huber", &[terms.huber], &floats(golden, "loss.huber"));
    assert_close("ranking", &[terms.ranking], &floats(golden, "loss.ranking"));
    assert_close("loss", &[terms.total(&weights)], &floats(golden, "loss"));

    let d_hidden = heads.backward(&hidden, &tracelift_reward::model::slopes(&slopes));
    passage.add_hidden_gradients(&rows, &d_hidden);
    passage.backward();
    let (gradients, d_heads) = (learner.gradients(), heads.gradients());
    let widened = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    for tensor in model.backbone.trainable_tensors() {
        let found = widened(&gradients[tensor.range.clone()]);
        assert_close(&tensor.name, &found, &floats(golden, &format!("grad.{}", tensor.name)));
    }
    for d in 0..5 {
        let found = widened(&d_heads[d * 5 * width..(d + 1) * 5 * width]);
        assert_close("head", &found, &floats(golden, &format!("grad.dimension_heads.{d}.weight")));
        let found = widened(&d_heads[26 * width + d * 5..][..5]);
        assert_close("head bias", &found, &floats(golden, &format!("grad.dimension_heads.{d}.bias")));
    }
    assert_close(
        "total head",
        &widened(&d_heads[25 * width..26 * width]),
        &floats(golden, "grad.total_head.weight"),
    );
    assert_close(
        "total bias",
        &widened(&d_heads[26 * width + 25..]),
        &floats(golden, "grad.total_head.bias"),
    );
}

#[test]
fn a_reward_model_survives_saving() {
    let (model, scratch) = (model(), tempfile::tempdir().unwrap());
    model.save(scratch.path(), Precision::F32).unwrap();
    let again = RewardModel::load(scratch.path()).unwrap();
    assert_eq!(again.fingerprint(), model.fingerprint());
    assert_eq!(again.domain, model.domain);
    // Whoever sends conversations finds a template to put them into.
    let said = |role, content: &str| Message { role, content: content.into() };
    let conversation = Conversation::from(&[said(Role::User, "q"), said(Role::Assistant, "a")][..]);
    let text = again
        .tokenizer
        .chat_template()
        .unwrap()
        .render(&conversation, &ChatOptions { add_generation_prompt: false, ..ChatOptions::default() })
        .unwrap();
    assert_eq!(text, "<|completion 1|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n");
}

#[test]
fn a_checkpoint_without_heads_is_refused_by_name() {
    let error = load_heads(&dir().join("../qwen2-gqa-tied")).unwrap_err().to_string();
    for part in ["qwen2-gqa-tied is a language model", "tracelift rm train"] {
        assert!(error.contains(part), "{error}");
    }
}
