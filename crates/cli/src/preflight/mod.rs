//! A look at a training before it begins: a few problems go through everything that a step does, and what was seen says
//! whether the run can teach anything, and how long it takes.

mod memory;
mod seen;
mod signs;

pub use memory::{Machine, gibibytes, require as require_memory, weights_of};
pub use seen::Seen;
pub use signs::{Sign, Weight, signs};

use crate::config::RunConfig;
use crate::parts::Parts;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tracelift_domain::{Problem, SettingError};
use tracelift_engine::Checkpoint;
use tracelift_reward::measure;
use tracelift_train::grpo::{Cast, Grpo, GrpoConfig};
use tracelift_train::source::Exercise;

/// The look that `train` takes before its first step: the section `[preflight]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PreflightConfig {
    /// Problems that it takes; 0 for no look.
    pub problems: usize,
    /// What becomes of a run that cannot teach anything.
    pub hopeless: Hopeless,
}

/// What becomes of a run that cannot teach anything, as far as one could see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hopeless {
    /// It does not begin.
    #[default]
    Refuse,
    /// It is warned of.
    Warn,
}

/// A look at more is a run.
const MOST: usize = 10_000;

impl PreflightConfig {
    /// # Errors
    /// A setting that makes no sense, by key.
    pub fn validate(&self) -> Result<(), SettingError> {
        if self.problems > MOST {
            return Err(SettingError::value(
                "preflight.problems",
                self.problems,
                "at most 10000; 0 for no look",
            ));
        }
        Ok(())
    }
}

impl Default for PreflightConfig {
    fn default() -> PreflightConfig {
        PreflightConfig { problems: 8, hopeless: Hopeless::Refuse }
    }
}

/// A line of what is printed for people: what it is of, and what is said of it.
#[must_use]
pub fn row(name: &str, text: &str) -> String {
    format!("  {name:<18}{text}")
}

/// Puts the first so many problems of a training through all that a step does. The planner is used up: it has learned.
///
/// # Errors
/// Where a step fails, or the executor may spend no more.
pub fn rehearse(config: &RunConfig, parts: &Parts, planner: Checkpoint, problems: usize) -> Result<Seen> {
    let problems = problems.min(usize::try_from(parts.source.len()).unwrap_or(usize::MAX));
    let seed = config.seed.child("preflight", 0);
    // Draws of its own: what is seen says something beside the run's first step.
    let cast = Cast { seed, ..parts.cast(config) };
    let context = planner.model.config.max_positions;
    // These problems and no others: what is seen of them is not to be chosen.
    let mut grpo = Grpo::new(GrpoConfig { problems, resample: 0, ..config.grpo.clone() }, planner, cast);
    let items: Vec<Exercise> = parts.source.items(0, problems);
    let prompts = items
        .iter()
        .map(|item| Ok(grpo.planner().prompt(&item.problem.question)?.len()))
        .collect::<Result<Vec<usize>>>()?;

    // A rule that needs `b` measures it in the step; of what stands behind it, one run tells enough.
    let needs = config.reward.needs();
    let runs = if needs.baseline { 1 } else { config.reward.runs };
    let asked: Vec<(&Problem, _, _)> = items
        .iter()
        .enumerate()
        .map(|(at, item)| (&item.problem, None, seed.child("baseline", at as u64)))
        .collect();
    let executor = parts.executor.as_ref();
    let before = executor.usage();
    let without = measure(executor, &parts.verifier, &asked, runs);
    let between = executor.usage();
    if let Some(stopped) = executor.bill().and_then(|bill| bill.stopped) {
        bail!("stopped while a few problems were looked at: {stopped}; raise `executor.openai.budget`");
    }
    let outcome = grpo.step().context("a step on a few problems failed")?;
    Ok(Seen::of(seen::Material {
        prompts,
        context,
        without: &without,
        without_usage: between.since(&before),
        outcome: &outcome,
        usage: executor.usage().since(&between),
        steps: parts.steps,
        config,
    }))
}

/// Looks at a training before its first step, and says on standard error what was seen.
///
/// # Errors
/// Where the run cannot teach anything, and is not to be begun then.
pub fn check(config: &RunConfig, parts: &Parts, planner: Checkpoint) -> Result<()> {
    let PreflightConfig { problems, hopeless } = config.preflight;
    let seen = rehearse(config, parts, planner, problems)?;
    eprintln!("{}", seen.short());
    let signs = signs(&seen, config);
    refuse(&signs, hopeless)
}

/// Prints signs, of which the worst comes first, as warnings, and fails by one that dooms a run.
///
/// # Errors
/// That one.
fn refuse(signs: &[Sign], hopeless: Hopeless) -> Result<()> {
    let (fatal, warnings) = match signs.split_first() {
        Some((worst, others)) if worst.weight == Weight::Hopeless && hopeless == Hopeless::Refuse => {
            (Some(worst), others)
        }
        _ => (None, signs),
    };
    for sign in warnings {
        eprintln!("warning: {sign}");
    }
    match fatal {
        Some(sign) => bail!(
            "{sign}. Nothing was trained; to train all the same, set `preflight.hopeless = \"warn\"`, or \
             `preflight.problems = 0` for no look at all"
        ),
        None => Ok(()),
    }
}
