//! `tracelift world solutions`: what a planner makes of a world's problems, judged by the world's exact checker.

use crate::progress;
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use tracelift_domain::{Problem, Seed, TaskDomain};
use tracelift_engine::{Checkpoint, Numbers};
use tracelift_files::{Draft, make_folder};
use tracelift_planner::{Asked, Planner, Sampling, Weights};
use tracelift_prompt::PlannerPrompt;
use tracelift_worlds::{Instance, Split, World, WorldName};

/// Problems that are sampled together.
const TOGETHER: u64 = 64;

/// Settings of `world solutions`.
#[derive(Args)]
pub struct Solutions {
    /// steps, words or programs.
    #[arg(long)]
    world: WorldName,
    /// The planner's checkpoint directory.
    #[arg(long)]
    planner: PathBuf,
    /// The file to write (JSONL).
    #[arg(long)]
    out: PathBuf,
    /// How many problems.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    problems: u64,
    /// The index of the first problem.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Solutions of each problem.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1024))]
    samples: u64,
    /// 0 is greedy.
    #[arg(long, default_value_t = 1.0)]
    temperature: f32,
    /// The most tokens of a solution.
    #[arg(long, default_value_t = 128)]
    max_tokens: usize,
    /// Take the templates that no model was trained on.
    #[arg(long)]
    test: bool,
    /// Of the problems and of all draws.
    #[arg(long, default_value_t = 18)]
    seed: u64,
}

/// A line of the file: what `rm eval --solutions` reads, and what the checker says beyond that.
#[derive(Serialize)]
struct Line<'a> {
    problem_id: &'a str,
    problem: &'a str,
    reasoning: &'a str,
    /// Whether every step is there and right, and nothing leaks.
    is_correct: bool,
    task_name: &'a str,
    task_type: TaskDomain,
    level: u32,
    /// The first step (from 0) that is wrong, missing or superfluous.
    first_flaw: Option<usize>,
}

/// What was written.
#[derive(Default)]
struct Counts {
    written: u64,
    right: u64,
    /// Completions without a usable trace, by what is wrong with them.
    unusable: BTreeMap<String, u64>,
}

/// Writes the file.
pub fn run(settings: &Solutions) -> Result<()> {
    let Checkpoint { model, tokenizer } = Checkpoint::load(&settings.planner)
        .with_context(|| format!("failed to read the planner in {}", settings.planner.display()))?;
    let sampling =
        Sampling { temperature: settings.temperature, top_p: 1.0, max_tokens: settings.max_tokens };
    let prompt = PlannerPrompt::of_worlds()?;
    let planner = Planner {
        weights: Weights::Frozen(&model),
        tokenizer: &tokenizer,
        prompt: &prompt,
        sampling: &sampling,
        numbers: Numbers::F32,
    };
    let end = settings.first.checked_add(settings.problems);
    let end = end.context("--first and --problems lead beyond the last problem; make them smaller")?;
    if let Some(folder) = settings.out.parent() {
        make_folder(folder)?;
    }
    let mut out = Draft::begin(&settings.out)?;
    let mut counts = Counts::default();
    let bar = progress::steps("solutions", settings.problems, 0);
    for start in (settings.first..end).step_by(TOGETHER as usize) {
        let some = start..end.min(start + TOGETHER);
        bar.inc(some.end - some.start);
        write(settings, &planner, some, &mut out, &mut counts)?;
    }
    bar.finish_and_clear();
    out.finish()?;
    let Counts { written, right, unusable } = counts;
    println!(
        "{written} solutions of {} problems, {right} right: {}",
        settings.problems,
        settings.out.display()
    );
    for (defect, count) in &unusable {
        println!("left out: {count} ({defect})");
    }
    ensure!(written > 0, "no completion holds a trace; is {} a planner?", settings.planner.display());
    Ok(())
}

fn write(
    settings: &Solutions,
    planner: &Planner<'_>,
    indices: std::ops::Range<u64>,
    out: &mut impl Write,
    counts: &mut Counts,
) -> Result<()> {
    let (world, split) = (World::new(settings.world), if settings.test { Split::Test } else { Split::Train });
    let seed = Seed(settings.seed);
    let instances: Vec<Instance> = indices.map(|index| world.instance(seed, split, index)).collect();
    let ask = |problem: &Problem| {
        let draw = |sample| seed.child("solution", sample).child(&problem.id, 0);
        (0..settings.samples).map(draw).collect()
    };
    let asked: Vec<Asked<'_>> = instances
        .iter()
        .map(Instance::problem)
        .map(|problem| Asked { question: &problem.question, seeds: ask(problem) })
        .collect();
    for (instance, traces) in instances.iter().zip(planner.write(&asked)?) {
        for written in traces.written {
            let trace = match written.trace {
                Ok(trace) => trace,
                Err(defect) => {
                    *counts.unusable.entry(defect.to_string()).or_default() += 1;
                    continue;
                }
            };
            let report = instance.check(trace.as_str());
            let problem = instance.problem();
            let line = Line {
                problem_id: &problem.id,
                problem: &problem.question.statement,
                reasoning: trace.as_str(),
                is_correct: report.verified(),
                task_name: &problem.question.source,
                task_type: problem.question.domain,
                level: instance.level(),
                first_flaw: report.first_flaw,
            };
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
            counts.written += 1;
            counts.right += u64::from(report.verified());
        }
    }
    Ok(())
}
