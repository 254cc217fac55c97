//! Where things lie in a run folder.

use super::{RunError, failed};
use crate::events;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use tracelift_domain::Seed;

/// What `run.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDescription {
    /// What the run does: `grpo`, `sft`, `reward-model`, …
    pub kind: String,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// The seed from which all its randomness follows.
    pub seed: Seed,
    /// How the fingerprints are made ([`SCHEME`]); 1 where a run of an earlier version does not say.
    #[serde(default = "first_scheme")]
    pub scheme: u32,
    /// What must be the same for the run to go on and to be compared: models, executor, data, code.
    pub fingerprints: Map<String, Value>,
}

/// How fingerprints are made today: of canonical JSON. Until then (1) they were made of text for programmers, which changes
/// with names in the code.
pub const SCHEME: u32 = 2;

fn first_scheme() -> u32 {
    1
}

impl RunDescription {
    /// A run that begins now.
    #[must_use]
    pub fn now(kind: impl Into<String>, seed: Seed, fingerprints: Map<String, Value>) -> RunDescription {
        // A clock before 1970 is a wrong clock, not a reason not to train.
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        RunDescription { kind: kind.into(), started, seed, scheme: SCHEME, fingerprints }
    }
}

/// Where things lie in a run folder. Reading needs no more than this; it takes no lock and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLayout {
    root: PathBuf,
}

impl RunLayout {
    const RUBRIC_LEDGER: &str = "rubric.ledger";
    const DIFFICULTY: &str = "difficulty.jsonl";
    const SPENDING: &str = "spending.jsonl";

    /// What may be there before the run is, as it is paid for first.
    pub(super) const BEFORE_THE_RUN: [&str; 3] =
        [RunLayout::RUBRIC_LEDGER, RunLayout::DIFFICULTY, RunLayout::SPENDING];

    /// The layout of the run in `root`, which need not exist.
    #[must_use]
    pub fn of(root: impl Into<PathBuf>) -> RunLayout {
        RunLayout { root: root.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `run.json`.
    #[must_use]
    pub fn description(&self) -> PathBuf {
        self.root.join("run.json")
    }

    /// `config.toml`.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// `rubric.ledger`: the replies of a judge, which may be there before the run is, as it is made ready first.
    #[must_use]
    pub fn rubric_ledger(&self) -> PathBuf {
        self.root.join(RunLayout::RUBRIC_LEDGER)
    }

    /// `metrics.jsonl`.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// The TensorBoard event file.
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.root.join("events").join(events::FILE_NAME)
    }

    /// The rollouts of a step.
    #[must_use]
    pub fn rollouts(&self, step: u64) -> PathBuf {
        self.root.join("rollouts").join(format!("{}.parquet", step_name(step)))
    }

    /// The checkpoint of a step.
    #[must_use]
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.checkpoints().join(step_name(step))
    }

    /// What a planner in training made of the development problems after a step.
    #[must_use]
    pub fn dev_samples(&self, step: u64) -> PathBuf {
        self.dev().join(format!("{}.jsonl", step_name(step)))
    }

    pub(super) fn dev(&self) -> PathBuf {
        self.root.join("dev")
    }

    /// What the run's executor has spent.
    #[must_use]
    pub fn spending(&self) -> PathBuf {
        self.root.join(RunLayout::SPENDING)
    }

    /// How difficult problems are, where they are chosen by that: measured before the run is there.
    #[must_use]
    pub fn difficulty(&self) -> PathBuf {
        self.root.join(RunLayout::DIFFICULTY)
    }

    /// The best planner so far, by the development problems.
    #[must_use]
    pub fn best(&self) -> PathBuf {
        self.root.join("best")
    }

    pub(super) fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("run.lock")
    }

    /// `end.json`.
    #[must_use]
    pub fn end(&self) -> PathBuf {
        self.root.join("end.json")
    }

    /// Whether a process writes the run now.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn is_written(&self) -> Result<bool, RunError> {
        let path = self.lock();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(failed("open", &path)(e)),
        };
        match file.try_lock_shared() {
            // It is given back as the file is closed, and writers wait for as long as that takes.
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(e)) => Err(failed("lock", &path)(e)),
        }
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn read_description(&self) -> Result<RunDescription, RunError> {
        let path = self.description();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(RunError::NoRun { path: self.root.clone() });
            }
            Err(e) => return Err(failed("read", &path)(e)),
        };
        serde_json::from_slice(&text).map_err(|source| RunError::BadDescription { path, source })
    }

    /// Reads `run.json` to compare its fingerprints with others.
    ///
    /// # Errors
    /// As [`RunLayout::read_description`], and when its fingerprints were made in another way.
    pub fn read_comparable(&self) -> Result<RunDescription, RunError> {
        let found = self.read_description()?;
        if found.scheme == SCHEME {
            Ok(found)
        } else {
            Err(RunError::OtherVersion { path: self.root.clone() })
        }
    }

    /// The steps of the complete checkpoints, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn checkpoint_steps(&self) -> Result<Vec<u64>, RunError> {
        steps_in(&self.checkpoints(), "")
    }

    /// The steps that have rollouts, first one first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn rollout_steps(&self) -> Result<Vec<u64>, RunError> {
        steps_in(&self.root.join("rollouts"), ".parquet")
    }

    /// The steps after which development problems were looked at, first one first; none where there are none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn dev_steps(&self) -> Result<Vec<u64>, RunError> {
        let folder = self.dev();
        if folder.exists() { steps_in(&folder, ".jsonl") } else { Ok(Vec::new()) }
    }

    /// The newest complete checkpoint.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn latest_checkpoint(&self) -> Result<Option<(u64, PathBuf)>, RunError> {
        Ok(self.checkpoint_steps()?.last().map(|step| (*step, self.checkpoint(*step))))
    }
}

pub(super) fn step_name(step: u64) -> String {
    format!("step_{step:06}")
}

/// The steps of the entries called `step_…` and then `suffix`, in order; whatever is called otherwise is not ours.
fn steps_in(folder: &Path, suffix: &str) -> Result<Vec<u64>, RunError> {
    let mut steps = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let name = entry.map_err(failed("list", folder))?.file_name();
        let step = name
            .to_str()
            .and_then(|name| name.strip_prefix("step_")?.strip_suffix(suffix)?.parse::<u64>().ok())
            .filter(|step| name.to_str() == Some(&format!("{}{suffix}", step_name(*step))));
        steps.extend(step);
    }
    steps.sort_unstable();
    Ok(steps)
}
