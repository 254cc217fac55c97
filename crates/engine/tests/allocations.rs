//! A training step that has run once before allocates nothing: the heap is counted in a program of its own.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use tracelift_domain::Seed;
use tracelift_engine::ops::rope::Scaling;
use tracelift_engine::{
    AdamW, AdamWConfig, Batch, Config, Family, LoraConfig, Memory, Model, Pass, Projection, Target,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator unchanged; counting touches no memory of theirs.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(size, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations and bytes of `body`, in all threads.
fn counted(body: impl FnOnce()) -> (usize, usize) {
    let before = (ALLOCATIONS.load(Ordering::SeqCst), BYTES.load(Ordering::SeqCst));
    body();
    (ALLOCATIONS.load(Ordering::SeqCst) - before.0, BYTES.load(Ordering::SeqCst) - before.1)
}

fn shape(family: Family, layers: usize) -> Config {
    Config {
        family,
        vocab_size: 300,
        hidden_size: 64,
        intermediate_size: 96,
        layers,
        heads: 4,
        kv_heads: 2,
        head_dim: 16,
        rope_theta: 1e4,
        rope_scaling: Scaling::None,
        norm_eps: 1e-6,
        attention_bias: false,
        mlp_bias: false,
        tied: true,
        max_positions: 128,
        eos_tokens: vec![],
    }
}

/// Allocations and bytes of the parts of a step, after two steps that warmed everything up.
fn step(model: &mut Model, memory: Memory, tokens: usize) -> [(&'static str, (usize, usize)); 4] {
    let sequences: Vec<Vec<u32>> =
        (0..4_u32).map(|s| (0..tokens as u32).map(|t| (t * 7 + s * 13) % 300).collect()).collect();
    let batch = Batch::of(&sequences);
    let targets: Vec<Target> =
        (0..batch.rows() - 1).map(|row| Target { row: row as u32, token: batch.tokens()[row + 1] }).collect();
    let mut pass = Pass::new(memory);
    let mut gradients = vec![0.0; model.trainable().len()];
    let mut adamw = AdamW::new(gradients.len(), AdamWConfig::default());
    let mut counts = [("forward", (0, 0)), ("head", (0, 0)), ("backward", (0, 0)), ("optimizer", (0, 0))];
    for _ in 0..3 {
        counts[0].1 = counted(|| pass.forward(model, &batch));
        counts[1].1 = counted(|| {
            pass.score_backward(model, &mut gradients, &targets, 1.0, |_, _| -0.01);
        });
        counts[2].1 = counted(|| pass.backward(model, &batch, &mut gradients));
        let (parameters, tensors) = model.learnable();
        counts[3].1 = counted(|| {
            adamw.step(parameters, &mut gradients, tensors, 1e-3).unwrap();
        });
    }
    counts
}

#[test]
fn a_warm_training_step_does_not_allocate() {
    // One thread: what a pool of several allocates to hand work about is its own, and differs from run to run.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for family in Family::ALL {
        for memory in [Memory::Keep, Memory::Recompute] {
            for lora in [false, true] {
                for (layers, tokens) in [(2, 20), (5, 90)] {
                    let mut model = Model::random(shape(family, layers), Seed(1));
                    if lora {
                        let targets = Projection::ALL.to_vec();
                        let config = LoraConfig { rank: 4, alpha: 8.0, rslora: false, targets };
                        model = model.with_lora(config, Seed(2));
                    }
                    for (part, (count, bytes)) in pool.install(|| step(&mut model, memory, tokens)) {
                        println!(
                            "{family:?} {memory:?} lora {lora} {layers}×{tokens} {part}: {count} ({bytes} B)"
                        );
                    }
                }
            }
        }
    }
}
