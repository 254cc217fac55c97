//! What a training run must remember to go on bit for bit, beside what its learners save of themselves
//! ([`tracelift_engine::Learner::save`]).
//!
//! There is no random state among it: every draw of a step follows from the run's seed and the step's number.

use serde::{Deserialize, Serialize};
use std::path::Path;
use tracelift_engine::CheckpointError;

/// Why a state cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file cannot be read or written, or belongs to another shape of model.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A JSON file of the state is damaged.
    #[error("{path}: {source}")]
    Numbers {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The baselines were measured with another executor.
    #[error(transparent)]
    Executor(#[from] tracelift_reward::measure::OtherExecutor),
}

/// Makes a folder inside a checkpoint.
pub(crate) fn make_dir(path: &Path) -> Result<(), StateError> {
    std::fs::create_dir_all(path).map_err(|source| CheckpointError::Io { path: path.to_owned(), source })?;
    Ok(())
}

/// Writes a part of a state as JSON.
pub(crate) fn save_json<T: Serialize>(dir: &Path, file: &str, value: &T) -> Result<(), StateError> {
    let path = dir.join(file);
    let text =
        serde_json::to_string(value).map_err(|source| StateError::Numbers { path: path.clone(), source })?;
    tracelift_files::write(&path, text).map_err(CheckpointError::from)?;
    Ok(())
}

/// Reads a part of a state.
pub(crate) fn load_json<T: for<'de> Deserialize<'de>>(dir: &Path, file: &str) -> Result<T, StateError> {
    let path = dir.join(file);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| CheckpointError::Io { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| StateError::Numbers { path, source })
}
