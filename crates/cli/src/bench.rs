//! `tracelift bench`: how fast the engine is on this machine, one JSON line per measurement.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;
use tracelift_domain::Seed;
use tracelift_engine::checkpoint::load_model;
use tracelift_engine::{AdamWConfig, Model};
use tracelift_engine::{
    Batch, Device, Learner, LoraConfig, Memory, Numbers, Projection, Request, Sampler, Sampling, Start,
    Target,
};

/// What to measure.
#[derive(Subcommand)]
pub enum Bench {
    /// Optimizer steps on random tokens: forward, backward, clipping, AdamW.
    Train(TrainBench),
    /// Sampling from random prompts.
    Generate(GenerateBench),
}

/// Settings of the training benchmark.
#[derive(Args)]
pub struct TrainBench {
    /// A checkpoint directory (its tokenizer is not needed).
    #[arg(long)]
    model_dir: PathBuf,
    /// Sequences a step.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Tokens a sequence.
    #[arg(long, default_value_t = 128)]
    length: usize,
    /// Steps that are timed, after one that is not.
    #[arg(long, default_value_t = 3)]
    steps: u32,
    /// Train adapters of this rank on every linear layer instead of all weights.
    #[arg(long)]
    lora: Option<usize>,
    /// Compute activations again on the way back.
    #[arg(long)]
    recompute: bool,
    /// Print one JSON line.
    #[arg(long)]
    json: bool,
}

/// Settings of the sampling benchmark.
#[derive(Args)]
pub struct GenerateBench {
    /// A checkpoint directory (its tokenizer is not needed).
    #[arg(long)]
    model_dir: PathBuf,
    /// Sequences.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Tokens of each prompt; several numbers, with commas between them, are taken in turn.
    #[arg(long, default_value = "64", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    prompt: Vec<u32>,
    /// New tokens of each sequence at most.
    #[arg(long, default_value_t = 64)]
    new: usize,
    /// Early ends that the sampler does not foresee: sequence i ends after the i-th of these numbers, in turn.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    ends: Vec<u32>,
    /// The numbers in which products are computed.
    #[arg(long, default_value = "f32", value_parser = crate::model::numbers())]
    numbers: Numbers,
    /// Rounds that are timed, after one that is not.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Print one JSON line.
    #[arg(long)]
    json: bool,
}

/// Runs a benchmark.
pub fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Train(bench) => train(bench),
        Bench::Generate(bench) => generate(bench),
    }
}

fn load(dir: &std::path::Path) -> Result<Model> {
    load_model(&tracelift_engine::hub::resolve(dir)?)
        .with_context(|| format!("failed to load the model in {}", dir.display()))
}

fn random_tokens(seed: u64, count: usize, vocabulary: usize) -> Vec<u32> {
    (0..count as u64).map(|i| (Seed(seed).child("token", i).0 % vocabulary as u64) as u32).collect()
}

fn train(bench: &TrainBench) -> Result<()> {
    let mut model = load(&bench.model_dir)?;
    if let Some(rank) = bench.lora {
        let config =
            LoraConfig { rank, alpha: 2.0 * rank as f64, rslora: false, targets: Projection::ALL.to_vec() };
        model = model.with_lora(config, Seed(1));
    }
    let vocabulary = model.config.vocab_size;
    let sequences: Vec<Vec<u32>> =
        (0..bench.batch as u64).map(|i| random_tokens(i, bench.length, vocabulary)).collect();
    let batch = Batch::of(&sequences);
    let targets: Vec<Target> = (0..batch.rows())
        .filter(|row| (row + 1) % bench.length != 0)
        .map(|row| Target { row: row as u32, token: batch.tokens()[row + 1] })
        .collect();
    let memory = if bench.recompute { Memory::Recompute } else { Memory::Keep };
    let mut learner = Learner::on(Device::Cpu, model, memory, AdamWConfig::default(), Start::Forgotten);
    let share = 1.0 / targets.len() as f32;
    let mut start = Instant::now();
    for step in 0..=bench.steps {
        if step == 1 {
            start = Instant::now();
        }
        let mut passage = learner.forward(&batch);
        passage.learn(&targets, 1.0, |_, _| -share);
        passage.backward();
        learner.apply(0.0, 1e-4)?;
    }
    let seconds = start.elapsed().as_secs_f64() / f64::from(bench.steps.max(1));
    report(bench.json, "training step", seconds, (bench.batch * bench.length) as f64 / seconds);
    Ok(())
}

fn generate(bench: &GenerateBench) -> Result<()> {
    let model = load(&bench.model_dir)?;
    let sampling = Sampling {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        max_tokens: bench.new,
        stop: Vec::new(),
    };
    let in_turn = |numbers: &[u32], i: usize| numbers[i % numbers.len()] as usize;
    let requests: Vec<Request> = (0..bench.batch as u64)
        .map(|i| Request {
            prompt: random_tokens(i, in_turn(&bench.prompt, i as usize), model.config.vocab_size),
            seeds: vec![Seed(i)],
        })
        .collect();
    let ended = |i: usize, tokens: &[u32]| !bench.ends.is_empty() && tokens.len() >= in_turn(&bench.ends, i);
    let (mut start, mut tokens) = (Instant::now(), 0);
    for round in 0..=bench.rounds {
        if round == 1 {
            start = Instant::now();
        }
        // Packing is part of the work: a planner's weights change at every step.
        let sampled =
            Sampler::on(Device::Cpu, &model, bench.numbers).generate_until(&requests, &sampling, &ended)?;
        tokens = sampled.iter().flatten().map(|sample| sample.tokens.len()).sum();
    }
    let seconds = start.elapsed().as_secs_f64() / f64::from(bench.rounds.max(1));
    report(bench.json, "sampling", seconds, tokens as f64 / seconds);
    Ok(())
}

fn report(as_json: bool, what: &str, seconds: f64, tokens_per_second: f64) {
    if as_json {
        let peak = peak_memory().map(|bytes| bytes >> 20);
        println!(
            "{}",
            json!({"seconds_per_step": seconds, "tokens_per_second": tokens_per_second, "peak_mib": peak})
        );
    } else {
        println!("{what}: {seconds:.4} s a step, {tokens_per_second:.0} tokens/s");
    }
}

/// The most memory that this process has held at a time, where the system says (`VmHWM`).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
