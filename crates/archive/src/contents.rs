//! What there is in a folder.

use crate::{Archive, ArchiveError, RunOverview, folder::below, ledger};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// Folders in a run that hold nothing to be listed.
const INNER: [&str; 8] = ["rollouts", "checkpoints", "events", "dev", "best", "planner", "adapter", "model"];
/// How deep, and how many folders, are looked into.
const DEEPEST: usize = 8;
const MOST: usize = 20_000;
/// How much of a file is read to see what it is.
const HEAD: u64 = 64 << 10;

/// A kind of file that is no folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Groups of reference and flawed traces.
    Groups,
    /// A log of rewards.
    Ledger,
    /// A report on reward models.
    Scorers,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it lies.
    pub place: String,
    /// What it is.
    pub what: What,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was written, in seconds since 1970.
    pub modified: u64,
}

/// A row of an evaluation at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct RowEntry {
    /// Its name.
    pub row: String,
    /// Means by metric, as files call them, each with its standard error.
    pub means: BTreeMap<String, (f64, Option<f64>)>,
}

/// An evaluation at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationEntry {
    /// The folder.
    pub place: String,
    /// Its rows; none where there is no table yet.
    pub rows: Vec<RowEntry>,
    /// When it was written, in seconds since 1970.
    pub modified: u64,
}

/// A cell of an experiment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CellEntry {
    /// The name of its folder.
    pub name: String,
    /// What it has in common with cells of other seeds.
    pub arm: String,
    /// Its seed.
    pub seed: u64,
    /// What is varied, by key.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// How far it has come.
    pub state: String,
    /// Why it failed, where it did.
    #[serde(default)]
    pub cause: Option<String>,
}

/// An experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentEntry {
    /// The folder.
    pub place: String,
    /// Its cells.
    pub cells: Vec<CellEntry>,
}

/// Everything that there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// Runs, by place.
    pub runs: Vec<RunOverview>,
    /// Evaluations, by place.
    pub evaluations: Vec<EvaluationEntry>,
    /// Experiments, by place.
    pub experiments: Vec<ExperimentEntry>,
    /// Files, by place.
    pub files: Vec<FileEntry>,
    /// What is there and cannot be read: where, and why.
    pub faults: Vec<(String, String)>,
    /// Whether the folder holds more than is looked at.
    pub cut: bool,
}

impl Contents {
    /// The files of a kind.
    pub fn of(&self, what: What) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().filter(move |file| file.what == what)
    }
}

/// What was met on the way through the folder.
#[derive(Default)]
struct Met {
    runs: Vec<String>,
    evaluations: Vec<String>,
    experiments: Vec<String>,
    files: Vec<String>,
    folders: usize,
    cut: bool,
}

pub(crate) fn list(archive: &Archive) -> Contents {
    let mut met = Met::default();
    walk(archive.root(), ".", 0, &mut met);
    let mut contents = Contents { cut: met.cut, ..Contents::default() };
    let at = |place: &str| archive.root().join(place);
    let note = |place: String, error: ArchiveError, faults: &mut Vec<(String, String)>| {
        faults.push((place, error.to_string()));
    };
    let runs: Vec<_> = met.runs.par_iter().map(|place| RunOverview::of(place, &at(place))).collect();
    for (place, run) in met.runs.into_iter().zip(runs) {
        match run {
            Ok(run) => contents.runs.push(run),
            Err(error) => note(place, error, &mut contents.faults),
        }
    }
    contents.evaluations = met.evaluations.par_iter().map(|place| evaluation(place, &at(place))).collect();
    for place in met.experiments {
        match experiment(&place, &at(&place)) {
            Ok(experiment) => contents.experiments.push(experiment),
            Err(error) => note(place, error, &mut contents.faults),
        }
    }
    name_arms(&mut contents);
    contents.files = met.files.par_iter().filter_map(|place| file(place, &at(place))).collect();
    contents
}

/// Links to folders are not followed: what they lead to is there in its own place, or outside.
fn walk(path: &Path, place: &str, depth: usize, met: &mut Met) {
    met.folders += 1;
    if met.folders > MOST || depth > DEEPEST {
        met.cut = true;
        return;
    }
    // A folder that is not ours to read holds nothing that could be shown.
    let Ok(entries) = fs::read_dir(path) else { return };
    let (mut names, mut folders) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() { folders.push(name) } else { names.push((name, kind.is_file())) }
    }
    names.sort_unstable();
    folders.sort_unstable();
    let has = |wanted: &str| names.iter().any(|(name, _)| name == wanted);
    // What is kept of an evaluation under way is none yet.
    if has("calls.jsonl") && has("plans.jsonl") {
        return;
    }
    let is_run = has("run.json");
    if is_run {
        met.runs.push(place.to_owned());
    }
    if has("samples.jsonl") {
        met.evaluations.push(place.to_owned());
    }
    if has("experiment.json") {
        met.experiments.push(place.to_owned());
    }
    if !is_run {
        let own = ["samples.jsonl", "metrics.jsonl", "evaluation.json", "experiment.json", "plan.json"];
        let files = names.iter().filter(|(name, is_file)| *is_file && !own.contains(&name.as_str()));
        met.files.extend(files.map(|(name, _)| below(place, name)));
    }
    // The newest results of an evaluation are met where its links are.
    let above = path.parent();
    let newest = above.and_then(|above| Some(above.join(fs::read_link(above.join(LATEST)).ok()?)));
    for name in folders {
        let there = newest.as_ref() == Some(&path.join(&name));
        if !(there || is_run && INNER.contains(&name.as_str())) {
            walk(&path.join(&name), &below(place, &name), depth + 1, met);
        }
    }
}

/// The link of an evaluation's folder that leads to its newest results.
const LATEST: &str = "latest";

fn seconds(time: Option<SystemTime>) -> u64 {
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

fn file(place: &str, path: &Path) -> Option<FileEntry> {
    let about = fs::metadata(path).ok()?;
    let what = match path.extension()?.to_str()? {
        "jsonl" => {
            let head = head(path)?;
            if head.contains("\"positive_pool\"") {
                What::Groups
            } else if ["\"problem_id\"", "\"completion\"", "\"fingerprints\"", "\"settings\""]
                .iter()
                .all(|field| head.contains(field))
            {
                What::Ledger
            } else {
                return None;
            }
        }
        "parquet" if ledger::is_table(path) => What::Ledger,
        "json" if head(path)?.contains("\"scorers\"") => What::Scorers,
        _ => return None,
    };
    Some(FileEntry {
        place: place.to_owned(),
        what,
        bytes: about.len(),
        modified: seconds(about.modified().ok()),
    })
}

fn head(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(HEAD).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Of the table only what is shown in a list is looked at, so tables of other versions are listed too.
fn evaluation(place: &str, path: &Path) -> EvaluationEntry {
    let modified = fs::metadata(path.join("samples.jsonl")).ok().and_then(|about| about.modified().ok());
    let table: Option<Value> =
        fs::read(path.join("evaluation.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let rows = table.as_ref().and_then(|table| table.get("rows")).and_then(Value::as_array);
    let row = |row: &Value| {
        let mean = |estimate: &Value| {
            let error = estimate.get("standard_error").and_then(Value::as_f64);
            Some((estimate.get("mean")?.as_f64()?, error))
        };
        let estimates = row.get("estimates").and_then(Value::as_object).into_iter().flatten();
        Some(RowEntry {
            row: row.get("row")?.as_str()?.to_owned(),
            means: estimates
                .filter_map(|(metric, estimate)| Some((metric.clone(), mean(estimate)?)))
                .collect(),
        })
    };
    let rows = rows.into_iter().flatten().filter_map(row).collect();
    EvaluationEntry { place: place.to_owned(), rows, modified: seconds(modified) }
}

fn experiment(place: &str, path: &Path) -> Result<ExperimentEntry, ArchiveError> {
    #[derive(Deserialize)]
    struct Record {
        cells: Vec<CellEntry>,
    }
    let path = path.join("experiment.json");
    let text = fs::read(&path).map_err(ArchiveError::read(&path))?;
    let Record { cells } =
        serde_json::from_slice(&text).map_err(|error| ArchiveError::damaged(&path, error))?;
    Ok(ExperimentEntry { place: place.to_owned(), cells })
}

/// Runs that are cells have the arm that their experiment says.
fn name_arms(contents: &mut Contents) {
    let mut arms = BTreeMap::new();
    for experiment in &contents.experiments {
        for cell in &experiment.cells {
            arms.insert(below(&experiment.place, &format!("cells/{}", cell.name)), cell.arm.clone());
        }
    }
    for run in &mut contents.runs {
        run.arm = arms.get(&run.place).cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Best, RunState};
    use serde_json::Map;
    use tracelift_domain::Seed;
    use tracelift_train::{
        metrics::{StepMetrics, name},
        run::{RunDescription, RunEnd, RunFolder},
    };

    fn run(path: &Path, config: &str, steps: u64) -> RunFolder {
        let description =
            RunDescription { started: 1000, ..RunDescription::now("grpo", Seed(9), Map::new()) };
        let mut folder = RunFolder::create(path, &description, config).unwrap();
        for step in 1..=steps {
            let mut metrics = StepMetrics::at(step, 1000.0 + 1800.0 * step as f64);
            metrics.set(name::REWARD, 0.25);
            folder.record_metrics(&metrics).unwrap();
        }
        folder
    }

    #[test]
    fn what_lies_in_a_folder_is_listed_with_its_state() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let config = "seed = 5\n[reward]\nrule = \"additive\"\nlambda = 0.25\n[planner]\nmodel = \"base\"\n[grpo]\nsteps = 8\n";
        let running = run(&root.join("a/running"), config, 4);
        let failed = run(&root.join("a/failed"), "", 1);
        failed.layout().record_end(&RunEnd::Failed { cause: "no <room>".into() }).unwrap();
        let mut stopped = run(&root.join("stopped"), config, 2);
        stopped
            .keep_best(2, |dir| {
                fs::write(dir.join("dev.json"), r#"{"step":2,"metric":"accuracy","value":0.5}"#)
            })
            .unwrap();
        drop((failed, stopped));
        let old = run(&root.join("old"), "not [ toml", 0);
        fs::create_dir(root.join("old/planner")).unwrap();
        drop(old);
        fs::create_dir_all(root.join("broken")).unwrap();
        fs::write(root.join("broken/run.json"), "{").unwrap();
        fs::create_dir_all(root.join("a/running/evaluation")).unwrap();
        fs::write(root.join("a/running/evaluation/samples.jsonl"), "").unwrap();
        fs::write(
            root.join("a/running/evaluation/evaluation.json"),
            r#"{"rows":[{"row":"base planner","estimates":{"accuracy":{"mean":0.5,"standard_error":0.1},"uplift":{"mean":null}}}]}"#,
        )
        .unwrap();
        fs::write(root.join("groups.jsonl"), "{\"problem_id\":\"p\",\"positive_pool\":[]}\n").unwrap();
        fs::write(root.join("other.jsonl"), "{}\n").unwrap();
        std::os::unix::fs::symlink(root, root.join("a/loop")).unwrap();

        let contents = Archive::open(root).unwrap().contents();
        let told: Vec<(&str, &str)> =
            contents.runs.iter().map(|run| (run.place.as_str(), run.state.word())).collect();
        let expected =
            [("a/failed", "failed"), ("a/running", "running"), ("old", "finished"), ("stopped", "stopped")];
        assert_eq!(told, expected);
        assert_eq!(contents.runs[0].state, RunState::Failed { cause: "no <room>".into() });
        let running_entry = &contents.runs[1];
        assert_eq!((running_entry.rule.as_deref(), running_entry.lambda), (Some("additive"), Some(0.25)));
        assert_eq!(
            (running_entry.done(), running_entry.steps, running_entry.hours()),
            (4, Some(8), Some(2.0))
        );
        assert_eq!((running_entry.seed, running_entry.model.as_deref()), (5, Some("base")));
        let best = Best { step: 2, metric: "accuracy".into(), value: 0.5 };
        assert_eq!(contents.runs[3].best, Some(best));
        assert_eq!(contents.faults.len(), 1);
        assert_eq!(contents.faults[0].0, "broken");
        let evaluation = &contents.evaluations[0];
        assert_eq!(evaluation.place, "a/running/evaluation");
        assert_eq!(evaluation.rows[0].means, BTreeMap::from([("accuracy".to_owned(), (0.5, Some(0.1)))]));
        assert_eq!(
            contents.of(What::Groups).map(|file| file.place.as_str()).collect::<Vec<_>>(),
            ["groups.jsonl"]
        );
        assert_eq!(contents.files.len(), 1);
        drop(running);
        let after = Archive::open(root).unwrap().contents();
        assert_eq!(after.runs[1].state, RunState::Stopped);
    }

    #[test]
    fn cells_have_the_arms_of_their_experiment() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        drop(run(&root.join("exp/cells/one"), "", 0));
        let record = r#"{"version":1,"tests":{},"cells":[{"name":"one","arm":"λ 0.5","seed":3,"settings":{},"start":"",
            "state":"training","trained":false,"evaluated":[],"cause":null}],"starts":[],"budget":null}"#;
        fs::write(root.join("exp/experiment.json"), record).unwrap();
        let contents = Archive::open(root).unwrap().contents();
        assert_eq!(contents.runs[0].arm.as_deref(), Some("λ 0.5"));
        assert_eq!(contents.experiments[0].cells[0].state, "training");
        // The experiment's own folder may be what is opened.
        let own = Archive::open(&root.join("exp")).unwrap().contents();
        assert_eq!((own.runs[0].place.as_str(), own.runs[0].arm.as_deref()), ("cells/one", Some("λ 0.5")));
    }
}
