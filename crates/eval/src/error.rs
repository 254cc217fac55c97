//! What can go wrong when results are summed up.

use std::path::PathBuf;
use tracelift_domain::Fingerprint;

/// Why results could not be summed up or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// Rows of different executors in one table.
    #[error(
        "row `{row}` was measured with executor {executor}, but row `{first_row}` with executor {first}: their \
         difference is not the planner's alone; evaluate both with one executor, or ask for a transfer table"
    )]
    MixedExecutors {
        /// The first row of the table.
        first_row: String,
        /// Its executor.
        first: Fingerprint,
        /// The row that does not fit.
        row: String,
        /// Its executor.
        executor: Fingerprint,
    },
    /// Two rows of one name and one executor.
    #[error("two rows are called `{row}` (executor {executor}); give each planner its own name")]
    DuplicateRow {
        /// The name.
        row: String,
        /// The executor.
        executor: Fingerprint,
    },
    /// One sample twice.
    #[error(
        "row `{row}` has two samples with seed {seed} of problem `{problem_id}`; counting one twice would make the \
         standard error too small"
    )]
    DuplicateSample {
        /// The row.
        row: String,
        /// The problem.
        problem_id: String,
        /// The index of the seed.
        seed: u64,
    },
    /// Nothing to compare.
    #[error("rows `{row}` and `{against}` have no problem in common on which both have a known {metric}")]
    NothingInCommon {
        /// One row.
        row: String,
        /// The other one.
        against: String,
        /// The metric.
        metric: &'static str,
    },
    /// A folder without results.
    #[error(
        "{} holds no run, no experiment and no evaluation; name the folder of one (with run.json, experiment.json or samples.jsonl), \
         or one of runs", path.display()
    )]
    NothingToCompare {
        /// The folder.
        path: PathBuf,
    },
    /// A folder without results.
    #[error("{} holds no results; name a folder with samples.jsonl, such as run/evaluation", path.display())]
    NothingToExport {
        /// The folder.
        path: PathBuf,
    },
    /// A log cannot be packed.
    #[error("cannot pack {}: {reason}", path.display())]
    Zip {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A Parquet file cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Open {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not as this program writes it.
    #[error("{} cannot be read: {reason}", path.display())]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What is kept of an evaluation under way cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Work {
        /// What was attempted.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process does the same part of an evaluation.
    #[error("another process is working on {}; wait for it or stop it, or give each its own `--shard`", path.display())]
    UnderWay {
        /// What is kept of that part.
        path: PathBuf,
    },
    /// A run folder cannot be read.
    #[error(transparent)]
    Run(#[from] tracelift_train::run::RunError),
    /// A difference between rows that are not in the table.
    #[error("there is no row `{row}` to compare; the rows are {known}")]
    UnknownRow {
        /// The name.
        row: String,
        /// The rows that there are.
        known: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] tracelift_files::WriteError),
    /// A value cannot be written as JSON.
    #[error("cannot encode {what} as JSON: {source}")]
    Encode {
        /// What.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
}
