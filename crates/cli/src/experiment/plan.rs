//! From the file of an experiment to its cells: named, each with a configuration that was read and found sound, and held against
//! what the folder has.

use super::config::{ExperimentConfig, Wanted};
use super::record::{Cell, Places, Record, Start, State, is_same};
use crate::config::{self, RunConfig};
use crate::preflight;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tracelift_domain::Fingerprint;
use tracelift_eval::{Grid, arm_name, folder_name};

/// An experiment, ready to be worked on.
pub struct Plan {
    /// Where things lie.
    pub places: Places,
    /// What it consists of, and how far that has come.
    pub record: Record,
    /// The configuration of each cell, by name.
    pub cells: BTreeMap<String, Planned>,
    /// The configuration of each start, by name.
    pub starts: BTreeMap<String, String>,
    /// What the evaluation of each test set sets, by name; the default one's is nothing.
    pub tests: BTreeMap<String, Option<String>>,
}

/// A cell's configuration.
pub struct Planned {
    /// What it says.
    pub config: RunConfig,
    /// The same as a file.
    pub text: String,
}

/// The name of the evaluation by the base's own `[eval]`.
const DEFAULT_TEST: &str = "";

impl Plan {
    /// Plans an experiment. Nothing is written yet.
    ///
    /// # Errors
    /// Names the setting that makes a cell unsound, two cells that are one, or what differs from an experiment that is in the folder.
    pub fn of(file: &Path, config: &ExperimentConfig) -> Result<Plan> {
        let places = Places::of(&config.out);
        let found = Record::read(&places)?;
        let known = found.as_ref().map(|record| record.cells.as_slice()).unwrap_or_default();
        let mut plan = Plan {
            record: Record::new(config.budget, tests(config)?),
            cells: BTreeMap::new(),
            starts: BTreeMap::new(),
            tests: BTreeMap::new(),
            places,
        };
        let wanted = config.cells();
        let keys: BTreeSet<&str> =
            wanted.iter().flat_map(|cell| &cell.settings).map(|(key, _)| key.as_str()).collect();
        // What is there keeps its name, whatever the axes are called by now.
        let before: Vec<(&Cell, String)> =
            known.iter().map(|cell| Ok((cell, plan.text_of(&cell.name)?))).collect::<Result<_>>()?;
        let mut changed = BTreeMap::new();
        for cell in &wanted {
            plan.add(file, config, cell, &keys, &before, &mut changed)?;
        }
        // All arms of the first seed, then of the next: what can be compared is there early.
        let order: BTreeMap<u64, usize> =
            config.seeds.iter().enumerate().map(|(at, seed)| (seed.0, at)).collect();
        plan.record.cells.sort_by_key(|cell| order.get(&cell.seed.0).copied());
        if let Some(found) = &found {
            found.refuse_changes(&config.out, &plan.record, &changed)?;
        }
        plan.settle_tests(config);
        plan.settle_starts(found.as_ref())?;
        plan.settle_states();
        Ok(plan)
    }

    /// The configuration that a cell in the folder has.
    fn text_of(&self, name: &str) -> Result<String> {
        let path = self.places.cells().join(format!("{name}.toml"));
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
    }

    fn add(
        &mut self,
        file: &Path,
        config: &ExperimentConfig,
        wanted: &Wanted,
        keys: &BTreeSet<&str>,
        before: &[(&Cell, String)],
        changed: &mut BTreeMap<String, String>,
    ) -> Result<()> {
        let read = |name: &str| -> Result<Planned> {
            let out = self.places.cells().join(name);
            let set = config.assignments(file, wanted, &out)?;
            let (config, _) = config::read_with(config.base.as_deref(), &set)?;
            let text = toml::to_string(&config)?;
            Ok(Planned { config, text })
        };
        let varied: Vec<_> =
            wanted.settings.iter().filter(|(key, _)| !config.is_fixed(key)).cloned().collect();
        let arm = match (&wanted.name, varied.is_empty()) {
            (Some(name), _) => name.clone(),
            (None, true) => arm_name(&wanted.settings, keys),
            (None, false) => arm_name(&varied, keys),
        };
        let arm = if arm.is_empty() { "run".to_owned() } else { arm };
        let name = folder_name(&format!("{arm}, seed {}", wanted.seed.0));
        let mut planned = read(&name)?;
        for (other, had) in &self.cells {
            if is_same(&planned.text, &had.text)? {
                bail!("{}: cells `{name}` and `{other}` are one: they differ in nothing", file.display());
            }
        }
        let mut same = None;
        for (cell, text) in before {
            if is_same(text, &planned.text)? {
                same = Some(*cell);
            }
        }
        let cell = match same {
            Some(cell) => Cell { state: State::Waiting, ..cell.clone() },
            None => {
                let taken = |name: &str| {
                    self.cells.contains_key(name) || before.iter().any(|(cell, _)| cell.name == name)
                };
                if before.iter().any(|(cell, _)| cell.name == name) {
                    changed.insert(name.clone(), planned.text.clone());
                }
                let free = std::iter::once(name.clone())
                    .chain((2_u32..).map(|count| format!("{name}-{count}")))
                    .find(|name| !taken(name))
                    .unwrap_or(name);
                Cell {
                    name: free,
                    arm,
                    seed: wanted.seed,
                    settings: varied.iter().map(|(key, value)| (key.clone(), value.to_string())).collect(),
                    start: String::new(),
                    state: State::Waiting,
                    trained: false,
                    evaluated: BTreeSet::new(),
                    cause: None,
                }
            }
        };
        if cell.name != name_of(&planned) {
            planned = read(&cell.name)?;
        }
        self.cells.insert(cell.name.clone(), planned);
        self.record.cells.push(cell);
        Ok(())
    }

    fn settle_tests(&mut self, config: &ExperimentConfig) {
        if config.tests.is_empty() {
            if self.cells.values().all(|planned| planned.config.eval.is_some()) {
                self.tests.insert(DEFAULT_TEST.to_owned(), None);
            }
            return;
        }
        self.tests.extend(
            self.record.tests.iter().map(|(name, data)| (name.clone(), Some(format!("eval.data={data}")))),
        );
    }

    /// What cells begin with is one where planner, executor, verifier and evaluation are.
    fn settle_starts(&mut self, found: Option<&Record>) -> Result<()> {
        if self.tests.is_empty() {
            return Ok(());
        }
        let mut names: BTreeMap<Fingerprint, String> = BTreeMap::new();
        let known = found.map(|record| record.starts.as_slice()).unwrap_or_default();
        for cell in &mut self.record.cells {
            let config = &self.cells[&cell.name].config;
            let mut planner = config.planner.clone();
            (planner.lora, planner.precision) = (None, None);
            let begins = RunConfig {
                out: self.places.starts(),
                planner,
                data: None,
                reward: tracelift_reward::RewardConfig::default(),
                grpo: tracelift_train::grpo::GrpoConfig::default(),
                dev: None,
                rubric: config
                    .rubric
                    .clone()
                    .filter(|_| config.eval.as_ref().is_some_and(|eval| eval.rubric)),
                ..config.clone()
            };
            let text = toml::to_string(&begins)?;
            let print = Fingerprint::of_text(&text);
            if !names.contains_key(&print) {
                let plain = format!("seed-{}", cell.seed.0);
                let taken = names.values().any(|name| *name == plain);
                let name = if taken { format!("{plain}-{}", print.short()) } else { plain };
                let before = known.iter().find(|start| start.name == name);
                let kept = before.cloned().unwrap_or_else(|| Start {
                    name: name.clone(),
                    state: State::Waiting,
                    evaluated: BTreeSet::new(),
                    cause: None,
                });
                let out = self.places.starts().join(&name);
                let text = toml::to_string(&RunConfig { out, ..begins })?;
                self.record.starts.push(kept);
                self.starts.insert(name.clone(), text);
                names.insert(print.clone(), name);
            }
            cell.start = names[&print].clone();
        }
        Ok(())
    }

    /// Nothing is at work yet, whatever was when it was stopped.
    fn settle_states(&mut self) {
        let all: BTreeSet<String> = self.tests.keys().cloned().collect();
        for cell in &mut self.record.cells {
            cell.state = match cell.trained && all.is_subset(&cell.evaluated) {
                true => State::Finished,
                false => State::Waiting,
            };
            cell.cause = None;
        }
        for start in &mut self.record.starts {
            let done = all.is_subset(&start.evaluated);
            start.state = if done { State::Finished } else { State::Waiting };
            start.cause = None;
        }
    }

    /// The most that the weights of one cell take, in bytes.
    pub fn most_memory(&self) -> u64 {
        self.cells.values().map(|planned| preflight::weights_of(&planned.config)).max().unwrap_or(0)
    }

    /// The cells with what a step of each asks of the executor.
    pub fn grid(&self) -> Grid {
        let row = |cell: &Cell| {
            let config = &self.cells[&cell.name].config;
            let (reward, grpo) = (&config.reward, &config.grpo);
            let needs = reward.needs();
            let with = grpo.problems * grpo.group * needs.with_runs;
            let without = if needs.baseline { grpo.problems * reward.runs } else { 0 };
            let steps = if grpo.budget.is_some() { "by budget".to_owned() } else { grpo.steps.to_string() };
            vec![
                cell.name.clone(),
                cell.state.told().to_owned(),
                steps,
                with.to_string(),
                without.to_string(),
            ]
        };
        let header = ["cell", "state", "steps", "calls a step", "and for new problems"];
        Grid { header: header.map(str::to_owned).to_vec(), rows: self.record.cells.iter().map(row).collect() }
    }
}

fn name_of(planned: &Planned) -> String {
    planned.config.out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Test sets as inline TOML.
fn tests(config: &ExperimentConfig) -> Result<BTreeMap<String, String>> {
    let inline = |(name, data): (&String, &config::DataConfig)| {
        Ok((name.clone(), toml::Value::try_from(data)?.to_string()))
    };
    config.tests.iter().map(inline).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_experiment_that_comes_along_is_planned() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/experiment.toml");
        let out = tempfile::tempdir().unwrap();
        let set = crate::config::assignment(&format!("out={}", out.path().join("new").display())).unwrap();
        let plan = Plan::of(&file, &ExperimentConfig::read(&file, &[set]).unwrap()).unwrap();
        let names: Vec<&str> = plan.record.cells.iter().map(|cell| cell.name.as_str()).collect();
        assert_eq!(names.len(), 9);
        assert_eq!(names[..3], ["exec_only_seed-18", "exec_only_matched_seed-18", "uplift_only_seed-18"]);
        // What rules do not touch is evaluated once for all of them.
        let starts: Vec<&str> = plan.record.starts.iter().map(|start| start.name.as_str()).collect();
        assert_eq!(starts, ["seed-18", "seed-7", "seed-11"]);
        assert_eq!(plan.tests.keys().collect::<Vec<_>>(), ["unseen"]);
    }
}
