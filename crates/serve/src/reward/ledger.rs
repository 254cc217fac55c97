//! A log of every item with all its parts and texts: for looking at, and for training reward models later.

use super::appraise::Appraised;
use super::told::{Fingerprints, RewardResult};
use serde::Serialize;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tracelift_domain::Problem;
use tracelift_reward::Place;
use tracelift_reward::measure::Run;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the log of rewards {}: {source}", path.display())]
pub struct LedgerError {
    path: PathBuf,
    source: io::Error,
}

/// A JSONL file that grows, and is set aside under a number once it is large: `rewards.jsonl.1` is the oldest.
pub struct Ledger {
    path: PathBuf,
    most: u64,
    open: Mutex<Open>,
}

struct Open {
    file: File,
    bytes: u64,
}

fn opened(path: &Path) -> io::Result<Open> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes })
}

impl Ledger {
    /// Opens a file, which is gone on with, and set aside once it has so many bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path, most: u64) -> Result<Ledger, LedgerError> {
        let fault = |source| LedgerError { path: path.to_owned(), source };
        let mut open = opened(path).map_err(fault)?;
        // What a crash left of its last line would spoil the next one.
        if open.bytes > 0 && !ends_in_newline(path).map_err(fault)? {
            open.file.write_all(b"\n").map_err(fault)?;
            open.bytes += 1;
        }
        Ok(Ledger { path: path.to_owned(), most: most.max(1), open: Mutex::new(open) })
    }

    /// Writes down the items of a request. They are with the system when this returns, so what was answered is in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, lines: &[u8]) -> Result<(), LedgerError> {
        let fault = |source| LedgerError { path: self.path.clone(), source };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.bytes > 0 && open.bytes + lines.len() as u64 > self.most {
            std::fs::rename(&self.path, self.next_aside()).map_err(fault)?;
            *open = opened(&self.path).map_err(fault)?;
        }
        open.file.write_all(lines).map_err(fault)?;
        open.bytes += lines.len() as u64;
        Ok(())
    }

    fn next_aside(&self) -> PathBuf {
        let aside = |number: u64| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        // Files are few: they are set aside at hundreds of megabytes.
        (1..).map(aside).find(|path| !path.exists()).unwrap_or_else(|| aside(0))
    }
}

fn ends_in_newline(path: &Path) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The line of an item: its result, and the texts that it came of.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    #[serde(flatten)]
    pub result: RewardResult,
    /// All that the planner wrote.
    pub completion: &'a str,
    pub trace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'a Problem>,
    pub executor_completions: Vec<Option<&'a str>>,
    pub baseline_completions: Vec<Option<&'a str>>,
    pub fingerprints: &'a Fingerprints,
    pub settings: &'a Value,
}

impl<'a> Line<'a> {
    pub fn of(
        index: usize,
        appraised: &'a Appraised,
        fingerprints: &'a Fingerprints,
        settings: &'a Value,
    ) -> Line<'a> {
        let texts = |runs: &'a [Run]| runs.iter().map(Run::completion).collect();
        Line {
            result: RewardResult::of(index, appraised),
            completion: &appraised.written,
            trace: appraised.trace.as_ref().map(|trace| trace.as_str()),
            problem: appraised.problem.as_deref(),
            executor_completions: texts(&appraised.appraisal.runs),
            baseline_completions: texts(&appraised.appraisal.baseline),
            fingerprints,
            settings,
        }
    }
}

/// Whether an item is worth a line: one that was no item is not.
pub(super) fn is_kept(appraised: &Appraised) -> bool {
    appraised.appraisal.unknown.as_ref().is_none_or(|unknown| unknown.place != Place::Item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_gone_on_with_and_set_aside_when_it_is_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rewards.jsonl");
        std::fs::write(&path, "{\"half").unwrap();
        let ledger = Ledger::open(&path, 20).unwrap();
        ledger.write(b"{\"a\":1}\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"half\n{\"a\":1}\n");
        ledger.write(b"{\"b\":2}\n").unwrap();
        ledger.write(b"{\"c\":3}\n").unwrap();
        ledger.write(b"{\"long\":\"longer than all\"}\n").unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("rewards.jsonl.1"), "{\"half\n{\"a\":1}\n");
        assert_eq!(read("rewards.jsonl.2"), "{\"b\":2}\n{\"c\":3}\n");
        assert_eq!(read("rewards.jsonl"), "{\"long\":\"longer than all\"}\n");
    }
}
