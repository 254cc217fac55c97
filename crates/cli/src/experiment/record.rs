//! What an experiment's folder says of it: its cells, what each is, and how far it has come.
//!
//! ```text
//! out/
//!   experiment.json           this record
//!   experiment.toml           the experiment as it was read
//!   cells/NAME/               a run folder, as `train` makes it, with its evaluations
//!   cells/NAME.toml .log      its configuration, and what was said while it ran
//!   starts/NAME/              what cells begin with (no trace, the base planner), evaluated once for all that share it
//! ```

use super::config::{EqualBy, settings};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::Value;
use tracelift_domain::Seed;

/// The layout of the record.
const VERSION: u32 = 1;

/// Everything that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    version: u32,
    /// By what cells are equal.
    pub budget: Option<EqualBy>,
    /// Test sets by name, as TOML.
    pub tests: BTreeMap<String, String>,
    /// The cells.
    pub cells: Vec<Cell>,
    /// What they begin with.
    pub starts: Vec<Start>,
}

/// A training, and its evaluations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The name of its folder.
    pub name: String,
    /// What it has in common with cells of other seeds.
    pub arm: String,
    /// Its seed.
    pub seed: Seed,
    /// What is varied, by key.
    pub settings: BTreeMap<String, String>,
    /// The name of what it begins with.
    pub start: String,
    /// How far it has come.
    pub state: State,
    /// Whether its planner is trained.
    pub trained: bool,
    /// The test sets that it was evaluated on.
    pub evaluated: BTreeSet<String>,
    /// Why it failed, where it did.
    pub cause: Option<String>,
}

/// What cells begin with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The name of its folder.
    pub name: String,
    /// How far it has come.
    pub state: State,
    /// The test sets that it was evaluated on.
    pub evaluated: BTreeSet<String>,
    /// Why it failed, where it did.
    pub cause: Option<String>,
}

/// How far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing was done yet.
    Waiting,
    /// It is trained, or was when it was stopped.
    Training,
    /// It is evaluated, or was.
    Evaluating,
    /// All is done.
    Finished,
    /// It ended with an error.
    Failed,
}

impl State {
    /// For people.
    pub fn told(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Training => "training",
            State::Evaluating => "evaluating",
            State::Finished => "finished",
            State::Failed => "failed",
        }
    }
}

/// Where things lie in an experiment's folder.
#[derive(Clone, Debug)]
pub struct Places {
    out: PathBuf,
}

impl Places {
    /// Of a folder.
    pub fn of(out: &Path) -> Places {
        Places { out: out.to_owned() }
    }

    /// The record.
    pub fn record(&self) -> PathBuf {
        self.out.join("experiment.json")
    }

    /// The experiment as it was read.
    pub fn experiment(&self) -> PathBuf {
        self.out.join("experiment.toml")
    }

    /// Held by the process that works on it.
    pub fn lock(&self) -> PathBuf {
        self.out.join("experiment.lock")
    }

    /// The folder of cells.
    pub fn cells(&self) -> PathBuf {
        self.out.join("cells")
    }

    /// The folder of what they begin with.
    pub fn starts(&self) -> PathBuf {
        self.out.join("starts")
    }
}

impl Record {
    /// Of an experiment that begins.
    pub fn new(budget: Option<EqualBy>, tests: BTreeMap<String, String>) -> Record {
        Record { version: VERSION, budget, tests, cells: Vec::new(), starts: Vec::new() }
    }

    /// Reads the record of a folder; nothing where there is none.
    ///
    /// # Errors
    /// When it is damaged, or of another version.
    pub fn read(places: &Places) -> Result<Option<Record>> {
        let path = places.record();
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("failed to read {}", path.display()))?,
        };
        let found: Record =
            serde_json::from_str(&text).with_context(|| format!("failed to read {}", path.display()))?;
        if found.version != VERSION {
            bail!("{} is of version {}, and this program reads {VERSION}", path.display(), found.version);
        }
        Ok(Some(found))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, places: &Places) -> Result<()> {
        Ok(tracelift_files::write(places.record(), serde_json::to_string_pretty(self)? + "\n")?)
    }

    /// Refuses to go on as another experiment: what is there would not belong to what comes. Cells, seeds and test sets may be added.
    ///
    /// # Errors
    /// Names what differs.
    pub fn refuse_changes(&self, out: &Path, new: &Record, texts: &BTreeMap<String, String>) -> Result<()> {
        let mut changes = Vec::new();
        if self.budget != new.budget {
            changes.push("another `budget`".to_owned());
        }
        for (name, data) in &self.tests {
            match new.tests.get(name) {
                Some(now) if now == data => {}
                Some(_) => changes.push(format!("other problems in `tests.{name}`")),
                None => changes.push(format!("test set `{name}`, which is gone now")),
            }
        }
        let places = Places::of(out);
        for cell in self.cells.iter().filter(|cell| !new.cells.iter().any(|other| other.name == cell.name)) {
            changes.push(match texts.get(&cell.name) {
                None => format!("cell `{}`, which is gone now", cell.name),
                Some(now) => {
                    let path = places.cells().join(format!("{}.toml", cell.name));
                    let before = std::fs::read_to_string(&path)
                        .with_context(|| format!("failed to read {}", path.display()))?;
                    format!("cell `{}` with other settings: {}", cell.name, differences(&before, now)?)
                }
            });
        }
        if !changes.is_empty() {
            bail!(
                "{} holds an experiment with {}; arms, seeds and test sets may be added, and nothing else: go on with the \
                 file as it was, or choose another `out`",
                out.display(),
                changes.join("; ")
            );
        }
        Ok(())
    }
}

/// Where a cell lies decides nothing of what it is.
const NOT_IDENTITY: &str = "out";

/// Whether two configurations are of one cell.
///
/// # Errors
/// When one of them is no TOML.
pub fn is_same(before: &str, now: &str) -> Result<bool> {
    Ok(identity(before)? == identity(now)?)
}

fn identity(text: &str) -> Result<BTreeMap<String, Value>> {
    let mut found = settings(text)?;
    found.remove(NOT_IDENTITY);
    Ok(found)
}

/// Keys with other values, each with that of before and that of now.
fn differences(before: &str, now: &str) -> Result<String> {
    let (before, now) = (identity(before)?, identity(now)?);
    let shown = |value: Option<&Value>| value.map_or_else(|| "not set".to_owned(), |value| value.to_string());
    let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let changed = keys.into_iter().filter(|key| before.get(*key) != now.get(*key));
    let told: Vec<String> = changed
        .map(|key| format!("`{key}` was {} and is {}", shown(before.get(key)), shown(now.get(key))))
        .collect();
    Ok(told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_and_where_it_lies_is_not() {
        let before = "out = \"a\"\n[reward]\nlambda = 0.5\nrule = \"tracelift\"\n";
        let now = "out = \"b\"\n[reward]\nlambda = 0.2\nruns = 3\nrule = \"tracelift\"\n";
        assert!(is_same(before, &before.replace("\"a\"", "\"c\"")).unwrap());
        assert!(!is_same(before, now).unwrap());
        assert_eq!(
            differences(before, now).unwrap(),
            "`reward.lambda` was 0.5 and is 0.2, `reward.runs` was not set and is 3"
        );
    }
}
