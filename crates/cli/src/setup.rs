//! From a configuration to the parts that it names.

use crate::config::{DataConfig, RunConfig};
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use tracelift_datasets::{DataSet, TestSets};
use tracelift_domain::{Problem, Seed};
use tracelift_reward::TraceScorer;
use tracelift_train::pretrain::PRETRAINING_PROBLEMS;
use tracelift_train::run::RunLayout;
use tracelift_train::source::{Exercise, Source};
use tracelift_verify::Verifier;
use tracelift_worlds::{Split, World};

/// Problems of a world, where the configuration does not say how many.
const WORLD_PROBLEMS: usize = 2000;
/// The same for those that a training is looked at by, again and again.
const WORLD_DEV_PROBLEMS: usize = 200;

/// Who reads traces against the rubric, if the rule needs that.
pub fn rubric(config: &RunConfig) -> Result<Option<Box<dyn TraceScorer>>> {
    if !config.reward.needs().rubric {
        return Ok(None);
    }
    if config.rubric.is_none() {
        let rule = config.reward.rule.name();
        bail!(
            "the rule `{rule}` needs a reward model; name its directory in `rubric.model`, a server that has one in \
             `rubric.url`, or a prompted model in `rubric.judge`"
        );
    }
    reader(config).map(Some)
}

/// Whom `[rubric]` names, made ready. A judge's replies are kept in the run's folder.
pub fn reader(config: &RunConfig) -> Result<Box<dyn TraceScorer>> {
    let rubric = config.rubric.as_ref().context(
        "`rubric` is missing; it says who reads traces against the rubric: `model`, `url` or `judge`",
    )?;
    if rubric.judge.is_some() {
        tracelift_files::make_folder(&config.out)?;
    }
    let scorer = rubric.open(&RunLayout::of(&config.out).rubric_ledger())?;
    println!("rubric: {}", scorer.describe());
    Ok(scorer)
}

/// The verifier; what it needs for these problems is tried out first. Says on standard error what programs are kept in, and
/// which gold answers nothing can be equal to.
pub fn verifier<'p>(
    config: &RunConfig,
    problems: impl IntoIterator<Item = &'p Problem> + Clone,
) -> Result<Verifier> {
    const NAMED: usize = 5;
    let verifier = Verifier::new(config.verifier.clone())?;
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
            one_of(config)?;
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
    match config.world {
        Some(name) => {
            one_of(config)?;
            Ok(Source::World {
                world: World::new(name),
                seed,
                first: PRETRAINING_PROBLEMS,
                problems: config.limit.unwrap_or(WORLD_PROBLEMS) as u64,
            })
        }
        None => Ok(Source::List { problems: training_file(config)?, seed }),
    }
}

/// Problems to evaluate on.
pub fn items(config: &DataConfig, seed: Seed) -> Result<Vec<Exercise>> {
    match config.world {
        Some(name) => {
            one_of(config)?;
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

fn one_of(config: &DataConfig) -> Result<()> {
    ensure!(
        config.path.is_some() != config.world.is_some(),
        "`data` needs exactly one of `path` and `world`"
    );
    ensure!(
        config.path.is_some() || (config.format.is_none() && config.columns.is_none()),
        "`data.format` and `data.columns` say how the file of `data.path` is laid out; a world has none"
    );
    ensure!(config.limit != Some(0), "`data.limit` is 0, expected at least 1, or nothing to take all");
    Ok(())
}

/// The file that a configuration names.
fn file(config: &DataConfig) -> Result<DataSet> {
    one_of(config)?;
    let path = config.path.as_ref().context("`data` names no file")?;
    Ok(DataSet::open(path, config.format, config.columns.as_ref())?)
}
