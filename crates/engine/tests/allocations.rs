//! A training step that has run once before allocates nothing: the heap is counted in a program of its own.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tracelift_domain::Seed;
use tracelift_engine::{
    AdamWConfig, Batch, Config, Device, Family, Learner, LoraConfig, Memory, Model, Projection, Start, Target,
};
use tracelift_testing::TinyModel;

struct Watching;

/// Whether allocations are looked at.
static WATCHED: AtomicBool = AtomicBool::new(false);
/// Those of the engine itself, by where they came from.
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// Whether this thread is in the middle of noting an allocation, which allocates.
    static NOTING: Cell<bool> = const { Cell::new(false) };
}

/// Notes an allocation that the engine made. The product library lays out room for each product by itself; that is its
/// own affair, and small beside the product.
fn note(size: usize) {
    if !WATCHED.load(Ordering::SeqCst) || NOTING.replace(true) {
        return;
    }
    let trace = Backtrace::force_capture().to_string();
    // A frame of the engine is known by its file: names of inlined functions come without their paths.
    let is_ours = |line: &str| line.contains("at ./src/") || line.contains("crates/engine/src/");
    let ours = trace.lines().any(is_ours);
    if ours && !trace.contains("gemm_common") && !trace.contains("gemm_f32") {
        let frames: Vec<&str> = trace.lines().filter(|line| is_ours(line)).map(str::trim).take(3).collect();
        FOUND.lock().unwrap().push(format!("{size} bytes: {}", frames.join(" <- ")));
    }
    NOTING.set(false);
}

// SAFETY: every call goes on to the system's allocator unchanged; noting touches no memory of theirs.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// The engine's allocations in `body`, in all threads.
fn allocations(body: impl FnOnce()) -> Vec<String> {
    WATCHED.store(true, Ordering::SeqCst);
    body();
    WATCHED.store(false, Ordering::SeqCst);
    std::mem::take(&mut *FOUND.lock().unwrap())
}

fn shape(family: Family, layers: usize) -> Config {
    let shape = TinyModel {
        vocabulary: 300,
        hidden: 64,
        intermediate: 96,
        layers,
        heads: 4,
        kv_heads: 2,
        positions: 128,
        end: &[],
        ..TinyModel::BYTES
    };
    Config { family, ..Config::from_json(&shape.config()).unwrap() }
}

/// What the parts of a step allocate.
type Parts = Vec<(&'static str, Vec<String>)>;

/// What a first step allocates, and a second one like it.
fn steps(model: Model, memory: Memory, tokens: usize) -> [Parts; 2] {
    let sequences: Vec<Vec<u32>> =
        (0..2_u32).map(|s| (0..tokens as u32).map(|t| (t * 7 + s * 13) % 300).collect()).collect();
    let batch = Batch::of(&sequences);
    let targets: Vec<Target> =
        (0..batch.rows() - 1).map(|row| Target { row: row as u32, token: batch.tokens()[row + 1] }).collect();
    let mut learner = Learner::on(Device::Cpu, model, memory, AdamWConfig::default(), Start::Forgotten);
    let mut run = || {
        let mut passage = None;
        let forward = allocations(|| passage = Some(learner.forward(&batch)));
        let mut passage = passage.unwrap();
        let head = allocations(|| {
            passage.learn(&targets, 1.0, |_, _| -0.01);
        });
        let backward = allocations(|| passage.backward());
        let optimizer = allocations(|| {
            learner.apply(0.0, 1e-3).unwrap();
        });
        vec![("forward", forward), ("head", head), ("backward", backward), ("optimizer", optimizer)]
    };
    [run(), run()]
}

#[test]
fn a_warm_training_step_does_not_allocate() {
    // One thread: what a pool of several allocates to hand work about is its own, and differs from run to run.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut all = Vec::new();
    for (family, memory, lora) in [
        (Family::Qwen2, Memory::Keep, false),
        (Family::Qwen3, Memory::Recompute, false),
        (Family::Llama, Memory::Keep, true),
    ] {
        let mut model = Model::random(shape(family, 2), Seed(1));
        if lora {
            let config = LoraConfig { rank: 4, alpha: 8.0, rslora: false, targets: Projection::ALL.to_vec() };
            model = model.with_lora(config, Seed(2));
        }
        let [cold, warm] = pool.install(|| steps(model, memory, 70));
        // Buffers are laid out in the first step: what looks for allocations does find them.
        assert!(cold.iter().all(|(_, found)| !found.is_empty()), "a first step allocates nothing: {cold:?}");
        for (part, found) in warm {
            // A head hands its scores back, once a step.
            let allowed = usize::from(part == "head");
            if found.len() > allowed {
                all.extend(found.iter().map(|place| format!("{family:?} {memory:?} {part}: {place}")));
            }
        }
    }
    all.sort();
    all.dedup();
    assert!(all.is_empty(), "a warm step allocates:\n{}", all.join("\n"));
}
