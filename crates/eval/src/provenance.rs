//! What a result is of: everything that decided it, and by what, where and when it was found.

use crate::EvalError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use tracelift_domain::{Fingerprint, Seed};

/// What stands beside the rows in `evaluation.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The version of this program.
    pub version: String,
    /// When the evaluation was finished, as `2026-05-17T08:30:00Z`.
    pub time: String,
    /// The command that made it, argument by argument.
    pub command: Vec<String>,
    /// Where.
    pub machine: Machine,
    /// The seed of all its draws.
    pub seed: Seed,
    /// Traces per problem and row.
    pub seeds: u64,
    /// Executor runs behind each `w` and `b`.
    pub runs: usize,
    /// The planners, by row.
    pub planners: Vec<PlannerMade>,
    /// How they were asked and sampled: what `[planner]` says of that.
    pub planner: Value,
    /// The executors.
    pub executors: Vec<ExecutorMade>,
    /// The problems.
    pub data: Vec<DataMade>,
    /// Who read traces against the rubric.
    pub rubric: Option<Named>,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The operating system.
    pub os: String,
    /// The architecture.
    pub arch: String,
    /// The processor, as it calls itself.
    pub processor: Option<String>,
    /// How many of its cores may be used.
    pub cores: Option<usize>,
}

/// A model by what it is called and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// As it is described to people.
    pub name: String,
    /// What it is.
    pub fingerprint: Fingerprint,
}

/// A planner of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannerMade {
    /// The row.
    pub row: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Of its weights, tokenizer, prompts and sampling.
    pub fingerprint: Fingerprint,
    /// Of its prompts alone, with their layout.
    pub prompt: Fingerprint,
    /// The run that trained it, where it lies in one.
    pub run: Option<RunMade>,
}

/// The run that trained a planner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunMade {
    /// Its folder.
    pub folder: PathBuf,
    /// What kind of run it is.
    pub kind: String,
    /// Its reward rule, where it has one.
    pub rule: Option<String>,
    /// Its seed.
    pub seed: Seed,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// The executor that it was trained with.
    pub executor: Option<Fingerprint>,
}

/// An executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutorMade {
    /// What tables call it.
    pub name: String,
    /// As it is described to people.
    pub described: String,
    /// What it is.
    pub fingerprint: Fingerprint,
    /// Calls that were made of it in this process; answers that were kept before are not among them.
    pub calls: u64,
    /// Those of them that failed, by cause.
    pub failures: std::collections::BTreeMap<String, u64>,
    /// Attempts beyond the first of each call.
    pub retries: u64,
}

/// Where problems come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataMade {
    /// The benchmark, in a suite.
    pub benchmark: Option<String>,
    /// The file; `None` of a world.
    pub path: Option<PathBuf>,
    /// Its SHA-256.
    pub sha256: Option<Fingerprint>,
    /// How it is laid out.
    pub format: Option<String>,
    /// The world.
    pub world: Option<String>,
    /// How many problems there were to choose from; `None` of a world.
    pub available: Option<usize>,
    /// How many were evaluated on.
    pub problems: usize,
    /// The seed by which they were drawn, where not all were taken, or the first.
    pub draw: Option<u64>,
    /// Of all problems, gold included.
    pub fingerprint: Fingerprint,
    /// By what artifacts were judged.
    pub verifier: Fingerprint,
    /// Problems that are like what planners were trained on, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contamination: Option<Contamination>,
}

/// How many problems are like something that was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contamination {
    /// The files that were trained on.
    pub files: Vec<PathBuf>,
    /// Problems with an n-gram, or half of their short ones, in one of those.
    pub problems: Vec<Alike>,
    /// Problems of too few words to tell.
    pub too_short: usize,
}

/// A problem that is like one that was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alike {
    /// The problem.
    pub problem_id: String,
    /// The file that was trained on.
    pub file: String,
    /// The problem in it.
    pub like: String,
    /// Which share of its 8-grams is in the file.
    pub share: f64,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn observe() -> Machine {
        let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Machine {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            processor: processor.map(|(_, name)| name.trim().to_owned()),
            cores: thread::available_parallelism().ok().map(usize::from),
        }
    }
}

/// The SHA-256 of a file, as `sha256sum` prints it.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> Result<Fingerprint, EvalError> {
    let failed = |source| EvalError::Open { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut piece = vec![0; 1 << 16];
    Fingerprint::of_pieces(|give| {
        loop {
            match file.read(&mut piece).map_err(failed)? {
                0 => return Ok(()),
                length => give(&piece[..length]),
            }
        }
    })
}
