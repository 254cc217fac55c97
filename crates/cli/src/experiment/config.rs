//! The file of an experiment: a base configuration, what is varied of it, and by what its cells are equal.

use crate::config::{Assignment, DataConfig, out_folder, place, read_as};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use tracelift_domain::{Seed, SettingError};
use tracelift_eval::settings as flat;
use tracelift_train::grpo;

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// The experiment's folder.
    pub out: PathBuf,
    /// The configuration of a run that all cells begin with; or `run`.
    pub base: Option<PathBuf>,
    /// The same in place of a file.
    pub run: Option<Table>,
    /// A cell for each; default 18 alone.
    #[serde(default = "one_seed")]
    pub seeds: Vec<Seed>,
    /// Keys with the values that each takes: every combination is an arm.
    #[serde(default)]
    pub grid: Table,
    /// Further arms.
    #[serde(default)]
    pub arms: Vec<ArmConfig>,
    /// By what cells are equal.
    pub budget: Option<EqualBy>,
    /// What planners are evaluated on in the end, by name. Without any, on `[eval.data]` of the base, where that is said.
    #[serde(default)]
    pub tests: BTreeMap<String, DataConfig>,
    /// Cells at a time; default: as many as cores and memory allow.
    pub jobs: Option<usize>,
}

/// An arm beside those of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmConfig {
    /// What it is called; default: what it sets.
    pub name: Option<String>,
    /// Keys and their values.
    pub set: Table,
}

/// What every cell has as much of as the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EqualBy {
    /// Training steps.
    Steps(u64),
    /// Executor calls, those of baselines among them.
    ExecutorCalls(u64),
    /// Tokens that the planner writes, and that the executor reads and writes.
    Tokens(u64),
    /// Seconds.
    Seconds(f64),
}

/// The value that leaves a key out.
const UNSET: &str = "unset";

/// As many steps as a budget pays for are done, which are fewer than these.
const MOST_STEPS: i64 = 1_000_000;

fn one_seed() -> Vec<Seed> {
    vec![Seed(18)]
}

/// The name of an arm, where it has one, and what it sets.
type Arm = (Option<String>, Vec<(String, Value)>);

/// What a cell is to be: the values of keys that are varied, in the order in which they are named.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The arm's own name, where it has one.
    pub name: Option<String>,
    /// What the arm sets, in the order of the keys.
    pub settings: Vec<(String, Value)>,
    /// The seed.
    pub seed: Seed,
}

impl ExperimentConfig {
    /// Reads a file, with keys set by the command line.
    ///
    /// # Errors
    /// Names the file and the line, or the argument, and the key.
    pub fn read(path: &Path, set: &[Assignment]) -> Result<ExperimentConfig> {
        let (config, origin): (ExperimentConfig, _) = read_as(Some(path), set, &[])?;
        config.validate().map_err(|error| origin.refuse(&error))?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), SettingError> {
        out_folder("out", &self.out)?;
        if self.base.is_some() == self.run.is_some() {
            let fault = match self.base {
                Some(_) => "stands beside `[run]`; give exactly one of the two",
                None => {
                    "is missing, as is `[run]`; name the configuration of a run that all cells begin with, or \
                     write it there"
                }
            };
            return Err(SettingError::new("base", fault));
        }
        let mut seeds = self.seeds.clone();
        seeds.sort_unstable_by_key(|seed| seed.0);
        seeds.dedup();
        if seeds.is_empty() || seeds.len() != self.seeds.len() {
            return Err(SettingError::new("seeds", "must be at least one, and each once"));
        }
        for (key, values) in flat(&self.grid) {
            let held = values.as_array().filter(|values| !values.is_empty());
            if held.is_none() {
                let fault = "is no list of values; give those that it takes, one for each arm";
                return Err(SettingError::new(format!("grid.{key}"), fault));
            }
            refuse_own(&format!("grid.{key}"), &key)?;
        }
        for (at, arm) in self.arms.iter().enumerate() {
            for (key, _) in flat(&arm.set) {
                refuse_own(&format!("arms[{at}].set"), &key)?;
            }
        }
        for (name, data) in &self.tests {
            data.validate_looked_at().map_err(|error| error.under(&format!("tests.{name}")))?;
            if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) {
                return Err(SettingError::new(
                    "tests",
                    format!("has the name {name:?}; use one of a folder"),
                ));
            }
        }
        let budget = match self.budget {
            Some(EqualBy::Steps(0)) => Err(SettingError::value("budget.steps", 0, "at least 1")),
            Some(EqualBy::Steps(_)) | None => Ok(()),
            Some(EqualBy::ExecutorCalls(limit)) => grpo::Budget::ExecutorCalls(limit).validate(),
            Some(EqualBy::Tokens(limit)) => grpo::Budget::Tokens(limit).validate(),
            Some(EqualBy::Seconds(limit)) => grpo::Budget::Seconds(limit).validate(),
        };
        budget?;
        let jobs = self.jobs.unwrap_or(1);
        SettingError::first([("jobs", (1..=4096).contains(&jobs), jobs.to_string(), "from 1 to 4096")])
    }

    /// All cells: the arms of the grid, then the others, each with every seed.
    #[must_use]
    pub fn cells(&self) -> Vec<Wanted> {
        let mut arms: Vec<Arm> = Vec::new();
        if !self.grid.is_empty() || self.arms.is_empty() {
            let mut combinations = vec![Vec::new()];
            for (key, values) in flat(&self.grid) {
                let values = values.as_array().cloned().unwrap_or_default();
                combinations = combinations
                    .iter()
                    .flat_map(|done: &Vec<(String, Value)>| {
                        values.iter().map(|value| [done.as_slice(), &[(key.clone(), value.clone())]].concat())
                    })
                    .collect();
            }
            arms.extend(combinations.into_iter().map(|settings| (None, settings)));
        }
        arms.extend(self.arms.iter().map(|arm| (arm.name.clone(), flat(&arm.set))));
        let each = |(name, settings): Arm| {
            self.seeds.iter().map(move |&seed| Wanted {
                name: name.clone(),
                settings: settings.clone(),
                seed,
            })
        };
        arms.into_iter().flat_map(each).collect()
    }

    /// Keys of the grid that take one value only: they tell no cells apart.
    #[must_use]
    pub fn is_fixed(&self, key: &str) -> bool {
        let mut axes = flat(&self.grid).into_iter();
        axes.any(|(axis, values)| axis == key && values.as_array().is_some_and(|values| values.len() == 1))
    }

    /// Everything that makes the base the configuration of a cell, as if the command line said it.
    ///
    /// # Errors
    /// When a seed is beyond what a file can say.
    pub fn assignments(&self, file: &Path, cell: &Wanted, out: &Path) -> Result<Vec<Assignment>> {
        let place = place(Some(file));
        let said = |key: &str, value: Option<Value>| Assignment {
            argument: format!("{place}: `{key}`"),
            key: key.to_owned(),
            value,
        };
        let mut all = Vec::new();
        if let Some(run) = &self.run {
            all.extend(run.iter().map(|(key, value)| Assignment {
                argument: format!("{place}: `run.{key}`"),
                key: key.clone(),
                value: Some(value.clone()),
            }));
        }
        for (key, value) in &cell.settings {
            let kept = (value.as_str() != Some(UNSET)).then(|| value.clone());
            all.push(said(key, kept));
        }
        let seed = i64::try_from(cell.seed.0)
            .with_context(|| format!("{place}: `seeds` has {}, which is beyond 2^63", cell.seed.0))?;
        all.push(said("seed", Some(Value::Integer(seed))));
        all.push(said("out", Some(Value::String(out.display().to_string()))));
        if let Some(by) = self.budget {
            let steps = match by {
                EqualBy::Steps(steps) => i64::try_from(steps)?,
                _ => MOST_STEPS,
            };
            all.push(said("grpo.steps", Some(Value::Integer(steps))));
            all.push(said("grpo.budget", by.budget().map(Value::try_from).transpose()?));
        }
        Ok(all)
    }
}

impl EqualBy {
    /// The trainer's own budget; steps are none.
    #[must_use]
    pub fn budget(self) -> Option<grpo::Budget> {
        match self {
            EqualBy::Steps(_) => None,
            EqualBy::ExecutorCalls(limit) => Some(grpo::Budget::ExecutorCalls(limit)),
            EqualBy::Tokens(limit) => Some(grpo::Budget::Tokens(limit)),
            EqualBy::Seconds(limit) => Some(grpo::Budget::Seconds(limit)),
        }
    }
}

/// Keys that the experiment says itself.
fn refuse_own(place: &str, key: &str) -> Result<(), SettingError> {
    let instead = match key {
        "seed" => "`seeds` does that",
        "out" => "cells have folders in the `out` of the experiment",
        "grpo.budget" => "`[budget]` does that, for all cells alike",
        _ => return Ok(()),
    };
    Err(SettingError::new(place, format!("sets `{key}`; {instead}")))
}

/// The values of a configuration, by key.
///
/// # Errors
/// When the text is no TOML.
pub fn settings(text: &str) -> Result<BTreeMap<String, Value>> {
    match text.parse::<Table>() {
        Ok(table) => Ok(flat(&table).into_iter().collect()),
        Err(error) => bail!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ExperimentConfig> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        ExperimentConfig::read(file.path(), &[])
    }

    const HEAD: &str = "out = \"o\"\nbase = \"b.toml\"\n";

    #[test]
    fn cells_are_the_product_of_the_grid_then_the_other_arms_with_every_seed() {
        let config = read(&format!(
            "{HEAD}seeds = [1, 2]\n[grid]\n\"reward.rule\" = [\"a\", \"b\"]\nreward.lambda = [0.1, 0.5]\n\
             [[arms]]\nname = \"full\"\nset = {{ planner.lora = \"unset\" }}"
        ))
        .unwrap();
        let cells = config.cells();
        assert_eq!(cells.len(), (2 * 2 + 1) * 2);
        assert!(cells.iter().all(|cell| cell.settings.len() == 2 || cell.name.is_some()));
        let last = cells.last().unwrap();
        let of = config.assignments(Path::new("e.toml"), last, Path::new("x")).unwrap();
        assert!(of[0].key == "planner.lora" && of[0].value.is_none());
        assert_eq!(last.seed, Seed(2));
    }

    #[test]
    fn without_anything_varied_there_is_a_cell_for_each_seed() {
        assert_eq!(read(&format!("{HEAD}seeds = [3, 4, 5]")).unwrap().cells().len(), 3);
        let fixed = read(&format!("{HEAD}[grid]\nreward.runs = [3]\nreward.rule = [\"a\", \"b\"]")).unwrap();
        assert!(fixed.is_fixed("reward.runs") && !fixed.is_fixed("reward.rule"));
    }

    #[test]
    fn budgets_become_those_of_the_trainer() {
        let keys = |budget: &str| {
            let config = read(&format!("{HEAD}[budget]\n{budget}")).unwrap();
            let all = config.assignments(Path::new("e"), &config.cells()[0], Path::new("x")).unwrap();
            let of = |key: &str| {
                all.iter()
                    .find(|one| one.key == key)
                    .and_then(|one| one.value.as_ref().map(ToString::to_string))
            };
            (of("grpo.steps").unwrap(), of("grpo.budget"))
        };
        assert_eq!(keys("steps = 7"), ("7".to_owned(), None));
        let (steps, budget) = keys("executor_calls = 900");
        assert_eq!((steps.as_str(), budget.as_deref()), ("1000000", Some("{ executor_calls = 900 }")));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key() {
        for (text, expected) in [
            ("out = \"o\"".to_owned(), "`base` is missing"),
            (format!("{HEAD}seeds = []"), "`seeds` must be at least one"),
            (format!("{HEAD}seeds = [1, 1]"), "`seeds` must be at least one, and each once"),
            (format!("{HEAD}[grid]\nreward.rule = \"a\""), "`grid.reward.rule` is no list"),
            (format!("{HEAD}[grid]\nseed = [1, 2]"), "`seeds` does that"),
            (format!("{HEAD}[budget]\nexecutor_calls = 0"), "executor_calls"),
            (format!("{HEAD}[budget]\nsteps = 0"), "budget.steps"),
            (format!("{HEAD}jobs = 0"), "`jobs` is 0"),
            (format!("{HEAD}[tests.\"a/b\"]\nworld = \"steps\""), "use one of a folder"),
            (format!("{HEAD}grids = 1"), "nearest known key is `grid`"),
        ] {
            let error = format!("{:#}", read(&text).unwrap_err());
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
