//! Everything that takes part in a training beside its algorithm, opened, and looked at before anything is asked.

use crate::config::{Origin, RunConfig};
use crate::preflight;
use crate::{room, setup, train};
use anyhow::Result;
use tracelift_domain::{Problem, Seed, SettingError};
use tracelift_engine::{Checkpoint, Numbers};
use tracelift_executor::Executor;
use tracelift_prompt::PlannerPrompt;
use tracelift_reward::TraceScorer;
use tracelift_train::grpo::Cast;
use tracelift_train::source::{Exercise, Source, Stock};
use tracelift_verify::Verifier;

/// What takes part.
pub struct Parts {
    /// How questions are put to the planner.
    pub prompt: PlannerPrompt,
    /// Where problems come from: those that contexts have room for.
    pub source: Source,
    /// How many steps the training has: as many as are said, or as its epochs take.
    pub steps: u64,
    /// Problems to look at the training by.
    pub dev_items: Vec<Exercise>,
    /// The frozen executor.
    pub executor: Box<dyn Executor>,
    /// The verifier, tried out.
    pub verifier: Verifier,
    /// Who reads traces against the rubric, where the rule needs it.
    pub rubric: Option<Box<dyn TraceScorer>>,
}

/// How many problems of a world stand for all of them.
const WORLD_LOOK: usize = 100;

/// Of what development problems draw.
#[must_use]
pub fn dev_seed(config: &RunConfig) -> Seed {
    config.seed.child("dev", 0)
}

/// How many steps a training on so many problems has: `grpo.steps`, or as many as `data.epochs` take.
///
/// # Errors
/// When both are said and do not agree.
pub fn steps(config: &RunConfig, origin: &Origin, problems: u64) -> Result<u64> {
    let Some((epochs, steps)) = of_epochs(config, problems) else { return Ok(config.grpo.steps) };
    let each = config.grpo.problems as u64;
    if origin.says("grpo.steps") && config.grpo.steps != steps {
        let fault = format!(
            "is {}, and `data.epochs` asks for {epochs}, which are {steps} steps: an epoch of these {problems} problems has {} of \
             {each}. Leave one of the two out",
            config.grpo.steps,
            whole_and_part(problems, each)
        );
        return Err(origin.refuse(&SettingError::new("grpo.steps", fault)));
    }
    Ok(steps)
}

/// The epochs that are asked for, and how many steps they take.
fn of_epochs(config: &RunConfig, problems: u64) -> Option<(u64, u64)> {
    let epochs = config.data.as_ref()?.epochs?;
    Some((epochs, epochs.saturating_mul(problems).div_ceil(config.grpo.problems as u64)))
}

/// A quotient for people.
fn whole_and_part(problems: u64, each: u64) -> String {
    match problems % each {
        0 => (problems / each).to_string(),
        _ => format!("{:.2}", problems as f64 / each as f64),
    }
}

impl Parts {
    /// Opens them, and the planner, as a configuration names them. Warnings go to standard error.
    ///
    /// # Errors
    /// What keeps the training from being begun: what is missing, what does not fit into memory or contexts.
    pub fn open(config: &RunConfig, origin: &Origin) -> Result<(Parts, Checkpoint)> {
        config.planner.validate_for_training().map_err(|error| origin.refuse(&error))?;
        if config.planner.numbers != Numbers::F32 && config.grpo.importance_cap.is_none() {
            let fault = "is not set, and `planner.numbers` samples in other numbers than the planner learns with; set it (2.0 is usual): \
                         what each token weighs is corrected by it";
            return Err(origin.refuse(&SettingError::new("grpo.importance_cap", fault)));
        }
        let Some(data) = &config.data else {
            let fault = "is missing; it says which problems to train on";
            return Err(origin.refuse(&SettingError::new("data", fault)));
        };
        let mut source = setup::source(data, config.seed.child("problems", 0))?;
        let dev = config.dev.as_ref().map(|dev| setup::dev_items(&dev.data, dev_seed(config))).transpose()?;
        let dev_items = dev.unwrap_or_default();
        let known = train::trained_on(&dev_items, &source);
        if known > 0 {
            eprintln!(
                "warning: {known} of {} problems of `[dev.data]` are trained on, too; what is best by them need not be good elsewhere",
                dev_items.len()
            );
        }
        preflight::require_memory(config)?;
        let planner = setup::planner(config, origin)?;
        let executor = setup::executor(config, origin, Some(&planner))?;
        let dev_problems: Vec<&Problem> = dev_items.iter().map(|item| &item.problem).collect();
        let prompt = config.planner.prompt(&planner.tokenizer)?;
        let (trace_tokens, asked) =
            (config.planner.sampling.max_tokens, config.planner.planner(&planner, &prompt));
        room::require_planner(asked, &dev_problems, "dev.data")?;
        room::require_executor(executor.as_ref(), &dev_problems, trace_tokens, "dev.data")?;
        // A world has no end, and its problems are all of one kind.
        let first = match &source.stock {
            Stock::World { .. } => source.items(0, WORLD_LOOK),
            Stock::List(_) => Vec::new(),
        };
        let first: Vec<&Problem> = first.iter().map(|item| &item.problem).collect();
        let trained_on: Vec<&Problem> = match &mut source.stock {
            Stock::List(problems) => {
                room::keep_fitting(asked, executor.as_ref(), problems)?;
                problems.iter().collect()
            }
            Stock::World { .. } => {
                room::require_planner(asked, &first, "data")?;
                room::require_executor(executor.as_ref(), &first, trace_tokens, "data")?;
                vec![first[0]]
            }
        };
        let verifier = setup::verifier(&config.verifier, trained_on.into_iter().chain(dev_problems))?;
        let steps = match &config.grpo.filter {
            None => steps(config, origin, source.len())?,
            // How many problems are left is known when they are measured; there are at most as many as that.
            Some(filter) => of_epochs(config, source.len().min(filter.problems as u64))
                .map_or(config.grpo.steps, |(_, steps)| steps),
        };
        let rubric = setup::rubric(config, origin)?;
        Ok((Parts { prompt, source, steps, dev_items, executor, verifier, rubric }, planner))
    }

    /// Those that take part in every step.
    #[must_use]
    pub fn cast<'a>(&'a self, config: &RunConfig) -> Cast<'a> {
        Cast {
            prompt: self.prompt.clone(),
            sampling: config.planner.sampling.clone(),
            numbers: config.planner.numbers,
            source: self.source.clone(),
            executor: self.executor.as_ref(),
            verifier: &self.verifier,
            reward: config.reward.clone(),
            rubric: self.rubric.as_deref(),
            seed: config.seed,
        }
    }
}
