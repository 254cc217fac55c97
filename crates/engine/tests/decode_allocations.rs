//! Decoding allocates nothing: sampling more tokens of the same prompts makes no more allocations.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use tracelift_domain::Seed;
use tracelift_engine::{Device, Numbers, Request, Sampler, Sampling, checkpoint};

/// Counts what it hands on.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

// One test in this file: another one's allocations, made beside it, would be counted too.
#[test]
fn longer_samples_make_no_more_allocations() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/qwen2-gqa-tied");
    let model = checkpoint::load_model(&dir).unwrap();
    let requests: Vec<Request> = (0..9_u64)
        .map(|i| Request {
            prompt: (0..4 + i as u32).collect(),
            seeds: (0..1 + i % 3).map(|sample| Seed(i).child("sample", sample)).collect(),
        })
        .collect();
    for numbers in [Numbers::F32, Numbers::Bf16, Numbers::Int8] {
        for (top_k, top_p) in [(0, 1.0), (5, 0.9)] {
            let sampler = Sampler::on(Device::Cpu, &model, numbers);
            let allocations = |max_tokens: usize| {
                let sampling =
                    Sampling { temperature: 1.0, top_k, top_p, min_p: 0.0, max_tokens, stop: vec![] };
                let before = ALLOCATIONS.load(Ordering::Relaxed);
                let sampled = sampler.generate(&requests, &sampling).unwrap();
                let after = ALLOCATIONS.load(Ordering::Relaxed);
                assert!(sampled.iter().flatten().all(|sample| sample.tokens.len() == max_tokens));
                after - before
            };
            // Whatever is set up once is set up now, the cache at its largest among it.
            allocations(100);
            let (few, many) = (allocations(4), allocations(100));
            assert_eq!(few, many, "96 more tokens of each sample made allocations");
            assert!(few > 0, "the allocator does not count");
        }
    }
}
