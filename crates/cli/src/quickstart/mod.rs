//! `tracelift quickstart`: a world from data to trained planner, with nothing but this binary and Python 3.
//!
//! Stages: unpack the world's base planner and frozen executor; look at both; train the reward model on the world's
//! groups; train the planner twice from the same start, with the same number of steps (exec-only, TraceLift);
//! evaluate on templates that nobody was trained on; write the report. Everything lands in one folder, and a run
//! that was interrupted goes on where it stopped.

mod plan;
mod shipped;
mod story;

use crate::evaluate::evaluate;
use crate::rm;
use crate::setup::world_items;
use crate::train::{Course, Form, Presence, train_in};
use anyhow::{Context, Result, ensure};
use clap::Args;
use plan::{Plan, Timings};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tracelift_curation::{WorldGroupConfig, world_groups};
use tracelift_domain::{Group, Probability, Seed};
use tracelift_engine::{Checkpoint, Numbers, Precision};
use tracelift_eval::Protocol;
use tracelift_executor::{Executor, InProcess};
use tracelift_planner::{Planner, Sampling, Weights};
use tracelift_prompt::{ExecutorPromptConfig, PlannerPrompt};
use tracelift_reward::{FrozenRewardModel, RewardConfig, RewardModel, Rule, TraceScorer};
use tracelift_train::grpo::{Cast, Grpo, GrpoConfig};
use tracelift_train::pretrain::PRETRAINING_PROBLEMS;
use tracelift_train::rubric::RubricTraining;
use tracelift_train::source::{Exercise, Source};
use tracelift_verify::{AnswerMode, Verifier, VerifierConfig};
use tracelift_worlds::{Noise, Split, World, WorldName};

/// Settings of `quickstart`.
#[derive(Args)]
pub struct Quickstart {
    /// steps, words or programs.
    #[arg(long, default_value = "steps")]
    world: WorldName,
    /// Of everything random.
    #[arg(long, default_value_t = 18)]
    seed: u64,
    /// The folder of everything; default runs/quickstart-WORLD.
    #[arg(long)]
    out: Option<PathBuf>,
    /// About how long it may take. Training steps are counted out to fit this machine.
    #[arg(long, default_value_t = 8.0)]
    minutes: f64,
    /// Training steps of each planner, instead of counting them out.
    #[arg(long)]
    steps: Option<u64>,
    /// A folder with `planner` and `executor` (from `world pretrain`), instead of the checkpoints in this binary.
    #[arg(long)]
    checkpoints: Option<PathBuf>,
}

/// What all stages share.
struct Stage<'a> {
    world: World,
    seed: Seed,
    out: &'a Path,
    planner: Checkpoint,
    prompt: PlannerPrompt,
    /// The whole distribution, since the flaws of planners of worlds are spread thinly over it.
    sampling: Sampling,
    executor: InProcess,
    verifier: Verifier,
}

/// Runs it.
pub fn run(args: &Quickstart) -> Result<()> {
    ensure!(
        args.minutes >= 1.0 && args.minutes <= 600.0,
        "--minutes is {}; it must be from 1 to 600",
        args.minutes
    );
    let start = Instant::now();
    let default = PathBuf::from(format!("runs/quickstart-{}", args.world));
    let out = args.out.as_deref().unwrap_or(&default);
    std::fs::create_dir_all(out).with_context(|| format!("failed to make {}", out.display()))?;

    let stage = prepare(args, out)?;
    let overview = look(&stage)?;
    let mut plan = Plan::read_or_new(out, args)?;
    let (rubric, accuracy) = train_rubric(&stage, &mut plan)?;
    let rubric = FrozenRewardModel::new(rubric);
    plan.settle_steps(args, || time_steps(&stage, &rubric), out, start.elapsed())?;
    let trained = [
        train_planner(&stage, &plan, Rule::ExecOnly, None)?,
        train_planner(&stage, &plan, Rule::Tracelift, Some(&rubric))?,
    ];
    let rows = [
        ("no trace", None),
        ("base planner", Some(&stage.planner)),
        (Rule::ExecOnly.title(), Some(&trained[0])),
        (Rule::Tracelift.title(), Some(&trained[1])),
    ];
    let rows = rows.map(|(row, checkpoint)| (row, checkpoint.map(|checkpoint| planner(&stage, checkpoint))));
    let items = world_items(&stage.world, stage.seed.child("test", 0), Split::Test, 0..plan.test_problems);
    println!(
        "\nEvaluating on {} problems with templates that nobody was trained on, 3 traces each.",
        items.len()
    );
    let results = out.join("evaluation");
    let (table, samples) = evaluate(&protocol(&stage, &items), &rows, stage.seed, &results)?;
    println!("\n{}", table.text());
    let told = story::Told {
        stage_world: stage.world.name(),
        out,
        plan: &plan,
        overview: &overview,
        accuracy: &accuracy,
        executor: stage.executor.describe(),
        table,
        samples: &samples,
        items: &items,
        elapsed: start.elapsed(),
        seed: stage.seed,
    };
    told.write_report()?;
    told.say_where();
    Ok(())
}

fn prepare<'a>(args: &Quickstart, out: &'a Path) -> Result<Stage<'a>> {
    let world = World::new(args.world);
    let seed = Seed(args.seed);
    let base = match &args.checkpoints {
        Some(folder) => folder.clone(),
        None => shipped::unpack(args.world, &out.join("base"))?,
    };
    let load = |name: &str| {
        let path = base.join(name);
        Checkpoint::load(&path).with_context(|| format!("failed to load {}", path.display()))
    };
    let sampling = tracelift_executor::Sampling {
        temperature: 0.5,
        max_tokens: match args.world {
            WorldName::Steps | WorldName::Words => 4,
            WorldName::Programs => 160,
        },
        ..tracelift_executor::Sampling::default()
    };
    let executor =
        InProcess::new(&load("executor")?, &ExecutorPromptConfig::named("world"), sampling, Numbers::F32)?;
    let verifier = Verifier::new(VerifierConfig { answers: AnswerMode::Exact, ..VerifierConfig::default() })?;
    let instance = World::new(args.world).instance(seed, Split::Train, 0);
    if let Some(observed) = verifier.probe([instance.problem()])? {
        println!("{observed}");
    }
    println!("world {}: base planner and frozen executor in {}", args.world, base.display());
    println!("executor: {}", executor.describe());
    let sampling = Sampling { temperature: 1.0, top_p: 1.0, max_tokens: trace_budget(args.world) };
    let prompt = PlannerPrompt::of_worlds()?;
    Ok(Stage { world, seed, out, planner: load("planner")?, prompt, sampling, executor, verifier })
}

/// Blocks that the reward model has beyond the planner.
const RUBRIC_BLOCKS: usize = 3;

fn trace_budget(world: WorldName) -> usize {
    match world {
        WorldName::Steps => 128,
        WorldName::Words => 96,
        WorldName::Programs => 80,
    }
}

/// A planner of the world at work.
fn planner<'s>(stage: &'s Stage<'_>, checkpoint: &'s Checkpoint) -> Planner<'s> {
    let Checkpoint { model, tokenizer } = checkpoint;
    let weights = Weights::Frozen(model);
    Planner { weights, tokenizer, prompt: &stage.prompt, sampling: &stage.sampling, numbers: Numbers::F32 }
}

fn protocol<'s>(stage: &'s Stage<'_>, items: &'s [Exercise]) -> Protocol<'s> {
    Protocol {
        items,
        executor: &stage.executor,
        verifier: &stage.verifier,
        rubric: None,
        runs: 3,
        seeds: 3,
        seed: stage.seed.child("evaluation", 0),
    }
}

/// What base planner and executor can do before any training, on templates of training but problems of nobody's.
pub struct Overview {
    /// Success without any trace.
    pub without: f64,
    /// Success with gold traces.
    pub with_gold: f64,
    /// Success with the base planner's traces.
    pub with_base: f64,
    /// Share of the base planner's traces that are right throughout, with a right answer.
    pub base_verified: f64,
}

fn look(stage: &Stage<'_>) -> Result<Overview> {
    let first = 2 * PRETRAINING_PROBLEMS;
    let count = if stage.world.name() == WorldName::Programs { 60 } else { 300 };
    let items = world_items(&stage.world, stage.seed.child("look", 0), Split::Train, first..first + count);
    let protocol = Protocol { seeds: 1, ..protocol(stage, &items) };
    let mut baselines = protocol.baselines();
    let planner = planner(stage, &stage.planner);
    let records = protocol.row("base planner", Some(planner), &mut baselines)?;
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), v| (sum + v, count + 1));
        sum / f64::from(count.max(1))
    };
    let share = |yes: bool| f64::from(u8::from(yes));
    let gold: Vec<_> = items.iter().filter_map(|item| Some(item.instance.as_ref()?.gold_trace())).collect();
    let calls: Vec<_> = items
        .iter()
        .zip(&gold)
        .map(|(item, trace)| (&item.problem, Some(trace), stage.seed.child("gold", 0)))
        .collect();
    let with_gold = tracelift_reward::measure(&stage.executor, &stage.verifier, &calls, 1);
    let overview = Overview {
        without: mean(&mut records.iter().filter_map(|r| r.baseline_success)),
        with_gold: mean(&mut with_gold.iter().filter_map(|m| m.mean().map(Probability::get))),
        with_base: mean(&mut records.iter().filter_map(|r| r.correct.map(share))),
        base_verified: mean(&mut records.iter().filter_map(|r| Some(share(r.correct? && r.verified?)))),
    };
    println!(
        "executor, in distribution: right {:.1}% without a trace (b), {:.1}% with the base planner's, {:.1}% with gold",
        100.0 * overview.without,
        100.0 * overview.with_base,
        100.0 * overview.with_gold
    );
    println!(
        "base planner, in distribution: answer and trace right {:.1}%\n",
        100.0 * overview.base_verified
    );
    Ok(overview)
}

fn train_rubric(
    stage: &Stage<'_>,
    plan: &mut Plan,
) -> Result<(RewardModel, tracelift_train::rubric::RubricAccuracy)> {
    let noise = Noise { spoiling: 0.1, benign: 0.15 };
    let config = WorldGroupConfig { noisy: Some(noise), ..WorldGroupConfig::default() };
    let first = PRETRAINING_PROBLEMS + (1 << 24);
    let seed = stage.seed.child("groups", 0);
    let groups =
        |range| world_groups(&stage.world, &config, seed, Split::Train, range).map(|groups| groups.collect());
    let train: Vec<Group> = groups(first..first + plan.groups)?;
    let dev: Vec<Group> = groups(first + plan.groups..first + plan.groups + plan.groups / 8)?;
    let rubric = RubricTraining { steps: plan.rubric_steps, ..plan.rubric_config() };
    let run = stage.out.join("reward-model");
    let seed = stage.seed.child("rubric", 0);
    let mut backbone = stage.planner.clone();
    // The planner's last block is where its prediction is ready; comparing the text with it takes depth beyond.
    backbone.model = backbone.model.deepened(RUBRIC_BLOCKS, seed.child("blocks", 0));
    let trained = rm::train_on(rm::Training {
        groups: &train,
        dev: &dev,
        model: rm::untrained(backbone, &train, seed)?,
        config: rubric,
        seed,
        run: &run,
        name: "reward model",
    })?;
    let model = trained.model;
    let accuracy = rm::measure(&model, &dev)?;
    model.save(&run.join("model"), Precision::F32)?;
    println!(
        "reward model: on {} held-out groups, right in {:.1}% of pairs and {:.1}% of whole groups\n",
        accuracy.groups,
        100.0 * accuracy.pairs,
        100.0 * accuracy.whole_groups
    );
    Ok((model, accuracy))
}

/// What is kept as a run's configuration: an interrupted one goes on only with the same.
#[derive(Serialize)]
struct Settled<'a> {
    reward: &'a RewardConfig,
    grpo: &'a GrpoConfig,
    planner: SettledPlanner<'a>,
}

#[derive(Serialize)]
struct SettledPlanner<'a> {
    prompt: serde_json::Value,
    sampling: &'a Sampling,
}

impl<'a> Settled<'a> {
    fn of(grpo: &'a Grpo<'_>) -> Settled<'a> {
        let Cast { reward, prompt, sampling, .. } = &grpo.cast;
        Settled { reward, grpo: &grpo.config, planner: SettledPlanner { prompt: prompt.settled(), sampling } }
    }
}

fn grpo_config(steps: u64) -> GrpoConfig {
    GrpoConfig {
        steps,
        problems: 16,
        group: 8,
        learning_rate: 2e-4,
        // Of the shortest one less, so that there is a step at the peak.
        warmup: 5.min(steps.saturating_sub(1)),
        checkpoint_every: 20,
        ..GrpoConfig::default()
    }
}

fn grpo<'s>(stage: &'s Stage<'_>, rule: Rule, steps: u64, rubric: Option<&'s dyn TraceScorer>) -> Grpo<'s> {
    // Both runs see the same problems in the same order.
    let first = PRETRAINING_PROBLEMS + (1 << 28);
    let source = Source::world(stage.world.clone(), first, 1 << 24, stage.seed.child("problems", 0));
    let cast = Cast {
        prompt: stage.prompt.clone(),
        sampling: stage.sampling.clone(),
        numbers: Numbers::F32,
        source,
        executor: &stage.executor,
        verifier: &stage.verifier,
        reward: RewardConfig { rule, ..RewardConfig::default() },
        rubric,
        seed: stage.seed.child("grpo", 0),
    };
    Grpo::new(grpo_config(steps), stage.planner.clone(), cast)
}

/// How long a step of each rule takes on this machine.
fn time_steps(stage: &Stage<'_>, rubric: &dyn TraceScorer) -> Result<Timings> {
    let time = |rule, rubric: Option<&dyn TraceScorer>| -> Result<f64> {
        let mut grpo = grpo(stage, rule, 100, rubric);
        grpo.step()?;
        let start = Instant::now();
        grpo.step()?;
        Ok(start.elapsed().as_secs_f64())
    };
    Ok(Timings { exec_only: time(Rule::ExecOnly, None)?, tracelift: time(Rule::Tracelift, Some(rubric))? })
}

fn train_planner(
    stage: &Stage<'_>,
    plan: &Plan,
    rule: Rule,
    rubric: Option<&dyn TraceScorer>,
) -> Result<Checkpoint> {
    let steps = plan.steps.context("the plan has no number of steps yet")?;
    let grpo = grpo(stage, rule, steps, rubric);
    let config = toml::to_string(&Settled::of(&grpo))?;
    // The base is in bf16; written in it, the smallest steps of so short a training would be lost.
    let form = Form { base: "base/planner", precision: Some(Precision::F32) };
    let course = Course {
        out: &stage.out.join(rule.name()),
        config: &config,
        presence: Presence::Either,
        name: rule.title(),
        form,
        dev: None,
    };
    train_in(grpo, course)
}
