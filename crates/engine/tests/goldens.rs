//! The engine against PyTorch: checkpoints, logits, losses, every gradient and greedy generation, from values that
//! `tools/make_goldens.py` computed with `transformers` and PEFT.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tracelift_domain::Seed;
use tracelift_engine::ops::head::Target;
use tracelift_engine::params::Tensor;
use tracelift_engine::sampling::Finish;
use tracelift_engine::{
    AdamW, AdamWConfig, Batch, Device, Learner, Memory, Model, Numbers, Precision, Request, Sampler,
    Sampling, Start, checkpoint, peft,
};

/// Relative to the largest element of the golden tensor.
const TOLERANCE: f64 = 1e-4;

fn dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

struct Golden {
    floats: BTreeMap<String, Vec<f32>>,
    integers: BTreeMap<String, Vec<i64>>,
    shapes: BTreeMap<String, Vec<usize>>,
}

fn golden(file: &Path) -> Golden {
    let bytes = std::fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut golden = Golden { floats: BTreeMap::new(), integers: BTreeMap::new(), shapes: BTreeMap::new() };
    for (name, view) in tensors.iter() {
        golden.shapes.insert(name.to_owned(), view.shape().to_vec());
        match view.dtype() {
            safetensors::Dtype::F32 => {
                let values = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                golden.floats.insert(name.to_owned(), values);
            }
            safetensors::Dtype::I64 => {
                let values = view.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
                golden.integers.insert(name.to_owned(), values);
            }
            other => panic!("{name} is {other:?}"),
        }
    }
    golden
}

fn assert_close(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}: wrong size");
    let scale = expected.iter().fold(0.0_f32, |top, v| top.max(v.abs())).max(1e-12);
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = f64::from((found - expected).abs() / scale);
        assert!(
            error <= TOLERANCE,
            "{name}[{i}]: {found} instead of {expected} (relative error {error:.2e})"
        );
    }
}

/// The golden batch, and its targets as `transformers` shifts them.
fn batch(golden: &Golden) -> (Batch, Vec<Target>) {
    let [rows, width] = golden.shapes["input_ids"][..] else { panic!("input_ids is no matrix") };
    let tokens: Vec<u32> = golden.integers["input_ids"].iter().map(|&id| id as u32).collect();
    let batch = Batch::of(tokens.chunks_exact(width));
    let labels = &golden.integers["labels"];
    let targets = (0..rows)
        .flat_map(|row| (0..width - 1).map(move |column| row * width + column))
        .filter(|&at| labels[at + 1] >= 0)
        .map(|at| Target { row: at as u32, token: labels[at + 1] as u32 })
        .collect();
    (batch, targets)
}

fn learner(device: Device, model: &Model, memory: Memory) -> Learner {
    Learner::on(device, model.clone(), memory, AdamWConfig::default(), Start::Forgotten)
}

fn logits(learner: &mut Learner, batch: &Batch) -> Vec<f32> {
    let rows: Vec<usize> = (0..batch.rows()).collect();
    let hidden = learner.forward(batch).hidden(&rows);
    let (width, model) = (learner.config().hidden_size, learner.model());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    hidden
        .chunks_exact(width)
        .flat_map(|hidden| model.head().chunks_exact(width).map(move |row| dot(hidden, row)))
        .collect()
}

/// Logits, loss and the gradient of everything that learns, on every device.
fn check(model: &Model, golden: &Golden, memory: Memory) {
    for device in Device::ALL {
        let (batch, targets) = batch(golden);
        let mut learner = learner(device, model, memory);
        assert_close("logits", &logits(&mut learner, &batch), &golden.floats["logits"]);
        let share = 1.0 / targets.len() as f32;
        let mut passage = learner.forward(&batch);
        let scores = passage.learn(&targets, 1.0, |_, _| -share);
        passage.backward();
        let loss = -scores.iter().map(|score| score.log_prob).sum::<f32>() * share;
        assert_close("loss", &[loss], &golden.floats["loss"]);
        let (mut checked, gradients) = (0, learner.gradients());
        for Tensor { name, range, shape } in learner.tensors() {
            let expected = &golden.floats[&format!("grad.{name}")];
            assert_eq!(&golden.shapes[&format!("grad.{name}")], shape, "{name}");
            assert_close(name, &gradients[range.clone()], expected);
            checked += 1;
        }
        let expected = golden.floats.keys().filter(|name| name.starts_with("grad.")).count();
        assert_eq!(checked, expected, "some golden gradients were not compared");
    }
}

/// The checkpoints of the families: between them two head dimensions, heads that are together wider than the residual
/// stream, tied and untied heads, every scaling of the rotary embedding, and every bias.
const CAUSAL: [&str; 7] = [
    "qwen2-gqa-tied",
    "qwen2-gqa-untied",
    "qwen3-tied",
    "qwen3-untied",
    "qwen3-yarn",
    "llama3-untied",
    "llama-biases",
];

#[test]
fn every_family_matches_transformers() {
    for name in CAUSAL {
        println!("{name}");
        let model = checkpoint::load_model(&dir(name)).unwrap();
        check(&model, &golden(&dir(name).join("golden.safetensors")), Memory::Keep);
    }
}

#[test]
fn recomputed_activations_give_the_same_gradients() {
    for name in CAUSAL {
        println!("{name}");
        let model = checkpoint::load_model(&dir(name)).unwrap();
        check(&model, &golden(&dir(name).join("golden.safetensors")), Memory::Recompute);
    }
}

#[test]
fn peft_adapter_matches_peft() {
    for (base, adapter) in [("qwen2-gqa-tied", "qwen2-peft"), ("qwen3-tied", "qwen3-peft")] {
        let mut model = checkpoint::load_model(&dir(base)).unwrap();
        peft::load(&mut model, &dir(adapter)).unwrap();
        let golden = golden(&dir(adapter).join("golden.safetensors"));
        check(&model, &golden, Memory::Keep);
        check(&model, &golden, Memory::Recompute);
        model.merge_lora();
        let (batch, _) = batch(&golden);
        for device in Device::ALL {
            let merged = logits(&mut learner(device, &model, Memory::Keep), &batch);
            assert_close("merged logits", &merged, &golden.floats["logits"]);
        }
    }
}

#[test]
fn greedy_generation_matches_token_for_token() {
    for name in CAUSAL {
        let model = checkpoint::load_model(&dir(name)).unwrap();
        let golden = golden(&dir(name).join("golden.safetensors"));
        let tokens = |key: String| golden.integers[&key].iter().map(|&id| id as u32).collect::<Vec<u32>>();
        let requests: Vec<Request> = (0..3)
            .map(|i| Request { prompt: tokens(format!("prompt.{i}")), seeds: vec![Seed(0), Seed(1)] })
            .collect();
        for device in Device::ALL {
            let sampler = Sampler::on(device, &model, Numbers::F32);
            let sampled = sampler.generate(&requests, &Sampling::greedy(16, vec![])).unwrap();
            for (i, samples) in sampled.iter().enumerate() {
                for sample in samples {
                    assert_eq!(sample.tokens, tokens(format!("greedy.{i}")), "{name}, prompt {i}");
                    assert_eq!(sample.finish, Finish::Length);
                }
            }
        }
    }
}

#[test]
fn a_sample_does_not_depend_on_its_batch_and_its_log_probabilities_are_the_trainers() {
    for name in ["qwen2-gqa-untied", "qwen3-untied", "llama3-untied"] {
        println!("{name}");
        for device in Device::ALL {
            check_samples(&mut learner(device, &checkpoint::load_model(&dir(name)).unwrap(), Memory::Keep));
        }
    }
}

fn check_samples(learner: &mut Learner) {
    let sampler = learner.sampler(Numbers::F32);
    let sampling =
        Sampling { temperature: 0.7, top_k: 0, top_p: 0.95, min_p: 0.0, max_tokens: 24, stop: vec![5] };
    let request = |i: u64| Request {
        prompt: (0..3 + i % 7).map(|t| ((t * 11 + i * 5) % 64) as u32).collect(),
        seeds: (0..1 + i % 3).map(|sample| Seed(9).child("sample", i * 10 + sample)).collect(),
    };
    let requests: Vec<Request> = (0..150).map(request).collect();
    let together = sampler.generate(&requests, &sampling).unwrap();
    assert!(together.iter().flatten().any(|sample| sample.finish == Finish::Stop), "no sample stopped early");
    for i in [0, 17, 149] {
        let alone = sampler.generate(&requests[i..=i], &sampling).unwrap();
        assert_eq!(alone[0], together[i], "request {i} depends on its batch");
    }
    for (request, samples) in requests.iter().zip(&together).take(20) {
        for sample in samples {
            let mut sequence = request.prompt.clone();
            sequence.extend(&sample.tokens);
            let targets: Vec<Target> = (request.prompt.len()..sequence.len())
                .map(|at| Target { row: at as u32 - 1, token: sequence[at] })
                .collect();
            let scores = learner.forward(&Batch::of([&sequence])).score(&targets, 0.7);
            for (score, log_prob) in scores.iter().zip(&sample.log_probs) {
                assert!((score.log_prob - log_prob).abs() < 1e-4, "{} against {log_prob}", score.log_prob);
            }
        }
    }
}

#[test]
fn packed_batches_equal_runs_one_by_one() {
    let model = checkpoint::load_model(&dir("qwen2-gqa-tied")).unwrap();
    let golden = golden(&dir("qwen2-gqa-tied/golden.safetensors"));
    let (batch, _) = batch(&golden);
    for device in Device::ALL {
        let mut learner = learner(device, &model, Memory::Keep);
        let together = logits(&mut learner, &batch);
        let mut alone = Vec::new();
        for span in batch.spans() {
            alone.extend(logits(&mut learner, &Batch::of([&batch.tokens()[span.own.clone()]])));
        }
        assert_close("packed logits", &together, &alone);
    }
}

#[test]
fn adamw_matches_torch() {
    let golden = golden(&dir("adamw.safetensors"));
    let mut parameters = golden.floats["parameter.0"].clone();
    let tensors = [Tensor { name: "p".into(), shape: vec![8, 8], range: 0..parameters.len() }];
    let mut adamw = AdamW::new(parameters.len(), AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() });
    for step in 1..=5 {
        let mut gradient = golden.floats[&format!("gradient.{step}")].clone();
        let norm = adamw.step(&mut parameters, &mut gradient, &tensors, 1e-2).unwrap();
        assert_close("norm", &[norm as f32], &golden.floats[&format!("norm.{step}")]);
        assert_close("parameter", &parameters, &golden.floats[&format!("parameter.{step}")]);
    }
}

#[test]
fn a_checkpoint_survives_saving_exactly_in_f32_and_rounded_in_bf16() {
    let model = checkpoint::load_model(&dir("qwen2-gqa-untied")).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    for (precision, bound) in [(Precision::F32, 0.0), (Precision::Bf16, 1.0 / 256.0)] {
        let extra = serde_json::Map::new();
        checkpoint::save_model(&model, scratch.path(), precision, &extra, Vec::new()).unwrap();
        let again = checkpoint::load_model(scratch.path()).unwrap();
        assert_eq!(again.config, model.config);
        for (a, b) in again.weights.iter().zip(&model.weights) {
            assert!((a - b).abs() <= bound * b.abs(), "{a} instead of {b}");
        }
    }
}

#[test]
fn an_adapter_survives_saving() {
    let mut model = checkpoint::load_model(&dir("qwen2-gqa-tied")).unwrap();
    peft::load(&mut model, &dir("qwen2-peft")).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    peft::save(&model, scratch.path(), "../qwen2-gqa-tied").unwrap();
    let mut again = checkpoint::load_model(&dir("qwen2-gqa-tied")).unwrap();
    peft::load(&mut again, scratch.path()).unwrap();
    assert_eq!(again.trainable(), model.trainable());
    assert_eq!(again.fingerprint(), model.fingerprint());
}

#[test]
fn a_damaged_checkpoint_says_what_is_wrong() {
    let scratch = tempfile::tempdir().unwrap();
    let from = dir("qwen2-gqa-tied");
    let message = |dir: &Path| checkpoint::load_model(dir).unwrap_err().to_string();
    assert!(message(scratch.path()).contains("config.json"));
    std::fs::copy(from.join("config.json"), scratch.path().join("config.json")).unwrap();
    assert!(message(scratch.path()).contains("model.safetensors"));
    let bytes = std::fs::read(from.join("model.safetensors")).unwrap();
    std::fs::write(scratch.path().join("model.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    assert!(message(scratch.path()).contains("not a safetensors file"));
    std::fs::write(scratch.path().join("model.safetensors"), &bytes).unwrap();
    let config = std::fs::read_to_string(from.join("config.json")).unwrap();
    let wrong = config.replace("\"intermediate_size\": 48", "\"intermediate_size\": 56");
    std::fs::write(scratch.path().join("config.json"), wrong).unwrap();
    assert!(message(scratch.path()).contains("config.json asks for"), "{}", message(scratch.path()));
}

#[test]
fn a_deepened_model_computes_the_same_and_can_learn() {
    let model = checkpoint::load_model(&dir("qwen2-gqa-untied")).unwrap();
    let golden = golden(&dir("qwen2-gqa-untied/golden.safetensors"));
    let deeper = model.deepened(2, Seed(4));
    assert_eq!(deeper.config.layers, model.config.layers + 2);
    let (batch, targets) = batch(&golden);
    let top = deeper.layout.blocks.last().unwrap();
    for device in Device::ALL {
        let mut learner = learner(device, &deeper, Memory::Keep);
        assert_close("logits", &logits(&mut learner, &batch), &golden.floats["logits"]);
        let mut passage = learner.forward(&batch);
        passage.learn(&targets, 1.0, |_, _| -1.0);
        passage.backward();
        let found = &learner.gradients()[top.down.clone()];
        assert!(found.iter().any(|g| *g != 0.0), "the new block gets no gradient");
    }
}
