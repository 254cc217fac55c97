//! What may change nothing beyond rounding: how sequences are packed and in which order, what is kept for the way back,
//! how many threads there are, and whether adapters are merged.
//!
//! Bounds are relative to the largest element of a tensor. Sums in `f32` over some hundred terms in another order differ
//! by some 1e-6 of that; the bound of 2e-5 leaves room for several layers of it.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use tracelift_domain::Seed;
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::{
    AdamWConfig, Batch, Config, Device, Family, Learner, LoraConfig, Memory, Model, Projection, Start, Target,
};
use tracelift_testing::TinyModel;

const BOUND: f32 = 2e-5;

fn model(family: Family, lora: bool) -> Model {
    let shape = TinyModel {
        vocabulary: 90,
        hidden: 48,
        intermediate: 80,
        layers: 3,
        heads: 4,
        kv_heads: 2,
        positions: 256,
        end: &[],
        ..TinyModel::BYTES
    };
    let config = Config {
        family,
        rope_scaling: Scaling::Linear { factor: 2.0 },
        attention_bias: family == Family::Qwen3,
        mlp_bias: family == Family::Llama,
        tied: family == Family::Qwen2,
        ..Config::from_json(&shape.config()).unwrap()
    };
    let mut model = Model::random(config, Seed(3));
    if lora {
        let targets = Projection::ALL.to_vec();
        model = model.with_lora(LoraConfig { rank: 3, alpha: 6.0, rslora: false, targets }, Seed(4));
    }
    // Biases and adapters begin at zero, where mistakes do not show.
    for (i, value) in model.trainable_mut().iter_mut().enumerate() {
        *value += ((i * 7 % 11) as f32 - 5.0) * 0.01;
    }
    model
}

/// Lengths on both sides of a block of the attention, and of one token.
fn sequences() -> Vec<Vec<u32>> {
    [70, 1, 33, 64, 9].iter().map(|&n: &u32| (0..n).map(|i| (i * i * 3 + n) % 90).collect()).collect()
}

/// A model on some device.
struct Placed {
    device: Device,
    model: Model,
}

/// Hidden states by sequence, and the gradient of the sum over all predicted tokens.
fn run(placed: &Placed, memory: Memory, batches: &[Vec<Vec<u32>>]) -> (Vec<Vec<f32>>, Vec<f32>) {
    run_packed(placed, memory, batches, |sequences| Batch::of(sequences))
}

fn run_packed(
    Placed { device, model }: &Placed,
    memory: Memory,
    batches: &[Vec<Vec<u32>>],
    pack: impl Fn(&[Vec<u32>]) -> Batch,
) -> (Vec<Vec<f32>>, Vec<f32>) {
    let mut learner = Learner::on(*device, model.clone(), memory, AdamWConfig::default(), Start::Forgotten);
    let mut states = Vec::new();
    for sequences in batches {
        let batch = pack(sequences);
        let mut passage = learner.forward(&batch);
        let mut targets = Vec::new();
        for (span, sequence) in batch.spans().iter().zip(sequences) {
            let rows: Vec<usize> = (0..span.len()).map(|at| span.row(at)).collect();
            states.push(passage.hidden(&rows));
            targets.extend(
                (1..span.len()).map(|at| Target { row: span.row(at - 1) as u32, token: sequence[at] }),
            );
        }
        passage.learn(&targets, 1.0, |_, _| -0.01);
        passage.backward();
    }
    (states, learner.gradients().into_owned())
}

fn assert_same(what: &str, found: &[f32], expected: &[f32], bound: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.0_f32, |top, value| top.max(value.abs()));
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs() / scale).fold(0.0, f32::max);
    assert!(worst <= bound, "{what}: differs by {worst:e} of the largest element, the bound is {bound:e}");
}

fn each_model(check: impl Fn(&str, &Placed)) {
    for device in Device::ALL {
        for family in Family::ALL {
            for lora in [false, true] {
                let learns = if lora { "with adapters" } else { "whole" };
                let name = format!("{} {learns} on {device:?}", family.title());
                check(&name, &Placed { device, model: model(family, lora) });
            }
        }
    }
}

fn assert_tensors_same(
    name: &str,
    Placed { model, .. }: &Placed,
    found: &[f32],
    expected: &[f32],
    bound: f32,
) {
    for tensor in model.trainable_tensors() {
        let range = tensor.range.clone();
        assert_same(&format!("{name}: {}", tensor.name), &found[range.clone()], &expected[range], bound);
    }
}

/// Two families of sequences that begin alike, on both sides of a block of the attention.
fn families() -> Vec<Vec<u32>> {
    let trunk: Vec<u32> = (0..100).map(|i| (i * i * 5 + 1) % 90).collect();
    let leaving = |at: usize, own: u32| {
        trunk[..at].iter().copied().chain((0..own).map(|i| (i * 7 + 2) % 90)).collect::<Vec<u32>>()
    };
    vec![trunk.clone(), leaving(70, 80), leaving(3, 1), trunk.clone(), vec![89, 88, 87], vec![89, 88, 1, 2]]
}

#[test]
fn branches_equal_whole_sequences() {
    each_model(|name, model| {
        for memory in [Memory::Keep, Memory::Recompute] {
            let (whole, gradients) = run(model, memory, &[families()]);
            let (branched, same) = run_packed(model, memory, &[families()], |sequences| {
                let mut batch = Batch::default();
                sequences.iter().for_each(|sequence| batch.branch(sequence));
                assert_eq!(batch.rows(), 100 + 80 + 1 + 1 + 3 + 2);
                batch
            });
            for (i, (branched, whole)) in branched.iter().zip(&whole).enumerate() {
                assert_same(&format!("{name}: sequence {i} as a branch"), branched, whole, BOUND);
            }
            assert_tensors_same(name, model, &same, &gradients, BOUND);
        }
    });
}

#[test]
fn packing_and_order_change_nothing() {
    each_model(|name, model| {
        let (together, gradients) = run(model, Memory::Keep, &[sequences()]);
        let alone: Vec<_> = sequences().into_iter().map(|sequence| vec![sequence]).collect();
        let (one_by_one, sum) = run(model, Memory::Keep, &alone);
        let (mut backwards, reversed) = run(model, Memory::Keep, &[sequences().into_iter().rev().collect()]);
        backwards.reverse();
        for i in 0..together.len() {
            assert_same(&format!("{name}: sequence {i} alone"), &one_by_one[i], &together[i], BOUND);
            assert_same(
                &format!("{name}: sequence {i} in another order"),
                &backwards[i],
                &together[i],
                BOUND,
            );
        }
        assert_tensors_same(&format!("{name}, alone"), model, &sum, &gradients, BOUND);
        assert_tensors_same(&format!("{name}, in another order"), model, &reversed, &gradients, BOUND);
    });
}

#[test]
fn recomputing_changes_nothing_at_all() {
    each_model(|name, model| {
        let (states, gradients) = run(model, Memory::Keep, &[sequences()]);
        let (again, recomputed) = run(model, Memory::Recompute, &[sequences()]);
        assert!(states == again && gradients == recomputed, "{name}: recomputing changes a bit");
    });
}

#[test]
fn the_number_of_threads_changes_nothing() {
    each_model(|name, model| {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(model, Memory::Keep, &[sequences()]))
        };
        let ((one, one_gradients), (two, two_gradients)) = (with(1), with(2));
        for (i, (one, two)) in one.iter().zip(&two).enumerate() {
            assert_same(&format!("{name}: sequence {i} with two threads"), two, one, BOUND);
        }
        assert_tensors_same(&format!("{name}, two threads"), model, &two_gradients, &one_gradients, BOUND);
        // The same number of threads gives the same bits.
        assert!(with(2) == (two, two_gradients), "{name}: two threads do not repeat themselves");
    });
}

#[test]
fn merging_adapters_changes_nothing() {
    for device in Device::ALL {
        for family in Family::ALL {
            let adapted = model(family, true);
            let states =
                |model: &Model| run(&Placed { device, model: model.clone() }, Memory::Keep, &[sequences()]).0;
            let mut merged = adapted.clone();
            merged.merge_lora();
            assert!(merged.lora.is_none());
            let mut base = adapted.clone();
            base.lora = None;
            let (with, after, before) = (states(&adapted), states(&merged), states(&base));
            for i in 0..with.len() {
                assert_same(&format!("{family:?}: sequence {i} merged"), &after[i], &with[i], BOUND);
            }
            assert!(before[0] != with[0], "{family:?}: the adapters do nothing");
        }
    }
}
