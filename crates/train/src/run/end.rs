//! How a run ended, by its own word: what no later reader could tell from the other files.

use super::{RunError, RunLayout, failed};
use serde::{Deserialize, Serialize};
use std::{fs, io};

/// What `end.json` says. A run whose process was killed has none, nor has one that goes on. It says no time, which the file has itself:
/// so runs that are one are the same to the byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum RunEnd {
    /// All that was asked for is done.
    Finished,
    /// It ended with an error.
    Failed {
        /// What the error said.
        cause: String,
    },
}

impl RunLayout {
    /// Writes down how the run ended.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn record_end(&self, end: &RunEnd) -> Result<(), RunError> {
        let path = self.end();
        let text = serde_json::to_string(end)
            .map_err(|source| RunError::BadDescription { path: path.clone(), source })?;
        Ok(tracelift_files::write(path, text + "\n")?)
    }

    /// How the run ended; `None` where it goes on, was killed, or is of a version that did not say.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read_end(&self) -> Result<Option<RunEnd>, RunError> {
        let path = self.end();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|source| RunError::BadDescription { path, source }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed("read", &path)(e)),
        }
    }

    /// A run that goes on has not ended.
    pub(super) fn forget_end(&self) -> Result<(), RunError> {
        let path = self.end();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(e)),
            _ => Ok(()),
        }
    }
}
