//! `tracelift world …`: look at the embedded worlds, and remake the checkpoints that come with them.

mod procedures;
mod solutions;

use crate::config::read_as;
use crate::progress;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tracelift_curation::{WorldGroupConfig, world_groups};
use tracelift_domain::{Effect, Seed};
use tracelift_engine::{Checkpoint, Device, Learner, Memory, Model, Precision, Start};
use tracelift_groups::write_groups;
use tracelift_train::metrics::StepMetrics;
use tracelift_train::pretrain::{Corpus, Part, PretrainConfig, world_tokenizer};
use tracelift_train::run::{RunDescription, RunFolder};
use tracelift_train::sft;
use tracelift_worlds::guess::best_constant_guess;
use tracelift_worlds::{Noise, Split, World, WorldName};

/// What to do with a world.
#[derive(Subcommand)]
pub enum WorldCommand {
    /// Print problems with their gold and flawed traces.
    Show(Show),
    /// Print how far the best constant guess gets, per level.
    Guess(Guess),
    /// Write a group file: per problem a reference trace, and flawed ones with rubric labels.
    Groups(Groups),
    /// Write a planner's solutions with the verdicts of the exact checker: natural errors, for `rm eval --solutions`.
    Solutions(solutions::Solutions),
    /// Write procedures for models that read prose, by length, look-back, operations and numbers.
    Procedures(procedures::Procedures),
    /// Pre-train the base planner and the frozen executor.
    Pretrain(Pretrain),
}

/// Settings of `world show`.
#[derive(Args)]
pub struct Show {
    /// steps, words or programs.
    #[arg(long)]
    world: WorldName,
    /// How many problems.
    #[arg(long, default_value_t = 3)]
    count: u64,
    /// Take the templates that no model was trained on.
    #[arg(long)]
    test: bool,
    /// Of the problems.
    #[arg(long, default_value_t = 18)]
    seed: u64,
}

/// Settings of `world guess`.
#[derive(Args)]
pub struct Guess {
    /// steps, words or programs.
    #[arg(long)]
    world: WorldName,
    /// Problems per level.
    #[arg(long, default_value_t = 4000)]
    count: u64,
    /// Of the problems.
    #[arg(long, default_value_t = 18)]
    seed: u64,
}

/// Settings of `world groups`.
#[derive(Args)]
pub struct Groups {
    /// steps, words or programs.
    #[arg(long)]
    world: WorldName,
    /// The file to write (JSONL).
    #[arg(long)]
    out: PathBuf,
    /// How many problems; those with too few different flaws make no group.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// The index of the first problem.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Of the problems and their flaws.
    #[arg(long, default_value_t = 18)]
    seed: u64,
    /// Take the templates that no model was trained on.
    #[arg(long)]
    test: bool,
    /// Chance of a flaw of either sort at each step of the noisy traces; 0 makes none of these.
    #[arg(long, default_value_t = 0.1)]
    noise: f64,
}

/// Settings of `world pretrain`.
#[derive(Args)]
pub struct Pretrain {
    /// steps, words or programs.
    #[arg(long)]
    world: WorldName,
    /// Where the folders `planner` and `executor` go.
    #[arg(long)]
    out: PathBuf,
    /// Where the runs go (checkpoints, metrics); a run that is there is gone on with.
    #[arg(long, default_value = "runs/pretrain")]
    runs: PathBuf,
    /// Of weights and texts.
    #[arg(long, default_value_t = 18)]
    seed: u64,
    /// Only one of the two: planner or executor.
    #[arg(long)]
    only: Option<Part>,
    /// A TOML file of settings in place of the world's own.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// Runs a world command.
pub fn run(command: &WorldCommand) -> Result<()> {
    match command {
        WorldCommand::Show(show) => {
            print_problems(show);
            Ok(())
        }
        WorldCommand::Guess(guess) => {
            print_guesses(guess);
            Ok(())
        }
        WorldCommand::Groups(settings) => write_world_groups(settings),
        WorldCommand::Solutions(settings) => solutions::run(settings),
        WorldCommand::Procedures(settings) => procedures::run(settings),
        WorldCommand::Pretrain(settings) => pretrain(settings),
    }
}

fn print_problems(show: &Show) {
    let world = World::new(show.world);
    let split = if show.test { Split::Test } else { Split::Train };
    let seed = Seed(show.seed);
    for index in 0..show.count {
        let instance = world.instance(seed, split, index);
        let noise = Noise { spoiling: 0.15, benign: 0.15 };
        let noisy = instance.noisy_trace(&noise, seed.child("show", index));
        println!("problem   {}  (level {})", instance.problem().id, instance.level());
        println!("          {}", instance.problem().question.statement);
        println!("trace     {}", instance.gold_trace().as_str());
        println!("artifact  {}", instance.gold_artifact());
        println!("noisy     {}", noisy.trace.as_str());
        for flaw in &noisy.flaws {
            println!("          step {}: {} ({:?})", flaw.step, flaw.kind.name(), flaw.effect);
        }
        println!();
    }
}

fn print_guesses(guess: &Guess) {
    let world = World::new(guess.world);
    println!("level  best guess  share  distinct answers");
    for best in best_constant_guess(&world, Split::Train, Seed(guess.seed), guess.count) {
        let answer = best.answer.trim();
        println!("{:>5}  {:>10}  {:>4.1}%  {:>16}", best.level, answer, best.share * 100.0, best.distinct);
    }
}

fn write_world_groups(settings: &Groups) -> Result<()> {
    let (world, split) = (World::new(settings.world), if settings.test { Split::Test } else { Split::Train });
    let noise = Noise { spoiling: settings.noise, benign: settings.noise };
    let noisy = (noise != Noise::NONE).then_some(noise);
    let config = WorldGroupConfig { noisy, ..WorldGroupConfig::default() };
    let end = settings.first.checked_add(settings.count);
    let end = end.context("--first and --count lead beyond the last problem; make them smaller")?;
    let groups = world_groups(&world, &config, Seed(settings.seed), split, settings.first..end)?;
    if let Some(folder) = settings.out.parent() {
        tracelift_files::make_folder(folder)?;
    }
    // Spoiling and benign flaws of each kind.
    let mut kinds: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let counted = groups.inspect(|group| {
        for negative in &group.negative_bank {
            let count = kinds.entry(negative.negative_kind.clone()).or_default();
            if negative.extra.get("flaw_sort") == Some(&json!(Effect::Spoiling)) {
                count.0 += 1;
            } else {
                count.1 += 1;
            }
        }
    });
    let written = write_groups(&settings.out, counted)?;
    println!("{written} groups of {} problems: {}", settings.count, settings.out.display());
    println!("{:<24}  {:>8}  {:>6}", "flawed traces", "spoiling", "benign");
    for (kind, (spoiling, benign)) in kinds {
        println!("{kind:<24}  {spoiling:>8}  {benign:>6}");
    }
    Ok(())
}

fn pretrain(settings: &Pretrain) -> Result<()> {
    let config = match &settings.config {
        None => PretrainConfig::of(settings.world),
        Some(path) => {
            let (config, origin): (PretrainConfig, _) = read_as(Some(path), &[], &[])?;
            config.validate().map_err(|error| origin.refuse(&error))?;
            config
        }
    };
    for (part, name) in [(Part::Planner, "planner"), (Part::Executor, "executor")] {
        if settings.only.is_some_and(|only| only != part) {
            continue;
        }
        let run = settings.runs.join(format!("{}-{name}", settings.world));
        let checkpoint = pretrain_part(settings.world, &config, part, Seed(settings.seed), &run)?;
        let out = settings.out.join(name);
        checkpoint
            .save(&out, Precision::Bf16)
            .with_context(|| format!("failed to save {}", out.display()))?;
        println!("{name}: {}", out.display());
    }
    Ok(())
}

/// Pre-trains one of a world's models, going on where an earlier attempt stopped.
fn pretrain_part(
    world: WorldName,
    config: &PretrainConfig,
    part: Part,
    seed: Seed,
    run: &Path,
) -> Result<Checkpoint> {
    let world = World::new(world);
    let tokenizer = world_tokenizer(&world)?;
    let (name, sft) = match part {
        Part::Planner => ("planner", config.planner),
        Part::Executor => ("executor", config.executor),
    };
    let seed = seed.child(name, 0);
    let model = Model::random(config.model(tokenizer.vocabulary()), seed.child("weights", 0));
    let mut learner = Learner::on(Device::Cpu, model, Memory::Keep, sft.optimizer, Start::Forgotten);
    let mut folder = if run.join("run.json").exists() {
        let (folder, latest) = RunFolder::resume(run)?;
        if let Some((_, checkpoint)) = latest {
            learner.restore(&checkpoint)?;
        }
        folder
    } else {
        let description =
            RunDescription::now(format!("pretrain {name} of {}", world.name()), seed, serde_json::Map::new());
        RunFolder::create(run, &description, &toml::to_string(config)?)?
    };
    let corpus = Corpus { world: &world, tokenizer: &tokenizer, config, part, seed, split: Split::Train };
    let bar = progress::steps(&format!("{} {name}", world.name()), sft.steps, learner.steps_done());
    while learner.steps_done() < sft.steps {
        let texts = corpus.batch(learner.steps_done(), sft.batch)?;
        let step = sft::step(&mut learner, &sft, &texts)?;
        let done = learner.steps_done();
        bar.set_position(done);
        if done.is_multiple_of(20) || done == sft.steps {
            bar.set_message(format!("loss {:.4}", step.loss));
            let mut metrics = StepMetrics::now(done);
            metrics.set("policy/loss", step.loss).set("policy/gradient_norm", step.gradient_norm);
            folder.record_metrics(&metrics)?;
        }
        if done.is_multiple_of(500) || done == sft.steps {
            folder.save_checkpoint(done, |dir| learner.save(dir))?;
        }
    }
    bar.finish();
    Ok(Checkpoint { model: learner.into_model(), tokenizer })
}
