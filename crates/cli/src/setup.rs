//! From a configuration to the parts that it names.

use crate::config::{DataConfig, Origin, RunConfig};
use anyhow::{Context, Error, Result};
use std::path::Path;
use tracelift_datasets::{DataSet, TestSets};
use tracelift_domain::{Problem, Seed, SettingError};
use tracelift_engine::Checkpoint;
use tracelift_executor::{Executor, InProcessError, OpenError};
use tracelift_planner as planner;
use tracelift_reward::{RubricError, TraceScorer};
use tracelift_train::pretrain::PRETRAINING_PROBLEMS;
use tracelift_train::run::RunLayout;
use tracelift_train::source::{Exercise, Order, Source};
use tracelift_verify::{Verifier, VerifierConfig};
use tracelift_worlds::{Split, World};

/// Problems of a world, where the configuration does not say how many.
const WORLD_PROBLEMS: usize = 2000;
/// The same for those that a training is looked at by, again and again.
const WORLD_DEV_PROBLEMS: usize = 200;

/// The planner's checkpoint, ready to learn.
pub fn planner(config: &RunConfig, origin: &Origin) -> Result<Checkpoint> {
    config.planner.open(config.seed).map_err(|error| of_planner(origin, "planner.model", error))
}

/// Why a planner cannot be had, and the setting that led there: the one that names it, unless the error is about another.
pub fn of_planner(origin: &Origin, key: &str, error: planner::OpenError) -> Error {
    match error {
        planner::OpenError::Setting(error) => origin.refuse(&error),
        error => Error::new(error).context(origin.blame(key)),
    }
}

/// The executor, beside the planner that `planner.model` names where that is loaded: it shares its weights if they are of one model.
pub fn executor(
    config: &RunConfig,
    origin: &Origin,
    planner: Option<&Checkpoint>,
) -> Result<Box<dyn Executor>> {
    let loaded = planner.map(|planner| (config.planner.model.as_path(), planner));
    config.executor.open_beside(loaded).map_err(|error| of_executor(origin, error))
}

/// Why an executor cannot be had, and the setting that led there.
pub fn of_executor(origin: &Origin, error: OpenError) -> Error {
    match error {
        OpenError::Setting(error) | OpenError::InProcess(InProcessError::Setting(error)) => {
            origin.refuse(&error)
        }
        error => Error::new(error).context(origin.blame("executor.in_process.model")),
    }
}

/// Who reads traces against the rubric, if the rule needs that.
pub fn rubric(config: &RunConfig, origin: &Origin) -> Result<Option<Box<dyn TraceScorer>>> {
    if !config.reward.needs().rubric {
        return Ok(None);
    }
    if config.rubric.is_none() {
        let rule = config.reward.rule.name();
        let fault = format!(
            "is `{rule}`, which needs a reward model; name its directory in `rubric.model`, a server that has one in \
             `rubric.url`, or a prompted model in `rubric.judge`"
        );
        return Err(origin.refuse(&SettingError::new("reward.rule", fault)));
    }
    reader(config, origin).map(Some)
}

/// Whom `[rubric]` names, made ready. A judge's replies are kept in the run's folder.
pub fn reader(config: &RunConfig, origin: &Origin) -> Result<Box<dyn TraceScorer>> {
    let Some(rubric) = &config.rubric else {
        let fault = "is missing; it says who reads traces against the rubric: `model`, `url` or `judge`";
        return Err(origin.refuse(&SettingError::new("rubric", fault)));
    };
    if rubric.judge.is_some() {
        tracelift_files::make_folder(&config.out)?;
    }
    let ledger = RunLayout::of(&config.out).rubric_ledger();
    let scorer = rubric.open(&ledger).map_err(|error| match error {
        RubricError::Setting(error) => origin.refuse(&error),
        RubricError::Model { .. } => Error::new(error).context(origin.blame("rubric.model")),
        RubricError::Server(_) => Error::new(error).context(origin.of("rubric.url")),
        RubricError::Judge(_) => Error::new(error).context(origin.of("rubric.judge")),
    })?;
    println!("rubric: {}", scorer.describe());
    Ok(scorer)
}

/// The verifier; what it needs for these problems is tried out first. Says on standard error what programs are kept in, and
/// which gold answers nothing can be equal to.
pub fn verifier<'p>(
    config: &VerifierConfig,
    problems: impl IntoIterator<Item = &'p Problem> + Clone,
) -> Result<Verifier> {
    const NAMED: usize = 5;
    let verifier = Verifier::new(config.clone())?;
    if let Some(observed) = verifier.probe(problems.clone())? {
        eprintln!("{observed}");
    }
    let faults = verifier.gold_faults(problems);
    for fault in faults.iter().take(NAMED) {
        eprintln!(
            "warning: problem {} has the gold answer {:?}, which is not equal to itself: whatever is answered is unknown",
            fault.problem, fault.gold
        );
    }
    if faults.len() > NAMED {
        eprintln!("warning: the same goes for {} more problems", faults.len() - NAMED);
    }
    Ok(verifier)
}

/// Writes what was observed of the sandbox beside what came out of it, as `sandbox.json`; nothing where no program ran.
pub fn record_sandbox(verifier: &Verifier, out: &Path) -> Result<()> {
    let Some(observed) = verifier.sandbox() else { return Ok(()) };
    let path = out.join("sandbox.json");
    let text = serde_json::to_vec_pretty(observed)?;
    Ok(tracelift_files::write(path, text)?)
}

/// Problems to look at a training by, of which the best planner is told: test sets are left out as of training. Of a world
/// they are like those of training and nobody's.
pub fn dev_items(config: &DataConfig, seed: Seed) -> Result<Vec<Exercise>> {
    match config.world {
        Some(name) => {
            let first = PRETRAINING_PROBLEMS;
            let count = config.limit.unwrap_or(WORLD_DEV_PROBLEMS) as u64;
            Ok(world_items(&World::new(name), seed, Split::Train, first..first + count))
        }
        None => Ok(training_file(config)?.into_iter().map(unchecked).collect()),
    }
}

/// A problem of a file: there is no exact checker of it.
fn unchecked(problem: Problem) -> Exercise {
    Exercise { problem, instance: None }
}

/// The problems of a file, without those of test sets.
fn training_file(config: &DataConfig) -> Result<Vec<Problem>> {
    let test_sets = if config.force_test_sets { TestSets::Forced } else { TestSets::LeftOut };
    let training = file(config)?.training(config.limit, test_sets)?;
    if let Some(warning) = training.warning() {
        eprintln!("warning: {warning}");
    }
    Ok(training.problems)
}

/// Problems to train on.
pub fn source(config: &DataConfig, seed: Seed) -> Result<Source> {
    let source = match config.world {
        Some(name) => {
            let problems = config.limit.unwrap_or(WORLD_PROBLEMS) as u64;
            Source::world(World::new(name), PRETRAINING_PROBLEMS, problems, seed)
        }
        None => Source::list(training_file(config)?, seed),
    };
    Ok(match config.shuffle {
        None => source,
        Some(true) => source.in_order(Order::Shuffled),
        Some(false) => source.in_order(Order::AsTheyStand),
    })
}

/// Problems to evaluate on.
pub fn items(config: &DataConfig, seed: Seed) -> Result<Vec<Exercise>> {
    match config.world {
        Some(name) => {
            let world = World::new(name);
            let count = config.limit.unwrap_or(WORLD_PROBLEMS) as u64;
            Ok(world_items(&world, seed, Split::Test, 0..count))
        }
        None => {
            let problems = file(config)?.problems(config.limit)?;
            Ok(problems.into_iter().map(unchecked).collect())
        }
    }
}

/// Problems of a world by index.
pub fn world_items(world: &World, seed: Seed, split: Split, indices: std::ops::Range<u64>) -> Vec<Exercise> {
    indices
        .map(|index| {
            let instance = world.instance(seed, split, index);
            Exercise { problem: instance.problem().clone(), instance: Some(instance) }
        })
        .collect()
}

/// The file that a configuration names.
fn file(config: &DataConfig) -> Result<DataSet> {
    let path = config.path.as_ref().context("`data` names no file")?;
    Ok(DataSet::open(path, config.format, config.columns.as_ref())?)
}
