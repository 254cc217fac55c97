//! A run: what it is, how far it has come, its metrics as they grow and its rollouts.

use crate::{
    ArchiveError, Rollout, RolloutIndex,
    process::{self, Process},
    rollouts,
};
use serde_json::Value as Json;
use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use toml::{Table, Value};
use tracelift_domain::Seed;
use tracelift_reward::RewardConfig;
use tracelift_train::{
    metrics::{MetricsFollower, StepMetrics, last_step},
    run::{RunDescription, RunEnd, RunLayout},
};

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A process writes it.
    Running,
    /// All is done.
    Finished,
    /// It ended with an error, by its own word.
    Failed {
        /// What the error said.
        cause: String,
    },
    /// No process writes it, and none said why: it was killed, or its machine was.
    Stopped,
}

impl RunState {
    /// In a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Finished => "finished",
            RunState::Failed { .. } => "failed",
            RunState::Stopped => "stopped",
        }
    }

    fn of(layout: &RunLayout) -> Result<RunState, ArchiveError> {
        if layout.is_written()? {
            return Ok(RunState::Running);
        }
        Ok(match layout.read_end()? {
            Some(RunEnd::Finished) => RunState::Finished,
            Some(RunEnd::Failed { cause }) => RunState::Failed { cause },
            // Older runs do not say how they ended; what they were made for is there in the end.
            None if ["planner", "model"].iter().any(|made| layout.root().join(made).is_dir()) => {
                RunState::Finished
            }
            None => RunState::Stopped,
        })
    }
}

/// The best that a run had in between.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Of which step.
    pub step: u64,
    /// By what, as files call it.
    pub metric: String,
    /// How good.
    pub value: f64,
}

/// A run at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOverview {
    /// Where it lies.
    pub place: String,
    /// `grpo`, `sft`, `reward-model`, …
    pub kind: String,
    /// How it stands.
    pub state: RunState,
    /// Its seed, as its configuration has it.
    pub seed: u64,
    /// The title of its reward rule, where it has one.
    pub rule: Option<String>,
    /// The weight of the reason, where its rule has one.
    pub lambda: Option<f64>,
    /// What it trains, as it was named.
    pub model: Option<String>,
    /// What it has in common with runs of other seeds, where an experiment says so.
    pub arm: Option<String>,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// How many steps it is to have, where that is known.
    pub steps: Option<u64>,
    /// The last step.
    pub last: Option<StepMetrics>,
    /// The best look at development problems.
    pub best: Option<Best>,
}

impl RunOverview {
    pub(crate) fn of(place: &str, path: &Path) -> Result<RunOverview, ArchiveError> {
        let layout = RunLayout::of(path);
        let description = layout.read_description()?;
        let settings = Settings::read(&layout, &description);
        Ok(RunOverview {
            place: place.to_owned(),
            kind: description.kind.clone(),
            state: RunState::of(&layout)?,
            seed: settings.seed,
            rule: settings.reward.as_ref().map(|reward| reward.rule.title().to_owned()),
            lambda: settings.reward.as_ref().map(|reward| reward.lambda.get()),
            model: settings.model,
            arm: None,
            started: description.started,
            steps: settings.steps,
            last: last_step(&layout.metrics())?,
            best: best(&layout),
        })
    }

    /// How many steps are done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.last.as_ref().map_or(0, |step| step.step)
    }

    /// From its beginning to its last step, in hours; breaks count, where it was gone on with.
    #[must_use]
    pub fn hours(&self) -> Option<f64> {
        let end = self.last.as_ref()?.wall_time;
        Some((end - self.started as f64).max(0.0) / 3600.0)
    }

    /// Its name: that of its folder, or the folder's that holds it where it is itself the one that is looked at.
    #[must_use]
    pub fn name(&self) -> &str {
        self.place.rsplit('/').next().unwrap_or(&self.place)
    }
}

/// What its configuration says that is shown.
struct Settings {
    seed: u64,
    reward: Option<RewardConfig>,
    model: Option<String>,
    steps: Option<u64>,
}

impl Settings {
    /// What cannot be read is unknown: a configuration of another version is no reason to show nothing of a run.
    fn read(layout: &RunLayout, description: &RunDescription) -> Settings {
        let config: Option<Table> =
            fs::read_to_string(layout.config()).ok().and_then(|text| text.parse().ok());
        let config = config.unwrap_or_default();
        let at = |path: &[&str]| {
            let (first, rest) = path.split_first()?;
            rest.iter().try_fold(config.get(*first)?, |value, key| value.get(key))
        };
        let whole = |path: &[&str]| {
            at(path).and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok())
        };
        let text = |path: &[&str]| at(path).and_then(Value::as_str).map(str::to_owned);
        let reward = match (at(&["reward"]), description.kind.as_str()) {
            (Some(reward), _) => reward.clone().try_into().ok(),
            (None, "grpo") => Some(RewardConfig::default()),
            (None, _) => None,
        };
        let bounded = at(&["grpo", "budget"]).is_some();
        let steps = whole(&["grpo", "steps"]).filter(|_| !bounded);
        Settings {
            // A quickstart's runs have seeds of their own; people know the one that it was begun with.
            seed: whole(&["seed"]).or_else(|| planned(layout)).unwrap_or(description.seed.0),
            reward,
            model: text(&["planner", "model"]).or_else(|| text(&["model"])).or_else(|| text(&["backbone"])),
            steps: steps.or_else(|| whole(&["sft", "steps"])).or_else(|| whole(&["steps"])),
        }
    }
}

/// The seed in the plan of a quickstart, of which the run is a part.
fn planned(layout: &RunLayout) -> Option<u64> {
    let plan = fs::read(layout.root().parent()?.join("plan.json")).ok()?;
    serde_json::from_slice::<Json>(&plan).ok()?.get("seed")?.as_u64()
}

/// Files in which different trainings note their best.
const BEST: [&str; 2] = ["dev.json", "best.json"];

fn best(layout: &RunLayout) -> Option<Best> {
    let text = BEST.iter().find_map(|name| fs::read(layout.best().join(name)).ok())?;
    let found: Json = serde_json::from_slice(&text).ok()?;
    let step = found.get("step")?.as_u64()?;
    if let (Some(metric), Some(value)) = (found.get("metric"), found.get("value")) {
        return Some(Best { step, metric: metric.as_str()?.to_owned(), value: value.as_f64()? });
    }
    let (metric, value) = found.as_object()?.iter().find(|(key, _)| *key != "step")?;
    Some(Best { step, metric: metric.clone(), value: value.as_f64()? })
}

/// A run that is looked at.
pub struct Run {
    place: String,
    layout: RunLayout,
    description: RunDescription,
    config: String,
    reward: Option<RewardConfig>,
    /// From which its problems may have been drawn.
    seeds: Vec<Seed>,
    metrics: Mutex<MetricsFollower>,
    rollouts: Mutex<RolloutIndex>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A reader that panicked leaves what it had read.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run {
    pub(crate) fn open(place: &str, path: &Path) -> Result<Run, ArchiveError> {
        let layout = RunLayout::of(path);
        if !layout.description().exists() {
            return Err(ArchiveError::Other { place: place.to_owned(), what: "run" });
        }
        let description = layout.read_description()?;
        let settings = Settings::read(&layout, &description);
        Ok(Run {
            place: place.to_owned(),
            config: fs::read_to_string(layout.config()).unwrap_or_default(),
            reward: settings.reward,
            seeds: process::seeds(path),
            metrics: Mutex::new(MetricsFollower::of(layout.metrics())),
            rollouts: Mutex::new(RolloutIndex::default()),
            layout,
            description,
        })
    }

    /// Where it lies.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What `run.json` says.
    #[must_use]
    pub fn description(&self) -> &RunDescription {
        &self.description
    }

    /// Its configuration as a file.
    #[must_use]
    pub fn config(&self) -> &str {
        &self.config
    }

    /// How its rewards are made, where it has any.
    #[must_use]
    pub fn reward(&self) -> Option<&RewardConfig> {
        self.reward.as_ref()
    }

    /// The run at a glance, now.
    ///
    /// # Errors
    /// When a file of it is damaged.
    pub fn overview(&self) -> Result<RunOverview, ArchiveError> {
        RunOverview::of(&self.place, self.layout.root())
    }

    /// Looks at its metrics, as they are now.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn metrics<T>(&self, look: impl FnOnce(&[StepMetrics]) -> T) -> Result<T, ArchiveError> {
        let mut follower = locked(&self.metrics);
        follower.refresh()?;
        Ok(look(follower.steps()))
    }

    /// Looks at its rollouts in numbers, as they are now.
    ///
    /// # Errors
    /// When a file is damaged.
    pub fn rollouts<T>(&self, look: impl FnOnce(&RolloutIndex) -> T) -> Result<T, ArchiveError> {
        let mut index = locked(&self.rollouts);
        index.refresh(&self.layout)?;
        Ok(look(&index))
    }

    /// Reads some rollouts of a step with their texts, by their rows in its file.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub fn texts(&self, step: u64, rows: &Range<usize>) -> Result<Vec<Rollout>, ArchiveError> {
        rollouts::read(&self.layout.rollouts(step), step, rows)
    }

    /// What an exact checker says of a trace, line by line, where the problem is a world's.
    #[must_use]
    pub fn process(&self, problem_id: &str, question: &str, trace: &str) -> Option<Process> {
        process::marks(&self.seeds, problem_id, question, trace)
    }

    /// The files that change as it goes on.
    #[must_use]
    pub fn moving(&self) -> Vec<PathBuf> {
        vec![
            self.layout.metrics(),
            self.layout.end(),
            self.layout.root().join("rollouts"),
            self.layout.best(),
        ]
    }
}
