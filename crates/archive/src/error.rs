//! What can go wrong while an archive is read.

use std::{io, path::PathBuf};
use tracelift_eval::EvalError;
use tracelift_groups::GroupsError;
use tracelift_train::{metrics::MetricsError, rollouts::RolloutsError, run::RunError};

/// Why something of an archive cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The folder itself cannot be opened.
    #[error("cannot open {}: {source}; give a folder of runs, evaluations or groups", path.display())]
    Root {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A place that is not below the folder, or not there.
    #[error("there is nothing at `{place}` in this folder")]
    Nowhere {
        /// The place, as it was asked for.
        place: String,
    },
    /// What lies there is something else.
    #[error("`{place}` holds no {what}")]
    Other {
        /// The place.
        place: String,
        /// What was expected.
        what: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is damaged, or of another version.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Of a run folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Of metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Of rollouts.
    #[error(transparent)]
    Rollouts(#[from] RolloutsError),
    /// Of an evaluation.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// Of groups.
    #[error(transparent)]
    Groups(#[from] GroupsError),
}

impl ArchiveError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> ArchiveError {
        let path = path.into();
        move |source| ArchiveError::Read { path, source }
    }

    pub(crate) fn damaged(path: impl Into<PathBuf>, reason: impl ToString) -> ArchiveError {
        ArchiveError::Damaged { path: path.into(), reason: reason.to_string() }
    }
}
