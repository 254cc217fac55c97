//! Results in the forms of others: lm-evaluation-harness's files of results and samples, inspect's logs, Parquet.

mod inspect;
mod lm_eval;
mod parquet;

use crate::{EvalError, Provenance, SampleRecord};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A form of somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// `results_TIME.json` and `samples_TASK_TIME.jsonl` of lm-evaluation-harness, in a folder a row.
    LmEval,
    /// A log `.eval` of inspect a row and benchmark.
    Inspect,
    /// A Parquet file of all samples.
    Parquet,
}

/// Results as they lie in a folder.
struct Results {
    samples: Vec<SampleRecord>,
    made: Option<Provenance>,
}

/// What results say of themselves.
#[derive(Deserialize)]
struct Said {
    made: Option<Provenance>,
}

/// A row on a benchmark under an executor: what others call a task of a model.
struct Task<'r> {
    /// The planner, and the executor where there are several.
    model: String,
    /// The benchmark, or the source of the problems.
    name: String,
    samples: Vec<&'r SampleRecord>,
}

/// Writes results that lie in `folder` in another form into `out`. Returns what was written.
///
/// # Errors
/// When there are no results, they are damaged, or the disk refuses.
pub fn export(folder: &Path, to: Export, out: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let results = Results::read(folder)?;
    match to {
        Export::LmEval => lm_eval::write(&results, out),
        Export::Inspect => inspect::write(&results, out),
        Export::Parquet => parquet::write(&results, out),
    }
}

impl Results {
    fn read(folder: &Path) -> Result<Results, EvalError> {
        let path = folder.join("samples.jsonl");
        if !path.exists() {
            return Err(EvalError::NothingToExport { path: folder.to_owned() });
        }
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|source| EvalError::Open { path: path.to_owned(), source })
        };
        let damaged = |path: &Path, reason: String| EvalError::Damaged { path: path.to_owned(), reason };
        let mut samples = Vec::new();
        for (at, line) in read(&path)?.lines().enumerate() {
            let sample = serde_json::from_str(line)
                .map_err(|error| damaged(&path, format!("line {}: {error}", at + 1)))?;
            samples.push(sample);
        }
        if samples.is_empty() {
            return Err(EvalError::NothingToExport { path: folder.to_owned() });
        }
        let said = folder.join("evaluation.json");
        let made = match said.exists() {
            true => {
                let text = read(&said)?;
                serde_json::from_str::<Said>(&text).map_err(|error| damaged(&said, error.to_string()))?.made
            }
            false => None,
        };
        Ok(Results { samples, made })
    }

    /// The tasks, in the order of the table.
    fn tasks(&self) -> Vec<Task<'_>> {
        let executors: std::collections::BTreeSet<_> =
            self.samples.iter().map(|sample| &sample.executor).collect();
        let mut tasks: Vec<Task<'_>> = Vec::new();
        for sample in &self.samples {
            let executor = match executors.len() {
                1 => String::new(),
                _ => format!(" with {}", self.executor(sample)),
            };
            let model = format!("{}{executor}", sample.row);
            let name = sample.benchmark.clone().unwrap_or_else(|| sample.source.clone());
            match tasks.iter_mut().find(|task| task.model == model && task.name == name) {
                Some(task) => task.samples.push(sample),
                None => tasks.push(Task { model, name, samples: vec![sample] }),
            }
        }
        tasks
    }

    /// What the executor of a sample is called.
    fn executor(&self, sample: &SampleRecord) -> String {
        let known = self.made.iter().flat_map(|made| &made.executors);
        let own = known.into_iter().find(|made| made.fingerprint == sample.executor);
        own.map_or_else(|| sample.executor.to_string(), |made| made.name.clone())
    }

    /// When the results were found, for names of files: `2026-05-17T08-30-00`.
    fn time(&self) -> String {
        let time = self.made.as_ref().map_or("1970-01-01T00:00:00Z", |made| made.time.as_str());
        time.trim_end_matches('Z').replace(':', "-")
    }

    /// The same as it is written in files: `2026-05-17T08:30:00+00:00`.
    fn moment(&self) -> String {
        let time = self.made.as_ref().map_or("1970-01-01T00:00:00Z", |made| made.time.as_str());
        format!("{}+00:00", time.trim_end_matches('Z'))
    }
}

impl Task<'_> {
    /// The problems, in their order, each with its place.
    fn places(&self) -> BTreeMap<&str, usize> {
        let mut places = BTreeMap::new();
        for sample in &self.samples {
            let next = places.len();
            places.entry(sample.problem_id.as_str()).or_insert(next);
        }
        places
    }
}

/// A text as a part of a file's name.
fn file_name(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+') { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests;
