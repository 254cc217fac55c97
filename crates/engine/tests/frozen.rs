//! A frozen model is the model that it was: its weights, its fingerprint, what it computes, forward and back, and what is
//! sampled from it, are the same to the last bit; and adapters beside its weights say what merged ones say.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use serde_json::Map;
use std::path::Path;
use tracelift_domain::Seed;
use tracelift_engine::ops::head::Target;
use tracelift_engine::{
    AdamWConfig, Batch, Device, Learner, LoraConfig, Memory, Model, Numbers, Pass, Precision, Projection,
    Request, Sampled, Sampler, Sampling, Start, TokenScore, checkpoint,
};

const FAMILIES: [&str; 3] = ["qwen2-gqa-untied", "qwen3-tied", "llama3-untied"];

/// A model whose weights are bf16.
fn model(name: &str) -> Model {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let mut model = checkpoint::load_model(&golden).unwrap();
    model.weights.iter_mut().for_each(|weight| *weight = f32::from_bits(weight.to_bits() & 0xffff_0000));
    model
}

/// The same with adapters that say something, of an odd number of ranks in some places.
fn adapted(name: &str, rank: usize) -> Model {
    use Projection::{DownProj, KProj, OProj, QProj, UpProj, VProj};
    let targets = vec![QProj, KProj, VProj, OProj, UpProj, DownProj];
    let config = LoraConfig { rank, alpha: 8.0, rslora: false, targets };
    let mut model = model(name).with_lora(config, Seed(3));
    let values = &mut model.lora.as_mut().unwrap().values;
    values.iter_mut().enumerate().for_each(|(i, value)| *value += 0.05 * (i as f32).sin());
    model
}

fn frozen(model: &Model) -> Model {
    let mut frozen = model.clone();
    frozen.freeze();
    assert!(frozen.weights.is_empty(), "nothing was frozen");
    frozen
}

fn sampled(model: &Model, numbers: Numbers) -> Vec<Vec<Sampled>> {
    let request = |i: u64| Request {
        prompt: (0..3 + i * 7 % 40).map(|t| ((t * 11 + i * 5) % 60) as u32).collect(),
        seeds: (0..1 + i % 4).map(|sample| Seed(7).child("sample", i * 10 + sample)).collect(),
    };
    let requests: Vec<Request> = (0..12).map(request).collect();
    let sampling =
        Sampling { temperature: 0.9, top_k: 0, top_p: 0.95, min_p: 0.0, max_tokens: 30, stop: vec![5] };
    Sampler::on(Device::Cpu, model, numbers).generate(&requests, &sampling).unwrap()
}

/// Scores of a text, and the bits of the gradients of what learns.
fn scored(model: &Model, tokens: u32) -> (Vec<TokenScore<f32>>, Vec<u32>) {
    let text: Vec<u32> = (0..tokens).map(|t| t * 13 % 60).collect();
    let batch = Batch::of([text.as_slice()]);
    let targets: Vec<Target> =
        (1..tokens).map(|at| Target { row: at - 1, token: text[at as usize] }).collect();
    let mut pass = Pass::new(Memory::Recompute);
    pass.forward(model, &batch);
    let mut gradients = vec![0.0; model.trainable().len()];
    let scores = pass.score_backward(model, &mut gradients, &targets, 0.8, |i, _| 0.1 * (i as f32 - 3.0));
    pass.backward(model, &batch, &mut gradients);
    (scores, gradients.iter().map(|gradient| gradient.to_bits()).collect())
}

#[test]
fn a_model_is_the_same_before_and_after() {
    for name in FAMILIES {
        for model in [model(name), adapted(name, 2)] {
            let frozen = frozen(&model);
            assert_eq!(frozen.fingerprint(), model.fingerprint(), "{name}");
            assert_eq!(frozen.parameters(), model.parameters());
            let mut thawed = frozen.clone();
            thawed.thaw();
            assert_eq!(thawed.weights, model.weights, "{name}: freezing changed weights");
            let (mut merged, mut expected) = (frozen.clone(), model.clone());
            merged.merge_lora();
            expected.merge_lora();
            merged.thaw();
            assert_eq!(merged.weights, expected.weights, "{name}");
            let mut other = frozen;
            other.lora = None;
            assert_eq!(other.fingerprint(), model.base().fingerprint(), "{name}: of the base alone");
        }
    }
}

#[test]
fn what_is_written_of_a_model_has_its_adapters_merged() {
    let model = adapted("qwen2-gqa-untied", 2);
    let mut merged = model.clone();
    merged.merge_lora();
    for precision in [Precision::F32, Precision::Bf16] {
        let written = |model: &Model| {
            let desk = tempfile::tempdir().unwrap();
            checkpoint::save_model(model, desk.path(), precision, &Map::new(), Vec::new()).unwrap();
            std::fs::read(desk.path().join("model.safetensors")).unwrap()
        };
        assert!(written(&model) == written(&merged), "{precision:?}: adapters beside weights that learn");
        assert!(written(&frozen(&model)) == written(&merged), "{precision:?}: beside frozen ones");
        assert!(written(&frozen(&model)) != written(&model.base()), "{precision:?}: adapters say nothing");
    }
}

#[test]
fn a_model_that_is_not_in_bf16_stays_as_it_is() {
    let mut model = model("qwen3-tied");
    let last = model.layout.blocks[0].down.end - 1;
    model.weights[last] = 0.1;
    let before = model.clone();
    model.freeze();
    assert_eq!(model.weights, before.weights);
}

#[test]
fn adapters_learn_beside_frozen_weights_what_they_learn_beside_others() {
    for name in FAMILIES {
        // Few rows are multiplied by weights and adapters apart, many by both merged.
        for tokens in [5, 90] {
            let whole = adapted(name, 2);
            let (scores, gradients) = scored(&whole, tokens);
            assert_eq!(scored(&frozen(&whole), tokens), (scores, gradients), "{name}, {tokens} tokens");
        }
    }
}

#[test]
fn the_same_is_sampled() {
    for name in FAMILIES {
        for numbers in [Numbers::F32, Numbers::Bf16, Numbers::Int8] {
            let model = model(name);
            assert_eq!(sampled(&frozen(&model), numbers), sampled(&model, numbers), "{name}, {numbers:?}");
        }
    }
}

#[test]
fn adapters_beside_the_weights_sample_as_the_trainer_scores() {
    for name in FAMILIES {
        for rank in [1, 2, 3, 20] {
            let model = frozen(&adapted(name, rank));
            for (numbers, near) in [(Numbers::F32, 5e-6), (Numbers::Bf16, 0.03), (Numbers::Int8, 0.06)] {
                let mut learner = Learner::on(
                    Device::Cpu,
                    model.clone(),
                    Memory::Keep,
                    AdamWConfig::default(),
                    Start::Forgotten,
                );
                let request = Request { prompt: vec![1, 2, 3, 4], seeds: (0..3).map(Seed).collect() };
                let sampling = Sampling {
                    temperature: 0.9,
                    top_k: 0,
                    top_p: 1.0,
                    min_p: 0.0,
                    max_tokens: 40,
                    stop: vec![],
                };
                let samples = learner.sampler(numbers).generate(&[request], &sampling).unwrap();
                let (mut off, mut tokens) = (0.0, 0);
                for sample in &samples[0] {
                    let text = [&[1, 2, 3, 4], sample.tokens.as_slice()].concat();
                    let batch = Batch::of([text.as_slice()]);
                    let targets: Vec<Target> =
                        (4..text.len()).map(|at| Target { row: at as u32 - 1, token: text[at] }).collect();
                    let scores = learner.forward(&batch).score(&targets, 0.9);
                    for (score, log_prob) in scores.iter().zip(&sample.log_probs) {
                        off += (score.log_prob - log_prob).abs();
                        tokens += 1;
                    }
                }
                off /= tokens as f32;
                assert!(off < near, "{name}, rank {rank}, {numbers:?}: off by {off} in the mean");
            }
        }
    }
}
