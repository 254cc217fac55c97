//! What lies in a folder of runs, evaluations, experiments, group files, reward ledgers and reports on reward models, for whoever
//! shows it: pages, the terminal.
//!
//! An [`Archive`] reads and never writes. Everything in it is named by a [place](Archive::resolve), a path below the folder; what lies elsewhere, by
//! links or by `..`, is not there. [`Archive::contents`] lists what there is; a [`Run`] follows a run's metrics as they grow and reads its
//! rollouts by columns; [`Samples`] are those of an evaluation. No statistic is computed here: `statistics` and `eval` do that.

mod contents;
mod error;
mod evaluations;
mod folder;
mod groups;
mod ledger;
mod parquet_columns;
mod process;
mod rollouts;
mod run;
mod scorers;
mod shelf;

pub use contents::{CellEntry, Contents, EvaluationEntry, ExperimentEntry, FileEntry, RowEntry, What};
pub use error::ArchiveError;
pub use evaluations::Samples;
pub use folder::Archive;
pub use groups::{GroupEntry, GroupFile};
pub use ledger::{LedgerEntry, read_ledger};
pub use process::{Process, marks};
pub use rollouts::{Rollout, RolloutIndex, RolloutNote};
pub use run::{Best, Run, RunOverview, RunState};
pub use scorers::ScorerReport;
