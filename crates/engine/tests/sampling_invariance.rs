//! A sample is the same, bit for bit, whatever else is sampled and however many threads there are, in every family and
//! in every kind of numbers; and bf16 and int8 stay near `f32`.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::path::Path;
use tracelift_domain::Seed;
use tracelift_engine::ops::head::Target;
use tracelift_engine::{
    Batch, Device, Finish, Memory, Model, Numbers, Pass, Request, Sampled, Sampler, Sampling, checkpoint,
};

const FAMILIES: [&str; 3] = ["qwen2-gqa-untied", "qwen3-tied", "llama3-untied"];

fn model(name: &str) -> Model {
    checkpoint::load_model(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// More samples than run at a time, of prompts long and short (with what is sampled they fill the context of 128 tokens),
/// some read for several samples at once.
fn requests() -> Vec<Request> {
    let request = |i: u64| Request {
        prompt: (0..1 + i * 37 % 90).map(|t| ((t * 11 + i * 5) % 60) as u32).collect(),
        seeds: (0..1 + i % 4).map(|sample| Seed(7).child("sample", i * 10 + sample)).collect(),
    };
    (0..60).map(request).collect()
}

/// Instructions that every prompt begins with, questions that some share, and what is each one's own.
fn related_requests() -> Vec<Request> {
    let request = |i: u64| {
        let parts = [(0, 40), (7 * (i % 5), 20), (11 * i, i % 7 * 4)];
        let part = |(first, length): (u64, u64)| (0..length).map(move |t| ((first + t * 13) % 60) as u32);
        Request {
            prompt: parts.into_iter().flat_map(part).collect(),
            seeds: (0..1 + i % 3).map(|sample| Seed(8).child("sample", i * 10 + sample)).collect(),
        }
    };
    (0..60).map(request).collect()
}

/// After how many tokens a request's samples end.
fn end(request: &Request) -> usize {
    1 + request.prompt.len() * 7 % 50
}

fn sampled(sampler: &Sampler, requests: &[Request], threads: usize) -> Vec<Vec<Sampled>> {
    let sampling =
        Sampling { temperature: 0.9, top_k: 0, top_p: 0.95, min_p: 0.0, max_tokens: 38, stop: vec![5] };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    // Early ends that differ, so that sequences leave and enter at every step.
    let ended = |i: usize, tokens: &[u32]| tokens.len() == end(&requests[i]);
    pool.install(|| sampler.generate_until(requests, &sampling, &ended)).unwrap()
}

#[test]
fn neither_threads_nor_company_change_a_sample() {
    for name in FAMILIES {
        let model = model(name);
        let kinds = [Numbers::F32, Numbers::Bf16, Numbers::Int8];
        for (device, numbers) in Device::ALL.into_iter().flat_map(|device| kinds.map(|kind| (device, kind))) {
            let sampler = Sampler::on(device, &model, numbers);
            let requests = requests();
            let together = sampled(&sampler, &requests, 1);
            for (request, samples) in requests.iter().zip(&together) {
                assert_eq!(samples.len(), request.seeds.len());
                for sample in samples {
                    assert!(sample.tokens.len() <= end(request));
                    let length = sample.tokens.len() == 38 && sample.tokens[37] != 5 && end(request) > 38;
                    assert_eq!(sample.finish, if length { Finish::Length } else { Finish::Stop });
                }
            }
            for threads in [2, 3] {
                assert_eq!(
                    sampled(&sampler, &requests, threads),
                    together,
                    "{name}, {numbers:?}: {threads} threads"
                );
            }
            for i in [0, 11, 40, 58] {
                let alone = sampled(&sampler, &requests[i..=i], 2);
                assert_eq!(alone[0], together[i], "{name}, {numbers:?}: request {i} depends on its company");
            }
        }
    }
}

#[test]
fn a_beginning_that_prompts_share_changes_no_sample() {
    for name in FAMILIES {
        let sampler = Sampler::on(Device::Cpu, &model(name), Numbers::F32);
        let requests = related_requests();
        let together = sampled(&sampler, &requests, 2);
        for (i, together) in together.iter().enumerate() {
            let alone = sampled(&sampler, &requests[i..=i], 1);
            assert_eq!(alone[0], *together, "{name}: request {i} depends on what others begin with");
        }
    }
}

#[test]
fn fewer_bits_give_nearly_the_trainers_log_probabilities() {
    for (name, numbers, near) in
        FAMILIES.into_iter().flat_map(|name| [(name, Numbers::Bf16, 0.1), (name, Numbers::Int8, 0.5)])
    {
        let model = model(name);
        let requests = requests();
        for device in Device::ALL {
            let together = sampled(&Sampler::on(device, &model, numbers), &requests[..12], 2);
            let (mut worst, mut sum, mut tokens) = (0.0_f32, 0.0, 0);
            let mut pass = Pass::new(Memory::Keep);
            for (request, samples) in requests.iter().zip(&together) {
                for sample in samples {
                    let sequence = [request.prompt.as_slice(), &sample.tokens].concat();
                    let targets: Vec<Target> = (request.prompt.len()..sequence.len())
                        .map(|at| Target { row: at as u32 - 1, token: sequence[at] })
                        .collect();
                    pass.forward(&model, &Batch::of([&sequence]));
                    for (score, log_prob) in pass.score(&model, &targets, 0.9).iter().zip(&sample.log_probs) {
                        let off = (score.log_prob - log_prob).abs();
                        worst = worst.max(off);
                        (sum, tokens) = (sum + off, tokens + 1);
                    }
                }
            }
            let mean = sum / tokens as f32;
            assert!(worst > 0.0 && worst < near, "{name}: {numbers:?} is off by {worst}");
            assert!(mean < near / 10.0, "{name}: {numbers:?} is off by {mean} in the mean");
        }
    }
}
