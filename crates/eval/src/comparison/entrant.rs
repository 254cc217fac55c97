//! What lies in folders: trainings with their evaluations, and rows of evaluations by themselves.

use super::naming::{arm_name, settings};
use crate::{EvalError, Provenance, SampleRecord};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use tracelift_domain::Fingerprint;
use tracelift_reward::RewardConfig;
use tracelift_train::diagnosis::{Diagnosis, diagnose};
use tracelift_train::metrics::{StepMetrics, read_metrics};
use tracelift_train::rollouts::read_rollouts;
use tracelift_train::run::RunLayout;
use tracelift_verify::VerifierConfig;

/// One planner with all that was measured of it.
#[derive(Clone, Debug)]
pub struct Entrant {
    /// What it has in common with others of other seeds.
    pub arm: String,
    /// What kind of planner it is.
    pub role: Role,
    /// The seed of its training; of what was not trained, that of those beside it.
    pub seed: u64,
    /// Where it lies.
    pub place: PathBuf,
    /// By what artifacts were judged; `None` where nobody wrote it down.
    pub verifier: Option<Fingerprint>,
    /// Samples by test set.
    pub results: BTreeMap<String, Vec<SampleRecord>>,
    /// How it was trained.
    pub training: Option<Training>,
}

/// What kind of planner an entrant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// As it was before training, or none at all.
    Start,
    /// Trained.
    Trained,
    /// The best that a training had in between.
    Best,
}

/// What a training wrote down.
#[derive(Clone, Debug)]
pub struct Training {
    /// Of its steps.
    pub metrics: Vec<StepMetrics>,
    /// What its rollouts say.
    pub diagnosis: Diagnosis,
}

/// Rows that are no planner's of a run.
const STARTS: [&str; 2] = ["no trace", "base planner"];
/// Settings that tell no arms apart.
const NO_ARM: [&str; 8] =
    ["seed", "out", "preflight", "dev", "eval", "grpo.checkpoint_every", "grpo.keep_last", "grpo.patience"];

/// Reads folders.
///
/// # Errors
/// When one holds nothing of the kind, or a file is damaged.
pub fn read(folders: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Entrant>, EvalError> {
    let mut found = Found::default();
    for folder in folders {
        found.folder(folder, notes)?;
    }
    Ok(found.entrants(notes))
}

/// The arms in their order.
#[must_use]
pub fn arms(entrants: &[Entrant]) -> Vec<String> {
    let mut arms: Vec<String> = Vec::new();
    for entrant in entrants {
        if !arms.contains(&entrant.arm) {
            arms.push(entrant.arm.clone());
        }
    }
    arms
}

/// A run that was read.
struct Run {
    place: PathBuf,
    /// Its arm, where somebody says it.
    arm: Option<String>,
    seed: u64,
    config: Table,
    title: String,
    results: BTreeMap<String, Vec<SampleRecord>>,
    training: Training,
}

#[derive(Default)]
struct Found {
    runs: Vec<Run>,
    others: Vec<Entrant>,
}

/// What `experiment.json` says that matters here.
#[derive(Deserialize)]
struct Experiment {
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    name: String,
    arm: String,
    seed: u64,
    start: String,
    trained: bool,
    state: String,
}

impl Found {
    fn folder(&mut self, folder: &Path, notes: &mut Vec<String>) -> Result<(), EvalError> {
        let before = self.runs.len() + self.others.len();
        let layout = RunLayout::of(folder);
        if folder.join("experiment.json").exists() {
            self.experiment(folder, notes)?;
        } else if layout.description().exists() {
            self.run(folder, None)?;
        } else {
            let evaluations = evaluations(folder)?;
            let below: Vec<PathBuf> = children(folder)?
                .into_iter()
                .filter(|child| RunLayout::of(child).description().exists())
                .filter(|child| child.join("rollouts").exists())
                .collect();
            for child in &below {
                self.run(child, None)?;
            }
            self.rows(folder, evaluations, &below, notes);
        }
        if self.runs.len() + self.others.len() == before {
            return Err(EvalError::NothingToCompare { path: folder.to_owned() });
        }
        Ok(())
    }

    fn experiment(&mut self, folder: &Path, notes: &mut Vec<String>) -> Result<(), EvalError> {
        let experiment: Experiment = json(&folder.join("experiment.json"))?;
        for cell in &experiment.cells {
            if !cell.trained {
                notes.push(format!("cell `{}` is left out: it is not trained ({}).", cell.name, cell.state));
                continue;
            }
            self.run(&folder.join("cells").join(&cell.name), Some(cell.arm.clone()))?;
            let place = folder.join("starts").join(&cell.start);
            let known = self.others.iter().any(|other| other.place == place && other.seed == cell.seed);
            if !known && !cell.start.is_empty() && place.exists() {
                let beside = self.runs.last().and_then(|run| verifier(&run.config));
                for Evaluated { test, samples, verifier } in evaluations(&place)? {
                    let verifier = verifier.or(beside.clone());
                    self.starts(&place, cell.seed, verifier.as_ref(), &test, samples);
                }
            }
        }
        Ok(())
    }

    /// A run, with the evaluations in its folder.
    fn run(&mut self, place: &Path, arm: Option<String>) -> Result<(), EvalError> {
        let layout = RunLayout::of(place);
        let description = layout.read_description()?;
        let path = layout.config();
        let text =
            fs::read_to_string(&path).map_err(|source| EvalError::Open { path: path.clone(), source })?;
        let bad = |reason: String| EvalError::Damaged { path: path.clone(), reason };
        let config: Table = text.parse().map_err(|error: toml::de::Error| bad(error.to_string()))?;
        let reward: RewardConfig = match config.get("reward") {
            Some(reward) => {
                reward.clone().try_into().map_err(|error: toml::de::Error| bad(error.to_string()))?
            }
            None => RewardConfig::default(),
        };
        // What the configuration says is what was asked for; a run may have derived its own from that.
        let seed = config.get("seed").and_then(Value::as_integer).and_then(|seed| u64::try_from(seed).ok());
        let seed = seed.unwrap_or(description.seed.0);
        let beside = verifier(&config);
        let title = reward.rule.title().to_owned();
        let mut results = BTreeMap::new();
        for Evaluated { test, samples, verifier } in evaluations(place)? {
            let verifier = verifier.or(beside.clone());
            let (own, others): (Vec<_>, Vec<_>) =
                samples.into_iter().partition(|sample| sample.row == title || sample.row == best(&title));
            results.insert(test.clone(), own);
            self.starts(place, seed, verifier.as_ref(), &test, others);
        }
        let metrics = read_metrics(&layout.metrics()).map_err(tracelift_train::run::RunError::from)?;
        let mut rollouts = Vec::new();
        for step in layout.rollout_steps()? {
            let read = read_rollouts(&layout.rollouts(step)).map_err(tracelift_train::run::RunError::from)?;
            rollouts.extend(read);
        }
        let training = Training { metrics, diagnosis: diagnose(&rollouts, &reward) };
        self.runs.push(Run { place: place.to_owned(), arm, seed, config, title, results, training });
        Ok(())
    }

    /// Rows of an evaluation that no run of its own stands behind, or runs beside it.
    fn rows(
        &mut self,
        place: &Path,
        evaluations: Vec<Evaluated>,
        below: &[PathBuf],
        notes: &mut Vec<String>,
    ) {
        for Evaluated { test, samples, verifier: said } in evaluations {
            let mut left = Vec::new();
            for sample in samples {
                let runs = self.runs.iter_mut().filter(|run| below.contains(&run.place));
                let of = runs.into_iter().find(|run| sample.row == run.title);
                match of {
                    Some(run) => run.results.entry(test.clone()).or_default().push(sample),
                    None => left.push(sample),
                }
            }
            let beside = self.runs.iter().find(|run| below.contains(&run.place));
            let (seed, beside) = beside.map_or((0, None), |run| (run.seed, verifier(&run.config)));
            let left = self.renamed(place, seed, &test, left, notes);
            self.starts(place, seed, said.or(beside).as_ref(), &test, left);
        }
    }

    /// Rows of which another evaluation has one of the same name on the same test set: two measurements, each under its own name.
    fn renamed(
        &self,
        place: &Path,
        seed: u64,
        test: &str,
        samples: Vec<SampleRecord>,
        notes: &mut Vec<String>,
    ) -> Vec<SampleRecord> {
        let taken = |row: &str| {
            let mut others = self.others.iter().filter(|other| other.arm == row && other.seed == seed);
            others.any(|other| other.place != place && other.results.contains_key(test))
        };
        let twice: BTreeSet<String> =
            samples.iter().map(|sample| sample.row.clone()).filter(|row| taken(row)).collect();
        for row in &twice {
            let note = format!(
                "`{row}` of {} is another measurement than that of an earlier folder.",
                place.display()
            );
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        let named = |sample: SampleRecord| match twice.contains(&sample.row) {
            true => SampleRecord { row: format!("{} ({})", sample.row, place.display()), ..sample },
            false => sample,
        };
        samples.into_iter().map(named).collect()
    }

    /// Rows that nobody here has trained. Where several runs have the same, one is enough.
    fn starts(
        &mut self,
        place: &Path,
        seed: u64,
        verifier: Option<&Fingerprint>,
        test: &str,
        samples: Vec<SampleRecord>,
    ) {
        let mut rows: BTreeMap<String, Vec<SampleRecord>> = BTreeMap::new();
        for sample in samples {
            rows.entry(sample.row.clone()).or_default().push(sample);
        }
        for (row, samples) in rows {
            let same = self.others.iter_mut().find(|other| other.arm == row && other.seed == seed);
            match same {
                Some(other) => {
                    other.results.entry(test.to_owned()).or_insert(samples);
                }
                None => self.others.push(Entrant {
                    role: if STARTS.contains(&row.as_str()) { Role::Start } else { Role::Trained },
                    arm: row,
                    seed,
                    place: place.to_owned(),
                    verifier: verifier.cloned(),
                    results: BTreeMap::from([(test.to_owned(), samples)]),
                    training: None,
                }),
            }
        }
    }

    fn entrants(mut self, notes: &mut Vec<String>) -> Vec<Entrant> {
        self.name_arms(notes);
        let mut all = Vec::new();
        for run in self.runs {
            let arm = run.arm.unwrap_or_else(|| run.title.clone());
            let verifier = verifier(&run.config);
            let mut kept = BTreeMap::new();
            let mut better = BTreeMap::new();
            for (test, samples) in run.results {
                let (own, best): (Vec<_>, Vec<_>) =
                    samples.into_iter().partition(|sample| sample.row == run.title);
                for (samples, into) in [(own, &mut kept), (best, &mut better)] {
                    if !samples.is_empty() {
                        into.insert(test.clone(), samples);
                    }
                }
            }
            if !better.is_empty() {
                all.push(Entrant {
                    arm: best(&arm),
                    role: Role::Best,
                    seed: run.seed,
                    place: run.place.clone(),
                    verifier: verifier.clone(),
                    results: better,
                    training: None,
                });
            }
            all.push(Entrant {
                arm,
                role: Role::Trained,
                seed: run.seed,
                place: run.place,
                verifier,
                results: kept,
                training: Some(run.training),
            });
        }
        // What trainings begin with stands before them, in the order of tables.
        let mut others = self.others;
        others.sort_by_key(|other| STARTS.iter().position(|row| *row == other.arm).unwrap_or(STARTS.len()));
        let (starts, rows): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|other| other.role == Role::Start);
        all.sort_by_key(|entrant| entrant.role);
        starts.into_iter().chain(rows).chain(all).collect()
    }

    /// Arms of runs that no experiment names: by what their settings differ in.
    fn name_arms(&mut self, notes: &mut Vec<String>) {
        let nameless: Vec<usize> = (0..self.runs.len()).filter(|&at| self.runs[at].arm.is_none()).collect();
        let all: Vec<BTreeMap<String, Value>> =
            nameless.iter().map(|&at| settings(&self.runs[at].config).into_iter().collect()).collect();
        let keys: BTreeSet<&String> = all.iter().flat_map(|one| one.keys()).collect();
        let counts = |key: &str| {
            !NO_ARM.iter().any(|part| {
                key.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        let differing: Vec<&String> = keys
            .into_iter()
            .filter(|key| counts(key) && all.windows(2).any(|two| two[0].get(*key) != two[1].get(*key)))
            .collect();
        let known: BTreeSet<&str> = differing.iter().map(|key| key.as_str()).collect();
        for (&at, one) in nameless.iter().zip(&all) {
            let own: Vec<(String, Value)> = differing
                .iter()
                .map(|key| {
                    let value = one.get(*key).cloned().unwrap_or_else(|| Value::from("unset"));
                    ((*key).clone(), value)
                })
                .collect();
            if !own.is_empty() {
                self.runs[at].arm = Some(arm_name(&own, &known));
            }
        }
        // Two runs that differ in nothing are two measurements of one thing, not two seeds.
        let mut seen: BTreeSet<(String, u64)> = BTreeSet::new();
        for run in &mut self.runs {
            let arm = run.arm.clone().unwrap_or_else(|| run.title.clone());
            if !seen.insert((arm.clone(), run.seed)) {
                let own = format!("{arm} ({})", run.place.display());
                notes.push(format!(
                    "{} has the arm `{arm}` and the seed {}, as another run has: it is taken for an arm of its own.",
                    run.place.display(),
                    run.seed
                ));
                run.arm = Some(own);
            }
        }
    }
}

/// The row of the best planner of a run.
fn best(title: &str) -> String {
    format!("{title}, best")
}

fn verifier(config: &Table) -> Option<Fingerprint> {
    let found: Result<VerifierConfig, _> =
        config.get("verifier").map_or(Ok(VerifierConfig::default()), |verifier| verifier.clone().try_into());
    // A configuration that another version wrote may not be read here; then nobody knows.
    found.ok().map(|verifier| verifier.fingerprint())
}

/// The results of an evaluation on a test set.
struct Evaluated {
    /// The test set.
    test: String,
    /// What came out.
    samples: Vec<SampleRecord>,
    /// By what artifacts were judged, where the results say it.
    verifier: Option<Fingerprint>,
}

/// What results say of the verifiers of benchmarks, or of the one of all.
#[derive(Deserialize)]
struct Said {
    made: Option<Provenance>,
}

/// The evaluations in a folder, by test set: `evaluation/`, and those below it. The benchmarks of a suite are test sets.
fn evaluations(folder: &Path) -> Result<Vec<Evaluated>, EvalError> {
    let mut found = Vec::new();
    let inner = folder.join("evaluation");
    let places = [folder.to_owned(), inner.clone()].into_iter();
    let below = if inner.exists() { children(&inner)? } else { Vec::new() };
    for place in places.chain(below.iter().cloned()) {
        let path = place.join("samples.jsonl");
        if !path.exists() {
            continue;
        }
        let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let test = if below.contains(&place) { name } else { "evaluation".to_owned() };
        let said = place.join("evaluation.json");
        let made = if said.exists() { json::<Said>(&said)?.made } else { None };
        let verifier = |benchmark: Option<&str>| {
            let data = made.iter().flat_map(|made| &made.data);
            let own = data.into_iter().find(|data| data.benchmark.as_deref() == benchmark)?;
            Some(own.verifier.clone())
        };
        let mut parts: Vec<(Option<String>, Vec<SampleRecord>)> = Vec::new();
        for sample in lines(&path)? {
            match parts.iter_mut().find(|(benchmark, _)| *benchmark == sample.benchmark) {
                Some((_, samples)) => samples.push(sample),
                None => parts.push((sample.benchmark.clone(), vec![sample])),
            }
        }
        for (benchmark, samples) in parts {
            let verifier = verifier(benchmark.as_deref());
            let test = match (benchmark, below.contains(&place)) {
                (Some(benchmark), true) => format!("{test}, {benchmark}"),
                (Some(benchmark), false) => benchmark,
                (None, _) => test.clone(),
            };
            found.push(Evaluated { test, samples, verifier });
        }
    }
    Ok(found)
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let failed = |source| EvalError::Open { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // What leads to the newest results is no test set of its own.
        if path.is_dir() && !path.is_symlink() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, EvalError> {
    let text = fs::read(path).map_err(|source| EvalError::Open { path: path.to_owned(), source })?;
    serde_json::from_slice(&text)
        .map_err(|error| EvalError::Damaged { path: path.to_owned(), reason: error.to_string() })
}

fn lines(path: &Path) -> Result<Vec<SampleRecord>, EvalError> {
    let text =
        fs::read_to_string(path).map_err(|source| EvalError::Open { path: path.to_owned(), source })?;
    let read = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| EvalError::Damaged {
            path: path.to_owned(),
            reason: format!("line {}: {error}", at + 1),
        })
    };
    text.lines().enumerate().map(read).collect()
}
