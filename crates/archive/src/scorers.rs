//! Reports on reward models and judges, as `rm eval --json` writes them.

use crate::ArchiveError;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};
use tracelift_eval::{ScorerTable, SolutionTable};

/// What scorers are worth.
#[derive(Clone, Debug, Deserialize)]
pub struct ScorerReport {
    /// On what they were measured, and what they are.
    on: BTreeMap<String, Value>,
    /// On groups.
    pub groups: Option<ScorerTable>,
    /// On solutions with verdicts.
    pub solutions: Option<SolutionTable>,
}

impl ScorerReport {
    pub(crate) fn read(path: &Path) -> Result<ScorerReport, ArchiveError> {
        let text = fs::read(path).map_err(ArchiveError::read(path))?;
        serde_json::from_slice(&text).map_err(|error| ArchiveError::damaged(path, error))
    }

    /// On what they were measured, and what they are: what, and its value.
    #[must_use]
    pub fn facts(&self) -> Vec<(String, String)> {
        let told = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.on.iter().map(|(what, value)| (what.clone(), told(value))).collect()
    }
}
