//! The section `[eval]`: how planners are evaluated.

use super::{DataConfig, extent};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tracelift_datasets::{Benchmark, ColumnMap, Format};
use tracelift_domain::SettingError;
use tracelift_executor::{ExecutorConfig, InProcessConfig, OpenAiConfig};
use tracelift_verify::AnswerMode;
use tracelift_worlds::WorldName;
use tracelift_worlds::procedure::ProcedureConfig;

/// The evaluation: on one set of problems (`data`), or on a suite of benchmarks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalConfig {
    /// Problems to evaluate on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataConfig>,
    /// Benchmarks to evaluate on, by name: those that the program knows, worlds, and those of `benchmarks`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suite: Vec<String>,
    /// Where the files of the suite lie, each in a folder of its benchmark's name. Default: `data`.
    #[serde(default = "default_folder")]
    pub folder: PathBuf,
    /// Problems of each benchmark of the suite, drawn by `draw`. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The seed by which they are drawn; the same in every run unless told otherwise, so that results are paired. Default: 18.
    #[serde(default = "default_draw")]
    pub draw: u64,
    /// What is otherwise with benchmarks of the suite, and what others there are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub benchmarks: BTreeMap<String, BenchmarkConfig>,
    /// Files that planners or reward models were trained on: problems that are like some in those are counted. Default: the file of
    /// `[data]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trained_on: Vec<FileConfig>,
    /// Executors that read every planner, in place of `[executor]`: the table then shows how planners fare with each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub executors: Vec<NamedExecutorConfig>,
    /// Traces per problem and row.
    #[serde(default = "three")]
    pub seeds: u64,
    /// Executor runs behind `w` and `b`.
    #[serde(default = "three")]
    pub runs: usize,
    /// Let `[rubric]` read the traces as well. Default: no.
    #[serde(default)]
    pub rubric: bool,
    /// Further rows: name → checkpoint directory of a planner. The rows `no trace`, `base planner` (the planner above)
    /// and, once the run is finished, its own are always there.
    #[serde(default)]
    pub rows: BTreeMap<String, PathBuf>,
}

/// What is otherwise with a benchmark than the program takes it to be, or what another one is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkConfig {
    /// Its file. Default: in the suite's folder.
    pub path: Option<PathBuf>,
    /// How that is laid out. Default: as the benchmark is published, or as its first row shows.
    pub format: Option<Format>,
    /// Which column holds what, in a file of another layout.
    pub columns: Option<ColumnMap>,
    /// An embedded world, whose test templates it is.
    pub world: Option<WorldName>,
    /// Procedures that are made by these settings. Default: those of `procedural`.
    pub procedure: Option<ProcedureConfig>,
    /// How many problems are drawn. Default: as many as of the others.
    pub limit: Option<usize>,
    /// How its answers are compared. Default: as `verifier.answers` says; of worlds exactly.
    pub answers: Option<AnswerMode>,
}

/// A file of problems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The file.
    pub path: PathBuf,
    /// How it is laid out. Default: as its first row shows.
    pub format: Option<Format>,
    /// Which column holds what, in a file of another layout.
    pub columns: Option<ColumnMap>,
}

/// An executor with a name; exactly one of `in_process` and `openai`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedExecutorConfig {
    /// What tables call it.
    pub name: String,
    /// A checkpoint in this process.
    pub in_process: Option<InProcessConfig>,
    /// An OpenAI-compatible server.
    pub openai: Option<OpenAiConfig>,
}

impl NamedExecutorConfig {
    /// The same without its name.
    #[must_use]
    pub fn executor(&self) -> ExecutorConfig {
        ExecutorConfig { in_process: self.in_process.clone(), openai: self.openai.clone() }
    }
}

/// The benchmark of procedures that are made and not read.
pub const PROCEDURAL: &str = "procedural";

fn default_folder() -> PathBuf {
    "data".into()
}

fn default_draw() -> u64 {
    18
}

fn three<T: From<u8>>() -> T {
    T::from(3)
}

/// A setting of `[executor]`, as one of `eval.executors`, seen from `[eval]`.
#[must_use]
pub fn of_executor(at: usize, error: &SettingError) -> SettingError {
    let key = error.key().strip_prefix("executor").unwrap_or(error.key()).to_owned();
    let key = if key.starts_with('.') || key.is_empty() { key } else { format!(".{key}") };
    error.clone().renamed(&format!("executors[{at}]{key}"))
}

impl EvalConfig {
    /// Checks all that can be checked without a model, a server or data.
    pub(super) fn validate(&self) -> Result<(), SettingError> {
        SettingError::first(extent(self.seeds, self.runs))?;
        match (&self.data, self.suite.is_empty()) {
            (Some(data), true) => data.validate_looked_at().map_err(|error| error.under("data"))?,
            (Some(_), false) => {
                return Err(SettingError::new("data", "stands beside `suite`; give exactly one of the two"));
            }
            (None, false) => {}
            (None, true) => {
                let fault = "is missing, as is `suite`; one of them says which problems to evaluate on";
                return Err(SettingError::new("data", fault));
            }
        }
        let limit = |limit: Option<usize>| limit != Some(0);
        SettingError::first([(
            "limit",
            limit(self.limit),
            "0".to_owned(),
            "at least 1, or nothing to take all",
        )])?;
        let mut seen = BTreeSet::new();
        for name in &self.suite {
            if !seen.insert(name) {
                return Err(SettingError::new("suite", format!("names `{name}` twice")));
            }
            let own = self.benchmarks.get(name);
            let known =
                Benchmark::named(name).is_some() || name.parse::<WorldName>().is_ok() || name == PROCEDURAL;
            let said =
                |own: &BenchmarkConfig| own.path.is_some() || own.world.is_some() || own.procedure.is_some();
            if !known && !own.is_some_and(said) {
                let fault = format!(
                    "names `{name}`, which is none of {}, {PROCEDURAL} and the worlds; say in `eval.benchmarks.\"{name}\"` where its file is",
                    Benchmark::names()
                );
                return Err(SettingError::new("suite", fault));
            }
        }
        for (name, benchmark) in &self.benchmarks {
            benchmark.validate(limit).map_err(|error| error.under(name).under("benchmarks"))?;
            if !self.suite.contains(name) {
                let fault = "is none of `eval.suite`; add its name there, or leave this out";
                return Err(SettingError::new(name, fault).under("benchmarks"));
            }
        }
        self.validate_executors()?;
        match self.rows.keys().find(|row| row.trim().is_empty()) {
            Some(row) => Err(SettingError::new("rows", format!("has a row {row:?}; give it a name"))),
            None => Ok(()),
        }
    }

    fn validate_executors(&self) -> Result<(), SettingError> {
        for (at, executor) in self.executors.iter().enumerate() {
            let name = executor.name.trim();
            if name.is_empty() || self.executors[..at].iter().any(|other| other.name.trim() == name) {
                let key = format!("executors[{at}].name");
                let fault = format!("is {:?}; give each executor a name of its own", executor.name);
                return Err(SettingError::new(key, fault));
            }
            executor.executor().validate().map_err(|error| of_executor(at, &error))?;
        }
        Ok(())
    }
}

impl BenchmarkConfig {
    fn validate(&self, limit: impl Fn(Option<usize>) -> bool) -> Result<(), SettingError> {
        let sources = [self.path.is_some(), self.world.is_some(), self.procedure.is_some()]
            .map(usize::from)
            .iter()
            .sum::<usize>();
        if sources > 1 {
            return Err(SettingError::new(
                "path",
                "and `world` and `procedure` exclude each other; give one of them",
            ));
        }
        if let Some(procedure) = &self.procedure {
            procedure.validate().map_err(|fault| SettingError::new("procedure", format!(": {fault}")))?;
        }
        for (key, given) in [("format", self.format.is_some()), ("columns", self.columns.is_some())] {
            if given && self.world.is_some() {
                return Err(SettingError::new(key, "says how a file is laid out; a world has none"));
            }
        }
        SettingError::first([(
            "limit",
            limit(self.limit),
            "0".to_owned(),
            "at least 1, or nothing to take all",
        )])
    }
}
