//! Rollouts on disk: every completion that was sampled, with all that was found out about it, one Parquet file per step.
//!
//! What is unknown is null, never zero. The columns are plain, so that any Parquet reader makes a table of them: counts are
//! `INT64`, numbers `DOUBLE`, texts UTF-8, flags `BOOLEAN`, and several texts a list. `docs/runs.md` says what each means;
//! a test holds it against [`columns`]. `tracelift sft` reads traces back that were good, as rows of any table.

mod reading;
mod table;

pub use reading::{RolloutNumbers, read_rollouts};
pub use table::{ColumnDescription, columns};

use std::path::{Path, PathBuf};
use tracelift_reward::RubricScore;

/// Why a reward is unknown: nobody knows how the executor does without a trace.
pub const NO_BASELINE: &str = "no_baseline";
/// Why a reward is unknown: nobody has read the trace against the rubric. The cause of that stands beside it, behind
/// [`RUBRIC_CAUSE`].
pub const NO_RUBRIC_SCORE: &str = "no_rubric_score";
/// What causes begin with for which there is no rubric score.
pub const RUBRIC_CAUSE: &str = "rubric_";

/// One sampled completion and everything that was found out about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RolloutRecord {
    /// The training step.
    pub step: u64,
    /// The problem.
    pub problem_id: String,
    /// Where it comes from.
    pub source: String,
    /// `math`, `code` or `steps`.
    pub domain: String,
    /// Its statement.
    pub question: String,
    /// What artifacts are judged against, as text.
    pub gold: String,
    /// Which of the step's rollout groups.
    pub group_index: u64,
    /// Which of the group's samples.
    pub sample_index: u64,
    /// Whether another group was drawn in the place of its group, which was not learned from.
    pub replaced: bool,
    /// The hash of the planner's prompt.
    pub planner_prompt: String,
    /// The hash of the executor's prompt with the trace, where it was asked.
    pub executor_prompt: Option<String>,
    /// The planner's completion as it was sampled, tags and all.
    pub completion: String,
    /// The trace in it, where it is usable.
    pub trace: Option<String>,
    /// How many tokens were sampled.
    pub trace_tokens: u64,
    /// Whether the token budget cut the completion off.
    pub truncated: bool,
    /// Why the completion holds no usable trace, if so.
    pub defect: Option<String>,
    /// The executor's completions with the trace, the primary one first.
    pub executor_completions: Vec<Option<String>>,
    /// What the verifier found in each.
    pub artifacts: Vec<Option<String>>,
    /// What it says of each.
    pub verdicts: Vec<Option<String>>,
    /// Outcome `e` of the primary artifact.
    pub e: Option<f64>,
    /// Success with the trace, `w`.
    pub w: Option<f64>,
    /// Success without any trace, `b`.
    pub b: Option<f64>,
    /// Uplift, `u = w − b`.
    pub u: Option<f64>,
    /// Rubric score, `s`.
    pub s: Option<f64>,
    /// What was read against the rubric, where a trace was read.
    pub rubric: Option<RubricReading>,
    /// What the reward rule made of it.
    pub reward: Option<f64>,
    /// The format term beside it, where the run has one.
    pub format: Option<f64>,
    /// The punishment of length beside it, where the run has one.
    pub overlong: Option<f64>,
    /// The advantage within the rollout group.
    pub advantage: Option<f64>,
    /// Causes of what is unknown; one may come several times.
    pub unknown_because: Vec<String>,
    /// Whether the trace states the answer or contains a program.
    pub leaked: Option<bool>,
    /// Whether an exact checker confirms every step of the trace.
    pub verified: Option<bool>,
}

/// A rubric score with the names of its dimensions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RubricReading {
    /// The names.
    pub names: &'static [&'static str; tracelift_domain::rubric::DIMENSIONS],
    /// The score.
    pub score: RubricScore,
}

impl RolloutRecord {
    /// What it is compared with its siblings by: what the rule makes of it, and the terms beside that.
    #[must_use]
    pub fn total(&self) -> Option<f64> {
        Some(self.reward? + self.format.unwrap_or(0.0) + self.overlong.unwrap_or(0.0))
    }

    /// The expected label of a dimension, 0 to 4, where a trace was read against it.
    fn label(&self, dimension: &str) -> Option<f64> {
        let RubricReading { names, score } = self.rubric.as_ref()?;
        names.iter().zip(score.dimensions).find(|(name, _)| **name == dimension).map(|(_, label)| label)
    }
}

/// Why rollouts could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutsError {
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] tracelift_files::WriteError),
    /// A file cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is none of rollouts.
    #[error("{} holds no rollouts that this version reads: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// The Parquet library refused.
    #[error("cannot encode {} as parquet: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: parquet::errors::ParquetError,
    },
}

/// Writes the rollouts of a step as one file, whole or not at all.
///
/// # Errors
/// When the disk refuses.
pub fn write_rollouts(path: &Path, records: &[RolloutRecord]) -> Result<(), RolloutsError> {
    let bytes =
        table::encode(records).map_err(|source| RolloutsError::Parquet { path: path.to_owned(), source })?;
    Ok(tracelift_files::write(path, bytes)?)
}
