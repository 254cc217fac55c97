//! What keeps groups from being made.

use crate::llm::RefereeError;
use std::{io, path::PathBuf, sync::Arc};
use tracelift_datasets::DatasetError;
use tracelift_domain::SettingError;
use tracelift_files::WriteError;
use tracelift_groups::GroupsError;
use tracelift_oracle::{Failure, OracleError, Stop};
use tracelift_sandbox::SandboxError;

/// Why a build ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A setting makes no groups.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A source or a benchmark cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Groups cannot be read or written.
    #[error(transparent)]
    Groups(#[from] GroupsError),
    /// A file of the build cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file of the build cannot be kept or read.
    #[error("{action} {}: {source}", path.display())]
    File {
        /// What failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The models of the build cannot be made ready.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// The executor cannot be made ready.
    #[error(transparent)]
    Referee(#[from] RefereeError),
    /// Programs cannot be run.
    #[error("cannot try programs out here: {0}; set `execute = false` to build without that")]
    Sandbox(Arc<SandboxError>),
    /// A model's reply stayed away.
    #[error(
        "the build stopped after {groups} groups, which are in {}: {why}; the same command goes on from there, and what \
         was answered is not asked again",
        partial.display()
    )]
    Unfinished {
        /// How many groups are done.
        groups: u64,
        /// Where they are.
        partial: PathBuf,
        /// What happened.
        why: Box<Failure>,
    },
    /// A model's reply stayed away from a build that is not kept.
    #[error(
        "the build stopped after {groups} groups: {why}; nothing lies beside a device or FIFO, so it begins anew"
    )]
    CutShort {
        /// How many groups are out.
        groups: u64,
        /// What happened.
        why: Box<Failure>,
    },
    /// Models are asked, and their ledgers have no place.
    #[error(
        "{} is a device or FIFO, beside which no ledger of a model can lie; name a file, or `ledger` in the model's section",
        out.display()
    )]
    NoLedger {
        /// Where the groups go.
        out: PathBuf,
    },
    /// An interrupted build with other settings lies there.
    #[error(
        "{} belongs to a build with other settings or another version; finish that one, or remove it and {}",
        progress.display(),
        partial.display()
    )]
    OtherSettings {
        /// The record.
        progress: PathBuf,
        /// What was written.
        partial: PathBuf,
    },
}

impl BuildError {
    /// Whether the build ended because somebody asked it to.
    #[must_use]
    pub fn was_asked_for(&self) -> bool {
        match self {
            BuildError::Unfinished { why, .. } | BuildError::CutShort { why, .. } => {
                matches!(**why, Failure::Stopped(Stop::Requested))
            }
            _ => false,
        }
    }
}
